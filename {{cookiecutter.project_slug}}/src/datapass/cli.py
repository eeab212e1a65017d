"""The commands beside DVC's own: `datapass VERB`. Each imports what it needs, so that it starts quickly."""

import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .annotators import verbs
from .files.paths import PREDICTIONS, TEST
from .files.writes import write_json, write_text
from .messages.problems import Refusal
from .review import verbs as verbs_review
from .stages.frame import complain

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

REVISION = "Git revision, tag, branch, `dvc exp` name, or `workspace`."
BASELINE = Annotated[str, typer.Argument(help=REVISION)]
JSON = Annotated[Path | None, typer.Option(help="Write everything there as JSON.")]
MARKDOWN = Annotated[Path | None, typer.Option(help="Write it there as Markdown, for a pull request.")]


class FailOn(StrEnum):
    """Verdicts that `compare` can turn into exit code 1."""

    hurts = "hurts"
    never = "never"


@app.command()
def compare(
    baseline: BASELINE,
    candidates: Annotated[
        list[str] | None, typer.Argument(help="The same, one or more, each against the baseline.")
    ] = None,
    experiments: Annotated[bool, typer.Option(help="Add all experiments that were run on the baseline.")] = False,
    md: MARKDOWN = None,
    html: Annotated[Path | None, typer.Option(help="Write a page there that opens from disk, with pictures.")] = None,
    json: JSON = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 1 on this verdict.")] = FailOn.never,
) -> None:
    """Say whether the candidate's data helps the frozen model.

    Prints the verdict with its interval, the proof that the model stayed frozen, and what changed in the data.
    """
    from .comparison.looks import add_looks
    from .comparison.revisions import experiments_on, resolve
    from .comparison.verdict import HURTS, compare
    from .report.terminal import print_comparison, print_overview

    (first,) = resolve([baseline])
    names = [*(candidates or []), *(experiments_on(first) if experiments else [])]
    if not names:
        raise Refusal("Name at least one candidate, or add --experiments for all that were run on the baseline.")
    comparisons = [compare(first, other) for other in resolve(list(dict.fromkeys(names)), first.commit)]
    add_looks(comparisons)
    if md:
        from .report.markdown import markdown

        write_text(markdown(comparisons), md)
    if html:
        from .report.errors import analyse
        from .report.html import html as page
        from .report.html import pictured
        from .review.pictures import thumbnails

        ids = pictured(comparisons)
        pictures = {id: uri for c in comparisons for id, uri in thumbnails(c.candidate, ids).items()}
        errors = {
            c.candidate.name: analyse(c.candidate.table(PREDICTIONS), c.candidate.table(TEST))
            for c in comparisons
            if c.gain is not None
        }
        write_text(page(comparisons, pictures, errors), html)
        print(f"{html}: the report, to open in a browser", file=sys.stderr)
    if json:
        from .report.record import record

        records = [record(comparison) for comparison in comparisons]
        write_json(records[0] if len(records) == 1 else records, json)
    console = Console(highlight=False)  # last: files are written even where a pager has seen enough
    if len(comparisons) > 1:
        print_overview(comparisons, console)
    else:
        print_comparison(comparisons[0], console)
    if fail_on is FailOn.hurts and any(comparison.verdict == HURTS for comparison in comparisons):
        raise typer.Exit(1)


@app.command()
def diff(
    baseline: BASELINE,
    candidate: Annotated[str, typer.Argument(help=REVISION)] = "workspace",
    md: MARKDOWN = None,
    json: JSON = None,
    csv: Annotated[Path | None, typer.Option(help="Write every changed row there as CSV.")] = None,
) -> None:
    """Show what changed in the data between two revisions, by row."""
    from .comparison.datadiff import diff
    from .comparison.revisions import resolve
    from .comparison.stale import stale
    from .report.changes import changes_csv, changes_markdown, changes_record, print_changes

    revisions = resolve([baseline, candidate])
    found = diff(*revisions)
    console = Console(highlight=False)
    print_changes(found, revisions[0], revisions[1], console)
    for revision in revisions:
        with suppress(Refusal):  # a revision without results can be compared by its tables all the same
            for what in stale(revision)[0]:
                console.print(f"note: {revision.name}: {what}; `dvc repro` there first", markup=False, soft_wrap=True)
    if md:
        write_text(changes_markdown(found, revisions[0], revisions[1]), md)
    if json:
        write_json(changes_record(found, revisions[0], revisions[1]), json)
    if csv:
        changes_csv(found, csv)


@app.command()
def passes(json: JSON = None) -> None:
    """List the passes: what each changed, and gained.

    A gain stands where two results differ by just this pass.
    """
    from .comparison.ledger import ledger
    from .report.changes import print_ledger

    rows = ledger()
    print_ledger(rows, Console(highlight=False))
    if json:
        write_json(rows, json)


verbs_review.register(app)
verbs.register(app)


@app.callback()
def _root() -> None:
    """Compare data revisions on a frozen model. `dvc repro`, `dvc exp run` and `dvc exp show` do the rest."""


def in_project() -> None:
    """Raise Refusal where this is not a project's folder, or no Git repository holds it."""
    from .comparison.revisions import git

    if not Path("dvc.yaml").is_file():
        raise Refusal("There is no dvc.yaml here; run this in the project's folder.")
    try:
        git("rev-parse", "--git-dir")
    except Refusal:
        raise Refusal("The project is in no Git repository; `git init -b main` first.") from None


def main() -> None:
    """Run a verb. A refusal is printed for people, without a traceback, and exits with code 2."""
    try:
        if len(sys.argv) > 1 and "--help" not in sys.argv:
            in_project()
        app()
    except Refusal as refusal:
        sys.exit(complain(str(refusal)))
    except OSError as error:
        sys.exit(complain(f"{error.filename}: {error.strerror}"))
