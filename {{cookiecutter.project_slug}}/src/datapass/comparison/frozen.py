"""The proof that the model stayed frozen: what `train` and `evaluate` ran with in both dvc.lock files, sorted.

Data may differ, and is what the gain is of. Anything else that differs, in params, code or environment, is a change of
the model, and then a gain cannot be told to come from the data.
"""

from dataclasses import dataclass
from typing import Any

from ..files.paths import DATA, EXAMPLES, INPUTS, METRICS, MODELS
from ..messages.problems import quoted
from .revisions import Revision

STAGES = ("train", "evaluate")
CHANGING = [path.as_posix() for path in (INPUTS, EXAMPLES, MODELS, DATA)]  # with the data; all else is model
MARKER = "conf.ok"


@dataclass(frozen=True)
class Frozen:
    """What differs between two revisions, each as a sentence.

    Attributes:
        model: differences of the model; empty where it stayed frozen.
        data: paths of the inputs of `train` and `evaluate` that differ.
        fingerprint: the baseline's.
        params, code: how many params and code paths were found equal.
    """

    model: list[str]
    data: list[str]
    fingerprint: str
    params: int
    code: int


def flatten(params: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested params as {dotted key: value}."""
    if not isinstance(params, dict):
        return {prefix: params}
    return {
        k: v
        for key, value in params.items()
        for k, v in flatten(value, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def compare_models(baseline: Revision, candidate: Revision) -> Frozen:
    """Compare the model parts of two revisions."""
    model: list[str] = []
    data: list[str] = []
    counts = {"params": 0, "code": 0}
    locks = [(revision.yaml("dvc.lock") or {}).get("stages", {}) for revision in (baseline, candidate)]
    for stage in STAGES:
        one, other = (lock.get(stage) for lock in locks)
        if one is None or other is None:
            model += [
                f"{r.name} has no stage {stage} in dvc.lock; run `dvc repro` there and commit dvc.lock"
                for r, s in ((baseline, one), (candidate, other))
                if s is None
            ]
            continue
        if one.get("cmd") != other.get("cmd"):
            model.append(f"command of {stage}: {one.get('cmd')} → {other.get('cmd')}")
        counts["params"] += len(_params(one))
        model += _changed_params(one, other)
        hashes = [_hashes(entry, "deps") for entry in (one, other)]
        for path in sorted(hashes[0].keys() | hashes[1].keys()):
            is_data = any(path == name or path.startswith(f"{name}/") for name in CHANGING)
            counts["code"] += not is_data
            if hashes[0].get(path) != hashes[1].get(path):
                if is_data:
                    data.append(path)
                else:
                    model += _code(path, baseline, candidate)
    packs = [lock.get("pack", {}) for lock in locks]
    # Inputs may differ because the files do, but not because they are prepared in another way.
    if INPUTS.as_posix() in data:
        model += _changed_params(*packs)
        hashes = [_hashes(pack, "deps") for pack in packs]
        for path in sorted(hashes[0].keys() | hashes[1].keys()):
            if path.startswith("src/") and hashes[0].get(path) != hashes[1].get(path):
                model += _code(path, baseline, candidate)
    metrics = [revision.json(METRICS) for revision in (baseline, candidate)]
    if metrics[0].get("environment") != metrics[1].get("environment"):
        old_parts, new_parts = (str(m.get("environment", "unknown")).split(", ") for m in metrics)
        gone = ", ".join(part for part in old_parts if part not in new_parts)
        come = ", ".join(part for part in new_parts if part not in old_parts)
        model.append(f"environment: {gone or 'nothing'} → {come or 'nothing'}")
    trains = [lock.get("train") or {} for lock in locks]
    read, wrote = ([_hashes(stage, side) for stage in trains] for side in ("deps", "outs"))
    if not model and read[0] == read[1] and wrote[0] != wrote[1]:
        model.append(
            "environment: the same data and model gave other weights, so something that is not recorded differs, such as "
            "the processor or a variable of the shell"
        )
    fingerprint = str(metrics[0].get("model"))
    if not model and fingerprint != metrics[1].get("model"):
        model.append(f"fingerprint in metrics.json: {quoted(fingerprint)} → {quoted(metrics[1].get('model'))}")
    return Frozen(list(dict.fromkeys(model)), list(dict.fromkeys(data)), fingerprint, counts["params"], counts["code"])


def _hashes(stage: dict[str, Any], side: str) -> dict[str, Any]:
    """Return the hash of each of a stage's `deps` or `outs`, by path."""
    return {entry["path"]: entry.get("md5") for entry in stage.get(side, []) if entry["path"] != MARKER}


def _params(stage: dict[str, Any]) -> dict[str, Any]:
    """Return a stage's params of all files; those of params.yaml without the file's name."""
    return {
        key if file == "params.yaml" else f"{file}:{key}": value
        for file, params in stage.get("params", {}).items()
        for key, value in flatten(params).items()
    }


def _changed_params(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    old, new = _params(one), _params(other)
    return [
        f"param {key}: {_shown(old, key)} → {_shown(new, key)}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) or (key in old) != (key in new)
    ]


def _shown(params: dict[str, Any], key: str) -> str:
    return quoted(params[key]) if isinstance(params.get(key), str) else str(params.get(key, "absent"))


def _code(path: str, baseline: Revision, candidate: Revision) -> list[str]:
    """Name the files under a code path that differ."""
    differing = []
    for file in sorted({*baseline.paths(path), *candidate.paths(path)}):
        old, new = baseline.read(file), candidate.read(file)
        if old != new:
            how = "added" if old is None else "deleted" if new is None else "changed"
            differing.append(f"code {file}: {how}")
    return differing or [f"code {path}: changed"]
