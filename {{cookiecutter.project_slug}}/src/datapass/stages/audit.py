"""Find the labels that look wrong: ask the frozen model about examples it has not trained on, copies and annotators."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..annotators.annotations import read_annotations
from ..data.examples import counts, packed_rows, read_examples
from ..data.label_book import read_book
from ..data.packed import read_packed
from ..data.passes import COLUMNS, chosen, pass_names, read_pass
from ..executors.run import answers
from ..files.paths import ARRAYS, AUDIT, CLASSES, PASSES, SUSPECTS
from ..files.tables import read_table, write_table
from ..files.writes import write_json
from ..messages.problems import Refusal
from ..messages.progress import Progress
from ..review.suspects import (
    KEPT,
    MOST,
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
from ..training.models import Trainer, steps, trainer
from .frame import run

BATCH, SIDE = 1024, 16  # inputs at a time; pixels of a side at which copies are compared


class Folds:
    """The training without a fold, and what the model answers about it, of the workspace's data.

    Args:
        settings: of the training.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.inputs = settings, make(settings.data.inputs, "data: inputs")
        self.classes, self.packed = read_table(CLASSES)["class"].to_list(), read_packed()
        self.table = audited(read_examples())
        self.fold, self.trains = folds(self.table, settings.audit.folds), dict[int, Trainer]()

    def __call__(self, request: dict[str, Any], progress: Progress, folder: Path) -> dict[str, Any]:
        """Train the `seed` of a request without its `fold`, and write the class probabilities of the fold into `folder`."""
        number, empty = request["fold"], self.table[:0]
        if number not in self.trains:
            part = self.table[self.fold != number]
            self.trains = {number: trainer(self.settings, self.packed, self.inputs, self.classes, part, empty)}
        trained, _ = self.trains[number].train(request["seed"], progress)
        held = packed_rows(self.table)[self.fold == number]
        np.save(folder / "probabilities.npy", trained.probabilities(self.packed, held, BATCH), allow_pickle=False)
        return {"file": "probabilities.npy"}


def out_of_fold(table: pd.DataFrame, classes: int, settings: Settings) -> np.ndarray:
    """Return class probabilities (n x classes) by the frozen model trained without the example's fold.

    Args:
        table: the examples to train on and to ask about, as `audited` gives them.
        classes: their number.
        settings: several seeds of `audit.seeds` are averaged.

    Raises:
        Refusal: where one fold holds all examples.
    """
    audit = settings.audit
    fold, seeds = folds(table, audit.folds), settings.seeds[: audit.seeds]
    used = np.unique(fold)
    if len(used) < 2 or not seeds:
        raise Refusal("The audit needs two folds that hold examples, and a seed: see `audit` in conf/config.yaml.")
    requests = [{"fold": int(number), "seed": seed} for number in used for seed in seeds]
    progress = Progress("audit", len(requests) * steps(settings))
    content = {number: one for number, (_, one) in answers("audit", requests, settings, progress, steps(settings))}
    found = np.zeros((len(table), classes))
    for number, request in enumerate(requests):
        found[fold == request["fold"]] += np.load(io.BytesIO(content[number]), allow_pickle=False) / len(seeds)
    return found


def audited(table: pd.DataFrame) -> pd.DataFrame:
    """Return the examples for training and validation that count."""
    return table[counts(table) & (table["split"] != "test")].reset_index(drop=True)


def pixels(table: pd.DataFrame, settings: Settings) -> np.ndarray | None:
    """Return images at most SIDE pixels wide and high, as rows (n x values, float32); None for other inputs."""
    packed, inputs = read_packed(), make(settings.data.inputs, "data: inputs")
    if isinstance(packed, pd.DataFrame) or packed.ndim != 4:
        return None
    import torch

    size = (min(packed.shape[1], SIDE), min(packed.shape[2], SIDE))
    rows = packed_rows(table)
    batches = (inputs.prepare(torch.from_numpy(packed[rows[i : i + BATCH]])) for i in range(0, len(rows), BATCH))
    return torch.cat([torch.nn.functional.adaptive_avg_pool2d(batch, size).flatten(1) for batch in batches]).numpy()


def main() -> None:
    """Write reports/suspects.csv and reports/audit.json."""
    settings = load()
    audit = settings.audit
    classes = read_table(CLASSES)["class"].to_list()
    if len(classes) < 2:
        raise Refusal("The audit needs two classes or more; with one there is no other label to suspect.")
    table = read_examples()
    table = table[counts(table)].reset_index(drop=True)
    asked = table[table["split"] != "test"]
    model, wrong = by_model(asked, classes, out_of_fold(audited(table), len(classes), settings))
    near = audit.near if ARRAYS.is_file() else 0.0  # rows and texts are compared by their hashes alone
    few = len(table) <= MOST
    names = chosen(pass_names(PASSES), settings.data.passes)
    edits = [read_pass(PASSES, name).edits.assign(number=number) for number, name in enumerate(names)]
    empty = pd.DataFrame(columns=[*COLUMNS, "number"], dtype="str")
    state = reviewed(pd.concat(edits, ignore_index=True) if edits else empty, table, definition(read_book()))
    evidence = [
        model.reindex(table.index).fillna({"suggested": "", "reason": ""}),
        by_copies(table, pixels(table, settings) if near and few else None, near),
        by_annotators(table, read_annotations()),
    ]
    found = queue(table, evidence, state, audit.limit, audit.test_sample)
    write_table(found, SUSPECTS)
    estimate = int((wrong & (state.loc[asked.index] != KEPT)).sum())
    size = {name: int((found["queue"] == name).sum()) for name in (TRAINING, TEST, SAMPLE)}
    known = round(float((model["suggested"] == "").mean()), 6)
    numbers = {"wrong_labels": estimate, "audited": len(asked), "suspects": size[TRAINING]}
    write_json(numbers | {"out_of_fold_accuracy": known}, AUDIT)
    most = " (`audit.limit` lists no more)" if size[TRAINING] == audit.limit else ""
    print(
        f"up to {estimate:,} of {len(asked):,} labels for training and validation look wrong ({estimate / len(asked):.1%}) to "
        f"a model that gives {known:.1%} of them without having seen them; {size[TRAINING]:,} suspects{most}, worst first, and a "
        f"random sample of {size[SAMPLE]:,} test examples"
        + f", {size[TEST]:,} more of them contradicted" * (size[TEST] > 0)
        + f"; equal inputs were compared as copies, and nearly equal ones not, as {len(table):,} examples are over {MOST:,}"
        * (near > 0 and not few)
    )


if __name__ == "__main__":
    run("audit", main)
