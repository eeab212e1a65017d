"""Packed inputs that are rows: columns of kinds that the team's `inputs` name, checked once and written with their types.

`data/inputs/values.parquet` has a row for each delivered example, in the order of the deliveries: numbers, booleans (0 and
1) and dates (days since 1970) as float64, missing values as NaN; categories as dictionaries; texts. What a model makes
of them is the model's: here nothing is fitted.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..files.paths import INDEX, VALUES
from ..files.tables import TEXT, read_table
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from .raw import Raw

KINDS = ("number", "category", "boolean", "date", "text")
WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
EPOCH, DAY = pd.Timestamp("1970-01-01"), pd.Timedelta(days=1)
SHOWN = 5  # values named of a column that holds many of another kind


def pack_rows(raw: Raw, target: Path, inputs: Any) -> int:
    """Read the columns of all deliveries into `target`; return how many rows there are.

    Args:
        inputs: has `columns`, {name: one of KINDS}.

    Raises:
        Refusal: naming every column that is missing, every example without a row, and every value of another kind.
    """
    refuse(raw.found)
    try:
        columns = check_columns(inputs.columns)
    except ValueError as error:
        raise Refusal(f"conf/data: inputs: {error}") from None
    frame, sources = gather(raw, columns)
    values, wrong = parse(frame, columns)
    ids, delivery = raw.table["id"], raw.delivery
    in_labels = {row: said for row, said in wrong.items() if sources[delivery[row]] in raw.files}
    beside = {row: said for row, said in wrong.items() if row not in in_labels}
    named = [Problem(sources[delivery[row]], said, id=ids.iloc[row]) for row, said in sorted(beside.items())]
    refuse(raw.problems(in_labels) + named)
    target.mkdir(parents=True)
    values.to_parquet(target / VALUES.name, index=False)
    pd.DataFrame({"id": ids, "input": digests(values, ids)}).to_parquet(target / INDEX.name, index=False)
    return len(values)


def gather(raw: Raw, columns: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns of each delivered example (n rows, in order), and which file of each delivery they are from.

    That is the file of features beside its table, or the table.

    Raises:
        Refusal: for a delivery with two files of features, columns that are missing, an id without or with two rows.
    """
    parts: list[pd.DataFrame] = []
    sources: list[str] = []
    problems: list[Problem] = []
    for number, file in enumerate(raw.files):
        # All deliveries are in one table, so a column that only others have is not this one's.
        table = raw.table.loc[raw.delivery == number, raw.columns[number]]
        beside = (Path(file).with_name("features.parquet"), Path(file).with_name("features.csv"))
        files = [path for path in beside if path.is_file()]
        if len(files) > 1:
            problems.append(Problem(files[1].as_posix(), "stands beside features.parquet; keep one of the two"))
            continue
        source, where = (read_features(files[0]), files[0].as_posix()) if files else (table, file)
        sources.append(where)
        missing = [name for name in columns if name not in source]
        problems += [
            Problem(where, f"has no column {quoted(name)}, which conf/data names{near_miss(name, source)}", 1)
            for name in missing
        ]
        if files and "id" not in source:
            problems.append(Problem(where, "has no column `id`, by which rows belong to the examples", 1))
        elif files:
            problems += _unmatched(source, table, where)
        if not problems:
            parts.append(source.set_index("id").loc[table["id"], list(columns)] if files else source[list(columns)])
    refuse(problems)
    same = len(parts) == 1 or all((part.dtypes == parts[0].dtypes).all() for part in parts)
    return pd.concat(parts if same else [part.astype(object) for part in parts], ignore_index=True), sources


def read_features(path: Path) -> pd.DataFrame:
    """Read features: a CSV as text, a Parquet file with its types; ids are text. Raises Refusal where it is neither."""
    if path.suffix == ".csv":
        return read_table(path)
    try:
        found = pq.read_table(path).to_pandas(integer_object_nulls=True)  # else a missing cell makes 1 of them 1.0
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise Refusal([Problem(path.as_posix(), f"cannot be read as Parquet ({error}); write it again")]) from None
    return found.assign(id=found["id"].astype(TEXT)) if "id" in found else found


def _unmatched(source: pd.DataFrame, table: pd.DataFrame, where: str) -> list[Problem]:
    """Return each example that has no row of features, and each that has several."""
    lost = table["id"][~table["id"].isin(source["id"])]
    doubled = source["id"][source["id"].duplicated() & source["id"].isin(table["id"])]
    said = [Problem(where, "has no row for this example of labels.csv", id=id) for id in lost]
    return said + [Problem(where, "has several rows for this example", id=id) for id in doubled.unique()]


