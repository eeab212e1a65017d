"""The command that makes a result of some data and some model, where the one is known from one result and the other from another.

It starts at a commit that holds the files of both, and overrides what conf/ says there, since an experiment's own overrides
stand in its params.yaml alone. It is composed here as DVC will compose it, so that what is printed gives those params.
"""

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ..comparison.lock import NOTHING
from ..comparison.proof import kind_of
from ..comparison.revisions import WORKSPACE, YAML, Revision, git, list_experiments
from ..messages.problems import Refusal

STAGES = ("train", "evaluate")  # what they read is the model; what the others read makes the data
OF_MODEL = (
    "model",
    "seeds",
    "evaluate",
    "data.inputs",
)  # params of these stages; all else is of the data, or of no result
WORD = re.compile(r"[A-Za-z_][\w.]*(/[\w.]+)*")
TAKEN = {"true", "false", "null", "nan", "inf", "yes", "no", "on", "off"}  # words that are no text in Hydra or YAML
FILES, LONGEST = 3, 300  # files of code that are named, and characters of a command, which every form shows whole


def how(data_of: Revision, model_of: Revision, baseline: Revision, name: str) -> str:
    """Return in a sentence how to make the result with the data of one revision and the model of another.

    Args:
        baseline: of which the new experiment must descend.
        name: of the new experiment.
    """
    code = _differing(data_of, model_of, STAGES, "model")
    start = data_of
    if code and not _differing(data_of, model_of, ("pack", "curate"), ""):
        start, code = model_of, []  # the data is the same but for settings
    if code:
        shown = ", ".join(f"`{path}`" for path in code[:FILES]) + ("" if len(code) <= FILES else " and others")
        return (
            f"The models differ in code ({shown}), which no override brings. On a branch from {_short(data_of)}, which has "
            f"the data, take it from {_short(model_of)} (`git checkout {_short(model_of)} -- PATH`) with its settings in "
            f"conf/, and `dvc exp run -n {name}`."
        )
    found = overrides(start, wanted(data_of, model_of))
    command = f"dvc exp run -n {name}" + "".join(f" -S {shlex.quote(one)}" for one in found or [])
    if found is None or len(command) > LONGEST:
        return (
            f"At {_short(start)} give conf/ the settings of {_short(model_of)} (`git diff {_short(data_of)} "
            f"{_short(model_of)} -- params.yaml` shows them), and `dvc exp run -n {name}`."
        )
    if _is_here(start, baseline):
        return f"`{command}`"
    dirty = " after `git stash -u`, as there are changes that no commit has" if git("status", "--porcelain") else ""
    return f"`git switch --detach {_short(start)} && dvc checkout && {command}`{dirty}"


def free_name(wish: str, taken: Iterable[str]) -> str:
    """Return the name of a new experiment: the wish, with a number where it is taken."""
    known = {*taken, *list_experiments()}
    return next(name for name in (wish, *(f"{wish}-{n}" for n in range(2, len(known) + 3))) if name not in known)


def wanted(data_of: Revision, model_of: Revision) -> dict[str, Any]:
    """Return the params of a result with the data of one revision and the model of another."""
    params, other = data_of.yaml("params.yaml"), model_of.yaml("params.yaml")
    for key in OF_MODEL:
        *above, last = key.split(".")
        into, source = params, other
        for part in above:
            into, source = into.setdefault(part, {}), source.get(part) or {}
        if last in source:
            into[last] = source[last]
        else:
            into.pop(last, None)
    return dict(params)


def overrides(start: Revision, params: dict[str, Any]) -> list[str] | None:
    """Return what turns that which conf/ of a revision composes to into these params, or None where nothing here does.

    A file of conf/model is named where that leaves fewer settings to override.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    with TemporaryDirectory() as folder:
        for path in start.paths("conf"):
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(start.need(path))
        groups = [Path(path).stem for path in start.paths("conf/model") if path.endswith(".yaml")]
        with suppress(HydraException, OmegaConfBaseException, yaml.YAMLError, Refusal):
            chosen = ([], *([f"model={name}"] for name in groups))
            given = min((_completed(folder, one, params) for one in chosen), key=len)
            for one in list(given):  # such as a learning rate that another setting repeats
                rest = [other for other in given if other != one]
                with suppress(HydraException, OmegaConfBaseException):
                    given = given if differences(_compose(folder, rest), params) else rest
            return None if differences(_compose(folder, given), params) else given
    return None


def _completed(folder: str, given: list[str], params: dict[str, Any]) -> list[str]:
    """Return overrides with those added that make the params; once more where settings follow what is overridden."""
    for _ in range(2):
        given = [*given, *differences(_compose(folder, given), params)]
    return given


def differences(old: Any, new: Any, key: str = "") -> list[str]:
    """Return the overrides, in Hydra's grammar, that turn one composed node into another."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [] if repr(old) == repr(new) else [f"{key}={_value(new)}"]  # 1 is neither true nor 1.0
    inside = f"{key}." if key else ""
    gone = [f"~{inside}{name}" for name in old if name not in new]
    came = [f"+{inside}{name}={_value(value)}" for name, value in new.items() if name not in old]
    kept = [one for name in old if name in new for one in differences(old[name], new[name], f"{inside}{name}")]
    return [*gone, *came, *kept]


def _value(value: Any) -> str:
    """Return a value in Hydra's grammar."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{_value(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_value, value))}]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if not isinstance(value, str):
        return str(value)
    if WORD.fullmatch(value) and value.lower() not in TAKEN:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _compose(folder: str, given: Sequence[str]) -> Any:
    """Return what conf/ in a folder composes to with overrides, by the way that `dvc exp run -S` takes.

    Raises:
        Refusal: where DVC would make several experiments of them.
    """
    from dvc.utils.hydra import compose_and_dump, get_hydra_sweeps

    read = get_hydra_sweeps({"params.yaml": list(given)}) if given else [{"params.yaml": []}]
    if len(read) != 1:
        raise Refusal("these overrides are several experiments")
    target = Path(folder) / "composed.yaml"
    conf = str(Path(folder, "conf").resolve())
    compose_and_dump(str(target), conf, None, "config", "", list(read[0]["params.yaml"]))
    return yaml.load(target.read_bytes(), Loader=YAML)


def _differing(one: Revision, other: Revision, stages: Sequence[str], kind: str) -> list[str]:
    """Return the dependencies of some stages that differ: those of the model's code, or under data/ that people deliver."""
    found = set()
    for name in stages:
        sides = [revision.lock.stages.get(name, NOTHING).deps for revision in (one, other)]
        for path in {*sides[0], *sides[1]}:
            meant = kind_of(path) == kind if kind else path.startswith("data/")
            found |= {path} if meant and sides[0].get(path) != sides[1].get(path) else set()
    return sorted(found - {"conf.ok"})


def _is_here(start: Revision, baseline: Revision) -> bool:
    """Return whether the workspace holds what a revision does, on a commit that descends from the baseline.

    After `dvc exp run` it holds the experiment, of which Git tracks a new pass no more; so files are asked, not the index.
    """
    with suppress(Refusal):
        git("merge-base", "--is-ancestor", str(baseline.commit), "HEAD")
        paths = sorted(start.files)
        if sorted(Revision(WORKSPACE, None).files) == paths:
            asked = "".join(f"{path}\n" for path in paths)
            hashes = git("hash-object", "--stdin-paths", stdin=os.fsencode(asked)).decode().split()
            return hashes == [start.files[path] for path in paths]
    return False


def _short(revision: Revision) -> str:
    return str(revision.commit)[:7]
