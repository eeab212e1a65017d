"""Where the errors are, and what each group of them costs in the project's metric."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ..comparison.lineup import MIN_SLICE, codes, grouped, slices
from ..comparison.metric import BALANCED, MACRO_F1, Metric
from ..comparison.statistics import holm
from ..comparison.verdict import Comparison
from ..data.examples import counts, metadata
from ..files.paths import PREDICTIONS, TEST
from ..messages.problems import Refusal, near_miss, quoted

ALL, CLASS = "all", "class = "  # the group of every example, and how that of a class begins
TAKEN = " taken for "


@dataclass(frozen=True)
class Errors:
    """The errors on the test set, means over the seeds.

    Attributes:
        examples, seeds: how many.
        accuracy: share of right answers.
        classes, slices: name, examples, errors (mean number), share (of the loss), accuracy, rise (by how much the metric
            would be better, were the group without errors), p (of no higher loss an example than elsewhere; Holm's; NaN
            under MIN_SLICE examples).
        pairs: label, predicted, examples (with the label), errors, share, rise.
        loss: what all errors cost in the metric, 0 or more: the sum of the rises of the classes.
        metric: what `rise` and `loss` are in.
        chosen: the project's metric. Macro-F1 is no sum over examples; balanced accuracy then stands in for it.
    Each table has the largest rise first.
    """

    examples: int
    seeds: int
    accuracy: float
    classes: pd.DataFrame
    slices: pd.DataFrame
    pairs: pd.DataFrame
    loss: float
    metric: Metric
    chosen: Metric


def analyse(predictions: pd.DataFrame, test: pd.DataFrame, metric: Metric | None = None) -> Errors:
    """Break the errors down.

    Args:
        predictions: columns id, label and one `seed_N` a seed.
        test: the test examples, of which those with `weight` 1 count.
        metric: the project's; accuracy where it is left out.

    Raises:
        Refusal: where the predictions are not of this test set.
    """
    answers, rows, seeds = _line_up(predictions, test)
    chosen = metric or Metric()
    used = Metric(BALANCED) if chosen.name == MACRO_F1 else chosen
    truth, said, names = _coded(answers, seeds)
    wrong = (said != truth).mean(axis=0)
    # What each answer lost against the right one (n x S); so the losses of a group's examples add up to its rise.
    lost = used.scores(truth, truth[None], names) - used.scores(truth, said, names)
    by_class = grouped(truth, len(names))
    where, seed = np.nonzero((said != truth).T)
    each = pd.DataFrame({"pair": truth[where] * len(names) + said[seed, where], "errors": 1 / len(seeds)})
    pairs = each.assign(rise=lost[where, seed] / lost.size).groupby("pair").sum().reset_index()
    label, predicted = np.divmod(pairs.pop("pair").to_numpy(np.int64), len(names))
    for column, values in enumerate((label, predicted)):
        pairs.insert(
            column, ("label", "predicted")[column], pd.Series(np.array(names, dtype=object)[values], dtype="str")
        )
    pairs.insert(2, "examples", np.array([len(places) for places in by_class])[label])
    pairs = _ordered(_shares(pairs, lost.mean()), ["label", "predicted"])
    classes = ((name, places) for name, places in zip(names, by_class, strict=True) if len(places))
    cut = slices(rows[metadata(rows.columns)].reset_index(drop=True))
    groups = [_groups(some, wrong, lost.mean(axis=1)) for some in (classes, cut)]
    accuracy = float(1 - wrong.mean())
    return Errors(len(rows), len(seeds), accuracy, groups[0], groups[1], pairs, float(lost.mean()), used, chosen)


def _coded(answers: pd.DataFrame, seeds: list[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return labels (n) and answers (S x n) as codes, and the names of the codes, sorted."""
    names = sorted({name for column in ("label", *seeds) for name in answers[column].unique()})
    return codes(answers["label"], names), np.stack([codes(answers[seed], names) for seed in seeds]), names


