"""What of a text a model gets; named by `inputs: _target_` in conf/data/.

The stage `pack` reads the column `text` of labels.csv. scikit-learn's estimators get the texts as they are, as a Series;
`transform` makes of them what a network takes. Nothing is downloaded, and no language is assumed.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import HashingVectorizer

if TYPE_CHECKING:  # `pack` needs no torch, which takes a second to import
    import torch


class Texts:
    """Texts; for a network the numbers of the words and of the pieces of words in them.

    Args:
        buckets: how many numbers there are; two n-grams may get one by chance.
        length: how many of its numbers a text keeps, at most.
        pieces: shortest and longest piece of a word, in characters.
    """

    columns = {"text": "text"}  # noqa: RUF012 as of every class of inputs that reads rows

    def __init__(self, buckets: int = 50_000, length: int = 400, pieces: tuple[int, int] = (3, 4)) -> None:
        self.length = length
        options: dict[str, Any] = {"n_features": buckets - 1, "alternate_sign": False, "norm": None}
        self.vectorizers = [
            HashingVectorizer(analyzer="word", token_pattern=r"\b\w+\b", **options),
            HashingVectorizer(analyzer="char_wb", ngram_range=tuple(pieces), **options),
        ]

    def __str__(self) -> str:
        return "a text"

    def transform(self, values: pd.DataFrame, fitted: None) -> np.ndarray:
        """Return texts (n) as the numbers of their n-grams, 0 where there are no more (n x length, int32)."""
        rows = np.zeros((len(values), self.length), dtype=np.int32)
        start = np.zeros(len(values), dtype=np.int64)
        for vectorizer in self.vectorizers:  # words first: where a text is too long, pieces are left out
            found = vectorizer.transform(values["text"])
            of = np.repeat(np.arange(len(values)), np.diff(found.indptr))
            place = np.arange(found.nnz) - found.indptr[of] + start[of]
            kept = place < self.length
            rows[of[kept], place[kept]] = found.indices[kept] + 1
            start += np.diff(found.indptr)
        return rows

    def prepare(self, arrays: "torch.Tensor") -> "torch.Tensor":
        """Return numbers (n, length) as `torch.nn.EmbeddingBag` takes them."""
        return arrays.long()
