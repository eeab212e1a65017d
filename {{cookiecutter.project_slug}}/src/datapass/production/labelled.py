"""How right the model is on new inputs, by the labels of those that were picked at random; and whether it was more right before.

What was picked because the models disagree, or because it is unlike the training data, is harder than the rest and counts for
nothing here. Nor do labels count that were given to the answers of another model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..comparison.crossed import units_of
from ..data.examples import DELIVERY, PICKED_AS, RANDOM, counts, packed_rows, read_examples
from ..data.packed import read_packed
from ..files.paths import TEST
from .frozen import Frozen
from .picked import picked_names, read_picked
from .sequence import ConceptDrift, Stratified, concept_drift, effective, informed, robbins, stratified

MOST = 5000  # labels that people may be asked for


@dataclass(frozen=True)
class Labelled:
    """What labels say of the model on new inputs.

    Attributes:
        deliveries: a row for each with labels: delivery, delivered (inputs), labelled (at random, and usable), right,
            low and high (of its accuracy, a confidence sequence at 95 %), unusable, and open (of the random part).
        accuracy: over all these deliveries, each weighted by its inputs.
        drift: whether the model is less right than on the test set, by all labels of these deliveries together; groups count by
            what they are worth, see `sequence.effective`.
        tolerance: accuracy that it may be lower.
        needed: labels picked at random that would show drift, if the accuracy stays as it is; None where none would, or it is shown.
        skipped: inputs that are open though later ones are labelled; the alarm counts them as answered right.
        others: deliveries that were picked by the answers of another model.
    """

    deliveries: pd.DataFrame
    accuracy: Stratified
    drift: ConceptDrift
    tolerance: float
    needed: int | None
    skipped: int
    others: list[str]


def accuracy_on_new(frozen: Frozen, tolerance: float = 0.0) -> Labelled | None:
    """Return what the labels in data/picked/ say of these models; None where nothing is picked and labelled.

    Args:
        tolerance: accuracy, from 0 to 1, that it may be lower on new inputs.

    Raises:
        Refusal: for what is wrong in data/picked/, and where the test set is not here.
    """
    rows, others, asked = [], list[str](), list[pd.DataFrame]()
    for name in picked_names():
        table = read_picked(name)
        table = table[table[PICKED_AS] == RANDOM].reset_index(drop=True)
        if (table["model"] != frozen.weights).any():
            others.append(name)
            continue
        seen, labelled = (table["by"] != "").to_numpy(), (table["label"] != "").to_numpy()
        if not labelled.any():
            continue
        right = int((table["label"] == table["predicted"])[labelled].sum())
        number, delivered = int(labelled.sum()), int(table["delivered"].iloc[0])
        ends = robbins(right, number)
        rows.append((name, delivered, number, right, *ends, int((seen & ~labelled).sum()), int((~seen).sum())))
        # Those that were skipped, though later ones are labelled, count as right for the alarm.
        skipped = ~seen & (np.arange(len(table)) < np.flatnonzero(seen).max())
        good = (table["label"] == table["predicted"]) | skipped
        asked.append(table[["id", "group"]].assign(right=good, skipped=skipped)[labelled | skipped])
    if not rows and not others:
        return None
    columns = ["delivery", "delivered", "labelled", "right", "low", "high", "unusable", "open"]
    found = pd.DataFrame(rows, columns=columns)
    right, labelled, delivered = (found[name].to_numpy(float) for name in ("right", "labelled", "delivered"))
    nothing = pd.DataFrame({"id": [], "group": []}, dtype="str").assign(right=0.0, skipped=False)
    every = pd.concat(asked, ignore_index=True) if asked else nothing
    mine = effective(every["right"].to_numpy(float), units_of(every))
    before = _before(frozen, [row[0] for row in rows])
    drift = concept_drift(*mine, *before, tolerance, prior=informed(*before))
    needed = None
    if rows and not drift.alarm:
        needed = _needed(right.sum() / labelled.sum(), int(labelled.sum()), before, tolerance)
    accuracy = stratified(right, labelled, delivered)
    return Labelled(found, accuracy, drift, tolerance, needed, int(every["skipped"].sum()), others)


def _needed(accuracy: float, labelled: int, before: tuple[float, float], tolerance: float) -> int | None:
    """Return about how many labels would show a fall to an accuracy, in steps of a tenth; None where MOST would not."""
    number = labelled
    while number <= MOST:
        number = max(number + 10, int(round(number * 1.1, -1)))
        if concept_drift(accuracy * number, number, *before, tolerance, prior=informed(*before)).alarm:
            return number
    return None


def _before(frozen: Frozen, counted: Sequence[str]) -> tuple[float, float]:
    """Return how many answers to the test set were right, and of how many independent ones.

    Args:
        counted: deliveries whose labels count as new: what was brought back of them is left out.
    """
    test = read_examples([TEST])
    kept = counts(test) & (~test[DELIVERY].isin(list(counted)) if DELIVERY in test else True)
    test = test[kept].reset_index(drop=True)
    if test.empty:
        return 0.0, 0.0
    answers = frozen.answers(frozen.probabilities(read_packed(), packed_rows(test)))
    return effective(answers == frozen.codes(test), units_of(test))
