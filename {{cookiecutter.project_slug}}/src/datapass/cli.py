"""The command `datapass`: verbs beside DVC's own. Each is a thin function over one room, imported when it is called."""

import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .messages.problems import Refusal
from .report.forms import To, check, say
from .stages.frame import complain

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

REVISION = "Git revision, tag, branch, `dvc exp` name, or `workspace`."
BASELINE = Annotated[str, typer.Argument(help=REVISION)]


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
    to: To = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 1 on this verdict.")] = FailOn.never,
) -> None:
    """Say whether the candidate's data helps the frozen model.

    Prints the verdict with its interval, the proof that the model stayed frozen, and what changed in the data.
    """
    from .comparison.history import add_looks
    from .comparison.revisions import experiments_on, resolve
    from .comparison.verdict import HURTS, compare
    from .report.comparison_view import comparisons
    from .report.errors import of_candidates
    from .review.pictures import thumbnails

    files = check(to, ".md", ".html", ".json")
    (first,) = resolve([baseline])
    names = [*(candidates or []), *(experiments_on(first) if experiments else [])]
    if not names:
        raise Refusal("Name at least one candidate, or add --experiments for all that were run on the baseline.")
    found = [compare(first, other) for other in resolve(list(dict.fromkeys(names)), first.commit)]
    add_looks(found)

    def pictures(ids: list[str]) -> dict[str, str]:
        return {id: uri for c in found for id, uri in thumbnails(c.candidate, ids).items()}

    say(comparisons(found, of_candidates(found)), files, pictures)
    if fail_on is FailOn.hurts and any(c.verdict == HURTS for c in found):
        raise typer.Exit(1)


@app.command()
def diff(
    baseline: BASELINE,
    candidate: Annotated[str, typer.Argument(help=REVISION)] = "workspace",
    to: To = None,
) -> None:
    """Show what changed in the data between two revisions, by row."""
    from .comparison.datadiff import diff
    from .comparison.revisions import resolve
    from .comparison.stale import stale
    from .report.data_view import changes

    files = check(to, ".md", ".html", ".json", ".csv")
    revisions = resolve([baseline, candidate])
    notes = []
    for revision in revisions:
        with suppress(Refusal):  # a revision without results can be compared by its tables all the same
            notes += [f"note: {revision.name}: {what}; `dvc repro` there first" for what in stale(revision)[0]]
    say(changes(diff(*revisions), revisions[0], revisions[1], notes), files)


@app.command()
def passes(to: To = None) -> None:
    """List the passes: what each changed, and gained.

    A gain stands where two results differ by just this pass.
    """
    from .comparison.history import ledger
    from .report import data_view

    files = check(to, ".md", ".html", ".json", ".csv")
    say(data_view.ledger(ledger()), files)


@app.command()
def errors(to: To = None) -> None:
    """Say where the errors are, and what to do next.

    By class, slice and confusion, each with what accuracy would gain without it.
    """
    from .report import data_view
    from .report.errors import read

    files = check(to, ".md", ".html", ".json")
    say(data_view.errors(*read()), files)


@app.command()
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
    if apply:
        from .data.next_pass import place_pass
        from .review.answers import read_answers

        place_pass(read_answers(apply), name)
    else:
        from .review.page import write_page

        print(write_page(limit, blind))


@app.command()
def agree(
    sample: Annotated[
        int | None, typer.Option(min=1, help="Write N examples for two people to label independently.")
    ] = None,
    read: Annotated[
        list[Path] | None, typer.Option(help="Add answers: a filled-in CSV form or a Label Studio export (.json).")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Sample the test set, in place of the other two.")] = False,
    to: To = None,
) -> None:
    """Say how far annotators agree, by class, worst first.

    Proposes entries for the label book, as a patch.
    """
    from .annotators.agreement import measure
    from .annotators.annotations import read_annotations
    from .annotators.book import propose_entries
    from .annotators.sample import collect, read_back, write_sample
    from .report import data_view

    files = check(to, ".md", ".html", ".json")
    if sample:
        print(write_sample(sample, test))
        return
    if read:
        print(collect(read_back(read)))
    try:
        measured = measure(read_annotations())
    except Refusal as refusal:
        if not read:
            raise
        print(refusal)  # the first person's answers are in, the second's are still to come
        return
    say(data_view.agreement(measured), files)
    print(propose_entries(measured.confusions), end="")


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="New inputs, or folders of them; no labels.")],
    to: To = None,
) -> None:
    """Say what the trained models answer to new inputs.

    The class that most seeds answer, its probability, and how many of the seeds agree.
    """
    from .production.predict import predict
    from .report.data_view import answers

    forms = check(to, ".csv", ".md", ".html", ".json")
    say(answers(predict(files)), forms)


@app.command()
def adopt(
    path: Annotated[Path, typer.Argument(help="A folder or file with data of your own; it is read, never changed.")],
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that is the label.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column whose rows are never divided between sets.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    to: To = None,
) -> None:
    """Take data of your own into the project, in place of the example or as a later delivery.

    Class folders, a table with a label column, metadata.csv beside pictures, a Label Studio export. Says what it found.
    """
    from .adopt.adopt import adopt
    from .report.adopt_view import adoption

    def ask(columns: list[str]) -> str:
        return str(typer.prompt(f"Which column is the label? {', '.join(columns)}\n", prompt_suffix="> "))

    files = check(to, ".md", ".html", ".json")
    say(adoption(adopt(path, label, group, dry_run, ask if sys.stdin.isatty() else None)), files)


@app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Exports of Label Studio, as JSON or JSON-MIN.")
    ],
    name: Annotated[str, typer.Option(help="What the pass is about; part of its file's name.")] = "label-studio",
    skip_stale: Annotated[
        bool, typer.Option("--skip-stale", help="Leave out answers to labels that changed since.")
    ] = False,
) -> None:
    """Turn Label Studio's annotations into the next pass."""
    from .annotators.label_studio import import_files

    import_files(files, name, skip_stale)


@app.command()
def export(
    number: Annotated[
        int | None, typer.Option(min=1, help="The first N of the suspects, or of a sample; all if left out.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All examples, not only the audit's suspects.")] = False,
    test: Annotated[bool, typer.Option("--test", help="The test set, in place of the other two.")] = False,
) -> None:
    """Write tasks for Label Studio, and its labeling config."""
    from .annotators.tasks import export_files

    print(export_files(number, all_, test))


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version, and whether files were edited.")
    ] = False,
) -> None:
    """Compare data revisions on a frozen model. `dvc repro`, `dvc exp run` and `dvc exp show` do the rest."""
    if version:
        from . import integrity

        print(integrity.version())


def in_project() -> None:
    """Raise Refusal where this is not a project's folder, no Git repository holds it, or its machinery is another's."""
    from .comparison.revisions import git
    from .integrity import refuse_foreign

    if not Path("dvc.yaml").is_file():
        raise Refusal("There is no dvc.yaml here; run this in the project's folder.")
    refuse_foreign()
    try:
        git("rev-parse", "--git-dir")
    except Refusal:
        raise Refusal("The project is in no Git repository; `git init -b main` first.") from None


def main() -> None:
    """Run a verb. A refusal is printed for people, without a traceback, and exits with code 2."""
    try:
        if len(sys.argv) > 1 and not {"--help", "--version"} & set(sys.argv):
            in_project()
        app(prog_name="datapass")
    except Refusal as refusal:
        sys.exit(complain(str(refusal)))
    except OSError as error:
        sys.exit(complain(f"{error.filename}: {error.strerror}"))
