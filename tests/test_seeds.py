"""More seeds extend what is there, and a training that was stopped goes on where it was: with the bytes of one from the start."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from conftest import Project

STOP = Path(__file__).parent / "stop"


def files(project: Project) -> dict[str, bytes]:
    """The models and the learning curves."""
    found = [*(project.path / "models").iterdir(), project.path / "reports" / "learning_curves.csv"]
    return {path.name: path.read_bytes() for path in found}


def test_more_seeds(project: Project, tmp_path: Path) -> None:
    before = files(project)
    more = ("dvc", "exp", "run", "-n", "more", "-S", "seeds=[0,1,2,3,4]", "evaluate")
    assert "3 of 5 seeds were trained before and are taken over" in project.run(*more).stdout
    extended = files(project)
    assert {name: before[name] for name in before if name.startswith("seed")}.items() <= extended.items()
    fewer = project.run("dvc", "exp", "run", "-n", "fewer", "-S", "seeds=[1,3,4]", "evaluate").stdout
    assert "3 of 3 seeds were trained before" in fewer
    again = project.run("python", "-m", "datapass.stages.train", DATAPASS_TRAIN_AGAIN="1").stdout
    assert "trained before" not in again
    assert {name: extended[name] for name in ("seed-1.safetensors", "seed-3.safetensors")}.items() <= files(
        project
    ).items()
    # In a folder of its own, which is another place with another cache's settings.
    temp = project.run("dvc", "exp", "run", "--temp", "-n", "temp", "-S", "seeds=[0,1,2,5]", "evaluate")
    assert "3 of 4 seeds were trained before" in temp.stdout + temp.stderr


def test_a_training_that_was_stopped(project: Project) -> None:
    project.write_pass("p001-drop", f"{first(project)},drop,,,,tester")
    project.repro("curate")
    stop = {"STOP": "datapass.stages.train 2", "PYTHONPATH": f"{STOP}:src"}
    assert project.run("python", "-m", "datapass.stages.train", ok=False, **stop).returncode
    done = project.run("python", "-m", "datapass.stages.train").stdout
    assert "1 of 3 seeds were trained before and are taken over" in done
    resumed = files(project)
    project.run("python", "-m", "datapass.stages.train", DATAPASS_TRAIN_AGAIN="1")
    assert files(project) == resumed


def test_what_changes_while_it_trains(project: Project) -> None:
    train = project.path / "data" / "examples" / "train.csv"
    before, content = files(project), train.read_bytes()
    command = [sys.executable, "-m", "datapass.stages.train"]
    env = project.env | {"DATAPASS_TRAIN_AGAIN": "1"}
    with subprocess.Popen(command, cwd=project.path, env=env, stderr=subprocess.PIPE, text=True) as running:
        while running.poll() is None and not (project.path / ".models.partial").exists():
            time.sleep(0.01)
        train.touch()  # as `git checkout` there and back does; what the processes read in between, nobody knows
        said = running.communicate()[1]
    assert running.returncode == 2 and "`dvc repro` again: trainings that ended before are kept." in said
    assert said.splitlines()[-1].startswith("data/examples/train.csv changed while stage train ran")
    assert files(project) == before and train.read_bytes() == content


def test_an_experiment_is_queued_while_it_trains(project: Project) -> None:
    """For which DVC writes the experiment's settings into params.yaml for a moment."""
    before, params = files(project), project.path / "params.yaml"
    content = params.read_bytes()
    env = project.env | {"DATAPASS_TRAIN_AGAIN": "1"}
    command = [sys.executable, "-m", "datapass.stages.train"]
    with subprocess.Popen(command, cwd=project.path, env=env, stderr=subprocess.PIPE, text=True) as running:
        while running.poll() is None and not (project.path / ".models.partial").exists():
            time.sleep(0.01)
        params.write_bytes(content.replace(b"steps: 20\n", b"steps: 5\n"))
        time.sleep(3)
        params.write_bytes(content)
        said = running.communicate()[1]
    assert running.returncode == 0, said
    assert files(project) == before


def test_a_pass_that_is_written_while_curate_runs(project: Project) -> None:
    """DVC would note the hash of the pass as it is when the stage ends, and apply it never."""
    path = project.write_pass("p001-drop", f"{first(project)},drop,,,,tester")
    code = (
        "import datapass.stages.curate as stage; from pathlib import Path; from datapass.stages.frame import run\n"
        "def main():\n"
        "    stage.main()\n"
        f"    Path({path.relative_to(project.path).as_posix()!r}).touch()\n"
        "run('curate', main)"
    )
    done = project.run("python", "-c", code, ok=False)
    assert done.returncode == 2
    assert done.stderr.startswith("data/passes/p001-drop.csv changed while stage curate ran")


def test_inputs_of_another_revision(project: Project) -> None:
    """After `git checkout` without `dvc checkout`: the tables are of one revision, the packed inputs of another."""
    arrays = project.path / "data" / "inputs" / "arrays.npy"
    packed = np.load(arrays)
    arrays.unlink()  # a link into DVC's cache
    packed[:10] = packed[:10, ::-1]
    np.save(arrays, packed)
    for stage in ("train", "evaluate", "audit"):
        done = project.run("python", "-m", f"datapass.stages.{stage}", ok=False)
        assert done.returncode == 2
        assert re.match(
            r"data/inputs/ does not hold the inputs of \d+ of [\d,]+ examples of data/examples/", done.stderr
        )


def first(project: Project) -> str:
    """The id of a training example."""
    return (project.path / "data" / "examples" / "train.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
