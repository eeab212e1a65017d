"""How far people agree on the labels, and where they do not.

Annotations are rows of id, annotator and label. Where one annotator rated an example several times, the last rating
counts for the agreement between people; the consensus (Dawid-Skene) uses them all.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ..files.paths import ANNOTATIONS
from ..messages.problems import Refusal
from .annotations import COLUMNS, DELIVERED
from .consensus import Consensus, dawid_skene


def krippendorff(counts: np.ndarray) -> float:
    """Return Krippendorff's alpha for nominal data (Computing Krippendorff's Alpha-Reliability, 2011).

    Args:
        counts: ratings of each class that each example got (n x k); examples with fewer than 2 ratings are left out.

    Returns:
        1 for perfect agreement, 0 for chance; NaN where nothing is rated twice or only one class is used.
    """
    counts = counts[counts.sum(axis=1) > 1]
    return float(_alpha(_agreeing(counts).sum(), counts.sum(axis=0)))


def _agreeing(counts: np.ndarray) -> np.ndarray:
    """Return the diagonal of Krippendorff's coincidences that each example adds (n)."""
    return (counts * (counts - 1.0)).sum(axis=1) / np.maximum(counts.sum(axis=1) - 1.0, 1)


def _alpha(agreeing: Any, totals: np.ndarray) -> np.ndarray:
    """Return alpha from the sum of `_agreeing` (...) and the number of ratings of each class (..., k)."""
    n = totals.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = 1 - (totals * (totals - 1.0)).sum(axis=-1) / (n * (n - 1.0))
        return np.where(chance > 0, 1 - (1 - agreeing / n) / chance, np.nan)


def alpha_interval(counts: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of `krippendorff`: the jackknife over examples, with Student's t (cut at 1)."""
    counts = counts[counts.sum(axis=1) > 1]
    n = len(counts)
    each = _agreeing(counts)
    left = _alpha(each.sum() - each, counts.sum(axis=0) - counts)  # alpha without each example in turn
    if n < 3 or np.isnan(left).any():
        return float("nan"), float("nan")
    half = stdtrit(n - 1, 0.975) * np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())
    alpha = krippendorff(counts)
    return float(alpha - half), float(min(alpha + half, 1.0))


def fleiss(counts: np.ndarray) -> float:
    """Return Fleiss' kappa (Psychological Bulletin 76, 1971) of ratings by example and class (n x k).

    Where examples have different numbers of ratings, each example weighs the same. Fewer than 2 ratings: left out.
    """
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return float("nan")
    size = counts.sum(axis=1, keepdims=True)
    observed = (counts * (counts - 1.0) / (size * (size - 1.0))).sum(axis=1).mean()
    chance = ((counts / size).mean(axis=0) ** 2).sum()
    return float((observed - chance) / (1 - chance)) if chance < 1 else float("nan")


