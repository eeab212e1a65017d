"""What to do next."""

from typing import Annotated

import typer

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
