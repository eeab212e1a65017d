"""Random numbers of examples that depend on their ids alone, not on which others there are: the arms stay paired."""

import numpy as np
import pandas as pd


def keys(names: pd.Series) -> np.ndarray:
    """Return a 64-bit hash of each id or group (n, uint64)."""
    return pd.util.hash_array(names.to_numpy(dtype=object), categorize=False)


def mix(keys: np.ndarray, seed: int, stream: int) -> np.ndarray:
    """Return for each key a number that depends on it, the seed and the stream alone (n, uint64, uniform).

    The splitmix64 finaliser: Steele et al. 2014, "Fast splittable pseudorandom number generators".
    """
    # Two arguments become one 64-bit stream; multiplication wraps, as it should.
    mixed = keys + np.uint64((seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def order(keys: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return a permutation of the examples that depends on their ids, the seed and the epoch alone.

    Examples that two data revisions share follow each other in the same order in both, whatever was added between them:
    the arms stay paired.
    """
    return np.argsort(mix(keys, seed, epoch), kind="stable")
