"""Which set an example belongs to: the user's own `split`, else a hash; adding or dropping rows moves no other row."""

import numpy as np
import pandas as pd

from ..files.paths import INDEX, SPLITS
from ..files.tables import strings
from ..messages.problems import Refusal, quoted
from ..settings import Split
from .fraction import fraction
from .raw import Raw


def input_hashes(raw: Raw) -> pd.Series:
    """Return the hash of each raw row's input. Raises Refusal where data/inputs/ was packed from other deliveries."""
    index = pd.read_parquet(INDEX, columns=["id", "input"]) if INDEX.is_file() else None
    if index is None or len(index) != len(raw.table) or not strings(index["id"]).equals(strings(raw.table["id"])):
        raise Refusal(f"{INDEX.as_posix()} is not of this data/raw/; `dvc repro` packs the inputs again.")
    return index["input"]


def numbered(hashes: pd.Series) -> np.ndarray:
    """Return the number of each input: equal for equal hashes, -1 where there is none to compare (n, int)."""
    return np.where(hashes == "", -1, hashes.factorize()[0])


def assign(raw: Raw, inputs: np.ndarray, split: Split) -> np.ndarray:
    """Return the set of each raw row: 0 train, 1 validation, 2 test (n, int8).

    A row with its own `split` is there. A group is where its first delivered row is: that row's own `split`, else a
    hash of the group. Any other row whose input was delivered before joins the first such row; the rest go by a hash of
    their id. So what is delivered later never moves what was there.

    Args:
        raw: all deliveries.
        inputs: number of each row's input: equal for equal inputs, negative where there is none to compare (n, int).
        split: shares `validation` and `test`, and the `salt`.

    Raises:
        Refusal: for rows whose own `split` is not their group's.
    """
    table = raw.table
    sets = np.full(len(table), -1, dtype=np.int8)
    if "split" in table:
        for number, name in enumerate(SPLITS):
            sets[(table["split"] == name).to_numpy()] = number
    own = sets >= 0
    keys, grouped, later = table["id"], np.zeros(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    if "group" in table:
        grouped = (table["group"] != "").to_numpy()
        keys = table["group"].where(grouped, keys)
        later = grouped & table["group"].duplicated().to_numpy()
    hashed = np.flatnonzero(~own & ~later)
    u = fraction(keys.iloc[hashed], str(split.salt))
    sets[hashed] = np.where(u < split.test, 2, np.where(u < split.test + split.validation, 1, 0))
    if grouped.any():
        rows = np.flatnonzero(grouped)
        homes = pd.Series(sets[rows]).groupby(keys.iloc[rows].to_numpy()).transform("first").to_numpy()
        torn = rows[(sets[rows] >= 0) & (sets[rows] != homes)]
        names = dict(zip(rows.tolist(), homes.tolist(), strict=True))
        what = "the split {} is not that of its group {}, which is in {}; a group is never divided"
        wrong = {r: what.format(table.at[r, "split"], quoted(keys[r]), SPLITS[names[r]]) for r in torn.tolist()}
        if wrong:
            raise Refusal(raw.problems(wrong))
        sets[rows] = homes
    again = pd.Series(inputs).duplicated().to_numpy()
    free = ~own & ~grouped & (inputs >= 0) & again
    if free.any():
        first = pd.Series(sets[~again], index=inputs[~again])
        sets[free] = first.loc[inputs[free]].to_numpy()
    return sets


def shadowed(sets: np.ndarray, inputs: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Return the rows whose input also stands in a set of higher rank: test over validation over train (n, bool).

    They must not count: a model that trained on a test input is scored on what it has seen. Only rows that weigh
    something (`active`) shadow others.
    """
    found = np.zeros(len(sets), dtype=bool)
    rows = shared_inputs(inputs, active)
    if len(rows):
        ranks = pd.Series(sets[rows])
        found[rows] = (ranks < ranks.groupby(inputs[rows]).transform("max")).to_numpy()
    return found


def shared_inputs(inputs: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Return the active rows whose input another active row has too (int)."""
    rows = np.flatnonzero(active & (inputs >= 0))
    return rows[pd.Series(inputs[rows]).duplicated(keep=False).to_numpy()]
