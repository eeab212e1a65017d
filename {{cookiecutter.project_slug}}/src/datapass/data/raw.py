"""The raw data as delivered: `data/raw/labels.csv`, then `data/raw/<delivery>/labels.csv` in order of name.

Each may be a `labels.parquet` instead. The rules see the same text in both, and see it in pieces, so that a hundred million
rows of Parquet need no more memory than a few numbers for each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..files import parquet
from ..files.parquet import ParquetTable, regular
from ..files.tables import frame, lines_of, read_text
from ..messages.problems import Problem, Refusal
from .alike import alike, in_order
from .raw_checks import misspelt, of_header, wrong_rows

NAMES = ("labels.csv", "labels.parquet")
LISTED = 100_000  # wrong rows after which no more are looked for


class CsvTable:
    """A CSV file, read whole, as `ParquetTable` has it."""

    def __init__(self, path: Path) -> None:
        self.table = read_text(path)
        self.columns, self.types = self.table.column_names, self.table.schema.types
        self.name, self.rows = path.as_posix(), len(self.table)

    def pieces(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        yield self.table.select(list(columns))

    def read(self) -> pa.Table:
        return self.table

    def take(self, column: str, rows: np.ndarray) -> list[str]:
        return list(self.table[column].take(pa.array(rows)).to_pylist())


@dataclass(frozen=True)
class Coded:
    """A column of few different texts: `words`, and the place of each row's among them (n, int)."""

    words: list[str]
    codes: np.ndarray

    def among(self, words: Sequence[str]) -> np.ndarray:
        """Return the rows whose text is one of these (n, bool)."""
        return np.array([word in words for word in self.words], dtype=bool)[self.codes]

    def __getitem__(self, row: int) -> str:
        return self.words[self.codes[row]]


