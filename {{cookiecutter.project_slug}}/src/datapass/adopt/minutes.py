"""How long `dvc repro` will take here: a little of the project's own training is timed, the rest is multiplied."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from ..data.packed import Packed
from ..data.rows import parse
from ..messages.progress import Progress
from ..settings import Estimator, Settings, make
from .columns import Sorted

FILES, ROWS = 256, 5000  # most examples that are read, and trained on
STEPS, SECONDS = 60, 5.0  # steps that are timed, and how long at most
STARTS = 30.0  # seconds that the stages take to start


class Enough(Exception):
    """Enough was timed."""


class Stopwatch(Progress):
    """Keeps the time of each step, shows nothing, and stops the training when there are enough."""

    def __init__(self) -> None:
        self.times = [time.monotonic()]

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count one step."""
        self.times.append(time.monotonic())
        if len(self.times) > STEPS or (len(self.times) > 4 and self.times[-1] - self.times[1] > SECONDS):
            raise Enough

    @property
    def step(self) -> float:
        """Seconds a step, without the first of several, which prepares the others."""
        return float(np.diff(self.times[1:] if len(self.times) > 2 else self.times).mean())


def minutes(settings: Settings, found: Sorted, total: int, classes: Sequence[str]) -> float:
    """Return about how many minutes `dvc repro` takes.

    Args:
        settings: with the inputs as they will be.
        found: examples to try it with.
        total: how many the project will have; an estimator's time grows with them, as that of reading.
        classes: of the project.

    Raises:
        Refusal: where the model cannot be trained on such inputs.
    """
    from ..executors.local import room
    from ..training.models import steps, trainer  # loads torch, or scikit-learn

    inputs = make(settings.data.inputs, "data: inputs")
    most = min(total, ROWS if found.delivered.files is None else FILES)
    # Some of many, evenly; a small later delivery several times over, as what is small trains at another pace.
    chosen = np.linspace(0, max(len(found.table), most) - 1, most).astype(int) % len(found.table)
    start = time.monotonic()
    packed = _pack(found, chosen, inputs)
    reading = (time.monotonic() - start) / len(chosen)
    rows = np.arange(len(chosen))
    labels = found.table["label"].iloc[chosen]
    if labels.nunique() < 2 or not labels.isin(classes).all():  # a later delivery may have one class alone
        labels = pd.Series(np.array(classes, dtype=object)[rows % len(classes)])
    columns: dict[str, Any] = {"id": rows.astype(str), "row": rows.astype(str), "weight": "1"}
    table = pd.DataFrame(columns | {"label": labels.to_numpy()}, dtype="str")
    trains = trainer(settings, packed, inputs, list(classes), table, table[:0])
    watch = Stopwatch()
    with suppress(Enough):
        trains.train(settings.seeds[0], watch)
        if watch.times[-1] - watch.times[0] < SECONDS:  # an estimator is one step, and the first loads libraries
            trains.train(settings.seeds[-1], watch)
    grows = total / len(chosen) if isinstance(settings.model, Estimator) else 1.0
    held = settings.audit.folds * min(settings.audit.seeds, len(settings.seeds))
    at_once = room(settings.model.threads) if settings.trainer.here else 1
    rounds = sum(-(-trainings // at_once) for trainings in (len(settings.seeds), held))
    return (STARTS + reading * total + rounds * watch.step * steps(settings) * grows) / 60


def _pack(found: Sorted, chosen: np.ndarray, inputs: Any) -> Packed:
    """Return some of the inputs as the stage `pack` writes them."""
    files = found.delivered.files
    if files is not None:
        return np.stack([inputs.read(found.delivered.base / files[row]) for row in chosen])
    whole = found.features if found.kinds else found.table
    return parse(whole.iloc[chosen].reset_index(drop=True), inputs.columns)[0]


def about(minutes: float) -> str:
    """Say minutes as a person would."""
    whole = max(1, round(minutes))
    return f"about {whole:,} minute{'s' * (whole > 1)}" if whole < 180 else f"about {whole / 60:,.0f} hours"
