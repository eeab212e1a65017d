"""The two kinds of models, networks and scikit-learn's estimators, behind one interface; each is imported where it is used."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..data.packed import Packed
from ..messages.problems import Refusal
from ..messages.progress import Progress
from ..settings import Estimator, Settings


class Trained(Protocol):
    """A model that learnt, of one seed."""

    @property
    def about(self) -> Mapping[str, Any]:
        """What is kept beside it: classes, seed, threads, environment, fingerprint."""

    @property
    def encoders(self) -> str | None:
        """Digest of what its encoders learnt of the training rows; None where there are none."""

    def probabilities(self, packed: Packed, rows: np.ndarray, batch: int) -> np.ndarray:
        """Return the class probabilities of the packed inputs at `rows` (rows, classes; float32)."""

    def save(self, folder: Path, about: Mapping[str, Any]) -> Path:
        """Write it to `folder`, and return the file; `about` needs `seed`."""


class Trainer(Protocol):
    """Trains one model a seed on the same examples."""

    def train(self, seed: int, progress: Progress, log: bool = False) -> tuple[Trained, pd.DataFrame]:
        """Return a trained model and its learning curves; advances `progress` by `steps`; `log` asks for conf/trainer's loggers."""

    def environment(self) -> str:
        """Return what else decided what was learnt, see `environment.environment`; after `train`."""


def trainer(
    settings: Settings, packed: Packed, inputs: Any, classes: list[str], train: pd.DataFrame, validation: pd.DataFrame
) -> Trainer:
    """Return what trains the model of the configuration.

    Args:
        packed: all packed inputs.
        inputs: the team's, made of `data.inputs`.
        classes: in code order.
        train, validation: examples of data/examples/; validation may be empty.
    """
    if isinstance(settings.model, Estimator):
        from .estimators import EstimatorTrainer

        return EstimatorTrainer(settings, packed, inputs, classes, train, validation)
    from .networks import NetworkTrainer

    return NetworkTrainer(settings, packed, inputs, classes, train, validation)


def steps(settings: Settings) -> int:
    """Return how often one training advances its progress."""
    return 1 if isinstance(settings.model, Estimator) else settings.model.steps


def model_files(folder: Path, settings: Settings) -> list[Path]:
    """Return the files of a folder's models in order of their seeds. Raises Refusal where there is none."""
    suffix = "skops" if isinstance(settings.model, Estimator) else "safetensors"
    files = sorted(folder.glob(f"seed-*.{suffix}"), key=lambda path: int(path.stem.removeprefix("seed-")))
    if not files:
        what = "holds no model; `dvc repro` trains, `dvc pull` brings one that was trained"
        raise Refusal(f"{folder.as_posix()}/ {what}.")
    return files


def load_models(folder: Path, settings: Settings, inputs: Any) -> list[Trained]:
    """Return the models of a folder in order of their seeds.

    Raises:
        Refusal: where there is none, they are of several trainings, or hold what this configuration does not name.
    """
    files = model_files(folder, settings)
    found: list[Trained]
    if isinstance(settings.model, Estimator):
        from .estimators import load_estimator

        found = [load_estimator(file, inputs, settings.model.estimator) for file in files]
    else:
        from .storage import load_network

        found = [load_network(file, inputs, settings.model.network) for file in files]
    if len({model.about["fingerprint"] for model in found}) > 1:
        raise Refusal(f"{folder.as_posix()}/ holds models of different trainings; run `dvc repro --force train`.")
    return found


def votes(answers: np.ndarray, classes: int) -> np.ndarray:
    """Return the class that most seeds answer, of equally many the first (answers S x n, result n; codes)."""
    return (answers[:, :, None] == np.arange(classes)).sum(axis=0).argmax(axis=1)
