"""New inputs without labels, as they come back from production: each delivery is a folder of data/incoming/, which DVC holds.

`data/incoming/<name>/inputs.csv` has a row for each input: id, `path` (relative to the folder) of a file or `text`, `group`, and
the metadata that data/raw/ has too. Of tables the columns to learn from lie beside it as they were delivered, in
`features.parquet`; of files the files, in `files/`. An id is the delivery's name and the input's own, so it is unique.
"""

import re
import shutil
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..adopt.names import DEVICES, different, safe_path
from ..adopt.pictures import digest as file_digest
from ..adopt.place import FEATURES
from ..adopt.project import dvc
from ..comparison.crossed import units_of
from ..comparison.revisions import git
from ..data.packed import Packed, take
from ..data.rows import digests, parse, read_features
from ..data.shards import digest
from ..files.paths import INCOMING, PICKED
from ..files.tables import read_table, write_table
from ..files.writes import remove, written
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from ..settings import load, make
from .delivered import Delivered
from .new_inputs import read_arrays, reads_files
from .picked import in_order

TABLE, FILES = "inputs.csv", "files"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True)
class Incoming:
    """A delivery of production.

    Attributes:
        name: of its folder.
        table: a row for each input (n), all str: id; `input`, a hash of it; `path` of a file, relative to the delivery's
            folder, or `text`; and `group` and metadata where it has them.
        packed: the inputs, as `pack` would leave them (n).
        kinds: of rows {column: kind}, see `data.rows`; empty for files.
    """

    name: str
    table: pd.DataFrame
    packed: Packed
    kinds: dict[str, str]

    @cached_property
    def units(self) -> np.ndarray:
        """The number of each input's unit: its group, else its copies (n, int)."""
        return units_of(self.table)

    def some(self, rows: np.ndarray) -> "Incoming":
        """Return some of the inputs (k of n)."""
        return Incoming(self.name, self.table.iloc[rows].reset_index(drop=True), take(self.packed, rows), self.kinds)


@dataclass(frozen=True)
class Taken:
    """What was taken in.

    Attributes:
        name: of the delivery in data/incoming/.
        new: whether it was written now; if not, the same delivery was there already.
        notes: what a reader should know of it: what was left out, and why.
    """

    name: str
    new: bool
    notes: list[str]


def incoming_names() -> list[str]:
    """Return the deliveries that DVC knows of or that are here, in order."""
    pointers = [path.name.removesuffix(".dvc") for path in INCOMING.glob("*.dvc")]
    return in_order({*pointers, *(path.parent.name for path in INCOMING.glob(f"*/{TABLE}"))})


def delivery_name(given: str | Path) -> str:
    """Return the name of a delivery, of which the folder may be given. Raises Refusal where it is no such name."""
    path = Path(given)
    inside = path.resolve().is_relative_to(INCOMING.resolve()) or path.resolve().is_relative_to(PICKED.resolve())
    name = path.name.removesuffix(".csv").removesuffix(".dvc") if inside else path.as_posix()
    if not NAME.fullmatch(name):
        raise Refusal(
            f"{quoted(given)} is no delivery of {INCOMING.as_posix()}/: there are {', '.join(incoming_names()) or 'none'}."
        )
    return name


def take_in(found: Delivered, name: str | None = None) -> Taken:
    """Copy new inputs to data/incoming/ and tell DVC and Git of them; what is there already is not copied again.

    Args:
        found: see `delivered.read_delivered`.
        name: of the delivery; today's date where left out.

    Raises:
        Refusal: for a name that cannot be a folder's, that another delivery has, or one that is not here.
    """
    if name is not None and not NAME.fullmatch(name):
        raise Refusal(f"--name {quoted(name)}: use small letters, digits, hyphens and underscores, such as 2026-11.")
    if name in DEVICES:
        raise Refusal(f"--name {name}: Windows can have no folder of that name; choose another, such as 2026-11.")
    if name in incoming_names() and not (INCOMING / str(name) / TABLE).is_file():
        where = (INCOMING / str(name)).as_posix()
        raise Refusal(
            f"--name {name}: {where}/ is not here, so nobody can tell whether this is it; `dvc pull {where}.dvc`."
        )
    for there in incoming_names() if name is None else [name]:
        if _is(there, found):
            if not (INCOMING / f"{there}.dvc").is_file():  # an earlier run was cut off
                _track(there)
            return Taken(there, False, found.notes)
    if name is not None and name in incoming_names():
        raise Refusal(f"--name {name}: {(INCOMING / name).as_posix()} holds another delivery; choose another name.")
    name = name or _free(date.today().isoformat())
    _write(found, name)
    try:
        _track(name)
    except Refusal:
        remove(INCOMING / name)
        raise
    return Taken(name, True, found.notes)


