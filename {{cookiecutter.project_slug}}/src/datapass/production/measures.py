"""Plain measures of inputs that people understand, and columns that only tell the time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..data.packed import Arrays, Packed

AT_ONCE = 512  # images read at once from a memory-map
MISSING = "\ufdd0"  # no character, so nobody writes it, while a category may well be called nan; NUL is "" to pandas


def calendar(old: pd.DataFrame, new: pd.DataFrame, kinds: Mapping[str, str]) -> list[str]:
    """Return the columns that only tell the time: dates of which most new ones are later, or earlier, than nearly all of old.

    New inputs come later. A date that says so differs in every delivery, which is no news: it is left out of the tests.
    """
    found = []
    for name in [name for name, kind in kinds.items() if kind == "date"]:
        before, after = (frame[name].dropna().to_numpy(float) for frame in (old, new))
        if (
            len(before)
            and len(after)
            and max(np.mean(after > np.quantile(before, 0.95)), np.mean(after < np.quantile(before, 0.05))) > 0.5
        ):
            found.append(name)
    return found


def without_calendar(old: Packed, new: Packed, kinds: Mapping[str, str]) -> dict[str, str]:
    """Return the kinds of columns without dates that only tell the time."""
    if not isinstance(old, pd.DataFrame) or not isinstance(new, pd.DataFrame):
        return {}
    left_out = calendar(old, new, kinds)
    return {name: kind for name, kind in kinds.items() if name not in left_out}


def measures(
    packed: Packed, kinds: Mapping[str, str], rows: np.ndarray | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return plain descriptors of some inputs that people understand (k rows; all n where `rows` is None), and their kinds.

    Of images `brightness` (mean), `contrast` (standard deviation) and `sharpness` (mean absolute difference of neighbouring
    pixels), each 0..1; of texts `characters` and `words`; of tables the columns themselves.
    """
    rows = np.arange(len(packed)) if rows is None else rows
    if not isinstance(packed, pd.DataFrame):
        found = pd.DataFrame(_image_measures(packed, rows), columns=["brightness", "contrast", "sharpness"])
        found = found.drop(columns="sharpness" if packed.ndim < 3 else [])
        return found, dict.fromkeys(found, "number")
    plain = {name: kind for name, kind in kinds.items() if kind != "text"}
    some = packed.iloc[rows].reset_index(drop=True)
    table, known = some[list(plain)].copy(), dict(plain)
    for name in [name for name, kind in kinds.items() if kind == "text"]:
        text = some[name].astype("str").fillna("")
        for what, counted in (("characters", text.str.len()), ("words", text.str.split().str.len())):
            column = what if len(kinds) == 1 else f"{name}: {what}"
            while column in known:
                column += " of it"  # of two columns, one of which is called as the other's measure
            table[column], known[column] = counted.astype(float), "number"
    return table, known


def _image_measures(images: Arrays, rows: np.ndarray) -> np.ndarray:
    """Return brightness, contrast and sharpness of some images (k x 3)."""
    found = np.zeros((len(rows), 3))
    for start in range(0, len(rows), AT_ONCE):
        part = np.asarray(images[rows[start : start + AT_ONCE]], dtype=np.float64) / 255
        grey = part.mean(axis=3) if part.ndim == 4 else part
        axes = tuple(range(1, grey.ndim))
        steps = [np.abs(np.diff(grey, axis=axis)).mean(axis=axes) for axis in axes if grey.shape[axis] > 1]
        sharp = np.mean(steps, axis=0) if steps else np.zeros(len(grey))
        found[start : start + len(part)] = np.column_stack([grey.mean(axis=axes), 2 * grey.std(axis=axes), sharp])
    return found


def named(column: pd.Series, kind: str) -> pd.Series:
    """Return a column of categories or booleans as text (n, object); a missing value is MISSING."""
    known = column.astype(object)
    shown = known.map({1.0: "yes", 0.0: "no"}) if kind == "boolean" else known.astype("str")
    return shown.astype(object).where(column.notna(), MISSING)
