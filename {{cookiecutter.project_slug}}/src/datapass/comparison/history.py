"""What Git remembers of earlier results: the ledger of passes with what each gained, and the looks at a test set.

Both are derived from what Git holds, every commit of a branch or tag that changed a result and every experiment, so that
nobody has to keep a book. The best of many tries looks better than it is; so different data revisions that were scored
on one test set are counted, not re-runs.
"""

import dataclasses
import json
import re
from typing import Any

import numpy as np
import yaml
from scipy.special import ndtr, ndtri

from ..data.passes import CLASS_ACTIONS, EXAMPLE_ACTIONS, pass_names, read_pass
from ..files.paths import DATA, METRICS, PASSES, TEST, TRAIN, VALIDATION
from ..files.tables import read_table
from ..messages.problems import Refusal
from .lock import AUGMENT, Lock
from .metric import Metric
from .revisions import YAML, Revision, blobs, commits, git, list_experiments
from .statistics import Interval
from .verdict import NOT_COMPARABLE, Comparison, compare

TABLES = (TEST, TRAIN, VALIDATION)
AUGMENTED = re.compile(rf"^( *){re.escape(AUGMENT)}:\s*\n\1 +\S".encode(), re.MULTILINE)  # a mapping, not null


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
        found = compare(old, new)
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

    Another augmentation of the same examples is another data revision.

    A test set is the same as long as it holds the same inputs under the same ids: correcting labels, dropping examples or
    editing metadata makes no new one.
    """
    experiments = git("for-each-ref", "--format=%(objectname)", "refs/exps").decode().split()
    scored = list(dict.fromkeys([*commits("--full-history", "--", METRICS.as_posix()), *experiments]))
    if test_of.read(TEST) is None:  # DVC holds the tables, so each dvc.lock tells them apart
        revisions = [test_of, *(Revision(commit, commit) for commit in scored)]
        own, *rows = [
            (*(revision.digest(path) for path in TABLES), _augmentation(revision.read("dvc.lock") or b""))
            for revision in revisions
        ]
        return len({row[1:] for row in [*rows, own] if row[0] == own[0] and row[1] is not None})
    files = [*(path.as_posix() for path in TABLES), "dvc.lock"]
    asked = "\n".join(f"{commit}:./{file}" for commit in scored for file in files)
    answer = git("cat-file", "--batch-check=%(objectname)", stdin=asked.encode()).decode().splitlines()
    hashes = [None if line.endswith("missing") else line for line in answer]
    contents = [test_of.need(path) for path in TABLES]
    own = (
        *(git("hash-object", "--stdin", stdin=content).decode().strip() for content in contents),
        _augmentation(test_of.read("dvc.lock") or b""),
    )
    locks = list(dict.fromkeys(lock for lock in hashes[3::4] if lock))
    augmented = {None: ""} | dict(zip(locks, map(_augmentation, blobs(locks)), strict=True))
    tables = zip(hashes[::4], hashes[1::4], hashes[2::4], strict=True)
    rows = [*((*row, augmented[lock]) for row, lock in zip(tables, hashes[3::4], strict=True)), own]
    tests = {own[0]: contents[0]} | {
        test: git("cat-file", "blob", test) for test, *_ in rows if test and test != own[0]
    }
    held = {test: _inputs(content) for test, content in tests.items()}
    return len({row[1:] for row in rows if row[1] is not None and held.get(row[0]) == held[own[0]]})


def _augmentation(lock: bytes) -> str:
    """Return what tells the augmentation of one dvc.lock from that of others; nothing for none."""
    if AUGMENTED.search(lock) is None:  # most locks, of which reading each would take a while
        return ""
    try:
        node = Lock("", yaml.load(lock, Loader=YAML)).augment
    except (Refusal, yaml.YAMLError):  # of a revision that was broken then
        return ""
    return "" if node is None else json.dumps(node, sort_keys=True)


def _inputs(test: bytes) -> frozenset[tuple[str, str]]:
    """Return the ids and inputs of a table of test examples."""
    try:
        table = read_table(TEST, content=test)
    except Refusal:  # of a revision that was broken then
        return frozenset()
    return frozenset(zip(table["id"], table["input"], strict=True)) if "input" in table else frozenset()


def luck(k: int) -> float:
    """Return the expected best of k standard normal draws, in standard errors: 0 for 1, .56 for 2, 1.54 for 10."""
    x = np.linspace(-10, 10, 20001)
    density = k * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) * ndtr(x) ** (k - 1)
    return float(np.trapezoid(x * density, x))


def sidak_z(k: int, level: float = 0.05) -> float:
    """Return the one-sided critical z after k looks (Sidak 1967): 1.645 for 1, 2.568 for 10."""
    return float(ndtri((1 - level) ** (1 / k)))


def warning(k: int, gain: Interval, metric: Metric) -> str | None:
    """Return what k looks at one test set mean for a gain, or None for a single candidate."""
    if k <= 2:  # the baseline and this candidate
        return None
    tries = k - 1
    text = (
        f"{k} different data revisions were scored on this test set. The best of {tries} changes without effect would show "
        f"about {metric.difference(luck(tries) * gain.se)} {metric.of} by luck."
    )
    if gain.se > 0 and gain.mean / gain.se < sidak_z(tries) and gain.low > 0:
        text += f" This gain is not beyond luck after {tries} tries (z {gain.mean / gain.se:.2f}, needed {sidak_z(tries):.2f}): confirm it on fresh test examples."
    return text


def add_looks(comparisons: list[Comparison]) -> None:
    """Put the warning into each comparison's `warnings`, in place. It warns and never blocks."""
    counted: dict[bytes, int] = {}
    shallow = git("rev-parse", "--is-shallow-repository").strip() == b"true"
    for number, comparison in enumerate(comparisons):
        if comparison.gain is None:
            continue
        key = comparison.candidate.need(TEST)
        if key not in counted:
            counted[key] = looks(comparison.candidate)
        said = warning(counted[key], comparison.gain, comparison.metric)
        if shallow:
            said = "This clone holds only the newest commits, so earlier looks at the test set are not counted."
        comparisons[number] = dataclasses.replace(
            comparison, looks=counted[key], warnings=comparison.warnings + ([said] if said else [])
        )
