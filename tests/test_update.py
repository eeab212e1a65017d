"""A project is kept for years: an update of the template keeps what is the team's, and replaces the machinery as a whole."""

import json
import shutil
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

from conftest import Project
from two_releases import GONE, INSIDE, NEW, OLD, OLDER, created, cruft, edit, git, team

UPDATE = ("sh", ".ci/update.sh", "update")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with its two releases; read only."""
    return team(tmp_path_factory)[0]


@pytest.fixture
def worked(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Project:
    """The project of a team with a trained baseline, to be changed."""
    return team(tmp_path_factory)[2].copy(tmp_path / "digits")


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Project:
    """A project of the older release as it was made, committed, to be changed."""
    return team(tmp_path_factory)[1].copy(tmp_path / "digits")


def files(folder: Path) -> dict[str, bytes]:
    """Return the files under a folder, but for what Python caches."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def machinery(two: Path) -> dict[str, bytes]:
    """Return the machinery of the newer release."""
    return files(two / INSIDE / "src" / "datapass")


def text(project: Project, path: str) -> str:
    return (project.path / path).read_text(encoding="utf-8")


def test_an_update_keeps_what_is_the_teams(two: Path, worked: Project) -> None:
    """From the older release to the newer one, with all that teams edit; then what becomes of the results."""
    theirs = ("src/digits", "conf/model", "data")
    before = {path: files(worked.path / path) for path in theirs}
    assert OLD[1:] in worked.verb("--version").stdout
    done = worked.run(*UPDATE)
    said = done.stdout + done.stderr

    assert {path: files(worked.path / path) for path in theirs} == before, "passes, package, model, label book"
    assert not (worked.path / "src/digits/example.py").exists()
    assert files(worked.path / "src/datapass") == machinery(two), "and no file of two releases"
    assert worked.verb("--version").stdout == f"datapass {NEW[1:]} (as released)\n"
    assert "edited here and are now as released" in said and f"| src/datapass/cli.py\n| {GONE}\n" in said
    assert "conflict" not in said and not list(worked.path.rglob("*.rej"))
    assert worked.run("git", "log", "-1", "--format=%s").stdout == "Our baseline\n"
    assert "template-update" not in worked.run("git", "status", "--short").stdout

    pipeline, readme, settings = (text(worked, path) for path in ("dvc.yaml", "README.md", "conf/config.yaml"))
    assert "ours: # a stage of the team" in pipeline and "src/digits/blocks.py" in pipeline
    assert "  example:" not in pipeline and GONE not in pipeline
    assert "Ask Ana about the scans." in readme and "## The loop" in readme and "It was said otherwise" not in readme
    assert "seeds: [0, 1, 2] #" in settings and "limit: 500" in settings
    assert "17 5 * * 1" in text(worked, ".github/workflows/watch.yml")
    linked = json.loads(text(worked, ".cruft.json"))
    assert (linked["checkout"], linked["commit"]) == (NEW, git(two, "rev-parse", NEW))

    foreseen = worked.verb("frozen").stdout
    assert foreseen.startswith("It is another model than that of HEAD")
    assert "code src/datapass/training/fit.py: changed" in foreseen and "3 seeds are trained anew" in foreseen
    assert {"train", "evaluate"} <= set(worked.repro())
    verdict = worked.verb("compare", "HEAD", "workspace").stdout
    assert verdict.startswith("not comparable") and "code src/datapass/training/fit.py: changed" in verdict
    worked.commit("Update the template")
    assert worked.run(*UPDATE).stdout == f"The project is of the template's newest release, {NEW}.\n"
    assert "no seed is trained anew" in worked.verb("frozen").stdout, "only the audit is left to run"


def test_cruft_alone_does_the_same_where_nobody_edited_the_machinery(two: Path, fresh: Project) -> None:
    copy = fresh.copy(fresh.path.parent / "copy")
    cruft(fresh.path, "update", "--skip-apply-ask", "--checkout", NEW)
    copy.run(*UPDATE)
    mine, its = (
        {path: content for path, content in files(project.path).items() if not path.startswith((".git/", "update."))}
        for project in (fresh, copy)
    )
    assert mine == its
    assert files(fresh.path / "src/datapass") == machinery(two)
    # What is the team's own is as it was, though the template's is another one and they never touched theirs.
    assert "steps: 200" in text(fresh, "conf/model/cnn.yaml") and "# as it was" in text(fresh, "src/digits/network.py")


