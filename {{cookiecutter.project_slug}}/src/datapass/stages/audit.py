"""Find the labels that look wrong: ask the frozen model about examples it has not trained on, copies and annotators."""

import numpy as np
import pandas as pd
import torch

from ..annotators.annotations import read_annotations
from ..data.examples import counts, packed_rows, read_examples
from ..data.label_book import read_book
from ..data.passes import COLUMNS, chosen, pass_names, read_pass
from ..files.paths import ARRAYS, AUDIT, CLASSES, PASSES, SUSPECTS
from ..files.tables import read_table, write_table
from ..files.writes import write_json
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
from ..settings import Settings, load, make
from ..training.batches import Examples, Prepare
from ..training.fit import silence, train_seed
from ..training.storage import probabilities
from .frame import run

BATCH, SIDE = 1024, 16  # inputs at a time; pixels of a side at which copies are compared


def out_of_fold(table: pd.DataFrame, arrays: np.ndarray, classes: list[str], settings: Settings) -> np.ndarray:
    """Return class probabilities (n x classes) by the frozen model trained without the example's fold.

    Args:
        table: the examples to train on and to ask about.
        arrays: all packed inputs.
        classes: in code order.
        settings: several seeds of `audit.seeds` are averaged.

    Raises:
        Refusal: where one fold holds all examples.
    """
    model, audit = settings.model, settings.audit
    fold, seeds = folds(table, audit.folds), settings.seeds[: audit.seeds]
    prepare = make(settings.data.inputs, "data: inputs").prepare
    rows = packed_rows(table)
    used = np.unique(fold)
    if len(used) < 2 or not seeds:
        raise Refusal("The audit needs two folds that hold examples, and a seed: see `audit` in conf/config.yaml.")
    found = np.zeros((len(table), len(classes)))
    progress = Progress("audit", len(used) * len(seeds) * model.steps)
    for number in used:
        held = np.flatnonzero(fold == number)
        rest = Examples.of(table[fold != number], arrays, classes, prepare)
        nothing = Examples.of(table[:0], arrays, classes, prepare)
        for seed in seeds:
            network, _ = train_seed(settings, len(classes), rest, nothing, seed, progress)
            found[held] += probabilities(network, arrays, rows[held], prepare, BATCH) / len(seeds)
    return found


def pixels(table: pd.DataFrame, arrays: np.ndarray, prepare: Prepare) -> np.ndarray:
    """Return the inputs at most SIDE pixels wide and high, as rows (n x values, float32)."""
    size = (min(arrays.shape[1], SIDE), min(arrays.shape[2], SIDE))
    rows = packed_rows(table)
    batches = (prepare(torch.from_numpy(arrays[rows[i : i + BATCH]])) for i in range(0, len(rows), BATCH))
    return torch.cat([torch.nn.functional.adaptive_avg_pool2d(batch, size).flatten(1) for batch in batches]).numpy()


def main() -> None:
    """Write reports/suspects.csv and reports/audit.json."""
    settings = load()
    silence()
    audit = settings.audit
    torch.set_num_threads(settings.model.threads)
    arrays = np.load(ARRAYS, mmap_mode="r", allow_pickle=False)
    classes = read_table(CLASSES)["class"].to_list()
    if len(classes) < 2:
        raise Refusal("The audit needs two classes or more; with one there is no other label to suspect.")
    table = read_examples()
    table = table[counts(table)].reset_index(drop=True)
    asked = table[table["split"] != "test"]
    model, wrong = by_model(asked, classes, out_of_fold(asked, arrays, classes, settings))
    names = chosen(pass_names(PASSES), settings.data.passes)
    edits = [read_pass(PASSES, name).edits.assign(number=number) for number, name in enumerate(names)]
    empty = pd.DataFrame(columns=[*COLUMNS, "number"], dtype="str")
    state = reviewed(pd.concat(edits, ignore_index=True) if edits else empty, table, definition(read_book()))
    evidence = [
        model.reindex(table.index).fillna({"suggested": "", "reason": ""}),
        by_copies(table, pixels(table, arrays, make(settings.data.inputs, "data: inputs").prepare), audit.near),
        by_annotators(table, read_annotations()),
    ]
    found = queue(table, evidence, state, audit.limit, audit.test_sample)
    write_table(found, SUSPECTS)
    estimate = int((wrong & (state.loc[asked.index] != KEPT)).sum())
    size = {name: int((found["queue"] == name).sum()) for name in (TRAINING, TEST, SAMPLE)}
    known = round(float((model["suggested"] == "").mean()), 6)
    numbers = {"wrong_labels": estimate, "audited": len(asked), "suspects": size[TRAINING]}
    write_json(numbers | {"out_of_fold_accuracy": known}, AUDIT)
    print(
        f"up to {estimate:,} of {len(asked):,} labels for training and validation look wrong ({estimate / len(asked):.1%}) to "
        f"a model that gives {known:.1%} of them without having seen them; {size[TRAINING]:,} suspects, worst first, and a "
        f"random sample of {size[SAMPLE]:,} test examples"
        + f", {size[TEST]:,} more of them contradicted"
        * (size[TEST] > 0)
    )


if __name__ == "__main__":
    run("audit", main)
