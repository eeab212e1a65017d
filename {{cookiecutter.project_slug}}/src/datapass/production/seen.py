"""What a classifier sees of packed inputs, whatever their kind: features, with a distance and a kernel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from ..data.fraction import fraction
from ..data.packed import Packed, take
from .measures import named

SIDE, AT_ONCE = 16, 512  # pixels of a side of a small image; images read at once from a memory-map
CATEGORIES = 20  # of a column, each with a feature of its own; the others share one
PAIRS = 4000  # inputs, of whose distances the median is taken: all of a test, so it does not depend on who is new
NORMAL = 1.349  # middle half of a normal distribution, in standard deviations
CHARACTERS = 2000  # of a text that are read


@dataclass(frozen=True)
class Inputs:
    """Inputs that stand on one side of a comparison.

    Attributes:
        packed: as `pack` leaves them (n).
        ids: unique everywhere (n, str); what is drawn is drawn by their hash, so neither order nor content matters.
        units: what was drawn independently: the group of each, else its id (n, str). Copies of a *file* may be a unit.
            Equal texts or rows may not: people do say the same, and of many rows more would be lost than of few.
    """

    packed: Packed
    ids: pd.Series
    units: pd.Series

    def one_of_each(self, most: int, salt: str = "one of each unit") -> np.ndarray:
        """Return one row of each unit, by hash, of at most `most` units (k, int), in the order of the hash."""
        order = np.argsort(fraction(self.ids, salt), kind="stable")
        first = ~self.units.iloc[order].duplicated().to_numpy()
        return order[first][:most]

    def take(self, rows: np.ndarray) -> "Inputs":
        """Return some of the inputs (k of n), images as their few pixels, see `small`: of all they may not fit into memory."""
        ids, units = (each.iloc[rows].reset_index(drop=True) for each in (self.ids, self.units))
        some = small(self.packed, rows) if isinstance(self.packed, np.ndarray) else take(self.packed, rows)
        return Inputs(some, ids, units)


@dataclass(frozen=True)
class Seen:
    """Features of inputs, those of all parts one below the other.

    Attributes:
        numbers: of images and of the columns of tables (n x d); d may be 0.
        words: TF-IDF of texts, each row of length 1 or 0 (n x D, sparse); None where there is no text.
        scale: median distance of two inputs by their numbers.
    """

    numbers: np.ndarray
    words: sparse.csr_matrix | None
    scale: float

    def take(self, rows: np.ndarray) -> "Seen":
        """Return some of the inputs (k of n); the scale stays."""
        words = None if self.words is None else self.words[rows]
        return replace(self, numbers=self.numbers[rows], words=words)

    def kernel(self, other: "Seen") -> np.ndarray:
        """Return how alike inputs are, 0..1 (n x m): the mean of a Gaussian kernel of the numbers, as wide as their median
        distance, and of the cosine of the texts, of which either may be absent."""
        parts = []
        if self.numbers.shape[1]:
            parts.append(np.exp(-_squares(self.numbers, other.numbers) / (2 * self.scale**2)))
        if self.words is not None and other.words is not None:
            parts.append((self.words @ other.words.T).toarray())
        return sum(parts[1:], parts[0]) / len(parts)

    def distances(self, other: "Seen") -> np.ndarray:
        """Return how far inputs are from each other (n x m): squared distances in units of the scale, and 1 - cosine, summed."""
        found = _squares(self.numbers, other.numbers) / self.scale**2
        return (
            found if self.words is None or other.words is None else found + 1 - (self.words @ other.words.T).toarray()
        )


def features(parts: Sequence[Packed], kinds: Mapping[str, str]) -> Seen:
    """Return the features of inputs of several parts, one below the other.

    All that is estimated for them is estimated of all parts together: who is in which part changes nothing, so tests that
    change labels between the parts are exact.

    Args:
        parts: (n_1, ...), (n_2, ...) and so on.
        kinds: {column: number, category, boolean, date or text} of packed rows; empty for files.
    """
    if isinstance(parts[0], np.ndarray):
        pixels = np.concatenate([small(part, np.arange(len(part))) for part in parts if isinstance(part, np.ndarray)])
        pixels -= pixels.mean(axis=0)
        spread = pixels.std(axis=0)
        # A pixel that hardly ever changes must not weigh as much as one that means something.
        numbers = pixels / np.maximum(spread, max(float(np.sqrt((spread**2).mean())), 1e-9))
        return Seen(numbers, None, _median(numbers))
    frames = [part for part in parts if isinstance(part, pd.DataFrame)]
    numbers, words = [np.zeros((sum(map(len, frames)), 0))], []
    for name, kind in kinds.items():
        columns = [frame[name] for frame in frames]
        if kind == "text":
            words.append(_words(pd.concat([column.astype("str").fillna("") for column in columns], ignore_index=True)))
        elif kind in ("category", "boolean"):
            numbers.append(_one_hot(pd.concat([named(column, kind) for column in columns], ignore_index=True)))
        else:
            numbers.append(_standard(np.concatenate([column.to_numpy(float, na_value=np.nan) for column in columns])))
    stacked = np.hstack(numbers)
    texts = sparse.csr_matrix(sparse.hstack(words) / np.sqrt(len(words))) if words else None
    return Seen(stacked, texts, _median(stacked))


def small(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return some images as at most 16 x 16 area-averaged pixels, flattened (k x d, float64, 0..1); other arrays as they are.

    Args:
        images: (n, H, W, C) or (n, H, W), uint8; or (n, d), uint8, or float64 as this returns them.
        rows: which (k, int).
    """
    if images.ndim < 3 or not len(rows):
        some = images[rows].reshape(len(rows), -1)
        return some / 255 if some.dtype == np.uint8 else some
    parts = []
    for start in range(0, len(rows), AT_ONCE):
        part = np.asarray(images[rows[start : start + AT_ONCE]], dtype=np.float64)
        for axis in (1, 2):
            size = part.shape[axis]
            edges = np.arange(min(SIDE, size)) * size // min(SIDE, size)
            widths = np.diff(np.append(edges, size)).reshape([-1 if a == axis else 1 for a in range(part.ndim)])
            part = np.add.reduceat(part, edges, axis=axis) / widths
        parts.append(part.reshape(len(part), -1) / 255)
    return np.concatenate(parts)


