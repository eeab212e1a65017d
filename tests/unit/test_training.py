"""Training: the promises that make two data revisions comparable, on a network of a few weights."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import yaml
from torch import nn

from conftest import params
from datapass.messages.problems import Refusal
from datapass.messages.progress import Progress
from datapass.settings import Settings, check
from datapass.training import environment as environments
from datapass.training.batches import Augment, Batches, Examples
from datapass.training.environment import environment
from datapass.training.fit import hardware, loggers, silence, train_seed
from datapass.training.order import order
from datapass.training.storage import load, make_network, probabilities, save

NETWORK = {"_target_": "digits.network.MLP", "widths": [4]}
TASK = {
    "_target_": "digits.task.Classifier",
    "loss": {"_target_": "torch.nn.CrossEntropyLoss"},
    "optimizer": {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1},
    "schedule": None,
}
ONE_CYCLE = {"_target_": "torch.optim.lr_scheduler.OneCycleLR", "_partial_": True, "max_lr": 0.5, "total_steps": 45}
EMA = {"_target_": "pytorch_lightning.callbacks.EMAWeightAveraging", "decay": 0.9}
SWA = {"_target_": "pytorch_lightning.callbacks.StochasticWeightAveraging", "swa_lrs": 0.05}
BATCH_NORM = {
    "_target_": "torch.nn.Sequential",
    "_args_": [
        {"_target_": "torch.nn.Flatten"},
        {"_target_": "torch.nn.BatchNorm1d", "num_features": 4},
        {"_target_": "torch.nn.Linear", "in_features": 4, "out_features": 3},
    ],
}


def configured(trainer: dict[str, Any] | None = None, augment: dict[str, Any] | None = None, **model: Any) -> Settings:
    """The shipped settings with a small model, of which some settings are others."""
    found = params(augment=augment)
    found["model"] |= {"network": NETWORK, "task": TASK, "steps": 45, "batch_size": 8} | model
    found["trainer"] |= trainer or {}
    return check(found)


def examples(n: int, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    return Examples(
        rng.integers(0, 2**63, n).astype(np.uint64),
        rng.integers(0, 256, (n, 2, 2, 1), dtype=np.uint8),
        np.arange(n),
        torch.from_numpy(rng.integers(0, 3, n)),
        torch.ones(n, dtype=torch.bool),
        lambda arrays: arrays.permute(0, 3, 1, 2).float().div(255),
    )


def some(all_: Examples, rows: Any) -> Examples:
    parts = (part[rows] for part in (all_.keys, all_.rows, all_.targets, all_.counts))
    keys, rows, targets, counts = parts
    return Examples(keys, all_.arrays, rows, targets, counts, all_.prepare)


def trained(
    train: Examples, validation: Examples | None = None, settings: Settings | None = None, logger: Any = False
) -> tuple[dict[str, Any], Any]:
    """Return the weights and the curves of one training from the same initial weights."""
    silence()
    settings = settings or configured()
    shown = Progress("train", settings.model.steps, io.StringIO())
    checked = some(train, slice(0)) if validation is None else validation
    network, curves = train_seed(settings, 3, train, checked, 0, shown, logger)
    assert shown.done == settings.model.steps
    return network.state_dict(), curves


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def close(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


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
    ("n", "steps", "length", "epochs"),
    [(50, 45, 2, 23), (50, 40, 2, 20), (3, 10, 1, 10), (50, 3, 1, 3), (8, 20, 7, 3)],
    ids=["a rest", "even", "a batch over the set", "few steps", "a batch of the set"],
)
def test_the_number_of_steps_is_fixed(n: int, steps: int, length: int, epochs: int) -> None:
    batches = Batches(examples(n), steps, 8, 0, length)
    sizes = [[len(targets) for _, targets in batches] for _ in range(epochs)]
    assert [size for epoch in sizes for size in epoch] == [8] * steps
    assert len(list(batches)) == length, "a callback that asks for more gets a whole epoch"


def test_each_example_is_seen_once_an_epoch() -> None:
    all_ = replace(examples(24), targets=torch.arange(24))
    batches = [targets.tolist() for _, targets in Batches(all_, 6, 8, 0, 6)]
    for epoch in (batches[:3], batches[3:]):
        assert sorted(row for batch in epoch for row in batch) == list(range(24))


def test_dropped_examples_keep_the_others_in_their_batches() -> None:
    all_ = replace(examples(24), targets=torch.arange(24))
    fewer = replace(all_, counts=torch.arange(24) % 4 != 0)
    pairs = zip(Batches(all_, 6, 8, 0, 6), Batches(fewer, 6, 8, 0, 6), strict=True)
    for (_, before), (_, after) in pairs:
        assert after.tolist() == [row for row in before.tolist() if row % 4]


def test_a_batch_without_an_example_makes_way_for_the_next() -> None:
    one = replace(examples(16), counts=torch.arange(16) == 3)
    assert [len(targets) for _, targets in Batches(one, 5, 8, 0, 5)] == [1] * 5


AUGMENT = {"_target_": "digits.inputs.Augment", "shift": 0.5, "rotate": 45, "scale": 0.3, "flip": True}


def noise(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The plainest augmentation: it shows which random numbers an example got."""
    return torch.rand(len(batch), generator=generator)[:, None, None, None].expand(batch.shape).clone()


