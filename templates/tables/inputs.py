"""What of a row a model gets; named by `inputs: _target_` in conf/data/.

`columns` says which columns are read, and as what: number, category, boolean or date. The stage `pack` checks them and
writes them with their types; a missing value stays missing. scikit-learn's estimators get these columns as a DataFrame;
`fit` and `transform` make of them what a network takes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


class Table:
    """Columns of data/raw/features.csv or .parquet, or of labels.csv where there is no such file.

    Args:
        columns: {name: number, category, boolean or date}; dates are read as days since 1970.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.columns = dict(sorted(columns.items()))  # their order in conf/ must not matter: DVC does not see it

    def __str__(self) -> str:
        return f"a row of {len(self.columns)} columns"

    def fit(self, values: pd.DataFrame) -> dict[str, Any]:
        """Return what `transform` needs to know of the training rows (n x columns), as JSON can hold it.

        Numbers, booleans and dates: mean, standard deviation, and whether any is missing. Categories: those there are.
        """
        fitted: dict[str, Any] = {}
        for name, kind in self.columns.items():
            column = values[name]
            if kind == "text":
                raise ValueError(f"a network takes no texts beside other columns; leave {name} out")
            if kind == "category":
                fitted[name] = sorted(column.dropna().astype("str").unique())
            else:
                mean, std = column.mean(), column.std(ddof=0)
                known = (mean, std if std > 0 else 1.0) if np.isfinite(mean) else (0.0, 1.0)
                fitted[name] = [*map(float, known), bool(column.isna().any())]
        return fitted

    def transform(self, values: pd.DataFrame, fitted: Mapping[str, Any]) -> np.ndarray:
        """Return rows as numbers (n x features, float32): standardised, missing ones as 0 with a feature of their own;
        of each category 1 or 0, and all 0 for one that no training row had."""
        parts = []
        for name, kind in self.columns.items():
            column = values[name]
            if kind == "category":
                codes = pd.Categorical(column.astype("str"), fitted[name]).codes
                parts.append(codes[:, None] == np.arange(len(fitted[name])))
            else:
                mean, std, missing = fitted[name]
                parts.append(((column - mean) / std).fillna(0).to_numpy()[:, None])
                parts += [column.isna().to_numpy()[:, None]] if missing else []
        return np.hstack(parts).astype(np.float32)
