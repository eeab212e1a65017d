"""Calibrated probabilities: what a model's own probabilities are worth, learnt on the test set's labels.

One temperature T for all classes: p_k^(1/T), rescaled to sum 1 (Guo et al. 2017). It changes no answer. A probability of 0
has no logarithm and of 1e-12 may mean as little: a forest says 0 where none of its 100 trees says otherwise. So probabilities
under a least one count as it, which is chosen by the likelihood too. With 1e-6 for all, the forecast of a forest of 20 trees
was 6 points too low; with 1e-3, that of an over-confident network more than 1 point too high.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

LEASTS = (0.02, 5e-3, 1e-3, 1e-4, 1e-6, 1e-9)
RANGE = (0.02, 50.0)  # of 1 / T
SEED = 20170806


@dataclass(frozen=True)
class Calibration:
    """What makes probabilities calibrated: the least that counts, and 1 / T."""

    least: float
    sharpness: float

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities (n x K)."""
        return tempered(logarithms(probabilities, self.least), self.sharpness)


def calibration(probabilities: np.ndarray, labels: np.ndarray) -> Calibration:
    """Return the calibration of the greatest likelihood, of probabilities (n x K) and class codes (n)."""
    found = []
    for least in LEASTS if len(labels) else LEASTS[-1:]:
        logs = logarithms(probabilities, least)
        sharpness = fitted(logs, labels)
        loss = -float(np.log(tempered(logs, sharpness)[np.arange(len(labels)), labels]).sum())
        found.append((round(loss, 6), -least, sharpness))  # of equally good ones the greatest
    _, least, sharpness = min(found)
    return Calibration(-least, sharpness)


def logarithms(probabilities: np.ndarray, least: float) -> np.ndarray:
    """Return the logarithms of probabilities (n x K), none of which counts under `least`."""
    return np.log(np.maximum(probabilities, least))


def tempered(logs: np.ndarray, sharpness: float) -> np.ndarray:
    """Return the probabilities (n x K) of logarithms (n x K) at 1 / T = sharpness."""
    powers = sharpness * logs
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fitted(logs: np.ndarray, labels: np.ndarray) -> float:
    """Return 1 / T of the greatest likelihood.

    The likelihood is concave in 1 / T, so its slope has one root. A label counts (n + 1/2) / (n + 1) and the other
    classes share the rest (after Platt 1999, with Jeffreys' half for his one): so answers that are all right do not make
    every probability 1.

    Args:
        logs: see `logarithms` (n x K).
        labels: class codes (n); with none, 1 is returned.
    """
    n, classes = logs.shape
    if n == 0 or classes < 2:
        return 1.0
    rest = (logs.sum(axis=1) - logs[np.arange(n), labels]) / (classes - 1)
    wanted = float(((2 * n + 1) * logs[np.arange(n), labels] + rest).sum()) / (2 * n + 2)

    def slope(sharpness: float) -> float:
        return wanted - float((tempered(logs, sharpness) * logs).sum())

    low, high = RANGE
    if slope(low) <= 0:
        return low
    return high if slope(high) >= 0 else float(brentq(slope, low, high, xtol=1e-6))


def crossfitted(probabilities: np.ndarray, labels: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return calibrated probabilities (n x K), each half of the units by the temperature of the other half.

    Args:
        probabilities: (n x K).
        labels: class codes (n).
        units: number of each example's unit (n, int); a unit is never divided.
    """
    names, codes = np.unique(units, return_inverse=True)
    half = (np.random.default_rng(SEED).permutation(len(names)) % 2).astype(bool)[codes]
    found = np.empty(probabilities.shape)
    for part in (half, ~half):
        found[part] = calibration(probabilities[~part], labels[~part])(probabilities[part])
    return found
