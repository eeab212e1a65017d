"""Exports of Label Studio (JSON and JSON_MIN) to edits and annotations."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..data.next_pass import current_labels, place_pass
from ..messages.problems import Problem, near_miss, quoted, refuse
from .sample import collect

ANSWERS = ["file", "task", "id", "was", "annotator", "label", "note", "updated"]


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half a character (a surrogate); correct the text") from None
    return text


def _person(value: Any) -> Any:
    """Return who annotated: a number, a text, or the e-mail address or number of an object."""
    name = (value.get("email") or value.get("id")) if isinstance(value, dict) else value
    if isinstance(name, bool) or not isinstance(name, int | str) or not str(name).strip():
        raise ValueError("is neither a number, nor text, nor an object with `email`")
    return str(name).strip()


def _one(value: Any) -> Any:
    """Return the one class of an answer: a text (JSON_MIN) or a list of one."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) != 1 or not isinstance(names[0], str):
        raise ValueError("is not one class")
    return names[0]


def _joined_lines(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value


Text = Annotated[str, AfterValidator(_whole)]
Person = Annotated[Text, BeforeValidator(_person)]
Choice = Annotated[Text, BeforeValidator(_one)]
Note = Annotated[Text, BeforeValidator(_joined_lines)]


class Format(BaseModel):
    """A part of an export; what is not named here may be there and is not read."""

    model_config = ConfigDict(strict=True)


class Chosen(Format):
    """What the control `label` gives."""

    choices: Choice


class Noted(Format):
    """What the control `note` gives."""

    text: Note = ""


class Result(Format):
    """The answer of one control."""

    from_name: Any = None
    value: dict[str, Any]


class Annotation(Format):
    """One person's answers to a task."""

    completed_by: Person
    was_cancelled: bool = False
    updated_at: Text = ""
    result: list[Result]


class Data(Format):
    """What `export` put into the task."""

    uid: Text
    current_label: Text = ""


class Task(Format):
    """A task of a JSON export."""

    data: Data
    annotations: list[Any]


class Flat(Data):
    """A row of a JSON_MIN export: one annotation; a skipped task has no label."""

    label: Choice
    annotator: Person
    note: Note = ""
    updated_at: Text = ""


class Skipped(Format):
    """An annotation that was cancelled, whatever else it holds."""

    was_cancelled: bool = Field(default=False)


def answers_of(task: Any) -> list[tuple[str, str, str, str, str, str]]:
    """Return id, current label, annotator, answer, note and time of each annotation of one exported task.

    Raises:
        ValidationError: for anything that is not of Label Studio's format.
    """
    if not isinstance(task, dict) or ("data" not in task and "annotations" not in task):
        if isinstance(task, dict) and "label" not in task:
            Data.model_validate(task)
            return []
        row = Flat.model_validate(task)
        return [(row.uid, row.current_label, row.annotator, row.label, row.note, row.updated_at)]
    found = Task.model_validate(task)
    rows = []
    for entry in found.annotations:
        if Skipped.model_validate(entry).was_cancelled:
            continue
        one = Annotation.model_validate(entry)
        said = {str(result.from_name): result.value for result in one.result}
        if "label" in said:
            label, note = Chosen.model_validate(said["label"]).choices, Noted.model_validate(said.get("note", {})).text
            rows.append((found.data.uid, found.data.current_label, one.completed_by, label, note, one.updated_at))
    return rows


def _said(error: ValidationError) -> str:
    """Return the first thing that is wrong with a task, for people."""
    found = error.errors(include_url=False)[0]
    kind = {"string_type": "text", "list_type": "a list", "bool_type": "true or false"}.get(found["type"], "an object")
    place = f"`{'.'.join(map(str, found['loc']))}` " if found["loc"] else ""
    shown = quoted(json.dumps(found["input"]))
    if found["type"] == "missing":
        return f"{place}is missing; export the project again as JSON or JSON-MIN"
    if found["type"] == "value_error":
        return f"{place}{shown} {found['msg'].removeprefix('Value error, ')}"
    return f"{place}is {shown}, not {kind}; export the project again as JSON or JSON-MIN"


def import_files(files: Sequence[Path], name: str, skip_stale: bool) -> None:
    """Make exports the next pass, and the answers of several people annotations; print what came.

    Raises:
        Refusal: for everything wrong in the files.
    """
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


def read_exports(
    files: Sequence[Path], labels: pd.Series, classes: Sequence[str], stale: str = "refuse"
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read exports of Label Studio, JSON or JSON_MIN, and check every answer.

    Args:
        files: the exports.
        labels: the labels as they stand, indexed by id.
        classes: the classes in use.
        stale: what to do with answers given to another label than stands now (or to none): `refuse`, `skip`, `ignore`.

    Returns:
        Each annotator's latest answer to each example (columns as `ANSWERS`, sorted by id and annotator), and what is
        wrong, by file and number of the task (from 1) and with the example's id.
    """
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
                problems.append(Problem(name, f"task {number}: {_said(error)}"))
    found = pd.DataFrame(rows, columns=ANSWERS)
    times = pd.to_datetime(found["updated"], utc=True, format="ISO8601", errors="coerce")  # NaT sorts first

    def mark(wrong: pd.Series, what: str) -> None:
        for row in found[wrong].itertuples():
            now = labels.get(row.id)
            text = what.format(
                was=quoted(row.was), now=quoted(now), label=quoted(row.label), miss=near_miss(row.label, classes)
            )
            problems.append(Problem(str(row.file), f"task {row.task}: {text}", id=row.id))

    now = found["id"].map(labels)
    mark(now.isna(), "no example of the data has this id, or a pass dropped it; delete the task")
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


def _joined(texts: pd.Series) -> str:
    """Return the different texts of a column on one line."""
    return re.sub(r"\s+", " ", "; ".join(dict.fromkeys(text for text in texts if text))).strip()
