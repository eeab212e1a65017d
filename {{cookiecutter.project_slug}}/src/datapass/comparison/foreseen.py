"""Whether the model of the workspace is still that of a revision, foreseen before anything runs: of an update, say.

What the stages would leave in dvc.lock is put beside what they left there, and sorted as two results are, see `proof`.
What only a run shows, such as other weights by code that should not change them, `compare` finds after it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..files.paths import METRICS, PARAMS
from ..messages.problems import Problem, Refusal
from .lock import NOTHING, Lock
from .proof import compare_environments, compare_metrics, sort
from .revisions import WORKSPACE, YAML, Revision
from .stale import digest_of, seen, stale

if TYPE_CHECKING:
    from dvc.repo import Repo

_ABSENT = object()
PINS, PROJECT = "constraints.txt", "pyproject.toml"
COMPOSES = "freeze"  # a second, and its output never changes: whether it runs again says nothing


@dataclass(frozen=True)
class Foreseen:
    """What `dvc repro` would do to the results of a revision.

    Attributes:
        before: the revision.
        results: whether it has any.
        model: differences of the model, each a sentence; empty where none is known.
        machinery: differences of the machinery outside the training core, each a sentence.
        environment: differences of the environment that leave results comparable, as unpaired seeds.
        again: the stages that run again, in the order of dvc.yaml; those after them do where an output differs.
        stale: what made the results out of date at the revision already, each a sentence.
        seeds: how many trainings `train` is.
    """

    before: Revision
    results: bool
    model: list[str] = field(default_factory=list)
    machinery: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    seeds: int = 0


def foresee(before: Revision) -> Foreseen:
    """Compare what the results of a revision were made with to what the workspace would make them with.

    Raises:
        Refusal: where the workspace cannot be run: conf/ does not compose, dvc.yaml is none, or names what is not there.
    """
    now = Revision(WORKSPACE, None)
    if before.read("dvc.lock") is None:
        return Foreseen(before, False)
    params = composed()
    planned, always = _planned(before, now, params)
    stages = {name: (before.lock.stages.get(name), planned.stages.get(name)) for name in ("pack", "train", "evaluate")}
    model = [
        f"{side} has no stage {name}"
        for name in ("train", "evaluate")
        for side, stage in zip((f"{before.name}: dvc.lock", "dvc.yaml"), stages[name], strict=True)
        if stage is None
    ]
    found = {n: sort(n, [old, new], (before, now)) for n, (old, new) in stages.items() if old and new}
    model += [sentence for part in found.values() for sentence in part.model]
    model += compare_metrics(before.lock.metric, planned.metric)
    # Of a stage that is not of the model what differs is its own business, but it runs again.
    again = [
        name
        for name, stage in planned.stages.items()
        if name != COMPOSES
        and (
            name in always
            or ((old := before.lock.stages.get(name, NOTHING)).cmd, old.deps, old.params, old.outs.keys())
            != (stage.cmd, stage.deps, stage.params, stage.outs.keys())
        )
    ]
    recorded = (before.json(METRICS) or {}).get("environment") if before.read(METRICS) is not None else None
    refused, tolerated = compare_environments(recorded, _environment(recorded, before, now))
    return Foreseen(
        before,
        True,
        list(dict.fromkeys(model + refused)),
        list(dict.fromkeys(line for part in found.values() for line in part.machinery)),
        tolerated,
        again,
        stale(before)[0],
        len(params.get("seeds") or []),
    )


def composed() -> dict[str, Any]:
    """Return what conf/ composes to, whatever params.yaml holds. Raises Refusal where it does not compose."""
    from ..stages.freeze import compose  # loads Hydra

    with TemporaryDirectory() as folder:
        compose(Path(folder) / PARAMS)
        return dict(yaml.load((Path(folder) / PARAMS).read_bytes(), Loader=YAML))


def _planned(before: Revision, now: Revision, params: Mapping[str, Any]) -> tuple[Lock, set[str]]:
    """Return the lock that the workspace's stages would leave, as far as it is known before they run, and which always run.

    Outputs are taken to stay as they are, and data that DVC tracks to be what its `.dvc` file says.
    """
    from dvc.dependency import ParamsDependency
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            stages = {stage.name: stage for stage in repo.index.stages if stage.path_in_repo == "dvc.yaml"}
            outs = {name: [_path(out, repo) for out in stage.outs] for name, stage in stages.items()}
            tracked, written = dict[str, str | None](), set[str]()  # of other pipelines too
            for stage in repo.index.stages:
                if stage.path_in_repo.endswith(".dvc"):
                    tracked |= {_path(out, repo): out.hash_info.value for out in stage.outs}
                else:
                    written |= {_path(out, repo) for out in stage.outs}
            always = {name for name, stage in stages.items() if stage.always_changed}
            deps = {
                name: [_path(dep, repo) for dep in stage.deps if not isinstance(dep, ParamsDependency)]
                for name, stage in stages.items()
            }
            values = {
                name: {
                    _path(dep, repo): _values(dep, params) for dep in stage.deps if isinstance(dep, ParamsDependency)
                }
                for name, stage in stages.items()
            }
    except DvcException as error:
        raise Refusal(f"dvc.yaml: {error}") from None
    inside = seen(now, {path for paths in deps.values() for path in paths})
    missing, entries = [], {}
    for name, paths in deps.items():
        old = before.lock.stages.get(name, NOTHING).deps
        hashes = {}
        for path in paths:
            made = any(path == out or path.startswith(f"{out}/") or out.startswith(f"{path}/") for out in written)
            hashes[path] = tracked.get(path) or old.get(path)
            if inside[path] and not made:
                hashes[path] = digest_of(now, path, inside[path])
                if hashes[path] is None and not _touched(before, now, path):  # DVC holds a part, not in the cache here
                    hashes[path] = old.get(path)
            made |= any(path == out or path.startswith(f"{out}/") for out in tracked)
            if not made and "://" not in path and not Path(path).exists():
                what = f"stage {name} depends on {path}, which is not there; take it out of its deps"
                missing.append(Problem("dvc.yaml", what))
        entries[name] = {
            "cmd": stages[name].cmd,
            "deps": [{"path": path, "md5": digest} for path, digest in hashes.items()],
            "params": values[name],
            "outs": [{"path": path} for path in outs[name]],
        }
    if missing:
        raise Refusal(missing)
    return Lock(now.name, {"stages": entries}), always


def _touched(before: Revision, now: Revision, path: str) -> bool:
    """Return whether Git shows a difference in a folder."""
    files = before.paths(path), now.paths(path)
    return files[0] != files[1] or any(before.read(file) != now.read(file) for file in files[0])


def _path(out: Any, repo: "Repo") -> str:
    """Return where a dependency or output is, relative to the project."""
    return str(out.def_path) if "://" in str(out.def_path) else Path(out.fs_path).relative_to(repo.root_dir).as_posix()


def _values(dep: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of params as dvc.lock has them; those of params.yaml as conf/ composes them."""
    if Path(dep.fs_path).name != PARAMS.name:
        return dict(dep.read_params(flatten=False))
    return {key: found for key in dep.params or params if (found := _dig(params, key)) is not _ABSENT}


