"""Compose conf/ into params.yaml, the lock file of the frozen configuration."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from dvc.utils.hydra import compose_and_dump  # DVC's own: `dvc exp run` must write the same bytes
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from ..files.paths import PARAMS
from ..files.writes import write_text
from ..messages.problems import Refusal
from ..settings import load
from .frame import run

MARKER = "params.yaml holds what conf/ composes to. This file never changes; it only puts the stages in order.\n"
LATER = {"augment": ("train", "audit"), "size": ("train",)}  # of conf/data, came after the first dvc.yaml: who uses it


def compose(target: Path) -> None:
    """Compose conf/config.yaml into `target`. Raises Refusal where Hydra cannot."""
    try:
        compose_and_dump(str(target), str(Path("conf").resolve()), None, "config", "", [])
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise Refusal(f"conf/ cannot be composed: {error}") from None


def check(path: Path) -> None:
    """Refuse composed params that are wrong, or of which DVC would not tell those who use them.

    A dvc.yaml from before there was such a choice does not name it: a change of it would re-run nothing.
    """
    data = load(path).data
    used = [(key, names) for key, names in LATER.items() if getattr(data, key) is not None]
    stages = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"] if used else {}
    for key, names in used:
        for name in names:
            declared = {p for p in stages.get(name, {}).get("params", []) if isinstance(p, str)}
            if name in stages and not {"data", f"data.{key}"} & declared:
                raise Refusal(f"dvc.yaml: stage {name} uses data.{key} without declaring it; add it to its params.")


def main() -> None:
    """Bring params.yaml up to date, except inside `dvc exp run`, which has composed it with its overrides already."""
    if os.environ.get("DVC_EXP_NAME"):
        check(PARAMS)
    else:
        with TemporaryDirectory() as folder:
            compose(Path(folder) / PARAMS)
            check(Path(folder) / PARAMS)
            composed = (Path(folder) / PARAMS).read_text(encoding="utf-8")
        if not PARAMS.is_file() or composed != PARAMS.read_text(encoding="utf-8"):
            if os.environ.get("CI"):
                raise Refusal("params.yaml is not what conf/ composes to; run `dvc repro` and commit params.yaml.")
            write_text(composed, PARAMS)
    write_text(MARKER, Path("conf.ok"))


if __name__ == "__main__":
    run("freeze", main)
