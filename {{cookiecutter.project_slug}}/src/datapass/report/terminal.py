"""The report on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from ..comparison import verdict as v
from .record import MOST as MANY
from .sections import Lines, Name, Report, Table, one_line

STYLES = {v.HELPS: "green", v.HURTS: "red", v.DEPENDS: "yellow", v.NOT_COMPARABLE: "yellow"}
ROWS, NAME, SENTENCE = 12, 80, 1000  # of a table, and characters
SENTENCES = 40  # of a list
WHOLE = 50  # characters of a row's name that stay on one line, whatever room the other cells are left


def show(report: Report, console: Console, prefix: str = "", whole: bool = True) -> None:
    """Print the result in one line and what to do, then what it rests on; of several candidates the lines only."""

    def say(sentence: str, style: str = "") -> None:
        console.print(Text(prefix + one_line(sentence, SENTENCE), style=style), soft_wrap=True)

    def say_all(sentences: Sequence[str], mark: str = "") -> None:
        for sentence in sentences[:SENTENCES]:
            say(f"{mark}{sentence}")
        if len(sentences) > SENTENCES:
            say(f"{mark}… and {len(sentences) - SENTENCES:,} more")

    say(report.headline, f"bold {STYLES.get(report.verdict, '')}")
    say_all(report.why, "  - ")
    if report.advice:
        say(f"{'To mend it' if report.verdict == v.NOT_COMPARABLE else 'To do'}: {report.advice}")
    for section in report.sections:
        if whole and not section.open:
            say(section.title, "bold")
        for block in [] if section.short else section.blocks:
            if isinstance(block, Lines) and (whole or section.open):
                say_all(block.sentences)
            elif isinstance(block, Table) and whole:
                console.print(grid(block))
                if block.total > ROWS:
                    say(f"… and {block.total - ROWS:,} more rows; {_where(report, block.total)}")
    for part in report.parts:
        show(part, console, f"{one_line(part.between[0], NAME)}: ", whole=False)


def _where(report: Report, total: int) -> str:
    """Return in which file all rows of a table are, or the most."""
    if total <= MANY:
        return "`--to FILE.json` has them all"
    whole = report.rows is not None and len(report.rows) == total
    return "`--to FILE.csv` has them all" if whole else f"`--to FILE.json` has {MANY:,} of them"


def grid(table: Table) -> Grid:
    """Return a table as rich draws it; names stand left, numbers right."""
    made = Grid(title=table.title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for number, column in enumerate(table.header):
        left = number == 0 or isinstance(table.rows[0][number], Name)
        whole = number == 0 and max(len(row[0]) for row in table.rows[:ROWS]) <= WHOLE
        made.add_column(Text(column), justify="left" if left else "right", no_wrap=whole)
    for row in table.rows[:ROWS]:
        made.add_row(*(Text(one_line(cell, NAME) if isinstance(cell, Name) else cell) for cell in row))
    return made
