"""Tasks and labeling config for Label Studio, as plain JSON and XML; tried on a server of version 1.23."""

import hashlib
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pandas as pd

from ..data.examples import metadata
from ..data.next_pass import current_labels
from ..data.shards import in_shards
from ..files.paths import RAW, SUSPECTS
from ..files.tables import read_table
from ..files.writes import write_json, write_text
from ..messages.problems import Problem, Refusal
from ..review.readable import Rows, read_rows, readable
from .sample import CONFIG, draw, examples

KINDS = {"image": "Image", "text": "Text", "row": "Table"}  # data key, also the control's name, and the tag
TASKS = Path("reports/tasks.json")
MOST = 40  # columns that a task shows of a row


def export_files(number: int | None, everything: bool, test: bool) -> str:
    """Write tasks of the first `number` suspects, or of all examples or a sample of them; say where."""
    table = examples(test)
    if SUSPECTS.is_file() and not everything:
        table = suspects(SUSPECTS, table).head(number or len(table))
    else:
        table = draw(table, number) if number else table
    write_json(tasks(table, rows=rows_of(table)), TASKS)
    write_text(config(kind_of(table), current_labels()[1]), CONFIG)
    return f"{len(table):,} tasks: {TASKS}, labeling config: {CONFIG}; `import FILE` brings the answers back."


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
    found = read_table(file)[["id", "label", "suggested", "self_confidence"]].rename(columns={"label": "then"})
    known = found.merge(table, on="id")
    if (known["then"] != known["label"]).any():
        raise Refusal(
            [Problem(file.as_posix(), "is of older labels than data/examples/; `dvc repro` audits them again")]
        )
    return known.drop(columns="then").assign(version=f"suspects@{hashlib.sha256(file.read_bytes()).hexdigest()[:7]}")


def rows_of(table: pd.DataFrame, new: Rows | None = None) -> pd.DataFrame:
    """Return what a task or a form shows of examples that are rows (n x columns, texts): their features, then their metadata.

    It has no column for examples that are files or texts.

    Args:
        table: the examples.
        new: their rows, in the table's order, where they are not among those of the workspace.

    Raises:
        Refusal: where data/inputs/ holds other rows than data/examples/ means.
    """
    if kind_of(table) != "row":
        return pd.DataFrame(index=table.index)
    more = table[metadata(table.columns, ("suggested", "self_confidence", "version"))]
    rows = new or read_rows()
    if rows is None:
        return more
    values = new.values if new else rows.of(table, strict=True)[0]
    shown = readable(values, rows.kinds).set_index(table.index)
    return shown.join(more[[name for name in more if name not in shown]])


def _record(cells: dict[str, str], most: int = MOST) -> dict[str, str]:
    """Return the first of a row's cells; the last one counts the others."""
    left = len(cells) - most
    return dict(islice(cells.items(), most)) | ({"…": f"and {left:,} more columns"} if left > 0 else {})


def tasks(
    table: pd.DataFrame, blind: bool = False, rows: pd.DataFrame | None = None, folder: str = "raw"
) -> list[dict[str, Any]]:
    """Return Label Studio tasks, one a row.

    Args:
        table: id, label, and path, text or metadata; where it has `suggested`, `version` and `self_confidence`, the
            suggestion becomes the task's prediction, its score the model's probability of the current label (so that
            the lowest score comes first).
        blind: tell neither the current label nor a suggestion.
        rows: see `rows_of`; of examples that are neither files nor texts, metadata where left out.
        folder: of data/, in which the paths are.

    Raises:
        Refusal: for pictures in shards.
    """
    kind = kind_of(table)
    shown: list[Any]
    if kind == "image" and folder == RAW.name and (number := in_shards(table["path"])):
        raise Refusal(
            f"Label Studio shows files, and {number:,} of these inputs lie in shards; `datapass review` shows them."
        )
    if kind == "image":  # the server's document root is data/, since it refuses a storage that is the root itself
        shown = ["/data/local-files/?d=" + quote(f"{folder}/{path}") for path in table["path"]]
    elif kind == "text":
        shown = table["text"].tolist()
    else:
        rows = table[metadata(table.columns, ("suggested", "self_confidence", "version"))] if rows is None else rows
        shown = [_record(cells) for cells in rows.to_dict("records")]
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
