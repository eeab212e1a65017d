"""Passes: the data iterations, small CSV files of edits in data/passes/, applied in order, each exactly once.

Columns `id,action,label,was,reason,by`. Edits of examples: `relabel` (`was` must be the current label), `drop`, `add` (a
row of a later delivery), `add-test` (the same into the test set, whatever the hash says), `keep` (reviewed and right). Edits of the class definitions, with an empty `id`: `new-class`,
`rename-class`, `merge-class`, `split-class` and `retire-class`, applied before the file's other edits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..files.tables import lines_of, read_table
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from ..settings import Passes

COLUMNS = ["id", "action", "label", "was", "reason", "by"]
ADDS = ("add", "add-test")
EXAMPLE_ACTIONS = ("relabel", "drop", *ADDS, "keep")
CLASS_ACTIONS = ("new-class", "rename-class", "merge-class", "split-class", "retire-class")
NAME = re.compile(r"p(\d{3,6})-[a-z0-9][a-z0-9._-]*")
SHEETS = (".xlsx", ".xls", ".ods", ".numbers", ".tsv")  # files that someone may take for a pass


@dataclass(frozen=True)
class Pass:
    """One pass: its name (`p001-fix-sevens`), file and edits (columns `COLUMNS`, all `str`)."""

    name: str
    file: str
    edits: pd.DataFrame

    def problems(self, wrong: dict[int, str]) -> list[Problem]:
        """Say what is wrong at rows of `edits`, with file, line and id."""
        rows = sorted(wrong)
        if not rows:
            return []
        lines = lines_of(Path(self.file).read_bytes(), rows)
        ids = self.edits["id"].iloc[rows]
        return [
            Problem(self.file, wrong[row], line, id or None) for row, line, id in zip(rows, lines, ids, strict=True)
        ]


def pass_names(folder: Path) -> list[str]:
    """Return the names of the passes in a folder, in the order they apply: by number, then by name.

    Raises:
        Refusal: for CSV files that are not named like a pass.
    """
    paths = (
        sorted(path for path in folder.glob("*") if path.suffix.lower() in (".csv", *SHEETS)) if folder.is_dir() else []
    )
    rule = "is not named like a pass, pNNN-name.csv: three digits or more, then small letters, digits and hyphens; rename it"
    refuse([Problem(path.as_posix(), rule) for path in paths if not NAME.fullmatch(path.stem) or path.suffix != ".csv"])
    names = [path.stem for path in paths]
    return sorted(names, key=lambda name: (int(name[1 : name.index("-")]), name))


def chosen(names: Sequence[str], choice: Passes) -> list[str]:
    """Return the passes that `data.passes` picks: up to `until`, without those in `without`.

    Both are given as a number (`p002`: all passes of that number) or a whole name. `p000` picks none.

    Raises:
        Refusal: for a number or a name that no pass has.
    """

    def find(key: object) -> list[int]:
        text = str(key)
        return [i for i, name in enumerate(names) if text in (name, name.split("-", 1)[0])]

    until, without = choice.until, choice.without
    asked = [("until", until)] * (until not in (None, "p000")) + [("without", name) for name in without]
    refuse(
        [
            Problem(
                "conf/data", f"passes.{key} names {quoted(name)}, but data/passes/ has {', '.join(names) or 'none'}"
            )
            for key, name in asked
            if not find(name)
        ]
    )
    last = len(names) if until is None else -1 if until == "p000" else max(find(until))
    left_out = {i for name in without for i in find(name)}
    return [name for i, name in enumerate(names) if i <= last and i not in left_out]


def read_pass(folder: Path, name: str) -> Pass:
    """Read one pass. Raises Refusal for an unreadable table, missing columns or columns that a pass does not have."""
    path = folder / f"{name}.csv"
    edits = read_table(path)
    columns = list(edits.columns)
    problems = [Problem(path.as_posix(), f"has no column `{c}`", 1) for c in COLUMNS if c not in columns]
    problems += [
        Problem(path.as_posix(), f"has a column {quoted(c)} that a pass does not know{near_miss(c, COLUMNS)}", 1)
        for c in columns
        if c not in COLUMNS
    ]
    refuse(problems)
    return Pass(name, path.as_posix(), edits[COLUMNS])


def read_passes(folder: Path, names: Sequence[str]) -> tuple[list[Pass], list[Problem]]:
    """Return those of some passes that can be read, and what is wrong with the others."""
    found, problems = [], list[Problem]()
    for name in names:
        try:
            found.append(read_pass(folder, name))
        except Refusal as refusal:
            problems += refusal.problems
    return found, problems
