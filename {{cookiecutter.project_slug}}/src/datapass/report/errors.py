"""Where the errors are, what each group of them is worth, and which next step the numbers suggest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ..annotators.agreement import measure
from ..annotators.annotations import read_annotations
from ..comparison.lineup import MIN_SLICE, slice_masks
from ..comparison.statistics import holm
from ..comparison.verdict import Comparison
from ..data.examples import counts, metadata
from ..files.paths import AUDIT, CURVES, PREDICTIONS, TEST
from ..files.tables import read_table
from ..messages.problems import Refusal, quoted

# Conventions, not laws: from where on a number decides the next step.
ALPHA = 0.667  # agreement under which people do not share a definition (Krippendorff, Content Analysis, 2004)
NOISE = 0.02  # estimated share of wrong labels; hard examples alone can give about as much
PART = 0.25  # of the test errors: with fewer wrong labels than that, something else comes first
UNFIT = 0.05  # training error beyond the estimated noise
# Wrong answers to unseen labels, both held out and of the test set, above which the model's errors look like wrong labels:
# of 1,000 digits, linear models and MLPs with an error of .31 to .81 of their own called 16 to 83 % of the labels wrong,
# where 0 to 30 % were; those with .04 to .18 were within .05 of the truth (confident learning, 5 folds).
UNKNOWN = 0.25
LIFT = 1.5  # a group's share of the errors over its share of the examples
GAP = 0.02  # training over validation accuracy


@dataclass(frozen=True)
class Errors:
    """The errors on the test set, means over the seeds. `share` is of all errors, `rise` of the accuracy (both 0 to 1).

    Attributes:
        examples, seeds: how many.
        accuracy: share of right answers.
        classes, slices: name, examples, errors (mean number), share, accuracy, rise (of the whole accuracy, were the
            group without errors), p (of no higher error rate than elsewhere; Holm's; NaN under MIN_SLICE examples).
        pairs: label, predicted, examples (with the label), errors, share, rise.
    Each table has the most errors first.
    """

    examples: int
    seeds: int
    accuracy: float
    classes: pd.DataFrame
    slices: pd.DataFrame
    pairs: pd.DataFrame


@dataclass(frozen=True)
class Step:
    """The suggested next step: what to do, and all numbers that were looked at, as sentences."""

    do: str
    numbers: list[str]


def analyse(predictions: pd.DataFrame, test: pd.DataFrame) -> Errors:
    """Break the errors down.

    Args:
        predictions: columns id, label and one `seed_N` a seed.
        test: the test examples, of which those with `weight` 1 count.

    Raises:
        Refusal: where the predictions are not of this test set.
    """
    rows = test[counts(test)].set_index("id")
    answers = predictions.set_index("id")
    labels = test.set_index("id")["label"]
    if set(labels.index) != set(answers.index) or (labels.reindex(answers.index) != answers["label"]).any():
        raise Refusal(f"{PREDICTIONS.as_posix()} is not of {TEST.as_posix()}; `dvc repro` asks the models again.")
    answers = answers[answers.index.isin(rows.index)]
    rows = rows.loc[answers.index]
    seeds = [column for column in answers if column.startswith("seed_")]
    wrong = np.column_stack([answers[seed] != answers["label"] for seed in seeds]).mean(axis=1)
    slices = slice_masks(rows[metadata(rows.columns)].reset_index(drop=True))
    label = answers["label"].to_numpy()
    classes = [(name, label == name) for name in sorted(set(label))]
    pairs = answers[["label", *seeds]].melt(id_vars="label", value_name="predicted")
    pairs = pairs[pairs["label"] != pairs["predicted"]].groupby(["label", "predicted"]).size() / len(seeds)
    confused = pairs.rename("errors").reset_index()
    confused.insert(2, "examples", confused["label"].map(answers["label"].value_counts()))
    by = ["errors", "label", "predicted"]
    confused = _worth(confused, wrong).sort_values(by, ascending=[False, True, True], ignore_index=True)
    accuracy = float(1 - wrong.mean())
    return Errors(len(rows), len(seeds), accuracy, _groups(classes, wrong), _groups(slices, wrong), confused)


def _worth(groups: pd.DataFrame, wrong: np.ndarray) -> pd.DataFrame:
    return groups.assign(share=groups["errors"] / max(wrong.sum(), 1e-9), rise=groups["errors"] / len(wrong))


def _groups(masks: list[tuple[str, np.ndarray]], wrong: np.ndarray) -> pd.DataFrame:
    """Return the table of `Errors.classes`; p by Welch's test of the means with the normal limit, one-sided."""
    p = []
    for _, mask in masks:
        inside, outside = wrong[mask], wrong[~mask]
        se = np.sqrt(inside.var() / max(len(inside), 1) + outside.var() / max(len(outside), 1))
        tested = min(len(inside), len(outside)) >= MIN_SLICE and se > 0
        p.append(float(ndtr((outside.mean() - inside.mean()) / se)) if tested else np.nan)
    groups = pd.DataFrame({"name": [name for name, _ in masks]})
    groups["examples"] = [int(mask.sum()) for _, mask in masks]
    groups["errors"] = [float(wrong[mask].sum()) for _, mask in masks]
    groups = _worth(groups, wrong)
    groups.insert(4, "accuracy", 1 - groups["errors"] / groups["examples"])
    return groups.assign(p=holm(p)).sort_values(["errors", "name"], ascending=[False, True], ignore_index=True)


def next_step(
    errors: Errors,
    audit: dict[str, Any] | None = None,
    curves: pd.DataFrame | None = None,
    alpha: tuple[float, int] | None = None,
) -> Step:
    """Suggest what to do next.

    The first of these that holds decides: people do not agree, the model does not fit what it is shown, the model
    cannot know which labels are wrong, labels are wrong, one group has far more errors than its size explains, the model
    does worse on what it has not seen.

    Args:
        errors: on the test set.
        audit: reports/audit.json.
        curves: reports/learning_curves.csv, with numbers.
        alpha: Krippendorff's alpha between annotators, and of how many examples.
    """
    lost = 1 - errors.accuracy
    do, numbers = [], [f"Test set: {lost:.1%} of {errors.examples:,} answers are wrong (mean of {errors.seeds} seeds)."]
    if alpha:
        numbers.append(f"Annotators: alpha {alpha[0]:.2f} on {alpha[1]:,} examples.")
        if alpha[1] >= MIN_SLICE and alpha[0] < ALPHA:
            why = f"annotators agree too little to learn from (alpha {alpha[0]:.2f})"
            do.append(f"Fix the definition: {why}. `datapass agree` names the classes.")
    else:
        hint = "`datapass agree --sample 50` starts that"
        numbers.append(f"Annotators: no example has labels of two people; {hint}.")
    noise = audit["wrong_labels"] / audit["audited"] if audit else 0.0
    fit = (np.nan, np.nan)
    if curves is not None and len(curves) and {"train_accuracy", "validation_accuracy"} <= set(curves):
        fit = (float(curves["train_accuracy"].iloc[-1]), float(curves["validation_accuracy"].iloc[-1]))
        numbers.append(f"Fit: {fit[0]:.1%} right in training, {fit[1]:.1%} in validation, by the labels as they are.")
        if 1 - fit[0] > noise + UNFIT:  # before the labels: what it does not fit it cannot judge either
            why = f"it is wrong on {1 - fit[0]:.1%} of its own training examples, more than wrong labels explain"
            do.append(f"Work on the model: {why}.")
    if audit:
        of = f"{audit['wrong_labels']:,} of {audit['audited']:,} for training and validation"
        by = f"to a model that gives {audit['out_of_fold_accuracy']:.1%} of them without having seen them"
        unseen = 1 - audit["out_of_fold_accuracy"]
        unknown = min(unseen, lost) > UNKNOWN
        doubt = ": too few to tell a wrong label from an error of its own" if unknown else ""
        numbers.append(f"Labels: up to {of} look wrong ({noise:.1%}) {by}{doubt}.")
        if unknown:  # before the labels: it would call its own errors wrong labels
            why = f"it is wrong on {unseen:.1%} of the labels that it had not seen and on {lost:.1%} of the test set"
            do.append(f"Work on the model: {why}, so what it says of labels is mostly about itself.")
        if noise >= NOISE and noise >= lost * PART:
            hint = f"`datapass review` shows {audit['suspects']:,} suspects"
            do.append(f"Clean labels: up to {noise:.1%} look wrong. {hint}.")
    else:
        numbers.append("Labels: not audited; `dvc repro audit` estimates how many are wrong.")
    parts = pd.concat([errors.classes.assign(name="class " + errors.classes["name"]), errors.slices], ignore_index=True)
    parts["lift"] = parts["share"] / (parts["examples"] / errors.examples)
    worst = (
        parts[(parts["p"] < 0.05) & (parts["lift"] >= LIFT)].sort_values("rise", ascending=False, kind="stable").head(1)
    )
    for row in worst.itertuples():
        size = f"{row.examples / errors.examples:.0%} of the examples ({row.examples:,})"
        what = f"{quoted(row.name)[1:-1]} has {row.share:.0%} of the errors and {size}"
        numbers.append(f"Worst group: {what}; without its errors accuracy would be {100 * row.rise:.1f} points higher.")
        do.append(f"Collect for a slice: {what}.")
    if worst.empty:
        numbers.append("Groups: none has clearly more errors than its size explains.")
    if fit[0] - fit[1] > GAP:
        gap = f"the model is {100 * (fit[0] - fit[1]):.0f} points better on what it has seen, and no group stands out"
        do.append(f"Collect more: {gap}.")
    none = "These numbers point to no single cause: look at the most frequent confusions, and at examples of each."
    return Step(do[0] if do else none, numbers)


def of_candidates(comparisons: Sequence[Comparison]) -> dict[str, Errors]:
    """Return the errors of each candidate that was compared, by name."""
    scored = [c.candidate for c in comparisons if c.gain is not None]
    return {side.name: analyse(side.table(PREDICTIONS), side.table(TEST)) for side in scored}


def read() -> tuple[Errors, Step]:
    """Return the analysis of the workspace. Raises Refusal where a file is missing or stale."""
    for path in (PREDICTIONS, TEST):
        if not path.is_file():
            raise Refusal(f"{path.as_posix()} is missing; `dvc repro` writes it.")
    errors = analyse(read_table(PREDICTIONS), read_table(TEST))
    audit = json.loads(AUDIT.read_text(encoding="utf-8")) if AUDIT.is_file() else None
    curves = read_table(CURVES).apply(pd.to_numeric, errors="coerce") if CURVES.is_file() else None
    annotations = read_annotations()
    last = annotations.drop_duplicates(["id", "annotator"])
    agreed = measure(annotations) if last["id"].duplicated().any() else None
    return errors, next_step(errors, audit, curves, (agreed.alpha, agreed.examples) if agreed else None)
