"""What Git remembers of earlier results: the ledger of passes with what each gained, and the looks at a test set.

Both are derived from what Git holds, every commit of a branch or tag that changed a result and every experiment, so that
nobody has to keep a book. The best of many tries looks better than it is; so different data revisions that were scored
on one test set are counted, not re-runs.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..data.examples import counts
from ..data.passes import CLASS_ACTIONS, EXAMPLE_ACTIONS, pass_names, read_pass
from ..files.paths import DATA, METRICS, PARAMS, PASSES, TEST, TRAIN, VALIDATION
from ..files.tables import read_table
from ..messages.problems import Refusal
from .lock import AUGMENT, Lock
from .looks import over_all
from .revisions import Revision, blobs, commits, git, hashes, is_shallow, list_experiments
from .verdict import HELPS, HURTS, NOT_COMPARABLE, Comparison, weigh
from .ways import timed, ways

TABLES = (TEST, TRAIN, VALIDATION)
SHALLOW = "This clone holds only the newest commits, so earlier looks at the test set are not counted."
AUGMENTED = re.compile(rf"^( *){re.escape(AUGMENT)}:\s*\n\1 +\S".encode(), re.MULTILINE)  # a mapping, not null
SEEDS = re.compile(rb"^( *)seeds:\s*\n(?:\1 *- \d+\n)+", re.MULTILINE)


def ledger() -> list[dict[str, Any]]:
    """Return a row for each pass of the workspace, in order.

    Keys: name, edits (by action), by and reasons (with counts), date and commit (of the commit that brought it; None
    before), gain and interval, its metric, verdict, and of which revisions; None where no two results differ by just this
    pass.
    """
    names = pass_names(PASSES)
    results = _results()
    rows = []
    for number, name in enumerate(names):
        edits = read_pass(PASSES, name).edits
        counts = edits["action"].value_counts()
        reasons = edits["reason"].str.replace(r" \[review [^]]*\]$", "", regex=True)  # what the review page adds
        log = (
            git("log", "--diff-filter=A", "--format=%h %cs", "-1", "--", f"{PASSES.as_posix()}/{name}.csv")
            .decode()
            .split()
        )
        rows.append(
            {
                "name": name,
                "edits": {a: int(counts[a]) for a in EXAMPLE_ACTIONS + CLASS_ACTIONS if a in counts},
                "by": edits.loc[edits["by"] != "", "by"].value_counts().to_dict(),
                "reasons": reasons[reasons != ""].value_counts().to_dict(),
                "commit": log[0] if log else None,
                "date": log[1] if log else None,
            }
            | _gain(*(results.get(tuple(names[:end]), []) for end in (number, number + 1)))
        )
    return rows


def _results() -> dict[tuple[str, ...], list[Revision]]:
    """Return the results for each list of passes that was ever applied, in branches, tags and experiments, newest first."""
    names = {commit: commit[:7] for commit in commits("--", "dvc.lock", METRICS.as_posix())}
    for name, runs in list_experiments().items():
        names |= dict.fromkeys(runs.values(), name)
    found: dict[tuple[str, ...], list[Revision]] = {}
    for commit, name in names.items():
        revision = Revision(name, commit)
        if revision.read(DATA) and revision.read(METRICS):
            key = tuple(entry["name"] for entry in revision.json(DATA)["passes"])
            found.setdefault(key, []).append(revision)
    return found


def _gain(before: list[Revision], after: list[Revision]) -> dict[str, Any]:
    """Return what the last pass of `after` gained, by the newest two results of one model and metric."""
    nothing = dict.fromkeys(["gain", "low", "high", "metric", "verdict", "of"])
    if not before or not after:
        return nothing
    pairs = [(old, new) for new in after for old in before]
    same = (pair for pair in pairs if _alike(*pair))
    old, new = next(same, pairs[0])
    try:
        found, _ = weigh(old, new)
    except Refusal:  # an old revision whose files this version cannot read has no gain to tell
        return nothing
    of = f"{new.name} against {old.name}"
    name = new.json(DATA)["passes"][-1]["name"]
    mine = found.data.rows["passes"].str.split(" ").map(lambda names: name in names)
    if (
        found.data.notes
        or not mine.all()
        or found.data.rows.empty
        or found.data.augmentation
        or found.data.size
        or new.lock.size
    ):
        return nothing  # something else changed too, or nothing did: the gain is not this pass's
    if found.verdict == NOT_COMPARABLE or found.gain is None:
        return nothing | {"verdict": found.verdict, "of": of}
    gain = found.gain
    shown = {"gain": gain.mean, "low": gain.low, "high": gain.high, "metric": found.metric}
    return shown | {"verdict": found.verdict, "of": of}


def _alike(old: Revision, new: Revision) -> bool:
    """Return whether two results are of one model, augmentation and metric, as far as their files tell."""
    try:
        return (
            old.json(METRICS).get("model") == new.json(METRICS).get("model")
            and old.lock.augment == new.lock.augment
            and old.lock.size is new.lock.size is None  # what fewer examples give is a measurement, and no result
            # A cost of renamed classes is another text; which it is the comparison says.
            and old.lock.metric.name == new.lock.metric.name
        )
    except Refusal:
        return False


def looks(test_of: Revision) -> int:
    """Return how many different data revisions were scored on the test set of a revision, itself included.

    Another augmentation of the same examples is another data revision, and other seeds of the same data are another look
    at it. A revision counts where it was scored on half of the examples of this test set, or half of its own are in this
    one, the same inputs under the same ids: correcting labels, dropping or adding examples or editing metadata makes no
    new test set.
    """
    experiments = git("for-each-ref", "--format=%(objectname)", "refs/exps").decode().split()
    scored = list(dict.fromkeys([*commits("--full-history", "--", METRICS.as_posix()), *experiments]))
    if test_of.read(TEST) is None:  # DVC holds the tables, so each dvc.lock tells them apart
        revisions = [test_of, *(Revision(commit, commit) for commit in scored)]
        own, *rows = [
            (*(revision.digest(path) for path in TABLES), *_trained(revision.read("dvc.lock") or b""))
            for revision in revisions
        ]
        first = {row[0]: revision for row, revision in zip(rows[::-1], revisions[:0:-1], strict=True)} | {
            own[0]: test_of
        }
        return _number(own, rows, {test: _table(revision) for test, revision in first.items()})
    files = [*(path.as_posix() for path in TABLES), "dvc.lock"]
    found = hashes(scored, files)
    contents = [test_of.need(path) for path in TABLES]
    own = (
        *(git("hash-object", "--stdin", stdin=content).decode().strip() for content in contents),
        *_trained(test_of.read("dvc.lock") or b""),
    )
    locks = list(dict.fromkeys(lock for *_, lock in found if lock))
    trained = {None: ("", "")} | dict(zip(locks, map(_trained, blobs(locks)), strict=True))
    rows = [(*tables, *trained[lock]) for *tables, lock in found]
    names = [test for test in dict.fromkeys(row[0] for row in rows) if test and test != own[0]]
    return _number(own, rows, {own[0]: contents[0]} | dict(zip(names, blobs(names), strict=True)))


Row = tuple[str | None, ...]  # what tells a revision's test, train and validation table, augmentation and seeds apart


def _number(own: Row, rows: Sequence[Row], tests: Mapping[str | None, bytes | None]) -> int:
    """Return how many rows differ in what was trained on, of those whose test examples are half those of `own`, or more.

    Other seeds count once more for each data revision but one: of both sides of a comparison one is the baseline.
    """
    held = {test: _inputs(content) for test, content in tests.items() if content is not None}
    mine = held.get(own[0], np.empty(0, np.uint64))
    counting = {own[0]} | {
        test
        for test, theirs in held.items()
        if len(mine)
        and len(theirs)
        and 2 * len(np.intersect1d(mine, theirs, assume_unique=True)) >= min(len(mine), len(theirs))
    }
    seen = {row[1:] for row in [*rows, own] if row[0] in counting and row[1] is not None}
    return len(seen) - max(0, len({row[-1] for row in seen}) - 1)


def _table(revision: Revision) -> bytes | None:
    """Return the table of test examples that DVC holds, or None where it is not here."""
    try:
        return revision.need(TEST)
    except Refusal:
        return None


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


def _inputs(test: bytes) -> np.ndarray:
    """Return hashes of id and input of those examples of a test table that count (uint64, each once): of millions, 8 bytes each.

    What a renewal dropped is seen no more.
    """
    try:
        table = read_table(TEST, content=test)
    except Refusal:  # of a revision that was broken then
        return np.empty(0, np.uint64)
    if not {"input", "weight"} <= set(table):
        return np.empty(0, np.uint64)
    table = table[counts(table)]
    return pd.unique(pd.util.hash_pandas_object(table[["id", "input"]], index=False, categorize=False).to_numpy())


def budget(revision: Revision) -> int | None:
    """Return how many looks a revision's params.yaml declares for the test set; None where it declares none."""
    given = revision.yaml(PARAMS) if revision.read(PARAMS) is not None else None
    number = given.get("looks") if isinstance(given, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else None


def add_looks(comparisons: list[Comparison]) -> None:
    """Put what holds over all looks into each comparison, in place. It informs and never blocks.

    The budget is the baseline's, as a pull request must not loosen the rule by which it is judged.
    """
    counted: dict[bytes, int] = {}
    shallow = is_shallow()
    for number, comparison in enumerate(comparisons):
        gain = comparison.gain
        if gain is None:
            continue
        if shallow:
            warnings = [*comparison.warnings, SHALLOW]
            comparisons[number] = dataclasses.replace(comparison, warnings=warnings)
            continue
        key = comparison.candidate.need(TEST)
        if key not in counted:
            counted[key] = looks(comparison.candidate)
        declared, theirs = budget(comparison.baseline), budget(comparison.candidate)
        found = None
        if comparison.readings:
            judged = comparison.verdict in (HELPS, HURTS)
            tries, ignored = max(1, counted[key] - 1), None if theirs == declared else theirs
            found = over_all(comparison.readings, judged, tries, declared, ignored)
            # What would show it is reckoned by the new labels; where another reading decides, it tells nothing.
            if judged and not found.holds and found.alpha > 0 and len(comparison.readings) == 1:
                more = ways(comparison.components, comparison.examples, gain, alpha=found.alpha)
                found = dataclasses.replace(found, ways=timed(more, comparison.proof.fingerprint))
        comparisons[number] = dataclasses.replace(comparison, looks=counted[key], all_looks=found)
