"""Packed inputs: every file read once, by the team's `inputs`, into one memory-mapped array.

`data/inputs/arrays.npy` is uint8 (examples, ...), in the order of the deliveries; `data/inputs/index.parquet` has a row for
each: `id`, and `input`, a hash of its array as the model sees it.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from ..files.paths import ARRAYS, INDEX
from ..messages.problems import Problem, quoted, refuse
from ..messages.progress import Progress
from .raw import Raw


def unsafe(path: str) -> str | None:
    """Return why a path of labels.csv is refused, or None."""
    parts = PurePosixPath(path)
    if not path:
        return "the path is empty; name the image file, relative to data/raw/"
    if "\\" in path:
        return f"the path {quoted(path)} has a backslash; write '/' between folders"
    if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
        return f"the path {quoted(path)} leaves data/raw/; name a file inside it"
    return None


def _elsewhere(folder: Path, path: str, delivery: Path) -> str:
    """Return where an image lies that was named relative to another folder than `folder`, as a hint."""
    prefix = f"{folder.as_posix()}/"
    below = (delivery.relative_to(folder) / path).as_posix()
    for better in (path.removeprefix(prefix), below):
        if better != path and (folder / better).is_file():
            return f"; paths are relative to {prefix}: write {quoted(better)}"
    return ""


def pack(raw: Raw, folder: Path, target: Path, inputs: Any) -> int:
    """Read the inputs of all deliveries under `folder` into `target`; return how many there are.

    Args:
        inputs: has `shape`, and `read(file)`, which returns an array of that shape or raises ValueError, saying what is wrong.

    Raises:
        Refusal: naming every row whose image is missing, unreadable or outside `folder`.
    """
    table = raw.table
    if "path" not in table:
        refuse([*raw.found, Problem(raw.files[0], "has no column `path`, which names each example's image", 1)])
    shape = (len(table), *inputs.shape)
    target.mkdir(parents=True)
    arrays = np.lib.format.open_memmap(target / ARRAYS.name, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a disk that fills up under a memory map would kill the process without a word
        with (target / ARRAYS.name).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, arrays.offset + arrays.nbytes)
    digests = np.empty(len(table), dtype=object)
    deliveries = [Path(file).parent for file in raw.files]
    delivery = raw.delivery

    def one(row: int, path: str) -> str | None:
        said = unsafe(path)
        if said is None:
            try:
                arrays[row] = inputs.read(folder / path)
                digests[row] = hashlib.sha256(arrays[row].tobytes()).hexdigest()[:16]
            except ValueError as error:
                said = f"the file {quoted(path)} {error}{_elsewhere(folder, path, deliveries[delivery[row]])}"
        return said

    progress = Progress("pack", len(table))
    wrong = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding releases the interpreter's lock
        for row, said in enumerate(pool.map(one, range(len(table)), table["path"])):
            progress.advance()
            if said is not None:
                wrong[row] = said
    refuse(raw.found + raw.problems(wrong))
    arrays.flush()
    pd.DataFrame({"id": table["id"], "input": digests.astype(str)}).to_parquet(target / INDEX.name, index=False)
    return len(table)
