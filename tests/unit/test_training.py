"""Training: the promises that make two data revisions comparable, on a network of a few weights."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from datapass.messages.problems import Refusal
from datapass.messages.progress import Progress
from datapass.training.fit import Examples, Stretches, build, hardware, order, silence, train_seed
from datapass.training.storage import environment

MODEL = {
    "network": {"_target_": "digits.network.MLP", "widths": [4]},
    "loss": {"_target_": "torch.nn.CrossEntropyLoss", "reduction": "none"},
    "optimizer": {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1},
    "steps": 45,
    "batch_size": 8,
}
TRAINER = {"accelerator": "cpu", "devices": 1}


def examples(n: int, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    return Examples(
        rng.integers(0, 2**63, n).astype(np.uint64),
        torch.from_numpy(rng.integers(0, 256, (n, 2, 2, 1), dtype=np.uint8)),
        torch.from_numpy(rng.integers(0, 3, n)),
        torch.ones(n),
    )


def some(all_: Examples, rows: Any) -> Examples:
    return Examples(*(part[rows] for part in (all_.keys, all_.images, all_.targets, all_.weights)))


def trained(train: Examples, validation: Examples | None = None, **model: Any) -> tuple[dict[str, Any], Any]:
    """Return the weights and the curves of one training from the same initial weights."""
    silence()
    model = MODEL | model
    shown = Progress("train", model["steps"], io.StringIO())
    torch.manual_seed(0)
    network = build(model, (2, 2, 1), 3)[1]
    none = some(train, slice(0))
    checked = none if validation is None else validation
    curves = train_seed(model, network, train, checked, 0, TRAINER, shown)
    assert shown.done == model["steps"]
    return network.state_dict(), curves


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("number", [0, 1, 30])
def test_added_examples_leave_the_others_in_order(number: int) -> None:
    keys, more = examples(50).keys, examples(number, seed=1).keys
    for epoch in range(3):
        alone = keys[order(keys, 7, epoch)]
        both = np.concatenate([keys, more])
        together = both[order(both, 7, epoch)]
        assert together[np.isin(together, keys)].tolist() == alone.tolist()
    assert order(keys, 7, 0).tolist() != order(keys, 7, 1).tolist()
    assert order(keys, 7, 0).tolist() != order(keys, 8, 0).tolist()


@pytest.mark.parametrize(
    ("n", "steps", "length", "stretches"),
    [(50, 45, 2, 23), (50, 40, 2, 20), (3, 10, 1, 10), (50, 3, 1, 3), (8, 20, 7, 3)],
    ids=["a rest", "even", "a batch over the set", "few steps", "a batch of the set"],
)
def test_the_number_of_steps_is_fixed(n: int, steps: int, length: int, stretches: int) -> None:
    made = Stretches(examples(n), steps, 8, 0, length)
    sizes = [[len(batch[1]) for batch in stretch] for stretch in made]
    assert len(made) == len(sizes) == stretches
    assert [size for stretch in sizes for size in stretch] == [8] * steps


def test_each_example_is_seen_once_an_epoch() -> None:
    all_ = replace(examples(24), targets=torch.arange(24))
    batches = [batch[1].tolist() for stretch in Stretches(all_, 6, 8, 0, 2) for batch in stretch]
    for epoch in (batches[:3], batches[3:]):
        assert sorted(row for batch in epoch for row in batch) == list(range(24))


def test_what_was_dropped_teaches_nothing() -> None:
    before = examples(40)
    dropped = torch.arange(40) % 4 == 0
    weights = (~dropped).float()
    other = replace(before, images=before.images.clone(), targets=before.targets.clone(), weights=weights)
    other.images[dropped] = 0
    other.targets[dropped] = 2
    one, _ = trained(replace(before, weights=weights))
    assert same(one, trained(other)[0]), "neither its input nor its label reaches the weights"
    assert not same(one, trained(before)[0])


def test_validation_changes_no_weight() -> None:
    train, validation = examples(40), examples(20, seed=1)
    weights, curves = trained(train, validation)
    assert same(weights, trained(train)[0])
    assert curves["step"].tolist() == [*range(2, 45, 2), 45]
    assert curves["validation_accuracy"].between(0, 1).all()


def test_a_batch_without_a_weight_trains_nothing() -> None:
    nothing = replace(examples(16), weights=torch.zeros(16))
    weights, _ = trained(nothing)
    torch.manual_seed(0)
    assert same(weights, build(MODEL, (2, 2, 1), 3)[1].state_dict())


HARDWARE = {
    "one device": ({"accelerator": "cpu", "devices": 1}, None),
    "the second GPU": ({"accelerator": "gpu", "devices": [1]}, None),
    "accumulated gradients": ({"accumulate_grad_batches": 4}, "accumulate_grad_batches may change the weights"),
    "clipping and precision": ({"precision": 16, "gradient_clip_val": 1}, "gradient_clip_val, precision may change"),
    "two devices": ({"accelerator": "gpu", "devices": 2}, "devices must be 1, or a list of one number"),
    "all devices": ({"accelerator": "gpu", "devices": "auto"}, "devices must be 1, or a list of one number"),
}


def test_variables_of_lightning_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_TRAINER_FAST_DEV_RUN", "1")
    with pytest.raises(Refusal, match="PL_TRAINER_FAST_DEV_RUN would change the training"):
        trained(examples(8))


def test_a_loss_that_cannot_leave_examples_out_is_refused() -> None:
    with pytest.raises(Refusal, match="reduction: none"):
        trained(examples(8), loss={"_target_": "torch.nn.CrossEntropyLoss"})


LIBRARIES = {
    "a target": ({"network": {"_target_": "hypothesis.strategies.integers"}}, "hypothesis "),
    "a nested target": ({"network": {"parts": [{"_target_": "hypothesis.given"}]}}, "hypothesis "),
    "what own code imports": ({"loss": {"_target_": "datapass.training.fit.Classifier"}}, "pandas "),
}


@pytest.mark.parametrize(("model", "named"), LIBRARIES.values(), ids=LIBRARIES.keys())
def test_the_environment_names_the_libraries_of_the_model(model: dict[str, Any], named: str) -> None:
    where = environment(torch.device("cpu"), model)
    assert named in where
    assert named not in environment(torch.device("cpu"), MODEL)


def test_a_library_without_a_version_is_refused() -> None:
    with pytest.raises(Refusal, match="the model uses acme, which is no installed package"):
        environment(torch.device("cpu"), {"network": {"backbone": {"_target_": "acme.Backbone"}}})


@pytest.mark.parametrize(("trainer", "said"), HARDWARE.values(), ids=HARDWARE.keys())
def test_only_the_place_of_training_is_free(trainer: dict[str, Any], said: str | None) -> None:
    if said is None:
        assert hardware(trainer) == trainer
        return
    with pytest.raises(Refusal, match=said):
        hardware(trainer)
