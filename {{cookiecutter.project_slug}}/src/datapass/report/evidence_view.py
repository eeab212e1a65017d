"""The evidence of `watch`: what each of the four lines says, with its pictures and numbers."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..comparison.statistics import Interval
from . import charts
from .sections import MOST, Block, Excerpt, Forest, Name, Section, lines, one_line, table

if TYPE_CHECKING:
    from ..production.columns import Column
    from ..production.watch import Watched

CAPTION = (
    "Share of each class among the new inputs minus that of the test set, with its 95 % interval; 0 is no change. Coloured: "
    "changed, by a test that counts all classes. It is true only if each class still looks as it did."
)


def percent(share: float) -> str:
    """Return a share in percent with one decimal."""
    return f"{100 * share:.1f} %"


def times(ratio: float) -> str:
    """Return how many times as frequent something is, as people say it."""
    if ratio < 0.05:
        return "hardly occurs"
    words = {0.5: "half", 2: "twice", 3: "three times"}
    near = next((word for number, word in words.items() if abs(math.log(ratio / number)) < 0.12), f"{ratio:.1f} times")
    return f"{near} as frequent"


def evidence(w: "Watched") -> Section:
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
        what = in_short(least) if f.different else f"none of {len(f.columns):,} columns and measures"
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


def in_short(column: "Column") -> str:
    """Return what changed in a column, without its quartiles."""
    return f"{one_line(column.name)}: {one_line(column.effect.partition(' (middle')[0], 90)}"


def _p(p: float) -> str:
    return "–" if p != p else f"{p:.3f}" if p >= 0.001 else "< .001"


def _mark(changed: bool) -> str:
    return "changed" if changed else "no"


def unlike(w: "Watched", excerpts: Mapping[str, str]) -> Section | None:
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


def shares(w: "Watched") -> Section | None:
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


def expected_accuracy(w: "Watched") -> Section:
    """The accuracy to expect, and when not to believe it."""
    assert w.findings is not None
    e, f = w.findings.forecast, w.findings
    if e.reason:
        return Section("Accuracy to expect: cannot be told", lines([f"{e.reason[0].upper()}{e.reason[1:]}."]))
    doubts = []
    if f.doubtful:
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


def columns(w: "Watched") -> Section | None:
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
