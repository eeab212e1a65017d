"""How many data revisions were scored on a test set, by what Git holds: each commit that changed a result, and each experiment."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.examples import counts, written_as
from ..files.paths import METRICS, PIPELINE, TEST, TRAIN, VALIDATION
from ..files.tables import read_table
from ..messages.problems import Refusal
from .lock import AUGMENT, NOTHING, Lock
from .objects import LFS
from .revisions import Revision, blobs, commits, git, hashes, load_all

TABLES = (TEST, TRAIN, VALIDATION)
LOCK = "dvc.lock"
AUGMENTED = re.compile(rf"^( *){re.escape(AUGMENT)}:\s*\n\1 +\S".encode(), re.MULTILINE)  # a mapping, not null
SEEDS = re.compile(rb"^( *)seeds:\s*\n(?:\1 *- \d+\n)+", re.MULTILINE)

Row = tuple[str | None, ...]  # what tells a revision's test, train and validation table, augmentation and seeds apart
Inputs = np.ndarray  # hashes of id and input of test examples (n, uint64, each once): of millions, 8 bytes each


class Tries:
    """What was scored so far, read once however many test sets are asked about."""

    def __init__(self) -> None:
        self._inputs: dict[bytes, Inputs] = {}
        self._alike: dict[bytes, Inputs] = {}

    @cached_property
    def commits(self) -> list[str]:
        """The commits of all results."""
        experiments = git("for-each-ref", "--format=%(objectname)", "refs/exps").decode().split()
        results = commits("--full-history", "--", METRICS.as_posix())
        return list(dict.fromkeys([*results, *self._by_lock, *experiments]))

    @cached_property
    def _by_lock(self) -> list[str]:
        """The commits of results that DVC holds: there dvc.lock alone tells that one changed."""
        locked = commits("--full-history", "--", LOCK)
        found = hashes(locked, [METRICS.as_posix(), LOCK])
        locks = list(dict.fromkeys(lock for metrics, lock in found if lock and not metrics))
        scored = dict(zip(locks, map(_scored, blobs(locks)), strict=True))
        both = zip(locked, found, strict=True)
        return [commit for commit, (metrics, lock) in both if not metrics and lock and scored[lock]]

    @cached_property
    def rows(self) -> list[Row]:
        """What tells them apart, by Git's hashes of the tables."""
        found = hashes(self.commits, [*(path.as_posix() for path in TABLES), LOCK])
        locks = list(dict.fromkeys(lock for *_, lock in found if lock))
        trained = {None: ("", "")} | dict(zip(locks, map(_trained, blobs(locks)), strict=True))
        return [(*tables, *trained[lock]) for *tables, lock in found]

    @cached_property
    def elsewhere(self) -> bool:
        """Whether some results have tables that Git does not hold as CSV, by their dvc.yaml or as they are missing."""
        pipelines = {pipeline for (pipeline,) in hashes(self.commits, [PIPELINE.as_posix()]) if pipeline}
        return any(row[0] is None for row in self.rows) or any(map(_as_parquet, blobs(sorted(pipelines))))

    @cached_property
    def tests(self) -> dict[str | None, bytes | None]:
        """The tables of test examples of `rows`, by their hash."""
        names = [test for test in dict.fromkeys(row[0] for row in self.rows) if test]
        return dict(zip(names, blobs(names), strict=True))

    @cached_property
    def locked(self) -> tuple[list[Row], dict[str | None, bytes | None]] | None:
        """The same two by the hashes in each dvc.lock, where DVC holds the tables; None where a test table is not here."""
        revisions = [Revision(commit, commit) for commit in self.commits]
        load_all(revisions, [LOCK])
        found = [(row, revision) for revision in revisions if (row := _locked_if_read(revision)) is not None]
        rows, first = [row for row, _ in found], {row[0]: revision for row, revision in found[::-1]}
        tests: dict[str | None, bytes | None] = {}
        for test, revision in first.items():
            tests[test] = _table(revision)
            if test is not None and tests[test] is None:
                return None
        return rows, tests

    def inputs(self, test: bytes) -> Inputs:
        """Return `_inputs` of a table; equal ones, of which there are many, are one."""
        if test not in self._inputs:
            found = _inputs(test)
            self._inputs[test] = self._alike.setdefault(found.tobytes(), found)
        return self._inputs[test]


