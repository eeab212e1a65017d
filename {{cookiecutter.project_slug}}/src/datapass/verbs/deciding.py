"""What to do next."""

from typing import Annotated

import typer

from ..messages.problems import Refusal
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
