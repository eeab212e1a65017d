"""The embedded example: measurements of breast tumours, with *simulated* label noise. Delete it with its stage.

569 real rows of 30 numbers (Wolberg, Street and Mangasarian 1995, in scikit-learn): 200 for test, with their true labels,
and 369 for training and validation, of which a share is mislabelled systematically: most of the wrong labels call a
malignant tumour benign. They are written as anyone's data would be, as a table of labels and a table of features.
"""

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from datapass.files.paths import RAW
from datapass.files.tables import read_table, write_table
from datapass.files.writes import written
from datapass.messages.problems import Refusal
from datapass.settings import load
from datapass.stages.frame import run

TEST, VALIDATION = 200, 60
MISSED = 0.8  # of the wrong labels call a malignant tumour benign, the others a benign one malignant


def tumours() -> tuple[pd.DataFrame, pd.Series]:
    """Return the features (569 x 30), named as in conf/data, and the true labels, in the order of scikit-learn."""
    found = load_breast_cancer(as_frame=True)
    names = [name.removesuffix(" error").replace(" ", "_") for name in found.data]
    named = [
        f"error_of_{name}" if old.endswith(" error") else name for name, old in zip(names, found.data, strict=True)
    ]
    return found.data.set_axis(named, axis=1), found.target.map(dict(enumerate(found.target_names))).astype("str")


def main() -> None:
    """Write data/raw/labels.csv and data/raw/features.csv."""
    example = load().data.example
    if example is None:
        raise Refusal("conf/data has no `example`; delete the stage `example` from dvc.yaml too.")
    rng = np.random.default_rng(example.seed)
    features, truth = tumours()
    order = rng.permutation(len(truth))
    noisy = order[TEST:]
    wrong = round(example.noise * len(noisy))
    chosen = []
    for name, number in (("malignant", round(MISSED * wrong)), ("benign", wrong - round(MISSED * wrong))):
        chosen.append(rng.choice(noisy[truth[noisy] == name], number, replace=False))
    given = truth.copy()
    rows = np.concatenate(chosen)
    given[rows] = truth[rows].map({"malignant": "benign", "benign": "malignant"})
    split = np.full(len(truth), "train", dtype=object)
    split[noisy[:VALIDATION]], split[order[:TEST]] = "validation", "test"
    ids = pd.Series([f"case-{number:03}" for number in range(len(truth))], dtype="str")
    small = features["mean_radius"] < features["mean_radius"].quantile(0.33)
    table = pd.DataFrame({"id": ids, "label": given, "split": split, "size": np.where(small, "small", "large")})
    strange = sorted({path.name for path in RAW.rglob("*") if path.is_file()} - {"labels.csv", "features.csv"})
    if strange or ((RAW / "labels.csv").is_file() and set(read_table(RAW / "labels.csv")["id"]) != set(ids)):
        what = f"data/raw/ holds data that is not the example's ({strange[0] if strange else 'labels.csv'})"
        raise Refusal(f"{what}; delete the stage `example` from dvc.yaml, see docs/own-data.md.")
    with written(RAW) as raw:
        raw.mkdir(parents=True)
        write_table(table, raw / "labels.csv")
        write_table(features.round(6).astype("str").assign(id=ids)[["id", *features]], raw / "features.csv")
    print(
        f"{len(table):,} tumours; {len(rows)} of the {len(noisy):,} labels for training and validation are simulated "
        "errors"
    )


if __name__ == "__main__":
    run("example", main)
