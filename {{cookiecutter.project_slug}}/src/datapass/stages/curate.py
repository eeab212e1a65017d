"""Apply the passes, divide the examples into sets, check everything: the data revision that trains."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..data.alike import in_order
from ..data.apply import apply, unusable
from ..data.by_id import by_id
from ..data.checks import summary, warnings
from ..data.examples import OWN, written_as
from ..data.label_book import read_book
from ..data.passes import chosen, pass_names, read_passes
from ..data.raw import read_raw
from ..data.split import inputs_of, numbered
from ..data.state import WAITING, State, start
from ..files.parquet import ParquetWriter
from ..files.paths import CLASSES, DATA, EXAMPLES, PASSES, RAW, TABLES
from ..files.tables import CsvWriter, write_table
from ..files.writes import written
from ..messages.problems import refuse
from ..settings import load
from .frame import run

SET = "\0set"  # no column of a table has this name
WRITERS: dict[str, type[CsvWriter | ParquetWriter]] = {".csv": CsvWriter, ".parquet": ParquetWriter}


def build(state: State, weight: np.ndarray) -> Iterator[pa.Table]:
    """Yield the examples, dropped ones included, in pieces sorted by id: the columns of the example tables, and `set`.

    Args:
        state: after all passes.
        weight: whether each raw row counts (n, bool).
    """
    there = state.status != WAITING

    def ids() -> Iterator[pa.ChunkedArray]:
        for first, piece in state.raw.pieces(["id"]):
            yield piece["id"].filter(pa.array(there[first : first + len(piece)]))

    rows = _rows(state, weight, there)
    return rows if state.raw.in_order or in_order(ids()) else by_id(rows, int(there.sum()))


def _rows(state: State, weight: np.ndarray, there: np.ndarray) -> Iterator[pa.Table]:
    """Yield the same in the order of the deliveries."""
    raw = state.raw
    extra = [column for column in raw.names if column not in (*OWN, "path", "split")]
    names = pa.array(
        [name or "" for name in state.classes], pa.string()
    )  # what was dropped may be of a class that is no more
    touched = pd.Series({row: " ".join(names) for row, names in sorted(state.touched.items())}, dtype="str")
    edited = touched.index.to_numpy(dtype=np.int64)
    for (first, piece), inputs in zip(raw.pieces(["id", "label", *extra]), inputs_of(raw), strict=True):
        here = first + np.flatnonzero(there[first : first + len(piece)])
        given, packed = piece.take(pa.array(here - first)), inputs.take(pa.array(here - first))
        passes = np.full(len(here), "", dtype=object)
        mine = edited[np.searchsorted(edited, first) : np.searchsorted(edited, first + len(piece))]
        passes[np.searchsorted(here, mine)] = touched[mine].to_numpy()
        yield pa.table(
            {
                "id": given["id"],
                "label": names.take(pa.array(state.codes[here])),
                "given_label": given["label"],
                "weight": weight[here].astype(np.int8),
                "row": here,
                "input": packed,
                "passes": pa.array(passes, pa.string()),
            }
            | {column: given[column] for column in extra}
            | {SET: state.sets[here]}
        )


def save(examples: Iterator[pa.Table], classes: list[str], report: object) -> None:
    """Write all tables and the report, then put them in place together: all old or all new, whatever happens."""
    suffix = written_as()
    mine = {CLASSES.name, *(path.with_suffix(one).name for path in TABLES for one in WRITERS)}
    with written(DATA) as aside, written(EXAMPLES) as folder:
        folder.mkdir()
        if EXAMPLES.is_dir():  # what others keep there, such as the .gitignore of DVC
            for path in EXAMPLES.iterdir():
                if path.is_file() and path.name not in mine:
                    shutil.copy2(path, folder / path.name)
        with ExitStack() as stack:
            writers = [
                stack.enter_context(closing(WRITERS[suffix](folder / path.with_suffix(suffix).name))) for path in TABLES
            ]
            for piece in examples:
                rows, sets = piece.drop_columns([SET]), piece[SET]
                for number, writer in enumerate(writers):
                    writer.write(rows.filter(pc.equal(sets, number)))
        write_table(pd.DataFrame({"class": classes}, dtype="str"), folder / CLASSES.name)
        aside.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def main() -> None:
    """Write data/examples/ and reports/data.json. Everything wrong in the passes is refused at once."""
    data = load().data
    raw = read_raw(RAW)
    refuse(raw.found)
    numbers = numbered(raw)
    state = start(raw, data.classes, data.split, numbers)
    passes, problems = read_passes(PASSES, chosen(pass_names(PASSES), data.passes))
    refuse(problems + apply(state, passes))
    refuse(unusable(state))
    sets, weight = state.sets, state.weight
    found = warnings(state, sets, numbers, weight, data.checks, read_book())
    save(build(state, weight), state.known(), summary(state, sets, weight) | {"warnings": found})
    for warning in found:
        print(f"warning: {warning['what']}")
    counts = ", ".join(
        f"{int(np.sum(weight & (sets == n))):,} {s}" for n, s in enumerate(("train", "validation", "test"))
    )
    print(f"{len(passes)} {'pass' if len(passes) == 1 else 'passes'} applied: {counts}")


if __name__ == "__main__":
    run("curate", main)
