"""New inputs, read as `pack` reads those of data/raw/: files, folders of shards, or the rows of tables. No labels are needed."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.packed import Packed
from ..data.rows import parse, read_features
from ..data.shards import Sharded, Shards, open_shards
from ..files.tables import lines_of
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from ..messages.progress import Progress

TABLES = (".csv", ".parquet")


@dataclass(frozen=True)
class NewInputs:
    """Inputs that nobody has labelled.

    Attributes:
        names: of each: its file's path, or its folder and place in there, or its id, or its table and line (n, str); the name
            says which it is.
        packed: as `pack` would have left them (n).
        note: how they were read.
    """

    names: pd.Series
    packed: Packed
    note: str


def read_new(paths: Sequence[Path], inputs: Any) -> NewInputs:
    """Read what was named, and the files in folders that were.

    Args:
        inputs: the team's; files where it has `read`, folders of shards where it has `open`, else rows.

    Raises:
        Refusal: for every file that is missing or none that the model's inputs can be made of.
    """
    if hasattr(inputs, "open"):
        return _opened(paths, inputs)
    files = files_of(paths)
    if not hasattr(inputs, "read"):
        return _rows(files, inputs)
    names = pd.Series([file.as_posix() for file in files], dtype="str", name="file")
    note = f"Each file is read as {inputs} (conf/data); the first is {{}}."
    return NewInputs(names, read_arrays(files, inputs), note.format(inputs.describe(files[0])))


def reads_files(inputs: Any) -> bool:
    """Return whether the team's inputs read single files, not rows. Raises Refusal where they open folders of shards alone."""
    if hasattr(inputs, "open") and not hasattr(inputs, "read"):
        raise Refusal("conf/data: inputs: the class has no `read(file)`, by which new files come in; give it one.")
    return hasattr(inputs, "read")


def _opened(paths: Sequence[Path], inputs: Any) -> NewInputs:
    """Return the arrays of folders of shards, then those of files, where `inputs` reads such."""
    shards, files, problems = dict[str, Shards](), list[Path](), list[Problem]()
    for path in dict.fromkeys(paths):
        if not path.is_dir() and hasattr(inputs, "read"):
            files.append(path)
            continue
        try:
            shards[path.as_posix()] = open_shards(inputs, path)
        except ValueError as error:
            problems.append(Problem(path.as_posix(), str(error)))
    refuse(problems)
    names = [f"{where}#{number}" for where, found in shards.items() for number in range(len(found))]
    if files:
        shards[""] = read_arrays(files, inputs)
    sizes = [len(found) for found in shards.values()]
    number = np.concatenate([np.arange(size) for size in sizes])
    packed = Sharded(shards, np.repeat(np.arange(len(sizes)), sizes), number, tuple(inputs.shape))
    named = pd.Series([*names, *(file.as_posix() for file in files)], dtype="str", name="file")
    return NewInputs(named, packed, f"Each is read as {inputs} (conf/data).")


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files that were named and those in the folders that were, sorted; hidden ones are left out."""
    found: list[Path] = []
    problems = []
    for path in paths:
        inside = [
            file
            for file in (path.rglob("*") if path.is_dir() else [])
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
        ]
        inside.sort(key=lambda file: file.parts)  # paths themselves sort without regard to case on Windows
        if path.is_dir() and not inside:
            problems.append(Problem(path.as_posix(), "holds no file"))
        found += inside if path.is_dir() else [path]
    refuse(problems)
    return list(dict.fromkeys(found))


def read_arrays(files: Sequence[Path], inputs: Any, label: str = "predict") -> np.ndarray:
    """Return files as packed inputs (n, ...; uint8), showing progress as `label`. Raises Refusal naming each that is none."""
    arrays = np.empty((len(files), *inputs.shape), dtype=np.uint8)

    def one(number: int) -> str | None:
        try:
            arrays[number] = inputs.read(files[number])
        except ValueError as error:
            return str(error)
        return None

    progress, problems = Progress(label, len(files)), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding releases the interpreter's lock
        for file, said in zip(files, pool.map(one, range(len(files))), strict=True):
            progress.advance()
            if said is not None:
                problems.append(Problem(file.as_posix(), said))
    refuse(problems)
    return arrays


def _rows(files: Sequence[Path], inputs: Any) -> NewInputs:
    """Return the rows of tables, or the texts of .txt files. Raises Refusal for each that is neither, or has other columns."""
    frames, names, problems = [], [], []
    for file in files:
        try:
            frame, named = _frame(file, inputs)
        except Refusal as refusal:
            problems += refusal.problems
            continue
        values, wrong = parse(frame, inputs.columns)
        places = sorted(wrong)
        lines = lines_of(file.read_bytes(), places) if file.suffix == ".csv" else [place + 1 for place in places]
        problems += [Problem(file.as_posix(), wrong[place], line) for place, line in zip(places, lines, strict=True)]
        frames.append(values)
        names.append(named)
    refuse(problems)
    ids = all(named.name == "id" for named in names)
    joined = pd.concat([named.astype("str") for named in names], ignore_index=True).rename("id" if ids else "row")
    return NewInputs(joined, pd.concat(frames, ignore_index=True), f"Each is read as {inputs} (conf/data).")


def _frame(file: Path, inputs: Any) -> tuple[pd.DataFrame, pd.Series]:
    """Return a file's columns, and the names of its rows: their ids where they have any, else where they stand."""
    where = file.as_posix()
    if not file.is_file():
        raise Refusal([Problem(where, "is missing")])
    if file.suffix == ".txt" and list(inputs.columns.values()) == ["text"]:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise Refusal([Problem(where, "is not UTF-8; save it as UTF-8")]) from None
        return pd.DataFrame({name: [text] for name in inputs.columns}), pd.Series([where], name="row")
    if file.suffix not in TABLES:
        kinds = "a .csv, a .parquet or a .txt" if list(inputs.columns.values()) == ["text"] else "a .csv or a .parquet"
        raise Refusal([Problem(where, f"is not {kinds} file, from which {inputs} can be read")])
    found = read_features(file)
    missing = [name for name in inputs.columns if name not in found]
    refuse([Problem(where, f"has no column {quoted(name)}{near_miss(name, found)}", 1) for name in missing])
    if found.empty:
        raise Refusal([Problem(where, "holds no row")])
    if "id" in found and found["id"].is_unique:
        return found, found["id"]
    at = lines_of(file.read_bytes(), range(len(found))) if file.suffix == ".csv" else np.arange(1, len(found) + 1)
    return found, pd.Series([f"{where}:{line}" for line in at], name="row", dtype="str")
