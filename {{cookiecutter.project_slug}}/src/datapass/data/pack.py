"""Packed inputs: every file read once, by the team's `inputs`, into one memory-mapped array; what lies in shards stays there.

`data/inputs/arrays.npy` is uint8 (files, ...), in the order of the deliveries; `data/inputs/index.parquet` has a row for
each input: `id`, `input`, a hash of its array as the model sees it, `path`, relative to data/raw/, and `file`, a hash of what the
file held, empty for an array of a shard. What a file was read into is taken over from the folder that an earlier run wrote, unless
the file has changed since, or how files are read (`made`, in the schema's metadata). Arrays of shards are all read again, for
their hashes. The new folder is the same, byte for byte, either way.
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ..files.paths import ARRAYS, INDEX, SHARDS, unsafe
from ..messages.problems import Problem, quoted, refuse
from ..messages.progress import Progress
from .pack_shards import hash_shards, places, write_places
from .raw import Raw
from .shards import digest

AT_ONCE = 32  # files that a thread is given at a time: few enough to see progress, enough to make handing out cheap


def file_digest(file: Path) -> str:
    """Return the 16 hex digits that stand for a file's content; empty where it cannot be read."""
    try:
        with file.open("rb", buffering=0) as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    except OSError:
        return ""


def _elsewhere(folder: Path, path: str, delivery: Path) -> str:
    """Return where an image lies that was named relative to another folder than `folder`, or in shards, as a hint."""
    if "#" in path and (folder / path.rpartition("#")[0]).is_dir():
        return "; of an array in shards write FOLDER#NUMBER, and the class of conf/data's inputs needs `open(folder)`"
    prefix = f"{folder.as_posix()}/"
    below = (delivery.relative_to(folder) / path).as_posix()
    for better in (path.removeprefix(prefix), below):
        if better != path and (folder / better).is_file():
            return f"; paths are relative to {prefix}: write {quoted(better)}"
    return ""


@dataclass(frozen=True)
class Earlier:
    """What an earlier run packed, row by row. It may be damaged: `take` believes no array that its hash does not confirm.

    Attributes:
        place: row of `arrays` of each example of today, -1 for a path that is new (n, int64).
        arrays, inputs, files: the arrays, their hashes and those of their files.
    """

    place: np.ndarray
    arrays: np.ndarray
    inputs: np.ndarray
    files: np.ndarray

    def take(self, row: int, file: str) -> np.ndarray | None:
        """Return the array of an example whose file has this hash, or None where it must be decoded."""
        place = self.place[row]
        if place < 0 or not file or self.files[place] != file:
            return None
        array = self.arrays[place]
        return array if digest(array.tobytes()) == self.inputs[place] else None


def earlier(folder: Path | None, made: str, shape: Sequence[int], paths: pd.Series) -> Earlier | None:
    """Return what a folder holds of these paths, read in the same way into the same shape; None if nothing, or no such folder."""
    if folder is None:
        return None
    try:
        arrays = np.load(folder / ARRAYS.name, mmap_mode="r", allow_pickle=False)
        table = parquet.read_table(folder / INDEX.name, columns=["path", "file", "input"])
        table.validate(full=True)  # text that is none would fail only where it is used
        index = table.to_pandas()
        if (folder / SHARDS.name).is_file():  # whose arrays are not in `arrays`
            index = index[index["file"] != ""].reset_index(drop=True)
    except (OSError, ValueError, EOFError, pa.ArrowException):  # none yet, of an older release, or damaged
        return None
    same = (table.schema.metadata or {}).get(b"made") == made.encode()
    if not same or arrays.dtype != np.uint8 or arrays.shape != (len(index), *shape):
        return None
    first = index.drop_duplicates("path")  # two examples may name one file
    place = pd.Index(first["path"]).get_indexer(paths)
    place = np.where(place < 0, -1, first.index.to_numpy()[place])
    return Earlier(place, arrays, *(index[name].to_numpy(dtype=object) for name in ("input", "file")))


@dataclass(frozen=True)
class Decoded:
    """What was read of some files (k).

    Attributes:
        inputs, files: hashes of the arrays and of the files, see the module (k, object).
        new: how many were decoded, not taken over.
        wrong: why a file cannot be read, by its row among all inputs.
    """

    inputs: np.ndarray
    files: np.ndarray
    new: int
    wrong: dict[int, str]


