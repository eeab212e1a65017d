"""Training one seed against a bare PyTorch loop of the same steps on the same data; run in a project after `curate`."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn


class Loaded(NamedTuple):
    """What a project trains with: its settings, the shape of an input, the classes, and the examples of each set."""

    settings: Any
    shape: tuple[int, ...]
    classes: list[str]
    sets: dict[str, Any]
    none: Any  # an empty set, for training without validation


def load() -> Loaded:
    """Read the project in the working directory as its stage `train` does."""
    sys.path.insert(0, "src")
    from datapass import settings
    from datapass.data.examples import read_examples
    from datapass.data.packed import read_packed
    from datapass.files import paths
    from datapass.files.tables import read_table
    from datapass.training.batches import Examples
    from datapass.training.encoding import Encoding
    from datapass.training.fit import silence

    silence()
    found = settings.load()
    torch.set_num_threads(found.model.threads)
    packed = read_packed()
    classes = read_table(paths.CLASSES)["class"].to_list()
    encoding = Encoding(settings.make(found.data.inputs, "data: inputs"))
    tables = {path.stem: read_examples([path]) for path in paths.TABLES}
    sets = {name: Examples.of(table, packed, classes, encoding) for name, table in tables.items()}
    none = Examples.of(tables["test"][:0], packed, classes, encoding)
    return Loaded(found, tuple(sets["test"].take(torch.tensor([0]))[0].shape[1:]), classes, sets, none)


def train(loaded: Loaded, seed: int) -> torch.nn.Module:
    """Train one network as the stage does, without validation."""
    from datapass.messages.progress import Progress
    from datapass.training.fit import train_seed

    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        progress = Progress("", loaded.settings.model.steps, nowhere)
        sets = loaded.sets["train"], loaded.none
        return train_seed(loaded.settings, len(loaded.classes), *sets, seed, progress)[0]


def bare(loaded: Loaded, seed: int) -> None:
    """Do the same work in a plain loop, which knows the shipped model's schedule and its mean of the weights."""
    from datapass.settings import make
    from datapass.training.storage import make_network

    torch.manual_seed(seed)
    model, train = loaded.settings.model, loaded.sets["train"]
    network = make_network(model.network, loaded.shape, len(loaded.classes))
    optimizer = make(model.task["optimizer"], "model: optimizer")(network.parameters())
    schedule = make(model.task["schedule"], "model: schedule")(optimizer)
    loss = make(model.task["loss"], "model: loss")
    mean = AveragedModel(network, avg_fn=get_ema_avg_fn(model.callbacks["ema"]["decay"]), use_buffers=True)
    n, size = len(train), model.batch_size
    arrays = torch.from_numpy(train.arrays[train.rows])
    order = torch.cat([torch.randperm(n) for _ in range(model.steps * size // n + 1)])
    for step in range(model.steps):
        rows = order[step * size : (step + 1) * size]
        inputs = arrays[rows].permute(0, 3, 1, 2).float().div_(255)
        optimizer.zero_grad()
        loss(network(inputs), train.targets[rows]).backward()
        optimizer.step()
        schedule.step()
        mean.update_parameters(network)


def seconds(work: Callable[[Loaded, int], object], loaded: Loaded) -> float:
    """Return the wall time of one training."""
    start = time.perf_counter()
    work(loaded, 0)
    return time.perf_counter() - start


if __name__ == "__main__":
    loaded = load()
    train(loaded, 0), bare(loaded, 0)
    print(json.dumps([(seconds(train, loaded), seconds(bare, loaded)) for _ in range(int(*sys.argv[1:] or "5"))]))
