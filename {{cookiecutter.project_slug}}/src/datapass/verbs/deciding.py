"""What to do next."""

from ..report.forms import To, check, say
from .revision import Revision


def errors(to: To = None) -> None:
    """Say where the errors are, and what to do next.

    By class, slice and confusion, each with what accuracy would gain without it.
    """
    from ..report import data_view
    from ..report.errors import read

    files = check(to, ".md", ".html", ".json")
    say(data_view.errors(*read()), files)


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
