"""Train the frozen model once for each seed."""

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from ..files.paths import CLASSES, CURVES, IMAGES, MODELS, TRAIN, VALIDATION
from ..files.tables import read_table, write_table
from ..files.writes import read_params, written
from ..messages.problems import Refusal
from ..messages.progress import Progress
from ..training.fit import Examples, build, hardware, silence, train_seed
from ..training.storage import environment, fingerprint, save
from .frame import loaded_code, run


def main() -> None:
    """Write models/seed-N.safetensors and the learning curves, which are means over the seeds."""
    params = read_params()
    silence()
    model, seeds, trainer = params["model"], params["seeds"], hardware(params["trainer"])
    if len(seeds) < 3:
        print(f"note: {len(seeds)} in seeds of conf/config.yaml; a verdict needs at least 3")
    torch.set_num_threads(model["threads"])
    images = np.load(IMAGES, mmap_mode="r", allow_pickle=False)
    classes = read_table(CLASSES)["class"].to_list()
    train, validation = (Examples.of(read_table(path), images, classes) for path in (TRAIN, VALIDATION))
    shape = images.shape[1:]
    try:
        device = pl.Trainer(**trainer, logger=False, enable_checkpointing=False).strategy.root_device
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        raise Refusal(f"conf/trainer: {error}") from None
    build(model, shape, len(classes))  # imports the network, whose code the fingerprint must know
    where = environment(device, model)
    about = {
        "classes": classes,
        "environment": where,
        "threads": model["threads"],
        "fingerprint": fingerprint({"model": model, "seeds": seeds}, loaded_code(), where),
    }
    progress = Progress("train", len(seeds) * model["steps"])
    curves = []
    with written(MODELS) as folder:
        folder.mkdir()
        for seed in seeds:
            pl.seed_everything(seed, verbose=False)
            node, network = build(model, shape, len(classes))
            curves.append(train_seed(model, network, train, validation, seed, trainer, progress))
            save(network, about | {"network": node, "seed": seed}, folder / f"seed-{seed}.safetensors")
        mean = (
            pd.concat(curves).groupby("step", as_index=False).mean() if len(validation) else pd.DataFrame({"step": []})
        )
        write_table(mean.round(6), CURVES)


if __name__ == "__main__":
    run("train", main)
