"""Packed inputs as small pictures, where the workspace has them and they are those that are meant."""

import base64
import hashlib
import io
from collections.abc import Iterable

import numpy as np
import pandas as pd
from PIL import Image

from ..comparison.revisions import Revision
from ..files.paths import ARRAYS, TEST
from ..messages.problems import Refusal

SIDE = 96  # pixels of the longer side in reports
COLORS = 128


def pictures(table: pd.DataFrame, side: int, room: int, strict: bool = False) -> list[str]:
    """Return a data URI for each example; empty where it has no picture here, or `room` bytes are used up.

    The workspace may hold other inputs than a table was made with, so only a picture whose hash the table holds is shown.

    Args:
        table: with `row` and `input`, see `data.examples`.
        side: pixels of the longer side.
        strict: whether another input than the table says is an error.

    Raises:
        Refusal: where `strict` and data/inputs/ holds other inputs.
    """
    try:
        arrays = np.load(ARRAYS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return [""] * len(table)
    if arrays.ndim != 4 or arrays.dtype != np.uint8 or arrays.shape[3] not in (1, 3):
        return [""] * len(table)
    made = []
    for row, digest in zip(table["row"], table["input"], strict=True):
        known = str(row).isdecimal() and int(row) < len(arrays)
        array = np.ascontiguousarray(arrays[int(row)]) if known else np.empty(0, np.uint8)
        same = hashlib.sha256(array.tobytes()).hexdigest()[:16] == digest
        if strict and not same:
            what = f"{ARRAYS.as_posix()} holds other inputs than data/examples/; `dvc repro`, or `dvc checkout`."
            raise Refusal(what)
        uri = data_uri(array, side) if same and room > 0 else ""
        room -= len(uri)
        made.append(uri)
    return made


def thumbnails(revision: Revision, ids: Iterable[str], side: int = SIDE) -> dict[str, str]:
    """Return {id: data URI} of the test examples of a revision whose picture is here."""
    table = revision.table(TEST).set_index("id")
    table = table.loc[table.index.intersection(list(ids))]
    found = zip(table.index, pictures(table, side, room=len(table) << 20), strict=True)
    return {name: uri for name, uri in found if uri}


def data_uri(image: np.ndarray, side: int = SIDE) -> str:
    """Return an image (height, width, 1 or 3 channels; uint8) at about `side` as a data URI; tiny ones stay crisp."""
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
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
