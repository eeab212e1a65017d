"""How often the tests of new inputs alarm where nothing changed, and what they find: `python tests/bench_two_sample.py [PART ...]`.

Parts: `unlike` (which score ranks foreign inputs higher), `classifier`, `columns`, `outputs`, `beyond` (false alarms of each)
and `power`. Each draws old and new inputs from scikit-learn's digits, its breast cancer table or the messages of the
template: nothing is trained. Use `nice`; `--splits` says how many null splits, 300 unless told.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from datapass.data.packed import Packed, take
from datapass.production import two_sample
from datapass.production.columns import compare_columns
from datapass.production.measures import measures
from datapass.production.outputs import compare_outputs
from datapass.production.seen import Inputs, features
from datapass.production.two_sample import apart, tell_apart
from datapass.production.unlike import beyond, unlike

SIZES, OLD = (60, 200, 700), 797
LEVELS = (0.0125 / 3, 0.05)
PER_GROUP = 3


@dataclass(frozen=True)
class Population:
    """What inputs are drawn from: packed (n), kinds, and the class of each (n)."""

    packed: Packed
    kinds: Mapping[str, str]
    truth: np.ndarray


def inputs(packed: Packed, name: str, groups: np.ndarray | None = None) -> Inputs:
    ids = pd.Series([f"{name}-{row}" for row in range(len(packed))], dtype="str")
    units = ids if groups is None else pd.Series([f"{name}-group-{group}" for group in groups], dtype="str")
    return Inputs(packed, ids, units)


def digits() -> Population:
    found = load_digits()
    return Population(np.rint(found.images * (255 / 16)).astype(np.uint8)[..., None], {}, found.target)


def tumours() -> Population:
    found = load_breast_cancer(as_frame=True)
    return Population(found.data, dict.fromkeys(found.data, "number"), found.target.to_numpy())


def messages() -> Population:
    path = Path(__file__).parent.parent / "templates" / "texts" / "example.py"
    spec = importlib.util.spec_from_file_location("messages", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = module.messages()
    return Population(table[["text"]], {"text": "text"}, table["language"].to_numpy())


def rows(number: int = 4000) -> Population:
    """A made-up table with all that is awkward: ties, missing values, heavy tails, rare categories, booleans."""
    rng = np.random.default_rng(5)
    latent = rng.normal(size=number)
    table = pd.DataFrame(
        {
            "tailed": rng.standard_t(2, number),
            "count": rng.poisson(np.exp(latent / 2)).astype(float),
            "sometimes": np.where(rng.random(number) < 0.2, np.nan, latent + rng.normal(size=number)),
            "rounded": np.round(rng.lognormal(size=number), 1),
            "born": np.floor(rng.uniform(0, 9000, number)),
            "town": pd.Categorical([f"t{n}" for n in rng.zipf(1.6, number).clip(max=400)]),
            "plan": pd.Categorical(np.array(["basic", "plus", "pro"])[(latent > 0).astype(int) + (latent > 1.2)]),
            "active": np.where(rng.random(number) < 0.05, np.nan, (rng.random(number) < 0.7).astype(float)),
        }
    )
    kinds = dict.fromkeys(table, "number") | {
        "born": "date",
        "town": "category",
        "plan": "category",
        "active": "boolean",
    }
    return Population(table, kinds, (latent > 0).astype(int))


SETS: dict[str, Callable[[], Population]] = {"digits": digits, "tumours": tumours, "messages": messages, "rows": rows}


def drawn(
    made: Population, new: int, grouped: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of the population, whether each is new, and its group: PER_GROUP neighbours of one input each, if grouped."""
    total = len(made.packed)
    old = min(OLD, total - new)
    if not grouped:
        chosen = rng.permutation(total)[: old + new]
        return chosen, np.arange(old + new) >= old, np.arange(old + new)
    order = rng.permutation(total // PER_GROUP)
    sizes = old // PER_GROUP, new // PER_GROUP
    order = order[: sum(sizes)]
    near = np.argsort(
        pd.factorize(made.truth)[0] * 10.0**6 + order_of(made), kind="stable"
    )  # blocks of like inputs are groups
    chosen = (order[:, None] * PER_GROUP + np.arange(PER_GROUP)).ravel()
    is_new = np.repeat(np.arange(sum(sizes)) >= sizes[0], PER_GROUP)
    return near[chosen], is_new, np.repeat(np.arange(sum(sizes)), PER_GROUP)


def order_of(made: Population) -> np.ndarray:
    """Return places along a direction in which the population varies (n): neighbours in it are alike."""
    plain = measures(made.packed, made.kinds)[0].select_dtypes("number").fillna(0.0)
    return plain.iloc[:, 0].rank(method="first").to_numpy()


def said(name: str, p: list[float]) -> None:
    known = np.array([each for each in p if not np.isnan(each)])
    rates = ", ".join(f"{(known <= level + 1e-9).mean():.3f} at {level:.4f}" for level in LEVELS)
    print(f"{name:<48} {rates}  ({len(known)})", flush=True)


def classifier(splits: int) -> None:
    """Levels with 150 landmarks and 239 permutations, a tenth of the work: exactness does not depend on either, and 1/240 is the level."""
    two_sample.LANDMARKS, two_sample.PERMUTATIONS = 150, 239
    cases = [("digits", n, g) for g in (False, True) for n in SIZES] + [
        (s, 200, g) for s in ("rows", "messages") for g in (False, True)
    ]
    for name, new, grouped in cases:
        made, rng, p = SETS[name](), np.random.default_rng(new), []
        seen = features([made.packed], made.kinds)  # of all, as labels change nothing in it
        for _ in range(splits):
            chosen, is_new, groups = drawn(made, new, grouped, rng)
            keys = pd.Series(chosen.astype(str), dtype="str")
            first = np.sort(np.unique(groups, return_index=True)[1])
            p.append(apart(seen.take(chosen[first]), is_new[first], keys.iloc[first], keys.iloc[first]).p)
        said(f"classifier, {name}, {new} new{', groups' * grouped}", p)


def columns(splits: int) -> None:
    for name in SETS:
        made = SETS[name]()
        table, kinds = measures(made.packed, made.kinds)
        for new, grouped in [(n, g) for g in (False, True) for n in SIZES]:
            if new + 200 > len(table):
                continue
            rng = np.random.default_rng(new)
            p: list[float] = []
            naive: list[float] = []
            for _ in range(splits):
                chosen, is_new, groups = drawn(made, new, grouped, rng)
                first = np.sort(np.unique(groups, return_index=True)[1])
                for rows_, found in ((first, p), *(((np.arange(len(chosen)), naive),) if grouped else ())):
                    sides = (take(table, chosen[rows_][is_new[rows_] == side]) for side in (False, True))
                    found.append(min(each.adjusted for each in compare_columns(*sides, kinds)))  # type: ignore[misc]
            said(f"columns, {name}, {new} new{', groups' * grouped}", p)
            if grouped:
                said("  were each row counted", naive)


def probabilities() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities of digits by a model that was fitted to 500 others, and their truth and images."""
    made = digits()
    flat = made.packed.reshape(len(made.packed), -1) / 255  # type: ignore[union-attr]
    order = np.random.default_rng(1).permutation(len(flat))
    model = LogisticRegression(max_iter=500).fit(flat[order[:297]], made.truth[order[:297]])
    return softmax(model.decision_function(flat[order[297:]]), axis=1), made.truth[order[297:]], order[297:]


def outputs(splits: int) -> None:
    found, _, _ = probabilities()
    for new in SIZES:
        rng, p, parts = np.random.default_rng(new), [], []
        for _ in range(splits):
            chosen = rng.permutation(len(found))
            result = compare_outputs(found[chosen[: OLD - 100]], found[chosen[OLD - 100 :][:new]], np.ones(10, bool))
            p.append(result.p)
            parts.append(result.predicted)
        said(f"outputs, digits, {new} new", p)
        said("  predicted class alone", parts)


def beyond_part(splits: int) -> None:
    for name in ("digits", "rows", "messages"):
        made = SETS[name]()
        seen = features([made.packed], made.kinds)
        train = np.arange(len(made.packed)) < len(made.packed) // 3
        rest = np.flatnonzero(~train)
        scores = np.partition(seen.take(rest).distances(seen.take(np.flatnonzero(train))), 0, axis=1)[:, 0]
        for new in SIZES:
            rng, p = np.random.default_rng(new), []
            for _ in range(10 * splits):
                chosen = rng.permutation(len(rest))
                old = min(OLD, len(rest) - new) if len(rest) - new > 100 else 100
                p.append(beyond(scores[chosen[:old]], scores[chosen[old:][:new]])[3])
            said(f"beyond, {name}, {min(new, len(rest) - old)} new, {old} of test", p)


def changed(
    made: Population, what: str, rng: np.random.Generator, new: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return images of training (500), test (400) and new (n), and which new ones are foreign, of digits that changed."""
    images, truth = made.packed, made.truth
    assert isinstance(images, np.ndarray)
    order = rng.permutation(len(images))
    foreign = np.zeros(new, dtype=bool)
    if what == "new class of 5 %":
        known, other = order[truth[order] != 3], order[truth[order] == 3]
        foreign = np.arange(new) < round(0.05 * new)
        new_rows = np.concatenate([other[: foreign.sum()], known[900 : 900 + new - foreign.sum()]])
        return images[known[:500]], images[known[500:900]], images[new_rows], foreign
    rest = order[900:]
    if what == "class thrice":
        weights = np.where(truth[rest] == 3, 3.0, 1.0)
        rest = rng.choice(rest, new, replace=False, p=weights / weights.sum())
    arrived = images[rest[:new]].astype(float)
    if what == "noise on 10 %":
        foreign = np.arange(len(arrived)) < round(0.1 * len(arrived))
        arrived[foreign] += rng.normal(0, 60, arrived[foreign].shape)
    if what == "noise":
        arrived += rng.normal(0, 15, arrived.shape)
    if what == "brighter":
        arrived *= 1.1
    return images[order[:500]], images[order[500:900]], arrived.clip(0, 255).astype(np.uint8), foreign


def power(splits: int) -> None:
    """How often each alarms at its third of alpha / 4, with fewer landmarks and permutations than there are, see `classifier`."""
    two_sample.LANDMARKS, two_sample.PERMUTATIONS = 300, 239
    made = digits()
    for what in ("nothing", "noise", "brighter", "class thrice", "new class of 5 %", "noise on 10 %"):
        for new in SIZES:
            if what == "class thrice" and new > 200:
                continue  # there are not that many
            rng, found = np.random.default_rng(new), []
            for _ in range(max(20, splits // 10)):
                training, test, arrived, _ = changed(made, what, rng, new)
                sides = [inputs(part, name) for part, name in ((training, "a"), (test, "b"), (arrived, "c"))]
                both = inputs(np.concatenate([training, test]), "o")
                plain = [measures(side, {}) for side in (both.packed, arrived)]
                least = min(each.adjusted for each in compare_columns(plain[0][0], plain[1][0], plain[0][1]))
                met = tell_apart(both, sides[2], {})
                found.append((met.p, least, unlike(*sides, {}).excess, met.auc))
            table = np.array(found)
            shares = (table[:, :3] <= LEVELS[0] + 1e-9).mean(axis=0)
            words = ", ".join(f"{n} {s:.2f}" for n, s in zip(("classifier", "columns", "beyond"), shares, strict=True))
            print(
                f"{what:<18} {new:>4} new: {words}, any {(table[:, :3] <= LEVELS[0] + 1e-9).any(axis=1).mean():.2f}; AUC {table[:, 3].mean():.3f}",
                flush=True,
            )


def worlds(rng: np.random.Generator) -> dict[str, tuple[Packed, Packed, Packed, Mapping[str, str], np.ndarray]]:
    """Return training, test and new inputs, kinds, and which new ones are foreign, of each experiment."""
    found: dict[str, tuple[Packed, Packed, Packed, Mapping[str, str], np.ndarray]] = {}
    made = digits()
    for what in ("new class of 5 %", "noise on 10 %"):
        training, test, new, foreign = changed(made, what, rng, 700)
        found[what] = (training, test, new, {}, foreign)
    table = tumours()
    order = rng.permutation(569)
    arrived = take(table.packed, order[369:])
    foreign = np.arange(200) < 10
    values = arrived.to_numpy(copy=True)  # type: ignore[union-attr]
    for row in range(10):  # each with three cells in another unit
        cells = rng.choice(30, 3, replace=False)
        values[row, cells] *= rng.choice([0.2, 5.0], 3)
    found["tumours with 5 % outliers"] = (
        *(take(table.packed, order[a:b]) for a, b in ((0, 269), (269, 369))),
        pd.DataFrame(values, columns=arrived.columns),
        table.kinds,
        foreign,
    )  # type: ignore[union-attr,assignment]
    text = messages()
    spanish = text.truth == "es"
    known, other = rng.permutation(np.flatnonzero(~spanish)), rng.permutation(np.flatnonzero(spanish))
    picked = np.concatenate([other[:10], known[700:890]])
    found["5 % in another language"] = (
        *(take(text.packed, r) for r in (known[:500], known[500:700], picked)),
        text.kinds,
        np.arange(200) < 10,
    )  # type: ignore[assignment]
    return found


def unlike_part(splits: int) -> None:
    scores: dict[tuple[str, str], list[float]] = {}
    for number in range(max(5, splits // 30)):
        for what, (training, test, new, kinds, foreign) in worlds(np.random.default_rng(number)).items():
            seen = features([training, test, new], kinds)
            n, m = len(training), len(training) + len(test)
            reference, arrived = seen.take(np.arange(n)), seen.take(np.arange(m, m + len(new)))
            near = np.sort(np.partition(arrived.distances(reference), 5, axis=1)[:, :5], axis=1)
            both = inputs(
                pd.concat([training, test], ignore_index=True) if kinds else np.concatenate([training, test]), "o"
            )  # type: ignore[arg-type,list-item]
            met = tell_apart(both, inputs(new, "n"), kinds)
            told = np.full(len(new), np.nan)
            told[met.rows] = met.scores
            for way, score in (
                *((f"nearest {k}", near[:, :k].mean(axis=1)) for k in (1, 2, 3, 5)),
                ("classifier", told),
            ):
                top = np.argsort(-score, kind="stable")[: foreign.sum()]
                scores.setdefault((what, way + " AUC"), []).append(roc_auc_score(foreign, score))
                scores.setdefault((what, way + " top"), []).append(foreign[top].mean())
    for (what, way), values in scores.items():
        print(f"{what:<28} {way:<18} {np.mean(values):.3f}", flush=True)


PARTS = {
    "unlike": unlike_part,
    "classifier": classifier,
    "columns": columns,
    "outputs": outputs,
    "beyond": beyond_part,
    "power": power,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--splits", type=int, default=300)
    asked = parser.parse_args()
    for part in asked.parts or PARTS:
        start = time.perf_counter()
        PARTS[part](asked.splits)
        print(f"{part}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
