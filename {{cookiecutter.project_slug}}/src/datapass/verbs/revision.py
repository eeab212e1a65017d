"""The arguments that name data revisions."""

from typing import Annotated

import typer

HELP = "Git revision, tag, branch, `dvc exp` name, or `workspace`."
Revision = Annotated[str, typer.Argument(help=HELP)]
