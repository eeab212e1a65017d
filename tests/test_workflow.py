"""The check of a pull request, played step by step: a shallow clone of a bare remote, no DVC cache, no DVC remote.

How a host is played: see played_host.py.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT, Project, render
from played_host import TOKEN, Host, Outcome, git, read_workflow, write

WORKFLOW = ".github/workflows/data-experiment.yml"
PIPELINE = ".gitlab-ci.yml"
TAG = "<!-- data-experiment:v1:digits -->"
HEAVY = ("torch", "pytorch_lightning", "lightning", "sklearn", "safetensors")  # what the check does without


class PullRequest(Host):
    """A bare remote with pull request 12 and its comments."""

    @property
    def comments(self) -> list[dict[str, Any]]:
        return self.kept("comments")

    def others(self, *bodies: str) -> None:
        """Let people have commented before."""
        comments = [{"id": n, "body": body, "user": {"login": "someone"}} for n, body in enumerate(bodies, 1)]
        write(self.machine, "comments.json", json.dumps(comments))

    def pull_request(self, branch: str, base: str = "main") -> None:
        """Push a pull request's refs as a host makes them: its head, and its head merged into its base."""
        git(self.work, "checkout", "--quiet", "--detach", f"origin/{base}")
        git(self.work, "merge", "--quiet", "--no-ff", "--no-edit", branch)
        git(self.work, "push", "--quiet", "--force", "origin", f"{branch}:refs/pull/12/head", "HEAD:refs/pull/12/merge")

    def github(self, text: str, fork: bool = False, base: str = "main", commit: str = "") -> Outcome:
        """Play the workflow. `commit`: that a training has pushed, where it is called of one."""
        owner = "stranger" if fork else "team"
        context = {
            "github.base_ref": base,
            "github.token": "read-only" if fork else TOKEN,
            "github.event.number": "12",
            "inputs.commit": commit,
            "github.repository": "team/digits",
            "github.event.pull_request.head.repo.full_name": f"{owner}/digits",
            "github.event.pull_request.head.sha": git(self.remote, "rev-parse", "refs/pull/12/head"),
            "steps.report.outputs.artifact-url": "https://github.test/team/digits/actions/runs/1/artifacts/2",
        }
        return self.play_github(text, "refs/pull/12/merge", context)

    def gitlab(self, text: str, merged: bool = False, token: str = TOKEN) -> Outcome:
        """Play the script of the job. `merged`: on the request merged into its target, as paid plans do."""
        head, main = git(self.remote, "rev-parse", "refs/pull/12/head"), git(self.remote, "rev-parse", "main")
        host = {
            "CI_COMMIT_SHA": head,
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(self.remote, "merge-base", "main", head),
            "CI_MERGE_REQUEST_IID": "12",
            "CI_MERGE_REQUEST_PROJECT_ID": "34",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": main if merged else "",
            "DATA_EXPERIMENT_TOKEN": token,
        }
        reference = "refs/pull/12/merge" if merged else "refs/pull/12/head"
        return self.play_gitlab(yaml.safe_load(text)["data-experiment"], reference, host)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project for each answer about CI, as rendered."""
    return {ci: render(tmp_path_factory.mktemp(ci), ci=ci) for ci in ("github", "gitlab", "none")}


@pytest.fixture(scope="module")
def workflow(files: dict[str, Project]) -> str:
    return (files["github"].path / WORKFLOW).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pipeline(files: dict[str, Project]) -> str:
    return (files["gitlab"].path / PIPELINE).read_text(encoding="utf-8")


@pytest.fixture
def host(story: Project, tmp_path: Path) -> PullRequest:
    return PullRequest(story, tmp_path, absent=HEAVY)


def test_a_data_change_is_commented_once_and_then_updated(host: PullRequest, workflow: str) -> None:
    """The base has moved since the branch left it; a person has quoted the hidden tag."""
    host.others("Looks good.", f"{TAG}\nThis is what the comment begins with.")
    host.branch("moved", "origin/main", {"README.md": "# Digits, described anew\n"})
    git(host.work, "push", "--quiet", "origin", "moved:main")
    host.pull_request("origin/relabel-1")

    first = host.github(workflow)
    assert first.code == 0, first.log
    assert host.calls() == ["GET", "POST"]
    *others, comment = host.comments
    assert [c["body"] for c in others] == ["Looks good.", f"{TAG}\nThis is what the comment begins with."]
    report = (first.clone / "report.md").read_text(encoding="utf-8")
    assert comment["body"].startswith(f"{TAG}\n{report}")
    assert "helps" in report.splitlines()[0] and "pull-12" in report and "main" in report
    assert git(host.remote, "rev-parse", "relabel-1") in comment["body"], "people need a commit that they know"
    assert "https://github.test/team/digits/actions/runs/1/artifacts/2" in comment["body"]
    assert len(comment["body"]) < 65_536
    assert report in first.summary and len(first.summary.encode()) < 900 * 1024
    assert [Path(path).name for path in first.artifacts] == ["report.html"]
    found = json.loads((first.clone / "report.json").read_text(encoding="utf-8"))
    assert found["baseline"]["commit"] == git(host.remote, "rev-parse", "main"), "the base as it is now"
    assert git(first.clone, "status", "--short", "--untracked-files=no") == ""

    host.branch("more", "origin/relabel-1", {"README.md": "# Digits\n\nWith the pass explained.\n"})
    git(host.work, "push", "--quiet", "--force", "origin", "origin/main~1:main")
    git(host.work, "fetch", "--quiet", "origin")
    host.pull_request("more")
    second = host.github(workflow)
    assert second.code == 0, second.log
    assert host.calls() == ["GET", "POST", "GET", "PATCH"]
    assert [c["id"] for c in host.comments] == [c["id"] for c in [*others, comment]]
    assert git(host.work, "rev-parse", "more") in host.comments[-1]["body"]


STALE = {
    "a pass without its results": ({"data/passes/p001-late.csv": "id,action,label,was,reason,by\n"}, "curate"),
    "a configuration without its results": ({"conf/mine.yaml": "answer: 42\n"}, "freeze"),
    "a result edited by hand": ({"metrics.json": '{"accuracy": 1.0}\n'}, "evaluate"),
}


@pytest.mark.parametrize(("edits", "stage"), STALE.values(), ids=STALE.keys())
def test_a_stale_lock_fails_and_names_the_command(
    host: PullRequest, workflow: str, edits: dict[str, str], stage: str
) -> None:
    host.branch("late", "origin/main", edits)
    host.pull_request("late")
    played = host.github(workflow)
    assert played.code == 1 and played.failed == "Is dvc.lock current?"
    (error,) = [line for line in played.log.splitlines() if line.startswith("::error::")]
    assert stage in error and "`dvc repro`" in error and "commit" in error
    assert error.removeprefix("::error::") in played.summary
    assert host.calls() == []


def test_no_change_of_the_data_is_no_comment(host: PullRequest, workflow: str) -> None:
    host.branch("code", "origin/main", {"src/digits/mine.py": "ANSWER = 42\n"})
    host.pull_request("code")
    played = host.github(workflow)
    assert played.code == 0, played.log
    assert host.calls() == ["GET"] and host.comments == []
    assert "No example changed, so there is no comment" in played.summary
    assert (played.clone / "report.md").read_text(encoding="utf-8") in played.summary


def test_a_change_taken_back_updates_its_comment(host: PullRequest, workflow: str) -> None:
    """Else the pull request would go on to show a verdict on data that it no longer brings."""
    host.pull_request("origin/relabel-1")
    host.github(workflow)
    host.branch("code", "origin/main", {"src/digits/mine.py": "ANSWER = 42\n"})
    host.pull_request("code")
    host.github(workflow)
    assert host.calls() == ["GET", "POST", "GET", "PATCH"]
    assert git(host.work, "rev-parse", "code") in host.comments[0]["body"]


def test_a_fork_gets_the_summary_alone(host: PullRequest, workflow: str) -> None:
    host.pull_request("origin/relabel-1")
    played = host.github(workflow, fork=True)
    assert played.code == 0, played.log
    assert host.calls() == []
    assert "helps" in played.summary.splitlines()[0]
    assert len(played.artifacts) == 1


def test_a_token_that_may_only_read_costs_the_comment_and_not_the_check(host: PullRequest, workflow: str) -> None:
    write(host.machine, "refuse", "")
    host.pull_request("origin/relabel-1")
    played = host.github(workflow)
    assert played.code == 0, played.log
    assert "::warning::The comment could not be" in played.log
    assert "helps" in played.summary


def test_a_change_that_hurts_fails_only_where_one_asks(host: PullRequest, workflow: str) -> None:
    """Taking the pass back, seen from the branch that has it."""
    git(host.work, "checkout", "--quiet", "-B", "back", "origin/relabel-1")
    git(host.work, "revert", "--no-edit", "HEAD")
    host.pull_request("back", base="relabel-1")
    assert "# - run: " in workflow
    strict = host.github(workflow.replace("# - run: ", "- run: "), base="relabel-1")
    assert strict.code == 1 and "--fail-on hurts" in strict.failed, "all steps that nobody uncommented passed"
    assert "hurts" in host.comments[0]["body"].splitlines()[1], "the comment comes first"


def test_a_base_without_results_is_said_and_passes(host: PullRequest, workflow: str) -> None:
    """The first pull request of a project brings the baseline itself."""
    git(host.work, "checkout", "--quiet", "--orphan", "empty", "origin/main")
    git(host.work, "rm", "--quiet", "-r", "-f", ".")
    write(host.work, "README.md", "# Soon\n")
    git(host.work, "add", "README.md")
    git(host.work, "commit", "--quiet", "-m", "Soon")
    tree = git(host.work, "rev-parse", "origin/main^{tree}")
    merge = git(host.work, "commit-tree", tree, "-p", "HEAD", "-m", "Merged")
    git(host.work, "push", "--quiet", "origin", f"{merge}:refs/pull/12/merge", f"{merge}:refs/pull/12/head")
    played = host.github(workflow)
    assert played.code == 0, played.log
    assert "main has no results yet" in played.summary
    assert host.calls() == [] and played.artifacts == []


def test_results_that_no_longer_merge_are_said(host: PullRequest, workflow: str) -> None:
    """Somebody else's results came to the base while these were made."""
    host.branch("other", "origin/main", {"metrics.json": "{}\n"})
    git(host.work, "push", "--quiet", "origin", "other:main", "origin/relabel-1:refs/pull/12/head")
    played = host.github(workflow, commit=git(host.remote, "rev-parse", "relabel-1"))
    assert played.code == 1 and played.failed == "Merge the commit into its base, as GitHub does"
    (error,) = [line for line in played.log.splitlines() if line.startswith("::error::")]
    assert "`main` has changed since" in error and "merge it into this branch" in error and "train again" in error
    assert error.removeprefix("::error::") in played.summary and host.calls() == []


