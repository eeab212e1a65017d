"""Names that come from outside: which are refused, and file names and ids that are safe everywhere."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

import pandas as pd

LONGEST = 100  # characters of the name of a class or a column, and of an id
PART, WHOLE = 80, 200  # bytes of a file's or folder's name, and of a path: some systems end at 255
# Devices of Windows, which there can be no file or folder of, whatever follows a dot.
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


def many(number: int, what: str) -> str:
    """Return a number of things, as one says it."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def objection(name: str) -> str | None:
    """Return why a class or a column cannot have a name, or None."""
    if len(name) > LONGEST:
        return f"has {len(name)} letters, more than {LONGEST}"
    if not name.isprintable():
        return "has control characters"
    return "has `${`, which configurations replace" if "${" in name else None


def safe_path(given: str) -> str:
    """Return a relative path, made of an untrusted one, that stays in its folder and that every file system can hold."""
    plain = unicodedata.normalize("NFC", given.replace("\\", "/"))
    *folders, file = [part for part in plain.split("/") if part.strip(" .")] or ["_"]
    # DVC and Git leave out some names by their ending, such as .bak: folders have none.
    parts = [_part(folder.replace(".", "_")) for folder in folders] + [_part(file)]
    path = "/".join(parts)
    if len(path.encode()) > WHOLE:
        path = f"{parts[0]}/{_digest(given)}{PurePosixPath(parts[-1]).suffix}"
    return path


def _part(name: str) -> str:
    clean = re.sub(r'[<>:"|?*~/\\]', "_", "".join(c if c.isprintable() else "_" for c in name)).strip(" .") or "_"
    stem, end = PurePosixPath(clean).stem, PurePosixPath(clean).suffix
    first = clean.partition(".")[0].rstrip()
    stem = stem if first.casefold() not in DEVICES else f"{first}_{stem[len(first) :]}"
    clean = (stem.rstrip(" .") or "_") + end  # the stem is the id
    if len(clean.encode()) <= PART:
        return clean
    end = PurePosixPath(clean).suffix
    end = end if len(end.encode()) < 10 else ""
    start = clean.encode()[: PART - 20 - len(end)].decode("utf-8", "ignore").strip(" .")
    return f"{start}-{_digest(name)}{end}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def different(names: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """Return the names, numbered before the suffix where one stands there already but for upper and lower case."""
    seen = dict.fromkeys(map(_fold, taken), 1)  # with the last number given to the name
    found = []
    for name in names:
        path, new = PurePosixPath(name), name
        while _fold(new) in seen:
            seen[_fold(name)] = number = seen.get(_fold(name), 1) + 1
            new = path.with_name(f"{path.stem}-{number}{path.suffix}").as_posix()
        seen[_fold(new)] = 1
        found.append(new)
    return found


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def ids_of(paths: Sequence[str]) -> list[str]:
    """Return an id for each safe path: without the suffix, where that tells them apart."""
    bare = [PurePosixPath(path).with_suffix("").as_posix() for path in paths]
    often = Counter(bare)
    return different([path if often[one] > 1 else one for path, one in zip(paths, bare, strict=True)])


def are_ids(column: pd.Series) -> bool:
    """Return whether a column of text can name the examples: each cell another one, printable and not too long."""
    if column.duplicated().any() or (column == "").any() or (column.str.len() > LONGEST).any():
        return False
    return bool((column == column.str.strip()).all()) and all(map(str.isprintable, column))
