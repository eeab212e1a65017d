"""Did the accuracy fall? From labels of new inputs, looked at as often as one likes.

The interval of a share that is read again and again must hold at all readings at once: a confidence sequence (Robbins 1970).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, betaln, xlog1py, xlogy

ALPHA = 0.05
FLAT = (1.0, 1.0)
WEIGHT = 20.0  # labels
HALVINGS = 60
Numbers = np.ndarray | float


@dataclass(frozen=True)
class ConceptDrift:
    """Whether the error on new inputs is more than the tolerance over that on the test set.

    Attributes:
        new, new_low, new_high: accuracy on the new inputs and its confidence sequence at 1 - alpha / 2; NaN, 0, 1 without labels.
        old, old_low, old_high: accuracy on the test set and its interval at 1 - alpha, each side at alpha / 2; as for new.
        alarm: whether new_high < old_low - tolerance.
    """

    new: float
    new_low: float
    new_high: float
    old: float
    old_low: float
    old_high: float
    alarm: bool


@dataclass(frozen=True)
class Stratified:
    """The accuracy over deliveries of which different parts were labelled.

    Attributes:
        accuracy, low, high: NaN, 0, 1 without labels.
        covered: part of the delivered inputs that are of a delivery with labels; the accuracy is that of these deliveries.
    """

    accuracy: float
    low: float
    high: float
    covered: float


def mixture(p: Numbers, right: Numbers, n: Numbers, prior: tuple[float, float] = FLAT) -> Numbers:
    """Return ln M(p) = ln B(S + a, n - S + b) - ln B(a, b) - S ln p - (n - S) ln (1 - p), for S right of n and prior (a, b).

    At the true p, M is a martingale of mean 1: it ever reaches 1 / alpha with at most the probability alpha (Ville 1939).
    """
    a, b = prior
    known = betaln(right + a, n - right + b) - betaln(a, b)
    return known - xlogy(right, p) - xlog1py(n - right, -p)


def robbins(right: float, n: float, alpha: float = ALPHA, prior: tuple[float, float] = FLAT) -> tuple[float, float]:
    """Return the ends of Robbins' confidence sequence of a share: all p with M(p) < 1 / alpha; see `mixture`.

    Args:
        right: S, from 0 to n; of n draws.
        alpha: the chance that it misses the truth at any of all readings.
        prior: (a, b), chosen without these labels; the sequence is narrowest where the share is about a / (a + b).
    """
    return _end(right, n, 0.0, alpha, prior), _end(right, n, 1.0, alpha, prior)


def _end(right: float, n: float, outside: float, alpha: float, prior: tuple[float, float]) -> float:
    """Return the root between S / n, where ln M is least and not over 0, and 0 or 1, by bisection."""
    if n == 0 or right == n * outside:
        return outside
    inside, limit = right / n, -np.log(alpha)
    with np.errstate(divide="ignore"):
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            if mixture(middle, right, n, prior) < limit:
                inside = middle
            else:
                outside = middle
    return float(outside)


def informed(right_old: float, n_old: float, weight: float = WEIGHT) -> tuple[float, float]:
    """Return the prior that expects the accuracy of the test set, worth `weight` labels; see `robbins`.

    With it a fall from .90 to .85 is seen with a tenth to a fifth fewer labels than with the flat one.
    """
    expected = (right_old + 1) / (n_old + 2)
    return weight * expected, weight * (1 - expected)


def clopper_pearson(right: float, n: float, alpha: float = ALPHA) -> tuple[float, float]:
    """Return the exact interval of a share that is read once (Clopper and Pearson 1934); (0, 1) of none.

    Args:
        right, n: may be fractions, as `effective` gives them.
    """
    low = float(betaincinv(right, n - right + 1, alpha / 2)) if right > 0 else 0.0
    return low, float(betaincinv(right + 1, n - right, 1 - alpha / 2)) if right < n else 1.0


def effective(right: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    """Return how many independent examples these are worth, as (right, n) (Korn and Graubard 1998).

    Args:
        right: whether each example was answered right (n).
        units: number of each example's unit (n, int). Without units of more than one example nothing changes.
    """
    n, codes = len(right), np.unique(units, return_inverse=True)[1]
    count, share = int(codes.max(initial=-1)) + 1, float(np.mean(right)) if len(right) else 0.0
    if count == n:
        return float(np.sum(right)), float(n)
    own = np.bincount(codes, np.asarray(right, dtype=float) - share)
    variance = float(np.sum(own**2)) / n**2 * count / max(1, count - 1)
    worth = share * (1 - share) / variance if variance > 0 else float(count)
    worth = min(float(n), worth)
    return share * worth, worth


def concept_drift(
    right_new: float,
    n_new: float,
    right_old: float,
    n_old: float,
    tolerance: float,
    alpha: float = ALPHA,
    prior: tuple[float, float] = FLAT,
) -> ConceptDrift:
    """Return whether the error grew by more than the tolerance (Podkopaev and Ramdas 2022).

    An alarm where the new error's lower limit is over the old error's upper limit and the tolerance. Where the error did not
    grow by more, either limit is wrong with at most alpha / 2: so a false alarm has at most the probability alpha, however
    often the new labels are read. It does not matter if deliveries are sampled in different parts, if in each the error
    did not grow by more.

    Args:
        right_new, n_new: right answers among the labelled new inputs, drawn at random, one a unit; all of them so far.
        right_old, n_old: on the test set; see `effective` where units have more than one example.
        tolerance: growth of the error that is no reason to act, such as .02.
        prior: see `robbins` and `informed`.
    """
    new_low, new_high = robbins(right_new, n_new, alpha / 2, prior)
    old_low, old_high = clopper_pearson(right_old, n_old, alpha)
    new, old = (right / n if n else np.nan for right, n in ((right_new, n_new), (right_old, n_old)))
    return ConceptDrift(new, new_low, new_high, old, old_low, old_high, new_high < old_low - tolerance)


def stratified(
    right: np.ndarray,
    labelled: np.ndarray,
    delivered: np.ndarray,
    alpha: float = ALPHA,
    prior: tuple[float, float] = FLAT,
) -> Stratified:
    """Return the accuracy over all inputs of some deliveries, each weighted by its number of inputs.

    The interval is made of the deliveries' own (MOVER: Zou and Donner 2008), each Robbins' sequence:
    accuracy - sqrt(sum w^2 (p - low)^2), accuracy + sqrt(sum w^2 (high - p)^2), w = delivered / sum of delivered.

    Args:
        right, labelled, delivered: right answers, labelled inputs drawn at random, and all inputs of each delivery (D each).
        alpha, prior: see `robbins`.
    """
    some = np.asarray(labelled) > 0
    counts = np.stack([right, labelled, delivered]).astype(float)[:, some]
    whole = float(np.sum(delivered))
    if not some.any():
        return Stratified(np.nan, 0.0, 1.0, 0.0)
    weights = counts[2] / counts[2].sum()
    shares = counts[0] / counts[1]
    ends = np.array([robbins(one, n, alpha, prior) for one, n in counts[:2].T])
    accuracy = float(weights @ shares)
    down, up = (float(np.sqrt(np.sum((weights * (shares - end)) ** 2))) for end in ends.T)
    return Stratified(accuracy, max(0.0, accuracy - down), min(1.0, accuracy + up), float(counts[2].sum()) / whole)
