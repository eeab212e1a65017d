"""Annotations: several people's labels of the same examples, as rows of id, annotator and label."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..files.paths import ANNOTATIONS, RAW
from ..files.tables import lines_of, read_table, unescape_cells
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse

COLUMNS = ["id", "annotator", "label"]
DELIVERED = RAW / "annotations.csv"


def read_annotations(*paths: Path, forms: bool = False) -> pd.DataFrame:
    """Read annotations from CSV files; cells escaped for spreadsheets are unescaped (in raw data no cell is).

    Args:
        paths: where left out, those delivered with the data and those collected since, of which either may be missing.
        forms: leave out rows without a label (a form that is not filled in yet) instead of refusing them.

    Returns:
        Columns id, annotator, label, file and row (of the file, from 0), in the order of the files.

    Raises:
        Refusal: for unreadable tables, missing columns and empty cells, of all files together.
    """
    tables = [pd.DataFrame(columns=[*COLUMNS, "file", "row"], dtype="str")]
    problems: list[Problem] = []
    for path in paths or [path for path in (DELIVERED, ANNOTATIONS) if path.is_file()]:
        try:
            table = read_table(path)
        except Refusal as refusal:
            problems += refusal.problems
            continue
        missing = [name for name in COLUMNS if name not in table]
        problems += [Problem(path.as_posix(), f"has no column `{name}`{near_miss(name, table)}", 1) for name in missing]
        if not missing:
            cells = table[COLUMNS] if path == DELIVERED else table[COLUMNS].apply(unescape_cells)
            table = cells.assign(file=path.as_posix(), row=np.arange(len(table)))
            tables.append(table[table["label"].str.strip() != ""] if forms else table)
    annotations = pd.concat(tables, ignore_index=True)
    for name in COLUMNS:
        problems += at(
            annotations, annotations[name].str.strip() == "", f"`{name}` is empty; fill it in or delete the line"
        )
    refuse(problems)
    return annotations


def at(annotations: pd.DataFrame, wrong: pd.Series, what: str) -> list[Problem]:
    """Say what is wrong with some annotations (a mask), with file, line and id; a `{}` in `what` becomes the label."""
    problems = []
    for file, rows in annotations[wrong].groupby("file"):
        for line, row in zip(lines_of(Path(str(file)).read_bytes(), rows["row"]), rows.itertuples(), strict=True):
            problems.append(Problem(str(file), what.replace("{}", quoted(row.label)), line, row.id or None))
    return problems
