"""Charts as inline SVG, drawn by matplotlib, which takes half a second to import and so is imported when drawing.

Texts stay texts, so the browser's fonts draw any script, and colours become the page's CSS variables, so that a chart
follows its light and dark theme. The same gains give the same bytes.
"""

import io
import math
import re
import warnings
from collections.abc import Sequence
from html import escape
from itertools import accumulate, takewhile
from typing import Any, NamedTuple
from unicodedata import east_asian_width

from ..comparison.metric import Metric
from ..comparison.statistics import Interval

WIDTH, LEFT, RIGHT, LINE, AXIS = 420, 136, 56, 23, 24  # in CSS pixels; a phone shows the chart in about this width
CURVES = 250  # pixels of height, beside a line for each curve's name
COLORS = {"#010101": "--ink", "#020202": "--muted", "#030303": "--line", "#040404": "--helps", "#050505": "--hurts"}
INK, MUTED, RULE, HELPS, HURTS = COLORS
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "data-experiment",
    "text.parse_math": False,  # a class may be called $x$
    "font.family": "DejaVu Sans",
    "font.size": 12,
}


class Point(NamedTuple):
    """A point of a curve: the metric at a number of training examples, and the ends of its interval; NaN where it has none."""

    examples: float
    value: float
    low: float = math.nan
    high: float = math.nan


class Curve(NamedTuple):
    """A curve over numbers of training examples.

    Attributes:
        name: shown as it is, so already one line of printable characters.
        points: in order of their examples; one alone has a level line.
        line: values that are drawn as straight lines in the logarithm of the examples; as many as there are points, or none.
        color: of HELPS, HURTS, INK or MUTED.
    """

    name: str
    points: Sequence[Point]
    line: Sequence[float] = ()
    color: str = INK


class Distance(NamedTuple):
    """How far two curves are apart at one level of the metric, in examples; `start` is NaN where none is shown."""

    start: float
    end: float
    value: float
    text: str


class Row(NamedTuple):
    """A line of the forest plot: a heading where `gain` is None.

    Attributes:
        name: shown as it is, so already one line of printable characters.
        gain: as everywhere, so a fraction where the unit is points; the axis is in the metric's unit.
        color: of HELPS, HURTS or INK.
        small: may leave the axis, which it does not stretch.
    """

    name: str
    gain: Interval | None = None
    color: str = INK
    small: bool = False


def fitted(name: str, room: int = 18, tail: int = 7) -> str:
    """Return what of a name fits left of the plot: names often differ at their end, so the middle goes."""

    def start(text: str, places: int) -> str:
        taken = accumulate(2 if east_asian_width(c) in "WF" else 1 for c in text)  # Chinese signs take two places
        return text[: sum(1 for _ in takewhile(lambda total: total <= places, taken))]

    return name if start(name, room) == name else f"{start(name, room - tail - 1)}…{start(name[::-1], tail)[::-1]}"


def forest(rows: Sequence[Row], title: str, metric: Metric | None = None) -> str:
    """Return each gain with its interval on one axis with a zero line, as an `<svg>` element named `title`.

    Args:
        metric: in whose unit the axis is; points where left out.
    """
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    metric = metric or Metric()
    scale = metric.scale
    bounds = [
        scale * x for r in rows if r.gain and not r.small for x in (r.gain.low, r.gain.mean, r.gain.high) if x == x
    ]
    low, high = min([0.0, *bounds]), max([0.0, *bounds])
    margin = 0.04 * (high - low) or 0.01 * scale
    low, high = low - margin, high + margin
    height = LINE * len(rows) + AXIS
    with style.context(STYLE, after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the browser has the font that matplotlib lacks
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, frameon=False)
        axes = figure.add_axes((LEFT / WIDTH, AXIS / height, (WIDTH - LEFT - RIGHT) / WIDTH, 1 - AXIS / height))
        axes.set(xlim=(low, high), ylim=(len(rows) - 0.5, -0.5), yticks=[], frame_on=False)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+g}".replace("-", "\N{MINUS SIGN}") if value else "0")
        axes.tick_params(axis="x", length=0, labelcolor=MUTED, labelsize=11)
        axes.grid(axis="x", color=RULE, linewidth=0.8)
        axes.axvline(0, color=MUTED, linewidth=1.2)
        beside = axes.get_yaxis_transform()
        start, end = -LEFT / (WIDTH - LEFT - RIGHT), 1 + RIGHT / (WIDTH - LEFT - RIGHT)
        for y, row in enumerate(rows):
            if row.gain is None:
                axes.text(start, y, row.name, transform=beside, va="center", color=MUTED, size=11, weight="bold")
                continue
            gain = row.gain
            middle, *ends = (min(max(scale * x, low), high) for x in (gain.mean, gain.low, gain.high))
            color = MUTED if row.small else row.color
            if not math.isnan(gain.low):
                axes.plot(ends, [y, y], color=color, linewidth=2, solid_capstyle="butt", clip_on=False)
                for at, beyond, marker in ((low, scale * gain.low < low, "<"), (high, scale * gain.high > high, ">")):
                    if beyond:
                        axes.plot(at, y, marker, color=color, markersize=5, clip_on=False)
            axes.plot(middle, y, "o", color=color, markersize=7.5, clip_on=False)
            axes.text(start, y, fitted(row.name), transform=beside, va="center", color=INK)
            axes.text(end, y, metric.difference(gain.mean), transform=beside, va="center", ha="right", color=color)
        return _element(figure, title, height)


