"""Training with a fixed number of optimiser steps: the team's LightningModule, and a Trainer that changes nothing of it."""

import logging
import os
import warnings
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn
from torch.utils.data import DataLoader

from ..messages.problems import Refusal
from ..messages.progress import Progress
from ..settings import Network, Settings, Trainer, make
from .batches import Batches, Examples
from .storage import check_network, make_network

CURVE_POINTS, VALIDATED = 20, 1024  # points of a learning curve; validation examples at a time


class Curve(pl.Callback):
    """Keeps what the task logged, a row each epoch, and counts the steps."""

    def __init__(self, progress: Progress, note: str) -> None:
        self.rows: list[dict[str, float]] = []
        self.progress, self.note = progress, note

    def on_train_batch_end(self, *_: Any) -> None:
        """Count one step."""
        self.progress.advance(note=self.note)

    def on_train_epoch_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        """Close one point of the curves: training over the epoch, validation after it."""
        scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"step": trainer.global_step} | scores)


def silence() -> None:
    """Keep Lightning's adverts and hints out of the log."""
    # Deterministic algorithms would also fill all new memory, which no layer reads before it writes.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning")
    warnings.filterwarnings("ignore", "Grad strides do not match")  # of weights of one channel on several devices


def hardware(settings: Settings) -> dict[str, Any]:
    """Return the Trainer's arguments that say where to train.

    Which of several devices a training takes is the executor's to choose (`devices.py`); what is seen here is its own.

    No stage has conf/trainer as a param, so nothing in it may change what is learnt. The same holds for the variables from
    which Lightning takes arguments that are not given.

    Raises:
        Refusal: where such a variable is set.
    """
    variables = sorted(name for name in os.environ if name.startswith("PL_TRAINER_"))
    if variables:
        raise Refusal(f"{', '.join(variables)} would change the training, and no proof would show it; unset it.")
    devices = settings.model.devices if isinstance(settings.model, Network) else 1
    where = {"accelerator": settings.trainer.accelerator, "devices": devices}
    # Each process is one that the executor started; Lightning would look for others of Slurm, and start MPI where it is installed.
    return where | {"strategy": "ddp" if devices > 1 else "auto", "plugins": [LightningEnvironment()]}


def device(settings: Settings) -> torch.device:
    """Return where conf/trainer trains. Raises Refusal where that is not here."""
    try:
        return pl.Trainer(**hardware(settings), logger=False, enable_checkpointing=False).strategy.root_device
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        raise Refusal(f"conf/trainer: {error}") from None


def loggers(trainer: Trainer) -> Any:
    """Return new loggers of conf/trainer, or False for none."""
    nodes = trainer.logger or {}
    nodes = {"logger": nodes} if "_target_" in nodes else nodes
    return [make(node, f"trainer: {name}") for name, node in nodes.items()] or False


def make_task(model: Network, network: nn.Module) -> pl.LightningModule:
    """Return the task that trains a network. Raises Refusal where conf/model does not make one."""
    task = make(model.task, "model: task", network=network)
    if not isinstance(task, pl.LightningModule):
        raise Refusal(f"conf/model: task: {model.task['_target_']} is no LightningModule.")
    configure = task.configure_optimizers

    def checked() -> Any:
        try:
            return configure()
        except (TypeError, ValueError) as error:  # the first time that a partial's arguments are looked at
            raise Refusal(f"conf/model: task: {error}") from None

    task.configure_optimizers = checked  # type: ignore[method-assign]
    return task


def train_seed(
    settings: Settings,
    classes: int,
    train: Examples,
    validation: Examples,
    seed: int,
    progress: Progress,
    logger: Any = False,
) -> tuple[nn.Module, pd.DataFrame]:
    """Train one network for `model.steps` optimiser steps; return it and its curves, a row a point.

    Args:
        settings: of which `model`, a network, decides what is learnt, `data.augment` how the inputs vary, and `trainer` where.
        classes: number of classes.
        train, validation: the examples; `validation` may be empty.
        seed: of the initial weights, the batches and whatever else is random.
        progress: advanced once a step.
        logger: Lightning loggers, or False.

    Raises:
        Refusal: where the model cannot be made of conf/model, no example counts, or a layer has no deterministic form on
            the device.
    """
    model = settings.model
    assert isinstance(model, Network)
    if int(train.counts.sum()) < model.devices:
        what = (
            "No training example counts"
            if not train.counts.any()
            else "Fewer training examples count than devices train"
        )
        raise Refusal(f"{what}, so there is nothing to train on.")
    pl.seed_everything(seed, verbose=False)
    one = train.take(torch.nonzero(train.counts)[0])[0]
    network = make_network(model.network, tuple(one.shape[1:]), classes)
    check_network(network, one, classes)
    task = make_task(model, network)
    length = max(1, model.steps // CURVE_POINTS)
    curve = Curve(progress, f"seed {seed}")
    held_out = validation.in_order(VALIDATED)
    trainer = pl.Trainer(
        **hardware(settings),
        max_steps=model.steps,
        max_epochs=-(-model.steps // length),
        precision=model.precision,  # type: ignore[arg-type]
        gradient_clip_val=model.gradient_clip_val,
        callbacks=[*(make(node, f"model: callbacks.{name}") for name, node in model.callbacks.items()), curve],
        deterministic=True,
        logger=logger,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    augment = None if settings.data.augment is None else make(settings.data.augment, "data: augment")
    share = (trainer.global_rank, trainer.world_size)
    batches = Batches(train, model.steps, model.batch_size, seed, length, augment, share)
    # batch_size=None: the list holds whole batches
    loader: Any = DataLoader(held_out, batch_size=None) if held_out else None  # type: ignore[arg-type]
    try:
        trainer.fit(task, batches, loader)
    except RuntimeError as error:
        said = str(error).partition(",")[0]  # by torch, of which function it is
        if not said.endswith("does not have a deterministic implementation"):
            raise
        raise Refusal(
            f"conf/model: on {trainer.strategy.root_device.type} a layer cannot give the same twice ({said}); take another layer, "
            "or train with `trainer: cpu`."
        ) from None
    network = network.cpu()
    if trainer.precision.endswith("-true"):
        network = network.float()  # inputs come with 32 bits, so answers are given with as many
    return network, pd.DataFrame(curve.rows)
