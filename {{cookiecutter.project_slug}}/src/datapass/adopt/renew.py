"""`datapass renew-test`: a new test set of rows that no model was ever trained on, as a pass of its own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..comparison.crossed import units_of
from ..comparison.lineup import MIN_SLICE, MIN_UNITS
from ..comparison.revisions import WORKSPACE, Revision, git
from ..comparison.stale import stale
from ..data.next_pass import current_state, place_pass
from ..data.split import input_hashes
from ..data.state import ACTIVE, State
from ..files.paths import INPUTS, PASSES, RAW, SPLITS
from ..messages.problems import Refusal, quoted
from .adopt import adopt
from .columns import Ask
from .draw import candidates, draw
from .names import many

DELIVERED = ("data/raw/", "data/raw.dvc", "data/.gitignore", "dvc.lock")  # what a delivery changes, packed or not


@dataclass(frozen=True)
class Renewal:
    """What was done.

    Attributes:
        file: the pass.
        classes: a row for each class: class, and the test examples that count, `before` and `after`.
        new, dropped, stay: number of test examples that came, went, and stay.
        left_out: {why: number of rows}, of those that waited.
        waiting: rows that were not drawn, and still wait.
        notes: what else a reader should know.
        trains: whether the next `dvc repro` trains.
        earlier: the last pass before this one.
    """

    file: Path
    classes: pd.DataFrame
    new: int
    dropped: int
    stay: int
    left_out: dict[str, int]
    waiting: int
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
    _refuse_mixed()
    adopted = None if path is None else adopt(path, label, group, ask=ask, add=False)
    try:
        _pack()
        return _renew(number, keep, None if adopted is None else adopted.ids)
    except Refusal as refusal:
        if adopted is None or not adopted.done:
            raise
        raise Refusal(
            f"{refusal}\n{adopted.name} is delivered to data/raw/ and waits there; no pass was written."
        ) from None


def _renew(number: int | None, keep: bool, wanted: list[str] | None) -> Renewal:
    state = current_state()
    table, hashes = state.raw.table, input_hashes(state.raw)
    old = np.flatnonzero((state.status == ACTIVE) & (state.sets == SPLITS.index("test")))
    rows, left_out = candidates(state, hashes, wanted)
    labels = pd.Series(np.array(state.classes, dtype=object)[state.codes], index=table.index, dtype="str")
    free = table.iloc[rows].assign(label=labels.iloc[rows], input=hashes.iloc[rows])
    units = units_of(free)
    drawn = draw(free, number or len(old)) if len(rows) else np.zeros(0, dtype=bool)
    new = rows[drawn]
    _refuse_few(len(new), len(np.unique(units[drawn])), "group" in table, left_out, wanted)
    stay = old if keep else old[np.isin(state.inputs[old], state.inputs[_shadowed(state)])]
    gone = np.setdiff1d(old, stay)
    after = labels.iloc[np.concatenate([stay, new])].value_counts()
    classes = pd.DataFrame({"class": state.known()})
    classes["before"] = classes["class"].map(labels.iloc[old].value_counts()).fillna(0).astype(int)
    classes["after"] = classes["class"].map(after).fillna(0).astype(int)
    notes = []
    asked = number or len(old)
    if len(rows) < asked:
        notes.append(f"{asked:,} were wanted, and {len(rows):,} rows are free: all of them were taken")
    missing = classes.loc[(classes["after"] == 0) & (classes["before"] > 0), "class"]
    if len(missing):
        notes.append(f"no example of {', '.join(map(quoted, missing))} is in the new test set: deliver some")
    if len(stay) and not keep:
        notes.append(
            f"{many(len(stay), 'old test example')} stay: training or validation examples have the same input, which do "
            "not count and would without them; that would change what trains"
        )
    edits = pd.DataFrame(
        {
            "id": pd.concat([table["id"].iloc[new].sort_values(), table["id"].iloc[gone].sort_values()]),
            "action": np.repeat(["add-test", "drop"], [len(new), len(gone)]),
            "reason": np.repeat(["never trained on", "the test set is renewed"], [len(new), len(gone)]),
        },
        dtype="str",
    )
    file = place_pass(edits.reset_index(drop=True), "renew-test", advise=False)
    stages = Revision(WORKSPACE, None).lock.stages
    packed = stages["pack"].outs.get(INPUTS.as_posix())
    trains = packed != stages["train"].deps.get(INPUTS.as_posix()) if "train" in stages else True
    names = list(state.history)
    waits = len(rows) - len(new)
    return Renewal(
        file, classes, len(new), len(gone), len(stay), left_out, waits, notes, trains, names[-1] if names else None
    )


def _shadowed(state: State) -> np.ndarray:
    """Return the training and validation examples that were not dropped and count only where no test example has their
    input (int)."""
    return np.flatnonzero((state.status == ACTIVE) & (state.sets != SPLITS.index("test")) & (state.inputs >= 0))


def _refuse_few(new: int, units: int, groups: bool, left_out: dict[str, int], wanted: list[str] | None) -> None:
    """Raise Refusal where what was drawn is no test set."""
    said = [f"\n- {many(number, 'row')} {reason}" for reason, number in left_out.items()]
    hint = f"{' Left out are:' if said else ''}{''.join(said)}"
    if not new and not said:
        what = (
            "no row waits in data/raw/" if wanted is None else "nothing of it is new: no row of it waits in data/raw/"
        )
        raise Refusal(
            f"There is nothing to make a new test set of: {what}. Name new data, `datapass renew-test PATH`, or deliver it "
            "to data/raw/<delivery>/labels.csv."
        )
    if new < MIN_SLICE:
        raise Refusal(f"{many(new, 'row')} could be drawn; a verdict needs at least {MIN_SLICE} test examples.{hint}")
    if units < MIN_UNITS:
        of = "groups" if groups else "different inputs"
        raise Refusal(f"The {new:,} rows are of {units} {of} only; a verdict needs at least {MIN_UNITS}.{hint}")


def _refuse_mixed() -> None:
    """Raise Refusal where something else than a delivery is not committed, or results are stale: both would come in with
    the new test set."""
    try:
        git("rev-parse", "--verify", "--quiet", "HEAD")
    except Refusal:
        raise Refusal("Nothing is committed here yet: `dvc repro`, then `git add . && git commit`.") from None
    changed = git("diff", "HEAD", "--relative", "--name-only", "-z").decode("utf-8", "surrogateescape").split("\0")
    listed = git("ls-files", "-z", "--others", "--exclude-standard", "--", PASSES.as_posix())
    files = [*changed, *listed.decode("utf-8", "surrogateescape").split("\0")]
    files = sorted(file for file in files if file and not file.startswith(DELIVERED))
    own = "a new test set is a pull request of its own"
    if files:
        more = f" and {len(files) - 3:,} more" if len(files) > 3 else ""
        raise Refusal(
            f"{', '.join(map(quoted, files[:3]))}{more}: not committed; commit or take that back first, as {own}."
        )
    outdated = [said for said in stale(Revision(WORKSPACE, None))[0] if not said.startswith((f"{RAW} ", str(INPUTS)))]
    if outdated:
        raise Refusal(f"The results are stale: {outdated[0]}. Run `dvc repro` and commit first, as {own}.")


def _pack() -> None:
    """Bring data/inputs/ up to date, showing DVC's progress. Raises Refusal where that fails."""
    done = subprocess.run([sys.executable, "-m", "dvc", "repro", "pack"], stdout=sys.stderr, check=False)
    if done.returncode:
        raise Refusal("`dvc repro pack` failed, see above; correct that and run this again.")
