"""How good is the shipped image model, beside the one it replaced? `make bench-images` (about half an hour of one core).

Three image sets, in each of which 12 % of the labels for training and validation are wrong, systematically, as in the
embedded example: each class tends to the class it looks most like. Test labels are right. The model is chosen by validation
alone (`--choose`, which looks at no test row); docs/image-model.md has the tables and what was tried.

- fashion: Fashion-MNIST, of which 2,000 images train.
- numerals: the Roman numerals i to x in 41 hands, 2,000 images train. No hand is in two sets.
- digits: the embedded example as it is.
"""

import argparse
import gzip
import io
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from sklearn.datasets import load_digits

from conftest import params
from datapass.comparison.metric import Metric
from datapass.messages.progress import Progress
from datapass.review.suspects import by_model
from datapass.settings import Settings, check, make
from datapass.stages.folds import folds
from datapass.training.batches import Examples
from datapass.training.encoding import Encoding
from datapass.training.fit import silence, train_seed
from datapass.training.storage import probabilities

EXAMPLE = import_module("digits.example")  # the team's package as conftest made it importable
SIZES = {"train": 2000, "validation": 500, "test": 2000}
NOISE = 0.12
FASHION = Path("/usr/share/datasets/fashion-mnist")
FONTS = Path("/usr/share/fonts")
PACKAGES = (
    "dataset-fashion-mnist fonts-averia-gwf fonts-breip fonts-bwht fonts-cabinsketch fonts-comic-neue fonts-dancingscript "
    "fonts-dkg-handwriting fonts-dustin fonts-ecolier-court fonts-femkeklaver fonts-havana fonts-humor-sans fonts-isabella "
    "fonts-joscelyn fonts-kaushanscript fonts-kiloji fonts-klaudia-berenika fonts-klee fonts-kristi fonts-leckerli-one "
    "fonts-lobster fonts-lobstertwo fonts-okolaks fonts-radisnoir fonts-rufscript fonts-sjfonts "
    "fonts-yusei-magic"
)
HANDS = {  # fonts that look written, or drawn
    "train": "BecauseWeBuild-Regular BecauseWeLearn-Regular BecauseWeConnect-Regular BecauseWeCreate-Regular SteveHand dkg "
    "Breip DancingScript-Regular Kristi LeckerliOne-Regular Humor-Sans ComicNeue-Regular kiloji KleeOne-Regular Winks "
    "Ecolier-court Domestic_Manners It_wasn_t_me Isabella Klaudia Havana-Regular AveriaGWF-Regular CabinSketch-Regular "
    "okolaksRegular",
    "validation": "BecauseWeMentor-Regular femkeklaver lobster YuseiMagic-Regular Dustismo PenguinAttack",
    "test": "BecauseWeOrganize-Regular Delphine KaushanScript-Regular Rufscript010 kiloji_p KleeOne-SemiBold "
    "El_Abogado_Loco MarkedFool Joscelyn-Regular RadisSans-medium LobsterTwo-Italic",
}
NUMERALS = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"]
SIDE, CANVAS = 32, 128  # pixels of a numeral, and of what it is drawn on


