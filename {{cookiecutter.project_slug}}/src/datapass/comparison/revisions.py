"""Reading a data revision where it is: any Git revision, `dvc exp` name, or the workspace; never a checkout."""

import io
import json
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ..data.examples import written_as
from ..files.paths import CLASSES, CURVES, DATA, METRICS, PREDICTIONS, SCOPE, TABLES, TEST
from ..files.tables import frame
from ..messages.problems import Refusal, near_miss, quoted
from . import lock
from .experiments import HOW, queued
from .experiments import experiments_on as experiments_on
from .experiments import list_experiments as list_experiments
from .lock import Lock
from .objects import FILE, LFS, SUBMODULE, Shared, is_of, trees
from .objects import blobs as blobs
from .objects import git as git
from .objects import hashes as hashes
from .objects import is_shallow as is_shallow

WORKSPACE = "workspace"
LARGE = 1 << 26  # bytes of a file
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What a comparison reads of a revision besides the code.
RESULT = [path.as_posix() for path in (*TABLES, CLASSES, PREDICTIONS, DATA, METRICS, CURVES, SCOPE)]
RESULT += ["dvc.lock", "dvc.yaml", "params.yaml", ".dvcignore"]


@dataclass
class Revision:
    """One data revision.

    Attributes:
        name: as the user gave it.
        commit: full hash; None for the workspace.
        standing: what `stale` found out, once it did: one baseline is compared with many candidates.
        shared: what it has read in common with others, see `load_all`.
    """

    name: str
    commit: str | None
    contents: dict[str, bytes | None] = field(default_factory=dict, repr=False)
    standing: tuple[list[str], list[str]] | None = field(default=None, repr=False)
    shared: Shared = field(default_factory=Shared, repr=False, compare=False)

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
        return trees([self.commit])[0]

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.files)

    @cached_property
    def lock(self) -> Lock:
        """What its stages last ran with. Raises Refusal where dvc.lock is missing or not what DVC writes."""
        return Lock(self.name, self.yaml("dvc.lock", lock.YAML))

    def paths(self, folder: str) -> list[str]:
        """Return the files under a folder, sorted, relative to the project; `folder` itself where it is a file."""
        start, end = (bisect_left(self._sorted, f"{folder}{sign}") for sign in "/0")  # 0 comes after /
        return [*([folder] if folder in self.files else []), *self._sorted[start:end]]

    def load(self, paths: Iterable[str]) -> None:
        """Read several files in one call of git."""
        missing = [path for path in paths if path not in self.contents]
        if self.commit is None:
            for path in missing:
                self.contents[path] = Path(path).read_bytes() if Path(path).is_file() else self._checked_out(path)
            return
        known = {path: self.files[path] for path in missing if path in self.files}
        self.contents |= dict.fromkeys(path for path in missing if path not in known)
        self.shared.read(known.values())
        self.contents |= {path: self.shared.contents[digest] for path, digest in known.items()}

    def is_submodule(self, path: str) -> bool:
        """Return whether Git holds one of `files` as the commit of another repository."""
        return Path(path).is_dir() if self.commit is None else self.files[path].startswith(SUBMODULE)

    def _checked_out(self, path: str) -> bytes | None:
        """Return what `trees` says of a submodule, of its commit in the workspace; None where there is none."""
        if not (Path(path) / ".git").exists() or path not in self.files:
            return None
        return SUBMODULE.encode() + git("-C", path, "rev-parse", "HEAD").strip()

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
        if content is None and self.commit is not None and (digest := self.digest(path)):
            content = self.shared.cached(digest)
            if content is None:
                from dvc.api import read  # a quarter of a second, so only for what the cache lacks
                from dvc.exceptions import DvcException

                with suppress(DvcException, OSError):
                    content = read(str(path), rev=self.commit, mode="rb")
                if content is not None and FILE.fullmatch(digest) and not is_of(content, digest):
                    raise self._damaged(path, digest)
            if content is None:
                hint = "`dvc fetch` may bring it; else run `dvc repro` there and commit what it writes"
                raise Refusal(f"{self.name}: neither Git nor DVC's cache nor a remote here has {path}; {hint}.")
        if content is None:
            raise Refusal(f"{self.name} has no {path}; run `dvc repro` there and commit what it writes.")
        if content.startswith(LFS):
            hint = "take it out of .gitattributes, or let DVC hold it"
            raise Refusal(f"{self.name}: of {path} Git has the pointer of Git LFS, not the content; {hint}.")
        return content

    def _damaged(self, path: str, digest: str) -> Refusal:
        hint = f"delete {digest[:2]}/{digest[2:]} in the folder files/md5 there, then run `dvc fetch`"
        return Refusal(f"{self.name}: {path} is damaged in DVC's cache or remote; {hint}.")

    def digest(self, path: str | Path) -> str | None:
        """Return the hash of a stage's output by dvc.lock, or None where no stage writes it."""
        return None if self.read("dvc.lock") is None else self.lock.outs.get(self.stored(path))

    @cached_property
    def suffix(self) -> str:
        """The suffix of its example tables, by its dvc.yaml; a file with the other one is none of its data."""
        return written_as(self.read("dvc.yaml") or b"")

    def stored(self, path: str | Path) -> str:
        """Return where the revision has a table: an example table has the suffix that its dvc.yaml says."""
        return Path(path).with_suffix(self.suffix).as_posix() if Path(path) in TABLES else Path(path).as_posix()

    def table(self, path: str | Path) -> pd.DataFrame:
        """Return a CSV file, or a table that is stored as Parquet, as text columns; what a comparison asks for many times is read once."""
        found = next((table for one, name, table in self.shared.latest if one is self and name == path), None)
        if found is None:
            content = self.need(path)
            found = frame(self.shared.text(Path(path), f"{self.name}:{self.stored(path)}", content))
            if len(content) > LARGE:  # not held twice
                self.contents.pop(Path(path).as_posix(), None)
            if path in (TEST, PREDICTIONS):
                self.shared.latest.append((self, path, found))
        return found.copy(deep=False)

    @contextmanager
    def opened(self, path: str) -> Iterator[Any]:
        """Give a file to read from, or its path: what `need` returns, without it in memory where DVC has it."""
        if self.commit is None and Path(path).is_file():
            yield Path(path)
        elif self.commit is None or path in self.files or not (digest := self.digest(path)):
            yield io.BytesIO(self.need(path))
        elif (kept := self.shared.place(digest)) is not None:
            if not is_of(kept, digest):
                raise self._damaged(path, digest)
            yield kept
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


