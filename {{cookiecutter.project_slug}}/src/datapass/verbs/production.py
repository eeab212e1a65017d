"""The trained models at work."""

from pathlib import Path
from typing import Annotated

import typer

from ..report.forms import To, check, say


def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="New inputs, or folders of them; no labels.")],
    to: To = None,
) -> None:
    """Say what the trained models answer to new inputs.

    The class that most seeds answer, its probability, and how many of the seeds agree.
    """
    from ..production.predict import predict
    from ..report.data_view import answers

    forms = check(to, ".csv", ".md", ".html", ".json")
    say(answers(predict(files)), forms)
