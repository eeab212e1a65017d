"""Training one seed against a bare PyTorch loop of the same steps on the same data; run in a project after `curate`."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from hydra.utils import instantiate


class Loaded(NamedTuple):
    """What a project trains with: its params, the shape of an input, the classes, and the examples of each set."""

    params: dict[str, Any]
    shape: tuple[int, ...]
    classes: list[str]
    sets: dict[str, Any]
    none: Any  # an empty set, for training without validation


def load() -> Loaded:
    """Read the project in the working directory as its stage `train` does."""
    sys.path.insert(0, "src")
    from datapass.files import paths
    from datapass.files.tables import read_table
    from datapass.training.fit import Examples, silence

    silence()
    params = yaml.safe_load(Path("params.yaml").read_text())
    torch.set_num_threads(params["model"]["threads"])
    images = np.load(paths.IMAGES, mmap_mode="r")
    classes = read_table(paths.CLASSES)["class"].to_list()
    sets = {path.stem: Examples.of(read_table(path), images, classes) for path in paths.TABLES}
    none = Examples(*(part[:0] for part in vars(sets["test"]).values()))
    return Loaded(params, images.shape[1:], classes, sets, none)


def train(loaded: Loaded, seed: int) -> torch.nn.Module:
    """Train one model as the stage does, without validation."""
    from pytorch_lightning import seed_everything

    from datapass.messages.progress import Progress
    from datapass.training.fit import build, train_seed

    seed_everything(seed, verbose=False)
    model = loaded.params["model"]
    network = build(model, loaded.shape, len(loaded.classes))[1]
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        progress = Progress("", model["steps"], nowhere)
        train_seed(model, network, loaded.sets["train"], loaded.none, seed, loaded.params["trainer"], progress)
    return network


def bare(loaded: Loaded, seed: int) -> None:
    """Do the same work in a plain loop."""
    from datapass.training.fit import build

    torch.manual_seed(seed)
    model, train = loaded.params["model"], loaded.sets["train"]
    network = build(model, loaded.shape, len(loaded.classes))[1]
    optimizer, loss = instantiate(model["optimizer"])(network.parameters()), instantiate(model["loss"])
    x, y, w, n, size = train.images, train.targets, train.weights, len(train), model["batch_size"]
    order = torch.cat([torch.randperm(n) for _ in range(model["steps"] * size // n + 1)])
    for step in range(model["steps"]):
        rows = order[step * size : (step + 1) * size]
        inputs = x[rows].permute(0, 3, 1, 2).float().div_(255)
        optimizer.zero_grad()
        (loss(network(inputs), y[rows]) * w[rows]).sum().div(w[rows].sum()).backward()
        optimizer.step()


def seconds(work: Callable[[Loaded, int], object], loaded: Loaded) -> float:
    """Return the wall time of one training."""
    start = time.perf_counter()
    work(loaded, 0)
    return time.perf_counter() - start


if __name__ == "__main__":
    loaded = load()
    train(loaded, 0), bare(loaded, 0)
    print(json.dumps([(seconds(train, loaded), seconds(bare, loaded)) for _ in range(5)]))
