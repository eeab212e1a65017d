"""Intervals and tests: what the verdict computes with. Means of a score are in `crossed`, the classes' F1 in `f_score`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, stdtr, stdtrit

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        mean, low, high: in the unit of the scores; `low` and `high` are NaN where there is nothing to estimate from.
        se: standard error.
        df: degrees of freedom of the t distribution.
        p: two-sided p-value of mean = 0.
    """

    mean: float
    se: float
    df: float
    low: float
    high: float
    p: float

    @property
    def detectable(self) -> float:
        """Smallest gain that this many seeds and examples would show in 4 of 5 tries (power .8, two-sided .05)."""
        return float(stdtrit(self.df, 0.5 + LEVEL / 2) + stdtrit(self.df, 0.8)) * self.se


def t_interval(mean: float, se: float, df: float) -> Interval:
    """Return mean +- t(.975, df) se."""
    if not df > 0 or not np.isfinite(se):
        return Interval(mean, np.nan, df, np.nan, np.nan, np.nan)
    reach = float(stdtrit(df, 0.5 + LEVEL / 2)) * se
    p = 2 * float(stdtr(df, -abs(mean) / se)) if se > 0 else float(mean == 0)
    return Interval(mean, se, df, mean - reach, mean + reach, p)


def mcnemar(b: int, c: int) -> tuple[float, float]:
    """Return the exact two-sided and the mid p-value of McNemar's test.

    Args:
        b, c: test examples that only the one, and only the other model got right.
    """
    n = b + c
    if n == 0:
        return 1.0, 1.0
    k = min(b, c)
    below = float(bdtr(k, n, 0.5))
    at = below - (float(bdtr(k - 1, n, 0.5)) if k else 0.0)
    return min(1.0, 2 * below), min(1.0, 2 * below - at)


def holm(p: Sequence[float]) -> np.ndarray:
    """Return Holm's adjusted p-values, in the order given (Holm 1979). NaN stays NaN and is not counted."""
    values = np.asarray(p, dtype=float)
    adjusted = np.full(len(values), np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return adjusted


def recall(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the recall of each class (S x classes); NaN for classes without an example.

    Args:
        truth: class codes (n).
        predicted: class codes (S x n).
    """
    support = np.bincount(truth, minlength=classes)
    hits = np.stack([np.bincount(truth[row == truth], minlength=classes) for row in predicted])
    with np.errstate(invalid="ignore"):
        return hits / np.where(support > 0, support, np.nan)
