"""Two releases of the template in a Git repository of their own, and a project that a team made from the older one.

The newer release is the working tree. The older is made from it by a table of changes, so that no history of this
repository is needed: a checkout in CI has none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from conftest import IDENTITY, ROOT, TEMPLATE, Project
from datapass import __version__

OLD, NEW = "v0.2.9", f"v{__version__}"
INSIDE = Path(TEMPLATE.name)
GONE = "src/datapass/comparison/bygone.py"  # of the older release alone


def old(text: str, new: str) -> Callable[[str], str]:
    """Return a change that takes the first `new` back to what it was."""

    def change(content: str) -> str:
        assert new in content, f"the template has no {new!r} any more"
        return content.replace(new, text, 1)

    return change


def more(line: str) -> Callable[[str], str]:
    """Return a change that gives a file one line more."""
    return lambda content: f"{content}{line}\n"


# What the older release had otherwise, by file of the template.
OLDER: dict[str, Callable[[str], str]] = {
    f"{INSIDE}/src/datapass/__init__.py": old(f'"{OLD[1:]}"', f'"{__version__}"'),
    f"{INSIDE}/{GONE}": more("# A module that the newer release has no more."),
    f"{INSIDE}/src/datapass/report/html.py": more("# as it was"),
    f"{INSIDE}/src/datapass/training/fit.py": more("# as it was"),
    f"{INSIDE}/src/datapass/cli.py": more("# as it was"),
    f"{INSIDE}/dvc.yaml": old(f"{GONE}, src/datapass/comparison/crossed.py", "src/datapass/comparison/crossed.py"),
    f"{INSIDE}/README.md": old("## How it goes\n\nIt was said otherwise.", "## The loop"),
    f"{INSIDE}/conf/config.yaml": old("limit: 400 # most", "limit: 500 # most"),
    f"{INSIDE}/.github/workflows/{{% if cookiecutter.ci == 'github' %}}watch.yml{{% endif %}}": old(
        "5 5 * * 1", "17 5 * * 1"
    ),
    "templates/images/cnn.yaml": old("steps: 200", "steps: 400"),
    "templates/images/network.py": more("# as it was"),
    "templates/images/example.py": more("# as it was"),
    "templates/images/label_book.md": more("As it was."),
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | IDENTITY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def template(folder: Path) -> Path:
    """Return a repository of the template in which both releases are tagged, and the newer is checked out."""
    git(folder, "init", "--quiet", "-b", "main", str(folder / "template"))
    made = folder / "template"
    files = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for file in files:
        if (ROOT / file).is_file():
            (made / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, made / file)
    newer = {file: (made / file).read_text(encoding="utf-8") if (made / file).is_file() else None for file in OLDER}
    for file, change in OLDER.items():
        (made / file).write_text(change(newer[file] or ""), encoding="utf-8")
    release(made, OLD)
    for file, text in newer.items():
        if text is None:
            (made / file).unlink()
        else:
            (made / file).write_text(text, encoding="utf-8")
    release(made, NEW)
    return made


def release(made: Path, tag: str) -> None:
    """Commit a release, with the sums of its machinery, and tag it."""
    folder = made / INSIDE / "src"
    (folder / "datapass" / "SHA256SUMS").unlink(missing_ok=True)
    code = "from datapass import integrity; print(integrity.sums(), end='')"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=os.environ | {"PYTHONPATH": "."}, capture_output=True, check=True)  # fmt: skip
    (folder / "datapass" / "SHA256SUMS").write_bytes(done.stdout)
    git(made, "add", "-A")
    git(made, "commit", "--quiet", "-m", tag)
    git(made, "tag", tag)


def cruft(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cruft", *arguments], cwd=folder, env=os.environ | IDENTITY, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def created(folder: Path, made: Path, *answers: str) -> Project:
    """Return a project of the older release, as `cruft create` makes and a team commits it."""
    folder.mkdir(parents=True, exist_ok=True)
    cruft(folder, "create", str(made), "--checkout", OLD, "--no-input", "--output-dir", str(folder), *answers)
    (path,) = folder.iterdir()
    project = Project(path)
    project.commit("Made from the template")
    return project


def edit(project: Project, path: str, before: str, after: str) -> None:
    """Replace the first of these words in a file of a project."""
    text = (project.path / path).read_text(encoding="utf-8")
    assert before in text, f"{path} has no {before!r}"
    (project.path / path).write_text(text.replace(before, after, 1), encoding="utf-8")


BLOCKS = '"""Our blocks."""\n\nfrom torch import nn\n\n\ndef activation() -> nn.Module:\n    return nn.SiLU()\n'


def work(project: Project) -> None:
    """Do what teams do: a model of their own in a new module, no example any more, a stage, a README, a pass.

    And one edit of the machinery, with one of a module that the newer release has no more.
    """
    project.run("dvc", "repro", "example")
    (project.path / "src/digits/example.py").unlink()
    pipeline = (project.path / "dvc.yaml").read_text(encoding="utf-8")
    start, end = pipeline.index("  example:"), pipeline.index("  pack:")
    pipeline = pipeline[:start] + pipeline[end:].replace(
        "src/digits/network.py,", "src/digits/network.py, src/digits/blocks.py,"
    )
    pipeline += "\n  ours: # a stage of the team\n    cmd: echo ours\n    deps: [metrics.json]\n"
    (project.path / "dvc.yaml").write_text(pipeline, encoding="utf-8")
    project.run("dvc", "add", "--quiet", "data/raw")
    (project.path / "src/digits/blocks.py").write_text(BLOCKS, encoding="utf-8")
    edit(
        project,
        "src/digits/network.py",
        "from torch import nn\n",
        "from torch import nn\n\nfrom .blocks import activation\n",
    )
    edit(project, "src/digits/network.py", "nn.ReLU()]", "activation()]")
    edit(project, "conf/model/cnn.yaml", "steps: 200", "steps: 5")
    edit(project, "conf/config.yaml", "[0, 1, 2, 3, 4]", "[0, 1, 2]")
    edit(project, "README.md", "# Digits\n", "# Digits\n\nAsk Ana about the scans.\n")
    edit(project, "data/label_book.md", "# ", "# Our own: ")
    project.write_pass("p001-ours", "digit-0093,drop,,,unreadable,ana")
    edit(project, "src/datapass/cli.py", "import sys\n", "import sys  # ours\n")
    edit(project, GONE, "A module", "Our module")


def team(folders: pytest.TempPathFactory) -> tuple[Path, Project, Project]:
    """Return the template, a project as made from the older release, and the team's, with a committed baseline.

    They are made once for all workers, and read only.
    """
    worker = "PYTEST_XDIST_WORKER" in os.environ
    folder = (folders.getbasetemp().parent if worker else folders.getbasetemp()) / "two-releases"
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fresh = created(folder / "fresh", template(folder))
            project = fresh.copy(folder / "project")
            work(project)
            project.repro()
            project.commit("Our baseline")
            (folder / "made").touch()
    return folder / "template", Project(folder / "fresh" / "digits"), Project(folder / "project")