def load_all(revisions: Sequence[Revision], paths: Sequence[str]) -> None:
    """Have revisions share what they hold, and read these files of all of them, but for the workspace; in three calls of git."""
    new = [one for one in revisions if one.commit is not None and "files" not in vars(one)]
    for revision, files in zip(new, trees([str(one.commit) for one in new]), strict=True):
        revision.files = files
    shared, committed = Shared(), [one for one in revisions if one.commit is not None]
    for revision in revisions:
        revision.shared = shared  # and not that of one of them, which may be kept long after the others
    for one in committed:
        read = ((path, content) for path, content in one.contents.items() if content is not None)
        shared.contents |= {one.files[path]: content for path, content in read if path in one.files}
    wanted = (one.files[path] for one in committed for path in paths if path in one.files)
    with suppress(Refusal):  # where a clone lacks one, each revision says so of its own
        shared.read(wanted)


def resolve(names: Sequence[str], on: str | None = None) -> list[Revision]:
    """Return the revisions of these names. Raises Refusal for each that is unknown or means several revisions.

    Of experiments of one name, that on the commit `on` is meant, else that on HEAD.
    """
    found, problems = [], []
    experiments = list_experiments() if {*names} - {WORKSPACE} else {}
    for name in names:
        try:
            found.append(_resolve(name, on, experiments))
        except Refusal as refusal:
            problems.append(str(refusal))
    if problems:
        raise Refusal("\n".join(problems))
    return found


def _resolve(name: str, on: str | None, experiments: Mapping[str, dict[str, str]]) -> Revision:
    if name == WORKSPACE:
        return Revision(name, None)
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
    if waiting := queued().get(name):
        raise Refusal(f"{quoted(name)} has no result; in DVC's queue: {waiting[1]}. {HOW[waiting[1]]}.")
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
