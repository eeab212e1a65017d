"""Is a gain more than luck? Intervals over training seeds and test examples at once.

Throughout, D[i, s] is the candidate's score of test example i under seed s minus the baseline's (n x S, unitless), and
the two are paired: same seed, same example. Scores are 1 for right and 0 for wrong. Test examples of one group (a patient,
a writer), and copies of one input, turn together: such a unit counts as one draw, whatever its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
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


def units_of(table: pd.DataFrame) -> np.ndarray:
    """Return the number of each test example's unit: its group, else its input, else itself (n, int)."""
    key = "i" + table["id"]
    for column, sign in (("input", "="), ("group", "g")):
        if column in table:
            key = (sign + table[column]).where(table[column] != "", key)
    return pd.factorize(key)[0]


def gain_interval(old: np.ndarray, new: np.ndarray, units: np.ndarray | None = None, paired: bool = True) -> Interval:
    """Return the mean of new - old scores (each n x S) with its interval over examples and seeds.

    Args:
        units: which examples are one draw (n).
        paired: whether a seed of both sides is one draw, see `crossed_interval` and `unpaired_interval`.
    """
    old, new = old.astype(float), new.astype(float)
    return crossed_interval(new - old, units) if paired else unpaired_interval(old, new, units)


def summed(scores: np.ndarray, units: np.ndarray | None) -> np.ndarray:
    """Return scores (n x S) with the sum of each unit (n) in the place of its examples, scaled so that the mean stays."""
    if units is None or not len(scores):
        return scores
    names, codes = np.unique(units, return_inverse=True)
    if len(names) == len(units):
        return scores
    sums = np.zeros((len(names), scores.shape[1]))
    np.add.at(sums, codes, scores)
    return sums * (len(names) / len(units))


def mean_squares(scores: np.ndarray) -> tuple[float, float, float]:
    """Return the mean squares of rows, of columns and of the rest of an (n x S) matrix; NaN where S is 1 but for rows."""
    n, seeds = scores.shape
    mean, rows, columns = scores.mean(), scores.mean(axis=1), scores.mean(axis=0)
    ms_rows = seeds * np.sum((rows - mean) ** 2) / (n - 1)
    if seeds == 1:
        return float(ms_rows), np.nan, np.nan
    rest = np.sum((scores - rows[:, None] - columns + mean) ** 2) / ((n - 1) * (seeds - 1))
    return float(ms_rows), float(n * np.sum((columns - mean) ** 2) / (seeds - 1)), float(rest)


def unpaired_interval(old: np.ndarray, new: np.ndarray, units: np.ndarray | None = None) -> Interval:
    """Return the mean of new - old scores with its interval, where each side's seeds are draws of their own.

    The test examples are the same on both sides (crossed), the seeds nested in the side. With r the differences of an
    example's means, and c the two-way mean squares of a side a of S_a seeds, the variance of the mean difference is

        MS(r) / n + sum over a of (MSc_a - MSe_a) / (n S_a):

    MS(r) / n holds what examples add and, once, each side's rest; the seeds' part is added where it is estimated above 0.
    Never less than what the seeds' means alone vary by, sum of MSc_a / (n S_a). Degrees of freedom by Satterthwaite, as in
    `crossed_interval`.

    Args:
        old, new: scores (n x S_old, n x S_new).
        units: which examples are one draw (n).
    """
    sides = [summed(scores, units) for scores in (old, new)]
    n = len(sides[0])
    mean = float(sides[1].mean() - sides[0].mean()) if sides[0].size and sides[1].size else np.nan
    if n < 2 or min(side.shape[1] for side in sides) < 2:
        return t_interval(mean, np.nan, 0)
    difference = sides[1].mean(axis=1) - sides[0].mean(axis=1)
    terms = [(float(difference.var(ddof=1)) / n, n - 1)]  # (part of the variance, degrees of freedom)
    seeds_alone = []
    for side in sides:
        size = side.shape[1]
        _, columns, rest = (value / (n * size) for value in mean_squares(side))
        seeds_alone.append((columns, size - 1))
        if columns > rest:
            terms += [(columns, size - 1), (-rest, (n - 1) * (size - 1))]
    variance, terms = max((sum(part for part, _ in some), some) for some in (terms, seeds_alone))
    df = variance**2 / sum(part**2 / free for part, free in terms) if variance > 0 else n - 1
    return t_interval(mean, float(np.sqrt(variance)), float(df))


