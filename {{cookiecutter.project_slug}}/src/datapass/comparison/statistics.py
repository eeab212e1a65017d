"""Intervals, tests and the classes' F1: what the verdict computes with. Means of a score are in `crossed`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, stdtr, stdtrit

LEVEL = 0.95
RESAMPLES, BLOCK = 1000, 100


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


def macro_f1(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return macro-F1 for each seed (S): the mean over the classes that are in `truth` or in that seed's answers."""
    return f1(truth, predicted, classes)[:, -1]


def macro_f1_interval(
    truth: np.ndarray,
    baseline: np.ndarray,
    candidate: np.ndarray,
    classes: int,
    units: np.ndarray | None = None,
    paired: bool = True,
) -> Interval:
    """Return the gain in macro-F1 with a conservative interval; see `f1_intervals`."""
    return f1_intervals(truth, [baseline, candidate], classes, units, paired)[-1]


def f1_intervals(
    truth: np.ndarray,
    sides: list[np.ndarray],
    classes: int,
    units: np.ndarray | None = None,
    paired: bool = True,
) -> list[Interval]:
    """Return the gain in the F1 of each class, and last in their mean, macro-F1, each with a conservative interval.

    SE^2 is that of the seeds' mean over resampled examples (bootstrap with multinomial weights) plus the variance
    between seeds over S, of the differences or, unpaired, of each side; the degrees of freedom are S - 1 of the smaller
    side.

    Args:
        truth: class codes (n).
        sides: baseline and candidate, class codes (S x n each); or one of them, for its F1 in place of a gain.
        units: (n) where some examples are one draw: units are resampled.
    """
    scores = [f1(truth, answers, classes) for answers in sides]
    arms = [scores[1] - scores[0]] if paired and len(sides) == 2 else scores
    fewest = min(len(arm) for arm in arms)
    means = scores[-1].mean(axis=0) - (scores[0].mean(axis=0) if len(sides) == 2 else 0)
    if fewest < 2 or len(truth) < 2:
        return [t_interval(float(mean), np.nan, 0) for mean in means]
    answers = np.column_stack([truth, *(side.T for side in sides)])
    if units is None or len(np.unique(units)) == len(units):
        answers, counts = np.unique(answers, axis=0, return_counts=True)  # few patterns stand for many examples
        codes = np.arange(len(answers))
    else:
        codes = np.unique(units, return_inverse=True)[1]
        counts = np.ones(codes.max() + 1)
    rng, differences = np.random.default_rng(0), []
    seeds = len(sides[0]) if len(sides) == 2 else 0
    for _ in range(0, RESAMPLES, BLOCK):
        weights = rng.multinomial(int(counts.sum()), counts / counts.sum(), BLOCK).astype(float)
        drawn = [_f1(answers[:, 0], column, weights, classes, codes) for column in answers[:, 1:].T]
        differences.append(np.mean(drawn[seeds:], axis=0) - (np.mean(drawn[:seeds], axis=0) if seeds else 0))
    resampled = np.concatenate(differences)
    known = ~np.isnan(resampled)  # a rare class may be in none of the examples that were drawn
    number = np.maximum(known.sum(axis=0), 1)
    away = np.where(known, resampled - np.where(known, resampled, 0).sum(axis=0) / number, 0)
    within = np.where(number > 1, (away**2).sum(axis=0) / np.maximum(number - 1, 1), np.nan)
    between = sum(arm.var(axis=0, ddof=1) / len(arm) for arm in arms)
    return [
        t_interval(float(mean), float(se), fewest - 1)
        for mean, se in zip(means, np.sqrt(within + between), strict=True)
    ]


def f1(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return for each seed the F1 of each class and their mean (S x (classes + 1))."""
    once, everything = np.ones((1, 1)), np.zeros(len(truth), dtype=np.int64)
    return np.concatenate([_f1(truth, row, once, classes, everything) for row in predicted])


def _f1(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray, classes: int, codes: np.ndarray) -> np.ndarray:
    """Return F1 under each row of `weights` (resamples x units), by class and last their mean (resamples x (classes + 1)).

    NaN where a class is in neither truth nor answers; `codes` (n) is the unit of each example.
    """
    hits, total = np.zeros((weights.shape[1], classes)), np.zeros((weights.shape[1], classes))
    np.add.at(hits, (codes, truth), truth == predicted)
    np.add.at(total, (codes, truth), 1)
    np.add.at(total, (codes, predicted), 1)
    hits, total = weights @ hits, weights @ total
    there = total > 0
    with np.errstate(invalid="ignore"):
        by_class = np.where(there, 2 * hits / np.where(there, total, 1), np.nan)
        mean = np.where(there, by_class, 0).sum(axis=1) / there.sum(axis=1)
    return np.column_stack([by_class, mean])
