"""Networks. Each maps texts as `inputs` transforms them (batch, length; numbers of n-grams) to logits (batch, classes).

A network is a plain `torch.nn.Module`, named by `network: _target_` in conf/model/. The data tells it `shape` and `classes`
where its signature has arguments of these names; everything else comes from the configuration. A network of an installed
library needs no line here: name it in conf/model/.
"""

import torch
from torch import nn


class Bag(nn.Module):
    """The mean of the embeddings of a text's n-grams, then one layer.

    Args:
        classes: number of classes.
        buckets: how many numbers `inputs` gives to n-grams.
        width: of an embedding.
        dropout: share of the embedding left out of each step.
    """

    def __init__(self, classes: int, buckets: int = 50_000, width: int = 32, dropout: float = 0.2) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(buckets, width, mode="mean", padding_idx=0)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes)."""
        return self.head(self.embedding(inputs))
