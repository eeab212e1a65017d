"""Training a pull request's branch on a runner, played step by step (see played_host.py), on GitHub and on GitLab.

`dvc` is stood in for: whether a pipeline is current and what it computes is its business, and what becomes of that is the
job's. One training with nothing stood in for, up to the verdict, is in test_local_runner.py.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import IDENTITY, Project, render
from played_host import TOKEN, Host, Outcome, git, read_workflow, write

WORKFLOW = ".github/workflows/train.yml"
PIPELINE = ".gitlab-ci.yml"
HOSTS = ("github", "gitlab")
BRANCH = "relabel/größer-$(id)"  # a name that Git allows, and a shell would run
DVC = '''#!{python}
"""Stands in for dvc: says what is set beforehand, and writes what a `dvc repro` would."""
import json, os, sys
from pathlib import Path

folder, arguments = Path({folder!r}), sys.argv[1:]
set_up = json.loads((folder / "set-up.json").read_text(encoding="utf-8"))
with (folder / "dvc.txt").open("a", encoding="utf-8") as record:
    record.write(" ".join(arguments) + (" again" if "DATAPASS_TRAIN_AGAIN" in os.environ else "") + "\\n")
if arguments[:2] == ["repro", "--dry"]:
    print("\\n".join(f"Running stage '{{stage}}':" for stage in set_up["stale"]))
elif arguments[0] == "repro" and arguments[-1] == "repro":
    assert "CI" not in os.environ, "or the stage freeze refuses what is to be committed"
    for path, text in set_up["writes"].items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
print(set_up["says"].get(" ".join(arguments), ""), end="")
sys.exit(set_up["fails"].get(" ".join(arguments), 0))
'''


class Training(Host):
    """A host with a branch that is not trained yet, as merge or pull request 12. What `dvc` does is set beforehand."""

    def __init__(self, ci: str, project: Project, folder: Path) -> None:
        super().__init__(project, folder)
        self.ci = ci
        self.tool("dvc", DVC.format(python=sys.executable, folder=str(self.machine)))
        self.dvc()
        write(self.machine, "labels.json", json.dumps(["bug", "train"]))
        self.branch(BRANCH, "origin/main", {"data/passes/p001-late.csv": "id,action,label,was,reason,by\n"})
        git(self.work, "push", "--quiet", "origin", BRANCH)
        self.commit = git(self.work, "rev-parse", BRANCH)

    def dvc(
        self,
        stale: tuple[str, ...] = ("curate", "train"),
        writes: dict[str, str] | None = None,
        remote: bool | str = False,
        fails: tuple[str, ...] = (),
    ) -> None:
        """Set which stages are stale, what `dvc repro` writes, whether there is a remote or which, and which commands fail."""
        written = {"metrics.json": '{"accuracy": 0.98}\n', "dvc.lock": "trained\n"} if writes is None else writes
        failing = dict.fromkeys(fails, 1) | ({} if remote else {"remote default": 1})
        url = remote if isinstance(remote, str) else "s3://bucket/data"
        says = {"remote default": "storage", "config remote.storage.url": url} if remote else {}
        text = json.dumps({"stale": stale, "writes": written, "says": says, "fails": failing})
        write(self.machine, "set-up.json", text)

    def run(self, token: str = TOKEN, branch: str = BRANCH, again: bool = False, **host: str) -> Outcome:
        """Play the job, on the commit that the branch was at when it was asked for."""
        (self.machine / "dvc.txt").unlink(missing_ok=True)
        if self.ci == "gitlab":
            request = {
                "CI_COMMIT_SHA": self.commit,
                "CI_COMMIT_REF_NAME": branch,
                "CI_DEFAULT_BRANCH": "main",
                "CI_MERGE_REQUEST_IID": "12",
                "CI_MERGE_REQUEST_PROJECT_ID": "34",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": branch,
                "CI_PROJECT_URL": self.remote.as_uri().removesuffix(".git"),
                "CI_SERVER_HOST": "gitlab.test",
                "DATA_EXPERIMENT_TOKEN": token,
            }
            job = yaml.safe_load(git(self.remote, "show", f"main:{PIPELINE}"))["train"]
            variables = request | host | ({"AGAIN": "true"} if again else {})
            return self.play_gitlab(job | {"artifacts": {"paths": []}}, self.commit, variables)
        context = {
            "github.event.pull_request.head.sha": self.commit,
            "github.sha": "0" * 40,
            "github.head_ref": branch,
            "github.ref_name": "12/merge",
            "github.event.repository.default_branch": "main",
            "github.token": token,
            "inputs.again": "true" if again else "",
        }
        return self.play_github(git(self.remote, "show", f"main:{WORKFLOW}"), self.commit, context, "train")

    def tip(self) -> str:
        return git(self.remote, "rev-parse", f"refs/heads/{BRANCH}")

    @property
    def asked(self) -> list[str]:
        """What `dvc` was asked, but for whether there is a remote."""
        path = self.machine / "dvc.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in lines if line != "remote default" and not line.startswith("config ")]


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project for each host, with results of some baseline; read only."""
    made = {}
    for ci in HOSTS:
        made[ci] = project = render(tmp_path_factory.mktemp(ci), ci=ci)
        for path in ("dvc.lock", "metrics.json"):
            write(project.path, path, "baseline\n")
        project.commit("Baseline")
    return made


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, projects: dict[str, Project], tmp_path: Path) -> Training:
    """Each host in turn."""
    return Training(request.param, projects[request.param], tmp_path)


