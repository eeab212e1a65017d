"""What the cells of a column are: numbers, dates, booleans, categories, ids or free text."""

import re

import numpy as np
import pandas as pd

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
PAIRS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"1", "0"}, {"1.0", "0.0"})
ID = re.compile(r"(^|[ _.-])(u?uid|id|key|index|nr|no)$|[a-z]I[dD]$", re.IGNORECASE)
UNITS = "patient subject person user customer client writer author speaker session family household donor animal"
GROUP = re.compile(
    rf"^({'|'.join(UNITS.split())}|participant|respondent|student)s?([ _.-]?(id|nr|no|name|code))?$", re.I
)
CERTAIN = 0.999  # of the rows, from which on a column is taken for the answer
FEW = 20  # rows under which shares say little


def known(column: pd.Series) -> pd.Series:
    """Return which cells hold something (n, bool)."""
    return ~column.str.strip().str.casefold().isin(MISSING)


def numbers(column: pd.Series) -> pd.Series | None:
    """Return a column as numbers, NaN where a cell is missing, or None where a cell is no number.

    `007` is a code, and `3,14` a number where all cells are written so.
    """
    there = known(column)
    text = column.where(there, "").str.strip()
    if text.str.fullmatch(r"-?0\d+").any():
        return None
    if text[there].str.fullmatch(r"[+-]?\d+(,\d+)?").all():
        text = text.str.replace(",", ".")
    found = pd.to_numeric(text, errors="coerce").astype(float)
    return found if np.isfinite(found[there]).all() else None


def dates(column: pd.Series) -> pd.Series | None:
    """Return a column as dates, or None: years first, days first with dots, or with slashes where only one order is possible."""
    there = known(column)
    text = column.where(there, "").str.strip()
    for pattern, formats in (
        (r"\d{4}-\d\d-\d\d([T ].*)?", ["ISO8601"]),
        (r"\d{1,2}\.\d{1,2}\.\d{4}", ["%d.%m.%Y"]),
        (r"\d{1,2}/\d{1,2}/\d{4}", ["%d/%m/%Y", "%m/%d/%Y"]),
    ):
        if text[there].str.fullmatch(pattern).all():
            tried = [pd.to_datetime(text, format=one, errors="coerce", utc=True) for one in formats]
            right = [one for one in tried if one[there].notna().all()]
            return right[0].dt.tz_localize(None) if len(right) == 1 else None
    return None


def booleans(column: pd.Series) -> pd.Series | None:
    """Return a column of two opposite words as True and False, NA where a cell is missing, or None for other words."""
    there = known(column)
    words = column.str.strip().str.casefold()
    if not any(set(words[there].unique()) <= pair for pair in PAIRS):
        return None
    return words.str[:1].isin(["t", "y", "1"]).astype("boolean").where(there)


def is_id(name: str, column: pd.Series) -> bool:
    """Return whether a column only tells rows apart: named so and different everywhere, a count of the rows, or codes."""
    there = column[known(column)]
    alone = bool(len(there)) and not there.duplicated().any()
    if alone and (ID.search(name.strip()) or not name):
        return True
    if (found := numbers(column)) is not None:
        whole = found.notna().all() and (found % 1 == 0).all()
        return bool(alone and whole and len(there) >= FEW and found.max() - found.min() == len(there) - 1)
    return len(there) >= FEW and there.nunique() > len(there) / 2 and not is_prose(column) and dates(column) is None


def is_prose(column: pd.Series) -> bool:
    """Return whether cells are texts: four words or more on average, and hardly two the same."""
    there = column[known(column)]
    return bool(len(there)) and (there.str.count(r"\S+").mean() >= 4) and there.nunique() > len(there) / 2


def is_group(name: str, column: pd.Series) -> bool:
    """Return whether a column seems to say whose rows belong together, such as a patient's."""
    there = column[known(column)]
    named = GROUP.search(name.strip()) or ID.search(name.strip())
    return bool(named) and bool(there.duplicated().any()) and there.nunique() > 1


def is_answer(column: pd.Series, label: pd.Series) -> bool:
    """Return whether a column gives the label away.

    A value that stands in one row alone says nothing of others, so neither an id nor a measurement is an answer.
    """
    pairs = pd.DataFrame({"value": column, "label": label})[known(column)].value_counts()
    by_value = pairs.groupby(level="value")
    right = by_value.max()[by_value.sum() > 1].sum()
    wrong, otherwise = len(label) - right, len(label) - label.value_counts().max()
    return bool(right >= CERTAIN * len(label) and wrong <= 0.05 * otherwise)
