"""Random numbers of examples that depend on their ids alone, not on which others there are: the arms stay paired.

The order of the batches and, where conf/data asks for fewer training examples, which of them a seed gets.
"""

from functools import lru_cache

import numpy as np
import pandas as pd

from ..data.examples import counts
from ..messages.problems import Refusal

SUBSET = (1 << 32) + 1  # a stream of random numbers that neither an epoch of batches nor resampling uses


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


def units(table: pd.DataFrame) -> pd.Series:
    """Return the name of what each training example is drawn with: its group where it has one, else its id."""
    if "group" not in table:
        return table["id"]
    return table["id"].where(table["group"] == "", "group " + table["group"])


def subset(table: pd.DataFrame, size: int | None, seed: int) -> pd.DataFrame:
    """Return a seed's own part of the training examples: stratified by label, nested in size, groups whole.

    Every label gets its share of `size`, less than one example off (`shares`), and fills it with its units in the order
    of their hash, as far as they fit. A unit is an example or a group, which has the label that most of its examples
    have (of equally many the first by name); so with groups it may be somewhat fewer than `size`.

    Args:
        table: of data/examples/; of it only those that count are taken, the others are absent.
        size: None for the table as it is.

    Raises:
        Refusal: where there are fewer examples, or two labels are not among those taken.
    """
    if size is None:
        return table
    table = table[counts(table)]
    if size > len(table):
        raise Refusal(f"conf/data: data.size: {size:,} of {len(table):,} training examples cannot be taken; lower it.")
    pairs = pd.DataFrame({"unit": units(table), "label": table["label"]}).value_counts().rename("size").reset_index()
    pairs = pairs.sort_values(["unit", "size", "label"], ascending=[True, False, True])
    drawn = pairs.groupby("unit", as_index=False).agg(label=("label", "first"), size=("size", "sum"))
    drawn = drawn.iloc[np.argsort(mix(keys(drawn["unit"]), seed, SUBSET), kind="stable")]
    sizes = drawn.groupby("label")["size"].sum()
    room = pd.Series(shares(tuple(sizes), size), sizes.index)
    fits = drawn.groupby("label")["size"].cumsum() <= drawn["label"].map(room)
    if drawn.loc[fits, "label"].nunique() < 2:
        raise Refusal(
            f"conf/data: data.size: seed {seed} gets training examples of fewer than two classes among {size:,}; raise it."
        )
    return table[units(table).isin(drawn.loc[fits, "unit"])].reset_index(drop=True)


@lru_cache
def shares(sizes: tuple[int, ...], number: int) -> np.ndarray:
    """Return how many of each stratum are among the first `number` of all, less than one off its share (int64).

    No stratum's part ever shrinks as `number` grows, which rounding alone does not give: one more is taken at a time, of
    the stratum that must not wait longer (Tijdeman 1980, "The chairman assignment problem").

    Args:
        sizes: of the strata, each 1 or more.
        number: at most their sum.
    """
    share = np.array(sizes) / sum(sizes)
    taken, early = np.zeros(len(sizes), dtype=np.int64), 1 / max(2 * len(sizes) - 2, 1)
    for step in range(1, number + 1):
        due = share * step - taken
        waits = np.where(due >= early - 1e-9, (1 - early - due) / share, np.inf)
        taken[waits.argmin()] += 1
    return taken