def _rated_pairs(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return each two annotators' ratings of one example: id, first, second, label_1, label_2; first < second."""
    both = ratings.merge(ratings, on="id", suffixes=("_1", "_2"))
    both = both[both["annotator_1"] < both["annotator_2"]]
    return both.rename(columns={"annotator_1": "first", "annotator_2": "second"})


def cohen(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return Cohen's kappa (Educational and Psychological Measurement 20, 1960) of each two annotators.

    Args:
        pairs: as `_rated_pairs` returns them.

    Returns:
        first, second, examples (rated by both), agreement (share of them) and kappa (NaN where both used one class
        only), the lowest kappa first.
    """
    who = ["first", "second"]
    table = pairs.assign(agreement=pairs["label_1"] == pairs["label_2"]).groupby(who)["agreement"].agg(["size", "mean"])
    sides = [pairs.groupby([*who, side]).size().rename_axis([*who, "label"]) for side in ("label_1", "label_2")]
    both = sides[0].to_frame("a").join(sides[1].rename("b"), how="inner")
    chance = (both["a"] * both["b"]).groupby(who).sum().reindex(table.index, fill_value=0) / table["size"] ** 2
    table["kappa"] = ((table["mean"] - chance) / (1 - chance)).where(chance < 1)
    table = table.reset_index().set_axis(["first", "second", "examples", "agreement", "kappa"], axis=1)
    return table.sort_values(["kappa", *who], ignore_index=True)


@dataclass(frozen=True)
class Agreement:
    """The agreement between annotators. Shares and coefficients have no unit; NaN where they are not defined.

    Attributes:
        examples: number of examples that two or more annotators rated; all but `consensus` rest on these.
        ratings: number of ratings of those.
        agreement: share of pairs of ratings of one example that agree.
        fleiss, alpha: Fleiss' kappa, Krippendorff's alpha. alpha_95: its 95 % interval.
        classes: class, ratings, agreement (where one says the class, how often another does), alpha (the class against
            all others); the lowest alpha first.
        pairs: see `cohen`.
        confusions: one, other (classes, one < other), count (pairs of ratings), share (of all that disagree), examples
            (how many), ids (the first three); the most frequent first.
        annotators: annotator, ratings, consensus (expected share of them that name the true class); the lowest first.
            The consensus holds the annotator's own ratings, so with few annotators it flatters.
        disputed: id, labels (`7 2x, 1 1x`), disagreement (share of pairs that differ), consensus, probability; the most
            disputed first, examples without disagreement left out.
        consensus: Dawid and Skene's estimate from all annotations.
    """

    examples: int
    ratings: int
    agreement: float
    fleiss: float
    alpha: float
    alpha_95: tuple[float, float]
    classes: pd.DataFrame
    pairs: pd.DataFrame
    confusions: pd.DataFrame
    annotators: pd.DataFrame
    disputed: pd.DataFrame
    consensus: Consensus


def measure(annotations: pd.DataFrame) -> Agreement:
    """Measure the agreement of annotations (columns id, annotator, label, all `str`; the last of repeats counts).

    Raises:
        Refusal: where no example was rated by two annotators.
    """
    last = annotations[COLUMNS].drop_duplicates(["id", "annotator"], keep="last")
    shared = last[last["id"].duplicated(keep=False)].reset_index(drop=True)
    if shared.empty:
        raise Refusal(
            f"No example has labels of two annotators in {DELIVERED} or {ANNOTATIONS}; "
            "`agree --sample 50` writes examples for two people to label, `agree --read FILE` takes in their answers."
        )
    rows, ids = pd.factorize(shared["id"], sort=True)
    codes, classes = pd.factorize(shared["label"], sort=True)
    counts = np.zeros((len(ids), len(classes)), dtype=np.int64)
    np.add.at(counts, (rows, codes), 1)
    size = counts.sum(axis=1)
    pairs = _rated_pairs(shared)
    consensus = dawid_skene(annotations)
    binary = [np.column_stack([counts[:, c], size - counts[:, c]]) for c in range(len(classes))]
    own = (counts * (counts - 1.0) / (size - 1.0)[:, None]).sum(axis=0) / counts.sum(axis=0)
    by_class = {"class": classes, "ratings": counts.sum(axis=0), "agreement": own, "alpha": map(krippendorff, binary)}
    truth = consensus.posterior
    right = truth.to_numpy()[
        truth.index.get_indexer(annotations["id"]), truth.columns.get_indexer(annotations["label"])
    ]
    people = pd.Series(right).groupby(annotations["annotator"].to_numpy()).agg(["size", "mean"]).reset_index()
    return Agreement(
        len(ids),
        len(shared),
        float((pairs["label_1"] == pairs["label_2"]).mean()),
        fleiss(counts),
        krippendorff(counts),
        alpha_interval(counts),
        pd.DataFrame(by_class).sort_values(["alpha", "class"], ignore_index=True),
        cohen(pairs),
        _confusions(pairs),
        people.set_axis(["annotator", "ratings", "consensus"], axis=1).sort_values(
            ["consensus", "annotator"], ignore_index=True
        ),
        _disputed(shared, truth),
        consensus,
    )


def _confusions(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the classes that annotators confuse, see `Agreement.confusions`."""
    differ = pairs[pairs["label_1"] != pairs["label_2"]]
    swap = differ["label_1"] > differ["label_2"]
    one, other = differ["label_1"].where(~swap, differ["label_2"]), differ["label_2"].where(~swap, differ["label_1"])
    found = pd.DataFrame({"one": one, "other": other, "id": differ["id"]}).sort_values("id")
    key = ["one", "other"]
    table = found.groupby(key).size().to_frame("count")
    table["share"] = table["count"] / max(len(differ), 1)
    once = found.drop_duplicates([*key, "id"])
    table["examples"] = once.groupby(key).size()
    table["ids"] = once[once.groupby(key).cumcount() < 3].groupby(key)["id"].agg(list)
    return table.reset_index().sort_values(["count", *key], ascending=[False, True, True], ignore_index=True)


def _disputed(shared: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the examples that annotators disagree on, see `Agreement.disputed`."""
    votes = shared.groupby(["id", "label"]).size().to_frame("n").reset_index()
    votes = votes[votes["id"].duplicated(keep=False)].sort_values(["id", "n", "label"], ascending=[True, False, True])
    votes["text"] = votes["label"] + " " + votes["n"].astype("str") + "x"
    votes["same"] = votes["n"] * (votes["n"] - 1.0)
    table = votes.groupby("id").agg(labels=("text", ", ".join), n=("n", "sum"), same=("same", "sum")).reset_index()
    table["disagreement"] = 1 - table["same"] / (table["n"] * (table["n"] - 1.0))
    here = truth.loc[table["id"]].to_numpy()
    table["consensus"] = truth.columns.to_numpy()[here.argmax(axis=1)] if len(table) else []
    table["probability"] = here.max(axis=1) if len(table) else []
    table = table.sort_values(["disagreement", "probability", "id"], ascending=[False, True, True], ignore_index=True)
    return table[["id", "labels", "disagreement", "consensus", "probability"]]
