"""The report on what labels are worth."""

import math
from collections.abc import Sequence

from ..comparison import verdict as v
from ..decisions.curve import monotone
from ..decisions.ladder import as_word, by_hand
from ..decisions.worth import INCOMPLETE, LESS, NONE, SHOWN, Rung, Worth
from . import charts, words
from .sections import Block, Curves, Name, Report, Section, lines, one_line, table

CAPTION = (
    "Each point: the seeds' mean of so many training examples. Its bar: the 95 % interval of the gain over the dashed line, the "
    "baseline on all of its examples. The line through the points never falls. Where it crosses the dashed line, so many of "
    "the candidate's examples are as good as all of the baseline's."
)


def about(number: float) -> str:
    """Return a number with two significant digits, such as 610 or 1,100."""
    if number < 10:
        return f"{number:.{1 if number >= 1 else 2}f}".removesuffix(".0")
    digits = len(f"{number:.0f}") - 2
    return f"{round(number / 10**digits) * 10**digits:,}"


def times(ratio: float) -> str:
    """Return a ratio, such as 1.72."""
    return f"{ratio:.2f}"


def subject(w: Worth) -> tuple[str, bool]:
    """Return what the statement is about, and whether that is one thing."""
    if not w.others and not w.comparison.data.augmentation:
        return (f"these {w.corrected:,} labels", False) if w.corrected > 1 else ("this one label", True)
    parts = [f"{w.corrected:,} relabelled"] if w.corrected else []
    parts += [f"{number:,} {kind}" for kind, number in w.others.items()]
    parts += ["other augmentation"] if w.comparison.data.augmentation else []
    return f"this data change ({', '.join(parts)})", True


def statement(w: Worth) -> str:
    """Return what can be said, in a sentence."""
    names = f"{one_line(w.comparison.candidate.label)} against {one_line(w.comparison.baseline.label)}"
    if w.state in (v.NOT_COMPARABLE, v.DEPENDS):
        return f"{w.state.capitalize()}, so no worth can be told: {names}"
    what, one = subject(w)
    if not w.corrected and not w.others and not w.comparison.data.augmentation:
        return f"No training example changed, so there is nothing to be worth anything: {names}"
    said, is_ = what[0].upper() + what[1:], "is" if one else "are"
    if w.state == LESS:
        return (
            f"{said} {is_} worth less than nothing: trained on all of its examples, the candidate's data gives a worse result "
            "than the baseline's"
        )
    if w.state == INCOMPLETE:
        left = f"{len(w.missing)} sizes are" if len(w.missing) > 1 else "one size is"
        return f"What {what} {is_} worth cannot be told yet: {left} still to be trained"
    if w.state == NONE:
        end = ""
        if w.ratio and 1 <= w.ratio.high < math.inf:
            end = (
                f"; if any, at most {about(w.more(w.ratio.high))} more examples ({times(w.ratio.high)} times the data)"
            )
        return f"No worth shown: the interval of what {what} {is_} worth reaches 0{end}"
    assert w.ratio is not None
    top = w.rungs[-1].examples / w.rungs[0].examples
    like = "like the ones you have" if len(set(w.examples)) == 1 else "like the baseline's"
    value, low, high = w.ratio
    if low == math.inf:
        return f"{said} {is_} worth at least {times(top)} times the data: {about(w.more(top))} more examples {like}, or more"
    if value == math.inf:
        beyond = f"the estimate is beyond the smallest size, {times(top)} times the data"
        return f"{said} {is_} worth at least {about(w.more(low))} more examples {like}; {beyond}"
    upto = f"{about(w.more(low))} to {about(w.more(high))}" if high < math.inf else f"{about(w.more(low))} or more"
    return f"{said} {is_} worth {about(w.more(value))} more examples ({upto}) {like}"


def worth(w: Worth) -> Report:
    """Return the report on what a candidate's data is worth."""
    c = w.comparison
    why = c.why if w.state in (v.NOT_COMPARABLE, v.DEPENDS) else []
    return Report(
        statement(w),
        w,
        [one for one in (_basis(w), _curves(w), _until(w)) if one.blocks],
        v.HELPS if w.state == SHOWN else w.state if why else v.HURTS if w.state == LESS else "",
        between=(c.candidate.label, c.baseline.label),
        why=why,
        advice=_advice(w),
        figures=_figures(w),
    )


def _figures(w: Worth) -> list[tuple[str, str]]:
    if w.state != SHOWN or w.ratio is None:
        return []
    c, (value, low, high) = w.comparison, w.ratio
    if math.inf in (value, low):
        return []
    reach = f"{times(low)} to {times(high)}" if high < math.inf else f"{times(low)} or more"
    measured = f"{words.measured_on(c)}, {len(w.rungs)} sizes"
    found = [
        ("more examples it is worth", about(w.more(value))),
        ("times the data, 95 % interval", f"{times(value)} ({reach})"),
        ("measured on", measured),
    ]
    if w.corrected and not w.others and not c.data.augmentation:
        found.insert(2, ("examples for each corrected label", about(w.more(value) / w.corrected)))
    return found


def _advice(w: Worth) -> str:
    c = w.comparison
    if w.state in (v.NOT_COMPARABLE, v.DEPENDS):
        return words.advice(c)
    if w.state != INCOMPLETE:
        return ""
    cost = len(w.missing) * len(c.seeds)
    here = f"datapass worth {as_word(c.baseline)} {as_word(c.candidate)} --run"
    said = f"`{here}` trains them, {cost} trainings: {len(c.seeds)} seeds of each size."
    typed = by_hand(c.candidate, w.missing)
    return f"{said} The same by hand: `{typed}`." if typed else said


