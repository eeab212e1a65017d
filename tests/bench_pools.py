"""Pools of models for bench_validity.py: the answers of many seeds, trained on a baseline and on two relabellings of it.

Arms: `baseline` as it is; `strong` with half of the wrong labels put right, as the simulated reviewer does; `weak` with every
third of these. The same seeds are in each. A pool is kept as an npz file, with `truth` (n) and each arm (models x n), class codes.
"""

import importlib
import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from conftest import KINDS, render

ARMS = ("baseline", "weak", "strong")
MODELS = {"fashion": 60, "fashion-perceptron": 80}  # of an arm; else:
MOST = 160
SETS = [*KINDS, "fashion", "digits-perceptron", "fashion-perceptron"]
CHUNK = 10  # models of one task
HIDDEN, STEPS, BATCH = {"digits": 48, "fashion": 32}, 400, 64  # of the perceptrons


def pool(name: str, folder: Path | None = None) -> dict[str, np.ndarray]:
    """Return a pool, from `folder` where it is kept there, else trained, and kept there."""
    file = None if folder is None else folder / f"{name}.npz"
    if file is None or not file.is_file():
        made = of_project(name) if name in KINDS else perceptrons(name) if "-" in name else networks()
        if file is None:
            return made
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, **made)
    with np.load(file) as kept:
        return {key: kept[key].astype(np.int64) for key in ("truth", *ARMS)}


def spread(work: Any, *given: Any, models: int) -> np.ndarray:
    """Return what `work(*given, seeds)` answers for all seeds, in as many processes as there are cores."""
    parts = [list(range(models))[i : i + CHUNK] for i in range(0, models, CHUNK)]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as workers:
        found = workers.map(work, *([value] * len(parts) for value in given), parts)
        return np.concatenate([np.array(answers, dtype=np.int64) for answers in found])


def of_project(kind: str) -> dict[str, np.ndarray]:
    """Return the pool of an embedded example, trained as the stage does. A seed of an estimator is its draw of rows."""
    folder = Path(tempfile.mkdtemp(prefix="validity-"))
    try:
        project = render(folder, kind=kind)
        project.run("dvc", "repro", "curate")
        test = pd.read_csv(project.path / "data" / "examples" / "test.csv", dtype="str")
        classes = sorted(test["label"].unique())  # all are in the test set, and coded in this order
        found = {"truth": test["label"].map(classes.index).to_numpy()}
        edits = project.reviewer("pass").stdout.splitlines()[1:]
        for arm, lines in zip(ARMS, ([], edits[::3], edits), strict=True):
            announce(kind, arm, MOST)
            if lines:
                project.write_pass("p001-review", *lines)
                project.run("dvc", "repro", "curate")
            found[arm] = spread(train_in, str(project.path), models=MOST)
    finally:
        shutil.rmtree(folder)
    return found


def train_in(folder: str, seeds: list[int]) -> list[np.ndarray]:
    """Train a model for each seed in a project, as its stage does; return the answers on the test set."""
    os.chdir(folder)
    sys.path.insert(0, "src")
    from datapass.data.examples import packed_rows, read_examples
    from datapass.data.packed import read_packed
    from datapass.files import paths
    from datapass.files.tables import read_table
    from datapass.messages.progress import Progress
    from datapass.settings import load, make
    from datapass.training.models import steps, trainer

    settings, packed = load(), read_packed()
    classes = read_table(paths.CLASSES)["class"].to_list()
    inputs = make(settings.data.inputs, "data: inputs")
    examples, test = (read_examples([path]) for path in (paths.TRAIN, paths.TEST))
    trains = trainer(settings, packed, inputs, classes, examples, examples[:0])
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        progress = Progress("", len(seeds) * steps(settings), nowhere)
        models = (trains.train(seed, progress)[0] for seed in seeds)
        return [model.probabilities(packed, packed_rows(test), 1024).argmax(axis=1) for model in models]


