"""Networks. Each maps inputs (batch, channels, height, width), float in [0, 1], to logits (batch, classes).

A network is a plain `torch.nn.Module`, named by `network: _target_` in conf/model/. The data tells it `shape` and `classes`
where its signature has arguments of these names; everything else comes from the configuration. A network of an installed
library needs no line here: name it in conf/model/.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


class CNN(nn.Module):
    """Each image standardised; blocks of 3x3 convolution, batch normalisation, ReLU and 2x2 pooling; one hidden layer.

    Args:
        shape: of an input: channels, height, width.
        classes: number of classes.
        widths: channels after each block; pooling stops where a side would fall under 2.
        hidden: units of the hidden layer.
        dropout: share of them that each training step leaves out.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int,
        widths: Sequence[int] = (16, 32, 64),
        hidden: int = 128,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = [nn.GroupNorm(1, channels, affine=False)]  # mean 0 and deviation 1 over the image
        for size in widths:
            layers += [nn.Conv2d(channels, size, 3, padding=1, bias=False), nn.BatchNorm2d(size), nn.ReLU()]
            channels = size
            if min(height, width) >= 4:
                layers.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
        self.features = nn.Sequential(*layers, nn.Flatten())
        last = [
            nn.Linear(channels * height * width, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        ]
        self.head = nn.Sequential(*last)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes)."""
        return self.head(self.features(inputs))


class MLP(nn.Module):
    """Fully connected layers with ReLU between them; arguments as of `CNN`, `widths` being the hidden layers."""

    def __init__(self, shape: tuple[int, int, int], classes: int, widths: Sequence[int] = (128, 64)) -> None:
        super().__init__()
        channels, height, width = shape
        sizes = [channels * height * width, *widths]
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], classes))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes)."""
        return self.layers(inputs)
