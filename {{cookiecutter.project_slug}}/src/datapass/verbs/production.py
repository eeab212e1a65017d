"""The trained models at work, and what comes back from there."""

from pathlib import Path
from typing import Annotated

import typer

from ..report.forms import To, check, say


def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="New inputs, or folders of them; no labels.")],
    to: To = None,
) -> None:
    """Say what the trained models answer to new inputs.

    The class that most seeds answer, its probability, and how many of the seeds agree.
    """
    from ..production.predict import predict
    from ..report.data_view import answers

    forms = check(to, ".csv", ".md", ".html", ".json")
    say(answers(predict(files)), forms)


def watch(
    deliveries: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="DELIVERY...", help="New inputs without labels: a folder, a file, or a delivery of data/incoming/."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the delivery; today's date if left out.")] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0, max=100, help="Points that the accuracy may be lower on new inputs before it is called drift."
        ),
    ] = 0.0,
    group: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column that says which inputs belong together; - for none."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column that is not compared; more than one may be named."),
    ] = None,
    to: To = None,
) -> None:
    """Say whether new inputs look different from those that the model was trained and tested on.

    Takes them into data/incoming/. Where some of them are labelled, says how right the model is on them.
    """
    from ..production.watch import watch
    from ..report.watch_view import watched
    from ..review.features import new_excerpts
    from ..review.pictures import new_thumbnails

    forms = check(to, ".md", ".html", ".json")
    found = watch(deliveries or [], name, tolerance, group, ignore or [])

    def pictures(ids: list[str]) -> dict[str, str]:
        return {id: uri for one in found for id, uri in new_thumbnails(one.incoming, ids).items()}

    lines = {id: said for one in found for id, said in new_excerpts(one.incoming, one.foreign).items()} if forms else {}
    say(watched(found, lines), forms, pictures)


def pick(
    delivery: Annotated[
        str | None, typer.Argument(help="Of data/incoming/; the only one not picked from yet if left out.")
    ] = None,
    budget: Annotated[int, typer.Option(min=1, metavar="N", help="How many inputs people will label.")] = 200,
    to: To = None,
) -> None:
    """Pick inputs of a delivery that are worth labelling.

    Half of them at random, for an honest accuracy; three tenths where the seeds disagree; two tenths unlike the training data.
    """
    from ..production.pick import pick
    from ..report.pick_view import picked

    forms = check(to, ".md", ".html", ".json")
    say(picked(pick(delivery, budget)), forms)


def bring_back(
    delivery: Annotated[str | None, typer.Argument(help="Of data/picked/; the only one if left out.")] = None,
    test: Annotated[
        bool, typer.Option("--test", help="Those picked at random, into the test set; a pull request of its own.")
    ] = False,
    all_: Annotated[bool, typer.Option("--all", help="Those picked at random train too, and can never test.")] = False,
    to: To = None,
) -> None:
    """Make labelled inputs of a delivery examples: a later delivery in data/raw/, and a pass that adds its rows."""
    from ..production.bring_back import bring_back
    from ..report.bring_back_view import brought_back

    forms = check(to, ".md", ".html", ".json")
    say(brought_back(bring_back(delivery, test, all_)), forms)
