"""The scheduled job that watches production, played step by step (see played_host.py), on GitHub and on GitLab.

What `datapass watch` finds is stood in for, but for one test: whether something changed is its business, and what becomes
of that is the job's.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from conftest import Project, made, render
from played_host import TOKEN, Host, Outcome, git, read_workflow, write
from test_kinds import loop

WORKFLOW = ".github/workflows/watch.yml"
PIPELINE = ".gitlab-ci.yml"
TAG = "<!-- data-watch:v1:digits -->"
HOSTS = ("github", "gitlab")
OURS = "github-actions[bot]"
LINKS = {
    "github": ["https://github.test/team/digits/actions/runs/1)", "https://github.test/artifacts/2"],
    "gitlab": [
        "https://gitlab.test/team/digits/-/jobs/1)",
        "https://gitlab.test/team/digits/-/jobs/1/artifacts/file/watch.html",
    ],
}
WATCH = '''#!{python}
"""Stands in for `python -m datapass watch`, and is Python itself for all else."""
import json, os, sys
from pathlib import Path

arguments = sys.argv[1:]
if arguments[:3] != ["-m", "datapass", "watch"]:
    os.execv({python!r}, [{python!r}, *arguments])
folder = Path({folder!r})
found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
(folder / "watched.json").write_text(json.dumps(arguments[3:]))
print(found["printed"])
if found["code"]:
    sys.exit(found["code"])
for option, path in zip(arguments[4::2], arguments[5::2], strict=True):
    assert option == "--to"
    content = {{"headline": found["headline"], "changed": found["changed"]}}
    Path(path).write_text(json.dumps(content) if path.endswith(".json") else found["report"], encoding="utf-8")
'''


class Production(Host):
    """A host with a project whose job is due: what will be fetched and found is set beforehand."""

    def __init__(self, ci: str, project: Project, folder: Path) -> None:
        super().__init__(project, folder)
        self.ci = ci
        self.tool("python", WATCH.format(python=sys.executable, folder=str(self.machine)))
        self.tool("dvc", f'#!/bin/sh\necho "$*" >> {self.machine}/dvc.txt\n')
        self.found()

    def fetches(self, command: str) -> None:
        """Let the team's script be this command, committed."""
        self.branch("main", "origin/main", {".ci/fetch-delivery.sh": f"set -eu\n{command}\n"})
        git(self.work, "push", "--quiet", "origin", "main")

    def found(self, changed: bool = False, headline: str = "2 of 4 lines say so", **other: Any) -> None:
        """Set what `datapass watch` will find."""
        found = {"headline": headline, "changed": changed, "report": f"### {headline}\n", "printed": "", "code": 0}
        write(self.machine, "found.json", json.dumps(found | other))

    def run(self, token: str = TOKEN) -> Outcome:
        """Play the job."""
        if self.ci == "gitlab":
            job = yaml.safe_load(git(self.remote, "show", f"main:{PIPELINE}"))["watch-production"]
            return self.play_gitlab(job, "main", {"DATA_EXPERIMENT_TOKEN": token}, PYTHONPATH="src")
        report = {"steps.report.outputs.artifact-url": "https://github.test/artifacts/2", "github.token": token}
        return self.play_github(git(self.remote, "show", f"main:{WORKFLOW}"), "main", report, PYTHONPATH="src")

    @property
    def issues(self) -> list[dict[str, Any]]:
        return self.kept("issues")

    def others(self, *issues: dict[str, Any]) -> None:
        """Let these issues be there."""
        shown = {"state": "open", "user": {"login": "someone"}, "title": "Theirs"}
        write(self.machine, "issues.json", json.dumps([shown | {"number": n} | one for n, one in enumerate(issues, 1)]))

    @property
    def watched(self) -> list[str] | None:
        path = self.machine / "watched.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def committed(folder: Path, ci: str) -> Project:
    """Return a project that is rendered and has a history, so that a clone of depth 1 is shallow."""
    project = render(folder, ci=ci)
    project.commit("Baseline")
    write(project.path, "README.md", "# Digits\n")
    project.commit("Describe it")
    return project


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project for each host; read only."""
    return {ci: committed(tmp_path_factory.mktemp(ci), ci) for ci in HOSTS}


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, projects: dict[str, Project], tmp_path: Path) -> Production:
    """Each host in turn."""
    return Production(request.param, projects[request.param], tmp_path)


CAME = 'printf "id,area\\nnew-1,3\\n" > "$1/inputs.csv"'
NOTHING = {
    "as shipped": None,
    "a script that writes nothing": "true",
    "an empty file": ': > "$1/inputs.parquet"',
    "a query without rows": 'echo id,area > "$1/inputs.csv"',
    "hidden files": 'mkdir "$1/.cache"; echo x > "$1/.cache/a.csv"; echo x > "$1/.DS_Store"',
}
PATHS = {
    "one CSV": (CAME, "delivery/inputs.csv"),
    "a CSV whose one row ends without a line break": ('printf "id\\n1" > "$1/a.csv"', "delivery/a.csv"),
    "a CSV with a blank and a quote in its name": ('printf "id\\n1\\n" > "$1/a \'b.csv"', "delivery/a 'b.csv"),
    "one Parquet": ('echo PAR1 > "$1/inputs.parquet"', "delivery/inputs.parquet"),
    "one picture": ('echo x > "$1/a.png"', "delivery"),
    "two CSVs": (f'{CAME}; cp "$1/inputs.csv" "$1/more.csv"', "delivery"),
    "a CSV in a folder": ('mkdir "$1/day"; printf "id\\n1\\n" > "$1/day/a.csv"', "delivery"),
    "a folder named as a table": ('mkdir "$1/a.csv"; echo x > "$1/a.csv/a.png"', "delivery"),
    "a CSV beside hidden files": (f'{CAME}; echo x > "$1/.DS_Store"', "delivery/inputs.csv"),
}


@pytest.mark.parametrize("command", NOTHING.values(), ids=NOTHING.keys())
def test_where_nothing_came_the_job_ends_well_and_says_so(host: Production, command: str | None) -> None:
    if command is not None:
        host.fetches(command)
    played = host.run()
    assert played.code == 0, played.log
    assert "Nothing came, so there is nothing to watch." in played.log
    assert host.watched is None and host.calls() == [] and played.artifacts == []
    assert not (host.machine / "dvc.txt").exists(), "no model is brought for nothing"
    if host.ci == "github":
        assert "Nothing came" in played.summary
        assert played.ran[-1] == "Fetch the delivery", "nor is anything installed"


@pytest.mark.parametrize(("command", "path"), PATHS.values(), ids=PATHS.keys())
def test_one_table_is_watched_itself_and_all_else_as_a_folder(host: Production, command: str, path: str) -> None:
    host.fetches(command)
    played = host.run()
    assert played.code == 0, played.log
    assert host.watched == [path, "--to", "watch.md", "--to", "watch.html", "--to", "watch.json"]


def test_where_nothing_changed_there_is_no_issue(host: Production) -> None:
    """One that is open stays as it is: it is about another delivery."""
    host.others({"body": f"{TAG}\nFour weeks ago.", "user": {"login": OURS}})
    before = host.issues
    host.fetches(CAME)
    played = host.run()
    assert played.code == 0, played.log
    assert host.calls() == [] and host.issues == before
    assert "Nothing changed, so there is no issue." in played.log
    assert [Path(path).name for path in played.artifacts] == ["watch.html"]
    assert (host.machine / "dvc.txt").read_text(encoding="utf-8") == "pull models data/inputs\n"
    assert git(played.clone, "status", "--short") == "", "what the job writes is none of Git's"


def test_a_change_is_one_issue_which_is_then_updated(host: Production) -> None:
    """Other people's issues are not ours, whatever they begin with; nor are other projects' in the same repository."""
    others = [
        {"body": f"> {TAG}\nQuoted.", "user": {"login": OURS}},
        {"body": f"{TAG}\nBy a stranger."},
        {"body": "<!-- data-watch:v1:letters -->\nAnother project's.", "user": {"login": OURS}},
        {"body": None, "user": {"login": OURS}},
        *[{"body": "Another."}] * 120,
    ]
    host.others(*others)
    before = host.issues
    host.fetches(CAME)
    host.found(True, "2026-11-25: looks different: 2 of 4 lines say so")
    first = host.run()
    assert first.code == 0, first.log
    (issue,) = host.issues[len(before) :]
    assert issue["title"] == "Production looks different: 2026-11-25: 2 of 4 lines say so"
    assert issue["body"].startswith(f"{TAG}\n### 2026-11-25: looks different: 2 of 4 lines say so\n")
    assert all(link in issue["body"] for link in LINKS[host.ci])
    assert host.calls("POST", "PATCH", "PUT") == ["POST"]

    host.found(True, "4 of 4 lines say so")
    second = host.run()
    assert second.code == 0, second.log
    assert host.calls("POST", "PATCH", "PUT") == ["POST", "PATCH" if host.ci == "github" else "PUT"]
    *same, updated = host.issues
    assert same == before and updated["number"] == issue["number"]
    assert updated["title"] == "Production looks different: 4 of 4 lines say so"
    assert updated["body"].startswith(f"{TAG}\n### 4 of 4 lines say so\n")
    calls = host.kept("calls")
    assert TOKEN not in second.log and not any(TOKEN in " ".join(call["arguments"]) for call in calls)
    assert all(TOKEN in call["secret"] for call in calls if call["tool"] == "curl")
    assert git(second.clone, "status", "--short") == ""


def test_a_pull_request_is_no_issue(projects: dict[str, Project], tmp_path: Path) -> None:
    """GitHub lists both as issues."""
    host = Production("github", projects["github"], tmp_path)
    host.others({"body": f"{TAG}\nA bot's.", "user": {"login": OURS}, "pull_request": {}})
    host.fetches(CAME)
    host.found(True)
    host.run()
    assert host.issues[0]["title"] == "Theirs" and len(host.issues) == 2


def test_a_closed_issue_is_not_reopened(host: Production) -> None:
    host.others({"body": f"{TAG}\nFour weeks ago.", "user": {"login": OURS}, "state": "closed"})
    host.fetches(CAME)
    host.found(True)
    played = host.run()
    assert played.code == 0, played.log
    closed, opened = host.issues
    assert closed["state"] == "closed" and "Four weeks ago" in closed["body"]
    assert opened["state"] == "open" and opened["body"].startswith(TAG)


@pytest.mark.parametrize(
    ("refuse", "said"), [("", "looked up"), ("POST", "written")], ids=["all is refused", "writing is refused"]
)
def test_a_host_that_refuses_costs_the_issue_and_not_the_job(host: Production, refuse: str, said: str) -> None:
    write(host.machine, "refuse", refuse)
    host.fetches(CAME)
    host.found(True)
    played = host.run()
    assert played.code == 0, played.log
    assert f"{'::warning::' if host.ci == 'github' else ''}The issue could not be {said}" in played.log
    assert host.issues == []


def test_gitlab_without_a_token_leaves_log_and_artifact(projects: dict[str, Project], tmp_path: Path) -> None:
    host = Production("gitlab", projects["gitlab"], tmp_path)
    host.fetches(CAME)
    host.found(True, printed="4 of 4 lines say so")
    played = host.run(token="")
    assert played.code == 0, played.log
    assert host.calls() == []
    assert "| 4 of 4 lines say so" in played.log and "DATA_EXPERIMENT_TOKEN is not set" in played.log
    assert len(played.artifacts) == 1


def test_a_fetch_that_fails_fails_the_job(host: Production) -> None:
    """Also where it had written something before."""
    host.fetches(f'{CAME}\necho "no such bucket" >&2\nexit 3')
    played = host.run()
    assert played.code == 1
    assert "no such bucket" in played.log and "`.ci/fetch-delivery.sh` failed" in played.log
    assert host.watched is None and host.calls() == []
    if host.ci == "github":
        assert "::error::" in played.log and "`.ci/fetch-delivery.sh` failed" in played.summary


def test_a_delivery_that_cannot_be_watched_fails_the_job(host: Production) -> None:
    host.fetches(CAME)
    host.found(code=2, printed="delivery/inputs.csv:1: has no column 'area'")
    played = host.run()
    assert played.code == 1
    assert "| delivery/inputs.csv:1: has no column 'area'" in played.log
    assert "could not be watched" in played.log and host.calls() == []
    if host.ci == "github":
        assert "    delivery/inputs.csv:1: has no column 'area'" in played.summary


def test_an_answer_that_says_neither_fails_the_job(host: Production) -> None:
    """Else a change would go by in silence."""
    host.fetches(CAME)
    host.found()
    stand_in = host.machine / "bin" / "python"
    stand_in.write_text(stand_in.read_text(encoding="utf-8").replace('"changed": found', '"moved": found'))
    played = host.run()
    assert played.code != 0 and "no issue" not in played.log


TITLES = {
    "a command to GitHub": ("new class ::error::x", "new class : error: x"),
    "line breaks": ("one\n::error::two\r\nthree\u2028four", "one : error: two three four"),
    "backticks": ("class `rm -rf`", "class rm -rf"),
    "a mention": ("class @everyone and (@team)", "class everyone and ( team)"),
    "references": ("see #12, !3, &4, ~bug, %5, $6, a/b#7", "see 12, 3, 4, bug, 5, 6, a b 7"),
    "a link": ("[x](https://evil.example) <a href='y'>", "x (https: evil.example) a href='y'"),
    "an emoji's name": ("class :boom:", "class boom:"),
    "what turns the writing round": ("a\u202eb\u0000c", "a b c"),
    "a file's contents": ("@watch.json", "watch.json"),
    "signs that stay": ("accuracy 91.2 % (−3.4): 2 of 4; größer, 数字", "accuracy 91.2 % (−3.4): 2 of 4; größer, 数字"),
    "too long": ("x" * 200, "x" * 71 + "…"),
}


@pytest.mark.parametrize(("headline", "shown"), TITLES.values(), ids=TITLES.keys())
def test_a_headline_that_quotes_others_is_a_harmless_title(host: Production, headline: str, shown: str) -> None:
    host.fetches(CAME)
    host.found(True, headline, report="### Fixed\n", printed=f"{headline}\n::warning::x\r::error::y")
    played = host.run()
    assert played.code == 0, played.log
    (issue,) = host.issues
    assert issue["title"] == f"Production looks different: {shown}"
    assert len(issue["title"]) <= 100
    assert not re.search("^ *::", played.log, re.MULTILINE), "no line of the log is a command"


def test_an_earlier_delivery_is_not_mixed_with_this_one(projects: dict[str, Project], tmp_path: Path) -> None:
    """Where a person runs it by hand: the folder is Git's to ignore, so nothing would bring its files back."""
    project = projects["github"].copy(tmp_path / "digits")
    write(project.path, "delivery/mine.csv", "id\n1\n")
    done = project.run("sh", ".ci/watch.sh", "fetch", ok=False)
    assert done.returncode == 1 and "delivery/ is there already" in done.stderr
    assert (project.path / "delivery" / "mine.csv").exists()


