"""What changed in the data, by row, between two data revisions."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ..data.examples import OWN, counts
from ..data.passes import CLASS_ACTIONS
from ..files.paths import DATA, SPLITS, TABLES
from ..files.tables import strings
from ..messages.problems import Refusal
from .augmentation import changed as augmentation
from .augmentation import sizes
from .revisions import Revision
from .side_by_side import changed_rows

COLUMNS = ["id", "kind", "split", "column", "old", "new", "passes"]
KINDS = ("added", "removed", "dropped", "restored", "relabelled", "input changed", "moved", "metadata changed")


@dataclass(frozen=True)
class DataDiff:
    """Changed examples of two data revisions.

    Attributes:
        rows: a row for each change: id, kind (of KINDS), split, column, old, new, passes; sorted by id.
        counts: {split: {class: (baseline, candidate)}} of the examples that count.
        passes: passes that only the candidate has, and only the baseline has.
        notes: what cannot be told, and why.
        renamed: {class of the baseline: its name in the candidate}; such a class's examples are not relabelled.
        augmentation: of both in words, where they trained with different ones.
        size: on how many of their training examples both trained, in words, where not on all or on as many.
    """

    rows: pd.DataFrame
    counts: dict[str, dict[str, tuple[int, int]]]
    passes: tuple[list[str], list[str]]
    notes: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    augmentation: tuple[str, str] | None = None
    size: str | None = None

    def number(self, kind: str, split: str | None = None) -> int:
        """Return how many examples changed in this way, in one set or in all."""
        return self._numbers.get(kind if split is None else (kind, split), 0)

    @cached_property
    def _numbers(self) -> dict[Any, int]:
        counted = (self.rows.groupby(by, observed=True)["id"].nunique() for by in ("kind", ["kind", "split"]))
        return {key: int(number) for numbers in counted for key, number in numbers.items()}

    @property
    def untouched(self) -> set[str]:
        """The sets of which no row differs; none where the rows cannot be told."""
        touched = {*self.rows["split"], *self.rows.loc[self.rows["kind"] == "moved", "old"]}
        return set() if self.notes else {*SPLITS} - touched

    @property
    def transitions(self) -> pd.DataFrame:
        """The label transitions (old, new, count), most frequent first."""
        rows = self.rows[self.rows["kind"] == "relabelled"]
        table = rows.groupby(["old", "new"], observed=True).size().reset_index(name="count")
        return table.sort_values(["count", "old", "new"], ascending=[False, True, True], ignore_index=True)


def renamed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """Return the classes that have another name in the candidate and are otherwise the same: {old: new}.

    A rename keeps a class's place in the order of the classes. So where passes that one side has alone edit the classes by
    renames only, as many as there are places with another name, those places tell which name became which.

    Args:
        old, new: reports/data.json of both sides.
    """
    names = [{one["name"] for one in report["passes"]} for report in (old, new)]
    alone = [one for one in (*old["passes"], *new["passes"]) if one["name"] in names[0] ^ names[1]]
    edits = {action: sum(one.get(action, 0) for one in alone) for action in CLASS_ACTIONS}
    found = {a: b for a, b in zip(old["classes"], new["classes"], strict=False) if a != b}
    same = len(old["classes"]) == len(new["classes"]) and sum(edits.values()) == edits["rename-class"] == len(found)
    return found if same else {}


def diff(baseline: Revision, candidate: Revision) -> DataDiff:
    """Compare the example tables of two revisions, without a checkout of either.

    Where DVC holds the tables of one and they are neither in its cache nor on a remote, the rows cannot be told: then
    the counts come from reports/data.json, and `notes` says what is missing and which tables are known to be equal.
    """
    reports = [revision.json(DATA) for revision in (baseline, candidate)]
    lists = [[entry["name"] for entry in report["passes"]] for report in reports]
    only = ([n for n in lists[1] if n not in lists[0]], [n for n in lists[0] if n not in lists[1]])
    names = renamed(*reports)
    counts = {}
    for split in SPLITS:
        old, new = (report["sets"][split]["classes"] for report in reports)
        old = {names.get(name, name): count for name, count in old.items()}
        counts[split] = {name: (old.get(name, 0), new.get(name, 0)) for name in dict.fromkeys([*old, *new])}
    equal = {path.stem: _same(baseline, candidate, path.as_posix()) for path in TABLES}
    changed = [split for split in SPLITS if not equal[split]]
    rows, notes = pd.DataFrame(columns=COLUMNS, dtype="str"), []
    if changed:
        try:
            parts = [_rows(*pair) for pair in changed_rows(baseline, candidate, changed, names)]
            rows = pd.concat([rows, *parts], ignore_index=True)
        except Refusal as refusal:
            same = ", ".join(split for split in SPLITS if equal[split]) or "none"
            notes = [
                f"{refusal} So the changed rows cannot be told, only the counts; sets whose tables are equal: {same}. "
                "`dvc fetch --all-commits` with the right remote brings the tables."
            ]
    return DataDiff(rows, counts, only, notes, names, augmentation(baseline, candidate), sizes(baseline, candidate))


def _same(baseline: Revision, candidate: Revision, path: str) -> bool:
    """Return whether two revisions hold the same table, by hash where that is known."""
    old, new = baseline.stored(path), candidate.stored(path)
    if old in baseline.files and new in candidate.files and baseline.commit and candidate.commit:
        return baseline.files[old] == candidate.files[new]
    digests = baseline.digest(path), candidate.digest(path)
    return digests[0] is not None and digests[0] == digests[1] and None not in (baseline.commit, candidate.commit)


def _rows(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the changes between two tables of examples, sorted by id."""
    ids = strings(old["id"]), strings(new["id"])
    if ids[0].equals(ids[1]):
        place = np.arange(len(old))
    else:
        place = pc.fill_null(pc.index_in(ids[0], value_set=ids[1].combine_chunks()), -1).to_numpy()
    found = np.flatnonzero(place >= 0)
    came = np.ones(len(new), dtype=bool)
    came[place[found]] = False
    a, b = old.iloc[found].reset_index(drop=True), new.iloc[place[found]].reset_index(drop=True)
    parts = [
        _part("added", new[came], new[came], "label", old_known=False),
        _part("removed", old[place < 0], old[place < 0], "label", new_known=False),
    ]

    def note(kind: str, where: pd.Series, column: str) -> None:
        if where.any():
            parts.append(_part(kind, a[where], b[where], column))

    note("dropped", counts(a) & ~counts(b), "label")
    note("restored", counts(b) & ~counts(a), "label")
    note("relabelled", a["label"] != b["label"], "label")
    note("input changed", a["input"] != b["input"], "input")
    note("moved", a["split"] != b["split"], "split")
    for column in dict.fromkeys([*old.columns, *new.columns]):
        if column not in (*OWN, "split"):
            for side in (a, b):
                if column not in side:
                    side[column] = ""
            note("metadata changed", a[column] != b[column], column)
    table = pd.concat(parts, ignore_index=True)
    order = pd.Categorical(table["kind"], KINDS).codes
    return table.iloc[np.lexsort([order, table["id"].to_numpy(dtype=object)])].reset_index(drop=True)


def _part(
    kind: str, a: pd.DataFrame, b: pd.DataFrame, column: str, old_known: bool = True, new_known: bool = True
) -> pd.DataFrame:
    """Return changes of one kind: `a` and `b` are the old and the new rows of the same examples."""
    return pd.DataFrame(
        {
            "id": b["id"].to_numpy(),
            "kind": kind,
            "split": np.array(SPLITS)[b["split"].to_numpy()],
            "column": column,
            "old": _text(a[column]) if old_known else "",
            "new": _text(b[column]) if new_known else "",
            "passes": b["passes"].where(b["passes"].to_numpy() != "", a["passes"].to_numpy()).to_numpy(),
        },
        columns=COLUMNS,
        dtype="str",
    )


def _text(column: pd.Series) -> np.ndarray:
    return np.array(SPLITS)[column.to_numpy()] if column.name == "split" else column.to_numpy()
