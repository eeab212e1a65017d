"""Which results descend from a baseline, and what each of them changed: the data, the model, both or neither."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..comparison.equivalence import readings
from ..comparison.lock import NOTHING
from ..comparison.proof import MARKER, SEEDS, kind_of
from ..comparison.revisions import RESULT, Revision, git, load_all
from ..comparison.statistics import Interval
from ..comparison.verdict import DEPENDS, NOT_COMPARABLE, Comparison, weigh
from ..files.paths import CLASSES, CURVES, METRICS, MODELS, PREDICTIONS, TABLES
from ..messages.problems import Refusal

DATA_ONLY, MODEL_ONLY, BOTH, NEITHER = KINDS = ("data only", "model only", "both", "nothing changed")
UNREADABLE = "unreadable"
FOLDERS = ("refs/heads/", "refs/tags/", "refs/exps/", "refs/remotes/")  # of one result the first name counts


@dataclass(frozen=True)
class Candidate:
    """A result beside the baseline.

    Attributes:
        name: as reports call it; with the short commit where another result has the same name.
        kind: of KINDS, or UNREADABLE.
        found: the comparison with the baseline, of which the verdict is about the data only where `kind` says so.
        why: reasons why there is no gain, each a sentence.
        seeds: that `train` ran with.
        models: the hash of what it trained.
        validation: accuracy on the validation examples at the end of training, mean over the seeds; NaN where it is unknown.
        against: the name of the result of the baseline's data and model that `found` compares with, where not the baseline.
    """

    name: str
    revision: Revision
    kind: str
    found: Comparison | None = None
    why: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    models: str | None = None
    validation: float = math.nan
    against: str = ""

    @property
    def gain(self) -> Interval | None:
        """The gain, where there is one that can stand beside others."""
        return None if self.found is None or self.why else self.found.gain


def descendants(baseline: Revision) -> list[Revision]:
    """Return branches, tags and experiments that descend from a revision, each different content once, sorted by name.

    Their `name` is that of the branch, tag or experiment alone.
    """
    listed = git(
        "for-each-ref",
        f"--contains={baseline.commit}",
        "--format=%(refname)%09%(objectname) %(tree)%09%(*objectname) %(*tree)",
        *FOLDERS,
    )
    own = git("rev-parse", f"{baseline.commit}^{{tree}}").decode().strip()
    found: dict[str, Revision] = {}
    rows = [line.split("\t") for line in listed.decode("utf-8", "replace").splitlines()]
    for name, here, behind in sorted(rows, key=_rank):
        commit, tree = (behind.split() or here.split())[:2]
        parts = name.split("/")
        if parts[1] == "exps" and not (len(parts) == 5 and len(parts[2]) == 2):
            continue  # DVC's own: the queue, the stash
        if tree != own and commit != baseline.commit:
            shown = parts[4] if parts[1] == "exps" else name.split("/", 2)[2]
            found.setdefault(tree, Revision(shown, commit))
    load_all([baseline, *found.values()], RESULT)
    return sorted(found.values(), key=lambda revision: (revision.name, revision.commit))


def _rank(row: Sequence[str]) -> tuple[int, str]:
    return next(number for number, folder in enumerate(FOLDERS) if row[0].startswith(folder)), row[0]


def names(revisions: Sequence[Revision]) -> list[str]:
    """Return what reports call these revisions: the name, with the short commit where several have it."""
    counts = Counter(revision.name for revision in revisions)
    return [revision.name if counts[revision.name] == 1 else revision.label for revision in revisions]


def has_results(revision: Revision) -> bool:
    """Return whether a revision holds a result at all. Raises Refusal where its dvc.lock cannot be read."""
    revision.load(RESULT)
    here = (revision.read(path) is not None or revision.digest(path) for path in (METRICS, PREDICTIONS))
    return revision.read("dvc.lock") is not None and all(here)


def is_part(revision: Revision) -> bool:
    """Return whether a revision was trained on a part of its training examples on purpose."""
    return revision.lock.size is not None


def candidate(baseline: Revision, revision: Revision, name: str) -> Candidate:
    """Compare a result with the baseline and say what it changed. What cannot be read becomes a reason."""
    try:
        found, wider = weigh(baseline, revision, frozen=False)
        if found.gain is not None and _kind(found) == DATA_ONLY:  # what `add_looks` reads
            scored = wider.of(wider.counts)
            found = replace(found, components=scored.components(), readings=readings(scored, wider, found.gain))
        train = revision.lock.stages.get("train", NOTHING)
        why = list(found.why)
        if not why and found.verdict == DEPENDS:
            why = [
                "its verdict depends on which test labels are taken, the old or the new; `datapass compare` shows both"
            ]
        elif not why and (found.verdict == NOT_COMPARABLE or found.gain is None):
            why = ["it has no seed in common with the baseline"]
        return Candidate(
            name,
            revision,
            _kind(found),
            found,
            why,
            train.settings.get(SEEDS) or [],
            train.outs.get(MODELS.as_posix()),
            validation(revision),
        )
    except Refusal as refusal:
        return Candidate(name, revision, UNREADABLE, why=[str(refusal)])
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # files of other versions, or edited ones
        said = f"its files are not what this version writes ({type(error).__name__}: {error})"
        return Candidate(name, revision, UNREADABLE, why=[said])


def share_seeds(baseline: Revision, found: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, each compared with the result of the baseline's data and model that shares most seeds with it.

    That is the baseline itself where no other shares more.
    """
    own = baseline.lock.stages.get("train", NOTHING).settings.get(SEEDS) or []
    references = [one for one in found if one.kind == NEITHER and one.found and one.found.gain]
    shown = []
    for one in found:
        number, best = len({*one.seeds} & {*own}), None
        for other in references if one.found and one.kind != NEITHER else []:
            if len({*one.seeds} & {*other.seeds}) > number:
                number, best = len({*one.seeds} & {*other.seeds}), other
        again = candidate(best.revision, one.revision, one.name) if best else one
        taken = best and again.kind == one.kind and again.found and again.found.gain
        shown.append(replace(again, against=best.name) if best and taken else one)
    return shown


