"""Parquet tables as text, in pieces: what a CSV file would say of the same rows, in the memory of some of them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as kinds

from ..messages.problems import Problem, Refusal, quoted

PIECE = 1 << 18  # rows in memory as text at a time
GROUP = 1 << 20  # rows of a row group that is written
PLAIN = (kinds.is_integer, kinds.is_boolean, kinds.is_floating, kinds.is_decimal, kinds.is_null)
MOMENTS = (kinds.is_date, kinds.is_time, kinds.is_timestamp)


class ParquetTable:
    """A Parquet file of which every cell is read as text: numbers and dates as CSV has them, a missing cell as an empty one.

    A timestamp is `2020-01-31 10:00:00`, at midnight too; `.500000` follows where it has a fraction, with the digits of its
    unit, and `+01:00` where its column has a zone. In a CSV it is what was written: pandas leaves out the time where all of
    a column are midnights, and the last zeros of its fractions.

    Attributes:
        name: what messages call it.
        columns: its columns.
        types: their types in the file.
        rows: how many there are.
    """

    def __init__(self, source: Any, name: str) -> None:
        """Open `source`, a path or a file that is open for reading bytes.

        Raises:
            Refusal: where it is no Parquet, names a column twice, or has a column whose cells are no text.
        """
        self.source, self.name = source, name
        try:
            with pq.ParquetFile(source) as file:
                schema, self.rows = file.schema_arrow, file.metadata.num_rows
                groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
                self.columns, self.types = list(schema.names), list(schema.types)
        except (OSError, ValueError) as error:  # pyarrow's too, and names that are no text
            why = getattr(error, "strerror", None)
            said = (
                f"cannot be read: {why}"
                if why
                else f"cannot be read as Parquet ({quoted(error)[1:-1]}); write it again"
            )
            raise Refusal([Problem(name, said)]) from None
        self._ends = np.cumsum(groups)
        doubled = sorted({column for column in self.columns if self.columns.count(column) > 1})
        wrong = [Problem(name, f"names the column {quoted(column)} twice") for column in doubled]
        wrong += [
            Problem(
                name, f"has a column {quoted(column)} of the type {kind}, whose cells are no text, numbers or dates"
            )
            for column, kind in zip(self.columns, self.types, strict=True)
            if not _has_text(kind)
        ]
        if wrong:
            raise Refusal(wrong)

    def pieces(self, columns: Sequence[str], groups: Sequence[int] | None = None) -> Iterator[pa.Table]:
        """Yield some columns as strings, piece after piece; of some row groups where they are named.

        Raises:
            Refusal: where the file is damaged, or a cell is not UTF-8 or holds a NUL.
        """
        names = list(columns)
        try:
            # Read ahead, the file would be in memory by its end.
            with (
                pq.ParquetFile(self.source, pre_buffer=False) as file,
                closing(file.iter_batches(PIECE, groups, names)) as batches,
            ):
                for batch in batches:
                    yield pa.table({column: self._text(column, batch.column(column)) for column in names})
        except (OSError, pa.ArrowException) as error:
            said = f"cannot be read as Parquet ({quoted(error)[1:-1]}); write it again"
            raise Refusal([Problem(self.name, said)]) from None

    def read(self) -> pa.Table:
        """Return all of it as strings. Raises Refusal, see `pieces`."""
        empty = pa.table({column: pa.array([], pa.string()) for column in self.columns})
        return pa.concat_tables([empty, *self.pieces(self.columns)])

    def take(self, column: str, rows: np.ndarray) -> list[str]:
        """Return the cells of a column at some rows, sorted (k); only their row groups are read."""
        groups = np.searchsorted(self._ends, rows, side="right")
        found = list[str]()
        for group in np.unique(groups).tolist():
            here = rows[groups == group] - (self._ends[group - 1] if group else 0)
            found += taken((piece[column] for piece in self.pieces([column], [group])), here).to_pylist()
        return found

    def _text(self, column: str, array: pa.Array) -> pa.Array:
        kind = array.type
        if kinds.is_dictionary(kind):
            array = array.dictionary_decode()
            kind = array.type
        if kinds.is_boolean(kind):
            array = pc.if_else(array, "True", "False")
        elif kinds.is_floating(kind):  # as Python and pandas write it: 1.0, where Arrow would write 1
            values = array.to_numpy(zero_copy_only=False)
            array = pa.array(values.astype(str), pa.string(), mask=np.isnan(values))
        array = pc.fill_null(array.cast(pa.string()), "")
        if kinds.is_timestamp(kind) or kinds.is_time(kind):  # a file may hold none that are coarser than milliseconds
            array = pc.replace_substring_regex(array, r"\.0+(Z|[+-]\d{4})?$", r"\1")
        if kinds.is_timestamp(kind) and kind.tz is not None:  # Arrow has Z and +0100
            array = pc.replace_substring_regex(array, "Z$", "+00:00")
            array = pc.replace_substring_regex(array, r"([+-]\d\d)(\d\d)$", r"\1:\2")
        if _is_text(kind):
            try:
                array.validate(full=True)
            except pa.ArrowInvalid:
                what = f"has cells in the column {quoted(column)} that are not UTF-8; write it again"
                raise Refusal([Problem(self.name, what)]) from None
            if pc.any(pc.match_substring(array, "\0")).as_py():
                raise Refusal([Problem(self.name, f"has cells in the column {quoted(column)} that hold a NUL byte")])
        return array


def _is_text(kind: pa.DataType) -> bool:
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind))


def _has_text(kind: pa.DataType) -> bool:
    """Return whether cells of this type are text, numbers or dates."""
    if kinds.is_dictionary(kind):
        kind = kind.value_type
    return _is_text(kind) or any(fits(kind) for fits in (*PLAIN, *MOMENTS))


def regular(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """Yield the same rows in pieces of `size`, the last one excepted; each column in one chunk."""
    held, number = list[pa.Table](), 0
    for table in tables:
        rest = table
        while number + len(rest) >= size:
            cut = size - number
            yield pa.concat_tables([*held, rest.slice(0, cut)]).combine_chunks()
            rest, held, number = rest.slice(cut), [], 0
        if len(rest):
            held.append(rest)
            number += len(rest)
    if number:
        yield pa.concat_tables(held).combine_chunks()


def taken(pieces: Iterable[pa.Array], rows: np.ndarray) -> pa.ChunkedArray:
    """Return the cells at some rows, sorted (k), of a column of strings that comes in pieces."""
    start, found = 0, list[pa.Array]()
    for piece in pieces:
        first, end = np.searchsorted(rows, [start, start + len(piece)])
        found.append(piece.take(pa.array(rows[first:end] - start)))
        start += len(piece)
        if end == len(rows):
            break
    chunks = [chunk for one in found for chunk in (one.chunks if isinstance(one, pa.ChunkedArray) else [one])]
    return pa.chunked_array(chunks, pa.string())


class ParquetWriter:
    """Writes a table piece by piece; the same rows give the same bytes, however they come in pieces."""

    def __init__(self, path: Path) -> None:
        self.path, self.held = path, list[pa.Table]()
        self.writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Append rows; each call has the same columns."""
        self.held.append(table)
        while sum(map(len, self.held)) >= GROUP:
            whole = pa.concat_tables(self.held)
            self._write(whole.slice(0, GROUP))
            self.held = [whole.slice(GROUP)]

    def close(self) -> None:
        """Write the rows that are left, and the end of the file."""
        self._write(pa.concat_tables(self.held))
        if self.writer is not None:
            self.writer.close()

    def _write(self, group: pa.Table) -> None:
        if self.writer is None:
            few = [name for name in group.column_names if name not in ("id", "input", "row")]
            self.writer = pq.ParquetWriter(self.path, group.schema, compression="zstd", use_dictionary=few)
        if len(group):
            self.writer.write_table(group, row_group_size=GROUP)
