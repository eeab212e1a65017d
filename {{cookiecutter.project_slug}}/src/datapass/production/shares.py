"""Class shares of new inputs without labels: did they change, and to what?

All of it holds only if what makes a class a class did not change (label shift: Saerens et al. 2002; Lipton et al. 2018).
Only labels can tell whether it did.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from .calibration import calibration, fitted, logarithms, tempered
from .label_shift import black_box, confusion, expectation_maximisation, smallest_singular
from .permuted import difference

LEAST_SINGULAR = 0.05
TINY = 1e-30
ALPHA, Z = 0.05, 1.959964  # of the intervals
DRAWS, MOST = 100, 1000  # bootstrap: samples, and units of a side in each
SEED = 20180703


@dataclass(frozen=True)
class Shares:
    """Shares of the classes, or why they cannot be told.

    Attributes:
        table: a row for each class (K), in code order: `test` its share of the test set's labels, `new` its estimated
            share of the new inputs, `low` and `high` of the latter's 95 % interval, `ratio` new / test, `black_box` the
            new share by the other estimate (see `black_box`), `p` of no change (two-sided, adjusted for all classes), and
            `changed`, whether p is under the level. NaN for a class without a test example, and throughout where `reason`.
        reason: why nothing can be told; empty where it can.
        p: of no change in any class; NaN where `reason`.
        changed: whether p is under the level.
        singular: smallest singular value of p(predicted | true) on the test set; 1 where all is predicted right.
    """

    table: pd.DataFrame
    reason: str
    p: float
    changed: bool
    singular: float


def class_shares(
    test: np.ndarray,
    labels: np.ndarray,
    test_units: np.ndarray,
    new: np.ndarray,
    new_units: np.ndarray,
    level: float,
) -> Shares:
    """Return the class shares of new inputs, and whether they are others than the test set's.

    The test asks whether test set and new inputs look alike in the direction in which the share of a class would change
    them; see `directions` and `permuted`. So it holds its level with rare classes and with probabilities that are off.

    Args:
        test, new: mean probabilities of the seeds (n x K, m x K).
        labels: class codes of the test set (n).
        test_units, new_units: number of each input's unit, such as a group (n, m; int).
        level: the chance of a false alarm over all classes, such as .0125.
    """
    classes = test.shape[1]
    counts = np.bincount(labels, minlength=classes)
    there = np.flatnonzero(counts)
    table = pd.DataFrame(
        np.nan, index=range(classes), columns=["test", "new", "low", "high", "ratio", "black_box", "p"]
    )
    table["test"] = counts / max(1, len(labels))
    table["changed"] = False
    singular = np.nan
    if len(new) == 0 or len(there) < 2:
        reason = "there are no new inputs" if len(new) == 0 else "the test set has examples of fewer than two classes"
        return Shares(table, reason, np.nan, False, singular)
    codes = np.searchsorted(there, labels)
    olds, news = (_kept(side, there) for side in (test, new))
    predicted = olds.argmax(axis=1)
    singular = smallest_singular(confusion(predicted, codes, len(there)))
    if singular < LEAST_SINGULAR:
        never = len(there) - len(np.unique(predicted))
        what = f"never answer {never:,} of the classes" if never else "take some classes for each other too often"
        value = (
            f"the smallest singular value of the test set's confusion matrix is {singular:.3f}, under {LEAST_SINGULAR}"
        )
        reason = f"on the test set the models {what}, so that the shares cannot be told apart ({value})"
        return Shares(table, reason, np.nan, False, singular)
    estimate, low, high = estimates(olds, codes, test_units, news, new_units)
    weights = black_box(confusion(predicted, codes, len(there)), _frequencies(news.argmax(axis=1), len(there)))
    p = no_change(olds, codes, test_units, news, new_units)
    share = table.loc[there, "test"].to_numpy()
    found = [estimate, low, high, estimate / share, weights * share, p]
    table.loc[there, ["new", "low", "high", "ratio", "black_box", "p"]] = np.stack(found, axis=1)
    table.loc[there, "changed"] = p < level
    return Shares(table, "", float(p.min()), bool(p.min() < level), singular)


def estimates(
    test: np.ndarray, labels: np.ndarray, test_units: np.ndarray, new: np.ndarray, new_units: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shares of the classes among new inputs, and the ends of their 95 % intervals (K each).

    The standard error is a bootstrap's of both sides by units, the temperature fitted again each time. No interval is
    narrower than that of a share that was counted on as many units (Clopper and Pearson 1934).

    Args:
        test, labels, test_units, new, new_units: as for `class_shares`, with a test example of each class.
    """
    rng = np.random.default_rng(SEED)
    least = calibration(test, labels).least
    test, new = logarithms(test, least), logarithms(new, least)
    found = _estimate(test, labels, new)
    variance = np.zeros(test.shape[1])
    old_rows, old_codes, old_scale = _some(test_units, rng)
    new_rows, new_codes, new_scale = _some(new_units, rng)
    olds, names, news = test[old_rows], labels[old_rows], new[new_rows]
    drawn = [_again(old_codes, rng) for _ in range(DRAWS)]
    variance += old_scale * np.var([_estimate(olds[rows], names[rows], news) for rows in drawn], axis=0, ddof=1)
    drawn = [_again(new_codes, rng) for _ in range(DRAWS)]
    variance += new_scale * np.var([_estimate(olds, names, news[rows]) for rows in drawn], axis=0, ddof=1)
    reach = Z * np.sqrt(variance)
    n = len(np.unique(new_units))
    lowest = betaincinv(found * n, n - found * n + 1, ALPHA / 2, where=found * n > 0, out=np.zeros_like(found))
    highest = betaincinv(found * n + 1, n - found * n, 1 - ALPHA / 2, where=found * n < n, out=np.ones_like(found))
    return (
        found,
        np.maximum(0.0, np.minimum(found - reach, lowest)),
        np.minimum(1.0, np.maximum(found + reach, highest)),
    )


