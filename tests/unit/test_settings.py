"""What conf/ may say: the shipped configuration is right, and everything wrong in another is named at once."""

from typing import Any

import pytest
import yaml

from conftest import TEMPLATE
from datapass.messages.problems import Refusal
from datapass.settings import check


@pytest.fixture
def params() -> Any:
    text = (TEMPLATE / "params.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text.replace("{{ cookiecutter.__package }}", "digits"))


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
    "a shape": ("model.network.width", [64], "network.width comes from the data; take it out"),
    "one seed": ("seeds", 5, "conf/config.yaml: seeds: input should be a valid list"),
    "seeds that are no numbers": ("seeds", ["a"], "seeds.0: input should be a valid integer"),
    "a seed twice": ("seeds", [1, 1], "seeds: one stands there twice"),
    "no seed": ("seeds", [], "seeds: "),
    "one fold": ("audit.folds", 1, "audit.folds: input should be greater than or equal to 2"),
    "no limit": ("audit.limit", "many", 'audit.limit: input should be a valid integer, not "many"'),
    "a share over 1": ("data.split.test", 1.2, "conf/data: data.split.test: input should be less than 1"),
    "nothing to train on": ("data.split.test", 0.9, "validation and test together leave no training set"),
    "a size": ("data.inputs.height", "big", "data.inputs.height: input should be a valid integer"),
    "four channels": ("data.inputs.channels", 4, "data.inputs.channels: input should be 1 or 3"),
    "over white": ("data.inputs.fill", 300, "data.inputs.fill: input should be less than or equal to 255"),
    "classes that are no list": ("data.classes", "cat", "data.classes: input should be a valid list"),
    "a class twice": ("data.classes", ["cat", "cat"], "data.classes: one stands there twice"),
    "a pass by number": ("data.passes.until", 2, "data.passes.until: input should be a valid string"),
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
