"""The verdict on a data change: does the candidate's data help the frozen model, and how sure is that?"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..files.paths import CLASSES
from ..messages.problems import quoted
from . import statistics
from .datadiff import DataDiff, diff
from .lineup import HELPS, HURTS, MIN_SEEDS, MIN_SLICE, Part, Scored, flips, parts, score, slice_masks
from .proof import Proof, prove
from .revisions import Revision
from .stale import stale
from .statistics import Interval

NO_DIFFERENCE = "no detectable difference"
DEPENDS, NOT_COMPARABLE = "depends on the labels", "not comparable"
MIN_UNITS = 5  # groups of test examples: fewer say nothing of the next one


@dataclass(frozen=True)
class Ruler:
    """What test labels that changed do to the result: accuracies as [trained on old or new][scored on old or new].

    Attributes:
        relabelled: test examples whose label changed.
        scores: 2x2 accuracies.
        unchanged: the gain on the test examples whose label did not change.
        by_old: the gain by the old labels.
    """

    relabelled: int
    scores: list[list[float]]
    unchanged: Interval
    by_old: Interval

    @property
    def moved(self) -> float:
        """What the baseline gains by the new labels alone; never a gain of the data it trained on."""
        return self.scores[0][1] - self.scores[0][0]


@dataclass(frozen=True)
class Comparison:
    """A candidate compared with a baseline.

    Attributes:
        verdict: one of the five verdicts.
        why: reasons for `not comparable`, each a sentence.
        mend: what would make it comparable.
        seeds: names of the seeds both have.
        examples: test examples both were scored on.
        units: how many independent draws these are, see `statistics.units_of`.
        excluded: {reason: ids} of test examples left out.
        old, new: accuracy on the shared examples by the candidate's labels.
        gain, macro_f1: of the candidate over the baseline.
        classes, slices: the gain by class of the label and by metadata column.
        ruler: present where test labels changed.
        flips: test examples where most seeds changed between right and wrong.
        mcnemar: with one seed: only the baseline right, only the candidate right, p.
        looks: data revisions that were scored on this test set; None where it was not asked.
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
    macro_f1: Interval | None = None
    classes: list[Part] = field(default_factory=list)
    slices: list[Part] = field(default_factory=list)
    ruler: Ruler | None = None
    flips: pd.DataFrame | None = None
    mcnemar: tuple[int, int, float] | None = None
    looks: int | None = None
    warnings: list[str] = field(default_factory=list)


def compare(baseline: Revision, candidate: Revision) -> Comparison:
    """Compare two data revisions: first whether they can be compared at all, then by how much they differ."""
    proof, data = prove(baseline, candidate), diff(baseline, candidate)
    wider = score(baseline, candidate, data.renamed, proof.paired)
    scored = wider.of(wider.counts)
    why, mend, warnings = objections(baseline, candidate, proof, data, scored)
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
    }
    if why:
        return Comparison(verdict=NOT_COMPARABLE, why=why, mend=mend, **common)
    old, new = scored.right(0, 1), scored.right(1, 1)
    gain, ruler = scored.gain(), measure_ruler(scored)
    verdict, why, mend = judge(scored, wider, gain, ruler)
    mcnemar = None
    if len(scored.seeds) == 1:
        b, c = int((old & ~new).sum()), int((new & ~old).sum())
        mcnemar = (b, c, statistics.mcnemar(b, c)[0])
    by_class = [(name, scored.labels[1] == code) for code, name in enumerate(scored.classes)]
    return Comparison(
        verdict=verdict,
        why=why,
        mend=mend,
        old=float(old.mean()),
        new=float(new.mean()),
        gain=gain,
        macro_f1=statistics.macro_f1_interval(
            scored.labels[1], scored.old, scored.new, len(scored.classes), scored.units, scored.paired
        ),
        classes=parts(scored, [(name, mask) for name, mask in by_class if mask.any()]),
        slices=parts(scored, slice_masks(scored.table)),
        ruler=ruler,
        flips=flips(scored),
        mcnemar=mcnemar,
        **common,
    )


