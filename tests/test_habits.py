"""Habits: hooks before a commit and a push, the forms of the host, what an editor reads, the scope card in the reports."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, Project
from datapass.adopt import project as adopted
from datapass.data.scope import empty_card
from datapass.files.paths import SCOPE

FORMS = ("data-change", "label-question", "model-change")
HOSTS = {
    "github": [
        ".github/PULL_REQUEST_TEMPLATE.md",
        ".github/dependabot.yml",
        *(f".github/ISSUE_TEMPLATE/{name}.yml" for name in FORMS),
    ],
    "gitlab": [
        ".gitlab/merge_request_templates/Default.md",
        *(f".gitlab/issue_templates/{name.replace('-', ' ').capitalize()}.md" for name in FORMS),
    ],
    "none": [],
}


def check(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], check=True)


@pytest.mark.parametrize("ci", HOSTS)
def test_the_forms_of_the_host_and_no_others(make: Callable[..., Project], ci: str) -> None:
    project = make(ci=ci)
    found = [path for folder in (".github", ".gitlab") for path in (project.path / folder).rglob("*")]
    assert all(any(path.iterdir()) for path in found if path.is_dir())
    files = [
        path.relative_to(project.path).as_posix() for path in found if path.is_file() and "workflows" not in path.parts
    ]
    assert sorted(files) == sorted(HOSTS[ci])
    assert (project.path / ".gitlab").exists() == (ci == "gitlab")
    text = (project.path / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text.startswith("# How to change something here\n")
    assert ("pull request" in text) == (ci == "github") != ("merge request" in text)
    forms = [project.path / file for file in files if "ISSUE_TEMPLATE" in file]
    if forms:
        check(
            "check_jsonschema",
            "--builtin-schema",
            "vendor.dependabot",
            str(project.path / ".github" / "dependabot.yml"),
        )
        own = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
        check("check_jsonschema", "--builtin-schema", "vendor.github-issue-forms", *map(str, [*forms, *own]))


def test_a_broken_pass_is_not_committed_and_a_stale_lock_not_pushed(project: Project, tmp_path: Path) -> None:
    def git(*arguments: str, ok: bool = True) -> str:
        done = project.run("git", *arguments, ok=ok)
        assert ok or done.returncode
        return done.stdout + done.stderr

    project.run("git", "init", "--quiet", "--bare", str(tmp_path / "there.git"))
    git("remote", "add", "origin", str(tmp_path / "there.git"))
    project.run("python", "-m", "pre_commit", "install")
    assert "dvc.lock is current" in git("push", "origin", "main")
    path = project.write_pass("p001-fix", "digit-0055,relabel,0,4,,ana", "digit-9999,drop,,,gone,ana")
    said = git("commit", "-m", "Broken", ok=False)
    assert 'data/passes/p001-fix.csv:2: id "digit-0055": conflict' in said
    assert 'data/passes/p001-fix.csv:3: id "digit-9999": no example of data/raw/ has this id' in said
    assert "ruff check" in said and "Failed" in said
    path.write_text("id,action,label,was,reason,by\ndigit-0055,relabel,0,5,,ana\n", encoding="utf-8")
    git("add", ".")
    git("commit", "-m", "Right")
    later = project.write_pass("p002-later", "digit-0055,relabel,5,0,,ana")
    git("commit", "-m", "One that needs the first")
    git("rm", "--quiet", str(path))
    assert "p002-later.csv:2: id" in git("commit", "-m", "Without the first", ok=False)
    git("restore", "--staged", "--worktree", str(path))
    git("rm", "--quiet", str(later))
    git("commit", "-m", "Without the second")
    assert "dvc.lock is stale" in git("push", "origin", "main", ok=False)
    (project.path / "src" / project.package / "unused.py").write_text("import os\n", encoding="utf-8")
    git("add", ".")
    assert "F401" in git("commit", "-m", "Unused", ok=False)


def test_what_the_passes_leave_is_checked_as_curate_does(project: Project) -> None:
    ids = [
        line.split(",")[0]
        for line in (project.path / "data/examples/test.csv").read_text(encoding="utf-8").splitlines()
    ]
    project.write_pass("p001-all", *(f"{id},drop,,,,ana" for id in ids[1:]))
    for said in (project.verb("passes", "--check", ok=False), project.run("dvc", "repro", "curate", ok=False)):
        assert said.returncode and "no example counts in the test set" in said.stderr


def test_passes_and_card_are_checked_together_and_without_the_data_by_form(project: Project) -> None:
    assert project.verb("passes", "--check").stdout == "0 passes can be applied\n"
    project.write_pass("p001-fix", "digit-9999,drop,,,gone,ana")
    project.write_pass("p002-form", "digit-0055,relabel,0").write_text("id,action\n", encoding="utf-8")
    (project.path / SCOPE).write_text("## Goal\n", encoding="utf-8")
    done = project.verb("passes", "--check", ok=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    for said in ("p001-fix.csv:2: id", "p002-form.csv:1: has no column `label`", "data/scope.md:1: the section"):
        assert said in done.stderr
    (project.path / "data" / "raw").rename(project.path / "elsewhere")
    done = project.verb("passes", "--check", ok=False)
    assert "p001" not in done.stderr and "p002-form.csv:1" in done.stderr


def test_the_reports_quote_the_card(story: Project, tmp_path: Path) -> None:
    project = story.copy(tmp_path / "digits")
    forms = [tmp_path / f"report.{suffix}" for suffix in ("md", "html", "json")]
    printed = project.verb("compare", "main", "relabel-1", *(f"--to={path}" for path in forms)).stdout
    told = json.loads(forms[2].read_text(encoding="utf-8"))["scope"]
    metrics = json.loads(project.run("git", "show", "relabel-1:metrics.json").stdout)
    assert told["level"]["mean"] == pytest.approx(metrics["accuracy"], abs=1e-6)
    assert told["level"]["low"] <= metrics["accuracy_low"] + 1e-6
    assert told["goals"][0]["value"] == 0.95
    for text in (printed, *(path.read_text(encoding="utf-8") for path in forms[:2])):
        assert f"target 95.00 %: {told['goals'][0]['standing']}" in text
    for said in ("Which digit a picture of 8 x 8 grey pixels shows", "95 %. Chosen for this example"):
        assert said in forms[0].read_text(encoding="utf-8")
    assert "points to the target of 95.00 %" in project.verb("errors").stdout
    # A card is of its revision, and editing it makes no result stale.
    card = project.path / SCOPE
    card.write_text(card.read_text(encoding="utf-8").replace("95 %", "50 %"), encoding="utf-8")
    assert project.repro("evaluate") == []
    assert (
        "target 50.00 % (the baseline's card has 95.00 %): reached"
        in project.verb("compare", "relabel-1", "workspace").stdout
    )


def test_adopt_empties_the_card_of_the_example_and_no_other(
    rendered: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rendered.copy(tmp_path / "digits").path)
    assert adopted.edits(["cat", "dog"], {})[SCOPE] == empty_card()
    SCOPE.write_text(SCOPE.read_text(encoding="utf-8").replace("95 %", "98 %"), encoding="utf-8")
    assert SCOPE not in adopted.edits(["cat", "dog"], {})
    SCOPE.unlink()
    assert SCOPE not in adopted.edits(["cat", "dog"], {})


def test_what_an_editor_reads_comes_without_errors(story: Project, tmp_path: Path) -> None:
    """What the DVC extension of VS Code calls: a table of experiments, plots as Vega-Lite, the state of the data."""
    project = story.copy(tmp_path / "digits")
    shown = json.loads(project.run("dvc", "exp", "show", "--json", "--all-branches").stdout)
    by_name = {row["name"]: row for row in shown if row.get("name")}
    assert {"main", "relabel-1"} <= {*by_name}
    for row in shown:
        assert not row.get("error") and row["data"]["metrics"]["metrics.json"]["data"]["accuracy"] > 0.8
        assert row["data"]["params"]["params.yaml"]["data"]["evaluate"]["metric"] == "accuracy"
        assert not any("error" in part for kind in ("metrics", "params") for part in row["data"][kind].values())
    plots = json.loads(project.run("dvc", "plots", "diff", "--json", "--split", "main", "relabel-1").stdout)
    assert not plots.get("errors")
    assert {*plots["data"]} == {
        f"reports/{name}.csv" for name in ("learning_curves", "predictions", "classes", "suspects")
    }
    for drawn in plots["data"].values():
        for plot in drawn:
            content = plot["content"] if isinstance(plot["content"], dict) else json.loads(plot["content"])
            assert plot["type"] == "vega" and content["$schema"].startswith("https://vega.github.io/schema/vega-lite/v")
            assert plot["revisions"] == ["main", "relabel-1"]
            values = plot["anchor_definitions"]["<DVC_METRIC_DATA>"]
            assert {row["rev"] for row in (json.loads(values) if isinstance(values, str) else values)} == {
                "main",
                "relabel-1",
            }
    status = json.loads(project.run("dvc", "data", "status", "--json", "--granular", "--unchanged").stdout)
    assert not status.get("not_in_cache") and not status.get("uncommitted")
    recommended = json.loads((project.path / ".vscode" / "extensions.json").read_text(encoding="utf-8"))
    assert "iterative.dvc" in recommended["recommendations"]
