"""The report as JSON: everything, for other programs."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd

from ..comparison.revisions import Revision
from ..comparison.verdict import Comparison
from . import words


def record(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as what `json.dumps` takes; NaN becomes null."""
    content = plain(comparison)
    return {"headline": words.headline(comparison)} | content


def plain(value: Any) -> Any:
    """Return dataclasses, tables and NumPy values as what `json.dumps` takes; NaN becomes null."""
    if isinstance(value, Revision):
        return {"name": value.name, "commit": value.commit}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        content = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        for derived in ("verdict", "detectable", "moved", "transitions"):
            if derived not in content and hasattr(value, derived):
                content[derived] = plain(getattr(value, derived))
        return content
    if isinstance(value, pd.DataFrame):
        return plain(value.to_dict("records"))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
