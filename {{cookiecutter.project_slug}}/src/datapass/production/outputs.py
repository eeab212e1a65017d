"""Do the models answer new inputs as they answer the held-out test set? Their probabilities, and the classes that they predict.

Lipton, Wang and Smola 2018; Rabanser, Guennemann and Lipton 2019 (arXiv 1810.11953): of all tests of one dimension at a time, those on
the outputs find most. The test set is the old side, never training rows, of which models are surer than of any others.
"""

from dataclasses import dataclass

import numpy as np

from .columns import counts_differ, ks

DIGITS = 4  # of probabilities: a file holds them rounded, and a batch of another size changes the seventh
MASS = 0.001  # mean probability of a class that nothing was tested on, from which it is looked at nevertheless


@dataclass(frozen=True)
class Outputs:
    """How answers differ.

    Attributes:
        p: that nothing changed: twice the less of Bonferroni's p of the probabilities and that of the predicted classes.
        columns: p of each class's probabilities, before Bonferroni (C); NaN for classes left out.
        predicted: p of the predicted classes.
        means: mean probabilities of each class, old and new (2 x C).
        shares: of the predicted classes, old and new (2 x C).
        old, new: inputs.
    """

    p: float
    columns: np.ndarray
    predicted: float
    means: np.ndarray
    shares: np.ndarray
    old: int
    new: int


def compare_outputs(
    old: np.ndarray, new: np.ndarray, tested: np.ndarray, voted: tuple[np.ndarray, np.ndarray] | None = None
) -> Outputs:
    """Test the probabilities of each class and the shares of predicted classes, old against new.

    Rows must be independent: of inputs that come in groups, give one of each, `Inputs.one_of_each`.

    Args:
        old, new: probabilities, the mean of the seeds (n_old x C, n_new x C).
        tested: whether the test set has an example of the class (C, bool); one without, and without mass, is left out.
        voted: predicted codes, old and new (n_old, n_new); else those of the highest probability.
    """
    classes = old.shape[1]
    means = np.stack([side.mean(axis=0) for side in (old, new)])
    kept = np.flatnonzero(np.asarray(tested, bool) | (means.max(axis=0) >= MASS))
    columns = np.full(classes, np.nan)
    for code in kept.tolist():
        columns[code] = ks(old[:, code].round(DIGITS), new[:, code].round(DIGITS))
    answers = voted or (old.argmax(axis=1), new.argmax(axis=1))
    table = np.stack([np.bincount(side, minlength=classes) for side in answers])
    predicted = counts_differ(table)
    least = float(np.nanmin(columns)) * len(kept) if len(kept) else 1.0
    p = min(1.0, 2 * min(least, predicted))
    return Outputs(p, columns, predicted, means, table / table.sum(axis=1, keepdims=True), len(old), len(new))
