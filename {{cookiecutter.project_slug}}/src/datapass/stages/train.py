"""Train the frozen model once for each seed."""

import pandas as pd

from ..data.examples import read_examples
from ..data.packed import read_packed
from ..files.paths import CLASSES, CURVES, MODELS, TRAIN, VALIDATION
from ..files.tables import read_table, write_table
from ..files.writes import written
from ..messages.progress import Progress
from ..settings import load, make
from ..training.environment import fingerprint
from ..training.models import steps, trainer
from ..training.order import subset
from .frame import model_code, run


def main() -> None:
    """Write models/seed-N.safetensors, or .skops of an estimator, and the learning curves, which are means over the seeds."""
    settings = load()
    model, seeds = settings.model, settings.seeds
    if len(seeds) < 3:
        print(f"note: {len(seeds)} in seeds of conf/config.yaml; a verdict needs at least 3")
    classes = read_table(CLASSES)["class"].to_list()
    inputs = make(settings.data.inputs, "data: inputs")
    train, validation = (read_examples([path]) for path in (TRAIN, VALIDATION))
    size, packed = settings.data.size, read_packed()
    parts = {seed: subset(train, size, seed) for seed in seeds}  # refuses before anything trains
    trains = None
    progress = Progress("train", len(seeds) * steps(settings))
    curves = []
    with written(MODELS) as folder:
        folder.mkdir()
        for seed in seeds:
            if trains is None or size is not None:
                trains = trainer(settings, packed, inputs, classes, parts[seed], validation)
            trained, curve = trains.train(seed, progress, log=True)
            curves.append(curve)
            frozen = {"model": model.model_dump(), "seeds": seeds, "inputs": settings.data.inputs}
            about = {
                "classes": classes,
                "seed": seed,
                "environment": trains.environment(),
                "fingerprint": fingerprint(frozen, model_code()),
            }
            if size is not None:
                about["train_examples"] = len(parts[seed])
            trained.save(folder, about)
        write_table(pd.concat(curves).groupby("step", as_index=False).mean().round(6), CURVES)


if __name__ == "__main__":
    run("train", main)
