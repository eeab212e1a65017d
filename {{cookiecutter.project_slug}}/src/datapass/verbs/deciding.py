"""What to do next."""

from typing import Annotated

import typer

from ..report.forms import To, check, say


def errors(
    of: Annotated[
        str | None, typer.Option(help="List the wrong answers of a group, such as `class = 8` or `all`.")
    ] = None,
    to: To = None,
) -> None:
    """Say what to do next, by expected gain for its cost, and where the errors are.

    By class, slice and confusion, each with what the metric would gain without it.
    """
    from ..decisions import evidence
    from ..decisions.next_step import next_steps
    from ..report import errors_view
    from ..report.errors import examples_of

    files = check(to, ".md", ".html", ".json", *([".csv"] if of else []))
    if of:
        predictions, test = evidence.read_results()
        seeds = sum(column.startswith("seed_") for column in predictions)
        say(errors_view.errors_of(of, examples_of(of, predictions, test), seeds), files)
        return
    found, known = evidence.read()
    say(errors_view.errors(found, next_steps(found, known)), files)
