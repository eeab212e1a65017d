"""Arguments that several verbs take: data revisions, and numbers in the metric's unit."""

import math
from typing import Annotated

import typer

from ..messages.problems import Refusal

HELP = "Git revision, tag, branch, `dvc exp` name, or `workspace`."
Revision = Annotated[str, typer.Argument(help=HELP)]


def positive(option: str, value: float) -> float:
    """Return what an option gives in the unit of the metric. Raises Refusal where it is not above 0."""
    if not 0 < value < math.inf:
        raise Refusal(f"{option} {value:g}: give a number above 0, in points, or of a cost in its unit.")
    return value
