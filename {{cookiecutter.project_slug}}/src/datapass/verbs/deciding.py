"""What to do next."""

from typing import Annotated

import typer

from ..report.forms import To, check, say
from .revision import Revision, positive


def errors(to: To = None) -> None:
    """Say where the errors are, and what to do next.

    By class, slice and confusion, each with what accuracy would gain without it.
    """
    from ..report import data_view
    from ..report.errors import read

    files = check(to, ".md", ".html", ".json")
    say(data_view.errors(*read()), files)


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
