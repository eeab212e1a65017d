"""The example tables of two revisions side by side, cut at the same ids: of millions of rows few are in memory at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..data.alike import in_order
from ..files import parquet
from ..files.parquet import ParquetTable, regular
from ..files.paths import SPLITS, TABLES
from ..files.tables import frame
from ..messages.problems import Problem, Refusal
from .revisions import Revision


def changed_rows(
    old: Revision, new: Revision, splits: Sequence[str], renamed: Mapping[str, str]
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield examples of both revisions, in order of id, without those that stand in the same set of both with equal cells.

    Each pair has the columns of the example tables and `split`, its number; an id that is in both tables is in one pair.

    Args:
        splits: the sets whose tables differ.
        renamed: {class of the old revision: its name in the new one}, by which the old one's examples are called here.

    Raises:
        Refusal: where a table is missing, unreadable, or of Parquet and not sorted.
    """
    with ExitStack() as stack:
        sides = [[_Cursor(*_read(side, split, stack)) for split in splits] for side in (old, new)]
        while ends := [last for side in sides for cursor in side if (last := cursor.last()) is not None]:
            end = min(ends)
            before, after = ([cursor.until(end) for cursor in side] for side in sides)
            pairs = [_different(_rename(a, renamed), b) for a, b in zip(before, after, strict=True)]
            if any(len(table) for pair in pairs for table in pair):
                one, other = (_joined(tables, splits) for tables in zip(*pairs, strict=True))
                yield one, other


def _joined(tables: Sequence[pa.Table], splits: Sequence[str]) -> pd.DataFrame:
    numbers = [np.int8(SPLITS.index(split)) for split in splits]
    found = [frame(table).assign(split=number) for table, number in zip(tables, numbers, strict=True)]
    joined = pd.concat(found, ignore_index=True)
    return joined if all(len(table.columns) == len(joined.columns) for table in found) else joined.fillna("")


def _rename(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    if not names or not len(table):
        return table
    labels = table["label"].combine_chunks().dictionary_encode()
    words = pa.array([names.get(word, word) for word in labels.dictionary.to_pylist()], pa.string())
    return table.set_column(table.column_names.index("label"), "label", words.take(labels.indices))


def _different(old: pa.Table, new: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the rows of two tables that may differ: where both have the same ids and columns, those that do."""
    if old.column_names != new.column_names or not old["id"].equals(new["id"]):
        return old, new
    differ = np.zeros(len(old), dtype=bool)
    for name in old.column_names:
        if not old[name].equals(new[name]):
            differ |= pc.not_equal(old[name], new[name]).to_numpy()
    return old.filter(pa.array(differ)), new.filter(pa.array(differ))


def _read(revision: Revision, split: str, stack: ExitStack) -> tuple[pa.Table, Iterator[pa.Table]]:
    """Return an example table as strings: no row of it, and its rows in pieces."""
    path = revision.stored(TABLES[SPLITS.index(split)])
    name = f"{revision.name}:{path}"
    if path.endswith(".parquet"):
        table = ParquetTable(stack.enter_context(revision.opened(path)), name)
        empty = pa.table({column: pa.array([], pa.string()) for column in table.columns})
        return empty, _sorted(regular(table.pieces(table.columns), parquet.PIECE), name)
    whole = revision.shared.text(Path(path), name, revision.need(path))
    if not in_order(iter([whole["id"]])):
        whole = whole.sort_by("id")
    return whole.slice(0, 0), regular([whole], parquet.PIECE)


def _sorted(pieces: Iterator[pa.Table], name: str) -> Iterator[pa.Table]:
    """Yield the same. Raises Refusal at the first id that is not in order."""
    last = pa.chunked_array([], pa.string())
    for piece in pieces:
        if not in_order(iter([last, piece["id"]])):
            raise Refusal([Problem(name, "is not sorted by id; `dvc repro` writes it anew")])
        last = piece["id"].slice(len(piece) - 1)
        yield piece


class _Cursor:
    """What is not taken yet of a table: `held` is the next piece of it, None at the end."""

    def __init__(self, empty: pa.Table, pieces: Iterator[pa.Table]) -> None:
        self.empty, self.pieces = empty, pieces
        self.held: pa.Table | None = next(pieces, None)

    def last(self) -> str | None:
        """Return the last id of the piece."""
        return None if self.held is None else self.held["id"][-1].as_py()

    def until(self, end: str) -> pa.Table:
        """Take the rows of the piece whose ids are not after `end`."""
        if self.held is None:
            return self.empty
        number = pc.sum(pc.less_equal(self.held["id"], end), min_count=0).as_py()
        found, rest = self.held.slice(0, number), self.held.slice(number)
        self.held = rest if len(rest) else next(self.pieces, None)
        return found
