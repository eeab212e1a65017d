"""How large a gain or loss can still be: two one-sided tests (Schuirmann 1987), so that a pass can be shown harmless.

A gain or loss larger than x is excluded at 5 % where both bounds of the 90 % interval are within x. The t interval alone
promises too much where few test examples turned: that none of 100 did does not exclude that 1 of 100 does. So a bound
goes one test example further, and is never under the upper limit of the share that turned, as if all had turned the same
way (Wilson 1927, with the continuity correction of Newcombe 1998). Simulated with 50 to 3,000 test examples, a gain or
loss of the size that is excluded is excluded in at most 5 %; by the t interval alone in up to 37 %.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from .lineup import Scored, draws
from .statistics import Interval
from .ways import reach

SIZE = 0.05  # of each one-sided test, and so of both


@dataclass(frozen=True)
class Within:
    """Whether two revisions are equivalent within a margin (of the metric, as a fraction where its unit is points)."""

    margin: float
    shown: bool


def readings(scored: Scored, wider: Scored, gain: Interval) -> list[Interval]:
    """Return the gain by each reading that a verdict has to stand: first `gain`, which is on `scored` by the new labels.

    Then by the old labels, with the dropped test examples by either, and with the worst and the best answers to those
    that the candidate's test set does not hold any more; only what differs from the first.
    """
    relabelled = bool((wider.labels[0] != wider.labels[1]).any())
    found = [gain, *([scored.gain(0)] if relabelled else [])]
    if len(wider.table) > len(scored.table):
        found += [wider.gain(label) for label in ((1, 0) if relabelled else (1,))]
    return found + [wider.worst(helps) for helps in (True, False) if len(wider.lost[0])]


def span(scored: Scored) -> float:
    """Return by how much the mean of the metric changes where one unit turns, times the number of units; at the most."""
    return span_of(scored.metric.span(scored.labels[1], scored.classes), scored.units)


def span_of(each: np.ndarray, units: np.ndarray) -> float:
    """Return the same of examples whose scores can change by `each` (n); NaN without an example."""
    if not len(each):
        return np.nan
    return float(np.bincount(units, each).max() * draws(units) / len(each))


def at_most(gains: Iterable[Interval], span: float, units: int) -> float:
    """Return the smallest x such that a gain or loss larger than x is excluded at 5 % by each reading.

    Args:
        gains: see `readings`.
        span: see `span`; 1 for accuracy where each example is a unit.
        units: independent test examples.

    Returns:
        In the unit of the scores; NaN where a reading has no interval.
    """
    return float(np.max([_bound(gain, span, units) for gain in gains]))


def _bound(gain: Interval, span: float, units: int) -> float:
    size = abs(gain.mean)
    share = size / span if span > 0 else 0.0  # no answer changes a cost of 0 throughout
    return float(np.maximum(size + span / units + reach(gain, 2 * SIZE), span * upper_share(share, units)))


def upper_share(share: float, n: int, size: float = SIZE) -> float:
    """Return the one-sided upper limit at 1 - size of a share of n, by Wilson's score interval with continuity correction."""
    if not share < 1:
        return 1.0
    z = float(ndtri(1 - size))
    root = z**2 + 2 - 1 / n + 4 * share * (n * (1 - share) - 1)
    return min(1.0, (2 * n * share + z**2 + 1 + z * max(root, 0.0) ** 0.5) / (2 * (n + z**2)))
