"""Class shares of new inputs from a model's answers, where what makes a class a class did not change: two estimates."""

import numpy as np

STEPS, CLOSE = 1000, 1e-7  # of EM


def confusion(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return C[i, j], the share of examples that are predicted i and are j (K x K), of class codes (n each)."""
    return np.bincount(predicted * classes + labels, minlength=classes**2).reshape(classes, classes) / len(labels)


def smallest_singular(confusion: np.ndarray) -> float:
    """Return the smallest singular value of p(predicted i | true j), of C (K x K) with an example of each class.

    Of C itself it is under a class's share however good the model is, which says of a rare class only that it is rare.
    """
    return float(np.linalg.svd(confusion / confusion.sum(axis=0), compute_uv=False).min())


def black_box(confusion: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the ratio new share / old share of each class, w = C^-1 mu (Lipton et al. 2018), none under 0.

    Args:
        confusion: C, of full rank; see `confusion` (K x K).
        predicted: mu, the shares of the classes among the answers to the new inputs (K).
    """
    prior = confusion.sum(axis=0)
    shares = np.maximum(np.linalg.solve(confusion, predicted), 0.0) * prior
    return shares / shares.sum() / prior


def expectation_maximisation(probabilities: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Return the class shares of inputs (K) that make them most likely (Saerens et al. 2002).

    Args:
        probabilities: calibrated, under the prior (n x K).
        prior: class shares where the probabilities were learnt (K), none 0.
    """
    ratios = probabilities / prior
    shares = prior / prior.sum()
    for _ in range(STEPS):
        last, shares = shares, shares * ((1 / (ratios @ shares)) @ ratios)
        shares /= shares.sum()
        if np.abs(shares - last).max() < CLOSE:
            break
    return shares
