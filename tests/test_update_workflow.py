"""The scheduled job that proposes updates of the template, played step by step (see played_host.py), on GitHub and on GitLab.

Only the host's API is stood in for: cruft updates, Git pushes and `datapass frozen` judges.
"""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import reference
from conftest import Project
from played_host import TOKEN, Host, Outcome, read_workflow, write
from two_releases import INSIDE, NEW, OLD, edit, git, team

WORKFLOW, PIPELINE = ".github/workflows/update.yml", ".gitlab-ci.yml"
BRANCH = "template-update"
HOSTS = ("github", "gitlab")
API = '''#!{python}
"""Stands in for `gh api` and for curl on GitLab's API: keeps pull requests and calls in JSON files."""
import json, re, sys
from pathlib import Path

folder, arguments = Path({folder!r}), sys.argv[1:]
def read(name): return json.loads((folder / name).read_text()) if (folder / name).exists() else []
after = lambda *options: [v for o, v in zip(arguments, arguments[1:]) if o in options]
method = [*after("--method", "--request"), "GET"][0]
url, number = next((a, m[1]) for a in arguments if (m := re.search(r"/(?:pulls|merge_requests)(?:/(\\d+))?(?:\\?|$)", a)))
query, things, calls = dict(re.findall(r"[?&](\\w+)=([^&]*)", url)), read("pulls.json"), read("calls.json")
secret = "" if Path(sys.argv[0]).name == "gh" else sys.stdin.read()
files = dict(re.split("=?@", each, maxsplit=1) for each in after("--field", "--data-urlencode"))
fields = {{each.replace("description", "body"): Path(path).read_text(encoding="utf-8") for each, path in files.items()}}
fields |= dict(pair.split("=") for each in after("--raw-field", "--data") for pair in each.split("&"))
calls.append({{"method": method, "url": url, "arguments": arguments, "secret": secret}})
(folder / "calls.json").write_text(json.dumps(calls))
if (folder / "refuse").exists() and (folder / "refuse").read_text() in ("", method):
    sys.exit("HTTP 403: GitHub Actions is not permitted to create or approve pull requests")
if method == "GET":
    assert query.get("head", "team:{branch}") == "team:{branch}" and query.get("source_branch", "{branch}") == "{branch}"
    found = [one for one in things if one["state"].startswith(query["state"].removesuffix("ed"))]
    print(*[one["number"] for one in found], sep="\\n") if not secret else print(json.dumps([{{"iid": one["number"]}} for one in found]))
elif number:
    next(one for one in things if one["number"] == int(number)).update(fields)
else:
    things.append({{"number": 7 + len(things), "state": "open"}} | fields)
(folder / "pulls.json").write_text(json.dumps(things))
'''


