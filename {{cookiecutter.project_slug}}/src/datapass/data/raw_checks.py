"""What is wrong with a table of labels: with its columns, and with its rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from ..files.paths import SPLITS
from ..files.tables import strings
from ..messages.problems import Problem, near_miss, quoted
from .examples import OWN

RESERVED = {*OWN, "predicted", "delivery", "old_label", "new_label"} - {"id", "label"}
WHOLE = ("id", "label", "group")  # columns in which 1.0 is another name than 1, and a day than its midnight


def of_header(name: str, columns: Sequence[str], types: Sequence[pa.DataType], rows: int) -> list[Problem]:
    """Return what is wrong with the columns of a table, and whether it has no row."""
    line = 1 if name.endswith(".csv") else None
    said = [] if rows else ["lists no examples"]
    for needed in ("id", "label"):
        if needed not in columns:
            said.append(f"has no column `{needed}`{near_miss(needed, columns)}")
    said += [f"has a column `{taken}`, a name the project uses; rename it" for taken in sorted({*columns} & RESERVED)]
    for column, kind in zip(columns, types, strict=True):
        if column in WHOLE and (kinds.is_floating(kind) or kinds.is_decimal(kind)):
            said.append(f"has numbers with fractions ({kind}) in the column `{column}`; write text or whole numbers")
        if column in WHOLE and (kinds.is_timestamp(kind) or kinds.is_time(kind)):
            said.append(
                f"has times ({kind}) in the column `{column}`, which CSV has in several forms; write text or dates"
            )
    return [Problem(name, what, line) for what in said]


def misspelt(files: list[str], tables: list[list[str]]) -> list[Problem]:
    """Return each column that a delivery seems to misspell: read as empty, it would let a group into two sets."""
    everywhere = {column for table in tables for column in table}
    return [
        Problem(file, f"has no column `{name}`, which another delivery has{hint}", 1)
        for file, table in zip(files, tables, strict=True)
        for name in ("group", "split", "path", "text")
        if name in everywhere and name not in table and (hint := near_miss(name, set(table) - {"id", "label"}))
    ]


def wrong_rows(table: pd.DataFrame, again: np.ndarray) -> dict[int, str]:
    """Return what is wrong in each row that has anything wrong; `again` are the rows whose id stands above."""
    wrong: dict[int, str] = {}

    def mark(rows: np.ndarray, what: str) -> None:
        for row in (np.flatnonzero(rows) if rows.dtype == bool else rows).tolist():
            wrong[row] = f"{wrong[row]}; {what}" if row in wrong else what

    ids = table["id"]
    arrow = strings(ids)
    mark((ids == "").to_numpy(), "the id is empty")
    plain = pc.and_(pc.utf8_is_printable(arrow), pc.equal(pc.utf8_trim_whitespace(arrow), arrow))
    mark(~plain.to_numpy(), "the id has blanks around it or control characters")
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