def _standard(values: np.ndarray) -> np.ndarray:
    """Return numbers less their median over their robust spread, far ones drawn in, and a column for missing (n x 1 or 2)."""
    missing = np.isnan(values)
    known = values[~missing]
    if not len(known):
        return np.zeros((len(values), 0))
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    spread = (high - low) / NORMAL or float(known.std()) or 1.0
    # asinh is straight near 0 and a logarithm far out: one wrong cell is far, and not the only thing that is seen.
    drawn = np.where(missing, 0.0, np.arcsinh((np.where(missing, middle, values) - middle) / spread))
    return np.column_stack([drawn, missing * np.sqrt(2.0)] if missing.any() else [drawn])


def _one_hot(values: pd.Series) -> np.ndarray:
    """Return a column for each frequent category, and one for all others (n x c); two that differ are 2 apart, squared."""
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    codes = pd.Index(counts.index[:CATEGORIES]).get_indexer(values)
    return np.eye(min(len(counts), CATEGORIES) + 1)[codes][:, : len(counts)]


def _words(texts: pd.Series) -> sparse.csr_matrix:
    """Return hashed words and pieces of words, weighted TF-IDF, each half of a row of length 1 (n x D)."""
    halves = []
    for analyzer, sizes, bits in (("word", (1, 2), 17), ("char_wb", (3, 4), 17)):
        hashed = HashingVectorizer(
            analyzer=analyzer, ngram_range=sizes, n_features=2**bits, norm=None, alternate_sign=False
        )
        counted = hashed.transform(texts.str[:CHARACTERS])
        halves.append(TfidfTransformer(sublinear_tf=True).fit_transform(counted))
    return sparse.csr_matrix(sparse.hstack(halves) / np.sqrt(2))


def _squares(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the squared distances of rows (n x m)."""
    found = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    return np.maximum(found, 0)


def _median(numbers: np.ndarray) -> float:
    """Return the median distance of two rows, of at most 4,000 rows evenly spread; 1 where most are equal."""
    some = numbers[:: -(-len(numbers) // PAIRS)] if len(numbers) else numbers
    found = np.sqrt(_squares(some, some)[np.triu_indices(len(some), 1)])
    return float(np.median(found)) or 1.0 if len(found) else 1.0
