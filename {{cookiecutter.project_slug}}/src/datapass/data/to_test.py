"""`add-test`: rows of a later delivery enter the test set, whatever the hash says; what trains stays as it was."""

import numpy as np

from ..files.paths import SPLITS
from ..messages.problems import quoted
from .examples import CHOSEN, PICKED_AS
from .raw import Coded
from .split import shadowed
from .state import ACTIVE, WAITING, State

BIASED = (
    "was picked as {}, by what the model answers, so it says nothing of how right the model is: only rows picked at random may be "
    "test examples; write train into its `split`"
)


def biased(state: State) -> dict[int, str]:
    """Return what is wrong with rows of the test set that were chosen by what the model answers on them, by row."""
    picked = state.raw.coded(PICKED_AS)
    there = (state.status == ACTIVE) & (state.sets == SPLITS.index("test")) & picked.among(CHOSEN)
    return {row: BIASED.format(picked[row]) for row in np.flatnonzero(there).tolist()}


def refused(state: State, places: np.ndarray, actions: np.ndarray, right: np.ndarray) -> dict[int, str]:
    """Return what is wrong with a pass's `add-test`, by number of the edit.

    A row that its own `split`, or its group, has in another set would be moved; one whose input a training or validation
    example has would take that example's weight away, see `split.shadowed`. Both would change what trains.

    Args:
        state: before the pass.
        places: row in `raw` of each edit of an example (k).
        actions: their actions (k).
        right: edits in which nothing else is wrong (k, bool).
    """
    numbers = np.flatnonzero(right & (actions == "add-test"))
    rows = places[numbers]
    wrong: dict[int, str] = {}
    given, picked = state.raw.coded("split"), state.raw.coded(PICKED_AS)
    for number, row in zip(numbers.tolist(), rows.tolist(), strict=True):
        if picked[row] in CHOSEN:
            wrong[number] = BIASED.format(picked[row])
        elif given[row] not in ("", "test"):
            file = state.raw.files[int(state.raw.delivery_of(row))]
            wrong[number] = f"{file} gives it the split {given[row]}; write test or nothing there, or use add"
    torn = _torn(state, rows, given)
    copied = _copied(state, rows, places[right & (actions == "drop")], places[right & (actions == "add")])
    named = list(dict.fromkeys([*torn.values(), *copied.values()]))
    ids = dict(zip(named, state.raw.text("id", np.array(named)), strict=True))
    groups = dict(zip(torn, state.raw.text("group", np.array([*torn])), strict=True))
    for number, row in zip(numbers.tolist(), rows.tolist(), strict=True):
        if row in torn:
            other = torn[row]
            where = f"{SPLITS[state.sets[other]]}, such as {quoted(ids[other])}"
            said = f"its group {quoted(groups[row])} has members in {where}; a group is never divided: use add, or delete this line"
        elif row in copied:
            other = copied[row]
            said = (
                f"the {SPLITS[state.sets[other]]} example {quoted(ids[other])} has the same input, and would no longer "
                "count; delete this line"
            )
        else:
            continue
        wrong.setdefault(number, said)
    return wrong


def moved(state: State, rows: np.ndarray) -> np.ndarray:
    """Return the rows that are of the test set once some have entered it (n, bool).

    These are the rows, those of their groups, and waiting rows that go where the first row with their input is.
    """
    found = np.zeros(len(state.status), dtype=bool)
    found[rows] = True
    groups, given = state.raw.groups, state.raw.coded("split")
    found |= np.isin(groups, groups[rows][groups[rows] >= 0])
    free = (state.status == WAITING) & given.among([""]) & (state.inputs >= 0) & (groups < 0)
    return found | (free & np.isin(state.inputs, state.inputs[found]))


def _torn(state: State, rows: np.ndarray, given: Coded) -> dict[int, int]:
    """Return those of the rows whose group is in train or validation, with a row of the group that is."""
    groups = state.raw.groups
    mine = groups[rows]
    there = (state.status != WAITING) & (state.sets != SPLITS.index("test"))
    there |= given.among(SPLITS[:2])
    others = np.flatnonzero(np.isin(groups, mine[mine >= 0]) & there)
    first = dict(zip(groups[others[::-1]].tolist(), others[::-1].tolist(), strict=True))
    return {row: first[name] for row, name in zip(rows.tolist(), mine.tolist(), strict=True) if name in first}


def _copied(state: State, rows: np.ndarray, gone: np.ndarray, come: np.ndarray) -> dict[int, int]:
    """Return those of the rows whose input a training or validation example has that counts after the pass, and which.

    Args:
        gone, come: rows that the same pass drops and adds.
    """
    inputs = state.inputs[rows]
    same = np.flatnonzero(np.isin(state.inputs, inputs[inputs >= 0]))
    active = np.isin(same, np.flatnonzero(state.status == ACTIVE)) | np.isin(same, come)
    active &= ~np.isin(same, gone)
    sets = np.where(moved(state, rows)[same], SPLITS.index("test"), state.sets[same])
    counts = active & ~np.isin(same, rows) & (sets != SPLITS.index("test"))
    counts &= ~shadowed(sets, state.inputs[same], active)
    others = same[counts]
    first = dict(zip(state.inputs[others[::-1]].tolist(), others[::-1].tolist(), strict=True))
    return {row: first[n] for row, n in zip(rows.tolist(), inputs.tolist(), strict=True) if n in first}