class Updates(Host):
    """A host with a project whose job is due."""

    def __init__(self, ci: str, project: Project, folder: Path) -> None:
        super().__init__(project, folder)
        self.ci, self.handed = ci, list[Path]()
        for tool in ("gh", "curl"):
            self.tool(tool, API.format(python=sys.executable, folder=str(self.machine), branch=BRANCH))

    def checkout(self, reference: str, depth: int) -> Path:
        """Return a clone, whole where depth is 0, with the files that an earlier job handed on."""
        if depth:
            clone = super().checkout(reference, depth)
        else:
            self.runs += 1
            clone = self.folder / f"run-{self.runs}"
            git(self.folder, "clone", "--quiet", "--no-checkout", self.remote.as_uri(), str(clone))
            git(clone, "checkout", "--quiet", "--detach", f"origin/{reference}")
        for path in self.handed:
            place = clone / "handed" if self.ci == "github" else clone
            place.mkdir(exist_ok=True)
            shutil.copy2(path, place, follow_symlinks=False)
        return clone

    def run(self) -> Outcome:
        """Play both jobs; return the last that ran, with the log of both."""
        first = self.propose()
        if first.code or not self.handed:
            return first
        second = self.publish()
        second.log = first.log + second.log
        return second

    def propose(self) -> Outcome:
        """Play the first job, which hands on what it made."""
        self.handed = []
        played, context = self.job(0, {})
        if self.ci == "gitlab" or context.get("steps.update.outputs.newer") == "true":
            self.handed = sorted(played.clone.glob(f"{BRANCH}.*"))
        assert all(TOKEN.encode() not in path.read_bytes() for path in self.handed)
        return played

    def publish(self, token: str = TOKEN, own: bool = True) -> Outcome:
        """Play the second job with what the first handed on."""
        expressions = {"secrets.TEMPLATE_UPDATE_TOKEN": token if own else "", "github.token": "" if own else token}
        return self.job(1, expressions if self.ci == "github" else {"TEMPLATE_UPDATE_TOKEN": token})[0]

    def job(self, index: int, context: dict[str, str]) -> tuple[Outcome, dict[str, str]]:
        if self.ci == "github":
            job = list(yaml.safe_load(git(self.remote, "show", f"main:{WORKFLOW}"))["jobs"].values())[index]
            job["steps"] = [
                step for step in job["steps"] if not re.search("(up|down)load-artifact", step.get("uses", ""))
            ]
            played = yaml.safe_dump({"jobs": {"played": {"env": {}} | job}})
            return self.play_github(played, "main", context, GITHUB_REF_NAME="main"), context
        job = yaml.safe_load(git(self.remote, "show", f"main:{PIPELINE}"))[(BRANCH, f"{BRANCH}-publish")[index]]
        server = {"CI_SERVER_URL": self.folder.as_uri(), "CI_PROJECT_PATH": "remote", "CI_DEFAULT_BRANCH": "main"}
        return self.play_gitlab({"artifacts": {"paths": []}} | job, "main", server | context), context

    @property
    def pulls(self) -> list[dict[str, Any]]:
        return self.kept("pulls")

    @property
    def branches(self) -> list[str]:
        return git(self.remote, "branch", "--format=%(refname:short)").split()

    def commits(self, name: str, change: dict[str, str]) -> None:
        """Commit these files on a branch of the remote."""
        git(self.work, "fetch", "--quiet", "origin")
        self.branch(name, f"origin/{name}", change)
        git(self.work, "push", "--quiet", "origin", name)


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """The team's project on each host; read only."""
    github = team(tmp_path_factory)[2]
    gitlab = github.copy(tmp_path_factory.mktemp("gitlab") / "digits")
    linked = json.loads((gitlab.path / ".cruft.json").read_text(encoding="utf-8"))
    linked["context"]["cookiecutter"]["ci"] = "gitlab"
    (gitlab.path / ".cruft.json").write_text(json.dumps(linked), encoding="utf-8")
    shutil.rmtree(gitlab.path / ".github")
    (source,) = (team(tmp_path_factory)[0] / INSIDE).glob("*gitlab-ci.yml*")
    pipeline = reference.rendered(source.read_text(encoding="utf-8"), "images", "gitlab")
    (gitlab.path / PIPELINE).write_text(pipeline, encoding="utf-8")
    gitlab.commit("Move to GitLab")
    return {"github": github, "gitlab": gitlab}


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, projects: dict[str, Project], tmp_path: Path) -> Updates:
    """Each host in turn."""
    return Updates(request.param, projects[request.param], tmp_path)


@pytest.fixture
def github(projects: dict[str, Project], tmp_path: Path) -> Updates:
    """One host, where the other does the same."""
    return Updates("github", projects["github"], tmp_path)