def test_what_cannot_be_compared_is_said_where_people_look(host: PullRequest, workflow: str) -> None:
    git(host.work, "checkout", "--quiet", "-B", "broken", "origin/main")
    git(host.work, "rm", "--quiet", "reports/predictions.csv")
    git(host.work, "commit", "--quiet", "-m", "No predictions")
    git(host.work, "push", "--quiet", "origin", "broken:main")
    git(host.work, "fetch", "--quiet", "origin")
    tree = git(host.work, "rev-parse", "origin/relabel-1^{tree}")
    merge = git(host.work, "commit-tree", tree, "-p", "broken", "-m", "Merged")
    git(host.work, "push", "--quiet", "origin", f"{merge}:refs/pull/12/merge", f"{merge}:refs/pull/12/head")
    played = host.github(workflow)
    assert played.code != 0 and played.failed == "Compare"
    assert "reports/predictions.csv" in played.summary and "::error::" in played.log
    assert "Traceback" not in played.log


@pytest.mark.parametrize("merged", [False, True], ids=["of the branch", "of the merged result"])
def test_gitlab_notes_a_data_change_once_and_then_updates_it(host: PullRequest, pipeline: str, merged: bool) -> None:
    host.others(*["Another note."] * 120)
    host.branch("moved", "origin/main", {"README.md": "# Digits, described anew\n"})
    git(host.work, "push", "--quiet", "origin", "moved:main")
    git(host.work, "fetch", "--quiet", "origin")
    host.pull_request("origin/relabel-1")
    for expected in ("POST", "PUT"):
        played = host.gitlab(pipeline, merged=merged)
        assert played.code == 0, played.log
        assert host.calls("POST", "PUT")[-1] == expected
    assert len(host.comments) == 121
    body = host.comments[-1]["body"]
    assert body.startswith(f"{TAG}\n") and "helps" in body.splitlines()[1]
    assert "https://gitlab.test/team/digits/-/jobs/1/artifacts/file/report.html" in body
    calls = host.kept("calls")
    assert all(TOKEN in call["secret"] and TOKEN not in " ".join(call["arguments"]) for call in calls)
    assert TOKEN not in played.log
    assert [Path(path).name for path in played.artifacts] == ["report.html"]
    found = json.loads((played.clone / "report.json").read_text(encoding="utf-8"))
    assert len(found["data"]["rows"]) == 60


