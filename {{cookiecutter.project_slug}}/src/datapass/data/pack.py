"""Packed inputs: every image decoded once into one memory-mapped array.

`data/inputs/images.npy` is uint8 (examples, height, width, channels), in the order of the deliveries;
`data/inputs/index.parquet` has a row for each: `id`, and `input`, a hash of its pixels as the model sees them.
"""

import hashlib
import os
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from ..files.paths import IMAGES, INDEX
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


def decode(file: Path, inputs: Mapping[str, int]) -> np.ndarray:
    """Read one image as uint8 (height, width, channels): turned upright, scaled to fit, padded.

    Raises:
        ValueError: saying what is wrong with the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=["PNG", "JPEG"]) as opened:
                opened.load()
                image = ImageOps.exif_transpose(opened)
    except FileNotFoundError:
        raise ValueError(f"the image {quoted(file)} is missing; add it or delete the row") from None
    except UnidentifiedImageError:
        raise ValueError(f"{quoted(file)} is neither PNG nor JPEG; convert it") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{quoted(file)} has over {Image.MAX_IMAGE_PIXELS:,} pixels; scale it down") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"{quoted(file)} cannot be decoded ({error}); replace the file") from None
    if image.mode.startswith("I"):  # 16 bit grey
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    grey = inputs["channels"] == 1
    fill = inputs["fill"] if grey else (inputs["fill"],) * 3
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (inputs["fill"],) * 3 + (255,)), image)
    image = image.convert("L" if grey else "RGB")
    size = (inputs["width"], inputs["height"])
    if image.size != size:
        image = ImageOps.pad(image, size, Image.Resampling.BILINEAR, color=fill)
    return np.asarray(image).reshape(inputs["height"], inputs["width"], inputs["channels"])


def _elsewhere(folder: Path, path: str, delivery: Path) -> str:
    """Return where an image lies that was named relative to another folder than `folder`, as a hint."""
    prefix = f"{folder.as_posix()}/"
    below = (delivery.relative_to(folder) / path).as_posix()
    for better in (path.removeprefix(prefix), below):
        if better != path and (folder / better).is_file():
            return f"; paths are relative to {prefix}: write {quoted(better)}"
    return ""


def pack(raw: Raw, folder: Path, target: Path, inputs: Mapping[str, int]) -> int:
    """Decode the images of all deliveries under `folder` into `target`; return how many there are.

    Raises:
        Refusal: naming every row whose image is missing, unreadable or outside `folder`.
    """
    table = raw.table
    if "path" not in table:
        refuse([*raw.found, Problem(raw.files[0], "has no column `path`, which names each example's image", 1)])
    shape = (len(table), inputs["height"], inputs["width"], inputs["channels"])
    target.mkdir(parents=True)
    images = np.lib.format.open_memmap(target / IMAGES.name, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a disk that fills up under a memory map would kill the process without a word
        with (target / IMAGES.name).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, images.offset + images.nbytes)
    digests = np.empty(len(table), dtype=object)
    deliveries = [Path(file).parent for file in raw.files]
    delivery = raw.delivery

    def one(row: int, path: str) -> str | None:
        said = unsafe(path)
        if said is None:
            try:
                images[row] = decode(folder / path, inputs)
                digests[row] = hashlib.sha256(images[row].tobytes()).hexdigest()[:16]
            except ValueError as error:
                said = f"{error}{_elsewhere(folder, path, deliveries[delivery[row]])}"
        return said

    progress = Progress("pack", len(table))
    wrong = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding releases the interpreter's lock
        for row, said in enumerate(pool.map(one, range(len(table)), table["path"])):
            progress.advance()
            if said is not None:
                wrong[row] = said
    refuse(raw.found + raw.problems(wrong))
    images.flush()
    pd.DataFrame({"id": table["id"], "input": digests.astype(str)}).to_parquet(target / INDEX.name, index=False)
    return len(table)