def drawn(all_: Examples, seed: int = 0, augment: Augment = noise) -> dict[tuple[int, int], torch.Tensor]:
    """Return {(step, target): inputs} of six batches."""
    batches = enumerate(Batches(all_, 6, 8, seed, 6, augment))
    return {
        (step, int(code)): one for step, (inputs, codes) in batches for one, code in zip(inputs, codes, strict=True)
    }


def test_an_example_gets_the_same_change_in_both_arms() -> None:
    """Relabelled or dropped examples move nothing; another step and another seed give another change."""
    all_ = replace(examples(24), targets=torch.arange(24))
    before = drawn(all_)
    assert len({float(one[0, 0, 0]) for one in before.values()}) == 48, "each its own"
    assert {float(one[0, 0, 0]) for one in drawn(all_, seed=1).values()}.isdisjoint(
        float(one[0, 0, 0]) for one in before.values()
    )
    for keep in (torch.arange(24) % 4 != 0, torch.arange(24) == 3):
        after = drawn(replace(all_, counts=keep))
        kept = {(step, code) for step, code in before if keep[code]}
        if keep.sum() > 8:  # else batches without an example make way, and the steps are others
            assert after.keys() == kept
            assert all(torch.equal(after[place], before[place]) for place in kept)
        else:
            known = {float(one[0, 0, 0]) for (_, code), one in before.items() if keep[code]}
            assert known <= {float(one[0, 0, 0]) for one in after.values()}
    other = torch.flip(torch.arange(24), [0])
    relabelled = drawn(replace(all_, targets=other))
    assert all(torch.equal(relabelled[step, 23 - code], one) for (step, code), one in before.items())


def test_augmentation_moves_no_other_random_number() -> None:
    """Neither what the generator of all others gives next, nor the initial weights, nor the order of the batches."""
    all_ = replace(examples(24), targets=torch.arange(24))
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    augmented = list(drawn(all_))
    assert torch.equal(torch.rand(4), expected)
    plain = [(step, int(code)) for step, (_, codes) in enumerate(Batches(all_, 6, 8, 0, 6)) for code in codes]
    assert augmented == plain
    still = configured(network=NETWORK, augment=AUGMENT | {"shift": 0, "rotate": 0, "scale": 0, "flip": False})
    assert close(trained(examples(40), settings=still)[0], trained(examples(40))[0]), "a change by nothing"


def test_only_training_examples_are_augmented(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        "digits.inputs.Augment.__call__", lambda _, batch, generator: (seen.append(len(batch)), batch)[1]
    )
    train, validation = examples(40), examples(20, seed=1)
    weights, curves = trained(train, validation, configured(augment=AUGMENT))
    assert seen == [8] * 45, "the batches of the training and nothing else"
    assert same(weights, trained(train)[0])
    assert curves["validation_accuracy"].tolist() == trained(train, validation)[1]["validation_accuracy"].tolist()


def test_augmentation_is_the_same_again_and_another_with_other_settings() -> None:
    settings = configured(augment=AUGMENT)
    weights, _ = trained(examples(40), settings=settings)
    assert same(weights, trained(examples(40), settings=settings)[0])
    assert not same(weights, trained(examples(40))[0])
    assert not same(weights, trained(examples(40), settings=configured(augment=AUGMENT | {"rotate": 5}))[0])


WRONG_AUGMENT: dict[str, tuple[dict[str, Any], str]] = {
    "nothing of the name": ({"_target_": "digits.inputs.Agument"}, "conf/data: augment: Error loc"),
    "a setting it does not take": (AUGMENT | {"blur": 1}, r"conf/data: augment: [^$]*blur"),
    "more than all": (AUGMENT | {"scale": 1}, r"conf/data: augment: [^$]*scale is under 1"),
    "another shape": (
        {"_target_": "test_training.half"},
        r"conf/data: augment: it makes \(4, 1, 2, 2\) .* of \(8, 1, 2, 2\)",
    ),
}