@dataclass(frozen=True)
class Set:
    """Images (n, height, width, 1; uint8), the true class, the given one and the part of each (n)."""

    images: np.ndarray
    truth: np.ndarray
    given: np.ndarray
    part: np.ndarray

    def table(self, parts: list[str], labels: np.ndarray) -> pd.DataFrame:
        """Return examples as `curate` writes them, with these labels."""
        rows = np.flatnonzero(np.isin(self.part, parts))
        ids = [f"{row:05}" for row in rows]
        table = {"id": ids, "label": labels[rows].astype(str), "weight": "1", "row": rows, "input": ids}
        return pd.DataFrame(table).astype({"id": "str", "label": "str", "input": "str", "weight": "str"})

    @property
    def wrong(self) -> np.ndarray:
        """The rows whose given label is wrong."""
        return np.flatnonzero(self.given != self.truth)

    def cleaned(self) -> np.ndarray:
        """Return the given labels with half of the wrong ones put right."""
        labels, rows = self.given.copy(), np.random.default_rng(1).permutation(self.wrong)
        rows = rows[: len(rows) // 2]
        labels[rows] = self.truth[rows]
        return labels


def mislabelled(images: np.ndarray, truth: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return the labels with simulated errors outside the test set."""
    rng = np.random.default_rng(0)
    rows = np.flatnonzero(part != "test")
    wrong = rng.choice(rows, round(NOISE * len(rows)), replace=False)
    other = (truth[wrong] + rng.integers(1, 10, len(wrong))) % 10
    given = truth.copy()
    like = EXAMPLE.most_like(images[rows].astype(float), truth[rows])[truth[wrong]]
    given[wrong] = np.where(rng.random(len(wrong)) < EXAMPLE.MOST_LIKE, like, other)
    return given


def need(missing: list[str]) -> None:
    """Stop where something is not installed, and say how to."""
    if missing:
        sys.exit(f"{', '.join(missing)}: not installed; Debian has all of it: apt-get install {PACKAGES}")


def fashion_part(file: str, where: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return some images of Fashion-MNIST (n, 28, 28, 1; uint8) and their classes (n); `file` is train or t10k."""
    contents = [
        gzip.decompress((FASHION / f"{file}-{name}-ubyte.gz").read_bytes()) for name in ("images-idx3", "labels-idx1")
    ]
    pixels, codes = (
        np.frombuffer(content, np.uint8, -1, head) for content, head in zip(contents, (16, 8), strict=True)
    )
    return pixels.reshape(-1, 28, 28, 1)[where], codes[where].astype(np.int64)


def fashion() -> Set:
    """Fashion-MNIST: the first images of its training set, and the first of its test set."""
    parts = {"train": ("train", 0), "validation": ("train", SIZES["train"]), "test": ("t10k", 0)}
    need([] if FASHION.is_dir() else [str(FASHION)])
    images, truth, part = [], [], []
    for name, (file, start) in parts.items():
        found = fashion_part(file, slice(start, start + SIZES[name]))
        images.append(found[0])
        truth.append(found[1])
        part += [name] * SIZES[name]
    pictures, classes, parts_ = np.concatenate(images), np.concatenate(truth), np.array(part)
    return Set(pictures, classes, mislabelled(pictures, classes, parts_), parts_)


def numeral(text: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> np.ndarray:
    """Return one numeral as a grey image, dark on light: each stroke a little elsewhere, then turned, sheared and blurred."""
    canvas = Image.new("L", (2 * CANVAS, 2 * CANVAS))
    draw, x = ImageDraw.Draw(canvas), 30.0
    for letter in text:
        draw.text((x + rng.normal(0, 1.5), 60 + rng.normal(0, 4)), letter, 255, font)
        x += font.getlength(letter) * rng.uniform(0.85, 1.25) + rng.uniform(0, 5)
    box = canvas.getbbox()
    if box is None:
        raise ValueError("an empty numeral")
    ink = canvas.crop(box)
    high = rng.uniform(0.45, 0.85) * CANVAS
    scale = min(high / ink.height, 0.95 * CANVAS / ink.width) * np.array([rng.uniform(0.75, 1.1), 1.0])
    ink = ink.resize((max(1, round(ink.width * scale[0])), max(1, round(ink.height * scale[1]))))
    page = Image.new("L", (CANVAS, CANVAS))
    room = CANVAS - ink.width, CANVAS - ink.height
    page.paste(ink, tuple(int(r / 2 + rng.uniform(-0.4, 0.4) * r) for r in room))
    angle, shear = np.deg2rad(rng.normal(0, 10)), rng.normal(0, 0.15)
    turn = np.array([[np.cos(angle), np.sin(angle) + shear], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([CANVAS / 2, CANVAS / 2])
    moved = middle - turn @ middle
    page = page.transform(
        page.size, Image.Transform.AFFINE, (*turn[0], moved[0], *turn[1], moved[1]), Image.Resampling.BILINEAR
    )
    thick = int(rng.integers(0, 4))
    page = page.filter(ImageFilter.MaxFilter(2 * thick + 1)) if thick else page
    small = np.asarray(page.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=float) / 255
    paper, pen = rng.uniform(170, 255), rng.uniform(0, 90)
    return (paper + (pen - paper) * small + rng.normal(0, 12, small.shape)).clip(0, 255).astype(np.uint8)


def numerals() -> Set:
    """Roman numerals, small and capital, in hands that are in one part each."""
    files = {path.stem: path for path in FONTS.rglob("*.[ot]tf")}
    need([hand for hands in HANDS.values() for hand in hands.split() if hand not in files])
    images, truth, part = [], [], []
    for number, (name, hands) in enumerate(HANDS.items()):
        rng = np.random.default_rng(number)
        fonts = [ImageFont.truetype(files[hand], 72) for hand in hands.split()]
        for row in range(SIZES[name]):
            code = int(rng.integers(10))
            text = NUMERALS[code] if rng.random() < 0.7 else NUMERALS[code].upper()
            images.append(numeral(text, fonts[row % len(fonts)], rng))
            truth.append(code)
            part.append(name)
    pictures, classes, parts = np.stack(images)[..., None], np.array(truth), np.array(part)
    return Set(pictures, classes, mislabelled(pictures, classes, parts), parts)


def digits() -> Set:
    """The embedded example: the same rows and the same wrong labels."""
    data = load_digits()
    rng = np.random.default_rng(0)
    order = rng.permutation(len(data.target))
    part = np.full(len(order), "train", dtype="<U10")
    part[order[:797]], part[order[797:947]] = "test", "validation"
    given, noisy = data.target.copy(), order[797:]
    wrong = rng.choice(noisy, round(NOISE * len(noisy)), replace=False)
    other = (data.target[wrong] + rng.integers(1, 10, len(wrong))) % 10
    like = EXAMPLE.most_like(data.images, data.target)[data.target[wrong]]
    given[wrong] = np.where(rng.random(len(wrong)) < EXAMPLE.MOST_LIKE, like, other)
    return Set(np.rint(data.images * (255 / 16)).astype(np.uint8)[..., None], data.target, given, part)


SETS: dict[str, Callable[[], Set]] = {"fashion": fashion, "numerals": numerals, "digits": digits}
CLASSES = [str(number) for number in range(10)]
SEEDS = [0, 1, 2, 3, 4]
LINEAR = {"_target_": "torch.nn.LazyLinear"}
BEFORE: dict[str, Any] = {  # the image model of the template until there was another
    "network": {
        "_target_": "torch.nn.Sequential",
        "_args_": [
            {"_target_": "torch.nn.Conv2d", "in_channels": 1, "out_channels": 16, "kernel_size": 3, "padding": 1},
            {"_target_": "torch.nn.ReLU"},
            {"_target_": "torch.nn.MaxPool2d", "kernel_size": 2},
            {"_target_": "torch.nn.Conv2d", "in_channels": 16, "out_channels": 32, "kernel_size": 3, "padding": 1},
            {"_target_": "torch.nn.ReLU"},
            {"_target_": "torch.nn.MaxPool2d", "kernel_size": 2},
            {"_target_": "torch.nn.Flatten"},
            LINEAR | {"out_features": 64},
            {"_target_": "torch.nn.ReLU"},
            LINEAR | {"out_features": 10},
        ],
    },
    "task": {
        "_target_": "digits.task.Classifier",
        "loss": {"_target_": "torch.nn.CrossEntropyLoss"},
        "optimizer": {
            "_target_": "torch.optim.AdamW",
            "_partial_": True,
            "lr": 0.002,
            "weight_decay": 0.01,
            "fused": True,
        },
        "schedule": None,
    },
    "steps": 800,
    "batch_size": 128,
    "callbacks": {},
}
MILD = {"_target_": "digits.inputs.Augment", "shift": 1, "rotate": 10, "scale": 0.1, "flip": False}
MODELS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {  # changes of conf/model, and conf/data/augment
    "before": (BEFORE, None),
    "after": ({}, None),
    "after, mild augmentation": ({}, MILD),
}


class Bench:
    """One model on one set: trains it as the stages do, and asks it."""

    def __init__(self, images: Set, model: dict[str, Any], augment: dict[str, Any] | None) -> None:
        given = params(augment=augment)
        given["model"] |= model
        self.settings: Settings = check(given)
        self.images = images
        shape = {"height": images.images.shape[1], "width": images.images.shape[2]}
        self.encoding = Encoding(make(self.settings.data.inputs | shape, "data: inputs"))
        self.seconds: list[float] = []

    def train(self, table: pd.DataFrame, seed: int) -> torch.nn.Module:
        """Train one network on the examples of a table."""
        train, none = (Examples.of(part, self.images.images, CLASSES, self.encoding) for part in (table, table.head(0)))
        start = time.process_time()
        progress = Progress("", self.settings.model.steps, io.StringIO())
        network, _ = train_seed(self.settings, len(CLASSES), train, none, seed, progress)
        self.seconds.append(time.process_time() - start)
        return network

    def ask(self, network: torch.nn.Module, rows: np.ndarray) -> np.ndarray:
        """Return class probabilities at some rows."""
        return probabilities(network, self.images.images, rows, self.encoding.prepare, 1000)

    def answers(self, labels: np.ndarray, part: str) -> np.ndarray:
        """Train each seed on these labels; return the answers on one part (S x n)."""
        rows, table = np.flatnonzero(self.images.part == part), self.images.table(["train"], labels)
        return np.stack([self.ask(self.train(table, seed), rows).argmax(axis=1) for seed in SEEDS])

    def precision(self) -> float:
        """Return the share of wrong labels among the first of the audit's ranking, as many as there are wrong ones."""
        table = self.images.table(["train", "validation"], self.images.given)
        fold = folds(table, 5)
        rows, found = table["row"].astype(int).to_numpy(), np.zeros((len(table), len(CLASSES)))
        for number in range(5):
            held = fold == number
            found[held] = self.ask(self.train(table[~held], SEEDS[0]), rows[held])
        margin = by_model(table, CLASSES, found)[0]["margin"].to_numpy()
        wrong = (self.images.given != self.images.truth)[rows]
        return float(wrong[np.argsort(margin, kind="stable")[: wrong.sum()]].mean())


def agreement(answers: np.ndarray) -> float:
    """Return the share of equal answers of two seeds, as a mean over the pairs (S x n)."""
    pairs = [(answers[i] == answers[j]).mean() for i in range(len(answers)) for j in range(i)]
    return float(np.mean(pairs))


def main() -> None:
    """Print a row of a Markdown table for each set and model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--choose", action="store_true", help="look at the validation rows alone, with their given labels"
    )
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    chosen = parser.parse_args()
    silence()
    torch.set_num_threads(1)
    shown = ["validation", "sd", "seeds agree", "s a seed"]
    shown = shown if chosen.choose else [*shown[:1], "test", *shown[1:], "gain", "half-width", "audit"]
    print(f"| set | model | {' | '.join(shown)} |\n|---|---|{'--:|' * len(shown)}", flush=True)
    for name in chosen.sets:
        images = SETS[name]()
        asked = ["validation"] if chosen.choose else ["validation", "test"]
        rows = {part: np.flatnonzero(images.part == part) for part in asked}
        for model in chosen.models:
            bench, given, truth = Bench(images, *MODELS[model]), images.given, images.truth
            table = images.table(["train"], given)
            networks = [bench.train(table, seed) for seed in SEEDS]
            said = {part: np.stack([bench.ask(n, rows[part]).argmax(axis=1) for n in networks]) for part in asked}
            right = {part: (said[part] == given[rows[part]]).mean(axis=1) for part in asked}
            part = asked[-1]
            cells = [f"{right['validation'].mean():.1%}", f"{100 * right[part].std(ddof=1):.2f}"]
            cells += [f"{agreement(said[part]):.1%}", f"{np.median(bench.seconds):.1f}"]
            print(f"{name}, {model}: {right[part].mean():.1%} of {part}, {cells}", file=sys.stderr, flush=True)
            if not chosen.choose:
                cleaned = bench.answers(images.cleaned(), "test")
                gain = Metric().gain(truth[rows["test"]], said["test"], cleaned, CLASSES)
                print(f"{name}, {model}: gain {gain}", file=sys.stderr, flush=True)
                cells.insert(1, f"{right['test'].mean():.1%}")
                cells += [f"{100 * gain.mean:+.2f}", f"{50 * (gain.high - gain.low):.2f}", f"{bench.precision():.1%}"]
            print(f"| {name} | {model} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
