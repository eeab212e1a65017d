"""Examples as small pictures: the originals, where the workspace has them; else their packed inputs."""

import base64
import io
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from PIL import Image

from ..comparison.revisions import Revision
from ..data.packed import Arrays, read_arrays
from ..data.shards import digest
from ..files.paths import ARRAYS, INCOMING, SHARDS, TEST, unsafe
from ..messages.problems import Refusal
from ..production.incoming import Incoming
from .originals import original, sources, upright

SIDE = 96  # pixels of the longer side in reports
COLORS = 128
AT_ONCE = 64  # pictures made before looking whether there is room for more


def pictures(table: pd.DataFrame, side: int, room: int, strict: bool = False) -> list[str]:
    """Return a data URI for each example; empty where it has no picture here, or `room` bytes are used up.

    The workspace may hold other inputs than a table was made with, so only a picture whose hash the table holds is shown,
    and its original only where the file is still the one that was packed.

    Args:
        table: with `row` and `input`, see `data.examples`.
        side: pixels of the longer side.
        strict: whether another input than the table says is an error.

    Raises:
        Refusal: where `strict` and data/inputs/ holds other inputs, or the shards are not here as they were packed.
    """
    try:
        arrays = read_arrays()
    except (OSError, ValueError, Refusal):
        if strict and SHARDS.is_file():
            raise
        return [""] * len(table)
    files = sources(len(arrays))
    drawable = _drawable(arrays)
    if files is None and not drawable:
        return [""] * len(table)

    rows, digests = table["row"].tolist(), table["input"].tolist()

    def one(place: int, draw: bool) -> str:
        number = int(str(rows[place])) if str(rows[place]).isdecimal() else len(arrays)
        array = np.empty(0, np.uint8)
        try:
            array = np.ascontiguousarray(arrays[number]) if number < len(arrays) else array
        except Refusal:  # shards were changed
            if strict:
                raise
        if digest(array.tobytes()) != digests[place]:
            if strict:
                what = f"{ARRAYS.as_posix()} holds other inputs than data/examples/; `dvc repro`, or `dvc checkout`."
                raise Refusal(what)
            return ""
        shown = original(files["path"][number], files["file"][number], side) if draw and files is not None else None
        if shown is not None:
            return uri(shown, side)
        return data_uri(array, side) if draw and drawable else ""

    return _while_room(one, len(table), room)


def new_pictures(incoming: Incoming, side: int, room: int) -> list[str]:
    """Return a data URI for each input of a delivery, as `pictures` does: its file, else its packed input."""
    arrays = incoming.packed
    if not isinstance(arrays, np.ndarray):
        return [""] * len(arrays)
    folder, paths, drawable = INCOMING / incoming.name, incoming.table["path"].tolist(), _drawable(arrays)

    def one(place: int, draw: bool) -> str:
        shown = upright(folder / paths[place], side) if draw and not unsafe(paths[place]) else None
        if shown is not None:
            return uri(shown, side)
        return data_uri(np.ascontiguousarray(arrays[place]), side) if draw and drawable else ""

    return _while_room(one, len(paths), room)


def new_thumbnails(incoming: Incoming, ids: Iterable[str], side: int = SIDE) -> dict[str, str]:
    """Return {id: data URI} of those inputs of a delivery that have a picture."""
    rows = pd.Index(incoming.table["id"]).get_indexer(list(ids))
    some = incoming.some(rows[rows >= 0])
    found = zip(some.table["id"], new_pictures(some, side, room=len(some.table) << 20), strict=True)
    return {name: uri for name, uri in found if uri}


def _drawable(arrays: Arrays) -> bool:
    """Return whether packed inputs are pictures: grey or coloured."""
    return arrays.ndim == 4 and arrays.dtype == np.uint8 and arrays.shape[3] in (1, 3)


def _while_room(one: Callable[[int, bool], str], number: int, room: int) -> list[str]:
    """Return what `one` makes of each place; its second argument, and what is kept of it, end with `room` bytes."""
    made: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding releases the interpreter's lock
        for start in range(0, number, AT_ONCE):
            some = range(start, min(start + AT_ONCE, number))
            for found in pool.map(one, some, [room > 0] * len(some)):
                made.append(found if room > 0 else "")
                room -= len(made[-1])
    return made


def thumbnails(revision: Revision, ids: Iterable[str], side: int = SIDE) -> dict[str, str]:
    """Return {id: data URI} of the test examples of a revision whose picture is here."""
    table = revision.table(TEST).set_index("id")
    table = table.loc[table.index.intersection(list(ids))]
    found = zip(table.index, pictures(table, side, room=len(table) << 20), strict=True)
    return {name: uri for name, uri in found if uri}


def data_uri(image: np.ndarray, side: int = SIDE) -> str:
    """Return an array (height, width, 1 or 3 channels; uint8) as `uri` does."""
    return uri(Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image), side)


def uri(picture: Image.Image, side: int = SIDE) -> str:
    """Return a picture, L or RGB, at about `side` as a data URI; tiny ones stay crisp."""
    longest = max(picture.size)
    if longest > side:
        picture.thumbnail((side, side))
    elif side <= SIDE and side // longest > 1:
        factor = side // longest
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    large = side > SIDE and longest > side // 2
    if picture.mode == "RGB" and side <= SIDE:
        picture = picture.quantize(COLORS)  # a third of the bytes, and hard to tell apart at this size
    kind, how = ("JPEG", {"quality": 85}) if large else ("PNG", {"optimize": True})
    with io.BytesIO() as out:
        picture.save(out, kind, **how)
        return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"
