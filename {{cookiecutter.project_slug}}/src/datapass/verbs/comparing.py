"""Two data revisions: the verdict, what changed in the data, what each pass gained, and whether the model stayed frozen."""

from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import typer

from ..messages.problems import Problem, Refusal, refuse
from ..report.forms import To, check, say
from .revision import Revision, positive


class FailOn(StrEnum):
    """Verdicts that `compare` can turn into exit code 1."""

    hurts = "hurts"
    never = "never"


def compare(
    baseline: Revision,
    candidates: Annotated[
        list[str] | None, typer.Argument(help="The same, one or more, or a pattern such as 'clean-*'; each against it.")
    ] = None,
    experiments: Annotated[bool, typer.Option(help="Add all experiments that were run on the baseline.")] = False,
    gain: Annotated[
        float | None, typer.Option(help="Without a verdict: say what would show a true gain of this size.")
    ] = None,
    within: Annotated[float | None, typer.Option(help="Say whether no gain or loss larger than this is shown.")] = None,
    to: To = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 on this verdict, on any of the test sets.")
    ] = FailOn.never,
) -> None:
    """Say whether the candidate's data helps the frozen model.

    Prints the verdict with its interval, the proof that the model stayed frozen, and what changed in the data.
    """
    from ..comparison.compared import compare_all
    from ..comparison.experiments import experiments_on, matching
    from ..comparison.revisions import resolve
    from ..comparison.sureness import Aim
    from ..comparison.verdict import HURTS
    from ..report.comparison_view import comparisons
    from ..report.errors import of_candidates
    from ..report.sections import MOST
    from ..review.features import excerpts
    from ..review.pictures import thumbnails

    files = check(to, ".md", ".html", ".json")
    (first,) = resolve([baseline])
    named = [name for given in candidates or [] for name in matching(given)]
    names = [*named, *(experiments_on(first) if experiments else [])]
    if not names:
        raise Refusal("Name at least one candidate, or add --experiments for all that were run on the baseline.")
    aim = Aim(
        *(None if value is None else positive(name, value) for name, value in (("--gain", gain), ("--within", within)))
    )
    found = compare_all(first, resolve(list(dict.fromkeys(names)), first.commit), aim)

    def pictures(ids: list[str]) -> dict[str, str]:
        return {id: uri for c in found for id, uri in thumbnails(c.candidate, ids).items()}

    turned = {c.candidate.name: c.flips if c.flips is None else c.flips.groupby("flip").head(MOST) for c in found}
    lines = {c.candidate.name: excerpts(c.candidate, turned[c.candidate.name]) for c in found} if files else {}
    say(comparisons(found, of_candidates(found), lines), files, pictures)
    verdicts = {verdict for c in found for verdict in (c.verdict, *(part.verdict for part in c.test_sets))}
    if fail_on is FailOn.hurts and HURTS in verdicts:
        raise typer.Exit(1)


def diff(
    baseline: Revision,
    candidate: Revision = "workspace",
    to: To = None,
) -> None:
    """Show what changed in the data between two revisions, by row."""
    from ..comparison.datadiff import diff
    from ..comparison.revisions import resolve
    from ..comparison.stale import stale
    from ..report.data_view import changes

    files = check(to, ".md", ".html", ".json", ".csv")
    revisions = resolve([baseline, candidate])
    notes = []
    for revision in revisions:
        with suppress(Refusal):  # a revision without results can be compared by its tables all the same
            notes += [f"note: {revision.name}: {what}; `dvc repro` there first" for what in stale(revision)[0]]
    say(changes(diff(*revisions), revisions[0], revisions[1], notes), files)


def passes(
    check_only: Annotated[
        bool,
        typer.Option("--check", help="Only check that all passes can be applied, and the scope card; runs nothing."),
    ] = False,
    to: To = None,
) -> None:
    """List the passes: what each changed, and gained.

    A gain stands where two results differ by just this pass.
    """
    if check_only:
        check_written()
        return
    from ..comparison.history import ledger
    from ..report import data_view

    files = check(to, ".md", ".html", ".json", ".csv")
    say(data_view.ledger(ledger()), files)


def frozen(baseline: Revision = "HEAD", to: To = None) -> None:
    """Say whether the model here is still the one of a revision, before anything runs: after an update, say.

    Names what makes it another model, and what runs again.
    """
    from ..comparison.foreseen import foresee
    from ..comparison.revisions import WORKSPACE, resolve
    from ..report.foreseen_view import foreseen

    files = check(to, ".md", ".html", ".json")
    (before,) = resolve([baseline])
    if before.commit is None:
        raise Refusal(f"{WORKSPACE} is what is asked about; name the revision that it is held against.")
    say(foreseen(foresee(before)), files)


def check_written() -> None:
    """Check what people write into data/: the passes, and the scope card. Raises Refusal with all that is wrong."""
    from ..data.next_pass import check_passes
    from ..data.scope import read_card
    from ..files.paths import SCOPE

    problems: list[Problem] = []
    said = []
    try:
        number, whole = check_passes()
        said = [f"{number} {'pass' if number == 1 else 'passes'} can be applied"]
        if not whole:
            said = ["data/raw/ is not here (`dvc pull` brings it), so of the passes only the form was checked"]
    except Refusal as refusal:
        problems += refusal.problems or [Problem("data/passes", str(refusal))]
    if SCOPE.is_file():
        try:
            read_card(SCOPE.read_bytes(), SCOPE.as_posix())
        except Refusal as refusal:
            problems += refusal.problems
    refuse(problems)
    print("\n".join(said))
