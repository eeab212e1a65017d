"""Inputs that stay in their shards, see `shards`: which those are, and a hash of each."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..files.paths import SHARDS, unsafe
from ..files.tables import strings
from ..messages.problems import Problem, quoted
from ..messages.progress import Progress
from .shards import digest, open_shards, read_shards

PLACE = r"(?s)^(?P<folder>.+)#(?P<number>[0-9]{1,18})$"  # of an array in a folder of shards
AT_ONCE = 32  # arrays in memory


def places(paths: pd.Series) -> pd.DataFrame:
    """Return of each path the `folder` of shards that it names, and the `number` in it (n); "" and 0 of a file's."""
    found = pc.extract_regex(strings(paths), PLACE)
    folder, number = (pc.fill_null(pc.struct_field(found, name), "") for name in ("folder", "number"))
    number = pc.cast(pc.if_else(pc.equal(number, ""), "0", number), pa.int64())
    return pd.DataFrame({"folder": folder.to_pandas(), "number": number.to_pandas()})


def hash_shards(place: pd.DataFrame, folder: Path, inputs: Any) -> tuple[np.ndarray, dict[int, str], list[Problem]]:
    """Return the hash of each array that lies in shards (n, object), what is wrong with the others by row, and with folders.

    The arrays of a folder are read in its order, so that a disk goes forward.

    Args:
        place: `folder`, relative to `folder`, and `number` of each; its index are the rows among all inputs (n).
        inputs: with `open` and `shape`.
    """
    digests, wrong, found = np.full(len(place), "", dtype=object), dict[int, str](), list[Problem]()
    progress = Progress("pack", len(place))
    numbers = place["number"].to_numpy()
    for name, rows in place.groupby("folder").indices.items():
        where = quoted(f"{folder.as_posix()}/{name}")[1:-1]
        rows = rows[np.argsort(numbers[rows], kind="stable")]
        try:
            if said := unsafe(str(name)):
                raise ValueError(said)
            shards = open_shards(inputs, folder / str(name))
            there = numbers[rows] < len(shards)
            what = f"{where} holds {len(shards):,} arrays, numbered from 0; it has no such one"
            wrong |= dict.fromkeys(place.index[rows[~there]].tolist(), what)
            for start in range(0, int(there.sum()), AT_ONCE):
                part = rows[there][start : start + AT_ONCE]
                arrays = read_shards(shards, numbers[part], tuple(inputs.shape))
                digests[part] = [digest(np.ascontiguousarray(one)) for one in arrays]
                progress.advance(len(part))
        except ValueError as error:
            found.append(Problem(where, str(error)))
    return digests, wrong, found


def write_places(place: pd.DataFrame, target: Path) -> None:
    """Write shards.parquet into `target`: where each packed input is (n)."""
    files = (place["folder"] == "").to_numpy()
    number = np.where(files, np.cumsum(files) - 1, place["number"])
    place.assign(folder=place["folder"].astype("category"), number=number).to_parquet(target / SHARDS.name, index=False)
