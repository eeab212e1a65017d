"""Train the frozen model once for each seed."""

import numpy as np
import pandas as pd
import torch

from ..data.examples import read_examples
from ..files.paths import ARRAYS, CLASSES, CURVES, MODELS, TRAIN, VALIDATION
from ..files.tables import read_table, write_table
from ..files.writes import written
from ..messages.progress import Progress
from ..settings import load, make
from ..training.batches import Examples
from ..training.environment import environment, fingerprint
from ..training.fit import device, loggers, silence, train_seed
from ..training.storage import save
from .frame import model_code, run


def main() -> None:
    """Write models/seed-N.safetensors and the learning curves, which are means over the seeds."""
    silence()
    settings = load()
    model, seeds = settings.model, settings.seeds
    if len(seeds) < 3:
        print(f"note: {len(seeds)} in seeds of conf/config.yaml; a verdict needs at least 3")
    torch.set_num_threads(model.threads)
    arrays = np.load(ARRAYS, mmap_mode="r", allow_pickle=False)
    classes = read_table(CLASSES)["class"].to_list()
    inputs = make(settings.data.inputs, "data: inputs")
    train, validation = (
        Examples.of(read_examples([path]), arrays, classes, inputs.prepare) for path in (TRAIN, VALIDATION)
    )
    where = device(settings.trainer)
    progress = Progress("train", len(seeds) * model.steps)
    curves = []
    with written(MODELS) as folder:
        folder.mkdir()
        for seed in seeds:
            logger = loggers(settings.trainer)
            network, curve = train_seed(settings, len(classes), train, validation, seed, progress, logger)
            curves.append(curve)
            frozen = {"model": model.model_dump(), "seeds": seeds, "inputs": settings.data.inputs}
            about = {
                "network": model.network,
                "shape": list(train.take(torch.tensor([0]))[0].shape[1:]),
                "classes": classes,
                "seed": seed,
                "threads": model.threads,
                "environment": environment(where, model.model_dump()),
                "fingerprint": fingerprint(frozen, model_code()),
            }
            save(network, about, folder / f"seed-{seed}.safetensors")
        write_table(pd.concat(curves).groupby("step", as_index=False).mean().round(6), CURVES)


if __name__ == "__main__":
    run("train", main)