def parse(frame: pd.DataFrame, columns: Mapping[str, str]) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return the columns with their types, and what is wrong in each row that has anything wrong.

    Args:
        frame: of text, or with types already; an empty cell is a missing value.
        columns: {name: one of KINDS}.
    """
    wrong: dict[int, str] = {}
    typed = {}
    for name, kind in columns.items():
        try:
            typed[name], bad = READERS[kind](frame[name])
        except (TypeError, ValueError):  # lists and the like, which a Parquet file may hold
            typed[name], bad = pd.Series(np.nan, index=frame.index), np.ones(len(frame), dtype=bool)
        rows = np.flatnonzero(bad)
        for row in rows[: SHOWN if len(rows) > SHOWN else None].tolist():
            what = f"{quoted(name)} is no {kind}: {quoted(frame[name].iloc[row])}"
            more = f" (and {len(rows) - SHOWN:,} more rows)" if len(rows) > SHOWN and row == rows[SHOWN - 1] else ""
            wrong[row] = f"{wrong[row]}; {what}{more}" if row in wrong else what + more
    return pd.DataFrame(typed), wrong


def _text(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    return column.astype(TEXT).fillna(""), np.zeros(len(column), dtype=bool)


def _missing(column: pd.Series) -> np.ndarray:
    return (column.isna() | (column == "")).to_numpy(bool)


def _number(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    if column.dtype.kind in "mM":  # moments and spans of time, which would become nanoseconds
        return column.isna().astype("float64"), ~_missing(column)
    read = pd.to_numeric(column, errors="coerce").astype("float64")
    return read, (read.isna().to_numpy() & ~_missing(column)) | np.isinf(read.to_numpy())


def _boolean(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    read = column.astype(TEXT).str.strip().str.lower().map(WORDS).astype("float64")
    return read, read.isna().to_numpy() & ~_missing(column)


def _date(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    form = {} if pd.api.types.is_datetime64_any_dtype(column) else {"format": "ISO8601"}
    words = column.astype(TEXT).str.strip().str.casefold().isin(["now", "today"])  # pandas reads them as this moment
    read = pd.to_datetime(column.mask(_missing(column) | words), errors="coerce", utc=True, **form).dt.tz_localize(None)
    return (read - EPOCH) / DAY, read.isna().to_numpy() & ~_missing(column)


def _category(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    named = column.astype(TEXT).mask(_missing(column))
    # Words and whole numbers: 1 and 1.0, or true and True, would be two categories of one thing.
    bad = ~column.map(type).isin([str, int]) if column.dtype == object else column.dtype.kind in "fb"
    return named.astype(pd.CategoricalDtype(sorted(named.dropna().unique()))), np.asarray(bad) & ~_missing(column)


READERS = {"number": _number, "category": _category, "boolean": _boolean, "date": _date, "text": _text}


def digests(values: pd.DataFrame, ids: pd.Series) -> pd.Series:
    """Return a hash of each input, 16 hex digits (n, str): pandas' SipHash of each cell, combined.

    Equal texts are one input, as equal images are, which must not stand in two sets. Equal rows of a table are different
    examples that happen to agree, so there the id is a part of it.

    Args:
        values: typed columns (n).
        ids: of the examples (n).
    """
    named = values.columns[values.dtypes == "category"]
    # No cell holds NUL, while a category may well be called nan.
    plain = values.assign(**{name: values[name].astype(TEXT).fillna("\0") for name in named})
    if [str(kind) for kind in values.dtypes] != ["str"]:
        plain = plain.assign(**{"\0id": ids.to_numpy()})
    hashed = pd.util.hash_pandas_object(plain, index=False, categorize=False)
    return pd.Series(np.char.mod("%016x", hashed.to_numpy()), dtype=TEXT)


def check_columns(columns: Any) -> dict[str, str]:
    """Return a mapping of columns to kinds. Raises ValueError, saying what is wrong with it."""
    if not isinstance(columns, Mapping) or not columns:
        raise ValueError(f"columns maps each column to its kind: {', '.join(KINDS)}")
    wrong = [f"{name}: {kind}" for name, kind in columns.items() if kind not in KINDS or not isinstance(name, str)]
    if "id" in columns:
        wrong.append("id only tells examples apart")
    if wrong:
        raise ValueError(
            f"columns: {', '.join(wrong)}: the name must be text (in quotes), the kind one of {', '.join(KINDS)}"
        )
    return dict(columns)