def _basis(w: Worth) -> Section:
    """What the statement rests on."""
    c = w.comparison
    if w.state in (v.NOT_COMPARABLE, v.DEPENDS):
        return Section("What it rests on", lines([]))
    old, new = w.examples
    said = [
        f"On all examples: {words.headline(c)}.",
        *(f"\N{WARNING SIGN}\N{VARIATION SELECTOR-16} {note}" for note in w.notes),
        *words.excluded_lines(c),
    ]
    if w.ratio and w.state == SHOWN and 1 < w.ratio.value < math.inf:
        at = about(new / w.ratio.value)
        said.append(
            f"About {at} of the {new:,} examples of `{as_word(c.candidate)}` are as good as all {old:,} of "
            f"`{as_word(c.baseline)}`. It was read off between sizes that were trained; nothing was extrapolated."
        )
    if w.state == SHOWN and w.ratio and w.ratio.high == math.inf:
        said.append(
            f"How much it is worth at most is not known: even {w.rungs[0].examples:,} examples, the smallest size, are not shown "
            "to be worse than the baseline. More seeds narrow it."
        )
    if w.others:
        said.append(
            "More than labels changed in the training set, so the statement is about the whole of the change, and an example of "
            "either side counts as one."
        )
    if old != new:
        said.append(
            f"The training sets hold {old:,} and {new:,} examples that count; the ratio is that of the whole sets."
        )
    model = (words.frozen_line(c), words.environment_line(c), words.resample_line(c))
    return Section("What it rests on", lines([*said, *model]), open=True)


def _curve(name: str, rungs: Sequence[Rung], w: Worth, color: str) -> charts.Curve:
    """Return rungs as a curve: its bars are the interval of the gain, at the baseline's level."""
    m, base = w.metric, w.comparison.old
    points = [
        charts.Point(r.examples, r.value, *sorted(base + m.better * end for end in (r.gain.low, r.gain.high)))
        for r in rungs
    ]
    line = [base + m.better * gain for gain in monotone([r.gain.mean for r in rungs])] if len(rungs) > 1 else []
    return charts.Curve(name, points, line, color)


def _curves(w: Worth) -> Section:
    """The picture and the table of the rungs."""
    c, m = w.comparison, w.metric
    if not w.rungs:
        return Section("Curves", [])
    old, new = w.examples
    base = charts.Point(old, c.old)
    found = [
        _curve(f"{one_line(c.candidate.name)}, {new:,} examples", w.rungs, w, charts.HELPS),
        charts.Curve(f"{one_line(c.baseline.name)}, all {old:,} examples", [base], (), charts.HURTS),
    ]
    if w.old_rungs:
        own = _curve(f"{one_line(c.baseline.name)}, fewer examples", w.old_rungs, w, charts.MUTED)
        line = [*own.line, c.old] if own.line else [own.points[0].value, c.old]
        found.insert(1, own._replace(points=[*own.points, base], line=line))
    distance = None
    if w.state == SHOWN and w.ratio and w.ratio.value < math.inf:
        distance = charts.Distance(new / w.ratio.value, new, c.old, f"{times(w.ratio.value)} times the data")
    called = {v.HELPS: "better", v.HURTS: "worse", v.NO_DIFFERENCE: "not told apart"}
    rows = [
        (
            *(f"{r.examples:,}", m.score(r.value), words.interval(r.gain, m), called[v.verdict_of(r.gain)]),
            Name(r.name),
        )
        for r in reversed(w.rungs)
    ]
    header = f"examples | {m.label} | gain in {m.unit} | than the baseline | result"
    blocks: list[Block] = [Curves(found, CAPTION, distance, m)]
    blocks += table(header, rows, len(rows), "The candidate's data, by number of examples")
    own_rows = [(f"{r.examples:,}", m.score(r.value), Name(r.name)) for r in reversed(w.old_rungs)]
    blocks += table(f"examples | {m.label} | result", own_rows, len(own_rows), "The baseline's data")
    return Section("Curves", blocks, open=True)


def _until(w: Worth) -> Section:
    """How many examples would reach a level that was asked for."""
    f, m = w.forecast, w.metric
    if f is None or w.wanted is None:
        return Section("Until", [])
    goal, now = f"{m.label} {m.score(w.wanted)}", w.rungs[-1]
    title = f"How many examples until {goal}?"
    if now.value >= w.wanted:
        said = f"It is there already: {m.score(now.value)} with {now.examples:,} examples."
    elif f.missed != f.missed:
        said = "No curve is fitted to fewer than five sizes; train the missing ones first."
    elif f.examples != f.examples:
        said = (
            f"It cannot be told. Fitted to the smaller sizes, the curve missed the largest by {m.difference(f.missed, False)} "
            f"{m.unit}, no less than the last value alone did ({m.difference(f.last, False)})."
        )
    elif f.examples == math.inf:
        said = f"More than {f.most:,}, twice what there is; how many more cannot be told from these sizes."
    else:
        said = (
            f"About {about(f.examples)} examples like the candidate's, {about(f.examples - now.examples)} more than there are: a "
            f"forecast without an interval, by error = c + a n^-b. Fitted to the smaller sizes, it missed the largest by "
            f"{m.difference(f.missed, False)} {m.unit}, and the last value alone by {m.difference(f.last, False)}."
        )
    return Section(title, lines([said]))
