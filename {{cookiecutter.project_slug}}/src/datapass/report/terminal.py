"""The report on the terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..comparison import verdict as v
from ..comparison.datadiff import DataDiff
from ..comparison.verdict import Comparison
from ..messages.problems import quoted
from . import words

STYLES = {
    v.HELPS: "bold green",
    v.HURTS: "bold red",
    v.NO_DIFFERENCE: "bold",
    v.DEPENDS: "bold yellow",
    v.NOT_COMPARABLE: "bold yellow",
}
ROWS = 20


def table(title: str, *columns: str) -> Table:
    """Return a table whose columns after the first are numbers."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number == 0 else "right")
    return made


def print_comparison(c: Comparison, console: Console) -> None:
    """Print the verdict in one line, then what it rests on."""
    console.print(Text(words.headline(c), style=STYLES[c.verdict]), soft_wrap=True)
    if c.verdict == v.NOT_COMPARABLE:
        for reason in c.why:
            console.print(f"  - {escape(reason)}", soft_wrap=True)
        for hint in c.mend:
            console.print(f"  To mend it: {escape(hint)}", soft_wrap=True)
    lines = [words.mcnemar_line(c), words.frozen_line(c), *words.ruler_lines(c), *words.excluded_lines(c), *c.warnings]
    for line in lines:
        if line:
            console.print(escape(line), soft_wrap=True)
    console.print(escape(f"Data: {words.data_line(c.data)}."), soft_wrap=True)
    if c.gain is None:
        return
    if c.macro_f1 is not None:
        console.print(f"Macro-F1: {words.interval(c.macro_f1)} points.")
    if c.flips is not None and len(c.flips):
        fixed = int((c.flips["flip"] == "fixed").sum())
        console.print(f"Test examples: {fixed} wrong before and right now, {len(c.flips) - fixed} the reverse.")
    for title, parts in (("By class", c.classes), ("By slice", c.slices)):
        if parts:
            shown = table(title, "", "examples", "before", "after", "gain (points)", "")
            for part in sorted(parts, key=lambda p: p.gain.mean)[:ROWS]:
                cells = [
                    escape(quoted(part.name)[1:-1]),
                    f"{part.examples:,}",
                    words.percent(part.old),
                    words.percent(part.new),
                ]
                shown.add_row(*cells, words.interval(part.gain), words.called(c, part))
            console.print(shown)
    print_transitions(c.data, console)


def print_overview(comparisons: list[Comparison], console: Console) -> None:
    """Print several comparisons with one baseline as a table, the largest gain first, then the reasons and warnings."""
    shown = table(
        f"Against {escape(comparisons[0].baseline.label)}", "", "accuracy", "gain (points)", "verdict", "data"
    )
    for c in words.by_gain(comparisons):
        gain = words.interval(c.gain) if c.gain else "–"
        verdict = Text(c.verdict, style=STYLES[c.verdict])
        data = f"{words.data_line(c.data)} ({words.passes_line(c.data)})"
        shown.add_row(escape(c.candidate.label), words.percent(c.new), gain, verdict, escape(data))
    console.print(shown)
    for c in comparisons:
        for line in [*c.why, *c.warnings, *words.ruler_lines(c), *words.excluded_lines(c)]:
            console.print(escape(f"{c.candidate.name}: {line}"), soft_wrap=True)


def print_transitions(data: DataDiff, console: Console) -> None:
    """Print which labels became which."""
    if len(data.transitions):
        shown = table("Labels changed", "from", "to", "examples")
        for old, new, count in data.transitions.head(ROWS).itertuples(index=False):
            shown.add_row(escape(quoted(old)), escape(quoted(new)), f"{count:,}")
        console.print(shown)