def no_change(
    test: np.ndarray, labels: np.ndarray, test_units: np.ndarray, new: np.ndarray, new_units: np.ndarray
) -> np.ndarray:
    """Return the p-values of no change of each class's share, adjusted for all classes (K); arguments as for `estimates`."""
    calibrated = calibration(test, labels)
    old, now = calibrated(test), calibrated(new)
    found = directions(np.concatenate([old, now]))
    return difference(old @ found, test_units, now @ found, new_units).p


def directions(probabilities: np.ndarray) -> np.ndarray:
    """Return the matrix H^-1, H = mean of p p', of calibrated probabilities p (n x K; K x K).

    The change of the mean of H^-1 p is the first step of Newton's method towards the ratios w that EM finds, from w = 1:
    each class's own change, with what the other classes' changes do to its probability taken off.
    """
    return np.linalg.pinv(probabilities.T @ probabilities / len(probabilities), rcond=1e-6, hermitian=True)


def _estimate(test: np.ndarray, labels: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the shares of classes among new inputs (K) by EM, of logarithms of probabilities.

    EM's prior is the mean of the calibrated probabilities, and the ratio to it is taken to the labels' shares. So where
    nothing changed nothing changes, however far the probabilities are off.
    """
    sharpness = fitted(test, labels)
    prior = tempered(test, sharpness).mean(axis=0)
    shares = expectation_maximisation(tempered(new, sharpness), prior) / prior * _frequencies(labels, test.shape[1])
    return shares / shares.sum()


def _kept(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the probabilities of some classes alone (n x classes), equal where they are all 0."""
    some = np.maximum(probabilities[:, classes], TINY)
    return some / some.sum(axis=1, keepdims=True)


def _frequencies(codes: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(codes, minlength=classes) / max(1, len(codes))


def _some(units: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the rows of `MOST` units at most, their units' numbers from 0, and the part of the units that they are."""
    names, codes = np.unique(units, return_inverse=True)
    if len(names) <= MOST:
        return np.arange(len(units)), codes, 1.0
    taken = np.full(len(names), -1)
    taken[rng.choice(len(names), MOST, replace=False)] = np.arange(MOST)
    rows = np.flatnonzero(taken[codes] >= 0)
    return rows, taken[codes[rows]], MOST / len(names)


def _again(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of as many units drawn with replacement."""
    units = codes.max() + 1
    times = np.bincount(rng.integers(units, size=units), minlength=units)
    return np.repeat(np.arange(len(codes)), times[codes])
