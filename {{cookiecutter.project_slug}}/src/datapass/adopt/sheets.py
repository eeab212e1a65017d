"""Tables as people have them, CSV, TSV, Parquet and XLSX, read as text; what the columns mean is told later, once."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ..files.tables import TEXT, lines_of, read_table
from ..messages.problems import Problem, Refusal, quoted, refuse
from .names import objection

FORMS = (".csv", ".tsv", ".parquet", ".xlsx")
OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # what Excel wraps an encrypted workbook in


@dataclass(frozen=True)
class Sheet:
    """A table as text.

    Attributes:
        name: what messages call the file.
        table: every column `str`; a missing cell is empty.
        notes: what a reader should know of how it was read.
        content: of a CSV file with commas, to find lines in.
    """

    name: str
    table: pd.DataFrame
    notes: list[str]
    content: bytes = b""

    def lines(self, rows: Iterable[int]) -> list[int | None]:
        """Return the line of each row in the file, where it has lines; the row of the sheet for XLSX."""
        if self.content:
            return list(lines_of(self.content, rows))
        return [row + 2 if self.name.lower().endswith(".xlsx") else None for row in rows]


def read_sheet(path: Path) -> Sheet:
    """Read a table.

    Raises:
        Refusal: for a file that is empty, damaged, protected by a password or of another encoding than UTF-8, and for
            columns without rows, named twice, or with a name that is too long or not printable.
    """
    name = path.name
    if not path.stat().st_size:
        raise Refusal([Problem(name, "is empty")])
    read = {".parquet": _parquet, ".xlsx": _xlsx}.get(path.suffix.lower(), _csv)
    sheet = read(path, name)
    # Spreadsheets leave columns behind that hold nothing, not even a name.
    kept = [
        bool(one) or bool((sheet.table.iloc[:, place] != "").any()) for place, one in enumerate(sheet.table.columns)
    ]
    sheet = replace(sheet, table=sheet.table.loc[:, kept])
    columns = list(sheet.table.columns)
    doubled = sorted({column for column in columns if columns.count(column) > 1})
    problems = [Problem(name, f"names the column {quoted(column)} twice; rename one", 1) for column in doubled]
    for column in columns:
        if said := objection(column):
            problems.append(Problem(name, f"the column's name {quoted(column, 40)} {said}; rename it", 1))
    if sheet.table.empty:
        problems.append(Problem(name, "has no row under its header"))
    refuse(problems)
    return sheet


def _csv(path: Path, name: str) -> Sheet:
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    first = re.sub(rb'"[^"]*"', b"", content.lstrip(b"\r\n").partition(b"\n")[0])
    sign = max((",", ";", "\t"), key=lambda one: first.count(one.encode()))
    notes = []
    if sign != "," and first.count(sign.encode()):
        notes.append(f"cells are separated by {'semicolons' if sign == ';' else 'tabs'}")
        try:
            rows = list(csv.reader(io.StringIO(str(content, "utf-8"), newline=""), delimiter=sign, strict=True))
        except (UnicodeDecodeError, csv.Error):
            rows = []  # the strict reader says what is wrong, and where
        if rows:
            again = io.StringIO(newline="")
            csv.writer(again, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
            content = again.getvalue().encode()
    return Sheet(name, read_table(path, name, content), notes, content)


def _parquet(path: Path, name: str) -> Sheet:
    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise Refusal([Problem(name, f"cannot be read as Parquet ({str(error).splitlines()[0]})")]) from None
    columns, notes = dict[str, pd.Series](), list[str]()
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            notes.append(f"the column {quoted(field.name)} holds {kind} and is left out; save such data as files")
        elif not field.name.startswith("__index_level_"):  # the row numbers that pandas writes
            try:
                texts = column.cast(kind).cast(pa.string())
            except pa.ArrowException as error:  # such as a time zone that is not known here
                notes.append(f"the column {quoted(field.name)} is left out: {quoted(error)[1:-1]}")
                continue
            columns[field.name] = texts.to_pandas(types_mapper={pa.string(): TEXT}.get)
    return Sheet(name, pd.DataFrame(columns).fillna("").astype("str"), notes)


def _xlsx(path: Path, name: str) -> Sheet:
    with path.open("rb") as file:
        if file.read(len(OLE)) == OLE:
            raise Refusal([Problem(name, "is protected by a password; save it without one")])
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = [str(one) for one in book.sheet_names]
            frame = pd.read_excel(book, header=None, dtype=object, keep_default_na=False, na_filter=False)
    except (OSError, KeyError, ValueError, SyntaxError, zipfile.BadZipFile) as error:
        raise Refusal([Problem(name, f"cannot be read as XLSX ({error})")]) from None
    cells = frame.map(_cell) if len(frame) else frame
    if cells.empty:
        raise Refusal([Problem(name, f"the first sheet, {quoted(sheets[0])}, is empty")])
    table = cells.iloc[1:].set_axis(cells.iloc[0].to_list(), axis=1).reset_index(drop=True)
    filled = (table != "").any(axis=1)
    last = filled[filled].index.max() if filled.any() else -1
    notes = [f"of its {len(sheets)} sheets the first is read: {quoted(sheets[0])}"] if len(sheets) > 1 else []
    return Sheet(name, table.loc[:last].astype("str"), notes)


def _cell(value: object) -> str:
    """Return a cell of a workbook as text; a workbook keeps every number as a fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, pd.Timestamp) or hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return "" if value is None else str(value)