def refused(host: Training, played: Outcome, *said: str) -> None:
    """Assert that the job failed in a sentence, and that the branch is as it was."""
    assert played.code != 0
    lines = [line for line in played.log.splitlines() if all(part in line for part in said)]
    assert lines, played.log
    assert "Traceback" not in played.log
    assert host.tip() == host.commit
    if host.ci == "github":
        assert lines[-1].startswith("::error::") and lines[-1].removeprefix("::error::") in played.summary


def test_results_are_committed_to_the_branch_and_to_no_other(host: Training) -> None:
    """Also those that are new; what else a training leaves is none of Git's."""
    results = {"metrics.json": "new\n", "dvc.lock": "new\n", "reports/classes.csv": "class\n", "mlruns/1.txt": "log\n"}
    host.dvc(writes=results)
    main = git(host.remote, "rev-parse", "main")
    played = host.run()
    assert played.code == 0, played.log
    assert host.asked == ["repro --dry --allow-missing", "repro"]
    assert git(host.remote, "rev-parse", f"{host.tip()}^") == host.commit
    changed = git(host.remote, "diff", "--name-only", host.commit, host.tip()).splitlines()
    assert changed == ["dvc.lock", "metrics.json", "reports/classes.csv"]
    assert host.commit[:7] in git(host.remote, "log", "-1", "--format=%s", host.tip())
    author = {"github": "github-actions[bot]", "gitlab": "Train in CI"}[host.ci]
    assert git(host.remote, "log", "-1", "--format=%an %cn", host.tip()) == f"{author} {author}"
    assert git(host.remote, "rev-parse", "main") == main
    assert "no DVC remote, so the models go with this job" in played.log
    assert TOKEN not in played.log


def test_the_remote_gives_the_data_and_gets_the_results_first(host: Training) -> None:
    host.branch(BRANCH, f"origin/{BRANCH}", {"data/raw.dvc": "outs: []\n"})
    git(host.work, "push", "--quiet", "origin", BRANCH)
    host.commit = git(host.work, "rev-parse", BRANCH)
    host.dvc(remote=True)
    played = host.run()
    assert played.code == 0, played.log
    assert host.asked == [
        "repro --dry --allow-missing",
        "pull data/raw.dvc",
        "pull --allow-missing dvc.yaml",
        "repro",
        "push",
    ]
    assert host.tip() != host.commit


@pytest.mark.parametrize(
    ("remote", "fails", "said"),
    [
        (False, (), ("no DVC remote", "`dvc remote add --default storage URL`", "`dvc push`", ".dvc/config")),
        (True, ("pull data/raw.dvc",), ("data/raw could not be brought", "`dvc push`")),
        (True, ("push",), ("could not be put into the DVC remote",)),
        (True, ("repro",), ("`dvc repro` failed", "the log says why")),
        (
            "/no such/storage",
            (),
            ("the folder `/no such/storage`, which this machine does not have", "a runner of your own"),
        ),
    ],
    ids=[
        "no remote",
        "not in the remote",
        "a remote that may only be read",
        "a stage that refuses",
        "a folder elsewhere",
    ],
)
def test_what_stops_a_training_is_said_in_a_sentence(
    host: Training, remote: bool | str, fails: tuple[str, ...], said: tuple[str, ...]
) -> None:
    host.branch(BRANCH, f"origin/{BRANCH}", {"data/raw.dvc": "outs: []\n"})
    git(host.work, "push", "--quiet", "origin", BRANCH)
    host.commit = git(host.work, "rev-parse", BRANCH)
    host.dvc(remote=remote, fails=fails)
    refused(host, host.run(), *said)


