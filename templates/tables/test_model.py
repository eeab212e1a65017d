"""The team's own code: what of a row a network gets, and that the model of conf/ learns from rows what there is to learn."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest

from datapass import integrity
from datapass.data.rows import parse
from datapass.messages.progress import Progress
from datapass.settings import load, make
from datapass.training.models import steps, trainer

CLASSES, ROWS = ["high", "low"], 80
CELLS = {
    "number": ("9", "1"),
    "category": ("a", "b"),
    "boolean": ("yes", "no"),
    "date": ("2024-05-01", "2001-01-01"),
    "text": ("a text", "another"),
}


@pytest.fixture
def values() -> pd.DataFrame:
    """Rows of conf/data's columns, as `pack` writes them: the first half tells its class apart, but for a missing cell."""
    columns = load().data.inputs["columns"]
    half = ROWS // 2
    frame = {name: [CELLS[kind][0]] * half + [CELLS[kind][1]] * half for name, kind in columns.items()}
    read, wrong = parse(pd.DataFrame(frame), columns)
    assert not wrong
    read.iloc[0, 0] = None
    return read


def test_a_network_gets_numbers_whatever_is_missing(values: pd.DataFrame) -> None:
    inputs = make(load().data.inputs, "data: inputs")
    found = inputs.transform(values, inputs.fit(values))
    assert (found.dtype, len(found)) == (np.float32, ROWS)
    assert np.isfinite(found).all()
    assert np.array_equal(inputs.transform(values.iloc[:3], inputs.fit(values)), found[:3]), "each row by itself"


def test_the_model_learns_what_there_is_to_learn(values: pd.DataFrame) -> None:
    settings = load()
    ids = [f"row-{number:02}" for number in range(ROWS)]
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
