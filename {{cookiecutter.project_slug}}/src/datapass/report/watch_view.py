"""The report of `watch`: whether a delivery looks different, what in it, and how right the model is on it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..comparison.statistics import Interval
from . import charts
from .sections import MOST, Block, Excerpt, Forest, Name, Report, Section, lines, one_line, table

if TYPE_CHECKING:
    from ..production.columns import Column
    from ..production.examine import Findings
    from ..production.labelled import Labelled
    from ..production.watch import Watched

ALPHA, LEVEL, PART, WORTH = 0.05, 0.0125, 0.0125 / 3, 0.6  # see production.examine
SAID = 3  # changes that the headline names
CAPTION = (
    "Share of each class among the new inputs minus that of the test set, with its 95 % interval; 0 is no change. Coloured: "
    "changed, by a test that counts all classes. It is true only if each class still looks as it did."
)


def percent(share: float) -> str:
    """Return a share in percent with one decimal."""
    return f"{100 * share:.1f} %"


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
        said.append(f"less right: {_counted(w.labelled)}, {percent(w.labelled.drift.old)} on the test set")
    if f is None:
        return said
    if f.many_unlike:
        said.append(f"unlike anything in training: {f.unlike.beyond:,} inputs, {f.unlike.expected:.0f} expected")
    if f.shares.changed:
        changed = f.shares.table[f.shares.table["changed"]].copy()
        order = np.argsort(-(changed["new"] - changed["test"]).abs().to_numpy(), kind="stable")
        row = changed.iloc[order[0]]
        name = one_line(w.classes[int(changed.index[order[0]])])
        said.append(f"class {name} {times(row['ratio'])}" + ", if each class looks as it did" * _doubtful(f))
    if f.forecast.changed:
        expected = (
            f"accuracy to expect {percent(f.forecast.accuracy)}, {percent(f.forecast.test_forecast)} on the test set"
        )
        sure = "less" if f.forecast.change < 0 else "more"
        said.append(f"the models are {sure} sure than on the test set" if _doubtful(f) else expected)
    said += [_short(column) for column in f.different[:1]]
    if f.told_apart:
        size = "" if f.apart.auc >= WORTH else ", sure and small"
        said.append(f"a classifier tells new from old, AUC {f.apart.auc:.2f}{size}")
    if f.answers_differ and not (f.shares.changed or f.forecast.changed):
        said.append("the models answer differently")
    return said


def _doubtful(f: "Findings") -> bool:
    """Return whether the inputs are so unlike those of before that forecasts are not to be believed."""
    return f.many_unlike or (f.told_apart and f.apart.auc >= WORTH)


def times(ratio: float) -> str:
    """Return how many times as frequent something is, as people say it."""
    if ratio < 0.05:
        return "hardly occurs"
    words = {0.5: "half", 2: "twice", 3: "three times"}
    near = next((word for number, word in words.items() if abs(math.log(ratio / number)) < 0.12), f"{ratio:.1f} times")
    return f"{near} as frequent"


def _delivery(w: "Watched", excerpts: Mapping[str, str]) -> Report:
    f = w.findings
    sections = [_labelled(w.labelled) if w.labelled else None, _lines(w)]
    sections += [_unlike(w, excerpts), _shares(w), _expected(w), _columns(w)] if f else []
    sections += [_basis(w), _next(w)]
    name = w.incoming.name
    figures = [("inputs", f"{len(w.incoming.table):,}")]
    if f is not None:
        figures += [("unlike anything in training", f"{f.unlike.beyond:,} ({f.unlike.expected:.0f} expected)")]
        if not f.forecast.reason and not _doubtful(f):
            figures.append(
                ("accuracy to expect", f"{percent(f.forecast.accuracy)}, test set {percent(f.forecast.test_forecast)}")
            )
    if w.labelled is not None and len(w.labelled.deliveries):
        figures.insert(0, ("accuracy on labelled new inputs", _accuracy(w.labelled)))
    return Report(
        _said(w),
        _data(w),
        [one for one in sections if one is not None and one.blocks],
        between=(name,),
        figures=figures,
    )


def _lines(w: "Watched") -> Section:
    """The four lines of evidence."""
    f = w.findings
    if f is None:
        return Section(
            "Evidence",
            lines([f"{w.units:,} independent inputs: fewer than 20 show nothing. Watch a larger delivery."]),
            open=True,
        )
    lines_, parts = f.lines, list[tuple[str, str, str, str]]()
    told = f"a classifier tells new from old with AUC {f.apart.auc:.3f} (.5: not at all)"
    parts.append(
        ("inputs", told if not math.isnan(f.apart.auc) else "too few units", _p(f.apart.p), _mark(f.told_apart))
    )
    least = f.columns[0] if f.columns else None
    if least is not None and least.adjusted == least.adjusted:
        what = _short(least) if f.different else f"none of {len(f.columns):,} columns and measures"
        parts.append(("inputs", Excerpt(what), _p(least.adjusted), _mark(bool(f.different))))
    unlike = f"{f.unlike.beyond:,} inputs are unlike any in training, {f.unlike.expected:.1f} expected"
    parts.append(("inputs", unlike, _p(f.unlike.excess), _mark(f.many_unlike)))
    top = int(np.argmax(np.abs(f.outputs.shares[1] - f.outputs.shares[0])))
    answers = f"class {one_line(w.classes[top])}: {percent(f.outputs.shares[0][top])} → {percent(f.outputs.shares[1][top])} of the answers"
    parts.append(("answers", Excerpt(answers), _p(f.outputs.p), _mark(lines_["answers"])))
    shares = f.shares.reason or "shares of the classes, if each class looks as it did"
    parts.append(("shares", shares, _p(f.shares.p), _mark(lines_["shares"])))
    expect = (
        f.forecast.reason or f"accuracy to expect {percent(f.forecast.test_forecast)} → {percent(f.forecast.accuracy)}"
    )
    parts.append(("accuracy", expect, _p(f.forecast.p), _mark(lines_["accuracy"])))
    changed = sum(lines_.values())
    title = f"Evidence: {changed or 'none'} of 4 lines say{'s' * (changed == 1)} that something changed"
    rows = [[line, Excerpt(what) if not isinstance(what, Excerpt) else what, p, said] for line, what, p, said in parts]
    return Section(title, table("line | what | p | changed", rows, len(rows)), open=True)


def _short(column: "Column") -> str:
    """Return what changed in a column, without its quartiles."""
    return f"{one_line(column.name)}: {one_line(column.effect.partition(' (middle')[0], 90)}"


def _p(p: float) -> str:
    return "–" if p != p else f"{p:.3f}" if p >= 0.001 else "< .001"


def _mark(changed: bool) -> str:
    return "changed" if changed else "no"


def _unlike(w: "Watched", excerpts: Mapping[str, str]) -> Section | None:
    """The inputs that are unlike any in training, the least alike first."""
    assert w.findings is not None
    u, order = w.findings.unlike, w.foreign
    if not len(order):
        return None
    ids, sure = w.incoming.table["id"], w.answered.mean.max(axis=1)
    header = "id | answered as | probability | distance" + " | input" * bool(excerpts)
    rows = (
        [
            *(
                Name(ids[row]),
                Name(w.classes[w.answered.voted[row]]),
                percent(sure[row]),
                f"{u.scores[row] / u.threshold:.1f}",
            ),
            *([Excerpt(excerpts.get(ids[row], "–"))] if excerpts else []),
        ]
        for row in order[:MOST].tolist()
    )
    title = f"Unlike anything in training: {len(order):,} inputs"
    said = "Farther from every training input than 99 % of the test set is, the farthest first."
    return Section(title, [*lines([said]), *table(header, rows, len(order), style="inputs")], short=True)


def _shares(w: "Watched") -> Section | None:
    """The shares of the classes."""
    assert w.findings is not None
    s = w.findings.shares
    if s.reason:
        return Section("Shares of the classes: cannot be told", lines([f"{s.reason[0].upper()}{s.reason[1:]}."]))
    known = s.table[s.table["new"].notna()]
    order = known.index[np.argsort(-(known["new"] - known["test"]).abs().to_numpy(), kind="stable")]
    rows, bars = [], []
    for code in order[:MOST].tolist():
        row = s.table.loc[code]
        name, change = w.classes[code], row["new"] - row["test"]
        rows.append(
            [
                *(
                    Name(name),
                    percent(row["test"]),
                    percent(row["new"]),
                    f"{percent(row['low'])} to {percent(row['high'])}",
                ),
                *(f"{row['ratio']:.2f}", _p(row["p"]), _mark(bool(row["changed"]))),
            ]
        )
        color = (charts.HELPS if change > 0 else charts.HURTS) if row["changed"] else charts.INK
        bars.append(
            charts.Row(
                one_line(name),
                Interval(change, math.nan, math.nan, row["low"] - row["test"], row["high"] - row["test"], row["p"]),
                color,
            )
        )
    changed = int(known["changed"].sum())
    title = f"Shares of the classes: {changed or 'none'} of {len(known):,} changed"
    blocks: list[Block] = [Forest(bars[:20], CAPTION)]
    blocks += table("class | test set | new | 95 % interval | times | p | changed", rows, len(known))
    return Section(title, blocks)


def _expected(w: "Watched") -> Section:
    """The accuracy to expect, and when not to believe it."""
    assert w.findings is not None
    e, f = w.findings.forecast, w.findings
    if e.reason:
        return Section("Accuracy to expect: cannot be told", lines([f"{e.reason[0].upper()}{e.reason[1:]}."]))
    doubts = []
    if _doubtful(f):
        doubts.append(
            "Do not believe it: the inputs are unlike those that it was calibrated on, and there models are often sure and wrong."
        )
    if e.off:
        doubts.append(
            f"Do not believe it to the point: on the test set itself it is off by {100 * e.gap:+.1f} points.".replace(
                "-", "\N{MINUS SIGN}"
            )
        )
    said = [
        f"From how sure the models are: {percent(e.accuracy)} ({percent(e.low)} to {percent(e.high)}); the same reckoning gives "
        f"{percent(e.test_forecast)} on the test set, where {percent(e.test_accuracy)} is true.",
        *doubts,
        "A forecast: true only if what makes a class a class did not change; only labels can tell.",
    ]
    return Section(f"Accuracy to expect: {percent(e.accuracy)}", lines(said), open=bool(doubts) and f.changed)


def _columns(w: "Watched") -> Section | None:
    """Columns and measures, those that changed first."""
    assert w.findings is not None
    found, different = w.findings.columns, w.findings.different
    if not found:
        return None

    def row(column: "Column") -> list[str]:
        return [Name(column.name), Excerpt(column.effect), _p(column.adjusted), _mark(column in different)]

    title = f"Columns and measures of the inputs: {len(different) or 'none'} of {len(found):,} changed"
    rows = [row(column) for column in found[:MOST]]
    return Section(
        title, table("column | training → new | p, adjusted | changed", rows, len(found)), short=len(found) > 12
    )


def _accuracy(x: "Labelled") -> str:
    a = x.accuracy
    return f"{percent(a.accuracy)} ({percent(a.low)} to {percent(a.high)})"


def _counted(x: "Labelled") -> str:
    """Return how many of the labelled inputs were answered right."""
    right, labelled = int(x.deliveries["right"].sum()), int(x.deliveries["labelled"].sum())
    return f"{percent(right / labelled)} of {labelled:,} labelled at random"


def _labelled(x: "Labelled") -> Section:
    """How right the model is on labelled new inputs, and whether it was more right before."""
    others = (
        f"Not counted, as they were given to the answers of models of other data: the labels of {', '.join(map(one_line, x.others))}."
        if x.others
        else None
    )
    if x.deliveries.empty:
        return Section("Labels: none for the answers of these models", lines([others]), open=True)
    rows = [
        [
            *(Name(r.delivery), f"{r.delivered:,}", f"{r.labelled:,}", percent(r.right / r.labelled)),
            *(f"{percent(r.low)} to {percent(r.high)}", f"{r.unusable:,}", f"{r.open:,}"),
        ]
        for r in x.deliveries.head(MOST).itertuples()
    ]
    left = int(x.deliveries["open"].sum())
    lost = int(x.deliveries["unusable"].sum())
    seen = lost + int(x.deliveries["labelled"].sum())
    several = len(x.deliveries) > 1
    skipped = (
        f"{x.skipped:,} were skipped, though later ones are labelled: what is hard to label is often hard to answer, so the accuracy may "
        "be too high; the alarm counts them as answered right."
    )
    said = [
        f"{_counted(x)} were answered right: {_accuracy(x)} of all {'usable ' * bool(lost)}inputs delivered"
        + (", each delivery weighted by its inputs." if several else ". The interval holds however often it is read."),
        _drift(x),
        f"{lost:,} of {seen:,} that were looked at are not usable, and count for nothing here: if they are of a class that is missing, the model is wrong "
        "on all of them."
        if lost
        else None,
        f"{left:,} of the random part are still open." if left else None,
        skipped if x.skipped else None,
        others,
    ]
    header = "delivery | inputs | labelled | right | 95 %, at any time | not usable | open"
    title = f"Labels: {_counted(x)} right" + (
        "" if math.isnan(x.drift.old) else f", {percent(x.drift.old)} on the test set"
    )
    return Section(title, [*lines(said), *table(header, rows, len(x.deliveries))], open=True)


def _drift(x: "Labelled") -> str:
    """Return whether the model was more right before."""
    d = x.drift
    if math.isnan(d.old):
        return (
            "Whether the model was more right before cannot be told: the test set holds nothing but these deliveries."
        )
    over = f" by more than {100 * x.tolerance:g} points" if x.tolerance else ""
    ends = f"at most {percent(d.new_high)} on new inputs, at least {percent(d.old_low)} on the test set"
    if d.alarm:
        return f"Concept drift: the model is less right on new inputs than on the test set{over}: {ends}."
    more = (
        f" If the accuracy stays as it is, about {x.needed:,} labels picked at random would show it."
        if x.needed
        else ""
    )
    return f"No concept drift shown{over}: {ends}.{more}"


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
