"""`add-test`: rows of a later delivery enter the test set, whatever the hash says; what trains stays as it was."""

import numpy as np
import pandas as pd

from ..files.paths import SPLITS
from ..messages.problems import quoted
from .examples import CHOSEN, PICKED_AS
from .split import shadowed
from .state import ACTIVE, WAITING, State

BIASED = (
    "was picked as {}, by what the model answers, so it says nothing of how right the model is: only rows picked at random may be "
    "test examples; write train into its `split`"
)


def biased(state: State) -> dict[int, str]:
    """Return what is wrong with rows of the test set that were chosen by what the model answers on them, by row."""
    picked = _column(state, PICKED_AS)
    there = (state.status == ACTIVE) & (state.sets == SPLITS.index("test")) & picked.isin(CHOSEN).to_numpy()
    return {row: BIASED.format(picked[row]) for row in np.flatnonzero(there).tolist()}


def refused(state: State, places: np.ndarray, actions: np.ndarray, right: np.ndarray) -> dict[int, str]:
    """Return what is wrong with a pass's `add-test`, by number of the edit.

    A row that its own `split`, or its group, has in another set would be moved; one whose input a training or validation
    example has would take that example's weight away, see `split.shadowed`. Both would change what trains.

    Args:
        state: before the pass.
        places: row in `raw.table` of each edit of an example (k).
        actions: their actions (k).
        right: edits in which nothing else is wrong (k, bool).
    """
    numbers = np.flatnonzero(right & (actions == "add-test"))
    rows, ids = places[numbers], state.raw.table["id"]
    wrong: dict[int, str] = {}
    given, picked = _given(state), _column(state, PICKED_AS)
    for number, row in zip(numbers.tolist(), rows.tolist(), strict=True):
        if picked[row] in CHOSEN:
            wrong[number] = BIASED.format(picked[row])
        elif given[row] not in ("", "test"):
            file = state.raw.files[state.raw.delivery[row]]
            wrong[number] = f"{file} gives it the split {given[row]}; write test or nothing there, or use add"
    torn = _torn(state, rows, given)
    copied = _copied(state, rows, places[right & (actions == "drop")], places[right & (actions == "add")])
    for number, row in zip(numbers.tolist(), rows.tolist(), strict=True):
        if row in torn:
            other = torn[row]
            where = f"{SPLITS[state.sets[other]]}, such as {quoted(ids[other])}"
            group = quoted(state.raw.table.at[row, "group"])
            said = f"its group {group} has members in {where}; a group is never divided: use add, or delete this line"
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
    table = state.raw.table
    found = np.zeros(len(table), dtype=bool)
    found[rows] = True
    free = (state.status == WAITING) & (_given(state) == "").to_numpy() & (state.inputs >= 0)
    if "group" in table:
        groups = table["group"].iloc[rows]
        found |= table["group"].isin(groups[groups != ""]).to_numpy()
        free &= (table["group"] == "").to_numpy()
    return found | (free & np.isin(state.inputs, state.inputs[found]))


def _given(state: State) -> pd.Series:
    """Return each row's own `split`; empty where it has none (n, str)."""
    return _column(state, "split")


def _column(state: State, name: str) -> pd.Series:
    table = state.raw.table
    return table[name] if name in table else pd.Series("", index=table.index, dtype="str")


def _torn(state: State, rows: np.ndarray, given: pd.Series) -> dict[int, int]:
    """Return those of the rows whose group is in train or validation, with a row of the group that is."""
    if "group" not in state.raw.table:
        return {}
    group = state.raw.table["group"]
    mine = group.iloc[rows]
    there = (state.status != WAITING) & (state.sets != SPLITS.index("test"))
    there |= given.isin(SPLITS[:2]).to_numpy()
    others = np.flatnonzero(group.isin(mine[mine != ""]).to_numpy() & there)
    first = dict(zip(group.iloc[others[::-1]], others[::-1].tolist(), strict=True))
    return {row: first[name] for row, name in zip(rows.tolist(), mine, strict=True) if name in first}


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
