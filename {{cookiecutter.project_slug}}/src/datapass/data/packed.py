"""The packed inputs, as the stage `pack` left them: arrays of files, or the values of rows."""

from typing import TypeAlias

import numpy as np
import pandas as pd

from ..files.paths import ARRAYS, VALUES
from ..messages.problems import Refusal

Packed: TypeAlias = np.ndarray | pd.DataFrame  # (n, ...) uint8, memory-mapped; or n rows of typed columns


def read_packed() -> Packed:
    """Return the packed inputs of the workspace. Raises Refusal where there are none."""
    if ARRAYS.is_file():
        return np.load(ARRAYS, mmap_mode="r", allow_pickle=False).view(np.ndarray)  # plain indexing is faster
    if VALUES.is_file():
        return pd.read_parquet(VALUES)
    raise Refusal(f"{ARRAYS.parent.as_posix()}/ is missing; `dvc repro` packs the inputs.")


def take(packed: Packed, rows: np.ndarray) -> Packed:
    """Return some of the packed inputs (k of n)."""
    return packed.iloc[rows].reset_index(drop=True) if isinstance(packed, pd.DataFrame) else packed[rows]
