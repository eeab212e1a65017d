"""The batches of a training: the same for every data revision of the same examples, as many as there are optimiser steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import torch

from ..data.examples import counts, packed_rows
from ..messages.problems import Refusal

Batch = tuple[torch.Tensor, torch.Tensor]
Prepare = Callable[[torch.Tensor], torch.Tensor]
Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


@dataclass(frozen=True)
class Examples:
    """Examples of one set in memory, sorted by id.

    Attributes:
        keys: a 64-bit hash of each id, which orders the batches (n, uint64).
        arrays: packed inputs (n, ...).
        targets: class codes (n, int64).
        counts: False for examples that were dropped or are shadowed (n, bool).
        prepare: makes of arrays what the network takes.
    """

    keys: np.ndarray
    arrays: torch.Tensor
    targets: torch.Tensor
    counts: torch.Tensor
    prepare: Prepare

    @classmethod
    def of(cls, table: pd.DataFrame, arrays: np.ndarray, classes: list[str], prepare: Prepare) -> "Examples":
        """Return the examples of a table of data/examples/; `arrays` are all packed inputs."""
        codes = table["label"].map({name: code for code, name in enumerate(classes)}).to_numpy(np.int64, copy=True)
        return cls(
            pd.util.hash_array(table["id"].to_numpy(dtype=object), categorize=False),
            torch.from_numpy(arrays[packed_rows(table)]),
            torch.from_numpy(codes),
            torch.from_numpy(counts(table).to_numpy(bool, copy=True)),
            prepare,
        )

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: torch.Tensor) -> Batch:
        """Return the inputs and the class codes at some rows."""
        return self.prepare(self.arrays[rows]), self.targets[rows]

    def in_order(self, size: int) -> list[Batch]:
        """Return those that count, in batches of `size`."""
        return [self.take(rows) for rows in torch.nonzero(self.counts).flatten().split(size) if len(rows)]


def order(keys: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return a permutation of the examples that depends on their ids, the seed and the epoch alone.

    Examples that two data revisions share follow each other in the same order in both, whatever was added between them:
    the arms stay paired (splitmix64 finaliser: Steele et al. 2014, "Fast splittable pseudorandom number generators").
    """
    return np.argsort(_mixed(keys, seed, epoch), kind="stable")


def _mixed(keys: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return a 64-bit hash of each key with a seed and a number (n, uint64)."""
    # Two arguments become one 64-bit stream; multiplication wraps, as it should.
    mixed = keys + np.uint64((seed * 0x9E3779B97F4A7C15 + epoch * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


class Batches:
    """The training batches of one seed, one an optimiser step, handed out in Lightning epochs of `length` batches.

    An epoch goes on where the last one stopped, so that its end is a point of the learning curves and nothing else. Dropped
    examples keep their place in the order, so that all others stay in the batches they were in, and are taken out of the
    batch: no loss, no batch statistics see them. A batch of which nothing is left makes way for the next one.

    With `augment` the inputs are changed before dropped examples are taken out, by random numbers of the seed and the
    batch's place alone: what stands in the same place gets the same change in both arms of a comparison, and nothing else
    that is random, such as dropout, is moved by it.
    """

    def __init__(
        self, examples: Examples, steps: int, size: int, seed: int, length: int, augment: Augment | None = None
    ) -> None:
        self.examples, self.size, self.seed, self.length, self.left = examples, size, seed, length, steps
        self.augment = augment
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
            kept = examples.counts[rows]
            if kept.any():
                yield examples.take(rows[kept]) if self.augment is None else self._augmented(rows, kept, place)
            place += 1

    def _augmented(self, rows: torch.Tensor, kept: torch.Tensor, place: int) -> Batch:
        """Return the batch at a place, changed. Raises Refusal where `augment` makes something else of it."""
        assert self.augment is not None
        inputs, targets = self.examples.take(rows)
        number = _mixed(np.zeros(1, dtype=np.uint64), self.seed, place)[0]
        changed = self.augment(inputs, torch.Generator().manual_seed(int(number >> np.uint64(1))))
        if changed.shape != inputs.shape or changed.dtype != inputs.dtype:
            given, wanted = (f"{tuple(one.shape)} {one.dtype}" for one in (changed, inputs))
            raise Refusal(f"conf/data: augment: it makes {given} of {wanted}; shape and kind must stay.")
        return changed[kept], targets[kept]
