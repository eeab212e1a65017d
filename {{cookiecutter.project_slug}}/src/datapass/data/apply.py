"""The examples while passes are applied: first everything wrong with a pass is found, then what is right of it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..files import parquet
from ..files.paths import EXAMPLES, SPLITS
from ..messages.problems import Problem, near_miss, quoted
from . import to_test
from .passes import ADDS, CLASS_ACTIONS, EXAMPLE_ACTIONS, Pass
from .state import ACTIVE, DROPPED, WAITING, State

HINTED, SEARCHED = 10, 20_000  # most unknown ids for which the nearest is looked for, and among how many


@dataclass(frozen=True)
class Plan:
    """What a pass does to a state.

    Attributes:
        wrong: what is wrong at rows of the pass.
        classes: names of the class codes afterwards.
        remap: new code of each code that was there; others than its own for merged classes.
        places: row in `raw` of each edit of an example that is right (k).
        actions: their actions (k).
        codes: their new class codes, -1 where the label stays (k).
    """

    wrong: dict[int, str]
    classes: list[str | None]
    remap: np.ndarray
    places: np.ndarray
    actions: np.ndarray
    codes: np.ndarray


def apply(state: State, passes: Sequence[Pass]) -> list[Problem]:
    """Apply passes in order; return every problem found. After a problem the state is not to be used."""
    row_of = rows_of(state, passes)
    problems: list[Problem] = []
    for one in passes:
        plan = check(state, one, row_of)
        problems += one.problems(plan.wrong)
        _do(state, one, plan)
    return problems


def unusable(state: State) -> list[Problem]:
    """Return what is wrong with the data as a whole after all passes, where each of them could be applied."""
    problems = state.raw.problems(to_test.biased(state))
    for number, split in ((0, "train"), (2, "test")):
        if not (state.weight & (state.sets == number)).any():
            hint = f"name it in the column `split` of {state.raw.files[0]}, or set data.split in conf/data"
            problems.append(Problem(EXAMPLES.as_posix(), f"no example counts in the {split} set; {hint}"))
    return problems


def rows_of(state: State, passes: Sequence[Pass]) -> pd.Series:
    """Return the row in `raw` of each example that passes name, by id."""
    wanted = pa.array(pd.unique(pd.concat([p.edits["id"] for p in passes])) if passes else [], pa.string())
    found = [np.empty((2, 0), dtype=np.int64)]
    for start, piece in state.raw.pieces(["id"], max(parquet.PIECE, len(wanted))) if len(wanted) else ():
        place = pc.index_in(piece["id"], value_set=wanted).combine_chunks()
        rows = np.flatnonzero(place.is_valid())
        found.append(np.stack([start + rows, place.take(pa.array(rows)).to_numpy()]))
    rows, places = np.concatenate(found, axis=1)
    return pd.Series(rows, index=wanted.take(pa.array(places)).to_pylist())


def check(state: State, one: Pass, row_of: pd.Series) -> Plan:
    """Find everything wrong with a pass, and what the rest of it does; changes nothing.

    Args:
        state: before the pass.
        row_of: see `rows_of`.
    """
    action = one.edits["action"]
    wrong: dict[int, str] = {}
    for word in sorted(set(action) - {*EXAMPLE_ACTIONS, *CLASS_ACTIONS}):
        what = f"the action {quoted(word)} is none of {', '.join(EXAMPLE_ACTIONS + CLASS_ACTIONS)}"
        wrong |= dict.fromkeys(np.flatnonzero(action == word).tolist(), what + near_miss(word, EXAMPLE_ACTIONS))
    classes, remap = list(state.classes), np.arange(len(state.classes))
    ending: dict[int, int] = {}  # code of each class that ends with this pass, and the row that says so
    for row in np.flatnonzero(action.isin(CLASS_ACTIONS)).tolist():
        said = _check_class(one.edits.iloc[row], row, classes, remap, ending)
        if said:
            wrong[row] = said
    rows = np.flatnonzero(action.isin(EXAMPLE_ACTIONS))
    found, places, codes = _check_examples(state, one.edits.iloc[rows], classes, remap, row_of)
    actions = action.to_numpy()[rows]
    right = ~np.isin(np.arange(len(rows)), list(found))
    if (actions[right] == "add-test").any():
        found |= to_test.refused(state, places, actions, right)
        right = ~np.isin(np.arange(len(rows)), list(found))
    wrong |= {int(rows[number]): said for number, said in found.items()}
    plan = Plan(wrong, classes, remap, places[right], actions[right], codes[right])
    for code, row in ending.items():
        left = _left(state, plan, code)
        if left and row not in wrong:
            name = quoted(classes[code])
            wrong[row] = f"{left:,} examples still have the class {name}; relabel or drop each in this pass"
        classes[code] = None
    return plan


def _left(state: State, plan: Plan, code: int) -> int:
    """Return how many examples that count have a class once a plan is carried out."""
    left = int(((plan.remap[state.codes] == code) & (state.status == ACTIVE)).sum())
    edited = (state.status[plan.places] == ACTIVE) & (plan.remap[state.codes[plan.places]] == code)
    gone = edited & ((plan.actions == "drop") | ((plan.codes >= 0) & (plan.codes != code)))
    return left - int(gone.sum()) + int(((plan.codes == code) & ~edited).sum())


def _do(state: State, one: Pass, plan: Plan) -> None:
    """Carry out a plan."""
    state.classes = plan.classes
    if (plan.remap != np.arange(len(plan.remap))).any():
        state.codes = plan.remap[state.codes].astype(state.codes.dtype)
    change = plan.codes >= 0
    state.codes[plan.places[change]] = plan.codes[change]
    tests = plan.places[plan.actions == "add-test"]
    if len(tests):
        state.sets[to_test.moved(state, tests)] = SPLITS.index("test")
    state.status[plan.places[np.isin(plan.actions, ADDS)]] = ACTIVE
    state.status[plan.places[plan.actions == "drop"]] = DROPPED
    for place in plan.places[plan.actions != "keep"].tolist():  # what was kept is as it was, and trains nothing anew
        state.touched.setdefault(place, []).append(one.name)
    state.setter |= dict.fromkeys(plan.places[change].tolist(), one.name)
    counts = one.edits["action"].value_counts().to_dict()
    state.history[one.name] = {a: int(counts[a]) for a in EXAMPLE_ACTIONS + CLASS_ACTIONS if a in counts}


def _check_class(
    edit: pd.Series, row: int, classes: list[str | None], remap: np.ndarray, ending: dict[int, int]
) -> str | None:
    """Return what is wrong with an edit of the class definitions; what it does goes into the last three arguments."""
    action, label, was = edit["action"], edit["label"], edit["was"]
    known = [name for name in classes if name is not None]
    if edit["id"]:
        return f"{action} edits a class, so its id must be empty"
    if action != "new-class" and was not in known:
        return f"`was` names no class: {quoted(was)}{near_miss(was, known)}"
    if action == "retire-class":
        if label:
            return "retire-class has no `label`; to move its examples use merge-class"
        ending.setdefault(classes.index(was), row)
        return None
    if not label or label != label.strip() or not label.isprintable():
        return f"`label` must name a class without blanks around it, not {quoted(label)}"
    if action == "merge-class":
        if label not in known or label == was:
            return f"`label` must name another class to merge into, not {quoted(label)}{near_miss(label, known)}"
        old, new = classes.index(was), classes.index(label)
        remap[remap == old] = new
        classes[old] = None
        return None
    if label in known:
        return f"the class {quoted(label)} is there already; to join it use merge-class"
    if action == "rename-class":
        classes[classes.index(was)] = label
        return None
    if action == "new-class" and was:
        return "new-class has no `was`; to divide a class use split-class"
    if action == "split-class":
        ending.setdefault(classes.index(was), row)
    classes.append(label)
    return None


def _check_examples(
    state: State, edits: pd.DataFrame, classes: list[str | None], remap: np.ndarray, row_of: pd.Series
) -> tuple[dict[int, str], np.ndarray, np.ndarray]:
    """Return what is wrong with edits of examples, by place in `edits`; their rows in `raw`; their new codes or -1."""
    wrong: dict[int, str] = {}

    def mark(where: pd.Series, what: Any) -> None:
        """Note `what` (text, or a function of the row's number) once for each row; the first finding counts."""
        for number in np.flatnonzero(where.to_numpy()).tolist():
            if number not in wrong:
                wrong[number] = what if isinstance(what, str) else what(number)

    ids, action, label, was = edits["id"], edits["action"], edits["label"], edits["was"]
    mark(ids == "", "the id is empty")
    mark(ids.duplicated(), "this id stands above already; a pass edits an example once")
    places = row_of.reindex(ids).to_numpy()
    missing = pd.Series(np.isnan(places.astype(float)), index=edits.index)
    few = 0 < missing.sum() <= HINTED and len(state.raw) <= SEARCHED
    known_ids = state.raw.table["id"] if few else ()
    unknown = "no example of data/raw/ has this id{}; correct the id, or deliver the example first"
    mark(missing, lambda n: unknown.format(near_miss(ids.iloc[n], known_ids) if few else ""))
    places = np.where(missing, 0, places).astype(int)
    status = pd.Series(state.status[places] if len(state.status) else [], index=edits.index)
    codes = remap[state.codes[places]] if len(state.codes) else np.array([], dtype=int)
    names = np.array([name or "" for name in classes] or [""], dtype=object)
    current = pd.Series(names[codes], index=edits.index)
    adds, relabels = action.isin(ADDS), action == "relabel"

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
    known = [name for name in classes if name is not None]
    misses = {word: near_miss(word, known) for word in set(label) - {*known, ""}}
    mark(
        (relabels | adds) & label.isin(list(misses)),
        lambda n: f"the class {quoted(label.iloc[n])} is not known{misses[label.iloc[n]]}",
    )
    mark(relabels & (label == ""), "relabel needs the new `label`")
    mark(adds & (label == "") & (current == ""), "its class as delivered is no more; give it a `label`")
    mark(relabels & (label == was), "relabel does not change the label; for a label that was checked use keep")
    mark((action == "drop") & (label != ""), "drop has no `label`")
    mark((action == "keep") & ~label.isin([""]) & (label != current), "keep leaves the label; to change it use relabel")
    code_of = {name: code for code, name in enumerate(classes) if name is not None}
    changed = (relabels | adds) & (label != "")
    return wrong, places, label.where(changed).map(code_of).fillna(-1).to_numpy(np.int64)
