"""A JSON export of a Label Studio project that was not made from this one: tasks with pictures or texts, and choices."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pandas as pd
from pydantic import ValidationError

from ..annotators.export_format import Annotation, Chosen, Format, Skipped, said
from ..messages.problems import Problem, Refusal, refuse
from .names import many
from .pictures import READ
from .sheets import Sheet

KEPT = ("split", "group")  # of the tasks' data, beside picture or text


class Task(Format):
    """A task of another project: what it shows, by the names of that project's config, and the answers."""

    data: dict[str, Any]
    annotations: list[Any]


def read_studio(path: Path) -> tuple[Sheet, str]:
    """Read an export, JSON or JSON-MIN.

    Returns:
        A table of `label` and `path` or `text` (and `split` and `group` where tasks have them), and which: `path`, `text`.

    Raises:
        Refusal: for a file that is no such export, and for every task that is not of the format.
    """
    try:
        exported = json.loads(path.read_bytes())
        if not isinstance(exported, list) or not exported:
            raise ValueError("it holds no list of tasks")
    except (ValueError, RecursionError) as error:
        what = f"is no JSON export of Label Studio ({error}); export the project as JSON or JSON-MIN"
        raise Refusal([Problem(path.name, what)]) from None
    rows: list[dict[str, str]] = []
    problems, notes, without, torn = [], [], 0, 0
    for number, task in enumerate(exported, 1):
        try:
            data, answers = _answers(task)
        except ValidationError as error:
            problems.append(Problem(path.name, f"task {number}: {said(error)}"))
            continue
        shown = _shown(data, path.parent)
        if not shown:
            what = f"task {number}: shows neither a text nor a PNG or JPEG picture that lies beside the export"
            problems.append(Problem(path.name, what))
        elif not answers:
            without += 1
        else:
            torn += len(set(answers)) > 1
            label = Counter(reversed(answers)).most_common(1)[0][0]  # a tie goes to the latest
            rows.append({"label": label, **shown, **{key: str(data[key]) for key in KEPT if key in data}})
    refuse(problems)
    if without:
        notes.append(f"left out: {many(without, 'task')} without an annotation")
    if torn:
        notes.append(f"{many(torn, 'task')} with several answers: the most common one counts, of equals the latest")
    if not rows:
        raise Refusal([Problem(path.name, "has no task with a choice; label some first")])
    table = pd.DataFrame(rows).fillna("").astype("str")
    kind = "path" if "path" in table else "text"
    if {"path", "text"} <= set(table.columns):
        raise Refusal([Problem(path.name, "mixes pictures and texts; export them as two projects")])
    return Sheet(path.name, table, notes), kind


def _answers(task: Any) -> tuple[dict[str, Any], list[str]]:
    """Return what a task shows and the class that each annotation chose."""
    if isinstance(task, dict) and "annotations" not in task and "data" not in task:  # JSON-MIN
        chosen = [task[key] for key in ("label", "choice", "sentiment", "class") if isinstance(task.get(key), str)]
        return task, chosen[:1]
    found = Task.model_validate(task)
    answers = []
    for entry in found.annotations:
        if Skipped.model_validate(entry).was_cancelled:
            continue
        given = [one.value for one in Annotation.model_validate(entry).result if "choices" in one.value]
        answers += [Chosen.model_validate(value).choices for value in given[:1]]
    return found.data, answers


def _shown(data: dict[str, Any], base: Path) -> dict[str, str]:
    """Return the picture's path relative to the export, else the text, else nothing."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    for value in texts.values():
        if not value.lower().endswith(READ):
            continue
        url = urlsplit(value)
        named = unquote(parse_qs(url.query).get("d", [url.path])[0]).lstrip("/")
        last = named.rsplit("/", 1)[-1]
        plain = last.partition("-")[2] if len(last.partition("-")[0]) == 8 else last  # an upload's name, after its hash
        for tried in (named, last, f"images/{last}", plain, f"images/{plain}"):
            if "\0" not in tried and (base / tried).resolve().is_relative_to(base) and (base / tried).is_file():
                return {"path": tried}
        return {}
    return {"text": texts["text"]} if "text" in texts else {}
