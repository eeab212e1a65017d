"""How often this very test set was looked at: the best of many tries looks better than it is.

Derived from what Git holds, so that nobody has to keep a book: every commit of a branch or tag that changed
metrics.json, and every experiment. Counted are different data revisions, not re-runs.
"""

import dataclasses

import numpy as np
from scipy.special import ndtr, ndtri

from ..files.paths import METRICS, TEST, TRAIN, VALIDATION
from ..files.tables import read_table
from ..messages.problems import Refusal
from .revisions import Revision, commits, git
from .statistics import Interval
from .verdict import Comparison

TABLES = (TEST, TRAIN, VALIDATION)


def looks(test_of: Revision) -> int:
    """Return how many different data revisions were scored on the test set of a revision, itself included.

    A test set is the same as long as it holds the same inputs under the same ids: correcting labels, dropping examples or
    editing metadata makes no new one.
    """
    experiments = git("for-each-ref", "--format=%(objectname)", "refs/exps").decode().split()
    scored = list(dict.fromkeys([*commits("--full-history", "--", METRICS.as_posix()), *experiments]))
    if test_of.read(TEST) is None:  # DVC holds the tables, so each dvc.lock tells them apart
        revisions = [test_of, *(Revision(commit, commit) for commit in scored)]
        own, *rows = [tuple(revision.digest(path) for path in TABLES) for revision in revisions]
        return len({row[1:] for row in [*rows, own] if row[0] == own[0] and row[1] is not None})
    asked = "\n".join(f"{commit}:./{path.as_posix()}" for commit in scored for path in TABLES)
    answer = git("cat-file", "--batch-check=%(objectname)", stdin=asked.encode()).decode().splitlines()
    hashes = [None if line.endswith("missing") else line for line in answer]
    contents = [test_of.need(path) for path in TABLES]
    own = tuple(git("hash-object", "--stdin", stdin=content).decode().strip() for content in contents)
    rows = [*zip(hashes[::3], hashes[1::3], hashes[2::3], strict=True), own]
    tests = {own[0]: contents[0]} | {
        test: git("cat-file", "blob", test) for test, *_ in rows if test and test != own[0]
    }
    held = {test: _inputs(content) for test, content in tests.items()}
    return len({row[1:] for row in rows if row[1] is not None and held.get(row[0]) == held[own[0]]})


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


def warning(k: int, gain: Interval) -> str | None:
    """Return what k looks at one test set mean for a gain, or None for a single candidate."""
    if k <= 2:  # the baseline and this candidate
        return None
    tries = k - 1
    text = (
        f"{k} different data revisions were scored on this test set. The best of {tries} changes without effect would show "
        f"about {100 * luck(tries) * gain.se:+.2f} points by luck."
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
        said = warning(counted[key], comparison.gain)
        if shallow:
            said = "This clone holds only the newest commits, so earlier looks at the test set are not counted."
        comparisons[number] = dataclasses.replace(
            comparison, looks=counted[key], warnings=comparison.warnings + ([said] if said else [])
        )
