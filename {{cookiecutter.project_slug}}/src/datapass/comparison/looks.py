"""What a verdict is worth after many looks at one test set. It informs and never blocks.

The best of many tries looks better than it is. Over all looks a verdict holds where its adjusted p is under 5 %: of k
tries each gets its part of the 5 %, 1 / (k (k + 1)) of it, as these parts add up to at most 1 however long it goes on; or,
where the project has declared how many looks K there will be, 1 / K of it each, and nothing after the K-th.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from .statistics import Interval
from .ways import ALPHA, Ways, reach


@dataclass(frozen=True)
class AllLooks:
    """What holds over all looks so far at a test set.

    Attributes:
        tries: different data revisions that were scored on it, but the baseline; this is the last of them.
        budget: the number of looks that the baseline's params.yaml declares; None where it declares none.
        ignored: what the candidate's declares where that differs, and which counts for nothing yet.
        p: this look's p, adjusted; by the reading that is worst for its verdict, of which the interval is too.
        alpha: this look's part of the 5 %; 0 where the budget is spent.
        low, high: the interval of the gain at 1 - alpha; NaN where the budget is spent.
        holds: whether the verdict of this look does.
        ways: what would show the gain over all looks, if it is true.
    """

    tries: int
    budget: int | None
    ignored: int | None
    p: float
    alpha: float
    low: float
    high: float
    holds: bool
    ways: Ways | None = None


def part(tries: int, budget: int | None = None) -> float:
    """Return the part of the 5 % that try k gets: 1 / (k (k + 1)), or 1 / K of a budget of K until that is spent."""
    if budget is None:
        return 1 / (tries * (tries + 1))
    return 1 / budget if tries <= budget else 0.0


def adjusted(p: float, tries: int, budget: int | None = None) -> float:
    """Return min(1, k (k + 1) p) at try k; with a budget of K looks min(1, K p), and 1 where it is spent."""
    share = part(tries, budget)
    return min(1.0, p / share) if share > 0 else 1.0


def over_all(
    readings: Sequence[Interval], found: bool, tries: int, budget: int | None = None, ignored: int | None = None
) -> AllLooks:
    """Return what holds over all looks of a gain.

    Args:
        readings: the gain by each reading that its verdict has to stand, see `equivalence.readings`.
        found: whether the verdict of this look is `helps` or `hurts`.
        tries, budget, ignored: see `AllLooks`.
    """
    alpha = ALPHA * part(tries, budget)
    p_of = [adjusted(one.p if one.mean * readings[0].mean > 0 else 1.0, tries, budget) for one in readings]
    p = max(p_of)
    gain = readings[p_of.index(p)] if found else readings[0]
    far = reach(gain, alpha) if alpha > 0 else np.nan
    return AllLooks(tries, budget, ignored, p, alpha, gain.mean - far, gain.mean + far, found and p < ALPHA)


def luck(k: int) -> float:
    """Return the expected best of k standard normal draws, in standard errors: 0 for 1, .56 for 2, 1.54 for 10."""
    x = np.linspace(-10, 10, 20001)
    density = k * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) * ndtr(x) ** (k - 1)
    return float(np.trapezoid(x * density, x))
