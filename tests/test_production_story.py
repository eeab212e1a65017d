"""From a delivery of production to a verdict: it looks different, some of it is labelled, and comes back into the data."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import ROOT, Project, made, ran
from test_kinds import loop

NAME = "delivery-1"


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def production(story: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The digits with a committed baseline, and beside them a stream of which a third is by a new writer (simulated)."""
    project = story.copy(tmp_path_factory.mktemp("production") / "digits")
    project.run("python", str(ROOT / "tests" / "stream.py"), "../delivery")
    return project


@pytest.fixture(scope="module")
def watched(production: Project) -> dict[str, Any]:
    production.verb("watch", "../delivery", "--name", NAME, "--to", "watch.json", "--to", "watch.html")
    return dict(json.loads((production.path / "watch.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def picked(production: Project, watched: dict[str, Any]) -> pd.DataFrame:
    production.verb("pick", "--budget", "200")
    return read(production.path / "data" / "picked" / f"{NAME}.csv")


@pytest.fixture(scope="module")
def labelled(production: Project, picked: pd.DataFrame) -> dict[str, Any]:
    """What `watch` says once a person has labelled what was picked."""
    refused = production.verb("bring-back", ok=False)
    assert refused.returncode == 2 and "is labelled yet" in refused.stderr
    production.verb("review", "--picked", NAME)
    production.reviewer("labels", NAME, "../delivery-truth.csv", "reports/review-answers.csv")
    production.verb("review", "--apply", "reports/review-answers.csv")
    production.verb("watch", NAME, "--to", "watch.json")
    return dict(json.loads((production.path / "watch.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def back(production: Project, labelled: dict[str, Any]) -> dict[str, Any]:
    """The comparison after the random part became test examples on main, and the others training examples of a candidate."""
    production.verb("bring-back", NAME, "--test")
    stages = ran(production.run("dvc", "repro", "evaluate").stdout)
    production.commit("Test on the first delivery too")
    production.verb("bring-back", NAME)
    production.run("dvc", "exp", "run", "-n", NAME, "evaluate")
    production.verb("compare", "main", NAME, "--to", "compare.json")
    return dict(json.loads((production.path / "compare.json").read_text(encoding="utf-8"))) | {"stages": stages}


def test_the_known_change_is_seen_and_named(production: Project, watched: dict[str, Any]) -> None:
    assert watched["changed"] and watched["lines"]["inputs"]
    assert watched["headline"].startswith(f"{NAME}: looks different: unlike anything in training: ")
    truth = read(production.path.parent / "delivery-truth.csv").set_index("id")["new"] == "True"
    foreign = pd.Series(watched["unlike"]["ids"]).str.removeprefix(f"{NAME}/")
    assert truth[foreign].mean() > 0.9, "what is unlike anything in training is of the new writer"
    assert len(foreign) > 0.8 * truth.sum() > 10 * watched["unlike"]["expected"]
    assert not watched["lines"]["shares"], "the classes are as frequent as they were"
    page = (production.path / "watch.html").read_text(encoding="utf-8")
    assert page.count("<img") >= 40, "they are shown as pictures"


def test_the_delivery_is_kept_by_dvc_and_watched_again_the_same(production: Project, watched: dict[str, Any]) -> None:
    folder = production.path / "data" / "incoming" / NAME
    assert len(read(folder / "inputs.csv")) == 600 and len(list((folder / "files").iterdir())) == 600
    assert f"data/incoming/{NAME}.dvc" in production.run("git", "diff", "--cached", "--name-only").stdout
    pages = []
    for given in ("../delivery", NAME):
        production.verb("watch", given, "--to", "again.html")
        pages.append((production.path / "again.html").read_bytes())
    assert [path.name for path in folder.parent.glob("*.dvc")] == [f"{NAME}.dvc"]
    assert pages[0] == pages[1]


def test_each_row_keeps_why_it_was_picked(production: Project, picked: pd.DataFrame) -> None:
    assert picked["picked_as"].value_counts().to_dict() == {"random": 100, "uncertain": 60, "unlike": 40}
    assert (picked["picked_as"].iloc[:100] == "random").all()
    assert picked["id"].is_unique and (picked["delivered"] == "600").all()
    truth = read(production.path.parent / "delivery-truth.csv").set_index("id")["new"] == "True"
    new = truth[picked["id"].str.removeprefix(f"{NAME}/")].groupby(picked["picked_as"].to_numpy()).mean()
    assert 0.2 < new["random"] < 0.5 < new["uncertain"] and new["unlike"] == 1
    again = production.verb("pick", NAME, ok=False)
    assert again.returncode == 2 and "a second draw would not be at random" in again.stderr


def test_only_the_random_part_says_how_right_the_model_is(
    production: Project, picked: pd.DataFrame, labelled: dict[str, Any]
) -> None:
    truth = read(production.path.parent / "delivery-truth.csv").set_index("id")["label"]
    right = truth[picked["id"].str.removeprefix(f"{NAME}/")].to_numpy() == picked["predicted"].to_numpy()
    (row,) = labelled["labelled"]["deliveries"]
    assert (row["labelled"], row["right"]) == (100, int(right[:100].sum()))
    accuracy = labelled["labelled"]["accuracy"]
    assert accuracy["accuracy"] == pytest.approx(right[:100].mean())
    assert right[100:].mean() < right[:100].mean() - 0.05, "with the others it would be called worse than it is"
    assert accuracy["low"] < accuracy["accuracy"] < accuracy["high"]
    assert labelled["labelled"]["drift"]["old"] == pytest.approx(labelled["forecast"]["test_accuracy"], abs=0.01)


def test_what_comes_back_is_judged_on_the_old_test_set_and_on_the_new_one(
    production: Project, back: dict[str, Any]
) -> None:
    assert back["verdict"] == "helps"
    old, new = back["test_sets"]
    assert (old["name"], old["examples"]) == ("", 797) and (new["name"], new["examples"]) == (NAME, 100)
    assert new["verdict"] == "helps" and new["gain"]["mean"] > 0.05
    assert old["verdict"] != "hurts"
    test = read(production.path / "data" / "examples" / "test.csv")
    assert test["picked_as"].value_counts().to_dict() == {"": 797, "random": 100}
    train = read(production.path / "data" / "examples" / "train.csv")
    assert train["picked_as"].value_counts().drop("").to_dict() == {"uncertain": 60, "unlike": 40}
    assert "audit" not in back["stages"] and {"pack", "curate", "evaluate"} <= set(back["stages"])


def test_a_model_that_was_trained_since_is_not_judged_by_these_labels(
    production: Project, back: dict[str, Any]
) -> None:
    production.verb("watch", NAME, "--to", "watch.json")
    found = json.loads((production.path / "watch.json").read_text(encoding="utf-8"))
    assert found["labelled"]["others"] == [NAME] and found["labelled"]["deliveries"] == []
    assert found["learnt"] == 100, "what was brought back to train says nothing of these models"


def test_what_a_model_chose_is_refused_in_the_test_set(production: Project, back: dict[str, Any]) -> None:
    labels = production.path / "data" / "raw" / NAME / "labels.csv"
    kept = labels.read_bytes()
    table = read(labels)
    table.loc[3, "split"] = "test"
    table.to_csv(labels, index=False)
    refused = production.run("python", "-m", "datapass.stages.curate", ok=False)
    labels.write_bytes(kept)
    assert refused.returncode == 2
    said = refused.stderr + refused.stdout
    assert f'data/raw/{NAME}/labels.csv:5: id "{table["id"][3]}"' in said and "only rows picked at random" in said


def test_nothing_changed_is_said_so(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    project = made(tmp_path_factory, "texts", loop, "texts").copy(tmp_path / "messages")
    spec = spec_from_file_location("example", ROOT / "templates" / "texts" / "example.py")
    assert spec is not None and spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.messages(300, 11)[["text", "language"]].to_csv(tmp_path / "new.csv", index=False)
    printed = project.verb("watch", str(tmp_path / "new.csv"), "--name", "same").stdout
    assert printed.startswith("same: nothing changed that these 300 inputs can show"), printed
