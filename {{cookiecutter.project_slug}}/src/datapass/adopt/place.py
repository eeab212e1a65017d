"""Where a delivery's rows go: ids, file names below data/raw/, and which of them the project has already."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..data.raw import Raw
from ..files.paths import RAW
from ..files.tables import read_table, write_table
from ..files.writes import written
from .columns import Sorted
from .names import DEVICES, different, ids_of, safe_path
from .pictures import digest

LABELS, FEATURES, IMAGES = "labels.csv", "features.parquet", "images"


@dataclass(frozen=True)
class Delivery:
    """What becomes a folder of data/raw/.

    Attributes:
        folder: data/raw/ itself for the first delivery.
        table: of its labels.csv: id, label, and any of path, text, split, group and metadata.
        features: id and typed columns, for tables.
        sources: the file of each row, for pictures.
    """

    folder: Path
    table: pd.DataFrame
    features: pd.DataFrame | None
    sources: Sequence[Path]


def contents(found: Sorted, digests: Sequence[str]) -> pd.Series:
    """Return what tells whether two rows hold the same: the file's digest, the text, or all features (n, str)."""
    if found.delivered.files is not None:
        return pd.Series(digests, dtype="str")
    return found.table["text"] if "text" in found.table else joined(found.features)


def joined(features: pd.DataFrame) -> pd.Series:
    """Return each row of features as one text (n, str); numbers and times in one form, whatever wrote them."""
    cells = pd.Series("", index=features.index, dtype="str")
    for name in sorted(features.columns):
        column = features[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            column = (column - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            column = column.astype(float)
        cells += column.astype("str").fillna("") + "\x1f"
    return cells


def standing_contents(raw: Raw, found: Sorted) -> pd.Series:
    """Return the same of the rows in data/raw/; empty where that cannot be told."""
    nothing = pd.Series("", index=raw.table.index, dtype="str")
    if found.delivered.files is not None:
        paths = [path for path in raw.table["path"].unique() if (RAW / path).is_file()] if "path" in raw.table else []
        return raw.table["path"].map({path: digest(RAW / path) for path in paths}).fillna("") if paths else nothing
    if "text" in found.table:
        return raw.table.get("text", nothing)
    files = [file for one in raw.files if (file := Path(one).with_name(FEATURES)).is_file()]
    frames = [pd.read_parquet(file) for file in files]
    rows = [joined(frame[list(found.kinds)]).set_axis(frame["id"].astype("str")) for frame in frames]
    return raw.table["id"].map(pd.concat(rows).to_dict()).fillna("") if rows else nothing


def known_rows(found: Sorted, content: pd.Series, raw: Raw, standing: pd.Series) -> pd.Series:
    """Return the row of `raw.table` that each delivered row is already, or -1: by id where the delivery has ids of its
    own, else by what it holds (n, int)."""
    keys, there = (found.table["id"], raw.table["id"]) if "id" in found.table else (content, standing)
    first = there[(there != "") & ~there.duplicated()]
    return keys.map(pd.Series(first.index, index=first)).fillna(-1).astype(int)


def deliver(found: Sorted, rows: pd.Series, folder: Path, raw: Raw | None) -> Delivery:
    """Give rows their ids and files their names.

    Args:
        rows: which of the delivered rows (k).
        raw: what is in data/raw/ already, whose ids are taken.
    """
    table = found.table.loc[rows].reset_index(drop=True)
    files = found.delivered.files or []
    sources = [found.delivered.base / files[row] for row in rows] if files else []
    later = folder.relative_to(RAW).as_posix() if raw is not None else ""
    below = f"{IMAGES}/" if all(file.startswith(f"{IMAGES}/") for file in files) else ""
    paths = different([safe_path(files[row].removeprefix(below)) for row in rows]) if files else []
    if "id" not in table:
        ids = ids_of(paths) if paths else [f"row-{number:06}" for number in range(1, len(table) + 1)]
        taken = set(raw.table["id"]) if raw is not None else set()
        ids = different([f"{later}/{id}" if id in taken or (later and not paths) else id for id in ids], taken)
        table.insert(0, "id", ids)
    if paths:
        inside = f"{later}/{IMAGES}/" if later else f"{IMAGES}/"
        table.insert(2, "path", [inside + path for path in paths])
    features = found.features.loc[rows].reset_index(drop=True) if found.kinds else None
    if features is not None:
        features.insert(0, "id", table["id"])
    return Delivery(folder, table.astype("str"), features, sources)


def folder_for(name: str) -> Path:
    """Return a folder of data/raw/ that is not there yet, named after what is delivered."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", Path(name).stem.lower())[:60].strip("_-") or "delivery"
    slug = f"{slug}-1" if slug in DEVICES else slug
    number, folder = 1, RAW / slug
    while folder.exists():
        number += 1
        folder = RAW / f"{slug}-{number}"
    return folder


def stands(delivery: Delivery) -> bool:
    """Return whether a first delivery is in data/raw/ already: an adoption that was cut off after it."""
    path = delivery.folder / LABELS
    if not path.is_file() or not read_table(path).equals(delivery.table):
        return False
    wanted = {LABELS, *delivery.table.get("path", []), *([FEATURES] if delivery.features is not None else [])}
    return {file.relative_to(RAW).as_posix() for file in RAW.rglob("*") if file.is_file()} == wanted


def write(delivery: Delivery) -> None:
    """Write a delivery, whole or not at all."""
    with written(delivery.folder) as aside:
        aside.mkdir()
        for source, path in zip(delivery.sources, delivery.table.get("path", []), strict=True):
            target = aside / (RAW / path).relative_to(delivery.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source.resolve(), target)
            except OSError:  # another file system, or not allowed
                shutil.copyfile(source, target)
        if delivery.features is not None:
            delivery.features.to_parquet(aside / FEATURES, index=False)
        write_table(delivery.table, aside / LABELS)
