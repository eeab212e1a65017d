"""Data of one's own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..report.forms import To, check, say


def adopt(
    path: Annotated[Path, typer.Argument(help="A folder or file with data of your own; it is read, never changed.")],
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that is the label.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column whose rows are never divided between sets.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    to: To = None,
) -> None:
    """Take data of your own into the project, in place of the example or as a later delivery.

    Class folders, a table with a label column, metadata.csv beside pictures, a Label Studio export. Says what it found.
    """
    from ..adopt.adopt import adopt
    from ..report.adopt_view import adoption

    def ask(columns: list[str]) -> str:
        return str(typer.prompt(f"Which column is the label? {', '.join(columns)}\n", prompt_suffix="> "))

    files = check(to, ".md", ".html", ".json")
    say(adoption(adopt(path, label, group, dry_run, ask if sys.stdin.isatty() else None)), files)
