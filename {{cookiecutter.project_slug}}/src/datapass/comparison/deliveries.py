"""A verdict on each part of the test set: on the old one, and on what entered it of each delivery of production.

The rows that a delivery of production brought into the test set have its name in the metadata column `incoming`; those of
the old test set have none. Which part a row stands in is what the baseline says, as a pull request must not loosen the
rule by which it is judged.

Each part is judged by the rules of the whole, on its own rows: labels that changed, dropped and lost examples count against
the part they stand in, and no other. At 5 % each, one of k parts would get a verdict of nothing in up to k times 5 %; a
reader takes each for true, and with every delivery there is one more. So Holm's correction keeps at 5 % the chance that any
part gets a verdict of nothing, as for classes and slices. It takes the p of the reading that is worst for the verdict,
and asks nothing of how the parts hang together, as a patient may stand in several.
With two parts the price is small: the clearer one must hold at 2.5 %, the other at 5 %. The whole is judged before the
parts and pays nothing for them.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ..data.examples import DELIVERY, counts
from ..files.paths import TEST
from ..messages.problems import quoted
from . import statistics
from .equivalence import readings
from .judge import HELPS, HURTS, NO_DIFFERENCE, NOT_COMPARABLE, Ruler, judge, measure_ruler
from .lineup import MIN_SEEDS, MIN_SLICE, MIN_UNITS, Scored, draws
from .revisions import Revision
from .statistics import Interval, t_interval

TOO_FEW = "too few for a verdict"
NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")


@dataclass(frozen=True)
class OnDelivery:
    """The verdict on a part of the test set.

    Attributes:
        name: of the delivery; empty for the old test set.
        examples, units: test examples that count in both revisions, and how many independent draws they are.
        verdict: one of the five verdicts, or TOO_FEW.
        why, mend: why there is no verdict, and what would mend it.
        old, new: the metric of baseline and candidate; NaN without an example.
        gain: with its 95 % interval.
        p: by the reading that is worst for the verdict, adjusted by Holm over all parts that are tested; NaN where not tested.
        ruler: present where test labels changed.
    """

    name: str
    examples: int
    units: int
    verdict: str
    why: list[str] = field(default_factory=list)
    mend: list[str] = field(default_factory=list)
    old: float = float("nan")
    new: float = float("nan")
    gain: Interval = field(default_factory=lambda: t_interval(float("nan"), float("nan"), 0))
    p: float = float("nan")
    ruler: Ruler | None = None


def by_delivery(baseline: Revision, candidate: Revision, wider: Scored) -> list[OnDelivery]:
    """Return the verdict on each part of the test set, the old one first; nothing where there is but one part.

    Args:
        wider: what both answered, on dropped test examples too.
    """
    tables = [revision.table(TEST).set_index("id") for revision in (baseline, candidate)]
    if not any(DELIVERY in table for table in tables):
        return []
    said = [_deliveries(table) for table in tables]
    of = said[0].combine_first(said[1])
    held = [of[table.index[counts(table)]].value_counts() for table in tables]
    places, lost = of[wider.table["id"]].to_numpy(), of[wider.lost_ids].to_numpy()
    names = sorted({*pd.unique(places), *pd.unique(lost)})
    if len(names) < 2:
        return []
    parts = [_part(wider, places == name, lost == name) for name in names]
    found = [
        _judged(name, part, max(int(number.get(name, 0)) for number in held))
        for name, part in zip(names, parts, strict=True)
    ]
    adjusted = statistics.holm([one.p for one in found])
    return [_corrected(one, float(p)) for one, p in zip(found, adjusted, strict=True)]


def trade(found: list[OnDelivery]) -> str | None:
    """Return that the change helps on one part and hurts on another, which the whole hides; None where it does not."""
    helped, hurt = ([named(one.name) for one in found if one.verdict == verdict] for verdict in (HELPS, HURTS))
    if not helped or not hurt:
        return None
    return (
        f"The whole test set hides a trade: the change helps on {_listed(helped)}, and hurts on {_listed(hurt)}. "
        "Decide by which data the model will be used on, not by the sum."
    )


def named(delivery: str) -> str:
    """Return a part of the test set in words; a name that no delivery of production has is quoted."""
    return (delivery if NAME.fullmatch(delivery) else quoted(delivery, 40)) if delivery else "the old test set"


def entered(candidate: Revision, only: list[str]) -> dict[str, int]:
    """Return of each delivery how many of its test examples are only in the candidate's test set, whose ids are `only`."""
    if not only:
        return {}
    came = _deliveries(candidate.table(TEST).set_index("id"))[only]
    return {str(name): int(number) for name, number in came[came != ""].value_counts().sort_index().items()}


def _deliveries(table: pd.DataFrame) -> pd.Series:
    """Return the delivery of each test example, by id; empty for the old test set."""
    return table[DELIVERY] if DELIVERY in table else pd.Series("", index=table.index, dtype="str")


def _part(wider: Scored, rows: np.ndarray, lost: np.ndarray) -> Scored:
    labels, answers = wider.lost
    ids = np.array(wider.lost_ids, dtype=object)[lost]
    return replace(wider.of(rows), lost=(labels[lost], answers[:, lost]), lost_ids=list(ids))


def _judged(name: str, wider: Scored, held: int) -> OnDelivery:
    """Return the verdict on a part at 5 %, with the p by its worst reading.

    Args:
        held: how many of its examples count in one of the revisions, whichever has more.
    """
    scored = wider.of(wider.counts)
    examples, units = len(scored.table), draws(scored.units)
    found = OnDelivery(name, examples, units, TOO_FEW)
    if examples and len(scored.seeds):
        found = replace(
            found, old=scored.level(0), new=scored.level(1), gain=scored.gain(), ruler=measure_ruler(scored)
        )
    if 2 * examples < held:
        changed = f"only {examples:,} of its {held:,} examples are in both revisions"
        if not examples:
            behind = "Merge the baseline into the candidate and run `dvc repro` there, so that both are scored on it."
            changed = f"the candidate's test set holds none of its {held:,} examples"
            return replace(found, verdict=NOT_COMPARABLE, why=[changed], mend=[behind])
        keep = "Keep the test set fixed while the training data changes; change it in a pull request of its own."
        return replace(found, verdict=NOT_COMPARABLE, why=[changed], mend=[keep])
    if examples < MIN_SLICE or units < MIN_UNITS:
        return found
    verdict, why, mend = judge(scored, wider, found.gain, found.ruler)
    p = float("nan")
    if len(scored.seeds) >= MIN_SEEDS:
        sign = found.gain.mean
        p = max(
            one.p if one is found.gain or one.mean * sign > 0 else 1.0 for one in readings(scored, wider, found.gain)
        )
    return replace(found, verdict=verdict, why=why, mend=mend, p=p)


def _corrected(one: OnDelivery, p: float) -> OnDelivery:
    lucky = one.verdict in (HELPS, HURTS) and not p < 1 - statistics.LEVEL
    return replace(one, p=p, verdict=NO_DIFFERENCE if lucky else one.verdict)


def _listed(names: list[str]) -> str:
    shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2:,} more"]
    return " and ".join([part for part in (", ".join(shown[:-1]), shown[-1]) if part])
