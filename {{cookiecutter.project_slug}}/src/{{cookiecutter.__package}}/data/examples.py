"""Example tables: `data/examples/<split>.csv`, one row an example, sorted by id.

Columns: id, label, given_label, weight (0: dropped, or its input stands in a set of higher rank), row (in the packed
inputs), input (hash of the input), passes (which changed it, separated by blanks), then text, group and metadata.
"""

import json
import shutil
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from ..shared.files import written
from ..shared.paths import CLASSES, DATA, EXAMPLES, TABLES
from ..shared.tables import text_column, write_table
from .passes import WAITING, State

OWN = ("id", "label", "given_label", "weight", "row", "input", "passes")


def build(state: State, sets: np.ndarray, inputs: pd.Series, weight: np.ndarray) -> dict[str, pd.DataFrame]:
    """Return {file name: table}: the examples of each set, dropped ones included, and the classes in code order.

    Args:
        state: after all passes.
        sets: set of each raw row (n, int8), see `split.assign`.
        inputs: hash of each raw row's input (n).
        weight: whether each raw row counts (n, bool).
    """
    rows = np.flatnonzero(state.status != WAITING)
    ids = state.raw.table["id"].iloc[rows]
    if not ids.is_monotonic_increasing:
        rows = rows[np.argsort(ids.to_numpy(dtype=object), kind="stable")]
    raw = state.raw.table
    extra = [column for column in raw.columns if column not in (*OWN, "path", "split")]
    touched = np.full(len(raw), "", dtype=object)
    for row, names in state.touched.items():
        touched[row] = " ".join(names)
    tables = {}
    for number, path in enumerate(TABLES):
        here = rows[sets[rows] == number]
        given = raw.iloc[here].reset_index(drop=True)
        tables[path.name] = pd.DataFrame(
            {
                "id": given["id"],
                "label": text_column(pa.array(state.classes, pa.string()).take(pa.array(state.codes[here]))),
                "given_label": given["label"],
                "weight": weight[here].astype(np.int8),
                "row": here,
                "input": inputs.iloc[here].to_numpy(),
                "passes": pd.Series(touched[here], dtype="str"),
            }
            | {column: given[column] for column in extra}
        )
    tables[CLASSES.name] = pd.DataFrame({"class": state.known()}, dtype="str")
    return tables


def save(tables: Mapping[str, pd.DataFrame], report: object) -> None:
    """Write all tables and the report, then put them in place together: all old or all new, whatever happens."""
    with written(DATA) as aside, written(EXAMPLES) as folder:
        folder.mkdir()
        if EXAMPLES.is_dir():  # what others keep there, such as the .gitignore of DVC
            for path in EXAMPLES.iterdir():
                if path.is_file() and path.name not in tables:
                    shutil.copy2(path, folder / path.name)
        for name, table in tables.items():
            write_table(table, folder / name)
        aside.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
