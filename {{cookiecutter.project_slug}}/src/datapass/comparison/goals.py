"""Is a revision good enough? Its metric against the target and the human level of the scope card, by intervals.

A goal is *reached* where the interval of the metric lies wholly at or beyond it, *not reached* where it lies wholly short of it,
else *not told apart yet*. The interval is that over seeds and test examples, at 95 %, or over all looks at the test set as
`looks` has it; the goal itself counts as exact. The t interval alone promises too much near the best that there is: that none of
50 answers is wrong does not show 99 %. So its ends are never within the limits of the share that is lost (Wilson 1927). Simulated
with 50 to 800 test examples, a goal of 90 to 99 % that is met exactly is called reached in at most 1.7 %, and not reached in at
most 1.9 %, 2.5 % being the aim; by the t interval alone it is called reached in 3 to 52 %.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import ndtri

from ..data.scope import Card
from .crossed import components
from .equivalence import span_of
from .lineup import draws
from .metric import MACRO_F1, Metric
from .statistics import Interval
from .ways import ALPHA, reach, ways

REACHED, MISSED, UNTOLD = "reached", "not reached", "not told apart yet"


@dataclass(frozen=True)
class Answers:
    """What a revision answered to test examples: one reading of how right it is.

    Attributes:
        truth: class codes (n).
        said: class codes (S x n).
        units: the independent draw that each example belongs to (n, int).
        classes: names of the codes.
    """

    truth: np.ndarray
    said: np.ndarray
    units: np.ndarray
    classes: list[str]


@dataclass(frozen=True)
class Goal:
    """A number of the card against the metric.

    Attributes:
        name: the field of the card.
        value: of it, as in `Card`.
        standing: REACHED, MISSED or UNTOLD, over all looks at the test set and by each reading.
        alone: the same at this look alone.
        labels: whether it depends on test labels that changed since the baseline, or on examples that were dropped or are gone.
        was: the value in the baseline's card, where that is another; a change must not lower its own target unseen.
        apart, examples: where it is UNTOLD: a true difference from it that would show in 4 of 5 tries with so many more test
            examples; None where no number would, or none is known.
    """

    name: str
    value: float
    standing: str
    alone: str
    labels: bool = False
    was: float | None = None
    apart: float | None = None
    examples: int | None = None


@dataclass(frozen=True)
class Scope:
    """What a revision's scope card says, and how the revision stands to it.

    Attributes:
        card: None where it cannot be read.
        level: the metric with its 95 % interval, by the revision's own test labels; None where nothing is judged.
        tries: looks at the test set that the standings hold over; 0 where a clone does not tell; it is then taken for the first.
        goals: of the target and the human level those that the card names.
        why: why nothing is judged.
    """

    card: Card | None
    level: Interval | None = None
    tries: int = 1
    goals: list[Goal] = field(default_factory=list)
    why: str = ""


def limits(given: Answers, metric: Metric, alpha: float) -> tuple[float, float]:
    """Return the interval of the metric at two-sided `alpha` > 0, low and high; never within Wilson's limits."""
    interval = metric.interval(given.truth, given.said, given.classes, given.units)
    # All in what is lost against the best answers: 0 or more, at most `span`.
    best = metric.level(
        given.truth, metric.extreme(given.truth, given.said[:1], given.truth, given.classes, True), given.classes
    )
    lost, far = metric.better * (best - interval.mean), reach(interval, alpha)
    span, units = span_of(metric.span(given.truth, given.classes), given.units), draws(given.units)
    if not span > 0:  # no answer costs anything
        return interval.mean, interval.mean
    share = min(max(lost / span, 0.0), 1.0)
    most = max(lost + far, span * at_most(share, units, alpha))
    least = min(lost - far, span * (1 - at_most(1 - share, units, alpha)))
    ends = sorted((best - metric.better * most, best - metric.better * max(least, 0.0)))
    low, high = np.clip(ends, 0.0, np.inf if metric.better < 0 else 1.0)
    return float(low), float(high)


def at_most(share: float, n: int, alpha: float) -> float:
    """Return the upper end of Wilson's score interval at two-sided `alpha` for a share of n."""
    z = float(ndtri(1 - alpha / 2))
    half = z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return (share + z**2 / (2 * n) + half) / (1 + z**2 / n)


def judge(name: str, value: float, given: list[Answers], metric: Metric, alpha: float = ALPHA) -> Goal:
    """Return how the metric stands to a goal.

    Args:
        name, value: see `Goal`.
        given: the readings, first the revision's own.
        alpha: this look's part of the 5 %, see `looks.part`; 0 where none is left.
    """
    own = given[0]
    alone, whole = ([_standing(one, value, metric, size) for one in given] for size in (ALPHA, alpha))
    found = Goal(name, value, _same(whole), _same(alone), len(set(whole)) > 1)
    if found.standing != UNTOLD or found.labels or metric.name == MACRO_F1 or not alpha > 0:
        return found
    scores = metric.scores(own.truth, own.said, own.classes)
    parts = components([scores], own.units)
    over = parts.interval(float(scores.mean()) - metric.better * value)
    more = ways(parts, len(own.truth), over, alpha=alpha)
    if more is None or not more.examples:
        return found
    return replace(found, apart=more.gain, examples=more.examples)


def _standing(given: Answers, value: float, metric: Metric, alpha: float) -> str:
    if not alpha > 0:
        return UNTOLD
    low, high = sorted(metric.better * end for end in limits(given, metric, alpha))
    goal = metric.better * value
    return REACHED if low >= goal - 1e-12 else MISSED if high < goal - 1e-12 else UNTOLD


def _same(standings: list[str]) -> str:
    return standings[0] if len(set(standings)) == 1 else UNTOLD
