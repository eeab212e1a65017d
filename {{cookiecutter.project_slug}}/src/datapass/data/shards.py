"""Inputs that stay in the shards in which they were delivered: folders of data/raw/ that the team's `inputs` opens.

A path of labels.csv such as `2026-10/shards#17` names an array of a folder, counted from 0. `data/inputs/shards.parquet` has
a row for each packed input: `folder`, relative to data/raw/, and `number`, that of its array in there. An input that is a
file has the folder "", and its array is in arrays.npy.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ..files.paths import ARRAYS, INDEX, RAW, SHARDS
from ..messages.problems import Problem, Refusal, refuse
from ..settings import load, make

AGAIN = "`dvc repro` packs again, or `dvc checkout` brings what was"


class Shards(Protocol):
    """What `open(folder)` of the team's `inputs` returns; a memory map is one. It is asked by one thread at a time."""

    def __len__(self) -> int:
        """Return how many arrays there are."""

    def __getitem__(self, numbers: np.ndarray, /) -> np.ndarray:
        """Return the arrays with these numbers (k, int64 -> k, ...; uint8). Raises ValueError for what is damaged."""


def digest(content: Any) -> str:
    """Return the 16 hex digits that stand for an array."""
    return hashlib.sha256(content).hexdigest()[:16]


def open_shards(inputs: Any, folder: Path) -> Shards:
    """Return the arrays of a folder.

    Raises:
        ValueError: saying what is wrong with the folder, and what to do.
    """
    if folder.is_relative_to(RAW) and ".." in folder.parts:
        raise ValueError(f"leads out of {RAW.as_posix()}/; put the shards there")
    if not folder.is_dir():
        raise ValueError("is no folder that is here; `dvc pull` brings it where DVC has it")
    if folder.is_relative_to(RAW) and not folder.resolve().is_relative_to(RAW.resolve()):
        raise ValueError(f"leads out of {RAW.as_posix()}/; put the shards there")
    found: Shards = inputs.open(folder)
    return found


def read_shards(shards: Shards, numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return some arrays (k, int64 -> k, *shape; uint8). Raises ValueError where they cannot be read, or are others."""
    found = np.asarray(shards[numbers])
    if found.dtype != np.uint8 or found.shape != (len(numbers), *shape):
        raise ValueError(f"holds {found.shape[1:]} {found.dtype}, and conf/data says {shape} uint8")
    return found


class Sharded:
    """Arrays of several folders, read as they are asked for, as one array (n, ...; uint8) of which rows can be taken.

    Args:
        shards: by the path of their folder (m).
        folder: place of each array's folder among these (n, int).
        number: that of each array in its folder (n, int64).
        shape: of one array.
        digests: of each array; compared the first time that it is read, so that what is learnt is what was packed (n).
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        shards: Mapping[str, Shards],
        folder: np.ndarray,
        number: np.ndarray,
        shape: tuple[int, ...],
        digests: pa.Array | None = None,
    ) -> None:
        self.shards, self.names = list(shards.values()), list(shards)
        self.folder, self.number, self.digests = folder, number, digests
        self.shape = (len(number), *shape)
        self.seen, self.lock = np.full(len(number), digests is None), Lock()

    @property
    def ndim(self) -> int:
        """Number of dimensions, that of the rows among them."""
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.number)

    def __getitem__(self, rows: np.ndarray | int) -> np.ndarray:
        """Return the array at a row, or those at some rows (k, int64 -> k, ...).

        Raises:
            Refusal: where they cannot be read, or are not those that were packed.
        """
        if np.ndim(rows) == 0:
            return self[np.array([rows])][0]
        rows = np.asarray(rows)
        found = np.empty((len(rows), *self.shape[1:]), dtype=np.uint8)
        of = self.folder[rows]
        for place in np.unique(of):
            here = np.flatnonzero(of == place)
            try:
                with self.lock:
                    found[here] = read_shards(self.shards[place], self.number[rows[here]], self.shape[1:])
            except ValueError as error:
                raise Refusal([Problem(self.names[place], str(error))]) from None
        self._compare(rows, found)
        return found

    def _compare(self, rows: np.ndarray, arrays: np.ndarray) -> None:
        new = np.flatnonzero(~self.seen[rows])
        if not len(new) or self.digests is None:
            return
        wanted = self.digests.take(pa.array(rows[new])).to_pylist()
        for place, known in zip(new.tolist(), wanted, strict=True):
            if digest(arrays[place]) != known:
                row = rows[place]
                where = f"{self.names[self.folder[row]]}#{self.number[row]}"
                raise Refusal(f"{where} is another array than was packed; {AGAIN}.")
        self.seen[rows[new]] = True


def read_sharded() -> Sharded:
    """Return the packed inputs of a workspace where some are in shards. Raises Refusal where they are not here."""
    inputs = make(load().data.inputs, "data: inputs")
    table = pd.read_parquet(SHARDS)
    digests = parquet.read_table(INDEX, columns=["input"])["input"].combine_chunks()
    shards, wrong = dict[str, Shards](), list[Problem]()
    for name, last in table.groupby("folder", observed=False)["number"].max().items():
        where = (RAW / str(name) if name else ARRAYS).as_posix()
        try:
            shards[where] = (
                open_shards(inputs, RAW / str(name)) if name else np.load(ARRAYS, mmap_mode="r", allow_pickle=False)
            )
            if last >= len(shards[where]):
                raise ValueError(f"holds {len(shards[where]):,} arrays, fewer than were packed; {AGAIN}")
        except ValueError as error:
            wrong.append(Problem(where, str(error)))
    refuse(wrong)
    folder, number = table["folder"].cat.codes.to_numpy(), table["number"].to_numpy()
    return Sharded(shards, folder, number, tuple(inputs.shape), digests)


def in_shards(paths: pd.Series) -> int:
    """Return how many paths of labels.csv name arrays of those folders that were packed."""
    known = [folder.relative_to(RAW).as_posix() for folder in folders()]
    return int(paths.str.rpartition("#")[0].isin(known).sum()) if known else 0


def folders() -> dict[Path, int]:
    """Return the folders of shards in which packed inputs are, with how many are in each."""
    if not SHARDS.is_file():
        return {}
    numbers = pd.read_parquet(SHARDS, columns=["folder"])["folder"].value_counts(sort=False)
    return {RAW / name: number for name, number in numbers.items() if name}
