"""The proof that the model stayed frozen: what two revisions ran with, by their dvc.lock files, sorted into three kinds.

*Data* is what the gain is of. *Model* is everything that decides what is learnt from it: params, the team's package, the
training core, the environment; a difference there and a gain cannot be told to come from the data. *Machinery* is the rest
of datapass: a difference is told, and where the same data and params gave the same weights it is proven neutral.
"""

from dataclasses import dataclass, field
from typing import Any

from ..files.paths import DATA, EXAMPLES, INPUTS, METRICS, MODELS, PREDICTIONS
from ..messages.problems import quoted
from .environment import compare_environments
from .revisions import Revision

STAGES = ("train", "evaluate")
CHANGING = [path.as_posix() for path in (INPUTS, EXAMPLES, MODELS, DATA)]
MACHINERY, CORE = "src/datapass", "src/datapass/training"
UNRECORDED = "something that is not recorded differs, such as the processor or a variable of the shell"


@dataclass(frozen=True)
class Proof:
    """What differs between two revisions.

    Attributes:
        model: differences of the model, each a sentence; empty where it stayed frozen.
        data: paths of the data that differ.
        machinery: differences of the machinery outside the training core, each a sentence.
        neutral: the same data and params gave the same weights although the machinery differs.
        environment: differences of environment that only unpair the seeds, each as `old → new`.
        fingerprint: the baseline's.
        params, code: how many params and paths of the model's code were compared.
    """

    model: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    machinery: list[str] = field(default_factory=list)
    neutral: bool = False
    environment: list[str] = field(default_factory=list)
    fingerprint: str = ""
    params: int = 0
    code: int = 0

    @property
    def paired(self) -> bool:
        """Whether a seed of one side and the same seed of the other are the same draw."""
        return not self.environment


def within(path: str, folder: str) -> bool:
    """Return whether a path is a folder or inside it."""
    return path == folder or path.startswith(f"{folder}/")


def kind(path: str) -> str:
    """Return `data`, `model` or `machinery` for a path that a stage read; what is not known is the model's."""
    if any(within(path, name) for name in CHANGING):
        return "data"
    return "machinery" if within(path, MACHINERY) and path != MACHINERY and not within(path, CORE) else "model"


def prove(baseline: Revision, candidate: Revision) -> Proof:
    """Compare what two revisions ran with."""
    locks = baseline.lock, candidate.lock
    found: dict[str, list[str]] = {"model": [], "data": [], "machinery": []}
    params = code = 0
    for stage in STAGES:
        missing = [
            revision for revision, lock in zip((baseline, candidate), locks, strict=True) if stage not in lock.stages
        ]
        found["model"] += [
            f"{revision.name} has no stage {stage} in dvc.lock; run `dvc repro` there and commit dvc.lock"
            for revision in missing
        ]
        if missing:
            continue
        commands = [lock.stages[stage].get("cmd") for lock in locks]
        if commands[0] != commands[1]:
            found["model"].append(f"command of {stage}: {commands[0]} → {commands[1]}")
        params += len(locks[0].params(stage))
        code += sum(kind(path) == "model" for path in locks[0].hashes(stage, "deps"))
        found["model"] += _params(baseline, candidate, stage)
        _sort(baseline, candidate, stage, found)
    # Inputs may differ because the files do, but not because the team's code or settings prepare them in another way.
    if INPUTS.as_posix() in found["data"]:
        found["model"] += _params(baseline, candidate, "pack")
        _sort(baseline, candidate, "pack", found, ("model",))
    for stage in ("pack", "curate"):
        _sort(baseline, candidate, stage, found, ("machinery",))
    metrics = [revision.json(METRICS) for revision in (baseline, candidate)]
    apart, unpaired = compare_environments(*(str(m.get("environment", "")) for m in metrics))
    found["model"] += [f"environment: {what}" for what in apart]
    neutral = False
    if not found["model"]:
        said, neutral = _same_gives_same(baseline, candidate, found["machinery"], bool(unpaired))
        found["model"] += said
    fingerprint = str(metrics[0].get("model"))
    if not found["model"] and fingerprint != metrics[1].get("model"):
        found["model"].append(f"fingerprint in metrics.json: {quoted(fingerprint)} → {quoted(metrics[1].get('model'))}")
    model, data, machinery = (list(dict.fromkeys(found[name])) for name in ("model", "data", "machinery"))
    return Proof(model, data, machinery, neutral, unpaired, fingerprint, params, code)


def _sort(
    baseline: Revision, candidate: Revision, stage: str, found: dict[str, list[str]], kinds: tuple[str, ...] = ()
) -> None:
    """Add what differs among the deps of a stage to the lists of its kind; of some kinds only, where given."""
    old, new = (revision.lock.hashes(stage, "deps") for revision in (baseline, candidate))
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) == new.get(path):
            continue
        for name, said in _differences(path, baseline, candidate):
            if not kinds or (name in kinds and within(path, "src")):
                found[name].append(said)


def _differences(path: str, baseline: Revision, candidate: Revision) -> list[tuple[str, str]]:
    """Return (kind, sentence) of each file under a path that differs; the path alone for data."""
    if kind(path) == "data":
        return [("data", path)]
    differing = []
    for file in sorted({*baseline.paths(path), *candidate.paths(path)}):
        old, new = baseline.read(file), candidate.read(file)
        if old != new:
            how = "added" if old is None else "deleted" if new is None else "changed"
            differing.append((kind(file), f"code {file}: {how}"))
    return differing or [(kind(path), f"code {path}: changed")]


def _params(baseline: Revision, candidate: Revision, stage: str) -> list[str]:
    old, new = (revision.lock.params(stage) for revision in (baseline, candidate))
    return [
        f"param {key}: {_shown(old, key)} → {_shown(new, key)}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) or (key in old) != (key in new)
    ]


def _shown(params: dict[str, Any], key: str) -> str:
    return quoted(params[key]) if isinstance(params.get(key), str) else str(params.get(key, "absent"))


def _same_gives_same(
    baseline: Revision, candidate: Revision, machinery: list[str], elsewhere: bool
) -> tuple[list[str], bool]:
    """Return what shows that something else differs, and whether the machinery is proven neutral.

    Where the data of a stage is the same, what it wrote has to be, but in another environment (`elsewhere`).
    """
    names = " and ".join(what.removeprefix("code ").partition(":")[0] for what in machinery[:3])
    why = f"the machinery differs in {names}" if machinery else UNRECORDED
    said, same = [], {}
    for stage, wrote, ignored, what in (
        ("train", MODELS, (), "the same data and model gave other weights"),
        ("evaluate", PREDICTIONS, (DATA.as_posix(),), "the same models gave other answers"),
    ):
        read = [
            {
                path: digest
                for path, digest in revision.lock.hashes(stage, "deps").items()
                if kind(path) == "data" and path not in ignored
            }
            for revision in (baseline, candidate)
        ]
        outs = [revision.lock.hashes(stage, "outs").get(wrote.as_posix()) for revision in (baseline, candidate)]
        same[stage] = read[0] == read[1] and outs[0] == outs[1]
        if read[0] == read[1] and outs[0] != outs[1] and not elsewhere:
            kind_of = "code" if machinery else "environment"
            said.append(f"{kind_of}: {what}, so {why}")
    return said, bool(machinery) and same["train"] and not said
