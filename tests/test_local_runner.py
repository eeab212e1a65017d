"""The workflows run by local runners of the hosts' own formats: `act` for GitHub, `gitlab-ci-local` for GitLab.

They read the files as a host does: triggers, rules, conditions, expressions, needs, called workflows. Steps run on this
machine. Stood in for is what comes from outside: the actions for checkout, Python and artifacts, installation, and `gh` and
`curl` (see played_host.py, which plays the cases of which a host's format is no part).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT, Project, render
from played_host import TOKEN, Host, git, write

ACT = shutil.which("act", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
GITLAB = ROOT / "build" / "node" / "node_modules" / ".bin" / "gitlab-ci-local"
PIP = """#!/bin/sh
case "$1 $2" in
  "-m pip") exit ;;
  "-m venv") mkdir -p "$3/bin" && touch "$3/bin/activate"; exit ;;
esac
exec {python} "$@"
"""
ACTIONS = {
    "actions/checkout": """
        git init --quiet . && git remote add origin "$REMOTE"
        if [ "$FETCH_DEPTH" = 0 ]; then
          git fetch --quiet origin "+refs/heads/*:refs/remotes/origin/*" && git checkout --quiet --detach "$REF"
        else
          git fetch --quiet --depth="$FETCH_DEPTH" origin "${REF:-$GITHUB_REF}" && git checkout --quiet --detach FETCH_HEAD
        fi""",
    "actions/setup-python": "true",
    "actions/upload-artifact": 'cp $PATHS "$KEPT"; echo "artifact-url=https://github.test/artifacts/2" >> "$GITHUB_OUTPUT"',
}


class Repository(Host):
    """A bare remote with pull request 12 of a branch, and local runners."""

    def __init__(self, project: Project, folder: Path) -> None:
        super().__init__(project, folder)
        self.tool("python", PIP.format(python=sys.executable))
        git(self.work, "remote", "add", "host", "https://github.com/team/digits.git")  # whose name is read
        (self.folder / "artifacts").mkdir()

    def request(self, branch: str) -> None:
        """Push a pull request's refs as a host makes them: its head, and its head merged into its base."""
        git(self.work, "push", "--quiet", "--force", "origin", f"{branch}:refs/pull/12/head")
        git(self.work, "checkout", "--quiet", "--detach", "origin/main")
        git(self.work, "merge", "--quiet", "--no-ff", "--no-edit", branch)
        git(self.work, "push", "--quiet", "--force", "origin", "HEAD:refs/pull/12/merge")

    def run(self, command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
        """Run a runner, with the machine's tools and nothing of our own environment."""
        path = f"{self.machine}/bin{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        base = {"PATH": path, "HOME": str(self.machine), "DVC_SITE_CACHE_DIR": str(self.machine / "dvc")}
        return subprocess.run(
            command,
            cwd=self.work,
            env=base | env,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )


class Github(Repository):
    """Runs workflows by `act`, on this machine in place of containers."""

    def act(
        self, event: str, workflow: str, branch: str, label: str = "", owner: str = "team"
    ) -> tuple[int, str, list[str]]:
        """Run a workflow for an event of the pull request.

        Returns:
            The exit code, the log, and the jobs that ran.
        """
        head = git(self.remote, "rev-parse", branch)
        repository = {"full_name": "team/digits", "default_branch": "main"}
        request = {
            "number": 12,
            "head": {"ref": branch, "sha": head, "repo": {"full_name": f"{owner}/digits"}},
            "base": {"ref": "main", "sha": git(self.remote, "rev-parse", "main")},
        }
        payload = {"number": 12, "pull_request": request, "repository": repository, "label": {"name": label}}
        payload["action"] = "labeled" if label else "synchronize"
        write(self.folder, "event.json", json.dumps(payload))
        assert ACT is not None
        command = [
            ACT,
            event,
            "--eventpath",
            str(self.folder / "event.json"),
            "--workflows",
            f".github/workflows/{workflow}.yml",
        ]
        command += [
            "--platform",
            "ubuntu-latest=-self-hosted",
            "--no-cache-server",
            "--no-skip-checkout",
            "--remote-name",
            "host",
        ]
        command += ["--secret", f"GITHUB_TOKEN={TOKEN}", "--json"]
        for used in self.actions():
            command += ["--local-repository", f"{used}={self.folder / 'actions' / used.split('@')[0]}"]
        done = self.run(command, PYTHONPATH="src")
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        log = "".join(line["msg"] if line.get("raw_output") else line["msg"] + "\n" for line in lines)
        ran = list(dict.fromkeys(line["jobID"] for line in lines if line.get("stepID") and "jobID" in line))
        return done.returncode, log + done.stderr, ran

    def actions(self) -> set[str]:
        """Stand in for the actions that the workflows use, each in a repository of its own, and return their names."""
        texts = [path.read_text(encoding="utf-8") for path in (self.work / ".github" / "workflows").iterdir()]
        steps = [
            step for text in texts for job in yaml.safe_load(text)["jobs"].values() for step in job.get("steps", [])
        ]
        used = {step["uses"] for step in steps if "uses" in step}
        given = {name for step in steps for name in step.get("with", {})}
        env = {"REMOTE": self.remote.as_uri(), "KEPT": str(self.folder / "artifacts")}
        env |= {name.upper().replace("-", "_"): f"${{{{ inputs.{name} }}}}" for name in given}
        env["PATHS"] = env.pop("PATH", "")
        for name, script in ACTIONS.items():
            folder = self.folder / "actions" / name
            if folder.exists():
                continue
            action = {
                "name": name,
                "description": "A stand-in",
                "inputs": {key: {"default": "1" if key == "fetch-depth" else ""} for key in given},
                "outputs": {"artifact-url": {"value": "${{ steps.only.outputs.artifact-url }}"}},
                "runs": {
                    "using": "composite",
                    "steps": [{"id": "only", "shell": "bash", "env": env, "run": script.replace("\n        ", "\n")}],
                },
            }
            write(folder, "action.yml", json.dumps(action))
            git(folder, "init", "--quiet")
            git(folder, "add", "action.yml")
            git(folder, "commit", "--quiet", "-m", "Stand in")
        return used


class Gitlab(Repository):
    """Runs pipelines by `gitlab-ci-local`, on this machine in place of containers, for which it would copy files by rsync."""

    def __init__(self, project: Project, folder: Path) -> None:
        super().__init__(project, folder)
        self.tool("rsync", "#!/bin/sh\n")

    def pipeline(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a pipeline, or list its jobs, where GitLab sets these variables."""
        pairs = [part for name, value in variables.items() for part in ("--variable", f"{name}={value}")]
        return self.run([str(GITLAB), "--force-shell-executor", "--no-shell-isolation", *arguments, *pairs])


needs_act = pytest.mark.skipif(ACT is None, reason="act is missing: `make test` installs it on Linux")
needs_gitlab = pytest.mark.skipif(
    not GITLAB.exists(), reason="gitlab-ci-local is missing: `make test` installs it by npm"
)


@needs_act
def test_act_runs_the_check_of_a_pull_request(story: Project, tmp_path: Path) -> None:
    host = Github(story, tmp_path)
    host.request("origin/relabel-1")
    code, log, ran = host.act("pull_request", "data-experiment", "relabel-1")
    assert code == 0, log
    assert ran == ["data-experiment"]
    (comment,) = host.kept("comments")
    assert "helps" in comment["body"].splitlines()[1] and "https://github.test/artifacts/2" in comment["body"]
    assert git(host.remote, "rev-parse", "relabel-1") in comment["body"]
    assert [path.name for path in (tmp_path / "artifacts").iterdir()] == ["report.html"]


@needs_act
def test_act_trains_on_a_label_up_to_the_verdict(project: Project, tmp_path: Path) -> None:
    """A pass without its results; main has moved on since, which is no gain of the pass. With a DVC remote."""
    store = tmp_path / "store"
    project.run("dvc", "remote", "add", "--default", "storage", str(store))
    project.commit("A remote")
    project.run("dvc", "push")
    host = Github(project, tmp_path)
    write(host.machine, "labels.json", json.dumps(["train"]))
    host.branch("moved", "origin/main", {"README.md": "# Digits, described anew\n"})
    git(host.work, "push", "--quiet", "origin", "moved:main")
    number, label = (host.work / "data/examples/train.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[:2]
    edit = f"{number},relabel,{(int(label) + 1) % 10},{label},looks so,tester"
    late = {"data/passes/p001-late.csv": f"id,action,label,was,reason,by\n{edit}\n"}
    host.branch("late", "origin/main~1", late)
    git(host.work, "push", "--quiet", "origin", "late")
    host.request("late")
    asked = git(host.work, "rev-parse", "late")

    for label, owner in (("bug", "team"), ("train", "stranger")):
        code, log, ran = host.act("pull_request", "train", "late", label, owner)
        assert code == 0 and ran == [], log
    assert git(host.remote, "rev-parse", "late") == asked and host.calls() == []

    code, log, ran = host.act("pull_request", "train", "late", "train")
    assert code == 0, log
    assert set(ran) == {"label", "train", "data-experiment"}
    trained = git(host.remote, "rev-parse", "late")
    assert git(host.remote, "rev-parse", "late^") == asked
    changed = git(host.remote, "diff", "--name-only", "late^", "late").splitlines()
    assert {"dvc.lock", "metrics.json", "data/examples/train.csv", "reports/predictions.csv"} <= set(changed)
    (models,) = yaml.safe_load(git(host.remote, "show", "late:dvc.lock"))["stages"]["train"]["outs"][:1]
    assert (store / "files" / "md5" / models["md5"][:2] / models["md5"][2:]).exists(), (
        "what the lock names can be pulled"
    )
    assert host.kept("labels") == []
    (comment,) = host.kept("comments")
    assert trained in comment["body"] and "1 relabelled" in comment["body"]
    assert TOKEN not in log


RULES = {
    "a merge request": ({}, {"data-experiment": "on_success", "train": "manual"}),
    "one with the label": (
        {"CI_MERGE_REQUEST_LABELS": "bug,train"},
        {"data-experiment": "on_success", "train": "on_success"},
    ),
    "one with a label that sounds like it": (
        {"CI_MERGE_REQUEST_LABELS": "bug,train-station"},
        {"data-experiment": "on_success", "train": "manual"},
    ),
    "a fork's with the label": (
        {"CI_MERGE_REQUEST_LABELS": "train", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "99"},
        {"data-experiment": "on_success"},
    ),
    "a baseline by hand": ({"CI_PIPELINE_SOURCE": "web", "AGAIN": "true"}, {"train": "on_success"}),
    "a push": ({"CI_PIPELINE_SOURCE": "push"}, {}),
    "a schedule": (
        {"CI_PIPELINE_SOURCE": "schedule"},
        dict.fromkeys(("watch-production", "template-update", "template-update-publish"), "on_success"),
    ),
}
REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_IID": "12",
    "CI_MERGE_REQUEST_PROJECT_ID": "34",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "34",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
}


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Gitlab:
    """A host of a project for GitLab."""
    project = render(tmp_path_factory.mktemp("gitlab"), ci="gitlab")
    project.commit("As rendered")
    return Gitlab(project, tmp_path_factory.mktemp("host"))


@needs_gitlab
@pytest.mark.parametrize(("variables", "expected"), RULES.values(), ids=RULES.keys())
def test_gitlab_runs_which_jobs_when(gitlab: Gitlab, variables: dict[str, str], expected: dict[str, str]) -> None:
    request = REQUEST if variables.get("CI_PIPELINE_SOURCE") is None else {}
    done = gitlab.pipeline("--list-json", "--no-evaluate-rule-changes", **(request | variables))
    assert done.returncode == 0, done.stdout + done.stderr
    jobs: list[dict[str, Any]] = json.loads(done.stdout[done.stdout.index("[\n") :])
    assert {job["name"]: job["when"] for job in jobs if job["when"] != "never"} == expected


@needs_gitlab
def test_gitlab_runs_the_check_of_a_merge_request(story: Project, tmp_path: Path) -> None:
    """On the project of the story, with the pipeline of an answer `gitlab`."""
    rendered = render(tmp_path / "rendered", ci="gitlab").path
    host = Gitlab(story, tmp_path)
    shutil.copy(rendered / ".gitlab-ci.yml", host.work)
    git(host.work, "fetch", "--quiet", "origin")
    git(host.work, "checkout", "--quiet", "--detach", "origin/relabel-1")
    done = host.pipeline(
        "data-experiment",
        CI_API_V4_URL="https://gitlab.test/api/v4",
        CI_COMMIT_SHA=git(host.work, "rev-parse", "HEAD"),
        CI_MERGE_REQUEST_DIFF_BASE_SHA=git(host.work, "rev-parse", "origin/main"),
        DATA_EXPERIMENT_TOKEN=TOKEN,
        **REQUEST,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (comment,) = host.kept("comments")
    assert "helps" in comment["body"].splitlines()[1]
    assert [call["url"] for call in host.kept("calls")][-1].endswith("/projects/34/merge_requests/12/notes")
    assert TOKEN not in done.stdout + done.stderr
    assert (host.work / "report.html").exists()
