"""Which waiting rows may become test examples, and which of them do."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from ..comparison.crossed import units_of
from ..data.fraction import fraction
from ..data.rows import digests
from ..data.state import WAITING, State
from ..files.paths import SPLITS, VALUES
from ..files.tables import TEXT
from .trained import trained

SALT = "renewed test set"  # another than that of the split, so that the draw does not go by it


def candidates(
    state: State, hashes: pd.Series, wanted: Collection[str] | None
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Return the waiting rows that no model of any revision has trained on, and why how many others are left out.

    Args:
        state: after all passes.
        hashes: of each row's input (n, str).
        wanted: ids to choose from; None for all.

    Returns:
        Rows of `raw.table` (k), which of them have the same cells as a row of another id that was trained on (k, bool),
        and {why: number of rows}, where each row is counted once.

    Raises:
        Refusal: see `trained`.
    """
    table, test = state.raw.table, SPLITS.index("test")
    rows = np.flatnonzero(state.status == WAITING)
    if wanted is not None:
        rows = rows[table["id"].iloc[rows].isin(list(wanted)).to_numpy()]
    nothing = pd.Series("", index=table.index, dtype=TEXT)
    given, group = table.get("split", nothing), table.get("group", nothing)
    grouped = (group != "").to_numpy()
    known, copied = trained(table["id"], hashes)
    there = state.status != WAITING
    fixed = given.isin(SPLITS[:2]).to_numpy()
    trains = known | copied | fixed | (there & (state.sets != test))
    tested = there & (state.sets == test)
    retired = np.array([name is None for name in state.classes])[state.codes]
    why = {
        "have the split train or validation in their own column": fixed,
        "have a class that is no more": retired,
        "were trained on, or validated with, in some revision": known,
        "have the input of an example that was trained on, or validated with": copied,
        "are in a group with examples that train or validate, or did": grouped & _with(group, trains),
        "have the input of an example of the present test set": _with(hashes, tested) & (hashes != "").to_numpy(),
        "are in a group of the present test set": grouped & _with(group, tested),
    }
    left_out, free = {}, np.ones(len(rows), dtype=bool)
    for reason, mask in why.items():
        left_out[reason] = int((free & mask[rows]).sum())
        free &= ~mask[rows]
    # What one group or one input holds is drawn whole or not at all.
    units = units_of(table.iloc[rows].assign(input=hashes.iloc[rows].to_numpy()))
    torn = free & np.isin(units, units[~free])
    left_out["are in a group with a row that is left out"] = int(torn.sum())
    found = rows[free & ~torn]
    return found, _with(_cells(table.index), known)[found], {why: number for why, number in left_out.items() if number}


def _cells(index: pd.Index) -> pd.Series:
    """Return a key of each row's cells without its id (n): equal for equal rows of a table, which may be different things.

    Of images the rows' numbers are returned, as `input` tells there what is equal.
    """
    if not VALUES.is_file():
        return pd.Series(np.arange(len(index)), index=index)
    return digests(pd.read_parquet(VALUES), pd.Series("", index=index, dtype=TEXT))


def _with(keys: pd.Series, where: np.ndarray) -> np.ndarray:
    """Return the rows that have a key in common with one of `where` (n, bool)."""
    return keys.isin(keys[where]).to_numpy()


def draw_unlike(table: pd.DataFrame, alike: np.ndarray, number: int) -> np.ndarray:
    """Return which rows are drawn, see `draw`: of units with a row of `alike` (k, bool) only where the others are too few."""
    units = units_of(table)
    last = np.isin(units, units[alike])
    drawn = np.zeros(len(table), dtype=bool)
    drawn[~last] = draw(table[~last], number)
    if (~last).sum() < number:
        drawn[last] = draw(table[last], number - int(drawn.sum()))
    return drawn


def draw(table: pd.DataFrame, number: int) -> np.ndarray:
    """Return which rows are drawn: about `number`, at random by a hash, in proportion to the classes, groups whole.

    Each unit (a group, else the copies of an input) counts for the class that most of its rows have. Within a class the
    hash orders the units, and the place of a unit in its class, from 0 to 1, orders them all; the first are taken. So
    every beginning of the order has the classes' shares, but for one unit each.

    Args:
        table: id, label, input, and group where there are groups (k).
        number: of rows; the last unit is taken where half of it fits.

    Returns:
        A mask (k).
    """
    units = units_of(table)
    votes = pd.DataFrame({"unit": units, "label": table["label"].to_numpy()}).value_counts().reset_index(name="n")
    votes = votes.sort_values(["unit", "n", "label"], ascending=[True, False, True])
    size = votes.groupby("unit")["n"].sum()
    one = votes.drop_duplicates("unit").set_index("unit").assign(n=size)
    names = table["id"].groupby(units).min()
    one["u"] = fraction(names.loc[one.index].reset_index(drop=True), SALT)
    one = one.sort_values(["u"], kind="stable")
    middle = one.groupby("label")["n"].cumsum() - one["n"] / 2
    one["place"] = middle / one.groupby("label")["n"].transform("sum")
    one = one.sort_values(["place", "u"], kind="stable")
    return np.isin(units, one.index[one["n"].cumsum() - one["n"] / 2 <= number])
