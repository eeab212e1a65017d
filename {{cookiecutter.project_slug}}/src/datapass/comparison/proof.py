"""The proof that the model stayed frozen: what `train` and `evaluate` ran with in both dvc.lock files, sorted in three.

*Data* is what the gain is of. *Model* is whatever decides how data becomes weights and answers, and everything unknown:
where that differs, a gain cannot be told to come from the data. *Machinery* is the rest of `datapass`, which should change
neither; where a stage read the same and wrote something else, it did.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.version import Version

from ..files.paths import DATA, EXAMPLES, INPUTS, METRICS, MODELS, PREDICTIONS
from ..messages.problems import quoted
from ..settings import targets
from ..training.environment import CODE
from .lock import NOTHING, VARIED, Stage, is_varied
from .metric import Metric
from .revisions import Revision

# What the verdict rests on of each stage, and what it means that this differs where nothing of the stage's data does.
RESULTS = {
    "pack": (INPUTS.as_posix(), "the same files were packed into other inputs"),
    "train": (MODELS.as_posix(), "the same data and model gave other weights"),
    "evaluate": (PREDICTIONS.as_posix(), "the same models gave other answers on the same test examples"),
}
DATA_PATHS = [path.as_posix() for path in (INPUTS, EXAMPLES, MODELS, DATA)]
MACHINERY = ["src/datapass"]
# The training core is model: beside the folder the two stages, which choose the rows, the seeds and what is stored.
CORE = ["src/datapass/training", "src/datapass/stages/train.py", "src/datapass/stages/evaluate.py"]
METRIC = ("evaluate.metric", "evaluate.costs")  # compared by what they mean, see `compare_metrics`
SEEDS = "seeds"
MARKER = "conf.ok"
CHANGED = ("param ", "code ", "command ")  # how a difference of the model begins that someone made
# Beside Lightning numpy only orders the batches, by integer arithmetic that no version changed. Of the others, and of
# numpy beside an estimator, which computes by it, the minor version decides.
TOLERATED, BESIDE = "numpy", "pytorch-lightning"


@dataclass(frozen=True)
class Proof:
    """What differs between two revisions.

    Attributes:
        model: differences of the model, each a sentence; empty where it stayed frozen.
        data: paths of the data of `train` and `evaluate` that differ, as they may, and of VARIED what does.
        machinery: differences of the machinery outside the training core, each a sentence.
        neutral: whether the stages whose machinery differs read the same data and gave the same all the same.
        environment: differences of the environment that are tolerated, as sentences.
        encoders: whether what the encoders of the inputs learnt of the training rows is the same; None where there are none.
        resampled: whether each seed draws its training rows, as the model does not depend on the seed.
        fingerprint: the baseline's.
        params, code: how many params and code paths were compared.
    """

    model: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    machinery: list[str] = field(default_factory=list)
    neutral: bool = False
    environment: list[str] = field(default_factory=list)
    encoders: bool | None = None
    resampled: bool = False
    fingerprint: str = ""
    params: int = 0
    code: int = 0

    @property
    def paired(self) -> bool:
        """Whether a seed means the same training on both sides, but for the data."""
        return not self.environment and not self.another

    @property
    def another(self) -> bool:
        """Whether settings, code or commands make it another model, and not the metric, environment or a gap in the proof alone."""
        return any(what.startswith(CHANGED) and not of_metric(what) for what in self.model)

    @property
    def objections(self) -> list[str]:
        """Of `model` what forbids a comparison even with another model: the metric, or a stage that is missing."""
        if not self.another:
            return self.model
        return [what for what in self.model if of_metric(what) or not what.startswith((*CHANGED, "environment: "))]


@dataclass(frozen=True)
class Differences:
    """What differs in one stage: sentences of model and machinery, paths of data."""

    model: list[str]
    data: list[str]
    machinery: list[str]


def prove(
    baseline: Revision,
    candidate: Revision,
    other_inputs: bool,
    renamed: Mapping[str, str] | None = None,
    other_seeds: bool = False,
    untouched: Iterable[str] = (),
) -> Proof:
    """Compare what the results of two revisions were made with.

    Args:
        other_inputs: whether an example of both has other pixels. The hash of data/inputs/ alone does not tell, as the
            libraries that write its index leave their versions there.
        renamed: classes of the baseline that have another name in the candidate, see `datadiff.renamed`.
        other_seeds: whether other `seeds` are no difference, as who asks looks at those alone that both have.
        untouched: sets of which no row differs: as CSV on one side and Parquet on the other they are the same data.
    """
    revisions = (baseline, candidate)
    stages = {name: [revision.lock.stages.get(name) for revision in revisions] for name in RESULTS}
    model = [
        f"{revision.name} has no stage {name} in dvc.lock; run `dvc repro` there and commit dvc.lock"
        for name in ("train", "evaluate")
        for revision, stage in zip(revisions, stages[name], strict=True)
        if stage is None
    ]
    pairs = {name: [stage or NOTHING for stage in both] for name, both in stages.items()}
    seeds = [stage.settings.get(SEEDS) for stage in pairs["train"]]
    reseeded = other_seeds and seeds[0] != seeds[1]  # then weights differ, which says nothing
    found = {
        name: sort(name, pairs[name], revisions, reseeded) for name in ("train", "evaluate") if None not in stages[name]
    }
    for part in found.values():
        for split in untouched:
            forms = {(EXAMPLES / f"{split}{suffix}").as_posix() for suffix in (".csv", ".parquet")}
            part.data[:] = [path for path in part.data if not (forms <= {*part.data} and path in forms)]
    # Inputs may differ because the files do, but not because they are prepared in another way.
    if any(INPUTS.as_posix() in part.data for part in found.values()):
        found["pack"] = sort("pack", pairs["pack"], revisions)
    model += [sentence for part in found.values() for sentence in part.model]
    model += compare_metrics(baseline.lock.metric.renamed(renamed or {}), candidate.lock.metric)
    metrics = [content if isinstance(content := r.json(METRICS), dict) else {} for r in revisions]
    refused, environment = compare_environments(*(content.get("environment") for content in metrics))
    model += refused
    proven = []
    if not model:
        ignored = {DATA.as_posix()} if other_inputs else {DATA.as_posix(), INPUTS.as_posix()}
        for name, part in found.items():
            result, what = RESULTS[name]
            alike = not set(part.data) - ignored
            before, after = (stage.outs.get(result) for stage in pairs[name])
            same = other_inputs is False if name == "pack" else before == after and before is not None
            proven += [name] if alike and same else []
            if alike and not same and not (name == "train" and (environment or reseeded)):
                model.append(_unexplained(what, part.machinery))
    fingerprint = metrics[0].get("model")
    if not model and (fingerprint != metrics[1].get("model") or fingerprint is None):
        model.append(f"fingerprint in metrics.json: {quoted(fingerprint)} → {quoted(metrics[1].get('model'))}")
    machinery = {line: None for part in found.values() for line in part.machinery}
    compared = [pairs[name][0] for name in ("train", "evaluate") if name in found]
    return Proof(
        list(dict.fromkeys(model)),
        sorted({path for name, part in found.items() if name != "pack" for path in part.data}),
        list(machinery),
        bool(machinery) and all(name in proven for name, part in found.items() if part.machinery),
        [] if model else environment,
        _same_encoders(*(content.get("encoders") for content in metrics)),
        pairs["train"][1].settings.get("model.resample") is True,
        str(fingerprint),
        sum(not is_varied(key) for stage in compared for key in stage.settings),
        sum(kind_of(path) != "data" for stage in compared for path in stage.deps if path != MARKER),
    )


def _same_encoders(old: object, new: object) -> bool | None:
    return None if old is None and new is None else old == new


def kind_of(path: str) -> str:
    """Return whether a dependency is `data`, `model` or `machinery`; what is unknown is model."""
    if ".." in path.split("/") or _under(path, CORE):
        return "model"
    return "data" if _under(path, DATA_PATHS) else "machinery" if _under(path, MACHINERY) else "model"


def _under(path: str, roots: Iterable[str]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def of_metric(what: str) -> bool:
    """Return whether a difference of the model is one of the metric."""
    return what.startswith(tuple(f"param {key}" for key in METRIC))


def sort(name: str, pair: list[Stage], revisions: tuple[Revision, Revision], reseeded: bool = False) -> Differences:
    """Return what differs in one stage; what `pack` reads under data/ is its data, and no difference."""
    (one, other), found = pair, Differences([], [], [])
    if one.cmd != other.cmd:
        found.model.append(f"command of {name}: {one.cmd} → {other.cmd}")
    found.data.extend(key for key in VARIED if one.varied(key) != other.varied(key))
    old, new = (
        {
            k: v
            for k, v in stage.settings.items()
            if not (k.startswith(METRIC) or is_varied(k) or (reseeded and k == SEEDS))
        }
        for stage in pair
    )
    found.model.extend(
        f"param {key}: {_shown(old, key)} → {_shown(new, key)}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) or (key in old) != (key in new)
    )
    # A model that comes out of the machinery's folder, and whatever it imports there, is not machinery.
    inside = any(target.startswith("datapass.") for stage in pair for target in targets(stage.params))
    for path in sorted(one.deps.keys() | other.deps.keys()):
        hashes = one.deps.get(path), other.deps.get(path)
        if path == MARKER or (hashes[0] == hashes[1] and hashes[0] is not None):
            continue
        if kind_of(path) == "data" or (name == "pack" and path.startswith("data/")):
            found.data.append(path)
            continue
        # A folder is as different as its files are; one of which Git shows no difference is unknown.
        for file, how in _files(path, *revisions) or [(path, "changed")]:
            known = kind_of(file) == "machinery" and (file != path or not any(_under(core, [path]) for core in CORE))
            (found.machinery if known and not inside else found.model).append(f"code {file}: {how}")
    return found


def _shown(params: dict[str, Any], key: str) -> str:
    return quoted(params[key]) if isinstance(params.get(key), str) else str(params.get(key, "absent"))


def _files(path: str, baseline: Revision, candidate: Revision) -> list[tuple[str, str]]:
    """Return the files under a code path that differ, and how."""
    differing = []
    for file in sorted({*baseline.paths(path), *candidate.paths(path)}):
        old, new = baseline.read(file), candidate.read(file)
        if old != new:
            differing.append((file, "added" if old is None else "deleted" if new is None else "changed"))
    return differing


def _unexplained(what: str, machinery: list[str]) -> str:
    if machinery:
        return f"{what}, so a change of the machinery is no mere change of form: {', '.join(machinery)}"
    return f"environment: {what}, so something that is not recorded differs, such as the processor or a variable of the shell"


def compare_metrics(old: Metric, new: Metric) -> list[str]:
    """Return the differences of two metrics as sentences; one from before there was a choice is accuracy."""
    if old.name != new.name:
        return [f"param {METRIC[0]}: {old.name} → {new.name}"]
    before, after = (
        {(right, answer): cost for right, row in (metric.costs or {}).items() for answer, cost in row.items()}
        for metric in (old, new)
    )
    return [
        f"param {METRIC[1]}: {quoted(pair[0])} taken for {quoted(pair[1])}: "
        f"{before.get(pair, 'absent')} → {after.get(pair, 'absent')}"
        for pair in sorted(before.keys() | after.keys())
        if before.get(pair) != after.get(pair)
    ]


def compare_environments(old: object, new: object) -> tuple[list[str], list[str]]:
    """Return the differences of two environments, as in metrics.json, that are not and that are tolerated, as sentences.

    Other patch versions, builds, systems, processors and devices leave a model comparable; other minor versions do not,
    nor does what cannot be read.
    """
    if old == new and isinstance(old, str):
        return [], []
    sides = [str(side or "unknown").split(", ") for side in (old, new)]
    gone, come = (", ".join(part for part in sides[i] if part not in sides[1 - i]) or "nothing" for i in (0, 1))
    try:
        series = [{name: _series(version) for name, version in map(str.split, side[:-2])} for side in sides]
        known = all(name in side for side in series for name in ("python", TOLERATED))
    except ValueError:
        known = False
    tolerated = {TOLERATED} if known and all(BESIDE in side for side in series) else set[str]()
    if known and all(series[0].get(name) == series[1].get(name) for name in {*series[0], *series[1]} - tolerated):
        return [], [f"{gone} → {come}"]
    return [f"environment: {gone} → {come}"], []


def _series(version: str) -> tuple[object, ...]:
    """Return what two versions must share: epoch, major and minor, and what tells their code apart; a pre-release is like itself alone."""
    read = Version(version)
    code = (read.local or "").partition(CODE)[2]
    return read.epoch, read.major, read.minor, read.public if read.is_prerelease else None, code
