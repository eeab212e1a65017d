"""What a training reads of the project: as one file to send, and as a digest to know it by."""

import hashlib
import io
import zipfile
from pathlib import Path

from ..data.shards import folders
from ..files.paths import ARRAYS, EXAMPLES, INPUTS, PARAMS, PIPELINE, RAW
from ..stages.frame import declared, read_by
from ..stages.frame import files as files_of

SENT = {Path("src"), PIPELINE, PARAMS, Path("pyproject.toml"), INPUTS, EXAMPLES}


def files() -> list[Path]:
    """Return the files that a training reads, of the project in the working directory: what stage `train` declares is among them."""
    declares = read_by(declared("train")) if PIPELINE.is_file() else set()
    return files_of(SENT | declares | set(folders()))


def packed() -> bytes:
    """Return what a training reads as a zip file; the same content gives the same bytes."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_STORED, strict_timestamps=False) as file:
        for path in files():
            if path.is_absolute() or ".." in path.parts:  # where a worker has it, it has it there too
                continue
            file.writestr(zipfile.ZipInfo(path.as_posix()), path.read_bytes())
    return found.getvalue()


def state() -> str:
    """Return 64 hex digits that change with what a training reads; of packed inputs their index tells, which has each one's hash."""
    found = hashlib.sha256()
    for path in files():
        if path != ARRAYS and not path.is_relative_to(RAW):
            found.update(f"{path.as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()
