"""Which set an example belongs to: the user's own `split`, else a hash; adding or dropping rows moves no other row."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..files import parquet
from ..files.parquet import ParquetTable, regular
from ..files.paths import INDEX, SPLITS
from ..files.tables import text_column
from ..messages.problems import Refusal, quoted
from ..settings import Split
from .alike import alike
from .fraction import fraction
from .raw import Raw


def inputs_of(raw: Raw) -> Iterator[pa.ChunkedArray]:
    """Yield the hash of each raw row's input, in the pieces of `raw.pieces`.

    Raises:
        Refusal: where data/inputs/ was packed from other deliveries.
    """
    other = Refusal(f"{INDEX.as_posix()} is not of this data/raw/; `dvc repro` packs the inputs again.")
    if not INDEX.is_file():
        raise other
    index = ParquetTable(INDEX, INDEX.as_posix())
    if index.rows != len(raw):
        raise other
    packed = regular(index.pieces(["id", "input"]), parquet.PIECE)
    for (_, piece), inputs in zip(raw.pieces(["id"]), packed, strict=True):
        if not inputs["id"].equals(piece["id"]):
            raise other
        yield inputs["input"]


def input_hashes(raw: Raw) -> pd.Series:
    """Return the hash of each raw row's input. Raises Refusal, see `inputs_of`."""
    chunks = [chunk for piece in inputs_of(raw) for chunk in piece.chunks]
    return text_column(pa.chunked_array(chunks, pa.string()))


def numbered(raw: Raw) -> np.ndarray:
    """Return the number of each input that several rows have: equal for equal inputs, -1 where no other row has it (n, int32).

    Raises:
        Refusal: see `inputs_of`.
    """
    numbers = np.full(len(raw), -1, dtype=np.int32)
    rows, codes = alike(lambda: inputs_of(raw), len(raw))
    numbers[rows] = codes
    return numbers


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
    given = raw.coded("split")
    sets = np.array([SPLITS.index(word) if word in SPLITS else -1 for word in given.words], np.int8)[given.codes]
    own, groups = sets >= 0, raw.groups
    grouped = groups >= 0
    members, leaders = firsts(groups)
    alone = ~own
    alone[members[members != leaders]] = False
    for start, piece in raw.pieces(["id", "group"]):
        here = slice(start, start + len(piece))
        keys = pc.if_else(pc.equal(piece["group"], ""), piece["id"], piece["group"]).filter(pa.array(alone[here]))
        u = fraction(text_column(keys), str(split.salt))
        sets[here][alone[here]] = np.where(u < split.test, 2, np.where(u < split.test + split.validation, 1, 0))
    if len(members):
        torn = (sets[members] >= 0) & (sets[members] != sets[leaders])
        if torn.any():
            rows, homes = members[torn], sets[leaders[torn]]
            what = "the split {} is not that of its group {}, which is in {}; a group is never divided"
            told = zip(rows.tolist(), homes.tolist(), raw.text("group", rows), strict=True)
            raise Refusal(raw.problems({r: what.format(given[r], quoted(g), SPLITS[home]) for r, home, g in told}))
        sets[members] = sets[leaders]
    copies, originals = firsts(inputs)
    free = ~own[copies] & ~grouped[copies]
    sets[copies[free]] = sets[originals[free]]
    return sets


def firsts(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows with a number that is not negative, and the first row that has the same number (k and k, int64)."""
    rows = np.flatnonzero(numbers >= 0)
    codes, names = pd.factorize(numbers[rows])
    first = np.empty(len(names), dtype=np.int64)
    first[codes[::-1]] = rows[::-1]
    return rows, first[codes]


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