def test_gitlab_without_a_token_leaves_log_and_artifact(host: PullRequest, pipeline: str) -> None:
    host.pull_request("origin/relabel-1")
    played = host.gitlab(pipeline, token="")
    assert played.code == 0, played.log
    assert host.calls() == []
    assert "helps" in played.log and "DATA_EXPERIMENT_TOKEN is not set" in played.log
    assert len(played.artifacts) == 1


def test_gitlab_fails_on_a_stale_lock(host: PullRequest, pipeline: str) -> None:
    edits, stage = STALE["a pass without its results"]
    host.branch("late", "origin/main", edits)
    host.pull_request("late")
    played = host.gitlab(pipeline)
    assert played.code == 1
    assert f"would run: {stage}" in played.log and "`dvc repro`" in played.log
    assert host.calls() == []


def test_each_answer_gives_its_own_files(files: dict[str, Project]) -> None:
    found = {
        ci: [name for name in (WORKFLOW, PIPELINE) if (project.path / name).exists()] for ci, project in files.items()
    }
    assert found == {"github": [WORKFLOW], "gitlab": [PIPELINE], "none": []}
    usage = subprocess.run(
        ["sh", ".ci/data-experiment.sh"], cwd=files["none"].path, capture_output=True, text=True, check=False
    )
    assert usage.returncode == 2 and "compare BASE HEAD" in usage.stderr