def test_earlier_results_that_were_never_pushed_are_made_again(host: Training) -> None:
    host.dvc(remote=True, fails=("pull --allow-missing dvc.yaml",))
    played = host.run()
    assert played.code == 0, played.log
    assert "made again" in played.log and host.tip() != host.commit


def test_what_is_current_is_not_trained(host: Training) -> None:
    """The verdict follows all the same: of the commit that is there."""
    host.dvc(stale=())
    played = host.run()
    assert played.code == 0, played.log
    assert host.asked == ["repro --dry --allow-missing"] and host.tip() == host.commit
    assert "there is nothing to train" in played.log
    if host.ci == "github":
        assert f"commit={host.commit}" in (host.machine / "outputs").read_text(encoding="utf-8")


def test_what_is_current_is_trained_again_where_one_asks(host: Training) -> None:
    host.dvc(stale=())
    played = host.run(again=True)
    assert played.code == 0, played.log
    assert host.asked == ["repro pack curate", "repro --force --single-item train again", "repro"]
    assert host.tip() != host.commit


def test_a_training_that_changes_nothing_commits_nothing(host: Training) -> None:
    host.dvc(writes={})
    played = host.run()
    assert played.code == 0, played.log
    assert "Training changed no result." in played.log and host.tip() == host.commit


def test_a_branch_that_moved_keeps_what_it_has(host: Training) -> None:
    """As where somebody pushed meanwhile, and where a run is run again after it has pushed."""
    first = host.run()
    assert first.code == 0, first.log
    pushed = host.tip()
    host.dvc(writes={"metrics.json": "another\n"})
    played = host.run()
    assert played.code == 1 and host.tip() == pushed
    assert "moved while this trained" in played.log and "Start the training again" in played.log


