"""Which new inputs the data has already: they need no label, and say nothing of how right a model is that learnt them."""

import numpy as np
import pandas as pd

from ..data.examples import packed_rows, read_examples
from ..data.packed import Packed, read_packed, take
from ..data.rows import digests
from ..files.paths import TABLES, TEST
from .incoming import Incoming

BY_CHANCE = 0.05  # of the rows agree with another one: then that a new row agrees says nothing


def learnt(incoming: Incoming) -> np.ndarray:
    """Return which inputs of a delivery train or validate, dropped ones included (n, bool)."""
    return in_data(incoming, read_examples([path for path in TABLES if path != TEST]))


def in_data(incoming: Incoming, table: pd.DataFrame) -> np.ndarray:
    """Return which inputs of a delivery some examples are (n, bool).

    By their id, where they were brought back; files and texts by their content. Rows of a table by all their cells, where
    rows of it do not agree by chance, else by their cells and their own id together.

    Args:
        table: of data/examples/.

    Raises:
        Refusal: where data/inputs/ is not here.
    """
    new = incoming.table
    found = (new["id"].isin(table["id"]) | (new["input"].isin(table["input"]) & (new["input"] != ""))).to_numpy()
    if not isinstance(incoming.packed, pd.DataFrame):
        return np.asarray(found)
    old = cells(take(read_packed(), packed_rows(table)), incoming.kinds)
    mine = cells(incoming.packed, incoming.kinds)
    if old.duplicated(keep=False).mean() > BY_CHANCE:
        old, mine = old + own_id(table["id"]), mine + own_id(new["id"])
    return np.asarray(found | mine.isin(old).to_numpy())


def cells(packed: Packed, kinds: dict[str, str]) -> pd.Series:
    """Return a hash of each packed row's cells, whatever its id (n, str)."""
    assert isinstance(packed, pd.DataFrame)
    return digests(packed[list(kinds)], pd.Series("", index=packed.index, dtype="str"))


def own_id(ids: pd.Series) -> pd.Series:
    """Return the ids without the name of a delivery (n, str)."""
    return ids.str.rpartition("/")[2]
