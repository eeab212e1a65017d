"""The verdict on a data change: does the candidate's data help the frozen model, and how sure is that?"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from . import statistics
from .crossed import Components
from .datadiff import DataDiff, diff
from .equivalence import Within
from .lineup import MIN_SEEDS, MIN_SLICE, Scored, flips, score, slice_masks
from .looks import AllLooks
from .metric import ACCURACY, MACRO_F1, Metric
from .objections import objections
from .proof import Proof, prove
from .revisions import Revision
from .statistics import Interval
from .sureness import Aim, sureness
from .ways import Ways

HELPS, HURTS, NO_DIFFERENCE = "helps", "hurts", "no detectable difference"
DEPENDS, NOT_COMPARABLE = "depends on the labels", "not comparable"


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
class Ruler:
    """What test labels that changed do to the result: the metric as [trained on old or new][scored on old or new].

    Attributes:
        relabelled: test examples whose label changed.
        scores: 2x2, of the metric.
        unchanged: the gain on the test examples whose label did not change.
        by_old: the gain by the old labels.
        better: 1 where more of the metric is better, -1 where less is.
    """

    relabelled: int
    scores: list[list[float]]
    unchanged: Interval
    by_old: Interval
    better: int = 1

    @property
    def moved(self) -> float:
        """What the baseline gains by the new labels alone; never a gain of the data it trained on."""
        return self.better * (self.scores[0][1] - self.scores[0][0])


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


def parts(found: Sequence[tuple[str, np.ndarray, float, float, Interval]], scored: Scored) -> list[Part]:
    """Return the gain on named subsets (name, mask of n, both levels, gain), with Holm's correction over those tested.

    A subset of under MIN_SLICE examples is not tested, and none is with under MIN_SEEDS seeds.
    """
    enough = len(scored.seeds) >= MIN_SEEDS
    tested = [gain.p if enough and mask.sum() >= MIN_SLICE else np.nan for _, mask, _, _, gain in found]
    return [
        Part(name, int(mask.sum()), old, new, gain, float(p))
        for (name, mask, old, new, gain), p in zip(found, statistics.holm(tested), strict=True)
    ]


NOTHING_ELSE = Aim()


def compare(baseline: Revision, candidate: Revision, aim: Aim = NOTHING_ELSE) -> Comparison:
    """Compare two data revisions: first whether they can be compared at all, then by how much they differ."""
    found, wider = weigh(baseline, candidate)
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
    sure = dict[str, Any]()
    if found.verdict != NOT_COMPARABLE:
        sure = sureness(scored, wider, gain, found.verdict == NO_DIFFERENCE, found.proof.fingerprint, aim)
    return replace(
        found,
        accuracy=gain if metric.name == ACCURACY else scored.gain(metric=Metric(ACCURACY)),
        macro_f1=gain if metric.name == MACRO_F1 else scored.gain(metric=Metric(MACRO_F1)),
        classes=parts(scored.by_class(), scored),
        slices=parts([(name, mask, *scored.part(mask)) for name, mask in slice_masks(scored.table)], scored),
        flips=flips(scored, old, new),
        mcnemar=mcnemar,
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
    proof = prove(baseline, candidate, bool(data.notes or data.number("input changed")), data.renamed, not frozen)
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
        "units": len(np.unique(scored.units)),
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


def measure_ruler(scored: Scored) -> Ruler | None:
    """Return what the changed test labels do, or None where none changed."""
    same = scored.labels[0] == scored.labels[1]
    if same.all():
        return None
    scores = [[scored.level(arm, label) for label in (0, 1)] for arm in (0, 1)]
    return Ruler(int((~same).sum()), scores, scored.gain(rows=same), scored.gain(0), scored.metric.better)


def verdict_of(gain: Interval) -> str:
    """Return the verdict of a gain alone."""
    return HELPS if gain.low > 0 else HURTS if gain.high < 0 else NO_DIFFERENCE


def judge(scored: Scored, wider: Scored, gain: Interval, ruler: Ruler | None) -> tuple[str, list[str], list[str]]:
    """Return the verdict, why there is none, and what would mend that.

    Test examples that were relabelled, dropped or taken away after someone saw the answers can make a gain of nothing. So
    a verdict has to stand by the old labels too, and with the dropped examples, and whatever the candidate would have
    answered on those that are gone.
    """
    if len(scored.seeds) < MIN_SEEDS:
        why = f"{len(scored.seeds)} seeds are too few to tell a gain from luck; a verdict needs at least {MIN_SEEDS}"
        mend = "Put at least 3 numbers into `seeds` in conf/config.yaml and run `dvc repro` on both revisions."
        return NOT_COMPARABLE, [why], [mend]
    verdict, apart = verdict_of(gain), "in a pull request of their own, without looking at what a model answers."
    if len(wider.table) > len(scored.table):
        whole = wider.gain()
        if verdict_of(whole) != verdict:
            dropped = len(wider.table) - len(scored.table)
            shown = f"{scored.metric.difference(whole.mean)} {scored.metric.of}"
            why = f"the verdict rests on {dropped:,} dropped test examples: with them the gain is {shown}"
            return NOT_COMPARABLE, [why], [f"Drop test examples {apart}"]
    lost = len(scored.lost[0])
    if lost and verdict != NO_DIFFERENCE and verdict_of(scored.worst(verdict == HELPS)) != verdict:
        why = f"the verdict rests on {lost:,} test examples that the candidate's test set does not hold as they were"
        return NOT_COMPARABLE, [why], [f"Take test examples away, or replace their inputs, {apart}"]
    if ruler is not None:
        depends = verdict_of(ruler.by_old) != verdict
        if verdict == NO_DIFFERENCE:
            depends |= verdict_of(ruler.unchanged) != verdict
        else:
            depends |= gain.mean * ruler.unchanged.mean <= 0
        verdict = DEPENDS if depends else verdict
    return verdict, [], []