def _line_up(predictions: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return the answers and the test examples that count, both by id, and the columns of the seeds."""
    rows, answers = test.set_index("id"), predictions.set_index("id")
    same = rows.index.equals(answers.index)
    if not same and set(rows.index) == set(answers.index):
        rows, same = rows.loc[answers.index], True
    if not same or (rows["label"] != answers["label"]).any():
        raise Refusal(f"{PREDICTIONS.as_posix()} is not of {TEST.as_posix()}; `dvc repro` asks the models again.")
    counted = counts(rows)
    return answers[counted], rows[counted], [column for column in answers if column.startswith("seed_")]


def _shares(groups: pd.DataFrame, loss: float) -> pd.DataFrame:
    return groups.assign(share=groups["rise"] / max(float(loss), 1e-9))


def _ordered(groups: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rounded = groups.assign(order=-groups["rise"].round(9))  # sums of the same numbers in another order are equal
    return rounded.sort_values(["order", *by], ignore_index=True).drop(columns="order")


def _groups(groups: Iterable[tuple[str, np.ndarray]], wrong: np.ndarray, lost: np.ndarray) -> pd.DataFrame:
    """Return the table of `Errors.classes` of some groups (name, places); p by Welch's test of the means with the normal
    limit, one-sided."""
    apart = lost - lost.mean()  # so that sums of squares do not cancel
    whole = np.array([len(lost), apart.sum(), apart @ apart])
    found = []
    for name, places in groups:
        inside = np.array([len(places), apart[places].sum(), apart[places] @ apart[places]])
        both = np.stack([inside, whole - inside])
        number = np.maximum(both[:, 0], 1)
        mean, square = both[:, 1] / number, both[:, 2] / number
        variance = square - mean**2
        se = np.sqrt((np.where(variance > 1e-12 * square, variance, 0) / number).sum())
        tested = both[:, 0].min() >= MIN_SLICE and se > 0
        p = float(ndtr((mean[1] - mean[0]) / se)) if tested else np.nan
        found.append((name, len(places), float(wrong[places].sum()), float(lost[places].sum()) / len(lost), p))
    table = _shares(pd.DataFrame(found, columns=["name", "examples", "errors", "rise", "p"]), lost.mean())
    table["accuracy"] = 1 - table["errors"] / table["examples"]
    return _ordered(table.assign(p=holm(table.pop("p"))), ["name"])


def of_candidates(comparisons: Sequence[Comparison]) -> dict[str, Errors]:
    """Return the errors of each candidate that was compared, by name."""
    scored = [c for c in comparisons if c.gain is not None]
    return {
        c.candidate.name: analyse(c.candidate.table(PREDICTIONS), c.candidate.table(TEST), c.metric) for c in scored
    }


def examples_of(group: str, predictions: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Return the test examples of a group that a seed or more got wrong: id, label, predicted, wrong (of the seeds).

    Args:
        group: `class = NAME`, a slice such as `stroke = thin`, or `all`.
        predictions, test: see `analyse`.

    Raises:
        Refusal: where there is no such group, or the predictions are not of this test set.
    """
    answers, rows, seeds = _line_up(predictions, test)
    truth, said, names = _coded(answers, seeds)
    groups = dict(slices(rows[metadata(rows.columns)].reset_index(drop=True)))
    groups |= {f"{CLASS}{names[code]}": places for code, places in enumerate(grouped(truth, len(names))) if len(places)}
    groups[ALL] = np.arange(len(answers))
    if group not in groups:
        hint = (
            near_miss(group, groups) or f"; it is `{ALL}`, `class = NAME`, or a slice as the tables of `errors` name it"
        )
        raise Refusal(f"{quoted(group)} is no group of test examples{hint}")
    differ = said[:, groups[group]] != truth[groups[group]]
    wrong = differ.sum(axis=0)
    places, first = groups[group][wrong > 0], differ.argmax(axis=0)[wrong > 0]  # the first seed's that is wrong
    predicted = pd.Series(np.array(names, dtype=object)[said[first, places]], dtype="str")
    found = answers[["label"]].iloc[places].reset_index().assign(predicted=predicted, wrong=wrong[wrong > 0])
    order = np.lexsort([found["id"].to_numpy(dtype=object), -found["wrong"].to_numpy()])
    return found.iloc[order].reset_index(drop=True)
