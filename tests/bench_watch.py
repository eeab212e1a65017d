"""How often `watch` calls a delivery different in which nothing changed, and which changes it sees with how many inputs.

`python tests/bench_watch.py alarms|power [SET ...]`; `--number N` deliveries of each case, 200 and 20 unless told. Each delivery has a
training set, a test set and models of its own: scikit-learn's digits, its breast cancer table, and the messages of the template,
of which there is no end. A model is a logistic regression on what the classifier of the tests sees, one of three seeds a resample
of the training rows. Use `nice`: a delivery takes 2 to 5 seconds.
"""

import argparse
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression

from datapass.data.packed import Packed, take
from datapass.production.examine import Findings, examine
from datapass.production.reference import Answered, Reference
from datapass.production.seen import Inputs, features

SEEDS = 3
SIZES = (60, 200, 600)


@dataclass(frozen=True)
class Source:
    """Where inputs come from: packed (n), kinds, class codes (n), and the rows of training set, test set and others."""

    packed: Packed
    kinds: Mapping[str, str]
    labels: np.ndarray
    training: np.ndarray
    test: np.ndarray
    rest: np.ndarray


def divided(
    packed: Packed, kinds: Mapping[str, str], labels: np.ndarray, sizes: tuple[int, int], rng: np.random.Generator
) -> Source:
    order = rng.permutation(len(labels))
    return Source(packed, kinds, labels, order[: sizes[0]], order[sizes[0] : sum(sizes)], order[sum(sizes) :])


def digits(rng: np.random.Generator) -> Source:
    found = load_digits()
    return divided(np.rint(found.images * (255 / 16)).astype(np.uint8)[..., None], {}, found.target, (700, 450), rng)


def tumours(rng: np.random.Generator) -> Source:
    found = load_breast_cancer(as_frame=True)
    return divided(found.data, dict.fromkeys(found.data, "number"), found.target.to_numpy(), (220, 140), rng)


def messages(rng: np.random.Generator) -> Source:
    path = Path(__file__).parents[1] / "templates" / "texts" / "example.py"
    spec = importlib.util.spec_from_file_location("example", path)
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = module.messages(3000, int(rng.integers(1 << 30)))
    labels = pd.factorize(table["subject"], sort=True)[0]
    kinds = {"text": "text", "language": "category"}
    frame = table[["text", "language"]].astype({"language": "category"})
    return divided(frame, kinds, labels, (700, 600), rng)


SETS: dict[str, Callable[[np.random.Generator], Source]] = {"digits": digits, "tumours": tumours, "messages": messages}


def inputs(packed: Packed, name: str) -> Inputs:
    ids = pd.Series([f"{name}-{row}" for row in range(len(packed))], dtype="str")
    return Inputs(packed, ids, ids)


def examined(source: Source, new: Packed, rng: np.random.Generator) -> Findings:
    """Train models, and return what `watch` finds of new inputs."""
    training, test = (take(source.packed, rows) for rows in (source.training, source.test))
    seen = features([training, test, new], source.kinds)
    values = seen.numbers if seen.words is None else sparse.csr_matrix(sparse.hstack([seen.words, seen.numbers]))
    n, m = len(source.training), len(source.test)
    labels, found = source.labels[source.training], []
    classes = int(source.labels.max()) + 1
    for _ in range(SEEDS):
        rows = rng.integers(n, size=n)
        model = LogisticRegression(C=10.0, max_iter=500).fit(values[rows], labels[rows])
        whole = np.zeros((values.shape[0] - n, classes))
        whole[:, model.classes_] = model.predict_proba(values[n:])
        found.append(whole)
    asked = np.stack(found)
    voted = (asked.argmax(axis=2)[:, :, None] == np.arange(classes)).sum(axis=0).argmax(axis=1)

    def answered(packed: Packed, name: str, rows: slice) -> Answered:
        return Answered(inputs(packed, name), pd.DataFrame(index=range(len(packed))), asked[:, rows], voted[rows])

    learnt = inputs(training, "training")
    reference = Reference(
        learnt,
        pd.DataFrame(index=range(n)),
        learnt,
        answered(test, "test", slice(0, m)),
        source.labels[source.test],
        np.ones(m, dtype=bool),
    )
    return examine(reference, answered(new, "new", slice(m, None)), source.kinds)


def noise(packed: Any, rng: np.random.Generator, by: float) -> Any:
    return np.clip(packed + rng.normal(0, 255 * by, packed.shape), 0, 255).round().astype(np.uint8)


