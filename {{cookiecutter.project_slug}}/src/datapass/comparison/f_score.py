"""The F1 of each class and their mean, macro-F1, with intervals over seeds and examples.

F1 is no mean over examples, but `f1_scores` gives each example a score whose mean is F1 itself: F1 plus n times what F1
changes by as that example weighs more (the infinitesimal jackknife; Jaeckel 1972, Efron 1982). The spread of the mean of these
scores is that of F1 in samples that are not tiny, so `crossed` has the interval, which takes the examples and the seeds each for
what they are.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from .crossed import components, gain_arms
from .statistics import Interval

FEW = 5  # of a class with fewer test examples these say too little of how the others would turn


def f1(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return for each seed the F1 of each class and their mean (S x (classes + 1)).

    NaN where a class is in neither truth nor that seed's answers; the mean is over the others.

    Args:
        truth: class codes (n).
        predicted: class codes (S x n).
    """
    hits, total = _counts(truth, predicted, classes)
    there = total > 0
    by_class = np.where(there, 2 * hits / np.maximum(total, 1), 0.0)
    with np.errstate(invalid="ignore"):
        mean = by_class.sum(axis=1) / there.sum(axis=1)
    return np.column_stack([np.where(there, by_class, np.nan), mean])


def macro_f1(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return macro-F1 for each seed (S): the mean over the classes that are in `truth` or in that seed's answers."""
    return f1(truth, predicted, classes)[:, -1]


def f1_scores(truth: np.ndarray, predicted: np.ndarray, classes: int, code: int | None = None) -> np.ndarray:
    """Return a score for each example and seed (n x S) whose mean over the examples is the F1 of a class, or macro-F1.

    With h_k hits of class k, and t_k its examples and its answers together, F_k = 2 h_k / t_k. To class k an example of class
    y that is answered a scores F_k + n / t_k (2 [k = y = a] - F_k [k = y] - F_k [k = a]); to macro-F1 the mean of these.

    Args:
        truth: class codes (n).
        predicted: class codes (S x n).
        code: of the class; None for macro-F1.
    """
    total, values = _counts(truth, predicted, classes)[1], f1(truth, predicted, classes)
    there = (total > 0).astype(float)
    share = there / there.sum(axis=1, keepdims=True) if code is None else there * (np.arange(classes) == code)
    pull = len(truth) * share / np.maximum(total, 1)
    lost, seeds = pull * np.nan_to_num(values[:, :-1]), np.arange(len(predicted))[:, None]
    moved = 2 * (predicted == truth) * pull[seeds, truth] - lost[seeds, truth] - lost[seeds, predicted]
    return (values[:, [-1 if code is None else code]] + moved).T


def f1_intervals(
    truth: np.ndarray,
    sides: list[np.ndarray],
    classes: int,
    units: np.ndarray | None = None,
    paired: bool = True,
) -> list[Interval]:
    """Return the gain in the F1 of each class, and last in their mean, macro-F1, each with its interval.

    NaN where a class is in neither truth nor the answers of some seed.

    Args:
        truth: class codes (n).
        sides: baseline and candidate, class codes (S x n each); or one of them, for its F1 in place of a gain.
        units, paired: as in `crossed.gain_interval`.
    """
    number = _labelled(truth, classes, units)
    return [_interval(truth, sides, classes, code, units, paired, number) for code in (*range(classes), None)]


def macro_f1_interval(
    truth: np.ndarray,
    sides: list[np.ndarray],
    classes: int,
    units: np.ndarray | None = None,
    paired: bool = True,
) -> Interval:
    """Return the gain in macro-F1, or macro-F1 of one side, with its interval; see `f1_intervals`."""
    return _interval(truth, sides, classes, None, units, paired, _labelled(truth, classes, units))


def _interval(
    truth: np.ndarray,
    sides: list[np.ndarray],
    classes: int,
    code: int | None,
    units: np.ndarray | None,
    paired: bool,
    number: np.ndarray,
) -> Interval:
    scores = [f1_scores(truth, answers, classes, code) for answers in sides]
    arms = gain_arms(scores[0], scores[1], paired) if len(scores) == 2 else scores
    parts = components(arms, units)
    parts = replace(parts, rows=parts.rows + parts.units * _few(number, code))
    mean = sum(float(arm.mean()) for arm in arms) if len(truth) else np.nan
    return parts.interval(mean)


def _labelled(truth: np.ndarray, classes: int, units: np.ndarray | None) -> np.ndarray:
    """Return how many independent draws have each label (classes)."""
    if units is None:
        return np.bincount(truth, minlength=classes)
    pairs = pd.unique(truth.astype(np.int64) * (int(units.max(initial=0)) + 1) + units)
    return np.bincount(pairs // (int(units.max(initial=0)) + 1), minlength=classes)


def _few(number: np.ndarray, code: int | None) -> float:
    """Return what classes of FEW examples add to the variance: as if the F1 of each came from one of its n_k more or less.

    Where the one example of a class turned, its own spread is none, and the macro-F1 of K classes has moved by 1 / K.
    """
    few = (number > 0) & (number < FEW)
    if code is not None:
        return float(few[code] / max(number[code], 1) ** 2)
    there = max(1, int(np.count_nonzero(number)))
    return float((few / np.maximum(number, 1) ** 2).sum()) / there**2


def _counts(truth: np.ndarray, predicted: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return of each seed and class how many answers are right, and how many examples and answers there are (S x classes)."""
    hits = [np.bincount(truth[row == truth], minlength=classes) for row in predicted]
    total = [np.bincount(row, minlength=classes) for row in predicted]
    return np.stack(hits), np.stack(total) + np.bincount(truth, minlength=classes)
