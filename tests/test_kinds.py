"""Tables and texts go through the whole loop as images do: example, baseline, audit, review, experiment, verdict, answers."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from conftest import Project, made, ran

FOREST = """
estimator: {_target_: sklearn.ensemble.RandomForestClassifier, n_estimators: 30, min_samples_leaf: 2}
resample: false
threads: 1
"""

NETWORKS = {"tables": "mlp", "texts": "bag"}


def loop(project: Project) -> None:
    """A committed baseline of three seeds, the answers of a careful reviewer as a pass, and the experiment that ran with it."""
    config = project.path / "conf" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("[0, 1, 2, 3, 4]", "[0, 1, 2]"), encoding="utf-8")
    project.run("dvc", "repro")
    project.commit("Baseline")
    project.verb("review")
    project.reviewer("answers", "reports/review-answers.csv")
    project.verb("review", "--apply", "reports/review-answers.csv")
    printed = project.run("dvc", "exp", "run", "-n", "relabel-1").stdout
    (project.path / "ran").write_text("\n".join(ran(printed)), encoding="utf-8")


@pytest.fixture(scope="module", params=["tables", "texts"])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Project]:
    return request.param, made(tmp_path_factory, request.param, loop, request.param)


def test_the_pass_helps_and_packs_nothing_again(kind: tuple[str, Project], tmp_path: Path) -> None:
    _, project = kind
    assert (project.path / "ran").read_text(encoding="utf-8").split() == ["curate", "train", "evaluate", "audit"]
    printed = project.verb("compare", "main", "relabel-1", "--to", str(tmp_path / "c.json")).stdout
    assert printed.startswith("helps: relabel-1"), printed
    assert "The model stayed frozen" in printed
    assert "Each seed draws its training rows with replacement" in printed
    assert "encoders of the inputs were fitted on other" not in printed, "a relabelling changes no input"
    found = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert 0 < found["gain"]["low"] < found["gain"]["high"]
    assert found["data"]["transitions"][0]["count"] > 5


def test_the_audit_finds_the_simulated_errors(kind: tuple[str, Project]) -> None:
    name, project = kind
    with (project.path / "data" / "passes" / "p001-review.csv").open(encoding="utf-8") as file:
        edits = [row["action"] for row in csv.DictReader(file)]
    wrong = {"tables": 44, "texts": 108}[name]
    assert edits.count("relabel") > 0.6 * wrong, "of the first 120 suspects"


def test_predict_answers_rows_as_evaluate_did(kind: tuple[str, Project], tmp_path: Path) -> None:
    name, project = kind
    source = project.path / "data" / "raw" / {"tables": "features.csv", "texts": "labels.csv"}[name]
    done = project.verb("predict", str(source), "--to", str(tmp_path / "answers.csv"))
    assert "answered by 3 models" in done.stdout
    with (tmp_path / "answers.csv").open(encoding="utf-8") as file:
        answers = {row["id"]: row["predicted"] for row in csv.DictReader(file)}
    with (project.path / "reports" / "predictions.csv").open(encoding="utf-8") as file:
        known = {row["id"]: row["predicted"] for row in csv.DictReader(file)}
    assert {id: answers[id] for id in known} == known


def test_predict_names_what_it_cannot_read(kind: tuple[str, Project], tmp_path: Path) -> None:
    name, project = kind
    for file, content in {"picture.png": "x", "other.csv": "id,colour\n1,red\n", "odd.csv": 'a,"b\n'}.items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    done = project.verb("predict", str(tmp_path), str(tmp_path / "gone.csv"), ok=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    column = {"tables": "mean_radius", "texts": "text"}[name]
    for said in ("picture.png: is not a .csv", f'has no column "{column}"', "odd.csv:1", "gone.csv: is missing"):
        assert said in done.stderr


def test_a_network_learns_the_same_data(kind: tuple[str, Project], tmp_path: Path) -> None:
    """Another model is run by its name, is not comparable with the first, and is compared with itself on other data."""
    name, whole = kind
    project = whole.copy(tmp_path / whole.path.name)
    path = project.path / "conf" / "model" / f"{NETWORKS[name]}.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    text = path.read_text(encoding="utf-8").replace(f"steps: {settings['steps']}", "steps: 60")
    path.write_text(text, encoding="utf-8")
    config = project.path / "conf" / "config.yaml"
    text = config.read_text(encoding="utf-8")
    for model in ("boosting", "linear"):
        text = text.replace(f"model: {model}", f"model: {NETWORKS[name]}")
    config.write_text(text, encoding="utf-8")
    project.repro()
    project.commit("A network, on the reviewed data")
    refused = project.verb("compare", "relabel-1", "HEAD").stdout
    assert refused.startswith("not comparable")
    drop = next(line for line in (project.path / "data" / "examples" / "train.csv").read_text("utf-8").splitlines()[1:])
    project.write_pass("p002-drop", f"{drop.split(',')[0]},drop,,,no reason,tester")
    assert project.repro() == ["curate", "train", "evaluate"]
    project.commit("Drop one")
    printed = project.verb("compare", "HEAD~1", "HEAD").stdout
    assert "The model stayed frozen" in printed
    assert "Each seed draws" not in printed
    assert ("encoders of the inputs were fitted on other" in printed) == (name == "tables")
    metrics = json.loads((project.path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["accuracy"] > 0.6
    assert "torch" in metrics["environment"]


def test_an_estimator_of_a_library_in_one_file(project: Project) -> None:
    """On images, without a line of code: run by its name, seeded, and compared on other data like any model."""
    (project.path / "conf" / "model" / "forest.yaml").write_text(FOREST, encoding="utf-8")
    project.commit("A file")
    project.run("dvc", "exp", "run", "-n", "forest", "-S", "model=forest")
    assert project.verb("compare", "main", "forest").stdout.startswith("not comparable")
    config = project.path / "conf" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("model: cnn", "model: forest"), encoding="utf-8")
    assert project.repro() == ["freeze"], "what -S chose is what conf/ says now"
    project.commit("A forest")
    edits = project.reviewer("pass").stdout.splitlines()[1:]
    project.write_pass("p001-review", *edits)
    assert project.repro() == ["curate", "train", "evaluate"]
    project.commit("Correct 60 labels")
    printed = project.verb("compare", "HEAD~1", "HEAD").stdout
    assert printed.startswith(("helps", "no detectable difference"))
    assert "The model stayed frozen" in printed
    answered = project.verb("predict", "data/raw/images/digit-0001.png").stdout
    assert "1 input answered by 3 models" in answered