def _element(figure: Any, title: str, height: int) -> str:
    """Return a figure of WIDTH x height pixels as an `<svg>` element."""
    with io.StringIO() as out:
        figure.savefig(out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        drawn = out.getvalue()
    # What follows matplotlib's own style sheet, which would reach the whole page; its ids repeat from chart to chart.
    drawn = re.sub(r' id="[a-z0-9.]+_[0-9]+"', "", drawn[drawn.index("</style>") :].partition("</defs>")[2])
    drawn = re.sub(r"(fill|stroke): (#0\d0\d0\d)\b", lambda m: f"{m[1]}: var({COLORS.get(m[2], '--ink')})", drawn)
    return f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {height}">{drawn}'


def curves(found: Sequence[Curve], distance: Distance | None, title: str, metric: Metric) -> str:
    """Return curves over the number of training examples, on a logarithmic axis, as an `<svg>` element named `title`.

    Args:
        found: at least one, with at least one point.
        distance: drawn between two curves as an arrow, and named.
        metric: in whose unit the other axis is.
    """
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

    numbers = sorted({point.examples for curve in found for point in curve.points})
    height = CURVES + LINE * len(found)
    with style.context(STYLE, after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, frameon=False)
        top, left = LINE * len(found) / height, 56
        axes = figure.add_axes((left / WIDTH, 40 / height, (WIDTH - left - 16) / WIDTH, 1 - top - 48 / height))
        axes.set(xscale="log", frame_on=False, xlim=(numbers[0] / 1.12, numbers[-1] * 1.12))
        axes.xaxis.set_major_locator(FixedLocator(_apart(numbers)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}" + " %" * (metric.scale == 100))
        axes.tick_params(length=0, labelcolor=MUTED, labelsize=11)
        axes.grid(axis="y", color=RULE, linewidth=0.8)
        axes.set_xlabel("training examples, logarithmic", color=MUTED, size=11)
        for number, curve in enumerate(found):
            x = [point.examples for point in curve.points]
            for point in curve.points:
                if not math.isnan(point.low):
                    ends = [metric.scale * point.low, metric.scale * point.high]
                    axes.plot([point.examples] * 2, ends, color=curve.color, linewidth=2, solid_capstyle="butt")
            if len(curve.line):
                axes.plot(x, [metric.scale * value for value in curve.line], color=curve.color, linewidth=1.2)
            elif len(x) == 1:
                axes.axhline(metric.scale * curve.points[0].value, color=curve.color, linewidth=1, linestyle="--")
            axes.plot(x, [metric.scale * p.value for p in curve.points], "o", color=curve.color, markersize=6)
            y = 1 - (number + 0.5) * LINE / height
            figure.text(left / WIDTH, y, "●", color=curve.color, va="center", ha="center", size=11)
            figure.text((left + 12) / WIDTH, y, fitted(curve.name, 48, 12), color=INK, va="center")
        if distance is not None:
            y = metric.scale * distance.value
            if not math.isnan(distance.start):
                arrow = {"arrowstyle": "<->", "color": INK, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
                axes.annotate("", (distance.start, y), (distance.end, y), arrowprops=arrow)
            middle = distance.end if math.isnan(distance.start) else math.sqrt(distance.start * distance.end)
            axes.annotate(
                distance.text, (middle, y), (0, -15), textcoords="offset points", ha="center", color=INK, size=11
            )
        return _element(figure, title, height)


def _apart(numbers: Sequence[float]) -> list[float]:
    """Return those of sorted numbers whose labels have room on a logarithmic axis; the last is one of them."""
    kept: list[float] = []
    for number in reversed(numbers):
        if not kept or number < 0.8 * kept[-1]:
            kept.append(number)
    return kept[::-1]
