"""From an empty folder to a verdict on a relabelling pass: what a new user types, step by step.

`python tests/demo.py FOLDER`, in an environment with the template's requirements; `make demo` makes it.
"""

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).parents[1]
STEPS = 7


class Demo:
    """Runs commands in one folder after the other, showing each as one types it."""

    def __init__(self, folder: Path, steps: int = STEPS) -> None:
        self.folder, self.step, self.steps = folder, 1, steps
        # A machine without a Git identity can run the demo all the same; an existing one is used.
        self.env = dict(os.environ)
        if subprocess.run(["git", "config", "user.email"], capture_output=True, check=False).returncode:
            for who in ("AUTHOR", "COMMITTER"):
                self.env |= {f"GIT_{who}_NAME": "Demo", f"GIT_{who}_EMAIL": "demo@example.com"}

    def say(self, text: str) -> None:
        """Begin a step."""
        self.step += 1
        print(
            f"\n\033[1m[{self.step}/{self.steps}] {text}\033[0m"
            if sys.stdout.isatty()
            else f"\n[{self.step}/{self.steps}] {text}",
            flush=True,
        )

    def project(self) -> None:
        """Make a new project of the template, and go into it."""
        self.run("cookiecutter", "--no-input", str(ROOT))
        self.folder = self.folder / "digits"
        if not (self.folder / ".git").exists():  # inside a checkout of the template the hook leaves Git alone
            self.run("git", "init", "--quiet", "-b", "main")
        self.run("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", ".")

    def run(self, *command: str, into: str | None = None) -> None:
        """Run one command, or stop the demo with its exit code."""
        print(f"$ {shlex.join(command)}{f' > {into}' if into else ''}", flush=True)
        with (self.folder / into).open("w", encoding="utf-8") if into else nullcontext() as out:
            done = subprocess.run(command, cwd=self.folder, env=self.env, stdout=out, check=False)
        if done.returncode:
            sys.exit(f"The demo stopped: {shlex.join(command)} failed with exit code {done.returncode}.")


def main(folder: Path) -> None:
    """Play all steps."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "digits").exists():
        shutil.rmtree(folder / "digits")
    demo = Demo(folder)
    demo.say(f"a new project from the template, in {folder}/digits")
    demo.project()
    demo.say("the baseline: digits of which 12 % of the training labels are wrong (simulated)")
    demo.run("dvc", "repro", "--quiet")
    demo.say("commit it")
    demo.run("git", "add", ".")
    demo.run("git", "commit", "--quiet", "-m", "Baseline")
    demo.say("a data iteration: a careful reviewer (simulated) answers the first 120 suspects of the audit")
    demo.run("datapass", "review")
    demo.run(
        "python", os.path.relpath(ROOT / "tests" / "reviewer.py", demo.folder), "answers", "reports/review-answers.csv"
    )
    demo.run("datapass", "review", "--apply", "reports/review-answers.csv")
    demo.say("run it as an experiment: only curate, train, evaluate and audit run again")
    demo.run("dvc", "exp", "run", "--quiet", "-n", "relabel-1")
    demo.say("the verdict")
    demo.run("datapass", "compare", "main", "relabel-1", "--to", "reports/report.html")
    here = shlex.quote(os.path.relpath(demo.folder))
    print(
        f"""
Open   {demo.folder}/reports/report.html      the verdict in pictures
       {demo.folder}/reports/review.html      the page on which people answer suspects
       {demo.folder}/data/passes/p001-review.csv      the pass: one line an edit
Type   source {shlex.quote(os.path.relpath(Path(sys.prefix)))}/bin/activate && cd {here}
       git add . && git commit -m 'First review'           keep the iteration
       dvc exp show                                        all experiments as a table
       datapass diff main relabel-1                        what changed in the data, by row
       datapass errors                                     where the errors are, and what to do next
Read   {demo.folder}/README.md      the loop, and how to bring your own data
"""
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
