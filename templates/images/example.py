"""The embedded example: scikit-learn's handwritten digits, with *simulated* label noise. Delete it with its stage.

1,797 real 8x8 digits (Alpaydin and Kaynak 1998, in scikit-learn): 797 for test, with their true labels, and 1,000 for
training and validation, of which a share is mislabelled systematically: each class tends to the class it looks most
like. They are written as anyone's data would be, as PNG files and a table.
"""

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_digits

from datapass.files.paths import RAW
from datapass.files.tables import read_table, write_table
from datapass.files.writes import written
from datapass.messages.problems import Refusal
from datapass.settings import load
from datapass.stages.frame import run

TEST, VALIDATION = 797, 150
MOST_LIKE = 0.8  # of the wrong labels name the class most like the true one, the others any class


def most_like(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return for each class 0..9 the class whose mean image is nearest to its own."""
    means = np.stack([images[labels == c].mean(axis=0).ravel() for c in range(10)])
    distance = np.linalg.norm(means[:, None] - means[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return distance.argmin(axis=1)


def main() -> None:
    """Write data/raw/labels.csv and data/raw/images/."""
    example = load().data.example
    if example is None:
        raise Refusal("conf/data has no `example`; delete the stage `example` from dvc.yaml too.")
    rng = np.random.default_rng(example.seed)
    digits = load_digits()
    truth = digits.target
    order = rng.permutation(len(truth))
    kept, noisy = order[:TEST], order[TEST:]
    given = truth.copy()
    wrong = rng.choice(noisy, round(example.noise * len(noisy)), replace=False)
    other = (truth[wrong] + rng.integers(1, 10, len(wrong))) % 10
    given[wrong] = np.where(rng.random(len(wrong)) < MOST_LIKE, most_like(digits.images, truth)[truth[wrong]], other)
    split = np.full(len(truth), "train", dtype=object)
    split[noisy[:VALIDATION]] = "validation"
    split[kept] = "test"
    ink = digits.images.mean(axis=(1, 2))
    ids = pd.Series([f"digit-{number:04}" for number in range(len(truth))], dtype="str")
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
        raise Refusal(f"{what}; delete the stage `example` from dvc.yaml, see docs/own-data.md.")
    with written(RAW) as raw:
        (raw / "images").mkdir(parents=True)
        for path, image in zip(table["path"], pixels, strict=True):
            Image.fromarray(image).save(raw / path)
        write_table(table, raw / "labels.csv")
    print(
        f"{len(table):,} digits; {len(wrong)} of the {len(noisy):,} labels for training and validation are simulated "
        "errors"
    )


if __name__ == "__main__":
    run("example", main)
