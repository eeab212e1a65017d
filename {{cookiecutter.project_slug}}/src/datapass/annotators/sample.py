"""The consistency sample: the same examples for two people to label independently, and their answers."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..data.examples import counts, read_examples
from ..data.fraction import fraction
from ..data.next_pass import current_labels
from ..data.raw import read_raw
from ..files.paths import ANNOTATIONS, EXAMPLES, RAW, TABLES, TEST
from ..files.tables import escape_cells, write_table
from ..files.writes import write_json, write_text
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from .annotations import COLUMNS, at, read_annotations

FORM, SAMPLE, CONFIG = Path("reports/sample.csv"), Path("reports/sample.json"), Path("reports/label_studio.xml")


def examples(test: bool = False) -> pd.DataFrame:
    """Return the examples that count of training and validation, or of test alone, with `path`, sorted by set and id.

    Raises:
        Refusal: where the tables are missing or of other raw data.
    """
    table = read_examples([path for path in TABLES if (path == TEST) == test])
    table = table[counts(table)].reset_index(drop=True)
    raw = read_raw(RAW).table.set_index("id")
    if not table["id"].isin(raw.index).all():
        raise Refusal(f"{EXAMPLES.as_posix()}/ is not of this data/raw/; `dvc repro` makes it anew.")
    return table.assign(path=raw["path"].loc[table["id"]].to_numpy() if "path" in raw else "")


def write_sample(number: int, test: bool, only: Sequence[str] = ()) -> str:
    """Write a form and Label Studio tasks of examples that no two people have labelled; say what one does with them.

    Args:
        number: of examples.
        test: of the test set, in place of the other two.
        only: the classes to draw from; all where it is empty.

    Raises:
        Refusal: where there is no such example or class.
    """
    from .tasks import config, kind_of, rows_of, tasks

    done = read_annotations()[["id", "annotator"]].drop_duplicates()
    done = done["id"][done["id"].duplicated()]
    table = examples(test)
    known = current_labels()[1]
    if unknown := [name for name in only if name not in known]:
        raise Refusal(f"--only {quoted(unknown[0])}: the class is not known{near_miss(unknown[0], known)}")
    table = table[table["label"].isin(only or known)]
    drawn = draw(table[~table["id"].isin(done)].reset_index(drop=True), number)
    if drawn.empty:
        raise Refusal("There is nothing to sample: two people have labelled every example of these sets.")
    rows = rows_of(drawn)
    write_table(form(drawn, rows), FORM)
    write_json(tasks(drawn, blind=True, rows=rows), SAMPLE)
    write_text(config(kind_of(drawn), known), CONFIG)
    return (
        f"{len(drawn):,} examples that no two people have labelled: {FORM}; for Label Studio {SAMPLE} and {CONFIG}.\n"
        "Each person fills in a copy of the form, or labels the tasks, alone; then `agree --read FILE --read FILE`."
    )


def draw(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return `number` rows, as many of each class as there are, chosen by a hash of the id: the same at every call.

    Equal numbers a class, because agreement is judged by class: a rare one is as frequent in the sample.
    """
    order = pd.DataFrame({"label": table["label"], "u": fraction(table["id"], "consistency sample")})
    order = order.sort_values("u", kind="stable")
    order["turn"] = order.groupby("label").cumcount()
    return table.loc[order.sort_values(["turn", "u"], kind="stable").index[:number]].reset_index(drop=True)


def form(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the sample as a table to fill in: id, annotator and label (both empty), and what shows the example.

    Args:
        table: the sample.
        rows: what shows an example that is a row, see `tasks.rows_of`; a column named as one to fill in gets a name of its own.
    """
    shown = [column for column in ("path", "text") if column in table and (table[column] != "").any()]
    empty = table[["id", *shown]].assign(annotator="", label="")[[*COLUMNS, *shown]]
    taken = [*empty, *rows]
    names = [name if name not in empty else free(f"{name} of the row", taken) for name in rows]
    whole = pd.concat([empty, rows.set_axis(names, axis=1)], axis=1).astype("str").apply(escape_cells)
    return whole.set_axis(escape_cells(pd.Series(whole.columns, dtype="str")), axis=1)


def free(name: str, taken: Sequence[str]) -> str:
    """Return a name that is not taken: this one, or the first with a number behind it."""
    return next(found for found in (name, *(f"{name} {n}" for n in range(2, len(taken) + 3))) if found not in taken)


def read_back(files: Sequence[Path]) -> pd.DataFrame:
    """Return the annotations of filled-in forms (CSV) and Label Studio exports (JSON), columns as `COLUMNS`.

    Raises:
        Refusal: for anything wrong in any of the files, ids and classes that are not known included.
    """
    from .label_studio import read_exports

    labels, classes = current_labels()
    forms = [path for path in files if path.suffix.lower() != ".json"]
    exports = [path for path in files if path.suffix.lower() == ".json"]
    answers, problems = read_exports(exports, labels, classes, stale="ignore")
    try:
        found = read_annotations(*forms, forms=True) if forms else pd.DataFrame(columns=COLUMNS, dtype="str")
    except Refusal as refusal:
        refuse([*problems, *refusal.problems])
        raise
    if not len(found) and not len(answers):
        empty = "has no answers; fill in the columns annotator and label"
        problems += [Problem(path.as_posix(), empty) for path in files]
    problems += at(found, ~found["id"].isin(labels.index), "no example of the data has this id; correct it")
    for label in sorted(set(found["label"]) - set(classes)):
        what = f"the class {quoted(label)} is not known{near_miss(label, classes)}"
        problems += at(found, found["label"] == label, what)
    refuse(problems)
    return pd.concat([found[COLUMNS], answers[COLUMNS]], ignore_index=True)


def collect(annotations: pd.DataFrame) -> str:
    """Add annotations to data/annotations.csv, where an annotator's later answer replaces the earlier; say what came.

    They are kept there and not in data/raw/, because the file is small text that Git reviews, because DVC deletes the
    out of a stage before it runs, and because a change of data/raw/ would pack all inputs again.
    """
    old = (
        read_annotations(ANNOTATIONS)[COLUMNS] if ANNOTATIONS.is_file() else pd.DataFrame(columns=COLUMNS, dtype="str")
    )
    key = ["id", "annotator"]
    new = annotations[COLUMNS].drop_duplicates(key, keep="last")
    again = old.set_index(key).index.isin(new.set_index(key).index)
    table = pd.concat([old[~again], new], ignore_index=True).sort_values(key, kind="stable", ignore_index=True)
    write_table(table.apply(escape_cells), ANNOTATIONS)
    replaced = f", {int(again.sum()):,} of them in place of earlier ones" if again.any() else ""
    return f"{ANNOTATIONS.as_posix()}: {len(new):,} annotations came in{replaced}; next: `git add {ANNOTATIONS.as_posix()}`"
