"""What to do next."""

from ..report.forms import To, check, say


def errors(to: To = None) -> None:
    """Say where the errors are, and what to do next.

    By class, slice and confusion, each with what accuracy would gain without it.
    """
    from ..report import data_view
    from ..report.errors import read

    files = check(to, ".md", ".html", ".json")
    say(data_view.errors(*read()), files)
