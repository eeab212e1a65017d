"""Before a run: how many seeds and test examples show a gain of a size that is wanted, by the baseline's answers alone.

The baseline tells how much its seeds differ, and which answers hang on the seed. What a change of the data will do to
single examples nobody knows before it is made, so it is assumed, as `Spread.change` and `PAIRED` say; docs/plan.md has the
comparisons that these were held against.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..comparison.crossed import Components, components, units_of
from ..comparison.lineup import MIN_SEEDS, MIN_SLICE, MIN_UNITS
from ..comparison.metric import MACRO_F1, Metric
from ..comparison.revisions import Revision
from ..comparison.stale import stale
from ..comparison.ways import (
    MOST_SEEDS,
    MOST_TIMES,
    POWER,
    fewest_both,
    fewest_seeds,
    fewest_units,
    power,
    rounded,
    seconds_of,
)
from ..data.examples import counts
from ..files.paths import CLASSES, METRICS, PREDICTIONS, TEST
from ..messages.problems import Refusal

SEEDS, TIMES = (3, 5, 8, 12, 20, 50), (1, 2, 4)  # of the table: seeds, and times the test examples
# Measured on 13 data changes of the three examples (docs/plan.md): the part that is left of the variance of two independent
# trainings where they share a seed, .06 to .72, and what examples turn by, as a share of turning whole, 0 to .63.
PAIRED, TURNED = 0.6, 0.5


@dataclass(frozen=True)
class Spread:
    """How much the answers of one arm vary, and how much a gain has to turn.

    Attributes:
        units, examples: independent test examples, and all.
        seeds: variance of a training's mean score between seeds, of one arm.
        rest: variance of a unit's score under one seed besides, of one arm.
        turn: what a turned example changes its score by, as a mean that weighs errors by their size; 1 for accuracy.
        clump: how much of that variance is left in units of several examples; 1 where each example is a unit.
        most: the gain if no error were left.
    """

    units: int
    examples: int
    seeds: float
    rest: float
    turn: float
    clump: float
    most: float

    def change(self, gain: float) -> float:
        """Return the variance of a unit's gain that comes with a true gain g: TURNED g (turn - g).

        Of g (turn - g) it is where g / turn of the test examples turn from wrong to right with every seed and none from
        right to wrong; less, as most turn with some seeds only; more, where some break.
        """
        return TURNED * max(0.0, gain * (self.turn - gain)) * self.clump

    def expected(self, gain: float, units: int, seeds: int) -> Components:
        """Return the components to expect of a true gain with so many test units and seeds of each side."""
        rest, seed = 2 * PAIRED * self.rest, 2 * PAIRED * self.seeds
        rows = self.change(gain) + rest / seeds
        return Components(units, (seeds,), rows, (units * seed + rest,), (rest,))

    def smallest(self, units: int, seeds: int) -> float:
        """Return the smallest true gain that shows; NaN where not even one without any error left does."""
        low, high = 0.0, self.most
        if power(self.expected(high, units, seeds), high) < POWER:
            return np.nan
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if power(self.expected(middle, units, seeds), middle) >= POWER else (middle, high)
        return high


@dataclass(frozen=True)
class Plan:
    """What shows a true gain in 4 of 5 tries (power .8, two-sided .05).

    Attributes:
        gain: the wanted one; like all gains here a fraction where the metric's unit is points.
        level: the baseline's metric.
        seeds: of the baseline.
        spread: see there.
        smallest: the smallest gain that shows with the baseline's seeds and test examples; NaN for none.
        by_seeds: seeds that show it on these test examples; None where no number up to MOST_SEEDS does.
        by_examples: test examples that show it with the baseline's seeds; None where no number does.
        by_both: seeds and test examples that show it where seeds alone do not; None where nothing does.
        table: seeds, trainings (of both sides, without those there are), examples, smallest (gain that shows), shows.
        seconds: of one training on this machine; None where none was timed.
        notes: what a reader should know besides.
    """

    revision: Revision
    metric: Metric
    gain: float
    level: float
    seeds: list[int]
    spread: Spread
    smallest: float
    by_seeds: int | None
    by_examples: int | None
    by_both: tuple[int, int] | None
    table: pd.DataFrame
    seconds: float | None
    notes: list[str]


def spread_of(
    metric: Metric, truth: np.ndarray, answers: np.ndarray, classes: Sequence[str], units: np.ndarray
) -> Spread:
    """Return how the answers of one arm (S x n) vary; truth (n) and answers are codes of `classes`, units as in `crossed`."""
    scores = metric.scores(truth, answers, classes)
    best = metric.scores(truth, metric.extreme(truth, answers, truth, classes, best=True), classes)
    errors = best - scores
    whole, single = components([scores], units), components([scores])
    seed = max(0.0, (whole.columns[0] - whole.rest[0]) / whole.units)
    of_units, of_examples = (max(0.0, part.rows - part.rest[0] / len(answers)) for part in (whole, single))
    apart = whole.units / len(truth)  # of units whose examples go each their own way
    clump = min(1.0, max(apart, of_units / of_examples)) if of_examples > 0 else 1.0
    total = float(errors.sum())
    turn = float((errors**2).sum()) / total if total > 0 else 0.0
    return Spread(whole.units, len(truth), seed, whole.rest[0], turn, clump, float(errors.mean()))


def make_plan(revision: Revision, gain: float) -> Plan:
    """Plan for a true gain over a revision.

    Args:
        gain: in the unit of the metric as it is shown: points, or cost per example.

    Raises:
        Refusal: where the revision's results do not tell, or such a gain cannot be.
    """
    metric = revision.lock.metric
    if metric.name == MACRO_F1:
        raise Refusal(
            "plan: macro-F1 is no mean of a score an example, so one arm does not tell what its gain will vary by; plan with "
            "`metric: balanced_accuracy`, or make a comparison: it says what would not show."
        )
    answers, test = revision.table(PREDICTIONS).set_index("id"), revision.table(TEST)
    test = test[counts(test)].reset_index(drop=True)
    if not set(test["id"]) <= set(answers.index):
        raise Refusal(f"{revision.name}: {PREDICTIONS.as_posix()} is not of its test set; run `dvc repro` there.")
    columns = [column for column in answers if column.startswith("seed_")]
    units, classes = units_of(test), list(revision.table(CLASSES)["class"])
    number = len(np.unique(units))
    few = [
        f"{have:,} {what}, and a plan needs at least {least}"
        for have, least, what in (
            (len(columns), MIN_SEEDS, "seeds"),
            (len(test), MIN_SLICE, "test examples"),
            (number, MIN_UNITS, "groups of test examples"),
        )
        if have < least
    ]
    if few:
        raise Refusal(f"{revision.name} has too few {'; '.join(few)}.")
    code = {name: place for place, name in enumerate(classes)}
    truth = test["label"].map(code).to_numpy(np.int64)
    said = answers.loc[test["id"], columns].apply(lambda column: column.map(code)).to_numpy(np.int64).T
    spread, wanted = spread_of(metric, truth, said, classes, units), gain / metric.scale
    if float(metric.difference(wanted, False)) == 0:
        raise Refusal(f"--gain {gain:g} is shown as {metric.difference(wanted, False)} {metric.unit}; ask for more.")
    if wanted > spread.most:
        all_ = f"{metric.difference(spread.most, False)} {metric.unit}"
        raise Refusal(f"--gain {gain:g} cannot be: without any error left {revision.name} would gain {all_}.")
    seeds = [int(column.removeprefix("seed_")) for column in columns]
    here = len(seeds)

    def expected(units: int, seeds: int) -> Components:
        return spread.expected(wanted, units, seeds)

    each = len(test) / number
    by_seeds = fewest_seeds(expected, wanted, number, here)
    by_units = fewest_units(expected, wanted, number, MOST_TIMES * number, here)
    both = None
    if by_seeds is None:
        both = fewest_both(expected, wanted, number, [here, *(s for s in (*SEEDS, MOST_SEEDS) if s > here)])
    return Plan(
        revision,
        metric,
        wanted,
        metric.level(truth, said, classes),
        seeds,
        spread,
        spread.smallest(number, here),
        by_seeds,
        by_units and rounded(by_units * each),
        both and (both[0], rounded(both[1] * each)),
        _table(spread, wanted, here),
        seconds_of(str(revision.json(METRICS).get("model"))),
        [f"the results of {revision.name} are stale: {what}" for what in stale(revision)[0]],
    )


def trainings(here: int, seeds: int) -> int:
    """Return how many trainings so many seeds of both sides take, where the baseline has `here` already."""
    return seeds + max(0, seeds - here)


def _table(spread: Spread, gain: float, here: int) -> pd.DataFrame:
    rows = [
        (seeds, trainings(here, seeds), times * spread.examples, spread.smallest(times * spread.units, seeds))
        for seeds in sorted({*SEEDS, here})
        for times in TIMES
    ]
    found = pd.DataFrame(rows, columns=["seeds", "trainings", "examples", "smallest"])
    return found.assign(shows=found["smallest"] <= gain)


def listed(have: Sequence[int], number: int) -> list[int]:
    """Return so many seeds: those there are, then the smallest others."""
    others = (seed for seed in range(number + len(have)) if seed not in have)
    return [*have, *others][:number] if number > len(have) else list(have)[:number]
