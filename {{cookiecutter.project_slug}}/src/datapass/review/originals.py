"""Delivered files as pictures for pages. Nobody has vetted them, and the team's `inputs` may read others than these."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from PIL import Image, ImageOps
from pyarrow import parquet

from ..data.pack import file_digest
from ..files.paths import INDEX, RAW, unsafe

FORMATS = ["AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"]  # what people deliver; no decoder that runs programs
MOST = 89_478_485  # pixels; Pillow's own limit, at which it only warns
BEHIND = (128, 128, 128, 255)  # transparency: on grey both black and white drawings are seen


def sources(rows: int) -> pd.DataFrame | None:
    """Return path and file hash of each packed input, or None where the index is not there or not of as many."""
    try:
        table = parquet.read_table(INDEX, columns=["path", "file"])
        table.validate(full=True)
    except (OSError, ValueError, pa.ArrowException):  # no index, damaged, or of inputs that are no files
        return None
    return table.to_pandas().fillna("") if len(table) == rows else None


def original(path: str, digest: str, side: int) -> Image.Image | None:
    """Return the file of data/raw/ that an input was read from, see `upright`; None too where it is another one now.

    Args:
        path: relative to data/raw/.
        digest: hash of the file when it was read.
        side: pixels of the longer side that are wanted.
    """
    if not digest or unsafe(path) or file_digest(RAW / path) != digest:
        return None
    return upright(RAW / path, side)


def upright(file: Path, side: int) -> Image.Image | None:
    """Return a file as a picture, upright, at least at `side` where it has as many pixels.

    Args:
        side: pixels of the longer side that are wanted; a large JPEG is decoded at a fraction of its size.

    Returns:
        L or RGB, the first picture of several; None where the file is gone, or none that can be shown.
    """
    try:
        with Image.open(file, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST:
                return None
            wide, high = (max(1, round(pixels * side / max(opened.size))) for pixels in opened.size)
            opened.draft(None, (wide, high))
            return _plain(ImageOps.exif_transpose(opened))
    except Exception:  # what is damaged fails in as many ways as there are bytes; the packed pixels are shown then
        return None


def _plain(image: Image.Image) -> Image.Image | None:
    """Return any picture as L or RGB, 16 bits as their upper 8; None for numbers that are no levels of grey."""
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    if image.mode == "F":
        return None
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, BEHIND), image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
