"""Try a change of the template: `python tests/try_change.py FOLDER [KIND]`; `make try` runs it.

The working tree is rendered over the project of the last try, and `dvc repro` runs what the change touches: nothing for a page or
a report, minutes for the model. Each try is a commit of that project, so `datapass compare` says what the change did to the results.
"""

import shutil
import sys
from pathlib import Path

from conftest import KINDS
from demo import ROOT, Demo

REPLACED = ("src", "conf", "tests", ".ci", ".github", ".gitlab")  # what the template does not have any more must go


def main(folder: Path, kind: str = "images") -> None:
    """Render, run and compare with the try before."""
    if kind not in KINDS:
        sys.exit(f"KIND={kind}: it is one of {', '.join(KINDS)}.")
    project = folder / KINDS[kind]
    again = (project / ".git").exists()
    demo = Demo(folder, steps=3)
    folder.mkdir(parents=True, exist_ok=True)
    demo.step = 0
    demo.say(f"the working tree as a project, in {project}")
    for name in REPLACED:
        shutil.rmtree(project / name, ignore_errors=True)
    demo.run("cookiecutter", "--no-input", "--overwrite-if-exists", str(ROOT), f"kind={kind}")
    demo.folder = project
    demo.env["PYTHONPATH"] = "src"
    if not again:
        demo.run("git", "init", "--quiet", "-b", "main")
    demo.say("what the change touches")
    demo.run("dvc", "repro")
    demo.run("git", "add", "-A")
    demo.run("git", "commit", "--quiet", "--allow-empty", "-m", "Try")
    demo.say("what it did to the results" if again else "the project's own checks")
    if again:
        demo.run("git", "diff", "--stat", "HEAD~1", "HEAD", "--", "src", "conf", "dvc.lock", "metrics.json")
        demo.run("python", "-m", "datapass", "compare", "HEAD~1", "HEAD", "--to", "reports/report.html")
    else:
        demo.run("python", "-m", "pytest", "-q")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
