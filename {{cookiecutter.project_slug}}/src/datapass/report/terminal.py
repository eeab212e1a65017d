"""A report on the terminal: the headline, what it rests on, and the tables that are short."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from ..comparison import verdict as v
from .sections import Gallery, Heat, Lines, Report, Section, Table
from .words import one_line

STYLES = {
    v.HELPS: "bold green",
    v.HURTS: "bold red",
    v.NO_DIFFERENCE: "bold",
    v.DEPENDS: "bold yellow",
    v.NOT_COMPARABLE: "bold yellow",
}
ROWS, CELL, WIDE = 20, 80, 2000  # rows of a table; characters of a cell and of a line


def show(report: Report, console: Console) -> None:
    """Print a report."""
    console.print(Text(one_line(report.headline, WIDE), style=STYLES.get(report.verdict, "bold")), soft_wrap=True)
    if report.verdict == v.NOT_COMPARABLE:
        for reason in report.why:
            _line(f"  - {reason}", console)
        _line(f"  To mend it: {report.advice}", console)
    if report.primary is not None and (report.parts or not report.verdict):
        _table(report.primary, console)
    for line in [*report.notes, *report.warnings]:
        _line(line, console)
    for section in report.sections:
        if not section.page:
            _section(section, console)


def _section(section: Section, console: Console) -> None:
    _line(f"{section.title}.", console)
    if section.short:
        for block in section.blocks:
            if isinstance(block, Lines):
                for line in block.sentences:
                    _line(line, console)
            elif isinstance(block, Table):
                _table(block, console)
            elif isinstance(block, Gallery | Heat):
                _table(block.table, console)


def _line(text: str, console: Console) -> None:
    console.print(escape(one_line(text, WIDE)), soft_wrap=True)


def _table(table: Table, console: Console) -> None:
    grid = Grid(title=table.title or None, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for column, kind in zip(table.header, table.kinds, strict=True):
        grid.add_column(escape(column), justify="left" if kind in "nt" else "right")
    for row in table.rows[:ROWS]:
        grid.add_row(*(_cell(cell, kind) for cell, kind in zip(row, table.kinds, strict=True)))
    console.print(grid)
    if len(table.rows) > ROWS:
        console.print(f"... and {len(table.rows) - ROWS:,} more; --to FILE writes them")


def _cell(cell: str, kind: str) -> Text:
    return Text(one_line(cell, CELL) if kind in "nt" else cell, style=STYLES.get(cell, ""))