def test_each_answer_gives_its_own_files(tmp_path: Path) -> None:
    """The scripts are there whatever the answer, as those of the pull request's check are."""
    for ci, expected in {"github": [WORKFLOW], "gitlab": [PIPELINE], "none": []}.items():
        folder = render(tmp_path / ci, ci=ci).path
        assert [name for name in (WORKFLOW, PIPELINE) if (folder / name).exists()] == expected
        usage = subprocess.run(["sh", ".ci/watch.sh"], cwd=folder, capture_output=True, text=True, check=False)
        assert usage.returncode == 2 and ".ci/watch.sh issue" in usage.stderr


def test_the_workflow_keeps_to_what_it_needs_and_its_schema(projects: dict[str, Project]) -> None:
    read = read_workflow(projects["github"].path / WORKFLOW)
    assert list(read[True]) == ["schedule", "workflow_dispatch"], "the key `on` is a truth value to YAML 1.1"
    assert read["permissions"] == {} and read["concurrency"]["cancel-in-progress"] is False
    (job,) = read["jobs"].values()
    assert job["permissions"] == {"contents": "read", "issues": "write"}
    pinned = (projects["github"].path / ".github/workflows/data-experiment.yml").read_text(encoding="utf-8")
    for step in job["steps"]:
        assert "${{" not in step.get("run", "") and "secrets." not in str(step)
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"]) and step["uses"] in pinned
        assert ("GH_TOKEN" in step.get("env", {})) == (step.get("name") == "Issue")
        assert not re.search(r"git (push|commit)|dvc push", step.get("run", ""))


