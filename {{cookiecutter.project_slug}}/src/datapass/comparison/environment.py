"""Whether two environments give the same model: the line that `train` records, see `training.environment`."""

import re

from packaging.version import InvalidVersion, Version

CORE = ("python", "torch", "pytorch-lightning")  # recorded in every line
FREE = ("numpy",)  # of no influence on what is learnt but through rounding


def compare_environments(old: str, new: str) -> tuple[list[str], list[str]]:
    """Return what makes two environments incomparable, and what only unpairs the seeds, each as `old → new`.

    Another patch version, system, processor or device rounds differently: the same seed gives another model of the same
    kind, so the seeds of both sides are draws of their own. Another minor version, or another library, may train
    differently.
    """
    if old == new:
        return [], []
    sides = [_parts(line) for line in (old, new)]
    if not sides[0] or not sides[1]:
        return [f"{old or 'unknown'} → {new or 'unknown'}"], []
    apart: list[str] = []
    unpaired: list[str] = []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        a, b = (side.get(name) for side in sides)
        if a != b:
            shown = f"{_shown(name, a)} → {_shown(name, b)}"
            (unpaired if name in ("system", "device") or _alike(name, a, b) else apart).append(shown)
    return apart, unpaired


def _parts(line: str) -> dict[str, str]:
    """Return the versions by library, `system` and `device`; nothing where the line is not as `train` writes it."""
    *versions, system, device = line.split(", ") if line.count(", ") >= len(CORE) + 1 else ["", "", ""]
    found = [re.fullmatch(r"(\S+) (\S+)", part) for part in versions]
    if not all(found):
        return {}
    parts = {match[1]: match[2] for match in found if match} | {"system": system, "device": device}
    return parts if set(CORE) <= parts.keys() else {}


def _alike(name: str, old: str | None, new: str | None) -> bool:
    """Return whether two versions of a library differ in no more than the patch."""
    if old is None or new is None:
        return False
    try:
        a, b = Version(old), Version(new)
    except InvalidVersion:
        return False
    return name in FREE or (a.epoch, *a.release[:2]) == (b.epoch, *b.release[:2])


def _shown(name: str, value: str | None) -> str:
    if value is None:
        return f"no {name}"
    return value if name in ("system", "device") else f"{name} {value}"
