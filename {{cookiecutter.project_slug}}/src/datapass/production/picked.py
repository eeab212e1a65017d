"""What was picked of a delivery for labelling, `data/picked/<name>.csv`: why, what the model answered, and the labels as they come.

Git holds it. Only what was picked at random says how right the model is on new inputs, or may become test examples; so every
row keeps why it was picked. The rows stand in the order in which they are to be labelled, the random ones first: whoever
stops early has labelled a random sample all the same.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..comparison.revisions import git
from ..data.next_pass import current_state
from ..files.paths import PICKED
from ..files.tables import escape_cells, lines_of, read_table, unescape_cells, write_table
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse

RANDOM, UNCERTAIN, UNLIKE = ORIGINS = ("random", "uncertain", "unlike")
COLUMNS = ["id", "picked_as", "delivered", "group", "model", "predicted", "label", "by"]
ORIGIN, DELIVERY = "picked_as", "incoming"  # of rows that were brought back, metadata of their examples


def in_order(names: Iterable[str]) -> list[str]:
    """Return names of deliveries in order, numbers in them by their size."""
    return sorted(names, key=lambda name: [int(p) if p.isdecimal() else p for p in re.split(r"(\d+)", name)])


def picked_names() -> list[str]:
    """Return the deliveries of which inputs were picked, in order."""
    return in_order(path.stem for path in PICKED.glob("*.csv"))


def read_picked(name: str) -> pd.DataFrame:
    """Return what was picked of a delivery, columns as `COLUMNS`, all str.

    `label` and `by` are empty for rows that nobody has labelled; `by` alone stands at those that somebody found not usable.

    Raises:
        Refusal: where nothing was picked of it, or for everything that is wrong in the file.
    """
    path = PICKED / f"{name}.csv"
    if not path.is_file():
        known = picked_names()
        hint = near_miss(name, known) or "; `datapass pick` picks."
        raise Refusal(f"Nothing is picked of {quoted(name)}: {path.as_posix()} is missing{hint}")
    table = read_table(path)
    missing = [column for column in COLUMNS if column not in table]
    refuse([Problem(path.as_posix(), f"has no column `{column}`{near_miss(column, table)}", 1) for column in missing])
    table = table[COLUMNS].copy()
    table["by"] = unescape_cells(table["by"])
    wrong: dict[int, str] = {}
    for where, what in (
        (table["id"].duplicated(), "this id stands above already"),
        (~table["id"].str.startswith(f"{name}/"), f"is no input of {name}"),
        (~table["picked_as"].isin(ORIGINS), f"`picked_as` is none of {', '.join(ORIGINS)}"),
        (~table["delivered"].str.fullmatch("[1-9][0-9]*"), "`delivered` is the number of inputs in the delivery"),
        ((table["label"] != "") & (table["by"] == ""), "has a label and nobody in `by` who gave it"),
    ):
        for row in np.flatnonzero(where).tolist():
            wrong.setdefault(row, what)
    rows = sorted(wrong)
    lines = lines_of(path.read_bytes(), rows) if rows else []
    refuse(
        [
            Problem(path.as_posix(), wrong[row], line, table["id"].iloc[row])
            for row, line in zip(rows, lines, strict=True)
        ]
    )
    return table


def open_rows(table: pd.DataFrame) -> pd.Series:
    """Return which rows nobody has looked at (n, bool)."""
    return table["by"] == ""


def write_picked(name: str, table: pd.DataFrame) -> None:
    """Write data/picked/<name>.csv and tell Git of it."""
    path = PICKED / f"{name}.csv"
    write_table(table.assign(by=escape_cells(table["by"]))[COLUMNS], path)
    git("add", "--", path.as_posix())


def place_labels(name: str, answers: pd.DataFrame) -> None:
    """Write people's answers into data/picked/<name>.csv, and print what came and what to type next.

    Args:
        answers: id, label (empty: not usable) and by, all str.

    Raises:
        Refusal: naming each answer that is to no picked input, names no class, or differs from what stands there already.
    """
    table = read_picked(name).set_index("id")
    known = current_state().known()
    path = f"{PICKED.as_posix()}/{name}.csv"
    problems = []
    for row in answers.itertuples():
        there = table.loc[row.id] if row.id in table.index else None
        if there is None:
            problems.append(Problem(path, "was not picked", id=row.id))
        elif row.label and row.label not in known:
            problems.append(
                Problem(path, f"the class {quoted(row.label)} is not known{near_miss(row.label, known)}", id=row.id)
            )
        elif there["by"] and there["label"] != row.label:
            stands = quoted(there["label"]) if there["label"] else "not usable"
            new = quoted(row.label) if row.label else "not usable"
            what = f"{quoted(there['by'])} says {stands} and {quoted(row.by)} says {new}; settle it, and write it into the file"
            problems.append(Problem(path, what, id=row.id))
    refuse(problems)
    fresh = answers[answers["id"].map(table["by"]).eq("").to_numpy()].set_index("id")
    if fresh.empty:
        raise Refusal(f"{path}: holds these answers already; there is nothing to place.")
    table.loc[fresh.index, ["label", "by"]] = fresh[["label", "by"]]
    write_picked(name, table.reset_index())
    left = int((table["by"] == "").sum())
    unusable = int((fresh["label"] == "").sum())
    print(
        f"{path}: {len(fresh) - unusable:,} labelled"
        + f", {unusable:,} not usable" * (unusable > 0)
        + (f"; {left:,} are still to be labelled" if left else "; all that was picked is labelled")
    )
    print(
        f"next: `datapass watch {name}` says how right the model is on it; `datapass bring-back {name}` brings it back"
    )
