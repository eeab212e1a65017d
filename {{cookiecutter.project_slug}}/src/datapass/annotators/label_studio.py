"""Label Studio: tasks and labeling config to it, its exports (JSON and JSON_MIN) to edits and annotations.

Plain JSON, read and written with the standard library; tried on a server of version 1.23.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pandas as pd

from ..data.examples import OWN
from ..files.tables import read_table
from ..messages.problems import Problem, Refusal, near_miss, quoted

KINDS = {"image": "Image", "text": "Text", "row": "Table"}  # data key, also the control's name, and the tag
ANSWERS = ["file", "task", "id", "was", "annotator", "label", "note", "updated"]


def kind_of(table: pd.DataFrame) -> str:
    """Return what the examples are: `image` where they have paths, else `text`, else `row` (their metadata)."""
    return next(
        (kind for kind, name in (("image", "path"), ("text", "text")) if name in table and (table[name] != "").any()),
        "row",
    )


def config(kind: str, classes: Sequence[str]) -> str:
    """Return the labeling config (XML) for a kind of input: one class by click or key, and a note."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, KINDS[kind], name=kind, value=f"${kind}")
    layout = {"layout": "select"} if len(classes) > 20 else {"showInline": "true"}  # a list with a search
    choices = ElementTree.SubElement(
        view, "Choices", {"name": "label", "toName": kind, "choice": "single-radio", "required": "true"} | layout
    )
    own = all(re.fullmatch("[0-9a-z]", name) for name in classes)  # the class 7 is the key 7, not the eighth one
    for number, name in enumerate(classes):
        key = name if own else "1234567890"[number : number + 1]
        ElementTree.SubElement(choices, "Choice", {"value": name} | ({"hotkey": key} if key else {}))
    ElementTree.SubElement(view, "TextArea", name="note", toName=kind, rows="1", maxSubmissions="1")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def suspects(file: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Return the examples that the audit suspects, in its order, with `suggested` and `self_confidence`.

    Args:
        file: reports/suspects.csv.
        table: the examples to choose from, see `sample.examples`.

    Raises:
        Refusal: where the labels have changed since the audit.
    """
    found = read_table(file)[["id", "label", "suggested", "self_confidence"]]
    known = found.merge(table, on="id", suffixes=("_then", ""))
    if (known["label_then"] != known["label"]).any():
        raise Refusal(
            [Problem(file.as_posix(), "is of older labels than data/examples/; `dvc repro` audits them again")]
        )
    return known.assign(version=f"suspects@{hashlib.sha256(file.read_bytes()).hexdigest()[:7]}")


def tasks(table: pd.DataFrame, blind: bool = False) -> list[dict[str, Any]]:
    """Return Label Studio tasks, one a row.

    Args:
        table: id, label, and path, text or metadata; where it has `suggested`, `version` and `self_confidence`, the
            suggestion becomes the task's prediction, its score the model's probability of the current label (so that
            the lowest score comes first).
        blind: tell neither the current label nor a suggestion.
    """
    kind = kind_of(table)
    shown: list[Any]
    if kind == "image":  # the server's document root is data/, since it refuses a storage that is the root itself
        shown = ["/data/local-files/?d=" + quote(f"raw/{path}") for path in table["path"]]
    elif kind == "text":
        shown = table["text"].tolist()
    else:
        hidden = {*OWN, "path", "text", "set", "group", "label_then", "suggested", "self_confidence", "version"}
        shown = table[[name for name in table if name not in hidden]].to_dict("records")
    made: list[dict[str, Any]] = [{"data": {kind: x, "uid": uid}} for x, uid in zip(shown, table["id"], strict=True)]
    if blind:
        return made
    for task, label in zip(made, table["label"], strict=True):
        task["data"]["current_label"] = label
    if "suggested" in table:
        scores = pd.to_numeric(table["self_confidence"], errors="coerce").fillna(0.0)
        for task, name, version, score in zip(made, table["suggested"], table["version"], scores, strict=True):
            if name:
                choice = {
                    "id": "p1",
                    "from_name": "label",
                    "to_name": kind,
                    "type": "choices",
                    "value": {"choices": [name]},
                }
                task["predictions"] = [{"model_version": version, "score": float(score), "result": [choice]}]
    return made


def _typed(where: dict[str, Any], key: str, kind: type | tuple[type, ...], else_: Any = None) -> Any:
    """Return an entry of a type. Raises ValueError with words for people where it is of another type."""
    value = where.get(key, else_)
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        wanted = {str: "text", dict: "an object", list: "a list", bool: "true or false"}.get(kind, "a number or text")  # type: ignore[arg-type]
        raise ValueError(f"`{key}` is {quoted(json.dumps(value))}, not {wanted}; export the project again")
    return value


def _who(value: Any) -> str:
    """Return who annotated: a number, a text, or the e-mail address or number of an object."""
    name = (value.get("email") or value.get("id")) if isinstance(value, dict) else value
    if isinstance(name, bool) or not isinstance(name, (int, str)) or not str(name).strip():
        raise ValueError(
            f"the annotator {quoted(json.dumps(value))} is neither a number, nor text, nor an object with `email`"
        )
    return str(name).strip()


def _choice(value: Any) -> str:
    """Return the one class of an answer: a text (JSON_MIN) or a list of one."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) != 1 or not isinstance(names[0], str):
        raise ValueError(f"the answer {quoted(json.dumps(value))} is not one class")
    return names[0]


def _answers(task: Any) -> Iterator[tuple[Any, ...]]:
    """Yield id, current label, annotator, answer, note and time of each annotation of one exported task.

    Raises:
        ValueError: saying what is wrong, for anything that is not of Label Studio's format.
    """
    if not isinstance(task, dict):
        raise ValueError(f"is {quoted(json.dumps(task))}, not an object; export as JSON or JSON-MIN")
    full = "data" in task or "annotations" in task
    data = _typed(task, "data", dict) if full else task
    uid, was = _typed(data, "uid", str), _typed(data, "current_label", str, "")
    if not full:
        if "label" in task:  # a skipped task has none
            note = task.get("note", "")
            note = " ".join(map(str, note)) if isinstance(note, list) else str(note)
            yield (
                uid,
                was,
                _who(task.get("annotator")),
                _choice(task["label"]),
                note,
                _typed(task, "updated_at", str, ""),
            )
        return
    for annotation in _typed(task, "annotations", list):
        if not isinstance(annotation, dict):
            raise ValueError(
                f"the annotation {quoted(json.dumps(annotation))} is not an object; export the project again"
            )
        if _typed(annotation, "was_cancelled", bool, False):
            continue
        found: dict[str, Any] = {}
        for part in _typed(annotation, "result", list):
            value = part.get("value") if isinstance(part, dict) else None
            if not isinstance(value, dict):
                raise ValueError(f"the result {quoted(json.dumps(part))} has no `value`; export the project again")
            found[str(part.get("from_name"))] = value
        if "label" in found:
            note = " ".join(map(str, _typed(found.get("note", {}), "text", (list, str), [])))
            label = _choice(found["label"].get("choices"))
            yield uid, was, _who(annotation.get("completed_by")), label, note, _typed(annotation, "updated_at", str, "")


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
                answers = list(_answers(task))
                "".join(text for answer in answers for text in answer).encode()
                rows += [(name, number, *answer) for answer in answers]
            except UnicodeEncodeError:
                problems.append(Problem(name, f"task {number}: holds half a character (a surrogate); correct the text"))
            except ValueError as error:
                problems.append(Problem(name, f"task {number}: {error}"))
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
