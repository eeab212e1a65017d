"""Where the values of a few rows stand among the training examples, and among those of two labels.

A number or a date stands at its percentile; a category or a boolean, and a missing value of any kind, at the share of
rows that have the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..files.tables import TEXT

ORDERED = ("number", "date")
TIED = 0.2  # share of equal values from which on it says more than the percentile


@dataclass(frozen=True)
class Standing:
    """Where the values of a column stand (k each).

    Attributes:
        said: in words, such as `above 93 %`.
        place: percentile, 0 to 1, ties half; NaN where the value is not one of an order.
        shares: of equal values among all training rows, those of the given and those of the other label (k x 3).
        unusual: 0 to 1, of the value among all training rows, whatever the label.
        telling: 0 to 1, how differently the value stands in the two labels; without another label, how unusual for the given.
        bands: where the middle half of each label's values stands, percentiles (classes x 2; NaN: it has none).
    """

    said: list[str]
    place: np.ndarray
    shares: np.ndarray
    unusual: np.ndarray
    telling: np.ndarray
    bands: np.ndarray


def standings(
    asked: pd.DataFrame,
    training: pd.DataFrame,
    labels: np.ndarray,
    given: np.ndarray,
    other: np.ndarray,
    kinds: Mapping[str, str],
) -> dict[str, Standing]:
    """Return where each value stands, by column.

    Args:
        asked: k rows of typed values.
        training: n rows of the same columns.
        labels: class codes of the training rows (n, int64).
        given, other: class codes of the rows' labels and of what they are compared with (k, int64; -1: none).
        kinds: {column: number, date, boolean or category}.
    """
    number = int(max([-1, *labels, *given, *other])) + 1
    return {
        name: _standing(asked[name], training[name], labels, [given, other], number, kind in ORDERED)
        for name, kind in kinds.items()
    }


def _standing(
    asked: pd.Series, training: pd.Series, labels: np.ndarray, which: list[np.ndarray], number: int, ordered: bool
) -> Standing:
    plain = [column.to_numpy(np.float64) if ordered else column.astype(TEXT) for column in (training, asked)]
    codes = pd.factorize(np.concatenate(plain) if ordered else pd.concat(plain), sort=True)[0] + 1  # 0: missing
    known, mine = codes[: len(training)], codes[len(training) :]
    top = int(codes.max(initial=0)) + 1
    by_label = np.sort(labels * top + known)
    groups = [(np.sort(known), np.zeros(len(mine), dtype=np.int64)), *((by_label, code) for code in which)]
    counted = [_count(keys, top, mine, code) for keys, code in groups]
    shares = np.column_stack([_ratio(c["equal"], c["size"]) for c in counted])
    here = (mine > 0) & ordered
    places = [np.where(here, _ratio(c["less"] + c["equal"] / 2, c["size"] - c["missing"]), np.nan) for c in counted]
    sizes = np.bincount((known > 0).astype(np.int64) if ordered else known, minlength=codes.max(initial=1) + 1)
    own = sizes[mine]
    cumulated = np.concatenate([[0], np.cumsum(np.sort(sizes))])
    commoner = len(known) - cumulated[np.searchsorted(np.sort(sizes), own, "right")]
    unusual = np.where(here, np.abs(2 * places[0] - 1), _ratio(commoner, np.full(len(mine), len(known))))
    apart = np.where(here, np.abs(places[1] - places[2]), np.abs(shares[:, 1] - shares[:, 2]))
    alone = np.where(here, np.abs(2 * places[1] - 1), 1 - shares[:, 1])
    telling = np.where(which[1] < 0, alone, apart)
    return Standing(
        [_said(*row) for row in zip(here, mine == 0, *(counted[0][name] for name in COUNTS), strict=True)],
        places[0],
        shares,
        np.nan_to_num(unusual),
        np.nan_to_num(telling),
        _bands(known, labels, number) if ordered else np.full((number, 2), np.nan),
    )


COUNTS = ("less", "equal", "missing", "size")


def _count(keys: np.ndarray, top: int, mine: np.ndarray, code: np.ndarray) -> dict[str, np.ndarray]:
    """Return how many rows of each one's group have lesser, equal and missing values, and how many there are (k each).

    Args:
        keys: of the training rows, `top` times their group and their value's code, 0 where it is missing; sorted (n).
        mine: values asked about, as codes (k).
        code: the groups to look in (k).
    """
    start, present, end = (np.searchsorted(keys, code * top + step) for step in (0, 1, top))
    low, high = (np.searchsorted(keys, code * top + mine, side) for side in ("left", "right"))
    return {"less": low - present, "equal": high - low, "missing": present - start, "size": end - start}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _bands(known: np.ndarray, labels: np.ndarray, number: int) -> np.ndarray:
    """Return the quartiles of each label's values, as percentiles among all (classes x 2)."""
    present = known > 0
    if not present.any():
        return np.full((number, 2), np.nan)
    places = (pd.Series(known[present]).rank() - 0.5) / present.sum()  # ties half, as of the values asked about
    found = places.groupby(labels[present]).quantile([0.25, 0.75]).unstack()
    return found.reindex(range(number)).to_numpy(np.float64)


def _said(ordered: bool, missing: bool, less: int, equal: int, lost: int, size: int) -> str:
    """Return in words where a value stands among all training rows."""
    if not size:
        return ""
    if missing or not ordered:
        return f"{'missing' if missing else 'same'} in {percent(equal / size)}" if equal else "in no training row"
    if not (there := size - lost):
        return "in no training row"
    if equal >= TIED * there:
        return f"same in {percent(equal / there)}"
    if not equal and less in (0, there):
        return "above all" if less else "below all"
    if not 0.01 <= less / there <= 0.99:
        return "above nearly all" if less > equal else "below nearly all"
    return f"above {percent(less / there)}"


def percent(share: float) -> str:
    """Return a share in whole percents that does not call little nothing, nor nearly all all."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")
