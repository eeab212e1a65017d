"""The accuracy to expect on new inputs without labels: a forecast, from how sure the models are.

It is true only if what makes a class a class did not change; only labels can tell. Of the answer of all seeds together: the
class of the greatest mean probability.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from .calibration import calibration, crossfitted
from .permuted import difference

Z = 1.959964


@dataclass(frozen=True)
class Forecast:
    """Accuracies, from 0 to 1; NaN where `reason`.

    Attributes:
        accuracy, low, high: to expect on the new inputs, and where 95 % of what is then true should lie: by chance alone
            (`expected`), and by how far the calibration may be off (`gap_se`), which on many new inputs is most of it.
        test_forecast: the same of the test set, where each half of it calibrates the other.
        test_accuracy: what is true there.
        gap, gap_se: test_forecast - test_accuracy with its standard error.
        off: whether the gap is more than chance (at 5 %): then the forecast is not to be trusted on new inputs either.
        change, change_se: forecast of the new inputs minus that of the test set, by one calibration, with its standard error.
        p: of no change (two-sided, by units).
        changed: whether p is under the level.
        reason: why there is no forecast; empty where there is one.
    """

    accuracy: float = np.nan
    low: float = np.nan
    high: float = np.nan
    test_forecast: float = np.nan
    test_accuracy: float = np.nan
    gap: float = np.nan
    gap_se: float = np.nan
    off: bool = False
    change: float = np.nan
    change_se: float = np.nan
    p: float = np.nan
    changed: bool = False
    reason: str = ""


def forecast(
    test: np.ndarray,
    labels: np.ndarray,
    test_units: np.ndarray,
    new: np.ndarray,
    new_units: np.ndarray,
    level: float,
) -> Forecast:
    """Return the accuracy to expect on new inputs, what the same reckoning says of the test set, and whether they differ.

    Args:
        test, new: mean probabilities of the seeds (n x K, m x K).
        labels: class codes of the test set (n).
        test_units, new_units: number of each input's unit, such as a group (n, m; int).
        level: the chance of a false alarm, such as .0125.
    """
    if len(new) == 0 or len(np.unique(test_units)) < 2:
        return Forecast(
            reason="there are no new inputs" if len(new) == 0 else "the test set has fewer than two examples"
        )
    calibrated = calibration(test, labels)
    sure, new_sure = (calibrated(side).max(axis=1) for side in (test, new))
    accuracy, sd = expected(new_sure)
    honest = crossfitted(test, labels, test_units).max(axis=1)
    right = (test.argmax(axis=1) == labels).astype(float)
    gap, gap_se = calibration_gap(honest, right, test_units)
    reach = Z * float(np.hypot(sd, gap_se))
    found = difference(sure[:, None], test_units, new_sure[:, None], new_units)
    return Forecast(
        accuracy=accuracy,
        low=max(0.0, accuracy - reach),
        high=min(1.0, accuracy + reach),
        test_forecast=float(honest.mean()),
        test_accuracy=float(right.mean()),
        gap=gap,
        gap_se=gap_se,
        off=bool(abs(gap) > stdtrit(len(np.unique(test_units)) - 1, 0.975) * gap_se),
        change=float(found.mean[0]),
        change_se=float(found.se[0]),
        p=float(found.p[0]),
        changed=bool(found.p[0] < level),
    )


def expected(sure: np.ndarray) -> tuple[float, float]:
    """Return the expected share of right answers, mean p, and its standard deviation, sqrt(sum p (1 - p)) / n.

    Args:
        sure: calibrated probability of each answer (n), 1 or more.
    """
    return float(sure.mean()), float(np.sqrt(np.sum(sure * (1 - sure)))) / len(sure)


def calibration_gap(sure: np.ndarray, right: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    """Return the mean of sure - right with its standard error, of whole units.

    It is never under what chance does to answers of these probabilities: that all were right says little of the spread.

    Args:
        sure: calibrated probability of each answer (n).
        right: 1 for right and 0 for wrong (n).
        units: number of each example's unit (n, int), two or more different ones.
    """
    off = sure - right
    gap = float(off.mean())
    own = np.bincount(np.unique(units, return_inverse=True)[1], off - gap)
    se = float(np.sqrt(np.sum(own**2) * len(own) / (len(own) - 1))) / len(off)
    return gap, max(se, expected(sure)[1])
