"""Answers of the trained models to new inputs: no labels needed, nothing learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..comparison.revisions import resolve
from ..comparison.stale import stale
from ..files.paths import MODELS
from ..messages.problems import Refusal
from ..settings import load, make
from ..training.models import load_models, model_files, votes
from .new_inputs import read_new


@dataclass(frozen=True)
class Answers:
    """What the models answered.

    Attributes:
        table: a row for each input, as given: `file`, `id` or `row` (table and line), predicted (the class that most seeds answer, as in
            reports/predictions.csv), probability (of that class, mean of the seeds) and agreement (share of the seeds that
            answer it).
        seeds: number of models.
        fingerprint: of the frozen model.
        note: as what they were read.
    """

    table: pd.DataFrame
    seeds: int
    fingerprint: str
    note: str


def predict(paths: Sequence[Path]) -> Answers:
    """Ask each seed's model about the inputs in files, those in folders included.

    Raises:
        Refusal: where there is no model, the models are not of this configuration and code, or for every file that is
            missing or none that the model's inputs can be made of.
    """
    settings = load()
    model_files(MODELS, settings)
    refuse_other_models()
    inputs = make(settings.data.inputs, "data: inputs")
    models = load_models(MODELS, settings, inputs)
    new = read_new(paths, inputs)
    rows, classes = np.arange(len(new.names)), models[0].about["classes"]
    # (seeds, inputs, classes)
    stacked = np.stack([model.probabilities(new.packed, rows, settings.evaluate.batch_size) for model in models])
    answered = stacked.argmax(axis=2)
    predicted = votes(answered, len(classes))
    table = pd.DataFrame(
        {
            str(new.names.name): new.names,
            "predicted": np.array(classes, dtype=object)[predicted],
            "probability": stacked.mean(axis=0)[rows, predicted].astype(float).round(6),
            "agreement": (answered == predicted).mean(axis=0).round(6),
        }
    )
    return Answers(table, len(models), str(models[0].about["fingerprint"]), new.note)


def refuse_other_models() -> None:
    """Refuse to ask models that were trained with other inputs, settings or code than there are now; data may differ."""
    mine = "stage train last ran with"
    other = [
        what for what in stale(resolve(["workspace"])[0])[0] if what.endswith(mine) and not what.startswith("data/")
    ]
    if other:
        raise Refusal(
            f"{'; '.join(other)}: `dvc repro train` first, or `dvc checkout` for the models of this revision."
        )
