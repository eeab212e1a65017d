"""The embedded example: scikit-learn's handwritten digits, with *simulated* label noise.

1,797 real 8x8 digits (Alpaydin and Kaynak 1998, in scikit-learn): 797 for test, with their true labels, and 1,000 for
training and validation, of which a share is mislabelled systematically: each class tends to the class it looks most
like. `python -m <package>.stages.example` writes them as anyone's data would be, as PNG files and a table;
`python -m <package>.stages.example review` stands in for a careful person, who knows the true labels: it prints a pass
that corrects half of the wrong ones. `... review FILE` answers the first suspects of the audit instead, and writes what
the review page would save.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_digits

from datapass.files.paths import RAW
from datapass.files.tables import read_table, write_table
from datapass.files.writes import read_params, written
from datapass.messages.problems import Refusal
from datapass.stages.frame import complain, run

TEST, VALIDATION = 797, 150
MOST_LIKE = 0.8  # of the wrong labels name the class most like the true one, the others any class


def true_labels() -> pd.Series:
    """Return the true class of each example, indexed by id."""
    labels = load_digits().target.astype(str)
    return pd.Series(labels, index=[f"digit-{i:04}" for i in range(len(labels))], dtype="str")


def most_like(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return for each class 0..9 the class whose mean image is nearest to its own."""
    means = np.stack([images[labels == c].mean(axis=0).ravel() for c in range(10)])
    distance = np.linalg.norm(means[:, None] - means[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return distance.argmin(axis=1)


def main() -> None:
    """Write data/raw/labels.csv and data/raw/images/."""
    params = read_params()
    example = params["data"]["example"]
    rng = np.random.default_rng(example["seed"])
    digits = load_digits()
    truth = digits.target
    order = rng.permutation(len(truth))
    kept, noisy = order[:TEST], order[TEST:]
    given = truth.copy()
    wrong = rng.choice(noisy, round(example["noise"] * len(noisy)), replace=False)
    other = (truth[wrong] + rng.integers(1, 10, len(wrong))) % 10
    given[wrong] = np.where(rng.random(len(wrong)) < MOST_LIKE, most_like(digits.images, truth)[truth[wrong]], other)
    split = np.full(len(truth), "train", dtype=object)
    split[noisy[:VALIDATION]] = "validation"
    split[kept] = "test"
    ink = digits.images.mean(axis=(1, 2))
    ids = true_labels().index
    table = pd.DataFrame(
        {
            "id": ids,
            "label": given.astype(str),
            "path": "images/" + ids + ".png",
            "split": split,
            "stroke": np.where(ink < np.quantile(ink, 0.25), "thin", "bold"),
        }
    )
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    strange = sorted({path.name for path in RAW.rglob("*") if path.is_file()} - {*table["path"].str[7:], "labels.csv"})
    if strange or ((RAW / "labels.csv").is_file() and set(read_table(RAW / "labels.csv")["id"]) != set(ids)):
        what = f"data/raw/ holds data that is not the example's ({strange[0] if strange else 'labels.csv'})"
        raise Refusal(f"{what}; delete the stage `example` from dvc.yaml, see README.md, Your own data.")
    with written(RAW) as raw:
        (raw / "images").mkdir(parents=True)
        for path, image in zip(table["path"], pixels, strict=True):
            Image.fromarray(image).save(raw / path)
        write_table(table, raw / "labels.csv")
    print(
        f"{len(table):,} digits; {len(wrong)} of the {len(noisy):,} labels for training and validation are simulated "
        "errors"
    )


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
        "reason": "wrong digit",
        "by": "simulated",
    }
    return pd.DataFrame(edits, index=pd.Index(picked, name="id")).reset_index()


def answer(queue: pd.DataFrame, key: str, most: int = 120) -> pd.DataFrame:
    """Return what a careful person answers to the first suspects of a queue, as the review page saves it.

    Args:
        queue: see `labels.review.read_queue`.
        key: see `labels.review.queue_key`.
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
    from datapass.review.page import queue_key, read_queue  # the stage itself has no need of it

    answers = answer(read_queue(), queue_key())
    write_table(answers, file)
    wrong = int((answers["action"] == "relabel").sum())
    print(f"{file.as_posix()}: {len(answers):,} suspects reviewed, {wrong:,} of their labels were wrong")


if __name__ == "__main__":
    if sys.argv[1:] == ["review"]:
        review().to_csv(sys.stdout, index=False, lineterminator="\n")
    elif sys.argv[1:2] == ["review"] and len(sys.argv) == 3:
        try:
            save_answers(Path(sys.argv[2]))
        except Refusal as refusal:
            sys.exit(complain(str(refusal)))
    else:
        run("example", main)
