"""Training with a fixed number of optimiser steps, the same batches for every data revision of the same examples."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import nn
from torch.utils.data import DataLoader

from ..messages.problems import Refusal
from ..messages.progress import Progress
from .storage import to_float

CURVE_POINTS = 20
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Examples:
    """Examples of one set in memory, sorted by id.

    Attributes:
        keys: a 64-bit hash of each id, which orders the batches (n, uint64).
        images: (n, height, width, channels), uint8.
        targets: class codes (n, int64).
        weights: 0 for examples that do not count (n, float32).
    """

    keys: np.ndarray
    images: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor

    @classmethod
    def of(cls, table: pd.DataFrame, images: np.ndarray, classes: list[str]) -> "Examples":
        """Return the examples of a table of data/examples/; `images` are all packed inputs."""
        codes = table["label"].map({name: code for code, name in enumerate(classes)}).to_numpy(np.int64)
        return cls(
            pd.util.hash_array(table["id"].to_numpy(dtype=object), categorize=False),
            torch.from_numpy(images[table["row"].astype(np.int64).to_numpy()]),
            torch.from_numpy(codes.copy()),
            torch.from_numpy(table["weight"].astype(np.float32).to_numpy(copy=True)),
        )

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: torch.Tensor | slice) -> Batch:
        """Return inputs (batch, channels, height, width), targets and weights."""
        return to_float(self.images[rows]), self.targets[rows], self.weights[rows]


def order(keys: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return a permutation of the examples that depends on their ids, the seed and the epoch alone.

    Examples that two data revisions share follow each other in the same order in both, whatever was added between them:
    the arms stay paired (splitmix64 finaliser: Steele et al. 2014, "Fast splittable pseudorandom number generators").
    """
    # Two arguments become one 64-bit stream; multiplication wraps, as it should.
    mixed = keys + np.uint64((seed * 0x9E3779B97F4A7C15 + epoch * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(mixed ^ (mixed >> np.uint64(31)), kind="stable")


class Stretches:
    """The training batches of one seed, epoch after epoch, in stretches of `length` optimiser steps.

    A stretch makes its batches, slices of tensors, as they are asked for.
    """

    def __init__(self, examples: Examples, steps: int, size: int, seed: int, length: int) -> None:
        self.examples, self.steps, self.size, self.seed, self.length = examples, steps, size, seed, length

    def __len__(self) -> int:
        return -(-self.steps // self.length)

    def __iter__(self) -> Iterator[Iterator[Batch]]:
        batches = self.batches()
        return (islice(batches, self.length) for _ in range(len(self)))

    def batches(self) -> Iterator[Batch]:
        """Yield all batches, one an optimiser step."""
        waiting, epoch = np.empty(0, np.int64), 0
        for _ in range(self.steps):
            while len(waiting) < self.size:
                waiting = np.concatenate([waiting, order(self.examples.keys, self.seed, epoch)])
                epoch += 1
            rows, waiting = waiting[: self.size], waiting[self.size :]
            yield self.examples.take(torch.from_numpy(rows))


class Classifier(pl.LightningModule):
    """A network, its loss for each example, and its optimiser.

    Args:
        network: maps inputs to logits.
        loss: maps logits and targets to one loss an example (`reduction: none`).
        optimizer: makes the optimiser of parameters.
        tick: called after each optimiser step.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        tick: Callable[[], None],
    ) -> None:
        super().__init__()
        # Lightning's own work for each `training_step` takes a third of a small network's; so a step is a whole stretch.
        self.automatic_optimization = False
        self.network, self.loss, self.make_optimizer, self.tick = network, loss, optimizer, tick

    def weighted(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the weighted sums of loss and correct answers, and the sum of weights (3)."""
        inputs, targets, weights = batch
        logits = self.network(inputs)
        correct = (logits.detach().argmax(dim=1) == targets).to(weights.dtype)
        losses = self.loss(logits, targets)
        if losses.shape != weights.shape:  # a mean would let dropped examples in
            raise Refusal("conf/model: loss must give one value an example; set `reduction: none`.")
        return torch.stack([(losses * weights).sum(), (correct * weights).sum(), weights.sum()])

    def training_step(self, stretch: Iterator[Batch], _: int) -> dict[str, torch.Tensor]:
        """Take one optimiser step a batch, on the mean loss of the examples that count; return the sums of `weighted`."""
        optimizer = cast(LightningOptimizer, self.optimizers())
        total = torch.zeros(3, device=self.device)
        for batch in stretch:
            sums = self.weighted(tuple(part.to(self.device) for part in batch))
            optimizer.zero_grad()
            self.manual_backward(sums[0] / sums[2].clamp(min=1))
            optimizer.step()
            total += sums.detach()
            self.tick()
        return {"sums": total}

    def validation_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Return the sums of `weighted`."""
        return self.weighted(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Make the optimiser."""
        try:
            return self.make_optimizer(self.parameters())
        except (TypeError, ValueError) as error:  # the first time that a partial's arguments are looked at
            raise Refusal(f"conf/model: optimizer: {error}") from None


class Curve(pl.Callback):
    """Collect loss and accuracy in training and validation, a row each stretch."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.training = torch.zeros(3)
        self.validation = torch.zeros(3)

    def on_train_batch_end(self, _t: pl.Trainer, _m: pl.LightningModule, outputs: Any, _b: Batch, _i: int) -> None:  # type: ignore[override]
        """Note what one stretch adds up to."""
        self.training = outputs["sums"].cpu()

    def on_validation_batch_end(self, _t: pl.Trainer, _m: pl.LightningModule, outputs: Any, *_: Any) -> None:
        """Add up one batch."""
        self.validation += outputs.cpu()

    def on_validation_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        """Close one point of the curves: training on the stretch, validation after it."""
        row: dict[str, float] = {"step": trainer.global_step}
        for name, (loss, correct, weight) in [("train", self.training), ("validation", self.validation)]:
            row |= {f"{name}_loss": float(loss / weight), f"{name}_accuracy": float(correct / weight)}
        self.rows.append(row)
        self.validation = torch.zeros(3)


def hardware(trainer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the Trainer that say where to train. Raises Refusal for any other.

    No stage has `trainer` as a param, so nothing in it may change what is learnt: `accumulate_grad_batches`,
    `gradient_clip_val` or `precision` would, and neither DVC nor the proof would see it. The same holds for the variables
    from which Lightning takes arguments that are not given.
    """
    variables = sorted(name for name in os.environ if name.startswith("PL_TRAINER_"))
    if variables:
        raise Refusal(f"{', '.join(variables)} would change the training, and no proof would show it; unset it.")
    others = sorted(set(trainer) - {"accelerator", "devices"})
    if others:
        raise Refusal(
            f"conf/trainer: {', '.join(others)} may change the weights; only accelerator and devices belong there."
        )
    devices = trainer.get("devices", 1)
    if devices != 1 and not (isinstance(devices, list) and len(devices) == 1):
        raise Refusal(
            "conf/trainer: devices must be 1, or a list of one number, such as [1] for the second GPU: several would "
            "change the weights."
        )
    return dict(trainer)


def silence() -> None:
    """Keep Lightning's adverts and hints out of the log."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning")


def build(model: Mapping[str, Any], shape: tuple[int, int, int], classes: int) -> tuple[dict[str, Any], nn.Module]:
    """Return the network's complete Hydra node and a fresh network for inputs of (height, width, channels)."""
    height, width, channels = shape
    node = dict(model["network"]) | {"channels": channels, "height": height, "width": width, "classes": classes}
    return node, make(node, "network")


def make(node: Mapping[str, Any], name: str) -> Any:
    """Return what a Hydra node of conf/model makes. Raises Refusal where it cannot."""
    try:
        return instantiate(node)
    except InstantiationException as error:
        raise Refusal(f"conf/model: {name}: {str(error).partition(', set env var')[0]}") from None


def train_seed(
    model: Mapping[str, Any],
    network: nn.Module,
    train: Examples,
    validation: Examples,
    seed: int,
    trainer: Mapping[str, Any],
    progress: Progress,
) -> pd.DataFrame:
    """Train `network` in place for `model.steps` optimiser steps; return its curves, one row a point.

    Args:
        model: `params.yaml`'s `model`.
        network: with its initial weights.
        train, validation: the examples; `validation` may be empty.
        seed: of the batch order.
        trainer: hardware arguments of `pytorch_lightning.Trainer`.
        progress: advanced once a step.
    """
    steps, size = model["steps"], model["batch_size"]
    loops = [validation.take(slice(i, i + 1024)) for i in range(0, len(validation), 1024)]
    curve = Curve()
    pl.Trainer(
        **hardware(trainer),
        max_epochs=1,
        val_check_interval=1,
        num_sanity_val_steps=0,
        callbacks=[curve],
        deterministic=True,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    ).fit(
        Classifier(
            network,
            make(model["loss"], "loss"),
            make(model["optimizer"], "optimizer"),
            lambda: progress.advance(note=f"seed {seed}"),
        ),
        Stretches(train, steps, size, seed, max(1, steps // CURVE_POINTS)),
        DataLoader(loops, batch_size=None) if loops else None,  # type: ignore[arg-type]
    )
    network.cpu()
    return pd.DataFrame(curve.rows)
