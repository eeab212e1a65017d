"""How often the verdict is wrong, measured on the embedded example with real training: `make bench-validity` (minutes).

`python tests/bench_validity.py KIND` takes that of another kind than images.

A pool of models is trained on the baseline and, with the same seeds, on a known relabelling. Each comparison draws its
seeds from the pool and its test examples, with replacement, from the 797: so the truth is known, 0 for two draws from
the same data and the pools' difference for the relabelling, and both seeds and examples are random, as they are for a
user who asks whether a gain would be there again. A seed of an estimator is its draw of the training rows.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from conftest import Project, render

POOL = 160  # models of each arm
COMPARISONS = 1000
SEEDS = 5


def train(folder: str, seeds: list[int]) -> list[list[int]]:
    """Train one model for each seed as the stage does; return its answers on the test set as class codes."""
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
    answers = []
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        progress = Progress("", len(seeds) * steps(settings), nowhere)
        for seed in seeds:
            model, _ = trains.train(seed, progress)
            answers.append(model.probabilities(packed, packed_rows(test), 1024).argmax(axis=1).tolist())
    return answers


def pool(project: Project) -> np.ndarray:
    """Return the answers of POOL models (POOL x test examples), trained in as many processes as there are cores."""
    cores = os.cpu_count() or 1
    parts = [list(range(POOL))[i : i + 10] for i in range(0, POOL, 10)]
    with ProcessPoolExecutor(cores, get_context("spawn")) as workers:
        found = list(workers.map(train, [str(project.path)] * len(parts), parts))
    return np.array([answer for part in found for answer in part])


def main(kind: str = "images") -> None:
    """Train, compare, print."""
    from importlib import import_module

    folder = Path(tempfile.mkdtemp(prefix="validity-"))
    start = time.monotonic()
    try:
        project = render(folder, kind=kind)
        project.run("dvc", "repro", "curate")
        right = {}
        test = pd.read_csv(project.path / "data" / "examples" / "test.csv", dtype="str")
        classes = sorted(test["label"].unique())  # all are in the test set, and coded in this order
        truth = test["label"].map(classes.index).to_numpy()
        for arm in ("baseline", "relabelled"):
            print(f"training {POOL} models on the {arm} data ...", flush=True)
            right[arm] = (pool(project) == truth).astype(float)
            edits = project.reviewer("pass").stdout.splitlines()[1:]
            project.write_pass("p001-review", *edits)
            project.run("dvc", "repro", "curate")
        sys.path.insert(0, str(project.path / "src"))
        interval = import_module("datapass.comparison.crossed").gain_interval
    finally:
        shutil.rmtree(folder)
    rng = np.random.default_rng(0)
    same, changed, fixed, unpaired = [], [], [], []
    effect = float(right["relabelled"].mean() - right["baseline"].mean())
    for _ in range(COMPARISONS):
        rows = rng.integers(0, len(truth), len(truth))
        seeds = rng.choice(POOL, 2 * SEEDS, replace=False)
        a, b = right["baseline"][seeds[:SEEDS]], right["baseline"][seeds[SEEDS:]]
        same.append(interval(a.T[rows], b.T[rows]))
        fixed.append(interval(a.T, b.T))
        # As after training on another machine, where the same seed is another training: no seed of one arm is in the other.
        unpaired.append(interval(a.T[rows], b.T[rows], paired=False))
        changed.append(interval(a.T[rows], right["relabelled"][seeds[:SEEDS]].T[rows]))
    shares = {
        "A/A called helps": np.mean([found.low > 0 for found in same]),
        "A/A called hurts": np.mean([found.high < 0 for found in same]),
        "A/A called either": np.mean([found.low > 0 or found.high < 0 for found in same]),
        "A/A called either, one fixed test set": np.mean([found.low > 0 or found.high < 0 for found in fixed]),
        "A/A called either, seeds unpaired": np.mean([found.low > 0 or found.high < 0 for found in unpaired]),
        "relabelling called helps (power)": np.mean([found.low > 0 for found in changed]),
        "relabelling called hurts": np.mean([found.high < 0 for found in changed]),
        "interval holds the true gain (coverage)": np.mean([found.low <= effect <= found.high for found in changed]),
    }
    print(
        f"\n{COMPARISONS} comparisons of {SEEDS} seeds and {len(truth)} test examples, from {POOL} models an arm, "
        f"{time.monotonic() - start:.0f} s; the true gain of the relabelling is {100 * effect:+.2f} points"
    )
    for name, share in shares.items():
        print(f"{name:<42} {100 * share:5.1f} %")
    print(json.dumps({name: round(float(share), 4) for name, share in shares.items()}))
    if max(shares["A/A called either"], shares["A/A called either, seeds unpaired"]) > 0.08:
        sys.exit("More than 8 % of the comparisons without a difference got a verdict: the statistics are not valid.")


if __name__ == "__main__":
    main(*sys.argv[1:2])
