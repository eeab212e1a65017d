"""Stands in for a careful person who knows the true labels of an embedded example; for tests, demo and benchmarks.

`python tests/reviewer.py pass` prints the edits of a pass that corrects half of the wrong labels of the project in the working
directory; `python tests/reviewer.py answers FILE` answers the first suspects of its audit, and writes what the review page
would save; `python tests/reviewer.py labels DELIVERY TRUTH FILE` labels what was picked of a delivery, by a table of the truth.
"""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from datapass.data.next_pass import current_labels
from datapass.files.paths import RAW
from datapass.files.tables import read_table, write_table
from datapass.production.picked import read_picked
from datapass.review.page import queue_key, read_queue
from datapass.review.picked import key_of
from datapass.settings import load


def true_labels() -> pd.Series:
    """Return the true class of each example of the project in the working directory, indexed by id."""
    package, _, kind = load().data.inputs["_target_"].partition(".inputs.")
    if kind == "Images":
        labels = load_digits().target.astype(str)
        return pd.Series(labels, index=[f"digit-{i:04}" for i in range(len(labels))], dtype="str")
    example = import_module(f"{package}.example")
    labels = example.tumours()[1] if kind == "Table" else example.messages()["subject"]
    name = "case-{:03}" if kind == "Table" else "message-{:04}"
    return labels.set_axis([name.format(i) for i in range(len(labels))]).astype("str")


def review(share: float = 0.5) -> pd.DataFrame:
    """Return a pass that corrects this share of the wrong labels of data/raw/labels.csv, picked at random."""
    given = read_table(RAW / "labels.csv").set_index("id")["label"]
    truth = true_labels().loc[given.index]
    wrong = given.index[given != truth]
    picked = sorted(np.random.default_rng(1).choice(wrong, round(share * len(wrong)), replace=False))
    edits = {
        "action": "relabel",
        "label": truth[picked],
        "was": given[picked],
        "reason": "wrong label",
        "by": "simulated",
    }
    return pd.DataFrame(edits, index=pd.Index(picked, name="id")).reset_index()


def answer(queue: pd.DataFrame, key: str, most: int = 120) -> pd.DataFrame:
    """Return what a careful person answers to the first suspects of a queue, as the review page saves it.

    Args:
        queue: see `review.page.read_queue`.
        key: see `review.page.queue_key`.
        most: number of answers; the person stops there.
    """
    asked = queue.head(most).reset_index(drop=True)
    truth = true_labels().loc[asked["id"]].reset_index(drop=True)
    right = truth == asked["label"]
    mark = (" [review " + key + ", " + asked["mark"] + "]").where(right, f" [review {key}]")
    edits = {"action": np.where(right, "keep", "relabel"), "label": truth, "was": asked["label"]}
    return pd.DataFrame({"id": asked["id"]} | edits | {"reason": asked["reason"] + mark, "by": "simulated"})


def save_answers(file: Path) -> None:
    """Write the answers to reports/suspects.csv to a review file, and say how many labels were wrong."""
    answers = answer(read_queue(), queue_key())
    write_table(answers, file)
    wrong = int((answers["action"] == "relabel").sum())
    print(f"{file.as_posix()}: {len(answers):,} suspects reviewed, {wrong:,} of their labels were wrong")


def save_labels(name: str, truth: Path, file: Path) -> None:
    """Write the labels of what was picked of a delivery to a review file; what no class is for is not usable.

    Args:
        truth: a table of id, without the delivery's name, and label.
    """
    picked = read_picked(name)
    known = read_table(truth).set_index("id")["label"]
    label = known.loc[picked["id"].str.removeprefix(f"{name}/")].reset_index(drop=True)
    mark = f"[review {key_of(picked, current_labels()[1])}]"
    action = pd.Series(np.where(label == "", "drop", "label"), dtype="str")
    edits = {"id": picked["id"], "action": action, "label": label, "was": "", "reason": mark, "by": "simulated"}
    write_table(pd.DataFrame(edits), file)
    print(f"{file.as_posix()}: {len(picked):,} inputs labelled by the simulated truth")


if __name__ == "__main__":
    if sys.argv[1:] == ["pass"]:
        review().to_csv(sys.stdout, index=False, lineterminator="\n")
    elif sys.argv[1:2] == ["answers"] and len(sys.argv) == 3:
        save_answers(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["labels"] and len(sys.argv) == 5:
        save_labels(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        sys.exit(__doc__)
