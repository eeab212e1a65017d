"""Each stage names in dvc.yaml the modules that it runs, all of them and no other: a change re-runs what it may change."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import SOURCE, TEMPLATE
from datapass.stages.frame import NEUTRAL

STAGES = ("freeze", "pack", "curate", "train", "evaluate", "audit")
# The team's files are met through conf/, and so are not imported with the stage.
TEAM = {
    "pack": {"inputs.py"},
    "train": {"inputs.py", "network.py", "task.py"},
    "evaluate": {"inputs.py", "network.py"},
    "audit": {"inputs.py", "network.py", "task.py"},
}
# A stage imports what trains or answers for the model that conf/ names: here both kinds.
LATER = {
    "train": ("networks", "estimators"),
    "evaluate": ("storage", "estimators"),
    "audit": ("networks", "estimators"),
}
ASK = "import json, sys, {}; print(json.dumps([getattr(m, '__file__', None) for m in sys.modules.values()]))"


def named(stage: str) -> tuple[set[Path], set[str]]:
    """Return the machinery's files and the team's that a stage names; a folder stands for its files."""
    text = (TEMPLATE / "dvc.yaml").read_text(encoding="utf-8").replace("{{ cookiecutter.__package }}", "PACKAGE")
    deps = [TEMPLATE / dep for dep in yaml.safe_load(text)["stages"][stage]["deps"] if dep.startswith("src/")]
    team = {dep.name for dep in deps if dep.parent.name == "PACKAGE"}
    files = {file for dep in deps for file in ([dep] if dep.suffix else dep.rglob("*.py"))}
    return {file for file in files if file.is_file() and file.stat().st_size}, team


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_names_what_it_runs(stage: str) -> None:
    env = os.environ | {"PYTHONPATH": str(SOURCE)}
    modules = [f"datapass.stages.{stage}", *(f"datapass.training.{name}" for name in LATER.get(stage, ()))]
    modules += [f"datapass.executors.{name}" for name in ("child", "cluster") if stage in ("train", "audit")]
    command = [sys.executable, "-c", ASK.format(", ".join(modules))]
    loaded = json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)
    files = {Path(file) for file in loaded if file and Path(file).is_relative_to(SOURCE)}
    runs = {file for file in files if file.stat().st_size and not any(file.is_relative_to(n) for n in NEUTRAL)}
    files, team = named(stage)
    assert files == runs
    assert team == TEAM.get(stage, set())
