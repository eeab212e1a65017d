"""Is a gain more than luck? Intervals over training seeds and test examples at once.

Throughout, D[i, s] is the candidate's score of test example i under seed s minus the baseline's (n x S, unitless), and
the two are paired: same seed, same example; where both were trained in different environments only the examples are the
same, and the seeds of each side its own. Scores are a metric's, such as 1 for right and 0 for wrong; see `metric`. Test
examples of one group (a patient, a writer), and copies of one input, turn together: such a unit counts as one draw, whatever its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
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


def crossed_interval(scores: np.ndarray, units: np.ndarray | None = None) -> Interval:
    """Return the mean of an (examples x seeds) matrix with its interval over both; see `_interval`."""
    return _interval([scores], units)


def gain_interval(
    baseline: np.ndarray, candidate: np.ndarray, units: np.ndarray | None = None, paired: bool = True
) -> Interval:
    """Return the gain of scores (n x S each) with its interval over examples and seeds; see `_interval`.

    Args:
        paired: whether a seed is the same training on both sides, but for the data. If not, the seeds of each side are
            taken on their own, and may be of another number.
    """
    old, new = baseline.astype(float), candidate.astype(float)
    return _interval([new - old] if paired else [new, -old], units)


def _interval(arms: list[np.ndarray], units: np.ndarray | None) -> Interval:
    """Return the sum of the arms' means, each arm (n x its seeds), with its interval over seeds and shared examples.

    Variance components of the two-way crossed random model, with Satterthwaite's degrees of freedom (Satterthwaite 1946;
    Searle, Casella and McCulloch 1992, ch. 4). Score i, s of arm a is mu_a + p_ai + c_as + e_ais: an example's parts p may
    go together in all arms, seeds c and rest e are each arm's own. With r_i the sum of the arms' row means, m their mean,
    and MSc_a and MSe_a the mean squares of columns and rest within an arm of S_a seeds:

        MSr = sum (r_i - m)^2 / (n - 1)   estimates Var(sum_a p_a) + sum_a Var(e_a) / S_a
        (MSc_a - MSe_a) / (n S_a)         estimates Var(c_a) / S_a
        Var(m) = MSr / n + sum_a (MSc_a - MSe_a) / (n S_a)

    A seed part under 0 is left out, and where the examples' part sum_a p_a is under 0 the columns alone remain: the
    variance is never under that of the rows (MSr / n) or of the columns (sum_a MSc_a / (n S_a)). One arm of differences is
    the paired comparison; with one seed only the examples vary. Where `units` (n) says that some examples are one draw,
    their sum takes their place, scaled so that the mean stays.
    """
    if units is not None and len(units):
        names, codes = np.unique(units, return_inverse=True)
        if len(names) < len(units):
            belongs = csr_array((np.ones(len(units)), (codes, np.arange(len(units)))))
            arms = [belongs @ arm * (len(names) / len(units)) for arm in arms]
    n = len(arms[0])
    if n < 2:
        return t_interval(sum(float(arm.mean()) for arm in arms) if arms[0].size else np.nan, np.nan, 0)
    means = [arm.mean(axis=1) for arm in arms]
    mean = float(sum(rows.mean() for rows in means))
    terms = [(float(np.sum((sum(means) - mean) ** 2)) / (n - 1) / n, n - 1)]  # (part of the variance, its df)
    columns = []
    for arm, rows in zip(arms, means, strict=True):
        seeds = arm.shape[1]
        if seeds > 1:
            own, df = arm.mean(axis=0), (n - 1) * (seeds - 1)
            seed_part = float(np.sum((own - rows.mean()) ** 2)) / (seeds - 1) / seeds
            rest = float(np.sum((arm - rows[:, None] - own + rows.mean()) ** 2)) / df / (n * seeds)
            columns.append((seed_part, seeds - 1))
            terms += [(seed_part, seeds - 1), (-rest, df)] if seed_part > rest else []
    terms = max(terms, columns, key=lambda parts: sum(part for part, _ in parts))
    variance = sum(part for part, _ in terms)
    df = variance**2 / sum(part**2 / df for part, df in terms) if variance > 0 else n - 1
    return t_interval(mean, float(np.sqrt(variance)), df)


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
