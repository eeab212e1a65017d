"""Where the errors are, and what each group of them costs in the project's metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ..comparison.lineup import MIN_SLICE, slice_masks
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
    label = answers["label"].to_numpy()
    names = sorted({*label, *(name for seed in seeds for name in answers[seed])})
    truth = pd.Index(names).get_indexer(label)
    said = np.stack([pd.Index(names).get_indexer(answers[seed]) for seed in seeds])
    wrong = (said != truth).mean(axis=0)
    # What each answer lost against the right one (n x S); so the losses of a group's examples add up to its rise.
    lost = used.scores(truth, truth[None], names) - used.scores(truth, said, names)
    slices = slice_masks(rows[metadata(rows.columns)].reset_index(drop=True))
    classes = [(name, label == name) for name in sorted(set(label))]
    each = pd.DataFrame(
        {"label": np.repeat(label, len(seeds)), "predicted": np.array(names, dtype=object)[said.T.ravel()]}
    )
    each = each.assign(errors=1 / len(seeds), rise=lost.ravel() / lost.size)
    pairs = each[each["label"] != each["predicted"]].groupby(["label", "predicted"]).sum().reset_index()
    pairs.insert(2, "examples", pairs["label"].map(answers["label"].value_counts()).astype("int64"))
    pairs = _ordered(_shares(pairs, lost.mean()), ["label", "predicted"])
    groups = [_groups(masks, wrong, lost.mean(axis=1)) for masks in (classes, slices)]
    accuracy = float(1 - wrong.mean())
    return Errors(len(rows), len(seeds), accuracy, groups[0], groups[1], pairs, float(lost.mean()), used, chosen)


def _line_up(predictions: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return the answers and the test examples that count, both by id, and the columns of the seeds."""
    rows = test[counts(test)].set_index("id")
    answers = predictions.set_index("id")
    labels = test.set_index("id")["label"]
    if set(labels.index) != set(answers.index) or (labels.reindex(answers.index) != answers["label"]).any():
        raise Refusal(f"{PREDICTIONS.as_posix()} is not of {TEST.as_posix()}; `dvc repro` asks the models again.")
    answers = answers[answers.index.isin(rows.index)]
    return answers, rows.loc[answers.index], [column for column in answers if column.startswith("seed_")]


def _shares(groups: pd.DataFrame, loss: float) -> pd.DataFrame:
    return groups.assign(share=groups["rise"] / max(float(loss), 1e-9))


def _ordered(groups: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rounded = groups.assign(order=-groups["rise"].round(9))  # sums of the same numbers in another order are equal
    return rounded.sort_values(["order", *by], ignore_index=True).drop(columns="order")


def _groups(masks: list[tuple[str, np.ndarray]], wrong: np.ndarray, lost: np.ndarray) -> pd.DataFrame:
    """Return the table of `Errors.classes`; p by Welch's test of the means with the normal limit, one-sided."""
    p = []
    for _, mask in masks:
        inside, outside = lost[mask], lost[~mask]
        se = np.sqrt(inside.var() / max(len(inside), 1) + outside.var() / max(len(outside), 1))
        tested = min(len(inside), len(outside)) >= MIN_SLICE and se > 0
        p.append(float(ndtr((outside.mean() - inside.mean()) / se)) if tested else np.nan)
    groups = pd.DataFrame({"name": [name for name, _ in masks]})
    groups["examples"] = [int(mask.sum()) for _, mask in masks]
    groups["errors"] = [float(wrong[mask].sum()) for _, mask in masks]
    groups["rise"] = [float(lost[mask].sum()) / len(lost) for _, mask in masks]
    groups = _shares(groups, lost.mean())
    groups["accuracy"] = 1 - groups["errors"] / groups["examples"]
    return _ordered(groups.assign(p=holm(p)), ["name"])


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
    masks = {f"{CLASS}{name}": (answers["label"] == name).to_numpy() for name in sorted(set(answers["label"]))}
    masks = dict(slice_masks(rows[metadata(rows.columns)].reset_index(drop=True))) | masks
    masks[ALL] = np.ones(len(answers), dtype=bool)
    if group not in masks:
        hint = (
            near_miss(group, masks) or f"; it is `{ALL}`, `class = NAME`, or a slice as the tables of `errors` name it"
        )
        raise Refusal(f"{quoted(group)} is no group of test examples{hint}")
    wrong = (answers[seeds].to_numpy(dtype=object) != answers[["label"]].to_numpy(dtype=object)).sum(axis=1)
    said = answers[seeds].where(answers[seeds].ne(answers["label"], axis=0))
    predicted = said.bfill(axis=1).iloc[:, 0]  # the first seed's that is wrong
    found = answers[["label"]].assign(predicted=predicted, wrong=wrong)[masks[group] & (wrong > 0)].reset_index()
    return found.sort_values(["wrong", "id"], ascending=[False, True], ignore_index=True)
