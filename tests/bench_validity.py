"""How often the verdict is wrong, measured on real training: `make bench-validity` (minutes a set; all cores).

`python tests/bench_validity.py [SET ...]` takes other sets than the embedded images and Fashion-MNIST: `tables` and `texts`, the
other examples; `digits-perceptron` and `fashion-perceptron`, both image sets with a small network that trains in a tenth of
the time. `--pools DIR` keeps the models' answers for the next run, `--picture FILE` draws what docs/interval.md shows.

A pool of models is trained on the baseline and, with the same seeds, on two known relabellings; see `bench_pools`. Each
comparison draws its seeds from the pool and its test examples, with replacement, from the test set: so the truth is
known, 0 for two draws from the same data and the pools' difference for a relabelling, and both seeds and examples are
random, as they are for a user who asks whether a gain would be there again.

`worlds` is a set without training: parts of the variance that are given, from seeds that do not count to seeds that are all.

Beside the interval of the verdict stand others that were tried, and one that nobody can have: with the variance known, from
the whole pool. No valid interval is much narrower than that one.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from bench_pools import ARMS, SETS, pool
from datapass.comparison.crossed import Components, components, gain_arms
from datapass.comparison.f_score import f1_scores, macro_f1, macro_f1_interval
from datapass.comparison.statistics import Interval, t_interval

mpl.use("Agg")
from matplotlib import pyplot as plt

COMPARISONS, EXAMPLES = 1000, 2000  # EXAMPLES: of a test set, at most
FASHION = Path("/usr/share/datasets/fashion-mnist")
ALARMS, POSSIBLE = 0.08, "variance known"
VERDICT, UNPAIRED = "the verdict's", "the verdict's, seeds unpaired"
F1, F1_BEFORE = "macro-F1", "macro-F1 before"
LARGE = 1e9  # degrees of freedom


def unbiased(parts: Components, mean: float) -> Interval:
    """The variance without a seed part under 0 left out; degrees of freedom of the seeds' columns alone (Hillis 2007)."""
    n, seeds = parts.units, parts.seeds[0]
    columns = parts.columns[0] / (n * seeds)
    variance = columns + max(0.0, parts.rows / n - parts.rest[0] / (n * seeds))
    df = LARGE if columns == 0 else min(LARGE, variance**2 / (columns**2 / (seeds - 1)))
    return t_interval(mean, variance**0.5, df)


def few(parts: Components, mean: float) -> Interval:
    """The verdict's variance with the degrees of freedom of the seeds, as for clusters in two ways (Cameron 2011)."""
    return t_interval(mean, parts.interval(mean).se, parts.seeds[0] - 1)


def pigeonhole(parts: Components, mean: float) -> Interval:
    """What a bootstrap of examples and seeds at once gives (Owen 2007), normal: it counts the rest three times."""
    n, seeds = parts.units, parts.seeds[0]
    rest = parts.rest[0] / (n * seeds) * (n - 1) * (seeds - 1) / (n * seeds)
    columns = parts.columns[0] * (seeds - 1) / (n * seeds**2)
    return t_interval(mean, (parts.rows * (n - 1) / n**2 + columns + rest) ** 0.5, LARGE)


def examples_alone(parts: Components, mean: float) -> Interval:
    """As if the seeds were all there are."""
    return replace(parts, seeds=(1,)).interval(mean)


def seeds_alone(parts: Components, mean: float) -> Interval:
    """As if the test examples were all there are: a paired t test over the seeds."""
    return t_interval(mean, (parts.columns[0] / (parts.units * parts.seeds[0])) ** 0.5, parts.seeds[0] - 1)


def f1_before(parts: Components, mean: float) -> Interval:
    """As macro-F1 had it: the examples' variance plus that between seeds, at S - 1 degrees of freedom.

    There the examples' variance was a bootstrap's; this is the same without the chance in it.
    """
    between = parts.columns[0] / (parts.units * parts.seeds[0])
    return t_interval(mean, (parts.rows / parts.units + between) ** 0.5, parts.seeds[0] - 1)


