"""`datapass renew-test`: a new test set of rows that no model was ever trained on, as a pass of its own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..comparison.crossed import units_of
from ..comparison.lineup import MIN_SLICE, MIN_UNITS
from ..comparison.lock import NOTHING
from ..comparison.revisions import WORKSPACE, Revision
from ..data.next_pass import current_state, place_pass
from ..data.split import input_hashes
from ..data.state import ACTIVE, State
from ..files.paths import INPUTS, SPLITS
from ..messages.problems import Refusal, quoted
from .adopt import Adoption, adopt
from .alone import refuse_mixed, refuse_moved
from .columns import Ask
from .draw import candidates, draw_unlike
from .names import many


@dataclass(frozen=True)
class Renewal:
    """What was done.

    Attributes:
        file: the pass.
        classes: a row for each class: class, and the test examples that count, `before` and `after`.
        new, dropped, stay: number of test examples that came, went, and stay.
        alike: how many of the new have the same cells as an example that was trained on, under another id.
        left_out: {why: number of rows}, of those that waited.
        waiting: rows that were not drawn, and still wait.
        delivered: what was found in the data that was delivered first, and written of it.
        notes: what else a reader should know.
        trains: whether the next `dvc repro` trains.
        earlier: the last pass before this one that only relabels and drops, so that it can be left out.
    """

    file: Path
    classes: pd.DataFrame
    new: int
    dropped: int
    stay: int
    alike: int
    left_out: dict[str, int]
    waiting: int
    delivered: list[str]
    notes: list[str]
    trains: bool
    earlier: str | None


def renew(
    path: Path | None,
    number: int | None = None,
    keep: bool = False,
    label: str | None = None,
    group: str | None = None,
    ask: Ask | None = None,
) -> Renewal:
    """Write the pass that renews the test set.

    Args:
        path: data to deliver first, from which alone is drawn then; None for all rows that wait in data/raw/.
        number: test examples to draw; as many as there are in the present test set where left out.
        keep: whether the present test examples stay.
        label, group, ask: see `adopt`.

    Raises:
        Refusal: where other changes would mix with it, or too few rows are left.
    """
    if number is not None and number < MIN_SLICE:
        raise Refusal(f"--number {number}: a verdict needs at least {MIN_SLICE} test examples.")
    refuse_mixed()
    adopted = None if path is None else adopt(path, label, group, ask=ask, add=False)
    try:
        _pack()
        return _renew(number, keep, adopted)
    except Refusal as refusal:
        if adopted is None or not adopted.done:
            raise
        raise Refusal(
            f"{refusal}\n{adopted.name} is delivered to data/raw/ and waits there; no pass was written."
        ) from None


def _renew(number: int | None, keep: bool, adopted: Adoption | None) -> Renewal:
    state = current_state()
    refuse_moved(state)
    table, hashes = state.raw.table, input_hashes(state.raw)
    old = np.flatnonzero((state.status == ACTIVE) & (state.sets == SPLITS.index("test")))
    rows, alike, left_out = candidates(state, hashes, None if adopted is None else adopted.ids)
    labels = pd.Series(np.array(state.classes, dtype=object)[state.codes], index=table.index, dtype="str")
    free = table.iloc[rows].assign(label=labels.iloc[rows], input=hashes.iloc[rows])
    wanted = number or len(old)
    drawn = draw_unlike(free, alike, wanted)
    new, same = rows[drawn], table["id"].iloc[rows[drawn & alike]]
    _refuse_few(free[drawn], left_out, adopted)
    stay = old if keep else old[np.isin(state.inputs[old], state.inputs[_shadowed(state)])]
    gone = np.setdiff1d(old, stay)
    classes = pd.DataFrame({"class": state.known()})
    for name, there in (("before", old), ("after", np.concatenate([stay, new]))):
        classes[name] = classes["class"].map(labels.iloc[there].value_counts()).fillna(0).astype(int)
    ids = [table["id"].iloc[there].sort_values() for there in (new, gone)]
    edits = pd.DataFrame({"id": pd.concat(ids, ignore_index=True)}, dtype="str")
    edits["action"] = np.repeat(["add-test", "drop"], [len(new), len(gone)])
    edits["reason"] = np.repeat(["never trained on", "the test set is renewed"], [len(new), len(gone)])
    edits.loc[edits["id"].isin(same), "reason"] = "same cells as an example that was trained on, another id"
    return Renewal(
        file=place_pass(edits, "renew-test", advise=False),
        classes=classes,
        new=len(new),
        dropped=len(gone),
        stay=len(stay),
        alike=len(same),
        left_out=left_out,
        waiting=len(rows) - len(new),
        delivered=[] if adopted is None else _delivered(adopted),
        notes=[
            *_notes(classes, wanted, len(rows), 0 if keep else len(stay)),
            *_alike(len(same), len(new), int(alike.sum()) - len(same)),
        ],
        trains=_trains(),
        earlier=next(
            (name for name in reversed(state.history) if state.history[name].keys() <= {"relabel", "drop", "keep"}),
            None,
        ),
    )


def _notes(classes: pd.DataFrame, wanted: int, free: int, stay: int) -> list[str]:
    notes = []
    if free < wanted:
        notes.append(f"{wanted:,} were wanted, and {free:,} rows are free: all of them were taken")
    missing = classes.loc[(classes["after"] == 0) & (classes["before"] > 0), "class"]
    if len(missing):
        notes.append(f"no example of {', '.join(map(quoted, missing))} is in the new test set: deliver some")
    if stay:
        notes.append(
            f"{many(stay, 'old test example')} stay: training or validation examples have the same input, which do not "
            "count and would without them; that would change what trains"
        )
    return notes


def _alike(drawn: int, total: int, passed: int) -> list[str]:
    """Return notes on the rows that have the same cells as an example that was trained on: those drawn, and those passed over."""
    what = "the same cells as an example that was trained on"
    notes = []
    if drawn:
        notes.append(
            f"{drawn:,} of the {total:,} new test examples: {what}; where they are the same thing under another id, leave "
            "them out, see `group`"
        )
    if passed:
        notes.append(f"{many(passed, 'row')} with {what} were passed over, as enough others are there")
    return notes


def _trains() -> bool:
    """Return whether the inputs were packed anew since the models were trained, for which DVC runs `train` again."""
    stages = Revision(WORKSPACE, None).lock.stages
    places = stages.get("pack", NOTHING).outs, stages.get("train", NOTHING).deps
    return places[0].get(INPUTS.as_posix()) != places[1].get(INPUTS.as_posix())


def _delivered(adopted: Adoption) -> list[str]:
    unreadable = [f"{quoted(file)} is left out: {why}" for file, why in adopted.unreadable]
    return [*adopted.done, *adopted.notes, *unreadable]


def _shadowed(state: State) -> np.ndarray:
    """Return the training and validation examples that count for nothing while a test example has their input (int)."""
    return np.flatnonzero((state.status == ACTIVE) & (state.sets != SPLITS.index("test")) & (state.inputs >= 0))


def _refuse_few(drawn: pd.DataFrame, left_out: dict[str, int], adopted: Adoption | None) -> None:
    """Raise Refusal where what was drawn is no test set."""
    said = "".join(f"\n- {many(number, 'row')} {reason}" for reason, number in left_out.items())
    hint = f" Left out are:{said}" if said else ""
    if drawn.empty and not said:
        where = (
            "no row waits in data/raw/"
            if adopted is None
            else f"no row of {adopted.name} is new, or waits in data/raw/"
        )
        raise Refusal(
            f"There is nothing to make a new test set of: {where}. Name new data, `datapass renew-test PATH`, or deliver it "
            "to data/raw/<delivery>/labels.csv."
        )
    number, units = len(drawn), len(np.unique(units_of(drawn)))
    if number < MIN_SLICE:
        raise Refusal(
            f"{many(number, 'row')} could be drawn; a verdict needs at least {MIN_SLICE} test examples.{hint}"
        )
    if units < MIN_UNITS:
        of = "groups" if "group" in drawn else "different inputs"
        raise Refusal(f"The {number:,} rows are of {units} {of} only; a verdict needs at least {MIN_UNITS}.{hint}")


def _pack() -> None:
    """Bring data/inputs/ up to date, showing DVC's progress. Raises Refusal where that fails."""
    done = subprocess.run([sys.executable, "-m", "dvc", "repro", "pack"], stdout=sys.stderr, check=False)
    if done.returncode:
        raise Refusal("`dvc repro pack` failed, see above; correct that and run this again.")
