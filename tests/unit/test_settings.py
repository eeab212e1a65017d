"""What conf/ may say: the shipped configuration is right, and everything wrong in another is named at once."""

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import params
from datapass.messages.problems import Refusal
from datapass.settings import check, digest_of, load_again


@pytest.fixture(name="params")
def _params() -> Any:
    return params()


def test_the_shipped_configuration_is_right(params: Any) -> None:
    check(params)
    del params["data"]["example"]
    params["data"]["classes"] = ["cat", 7]
    check(params)


WRONG: dict[str, tuple[str, Any, str]] = {
    "no number": ("model.steps", "abc", 'conf/model: model.steps: input should be a valid integer, not "abc"'),
    "no steps": ("model.steps", 0, "model.steps: input should be greater than or equal to 1, not "),
    "a part of a step": ("model.steps", 1.5, "model.steps: input should be a valid integer"),
    "an empty batch": ("model.batch_size", 0, "model.batch_size: input should be greater than or equal to 1"),
    "no threads": ("model.threads", 0, "model.threads: input"),
    "unknown": ("model.epochs", 5, "model.epochs: is no setting"),
    "a shape": ("model.network.shape", [64], "network.shape comes from the data; take it out"),
    "one seed": ("seeds", 5, "conf/config.yaml: seeds: input should be a valid list"),
    "seeds that are no numbers": ("seeds", ["a"], "seeds.0: input should be a valid integer"),
    "a seed twice": ("seeds", [1, 1], "seeds: one stands there twice"),
    "no seed": ("seeds", [], "seeds: "),
    "one fold": ("audit.folds", 1, "audit.folds: input should be greater than or equal to 2"),
    "no looks": ("looks", 0, "conf/config.yaml: looks: input should be greater than or equal to 1"),
    "many looks": ("looks", "many", 'conf/config.yaml: looks: input should be a valid integer, not "many"'),
    "no limit": ("audit.limit", "many", 'audit.limit: input should be a valid integer, not "many"'),
    "a share over 1": ("data.split.test", 1.2, "conf/data: data.split.test: input should be less than 1"),
    "nothing to train on": ("data.split.test", 0.9, "validation and test together leave no training set"),
    "inputs of nothing": ("data.inputs", {"height": 8}, "data.inputs: needs `_target_`"),
    "classes that are no list": ("data.classes", "cat", "data.classes: input should be a valid list"),
    "a class twice": ("data.classes", ["cat", "cat"], "data.classes: one stands there twice"),
    "a pass by number": ("data.passes.until", 2, "data.passes.until: input should be a valid string"),
    "an unknown metric": ("evaluate.metric", "f2", "conf/config.yaml: evaluate.metric: input should be 'accuracy', "),
    "a cost without costs": ("evaluate.metric", "cost", "evaluate: `costs` and `metric: cost` go together"),
    "costs without a cost": ("evaluate.costs", {"1": {"2": 3}}, "evaluate: `costs` and `metric: cost` go together"),
    "costs that are wrong": (
        "evaluate.costs",
        {"1": {"2": -3, 3: float("nan"), False: 1, "5": "x"}},
        'put quotes around 3, put quotes around False, "1" taken for "2" costs -3, "1" taken for "3" costs nan, "1" taken for "5" costs "x"',
    ),
    "costs that are no matrix": ("evaluate.costs", {"1": 3}, "evaluate.costs.1: input should be a valid dictionary"),
    "more noise than labels": ("data.example.noise", 3, "data.example.noise: input should be less than 1"),
}


@pytest.mark.parametrize(("key", "value", "said"), WRONG.values(), ids=WRONG.keys())
def test_wrong_settings(params: Any, key: str, value: Any, said: str) -> None:
    *groups, last = key.split(".")
    place = params
    for group in groups:
        place = place[group]
    place[last] = value
    with pytest.raises(Refusal) as refusal:
        check(params)
    assert said in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_everything_at_once_with_the_nearest_name(params: Any) -> None:
    params["data"]["split"]["tests"] = params["data"]["split"].pop("test")
    params["model"]["batchsize"] = params["model"].pop("batch_size")
    params["model"]["steps"] = 0
    with pytest.raises(Refusal) as refusal:
        check(params)
    lines = str(refusal.value).splitlines()
    assert "conf/data: data.split.test: is missing" in lines
    assert 'conf/data: data.split.tests: is no setting; did you mean "test"?' in lines
    assert 'conf/model: model.batchsize: is no setting; did you mean "batch_size"?' in lines
    assert len(lines) == 5


def test_a_project_from_before_there_was_a_choice_measures_accuracy(params: Any) -> None:
    del params["evaluate"]["metric"], params["evaluate"]["costs"]
    assert check(params).evaluate.metric == "accuracy"
    params["evaluate"] |= {"metric": "cost", "costs": {"defect": {"ok": 20, "defect": 0.5}, "3": {"8": 0}}}
    assert check(params).evaluate.costs == {"defect": {"ok": 20, "defect": 0.5}, "3": {"8": 0}}


def test_only_networks_are_augmented(params: Any) -> None:
    assert check(params).data.augment is None, "the default"
    params["data"]["augment"] = {"_target_": "digits.inputs.Augment", "shift": 1}
    assert check(params).data.augment == params["data"]["augment"]
    params["model"] = {"estimator": {"_target_": "acme.Trees"}, "resample": False, "threads": 1}
    with pytest.raises(Refusal, match=r"conf/data: data\.augment: .* nothing is augmented"):
        check(params)
    del params["data"]["augment"]
    assert check(params).data.augment is None, "a project from before there was a choice"


@pytest.mark.parametrize("meanwhile", ["other", "half-written", "missing"])
def test_settings_that_are_others_for_a_moment(
    params: Any, meanwhile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted, path, text = check(params), Path("params.yaml"), yaml.safe_dump(params, sort_keys=False)
    params["model"]["steps"] += 1
    given = {"other": yaml.safe_dump(params), "half-written": text[: len(text) // 2]}
    if meanwhile in given:
        path.write_text(given[meanwhile], encoding="utf-8")
    with pytest.raises(Refusal, match=r"^params.yaml has other settings than when the stage began"):
        load_again(digest_of(wanted), 0.2)
    later = threading.Timer(0.3, lambda: path.write_text(text, encoding="utf-8"))
    later.start()
    assert load_again(digest_of(wanted), 10) == wanted
    later.join()