def half() -> Augment:
    return lambda batch, generator: batch[::2]


@pytest.mark.parametrize(("augment", "said"), WRONG_AUGMENT.values(), ids=WRONG_AUGMENT.keys())
def test_an_augmentation_that_does_not_work_is_refused(augment: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        trained(examples(40), settings=configured(augment=augment))


@pytest.mark.parametrize("augment", [None, AUGMENT], ids=["plain", "augmented"])
@pytest.mark.parametrize("network", [NETWORK, BATCH_NORM], ids=["a plain network", "with batch normalisation"])
def test_what_was_dropped_teaches_nothing(network: dict[str, Any], augment: dict[str, Any] | None) -> None:
    before, settings = examples(40), configured(network=network, augment=augment)
    dropped = torch.arange(40) % 4 == 0
    other = replace(before, arrays=before.arrays.copy(), targets=before.targets.clone(), counts=~dropped)
    other.arrays[dropped] = 0
    other.targets[dropped] = 2
    one, _ = trained(replace(before, counts=~dropped), settings=settings)
    assert same(one, trained(other, settings=settings)[0]), "neither its input nor its label reaches the weights"
    assert not same(one, trained(before, settings=settings)[0])


def test_without_an_example_that_counts_nothing_is_trained() -> None:
    with pytest.raises(Refusal, match="No training example counts"):
        trained(replace(examples(16), counts=torch.zeros(16, dtype=torch.bool)))


def test_validation_changes_no_weight() -> None:
    train, validation = examples(40), examples(20, seed=1)
    weights, curves = trained(train, validation)
    assert same(weights, trained(train)[0])
    assert curves["step"].tolist() == [*range(2, 45, 2), 45]
    assert curves["validation_accuracy"].between(0, 1).all()
    assert curves["train_accuracy"].between(0, 1).all()


def test_logging_changes_no_weight(tmp_path: Path) -> None:
    node = {"_target_": "pytorch_lightning.loggers.CSVLogger", "save_dir": str(tmp_path)}
    settings = configured(trainer={"logger": node})
    weights, _ = trained(examples(40), examples(20, seed=1), settings, loggers(settings.trainer))
    assert same(weights, trained(examples(40))[0])
    assert "validation_accuracy" in next(tmp_path.rglob("metrics.csv")).read_text(encoding="utf-8")


FROZEN: dict[str, dict[str, Any]] = {
    "a schedule": {"task": TASK | {"schedule": ONE_CYCLE}},
    "clipping": {"gradient_clip_val": 0.01},
    "an average of the weights": {"callbacks": {"ema": EMA}},
    "stochastic weight averaging": {"callbacks": {"swa": SWA}},
    "other precision": {"precision": "bf16-mixed"},
}


@pytest.mark.parametrize("model", FROZEN.values(), ids=FROZEN.keys())
def test_what_conf_model_says_is_done(model: dict[str, Any]) -> None:
    weights, curves = trained(examples(40), examples(20, seed=1), configured(**model))
    assert not same(weights, trained(examples(40))[0])
    assert curves["step"].iloc[-1] == 45
    assert same(weights, trained(examples(40), settings=configured(**model))[0]), "and is the same again"


class Foreign(pl.LightningModule):
    """What a team brings that has never heard of this project."""

    def __init__(self, network: nn.Module, steps: int) -> None:
        super().__init__()
        self.backbone, self.steps = network, steps

    def training_step(self, batch: Any, batch_idx: int) -> dict[str, torch.Tensor]:
        x, y = batch
        return {"loss": nn.functional.cross_entropy(self.backbone(x), y, label_smoothing=0.1)}

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=self.steps)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


# One class and this: the network is a library's, and finds out its own shapes.
FOREIGN = """
network:
  _target_: torch.nn.Sequential
  _args_:
    - {_target_: torch.nn.Flatten}
    - {_target_: torch.nn.LazyLinear, out_features: 16}
    - {_target_: torch.nn.GELU}
    - {_target_: torch.nn.LazyBatchNorm1d}
    - {_target_: torch.nn.Linear, in_features: 16, out_features: 3}
task:
  _target_: test_training.Foreign
  steps: 45
"""


