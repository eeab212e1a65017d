"""What curate warns of: nothing here stops a run, all of it is worth a look before training."""

from typing import Any

import numpy as np
import pandas as pd

from ..files.paths import BOOK, SPLITS
from ..messages.problems import quoted
from ..settings import Checks
from .label_book import sections
from .split import shared_inputs
from .state import ACTIVE, WAITING, State

NAMED = 20  # ids listed with a warning


def warnings(
    state: State, sets: np.ndarray, inputs: np.ndarray, weight: np.ndarray, limits: Checks, book: str
) -> list[dict[str, Any]]:
    """Return warnings as {kind, what, count, ids}; `ids` are the first few.

    Args:
        state: after all passes.
        sets: set of each raw row (n, int8).
        inputs: number of each raw row's input, see `split.assign` (n).
        weight: whether each raw row counts (n, bool).
        limits: `data.checks` of the configuration.
        book: the label book's text.
    """
    found: list[dict[str, Any]] = []

    def warn(kind: str, what: str, rows: np.ndarray | None = None, count: int | None = None) -> None:
        ids = [] if rows is None else sorted(state.raw.text("id", rows[:NAMED]))
        found.append({"kind": kind, "what": what, "count": len(rows) if rows is not None else count or 1, "ids": ids})

    active = state.status == ACTIVE
    rows = shared_inputs(inputs, active)
    if len(rows):
        labels = pd.Series(state.codes[rows]).groupby(inputs[rows])
        torn = rows[(labels.transform("min") != labels.transform("max")).to_numpy()]
        if len(torn):
            warn(
                "input with several labels", f"{len(torn):,} examples share their input with one of another label", torn
            )
    hidden = np.flatnonzero(active & ~weight)
    if len(hidden):
        what = (
            f"{len(hidden):,} examples do not count: the same input is in the test or validation set; drop one of each"
        )
        warn("input in several sets", what, hidden)
    waiting = np.flatnonzero(state.status == WAITING)
    if len(waiting):
        numbers = np.unique(state.raw.delivery_of(waiting))
        listed = ", ".join(state.raw.files[number] for number in numbers)
        what = f'{len(waiting):,} rows of {listed} are in no pass and not used; the action "add" or "add-test" brings them in'
        warn("not added", what, waiting)
    _check_classes(state, sets, weight, limits, warn)
    total = int((state.status > 0).sum())
    for name, edits in state.edited.items():
        if edits > limits.mass_edit * total:
            share = edits / total
            warn(
                "mass edit",
                f"{name} touches {edits:,} of {total:,} examples ({share:.0%}); is a column shifted?",
                count=edits,
            )
    known = state.known()
    folded = pd.Series(known, dtype="str").str.casefold()
    for name in folded[folded.duplicated()].unique():
        alike = ", ".join(quoted(known[i]) for i in np.flatnonzero(folded == name))
        warn("classes alike", f"the classes {alike} differ only in upper and lower case; to join them use merge-class")
    defined = sections(book)
    missing = [name for name in known if name not in defined]
    if missing:
        listed = ", ".join(map(quoted, missing[:NAMED]))
        what = f"{BOOK.as_posix()} has no section `## CLASS` for {listed}{' ...' if len(missing) > NAMED else ''}"
        warn("label book", what, count=len(missing))
    return found


def _check_classes(state: State, sets: np.ndarray, weight: np.ndarray, limits: Checks, warn: Any) -> None:
    size = len(state.classes)
    raw_codes = state.given
    first = raw_codes >= 0
    for number, split in enumerate(SPLITS):
        here = sets == number
        now = np.bincount(state.codes[here & weight], minlength=size)
        if split == "train":
            before = np.bincount(raw_codes[here & first], minlength=size)
            for code, name in enumerate(state.classes):
                if name is None:
                    continue
                if now[code] < limits.min_examples:
                    warn(
                        "small class",
                        f"the class {quoted(name)} has {now[code]} training examples",
                        count=int(now[code]),
                    )
                old = before[code] / max(before.sum(), 1)
                new = now[code] / max(now.sum(), 1)
                if abs(new - old) > limits.balance_jump:
                    what = f"the class {quoted(name)} went from {old:.0%} to {new:.0%} of the training set through the passes"
                    warn("balance jump", what)
        if not now.any():
            warn("empty set", f"no example counts in the {split} set")


def summary(state: State, sets: np.ndarray, weight: np.ndarray) -> dict[str, Any]:
    """Return the counts for reports/data.json: by set and class, and what the passes did.

    Args:
        state: after all passes.
        sets, weight: see `warnings`.
    """
    found = {}
    for number, split in enumerate(SPLITS):
        here = sets == number
        counts = np.bincount(state.codes[here & weight], minlength=len(state.classes)).tolist()
        found[split] = {
            "examples": sum(counts),
            "weight_0": int((here & (state.status != WAITING) & ~weight).sum()),
            "classes": {name: count for name, count in zip(state.classes, counts, strict=True) if name is not None},
        }
    edits = pd.DataFrame(state.history).T
    return {
        "classes": state.known(),
        "sets": found,
        "passes": [{"name": name} | counts for name, counts in state.history.items()],
        "edits": {} if edits.empty else edits.sum().astype(int).sort_index().to_dict(),
    }
