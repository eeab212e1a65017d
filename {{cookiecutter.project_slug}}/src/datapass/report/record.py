"""Everything that was found, for other programs."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd

from ..comparison.revisions import Revision

DERIVED = ("verdict", "detectable", "moved", "transitions", "paired")  # properties that are told like fields


def as_json(value: Any) -> Any:
    """Return dataclasses, tables and NumPy values as what `json.dumps` takes; NaN becomes null."""
    if isinstance(value, Revision):
        return {"name": value.name, "commit": value.commit}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        names += [name for name in DERIVED if name not in names and hasattr(value, name)]
        return {name: as_json(getattr(value, name)) for name in names}
    if isinstance(value, pd.DataFrame):
        return as_json(value.to_dict("records"))
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