def _track(name: str) -> None:
    """Tell DVC and Git of a delivery."""
    dvc("add", (INCOMING / name).as_posix())
    pointers = [INCOMING / f"{name}.dvc", INCOMING / ".gitignore"]
    git("add", "--", *(path.as_posix() for path in pointers if path.is_file()))


def _free(name: str) -> str:
    taken = incoming_names()
    return next(one for one in (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


def _is(name: str, found: Delivered) -> bool:
    """Return whether a delivery that is here holds the same."""
    folder = INCOMING / name
    if not (folder / TABLE).is_file():
        return False
    table = read_table(folder / TABLE)
    if not table.equals(_table(found, name)):
        return False
    if found.features is not None:
        return bool(found.features.equals(read_features(folder / FEATURES).drop(columns="id")))
    pairs = zip(found.files, table.get("path", pd.Series(dtype="str")), strict=True)
    return all((folder / path).is_file() and file_digest(folder / path) == file_digest(file) for file, path in pairs)


def _table(found: Delivered, name: str) -> pd.DataFrame:
    table = found.table.assign(id=f"{name}/" + found.table["id"])
    if found.files:
        table.insert(1, "path", [f"{FILES}/{path}" for path in _paths(found)])
    return table


def _paths(found: Delivered) -> list[str]:
    """Return where each file goes, safe on every system."""
    return different([safe_path(file) for file in found.names])


def _write(found: Delivered, name: str) -> None:
    table = _table(found, name)
    with written(INCOMING / name) as aside:
        aside.mkdir()
        for source, path in zip(found.files, table.get("path", []), strict=True):
            (aside / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, aside / path)
        if found.features is not None:
            features = found.features.copy()
            features.insert(0, "id", table["id"])
            features.to_parquet(aside / FEATURES, index=False)
        write_table(table, aside / TABLE)


def read_incoming(name: str) -> Incoming:
    """Return a delivery of data/incoming/.

    Raises:
        Refusal: where it is not here, or is not as the project's inputs are read now.
    """
    folder = INCOMING / delivery_name(name)
    if not (folder / TABLE).is_file():
        if folder.with_name(f"{name}.dvc").is_file():
            raise Refusal(f"{folder.as_posix()}/ is not here; `dvc pull {folder.as_posix()}.dvc` brings it.")
        known = incoming_names()
        raise Refusal(
            f"data/incoming/ has no delivery {quoted(name)}{near_miss(name, known)}; `datapass watch FILE` takes one in."
        )
    inputs = make(load().data.inputs, "data: inputs")
    table = read_table(folder / TABLE)
    return Incoming(name, *_with_inputs(folder, table, inputs))


def _with_inputs(folder: Path, table: pd.DataFrame, inputs: Any) -> tuple[pd.DataFrame, Packed, dict[str, str]]:
    if reads_files(inputs):
        if "path" not in table:
            raise Refusal([Problem((folder / TABLE).as_posix(), "names no files, which the project's inputs are", 1)])
        arrays = read_arrays([folder / path for path in table["path"]], inputs, "read")
        hashes = [digest(array.tobytes()) for array in arrays]
        return table.assign(input=pd.Series(hashes, dtype="str")), arrays, {}
    kinds = dict(inputs.columns)
    source = table if not (folder / FEATURES).is_file() else read_features(folder / FEATURES)
    missing = [name for name in kinds if name not in source]
    what = "has no column {}, which conf/data names; the delivery was taken in for other inputs"
    refuse([Problem(folder.as_posix(), what.format(quoted(name))) for name in missing])
    values, wrong = parse(source, kinds)
    refuse([Problem(folder.as_posix(), said, id=table["id"].iloc[row]) for row, said in sorted(wrong.items())])
    return table.assign(input=digests(values, table["id"])), values, kinds
