"""`datapass predict`: the trained seeds' answers to new files, and what it refuses to answer."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Project


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_known_files_get_the_answers_that_evaluate_gave(trained: Project, tmp_path: Path) -> None:
    known = {f"data/raw/images/{row['id']}.png": row for row in rows(trained.path / "reports" / "predictions.csv")}
    printed = trained.verb(
        "predict", *known, "--to", str(tmp_path / "answers.csv"), "--to", str(tmp_path / "a.json")
    ).stdout
    found = rows(tmp_path / "answers.csv")
    assert [row["file"] for row in found] == list(known)
    for row in found:
        before = known[row["file"]]
        seeds = [answer for name, answer in before.items() if name.startswith("seed_")]
        assert row["predicted"] == before["predicted"]
        assert float(row["agreement"]) == pytest.approx(seeds.count(before["predicted"]) / len(seeds), abs=1e-6)
        assert 0 < float(row["probability"]) <= 1
    assert f"{len(known):,} inputs answered by 3 models" in printed
    record = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert record["model"] == json.loads((trained.path / "metrics.json").read_text(encoding="utf-8"))["model"]
    assert len(record["answers"]) == len(known)


def test_a_folder_stands_for_its_files(trained: Project, tmp_path: Path) -> None:
    trained.verb("predict", "data/raw/images", "data/raw/images/digit-0000.png", "--to", str(tmp_path / "answers.csv"))
    found = [row["file"] for row in rows(tmp_path / "answers.csv")]
    assert found == sorted(found)
    assert len(found) == 1797, "a file that is named twice is answered once"


def test_what_is_no_input_is_named_and_nothing_written(trained: Project, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no picture", encoding="utf-8")
    (tmp_path / "in" / "empty.png").touch()
    answers = tmp_path / "answers.csv"
    done = trained.verb("predict", str(tmp_path / "in"), str(tmp_path / "gone.png"), "--to", str(answers), ok=False)
    assert done.returncode == 2
    for said in ("notes.txt", "empty.png", "gone.png", "is missing"):
        assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not answers.exists()


def shrunk(project: Project) -> None:
    path = project.path / "params.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("fill: 0", "fill: 9"), encoding="utf-8")


def edited(project: Project) -> None:
    path = project.path / "src" / "digits" / "inputs.py"
    path.write_text(path.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")


def without(project: Project) -> None:
    for path in (project.path / "models").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [(shrunk, "data.inputs in params.yaml"), (edited, "src/digits/inputs.py"), (without, "holds no model")],
    ids=["other inputs", "other code", "no model"],
)
def test_models_of_something_else_are_not_asked(project: Project, change: Callable[[Project], None], said: str) -> None:
    change(project)
    done = project.verb("predict", "data/raw/images/digit-0000.png", ok=False)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_new_pass_leaves_the_models_what_they_are(project: Project) -> None:
    project.write_pass("p001-one", "digit-0000,drop,,,,")
    assert "1 input answered" in project.verb("predict", "data/raw/images/digit-0001.png").stdout
