"""`--to FILE`: a report in the form that the file's suffix says."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..files.cells import escape_cells
from ..files.tables import write_table
from ..files.writes import write_json, write_text
from ..messages.problems import Refusal, quoted
from .sections import Report

FORMS = (".md", ".html", ".json", ".csv")


def check_forms(files: Sequence[Path], forms: Sequence[str] = FORMS) -> None:
    """Raise Refusal for each file whose suffix names no form that the verb has; before any work is done."""
    known = ", ".join(forms)
    wrong = [
        f"--to {quoted(file)}: the suffix says the form, one of {known}." for file in files if file.suffix not in forms
    ]
    if wrong:
        raise Refusal("\n".join(wrong))


def write(report: Report, files: Sequence[Path], pictures: Callable[[], dict[str, str]] = dict) -> None:
    """Write a report in each form; `pictures` gives what the page shows of test examples, by id."""
    for file in files:
        if file.suffix == ".md":
            from .markdown import render

            write_text(render(report), file)
        elif file.suffix == ".html":
            from .html import render as page

            write_text(page(report, pictures()), file)
        elif file.suffix == ".json":
            write_json(report.data, file)
        elif report.rows is not None:
            rows = report.rows.astype("str")
            write_table(rows.apply(escape_cells), file)
