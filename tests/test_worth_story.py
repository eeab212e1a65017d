"""What labels are worth, from the command to the number, on the table of the second kind."""

import json
from pathlib import Path

import pytest

from conftest import Project, made
from test_kinds import loop


@pytest.fixture(scope="module")
def tumours(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The table's baseline on main, and the experiment `relabel-1` in the workspace; read only."""
    return made(tmp_path_factory, "tables", loop, "tables")


def test_from_the_command_to_the_number(tumours: Project, tmp_path: Path) -> None:
    project = tumours.copy(tmp_path / "tumours")
    asked = project.verb("worth", "main", "relabel-1").stdout
    assert "cannot be told yet: 6 sizes are still to be trained" in asked
    assert "18 trainings: 3 seeds of each size" in asked

    other = project.verb("worth", "relabel-1", "main", "--run", ok=False)
    assert other.returncode == 0 and "worth less than nothing" in other.stdout, "so nothing has to be trained"

    done = project.verb("worth", "main", "relabel-1", "--run", "--to", "w.json", "--to", "w.html")
    said = json.loads((project.path / "w.json").read_text(encoding="utf-8"))
    assert said["state"] == "worth shown" and done.stdout.splitlines()[0] == said["headline"]
    sizes = [rung["examples"] for rung in said["rungs"]]
    assert len(sizes) == 7 and sizes == sorted(sizes)
    value, low, high = (end if end is not None else float("inf") for end in said["ratio"])
    assert 1 < low <= value <= high
    assert "<svg" in (project.path / "w.html").read_text(encoding="utf-8")
    assert "[6/6] worth-relabel-1-" in done.stderr

    smallest = said["rungs"][0]["name"]
    told = project.verb("compare", "relabel-1", smallest, "--to", "c.json").stdout
    assert f"trained on {sizes[0]} of {sizes[-1]} examples a seed" in told
    compared = json.loads((project.path / "c.json").read_text(encoding="utf-8"))
    assert compared["proof"]["model"] == [] and compared["looks"] == 2, "a measurement is no candidate"
    metrics = json.loads(project.run("git", "show", f"{smallest_commit(project, smallest)}:metrics.json").stdout)
    assert metrics["train_examples"] == sizes[0]
    assert compared["data"]["size"] == f"trained on {sizes[0]} of {sizes[-1]} examples a seed"


def smallest_commit(project: Project, name: str) -> str:
    listed = project.run("git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").stdout
    return next(line.split()[0] for line in listed.splitlines() if line.endswith(f"/{name}"))


def test_trainings_of_other_data_are_refused(tumours: Project, tmp_path: Path) -> None:
    """What DVC would train is what the workspace holds."""
    project = tumours.copy(tmp_path / "tumours")
    project.run("git", "reset", "--quiet", "--hard")
    project.run("dvc", "checkout", "--quiet")
    done = project.verb("worth", "main", "relabel-1", "--run", ok=False)
    assert done.returncode == 2 and "`dvc exp apply relabel-1`" in done.stderr
    config = project.path / "conf" / "data" / "tables.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("size: null", "size: 5000"), encoding="utf-8")
    pipeline = project.path / "dvc.yaml"
    declared = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(declared.replace(", data.size]", "]"), encoding="utf-8")
    assert "stage train uses data.size without declaring it" in project.run("dvc", "repro", ok=False).stderr
    pipeline.write_text(declared, encoding="utf-8")
    assert "data.size: 5,000 of 309 training examples cannot be taken" in project.run("dvc", "repro", ok=False).stderr
