"""Apply the passes, divide the examples into sets, check everything: the data revision that trains."""

import json
import shutil
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from ..data.apply import apply, unusable
from ..data.checks import summary, warnings
from ..data.examples import OWN
from ..data.label_book import read_book
from ..data.passes import chosen, pass_names, read_passes
from ..data.raw import read_raw
from ..data.split import input_hashes, numbered
from ..data.state import WAITING, State, start
from ..files.paths import CLASSES, DATA, EXAMPLES, PASSES, RAW, TABLES
from ..files.tables import text_column, write_table
from ..files.writes import written
from ..messages.problems import refuse
from ..settings import load
from .frame import run


def build(state: State, inputs: pd.Series, weight: np.ndarray) -> dict[str, pd.DataFrame]:
    """Return {file name: table}: the examples of each set, dropped ones included, and the classes in code order.

    Args:
        state: after all passes.
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
        here = rows[state.sets[rows] == number]
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


def main() -> None:
    """Write data/examples/ and reports/data.json. Everything wrong in the passes is refused at once."""
    data = load().data
    raw = read_raw(RAW)
    refuse(raw.found)
    inputs = input_hashes(raw)
    numbers = numbered(inputs)
    state = start(raw, data.classes, data.split, numbers)
    passes, problems = read_passes(PASSES, chosen(pass_names(PASSES), data.passes))
    refuse(problems + apply(state, passes))
    refuse(unusable(state))
    sets, weight = state.sets, state.weight
    found = warnings(state, sets, numbers, weight, data.checks, read_book())
    tables = build(state, inputs, weight)
    save(tables, summary(state, tables) | {"warnings": found})
    for warning in found:
        print(f"warning: {warning['what']}")
    counts = ", ".join(
        f"{int(np.sum(weight & (sets == n))):,} {s}" for n, s in enumerate(("train", "validation", "test"))
    )
    print(f"{len(passes)} {'pass' if len(passes) == 1 else 'passes'} applied: {counts}")


if __name__ == "__main__":
    run("curate", main)
