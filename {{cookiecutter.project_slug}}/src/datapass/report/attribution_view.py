"""The part of the report on gains that says whether it was the data or the model."""

import math
from collections.abc import Sequence

from ..comparison.metric import Metric
from ..decisions.candidates import BOTH, DATA_ONLY, MODEL_ONLY
from ..decisions.cells import Crossed
from ..decisions.crossing import Effects
from ..decisions.gains import Gains
from . import charts
from .sections import Block, Forest, Section, one_line, table
from .sections import lines as sentences
from .words import interval


def attribution(found: Gains) -> list[Section]:
    """Data or model: the four cells and the effects, or how to get the cells that are missing."""
    c = found.crossed
    if c is None:
        kinds = {one.kind for one in found.candidates if one.gain}
        if not kinds & {DATA_ONLY, MODEL_ONLY, BOTH}:
            return []
        lacks = "the model" if kinds == {DATA_ONLY} else "the data" if kinds == {MODEL_ONLY} else ""
        why = f"no result changed {lacks}" if lacks else "no model was picked"
        return [Section(f"Data or model: {why}, so there is nothing to attribute", sentences([_HINTS.get(lacks)]))]
    if c.effects:
        return [_effects(c, c.effects)]
    said = [f"The result of {what} is missing. To make it: {how}" for what, how in c.commands]
    return [Section(f"Data or model: not attributed, {c.why}", [*_cells(c, found.metric), *sentences(said)])]


_HINTS = {
    "the model": "A file of conf/model and `dvc exp run -n NAME -S model=FILE` try another model on the same data.",
    "the data": "A pass in data/passes and `dvc exp run -n NAME` try other data on the same model.",
}


def _cells(c: Crossed, m: Metric) -> list[Block]:
    """The four cells, and of which results they are."""
    levels: Sequence[Sequence[float | None]] = c.effects.cells if c.effects else c.levels
    rows = [
        [f"{age} model", *("missing" if value is None else m.score(value) for value in row)]
        for age, row in zip(("old", "new"), levels, strict=True)
    ]
    (_, data), (model, both) = ([one and one_line(one) for one in row] for row in c.names)
    named = {"New data": data, "new model": model, "both": both}
    said = ", ".join(f"{what}: `{name}`" for what, name in named.items() if name)
    return [*table(f"{m.label} | old data | new data", rows, 2), *sentences([f"{said}."])]


def _effects(c: Crossed, e: Effects) -> Section:
    m = e.metric
    effects = {"data": e.data, "model": e.model, "interaction": e.interaction}
    exact = not math.isnan(e.data.low)
    shown = {name: interval(one, m) if exact else m.difference(one.mean) for name, one in effects.items()}
    blocks: list[Block] = []
    if exact:
        rows = [charts.Row(name[0].upper() + name[1:], one) for name, one in effects.items()]
        caption = "Shapley's share of the data and of the model in the gain of both, and what they gain together beyond the sum of each alone."
        blocks.append(Forest(rows, f"{caption} In {m.unit}, with 95 % intervals.", m))
    blocks += _cells(c, m)
    blocks += table(f"effect | {m.unit}{' [95 % interval]' if exact else ''}", [[n, s] for n, s in shown.items()], 3)
    said = [
        "Data: the mean of its gains under the old and under the new model; model: the same with the two exchanged (Shapley's value). "
        f"Together they are the gain of both. {e.examples:,} test examples, {e.seeds[0]} seeds of the old and {e.seeds[1]} of the new model.",
        None if exact else "Macro-F1 is no mean of scores of examples, so its effects have no interval here.",
    ]
    title = f"Data or model: data {shown['data']}, model {shown['model']} {m.unit}"
    return Section(title, [*blocks, *sentences(said)])
