"""Find the labels that look wrong: ask the frozen model about examples it has not trained on, copies and annotators."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch

from ..annotators.agreement import read_annotations
from ..data.label_book import read_book
from ..data.passes import COLUMNS, chosen, pass_names, read_pass
from ..files.paths import AUDIT, CLASSES, IMAGES, PASSES, SUSPECTS, TABLES
from ..files.tables import read_table, write_table
from ..files.writes import read_params, write_json
from ..messages.problems import Refusal
from ..messages.progress import Progress
from ..review.suspects import (
    KEPT,
    SAMPLE,
    TEST,
    TRAINING,
    by_annotators,
    by_copies,
    by_model,
    definition,
    folds,
    queue,
    reviewed,
)
from ..training.fit import Examples, build, silence, train_seed
from ..training.storage import to_float
from .frame import run

BATCH, SIDE = 1024, 16  # inputs at a time; pixels of a side at which copies are compared


def out_of_fold(table: pd.DataFrame, images: np.ndarray, classes: list[str], params: Mapping[str, Any]) -> np.ndarray:
    """Return class probabilities (n x classes) by the frozen model trained without the example's fold.

    Args:
        table: the examples to train on and to ask about.
        images: all packed inputs.
        classes: in code order.
        params: `model`, `seeds`, `trainer` and `audit`; several seeds are averaged.

    Raises:
        Refusal: where one fold holds all examples.
    """
    model, audit = params["model"], params["audit"]
    fold, seeds = folds(table, audit["folds"]), params["seeds"][: audit["seeds"]]
    used = np.unique(fold)
    if len(used) < 2 or not seeds:
        raise Refusal("The audit needs two folds that hold examples, and a seed: see `audit` in conf/config.yaml.")
    probabilities = np.zeros((len(table), len(classes)))
    progress = Progress("audit", len(used) * len(seeds) * model["steps"])
    for number in used:
        held = np.flatnonzero(fold == number)
        rest, asked = (Examples.of(table[mask], images, classes) for mask in (fold != number, fold == number))
        for seed in seeds:
            pl.seed_everything(seed, verbose=False)
            _, network = build(model, images.shape[1:], len(classes))
            train_seed(model, network, rest, Examples.of(table[:0], images, classes), seed, params["trainer"], progress)
            network.eval()
            with torch.inference_mode():
                for start in range(0, len(held), BATCH):
                    inputs = asked.take(slice(start, start + BATCH))[0]
                    probabilities[held[start : start + BATCH]] += network(inputs).softmax(dim=1).numpy() / len(seeds)
    return probabilities


def pixels(table: pd.DataFrame, images: np.ndarray) -> np.ndarray:
    """Return the inputs at most SIDE pixels wide and high, as rows (n x values, 0 to 1, float32)."""
    size = (min(images.shape[1], SIDE), min(images.shape[2], SIDE))
    rows = table["row"].astype(np.int64).to_numpy()
    batches = (to_float(torch.from_numpy(images[rows[i : i + BATCH]])) for i in range(0, len(rows), BATCH))
    return torch.cat([torch.nn.functional.adaptive_avg_pool2d(batch, size).flatten(1) for batch in batches]).numpy()


def main() -> None:
    """Write reports/suspects.csv and reports/audit.json."""
    params = read_params()
    silence()
    audit = params["audit"]
    torch.set_num_threads(params["model"]["threads"])
    images = np.load(IMAGES, mmap_mode="r", allow_pickle=False)
    classes = read_table(CLASSES)["class"].to_list()
    if len(classes) < 2:
        raise Refusal("The audit needs two classes or more; with one there is no other label to suspect.")
    table = pd.concat([read_table(path).assign(split=path.stem) for path in TABLES], ignore_index=True).fillna("")
    table = table[table["weight"] == "1"].reset_index(drop=True)
    asked = table[table["split"] != "test"]
    model, wrong = by_model(asked, classes, out_of_fold(asked, images, classes, params))
    names = chosen(pass_names(PASSES), params["data"]["passes"])
    edits = [read_pass(PASSES, name).edits.assign(number=number) for number, name in enumerate(names)]
    empty = pd.DataFrame(columns=[*COLUMNS, "number"], dtype="str")
    state = reviewed(pd.concat(edits, ignore_index=True) if edits else empty, table, definition(read_book()))
    evidence = [
        model.reindex(table.index).fillna({"suggested": "", "reason": ""}),
        by_copies(table, pixels(table, images), audit["near"]),
        by_annotators(table, read_annotations()),
    ]
    found = queue(table, evidence, state, audit["limit"], audit["test_sample"])
    write_table(found, SUSPECTS)
    estimate = int((wrong & (state.loc[asked.index] != KEPT)).sum())
    size = {name: int((found["queue"] == name).sum()) for name in (TRAINING, TEST, SAMPLE)}
    known = round(float((model["suggested"] == "").mean()), 6)
    counts = {"wrong_labels": estimate, "audited": len(asked), "suspects": size[TRAINING]}
    write_json(counts | {"out_of_fold_accuracy": known}, AUDIT)
    print(
        f"up to {estimate:,} of {len(asked):,} labels for training and validation look wrong ({estimate / len(asked):.1%}) to "
        f"a model that gives {known:.1%} of them without having seen them; {size[TRAINING]:,} suspects, worst first, and a "
        f"random sample of {size[SAMPLE]:,} test examples"
        + f", {size[TEST]:,} more of them contradicted"
        * (size[TEST] > 0)
    )


if __name__ == "__main__":
    run("audit", main)
