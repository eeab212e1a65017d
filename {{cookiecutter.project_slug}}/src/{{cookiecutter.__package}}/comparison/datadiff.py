"""What changed in the data, by row, between two data revisions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..data.examples import OWN
from ..data.raw import SPLITS
from .revisions import Revision

KINDS = ("added", "removed", "dropped", "restored", "relabelled", "input changed", "moved", "metadata changed")


@dataclass(frozen=True)
class DataDiff:
    """Changed examples of two data revisions.

    Attributes:
        rows: a row for each change: id, kind (of KINDS), split, column, old, new, passes; sorted by id.
        counts: {split: {class: (baseline, candidate)}} of the examples that count.
        passes: passes that only the candidate has, and only the baseline has.
    """

    rows: pd.DataFrame
    counts: dict[str, dict[str, tuple[int, int]]]
    passes: tuple[list[str], list[str]]

    def number(self, kind: str, split: str | None = None) -> int:
        """Return how many examples changed in this way, in one set or in all."""
        rows = self.rows[self.rows["kind"] == kind]
        return int(rows["id"].nunique() if split is None else rows.loc[rows["split"] == split, "id"].nunique())

    @property
    def transitions(self) -> pd.DataFrame:
        """The label transitions (old, new, count), most frequent first."""
        rows = self.rows[self.rows["kind"] == "relabelled"]
        table = rows.groupby(["old", "new"], observed=True).size().reset_index(name="count")
        return table.sort_values(["count", "old", "new"], ascending=[False, True, True], ignore_index=True)


def load_examples(revision: Revision) -> pd.DataFrame:
    """Return the examples of all sets of a revision: the columns of the example tables and `split`, sorted by id."""
    tables = []
    for split in SPLITS:
        table = revision.table(f"data/examples/{split}.csv")
        tables.append(table.assign(split=pd.Categorical([split] * len(table), SPLITS)))
    return pd.concat(tables, ignore_index=True).fillna("")


def diff(baseline: Revision, candidate: Revision) -> DataDiff:
    """Compare the example tables of two revisions. Reads nothing but what Git (or the workspace) holds."""
    old, new = load_examples(baseline), load_examples(candidate)
    both = old.merge(new, on="id", how="outer", suffixes=("_old", "_new"), indicator=True, sort=True)
    rows: list[pd.DataFrame] = []

    def note(kind: str, where: Any, column: str = "", value: str = "") -> None:
        picked = both[where]
        if len(picked):
            split = picked["split_new"].astype("str").where(picked["split_new"].notna(), picked["split_old"].astype("str"))
            value = value or column
            rows.append(
                pd.DataFrame(
                    {
                        "id": picked["id"],
                        "kind": kind,
                        "split": split,
                        "column": column,
                        "old": picked[f"{value}_old"].astype("str").fillna(""),
                        "new": picked[f"{value}_new"].astype("str").fillna(""),
                        "passes": picked["passes_new"].fillna(picked["passes_old"]),
                    }
                )
            )

    shared = both["_merge"] == "both"
    weights = both["weight_old"].astype("str"), both["weight_new"].astype("str")
    note("added", both["_merge"] == "right_only", value="label")
    note("removed", both["_merge"] == "left_only", value="label")
    note("dropped", shared & (weights[0] == "1") & (weights[1] == "0"), value="label")
    note("restored", shared & (weights[0] == "0") & (weights[1] == "1"), value="label")
    note("relabelled", shared & (both["label_old"] != both["label_new"]), "label")
    note("input changed", shared & (both["input_old"] != both["input_new"]), "input")
    note("moved", shared & (both["split_old"].astype("str") != both["split_new"].astype("str")), "split")
    for column in dict.fromkeys([*old.columns, *new.columns]):
        if column in (*OWN, "split"):
            continue
        for side, table in (("old", old), ("new", new)):
            if column not in table:
                both[f"{column}_{side}"] = ""
        if column in both:  # only one revision has it, so merge added no suffix
            both[f"{column}_{'old' if column in old else 'new'}"] = both[column]
        note("metadata changed", shared & (both[f"{column}_old"] != both[f"{column}_new"]), column)
    columns = ["id", "kind", "split", "column", "old", "new", "passes"]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns, dtype="str")
    order = pd.Categorical(table["kind"], KINDS).codes
    table = table.iloc[np.lexsort([order, table["id"].to_numpy(dtype=object)])].reset_index(drop=True)
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for split in SPLITS:
        sides = [t[(t["split"] == split) & (t["weight"] == "1")]["label"].value_counts() for t in (old, new)]
        classes = sorted(set(sides[0].index) | set(sides[1].index))
        counts[split] = {name: (int(sides[0].get(name, 0)), int(sides[1].get(name, 0))) for name in classes}
    lists = [[entry["name"] for entry in revision.json("reports/data.json")["passes"]] for revision in (baseline, candidate)]
    only = tuple([name for name in a if name not in b] for a, b in ((lists[1], lists[0]), (lists[0], lists[1])))
    return DataDiff(table, counts, (only[0], only[1]))
