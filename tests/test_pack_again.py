"""The stage `pack` under DVC: what it takes over from the last run, with the cache linked in, and what makes it read all again."""

from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest

from conftest import Project


@pytest.fixture(scope="module")
def packed(rendered: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project with its inputs packed, which DVC links as read-only files of its cache; read only."""
    project = rendered.copy(tmp_path_factory.mktemp("packed") / "digits")
    project.run("dvc", "config", "cache.type", "hardlink")
    assert decoded(project) == (1797, 0)
    assert (project.path / "data/inputs/arrays.npy").stat().st_nlink > 1
    return project


@pytest.fixture
def copied(packed: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy with links of its own; what its cache holds must be what the names of the files say, after the test too."""
    project = packed.copy(tmp_path / "digits")
    project.run("dvc", "checkout", "--relink", "--force", "data/inputs", "data/raw")
    assert (project.path / "data/inputs/arrays.npy").stat().st_nlink > 1
    yield project
    for file in (project.path / ".dvc/cache/files/md5").rglob("*"):
        if file.is_file():
            named = file.parent.name + file.name.removesuffix(".dir")
            assert md5(file.read_bytes(), usedforsecurity=False).hexdigest() == named


def decoded(project: Project) -> tuple[int, int]:
    """Run the stage under DVC and return how many files were decoded and taken over."""
    said = project.run("dvc", "repro", "pack").stdout
    (line,) = (line for line in said.splitlines() if " decoded, " in line)
    one, other = line.replace(",", "").split(" decoded ")
    return int(one), int(other.split()[0])


def edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.path / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_other_labels_decode_nothing(copied: Project) -> None:
    before = (copied.path / "dvc.lock").read_text().partition("  pack:")[2].partition("outs:")[2]
    edit(copied, "conf/data/images.yaml", "noise: 0.12", "noise: 0.2")
    assert decoded(copied) == (0, 1797)
    assert (copied.path / "dvc.lock").read_text().partition("  pack:")[2].partition("outs:")[2] == before


def test_a_run_from_nothing_gives_what_the_lock_holds(copied: Project) -> None:
    copied.run("dvc", "repro", "--force", "--single-item", "pack")
    copied.run("rm", "-rf", "data/inputs")
    assert "1,797 decoded, 0 taken" in copied.run("python", "-m", "datapass.stages.pack").stdout
    assert copied.run("dvc", "status", "pack").stdout.strip() == "Data and pipelines are up to date."


READINGS = {
    "a setting": ("conf/data/images.yaml", "fill: 0", "fill: 1"),
    "the team's code": ("src/digits/inputs.py", "// 257", "// 256"),
}


@pytest.mark.parametrize(("file", "old", "new"), READINGS.values(), ids=READINGS.keys())
def test_another_way_of_reading_decodes_all(copied: Project, file: str, old: str, new: str) -> None:
    edit(copied, file, old, new)
    assert decoded(copied) == (1797, 0)
    edit(copied, file, new, old)
    assert decoded(copied) == (1797, 0)


def test_a_changed_file_alone_is_decoded(copied: Project) -> None:
    """As a user's own data, after the example is deleted."""
    text = (copied.path / "dvc.yaml").read_text(encoding="utf-8")
    start, end = text.index("  example: "), text.index("  pack:")
    (copied.path / "dvc.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    images = copied.path / "data/raw/images"
    other = (images / "digit-0001.png").read_bytes()
    (images / "digit-0000.png").unlink()
    (images / "digit-0000.png").write_bytes(other)
    delivery = copied.path / "data/raw/2026-10"
    delivery.mkdir()
    (delivery / "new.png").write_bytes(other)
    (delivery / "labels.csv").write_text("id,label,path\nnew,3,2026-10/new.png\n", encoding="utf-8")
    assert decoded(copied) == (2, 1796)
