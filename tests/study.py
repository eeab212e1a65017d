"""Is cleaning 500 examples of which 12 % are mislabelled worth 500 more? `make study` (ARGS="--model mlp": four minutes of one core).

Fashion-MNIST, the shipped image model. Each seed draws its own 500 training images and its own wrong labels, of two kinds: any
other class (uniform), or mostly the class it looks most like (systematic), as in the embedded example. The clean curve is
trained on nested subsets and read off by the code of `datapass worth`. Test labels are right. Writes docs/study.md's table
and picture.
"""

import argparse
import math
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from omegaconf import OmegaConf
from playwright.sync_api import sync_playwright

from bench_images import CLASSES, EXAMPLE, FASHION, NOISE, Bench, Set, need
from bench_images import fashion_part as part
from browser import find
from conftest import ROOT
from datapass.comparison.metric import Metric
from datapass.comparison.statistics import Interval
from datapass.decisions.curve import Ratio, monotone, ratio
from datapass.decisions.ladder import sizes
from datapass.report import charts
from datapass.report.html import html
from datapass.report.sections import Curves, Report, Section
from datapass.training.fit import silence
from datapass.training.order import subset

N, TEST = 500, 2000
LADDER = [*sizes(N)[::-1], N]
OLD = [N // 4, N // 2, N]  # sizes of the mislabelled data, for the picture
KINDS = ("uniform", "systematic")


def mislabelled(images: np.ndarray, truth: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Return the labels (n) with NOISE of them made wrong."""
    wrong = rng.choice(len(truth), round(NOISE * len(truth)), replace=False)
    given, other = truth.copy(), (truth[wrong] + rng.integers(1, 10, len(wrong))) % 10
    like = EXAMPLE.most_like(images.astype(float), truth)[truth[wrong]]
    systematic = kind == "systematic"
    given[wrong] = np.where(systematic & (rng.random(len(wrong)) < EXAMPLE.MOST_LIKE), like, other)
    return given


def trained(bench: Bench, labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Return the answers to the test images (m) of one seed's network, trained on its subset of this size."""
    table = bench.images.table(["train"], labels)
    network = bench.train(subset(table, None if size == N else size, seed), seed)
    return bench.ask(network, np.flatnonzero(bench.images.part == "test")).argmax(axis=1)


def one_seed(
    model: dict[str, Any], seed: int, pool: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> dict[str, dict[int, np.ndarray]]:
    """Return the answers by data (clean or a kind of noise) and size."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(pool[0]), N, replace=False)
    images, truth = np.concatenate([pool[0][rows], test[0]]), np.concatenate([pool[1][rows], test[1]])
    drawn = Set(images, truth, truth, np.array(["train"] * N + ["test"] * len(test[0])))
    bench = Bench(drawn, model, None)
    found = {"clean": {size: trained(bench, truth, size, seed) for size in LADDER}}
    for kind in KINDS:
        labels = np.concatenate([mislabelled(images[:N], truth[:N], kind, rng), test[1]])
        found[kind] = {size: trained(bench, labels, size, seed) for size in OLD}
    return found


def theory(kind: str) -> float:
    """Return the ratio of symmetric noise over K classes, (1 - rho K / (K - 1))^-2; noise to one class acts like K = 2."""
    k = 10 if kind == "uniform" else 2
    return (1 - NOISE * k / (k - 1)) ** -2


def shown(value: float, decimals: int) -> str:
    """Return a number; what lies beyond the ladder is not known."""
    return f"{value:,.{decimals}f}" if value < math.inf else "beyond the ladder"


def read_off(answers: dict[str, dict[int, np.ndarray]], kind: str, truth: np.ndarray) -> tuple[Ratio, list[Interval]]:
    """Return what cleaning is worth, and the gains of the clean ladder over the noisy data at full size."""
    gains = [Metric().gain(truth, answers[kind][N], answers["clean"][size], CLASSES) for size in LADDER]
    return ratio(LADDER, gains), gains


def block(answers: dict[str, dict[int, np.ndarray]], kind: str, truth: np.ndarray) -> Curves:
    """Return the picture of one kind of noise."""
    found, gains = read_off(answers, kind, truth)
    level = {data: {n: float((a == truth).mean()) for n, a in by_size.items()} for data, by_size in answers.items()}
    base = level[kind][N]
    clean = [
        charts.Point(n, level["clean"][n], base + g.low, base + g.high) for n, g in zip(LADDER, gains, strict=True)
    ]
    line = [base + gain for gain in monotone([g.mean for g in gains])]
    noisy = [charts.Point(n, level[kind][n]) for n in OLD]
    curves = [
        charts.Curve("all labels right", clean, line, charts.HELPS),
        charts.Curve(f"{NOISE:.0%} wrong, {kind}", noisy, [p.value for p in noisy], charts.HURTS),
    ]
    start = N / found.value if found.value < math.inf else math.nan
    times = f"{found.value:.2f} times the data" if found.value < math.inf else "beyond the ladder"
    distance = charts.Distance(start, N, base, times)
    caption = f"{kind.capitalize()} noise. Bars: the 95 % interval of the gain over the mislabelled {N}."
    return Curves(curves, caption, distance)


def shipped(name: str) -> dict[str, Any]:
    """Return conf/model of the images' template by its name."""
    text = (ROOT / "templates" / "images" / f"{name}.yaml").read_text(encoding="utf-8")
    made = OmegaConf.create({"model": yaml.safe_load(text.replace("{{ cookiecutter.__package }}", "digits"))})
    return OmegaConf.to_container(made, resolve=True)["model"]  # type: ignore[call-overload, index, no-any-return]


def main() -> None:
    """Train, then write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    models = {name: shipped(name) for name in ("cnn", "mlp")}
    parser.add_argument("--model", default="cnn", choices=list(models))
    chosen = parser.parse_args()
    number = chosen.seeds
    need([] if FASHION.is_dir() else [str(FASHION)])
    silence()
    torch.set_num_threads(1)
    pool, (pictures, right) = part("train", slice(None)), part("t10k", slice(TEST))
    seeds = []
    for seed in range(number):
        seeds.append(one_seed(models[chosen.model], seed, pool, (pictures, right)))
        print(f"seed {seed + 1} of {number}", file=sys.stderr, flush=True)
    answers = {
        data: {size: np.stack([one[data][size] for one in seeds]) for size in seeds[0][data]} for data in seeds[0]
    }
    lines = [
        "| noise | accuracy, 12 % wrong | all right | worth, times the data | examples more | theory |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for kind in KINDS:
        found, _ = read_off(answers, kind, right)
        levels = [f"{(answers[data][N] == right).mean():.1%}" for data in (kind, "clean")]
        times = [shown(end, 2) for end in found]
        more = [shown(N * (end - 1), 0) for end in found]
        lines.append(
            f"| {kind} | {' | '.join(levels)} | {times[0]} ({times[1]} to {times[2]}) | {more[0]} ({more[1]} to {more[2]}) | "
            f"{theory(kind):.2f} |"
        )
    lines.append(f"\n{number} seeds, {TEST:,} test images, the model `{chosen.model}`.")
    page = ROOT / "docs" / "study.md"
    text = re.sub(
        r"(<!-- table -->\n).*?(<!-- end -->)",
        lambda m: m[1] + "\n".join(lines) + "\n" + m[2],
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    page.write_text(text, encoding="utf-8")
    print("\n".join(lines))
    title = f"{N} examples of Fashion-MNIST, {NOISE:.0%} of the labels wrong, and cleaned"
    report = Report(title, {}, [Section(kind.capitalize(), [block(answers, kind, right)]) for kind in KINDS])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        made = Path(folder) / "study.html"
        made.write_text(html(report), encoding="utf-8")
        browser = play.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 700, "height": 400})
        tab.goto(made.as_uri())
        tab.screenshot(path=ROOT / "docs" / "study.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
