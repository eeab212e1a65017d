"""What the table of gains holds for other programs, as JSON and CSV, and the words that all its forms share."""

import math
from dataclasses import fields
from typing import Any

import pandas as pd

from ..comparison import verdict as v
from ..comparison.proof import CHANGED
from ..decisions.candidates import BOTH, DATA_ONLY, MODEL_ONLY, Candidate
from ..decisions.gains import Gains
from .sureness import looks_lines
from .words import data_line

TEXTS = ("verdict", "over looks", "against", "picked", "what", "why")


def verdict_on_data(one: Candidate) -> str:
    """The verdict, which is about the data; a change of the model has none."""
    return one.found.verdict if one.found and one.kind == DATA_ONLY else ""


def over_looks(one: Candidate) -> str:
    """Where the verdict does not hold over all looks at the test set: that, in a few words."""
    if not verdict_on_data(one) or one.found is None or one.found.all_looks is None or not looks_lines(one.found)[0]:
        return ""
    a = one.found.all_looks
    return f"not over all {a.tries:,} looks" if a.budget is None else f"not at look {a.tries:,} of {a.budget:,}"


def what_changed(one: Candidate) -> str:
    """What was changed, in a few words: of the data what `diff` counts, of the model its first setting or file."""
    if one.found is None:
        return ""
    said = [data_line(one.found.data)] if one.kind in (DATA_ONLY, BOTH) else []
    made = (
        [what for what in one.found.proof.model if what.startswith(CHANGED)] if one.kind in (MODEL_ONLY, BOTH) else []
    )
    if made:
        classes = (what for what in made if "._target_: " in what and "absent" not in what)
        first = next(classes, made[0])
        kind, _, change = first.partition(" ")
        name, _, how = change.partition(": ")
        if "._target_: " in first:  # another class says more than its settings
            short = " → ".join(side.strip('"').rpartition(".")[2] for side in how.split(" → "))
        else:
            short = f"{name.rpartition('.' if kind == 'param' else '/')[2]} {how}"
        said.append(short + (f" and {len(made) - 1:,} more" if len(made) > 1 else ""))
    return "; ".join(said)


def record_of(found: Gains) -> dict[str, Any]:
    """What JSON holds: all but the changed rows of the data, which `datapass diff` has."""
    whole = {one.name: getattr(found, one.name) for one in fields(found) if found.queued or one.name != "queued"}
    candidates = [
        {
            "name": one.name,
            "commit": one.revision.commit,
            "kind": one.kind,
            "verdict": v.NOT_COMPARABLE if one.gain is None else verdict_on_data(one) or None,
            "all_looks": one.found.all_looks if one.found else None,
            "against": one.against or found.baseline.name,
            "picked": found.picks.get(one.kind) is one,
            "gain": one.gain,
            "old": one.found.old if one.found and one.gain else None,
            "new": one.found.new if one.found and one.gain else None,
            "examples": one.found.examples if one.found else None,
            "seeds": one.seeds,
            "validation": one.validation,
            "model": one.found.proof.model if one.found else [],
            "data": data_line(one.found.data) if one.found else None,
            "why": one.why,
            "warnings": one.found.warnings if one.found else [],
        }
        for one in found.candidates
    ]
    return whole | {"candidates": candidates, "picks": {kind: one.name for kind, one in found.picks.items()}}


def rows_of(found: Gains) -> pd.DataFrame:
    """The table of all results, for CSV."""
    m, nan = found.metric, math.nan
    base: dict[str, object] = {
        "changed": "baseline",
        "name": found.baseline.name,
        "commit": found.baseline.commit,
        "metric": m.name,
    }
    base |= {m.name: found.level, "validation": found.validation, "seeds": found.seeds}
    rows = [base]
    for one in found.candidates:
        gain = one.gain
        rows.append(
            {
                "changed": one.kind,
                "name": one.name,
                "commit": one.revision.commit,
                "metric": m.name,
                m.name: one.found.new if one.found and gain else nan,
                "gain": gain.mean if gain else nan,
                "low": gain.low if gain else nan,
                "high": gain.high if gain else nan,
                "verdict": v.NOT_COMPARABLE if gain is None else verdict_on_data(one),
                "over looks": over_looks(one),
                "against": one.against or found.baseline.name,
                "picked": "yes" if found.picks.get(one.kind) is one else "",
                "validation": one.validation,
                "seeds": len(one.seeds),
                "what": what_changed(one),
                "why": "; ".join(one.why),
            }
        )
    columns = [
        "changed",
        "name",
        "commit",
        "metric",
        m.name,
        "gain",
        "low",
        "high",
        "verdict",
        "over looks",
        "against",
        "picked",
        "validation",
        "seeds",
        "what",
        "why",
    ]
    table = pd.DataFrame(rows, columns=columns)
    numbers = [m.name, "gain", "low", "high", "validation"]
    return table.astype(dict.fromkeys(numbers, float)).round(dict.fromkeys(numbers, 6)).fillna(dict.fromkeys(TEXTS, ""))
