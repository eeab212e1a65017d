"""More seeds extend what is there, and a training that was stopped goes on where it was: with the bytes of one from the start."""

from pathlib import Path

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


def first(project: Project) -> str:
    """The id of a training example."""
    return (project.path / "data" / "examples" / "train.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
