"""The trainings of `audit`, each without one fold: done beside those of `train` where a process is free, and kept.

What is kept is of one state of code, data and settings, as the seeds are (`kept.specification`), so `audit` takes it over or trains.
"""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.examples import counts, packed_rows, read_examples
from ..data.fraction import fraction
from ..data.packed import read_packed
from ..files.paths import CLASSES, TRAIN, VALIDATION
from ..files.tables import read_table
from ..files.writes import written
from ..messages.progress import Progress
from ..settings import Settings, make
from ..training.models import Trainer, trainer
from .kept import DAY, Kept

BATCH = 1024  # inputs at a time
STATES = 3  # others, of which folds are kept

Request = dict[str, Any]


def folds(table: pd.DataFrame, number: int) -> np.ndarray:
    """Return the fold of each example (n, int64), by a hash of its group, else of its input, else of its id.

    Neither a group nor the copies of an input are divided, and a new example moves no other to another fold.
    """
    group = table["group"] if "group" in table else pd.Series("", index=table.index, dtype="str")
    key = group.where(group != "", table["input"].where(table["input"] != "", table["id"]))
    return (fraction(key, "audit") * number).astype(np.int64)


def audited() -> pd.DataFrame:
    """Return the examples for training and validation that count, as `folds` divides them."""
    table = read_examples([TRAIN, VALIDATION])
    return table[counts(table)].reset_index(drop=True)


def requests(settings: Settings, used: Sequence[int] | None = None) -> list[Request]:
    """Return the trainings of an audit, of all folds or of those that are `used`."""
    audit = settings.audit
    numbers = range(audit.folds) if used is None else used
    return [{"fold": int(n), "of": audit.folds, "seed": s} for n in numbers for s in settings.seeds[: audit.seeds]]


class Folds:
    """The training without a fold, and what the model answers about it, of the workspace's data.

    Args:
        settings: of the training.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.inputs = settings, make(settings.data.inputs, "data: inputs")
        self.classes, self.packed = read_table(CLASSES)["class"].to_list(), read_packed()
        self.table, self.trains = audited(), dict[int, Trainer]()
        self.fold = folds(self.table, settings.audit.folds)

    def __call__(self, request: Request, progress: Progress, folder: Path) -> dict[str, Any]:
        """Train the `seed` of a request without its `fold`, and write the class probabilities of the fold into `folder`."""
        number, empty = request["fold"], self.table[:0]
        if number not in self.trains:
            part = self.table[self.fold != number]
            self.trains = {number: trainer(self.settings, self.packed, self.inputs, self.classes, part, empty)}
        trained, _ = self.trains[number].train(request["seed"], progress)
        held = packed_rows(self.table)[self.fold == number]
        np.save(folder / "probabilities.npy", trained.probabilities(self.packed, held, BATCH), allow_pickle=False)
        return {"file": "probabilities.npy"}


class KeptFolds:
    """What was answered about folds, of one state of code, data and settings.

    Args:
        kept: seeds of that state.
    """

    def __init__(self, kept: Kept) -> None:
        self.kept, self.again, self.folder = kept, kept.again, kept.folder.parents[1] / "folds" / kept.folder.name

    def _path(self, request: Request) -> Path:
        return self.folder / f"fold-{request['fold']}-of-{request['of']}-seed-{request['seed']}.npy"

    def missing(self, wanted: list[Request]) -> list[Request]:
        """Return those requests that nothing is kept of, though it will be taken."""
        return [request for request in wanted if not self.again and not self._path(request).is_file()]

    def take(self, request: Request, shape: tuple[int, int]) -> np.ndarray | None:
        """Return the answer that is kept of a request; None where there is none of this shape, or it is damaged."""
        with suppress(OSError, ValueError, EOFError):
            found: np.ndarray = np.load(self._path(request), allow_pickle=False)
            return found if found.shape == shape and not self.again else None
        return None

    def put(self, request: Request, content: bytes) -> None:
        """Keep an answer. Raises Refusal where what was trained from has changed."""
        self.kept.refuse_changes()
        with written(self._path(request), shared=True) as aside:
            aside.write_bytes(content)

    def tidy(self) -> None:
        """Delete what is kept of states but this one and the last few."""
        ages = dict[Path, float]()
        for path in self.folder.parent.glob("*"):
            with suppress(FileNotFoundError):  # another process tidies up as well
                ages[path] = time.time() - path.stat().st_mtime
        ages.pop(self.folder, None)
        for old in sorted(ages, key=lambda path: ages[path])[STATES:]:
            if ages[old] > DAY:  # no other process is at it
                shutil.rmtree(old, ignore_errors=True)
