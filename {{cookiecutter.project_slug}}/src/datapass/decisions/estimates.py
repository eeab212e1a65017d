"""What wrong labels, disagreement and a lack of examples cost: the numbers behind the next step."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..annotators.agreement import Agreement
from ..report.errors import Errors
from .evidence import Evidence

UNFIT = 0.05  # training error beyond the estimated noise
# Wrong answers to unseen labels, both held out and of the test set, above which the model's errors look like wrong labels:
# of 1,000 digits, linear models and MLPs with an error of .31 to .81 of their own called 16 to 83 % of the labels wrong,
# where 0 to 30 % were; those with .04 to .18 were within .05 of the truth (confident learning, 5 folds).
UNKNOWN = 0.25
# b in error ~ n^-b where it is not measured: low, middle, high. Statistical learning theory has .5 without and 1 with a model
# that can be right; measured ones are often lower. On the three examples with wrong labels they were .1 to 1.1.
SLOPES = (0.1, 0.5, 1.0)
Z = 1.645  # one-sided 95 %


def cannot_judge(errors: Errors, known: Evidence) -> str:
    """Return why what the model says of labels is not taken, as a sentence; nothing where it is."""
    if known.audit is None:
        return "Suspects: not estimated, since the labels are not audited; `dvc repro audit` does it."
    unseen, lost = 1 - known.audit["out_of_fold_accuracy"], 1 - errors.accuracy
    if min(unseen, lost) > UNKNOWN:
        why = f"it is wrong on {unseen:.1%} of the labels that it had not seen and on {lost:.1%} of the test set"
        return f"Suspects: not estimated. The model cannot tell a wrong label from an error of its own: {why}."
    if known.fit is not None and 1 - known.fit > (wrong := excused(errors, known)) + UNFIT:
        why = f"it is wrong on {1 - known.fit:.1%} of its training examples, and wrong labels explain {wrong:.1%}"
        return f"Suspects: not estimated. What the model does not fit it cannot judge either: {why}."
    return ""


@dataclass(frozen=True)
class Fit:
    """What training tells of the errors.

    Attributes:
        beyond: training error beyond wrong labels, 0 where it is too little to tell; NaN without learning curves.
        share: of the test errors that more data could lower, those beyond the training error.
        slope: b in error ~ n^-b: low, middle, high.
        said: where the slope is from.
    """

    beyond: float
    share: float
    slope: tuple[float, float, float]
    said: str


def fit(errors: Errors, known: Evidence, blocked: bool) -> Fit:
    """Return what training tells; `blocked`: whether the estimate of wrong labels is not taken."""
    beyond = float("nan") if known.fit is None else max(0.0, 1 - known.fit - (0 if blocked else excused(errors, known)))
    beyond = 0.0 if beyond <= UNFIT else beyond
    lost = 1 - errors.accuracy
    share = 1 - min(1.0, float(np.nan_to_num(beyond)) / lost) if lost > 0 else 0.0
    if known.slope is None:
        return Fit(beyond, share, SLOPES, "assumed")
    return Fit(beyond, share, known.slope, f"measured on {known.sizes} sizes")


def lowered(noise: float, classes: int, slope: float) -> float:
    """Return the share of the error that goes when all wrong labels are corrected, were they wrong at random.

    Labels of which `noise` are wrong, evenly over `classes`, are worth (1 - noise K / (K - 1))^2 as many right ones
    (docs/next-step.md); with error ~ n^-slope this is what they cost.
    """
    return 1 - max(0.0, 1 - noise * classes / max(classes - 1, 1)) ** (2 * slope)


def contradicted(errors: Errors, known: Evidence) -> tuple[float, float]:
    """Return the share of wrong labels by how often the model contradicts unseen ones, and its standard error.

    It contradicts a label that is wrong, or where it errs, and the test set tells how often it errs: unseen = rate + lost -
    rate lost K / (K - 1). Where test labels are as wrong as the others this is about 0. The audit trains on training and
    validation but for a fold, which is about as many as the training examples.
    """
    assert known.audit is not None
    unseen, lost, k = 1 - known.audit["out_of_fold_accuracy"], 1 - errors.accuracy, max(len(errors.classes), 2)
    part = max(1 - lost * k / (k - 1), 1e-9)
    se = np.sqrt(unseen * (1 - unseen) / known.audit["audited"] + lost * (1 - lost) / errors.examples)
    return (unseen - lost) / part, float(se / part)


def excused(errors: Errors, known: Evidence) -> float:
    """Return the share of training labels that wrong ones may explain: the larger of the two estimates of their number."""
    return max(known.noise, contradicted(errors, known)[0])


def surely_wrong(errors: Errors, known: Evidence) -> float:
    """Return the share of wrong labels, at 95 % confidence, that the model's own errors do not explain (0 or more)."""
    rate, se = contradicted(errors, known)
    return float(np.clip(rate - Z * se, 0, known.noise))


