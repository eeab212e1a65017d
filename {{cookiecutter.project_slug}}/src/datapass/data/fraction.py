"""Draws that depend on a text alone: whatever else is there, the same text is drawn again."""

import hashlib

import numpy as np
import pandas as pd


def fraction(keys: pd.Series, salt: str) -> np.ndarray:
    """Hash text keys to [0, 1): pandas' SipHash, keyed by the salt (n, float64)."""
    key = hashlib.sha256(salt.encode()).hexdigest()[:16]
    return pd.util.hash_array(keys.to_numpy(dtype=object), hash_key=key, categorize=False) / 2.0**64
