"""The team's own code: what is read, what the network makes of it, and that training teaches it something."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from datapass import integrity
from datapass.settings import load, make
from datapass.training.storage import check_network, make_network

CLASSES = 4


@pytest.fixture
def example(tmp_path: Path) -> torch.Tensor:
    """A white image file as the network takes it (1, channels, height, width)."""
    inputs = make(load().data.inputs, "data: inputs")
    Image.new("L", (20, 10), 255).save(tmp_path / "white.png")
    array = inputs.read(tmp_path / "white.png")
    assert (array.shape, array.dtype) == (inputs.shape, np.uint8)
    return inputs.prepare(torch.from_numpy(array[None].copy()))


def test_the_network_answers_for_each_class(example: torch.Tensor) -> None:
    network = make_network(load().model.network, tuple(example.shape[1:]), CLASSES)
    check_network(network, example, CLASSES)
    assert 0 <= example.min() <= example.max() <= 1


def test_a_few_steps_lower_the_loss(example: torch.Tensor) -> None:
    torch.manual_seed(0)
    model = load().model
    task = make(model.task, "model: task", network=make_network(model.network, tuple(example.shape[1:]), CLASSES))
    task.log_dict = lambda *_, **__: None  # there is no trainer to log to
    batch = example.expand(8, -1, -1, -1), torch.ones(8, dtype=torch.int64)
    optimizer, losses = task.optimizer(task.parameters()), []
    for step in range(20):
        optimizer.zero_grad()
        loss = task.training_step(batch, step)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0]


def test_the_machinery_is_as_released() -> None:
    """A warning and no failure: an edit of src/datapass works, until the next update replaces the folder."""
    edited = integrity.edited()
    if edited:
        warnings.warn(
            f"src/datapass was edited here, and such a change belongs upstream: {', '.join(edited)}", stacklevel=1
        )
