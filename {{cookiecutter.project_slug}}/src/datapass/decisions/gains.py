"""The table of gains: what changes of the data, of the model and of both gained over one baseline, and at what cost.

A change of the data is judged as `compare` does. A change of the model has no verdict: it is one of several that were tried,
picked by validation, since the best of many test scores is partly luck.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..comparison.experiments import experiments_on, queued
from ..comparison.history import add_looks
from ..comparison.lock import NOTHING
from ..comparison.looks import luck
from ..comparison.metric import Metric
from ..comparison.proof import SEEDS
from ..comparison.revisions import Revision
from ..comparison.stale import stale
from ..files.paths import TRAIN, VALIDATION
from ..messages.problems import Refusal, quoted
from ..messages.progress import Progress
from .candidates import (
    BOTH,
    DATA_ONLY,
    MODEL_ONLY,
    Candidate,
    candidate,
    data_of,
    descendants,
    has_results,
    is_part,
    level,
    model_of,
    names,
    share_seeds,
    validation,
    with_most_seeds,
)
from .cells import Crossed, cross


@dataclass(frozen=True)
class Gains:
    """The table.

    Attributes:
        level: the metric of the baseline on its own test set.
        validation: accuracy of the baseline's model on the validation examples.
        seeds: how many trainings the baseline was.
        candidates: with a gain before those without, of each kind the largest gain first; of one data and one model one.
        fewer: {name of a candidate: results of its data and its model with no more seeds, which are not shown}.
        picks: {kind: the candidate that stands for it}: of data changes that of the largest gain, else by validation.
        unpicked: {kind: why none was picked}.
        trainings: {kind: trainings in all}, each training once.
        parts, without: how many results were left out as they trained on a part of the examples, and for want of results.
        looks: data revisions that were scored on the test set; 0 where this is not known.
        luck: what the best of as many changes of the data without effect would show, as a gain.
        queued: {NOT_RUN or FAILED: the experiments on the baseline in DVC's queue that have no result}.
        crossed: None where no two results of the same kind of change meet.
    """

    baseline: Revision
    metric: Metric
    level: float
    validation: float
    seeds: int
    candidates: list[Candidate]
    picks: dict[str, Candidate]
    unpicked: dict[str, str]
    trainings: dict[str, int]
    parts: int = 0
    without: int = 0
    looks: int = 0
    luck: float | None = None
    crossed: Crossed | None = None
    fewer: dict[str, list[str]] = field(default_factory=dict)
    queued: dict[str, list[str]] = field(default_factory=dict)

    def of(self, kind: str, gained: bool = True) -> list[Candidate]:
        """Return the candidates of a kind with a gain, or without."""
        return [one for one in self.candidates if one.kind == kind and (one.gain is not None) == gained]


def gains(baseline: Revision) -> Gains:
    """Compare everything that descends from a baseline with it.

    Raises:
        Refusal: where the baseline is no commit, has no results, or none that are of what it holds.
    """
    if baseline.commit is None:
        raise Refusal("Name a commit, branch, tag or experiment as the baseline: nothing descends from the workspace.")
    if not has_results(baseline):
        raise Refusal(f"{baseline.name} holds no results; run `dvc repro` there and commit what it writes.")
    if is_part(baseline):
        raise Refusal(
            f"{baseline.name} was trained on a part of its examples (data.size); name a baseline that took all."
        )
    if outdated := stale(baseline)[0]:
        raise Refusal(
            f"The results of {baseline.name} are stale, so nothing can be compared with them: {'; '.join(outdated)}. Run "
            "`dvc repro` there and commit what it writes."
        )
    everything, parts, without = read(baseline)
    found, fewer = with_most_seeds(everything)
    found = over_all_looks(found)
    found.sort(key=lambda one: (one.gain is None, -one.gain.mean if one.gain else 0, one.name))
    train = baseline.lock.stages.get("train", NOTHING)
    picks: dict[str, Candidate] = {}
    unpicked: dict[str, str] = {}
    for kind in (DATA_ONLY, MODEL_ONLY, BOTH):
        best, why = pick(kind, [one for one in found if one.kind == kind])
        picks |= {kind: best} if best else {}
        unpicked |= {kind: why} if why else {}
    best = picks.get(DATA_ONLY)
    seen = (best.found.looks if best and best.found else None) or 0
    return Gains(
        baseline,
        baseline.lock.metric,
        level(baseline),
        validation(baseline),
        len(train.settings.get(SEEDS) or []),
        found,
        picks,
        unpicked,
        {
            kind: trainings(baseline, [one for one in everything if one.kind == kind])
            for kind in (DATA_ONLY, MODEL_ONLY, BOTH)
        },
        parts,
        without,
        seen,
        luck(seen - 1) * best.gain.se if best and best.gain and seen > 2 else None,
        cross(baseline, found, picks),
        fewer,
        in_queue(baseline),
    )


def in_queue(baseline: Revision) -> dict[str, list[str]]:
    """Return the experiments on a revision's commit in DVC's queue that have no result, by what they are there."""
    found: dict[str, list[str]] = {}
    run = experiments_on(baseline)  # maybe at another try
    for name, (commit, state) in sorted(queued().items()):
        if commit == baseline.commit and name not in run:
            found.setdefault(state, []).append(name)
    return found


def read(baseline: Revision) -> tuple[list[Candidate], int, int]:
    """Return the candidates, how many results were trained on a part of the examples, and how many revisions have none."""
    kept, parts, without = [], 0, 0
    for revision in descendants(baseline):
        try:
            results = has_results(revision)
            part = results and is_part(revision)
        except (Refusal, LookupError, TypeError, ValueError, AttributeError):
            results, part = True, False  # `candidate` says what is wrong with it
        parts, without = parts + part, without + (not results)
        kept += [revision] if results and not part else []
    found, progress = [], Progress("gains", len(kept)) if kept else None
    for revision, name in zip(kept, names(kept), strict=True):
        found.append(candidate(baseline, revision, name))
        if progress:
            progress.advance()
    return share_seeds(baseline, found), parts, without


def over_all_looks(found: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, with what holds over all looks at the test set where a verdict is about the data."""
    judged = {one.revision.commit: one.found for one in found if one.found and one.kind == DATA_ONLY and one.gain}
    comparisons = list(judged.values())
    add_looks(comparisons)
    judged = dict(zip(judged, comparisons, strict=True))
    return [replace(one, found=judged.get(one.revision.commit, one.found)) for one in found]


def pick(kind: str, tried: Sequence[Candidate]) -> tuple[Candidate | None, str]:
    """Return the candidate that stands for a kind of change, else why there is none.

    Data changes are not picked by validation, as the validation labels may be what changed.
    """
    able = [one for one in tried if one.gain is not None]
    if len(able) < 2 or kind == DATA_ONLY:
        return (able[0] if able else None), ""
    unknown = [one.name for one in able if math.isnan(one.validation)]
    if unknown:
        shown = ", ".join(map(quoted, unknown[:3])) + (" and others" if len(unknown) > 3 else "")
        return None, f"none is picked, as reports/learning_curves.csv of {shown} has no validation accuracy"
    tables = {one.revision.read(VALIDATION) or one.revision.digest(VALIDATION) for one in able}
    if len(tables) > 1:
        return (
            None,
            "none is picked, as their validation examples or labels differ, so their validation accuracies do not compare",
        )
    return min(able, key=lambda one: (-one.validation, one.name, str(one.revision.commit))), ""


def trainings(baseline: Revision, tried: Sequence[Candidate]) -> int:
    """Return how many trainings these results cost beside the baseline's: of each data and model each seed once.

    Seeds that were trained before are taken over and not trained again.
    """
    known = baseline.lock.outs.get("models")
    run, first = set[object](), dict[object, object]()
    for one in tried:
        if one.models != known:
            made_of = (data_of(one, (TRAIN, VALIDATION)), model_of(one))
            same = first.setdefault(one.models or made_of, made_of)  # one training, whatever else the tables say
            run |= {(same, seed) for seed in one.seeds}
    return len(run)