def looks(test_of: Revision, tries: Tries | None = None) -> int | None:
    """Return how many different data revisions were scored on the test set of a revision, itself included.

    None where a table of test examples that DVC holds is neither in its cache here nor in a remote: of how many of them it
    holds nobody can tell.

    Another augmentation of the same examples is another data revision, and other seeds of the same data are another look
    at it. A revision counts where it was scored on half of the examples of this test set, or half of its own are in this
    one, the same inputs under the same ids: correcting labels, dropping or adding examples or editing metadata makes no
    new test set.

    Args:
        tries: of this repository, where several are asked about.
    """
    tries = tries or Tries()
    # Where DVC holds tables, of one or another, each dvc.lock tells all of them apart.
    if test_of.stored(TEST) != TEST.as_posix() or test_of.read(TEST) is None or tries.elsewhere:
        if tries.locked is None:
            return None
        own, (rows, tests) = _locked(test_of), tries.locked
        return _number(own, rows, tests | {own[0]: _table(test_of)}, tries.inputs)
    if any(content.startswith(LFS) for content in tries.tests.values() if content):
        return None
    own = (*(_hash(test_of, path) for path in TABLES), *_trained(test_of.read(LOCK) or b""))
    return _number(own, tries.rows, tries.tests | {own[0]: test_of.need(TEST)}, tries.inputs)


def _as_parquet(pipeline: bytes) -> bool:
    try:
        return written_as(pipeline) != ".csv"
    except Refusal:  # of a revision that was broken then
        return True


def _hash(revision: Revision, path: Path) -> str:
    """Return Git's hash of a table, also where it holds it not yet."""
    known = revision.files.get(path.as_posix())
    return known or git("hash-object", "--stdin", stdin=revision.need(path)).decode().strip()


def _locked(revision: Revision) -> Row:
    return (*(revision.digest(path) for path in TABLES), *_trained(revision.read(LOCK) or b""))


def _locked_if_read(revision: Revision) -> Row | None:
    try:
        return _locked(revision)
    except Refusal:  # of a revision that was broken then
        return None


def _inputs(test: bytes) -> Inputs:
    """Return the ids and inputs of those examples of a test table that count: what a renewal dropped is seen no more."""
    try:
        table = read_table(TEST, content=test)
    except Refusal:  # of a revision that was broken then
        return np.empty(0, np.uint64)
    if not {"input", "weight"} <= set(table):
        return np.empty(0, np.uint64)
    table = table[counts(table)]
    return pd.unique(pd.util.hash_pandas_object(table[["id", "input"]], index=False, categorize=False).to_numpy())


def _number(
    own: Row,
    rows: Sequence[Row],
    tests: Mapping[str | None, bytes | None],
    inputs: Callable[[bytes], Inputs] = _inputs,
) -> int:
    """Return how many rows differ in what was trained on, of those whose test examples are half those of `own`, or more.

    Other seeds count once more for each data revision but one: of both sides of a comparison one is the baseline.
    """
    held = {test: inputs(content) for test, content in tests.items() if content is not None}
    mine = held.get(own[0], np.empty(0, np.uint64))
    counting = {own[0]} | {
        test
        for test, theirs in held.items()
        if min(len(mine), len(theirs)) and (mine is theirs or 2 * _shared(mine, theirs) >= min(len(mine), len(theirs)))
    }
    seen = {row[1:] for row in [*rows, own] if row[0] in counting and row[1] is not None}
    return len(seen) - max(0, len({row[-1] for row in seen}) - 1)


def _shared(mine: Inputs, theirs: Inputs) -> int:
    return len(np.intersect1d(mine, theirs, assume_unique=True))


def _table(revision: Revision) -> bytes | None:
    """Return the table of test examples that DVC holds, or None where it is not here."""
    try:
        return revision.need(TEST)
    except Refusal:
        return None


def _scored(lock: bytes) -> bool:
    """Return whether the results in one dvc.lock are of the data in it: a commit may come after `curate` and before them."""
    read = Lock.parse(lock)
    if read is None or METRICS.as_posix() not in read.outs:
        return False
    deps = (dep for name in ("train", "evaluate") for dep in read.stages.get(name, NOTHING).deps.items())
    return all(read.outs.get(path, digest) == digest for path, digest in deps)


def _trained(lock: bytes) -> tuple[str, str]:
    """Return what tells the augmentation and the seeds of one dvc.lock from those of others."""
    seeds = SEEDS.search(lock)
    return _augmentation(lock), seeds[0].decode("utf-8", "replace") if seeds else ""


def _augmentation(lock: bytes) -> str:
    """Return what tells the augmentation of one dvc.lock from that of others; nothing for none."""
    if AUGMENTED.search(lock) is None:  # most locks, of which reading each would take a while
        return ""
    read = Lock.parse(lock)
    return "" if read is None or read.augment is None else json.dumps(read.augment, sort_keys=True)
