"""How often class shares are said to have changed that did not, and which changes are seen: `python tests/bench_shares.py`.

`sequence` is of labels instead: how often a fall of the accuracy is said where there is none, and how many labels show one.

Made-up models whose probabilities are right (calibrated), or twice as sure as they should be (over-confident, of which a
temperature mends most), or favour one class (biased, which no temperature mends). `--rounds N` for shorter or longer runs.
"""

import argparse
import itertools

import numpy as np

from datapass.production.sequence import clopper_pearson, informed, mixture
from datapass.production.shares import class_shares, no_change

LEVEL = 0.0125
KINDS = ("calibrated", "over-confident", "biased")
CLASSES, TESTS, NEWS, ACCURACIES = (2, 4, 10), (200, 800), (60, 200, 800), (0.7, 0.9, 0.98)


class Model:
    """A model of known accuracy on equal shares, which sees an input of class k as normal around `strength` times the k-th axis."""

    def __init__(self, shares: np.ndarray, accuracy: float, kind: str) -> None:
        self.shares, self.kind, low, high = np.full(len(shares), 1 / len(shares)), kind, 0.0, 20.0
        for _ in range(25):
            self.strength = (low + high) / 2
            labels, said = self.draw(20_000, np.random.default_rng(0), self.shares, "calibrated")
            low, high = (low, self.strength) if (said.argmax(1) == labels).mean() > accuracy else (self.strength, high)
        self.shares = shares

    def draw(
        self, n: int, rng: np.random.Generator, shares: np.ndarray, kind: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return labels (n) and probabilities (n x K) of inputs whose classes have these shares."""
        classes = len(shares)
        labels = rng.choice(classes, n, p=shares)
        seen = rng.normal(size=(n, classes))
        seen[np.arange(n), labels] += self.strength
        logs = self.strength * seen + np.log(self.shares)
        kind = kind or self.kind
        logs = 2 * logs if kind == "over-confident" else logs
        if kind == "biased":
            logs[:, 0] += 1.0
        powers = np.exp(logs - logs.max(axis=1, keepdims=True))
        return labels, powers / powers.sum(axis=1, keepdims=True)


def equal(classes: int, rare: bool) -> np.ndarray:
    """Return equal class shares, or the last class at 2 % and the others equal."""
    shares = np.full(classes, 1 / classes)
    return np.append(np.full(classes - 1, 0.98 / (classes - 1)), 0.02) if rare else shares


def moved(shares: np.ndarray, by: float) -> np.ndarray:
    """Return the class shares with the last class's larger by this much, the others' smaller in proportion."""
    new = shares * (1 - shares[-1] - by) / (1 - shares[-1])
    new[-1] = shares[-1] + by
    return new


def seen(model: Model, new_shares: np.ndarray, n: int, m: int, rounds: int, seed: int) -> float:
    """Return how often a change is said, of `rounds` draws of test set and new inputs."""
    rng, found = np.random.default_rng(seed), 0
    for _ in range(rounds):
        labels, test = model.draw(n, rng, model.shares)
        _, new = model.draw(m, rng, new_shares)
        there = np.flatnonzero(np.bincount(labels, minlength=len(new_shares)))
        codes = np.searchsorted(there, labels)
        p = no_change(test[:, there], codes, np.arange(n), new[:, there], np.arange(m))
        found += p.min() < LEVEL
    return found / rounds


def alarms(rounds: int, most: int) -> None:
    """Print how often a change is said where there is none."""
    print(
        f"False alarms at {LEVEL:.2%}, {rounds} rounds each (standard error {(LEVEL * (1 - LEVEL) / rounds) ** 0.5:.2%})"
    )
    print(
        "| classes | a rare one | accuracy | probabilities | test set | " + " | ".join(f"{m} new" for m in NEWS) + " |"
    )
    print("|" + "---|" * (5 + len(NEWS)))
    everything: dict[tuple[object, ...], float] = {}
    for classes, rare, accuracy, kind in itertools.product(
        CLASSES if not most else (most,), (False, True), ACCURACIES, KINDS
    ):
        model = Model(equal(classes, rare), accuracy, kind)
        for n in TESTS:
            found = {m: seen(model, model.shares, n, m, rounds, 1000 * n + m) for m in NEWS}
            everything |= {(classes, rare, accuracy, kind, n, m): one for m, one in found.items()}
            cells = " | ".join(f"{one:.1%}" for one in found.values())
            print(f"| {classes} | {'yes' if rare else 'no'} | {accuracy} | {kind} | {n} | {cells} |", flush=True)
    figures = np.array(list(everything.values()))
    for place, name in enumerate(("classes", "a rare one", "accuracy", "probabilities", "test set", "new")):
        values = sorted({key[place] for key in everything}, key=str)
        means = [np.mean([one for key, one in everything.items() if key[place] == value]) for value in values]
        print(f"{name}: " + ", ".join(f"{value} {mean:.2%}" for value, mean in zip(values, means, strict=True)))
    print(
        f"All: {figures.mean():.2%} of {rounds * len(figures):,}; the worst of {len(figures)} cells {figures.max():.1%}"
    )


def power(rounds: int) -> None:
    """Print how often a change of one class's share is said, and how often its interval holds the truth."""
    print(f"Seen at {LEVEL:.2%}, {rounds} rounds each; test set of 800")
    print("| classes | share | points more | accuracy | " + " | ".join(f"{m} new" for m in NEWS) + " |")
    print("|" + "---|" * (4 + len(NEWS)))
    for classes, rare, by, accuracy in itertools.product((2, 10), (False, True), (0.05, 0.1, 0.2), (0.7, 0.9)):
        model = Model(equal(classes, rare), accuracy, "over-confident")
        new_shares = moved(model.shares, by)
        found = [seen(model, new_shares, 800, m, rounds, m) for m in NEWS]
        cells = " | ".join(f"{one:.0%}" for one in found)
        print(f"| {classes} | {model.shares[-1]:.2f} | {by * 100:.0f} | {accuracy} | {cells} |", flush=True)


def coverage(rounds: int) -> None:
    """Print how often the 95 % intervals of the new shares hold the truth, over all classes."""
    print(f"Intervals at 95 %, {rounds} rounds each; test set of 800, 200 new")
    print(
        "| classes | a rare one | points more | accuracy | probabilities | hold the last class | hold all classes, mean |"
    )
    print("|" + "---|" * 7)
    for classes, rare, by, accuracy, kind in itertools.product(
        (2, 10), (False, True), (0.0, 0.2), (0.7, 0.9), ("calibrated", "over-confident")
    ):
        model = Model(equal(classes, rare), accuracy, kind)
        truth, rng, held = moved(model.shares, by), np.random.default_rng(7), []
        for _ in range(rounds):
            labels, test = model.draw(800, rng, model.shares)
            found = class_shares(
                test, labels, np.arange(800), model.draw(200, rng, truth)[1], np.arange(200), LEVEL
            ).table
            held.append(((found["low"] <= truth) & (found["high"] >= truth)).to_numpy())
        shown = np.array(held)
        row = f"{classes} | {'yes' if rare else 'no'} | {by * 100:.0f} | {accuracy} | {kind}"
        print(f"| {row} | {shown[:, -1].mean():.0%} | {shown.mean():.0%} |", flush=True)


def sequence(rounds: int) -> None:
    """Print how often an alarm is given over 24 readings without drift, and how many labels show a fall of the accuracy."""
    rng, every, most = np.random.default_rng(0), 50, 4000
    n = np.arange(every, most + 1, every)
    print(
        f"Read after every {every} labels, {rounds} rounds each; test set at .90; labels: half of the rounds, 80 % of them"
    )
    print("| test set | prior | alarms in 24 readings at .90 | over 80 | labels to see .85 | .80 |")
    print("|" + "---|" * 6)
    for n_old, told in itertools.product((200, 400, 1000, 2000, 10**7), (False, True)):
        rights = rng.binomial(n_old, 0.9, rounds)
        first = {}
        for truth in (0.9, 0.85, 0.8):
            found = []
            for old, right in zip(rights, rng.binomial(every, truth, (rounds, len(n))).cumsum(axis=1), strict=True):
                prior = informed(old, n_old) if told else (1.0, 1.0)
                limit = clopper_pearson(old, n_old)[0]
                alarm = (right < limit * n) & (mixture(limit, right, n, prior) > np.log(2 / 0.05))
                found.append(n[alarm.argmax()] if alarm.any() else np.inf)
            first[truth] = np.array(found)
        seen = [np.quantile(first[truth], [0.5, 0.8], method="higher") for truth in (0.85, 0.8)]
        cells = " | ".join(" and ".join(f"{x:,.0f}" if x <= most else f"over {most:,}" for x in pair) for pair in seen)
        rates = f"{np.mean(first[0.9] <= 24 * every):.1%} | {np.mean(first[0.9] <= most):.1%}"
        print(f"| {n_old:,} | {'informed' if told else 'flat'} | {rates} | {cells} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "what", nargs="*", choices=("alarms", "power", "coverage", "sequence", []), help="default: all four"
    )
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--classes", type=int, default=0, help="of `alarms`, instead of 2, 4 and 10")
    asked = parser.parse_args()
    for what in asked.what or ("alarms", "power", "coverage", "sequence"):
        if what == "alarms":
            alarms(asked.rounds, asked.classes)
        elif what == "power":
            power(asked.rounds)
        elif what == "sequence":
            sequence(2 * asked.rounds)
        else:
            coverage(max(20, asked.rounds // 4))
