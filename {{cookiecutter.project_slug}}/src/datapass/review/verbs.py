"""The verbs of finding and reviewing: `review` and `errors`."""

from pathlib import Path
from typing import Annotated

import typer

PAGE = Path("reports/review.html")


def review(
    apply: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check a saved review; make it the next pass.")
    ] = None,
    name: Annotated[
        str, typer.Option(help="With --apply: what the pass is about; part of its file's name.")
    ] = "review",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N of suspects and test examples.")] = None,
    blind: Annotated[bool, typer.Option("--blind", help="Hide label and suggestion until one has answered.")] = False,
) -> None:
    """Write the review page, or make its answers the next pass."""
    from ..data.next_pass import current_labels, place_pass
    from .page import page, queue_key, read_answers, read_queue

    if apply:
        place_pass(read_answers(apply), name)
        return
    from ..files.writes import write_text

    queue = read_queue(limit)
    suspects = int((queue["queue"] == "training").sum())
    asked = f"{suspects:,} suspects and {len(queue) - suspects:,} test examples"
    command = "datapass review --apply"
    write_text(page(queue, current_labels()[1], queue_key(), Path.cwd().name, command, blind), PAGE)
    print(f"{PAGE.as_posix()}: {asked}; open it in a browser. `{command} FILE` places what it saves.")


def errors(json: Annotated[Path | None, typer.Option(help="Write everything there as JSON.")] = None) -> None:
    """Say where the errors are, and what to do next.

    By class, slice and confusion, each with what accuracy would gain without it.
    """
    from rich.console import Console

    from ..files.writes import write_json
    from ..report.errors import read, record, show

    found = read()
    show(found, Console(highlight=False))
    if json:
        write_json(record(found), json)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("review")(review)
    app.command("errors")(errors)
