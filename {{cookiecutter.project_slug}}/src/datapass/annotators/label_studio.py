"""Exports of Label Studio (JSON and JSON_MIN), read and checked, and what they come to."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from ..messages.problems import Problem, near_miss, quoted
from .export_format import answers_of, said

ANSWERS = ["file", "task", "id", "was", "annotator", "label", "note", "updated"]
NO_EXAMPLE = "no example of the data has this id, or a pass dropped it; delete the task"


def read_exports(
    files: Sequence[Path], labels: pd.Series, classes: Sequence[str], stale: str = "refuse"
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read exports of Label Studio, JSON or JSON_MIN, and check every answer: `read_files`, then `checked`."""
    found, problems = read_files(files)
    answers, wrong = checked(found, labels, classes, stale)
    return answers, problems + wrong


def read_files(files: Sequence[Path]) -> tuple[pd.DataFrame, list[Problem]]:
    """Return every answer in exports of Label Studio (columns as `ANSWERS`), and what is not of their format."""
    rows: list[tuple[Any, ...]] = []
    problems: list[Problem] = []
    for path in files:
        name = path.as_posix()
        try:
            exported = json.loads(path.read_bytes())
            if not isinstance(exported, list):
                raise ValueError("it holds no list of tasks")
            if exported and not any(isinstance(t, dict) and t.keys() - {"data", "predictions"} for t in exported):
                raise ValueError("it holds tasks without annotations, as `export` writes them")
        except OSError as error:
            problems.append(Problem(name, f"cannot be read: {error.strerror}"))
            continue
        except (ValueError, RecursionError) as error:
            problems.append(Problem(name, f"is no JSON export of Label Studio ({error}); export as JSON or JSON-MIN"))
            continue
        for number, task in enumerate(exported, 1):
            try:
                rows += [(name, number, *answer) for answer in answers_of(task)]
            except ValidationError as error:
                problems.append(Problem(name, f"task {number}: {said(error)}"))
    return pd.DataFrame(rows, columns=ANSWERS), problems


def checked(
    found: pd.DataFrame, labels: pd.Series, classes: Sequence[str], stale: str, unknown: str = NO_EXAMPLE
) -> tuple[pd.DataFrame, list[Problem]]:
    """Check answers, see `read_files`.

    Args:
        labels: the labels as they stand, indexed by id.
        classes: the classes in use.
        stale: what to do with answers given to another label than stands now (or to none): `refuse`, `skip`, `ignore`.
        unknown: what is said of an id without label.

    Returns:
        Each annotator's latest answer to each example (columns as `ANSWERS`, sorted by id and annotator), and what is
        wrong, by file and number of the task (from 1) and with the example's id.
    """
    problems: list[Problem] = []
    times = pd.to_datetime(found["updated"], utc=True, format="ISO8601", errors="coerce")  # NaT sorts first

    def mark(wrong: pd.Series, what: str) -> None:
        for row in found[wrong].itertuples():
            now = labels.get(row.id)
            text = what.format(
                was=quoted(row.was), now=quoted(now), label=quoted(row.label), miss=near_miss(row.label, classes)
            )
            problems.append(Problem(str(row.file), f"task {row.task}: {text}", id=row.id))

    now = found["id"].map(labels)
    mark(now.isna(), unknown)
    mark(~found["label"].isin(classes), "the class {label} is not known{miss}")
    old = now.notna() & (found["was"] != now)
    if stale == "refuse":
        mark(
            old & (found["was"] == ""),
            "has no `current_label`; answers of a consistency sample come in by `agree --read`",
        )
        mark(
            old & (found["was"] != ""),
            "is stale: it was answered when the label was {was}, now it is {now}; export the tasks again, or leave out "
            "such answers with --skip-stale",
        )
    mark(times.isna() & (found["updated"] != ""), "`updated_at` is no time; export the project again")
    found["updated"] = times
    found = found[~old] if stale == "skip" else found
    found = found.sort_values(["id", "annotator", "updated"], kind="stable", na_position="first")
    return found.drop_duplicates(["id", "annotator"], keep="last").reset_index(drop=True), problems


def edits_of(answers: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return what answers (as `read_exports` returns them) come to.

    Returns:
        The edits of a pass, `relabel` or `keep` for each example whose annotators agree; the disputed examples, with
        `labels`; and the annotations of the examples that several people labelled.
    """
    by_id = answers.groupby("id", sort=True)
    people, said = by_id["annotator"].transform("size"), by_id["label"].transform("nunique")
    text = {
        "label": ("label", "first"),
        "was": ("was", "first"),
        "reason": ("note", _joined),
        "by": ("annotator", _joined),
    }
    edits = answers[said == 1].groupby("id", sort=True).agg(**text).reset_index()
    same = edits["label"] == edits["was"]
    edits["action"] = same.map({True: "keep", False: "relabel"}).astype("str")
    disputed = answers[said > 1].groupby("id").agg(labels=("label", lambda labels: sorted(set(labels)))).reset_index()
    return edits, disputed, answers[people > 1]


def say_disputed(disputed: pd.DataFrame) -> None:
    """Print the examples whose annotators disagree, see `edits_of`."""
    if len(disputed):
        print(f"Left as they are, since their annotators disagree: {len(disputed):,}")
        for row in disputed.head(20).itertuples():
            print(f"  {quoted(row.id)}: {', '.join(map(quoted, row.labels))}")


def _joined(texts: pd.Series) -> str:
    """Return the different texts of a column on one line."""
    return re.sub(r"\s+", " ", "; ".join(dict.fromkeys(text for text in texts if text))).strip()