def test_a_foreign_task_with_a_network_of_a_library(tmp_path: Path) -> None:
    silence()
    settings, train = configured(**yaml.safe_load(FOREIGN)), examples(40)
    progress = Progress("train", 45, io.StringIO())
    network, curves = train_seed(settings, 3, train, some(train, slice(0)), 0, progress)
    assert curves["step"].iloc[-1] == 45
    about = {"network": settings.model.network, "shape": [1, 2, 2], "classes": ["a", "b", "c"]}
    save(network, about, tmp_path / "seed-0.safetensors")
    loaded, found = load(tmp_path / "seed-0.safetensors")
    assert found == about
    arrays, rows = train.arrays, np.arange(40)
    answers = probabilities(loaded, arrays, rows, train.prepare, 7)
    assert answers.shape == (40, 3)
    assert np.allclose(answers.sum(axis=1), 1)
    assert (answers == probabilities(network, arrays, rows, train.prepare, 7)).all()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such network": ({"network": {"_target_": "digits.network.CNNN"}}, "conf/model: network: Error loc"),
    "an argument it does not take": ({"network": NETWORK | {"depth": 3}}, "conf/model: network: .*depth"),
    "too few answers": (
        {"network": {"_target_": "torch.nn.Flatten"}},
        r"it gives \(1, 4\) for one input, and the data has 3 classes",
    ),
    "another shape": (
        {"network": {"_target_": "torch.nn.Linear", "in_features": 9, "out_features": 3}},
        r"it does not take inputs of \(1, 1, 2, 2\)",
    ),
    "no such optimiser": (
        {"task": TASK | {"optimizer": {"_target_": "torch.optim.SDG", "_partial_": True}}},
        "conf/model: task: Error loc",
    ),
    "an argument the optimiser does not take": (
        {"task": TASK | {"optimizer": {"_target_": "torch.optim.SGD", "_partial_": True, "rate": 1}}},
        "conf/model: task: .*rate",
    ),
    "a task that is none": ({"task": {"_target_": "torch.nn.Linear", "in_features": 1}}, "conf/model: task: "),
    "a callback that is none": ({"callbacks": {"ema": {"_target_": "acme.EMA"}}}, "conf/model: callbacks.ema: "),
}