def with_most_seeds(found: Sequence[Candidate]) -> tuple[list[Candidate], dict[str, list[str]]]:
    """Return of each data and model the one result with most seeds, and {its name: the names of the others}.

    What has no gain, and what changed nothing, is returned as it is. Which of the gains is larger plays no part.
    """
    groups: dict[object, list[Candidate]] = {}
    for one in found:
        alike = one.gain is not None and one.kind != NEITHER
        key = (one.kind, data_of(one, (*TABLES, CLASSES)), model_of(one)) if alike else id(one)
        groups.setdefault(key, []).append(one)
    shown, fewer = [], dict[str, list[str]]()
    for same in groups.values():
        shared = {id(one): len(one.found.seeds) if one.found else 0 for one in same}
        first, *rest = sorted(same, key=lambda one: (-shared[id(one)], -len(one.seeds), one.name))
        shown.append(first)
        fewer |= {first.name: [one.name for one in rest]} if rest else {}
    return shown, fewer


def data_of(one: Candidate, tables: Sequence[Path]) -> tuple[object, ...]:
    """Return what tells the data of a result from that of others: the content of tables, and the augmentation."""
    augment = json.dumps(one.revision.lock.augment, sort_keys=True, default=str)
    return *(one.revision.read(path) or one.revision.digest(path) for path in tables), augment


def model_of(one: Candidate) -> tuple[object, ...]:
    """Return what tells the model of a result from that of others, other seeds apart; nothing where it stayed the baseline's."""
    if one.found is None or not one.found.proof.another:
        return ()
    stages = [one.revision.lock.stages.get(name, NOTHING) for name in ("train", "evaluate")]
    deps = {path: digest for stage in stages for path, digest in stage.deps.items()}
    code = sorted((path, str(digest)) for path, digest in deps.items() if path != MARKER and kind_of(path) == "model")
    metrics = one.revision.json(METRICS)
    fingerprint = metrics.get("model") if isinstance(metrics, dict) else None
    return fingerprint, *one.found.proof.model, *code


def level(revision: Revision) -> float:
    """Return the metric that a revision's metrics.json holds, NaN where it holds none."""
    metrics = revision.json(METRICS)
    written = metrics.get(revision.lock.metric.name) if isinstance(metrics, dict) else None
    return float(written) if isinstance(written, float | int) else math.nan


def _kind(found: Comparison) -> str:
    data = not found.data.rows.empty or bool(found.data.notes or found.data.augmentation or found.data.renamed)
    return {(True, False): DATA_ONLY, (False, True): MODEL_ONLY, (True, True): BOTH, (False, False): NEITHER}[
        data, found.proof.another
    ]


def validation(revision: Revision) -> float:
    """Return the last validation accuracy of a revision's learning curves, NaN where there is none."""
    if revision.read(CURVES) is None:
        return math.nan
    curves = revision.table(CURVES)
    if "validation_accuracy" not in curves or curves.empty:
        return math.nan
    last = str(curves["validation_accuracy"].iloc[-1])
    return float(last) if last.strip() else math.nan