def alarms(sets: list[str], number: int) -> None:
    """Print how often each line says that something changed, where nothing did."""
    print(
        f"{'set':<10} {'inputs':>6}  any    inputs answers shares accuracy   of {number} deliveries; nominal .05 and .0125 each"
    )
    for name in sets:
        for size in (60, 200) if name == "tumours" else SIZES:
            rng, rows = np.random.default_rng(size), []
            for _ in range(number):
                source = SETS[name](rng)
                found = examined(source, take(source.packed, source.rest[:size]), rng)
                rows.append([found.changed, *found.lines.values()])
            print(f"{name:<10} {size:>6}  {'  '.join(f'{rate:.3f}' for rate in np.mean(rows, axis=0))}", flush=True)


def noisy(by: float) -> Callable[[np.random.Generator, int], Findings]:
    def case(rng: np.random.Generator, size: int) -> Findings:
        source = digits(rng)
        return examined(source, noise(take(source.packed, source.rest[:size]), rng, by), rng)

    return case


def darker(by: float) -> Callable[[np.random.Generator, int], Findings]:
    def case(rng: np.random.Generator, size: int) -> Findings:
        source = digits(rng)
        new: Any = take(source.packed, source.rest[:size])
        return examined(source, (new * (1 - by)).round().astype(np.uint8), rng)

    return case


def appears(share: float) -> Callable[[np.random.Generator, int], Findings]:
    """A class that no training and no test example has."""

    def case(rng: np.random.Generator, size: int) -> Findings:
        source = digits(rng)
        known = source.labels != 4
        foreign = np.flatnonzero(~known)
        many = round(share * size)
        rest = source.rest[known[source.rest]][: size - many]
        rows = np.concatenate([rest, rng.choice(foreign, many, replace=many > len(foreign))])
        labels = np.where(source.labels > 4, source.labels - 1, source.labels)
        kept = [rows_[known[rows_]] for rows_ in (source.training, source.test)]
        return examined(Source(source.packed, {}, labels, *kept, source.rest), take(source.packed, rows), rng)

    return case


def more_frequent(ratio: float) -> Callable[[np.random.Generator, int], Findings]:
    """A class that is as many times as frequent."""

    def case(rng: np.random.Generator, size: int) -> Findings:
        source = messages(rng)
        mine = source.labels[source.rest] == 0
        many = round(ratio * size / 4)
        rows = np.concatenate([source.rest[mine][:many], source.rest[~mine][: size - many]])
        return examined(source, take(source.packed, rows), rng)

    return case


def larger(by: float) -> Callable[[np.random.Generator, int], Findings]:
    """An instrument that reads sizes larger."""

    def case(rng: np.random.Generator, size: int) -> Findings:
        source = tumours(rng)
        new: Any = take(source.packed, source.rest[:size]).copy()
        sizes = [name for name in new if name.endswith(("radius", "perimeter", "area"))]
        new[sizes] *= 1 + by
        return examined(source, new, rng)

    return case


CASES: dict[str, Callable[[np.random.Generator, int], Findings]] = {
    "digits: camera noise of 5 %": noisy(0.05),
    "digits: camera noise of 10 %": noisy(0.10),
    "digits: 5 % darker": darker(0.05),
    "digits: 10 % darker": darker(0.10),
    "digits: 20 % darker": darker(0.20),
    "digits: a class appears, 2 %": appears(0.02),
    "digits: a class appears, 5 %": appears(0.05),
    "digits: a class appears, 10 %": appears(0.10),
    "messages: a class 1.5 times as frequent": more_frequent(1.5),
    "messages: a class twice as frequent": more_frequent(2.0),
    "messages: a class three times as frequent": more_frequent(3.0),
    "tumours: sizes read 5 % larger": larger(0.05),
    "tumours: sizes read 15 % larger": larger(0.15),
}


def power(sets: list[str], number: int) -> None:
    """Print how often each change is seen, and by which lines."""
    print(f"{'change':<44} {'inputs':>6}  any   inputs answers shares accuracy   of {number} deliveries")
    for name, case in CASES.items():
        if name.partition(":")[0] not in sets:
            continue
        for size in (60, 200) if name.startswith("tumours") else SIZES:
            rng = np.random.default_rng(size)
            found = [case(rng, size) for _ in range(number)]
            rates = np.mean([[one.changed, *one.lines.values()] for one in found], axis=0)
            print(f"{name:<44} {size:>6}  {'  '.join(f'{rate:.2f}' for rate in rates)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["alarms", "power"])
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--number", type=int)
    given = parser.parse_args()
    if given.what == "alarms":
        alarms(given.sets or list(SETS), given.number or 200)
    else:
        power(given.sets or list(SETS), given.number or 20)
