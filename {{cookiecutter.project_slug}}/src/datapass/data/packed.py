"""The packed inputs, as the stage `pack` left them: arrays of files or in shards, or the values of rows."""

from typing import TypeAlias

import numpy as np
import pandas as pd

from ..files.paths import ARRAYS, SHARDS, VALUES
from ..messages.problems import Refusal
from .shards import Sharded, read_sharded

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


def take(packed: Packed, rows: np.ndarray) -> np.ndarray | pd.DataFrame:
    """Return some of the packed inputs (k of n)."""
    return packed.iloc[rows].reset_index(drop=True) if isinstance(packed, pd.DataFrame) else packed[rows]
