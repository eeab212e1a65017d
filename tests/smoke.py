"""From the template to a verdict on any system: what a new user types, for each kind, with Python alone: no make, no shell.

`python tests/smoke.py FOLDER [KIND...] [--newest]`, in an environment that has cookiecutter, and torch where another build than
the registry's is wanted. The projects are made in a folder of FOLDER whose name has blanks and letters that are not ASCII, and
installed with the pins, or with `--newest` without.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KINDS = {"images": "digits", "tables": "tumours", "texts": "messages"}  # and the folder that the default answers give
# Letters of the Western code page: before Python 3.13, Windows reads the path of an editable installation in its code page.
PLACE = "Prüfung é mit Leerzeichen"
WRITTEN_BY_DVC = {"dvc.lock", ".gitignore", "params.yaml"}  # with the system's line ends


class Smoke:
    """Runs commands in one project; stops with the exit code of the first that fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = os.environ | {"DVC_NO_ANALYTICS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self.env.pop("PIP_CONSTRAINT", None)  # a new user has none
        for who in ("AUTHOR", "COMMITTER"):
            self.env |= {f"GIT_{who}_NAME": "Smoke", f"GIT_{who}_EMAIL": "smoke@example.com"}

    def run(self, *command: str, read: bool = False) -> str:
        """Run a command and return what it printed, if that is to be read; a pipe, as of a log, has the system's encoding."""
        print("$", *command, flush=True)
        program = sys.executable if command[0] == "python" else command[0]
        out = subprocess.PIPE if read else None
        done = subprocess.run([program, *command[1:]], cwd=self.folder, env=self.env, stdout=out, check=False)
        printed = (done.stdout or b"").decode(errors="replace")
        print(printed.encode("ascii", "backslashreplace").decode("ascii"), end="", flush=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed with exit code {done.returncode}.")
        return printed

    def datapass(self, *arguments: str) -> str:
        """Run a verb and return what it printed."""
        return self.run("python", "-m", "datapass", *arguments, read=True)


def play(kind: str, place: Path, newest: bool) -> str:
    """Play the story of one kind and return its verdict in one line. Exits with a sentence where it is not as it should be."""
    place.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(place / KINDS[kind], ignore_errors=True)
    smoke = Smoke(place)
    smoke.run("python", "-m", "cookiecutter", "--no-input", str(ROOT), f"kind={kind}", "author=Zoë Ångström")
    smoke.folder = place / KINDS[kind]
    if not (smoke.folder / ".git").exists():  # inside a checkout of the template the hook leaves Git alone
        smoke.run("git", "init", "--quiet", "-b", "main")
    # Of one environment a project; what was installed for the one before stays.
    smoke.run("python", "-m", "pip", "uninstall", "--quiet", "--yes", *KINDS.values())
    smoke.run("python", "-m", "pip", "install", "--quiet", *([] if newest else ["-c", "constraints.txt"]), "-e", ".")
    expect("as released" in smoke.datapass("--version"), "the machinery's bytes are not those of the release")
    smoke.run("dvc", "repro")
    smoke.run("git", "add", ".")
    smoke.run("git", "commit", "--quiet", "-m", "Baseline")
    smoke.datapass("review")
    smoke.run("python", str(ROOT / "tests" / "reviewer.py"), "answers", "reports/review-answers.csv")
    smoke.datapass("review", "--apply", "reports/review-answers.csv")
    smoke.run("dvc", "exp", "run", "-n", "relabel-1")
    said = smoke.datapass("compare", "main", "relabel-1", "--to", "reports/c.html", "--to", "reports/c.json")
    found = json.loads((smoke.folder / "reports" / "c.json").read_text(encoding="utf-8"))
    (smoke.folder / "reports" / "c.json").unlink()
    expect(found["verdict"] == "helps", f"the verdict on corrected labels is {found['verdict']!r}")
    expect(found["proof"]["model"] == [], f"the model did not stay frozen: {found['proof']['model']}")
    expect(json.loads(smoke.run("dvc", "status", "--json", read=True)) == {}, "something would run again")
    smoke.run("git", "add", ".")
    tracked = subprocess.check_output(["git", "ls-files", "-z"], cwd=smoke.folder).decode()
    for name in tracked.split("\0"):
        other = Path(name).name in WRITTEN_BY_DVC or not name or not (smoke.folder / name).is_file()
        expect(other or b"\r" not in (smoke.folder / name).read_bytes(), f"{name} was written with other line ends")
    return said.splitlines()[0]


def expect(right: bool, otherwise: str) -> None:
    """Stop with a sentence where something is not as it should be."""
    if not right:
        sys.exit(f"Wrong: {otherwise}.")


if __name__ == "__main__":
    place = Path(sys.argv[1]).resolve() / PLACE
    kinds = [argument for argument in sys.argv[2:] if argument in KINDS] or list(KINDS)
    lines = []
    for kind in kinds:
        start = time.monotonic()
        verdict = play(kind, place, "--newest" in sys.argv)
        lines.append(f"- {kind}, {time.monotonic() - start:.0f} s: {verdict}")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(lines) + "\n")
    print(*(line.encode("ascii", "backslashreplace").decode("ascii") for line in lines), sep="\n")
