"""The commands beside DVC's own: `python -m <package> VERB`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .shared.files import write_json
from .shared.problems import Refusal
from .shared.stage import complain

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

BASELINE = Annotated[str, typer.Argument(help="Git revision, tag, branch, `dvc exp` name, or `workspace`.")]
CANDIDATES = Annotated[list[str], typer.Argument(help="The same, one or more; each is compared with the baseline.")]


@app.command()
def compare(
    baseline: BASELINE,
    candidates: CANDIDATES,
    json: Annotated[Path | None, typer.Option(help="Write everything there as JSON.")] = None,
) -> None:
    """Say whether the candidate's data helps the frozen model, and how sure that is."""
    from .comparison.revisions import resolve
    from .comparison.verdict import compare
    from .report.record import record
    from .report.terminal import print_comparison

    first, *others = resolve([baseline, *candidates])
    comparisons = [compare(first, other) for other in others]
    for comparison in comparisons:
        print_comparison(comparison, Console(highlight=False))
    if json:
        records = [record(comparison) for comparison in comparisons]
        write_json(records[0] if len(records) == 1 else records, json)


@app.callback()
def _root() -> None:
    """Compare data revisions on a frozen model. `dvc repro`, `dvc exp run` and `dvc exp show` do the rest."""


def main() -> None:
    """Run a verb. A refusal is printed for people, without a traceback, and exits with code 2."""
    try:
        app()
    except Refusal as refusal:
        sys.exit(complain(str(refusal)))
    except OSError as error:
        sys.exit(complain(f"{error.filename}: {error.strerror}"))
