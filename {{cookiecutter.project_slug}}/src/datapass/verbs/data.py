"""Data of one's own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..report.forms import To, check, say

Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that is the label.")]
Group = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column whose rows are never divided between sets.")
]


def adopt(
    path: Annotated[Path, typer.Argument(help="A folder or file with data of your own; it is read, never changed.")],
    label: Label = None,
    group: Group = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    to: To = None,
) -> None:
    """Take data of your own into the project, in place of the example or as a later delivery.

    Class folders, a table with a label column, metadata.csv beside pictures, a Label Studio export. Says what it found.
    """
    from ..adopt.adopt import adopt
    from ..report.adopt_view import adoption

    files = check(to, ".md", ".html", ".json")
    say(adoption(adopt(path, label, group, dry_run, _ask if sys.stdin.isatty() else None)), files)


def renew_test(
    path: Annotated[
        Path | None,
        typer.Argument(help="New data, to be delivered first; all rows that wait in data/raw/ if left out."),
    ] = None,
    number: Annotated[
        int | None, typer.Option(metavar="N", help="New test examples; as many as the test set has if left out.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the old test examples too.")] = False,
    label: Label = None,
    group: Group = None,
    to: To = None,
) -> None:
    """Renew the test set from rows that were never trained on, as a pass for a pull request of its own.

    After many looks at one test set, the best of many candidates looks better than it is.
    """
    from ..adopt.renew import renew
    from ..report.renew_view import renewal

    files = check(to, ".md", ".html", ".json")
    say(renewal(renew(path, number, keep, label, group, _ask if sys.stdin.isatty() else None)), files)


def _ask(columns: list[str]) -> str:
    return str(typer.prompt(f"Which column is the label? {', '.join(columns)}\n", prompt_suffix="> "))
