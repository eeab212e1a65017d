"""The batches of a training: the same for every data revision of the same examples, as many as there are optimiser steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import torch

from ..data.examples import class_codes, counts, packed_rows
from ..data.packed import Arrays, Packed
from ..messages.problems import Refusal
from .encoding import Encoding
from .order import keys, mix, order
from .storage import Prepare

Batch = tuple[torch.Tensor, torch.Tensor]
Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


@dataclass(frozen=True)
class Examples:
    """Examples of one set, sorted by id. Their arrays may be a memory map larger than memory: a batch reads its rows alone.

    Attributes:
        keys: a 64-bit hash of each id, which orders the batches (n, uint64).
        arrays: the arrays of these and maybe of other examples (m, ...).
        rows: place of each example in `arrays` (n, int64).
        targets: class codes (n, int64).
        counts: False for examples that were dropped or are shadowed (n, bool).
        prepare: makes of arrays what the network takes.
    """

    keys: np.ndarray
    arrays: Arrays
    rows: np.ndarray
    targets: torch.Tensor
    counts: torch.Tensor
    prepare: Prepare

    @classmethod
    def of(cls, table: pd.DataFrame, packed: Packed, classes: list[str], encoding: Encoding) -> "Examples":
        """Return the examples of a table of data/examples/; `packed` are all packed inputs."""
        arrays, rows = encoding.encode(packed, packed_rows(table))
        return cls(
            keys(table["id"]),
            arrays,
            rows,
            torch.from_numpy(class_codes(table, classes)),
            torch.from_numpy(counts(table).to_numpy(bool, copy=True)),
            encoding.prepare,
        )

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: torch.Tensor) -> Batch:
        """Return the inputs and the class codes at some rows."""
        return self.prepare(torch.from_numpy(self.arrays[self.rows[rows.numpy()]])), self.targets[rows]

    def in_order(self, size: int) -> list[Batch]:
        """Return those that count, in batches of `size`."""
        return [self.take(rows) for rows in torch.nonzero(self.counts).flatten().split(size) if len(rows)]


class Batches:
    """The training batches of one seed, one an optimiser step, handed out in Lightning epochs of `length` batches.

    An epoch goes on where the last one stopped, so that its end is a point of the learning curves and nothing else. Dropped
    examples keep their place in the order, so that all others stay in the batches they were in, and are taken out of the
    batch: no loss, no batch statistics see them. A batch of which nothing is left makes way for the next one.

    With `augment` the inputs are changed before dropped examples are taken out, by random numbers of the seed and the
    batch's place alone: what stands in the same place gets the same change in both arms of a comparison, and nothing else
    that is random, such as dropout, is moved by it.

    With `share`, (number, of how many), it hands out that part of each batch, to train on several devices; a batch of
    which less is left than a row for each makes way for the next one.
    """

    def __init__(
        self,
        examples: Examples,
        steps: int,
        size: int,
        seed: int,
        length: int,
        augment: Augment | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.examples, self.size, self.seed, self.length, self.left = examples, size, seed, length, steps
        self.augment, (self.number, self.shares) = augment, share
        self.stream = self._batches()

    def __iter__(self) -> Iterator[Batch]:
        # After the last step a callback may ask for more, such as weight averaging for batch statistics.
        length = min(self.length, self.left) if self.left > 0 else self.length
        for batch in islice(self.stream, length):
            self.left -= 1
            yield batch

    def _batches(self) -> Iterator[Batch]:
        examples = self.examples
        waiting, epoch, place = torch.empty(0, dtype=torch.int64), 0, 0
        while True:
            while len(waiting) < self.size:
                waiting = torch.cat([waiting, torch.from_numpy(order(examples.keys, self.seed, epoch))])
                epoch += 1
            rows, waiting = waiting[: self.size], waiting[self.size :]
            kept = torch.nonzero(examples.counts[rows]).flatten()
            if len(kept) >= self.shares:
                own = kept[self.number :: self.shares]
                yield examples.take(rows[own]) if self.augment is None else self._augmented(rows, own, place)
            place += 1

    def _augmented(self, rows: torch.Tensor, own: torch.Tensor, place: int) -> Batch:
        """Return what is `own` of the batch at a place, changed. Raises Refusal where `augment` makes something else of it."""
        assert self.augment is not None
        inputs, targets = self.examples.take(rows)
        number = mix(np.zeros(1, dtype=np.uint64), self.seed, place)[0]
        changed = self.augment(inputs, torch.Generator().manual_seed(int(number >> np.uint64(1))))
        if changed.shape != inputs.shape or changed.dtype != inputs.dtype:
            given, wanted = (f"{tuple(one.shape)} {one.dtype}" for one in (changed, inputs))
            raise Refusal(f"conf/data: augment: it makes {given} of {wanted}; shape and kind must stay.")
        return changed[own], targets[own]
