"""The format of Label Studio's exports, JSON and JSON_MIN, as pydantic models."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..messages.problems import quoted


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
        given = {str(result.from_name): result.value for result in one.result}
        if "label" in given:
            label, note = (
                Chosen.model_validate(given["label"]).choices,
                Noted.model_validate(given.get("note", {})).text,
            )
            rows.append((found.data.uid, found.data.current_label, one.completed_by, label, note, one.updated_at))
    return rows


def said(error: ValidationError) -> str:
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