def copied(errors: Errors, known: Evidence) -> pd.Series:
    """Return how much of the rise of each of `errors.pairs` a model makes that copies the suspects' labels.

    Such a model, the nearest neighbour, takes class b for a as often as training examples that look like b are labelled a.
    One that averages makes fewer, so this is a ceiling of what wrong labels explain.
    """
    pairs, doubted = errors.pairs, known.suspects[known.suspects["suggested"] != ""]
    looks = known.labels.sub(doubted["label"].value_counts(), fill_value=0)
    looks = looks.add(doubted["suggested"].value_counts(), fill_value=0).clip(lower=1)
    wrong = doubted.groupby(["suggested", "label"]).size()
    wrong = wrong.reindex(pd.MultiIndex.from_frame(pairs[["label", "predicted"]]), fill_value=0).to_numpy()
    expected = wrong / looks.reindex(pairs["label"], fill_value=1).to_numpy() * pairs["examples"]
    return pairs["rise"] * np.minimum(1, expected / pairs["errors"])


def confused_by_people(errors: Errors, people: Agreement) -> float:
    """Return the rise of the test errors between classes that people confuse too, as often as they do: a ceiling."""
    pairs = unordered(errors.pairs, errors.pairs["errors"])
    pairs["rise"] = unordered(errors.pairs, errors.pairs["rise"])["value"]
    one, other = (pairs.index.get_level_values(level) for level in (0, 1))
    shown, rated = (
        column.reindex(one, fill_value=0).to_numpy() + column.reindex(other, fill_value=0).to_numpy()
        for column in (errors.classes.set_index("name")["examples"], people.classes.set_index("class")["ratings"])
    )
    differ = people.confusions.set_index(["one", "other"])["count"].reindex(pairs.index, fill_value=0).to_numpy()
    # Of the examples that someone calls either class, the share that the next person calls the other one.
    rate = 2 * differ / np.maximum(rated * (people.ratings / people.examples - 1), 1)
    return float((pairs["rise"] * np.minimum(1, rate * shown / pairs["value"])).sum())


def unordered(pairs: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """Return the sum of `values` for each two classes, whichever is taken for the other: column value by (one, other)."""
    names = pairs[["label", "predicted"]]
    both = pd.DataFrame({"one": names.min(axis=1), "other": names.max(axis=1), "value": values})
    return both.groupby(["one", "other"])[["value"]].sum()


def per_label(errors: Errors, known: Evidence) -> tuple[float, float, int] | None:
    """Return what earlier passes gained for each label that they corrected: low, high, and of how many passes.

    Passes count that corrected labels, and dropped no more than they corrected, and have a gain in the same metric. Their
    intervals are taken as independent.
    """
    used = [
        one
        for one in known.passes
        if one["gain"] is not None and one["metric"] == errors.metric
        if set(one["edits"]) <= {"relabel", "drop", "keep"}
        and one["edits"].get("relabel", 0) >= max(one["edits"].get("drop", 0), 1)
    ]
    if not used:
        return None
    labels = sum(one["edits"].get("relabel", 0) + one["edits"].get("drop", 0) for one in used)
    gain = sum(one["gain"] for one in used)
    half = float(np.sqrt(sum(((one["high"] - one["low"]) / 2) ** 2 for one in used)))
    return (gain - half) / labels, (gain + half) / labels, len(used)
