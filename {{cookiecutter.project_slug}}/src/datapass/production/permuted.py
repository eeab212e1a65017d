"""Do the means of two samples differ? A test by permutation of whole units: patients, writers, copies of one input.

Where both samples come from the same source it holds its level with any number of units, classes however rare, and
values of any kind. By rows instead, groups of ten that are alike gave 53 % of false alarms at 5 %. The statistic is
studentised, so that with many units it also holds where the two samples have the same means and are spread differently
(Janssen 1997; Chung and Romano 2013). Of several columns, each is held against the largest statistic of all in each
permutation (Westfall and Young 1993): Bonferroni's promise, at a lower price.
"""

from dataclasses import dataclass

import numpy as np

BLOCK, BLOCKS = 250, 16  # permutations: 4,000 at most
ENOUGH = 20  # as many permutations at least as extreme, and no more are needed (Besag and Clifford 1991)
MOST = (
    10_000  # units of a sample that are permuted; of more, a part drawn at random, which shows any change worth a word
)
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
    tables = [_sums(centred[: len(old)], old_units), _sums(centred[len(old) :], new_units)]
    mean, se = _whole(*tables)
    return Difference(mean, se, _p(*(_some(table) for table in tables)))


def _sums(values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return a row for each unit: its sums of each value (k), their squares (k) and its number of rows."""
    codes = np.unique(units, return_inverse=True)[1]
    sizes = np.bincount(codes)
    sums = np.stack([np.bincount(codes, column, len(sizes)) for column in values.T], axis=1)
    return np.concatenate([sums, sums**2, sizes[:, None]], axis=1)


def _some(table: np.ndarray) -> np.ndarray:
    """Return the sums of `MOST` units at most, in an order that does not depend on that of the units."""
    table = table[np.lexsort(table.T)]
    if len(table) <= MOST:
        return table
    return table[np.random.default_rng(SEED).choice(len(table), MOST, replace=False)]


def _whole(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _apart(old.sum(axis=0), new.sum(axis=0), len(old), len(new))


def _apart(old: np.ndarray, new: np.ndarray, old_units: int, new_units: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the differences of the means and their standard errors (... x k each) of sums over units (... x 2 k + 1)."""
    k = old.shape[-1] // 2
    means, variances = [], []
    for sums, units in ((old, old_units), (new, new_units)):
        rows = sums[..., -1:]
        means.append(sums[..., :k] / rows)
        spread = np.maximum(sums[..., k : 2 * k] - sums[..., :k] ** 2 / units, 0.0)
        variances.append(spread / rows**2 * units / max(1, units - 1))
    return means[1] - means[0], np.sqrt(variances[0] + variances[1])


def _ratio(mean: np.ndarray, se: np.ndarray) -> np.ndarray:
    """Return |mean| / se; 0 where nothing differs, infinite where the samples differ and are constant."""
    size = np.abs(mean)
    size = np.where(size < 1e-12, 0.0, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, np.where(se > 1e-12, size / se, np.inf), 0.0)


def _p(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return (1 + permutations whose largest statistic is at least as large) / (1 + permutations), of each column."""
    limit = _ratio(*_whole(old, new)) * (1 - 1e-9)
    table, small, large = np.concatenate([old, new]), *sorted((len(old), len(new)))
    rng, sums = np.random.default_rng(SEED), table.sum(axis=0)
    extreme, tried = np.zeros(len(limit), dtype=int), 0
    while tried < BLOCKS * BLOCK and (extreme < ENOUGH).any():
        part = np.stack([table[rng.choice(len(table), small, replace=False)].sum(axis=0) for _ in range(BLOCK)])
        found = _ratio(*_apart(part, sums - part, small, large))
        extreme += (found.max(axis=1, keepdims=True) >= limit).sum(axis=0)
        tried += BLOCK
    return (1 + extreme) / (1 + tried)
