"""From people's answers to a pass in `data/passes/`; and what those answers are checked against."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from ..comparison.revisions import git
from ..files.paths import PASSES, RAW
from ..files.tables import escape_cells, write_table
from ..messages.problems import Problem, Refusal, quoted, refuse
from ..settings import load
from .apply import apply, check, rows_of, unusable
from .passes import COLUMNS, Pass, chosen, pass_names, read_passes
from .raw import labels_in, read_raw
from .split import numbered
from .state import ACTIVE, State, start


def current_state() -> State:
    """Return the examples as they stand after all passes.

    Read from data/raw/ and data/passes/ as `curate` does, so it also knows passes that no `dvc repro` has applied yet.

    Raises:
        Refusal: for anything wrong in the raw tables or the passes.
    """
    data = load().data
    raw = read_raw(RAW)
    refuse(raw.found)
    try:
        inputs = numbered(raw)
    except Refusal:  # a delivery that is not packed yet: what only its inputs can tell, `curate` will say
        inputs = np.full(len(raw), -1)
    state = start(raw, data.classes, data.split, inputs)
    passes, problems = read_passes(PASSES, chosen(pass_names(PASSES), data.passes))
    refuse(problems + apply(state, passes))
    return state


def check_passes() -> tuple[int, bool]:
    """Check all passes without running anything.

    Returns:
        How many there are, and whether their ids and labels were checked too, which takes data/raw/; without it only the form was.

    Raises:
        Refusal: for anything wrong, all at once, with file, line and id.
    """
    names = pass_names(PASSES)
    passes, problems = read_passes(PASSES, names)
    if not labels_in(RAW):
        refuse(problems)
        return len(passes), False
    refuse(unusable(current_state()))
    refuse(problems)  # of passes that `data.passes` leaves out
    return len(passes), True


def current_labels() -> tuple[pd.Series, list[str]]:
    """Return the label of each example that no pass dropped (indexed by id), and the classes in use."""
    state = current_state()
    rows = np.flatnonzero(state.status == ACTIVE)
    names = np.array([name or "" for name in state.classes], dtype=object)
    ids = state.raw.table["id"].iloc[rows]
    return pd.Series(names[state.codes[rows]], index=pd.Index(ids, name="id"), name="label", dtype="str"), state.known()


def check_edits(edits: pd.DataFrame) -> dict[int, str]:
    """Return what `curate` would find wrong with edits, were they the next pass, by row of the table.

    Args:
        edits: columns as `passes.COLUMNS`, all `str`.
    """
    state, one = current_state(), Pass("this pass", "", edits.reset_index(drop=True))
    return check(state, one, rows_of(state, [one])).wrong


def place_pass(edits: pd.DataFrame, slug: str, advise: bool = True) -> Path:
    """Write edits as the next pass, tell Git of it, and print what to type next.

    Args:
        edits: columns id and action, and any of label, was, reason, by (all `str`).
            `reason` and `by` are escaped for spreadsheets; id, label and was stay exact, since `curate` compares them.
        slug: what the pass is about; characters that a pass's name does not have become hyphens.
        advise: whether to say what comes next.

    Returns:
        The file, such as data/passes/p003-fix-sevens.csv.

    Raises:
        Refusal: where there is no edit, or one that `curate` would refuse.
    """
    if edits.empty:
        raise Refusal("There is nothing to place: no answer changes or confirms a label.")
    last = max((int(name[1 : name.index("-")]) for name in pass_names(PASSES)), default=0)
    name = re.sub(r"[^a-z0-9._-]+", "-", slug.lower())[:60].strip("._-") or "edits"
    path = PASSES / f"p{last + 1:03}-{name}.csv"
    table = edits.astype("str").reindex(columns=COLUMNS, fill_value="").fillna("")
    wrong = check_edits(table)
    refuse([Problem(path.as_posix(), what, id=table["id"].iloc[row] or None) for row, what in sorted(wrong.items())])
    for column in ("reason", "by"):
        table[column] = escape_cells(table[column])
    write_table(table, path)
    counts = ", ".join(f"{count:,} {action}" for action, count in sorted(table["action"].value_counts().items()))
    print(f"{path.as_posix()}: {counts}")
    try:
        # `dvc exp run --temp` and `--queue` ignore untracked files. Not `-N`: Git cannot stash such an entry, which DVC
        # does, and `git checkout .` would empty it.
        git("add", "--", path.as_posix())
    except Refusal as refusal:
        print(f"note: Git does not know the pass yet: {quoted(refusal)[1:-1]}")
    if advise:
        print(f"next: `dvc repro`, or `dvc exp run -n {path.stem}` to compare it first")
    return path
