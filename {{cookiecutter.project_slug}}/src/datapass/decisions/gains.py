"""The table of gains: what changes of the data, of the model and of both gained over one baseline, and at what cost.

A change of the data is judged as `compare` does. A change of the model has no verdict: it is one of several that were tried,
picked by validation, since the best of many test scores is partly luck.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..comparison.history import looks
from ..comparison.lock import NOTHING
from ..comparison.looks import luck
from ..comparison.metric import Metric
from ..comparison.proof import SEEDS
from ..comparison.revisions import Revision
from ..comparison.stale import stale
from ..files.paths import METRICS, VALIDATION
from ..messages.problems import Refusal, quoted
from ..messages.progress import Progress
from .candidates import (
    BOTH,
    DATA_ONLY,
    MODEL_ONLY,
    Candidate,
    candidate,
    descendants,
    has_results,
    is_part,
    names,
    validation,
)
from .cells import Crossed, cross


@dataclass(frozen=True)
class Gains:
    """The table.

    Attributes:
        level: the metric of the baseline on its own test set.
        validation: accuracy of the baseline's model on the validation examples.
        seeds: how many trainings the baseline was.
        candidates: with a gain before those without, of each kind the largest gain first.
        picks: {kind: the candidate that stands for it}: of data changes that of the largest gain, else by validation.
        unpicked: {kind: why none was picked}.
        trainings: {kind: trainings in all}, each training once.
        parts, without: how many results were left out as they trained on a part of the examples, and for want of results.
        looks: data revisions that were scored on the test set.
        luck: what the best of as many changes of the data without effect would show, as a gain.
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
    found, parts, without = read(baseline)
    metric = baseline.lock.metric
    metrics, train = baseline.json(METRICS), baseline.lock.stages.get("train", NOTHING)
    written = metrics.get(metric.name) if isinstance(metrics, dict) else None
    level = float(written) if isinstance(written, float | int) else math.nan
    picks: dict[str, Candidate] = {}
    unpicked: dict[str, str] = {}
    for kind in (DATA_ONLY, MODEL_ONLY, BOTH):
        best, why = pick(kind, [one for one in found if one.kind == kind])
        picks |= {kind: best} if best else {}
        unpicked |= {kind: why} if why else {}
    best = picks.get(DATA_ONLY)
    seen = looks(baseline) if best else 0
    return Gains(
        baseline,
        metric,
        level,
        validation(baseline),
        len(train.settings.get(SEEDS) or []),
        found,
        picks,
        unpicked,
        {
            kind: trainings(baseline, [one for one in found if one.kind == kind])
            for kind in (DATA_ONLY, MODEL_ONLY, BOTH)
        },
        parts,
        without,
        seen,
        luck(seen - 1) * best.gain.se if best and best.gain and seen > 2 else None,
        cross(baseline, level, found, picks),
    )


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
    found.sort(key=lambda one: (one.gain is None, -one.gain.mean if one.gain else 0, one.name))
    return found, parts, without


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
    """Return how many trainings these results cost beside the baseline's, each once."""
    known = baseline.lock.outs.get("models")
    return sum({one.models: len(one.seeds) for one in tried if one.models != known}.values())
