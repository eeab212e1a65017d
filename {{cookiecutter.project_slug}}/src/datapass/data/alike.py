"""Which rows share a text, in 8 bytes a row: the texts themselves are held only where two of them hash alike."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..files.parquet import taken

KEY = "datapass: alike "  # of pandas' SipHash, 16 bytes


def hashed(texts: pa.Array | pa.ChunkedArray, key: str = KEY) -> np.ndarray:
    """Return pandas' SipHash of each text (n, uint64)."""
    return pd.util.hash_array(texts.to_numpy(zero_copy_only=False), hash_key=key, categorize=False)


def alike(pieces: Callable[[], Iterable[pa.Array]], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows whose text another row has too, and a number that is equal for equal texts; empty texts are left out.

    Args:
        pieces: the column of strings in pieces, as often as it is called.
        rows: how many there are.

    Returns:
        Rows in order (k, int64) and their numbers (k, int32).
    """
    hashes, start = np.empty(rows, np.uint64), 0
    for piece in pieces():
        hashes[start : start + len(piece)] = hashed(piece)
        start += len(piece)
    ordered = np.sort(hashes)
    several = pd.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    several = several[several != hashed(pa.array([""]))]
    if not len(several):
        return np.empty(0, np.int64), np.empty(0, np.int32)
    found = np.flatnonzero(pd.Series(hashes, copy=False).isin(several))
    del hashes
    codes = taken(pieces(), found).combine_chunks().dictionary_encode().indices.to_numpy()
    again = pd.Series(codes).duplicated(keep=False).to_numpy()  # by their text, where different ones hash alike
    return found[again], codes[again]


def in_order(pieces: Iterator[pa.Array]) -> bool:
    """Return whether each text of a column comes after the one before it, by code points."""
    last = pa.array([], pa.string())
    for piece in pieces:
        both = pa.chunked_array([last, *(piece.chunks if isinstance(piece, pa.ChunkedArray) else [piece])])
        if len(both) > 1 and not pc.all(pc.less(both.slice(0, len(both) - 1), both.slice(1))).as_py():
            return False
        last = pa.array(both.slice(max(len(both) - 1, 0)).to_pylist(), pa.string())
    return True