def test_a_schedule_runs_the_watch_alone_and_a_merge_request_the_check_alone(projects: dict[str, Project]) -> None:
    jobs = yaml.safe_load((projects["gitlab"].path / PIPELINE).read_text(encoding="utf-8"))
    both = ("data-experiment", "watch-production")
    assert {name: [rule["if"] for rule in jobs[name]["rules"]] for name in both} == {
        "data-experiment": ['$CI_PIPELINE_SOURCE == "merge_request_event"'],
        "watch-production": ['$CI_PIPELINE_SOURCE == "schedule"'],
    }


def test_from_the_remote_to_the_issue_with_nothing_stood_in_for(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The training rows themselves, each measurement doubled: DVC pulls from the remote and `datapass watch` looks."""
    tumours = made(tmp_path_factory, "tables", loop, "tables").copy(tmp_path / "tumours")
    tumours.run("git", "reset", "--hard", "--quiet")
    tumours.run("dvc", "checkout", "--quiet")
    tumours.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    tumours.commit("A remote")
    tumours.run("dvc", "push")
    host = Production("github", tumours, tmp_path)
    host.tool("python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (host.machine / "bin" / "dvc").unlink()
    features = pd.read_parquet(tumours.path / "data/inputs/values.parquet").head(200)
    numbers = features.select_dtypes("number")
    delivered = numbers.mul(2).assign(id=[f"new-{row}" for row in range(len(numbers))])
    delivered.to_csv(tmp_path / "delivered.csv", index=False)
    host.fetches(f'cp "{tmp_path}/delivered.csv" "$1/inputs.csv"')
    played = host.run()
    assert played.code == 0, played.log
    (issue,) = host.issues
    assert issue["body"].startswith("<!-- data-watch:v1:tumours -->\n###")
    assert [Path(path).name for path in played.artifacts] == ["watch.html"]