METHODS: dict[str, Callable[[Components, float], Interval]] = {
    VERDICT: Components.interval,
    "unbiased variance (Hillis)": unbiased,
    "df of the seeds": few,
    "bootstrap in two ways": pigeonhole,
    "examples alone": examples_alone,
    "seeds alone": seeds_alone,
}


def spread(whole: np.ndarray, units: int, seeds: int) -> float:
    """Return the standard error of a mean over so many examples and seeds drawn from a pool of differences (n x models)."""
    parts, (n, models) = components([whole]), whole.shape
    rest = parts.rest[0]
    return float(np.sqrt((parts.rows - rest / models + rest / seeds) / units + parts.columns[0] / (n * seeds)))


def compare(answers: dict[str, np.ndarray], seeds: int, comparisons: int) -> pd.DataFrame:
    """Return a row for each comparison and method: method, arm, truth, mean, low, high.

    Arms: `nothing` (two draws of seeds of the baseline), `nothing, one test set` (the same on a fixed test set), and the
    relabellings.
    """
    truth, rng, found = answers["truth"], np.random.default_rng(0), []
    models, classes, size = len(answers["baseline"]), int(truth.max()) + 1, min(len(truth), EXAMPLES)
    right = {arm: (answers[arm] == truth).T.astype(float) for arm in ARMS}
    effects = {arm: float(right[arm].mean() - right["baseline"].mean()) for arm in ARMS}
    f1 = {arm: float(macro_f1(truth, answers[arm], classes).mean()) for arm in ARMS}
    shuffled = right["baseline"][:, rng.permutation(models)] - right["baseline"]
    known = {arm: spread(right[arm] - right["baseline"], size, seeds) for arm in ARMS[1:]}
    known["nothing"] = spread(shuffled, size, seeds)

    def add(method: str, arm: str, true: float, interval: Interval) -> None:
        found.append((method, arm, true, interval.mean, interval.low, interval.high))

    for _ in range(comparisons):
        drawn = rng.choice(models, 2 * seeds, replace=False)
        a, b, rows = drawn[:seeds], drawn[seeds:], rng.integers(0, len(truth), size)
        pairs = [("nothing", "baseline", b, rows), ("nothing, one test set", "baseline", b, np.arange(size))]
        pairs += [(arm, arm, a, rows) for arm in ARMS[1:]]
        for name, arm, other, taken in pairs:
            old, new = right["baseline"][np.ix_(taken, a)], right[arm][np.ix_(taken, other)]
            parts, mean = components(gain_arms(old, new)), float(new.mean() - old.mean())
            for method, interval in METHODS.items():
                add(method, name, effects[arm] - effects["baseline"], interval(parts, mean))
            if name in known:
                add(POSSIBLE, name, effects[arm], t_interval(mean, known[name], LARGE))
            if name == "nothing":  # as after training on another machine, where the same seed is another training
                add(UNPAIRED, name, 0.0, components(gain_arms(old, new, paired=False)).interval(mean))
            sides = answers["baseline"][np.ix_(a, taken)], answers[arm][np.ix_(other, taken)]
            scores = [f1_scores(truth[taken], side, classes) for side in sides]
            gain = float(scores[1].mean() - scores[0].mean())
            parts = components(gain_arms(scores[0], scores[1]))
            add(F1, name, f1[arm] - f1["baseline"], macro_f1_interval(truth[taken], list(sides), classes))
            add(F1_BEFORE, name, f1[arm] - f1["baseline"], f1_before(parts, gain))
    return pd.DataFrame(found, columns=["method", "arm", "truth", "mean", "low", "high"])


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Return for each method, in percent and points: alarms without a difference, and of each relabelling what it showed."""
    found = found.assign(
        helps=100.0 * (found["low"] > 0),
        hurts=100.0 * (found["high"] < 0),
        holds=100.0 * ((found["low"] <= found["truth"]) & (found["truth"] <= found["high"])),
        half=50 * (found["high"] - found["low"]),
    )
    means = found.groupby(["method", "arm"], sort=False)[["helps", "hurts", "holds", "half"]].mean()
    alarms = (means["helps"] + means["hurts"]).unstack()
    columns = {"A/A": alarms["nothing"], "A/A, one test set": alarms["nothing, one test set"]}
    for arm in ARMS[1:]:
        of = means.xs(arm, level="arm")
        columns |= {f"{arm}: {name}": of[name] for name in ("helps", "hurts", "holds")} | {f"{arm}: ±": of["half"]}
    return pd.DataFrame(columns).reindex([*METHODS, POSSIBLE, UNPAIRED, F1, F1_BEFORE])


# Of the variance of a mean: the examples' share, the seeds' and the rest's; and whether seeds have heavy tails (t, 3 df).
WORLDS = {
    "examples alone": (1.0, 0.0, 0.0, False),
    "examples and rest": (0.5, 0.0, 0.5, False),
    "mostly rest": (0.2, 0.0, 0.8, False),
    "rest alone": (0.0, 0.0, 1.0, False),
    "a bit of each": (0.4, 0.1, 0.5, False),
    "seeds and rest": (0.0, 0.5, 0.5, False),
    "seeds and examples": (0.3, 0.5, 0.2, False),
    "mostly seeds": (0.1, 0.9, 0.0, False),
    "seeds alone": (0.0, 1.0, 0.0, False),
    "mostly seeds, heavy tails": (0.1, 0.9, 0.0, True),
    "seeds and rest, heavy tails": (0.0, 0.5, 0.5, True),
}


def worlds(units: int, seeds: int, comparisons: int) -> pd.DataFrame:
    """Return the false alarms of each method in each world, in percent, and mean half-widths as ratios to the verdict's.

    The mean squares of normal scores are drawn as such (Searle, Casella and McCulloch 1992, ch. 4): no matrix is needed.
    """
    rng, found = np.random.default_rng(0), {}
    for name, (example, seed, rest, heavy) in WORLDS.items():
        luck = rng.standard_t(3, (comparisons, seeds)) / 3**0.5 if heavy else rng.normal(size=(comparisons, seeds))
        means = luck * (seed * seeds) ** 0.5 + rng.normal(size=(comparisons, seeds)) * (rest * seeds) ** 0.5
        rows = rng.chisquare(units - 1, comparisons) / (units - 1) * (example + rest) * units
        left = (units - 1) * (seeds - 1)
        rests = rng.chisquare(left, comparisons) / left * rest * units * seeds
        columns = means.var(axis=1, ddof=1) * units
        mean = means.mean(axis=1) + rng.normal(size=comparisons) * example**0.5
        parts = [Components(units, (seeds,), r, (c,), (e,)) for r, c, e in zip(rows, columns, rests, strict=True)]
        for method in (VERDICT, "unbiased variance (Hillis)", "bootstrap in two ways"):
            got = [METHODS[method](part, m) for part, m in zip(parts, mean, strict=True)]
            half = float(np.mean([one.high - one.low for one in got])) / 2 / 1.96
            found[name, method] = 100 * float(np.mean([one.low > 0 or one.high < 0 for one in got])), half
    table = pd.DataFrame(found, index=["alarms", "half"]).T
    alarms, half = (table[column].unstack().reindex(WORLDS) for column in table)
    ratios = half.div(half[VERDICT], axis=0).drop(columns=VERDICT)
    return alarms[[VERDICT, *ratios]].join(ratios.add_suffix(", ±"))


def picture(tables: dict[str, pd.DataFrame], file: str) -> None:
    """Draw how often each method is wrong, at worst of three ways, against its half-width, a panel a set."""
    figure, axes = plt.subplots(1, len(tables), figsize=(3.4 * len(tables), 4), sharey=True, squeeze=False)
    for axis, (name, table) in zip(axes[0], tables.items(), strict=True):
        wrong = pd.concat([table["A/A"], *(100 - table[f"{arm}: holds"] for arm in ARMS[1:])], axis=1).max(axis=1)
        places = pd.DataFrame({"x": table["strong: ±"], "y": wrong})
        axis.axhspan(0, 5, color="#eef6ee", zorder=0)
        for method in (*METHODS, POSSIBLE):
            axis.scatter(*places.loc[method], s=80 if method == VERDICT else 35, label=method, zorder=3)
        before, now = places.loc[F1_BEFORE], places.loc[F1]
        axis.scatter(*before, s=35, marker="s", color="white", edgecolor="black", label=F1_BEFORE, zorder=3)
        axis.scatter(*now, s=35, marker="s", color="black", label=F1, zorder=3)
        axis.annotate("", now, before, arrowprops={"arrowstyle": "->", "color": "#888888"})
        axis.set(title=name, xlabel="half-width, points")
        axis.set_xlim(left=0)
    axes[0, 0].set_ylabel("% of intervals that miss the truth")
    axes[0, 0].set_ylim(bottom=0)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=5, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(file, dpi=90, metadata={"Software": None})


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join([*SETS, "worlds"]))
    parser.add_argument("--seeds", type=int, nargs="*", default=[5], help="of each side; 3 5 10 takes each in turn")
    parser.add_argument("--comparisons", type=int, default=COMPARISONS)
    parser.add_argument("--pools", type=Path, help="folder where the models' answers are kept")
    parser.add_argument("--picture", help="a PNG of the first number of seeds")
    chosen = parser.parse_args()
    unknown = set(chosen.sets) - {*SETS, "worlds"}
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: none of {', '.join(SETS)}")
    sets = chosen.sets or ["images", "fashion"]
    if not chosen.sets and not FASHION.is_dir():
        sets.remove("fashion")
        print(f"{FASHION} is not there, so one image set is left: apt-get install dataset-fashion-mnist\n")
    worst, drawn = 0.0, {}
    for seeds in chosen.seeds if "worlds" in sets else []:
        for units in (20, 200, 2000):
            table = worlds(units, seeds, chosen.comparisons)
            print(
                f"\nworlds: {chosen.comparisons} comparisons of {seeds} seeds and {units} test examples, no difference"
            )
            print(table.to_string(float_format="{:.2f}".format))
    for name in [name for name in sets if name != "worlds"]:
        start, answers = time.monotonic(), pool(name, chosen.pools)
        for seeds in chosen.seeds:
            table = summary(compare(answers, seeds, chosen.comparisons))
            right = [100 * float((answers[arm] == answers["truth"]).mean()) for arm in ARMS]
            print(
                f"\n{name}: {chosen.comparisons} comparisons of {seeds} seeds and {min(len(answers['truth']), EXAMPLES)} "
                f"test examples, from {len(answers['baseline'])} models an arm, {time.monotonic() - start:.0f} s; the true "
                f"gains are {right[1] - right[0]:+.2f} (weak) and {right[2] - right[0]:+.2f} points (strong). In %, ± in points:"
            )
            print(
                table.to_string(
                    float_format="{:.1f}".format, na_rep="", formatters={c: "{:.2f}".format for c in table if "±" in c}
                )
            )
            print(json.dumps({"set": name, "seeds": seeds} | json.loads(table.round(3).to_json(orient="index"))))
            worst = max(worst, table.loc[[VERDICT, UNPAIRED, F1], "A/A"].max())
            drawn.setdefault(name, table)
    if chosen.picture:
        picture(drawn, chosen.picture)
    if worst > 100 * ALARMS:
        sys.exit("More than 8 % of the comparisons without a difference got a verdict: the statistics are not valid.")


if __name__ == "__main__":
    main()
