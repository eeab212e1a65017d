"""Picture files below a folder: found without leaving it, and looked at through the project's own inputs."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ..messages.problems import Problem, quoted
from ..messages.progress import Progress
from .names import many

READ = (".png", ".jpg", ".jpeg")
OTHER = (".avif", ".bmp", ".gif", ".heic", ".jfif", ".jp2", ".pgm", ".ppm", ".tga", ".tif", ".tiff", ".webp")
LONGER = 64  # pixels of the longer side that a first baseline gets: minutes grow with the area


@dataclass(frozen=True)
class Seen:
    """What was seen of each file, in order.

    Attributes:
        digests: of the bytes; equal files have the same (n, str).
        wrong: why a file cannot be read, by number.
        sizes: width and height of those that can (m x 2).
        grey: whether all of them are grey.
    """

    digests: list[str]
    wrong: dict[int, str]
    sizes: np.ndarray
    grey: bool


def walk(base: Path) -> tuple[list[Path], list[str]]:
    """Return the files below a folder, sorted, and notes on what was left alone: hidden files, and links that leave it."""
    root = base.resolve()
    files: list[Path] = []
    left: list[str] = []
    for place, folders, names in os.walk(root):
        folder = Path(place)
        left += [one for one in folders if (folder / one).is_symlink()]
        folders[:] = [one for one in folders if not one.startswith(".") and not (folder / one).is_symlink()]
        for file in (folder / name for name in names if not name.startswith(".")):
            if file.resolve().is_relative_to(root) and file.is_file():
                files.append(file)
            else:
                left.append(file.name)
    files.sort(key=lambda file: file.parts)  # paths themselves sort without regard to case on Windows
    if not left:
        return files, []
    what = "to a folder, to nothing or out of the folder"
    return files, [f"not followed: {many(len(left), 'link')} {what}, such as {quoted(left[0])}"]


def unread(files: Sequence[Path], base: Path) -> list[Problem]:
    """Return a problem for each picture of a format that `inputs` does not read."""
    what = (
        "is a picture that is neither PNG nor JPEG; convert it, such as with `mogrify -format png FILE` of ImageMagick"
    )
    return [Problem(file.relative_to(base).as_posix(), what) for file in files if file.suffix.lower() in OTHER]


def digest(file: Path) -> str:
    """Return what equal files have in common."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def see(files: Sequence[Path], inputs: Any) -> Seen:
    """Read every file once, as the stage `pack` will."""

    def one(file: Path) -> tuple[str, str | None, tuple[int, int], bool]:
        try:
            inputs.read(file)
            with Image.open(file) as image:
                return digest(file), None, image.size, image.mode[0] in "1LI"
        except OSError as error:
            return "", f"cannot be read: {error.strerror}", (0, 0), True
        except ValueError as error:
            return "", str(error), (0, 0), True

    progress, found = Progress("look", len(files)), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding releases the interpreter's lock
        for seen in pool.map(one, files):
            progress.advance()
            found.append(seen)
    wrong = {number: said for number, (_, said, _, _) in enumerate(found) if said is not None}
    right = [seen for seen in found if seen[1] is None]
    sizes = np.array([size for _, _, size, _ in right], dtype=int).reshape(-1, 2)
    return Seen([seen[0] for seen in found], wrong, sizes, all(grey for *_, grey in right))


def target_size(sizes: np.ndarray) -> tuple[int, int]:
    """Return the width and height that pictures are scaled to: the median, at most LONGER, in multiples of 8."""
    median = np.median(sizes, axis=0)
    scaled = median * min(1.0, LONGER / median.max())
    width, height = (np.ceil(scaled / 8) * 8).clip(8).astype(int).tolist()
    return width, height


def named_column(table: pd.DataFrame) -> str | None:
    """Return the column whose cells name pictures, by their endings, or None."""
    usual = ("path", "file_name", "filename", "file", "image")
    for column in sorted(table.columns, key=lambda name: name.casefold() not in usual):
        cells = table[column][table[column] != ""].str.lower()
        if len(cells) and cells.str.endswith((*READ, *OTHER)).mean() > 0.9:
            return str(column)
    return None
