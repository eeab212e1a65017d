"""Train the frozen model once for each seed; seeds that were trained before are taken over."""

import time
from pathlib import Path
from typing import Any

import pandas as pd

from ..data.examples import read_examples
from ..data.packed import read_packed
from ..files.paths import CLASSES, CURVES, MODELS, TRAIN, VALIDATION
from ..files.tables import read_table, write_table
from ..files.writes import written
from ..messages.progress import Progress
from ..settings import Settings, load, make
from ..training.environment import fingerprint
from ..training.models import steps, trainer
from ..training.order import subset
from .frame import model_code, run
from .kept import Kept, Record


def train(settings: Settings, seeds: list[int], kept: Kept, folder: Path) -> list[Record]:
    """Train some seeds, write their models to `folder` and keep them; return their records."""
    classes = read_table(CLASSES)["class"].to_list()
    inputs = make(settings.data.inputs, "data: inputs")
    table, validation = (read_examples([path]) for path in (TRAIN, VALIDATION))
    size, packed = settings.data.size, read_packed()
    parts = {seed: subset(table, size, seed) for seed in seeds}  # refuses before anything trains
    trains = None
    progress, records = Progress("train", len(seeds) * steps(settings)), []
    for seed in seeds:
        start = time.monotonic()
        if trains is None or size is not None:
            trains = trainer(settings, packed, inputs, classes, parts[seed], validation)
        trained, curve = trains.train(seed, progress, log=True)
        frozen = {"model": settings.model.model_dump(), "inputs": settings.data.inputs}
        about: dict[str, Any] = {
            "classes": classes,
            "seed": seed,
            "environment": trains.environment(),
            "fingerprint": fingerprint(frozen, model_code()),
        }
        if size is not None:
            about["train_examples"] = len(parts[seed])
        file = trained.save(folder, about)
        records.append(kept.put(seed, file, about, time.monotonic() - start, curve))
    return records


def main() -> None:
    """Write models/seed-N.safetensors, or .skops of an estimator, and the learning curves, which are means over the seeds."""
    settings = load()
    seeds = settings.seeds
    if len(seeds) < 3:
        print(f"note: {len(seeds)} in seeds of conf/config.yaml; a verdict needs at least 3")
    kept = Kept(settings)
    kept.tidy()
    with written(MODELS) as folder:
        folder.mkdir()
        records = {seed: record for seed in seeds if (record := kept.take(seed, folder))}
        if records:
            print(f"{len(records)} of {len(seeds)} seeds were trained before and are taken over")
        missing = [seed for seed in seeds if seed not in records]
        records |= zip(missing, train(settings, missing, kept, folder) if missing else [], strict=True)
        # What is kept is of this machine and code by its name; of a mixture all the same nothing is believed.
        if len({(one.fingerprint, one.environment) for one in records.values()}) > 1:
            records = dict(zip(seeds, train(settings, seeds, kept, folder), strict=True))
        curves = pd.concat(pd.DataFrame(records[seed].curve) for seed in seeds)
        write_table(curves.groupby("step", as_index=False).mean().round(6), CURVES)


if __name__ == "__main__":
    run("train", main)
