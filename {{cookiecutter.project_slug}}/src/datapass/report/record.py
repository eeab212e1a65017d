"""The report as JSON: everything, for other programs."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd

from ..comparison.revisions import Revision
from .sections import Chart, Report


def record(report: Report) -> Any:
    """Return a report as what `json.dumps` takes: its data whole, then its sections as people read them.

    Several candidates are a list of such records, the passes a list of their data.
    """
    if report.parts:
        return [record(part) for part in report.parts]
    content = plain(report.data)
    if isinstance(content, list):
        return content
    sections = [
        {"title": one.title, "blocks": [plain(block) for block in one.blocks if not isinstance(block, Chart)]}
        for one in report.sections
    ]
    return {"headline": report.headline} | content | {"sections": sections}


def plain(value: Any) -> Any:
    """Return dataclasses, tables and NumPy values as what `json.dumps` takes; NaN becomes null."""
    if isinstance(value, Revision):
        return {"name": value.name, "commit": value.commit}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        there = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        for field in dataclasses.fields(value):
            if field.metadata.get("where any") and not there[field.name]:
                del there[field.name]
        content = {name: plain(item) for name, item in there.items()}
        for derived in ("verdict", "detectable", "moved", "transitions", "unit", "scale"):
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