def image_set(name: str) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """Return bench_images, a set of it and the labels of each arm; of fashion all 10,000 test images."""
    images = importlib.import_module("bench_images")
    images.SIZES["test"] = 10_000
    found = images.SETS[name]()
    strong, weak = found.cleaned(), found.given.copy()
    rows = np.flatnonzero((strong != found.given) & (found.part == "train"))[::3]
    weak[rows] = found.truth[rows]
    return images, found, dict(zip(ARMS, (found.given, weak, strong), strict=True))


def networks() -> dict[str, np.ndarray]:
    """Return the pool of the shipped image model on Fashion-MNIST."""
    _, found, labels = image_set("fashion")
    made = {"truth": found.truth[found.part == "test"]}
    for arm in labels:
        announce("fashion", arm, MODELS["fashion"])
        made[arm] = spread(train_network, arm, models=MODELS["fashion"])
    return made


def train_network(arm: str, seeds: list[int]) -> list[np.ndarray]:
    """Train the shipped image model on Fashion-MNIST for each seed; return the answers on the test set."""
    images, found, labels = image_set("fashion")
    images.silence()
    torch.set_num_threads(1)
    bench, rows = images.Bench(found, {}, None), np.flatnonzero(found.part == "test")
    table = found.table(["train"], labels[arm])
    return [bench.ask(bench.train(table, seed), rows).argmax(axis=1) for seed in seeds]


def perceptrons(name: str) -> dict[str, np.ndarray]:
    """Return the pool of a network with one hidden layer, all seeds trained at once: a second of a core for each model.

    The shipped model is better, but takes ten times as long. Each seed has its own weights and batches, as there.
    """
    kind, models = name.split("-")[0], MODELS.get(name, MOST)
    _, found, labels = image_set(kind)
    pixels = torch.from_numpy(found.images.reshape(len(found.images), -1).astype(np.float32))
    pixels = (pixels - pixels.mean(1, keepdim=True)) / (pixels.std(1, keepdim=True) + 1e-3)
    train, test = (np.flatnonzero(found.part == part) for part in ("train", "test"))
    epochs, size = -(-STEPS * BATCH // len(train)), pixels.shape[1]
    orders = [
        [np.random.default_rng([seed, e]).permutation(len(train)) for e in range(epochs)] for seed in range(models)
    ]
    order = torch.from_numpy(np.array(orders).reshape(models, -1)[:, : STEPS * BATCH]).reshape(models, STEPS, BATCH)
    made = {"truth": found.truth[test]}
    for arm in ARMS:
        announce(name, arm, models)
        answers = torch.from_numpy(labels[arm][train].astype(np.int64))
        made[arm] = batch_of_models(pixels[train], answers, pixels[test], order, (size, HIDDEN[kind], 10))
    return made


def batch_of_models(
    inputs: torch.Tensor, labels: torch.Tensor, asked: torch.Tensor, order: torch.Tensor, sizes: tuple[int, int, int]
) -> np.ndarray:
    """Train a perceptron for each row of `order` (models x steps x batch); return their answers (models x asked)."""
    models, (size, hidden, classes) = len(order), sizes

    def drawn(*shape: int) -> torch.Tensor:
        return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(m)) for m in range(models)])

    weights = [drawn(size, hidden) * (2 / size) ** 0.5, torch.zeros(models, 1, hidden)]
    weights += [drawn(hidden, classes) * (1 / hidden) ** 0.5, torch.zeros(models, 1, classes)]
    first, bias, second, last = (weight.requires_grad_() for weight in weights)
    optimizer = torch.optim.AdamW([first, bias, second, last], lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=order.shape[1])

    def ask(rows: torch.Tensor) -> torch.Tensor:
        return torch.relu(torch.baddbmm(bias, rows, first)) @ second + last

    for step in range(order.shape[1]):
        rows = order[:, step]
        loss = torch.nn.functional.cross_entropy(
            ask(inputs[rows]).reshape(-1, classes), labels[rows].reshape(-1), reduction="sum"
        )
        optimizer.zero_grad()
        (loss / order.shape[2]).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return torch.cat([ask(part.expand(models, -1, -1)).argmax(-1) for part in asked.split(500)], 1).numpy()


def announce(name: str, arm: str, models: int) -> None:
    """Say what is trained now."""
    print(f"{name}: training {models} models on the {arm} data ...", flush=True)