def measure_ruler(scored: Scored) -> Ruler | None:
    """Return what the changed test labels do, or None where none changed."""
    same = scored.labels[0] == scored.labels[1]
    if same.all():
        return None
    scores = [[float(scored.right(arm, label).mean()) for label in (0, 1)] for arm in (0, 1)]
    return Ruler(int((~same).sum()), scores, scored.of(same).gain(), scored.gain(0))


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
            dropped, points = len(wider.table) - len(scored.table), 100 * whole.mean
            why = f"the verdict rests on {dropped:,} dropped test examples: with them the gain is {points:+.2f} points"
            return NOT_COMPARABLE, [why], [f"Drop test examples {apart}"]
    if len(scored.lost) and verdict != NO_DIFFERENCE and verdict_of(scored.worst(answered=verdict == HURTS)) != verdict:
        why = f"the verdict rests on {len(scored.lost):,} test examples that the candidate's test set does not hold as they were"
        return NOT_COMPARABLE, [why], [f"Take test examples away, or replace their inputs, {apart}"]
    if ruler is not None:
        depends = verdict_of(ruler.by_old) != verdict
        if verdict == NO_DIFFERENCE:
            depends |= verdict_of(ruler.unchanged) != verdict
        else:
            depends |= gain.mean * ruler.unchanged.mean <= 0
        verdict = DEPENDS if depends else verdict
    return verdict, [], []


def objections(
    baseline: Revision, candidate: Revision, proof: Proof, data: DataDiff, scored: Scored
) -> tuple[list[str], list[str], list[str]]:
    """Return why two revisions cannot be compared, what would mend it, and warnings."""
    why, mend, warnings = [], [], []
    for revision in (baseline, candidate):
        outdated, unknown = stale(revision)
        warnings += unknown
        why += [f"the results of {revision.name} are stale: {what}" for what in outdated]
        if outdated:
            commit = "" if revision.commit is None else " and commit what it writes"
            mend.append(
                f"Run `dvc repro` on {revision.name}{commit}; where that finds nothing to do, Git and DVC "
                "see other files: name those that Git ignores in .dvcignore too."
            )
    why += [f"the model changed: {what}" for what in proof.model]
    if proof.model and all(what.startswith("environment: ") for what in proof.model):
        mend.append(
            "Run `dvc repro --force train evaluate` on the baseline in the candidate's environment, and commit."
        )
    elif proof.model:
        mend.append(
            "Change the data or the model, not both: take the model's change back, or run the baseline's data with the new "
            "model first (`dvc exp run` on the baseline after the same change) and compare with that."
        )
    lists = [list(revision.table(CLASSES)["class"].replace(data.renamed)) for revision in (baseline, candidate)]
    if lists[0] != lists[1]:
        gone, come = ([quoted(name) for name in lists[i] if name not in lists[1 - i]] for i in (0, 1))
        change = [f"{word} {', '.join(names)}" for word, names in (("gone", gone), ("new", come)) if names]
        why.append(f"the classes changed: {', '.join(change) or 'they are in another order'}")
        mend.append(
            "Apply the passes that change classes to both sides: make a baseline that has them and nothing else."
        )
    shared, units = len(scored.table), len(np.unique(scored.units))
    if units < min(shared, MIN_UNITS):
        why.append(f"the test examples are of {units} groups only; a verdict needs at least {MIN_UNITS}")
        mend.append("Collect test examples of more groups: a few say nothing of the next one.")
    if shared < MIN_SLICE and shared == max(scored.sizes):
        why.append(f"{shared} test examples are too few to tell a gain from luck; a verdict needs at least {MIN_SLICE}")
        mend.append("Collect test examples, or give `split.test` in conf/data a larger share.")
    elif 2 * shared < max(scored.sizes) or shared < MIN_SLICE:
        reasons = ", ".join(f"{len(ids):,} {reason}" for reason, ids in scored.excluded.items())
        why.append(f"the test set changed: only {shared:,} examples are in both ({reasons})")
        mend.append("Keep the test set fixed while the training data changes; change it in a pull request of its own.")
    if not proof.model:
        trained = baseline.yaml("dvc.lock")["stages"]["train"]["params"]["params.yaml"]["seeds"]
        if len(trained) != len(scored.seeds):
            why.append(f"{len(trained)} seeds were trained, and {len(scored.seeds)} have answers in both revisions")
            mend.append("Run `dvc repro` on both revisions and commit what it writes.")
    return why, mend, warnings