@pytest.fixture(scope="module")
def made(projects: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What the first job hands on of the team's project on GitHub; read only."""
    host = Updates("github", projects["github"], tmp_path_factory.mktemp("made"))
    assert host.propose().code == 0
    return host.handed


def test_an_update_is_one_pull_request_which_is_then_updated(host: Updates) -> None:
    """On top of the default branch as it is; people's edits of the machinery are named."""
    main = git(host.remote, "rev-parse", "main")
    played = host.run()
    assert played.code == 0, played.log
    (pull,) = host.pulls
    assert pull["title"] == f"Update the template to {NEW}"
    said = pull["body"].replace("&#95;", "_")
    assert "What does it do to the frozen model?" in said and "Run the baseline again" in said
    assert "code src/datapass/training/fit.py: changed" in said and "3 seeds are trained anew" in said
    assert "edited here" in said and "    src/datapass/cli.py\n" in said and "conflict" not in said
    assert {pull.get("head"), pull.get("source_branch")} == {BRANCH, None}
    assert {pull.get("base"), pull.get("target_branch")} == {"main", None}
    assert git(host.remote, "rev-parse", f"{BRANCH}~1") == main and git(host.remote, "rev-parse", "main") == main
    changed = git(host.remote, "diff", "--name-only", "main", BRANCH).splitlines()
    assert {"README.md", ".cruft.json", "src/datapass/__init__.py", "params.yaml"} - set(changed) == {
        "params.yaml"
    } - set(changed)
    assert not any(path.startswith(("update.", "template-update", "src/digits", "data/")) for path in changed)

    if host.ci == "github":
        host.commits("main", {"notes.md": "# Ours\n"})
    again = host.run() if host.ci == "github" else host.publish()
    assert again.code == 0, again.log
    (updated,) = host.pulls
    assert updated["number"] == pull["number"]
    assert host.calls("POST", "PATCH", "PUT") == ["POST", "PATCH" if host.ci == "github" else "PUT"]
    assert git(host.remote, "rev-parse", f"{BRANCH}~1") == git(host.remote, "rev-parse", "main")
    calls = host.kept("calls")
    assert TOKEN not in again.log and not any(TOKEN in " ".join(call["arguments"]) for call in calls)
    assert all((TOKEN in call["secret"]) == (host.ci == "gitlab") for call in calls)


def test_what_people_did_stays(github: Updates, made: list[Path]) -> None:
    """Commits on the branch, as of resolved conflicts; and their no, where they closed the pull request."""
    github.handed = made
    assert github.publish().code == 0
    (pull,) = github.pulls
    (github.machine / "pulls.json").write_text(json.dumps([pull | {"state": "closed"}]), encoding="utf-8")
    closed = github.publish()
    assert closed.code == 0 and "was proposed before, and closed" in closed.log, closed.log
    assert len(github.pulls) == 1
    github.commits(BRANCH, {"dvc.lock": "schema: '2.0'\n"})
    theirs = git(github.remote, "rev-parse", BRANCH)
    played = github.publish()
    assert played.code == 0 and "has commits of people, so it stays as it is" in played.log, played.log
    assert git(github.remote, "rev-parse", BRANCH) == theirs


def test_an_update_that_changes_nothing_of_the_model_says_so(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """A release in which only a report is another one, on the baseline that is there, which was never audited."""
    made, _, worked = team(tmp_path_factory)
    source = tmp_path / "template"
    shutil.copytree(made, source)
    git(source, "tag", "-d", NEW)
    git(source, "checkout", "--quiet", "-B", "main", OLD)
    with (source / INSIDE / "src/datapass/report/html.py").open("a", encoding="utf-8") as file:
        file.write("# better\n")
    git(source, "commit", "--quiet", "-am", "A better report")
    git(source, "tag", "v0.2.10")
    project = worked.copy(tmp_path / "digits")
    linked = json.loads((project.path / ".cruft.json").read_text(encoding="utf-8")) | {"template": str(source)}
    (project.path / ".cruft.json").write_text(json.dumps(linked), encoding="utf-8")
    project.commit("Where the template is now")
    host = Updates("github", project, tmp_path)
    played = host.run()
    assert played.code == 0, played.log
    (pull,) = host.pulls
    assert pull["title"] == "Update the template to v0.2.10"
    said = pull["body"]
    assert "its results stay comparable" in said and "audit and ours run again: no seed is trained anew" in said


def test_a_conflict_is_in_title_and_text_and_its_markers_are_on_the_branch(
    projects: dict[str, Project], tmp_path: Path
) -> None:
    project = projects["github"].copy(tmp_path / "digits")
    edit(project, "README.md", "It was said otherwise.", "We say it in our way.")
    edit(
        project,
        "dvc.yaml",
        "src/datapass/comparison/bygone.py",
        "src/digits/inputs.py, src/datapass/comparison/bygone.py",
    )
    project.commit("Our words, and a dependency where the update takes one away")
    host = Updates("github", project, tmp_path)
    played = host.run()
    assert played.code == 0, played.log
    (pull,) = host.pulls
    assert pull["title"] == f"Update the template to {NEW} (conflicts to resolve)"
    assert "    README.md\n    dvc.yaml\n" in pull["body"]
    assert (
        "It cannot be told before this is mended\n\n    dvc.yaml: " in pull["body"] and "Traceback" not in pull["body"]
    )
    for path in ("README.md", "dvc.yaml"):
        assert "<<<<<<<" in git(host.remote, "show", f"{BRANCH}:{path}")


def test_a_project_that_is_not_of_cruft_says_so_and_ends_well(host: Updates) -> None:
    git(host.work, "checkout", "--quiet", "main")
    git(host.work, "rm", "--quiet", ".cruft.json")
    host.commits("main", {"notes.md": "# Ours\n"})
    played = host.run()
    assert played.code == 0, played.log
    assert "There is no .cruft.json" in played.log and host.calls() == [] and host.branches == ["main"]


HOOK = "#!/bin/sh\necho 'refusing to allow a GitHub App to create or update workflow' >&2\nexit 1\n"
RIGHTS = {
    "a push that is refused": ("push", "the branch template-update could not be pushed"),
    "a pull request that is refused": (
        "POST",
        "the branch template-update is there, but its pull request could not be written",
    ),
    "a token that may read nothing": ("", "the open pull requests could not be listed"),
}


@pytest.mark.parametrize(("what", "said"), RIGHTS.values(), ids=RIGHTS.keys())
def test_missing_rights_fail_in_a_sentence(github: Updates, made: list[Path], what: str, said: str) -> None:
    github.handed = made
    if what == "push":
        write(github.remote, "hooks/pre-receive", HOOK)
        (github.remote / "hooks/pre-receive").chmod(0o755)
    else:
        write(github.machine, "refuse", what)
    played = github.publish(own=False)
    assert played.code == 1 and played.failed == "Open or update the pull request"
    assert f"::error::Of the template's update {said}" in played.log
    assert "Set the secret TEMPLATE_UPDATE_TOKEN" in played.summary and github.pulls == []


def test_gitlab_without_a_token_leaves_log_and_artifact(projects: dict[str, Project], tmp_path: Path) -> None:
    host = Updates("gitlab", projects["gitlab"], tmp_path)
    first, played = host.propose(), host.publish(token="")
    assert played.code == 0, played.log
    assert "| ### It is another model" in first.log and "TEMPLATE_UPDATE_TOKEN is not set" in played.log
    assert host.calls() == [] and host.branches == ["main"]
    assert [path.name for path in host.handed] == [f"{BRANCH}.bundle", f"{BRANCH}.md"]


def test_a_link_that_is_handed_on_publishes_nothing(host: Updates, made: list[Path]) -> None:
    """In place of the text a link to, say, the variables of the second job, its token among them."""
    host.handed = [made[0], host.folder / made[1].name]
    host.handed[1].symlink_to("/proc/self/environ")
    played = host.publish()
    assert played.code and "handed on a link" in played.log
    assert host.calls() == [] and host.branches == ["main"]


def test_the_workflow_keeps_secrets_from_code_of_the_new_release(projects: dict[str, Project]) -> None:
    read = read_workflow(projects["github"].path / WORKFLOW)
    assert list(read[True]) == ["schedule", "workflow_dispatch"], "the key `on` is a truth value to YAML 1.1"
    assert read["permissions"] == {} and read["concurrency"]["cancel-in-progress"] is False
    propose, publish = read["jobs"].values()
    assert propose["permissions"] == {"contents": "read"}
    assert publish["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert "secrets." not in str(propose) and "github.token" not in str(propose)
    for step in [*propose["steps"], *publish["steps"]]:
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
    (download,) = [step for step in publish["steps"] if "download" in step.get("uses", "")]
    assert download["with"]["path"] == "handed", "where it can be named as no script"
    assert "sh .ci/update.sh update" not in str(publish) and "datapass" not in str(publish)


def test_gitlabs_first_job_does_not_get_the_token(projects: dict[str, Project]) -> None:
    """Its variable is of the environment `template-update`, which the second job alone names; those of other jobs are of another."""
    jobs = yaml.safe_load((projects["gitlab"].path / PIPELINE).read_text(encoding="utf-8"))
    first, second = jobs[BRANCH], jobs[f"{BRANCH}-publish"]
    assert "environment" not in first and second["environment"] == {"name": BRANCH, "action": "access"}
    for name in ("data-experiment", "train", "watch-production"):
        assert jobs[name]["environment"] == {"name": "data-experiment", "action": "access"}
    assert second["variables"]["GIT_STRATEGY"] == "clone", "not the folder that the first job wrote to"
    assert second["needs"] == [BRANCH] and second["script"] == ["sh .ci/update.sh publish"]
    for job in (first, second):
        assert [rule["if"] for rule in job["rules"]] == ['$CI_PIPELINE_SOURCE == "schedule"']