@pytest.mark.parametrize(("model", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_model_that_cannot_be_made_is_refused(model: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        trained(examples(8), settings=configured(**model))


HARDWARE: dict[str, tuple[dict[str, Any], str | None]] = {
    "a processor": ({"accelerator": "cpu", "devices": 1}, None),
    "all GPUs, one a training": ({"accelerator": "gpu", "devices": "auto"}, None),
    "the second GPU": ({"accelerator": "gpu", "devices": [1]}, None),
    "the first and the third": ({"accelerator": "gpu", "devices": [0, 2]}, None),
    "accumulated gradients": ({"accumulate_grad_batches": 4}, "accumulate_grad_batches: may change the weights"),
    "precision": (
        {"precision": 16},
        "precision: may change the weights; only accelerator, devices, logger and executor",
    ),
    "two devices for one training": (
        {"accelerator": "gpu", "devices": 2},
        "devices: must be 1, `auto` for all, or a list",
    ),
    "no device": ({"accelerator": "gpu", "devices": []}, "devices: must be 1"),
    "a device twice": ({"accelerator": "gpu", "devices": [1, 1]}, "devices: must be 1"),
    "a device by name": ({"accelerator": "gpu", "devices": ["cuda:0"]}, "devices: must be 1"),
    "a logger without a name": ({"logger": {"save_dir": "logs"}}, "logger"),
}


@pytest.mark.parametrize(("trainer", "said"), HARDWARE.values(), ids=HARDWARE.keys())
def test_only_the_place_of_training_is_free(trainer: dict[str, Any], said: str | None) -> None:
    if said is None:
        found = hardware(configured(trainer=trainer))
        assert (found["accelerator"], found["devices"], found["strategy"]) == (trainer["accelerator"], 1, "auto")
        return
    with pytest.raises(Refusal, match=said):
        configured(trainer=trainer)


def test_variables_of_lightning_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_TRAINER_FAST_DEV_RUN", "1")
    with pytest.raises(Refusal, match="PL_TRAINER_FAST_DEV_RUN would change the training"):
        trained(examples(8))


def test_no_other_cluster_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask MPI whether there is one starts it, which can end the process."""

    def never() -> bool:
        raise RuntimeError("looked for")

    for cluster in ("MPIEnvironment", "TorchElasticEnvironment"):
        monkeypatch.setattr(f"pytorch_lightning.plugins.environments.{cluster}.detect", never)
    trained(examples(8))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true", "64-true"])
def test_whatever_the_precision_answers_are_given_with_32_bits(precision: str) -> None:
    weights, _ = trained(examples(8), settings=configured(precision=precision))
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    assert same(weights, trained(examples(8), settings=configured(precision=precision))[0])
    assert precision == "32-true" or not same(weights, trained(examples(8))[0])


@pytest.mark.parametrize("augment", [None, noise], ids=["as they are", "augmented"])
def test_devices_share_each_batch(augment: Augment | None) -> None:
    all_ = examples(50)
    whole = list(Batches(all_, 6, 8, 0, 6, augment))
    shares = [list(Batches(all_, 6, 8, 0, 6, augment, (number, 3))) for number in range(3)]
    for batch, *parts in zip(whole, *shares, strict=True):
        for kind in (0, 1):
            rebuilt = torch.empty_like(batch[kind])
            for number, part in enumerate(parts):
                rebuilt[number::3] = part[kind]
            assert torch.equal(rebuilt, batch[kind])


def test_no_device_is_left_without_an_example() -> None:
    """The others would wait for it for ever."""
    few = replace(examples(50), counts=torch.arange(50) < 6)
    shares = [list(Batches(few, 6, 8, 0, 6, None, (number, 2))) for number in range(2)]
    assert [len(targets) > 0 for share in shares for _, targets in share] == [True] * 12


LIBRARIES: dict[str, tuple[dict[str, Any], str]] = {
    "a target": ({"network": {"_target_": "hypothesis.strategies.integers"}}, "hypothesis "),
    "a nested target": ({"network": {"parts": [{"_target_": "hypothesis.given"}]}}, "hypothesis "),
    "what own code imports": ({"network": {"_target_": "digits.inputs.Images"}}, "pillow "),
}


@pytest.mark.parametrize(("model", "named"), LIBRARIES.values(), ids=LIBRARIES.keys())
def test_the_environment_names_the_libraries_of_the_model(
    model: dict[str, Any], named: str, team: Callable[[], None]
) -> None:
    where = environment(torch.device("cpu"), model)
    assert named in where
    assert named not in environment(torch.device("cpu"), {"network": NETWORK, "task": TASK})
    assert where.split(", ")[-1].startswith("cpu ")


@pytest.fixture
def team() -> None:
    """The team's modules are imported, as they are once the model is made."""
    make_network(NETWORK, (1, 2, 2), 3)
    __import__("digits.inputs"), __import__("digits.task")


ORIGINS = {
    "a repository": (
        '{"url": "https://x", "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef"}}',
        "1.0+code.0123456789ab",
    ),
    "a file": ('{"url": "file:///x.whl", "archive_info": {"hash": "sha256=abc"}}', "1.0"),
    "a folder that one edits": ('{"url": "file:///ours", "dir_info": {"editable": true}}', "1.0+code."),
    "a folder": ('{"url": "file:///ours", "dir_info": {}}', "1.0"),
    "an index": (None, "1.0"),
}


@pytest.mark.parametrize(("origin", "version"), ORIGINS.values(), ids=ORIGINS.keys())
def test_a_version_from_a_repository_names_the_commit(
    origin: str | None, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = SimpleNamespace(version="1.0", read_text={"direct_url.json": origin}.get)
    monkeypatch.setattr(environments, "distribution", lambda name: installed)
    said = environments.line(["theirs"], "cpu").split(", ")[1]
    assert said.startswith(f"theirs {version}") if version.endswith(".") else said == f"theirs {version}"


def test_a_library_that_one_edits_is_known_by_its_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    installed = SimpleNamespace(version="1.0", read_text={"direct_url.json": origin}.get)
    monkeypatch.setattr(environments, "distribution", lambda name: installed)
    module = ModuleType("ours")
    module.__file__ = str(tmp_path / "ours.py")
    monkeypatch.setitem(sys.modules, "ours", module)
    said = []
    for content in ("rounds = 100", "rounds = 1", "rounds = 100"):
        (tmp_path / "ours.py").write_text(content, encoding="utf-8")
        said.append(environments.line(["ours"], "cpu"))
    assert said[0] != said[1] and said[0] == said[2]


def test_a_library_without_a_version_is_refused() -> None:
    with pytest.raises(Refusal, match="the model uses acme, which is no installed package"):
        environment(torch.device("cpu"), {"network": {"backbone": {"_target_": "acme.Backbone"}}})
