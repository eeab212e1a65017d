"""The verdict on a data change: does the candidate's data help the frozen model, and how sure is that?"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..data.examples import DELIVERY, PICKED_AS
from . import statistics
from .crossed import Components
from .datadiff import DataDiff, diff
from .deliveries import OnDelivery, by_delivery, entered, trade
from .equivalence import Within
from .goals import Scope
from .judge import DEPENDS as DEPENDS
from .judge import HELPS, HURTS, NO_DIFFERENCE, NOT_COMPARABLE, Ruler, judge, measure_ruler
from .judge import verdict_of as verdict_of
from .lineup import MIN_SEEDS, MIN_SLICE, ONLY_CANDIDATE, Scored, draws, flips, score, slices
from .looks import AllLooks
from .metric import ACCURACY, MACRO_F1, Metric
from .objections import objections
from .proof import Proof, prove
from .revisions import Revision
from .statistics import Interval
from .sureness import Aim, sureness
from .ways import Ways

WHERE_ANY = {"where any": True}  # of a field that a record leaves out where it is empty


@dataclass(frozen=True)
class Part:
    """The gain on one class or slice.

    Attributes:
        name: the class, or `column = value`.
        examples: test examples in it.
        old, new: the metric of baseline and candidate in it.
        gain: with its interval.
        p: Holm's adjusted p-value over all parts of the same table; NaN under MIN_SLICE examples.
    """

    name: str
    examples: int
    old: float
    new: float
    gain: Interval
    p: float

    @property
    def verdict(self) -> str:
        """`helps`, `hurts`, or nothing where it is too small or not detectable."""
        if not self.p < 1 - statistics.LEVEL:
            return ""
        return HELPS if self.gain.mean > 0 else HURTS


@dataclass(frozen=True)
class Comparison:
    """A candidate compared with a baseline.

    Attributes:
        verdict: one of the five verdicts.
        why: reasons for `not comparable`, each a sentence.
        mend: what would make it comparable.
        seeds: names of the seeds both have.
        examples: test examples both were scored on.
        units: how many independent draws these are, see `crossed.units_of`.
        excluded: {reason: ids} of test examples left out.
        metric: what the verdict is about: `old`, `new`, `gain`, the parts and the ruler.
        old, new: the metric on the shared examples by the candidate's labels.
        gain: of the candidate over the baseline, positive where it is better; of a cost what is saved.
        accuracy, macro_f1: the gain in these, whatever the metric.
        classes, slices: the gain by class of the label and by metadata column.
        ruler: present where test labels changed.
        flips: test examples where most seeds changed between right and wrong.
        mcnemar: with one seed: only the baseline right, only the candidate right, p.
        components: of what the variance of the gain is made; None for macro-F1.
        readings: the gain by each reading that the verdict has to stand, first as it is; none where nothing is compared.
        at_most: the smallest x such that a gain or loss larger than x is excluded, see `equivalence`; NaN for none.
        within: whether the two are equivalent within the margin that was asked for.
        ways: what would show a gain where there is no verdict.
        looks: data revisions that were scored on this test set; None where it was not asked.
        all_looks: what holds over all looks at it.
        warnings: what a reader should know besides.
        test_sets: the verdict on each part of the test set; none where it has but one.
        entered: {delivery: test examples of it that only the candidate's test set holds}.
        scope: the candidate's scope card and how it stands to it; None where it has none, or was not asked.
    """

    baseline: Revision
    candidate: Revision
    verdict: str
    proof: Proof
    data: DataDiff
    why: list[str] = field(default_factory=list)
    mend: list[str] = field(default_factory=list)
    seeds: list[str] = field(default_factory=list)
    examples: int = 0
    units: int = 0
    excluded: dict[str, list[str]] = field(default_factory=dict)
    old: float = float("nan")
    new: float = float("nan")
    gain: Interval | None = None
    accuracy: Interval | None = None
    macro_f1: Interval | None = None
    classes: list[Part] = field(default_factory=list)
    slices: list[Part] = field(default_factory=list)
    ruler: Ruler | None = None
    flips: pd.DataFrame | None = None
    mcnemar: tuple[int, int, float] | None = None
    components: Components | None = None
    readings: list[Interval] = field(default_factory=list)
    at_most: float = float("nan")
    within: Within | None = None
    ways: Ways | None = None
    looks: int | None = None
    all_looks: AllLooks | None = None
    warnings: list[str] = field(default_factory=list)
    metric: Metric = field(default_factory=Metric)
    test_sets: list[OnDelivery] = field(default_factory=list, metadata=WHERE_ANY)
    entered: dict[str, int] = field(default_factory=dict, metadata=WHERE_ANY)
    scope: Scope | None = field(default=None, metadata=WHERE_ANY)


def parts(found: Sequence[tuple[str, int, float, float, Interval]], scored: Scored) -> list[Part]:
    """Return the gain on named subsets (name, examples, both levels, gain), with Holm's correction over those tested.

    A subset of under MIN_SLICE examples is not tested, and none is with under MIN_SEEDS seeds.
    """
    enough = len(scored.seeds) >= MIN_SEEDS
    tested = [gain.p if enough and examples >= MIN_SLICE else np.nan for _, examples, _, _, gain in found]
    return [Part(*part, float(p)) for part, p in zip(found, statistics.holm(tested), strict=True)]


NOTHING_ELSE = Aim()


def compare(baseline: Revision, candidate: Revision, aim: Aim = NOTHING_ELSE) -> Comparison:
    """Compare two data revisions: first whether they can be compared at all, then by how much they differ."""
    found, wider = weigh(baseline, candidate)
    found = replace(found, entered=entered(candidate, found.excluded.get(ONLY_CANDIDATE, [])))
    if aim.within is not None:
        found = replace(found, within=Within(aim.within / found.metric.scale, False))
    if found.gain is None:
        return found
    scored = wider.of(wider.counts)
    old, new, gain, metric = scored.right(0, 1), scored.right(1, 1), found.gain, found.metric
    mcnemar = None
    if len(scored.seeds) == 1:
        b, c = int((old & ~new).sum()), int((new & ~old).sum())
        mcnemar = (b, c, statistics.mcnemar(b, c)[0])
    test_sets = by_delivery(baseline, candidate, wider)
    sliced = scored.table.drop(columns=[DELIVERY, PICKED_AS], errors="ignore") if test_sets else scored.table
    # What no row of a delivery says is no slice of its own: it is the delivery.
    whole = [np.flatnonzero(scored.table[DELIVERY] == part.name) for part in test_sets]
    named = ((name, rows) for name, rows in slices(sliced) if not any(np.array_equal(rows, one) for one in whole))
    traded = trade(test_sets)
    sure = dict[str, Any]()
    if found.verdict != NOT_COMPARABLE:
        sure = sureness(scored, wider, gain, found.verdict == NO_DIFFERENCE, found.proof.fingerprint, aim)
    return replace(
        found,
        accuracy=gain if metric.name == ACCURACY else scored.gain(metric=Metric(ACCURACY)),
        macro_f1=gain if metric.name == MACRO_F1 else scored.gain(metric=Metric(MACRO_F1)),
        classes=parts(scored.by_class(), scored),
        slices=parts([(name, len(rows), *scored.part(rows)) for name, rows in named], scored),
        flips=flips(scored, old, new),
        mcnemar=mcnemar,
        test_sets=test_sets,
        warnings=[*([traded] if traded else []), *found.warnings],
        **sure,
    )


def weigh(baseline: Revision, candidate: Revision, frozen: bool = True) -> tuple[Comparison, Scored]:
    """Return the comparison as far as its verdict needs it, and what both answered, on dropped test examples too.

    Args:
        frozen: whether the model must be the same. If not, another model is no objection: the gain is then of everything
            that changed, with the seeds of each side taken on their own, and `verdict` is not about the data. Nor are other
            `seeds` one: those that both have are compared.
    """
    data = diff(baseline, candidate)
    proof = prove(
        baseline, candidate, bool(data.notes or data.number("input changed")), data.renamed, not frozen, data.untouched
    )
    metric = candidate.lock.metric  # the baseline's too, else there is no verdict
    wider = score(baseline, candidate, data.renamed, proof.paired, metric)
    scored = wider.of(wider.counts)
    why, mend, warnings = objections(baseline, candidate, proof, data, scored, frozen)
    common: dict[str, Any] = {
        "baseline": baseline,
        "candidate": candidate,
        "proof": proof,
        "data": data,
        "seeds": scored.seeds,
        "examples": len(scored.table),
        "units": draws(scored.units),
        "excluded": scored.excluded,
        "warnings": warnings,
        "metric": metric,
    }
    if why:
        return Comparison(verdict=NOT_COMPARABLE, why=why, mend=mend, **common), wider
    gain, ruler = scored.gain(), measure_ruler(scored)
    verdict, why, mend = judge(scored, wider, gain, ruler)
    old, new = scored.level(0), scored.level(1)
    found = Comparison(verdict=verdict, why=why, mend=mend, old=old, new=new, gain=gain, ruler=ruler, **common)
    return found, wider
