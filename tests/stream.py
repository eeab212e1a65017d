"""A *simulated* stream of production for an embedded example, with a known change; for tests and the demo.

`python tests/stream.py FOLDER` in a project writes inputs without labels into FOLDER, and their true labels beside it, into
`FOLDER-truth.csv`, which stand in for what a labeller would see.

- images: a third of the digits is of a new writer, who slants and presses on, seen by a camera that adds noise.
- tables: two fifths of the tumours are measured by an instrument that reads sizes 15 % larger.
- texts: a sixth of the messages is of a subject that appears: people who want to cancel.

What did not change is made like the example's own data: texts by the same generator, digits and tumours from training rows that
are moved a little, so that none is a copy.
"""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter
from sklearn.datasets import load_digits

from datapass.files.paths import RAW
from datapass.files.tables import read_table, write_table
from datapass.settings import load

NUMBER, LARGE = 600, 4  # inputs; times as many pixels a side while a digit is moved
CANCELS = (
    "I want to cancel the order|please stop the subscription|take me off the list|I no longer want it|undo my purchase"
)
WHY = "I found it cheaper elsewhere|I ordered by mistake|we are moving abroad|my plans changed|it takes too long for me|it was a gift"


def training_rows() -> np.ndarray:
    """Return the places of the training rows of the example in scikit-learn's data set (n, int)."""
    raw = read_table(RAW / "labels.csv")
    own = raw["split"].eq("train") & ~raw["id"].str.contains("/")
    return raw.loc[own, "id"].str.rpartition("-")[2].astype(int).to_numpy()


def moved(pixels: np.ndarray, rng: np.random.Generator, slant: float, bold: bool, noise: float) -> Image.Image:
    """Return a digit (8 x 8, 0 to 255) turned and moved a little, by a writer who slants and presses on, with noise."""
    large = Image.fromarray(pixels).resize((8 * LARGE, 8 * LARGE), Image.Resampling.BICUBIC)
    large = large.filter(ImageFilter.MaxFilter(3)) if bold else large
    turn, x, y = rng.normal(0, 0.02), *rng.normal(0, 0.15 * LARGE, 2)
    half = 4 * LARGE
    matrix = (1, slant + turn, x - (slant + turn) * half, -turn, 1, y + turn * half)
    large = large.transform(large.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    small = large.resize((8, 8), Image.Resampling.BOX)
    # What scaling up and down takes away is put back, else every digit would look blurred.
    sharp = 1.5 * np.asarray(small, float) - 0.5 * np.asarray(small.filter(ImageFilter.GaussianBlur(1)), float)
    return Image.fromarray(np.clip(sharp + rng.normal(0, noise, (8, 8)), 0, 255).round().astype(np.uint8))


def images(folder: Path, rng: np.random.Generator) -> pd.DataFrame:
    """Write PNG files; return file and truth."""
    digits, rows = load_digits(), training_rows()
    chosen = rng.choice(rows, NUMBER)
    new = rng.random(NUMBER) < 1 / 3
    names = [f"scan-{number:04}.png" for number in range(NUMBER)]
    for name, row, writer in zip(names, chosen, new, strict=True):
        pixels = np.rint(digits.images[row] * (255 / 16)).astype(np.uint8)
        change = (rng.normal(0.45, 0.08), True, 24.0) if writer else (0.0, False, 0.0)
        moved(pixels, rng, *change).save(folder / name)
    return pd.DataFrame(
        {"id": [name.removesuffix(".png") for name in names], "label": digits.target[chosen].astype(str), "new": new}
    )


def tables(folder: Path, rng: np.random.Generator, package: str) -> pd.DataFrame:
    """Write rows.csv; return the rows' names and truth."""
    features, truth = import_module(f"{package}.example").tumours()
    chosen = rng.choice(training_rows(), NUMBER)
    found = features.iloc[chosen].reset_index(drop=True)
    found += rng.normal(0, 0.05, found.shape) * features.std().to_numpy()
    new = rng.random(NUMBER) < 0.4
    sizes = [name for name in found if name.endswith(("radius", "perimeter", "area"))]
    found.loc[new, sizes] *= 1.15
    ids = [f"visit-{number:04}" for number in range(NUMBER)]
    write_table(found.round(6).astype("str").assign(id=ids), folder / "rows.csv")
    return pd.DataFrame({"id": ids, "label": truth.iloc[chosen].to_numpy(), "new": new})


def texts(folder: Path, rng: np.random.Generator, package: str) -> pd.DataFrame:
    """Write messages.csv; return the messages' names and truth, which is empty for the subject that no class is for."""
    made = import_module(f"{package}.example").messages(NUMBER, int(rng.integers(1 << 30)))
    new = rng.random(NUMBER) < 1 / 6
    said = [rng.choice(parts.split("|"), int(new.sum())).astype(object) for parts in (CANCELS, WHY, CANCELS, WHY)]
    orders = rng.integers(10, 99999, int(new.sum())).astype(str).astype(object)
    made.loc[new, "text"] = "hello, " + said[0] + ", " + said[1] + ", order " + orders + ", " + said[2] + ", " + said[3]
    made.loc[new, "language"] = "en"
    ids = [f"ticket-{number:04}" for number in range(NUMBER)]
    made.insert(0, "id", ids)
    write_table(made[["id", "text", "language"]], folder / "messages.csv")
    return pd.DataFrame({"id": ids, "label": made["subject"].mask(new, ""), "new": new})


def main(folder: Path, seed: int = 1) -> None:
    """Write the stream of the project in the working directory, and say what it is."""
    package, _, kind = load().data.inputs["_target_"].partition(".inputs.")
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    make = {
        "Images": lambda: images(folder, rng),
        "Table": lambda: tables(folder, rng, package),
        "Texts": lambda: texts(folder, rng, package),
    }
    truth = make[kind]()
    write_table(truth.astype("str"), folder.with_name(f"{folder.name}-truth.csv"))
    print(
        f"{folder.as_posix()}/: {len(truth):,} inputs without labels, simulated; {truth['new'].sum():,} of them are of a new kind"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
