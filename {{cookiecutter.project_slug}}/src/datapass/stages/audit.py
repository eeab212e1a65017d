"""Find the labels that look wrong: ask the frozen model about examples it has not trained on, copies and annotators."""

import io

import numpy as np
import pandas as pd

from ..annotators.annotations import read_annotations
from ..data.examples import counts, packed_rows, read_examples
from ..data.label_book import read_book
from ..data.packed import confirm, read_packed
from ..data.passes import COLUMNS, chosen, pass_names, read_pass
from ..executors.run import answers
from ..files.paths import AUDIT, CLASSES, PASSES, SUSPECTS, VALUES
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
    queue,
    reviewed,
)
from ..settings import Settings, load, make
from ..training.models import steps
from .folds import KeptFolds, audited, folds, requests
from .frame import run
from .kept import Kept

BATCH, SIDE = 1024, 16  # inputs at a time; pixels of a side at which copies are compared


def out_of_fold(classes: int, settings: Settings) -> np.ndarray:
    """Return class probabilities (n x classes) of the `audited` examples, by the frozen model trained without their fold.

    Args:
        classes: their number.
        settings: several seeds of `audit.seeds` are averaged.

    Raises:
        Refusal: where one fold holds all examples.
    """
    table = audited()
    fold = folds(table, settings.audit.folds)
    used = np.unique(fold)
    if len(used) < 2:
        raise Refusal("The audit needs two folds that hold examples: see `audit` in conf/config.yaml.")
    kept, wanted = KeptFolds(Kept(settings)), requests(settings, used.tolist())
    confirm(read_packed(), table)
    content = dict[int, np.ndarray]()
    for number, request in enumerate(wanted):
        found = kept.take(request, (int((fold == request["fold"]).sum()), classes))
        content |= {} if found is None else {number: found}
    if content:
        print(f"{len(content)} of {len(wanted)} trainings without a fold were done before and are taken over")
    missing = [number for number in range(len(wanted)) if number not in content]
    if missing:
        progress = Progress("audit", len(missing) * steps(settings))
        asked = [wanted[number] for number in missing]
        for place, (_, answer) in answers("audit", asked, settings, progress, steps(settings)):
            content[missing[place]] = np.load(io.BytesIO(answer), allow_pickle=False)
            kept.put(asked[place], answer)
    kept.tidy()
    total = np.zeros((len(fold), classes))
    for number, request in enumerate(wanted):
        total[fold == request["fold"]] += content[number]
    return total / len({request["seed"] for request in wanted})


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
    model, wrong = by_model(asked, classes, out_of_fold(len(classes), settings))
    near = 0.0 if VALUES.is_file() else audit.near  # rows and texts are compared by their hashes alone
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
