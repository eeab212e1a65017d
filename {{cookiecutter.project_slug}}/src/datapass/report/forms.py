"""The option `--to FILE`: the suffix chooses the form."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..messages.problems import Refusal, quoted

if TYPE_CHECKING:
    from .sections import Report

To = Annotated[
    list[Path] | None,
    typer.Option("--to", metavar="FILE", help="Write it there too; .md, .html, .json or .csv says how."),
]


def check(to: Sequence[Path] | None, *forms: str) -> list[Path]:
    """Return the files to write. Raises Refusal, before anything is done, for a suffix that is none of `forms`."""
    for path in to or []:
        if path.suffix.lower() not in forms:
            raise Refusal(
                f"--to {quoted(path)[1:-1]}: this verb writes {', '.join(forms)}; name a file with such an ending."
            )
    return list(to or [])


def write(report: "Report", to: Sequence[Path], pictures: Callable[[list[str]], dict[str, str]] | None = None) -> None:
    """Write a report in the form that each file's suffix names.

    Args:
        pictures: gives the pictures of test examples, {id: data URI}; asked only where a form shows them.
    """
    from pandas.api.types import is_numeric_dtype

    from ..files.tables import escape_cells, write_table
    from ..files.writes import write_json, write_text

    for path in to:
        match path.suffix.lower():
            case ".md":
                from .markdown import markdown

                write_text(markdown(report), path)
            case ".html":
                from .html import html, pictured

                write_text(html(report, pictures(pictured(report)) if pictures else {}), path)
                print(f"{path}: the report, to open in a browser", file=sys.stderr)
            case ".json":
                from .record import record

                write_json(record(report), path)
            case ".csv" if report.rows is not None:
                # Numbers are no formulas, so a negative one stays a number.
                write_table(
                    report.rows.apply(lambda c: c if is_numeric_dtype(c) else escape_cells(c.astype("str"))), path
                )


def say(report: "Report", to: Sequence[Path], pictures: Callable[[list[str]], dict[str, str]] | None = None) -> None:
    """Write a report into its files, then print it: files are written even where a pager has seen enough."""
    from rich.console import Console

    from .terminal import show

    write(report, to, pictures)
    show(report, Console(highlight=False))
