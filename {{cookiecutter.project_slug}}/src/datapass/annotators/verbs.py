"""The verbs of people's labels: `agree`, `import` and `export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

TASKS, CONFIG = Path("reports/tasks.json"), Path("reports/label_studio.xml")
FORM, SAMPLE = Path("reports/sample.csv"), Path("reports/sample.json")


def agree(
    sample: Annotated[
        int | None, typer.Option(min=1, help="Write N examples for two people to label independently.")
    ] = None,
    read: Annotated[
        list[Path] | None, typer.Option(help="Add answers: a filled-in CSV form or a Label Studio export (.json).")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Sample the test set, in place of the other two.")] = False,
    md: Annotated[Path | None, typer.Option(help="Write the result there as Markdown.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result there as JSON.")] = None,
) -> None:
    """Say how far annotators agree, by class, worst first.

    Proposes entries for the label book, as a patch.
    """
    from ..files.writes import write_json, write_text
    from ..messages.problems import Refusal

    if sample:
        _sample(sample, test)
        return
    if read:
        from .sample import collect, read_back

        print(collect(read_back(read)))
    from rich.console import Console

    from ..report.agreement import markdown, record, show
    from .agreement import measure
    from .annotations import read_annotations

    try:
        result = measure(read_annotations())
    except Refusal as refusal:
        if not read:
            raise
        print(refusal)  # the first person's answers are in, the second's are still to come
        return
    show(result, Console(highlight=False))
    if md:
        write_text(markdown(result), md)
    if json:
        write_json(record(result), json)
    _propose(result.confusions)


def _sample(number: int, test: bool) -> None:
    from ..data.next_pass import current_labels
    from ..files.tables import write_table
    from ..files.writes import write_json, write_text
    from ..messages.problems import Refusal
    from .annotations import read_annotations
    from .label_studio import config, kind_of, tasks
    from .sample import draw, examples, form

    done = read_annotations()[["id", "annotator"]].drop_duplicates()
    done = done["id"][done["id"].duplicated()]
    table = examples(test)
    drawn = draw(table[~table["id"].isin(done)].reset_index(drop=True), number)
    if drawn.empty:
        raise Refusal("There is nothing to sample: two people have labelled every example of these sets.")
    write_table(form(drawn), FORM)
    write_json(tasks(drawn, blind=True), SAMPLE)
    write_text(config(kind_of(drawn), current_labels()[1]), CONFIG)
    print(f"{len(drawn):,} examples that no two people have labelled: {FORM}; for Label Studio {SAMPLE} and {CONFIG}.")
    print("Each person fills in a copy of the form, or labels the tasks, alone; then `agree --read FILE --read FILE`.")


def _propose(confusions: "pd.DataFrame") -> None:
    import pandas as pd

    from ..data.next_pass import current_labels
    from ..data.passes import pass_names, read_pass
    from ..files.paths import BOOK, PASSES
    from ..files.writes import write_text
    from .book import PATCH, patch, propose

    passes = [read_pass(PASSES, name).edits.assign(name=name) for name in pass_names(PASSES)]
    columns = ["name", "label", "was", "reason"]
    edits = pd.concat(passes)[columns] if passes else pd.DataFrame(columns=columns, dtype="str")
    old = BOOK.read_bytes().decode("utf-8", "replace") if BOOK.is_file() else None
    made = patch(old, propose(old or "", confusions, current_labels()[1], edits))
    if made:
        write_text(made, PATCH)
        print(f"{PATCH} proposes entries for {BOOK}: read it, then `git apply {PATCH}`.")
    else:
        PATCH.unlink(missing_ok=True)


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
    from ..data.next_pass import current_labels, place_pass
    from ..messages.problems import quoted, refuse
    from .label_studio import edits_of, read_exports
    from .sample import collect

    answers, problems = read_exports(files, *current_labels(), stale="skip" if skip_stale else "refuse")
    refuse(problems)
    edits, disputed, shared = edits_of(answers)
    if len(shared):
        print(collect(shared))
    if len(disputed):
        print(f"Left as they are, since their annotators disagree: {len(disputed):,}")
        for row in disputed.head(20).itertuples():
            print(f"  {quoted(row.id)}: {', '.join(map(quoted, row.labels))}")
    if len(edits) or not len(shared):
        place_pass(edits, name)


def export(
    number: Annotated[
        int | None, typer.Option(min=1, help="The first N of the suspects, or of a sample; all if left out.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All examples, not only the audit's suspects.")] = False,
    test: Annotated[bool, typer.Option("--test", help="The test set, in place of the other two.")] = False,
) -> None:
    """Write tasks for Label Studio, and its labeling config."""
    from ..data.next_pass import current_labels
    from ..files.paths import SUSPECTS
    from ..files.writes import write_json, write_text
    from .label_studio import config, kind_of, suspects, tasks
    from .sample import draw, examples

    table = examples(test)
    if SUSPECTS.is_file() and not all_:
        table = suspects(SUSPECTS, table).head(number or len(table))
    else:
        table = draw(table, number) if number else table
    write_json(tasks(table), TASKS)
    write_text(config(kind_of(table), current_labels()[1]), CONFIG)
    print(f"{len(table):,} tasks: {TASKS}, labeling config: {CONFIG}; `import FILE` brings the answers back.")


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("agree")(agree)
    app.command("import")(import_)
    app.command("export")(export)