def pack_files(raw: Raw, rows: np.ndarray, folder: Path, target: Path, inputs: Any, before: Earlier | None) -> Decoded:
    """Read the files of some rows into `target`.

    Of the images no more are in memory than there are threads: what is read goes into the memory map.

    Args:
        before: what an earlier run packed, of these rows.
    """
    shape = (len(rows), *inputs.shape)
    arrays = np.lib.format.open_memmap(target / ARRAYS.name, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a disk that fills up under a memory map would kill the process without a word
        with (target / ARRAYS.name).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, arrays.offset + arrays.nbytes)
    digests, files = np.full(len(rows), "", dtype=object), np.full(len(rows), "", dtype=object)
    decoded = np.zeros(len(rows), dtype=bool)
    paths = raw.table["path"].to_numpy(dtype=object)[rows]
    deliveries = [Path(file).parent for file in raw.files]
    delivery = raw.delivery[rows]

    def one(row: int) -> str | None:
        path = paths[row]
        said = unsafe(path)
        if said is None:
            files[row] = file_digest(folder / path)  # before it is read: a change meanwhile is seen the next time
            array = before.take(row, files[row]) if before is not None else None
            decoded[row] = array is None
            try:
                arrays[row] = inputs.read(folder / path) if array is None else array
                digests[row] = digest(arrays[row].tobytes())
            except ValueError as error:
                said = f"the file {quoted(path)} {error}{_elsewhere(folder, path, deliveries[delivery[row]])}"
        return said

    def some(start: int) -> dict[int, str | None]:
        return {row: one(row) for row in range(start, min(start + AT_ONCE, len(rows)))}

    progress = Progress("pack", len(rows))
    wrong: dict[int, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding and hashing release the interpreter's lock
        for found in pool.map(some, range(0, len(rows), AT_ONCE)):
            progress.advance(len(found))
            wrong |= {int(rows[row]): said for row, said in found.items() if said is not None}
    arrays.flush()
    return Decoded(digests, files, int(decoded.sum()), wrong)


def pack(raw: Raw, folder: Path, target: Path, inputs: Any, made: str = "", old: Path | None = None) -> int:
    """Read the inputs of all deliveries under `folder` into `target`; return how many were decoded, not taken over.

    Args:
        inputs: has `shape`, and `read(file)`, which returns an array of that shape, or `open(folder)`, which returns `Shards`
            of such arrays, or both; each raises ValueError, saying what is wrong.
        made: changes with all that decides, beside the file, what `read` returns.
        old: what an earlier run wrote as its `target`; only read, as DVC may have linked it to its cache.

    Raises:
        Refusal: naming every row whose image is missing, unreadable or outside `folder`, and every folder of shards that is.
    """
    table = raw.table
    if "path" not in table:
        refuse([*raw.found, Problem(raw.files[0], "has no column `path`, which names each example's image", 1)])
    paths = table["path"]
    place = places(paths) if hasattr(inputs, "open") else None
    inside = np.zeros(len(table), dtype=bool) if place is None else (place["folder"] != "").to_numpy()
    rows = np.flatnonzero(~inside)
    if len(rows) and not hasattr(inputs, "read"):
        what = "the path {} names no array of shards, such as 'shards#17', and conf/data's inputs read no files"
        refuse(raw.found + raw.problems({row: what.format(quoted(paths.iloc[row])) for row in rows.tolist()}))
    target.mkdir(parents=True)
    digests, files = np.full(len(table), "", dtype=object), np.full(len(table), "", dtype=object)
    wrong, found, new = dict[int, str](), list[Problem](), 0
    if len(rows):
        before = earlier(old, made, inputs.shape, paths.iloc[rows])
        decoded = pack_files(raw, rows, folder, target, inputs, before)
        digests[rows], files[rows], wrong, new = decoded.inputs, decoded.files, decoded.wrong, decoded.new
    if place is not None and inside.any():
        digests[inside], more, found = hash_shards(place[inside], folder, inputs)
        wrong |= more
        write_places(place, target)
    refuse(raw.found + raw.problems(wrong) + found)
    columns = {"id": table["id"], "input": digests, "path": paths, "file": files}
    index = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    parquet.write_table(index.replace_schema_metadata({"made": made}), target / INDEX.name)
    return new