def crossed_interval(scores: np.ndarray, units: np.ndarray | None = None) -> Interval:
    """Return the mean of an (examples x seeds) matrix with its interval over both.

    Variance components of the two-way crossed random model, with Satterthwaite's degrees of freedom (Satterthwaite 1946;
    Searle, Casella and McCulloch 1992, ch. 4). With one seed only the examples vary. Where `units` (n) says that some
    examples are one draw, their sum takes their place, scaled so that the mean stays.
    """
    scores = summed(scores, units)
    n, seeds = scores.shape
    if n < 2:
        return t_interval(float(scores.mean()) if scores.size else np.nan, np.nan, 0)
    mean, (ms_rows, ms_columns, ms_rest) = float(scores.mean()), mean_squares(scores)
    if seeds == 1:
        return t_interval(mean, float(np.sqrt(ms_rows / n)), n - 1)
    if ms_rows > ms_rest and ms_columns > ms_rest:
        q = ms_rows + ms_columns - ms_rest
        rest = (n - 1) * (seeds - 1)
        df = q**2 / (ms_rows**2 / (n - 1) + ms_columns**2 / (seeds - 1) + ms_rest**2 / rest)
    else:
        q = max(ms_rows, ms_columns)
        df = n - 1 if ms_rows >= ms_columns else seeds - 1
    return t_interval(mean, float(np.sqrt(q / (n * seeds))), float(df))


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
    once = np.ones((1, 1))
    everything = np.zeros(len(truth), dtype=np.int64)
    return np.concatenate([_macro_f1(truth, row, once, classes, everything) for row in predicted])


def macro_f1_interval(
    truth: np.ndarray,
    baseline: np.ndarray,
    candidate: np.ndarray,
    classes: int,
    units: np.ndarray | None = None,
    paired: bool = True,
) -> Interval:
    """Return the gain in macro-F1 with a conservative interval.

    SE^2 is that of the seeds' mean over resampled examples (bootstrap with multinomial weights) plus the variance
    between seeds over S, with S - 1 degrees of freedom; where seeds are not `paired`, both sides' variances add up. Class
    codes: truth (n), baseline and candidate (S x n). Where `units` (n) says that some examples are one draw, units are
    resampled.
    """
    seeds = len(baseline)
    before, after = macro_f1(truth, baseline, classes), macro_f1(truth, candidate, classes)
    gains = after - before
    if seeds < 2:
        return t_interval(float(gains.mean()), np.nan, 0)
    answers = np.column_stack([truth, baseline.T, candidate.T])
    if units is None or len(np.unique(units)) == len(units):
        answers, counts = np.unique(answers, axis=0, return_counts=True)  # few patterns stand for many examples
        codes = np.arange(len(answers))
    else:
        codes = np.unique(units, return_inverse=True)[1]
        counts = np.ones(codes.max() + 1)
    rng, differences = np.random.default_rng(0), []
    for _ in range(0, RESAMPLES, BLOCK):
        weights = rng.multinomial(int(counts.sum()), counts / counts.sum(), BLOCK).astype(float)
        scores = [_macro_f1(answers[:, 0], column, weights, classes, codes) for column in answers[:, 1:].T]
        differences.append(np.mean(scores[seeds:], axis=0) - np.mean(scores[:seeds], axis=0))
    between = gains.var(ddof=1) if paired else before.var(ddof=1) + after.var(ddof=1)
    se = np.sqrt(np.concatenate(differences).var(ddof=1) + between / seeds)
    return t_interval(float(gains.mean()), float(se), seeds - 1)


def _macro_f1(
    truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray, classes: int, codes: np.ndarray
) -> np.ndarray:
    """Return macro-F1 under each row of `weights` (resamples x units); `codes` (n) is the unit of each example."""
    hits, total = np.zeros((weights.shape[1], classes)), np.zeros((weights.shape[1], classes))
    np.add.at(hits, (codes, truth), truth == predicted)
    np.add.at(total, (codes, truth), 1)
    np.add.at(total, (codes, predicted), 1)
    hits, total = weights @ hits, weights @ total
    with np.errstate(invalid="ignore"):
        return np.nanmean(np.where(total > 0, 2 * hits / total, np.nan), axis=1)
