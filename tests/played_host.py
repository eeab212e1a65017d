"""Plays what GitHub and GitLab do with a rendered project: a bare remote, the machine that jobs run on, and their steps.

The players read the rendered YAML, so what is tested is what a host would run: each `run:` (GitHub) or script line
(GitLab), in order, with the variables that the host sets. Only what comes from outside is stood in for: checkout,
installation, and `gh` and `curl`, which keep comments and issues in files and record every call.
"""

import json
import os
import re
import string
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conftest import IDENTITY, Project

TOKEN = "not-a-real-token"

STAND_IN = '''#!{python}
"""Stands in for `gh api` and for curl on GitLab's API: keeps comments, issues, labels and calls in JSON files."""
import json, re, sys
from pathlib import Path

folder = Path({folder!r})
def read(name): return json.loads((folder / name).read_text()) if (folder / name).exists() else []
name, arguments = Path(sys.argv[0]).name, sys.argv[1:]
after = lambda *options: [v for o, v in zip(arguments, arguments[1:]) if o in options]
method = [*after("--method", "--request"), "GET"][0]
if labels := [a for a in arguments if a.endswith("/labels/train") or a == "remove_labels=train"]:
    url = next(a for a in arguments if re.search(r"/(issues|merge_requests)/12(/|$)", a))
    (folder / "calls.json").write_text(json.dumps([*read("calls.json"), {{"tool": name, "method": method, "url": url, "arguments": arguments, "secret": "" if name == "gh" else sys.stdin.read()}}]))
    if (folder / "refuse").exists():
        sys.exit("HTTP 403: Resource not accessible by integration")
    (folder / "labels.json").write_text(json.dumps([label for label in read("labels.json") if label != "train"]))
    sys.exit()
url, what, number = next((a, *m.groups()) for a in arguments if (m := re.search(r"/(comments|notes|issues)(?:/(\\d+))?(?:\\?|$)", a)))
query = dict(re.findall(r"[?&](\\w+)=([^&]*)", url))
file, key = ("issues.json", "number") if what == "issues" else ("comments.json", "id")
things, calls = read(file), read("calls.json")
secret = "" if name == "gh" else sys.stdin.read()
fields = dict(re.split("=?@", each, maxsplit=1) for each in after("--field", "--data-urlencode"))
fields = {{each.replace("description", "body"): Path(path).read_text(encoding="utf-8") for each, path in fields.items()}}
calls.append({{"tool": name, "method": method, "url": url, "arguments": arguments, "secret": secret}})
(folder / "calls.json").write_text(json.dumps(calls))
if (folder / "refuse").exists() and (folder / "refuse").read_text() in ("", method):
    sys.exit("HTTP 403: Resource not accessible by integration")
if "state" in query:
    things = [c for c in things if c["state"] == query["state"].replace("opened", "open")]
if query.get("scope") == "created_by_me":
    things = [c for c in things if c["user"]["login"] == "github-actions[bot]"]
if method == "GET" and name == "gh":  # the conditions of the filter, read from it; `gh` asks for every page
    assert "--paginate" in arguments
    (jq,) = after("--jq")
    login, start = (re.search(p + r'"(.*?)"', jq)[1] for p in ("login == ", r"startswith\\("))
    if "pull_request == null" in jq:
        things = [c for c in things if "pull_request" not in c]
    assert all(c["body"] is not None for c in things) or '.body // ""' in jq, "startswith() cannot be applied to null"
    found = [c for c in things if c["user"]["login"] == login and (c["body"] or "").startswith(start)]
    print(*[c[jq.split(".")[-1]] for c in found], sep="\\n")
elif method == "GET":
    page, size = int(query["page"]), int(query["per_page"])
    shown = [c | {{"iid": c.get("number"), "description": c["body"]}} for c in things]
    print(json.dumps(shown[(page - 1) * size : page * size], separators=(",", ":")))
else:
    things = read(file)
    if number:
        next(c for c in things if c[key] == int(number)).update(fields)
    else:
        things.append({{key: 1000 + len(things), "state": "open", "user": {{"login": "github-actions[bot]"}}}} | fields)
    (folder / file).write_text(json.dumps(things))
'''


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | IDENTITY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def evaluate(expression: str, context: Mapping[str, str]) -> str:
    """Return what an expression of a workflow gives: names, texts, `==`, `&&` and `||`, which bind in this order."""
    for sign, first in ((" || ", bool), (" && ", lambda value: not value)):
        if sign in expression:
            values = [evaluate(part, context) for part in expression.split(sign)]
            return next((value for value in values if first(value)), values[-1])
    if " == " in expression:
        left, right = (evaluate(part, context) for part in expression.split(" == "))
        return "true" if left == right else ""
    expression = expression.strip()
    if expression.startswith("'"):
        return expression.strip("'")
    # What a run gives has to be known; what a step or a caller may leave out need not.
    return context.get(expression, "") if expression.startswith(("steps.", "inputs.")) else context[expression]


