"""The raw data as delivered: `data/raw/labels.csv`, then `data/raw/<delivery>/labels.csv` in order of name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ..files.paths import SPLITS
from ..files.tables import lines_of, read_table, strings
from ..messages.problems import Problem, Refusal, near_miss, quoted
from .examples import OWN

RESERVED = {*OWN, "predicted", "delivery", "old_label", "new_label"} - {"id", "label"}


@dataclass(frozen=True)
class Raw:
    """All deliveries in one table.

    Attributes:
        files: the tables' paths as messages show them, the first delivery's first.
        starts: row of `table` at which each file starts.
        table: a row for each delivered example: id, label (as given) and any other column, all `str`.
        found: what is wrong with the tables.
        columns: those of each file; `table` has the columns of all.
    """

    files: list[str]
    starts: list[int]
    table: pd.DataFrame
    found: list[Problem]
    columns: list[list[str]]

    @property
    def delivery(self) -> np.ndarray:
        """Number of each row's delivery, 0 for the first (rows, int)."""
        return np.searchsorted(self.starts, np.arange(len(self.table)), side="right") - 1

    def problems(self, wrong: Mapping[int, str]) -> list[Problem]:
        """Say what is wrong at rows of `table`, with file, line and id."""
        return _at(self.files, self.starts, self.table, wrong)


def _at(files: list[str], starts: list[int], table: pd.DataFrame, wrong: Mapping[int, str]) -> list[Problem]:
    rows = np.array(sorted(wrong), dtype=int)
    numbers = np.searchsorted(starts, rows, side="right") - 1
    said = []
    for number in np.unique(numbers):
        here = rows[numbers == number]
        lines = lines_of(Path(files[number]).read_bytes(), (here - starts[number]).tolist())
        ids = table["id"].iloc[here]
        said += [
            Problem(files[number], wrong[row], line, id)
            for row, line, id in zip(here.tolist(), lines, ids, strict=True)
        ]
    return said


def read_raw(folder: Path) -> Raw:
    """Read all deliveries.

    Raises:
        Refusal: for a file that is missing, unreadable, without the columns `id` and `label`, or with a column whose
            name the project uses itself.
    """
    first = folder / "labels.csv"
    if not first.is_file():
        hint = "it lists the examples as id,label,path; `dvc pull` or `dvc repro` brings it where DVC has it"
        raise Refusal([Problem(first.as_posix(), f"is missing; {hint}")])
    paths = [first, *sorted(folder.glob("*/labels.csv"), key=lambda path: path.parent.name)]
    tables, problems = [], []
    for path in paths:
        try:
            tables.append(read_table(path))
        except Refusal as refusal:
            problems += refusal.problems
            continue
        columns = list(tables[-1].columns)
        if tables[-1].empty:
            problems.append(Problem(path.as_posix(), "lists no examples", 1))
        for needed in ("id", "label"):
            if needed not in columns:
                problems.append(Problem(path.as_posix(), f"has no column `{needed}`{near_miss(needed, columns)}", 1))
        for taken in sorted(set(columns) & RESERVED):
            problems.append(Problem(path.as_posix(), f"has a column `{taken}`, a name the project uses; rename it", 1))
    problems += _misspelt([path.as_posix() for path in paths], tables)
    if problems:
        raise Refusal(problems)
    table = pd.concat(tables, ignore_index=True).fillna("") if len(tables) > 1 else tables[0]
    files = [path.as_posix() for path in paths]
    starts = np.cumsum([0] + [len(t) for t in tables[:-1]]).tolist()
    own = [list(one.columns) for one in tables]
    return Raw(files, starts, table, _at(files, starts, table, _wrong(table)), own)


def _misspelt(files: list[str], tables: list[pd.DataFrame]) -> list[Problem]:
    """Return each column that a delivery seems to misspell: read as empty, it would let a group into two sets."""
    everywhere = {column for table in tables for column in table}
    return [
        Problem(file, f"has no column `{name}`, which another delivery has{hint}", 1)
        for file, table in zip(files, tables, strict=False)
        for name in ("group", "split", "path", "text")
        if name in everywhere and name not in table and (hint := near_miss(name, set(table) - {"id", "label"}))
    ]


def _wrong(table: pd.DataFrame) -> dict[int, str]:
    """Return what is wrong in each row that has anything wrong."""
    wrong: dict[int, str] = {}

    def mark(rows: np.ndarray, what: str) -> None:
        for row in np.flatnonzero(rows).tolist():
            wrong[row] = f"{wrong[row]}; {what}" if row in wrong else what

    ids = table["id"]
    arrow = strings(ids)
    mark((ids == "").to_numpy(), "the id is empty")
    plain = pc.and_(pc.utf8_is_printable(arrow), pc.equal(pc.utf8_trim_whitespace(arrow), arrow))
    mark(~plain.to_numpy(), "the id has blanks around it or control characters")
    if pc.count_distinct(arrow).as_py() < len(ids):
        again = (ids.duplicated() & (ids != "")).to_numpy()
        mark(again, "this id stands above already; an id names one example in all deliveries")
    for label in table["label"].unique():
        if label == "":
            mark((table["label"] == "").to_numpy(), "the label is empty")
        elif label != label.strip() or not label.isprintable():
            what = f"the label {quoted(label)} has blanks around it or control characters"
            mark((table["label"] == label).to_numpy(), what)
    if "split" in table:
        for value in sorted(set(table["split"].unique()) - {"", *SPLITS}):
            what = f"the split {quoted(value)} is none of {', '.join(SPLITS)}{near_miss(value, SPLITS)}"
            mark((table["split"] == value).to_numpy(), what)
    return wrong
