"""Networks. Each maps rows as `inputs` transforms them (batch, features) to logits (batch, classes).

A network is a plain `torch.nn.Module`, named by `network: _target_` in conf/model/. The data tells it `shape` and `classes`
where its signature has arguments of these names; everything else comes from the configuration. A network of an installed
library needs no line here: name it in conf/model/.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


class MLP(nn.Module):
    """Fully connected layers with ReLU and dropout between them.

    Args:
        shape: of an input: its number of features.
        classes: number of classes.
        widths: of the hidden layers.
        dropout: share of the hidden units left out of each step.
    """

    def __init__(self, shape: tuple[int], classes: int, widths: Sequence[int] = (64, 32), dropout: float = 0.1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise([*shape, *widths]):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], classes))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes)."""
        return self.layers(inputs)
