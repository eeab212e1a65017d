"""Which columns of new inputs differ from those of old ones, each on its own: what changed, in plain numbers, and whether that is luck."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, fisher_exact, ks_2samp

from ..comparison.statistics import holm
from ..messages.problems import quoted
from .measures import MISSING, calendar, named

CATEGORIES = 50  # counted, the most frequent; the others as one
EXPECTED = 10  # of each count, from which chi-squared's own p holds far out
DRAWS, SETTLED = (2_999, 29_999), 0.02  # tables drawn where it does not, and the p from which the first will do
EXACT = 1_000_000  # product of the sizes up to which KS is exact
RARE = "all rarer ones"


@dataclass(frozen=True)
class Column:
    """How a column differs.

    Attributes:
        name: as given; untrusted.
        kind: number, date, category or boolean.
        p: that nothing changed; NaN where it was not tested.
        adjusted: p by Holm over all columns.
        old, new: quartiles (3), of a number or date; else the share (1) of the category that changed most.
        missing: shares of missing values, old and new.
        effect: the change as words, on one line; names of categories are quoted.
    """

    name: str
    kind: str
    p: float
    adjusted: float
    old: tuple[float, ...]
    new: tuple[float, ...]
    missing: tuple[float, float]
    effect: str


def compare_columns(old: pd.DataFrame, new: pd.DataFrame, kinds: Mapping[str, str]) -> list[Column]:
    """Test each column, old against new; the least p first.

    Rows must be independent: of inputs that come in groups, give one of each, `Inputs.one_of_each`. Rows of a group are
    alike, and a test that counts each alarms falsely; one that knew their sizes would be more powerful, and as valid only where
    groups are as large on both sides. Texts are not tested, see `measures.measures`, nor dates that only tell the time.

    Args:
        old, new: rows of the columns (n_old, n_new), as packed: numbers and dates as float, NaN for missing.
        kinds: {column: number, date, category or boolean}.
    """
    untested = calendar(old, new, kinds)
    found = []
    for name, kind in kinds.items():
        if kind in ("category", "boolean"):
            found.append(_categories(name, kind, named(old[name], kind), named(new[name], kind)))
        elif kind != "text":
            before, after = (frame[name].to_numpy(float, na_value=np.nan) for frame in (old, new))
            found.append(_numbers(name, kind, before, after, tested=name not in untested))
    adjusted = holm([column.p for column in found])
    found = [Column(**{**vars(column), "adjusted": float(p)}) for column, p in zip(found, adjusted, strict=True)]
    return sorted(found, key=lambda column: (np.isnan(column.p), column.p))


def ks(old: np.ndarray, new: np.ndarray) -> float:
    """Return the p-value of the two-sample Kolmogorov-Smirnov test; 1 where either is empty.

    Ties make it conservative: they only lower the statistic. Values that differ as float32 and float64 of one number do are
    ties, as a file may hold either.
    """
    if not len(old) or not len(new):
        return 1.0
    method = "exact" if len(old) * len(new) <= EXACT else "asymp"
    most = float(np.finfo(np.float32).max)
    sides = [np.clip(side, -most, most).astype(np.float32) for side in (old, new)]
    return float(ks_2samp(*sides, method=method).pvalue)


def counts_differ(table: np.ndarray) -> float:
    """Return the p-value of equal shares: Fisher's exact test of two categories, else that of chi-squared; 1 for less than two.

    Where a count of under 10 is expected, chi-squared's p does not hold this far out, so tables with the same margins are drawn.

    Args:
        table: counts (2 x categories).
    """
    table = table[:, table.sum(axis=0) > 0]
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    if table.shape[1] < 2 or not rows.all():
        return 1.0
    if table.shape[1] == 2:
        return float(fisher_exact(table).pvalue)
    expected = np.outer(rows, columns) / rows.sum()

    def statistic(one: np.ndarray) -> np.ndarray:  # of the second row, as the first follows from it
        return ((one - expected[1]) ** 2 / expected[1]).sum(axis=-1) * (1 + rows[1] / rows[0])

    seen = float(statistic(table[1]))
    if expected.min() >= EXPECTED:
        return float(chi2.sf(seen, table.shape[1] - 1))
    rng, p = np.random.default_rng(0), 1.0
    for draws in DRAWS:  # the most only for what a few do not settle, which alarms no more often
        drawn = rng.multivariate_hypergeometric(columns, int(rows[1]), size=draws, method="marginals")
        p = float((1 + np.sum(statistic(drawn) >= seen * (1 - 1e-9))) / (1 + draws))
        if p > SETTLED:
            break
    return p


def _numbers(name: str, kind: str, old: np.ndarray, new: np.ndarray, tested: bool) -> Column:
    """Return how numbers differ: their values, and how many are missing, each at half the level where any is."""
    sides = [values[~np.isnan(values)] for values in (old, new)]
    missing = tuple(1 - len(kept) / max(len(all_), 1) for kept, all_ in zip(sides, (old, new), strict=True))
    p = ks(*sides)
    if any(missing):
        table = np.array([[len(kept), len(all_) - len(kept)] for kept, all_ in zip(sides, (old, new), strict=True)])
        p = min(1.0, 2 * min(p, counts_differ(table)))
    quartiles = [tuple(np.quantile(kept, [0.25, 0.5, 0.75]).tolist()) if len(kept) else (np.nan,) * 3 for kept in sides]
    said = [_said(each, kind) for each in quartiles]
    effect = (
        f"median {said[0][1]} → {said[1][1]} (middle half {said[0][0]} to {said[0][2]} → {said[1][0]} to {said[1][2]})"
    )
    if any(missing):
        effect += f"; missing {_percent(missing[0])} → {_percent(missing[1])}"
    if not tested:
        effect += "; not tested, as it only tells the time"
    return Column(
        name, kind, p if tested else np.nan, np.nan, quartiles[0], quartiles[1], (missing[0], missing[1]), effect
    )


def _categories(name: str, kind: str, old: pd.Series, new: pd.Series) -> Column:
    """Return how categories differ; a missing value is one of them."""
    both = pd.concat([old, new], ignore_index=True)
    frequent = both.value_counts().sort_index().sort_values(ascending=False, kind="stable").index
    names = [*frequent[:CATEGORIES], *([RARE] if len(frequent) > CATEGORIES else [])]
    table = np.zeros((2, len(names)), dtype=int)
    for row, side in enumerate((old, new)):
        codes = pd.Index(frequent[:CATEGORIES]).get_indexer(side)
        table[row] = np.bincount(np.where(codes < 0, len(names) - 1, codes), minlength=len(names))
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    most = int(np.argmax(np.abs(shares[1] - shares[0]).round(12))) if names else 0
    what, changed = (names[most], shares[:, most].tolist()) if names else ("", [np.nan, np.nan])
    missing = [float((side == MISSING).mean()) if len(side) else 0.0 for side in (old, new)]
    rest = most == CATEGORIES
    shown = "missing" if what == MISSING else RARE if rest else quoted(what)
    never = " (never seen before)" if names and not table[0, most] and not rest else ""
    effect = f"{shown} {_percent(changed[0])} → {_percent(changed[1])}{never}"
    p = counts_differ(table)
    return Column(name, kind, p, np.nan, (changed[0],), (changed[1],), (missing[0], missing[1]), effect)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _said(values: tuple[float, ...], kind: str) -> list[str]:
    """Return numbers as people write them, dates as days."""
    if kind == "date":
        days = pd.Timestamp("1970-01-01") + pd.to_timedelta(np.array(values), unit="D")
        return [day.strftime("%Y-%m-%d") if not pd.isna(day) else "none" for day in days]
    return ["none" if np.isnan(value) else f"{value:.4g}" for value in values]
