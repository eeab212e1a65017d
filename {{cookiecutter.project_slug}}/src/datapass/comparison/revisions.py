"""Reading a data revision where it is: any Git revision, `dvc exp` name, or the workspace; never a checkout."""

import io
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ..files.paths import TABLES
from ..files.tables import read_table
from ..messages.problems import Refusal, near_miss, quoted
from . import lock
from .lock import Lock

WORKSPACE = "workspace"
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def git(*arguments: str, stdin: bytes | None = None) -> bytes:
    """Run git in the project's folder and return what it prints. Raises Refusal with git's own words."""
    try:
        done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise Refusal("git is not installed or not on the PATH; comparing revisions needs it.") from None
    if done.returncode:
        raise Refusal(f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


def blobs(hashes: Sequence[str]) -> list[bytes]:
    """Return what Git holds under these hashes, in one call."""
    answer = git("cat-file", "--batch", stdin="".join(f"{one}\n" for one in hashes).encode()) if hashes else b""
    start, found = 0, []
    for _ in hashes:
        end = answer.index(b"\n", start)
        size = int(answer[start:end].split()[2])
        found.append(answer[end + 1 : end + 1 + size])
        start = end + 2 + size
    return found


def hashes(commits: Sequence[str], files: Sequence[str]) -> list[list[str | None]]:
    """Return Git's hash of each file at each commit, a row a commit, None where it has no such file; in one call."""
    asked = "\n".join(f"{commit}:./{file}" for commit in commits for file in files)
    answer = git("cat-file", "--batch-check=%(objectname)", stdin=asked.encode()).decode().splitlines()
    found = [None if line.endswith("missing") else line for line in answer]
    return [found[start : start + len(files)] for start in range(0, len(found), len(files))]


def is_shallow() -> bool:
    """Return whether this clone holds only the newest commits."""
    return git("rev-parse", "--is-shallow-repository").strip() == b"true"


@dataclass
class Revision:
    """One data revision.

    Attributes:
        name: as the user gave it.
        commit: full hash; None for the workspace.
        standing: what `stale` found out, once it did: one baseline is compared with many candidates.
    """

    name: str
    commit: str | None
    contents: dict[str, bytes | None] = field(default_factory=dict, repr=False)
    standing: tuple[list[str], list[str]] | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """How reports call it: the name, with the short commit where that says more."""
        return (
            self.name
            if self.commit is None or self.commit.startswith(self.name)
            else f"{self.name} ({self.commit[:7]})"
        )

    @cached_property
    def files(self) -> dict[str, str]:
        """Git's hash of each file, by path relative to the project.

        In the workspace, where the hashes are empty, these are the files that Git tracks or would add.
        """
        if self.commit is None:
            listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split(b"\0")
            return {path.decode("utf-8", "surrogateescape"): "" for path in listed if path}
        listed = git("ls-tree", "-r", "-z", self.commit, "--", ".").split(b"\0")
        rows = (line.split(b"\t", 1) for line in listed if line)
        return {path.decode("utf-8", "surrogateescape"): about.split()[2].decode() for about, path in rows}

    @cached_property
    def lock(self) -> Lock:
        """What its stages last ran with. Raises Refusal where dvc.lock is missing or not what DVC writes."""
        return Lock(self.name, self.yaml("dvc.lock", lock.YAML))

    def paths(self, folder: str) -> list[str]:
        """Return the files under a folder, sorted, relative to the project; `folder` itself where it is a file."""
        return sorted(path for path in self.files if path == folder or path.startswith(f"{folder}/"))

    def load(self, paths: Iterable[str]) -> None:
        """Read several files in one call of git."""
        missing = [path for path in paths if path not in self.contents]
        if self.commit is None:
            for path in missing:
                self.contents[path] = Path(path).read_bytes() if Path(path).is_file() else None
            return
        known = [path for path in missing if path in self.files]
        self.contents |= dict.fromkeys(set(missing) - set(known))
        if known:
            self.contents |= zip(known, blobs([self.files[path] for path in known]), strict=True)

    def read(self, path: str | Path) -> bytes | None:
        """Return a file's content, or None where the revision does not have it."""
        path = Path(path).as_posix()
        self.load([path])
        return self.contents[path]

    def need(self, path: str | Path) -> bytes:
        """Return a file's content, from Git, else from DVC's cache or remote. Raises Refusal where it is in none.

        Of an example table that is stored as Parquet it is the content of that file, which `read_table` reads too.
        """
        path = self.stored(path)
        content = self.read(path)
        if content is None and self.commit is not None and self.digest(path):
            from dvc.api import read  # a quarter of a second, and only where DVC holds what Git usually does
            from dvc.exceptions import DvcException

            with suppress(DvcException, OSError):
                content = read(str(path), rev=self.commit, mode="rb")
            if content is None:
                hint = "`dvc fetch` may bring it; else run `dvc repro` there and commit what it writes"
                raise Refusal(f"{self.name}: neither Git nor DVC's cache nor a remote here has {path}; {hint}.")
        if content is None:
            raise Refusal(f"{self.name} has no {path}; run `dvc repro` there and commit what it writes.")
        return content

    def digest(self, path: str | Path) -> str | None:
        """Return the hash of a stage's output by dvc.lock, or None where no stage writes it."""
        outs = {} if self.read("dvc.lock") is None else self.lock.outs
        return outs.get(Path(path).as_posix()) or (outs.get(_parquet(path)) if Path(path) in TABLES else None)

    def stored(self, path: str | Path) -> str:
        """Return where the revision has a table: as .parquet, where a stage wrote it so by dvc.lock."""
        if Path(path) in TABLES and self.read(path) is None and self.read("dvc.lock") is not None:
            return _parquet(path) if _parquet(path) in self.lock.outs else Path(path).as_posix()
        return Path(path).as_posix()

    def table(self, path: str | Path) -> pd.DataFrame:
        """Return a CSV file, or a table that is stored as Parquet, as text columns."""
        return read_table(Path(path), f"{self.name}:{self.stored(path)}", self.need(path))

    @contextmanager
    def opened(self, path: str) -> Iterator[Any]:
        """Give a file to read from, or its path: what `need` returns, without it in memory where DVC has it."""
        if self.commit is None and Path(path).is_file():
            yield Path(path)
        elif self.commit is None or path in self.files or not self.digest(path):
            yield io.BytesIO(self.need(path))
        else:
            from dvc.api import open as dvc_open
            from dvc.exceptions import DvcException

            with ExitStack() as stack:
                try:
                    file = stack.enter_context(dvc_open(path, rev=self.commit, mode="rb"))
                except (DvcException, OSError):
                    file = io.BytesIO(self.need(path))  # or a Refusal, in words
                yield file

    def json(self, path: str | Path) -> Any:
        """Return a JSON file."""
        try:
            return json.loads(self.need(path))
        except ValueError as error:
            raise Refusal(f"{self.name}:{path} is not JSON ({error}); run `dvc repro` there and commit it.") from None

    def yaml(self, path: str | Path, loader: Any = YAML) -> Any:
        """Return a YAML file."""
        try:
            return yaml.load(self.need(path), Loader=loader)
        except yaml.YAMLError as error:
            raise Refusal(
                f"{self.name}:{path} is not YAML ({error}); resolve its conflict and run `dvc repro`."
            ) from None


def _parquet(path: str | Path) -> str:
    return Path(path).with_suffix(".parquet").as_posix()


def resolve(names: Sequence[str], on: str | None = None) -> list[Revision]:
    """Return the revisions of these names. Raises Refusal for each that is unknown or means several revisions.

    Of experiments of one name, that on the commit `on` is meant, else that on HEAD.
    """
    found, problems = [], []
    for name in names:
        try:
            found.append(_resolve(name, on))
        except Refusal as refusal:
            problems.append(str(refusal))
    if problems:
        raise Refusal("\n".join(problems))
    return found


def _resolve(name: str, on: str | None) -> Revision:
    if name == WORKSPACE:
        return Revision(name, None)
    experiments = list_experiments()
    commits = experiments.get(name, {})
    with suppress(Refusal):
        found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().strip()
        if found in commits.values() or not commits:
            return Revision(name, found)
        commits = commits | {"a branch, tag or commit": found}
    if len(commits) > 1 and "a branch, tag or commit" not in commits:
        for here in (on, git("rev-parse", "HEAD").decode().strip()):
            commits = {here: commits[here]} if here in commits else commits
    if len(commits) == 1:
        return Revision(name, next(iter(commits.values())))
    if commits:
        listed = ", ".join(
            f"{commit[:7]} ({base if ' ' in base else f'an experiment on {base[:7]}'})"
            for base, commit in commits.items()
        )
        raise Refusal(f"{quoted(name)} names several revisions: {listed}. Name the one you mean by its hash.")
    remote = _on_remotes(name)
    if len({*remote.values()}) == 1:  # as a clone knows the branches that nobody has checked out in it
        there = next(iter(remote))
        print(f"note: there is no {quoted(name)} here but {there}, which is taken", file=sys.stderr)
        return Revision(there, remote[there])
    if remote:
        raise Refusal(f"{quoted(name)} is a branch of several remotes: name {' or '.join(remote)}.")
    if not git("for-each-ref", "--count=1"):
        raise Refusal("Nothing is committed here yet: `dvc repro`, then `git add . && git commit`.")
    known = git("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes").decode().split()
    hint = near_miss(name, [WORKSPACE, *known, *experiments])
    raise Refusal(
        f"{quoted(name)} is no Git revision, tag, branch or experiment here{hint or '; `dvc exp run -n NAME` makes an experiment, `git fetch` or `dvc exp pull` brings one.'}"
    )


def _on_remotes(name: str) -> dict[str, str]:
    """Return the branches of remotes that have a name, such as origin/NAME, with their commits."""
    listed = git("for-each-ref", "--format=%(refname) %(objectname)", "refs/remotes").decode().splitlines()
    found = (line.removeprefix("refs/remotes/").rsplit(" ", 1) for line in listed)
    return {branch: commit for branch, commit in found if branch.partition("/")[2] == name}


def commits(*arguments: str) -> list[str]:
    """Return the commits of all branches, tags and remotes and of HEAD that `git log` lists with these arguments."""
    return git("log", "--format=%H", "--branches", "--tags", "--remotes", "HEAD", *arguments).decode().split()


def experiments_on(baseline: Revision) -> list[str]:
    """Return the names of the experiments that were run on a revision's commit, sorted."""
    return sorted(name for name, commits in list_experiments().items() if baseline.commit in commits)


def list_experiments() -> dict[str, dict[str, str]]:
    """Return the commits of all `dvc exp` experiments: {name: {commit it was run on: its commit}}."""
    listed = git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").decode().splitlines()
    found: dict[str, dict[str, str]] = {}
    for line in listed:
        reference, commit = line.rsplit(" ", 1)
        parts = reference.split("/")  # refs/exps/ab/cdef.../name
        if len(parts) == 5 and len(parts[2]) == 2:
            found.setdefault(parts[4], {})[parts[2] + parts[3]] = commit
    return found
