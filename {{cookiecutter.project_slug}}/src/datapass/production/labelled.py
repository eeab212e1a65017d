"""How right the model is on new inputs, by the labels of those that were picked at random; and whether it was more right before.

What was picked because the models disagree, or because it is unlike the training data, is harder than the rest and counts for
nothing here. Nor do labels count that were given to the answers of another model.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..comparison.crossed import units_of
from ..data.examples import counts, packed_rows, read_examples
from ..data.packed import read_packed
from ..files.paths import TEST
from .frozen import Frozen
from .picked import DELIVERY, RANDOM, picked_names, read_picked
from .sequence import ConceptDrift, Stratified, concept_drift, effective, informed, robbins, stratified

MOST = 5000  # labels that people may be asked for


@dataclass(frozen=True)
class Labelled:
    """What labels say of the model on new inputs.

    Attributes:
        deliveries: a row for each with labels: delivery, delivered (inputs), labelled (at random, and usable), right,
            low and high (of its accuracy, a confidence sequence at 95 %), unusable, and open (of the random part).
        accuracy: over all these deliveries, each weighted by its inputs.
        drift: whether the model is less right than on the old test set.
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
    """Return what the labels in data/picked/ say of these models; None where none of the random parts is labelled.

    Args:
        tolerance: accuracy, from 0 to 1, that it may be lower on new inputs.

    Raises:
        Refusal: for what is wrong in data/picked/, and where the test set is not here.
    """
    rows, others, skipped = [], [], 0
    for name in picked_names():
        table = read_picked(name)
        table = table[table["picked_as"] == RANDOM].reset_index(drop=True)
        if (table["model"] != frozen.weights).any():
            others.append(name)
            continue
        seen, labelled = (table["by"] != "").to_numpy(), (table["label"] != "").to_numpy()
        if not labelled.any():
            continue
        right = int((table["label"] == table["predicted"])[labelled].sum())
        skipped += int((~seen[: np.flatnonzero(seen).max()]).sum())
        number, delivered = int(labelled.sum()), int(table["delivered"].iloc[0])
        rows.append(
            (name, delivered, number, right, *robbins(right, number), int((seen & ~labelled).sum()), int((~seen).sum()))
        )
    if not rows:
        return None
    columns = ["delivery", "delivered", "labelled", "right", "low", "high", "unusable", "open"]
    found = pd.DataFrame(rows, columns=columns)
    right, labelled, delivered = (found[name].to_numpy() for name in ("right", "labelled", "delivered"))
    before = _before(frozen)
    drift = concept_drift(right.sum() + skipped, labelled.sum() + skipped, *before, tolerance, prior=informed(*before))
    needed = None if drift.alarm else _needed(right.sum() / labelled.sum(), int(labelled.sum()), before, tolerance)
    return Labelled(found, stratified(right, labelled, delivered), drift, tolerance, needed, skipped, others)


def _needed(accuracy: float, labelled: int, before: tuple[float, float], tolerance: float) -> int | None:
    """Return about how many labels would show a fall to an accuracy, in steps of a tenth; None where MOST would not."""
    number = labelled
    while number <= MOST:
        number = max(number + 10, int(round(number * 1.1, -1)))
        if concept_drift(accuracy * number, number, *before, tolerance, prior=informed(*before)).alarm:
            return number
    return None


def _before(frozen: Frozen) -> tuple[float, float]:
    """Return how many answers to the old test set were right, and of how many independent ones.

    What was brought back from production is left out: it is what the old test set is compared with.
    """
    test = read_examples([TEST])
    kept = counts(test) & (test[DELIVERY] == "" if DELIVERY in test else True)
    test = test[kept].reset_index(drop=True)
    answers = frozen.answers(frozen.probabilities(read_packed(), packed_rows(test)))
    return effective(answers == frozen.codes(test), units_of(test))
