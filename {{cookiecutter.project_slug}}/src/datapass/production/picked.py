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
from ..data.examples import ORIGINS
from ..data.next_pass import current_state
from ..files.paths import PICKED
from ..files.tables import escape_cells, lines_of, read_table, unescape_cells, write_table
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse

COLUMNS = ["id", "picked_as", "delivered", "group", "model", "predicted", "label", "by"]


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
    table, answers = read_picked(name), answers.reset_index(drop=True)
    known = current_state().known()
    path = f"{PICKED.as_posix()}/{name}.csv"
    said = differing(table, answers, "{} says {} and {} says {}; settle it, and write it into the file")
    strange = (answers["label"] != "") & ~answers["label"].isin(known)
    said[strange] = [
        f"the class {quoted(label)} is not known{near_miss(label, known)}" for label in answers["label"][strange]
    ]
    said[~answers["id"].isin(table["id"])] = "was not picked"
    refuse([Problem(path, what, id=id) for id, what in zip(answers["id"], said, strict=True) if what])
    table = table.set_index("id")
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


def differing(picked: pd.DataFrame, answers: pd.DataFrame, sentence: str) -> pd.Series:
    """Return for each answer that is another one than was given before what both say; else nothing (n, str).

    Args:
        picked: see `read_picked`.
        answers: id, label (empty: not usable) and by, indexed from 0 (n).
        sentence: with places for who answered first, what, who answers now, and what.
    """
    before = picked.set_index("id")[["label", "by"]].reindex(answers["id"]).fillna("").reset_index(drop=True)
    other = (before["by"] != "") & (before["label"] != answers["label"])
    said = pd.Series("", index=answers.index, dtype="str")
    for row in np.flatnonzero(other).tolist():
        first, second = before.iloc[row], answers.iloc[row]
        words = (quoted(first["by"]), _answer(first["label"]), quoted(second["by"]), _answer(second["label"]))
        said[row] = sentence.format(*words)
    return said


def _answer(label: str) -> str:
    return quoted(label) if label else "not usable"
