"""The report as JSON, for other programs: everything, but of a long table the first rows and how many there are besides."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ..comparison.revisions import Revision
from .sections import Chart, Report

MOST = 10_000  # rows of a table, and items of a list; `NAME_left_out` beside it says how many more there are


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
    if isinstance(value, str):
        return value
    if isinstance(value, Revision):
        return {"name": value.name, "commit": value.commit}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        there = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        for field in dataclasses.fields(value):
            if field.metadata.get("where any") and not there[field.name]:
                del there[field.name]
        content = _items(there.items())
        for derived in ("verdict", "detectable", "moved", "transitions", "unit", "scale"):
            if derived not in content and hasattr(value, derived):
                content |= _items([(derived, getattr(value, derived))])
        return content
    if isinstance(value, pd.DataFrame):
        return plain(value.head(MOST).to_dict("records"))
    if isinstance(value, dict):
        return _items(value.items())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value[:MOST]]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _items(named: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Return named values as a JSON object."""
    content: dict[str, Any] = {}
    for name, item in named:
        content[str(name)] = plain(item)
        if isinstance(item, pd.DataFrame | list | tuple) and len(item) > MOST:
            content[f"{name}_left_out"] = len(item) - MOST
    return content
