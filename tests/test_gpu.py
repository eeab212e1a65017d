"""Trainings on a GPU: what is promised of processors holds there. `python -m pytest tests/test_gpu.py` where torch sees one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from conftest import Project, render

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
NETWORKS = {"images": "cnn", "tables": "mlp", "texts": "bag"}
GREEDY = """

class Greedy(MLP):
    \"\"\"Takes a share of a device's memory while it learns.\"\"\"

    def __init__(self, share, shape, classes, widths) -> None:
        super().__init__(shape, classes, widths)
        self.share = share

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if inputs.is_cuda:
            torch.empty(int(self.share * torch.cuda.get_device_properties(inputs.device).total_memory), dtype=torch.uint8, device="cuda")
        return super().forward(inputs)
"""
POOLED = """

class Pooled(MLP):
    \"\"\"Has a layer whose gradients are summed up in any order on a GPU.\"\"\"

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(nn.functional.interpolate(nn.functional.adaptive_avg_pool2d(inputs * self.one, 3), 8))

    def __init__(self, shape, classes, widths) -> None:
        super().__init__(shape, classes, widths)
        self.one = nn.Parameter(torch.ones(1))
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """Projects of a kind with a network, of 3 seeds and 60 steps, as far as `curate`."""
    found: dict[str, Project] = {}

    def project(kind: str) -> Project:
        if kind not in found:
            found[kind] = render(tmp_path_factory.mktemp(kind), kind=kind)
            conf = found[kind].path / "conf"
            change(conf / "config.yaml", r"model: \w+", f"model: {NETWORKS[kind]}")
            change(conf / "config.yaml", r"seeds: \[.*\]", "seeds: [0, 1, 2]")
            change(conf / "model" / f"{NETWORKS[kind]}.yaml", r"\nsteps: \d+", "\nsteps: 60")
            change(conf / "config.yaml", "trainer: cpu", "trainer: gpu")
            found[kind].run("dvc", "repro", "curate")
        return found[kind]

    return project


def change(path: Path, old: str, new: str) -> None:
    text, times = re.subn(old, new, path.read_text(encoding="utf-8"))
    assert times
    path.write_text(text, encoding="utf-8")


def train(project: Project, workers: int, ok: bool = True, **model: Any) -> Any:
    """Train all seeds anew, so many at once, some settings of the model being others."""
    path = project.path / "params.yaml"
    before = path.read_text(encoding="utf-8")
    params = yaml.safe_load(before)
    params["model"] |= model
    params["trainer"]["executor"]["workers"] = workers
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    try:
        return project.run("python", "-m", "datapass.stages.train", ok=ok, DATAPASS_TRAIN_AGAIN="1")
    finally:
        path.write_text(before, encoding="utf-8")


def models(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project.path / "models").iterdir()}


@pytest.mark.parametrize("kind", NETWORKS)
def test_as_many_at_once_as_one_likes(projects: Callable[[str], Project], kind: str) -> None:
    project = projects(kind)
    said = train(project, 1).stdout
    name = torch.cuda.get_device_name()
    assert f"on {name} a seed gives the same weights each time (checked: 40 steps, twice)" in said
    alone = models(project)
    assert all(name.encode() in content for content in alone.values())  # in the record of the environment
    train(project, 3)
    assert models(project) == alone


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "16-mixed", "64-true"])
def test_precisions(projects: Callable[[str], Project], precision: str) -> None:
    project = projects("images")
    train(project, 3, precision=precision)
    path = project.path / "params.yaml"
    project.run("python", "-m", "datapass.stages.evaluate")
    assert json.loads((project.path / "metrics.json").read_text(encoding="utf-8"))["accuracy"] > 0.5, path


def network(project: Project, code: str, name: str, **given: float) -> dict[str, Any]:
    """Add a class to the team's networks; return the node that names it."""
    path = project.path / "src" / "digits" / "network.py"
    text = path.read_text(encoding="utf-8")
    if code not in text:
        path.write_text(text + code, encoding="utf-8")
    return {"_target_": f"digits.network.{name}", "widths": [16], **given}


def test_what_does_not_fit_beside_others_is_trained_after_them(projects: Callable[[str], Project]) -> None:
    project = projects("images")
    train(project, 1, network=network(project, GREEDY, "Greedy", share=0.4))
    alone = models(project)
    train(project, 3, network=network(project, GREEDY, "Greedy", share=0.4))
    assert models(project) == alone


def test_what_never_fits_is_refused(projects: Callable[[str], Project]) -> None:
    project = projects("images")
    done = train(project, 2, ok=False, network=network(project, GREEDY, "Greedy", share=1.5))
    assert done.returncode == 2
    assert "does not fit into its device's memory, alone on it (CUDA out of memory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_layer_that_cannot_give_the_same_twice_is_refused(projects: Callable[[str], Project]) -> None:
    project = projects("images")
    done = train(project, 1, ok=False, network=network(project, POOLED, "Pooled"))
    assert done.returncode == 2
    assert "on cuda a layer cannot give the same twice (adaptive_avg_pool2d_backward_cuda" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_device_that_is_not_there(projects: Callable[[str], Project]) -> None:
    project = projects("images")
    path = project.path / "params.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("devices: auto", "devices: [0, 64]"), encoding="utf-8")
    done = project.run("python", "-m", "datapass.stages.train", ok=False)
    path.write_text(before, encoding="utf-8")
    assert done.returncode == 2
    assert "conf/trainer: devices: there is no device 64; this machine has 0 to" in done.stderr


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="torch sees fewer than two GPUs here")
def test_two_devices_for_one_training(projects: Callable[[str], Project]) -> None:
    project = projects("images")
    assert "the same weights each time" in train(project, 1, devices=2).stdout


def test_another_device_is_compared_with_unpaired_seeds(projects: Callable[[str], Project], tmp_path: Path) -> None:
    project = projects("tables").copy(tmp_path / "tumours")
    change(project.path / "conf" / "config.yaml", "trainer: gpu", "trainer: cpu")
    project.repro()
    project.commit("Baseline")
    change(project.path / "conf" / "config.yaml", "trainer: cpu", "trainer: gpu")
    rows = (project.path / "data" / "examples" / "train.csv").read_text(encoding="utf-8").splitlines()
    project.write_pass("p001-drop", *(f"{row.split(',')[0]},drop,,,,tester" for row in rows[1:9]))
    project.repro()
    said = project.verb("compare", "main", "workspace").stdout
    assert "So the seeds are taken as unpaired" in said
    assert torch.cuda.get_device_name() in said
