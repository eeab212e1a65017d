"""Make the project a Git repository where that is safe, and say what to type next. Asks, downloads and commits nothing.

Cannot fail: what does not work is left out or said.
"""

import os
import shlex
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path


def git(*arguments: str) -> bool:
    """Run git quietly; True where it is there and succeeded."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def remove_empty(*folders: str) -> None:
    """Remove folders whose files this project did not choose."""
    for folder in folders:
        with suppress(OSError):
            Path(folder).rmdir()


if __name__ == "__main__":
    remove_empty(
        ".github/workflows",
        ".github/ISSUE_TEMPLATE",
        ".github",
        ".gitlab/issue_templates",
        ".gitlab/merge_request_templates",
        ".gitlab",
        "conf/data/augment",
    )
    for cached in list(Path("src").rglob("__pycache__")):  # of tests that ran in the template's folder
        shutil.rmtree(cached, ignore_errors=True)
    inside = git("rev-parse", "--is-inside-work-tree")
    ready = inside or git("init", "-b", "main") or (git("init") and git("symbolic-ref", "HEAD", "refs/heads/main"))
    windows = os.name == "nt"  # whose shells know no `.`, and the older ones no `&&`
    activate = (
        ["py -m venv .venv", r".venv\Scripts\activate"]
        if windows
        else ["python3 -m venv .venv && . .venv/bin/activate"]
    )
    commit = ["git add .", 'git commit -m "Baseline"'] if windows else ["git add . && git commit -m 'Baseline'"]
    steps = [
        f"cd {shlex.quote(Path.cwd().name)}",
        *activate,
        "pip install -c constraints.txt -e .        # README.md: uv, and torch without CUDA",
    ]
    if inside:
        print("The folder is inside a Git repository already, so it was not made one of its own.")
    elif not ready:
        steps.append("git init -b main                            # git was not found")
    steps += ["dvc repro", *commit]
    storage = "{{ cookiecutter.__storage }}"
    if storage == "azure":
        steps.append("dvc remote modify storage account_name NAME     # of the storage account; no secret")
    if storage != "none":
        steps.append("dvc push")
    print("\nThe project is ready. Next:\n\n" + "\n".join(f"    {step}" for step in steps) + "\n")
