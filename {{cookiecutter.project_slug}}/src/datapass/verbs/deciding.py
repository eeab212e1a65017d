"""What to do next."""

from typing import Annotated

import typer

from ..messages.problems import Refusal
from ..report.forms import To, check, say
from .revision import Revision, positive


def errors(
    of: Annotated[
        str | None, typer.Option(help="List the wrong answers of a group, such as `class = 8` or `all`.")
    ] = None,
    to: To = None,
) -> None:
    """Say what to do next, by expected gain for its cost, and where the errors are.

    By class, slice and confusion, each with what the metric would gain without it.
    """
    from ..comparison.revisions import WORKSPACE, Revision
    from ..comparison.scope import card_of
    from ..decisions import evidence
    from ..decisions.next_step import next_steps
    from ..files.paths import METRICS
    from ..report import errors_view
    from ..report.errors import examples_of
    from ..report.scope_view import room_line

    files = check(to, ".md", ".html", ".json", *([".csv"] if of else []))
    if of:
        predictions, test = evidence.read_results()
        seeds = sum(column.startswith("seed_") for column in predictions)
        say(errors_view.errors_of(of, examples_of(of, predictions, test), seeds), files)
        return
    found, known = evidence.read()
    here = Revision(WORKSPACE, None)
    level = here.json(METRICS).get(found.chosen.name)
    room = None if level is None else room_line(card_of(here), found.chosen, level)
    say(errors_view.errors(found, next_steps(found, known), room), files)


def plan(
    gain: Annotated[
        float, typer.Option(help="The true gain that should show, as the metric shows it: points, or cost per example.")
    ],
    baseline: Revision = "workspace",
    to: To = None,
) -> None:
    """Say before a run how many seeds and test examples show a gain.

    By how much the baseline's own trainings differ; with what that costs, and the commands.
    """
    from ..comparison.revisions import resolve
    from ..decisions.plan import make_plan
    from ..report import plan_view

    files = check(to, ".md", ".html", ".json", ".csv")
    wanted = positive("--gain", gain)
    (revision,) = resolve([baseline])
    say(plan_view.plan(make_plan(revision, wanted)), files)


def gains(baseline: Revision, to: To = None) -> None:
    """Say what data and model gained: all that descends from a baseline.

    Experiments, branches and tags, sorted into data only, model only and both, each with its gain and cost.
    """
    from ..comparison.revisions import resolve
    from ..decisions.gains import gains
    from ..report import gains_view

    files = check(to, ".md", ".html", ".json", ".csv")
    (first,) = resolve([baseline])
    say(gains_view.gains(gains(first)), files)


def worth(
    baseline: Revision,
    candidate: Revision,
    run: Annotated[
        bool, typer.Option("--run", help="Train the sizes that are missing, as experiments of DVC's.")
    ] = False,
    both: Annotated[
        bool, typer.Option("--both", help="With --run: of the baseline's data too, for the picture.")
    ] = False,
    until: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Ask how many examples would reach it, such as 0.95.")
    ] = None,
    to: To = None,
) -> None:
    """Say what the labels of a candidate are worth, in examples.

    How many more examples like the baseline's would give what the candidate's data gives; from smaller training sets.
    """
    from ..comparison.revisions import resolve
    from ..decisions import ladder
    from ..decisions.worth import measure
    from ..report.worth_view import worth

    files = check(to, ".md", ".html", ".json")
    if both and not run:
        raise Refusal("--both goes with --run.")
    (first,) = resolve([baseline])
    (other,) = resolve([candidate], first.commit)
    found = measure(first, other, until)
    wanted: list[tuple[list[int], tuple[str, ...]]] = [(found.missing, ())]
    if both:
        wanted.append((found.old_missing, ladder.without_later_passes(first, other)))
    if run and any(sizes for sizes, _ in wanted):
        ladder.refuse_other_workspace(other)
        for sizes, overrides in wanted:
            ladder.run(other if not overrides else first, sizes, len(found.comparison.seeds), *overrides)
        found = measure(first, other, until)
    say(worth(found), files)