def _dig(params: Any, key: str) -> Any:
    for part in key.split("."):
        params = params.get(part, _ABSENT) if isinstance(params, dict) else _ABSENT
    return params


def _environment(recorded: Any, before: Revision, now: Revision) -> Any:
    """Return the environment of the results with the versions that the workspace asks for where it did not before."""
    if not isinstance(recorded, str):
        return recorded
    pins, asked = [_pins(revision) for revision in (before, now)], _asked(now)
    parts = []
    for part in recorded.split(", "):
        name, _, version = part.partition(" ")
        name, version = canonicalize_name(name), version.partition("+")[0]
        if pins[0].get(name) != pins[1].get(name) != version:
            part = f"{part.split(' ')[0]} {pins[1].get(name, 'of no pinned version')}"
        elif name in asked and not asked[name].contains(version, prereleases=True):
            part = f"{part.split(' ')[0]} {asked[name]}"
        parts.append(part)
    return ", ".join(parts)


def _pins(revision: Revision) -> dict[str, str]:
    """Return the versions in constraints.txt. Raises Refusal where it has an open conflict."""
    lines = (revision.read(PINS) or b"").decode("utf-8", "replace").splitlines()
    if any(re.match(r"[<>]{7} |={7}$", line) for line in lines):
        raise Refusal(f"{PINS} has a conflict; resolve it first.")
    found = (re.match(r"([A-Za-z0-9._-]+) *== *([^\s;#]+)", line) for line in lines)
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def _asked(revision: Revision) -> dict[str, Any]:
    """Return the versions that pyproject.toml asks for, {name: specifiers}, those of Python among them."""
    try:
        project = tomllib.loads((revision.read(PROJECT) or b"").decode("utf-8")).get("project", {})
        needs = [Requirement(one) for one in project.get("dependencies", [])]
        needs.append(Requirement(f"python{project.get('requires-python', '')}"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, InvalidRequirement) as error:
        raise Refusal(f"{PROJECT} cannot be read: {error}") from None
    return {canonicalize_name(one.name): one.specifier for one in needs}
