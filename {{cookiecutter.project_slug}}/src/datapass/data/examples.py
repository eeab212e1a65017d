"""The example tables, `data/examples/<split>.csv` or `.parquet`: the one place that says what their columns mean.

One row an example, sorted by id: id, label, given_label, weight (0: dropped, or its input stands in a set of higher rank),
row (in the packed inputs), input (hash of the input), passes (which changed it, separated by blanks), then text, group and
metadata. Every cell is text. Of which suffix they are, the outs of `curate` in dvc.yaml say.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..files.paths import EXAMPLES, PIPELINE, TABLES
from ..files.tables import read_table
from ..messages.problems import Problem, Refusal

OWN = ("id", "label", "given_label", "weight", "row", "input", "passes")
# Metadata of what came back from production: why it was picked, and of which delivery it is.
PICKED_AS, DELIVERY = "picked_as", "incoming"
ORIGINS = RANDOM, UNCERTAIN, UNLIKE = ("random", "uncertain", "unlike")  # `picked_as`
CHOSEN = (UNCERTAIN, UNLIKE)  # by what the models answer, or do not know: no score may rest on these
NAMED = (*OWN, "path", "text", "group", "split", "set")  # every other column is metadata, by whose values one slices


def counts(table: pd.DataFrame) -> pd.Series:
    """Return which examples count in training and scores; the others were dropped or are shadowed (n, bool)."""
    return table["weight"] == "1"


def packed_rows(table: pd.DataFrame) -> np.ndarray:
    """Return the place of each example's input among the packed ones (n, int64)."""
    return table["row"].astype(np.int64).to_numpy()


def class_codes(table: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """Return the place of each example's label among the classes (n, int64)."""
    return table["label"].map({name: code for code, name in enumerate(classes)}).to_numpy(np.int64, copy=True)


def metadata(columns: Iterable[str], besides: Sequence[str] = ()) -> list[str]:
    """Return the metadata columns among some, in order; `besides` are further columns that are none."""
    return [column for column in columns if column not in (*NAMED, *besides)]


def written_as(pipeline: bytes | None = None) -> str:
    """Return the suffix of the example tables by dvc.yaml, `.csv` or `.parquet`.

    Args:
        pipeline: the content of another revision's dvc.yaml; the workspace's where left out.

    Raises:
        Refusal: where dvc.yaml names some of the tables with one suffix and some with another.
    """
    if pipeline is None:
        pipeline = PIPELINE.read_bytes() if PIPELINE.is_file() else b""
    said = b"\n".join(line.partition(b"#")[0] for line in pipeline.splitlines())
    names = b"|".join(path.with_suffix("").as_posix().encode() for path in TABLES)
    found = sorted({name.decode() for name in re.findall(rb"(?:" + names + rb")(\.\w+)", said)})
    if len(found) > 1 or not {*found} <= {".csv", ".parquet"}:
        what = f"names the tables of {EXAMPLES.as_posix()}/ with {' and '.join(found)}; write .csv in all lines, or .parquet"
        raise Refusal([Problem(PIPELINE.as_posix(), what)])
    return found[0] if found else ".csv"


def stored(path: Path) -> Path:
    """Return where a table of the workspace is: with the suffix that dvc.yaml says."""
    return path.with_suffix(written_as()) if path in TABLES else path


def read_examples(paths: Sequence[Path] = tuple(TABLES)) -> pd.DataFrame:
    """Return the examples of some sets of the workspace, dropped ones included, with `split`, the set's name.

    Raises:
        Refusal: where a table is missing.
    """
    paths = [stored(path) for path in paths]
    if not all(path.is_file() for path in paths):
        raise Refusal(f"{EXAMPLES.as_posix()}/ is missing; `dvc repro` writes it.")
    tables = [read_table(path).assign(split=path.stem) for path in paths]
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True).fillna("")