def write(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


def read_workflow(path: Path, schema: str = "github-workflows") -> Any:
    """Return what a workflow says, after a check of it by the host's schema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@dataclass
class Outcome:
    """What a played job left: the exit code of the step that failed or 0, and what was to be seen."""

    code: int = 0
    failed: str = ""
    log: str = ""
    summary: str = ""
    artifacts: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    clone: Path = Path()


class Host:
    """A bare remote of a project with its comments and issues, and the machine that jobs run on.

    `absent`: packages that the job does not install, and so are not importable there.
    """

    def __init__(self, project: Project, folder: Path, absent: Sequence[str] = ()) -> None:
        self.folder, self.remote, self.work = folder, folder / "remote.git", folder / "work"
        self.machine = folder / "machine"
        self.runs = 0
        git(folder, "clone", "--quiet", "--bare", str(project.path), str(self.remote))
        git(self.remote, "config", "uploadpack.allowAnySHA1InWant", "true")  # as both hosts have it
        git(folder, "clone", "--quiet", str(self.remote), str(self.work))
        for tool in ("gh", "curl"):
            self.tool(tool, STAND_IN.format(python=sys.executable, folder=str(self.machine)))
        for name in absent:
            write(
                self.machine,
                f"absent/{name}.py",
                f'raise ModuleNotFoundError("{name} is not installed for the check")\n',
            )
        self.tool("python", f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{self.machine}/absent" exec {sys.executable} "$@"\n')

    def tool(self, name: str, script: str) -> None:
        """Put a program onto the machine's path."""
        write(self.machine / "bin", name, script)
        (self.machine / "bin" / name).chmod(0o755)

    def kept(self, name: str) -> list[dict[str, Any]]:
        """Return what the stand-ins keep: comments, issues or calls."""
        path = self.machine / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    def calls(self, *methods: str) -> list[str]:
        """Return the methods of the API calls so far, of all or of some."""
        found = [call["method"] for call in self.kept("calls")]
        return [method for method in found if method in methods or not methods]

    def branch(self, name: str, start: str, files: Mapping[str, str]) -> None:
        """Commit these files on a new branch of the working clone."""
        git(self.work, "checkout", "--quiet", "-B", name, start)
        for path, text in files.items():
            write(self.work, path, text)
        git(self.work, "add", "-A")
        git(self.work, "commit", "--quiet", "-m", name)

    def checkout(self, reference: str, depth: int) -> Path:
        """Return a fresh clone of one reference, detached, as a runner has it: shallow, or with all branches (depth 0)."""
        self.runs += 1
        clone = self.folder / f"run-{self.runs}"
        git(self.folder, "init", "--quiet", str(clone))
        git(clone, "remote", "add", "origin", self.remote.as_uri())
        if depth:
            git(clone, "fetch", "--quiet", "--no-tags", f"--depth={depth}", "origin", reference)
            git(clone, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        else:
            git(clone, "fetch", "--quiet", "--no-tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
            git(clone, "checkout", "--quiet", "--detach", reference)
        assert git(clone, "rev-parse", "--is-shallow-repository") == ("true" if depth else "false")
        assert not (clone / ".dvc" / "cache").exists() and not (clone / "data" / "raw").exists()
        return clone

    def shell(self, clone: Path, script: str, env: Mapping[str, str], outcome: Outcome) -> None:
        """Run a script as runners do: bash, up to the first failure, and nothing of our own environment in it."""
        path = f"{self.machine}/bin{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        base = {"PATH": path, "HOME": str(self.machine), "CI": "true", "DVC_SITE_CACHE_DIR": str(self.machine / "dvc")}
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=clone, env={**base, **env}, capture_output=True, text=True, check=False
        )
        outcome.code, outcome.log = done.returncode, outcome.log + done.stdout + done.stderr

    def play_github(
        self, text: str, reference: str, context: dict[str, str], job: str | None = None, **env: str
    ) -> Outcome:
        """Play a job of a workflow, its only one or the named: its steps in order, until one fails.

        Args:
            text: of the workflow.
            reference: what is checked out where the workflow does not say.
            context: what its expressions find.
        """
        jobs = yaml.safe_load(text)["jobs"]
        (name,) = jobs if job is None else (job,)
        played = jobs[name]

        def filled(given: Mapping[str, Any]) -> dict[str, str]:
            return {
                key: re.sub(r"\$\{\{ *(.*?) *\}\}", lambda m: evaluate(m[1], context), str(value))
                for key, value in given.items()
            }

        outcome = Outcome()
        summary, outputs = self.machine / "summary.md", self.machine / "outputs"
        summary.write_text("", encoding="utf-8")
        host = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "team/digits",
            "GITHUB_RUN_ID": "1",
            "GITHUB_SERVER_URL": "https://github.test",
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(outputs),
        }
        for step in played["steps"]:
            action, given = step.get("uses", "").split("@")[0], filled(step.get("with", {}))
            if "if" in step and not evaluate(step["if"], context):
                continue
            outcome.ran.append(step.get("name", action))
            if action == "actions/checkout":
                outcome.clone = self.checkout(given.get("ref") or reference, int(given.get("fetch-depth", 1)))
            elif action == "actions/upload-artifact":
                assert given["archive"] == "False"
                outcome.artifacts += [str(path) for path in outcome.clone.glob(given["path"])]
            elif "run" in step and "pip install" not in step["run"]:
                outputs.write_text("", encoding="utf-8")
                variables = host | env | filled(played["env"]) | filled(step.get("env", {}))
                self.shell(outcome.clone, step["run"], variables, outcome)
                for line in outputs.read_text(encoding="utf-8").splitlines():
                    name, value = line.split("=", 1)
                    context[f"steps.{step['id']}.outputs.{name}"] = value
                if outcome.code:
                    outcome.failed = step.get("name", step["run"])
                    break
        outcome.summary = summary.read_text(encoding="utf-8")
        return outcome

    def play_gitlab(self, job: dict[str, Any], reference: str, host: dict[str, str], **env: str) -> Outcome:
        """Play the script of a job. `host`: the variables that GitLab sets, beside those that it always does."""
        host = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": "https://gitlab.test/api/v4",
            "CI_JOB_URL": "https://gitlab.test/team/digits/-/jobs/1",
            "CI_PROJECT_ID": "34",
        } | host
        variables = {key: string.Template(value).safe_substitute(host) for key, value in job["variables"].items()}
        outcome = Outcome(clone=self.checkout(reference, int(variables.get("GIT_DEPTH", "1"))))
        script = "\n".join(line for line in job["script"] if "pip install" not in line)
        self.shell(outcome.clone, script, host | env | variables, outcome)
        outcome.artifacts = [str(path) for name in job["artifacts"]["paths"] for path in outcome.clone.glob(name)]
        return outcome
