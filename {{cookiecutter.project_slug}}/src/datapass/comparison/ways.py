"""What would show a gain: how many more seeds, or test examples, by the components of its variance.

A gain *shows* where its interval leaves out 0, and *would show* where it does so in 4 of 5 tries (power .8). These are
statements about a true gain of a size that is named, never about the one observed: the power at the observed gain says
no more than its p-value does (Hoenig and Heisey 2001).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaincinv, ndtr, stdtrit

from .crossed import Components
from .statistics import LEVEL, Interval

ALPHA, POWER = 1 - LEVEL, 0.8
MOST_SEEDS, MOST_TIMES = 100, 100  # seeds of each side, and times the test set; more is no advice
DRAWS = (np.arange(32) + 0.5) / 32  # of what few seeds estimate


def reach(interval: Interval, alpha: float = ALPHA) -> float:
    """Return the half width of the interval at two-sided `alpha`, in the unit of its scores."""
    return float(stdtrit(interval.df, 1 - alpha / 2)) * interval.se


def power(expected: Components, gain: float, alpha: float = ALPHA) -> float:
    """Return the probability that the interval at two-sided `alpha` leaves out 0 on the side of a true gain.

    The mean is normal with the variance that `expected` (see `Components.expected`) gives. How wide the interval gets
    depends on the columns' mean square, of which few seeds know little: it is expected times chi-squared over its degrees
    of freedom, so the probability is a mean over that. The other mean squares have many.
    """
    n, seed = expected.units, 0.0
    reaches = np.zeros(len(DRAWS))
    drawn = [2 * gammaincinv((s - 1) / 2, DRAWS) / (s - 1) for s in expected.seeds]
    for number, times in enumerate(zip(*drawn, strict=True)):
        columns = tuple(column * each for column, each in zip(expected.columns, times, strict=True))
        reaches[number] = reach(replace(expected, columns=columns).interval(gain), alpha)
    for seeds, column, rest in zip(expected.seeds, expected.columns, expected.rest, strict=True):
        seed += max(0.0, column - rest) / (n * seeds)
    sd = (expected.rows / n + seed) ** 0.5
    return float(np.mean(ndtr((gain - reaches) / sd))) if sd > 0 else float(gain > 0)


@dataclass(frozen=True)
class Ways:
    """What would show a true gain that does not show now.

    Attributes:
        gain: the true gain, in the unit of the scores.
        seeds: more seeds of each side on these test examples, 0 where it shows with those there are; None where no number up to MOST_SEEDS is enough.
        examples: more test examples with these seeds; None where no number up to MOST_TIMES these is enough.
        both: more seeds of each side and more test examples, where neither is enough alone; None where that is not enough either.
        fresh: test examples of a new test set, with these seeds, that would show it at the plain .05; None as above.
        seconds: of one training on this machine; None where none was timed.
    """

    gain: float
    seeds: int | None
    examples: int | None
    both: tuple[int, int] | None = None
    fresh: int | None = None
    seconds: float | None = None


Expected = Callable[[int, int], Components]  # of test units and seeds of each side: what to expect


def fewest_seeds(expected: Expected, gain: float, units: int, seeds: int, alpha: float = ALPHA) -> int | None:
    """Return the smallest number of seeds, from `seeds` on, that would show a gain on so many units."""
    enough = (s for s in range(seeds, MOST_SEEDS + 1) if power(expected(units, s), gain, alpha) >= POWER)
    return next(enough, None)


def fewest_units(
    expected: Expected, gain: float, least: int, most: int, seeds: int, alpha: float = ALPHA
) -> int | None:
    """Return the smallest number of units, of `least` to `most`, that would show a gain with so many seeds."""
    low, high = least - 1, most
    if power(expected(high, seeds), gain, alpha) < POWER:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(expected(middle, seeds), gain, alpha) >= POWER else (middle, high)
    return high


def fewest_both(
    expected: Expected, gain: float, units: int, seeds: Sequence[int], alpha: float = ALPHA
) -> tuple[int, int] | None:
    """Return seeds and units that would show a gain: the fewest of `seeds` with at most twice the units that the most need."""
    most = MOST_TIMES * units
    found = [(s, n) for s in seeds if (n := fewest_units(expected, gain, units, most, s, alpha)) is not None]
    if not found:
        return None
    return next(pair for pair in found if pair[1] <= 2 * min(n for _, n in found))


def target(interval: Interval, wanted: float | None = None, alpha: float = ALPHA) -> float:
    """Return the true gain that it makes sense to look for: the one wanted, else as large as it looks, but not under half
    of what would show now, as that takes four times the test examples or more."""
    least = reach(interval, alpha) + float(stdtrit(interval.df, POWER)) * interval.se  # `Interval.detectable`, at alpha
    return wanted if wanted is not None else max(abs(interval.mean), least / 2)


def ways(
    components: Components | None, examples: int, interval: Interval, wanted: float | None = None, alpha: float = ALPHA
) -> Ways | None:
    """Return what would show a gain, by the components of a comparison; None where these say nothing.

    Args:
        examples: test examples of the comparison, which make up the units of `components`.
        interval: of the comparison.
        wanted: the true gain to show; see `target` where there is none.
        alpha: two-sided level at which it has to show.
    """
    if components is None:
        return None
    seeds, units, gain = min(components.seeds), components.units, target(interval, wanted, alpha)
    if seeds < 2 or not interval.se > 0 or not gain > 0:
        return None

    def expected(units: int, seeds: int) -> Components:
        return components.expected(units, [seeds] * len(components.seeds))

    if power(expected(units, seeds), gain, alpha) >= POWER:
        return Ways(gain, 0, 0)
    each = examples / units
    seeds_alone = fewest_seeds(expected, gain, units, seeds + 1, alpha)
    units_alone = fewest_units(expected, gain, units, MOST_TIMES * units, seeds, alpha)
    fresh = fewest_units(expected, gain, 2, MOST_TIMES * units, seeds)
    both = None
    if seeds_alone is None and units_alone is None:
        both = fewest_both(expected, gain, units, [s for s in (8, 12, 20, 50, 100) if s > seeds], alpha)
    return Ways(
        gain,
        None if seeds_alone is None else seeds_alone - seeds,
        None if units_alone is None else rounded((units_alone - units) * each),
        None if both is None else (both[0] - seeds, rounded((both[1] - units) * each)),
        None if fresh is None else rounded(fresh * each),
    )


def rounded(number: float) -> int:
    """Return a number of examples rounded up to two digits: it is an estimate."""
    step = 10 ** max(0, math.floor(math.log10(max(number, 1))) - 1)
    return math.ceil(number / step - 1e-9) * step


def timed(found: Ways | None, fingerprint: str) -> Ways | None:
    """Return the same with the seconds of one training of this model on this machine, where some are known."""
    return None if found is None else replace(found, seconds=seconds_of(fingerprint))


def seconds_of(fingerprint: str) -> float | None:
    """Return the median seconds of one training of a model on this machine; None where none was timed."""
    from ..stages.kept import seconds

    return seconds(fingerprint)
