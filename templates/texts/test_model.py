"""The team's own code: what of a text a network gets, and that the model of conf/ learns from texts what there is to learn."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest

from datapass import integrity
from datapass.messages.progress import Progress
from datapass.settings import load, make
from datapass.training.models import steps, trainer

CLASSES, ROWS = ["question", "thanks"], 60
SAID = ("where is my parcel", "many thanks, all is well")


@pytest.fixture
def values() -> pd.DataFrame:
    """Texts as `pack` writes them: the first half asks, the other half says thanks."""
    texts = [f"{said}, number {number}" for said in SAID for number in range(ROWS // 2)]
    return pd.DataFrame({"text": texts}, dtype="str")


def test_a_network_gets_the_numbers_of_what_is_in_a_text(values: pd.DataFrame) -> None:
    inputs = make(load().data.inputs, "data: inputs")
    more = pd.DataFrame({"text": ["", "Ünïcödé 😀", "no " * 5000]}, dtype="str")
    found = inputs.transform(pd.concat([values, more], ignore_index=True), None)
    assert (found.dtype, found.shape) == (np.int32, (ROWS + 3, inputs.length))
    assert found.min() == 0
    assert found[ROWS].max() == 0, "an empty text has no number"
    assert found[ROWS + 1].max() > 0
    assert np.array_equal(inputs.transform(values.iloc[:3], None), found[:3]), "each text by itself"


def test_the_model_learns_what_there_is_to_learn(values: pd.DataFrame) -> None:
    settings = load()
    ids = [f"text-{number:02}" for number in range(ROWS)]
    labels = [name for name in CLASSES for _ in range(ROWS // 2)]
    table = pd.DataFrame({"id": ids, "label": labels, "weight": "1", "row": map(str, range(ROWS))})
    trains = trainer(settings, values, make(settings.data.inputs, "data: inputs"), CLASSES, table, table[:0])
    model, _ = trains.train(0, Progress("train", steps(settings), io.StringIO()))
    answers = model.probabilities(values, np.arange(ROWS), settings.evaluate.batch_size)
    assert answers.shape == (ROWS, len(CLASSES))
    assert (answers.argmax(axis=1) == np.repeat([0, 1], ROWS // 2)).mean() > 0.9


def test_the_machinery_is_as_released() -> None:
    """A warning and no failure: an edit of src/datapass works, until the next update replaces the folder."""
    edited = integrity.edited()
    if edited:
        warnings.warn(
            f"src/datapass was edited here, and such a change belongs upstream: {', '.join(edited)}", stacklevel=1
        )
