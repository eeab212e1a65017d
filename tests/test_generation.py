"""The template's contract: which answers make a project, which are refused, and what a project holds."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cookiecutter.main import cookiecutter

from conftest import ROOT, TEMPLATE, Project, ran, render

SUPPORTED = {
    "defaults": {},
    "two words": {"project_name": "Street signs"},
    "dots and dashes": {"project_slug": "street-signs.v2"},
    "capitals": {"project_slug": "StreetSigns"},
    "accents": {"project_name": "Über Äpfel"},
    "quotes everywhere": {"description": "He said \"no\" \\ and 'yes'", "author": 'O\'Neil "Bo" <b@x.org>'},
    "braces": {"description": "{not} a {template} %s"},
    "markup": {"author": "<script>alert(1)</script>"},
    "no author": {"author": ""},
    "gitlab": {"ci": "gitlab"},
    "no ci": {"ci": "none"},
    "longest": {"project_name": "n" * 100, "project_slug": "s" * 60, "description": "d" * 300, "author": "a" * 200},
}
REFUSED = {
    "empty name": ({"project_name": ""}, "needs a name"),
    "blank name": ({"project_name": "   "}, "needs a name"),
    "only signs": ({"project_name": "!!!"}, "must begin with a letter"),
    "leading digit": ({"project_name": "3 cats"}, "must begin with a letter"),
    "keyword": ({"project_name": "class"}, "Python cannot import"),
    "standard library": ({"project_name": "json"}, "would hide"),
    "dependency": ({"project_name": "torch"}, "would hide"),
    "the machinery": ({"project_name": "datapass"}, "would hide"),
    "parent folder": ({"project_slug": "../outside"}, "must begin with a letter"),
    "folder in a folder": ({"project_slug": "a/b"}, "hold only letters"),
    "blank in folder": ({"project_slug": "two words"}, "hold only letters"),
    "name of 300 letters": ({"project_name": "a" * 300}, "project_slug has 300 letters; choose one of at most 60"),
    "folder of 61 letters": ({"project_slug": "a" * 61}, "project_slug has 61 letters"),
    "name of 101 letters": ({"project_name": "a" * 101, "project_slug": "cats"}, "project_name has 101 letters"),
    "description of 301 letters": ({"description": "a" * 301}, "description has 301 letters"),
    "author of 201 letters": ({"author": "a" * 201}, "author has 201 letters"),
    "line break in description": ({"description": "one\ntwo"}, "one line of printable text"),
    "escape in author": ({"author": "\x1b[31mred"}, "one line of printable text"),
}


@pytest.mark.parametrize("answers", SUPPORTED.values(), ids=SUPPORTED.keys())
def test_supported_answers(make: Callable[..., Project], answers: dict[str, str]) -> None:
    project = make(**answers)
    for path in project.path.rglob("*"):
        if path.is_file() and ".git" not in path.parts and "src" not in path.relative_to(project.path).parts:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\{\{ ?cookiecutter|\{%-? ?(if|endif|raw|endraw)", text), path
    check = "import tomllib, pathlib, yaml; print(tomllib.loads(pathlib.Path('pyproject.toml').read_text())['project'])"
    about = project.run("python", "-c", check).stdout
    assert repr(answers.get("description", "Hold the model fixed"))[1:20] in about
    for path in project.path.rglob("*.yaml"):
        yaml.safe_load(path.read_text(encoding="utf-8"))
    help_text = project.verb("--help").stdout
    assert "compare" in help_text
    assert (project.path / ".github").exists() == (answers.get("ci", "github") == "github")
    assert (project.path / ".gitlab-ci.yml").exists() == (answers.get("ci") == "gitlab")


@pytest.mark.parametrize(("answers", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_answers(tmp_path: Path, answers: dict[str, str], sentence: str) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", str(folder), str(ROOT)]
    done = subprocess.run(
        [*command, *(f"{k}={v}" for k, v in answers.items())], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("*")) == [folder]


def test_manifest(rendered: Project) -> None:
    """Exactly these files; a new one is a decision."""
    found = {path.relative_to(rendered.path).as_posix() for path in rendered.path.rglob("*") if path.is_file()}
    expected = (ROOT / "tests" / "manifest.txt").read_text(encoding="utf-8").split("\n")
    assert sorted(path for path in found if not path.startswith(".git/")) == [line for line in expected if line]


def test_python_holds_no_template_syntax() -> None:
    """Editors, linters and type checkers read the package in place."""
    for path in (TEMPLATE / "src").rglob("*.py"):
        assert "cookiecutter" not in path.read_text(encoding="utf-8"), path
        compile(path.read_text(encoding="utf-8"), path, "exec")


def test_params_are_what_conf_composes_to(rendered: Project, tmp_path: Path) -> None:
    project = rendered.copy(tmp_path / "copy")
    before = (project.path / "params.yaml").read_text(encoding="utf-8")
    project.run("python", "-m", "datapass.stages.freeze")
    assert (project.path / "params.yaml").read_text(encoding="utf-8") == before


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False).stdout.strip()


def test_git_repository_on_main_without_identity_or_commit(make: Callable[..., Project]) -> None:
    path = make().path
    assert git(path, "symbolic-ref", "--short", "HEAD") == "main"
    assert git(path, "log") == ""


def test_inside_another_repository(tmp_path: Path) -> None:
    git(tmp_path, "init")
    project = render(tmp_path)
    assert not (project.path / ".git").exists()
    assert git(project.path, "rev-parse", "--show-toplevel") == str(tmp_path)
    project.run("dvc", "repro", "freeze")


def test_comparing_inside_another_repository(story: Project, tmp_path: Path) -> None:
    git(tmp_path, "init")
    project = Project(tmp_path / "some" / "folder")
    for branch in ("main", "relabel-1"):
        story.run("git", "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), branch)
        shutil.copytree(tmp_path / "tree", project.path, ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True)
        story.run("git", "worktree", "remove", "--force", str(tmp_path / "tree"))
        project.commit(branch)
    assert project.verb("compare", "HEAD~1", "HEAD").stdout.startswith("helps")


def test_path_with_a_blank_and_an_accent(tmp_path: Path) -> None:
    project = render(tmp_path / "my prüject")
    assert ran(project.run("dvc", "repro", "freeze").stdout) == ["freeze"]


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    path = Path(cookiecutter(str(ROOT), no_input=True, output_dir=str(tmp_path)))
    assert (path / "dvc.yaml").exists()
    assert not (path / ".git").exists()


def test_next_commands_are_printed(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "cookiecutter",
        "--no-input",
        "-o",
        str(tmp_path),
        str(ROOT),
        "project_name=Street signs",
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    for line in ("cd street-signs", "pip install -c constraints.txt -e .", "dvc repro"):
        assert line in printed
