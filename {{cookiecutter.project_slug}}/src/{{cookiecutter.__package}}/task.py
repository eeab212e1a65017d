"""How a network learns: a LightningModule, named by `task: _target_` in conf/model/.

The batches come from datapass: the same for every data revision, in the same order, a fixed number of them. Examples that a
pass dropped keep their place in that order and are taken out of the batch before it gets here. Whatever this file does is a
part of the frozen model: a change of it makes earlier revisions *not comparable*.
"""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

Batch = tuple[torch.Tensor, torch.Tensor]
LOG_EVERY = 10  # training batches; logging each would take a quarter of a small network's time


class Classifier(pl.LightningModule):
    """A network, its loss and its optimiser.

    Args:
        network: maps inputs to logits.
        loss: maps logits and class codes to one number.
        optimizer: makes the optimiser of parameters (`_partial_: true` in conf/model/).
        schedule: makes a learning rate schedule of the optimiser, stepped once an optimiser step; None for a constant rate.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.loss, self.optimizer, self.schedule = network, loss, optimizer, schedule

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes)."""
        return self.network(inputs)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the loss of a batch."""
        logits = self(batch[0])
        loss = self.loss(logits, batch[1])
        if batch_idx % LOG_EVERY == 0:
            self._log("train", loss, logits, batch[1])
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log how well the network does on what it does not learn from."""
        logits = self(batch[0])
        self._log("validation", self.loss(logits, batch[1]), logits, batch[1])

    def _log(self, name: str, loss: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor) -> None:
        # Means over an epoch become the learning curves; `datapass errors` and `dvc plots` read these four names.
        accuracy = (logits.detach().argmax(dim=1) == targets).float().mean()
        scores = {f"{name}_loss": loss.detach(), f"{name}_accuracy": accuracy}
        self.log_dict(scores, on_step=False, on_epoch=True, batch_size=len(targets))

    def configure_optimizers(self) -> Any:
        """Return the optimiser, and its schedule where there is one."""
        optimizer = self.optimizer(self.parameters())
        if self.schedule is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.schedule(optimizer), "interval": "step"}}
