"""Whose machinery runs, and whether it was edited."""

import shutil
from pathlib import Path

import pytest

from conftest import SOURCE
from datapass import integrity
from datapass.messages.problems import Refusal


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the machinery that the module takes for its own."""
    here = tmp_path / "datapass"
    shutil.copytree(SOURCE / "datapass", here, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(integrity, "HERE", here)
    monkeypatch.setattr(integrity, "SUMS", here / "SHA256SUMS")
    return here


def test_the_sums_are_those_of_the_files() -> None:
    assert integrity.SUMS.read_text(encoding="utf-8") == integrity.sums(), "`make sums` writes them anew"
    assert integrity.version() == f"datapass {integrity.__version__} (as released)"


def test_what_was_edited_is_named(copy: Path) -> None:
    assert integrity.edited() == []
    with (copy / "cli.py").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    (copy / "report" / "mine.py").write_text("ANSWER = 42\n", encoding="utf-8")
    (copy / "data" / "split.py").unlink()
    assert integrity.edited() == ["cli.py", "data/split.py", "report/mine.py"]
    assert integrity.version().endswith("(edited here: cli.py, data/split.py, report/mine.py)")
    (copy / "SHA256SUMS").unlink()
    assert integrity.version().endswith(" more)")


def project(folder: Path, name: str, machinery: bool = True) -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n', encoding="utf-8")
    if machinery:
        (folder / "src" / "datapass").mkdir(parents=True)
    return folder


FOREIGN = {
    "the project it is installed from": ("signs", "signs", True, None),
    "another checkout of it": ("other folder/signs", "signs", True, None),
    "another project": (
        "cats",
        "cats",
        True,
        'the project "cats", but the `datapass` that runs was installed for "signs"',
    ),
    "a project without machinery": ("none", "none", False, "There is no src/datapass in this project"),
}


@pytest.mark.parametrize(("folder", "name", "machinery", "said"), FOREIGN.values(), ids=FOREIGN.keys())
def test_another_projects_machinery_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str, machinery: bool, said: str | None
) -> None:
    installed = tmp_path / "signs"
    here = project(tmp_path / folder, name, machinery)
    if here != installed:
        project(installed, "signs")
    monkeypatch.setattr(integrity, "INSTALLED", installed / "src" / "datapass")
    monkeypatch.chdir(here)
    if said is None:
        integrity.refuse_foreign()
        return
    with pytest.raises(Refusal, match=said):
        integrity.refuse_foreign()
