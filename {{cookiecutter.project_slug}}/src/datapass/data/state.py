"""The examples as they stand: before any pass, and after those that were applied."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..messages.problems import Refusal, near_miss, quoted
from ..settings import Split
from .passes import EXAMPLE_ACTIONS
from .raw import Raw
from .split import assign, shadowed

WAITING, ACTIVE, DROPPED = 0, 1, 2


@dataclass
class State:
    """The examples while passes are applied; a row for each of `raw`.

    Attributes:
        classes: name of each class code; None once it is merged, split or retired.
        codes: current label of each row (n, int32).
        status: WAITING (delivered, not added), ACTIVE or DROPPED (n, int8).
        split, inputs: what divides the rows into sets, see `split.assign`.
        given: code of each row's given label, -1 for rows of later deliveries (n, int32).
        touched: rows that passes changed, with the passes' names.
        setter: rows whose label a pass set, with its name.
        history: each pass's number of edits by action.
    """

    raw: Raw
    classes: list[str | None]
    codes: np.ndarray
    status: np.ndarray
    given: np.ndarray
    split: Split
    inputs: np.ndarray
    touched: dict[int, list[str]] = field(default_factory=dict)
    setter: dict[int, str] = field(default_factory=dict)
    history: dict[str, dict[str, int]] = field(default_factory=dict)

    @cached_property
    def sets(self) -> np.ndarray:
        """Set of each row: 0 train, 1 validation, 2 test (n, int8); `add-test` changes it in place.

        Raises:
            Refusal: for rows whose own `split` is not their group's.
        """
        return assign(self.raw, self.inputs, self.split)

    @property
    def weight(self) -> np.ndarray:
        """Whether each row counts: it is active, and no set of higher rank has its input (n, bool)."""
        active = self.status == ACTIVE
        return active & ~shadowed(self.sets, self.inputs, active)

    @property
    def edited(self) -> dict[str, int]:
        """Number of examples that each pass edited, but those that renew the test set, which touch it whole."""
        return {
            name: sum(counts.get(a, 0) for a in EXAMPLE_ACTIONS)
            for name, counts in self.history.items()
            if "add-test" not in counts
        }

    def known(self) -> list[str]:
        """Return the names of the classes that are in use, in order."""
        return [name for name in self.classes if name is not None]


def start(raw: Raw, classes: Sequence[str | int] | None, split: Split, inputs: np.ndarray) -> State:
    """Return the state before any pass: the first delivery with its given labels.

    Args:
        raw: all deliveries.
        classes: the classes; None for those of the first delivery, sorted.
        split, inputs: see `split.assign`.

    Raises:
        Refusal: for each label that is not among the classes, with the near miss named.
    """
    first = raw.tables[0].rows
    words, codes = (given := raw.coded("label")).words, given.codes
    if classes is None:
        present = np.bincount(codes[:first], minlength=len(words)) > 0
        classes = sorted(word for word, here in zip(words, present, strict=True) if here)
    names = [str(name) for name in classes]
    place = {name: number for number, name in enumerate(names)}
    unknown = {word: near_miss(word, names) for word in words if word not in place}
    if unknown:
        wrong = {}
        for number, word in enumerate(words):
            if word in unknown:  # one cause, so one message, at the first of its rows
                rows = np.flatnonzero(codes == number)
                of = f" ({len(rows):,} rows)" if len(rows) > 1 else ""
                wrong[int(rows[0])] = f"the class {quoted(word)} is not known{of}{unknown[word]}"
        raise Refusal(raw.problems(wrong))
    current = np.array([place[word] for word in words], dtype=np.int32)[codes]
    status = np.full(len(codes), WAITING, dtype=np.int8)
    status[:first] = ACTIVE
    original = current.copy()
    original[first:] = -1
    return State(raw, list(names), current, status, original, split, inputs)
