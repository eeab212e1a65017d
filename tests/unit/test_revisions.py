"""Which revision a name means: a branch, tag, commit or experiment here, else a branch that only a remote has."""

import subprocess
from pathlib import Path

import pytest

from conftest import IDENTITY
from datapass.comparison.revisions import resolve
from datapass.messages.problems import Refusal


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a repository with the branches main and feature/relabel, of which it has checked out main."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    there = tmp_path / "there"
    there.mkdir()
    git(there, "init", "--quiet", "-b", "main")
    for branch in ("main", "feature/relabel"):
        git(there, "checkout", "--quiet", "-B", branch)
        (there / "metrics.json").write_text("{}" if branch == "main" else "[]", encoding="utf-8")
        git(there, "add", ".")
        git(there, "commit", "--quiet", "-m", branch)
    git(there, "checkout", "--quiet", "main")
    git(tmp_path, "clone", "--quiet", "there", "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_a_branch_that_only_the_remote_has_is_found_and_said(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = resolve(["feature/relabel"])
    assert found.name == "origin/feature/relabel"
    assert found.commit == git(clone / "there", "rev-parse", "feature/relabel")
    assert 'there is no "feature/relabel" here but origin/feature/relabel' in capsys.readouterr().err


def test_a_branch_that_is_here_is_not_looked_for_elsewhere(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(clone / "here", "branch", "feature/relabel", "main")
    (found,) = resolve(["feature/relabel"])
    assert (found.name, found.commit) == ("feature/relabel", git(clone / "here", "rev-parse", "main"))
    assert capsys.readouterr().err == ""


def test_several_remotes_that_differ_are_told_apart(clone: Path) -> None:
    git(clone, "clone", "--quiet", "there", "other")
    git(clone / "other", "checkout", "--quiet", "-b", "feature/relabel")
    git(clone / "here", "remote", "add", "fork", "../other")
    git(clone / "here", "fetch", "--quiet", "fork")
    with pytest.raises(
        Refusal, match="a branch of several remotes: name fork/feature/relabel or origin/feature/relabel"
    ):
        resolve(["feature/relabel"])


def test_a_part_of_a_name_is_no_name(clone: Path) -> None:
    with pytest.raises(Refusal, match='"relabel" is no Git revision'):
        resolve(["relabel"])
