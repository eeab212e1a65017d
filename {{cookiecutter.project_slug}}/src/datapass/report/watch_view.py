"""The report of `watch`: whether a delivery looks different, what in it, and how right the model is on it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .evidence_view import columns, evidence, expected_accuracy, in_short, percent, shares, times, unlike
from .labels_view import accuracy, counted, labelled
from .sections import Excerpt, Name, Report, Section, lines, one_line, table

if TYPE_CHECKING:
    from ..production.watch import Watched

SAID = 3  # changes that the headline names


def watched(found: "list[Watched]", excerpts: Mapping[str, str] | None = None) -> Report:
    """Return the report on one or more deliveries.

    Args:
        found: at least one.
        excerpts: what shows an input in a line, by id; may lack any.
    """
    parts = [_delivery(one, excerpts or {}) for one in found]
    if len(parts) == 1:
        return replace(parts[0], headline=f"{one_line(parts[0].between[0])}: {parts[0].headline}", between=())
    changed = sum(one.changed for one in found)
    rows = [[Name(one.incoming.name), f"{len(one.incoming.table):,}", Excerpt(_said(one))] for one in found]
    return Report(
        f"{changed or 'none'} of {len(found)} deliveries look{'s' * (changed == 1)} different",
        [part.data for part in parts],
        [Section("Deliveries", table("delivery | inputs | what", rows, len(rows)), open=True)],
        parts=parts,
    )


def _said(w: "Watched") -> str:
    """Return the result in a few words."""
    number = f"{len(w.incoming.table):,}"
    if not w.changed:
        if w.findings is None:
            return f"{w.units:,} independent inputs are too few to show anything"
        return f"nothing changed that these {number} inputs can show"
    what = _changes(w)
    more = f"; and {len(what) - SAID} more" if len(what) > SAID else ""
    return f"looks different: {'; '.join(what[:SAID])}{more}"


def _changes(w: "Watched") -> list[str]:
    """Return each thing that changed, in words, the most important first."""
    f, said = w.findings, []
    if w.less_right and w.labelled is not None:
        said.append(f"less right: {counted(w.labelled)}, {percent(w.labelled.drift.old)} on the test set")
    if f is None:
        return said
    if f.many_unlike:
        said.append(f"unlike anything in training: {f.unlike.beyond:,} inputs, {f.unlike.expected:.0f} expected")
    if f.shares.changed:
        changed = f.shares.table[f.shares.table["changed"]].copy()
        order = np.argsort(-(changed["new"] - changed["test"]).abs().to_numpy(), kind="stable")
        row = changed.iloc[order[0]]
        name = one_line(w.classes[int(changed.index[order[0]])])
        said.append(f"class {name} {times(row['ratio'])}" + ", if each class looks as it did" * f.doubtful)
    if f.forecast.changed:
        expected = (
            f"accuracy to expect {percent(f.forecast.accuracy)}, {percent(f.forecast.test_forecast)} on the test set"
        )
        sure = "less" if f.forecast.change < 0 else "more"
        said.append(f"the models are {sure} sure than on the test set" if f.doubtful else expected)
    said += [in_short(column) for column in f.different[:1]]
    if f.told_apart:
        size = "" if f.worth else ", sure and small"
        said.append(f"a classifier tells new from old, AUC {f.apart.auc:.2f}{size}")
    if f.answers_differ and not (f.shares.changed or f.forecast.changed):
        said.append("the models answer differently")
    return said


def _delivery(w: "Watched", excerpts: Mapping[str, str]) -> Report:
    f = w.findings
    sections = [labelled(w.labelled) if w.labelled else None, evidence(w)]
    sections += [unlike(w, excerpts), shares(w), expected_accuracy(w), columns(w)] if f else []
    sections += [_basis(w), _next(w)]
    name = w.incoming.name
    figures = [("inputs", f"{len(w.incoming.table):,}")]
    if f is not None:
        figures += [("unlike anything in training", f"{f.unlike.beyond:,} ({f.unlike.expected:.0f} expected)")]
        if not f.forecast.reason and not f.doubtful:
            figures.append(
                ("accuracy to expect", f"{percent(f.forecast.accuracy)}, test set {percent(f.forecast.test_forecast)}")
            )
    if w.labelled is not None and len(w.labelled.deliveries):
        figures.insert(0, ("accuracy on labelled new inputs", accuracy(w.labelled)))
    return Report(
        _said(w),
        _data(w),
        [one for one in sections if one is not None and one.blocks],
        between=(name,),
        figures=figures,
    )


def _basis(w: "Watched") -> Section:
    said = [
        f"{len(w.incoming.table):,} inputs"
        + (f", {w.units:,} of them independent" if w.units < len(w.incoming.table) else "")
        + f", against {w.training:,} training inputs and {w.test:,} test examples; models {w.fingerprint}.",
        f"Left out: {w.learnt:,} inputs that the models learnt or were validated with." if w.learnt else None,
        "Each of the four lines is tested at 1.25 % (the three parts of `inputs` at .42 % each), so a delivery in which nothing changed is called different in 5 % of all cases "
        "at most: of twenty such deliveries about one."
        if w.findings
        else None,
        f"Taken in as data/incoming/{one_line(w.incoming.name)}/, by DVC." if w.taken else None,
        *w.notes,
    ]
    return Section("What it rests on", lines(said), open=True)


def _next(w: "Watched") -> Section:
    name, x = w.incoming.name, w.labelled
    if x is not None and name in set(x.deliveries["delivery"]):
        said = f"`datapass bring-back {name} --test` makes the random part test examples, `datapass bring-back {name}` the others training examples."
    elif w.picked:
        said = f"`datapass review --picked {name}`: what was picked of it is to be labelled."
    elif w.changed and not w.drawn:
        said = f"`datapass pick {name} --budget 200` picks what is worth a label: only labels tell whether the model is less right."
    else:
        return Section("Next", [])
    return Section("Next", lines([said]), open=True)


def _data(w: "Watched") -> dict[str, Any]:
    """Return everything for other programs, but the inputs."""
    f, x = w.findings, w.labelled
    found: dict[str, Any] = {
        "delivery": w.incoming.name,
        "changed": w.changed,
        "inputs": len(w.incoming.table),
        "units": w.units,
        "learnt": w.learnt,
        "model": w.fingerprint,
        "compared_with": {"training": w.training, "test": w.test},
        "notes": w.notes,
    }
    if f is not None:
        found |= {
            "lines": f.lines,
            "classifier": {"auc": f.apart.auc, "p": f.apart.p, "old": f.apart.old, "new": f.apart.new},
            "columns": f.columns,
            "unlike": {
                "beyond": f.unlike.beyond,
                "expected": f.unlike.expected,
                "p": f.unlike.excess,
                "ids": w.incoming.table["id"].iloc[w.foreign].tolist(),
            },
            "answers": {
                "p": f.outputs.p,
                "predicted": pd.DataFrame(
                    {"class": w.classes, "test": f.outputs.shares[0], "new": f.outputs.shares[1]}
                ),
            },
            "shares": {
                "p": f.shares.p,
                "reason": f.shares.reason,
                "classes": f.shares.table.assign(**{"class": w.classes}),
            },
            "forecast": f.forecast,
        }
    if x is not None:
        found["labelled"] = {
            "accuracy": x.accuracy,
            "drift": x.drift,
            "tolerance": x.tolerance,
            "needed": x.needed,
            "deliveries": x.deliveries,
            "skipped": x.skipped,
            "others": x.others,
        }
    return found
