"""Packed rows as people read them: dates as dates, booleans as yes and no, numbers without needless digits."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.rows import DAY, digests
from ..files.paths import VALUES
from ..files.tables import TEXT
from ..messages.problems import Refusal
from ..settings import load, make

MISSING = "missing"
SECONDS = DAY.total_seconds()


@dataclass(frozen=True)
class Rows:
    """The packed rows of the workspace.

    Attributes:
        values: as in data/inputs/values.parquet (n x columns), see `data.rows`.
        kinds: {column: one of `data.rows.KINDS`}, in the order of conf/data.
    """

    values: pd.DataFrame
    kinds: dict[str, str]

    def of(self, table: pd.DataFrame, strict: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the values of examples (k x columns), and which of them are those that the table means (k, bool).

        The workspace may hold other inputs than a table was made with; the hash of the row tells.

        Args:
            table: with `row` and `input`, see `data.examples`.
            strict: whether another input than the table says is an error.

        Raises:
            Refusal: where `strict` and data/inputs/ holds other inputs.
        """
        place = pd.to_numeric(table["row"], errors="coerce").fillna(-1).to_numpy(np.float64)
        known = (place >= 0) & (place < len(self.values))
        found = self.values.iloc[place[known].astype(np.int64)].reset_index(drop=True)
        same = known.copy()
        same[known] = digests(found, table["id"][known]).to_numpy() == table["input"].to_numpy()[known]
        if strict and not same.all():
            what = f"{VALUES.as_posix()} holds other inputs than data/examples/; `dvc repro`, or `dvc checkout`."
            raise Refusal(what)
        return found.set_axis(np.flatnonzero(known)).reindex(range(len(table))), same


def read_rows() -> Rows | None:
    """Return the packed rows of the workspace, or None where it has none: its inputs are files, or not here.

    Raises:
        Refusal: where they have other columns than params.yaml names.
    """
    if not VALUES.is_file():
        return None
    values = pd.read_parquet(VALUES)
    kinds = dict(getattr(make(load().data.inputs, "data: inputs"), "columns", {}))
    if sorted(kinds) != sorted(values):
        raise Refusal(f"{VALUES.as_posix()} has other columns than conf/data names; `dvc repro` packs them again.")
    return Rows(values, kinds)


def readable(values: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Return values as texts (n x columns, object); an empty cell of any kind but text is `missing`.

    Args:
        values: see `Rows`.
        kinds: {column: kind} of those that are wanted, in order.
    """
    return pd.DataFrame({name: WRITERS[kind](values[name]) for name, kind in kinds.items()}, dtype=object)


def number(value: float) -> str:
    """Return a number with at most five digits that say something, whole numbers whole; thousands are set off from 10,000 on."""
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.4g}"
    if size == int(size):
        return f"{value:,.0f}" if size >= 10_000 else f"{value:.0f}"
    whole = len(f"{int(size)}") if size >= 1 else int(np.ceil(np.log10(size)))
    text = f"{value:,.{max(5 - whole, 1)}f}" if size >= 10_000 else f"{value:.{max(5 - whole, 1)}f}"
    return text.rstrip("0").rstrip(".")


def _numbers(column: pd.Series) -> list[str]:
    return [MISSING if value != value else number(value) for value in column.to_numpy(np.float64).tolist()]


def _booleans(column: pd.Series) -> list[str]:
    return [MISSING if value != value else "yes" if value else "no" for value in column.to_numpy(np.float64).tolist()]


def _dates(column: pd.Series) -> list[str]:
    """Return dates, with a time of day where there is one."""
    days = column.to_numpy(np.float64)
    seconds = np.rint(np.nan_to_num(days) * SECONDS).astype("datetime64[s]")
    shown = np.char.replace(np.datetime_as_string(seconds), "T", " ")
    return [
        MISSING if day != day else text.removesuffix(":00").removesuffix(" 00:00")
        for day, text in zip(days.tolist(), shown.tolist(), strict=True)
    ]


def _categories(column: pd.Series) -> list[str]:
    return column.astype(TEXT).fillna(MISSING).tolist()


def _texts(column: pd.Series) -> list[str]:
    return column.astype(TEXT).fillna("").tolist()


WRITERS = {"number": _numbers, "boolean": _booleans, "date": _dates, "category": _categories, "text": _texts}
