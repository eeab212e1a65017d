"""From packed inputs to what a network takes: the team's `inputs`, fitted on the training rows that count.

Of the team's class `fit(values)`, `transform(values, fitted)` and `prepare(batch)` are each optional. What `fit` returns is kept
as JSON beside the weights, so that it is read by people, and gives the same numbers again.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.packed import Arrays, Packed, take
from ..data.shards import Sharded
from ..messages.problems import Refusal

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Encoding:
    """The team's inputs, and what they learnt from the training rows.

    Attributes:
        inputs: made of `data.inputs`.
        fitted: what its `fit` returned, plain JSON; None where it has none.
    """

    inputs: Any
    fitted: Any = None

    @classmethod
    def fit(cls, inputs: Any, packed: Packed, rows: np.ndarray) -> "Encoding":
        """Return the encoding fitted on the packed inputs at `rows`. Raises Refusal where it cannot be, saying why."""
        fit = getattr(inputs, "fit", None)
        try:
            return cls(inputs, json.loads(json.dumps(fit(take(packed, rows)))) if fit else None)
        except (TypeError, ValueError) as error:
            raise Refusal(f"conf/data: inputs: {error}.") from None

    def encode(self, packed: Packed, rows: np.ndarray) -> tuple[Arrays, np.ndarray]:
        """Return arrays, and which of their rows are the packed inputs at `rows`; files stay in their memory map, or in shards."""
        transform = getattr(self.inputs, "transform", None)
        if transform is None:
            return packed if isinstance(packed, Sharded) else np.asarray(packed), rows
        if not len(rows):  # not every transformer takes nothing
            return np.empty((0, 1)), rows
        return transform(take(packed, rows), self.fitted), np.arange(len(rows))

    def prepare(self, batch: "torch.Tensor") -> "torch.Tensor":
        """Return a batch of arrays as the network takes it."""
        prepare = getattr(self.inputs, "prepare", None)
        return prepare(batch) if prepare else batch


def digest(fitted: Any) -> str | None:
    """Return 12 hex digits of what was fitted, or None where nothing was."""
    return None if fitted is None else hashlib.sha256(json.dumps(fitted, sort_keys=True).encode()).hexdigest()[:12]
