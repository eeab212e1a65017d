"""Data or model? The effects of old and new data under an old and a new model, from four results.

Shapley's value of two factors (Shapley 1953), of the levels v[model][data]:

    data        = ((v01 - v00) + (v11 - v10)) / 2
    model       = ((v10 - v00) + (v11 - v01)) / 2
    interaction = v11 - v10 - v01 + v00

so data and model add up to v11 - v00. Within one model the seeds of old and new data are paired, so they are one arm of an
interval; another model's are other trainings. All four share the test examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..comparison.crossed import combined, gain_arms
from ..comparison.datadiff import diff
from ..comparison.lineup import MIN_SEEDS, Scored, score
from ..comparison.metric import MACRO_F1, Metric
from ..comparison.proof import prove
from ..comparison.revisions import Revision
from ..comparison.statistics import Interval, t_interval
from ..messages.problems import Refusal

Cells = Sequence[Sequence[np.ndarray]]  # [old or new model][old or new data]


@dataclass(frozen=True)
class Effects:
    """What data and model gain, and what they gain together beyond that.

    Attributes:
        cells: the metric, as [old or new model][old or new data].
        data, model, interaction: with their intervals; those of macro-F1 have none, as it is no mean of scores.
        seeds: of the old and of the new model.
        examples: test examples.
        metric: what they are of.
    """

    cells: list[list[float]]
    data: Interval
    model: Interval
    interaction: Interval
    seeds: tuple[int, int]
    examples: int
    metric: Metric


def shapley(cells: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return the effects of data and model and their interaction, of levels as [old or new model][old or new data]."""
    (v00, v01), (v10, v11) = cells
    return ((v01 - v00) + (v11 - v10)) / 2, ((v10 - v00) + (v11 - v01)) / 2, v11 - v10 - v01 + v00


def intervals(
    scores: Cells, paired: tuple[bool, bool] = (True, True), units: np.ndarray | None = None
) -> tuple[Interval, Interval, Interval]:
    """Return the same three with their intervals.

    Args:
        scores: of each example and seed (n x the seeds of the model), as [old or new model][old or new data].
        paired: whether, within the old and within the new model, a seed of old and new data is the same training.
        units: see `crossed`.
    """
    (s00, s01), (s10, s11) = scores
    data = [*gain_arms(s00 / 2, s01 / 2, paired[0]), *gain_arms(s10 / 2, s11 / 2, paired[1])]
    model = [*gain_arms(s00 / 2, -s01 / 2, paired[0]), *gain_arms(-s10 / 2, s11 / 2, paired[1])]
    interaction = [*gain_arms(s01, s00, paired[0]), *gain_arms(s10, s11, paired[1])]
    return combined(data, units), combined(model, units), combined(interaction, units)


def same_data(one: Revision, other: Revision) -> bool:
    """Return whether two revisions were trained and tested on the same examples, with the same augmentation."""
    found = diff(one, other)
    return found.rows.empty and not (found.notes or found.augmentation or found.renamed)


def same_model(one: Revision, other: Revision) -> bool:
    """Return whether two revisions, maybe of other data, are of one model; other seeds make no other."""
    data = diff(one, other)
    inputs = bool(data.notes or data.number("input changed"))
    return not prove(one, other, inputs, data.renamed, other_seeds=True, untouched=data.untouched).model


def effects(v00: Revision, v10: Revision, v01: Revision, v11: Revision) -> Effects:
    """Return the effects of data and model of four results: nothing changed, the model alone, the data alone, both.

    Raises:
        Refusal: where the four were not scored on the same test examples by the same labels, or have too few seeds.
    """
    metric, renamed = v01.lock.metric, diff(v00, v01).renamed
    sides: list[Scored] = []
    for old, new in ((v00, v01), (v10, v11)):
        changed = diff(old, new)
        inputs = bool(changed.notes or changed.number("input changed"))
        proof = prove(old, new, inputs, renamed, other_seeds=True, untouched=changed.untouched)
        sides.append(score(old, new, renamed, proof.paired, metric))
    _check(sides)
    sides = [side.of(side.counts) for side in sides]
    truth, classes = sides[0].labels[1], sides[0].classes
    answers = [(side.old, side.new) for side in sides]
    levels = [[metric.level(truth, cell, classes) for cell in row] for row in answers]
    if metric.name == MACRO_F1:
        data, model, interaction = (t_interval(mean, np.nan, 0) for mean in shapley(levels))
    else:
        scores = [[metric.scores(truth, cell, classes) for cell in row] for row in answers]
        paired = (sides[0].paired, sides[1].paired)
        data, model, interaction = intervals(scores, paired, sides[0].units)
    seeds = (len(sides[0].seeds), len(sides[1].seeds))
    return Effects(levels, data, model, interaction, seeds, len(truth), metric)


def _check(sides: Sequence[Scored]) -> None:
    """Refuse four cells that have no ruler in common."""
    apart = "change test examples in a pull request of their own"
    if any((side.labels[0] != side.labels[1]).any() for side in sides):
        raise Refusal(f"the test labels of old and new data differ, so the four cells have no ruler in common; {apart}")
    lost = any(len(side.lost[0]) or not side.counts.all() for side in sides)
    tables = [side.table[["id", "input", "new_label"]] for side in sides]
    if lost or not tables[0].equals(tables[1]) or sides[0].classes != sides[1].classes:
        raise Refusal(f"the four cells were not scored on the same test examples; {apart}")
    if min(len(side.seeds) for side in sides) < MIN_SEEDS:
        raise Refusal(
            f"old and new data need at least {MIN_SEEDS} seeds in common, under the old and under the new model"
        )
