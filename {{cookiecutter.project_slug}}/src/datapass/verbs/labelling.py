"""People's work on labels: reviewing, agreeing, Label Studio."""

from pathlib import Path
from typing import Annotated

import typer

from ..messages.problems import Refusal
from ..report.forms import To, check, say

Picked = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="What `pick` picked of this delivery and is not labelled yet."),
]


def review(
    apply: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check a saved review; take in its answers.")
    ] = None,
    picked: Picked = None,
    name: Annotated[
        str, typer.Option(help="With --apply: what the pass is about; part of its file's name.")
    ] = "review",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N of what there is to answer.")] = None,
    blind: Annotated[bool, typer.Option("--blind", help="Hide label and suggestion until one has answered.")] = False,
) -> None:
    """Write the review page, or take in its answers: those to suspects become the next pass."""
    if apply and picked:
        raise Refusal("--apply sees by the file what it answers; leave out --picked.")
    if apply:
        from ..data.next_pass import place_pass
        from ..production.picked import place_labels
        from ..review.answers import read_answers, read_saved
        from ..review.picked_answers import answered_delivery, read_labels

        saved = read_saved(apply)
        if delivery := answered_delivery(saved):
            place_labels(delivery, read_labels(apply, saved, delivery))
        else:
            place_pass(read_answers(apply), name)
    elif picked:
        from ..review.picked import write_picked_page

        print(write_picked_page(picked, limit))
    else:
        from ..review.page import write_page

        print(write_page(limit, blind))


def agree(
    sample: Annotated[
        int | None, typer.Option(min=1, help="Write N examples for two people to label independently.")
    ] = None,
    read: Annotated[
        list[Path] | None, typer.Option(help="Add answers: a filled-in CSV form or a Label Studio export (.json).")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Sample the test set, in place of the other two.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help="Sample examples with this label; more than one may be named."),
    ] = None,
    to: To = None,
) -> None:
    """Say how far annotators agree, by class, worst first.

    Proposes entries for the label book, as a patch.
    """
    from ..annotators.agreement import measure
    from ..annotators.annotations import read_annotations
    from ..annotators.book import propose_entries
    from ..annotators.sample import collect, read_back, write_sample
    from ..report import data_view

    files = check(to, ".md", ".html", ".json")
    if sample:
        print(write_sample(sample, test, only or []))
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


def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Exports of Label Studio, as JSON or JSON-MIN.")
    ],
    name: Annotated[str, typer.Option(help="What the pass is about; part of its file's name.")] = "label-studio",
    skip_stale: Annotated[
        bool, typer.Option("--skip-stale", help="Leave out answers to labels that changed since.")
    ] = False,
) -> None:
    """Turn Label Studio's annotations into the next pass; those of picked inputs become their labels."""
    from ..annotators.imports import import_files

    import_files(files, name, skip_stale)


def export(
    number: Annotated[
        int | None,
        typer.Option(min=1, help="The first N of the suspects, of a sample, or of what was picked; all if left out."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All examples, not only the audit's suspects.")] = False,
    test: Annotated[bool, typer.Option("--test", help="The test set, in place of the other two.")] = False,
    picked: Picked = None,
) -> None:
    """Write tasks for Label Studio, and its labeling config."""
    if picked and (all_ or test):
        raise Refusal("--picked exports inputs that are in no set; leave out --all and --test.")
    if picked:
        from ..annotators.picked import export_picked

        print(export_picked(picked, number))
    else:
        from ..annotators.tasks import export_files

        print(export_files(number, all_, test))
