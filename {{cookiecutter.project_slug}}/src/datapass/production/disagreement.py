"""Which new inputs the models are not sure of, which of these to label, and which are a question of policy."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import entr

from ..data.fraction import fraction

FLOOR = 0.1  # of the mean score: so even inputs on which all seeds agree are drawn, as about 1 in 11 of all
UNSURE = 2 / 3  # a probability of the answer under it is low
AGREED = 0.1  # of the entropy: with less disagreement the seeds are of one mind
SAME = 1e-9  # nats


@dataclass(frozen=True)
class Uncertainty:
    """How unsure the models are of each input.

    Attributes:
        scores: 0 or more, in nats (n).
        by: `disagreement` of the seeds; or `entropy` of the mean probabilities, where there is one seed, or where all seeds
            say the same of every input.
    """

    scores: np.ndarray
    by: str


def uncertainty(probabilities: np.ndarray) -> Uncertainty:
    """Return how far the seeds disagree: their Jensen-Shannon divergence, H(mean p) - mean H(p) (Lin 1991).

    Args:
        probabilities: of each seed (S x n x K).
    """
    whole, divergence = _parts(probabilities)
    if _alike(divergence):
        return Uncertainty(whole, "entropy")
    return Uncertainty(divergence, "disagreement")


def draw(
    ids: pd.Series, scores: np.ndarray, units: np.ndarray, number: int, salt: str, floor: float = FLOOR
) -> np.ndarray:
    """Return the rows drawn without replacement in proportion to score + floor, first drawn first (int, `number` at most).

    The key of a row is u^(1 / w), w its weight, and the greatest keys are drawn (Efraimidis and Spirakis 2006); u is a
    hash of its id. So the same inputs are drawn in whatever order they come. Of a unit only the first row drawn counts.

    Args:
        ids: unique (n, str).
        scores: finite, 0 or more (n); scale does not matter.
        units: number of each input's unit, such as a group or copies of one input (n, int).
        number: how many at most.
        salt: another one draws others.
        floor: in means of the scores, over 0.
    """
    mean = float(np.sort(scores).mean()) if len(scores) else 0.0  # sorted: the same to the last bit in any order
    weights = scores / mean + floor if mean > 0 else np.ones(len(scores))
    keys = np.log(np.maximum(fraction(ids, salt), 2.0**-64)) / weights
    order = np.lexsort((ids.to_numpy(dtype=object).astype(str), -keys))
    first = ~pd.Series(np.asarray(units)[order]).duplicated().to_numpy()
    return order[first][:number]


def policy_questions(probabilities: np.ndarray) -> np.ndarray:
    """Return the inputs that no seed is sure of and on which the seeds are of one mind (n, bool).

    More such labels do not help the models where people would label them differently: what belongs to which class must be
    said first (collective outliers, Karamcheti et al. 2021). An input is one where every seed gives the common answer, the
    class of the greatest mean probability, less than 2/3, and the disagreement is at most a tenth of the entropy of the mean.
    With one seed, or seeds that say the same of every input, this cannot be told: none is one.

    Args:
        probabilities: of each seed (S x n x K).
    """
    whole, divergence = _parts(probabilities)
    if _alike(divergence) or len(probabilities) < 2:
        return np.zeros(probabilities.shape[1], dtype=bool)
    answers = probabilities.mean(axis=0).argmax(axis=1)
    given = probabilities[:, np.arange(len(answers)), answers]
    return (given < UNSURE).all(axis=0) & (divergence <= AGREED * whole)


def _parts(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the entropy of the mean and the divergence of each input (n each), in nats."""
    whole = entr(probabilities.mean(axis=0)).sum(axis=1)
    divergence = whole - entr(probabilities).sum(axis=2).mean(axis=0)
    return whole, np.where(divergence > SAME, divergence, 0.0)  # what is left of rounding is none


def _alike(divergence: np.ndarray) -> bool:
    return not divergence.any()
