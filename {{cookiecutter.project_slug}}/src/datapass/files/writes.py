"""Files are written whole: aside first, then renamed."""

import ctypes
import json
import os
import shutil
import stat
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def write_json(content: object, path: Path) -> None:
    """Write readable JSON: two spaces, keys in the order given, no NaN."""
    write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


def write_text(content: str, path: Path) -> None:
    """Write a UTF-8 text file with LF line ends."""
    with written(path) as aside:
        aside.write_text(content, encoding="utf-8", newline="\n")


@contextmanager
def written(path: Path, shared: bool = False) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` when the block ends without an error.

    A kill at any moment leaves the old file or the new one. What a killed run left aside is overwritten by the next.
    Works for a folder too, of which the old one is swapped out in one step where the system can.

    Args:
        shared: other processes may write the same at the same time; what a killed one left aside then stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f".{path.name}{f'.{uuid.uuid4().hex}' if shared else ''}.partial"
    remove(aside)
    try:
        yield aside
        if aside.is_dir() and path.exists():
            _exchange(aside, path)
        else:
            aside.replace(path)
    except BaseException:
        # Windows keeps a file that is still memory-mapped, as it is while its error is on the way.
        with suppress(OSError):
            remove(aside)
        raise
    remove(aside)


def remove(path: Path) -> None:
    """Delete a file or a folder if it is there, read-only ones too: Windows refuses those, and links into DVC's cache are."""
    try:
        _delete(path)
    except PermissionError:
        for one in (path, *path.rglob("*")):
            if not one.is_symlink():
                one.chmod(one.stat().st_mode | stat.S_IWRITE)
        _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _exchange(new: Path, old: Path) -> None:
    """Swap two folders in one step (Linux, macOS); elsewhere move the old one away first."""
    libc: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    a, b = os.fsencode(new), os.fsencode(old)
    swap: Callable[[], int] | None = None
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        swap = lambda: libc.renameat2(-100, a, -100, b, 2)  # noqa: E731 AT_FDCWD, RENAME_EXCHANGE
    elif sys.platform == "darwin":
        swap = lambda: libc.renamex_np(a, b, 2)  # noqa: E731 RENAME_SWAP
    if swap is None or swap() != 0:
        spare = old.parent / f".{old.name}.old.partial"
        remove(spare)
        old.replace(spare)
        new.replace(old)
        remove(spare)