def test_a_branch_that_may_not_be_written_is_said(host: Training) -> None:
    """Protected, or the token may only read, as Dependabot's."""
    hook = host.remote / "hooks" / "pre-receive"
    write(hook.parent, hook.name, "#!/bin/sh\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    refused(host, host.run(), "this job may not write to it")


def test_the_default_branch_is_changed_by_requests_alone(host: Training) -> None:
    request = "merge request" if host.ci == "gitlab" else "pull request"
    refused(host, host.run(branch="main"), f"Results come to `main` by {request}", "make a branch")
    assert host.asked == []


def test_gitlab_without_a_token_trains_nothing(projects: dict[str, Project], tmp_path: Path) -> None:
    host = Training("gitlab", projects["gitlab"], tmp_path)
    refused(host, host.run(token=""), "DATA_EXPERIMENT_TOKEN is not set", "nothing was trained", "`write_repository`")
    assert host.asked == []


def test_gitlab_takes_the_label_off_before_its_push_starts_a_pipeline(
    projects: dict[str, Project], tmp_path: Path
) -> None:
    host = Training("gitlab", projects["gitlab"], tmp_path)
    assert host.run().code == 0
    assert host.kept("labels") == ["bug"]
    (call,) = host.kept("calls")
    assert call["method"] == "PUT" and call["url"].endswith("/projects/34/merge_requests/12")
    assert TOKEN in call["secret"] and TOKEN not in " ".join(call["arguments"])
    write(host.machine, "refuse", "")
    host.commit = host.tip()
    played = host.run()
    assert played.code == 0 and "`train` could not be taken off" in played.log


def test_gitlab_trains_the_branch_where_it_tests_the_merge(projects: dict[str, Project], tmp_path: Path) -> None:
    host = Training("gitlab", projects["gitlab"], tmp_path)
    git(host.work, "checkout", "--quiet", "--detach", "origin/main")
    git(host.work, "merge", "--quiet", "--no-ff", "--no-edit", BRANCH)
    git(host.work, "push", "--quiet", "origin", "HEAD:refs/pull/12/merge")
    branch, host.commit = host.commit, git(host.work, "rev-parse", "HEAD")
    played = host.run(CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=branch)
    assert played.code == 0, played.log
    assert git(host.remote, "rev-parse", f"{host.tip()}^") == branch


def test_the_token_reaches_the_server_and_no_command_line(projects: dict[str, Project], tmp_path: Path) -> None:
    """What Git asks the helper for, as the script sets it."""
    script = (projects["github"].path / ".ci" / "host.sh").read_text(encoding="utf-8")
    (line,) = [line for line in script.splitlines() if "credential.helper=" in line]
    assert TOKEN not in line
    asked = subprocess.run(
        ["sh", "-c", f"{line.replace(chr(34) + '$@' + chr(34), 'credential fill')}"],
        input="protocol=https\nhost=github.test\n\n",
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TOKEN": TOKEN, "GIT_TERMINAL_PROMPT": "0"} | IDENTITY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"username=x-access-token\npassword={TOKEN}\n" in asked.stdout, asked.stderr


def permissions(jobs: dict[str, Any]) -> dict[str, Any]:
    return {name: job["permissions"] for name, job in jobs.items()}


def test_the_workflow_keeps_to_what_it_needs_and_its_schema(projects: dict[str, Project]) -> None:
    read = read_workflow(projects["github"].path / WORKFLOW)
    assert read[True]["pull_request"] == {"types": ["labeled"]} and set(read[True]) == {
        "pull_request",
        "workflow_dispatch",
    }
    assert "label.name" in read["concurrency"]["group"], "or any other label would end a training"
    assert read["permissions"] == {} and permissions(read["jobs"]) == {
        "label": {"pull-requests": "write"},
        "train": {"contents": "write"},
        "verdict": {"contents": "read", "pull-requests": "write"},
    }
    pinned = (projects["github"].path / ".github/workflows/data-experiment.yml").read_text(encoding="utf-8")
    for step in read["jobs"]["train"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert ("TOKEN" in step.get("env", {})) == (step.get("name") == "Push"), "what trains has no token"
        assert step.get("uses", "") in pinned
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


STORAGE = {  # what the workflows say of each, and what they hand to what trains
    "none": ("where you set one", []),
    "../storage": ("only a runner of your own sees it", []),
    "s3://bucket/data": ("DVC remote is read and written with", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
    "azure://container/data": ("DVC remote is read and written with", ["AZURE_STORAGE_CONNECTION_STRING"]),
    "gs://bucket/data": ("GOOGLE_APPLICATION_CREDENTIALS", []),
    "ssh://host/data": ("ssh-agent", []),
}


@pytest.mark.parametrize(("remote", "said", "handed"), [(k, *v) for k, v in STORAGE.items()], ids=STORAGE.keys())
def test_each_kind_of_storage_says_what_to_set(tmp_path: Path, remote: str, said: str, handed: list[str]) -> None:
    github = render(tmp_path / "github", ci="github", dvc_remote=remote).path / ".github" / "workflows"
    for name, job, step, own in (
        ("train", "train", "Train", ["AGAIN"]),
        ("watch", "watch-production", "Bring the", []),
    ):
        text = (github / f"{name}.yml").read_text(encoding="utf-8")
        assert said in text
        (found,) = [s for s in yaml.safe_load(text)["jobs"][job]["steps"] if s.get("name", "").startswith(step)]
        assert list(found.get("env", {})) == own + handed
        assert all("secrets.DVC_" in found["env"][key] for key in handed)
    pipeline = render(tmp_path / "gitlab", ci="gitlab", dvc_remote=remote).path / PIPELINE
    text = pipeline.read_text(encoding="utf-8").split("\n\n")[0]
    assert all(name in text for name in handed) and (said in text or handed)
    read_workflow(github / "train.yml")


def test_each_answer_gives_its_own_files(tmp_path: Path) -> None:
    for ci, expected in {"github": [WORKFLOW], "gitlab": [PIPELINE], "none": []}.items():
        folder = render(tmp_path / ci, ci=ci).path
        assert [name for name in (WORKFLOW, PIPELINE) if (folder / name).exists()] == expected
        usage = subprocess.run(["sh", ".ci/train.sh"], cwd=folder, capture_output=True, text=True, check=False)
        assert usage.returncode == 2 and ".ci/train.sh push" in usage.stderr
