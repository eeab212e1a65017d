"""Tables of text: CSV read strictly and written plainly; Parquet read as the same text."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from ..messages.problems import Problem, Refusal, quoted
from .parquet import ParquetTable
from .writes import written

BLOCK = 1 << 26  # bytes parsed at a time, and so the longest row
TEXT = pd.StringDtype(na_value=float("nan"))  # what pandas calls `str`
MAGIC = b"PAR1"  # of Parquet
FORMULA = r"[=+\-@\t\r]"  # a spreadsheet runs a cell that starts with one of these
csv.field_size_limit(BLOCK)


def read_table(path: Path, name: str | None = None, content: bytes | None = None) -> pd.DataFrame:
    """Read a table in which every cell is text: `007`, `1e5`, `NA` and `null` stay what they are. See `read_text`."""
    return frame(read_text(path, name, content))


def frame(table: pa.Table) -> pd.DataFrame:
    """Return a table of strings as columns of `str`, without making Python strings of them."""
    return table.to_pandas(types_mapper={pa.string(): TEXT}.get)


def read_text(path: Path, name: str | None = None, content: bytes | None = None) -> pa.Table:
    """Read a CSV file as columns of strings; or a Parquet file, by the suffix, or by the first and last bytes of `content`.

    In a CSV a byte order mark and CRLF are accepted, and empty lines are skipped.

    Args:
        path: the file; `content` is read in its place where given (a file of another Git revision).
        name: what messages call the file; the path as given where left out.

    Returns:
        One column of strings for each column of the header.

    Raises:
        Refusal: naming each line that is not UTF-8, holds a NUL, has too few or too many cells or a quote that does
            not close; or a header that is missing or names a column twice. For Parquet see `ParquetTable`.
    """
    name = name or path.as_posix()
    if path.suffix == ".parquet" or (content is not None and content[:4] == content[-4:] == MAGIC):
        return ParquetTable(path if content is None else pa.BufferReader(content), name).read()
    if content is None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise Refusal([Problem(name, f"cannot be read: {error.strerror}")]) from None
    content = content.removeprefix(b"\xef\xbb\xbf")
    _refuse_bytes(name, content)
    header = next((row for row in _rows(name, content) if row), [])
    if not header:
        raise Refusal([Problem(name, "is empty; its first line must name the columns", 1)])
    if len(header) == 1 and (sign := next((s for s in ";\t" if s in header[0]), None)):
        raise Refusal([Problem(name, f"cells are separated by {quoted(sign)}; save the file with commas", 1)])
    doubled = sorted({column for column in header if header.count(column) > 1})
    if doubled:
        raise Refusal(
            [
                Problem(
                    name, f"the first line must name the columns, and names {', '.join(map(quoted, doubled))} twice", 1
                )
            ]
        )
    if b'"' in content and not _quotes_are_plain(
        content
    ):  # pyarrow forgives a quote in the wrong place and reads other cells than meant
        for _ in _rows(name, content):
            pass
    ragged: list[tuple[int, int]] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        ragged.append((row.number - 2, row.actual_columns))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(block_size=BLOCK, use_threads=False),
            arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise Refusal([Problem(name, f"cannot be read as CSV: {error}")]) from None
    if ragged:
        lines = lines_of(content, [row for row, _ in ragged])
        raise Refusal(
            Problem(name, f"{cells} cells where the header has {len(header)}; put cells with commas in quotes", line)
            for (_, cells), line in zip(ragged, lines, strict=True)
        )
    return table


def strings(column: pd.Series) -> pa.ChunkedArray:
    """Return a column of text as Arrow's; pandas gives one piece or several, as it was put together."""
    array = pa.array(column)
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def text_column(array: pa.Array) -> pd.Series:
    """Return an Arrow array of strings as a Series of `str`, without making Python strings of it."""
    return array.to_pandas(types_mapper={pa.string(): TEXT}.get)