def test_the_files_follow_their_schemas(files: dict[str, Project]) -> None:
    for ci, name, schema in (("github", WORKFLOW, "github-workflows"), ("gitlab", PIPELINE, "gitlab-ci")):
        read_workflow(files[ci].path / name, schema)


def test_zizmor_finds_nothing(files: dict[str, Project], tmp_path: Path) -> None:
    """Of the workflows of a project, without secrets and with them, and of the template's own where it has some."""
    zizmor = shutil.which("zizmor", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert zizmor, "zizmor is missing; `make test` installs it"
    command = [zizmor, "--offline", "--no-progress", "--persona", "pedantic", str(files["github"].path / ".github")]
    own = ROOT / ".github"
    done = subprocess.run(
        [*command, *([str(own)] if own.exists() else [])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_keeps_to_what_it_needs(workflow: str) -> None:
    read = yaml.safe_load(workflow)
    assert list(read[True]) == ["pull_request", "workflow_call"], "the key `on` is a truth value to YAML 1.1"
    assert read["permissions"] == {}
    (job,) = read["jobs"].values()
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    for step in job["steps"]:
        assert "${{" not in step.get("run", ""), "an expression in a script is how a branch's name becomes a command"
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
        assert ("GH_TOKEN" in step.get("env", {})) == (step.get("name") == "Comment")
    assert "secrets." not in workflow


def test_what_the_check_installs_is_declared_and_light(files: dict[str, Project]) -> None:
    def names(lines: list[str]) -> set[str]:
        return {re.split(r"[<>=\[; ]", line)[0].lower() for line in lines}

    folder = files["github"].path
    declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    light, pins = names(declared["dependency-groups"]["ci"]), (folder / "constraints.txt").read_text(encoding="utf-8")
    assert light < names(declared["project"]["dependencies"])
    assert not light & {"torch", "pytorch-lightning", "scikit-learn"}
    assert light <= names(pins.splitlines())
