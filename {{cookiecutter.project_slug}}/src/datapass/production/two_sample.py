"""Can a classifier tell new inputs from old ones? Its AUC says how well, and a permutation test whether that is luck.

Lopez-Paz and Oquab 2017 (arXiv 1610.06545), with a kernel ridge classifier: its out-of-fold scores are linear in the labels, so
what trains it again for each of 999 permutations is one matrix product, and the p-value is exact, refitting included.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, eigh
from threadpoolctl import threadpool_limits

from ..data.fraction import fraction
from .measures import without_calendar
from .seen import Inputs, Seen, features

MOST, FEWEST = 2000, 20  # units of a side: more would only find what does not matter; fewer say nothing
FOLDS, PERMUTATIONS, LANDMARKS = 5, 999, 600
RIDGE = 0.1  # in units of the diagonal of a kernel; tried: finds noise and brightness better than 1


@dataclass(frozen=True)
class Apart:
    """How well old and new can be told apart.

    Attributes:
        auc: of the out-of-fold scores, .5 for not at all; NaN where either side has too few units.
        p: of an AUC this high where nothing changed, at least 1/1000; NaN likewise.
        old, new: units that took part, an input of each.
        rows: which of the new inputs took part (k, int).
        scores: out-of-fold scores of these (k); higher is more like the new inputs, less like the old.
    """

    auc: float
    p: float
    old: int
    new: int
    rows: np.ndarray
    scores: np.ndarray


def tell_apart(old: Inputs, new: Inputs, kinds: Mapping[str, str]) -> Apart:
    """Test whether new inputs come from where the old ones came from.

    An input of each unit takes part, since those of a group are alike: counted one by one they would alarm falsely. It is
    then as if as many independent inputs were drawn, however large the groups are on either side.

    Args:
        old: n_old inputs; those of training may be among them, as nothing was fitted to them here.
        new: n_new inputs.
        kinds: {column: kind} of packed rows, see `data.rows`; empty for files. Dates that only tell the time are left out.
    """
    sides = old.one_of_each(MOST), new.one_of_each(MOST)
    sizes = len(sides[0]), len(sides[1])
    known = without_calendar(old.packed, new.packed, kinds)
    if min(sizes) < FEWEST or (kinds and not known):
        return Apart(np.nan, np.nan, *sizes, sides[1], np.zeros(sizes[1]))
    taken = old.take(sides[0]), new.take(sides[1])
    seen = features([side.packed for side in taken], known)
    ids, units = (pd.concat([getattr(side, what) for side in taken], ignore_index=True) for what in ("ids", "units"))
    return replace(apart(seen, np.arange(sum(sizes)) >= sizes[0], ids, units), rows=sides[1])


def apart(seen: Seen, is_new: np.ndarray, ids: pd.Series, units: pd.Series) -> Apart:
    """Test whether labels say anything about inputs of which each stands for itself.

    Args:
        seen: features of n inputs.
        is_new: the labels (n, bool).
        ids, units: of the inputs (n, str). A unit may be on both sides, once each: it is in one fold.
    """
    order = np.argsort(fraction(ids, "two-sample"), kind="stable")  # so the order of the rows changes no byte
    labels = is_new[order]
    folds = folds_of(units.iloc[order])
    rng = np.random.default_rng(0)
    tried = np.column_stack([labels, *(rng.permutation(labels) for _ in range(PERMUTATIONS))])
    with threadpool_limits(1):  # the same bytes whatever the number of cores, and no slower
        scores = out_of_fold(landmarks(seen.take(order)), folds, tried)
    found = aucs(scores, tried, folds)
    p = float((1 + np.sum(found[1:] >= found[0] - 1e-12)) / (1 + PERMUTATIONS))
    mine = np.empty(len(order))
    mine[order] = scores[:, 0]
    new = np.flatnonzero(is_new)
    return Apart(round(float(found[0]), 6), p, int((~is_new).sum()), len(new), np.arange(len(new)), mine[new].round(6))


def folds_of(units: pd.Series) -> np.ndarray:
    """Return the fold of each input (n, int), of about equal size: that of its unit, by hash, whatever the labels are."""
    codes, names = units.factorize()
    places = np.argsort(np.argsort(fraction(pd.Series(names, dtype="str"), "folds"), kind="stable"), kind="stable")
    return places[codes] % FOLDS


def landmarks(seen: Seen) -> np.ndarray:
    """Return features whose products are the kernel (n x d, d <= 600), centred, which stands for an intercept.

    Of many inputs they are those of Nystroem: exact between the first 600, the best of these between the others (Williams
    and Seeger 2001). They do not depend on the labels.
    """
    first = seen.take(np.arange(min(LANDMARKS, len(seen.numbers))))
    values, vectors = eigh(first.kernel(first))
    kept = values > 1e-9 * values[-1]
    found = seen.kernel(first) @ (vectors[:, kept] / np.sqrt(values[kept]))
    return found - found.mean(axis=0)


def out_of_fold(found: np.ndarray, folds: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the scores of ridge classifiers of which each was fitted without the fold that it scores (n x k).

    They are fitted to the label less its mean. A weight of either side would only multiply the scores, so a small side
    counts as much as a large one.

    Args:
        found: features (n x d), centred.
        folds: (n, int).
        labels: (n x k, bool), each column one labelling.
    """
    targets = labels - labels.mean(axis=0)
    scores = np.empty_like(targets)
    for fold in np.unique(folds):
        rest, mine = found[folds != fold], found[folds == fold]
        squares = rest.T @ rest
        squares[np.diag_indices_from(squares)] += RIDGE
        scores[folds == fold] = mine @ cho_solve(cho_factor(squares), rest.T @ targets[folds != fold])
    return scores


def aucs(scores: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return the AUC of each labelling (k): over pairs of an old and a new input of one fold, as folds have their own level.

    Args:
        scores: (n x k); equal ones (copies) count in the order of the rows, which must not depend on the labels.
        labels: (n x k, bool).
        folds: (n, int).
    """
    wins, pairs = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    for fold in np.unique(folds):
        # Rounded: what is equal but for the order of a sum is a tie.
        order = np.ascontiguousarray(scores[folds == fold].T.round(9)).argsort(axis=1, kind="stable")
        mine = np.take_along_axis(labels[folds == fold].T, order, axis=1)
        news = mine.sum(axis=1)
        wins += mine @ np.arange(1.0, mine.shape[1] + 1) - news * (news + 1) / 2
        pairs += news * (mine.shape[1] - news)
    return np.where(pairs > 0, wins / np.maximum(pairs, 1), 0.5)