def _refuse_bytes(name: str, content: bytes) -> None:
    problems = []
    try:
        str(content, "utf-8") if not content.isascii() else None
    except UnicodeDecodeError as error:
        what = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        problems.append(Problem(name, what, content.count(b"\n", 0, error.start) + 1))
    where = content.find(b"\0")
    if where >= 0:
        what = "holds a NUL byte; the file is damaged, or saved as UTF-16: save it as UTF-8"
        problems.append(Problem(name, what, content.count(b"\n", 0, where) + 1))
    if problems:
        raise Refusal(problems)


def _quotes_are_plain(content: bytes) -> bool:
    """Return whether quotes only open and close whole cells, or are doubled inside them; quick, and may miss some."""
    data = np.frombuffer(content, np.uint8)
    quotes = np.flatnonzero(data == ord('"'))
    if len(quotes) % 2:
        return False
    around = np.frombuffer(b"\n" + content + b"\n", np.uint8)
    opens, closes = around[quotes[::2]], around[quotes[1::2] + 2]
    return bool(np.isin(opens, [*b',"\r\n']).all() and np.isin(closes, [*b',"\r\n']).all())


def _rows(name: str, content: bytes) -> Iterator[list[str]]:
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline=""), strict=True)
    start = 1
    try:
        for row in reader:
            start = reader.line_num + 1
            yield row
    except csv.Error as error:
        what = f"cannot be read as CSV ({error}); a quote inside a quoted cell is written twice"
        raise Refusal([Problem(name, what, start)]) from None


def lines_of(content: bytes, rows: Iterable[int]) -> list[int]:
    """Return the 1-based lines at which the given 0-based data rows of a CSV file start.

    Reads the file again row by row, so it is for messages only. Quoted cells may hold line ends.
    """
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), "utf-8", newline=""))
    wanted = set(rows)
    found: dict[int, int] = {}
    number, start = -1, 1
    for row in reader:
        if row:
            if number in wanted:
                found[number] = start
            number += 1
        start = reader.line_num + 1
    return [found.get(row, 0) for row in rows]


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV file: UTF-8, LF, quotes only where needed, an empty cell for NaN."""
    with written(path) as aside:
        writer = CsvWriter(aside)
        writer.write(pa.Table.from_pandas(table, preserve_index=False))
        writer.close()


class CsvWriter:
    """Writes a CSV file piece by piece, as `write_table` does."""

    def __init__(self, path: Path) -> None:
        self.file, self.began = path.open("wb"), False

    def write(self, table: pa.Table) -> None:
        """Append rows; each call has the same columns. The first writes the header too."""
        if not self.began:
            header = io.StringIO()
            csv.writer(header, lineterminator="\n").writerow(table.column_names)
            self.file.write(header.getvalue().encode())
            self.began = True
        for batch in table.to_batches(max_chunksize=1 << 18):
            cells = [_cells(column) for column in batch.columns]
            rows = _join(_join(*cells, between=","), "\n")
            offsets = np.frombuffer(rows.buffers()[1], np.int64)[rows.offset : rows.offset + len(rows) + 1]
            self.file.write(memoryview(rows.buffers()[2])[offsets[0] : offsets[-1]])

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _join(*parts: pa.Array | str, between: str = "") -> pa.Array:
    """Return the parts of each row as one text."""
    texts = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*texts, pa.scalar(between, pa.large_string()))


def _cells(column: pa.Array) -> pa.Array:
    """Return a column as the text of CSV cells."""
    text = pc.fill_null(column.cast(pa.large_string()), "")
    special = pc.match_substring_regex(text, r'[",\r\n]')
    if not pc.any(special).as_py():
        return text
    doubled = pc.replace_substring(text, '"', '""')
    return pc.if_else(special, _join('"', doubled, '"'), text)


def escape_cells(cells: pd.Series) -> pd.Series:
    """Put a `'` before cells that a spreadsheet would run as a formula (n, str)."""
    return cells.str.replace(rf"^('*{FORMULA})", r"'\1", regex=True)


def unescape_cells(cells: pd.Series) -> pd.Series:
    """Undo `escape_cells` (n, str)."""
    return cells.str.replace(rf"^'('*{FORMULA})", r"\1", regex=True)