@dataclass(frozen=True)
class Raw:
    """All deliveries in one table, of which no more text is in memory than is asked for.

    Attributes:
        tables: the files, the first delivery's first.
    """

    tables: Sequence[CsvTable | ParquetTable]
    _coded: dict[str, Coded] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return sum(one.rows for one in self.tables)

    @property
    def files(self) -> list[str]:
        """Return the paths of the tables as messages show them."""
        return [one.name for one in self.tables]

    @property
    def starts(self) -> list[int]:
        """Return the row at which each file starts."""
        return np.cumsum([0] + [one.rows for one in self.tables[:-1]]).tolist()

    @property
    def columns(self) -> list[list[str]]:
        """Return the columns of each file."""
        return [one.columns for one in self.tables]

    @cached_property
    def names(self) -> list[str]:
        """Return the columns of all files: a cell is empty where its own file does not have the column."""
        return list(dict.fromkeys(name for columns in self.columns for name in columns))

    @cached_property
    def table(self) -> pd.DataFrame:
        """Return a row for each delivered example: id, label (as given) and any other column, all `str`."""
        tables = [frame(one.read()) for one in self.tables]
        return pd.concat(tables, ignore_index=True).fillna("") if len(tables) > 1 else tables[0]

    @property
    def delivery(self) -> np.ndarray:
        """Number of each row's delivery, 0 for the first (rows, int)."""
        return self.delivery_of(np.arange(len(self)))

    def delivery_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of the delivery of some rows (k, int)."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def pieces(self, columns: Sequence[str], size: int | None = None) -> Iterator[tuple[int, pa.Table]]:
        """Yield (number of its first row, some columns as strings), piece after piece of `size` rows."""
        start = 0
        for piece in regular(self._read(columns), size or parquet.PIECE):
            yield start, piece
            start += len(piece)

    def _read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        for one in self.tables:
            there = [name for name in columns if name in one.columns]
            for piece in one.pieces(there or ["id"]):
                cells = {name: piece[name] if name in there else _empty(len(piece)) for name in columns}
                yield pa.table(cells)

    def column(self, name: str) -> Iterator[pa.ChunkedArray]:
        """Yield a column as strings, piece after piece."""
        return (piece[name] for _, piece in self.pieces([name]))

    def text(self, name: str, rows: np.ndarray) -> list[str]:
        """Return a column's cells at some rows (k)."""
        asked, place = np.unique(np.asarray(rows, dtype=np.int64), return_inverse=True)
        number, found = self.delivery_of(asked), list[str]()
        for one in np.unique(number).tolist():
            table, here = self.tables[one], asked[number == one] - self.starts[one]
            found += table.take(name, here) if name in table.columns else [""] * len(here)
        return [found[i] for i in place.tolist()]

    def coded(self, name: str) -> Coded:
        """Return a column of few different texts."""
        if name not in self._coded:
            if name not in self.names:
                return Coded([""], np.broadcast_to(np.int8(0), len(self)))
            words, codes = dict[str, int](), np.empty(len(self), np.int32)
            for start, piece in self.pieces([name]):
                one = piece[name].combine_chunks().dictionary_encode()
                place = [words.setdefault(word, len(words)) for word in one.dictionary.to_pylist()]
                codes[start : start + len(piece)] = np.array(place, np.int32)[one.indices.to_numpy()]
            few = len(words) <= np.iinfo(np.int8).max
            self._coded[name] = Coded(list(words), codes.astype(np.int8) if few else codes)
        return self._coded[name]

    @cached_property
    def groups(self) -> np.ndarray:
        """Return the number of each row's group: equal for equal groups, -1 where it has none (n, int32)."""
        if "group" not in self.names:
            return np.broadcast_to(np.int32(-1), len(self))
        found = np.full(len(self), -1, dtype=np.int32)
        rows, codes = alike(lambda: self.column("group"), len(self))
        for start, piece in self.pieces(["group"]):
            found[start : start + len(piece)] = pc.not_equal(piece["group"], "").to_numpy().astype(np.int32) - 1
        alone = found == 0
        alone[rows] = False
        found[rows] = codes
        found[alone] = np.arange(int(alone.sum())) + (int(codes.max()) + 1 if len(codes) else 0)
        return found

    @cached_property
    def in_order(self) -> bool:
        """Whether the ids of all rows are in order, and so no id stands twice."""
        return in_order(self.column("id"))

    @cached_property
    def found(self) -> list[Problem]:
        """What is wrong with the rows, those of one cause after the first 100,000 rows left out."""
        again = np.empty(0, dtype=np.int64)
        if not self.in_order:
            rows, codes = alike(lambda: self.column("id"), len(self))
            again = rows[pd.Series(codes).duplicated()]
        wrong: dict[int, str] = {}
        for start, piece in self.pieces([name for name in ("id", "label", "split") if name in self.names]):
            here = again[(again >= start) & (again < start + len(piece))] - start
            wrong |= {start + row: said for row, said in wrong_rows(frame(piece), here).items()}
            if len(wrong) >= LISTED:
                break
        return self.problems(wrong)

    def problems(self, wrong: Mapping[int, str]) -> list[Problem]:
        """Say what is wrong at rows, with file, line (of Parquet the row) and id."""
        rows = np.array(sorted(wrong), dtype=np.int64)
        ids, numbers = self.text("id", rows), self.delivery_of(rows)
        lines = np.zeros(len(rows), dtype=np.int64)
        for number in np.unique(numbers).tolist():
            here, file = rows[numbers == number] - self.starts[number], self.files[number]
            csv = file.endswith(".csv")
            lines[numbers == number] = lines_of(Path(file).read_bytes(), here.tolist()) if csv else here + 1
        places = zip(rows.tolist(), numbers.tolist(), lines.tolist(), ids, strict=True)
        return [Problem(self.files[number], wrong[row], line, id) for row, number, line, id in places]


def _empty(rows: int) -> pa.Array:
    return pa.repeat(pa.scalar("", pa.string()), rows)


def labels_in(folder: Path) -> list[Path]:
    """Return the tables of labels in a folder: one, or none, or more than `read_raw` takes."""
    return [folder / name for name in NAMES if (folder / name).is_file()]


def read_raw(folder: Path) -> Raw:
    """Open all deliveries. A CSV is read whole, of a Parquet file the names of its columns.

    Raises:
        Refusal: for a file that is missing, unreadable, without the columns `id` and `label`, or with a column whose
            name the project uses itself; for two tables of one delivery.
    """
    if not labels_in(folder):
        hint = "it lists the examples as id,label,path; `dvc pull` or `dvc repro` brings it where DVC has it"
        raise Refusal([Problem((folder / NAMES[0]).as_posix(), f"is missing; {hint}")])
    later = sorted({path.parent for name in NAMES for path in folder.glob(f"*/{name}")}, key=lambda path: path.name)
    tables, problems = list[CsvTable | ParquetTable](), list[Problem]()
    for place in (folder, *later):
        path, *others = labels_in(place)
        problems += [Problem(one.as_posix(), f"stands beside {path.name}; keep one of the two") for one in others]
        try:
            tables.append(CsvTable(path) if path.suffix == ".csv" else ParquetTable(path, path.as_posix()))
        except Refusal as refusal:
            problems += refusal.problems
            continue
        problems += of_header(tables[-1].name, tables[-1].columns, tables[-1].types, tables[-1].rows)
    problems += misspelt([one.name for one in tables], [one.columns for one in tables])
    if problems:
        raise Refusal(problems)
    return Raw(tables)
