"""Is a gain more than luck? Intervals over training seeds and test examples at once.

Throughout, D[i, s] is the candidate's score of test example i under seed s minus the baseline's (n x S, unitless), and
the two are paired: same seed, same example. Scores are 1 for right and 0 for wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, stdtr, stdtrit

LEVEL = 0.95
RESAMPLES = 1000


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
        return (1.96 + 0.8416) * self.se


def t_interval(mean: float, se: float, df: float) -> Interval:
    """Return mean +- t(.975, df) se."""
    if not df > 0 or not np.isfinite(se):
        return Interval(mean, np.nan, df, np.nan, np.nan, np.nan)
    reach = float(stdtrit(df, 0.5 + LEVEL / 2)) * se
    p = 2 * float(stdtr(df, -abs(mean) / se)) if se > 0 else float(mean == 0)
    return Interval(mean, se, df, mean - reach, mean + reach, p)


def crossed_interval(scores: np.ndarray) -> Interval:
    """Return the mean of an (examples x seeds) matrix with its interval over both.

    Variance components of the two-way crossed random model, with Satterthwaite's degrees of freedom (Satterthwaite 1946;
    Searle, Casella and McCulloch 1992, ch. 4). With one seed only the examples vary.
    """
    n, seeds = scores.shape
    if n < 2:
        return t_interval(float(scores.mean()) if scores.size else np.nan, np.nan, 0)
    mean = scores.mean()
    rows, columns = scores.mean(axis=1), scores.mean(axis=0)
    ms_rows = seeds * np.sum((rows - mean) ** 2) / (n - 1)
    if seeds == 1:
        return t_interval(float(mean), float(np.sqrt(ms_rows / n)), n - 1)
    ms_columns = n * np.sum((columns - mean) ** 2) / (seeds - 1)
    rest = (n - 1) * (seeds - 1)
    ms_rest = np.sum((scores - rows[:, None] - columns + mean) ** 2) / rest
    if ms_rows > ms_rest and ms_columns > ms_rest:
        q = ms_rows + ms_columns - ms_rest
        df = q**2 / (ms_rows**2 / (n - 1) + ms_columns**2 / (seeds - 1) + ms_rest**2 / rest)
    else:
        q = max(ms_rows, ms_columns)
        df = n - 1 if ms_rows >= ms_columns else seeds - 1
    return t_interval(float(mean), float(np.sqrt(q / (n * seeds))), float(df))


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
    patterns, counts = _patterns(truth, predicted)
    return np.concatenate([_macro_f1(patterns[:, 0], column, counts[None], classes) for column in patterns[:, 1:].T])


def macro_f1_interval(truth: np.ndarray, baseline: np.ndarray, candidate: np.ndarray, classes: int) -> Interval:
    """Return the gain in macro-F1 with a conservative interval.

    SE^2 is that of the seeds' mean over resampled examples (bootstrap with multinomial weights) plus the variance
    between seeds over S, with S - 1 degrees of freedom. Class codes: truth (n), baseline and candidate (S x n).
    """
    seeds = len(baseline)
    gains = macro_f1(truth, candidate, classes) - macro_f1(truth, baseline, classes)
    if seeds < 2:
        return t_interval(float(gains.mean()), np.nan, 0)
    patterns, counts = _patterns(truth, np.concatenate([baseline, candidate]))
    weights = np.random.default_rng(0).multinomial(len(truth), counts / counts.sum(), RESAMPLES).astype(float)
    scores = [_macro_f1(patterns[:, 0], column, weights, classes) for column in patterns[:, 1:].T]
    resampled = np.mean(scores[seeds:], axis=0) - np.mean(scores[:seeds], axis=0)
    se = np.sqrt(resampled.var(ddof=1) + gains.var(ddof=1) / seeds)
    return t_interval(float(gains.mean()), float(se), seeds - 1)


def _patterns(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different rows of (truth, answers of all seeds) and how often each occurs."""
    return np.unique(np.column_stack([truth, predicted.T]), axis=0, return_counts=True)


def _macro_f1(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray, classes: int) -> np.ndarray:
    """Return macro-F1 under each row of `weights` (resamples x patterns)."""
    is_truth = (truth[:, None] == np.arange(classes)).astype(float)
    is_predicted = (predicted[:, None] == np.arange(classes)).astype(float)
    hits = weights @ (is_truth * is_predicted)
    total = weights @ (is_truth + is_predicted)
    with np.errstate(invalid="ignore"):
        return np.nanmean(np.where(total > 0, 2 * hits / total, np.nan), axis=1)
