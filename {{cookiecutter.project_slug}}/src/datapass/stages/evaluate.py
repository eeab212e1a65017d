"""Ask each seed's model about the test set, and sum the answers up."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..comparison.crossed import units_of
from ..comparison.f_score import macro_f1
from ..comparison.metric import ACCURACY, MACRO_F1, Metric
from ..comparison.statistics import recall
from ..data.examples import counts, packed_rows, read_examples
from ..data.packed import confirm, read_packed
from ..files.paths import CLASSES, DATA, METRICS, MODELS, PREDICTIONS, TEST
from ..files.tables import read_table, write_table
from ..files.writes import write_json, written
from ..messages.problems import Refusal
from ..settings import load, make
from ..training.encoding import digest
from ..training.models import Trained, load_models, votes
from .frame import run

PROBABILITIES, BY_CLASS = Path("reports/probabilities.npy"), Path("reports/classes.csv")


def main() -> None:
    """Write metrics.json, reports/predictions.csv, reports/classes.csv and reports/probabilities.npy."""
    settings = load()
    inputs = make(settings.data.inputs, "data: inputs")
    classes = read_table(CLASSES)["class"].to_list()
    chosen = Metric.read(settings.evaluate.model_dump())
    chosen.check(classes)
    test = read_examples([TEST])
    rows, packed = packed_rows(test), read_packed()
    confirm(packed, test)
    models = load_models(MODELS, settings, inputs)
    about = models[0].about
    if about["classes"] != classes:
        raise Refusal(f"{MODELS.as_posix()}/ knows other classes than {CLASSES.as_posix()}; run `dvc repro train`.")
    stacked = np.stack([model.probabilities(packed, rows, settings.evaluate.batch_size) for model in models])
    predicted = stacked.argmax(axis=2)  # (seeds, examples)
    names = np.array(classes, dtype=object)
    truth = test["label"].map({name: code for code, name in enumerate(classes)}).to_numpy(np.int64)

    table = pd.DataFrame({"id": test["id"], "label": test["label"], "predicted": names[votes(predicted, len(classes))]})
    for model, codes in zip(models, predicted, strict=True):
        table[f"seed_{model.about['seed']}"] = names[codes]
    write_table(table, PREDICTIONS)
    with written(PROBABILITIES) as aside, aside.open("wb") as out:
        np.save(out, stacked.astype(np.float32), allow_pickle=False)
    # Dropped test examples are answered, so that a comparison can tell what dropping them did, and count for nothing.
    counted = counts(test).to_numpy()
    truth, predicted = truth[counted], predicted[:, counted]
    by_class = recall(truth, predicted, len(classes)).mean(axis=0)
    support = np.bincount(truth, minlength=len(classes))
    write_table(pd.DataFrame({"class": classes, "recall": by_class.round(6), "examples": support}), BY_CLASS)

    units = units_of(test)[counted]
    shown = {m.name: m.interval(truth, predicted, classes, units) for m in (Metric(ACCURACY), chosen)}
    data = json.loads(DATA.read_text(encoding="utf-8"))
    intervals: dict[str, Any] = {
        f"{name}{end}": value
        for name, found in shown.items()
        for end, value in (("", found.mean), ("_low", found.low), ("_high", found.high))
    }
    metrics = intervals | {
        MACRO_F1: float(macro_f1(truth, predicted, len(classes)).mean()),
        "train_examples": trained_on(models) or data["sets"]["train"]["examples"],
        "relabelled": data["edits"].get("relabel", 0),
        "dropped": data["edits"].get("drop", 0),
        "added": data["edits"].get("add", 0) + data["edits"].get("add-test", 0),
        "model": about["fingerprint"],
        "environment": about["environment"],
    }
    encoders = [model.encoders for model in models if model.encoders]
    if encoders:
        metrics["encoders"] = digest(encoders)
    rounded = {name: round(v, 6) if isinstance(v, float) and np.isfinite(v) else v for name, v in metrics.items()}
    write_json({name: None if v != v else v for name, v in rounded.items()}, METRICS)
    said = [
        f"{Metric(name).label} {found.mean:.4f} ({found.low:.4f} to {found.high:.4f})" for name, found in shown.items()
    ]
    print(f"{', '.join(said)}, {len(models)} seeds, {counted.sum():,} examples")


def trained_on(models: list[Trained]) -> int | None:
    """Return how many examples each seed trained on, rounded where groups make it differ; None where that is all."""
    numbers = [model.about["train_examples"] for model in models if "train_examples" in model.about]
    return round(np.mean(numbers)) if numbers else None


if __name__ == "__main__":
    run("evaluate", main)
