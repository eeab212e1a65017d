"""The packed inputs, as the stage `pack` left them: arrays of files or in shards, or the values of rows."""

from typing import TypeAlias

import numpy as np
import pandas as pd

from ..files.paths import ARRAYS, EXAMPLES, INDEX, INPUTS, SHARDS, VALUES
from ..messages.problems import Refusal, quoted
from .examples import packed_rows
from .shards import Sharded, digest, read_sharded

Arrays: TypeAlias = np.ndarray | Sharded  # (n, ...) uint8, memory-mapped or in shards: take rows, do not copy it whole
Packed: TypeAlias = Arrays | pd.DataFrame  # or n rows of typed columns


def read_packed() -> Packed:
    """Return the packed inputs of the workspace. Raises Refusal where there are none."""
    return pd.read_parquet(VALUES) if VALUES.is_file() else read_arrays()


def read_arrays() -> Arrays:
    """Return the packed inputs of the workspace that are arrays. Raises Refusal where there are none."""
    if SHARDS.is_file():
        return read_sharded()
    if ARRAYS.is_file():
        return np.load(ARRAYS, mmap_mode="r", allow_pickle=False).view(np.ndarray)  # plain indexing is faster
    raise Refusal(f"{ARRAYS.parent.as_posix()}/ is missing; `dvc repro` packs the inputs.")


def confirm(packed: Packed, table: pd.DataFrame) -> None:
    """Refuse packed inputs that are not those of the examples, as after `git checkout` without `dvc checkout`.

    Arrays of files are hashed, in a second for each gigabyte; those in shards are as they are read (`Sharded`).

    Args:
        table: examples of data/examples/ (n).
    """
    rows, inputs = packed_rows(table), table["input"].to_numpy(dtype=object)
    index = pd.read_parquet(INDEX, columns=["input"])["input"].to_numpy(dtype=object)
    within = rows < len(index)
    other = ~within
    other[within] = index[rows[within]] != inputs[within]
    if isinstance(packed, np.ndarray) and not other.any():
        other = np.array([digest(packed[row]) for row in rows.tolist()], dtype=object) != inputs
    if other.any():
        first = table["id"].iloc[int(other.argmax())]
        raise Refusal(
            f"{INPUTS.as_posix()}/ does not hold the inputs of {other.sum():,} of {len(table):,} examples of {EXAMPLES.as_posix()}/, such as "
            f"{quoted(first)}: `dvc checkout` brings both of one revision, `dvc repro` makes them anew."
        )


def take(packed: Packed, rows: np.ndarray) -> np.ndarray | pd.DataFrame:
    """Return some of the packed inputs (k of n)."""
    return packed.iloc[rows].reset_index(drop=True) if isinstance(packed, pd.DataFrame) else packed[rows]