def test_a_conflict_is_named_and_loses_nothing(fresh: Project) -> None:
    edit(fresh, "README.md", "It was said otherwise.", "We say it in our way.")
    fresh.commit("Our words")
    said = fresh.run(*UPDATE).stdout
    assert "conflict with the update" in said and "| README.md\n" in said
    readme = text(fresh, "README.md")
    assert "<<<<<<<" in readme and "We say it in our way." in readme and "## The loop" in readme


def test_what_was_edited_before_the_first_commit_is_named_too(two: Path, fresh: Project) -> None:
    """Git then does not have what the template made, and cruft leaves what it could not place in a file beside it."""
    edit(fresh, "README.md", "It was said otherwise.", "We say it in our way.")
    edit(fresh, "src/datapass/training/fit.py", "# as it was", "# ours")
    shutil.rmtree(fresh.path / ".git")
    fresh.run("git", "init", "--quiet", "-b", "main")
    fresh.commit("Baseline")
    said = fresh.run(*UPDATE).stdout
    assert "conflict with the update" in said and "| README.md.rej\n" in said
    assert "We say it in our way." in text(fresh, "README.md") and "+## The loop" in text(fresh, "README.md.rej")
    assert files(fresh.path / "src/datapass") == machinery(two)
    assert ".rej" not in "".join(files(fresh.path / "src"))


def test_a_project_of_cookiecutter_alone_is_linked(two: Path, tmp_path: Path) -> None:
    """`cruft link` is told the release that `datapass --version` names, and the answers where they are not the defaults."""
    project = Project(Path(cookiecutter(str(two), checkout=OLD, no_input=True, output_dir=str(tmp_path))))
    project.commit("As cookiecutter makes it")
    done = project.run(*UPDATE)
    assert "There is no .cruft.json" in done.stdout and "cruft link" in done.stdout
    cruft(project.path, "link", str(two), "--checkout", OLD, "--no-input")
    project.commit("Link it")
    assert "pip install -c constraints.txt cruft" in project.run(*UPDATE, ok=False, PATH="/usr/bin:/bin").stderr
    project.run(*UPDATE)
    assert files(project.path / "src/datapass") == machinery(two) and "## The loop" in text(project, "README.md")


def test_a_project_ahead_of_the_newest_release_is_not_taken_back(two: Path, tmp_path: Path) -> None:
    ahead = tmp_path / "template"
    shutil.copytree(two, ahead)
    (ahead / INSIDE / ".dvcignore").write_text("later\n", encoding="utf-8")
    git(ahead, "commit", "--quiet", "-am", "After the release")
    git(ahead, "tag", f"{NEW}-rc1")  # Git sorts it after the release that it comes before
    cruft(tmp_path, "create", str(ahead), "--no-input", "--output-dir", str(tmp_path))
    project = Project(tmp_path / "digits")
    project.commit("Made from the template")
    assert f"newest release, {NEW}." in project.run(*UPDATE).stdout
    assert text(project, ".dvcignore") == "later\n"


def test_a_branch_that_is_followed_stays_followed(two: Path, tmp_path: Path) -> None:
    ahead = tmp_path / "template"
    shutil.copytree(two, ahead)
    git(ahead, "branch", "next")
    project = created(tmp_path / "project", ahead)
    linked = json.loads(text(project, ".cruft.json")) | {"checkout": "next"}
    (project.path / ".cruft.json").write_text(json.dumps(linked), encoding="utf-8")
    project.commit("Follow a branch")
    git(ahead, "checkout", "--quiet", "next")
    (ahead / INSIDE / ".dvcignore").write_text("later\n", encoding="utf-8")
    git(ahead, "commit", "--quiet", "-am", "Not released yet")
    git(ahead, "checkout", "--quiet", "main")
    project.run(*UPDATE)
    assert text(project, ".dvcignore") == "later\n" and json.loads(text(project, ".cruft.json"))["checkout"] == "next"


def test_a_template_that_cannot_be_read_is_said(fresh: Project, tmp_path: Path) -> None:
    linked = json.loads(text(fresh, ".cruft.json")) | {"template": str(tmp_path / "nowhere")}
    (fresh.path / ".cruft.json").write_text(json.dumps(linked), encoding="utf-8")
    fresh.commit("Moved")
    done = fresh.run(*UPDATE, ok=False)
    assert done.returncode == 1 and "nowhere, as .cruft.json has it, cannot be read from here" in done.stderr


def test_each_change_of_the_table_is_one(two: Path) -> None:
    """Else the tests above would update less than they say."""
    changed = git(two, "diff", "--name-only", "-z", OLD, NEW).split("\0")
    assert set(OLDER) <= set(changed) and git(two, "tag").splitlines() == [OLD, NEW]
