"""Answers of the trained models to new inputs: no labels needed, nothing learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..settings import load, make
from .frozen import load_frozen
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
    frozen = load_frozen(settings)
    new = read_new(paths, make(settings.data.inputs, "data: inputs"))
    rows = np.arange(len(new.names))
    stacked = frozen.probabilities(new.packed, rows)
    predicted = frozen.answers(stacked)
    table = pd.DataFrame(
        {
            str(new.names.name): new.names,
            "predicted": np.array(frozen.classes, dtype=object)[predicted],
            "probability": stacked.mean(axis=0)[rows, predicted].astype(float).round(6),
            "agreement": (stacked.argmax(axis=2) == predicted).mean(axis=0).round(6),
        }
    )
    return Answers(table, len(frozen.models), frozen.fingerprint, new.note)
