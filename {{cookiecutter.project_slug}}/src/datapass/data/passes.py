"""Passes: the data iterations, small CSV files of edits in data/passes/, applied in order, each exactly once.

Columns `id,action,label,was,reason,by`. Edits of examples: `relabel` (`was` must be the current label), `drop`, `add` (a
row of a later delivery), `keep` (reviewed and right). Edits of the class definitions, with an empty `id`: `new-class`,
`rename-class`, `merge-class`, `split-class` and `retire-class`, applied before the file's other edits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..files.tables import lines_of, read_table, strings
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from .raw import Raw

COLUMNS = ["id", "action", "label", "was", "reason", "by"]
EXAMPLE_ACTIONS = ("relabel", "drop", "add", "keep")
CLASS_ACTIONS = ("new-class", "rename-class", "merge-class", "split-class", "retire-class")
NAME = re.compile(r"p(\d{3,6})-[a-z0-9][a-z0-9._-]*")
WAITING, ACTIVE, DROPPED = 0, 1, 2
SHEETS = (".xlsx", ".xls", ".ods", ".numbers", ".tsv")  # files that someone may take for a pass
HINTED, SEARCHED = 10, 20_000  # most unknown ids for which the nearest is looked for, and among how many


@dataclass(frozen=True)
class Pass:
    """One pass: its name (`p001-fix-sevens`), file and edits (columns `COLUMNS`, all `str`)."""

    name: str
    file: str
    edits: pd.DataFrame

    def problems(self, wrong: dict[int, str]) -> list[Problem]:
        """Say what is wrong at rows of `edits`, with file, line and id."""
        rows = sorted(wrong)
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


def chosen(names: Sequence[str], choice: dict[str, Any]) -> list[str]:
    """Return the passes that `data.passes` picks: up to `until`, without those in `without`.

    Both are given as a number (`p002`: all passes of that number) or a whole name. `p000` picks none.

    Raises:
        Refusal: for a number or a name that no pass has.
    """

    def find(key: object) -> list[int]:
        text = str(key)
        return [i for i, name in enumerate(names) if text in (name, name.split("-", 1)[0])]

    until, without = choice.get("until"), list(choice.get("without") or [])
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


@dataclass
class State:
    """The examples while passes are applied; a row for each of `raw.table`.

    Attributes:
        classes: name of each class code; None once it is merged, split or retired.
        codes: current label of each row (n, int32).
        status: WAITING (delivered, not added), ACTIVE or DROPPED (n, int8).
        given: code of each row's given label, -1 for rows of later deliveries (n, int32).
        touched: rows that passes changed, with the passes' names.
        setter: rows whose label a pass set, with its name.
        history: each pass's number of edits by action.
    """

    raw: Raw
    classes: list[str | None]
    codes: np.ndarray
    status: np.ndarray
    given: np.ndarray
    touched: dict[int, list[str]] = field(default_factory=dict)
    setter: dict[int, str] = field(default_factory=dict)
    history: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def edited(self) -> dict[str, int]:
        """Number of examples that each pass edited."""
        return {name: sum(counts.get(a, 0) for a in EXAMPLE_ACTIONS) for name, counts in self.history.items()}

    def known(self) -> list[str]:
        """Return the names of the classes that are in use, in order."""
        return [name for name in self.classes if name is not None]


def start(raw: Raw, classes: Sequence[str] | None) -> State:
    """Return the state before any pass: the first delivery with its given labels.

    Args:
        raw: all deliveries.
        classes: the classes; None for those of the first delivery, sorted.

    Raises:
        Refusal: for each label that is not among the classes, with the near miss named.
    """
    first = len(raw.table) if len(raw.starts) == 1 else raw.starts[1]
    encoded = strings(raw.table["label"]).dictionary_encode().combine_chunks()
    words, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    if classes is None:
        present = np.bincount(codes[:first], minlength=len(words)) > 0
        classes = sorted(word for word, here in zip(words, present, strict=True) if here)
    names = [str(name) for name in classes]
    place = {name: number for number, name in enumerate(names)}
    unknown = {word: near_miss(word, names) for word in words if word not in place}
    if unknown:
        wrong = {}
        for number, word in enumerate(words):
            if word in unknown:  # one cause, so one message, at the first of its rows
                rows = np.flatnonzero(codes == number)
                of = f" ({len(rows):,} rows)" if len(rows) > 1 else ""
                wrong[int(rows[0])] = f"the class {quoted(word)} is not known{of}{unknown[word]}"
        raise Refusal(raw.problems(wrong))
    translate = np.array([place[word] for word in words], dtype=np.int32)
    status = np.where(np.arange(len(codes)) < first, ACTIVE, WAITING).astype(np.int8)
    current = translate[codes]
    return State(raw, list(names), current, status, np.where(status == ACTIVE, current, -1))


def apply(state: State, passes: Sequence[Pass]) -> list[Problem]:
    """Apply passes in order; return every problem found. After a problem the state is not to be used."""
    wanted = pa.array(pd.unique(pd.concat([p.edits["id"] for p in passes])) if passes else [], pa.string())
    found = pc.index_in(strings(state.raw.table["id"]), value_set=wanted).combine_chunks()
    rows = np.flatnonzero(found.is_valid())
    row_of = pd.Series(rows, index=wanted.take(found.take(pa.array(rows))).to_pylist())
    problems: list[Problem] = []
    for one in passes:
        wrong = _apply_one(state, one, row_of)
        problems += one.problems(wrong)
    return problems


def _apply_one(state: State, one: Pass, row_of: pd.Series) -> dict[int, str]:
    edits = one.edits
    wrong: dict[int, str] = {}
    action = edits["action"]
    for word in sorted(set(action) - {*EXAMPLE_ACTIONS, *CLASS_ACTIONS}):
        what = f"the action {quoted(word)} is none of {', '.join(EXAMPLE_ACTIONS + CLASS_ACTIONS)}"
        wrong |= dict.fromkeys(np.flatnonzero(action == word).tolist(), what + near_miss(word, EXAMPLE_ACTIONS))
    on_classes = action.isin(CLASS_ACTIONS)
    ending: set[int] = set()
    for row in np.flatnonzero(on_classes).tolist():
        said = _edit_class(state, edits.iloc[row], ending)
        if said:
            wrong[row] = said
    rows = np.flatnonzero(action.isin(EXAMPLE_ACTIONS))
    wrong |= _edit_examples(state, one, rows, row_of)
    for row in np.flatnonzero(action.isin(("split-class", "retire-class"))).tolist():
        was = edits["was"].iloc[row]
        for code in ending:
            left = int(((state.codes == code) & (state.status == ACTIVE)).sum())
            if left and state.classes[code] == was and row not in wrong:
                wrong[row] = f"{left:,} examples still have the class {quoted(was)}; relabel or drop each in this pass"
    for code in ending:
        state.classes[code] = None
    counts = action.value_counts().to_dict()
    state.history[one.name] = {a: int(counts[a]) for a in EXAMPLE_ACTIONS + CLASS_ACTIONS if a in counts}
    return wrong


def _edit_class(state: State, edit: pd.Series, ending: set[int]) -> str | None:
    """Apply one edit of the class definitions; return what is wrong with it. `ending` collects classes to end."""
    action, label, was = edit["action"], edit["label"], edit["was"]
    known = state.known()
    if edit["id"]:
        return f"{action} edits a class, so its id must be empty"
    if action != "new-class" and was not in known:
        return f"`was` names no class: {quoted(was)}{near_miss(was, known)}"
    if action == "retire-class":
        if label:
            return "retire-class has no `label`; to move its examples use merge-class"
        ending.add(state.classes.index(was))
        return None
    if not label or label != label.strip() or not label.isprintable():
        return f"`label` must name a class without blanks around it, not {quoted(label)}"
    if action == "merge-class":
        if label not in known or label == was:
            return f"`label` must name another class to merge into, not {quoted(label)}{near_miss(label, known)}"
        old, new = state.classes.index(was), state.classes.index(label)
        state.codes[state.codes == old] = new
        state.classes[old] = None
        return None
    if label in known:
        return f"the class {quoted(label)} is there already; to join it use merge-class"
    if action == "rename-class":
        state.classes[state.classes.index(was)] = label
        return None
    if action == "new-class" and was:
        return "new-class has no `was`; to divide a class use split-class"
    if action == "split-class":
        ending.add(state.classes.index(was))
    state.classes.append(label)
    return None


def _edit_examples(state: State, one: Pass, rows: np.ndarray, row_of: pd.Series) -> dict[int, str]:
    """Apply a pass's edits of examples at `rows` of its table; return what is wrong, by row of the table."""
    edits = one.edits.iloc[rows]
    wrong: dict[int, str] = {}

    def mark(where: pd.Series, what: Any) -> None:
        """Note `what` (text, or a function of the row's number) once for each row; the first finding counts."""
        for number in np.flatnonzero(where.to_numpy()).tolist():
            row = int(rows[number])
            if row not in wrong:
                wrong[row] = what if isinstance(what, str) else what(number)

    ids, action, label, was = edits["id"], edits["action"], edits["label"], edits["was"]
    mark(ids == "", "the id is empty")
    mark(ids.duplicated(), "this id stands above already; a pass edits an example once")
    places = row_of.reindex(ids).to_numpy()
    missing = pd.Series(np.isnan(places.astype(float)), index=edits.index)
    known_ids = state.raw.table["id"]
    few = missing.sum() <= HINTED and len(known_ids) <= SEARCHED
    unknown = "no example of data/raw/ has this id{}; correct the id, or deliver the example first"
    mark(missing, lambda n: unknown.format(near_miss(ids.iloc[n], known_ids) if few else ""))
    places = np.where(missing, 0, places).astype(int)
    status = pd.Series(state.status[places] if len(state.status) else [], index=edits.index)
    codes = state.codes[places] if len(state.codes) else np.array([], dtype=int)
    names = np.array([name or "" for name in state.classes] or [""], dtype=object)
    current = pd.Series(names[codes], index=edits.index)
    adds, relabels = action == "add", action == "relabel"

    def before(number: int) -> str:
        """Say which pass set an example's current state."""
        passes = state.touched.get(int(places[number]))
        return f"by {passes[-1]}" if passes else "in data/raw/"

    def conflict(number: int) -> str:
        row = edits.iloc[number]
        setter = state.setter.get(int(places[number]))
        says = f"{setter} made it" if setter else "data/raw/ gives"
        change = f" to {quoted(row['label'])}" if row["action"] == "relabel" else ""
        now = quoted(current.iloc[number])
        return (
            f"conflict: this pass wants to {row['action']} {quoted(row['was'])}{change}, but {says} {now}. If this pass is "
            f"right, set `was` to {now}; if the other is, delete this line; or leave one of the passes out with "
            "data.passes.without"
        )

    mark(
        (status == DROPPED),
        lambda n: f"was dropped {before(n)}; delete this line, or the line that dropped it",
    )
    mark(
        adds & (status == ACTIVE),
        lambda n: f"is in the data already ({before(n)}); only a later delivery's rows are added",
    )
    mark(~adds & (status == WAITING), "is delivered but not in the data; add it first, in this or an earlier pass")
    mark(
        relabels & (was == ""),
        lambda n: f"`was` is empty; it must be the current label, which is {quoted(current.iloc[n])}",
    )
    mark((was != "") & (was != current), conflict)
    known = state.known()
    misses = {word: near_miss(word, known) for word in set(label) - {*known, ""}}
    mark(
        (relabels | adds) & label.isin(list(misses)),
        lambda n: f"the class {quoted(label.iloc[n])} is not known{misses[label.iloc[n]]}",
    )
    mark(relabels & (label == ""), "relabel needs the new `label`")
    mark(relabels & (label == was), "relabel does not change the label; for a label that was checked use keep")
    mark((action == "drop") & (label != ""), "drop has no `label`")
    mark((action == "keep") & ~label.isin([""]) & (label != current), "keep leaves the label; to change it use relabel")
    good = ~pd.Series(rows, index=edits.index).isin(list(wrong))
    code_of = {name: code for code, name in enumerate(state.classes) if name is not None}
    change = good & (relabels | adds) & (label != "")
    state.codes[places[change]] = label[change].map(code_of).to_numpy(np.int32)
    state.status[places[good & adds]] = ACTIVE
    state.status[places[good & (action == "drop")]] = DROPPED
    for place in places[good & (action != "keep")].tolist():  # what was kept is as it was, and trains nothing anew
        state.touched.setdefault(place, []).append(one.name)
    state.setter |= dict.fromkeys(places[change].tolist(), one.name)
    return wrong
