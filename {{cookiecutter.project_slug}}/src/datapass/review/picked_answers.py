"""A saved review of picked inputs back to their labels: which delivery it answers, and everything that is wrong with it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.next_pass import current_labels
from ..files.paths import PICKED
from ..files.tables import lines_of
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from ..production.picked import differing, picked_names, read_picked
from .answers import keys_of
from .picked import key_of

ACTIONS = ("label", "drop")
DIFFERENT = "{} says {}, {} says {}; settle it, write it into data/picked/, and delete this answer"


def deliveries_of(ids: pd.Series) -> list[str]:
    """Return the deliveries whose picked inputs could have these ids, by their beginning."""
    return sorted(set(picked_names()) & set(ids.str.partition("/")[0])) if len(ids) else []


def answered_delivery(answers: pd.DataFrame) -> str | None:
    """Return the delivery whose picked inputs a saved review answers, by the key in its marks; None for suspects.

    Args:
        answers: see `answers.read_saved`.

    Raises:
        Refusal: where it answers picked inputs, but others than are picked now.
    """
    if not (names := deliveries_of(answers["id"])):
        return None
    classes = current_labels()[1]
    said = keys_of(answers).value_counts()
    found = {name: int(said.get(key_of(read_picked(name), classes), 0)) for name in names}
    best = max(names, key=lambda name: found[name])
    if found[best]:
        return best
    if (answers["was"] != "").any():  # of a suspect the label that it had
        return None
    raise Refusal(
        f"The file answers another queue than {PICKED.as_posix()}/{best}.csv: since then others were picked, or the classes "
        f"changed. Write the page anew: `datapass review --picked {best}`, then load this file there: it takes over what holds."
    )


def read_labels(path: Path, answers: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the labels in a saved review, as `production.picked.place_labels` takes them: id, label (empty: not usable), by.

    Args:
        path: of the file, for messages.
        answers: what it holds, see `answers.read_saved`.
        name: of the delivery.

    Raises:
        Refusal: naming each line that answers another queue, an input that was not picked or twice the same one, names a
            class or an action that is not known, or says something else than what was answered before.
    """
    picked, classes = read_picked(name), current_labels()[1]
    found: list[tuple[int, str]] = []

    def mark(where: Any, say: Any) -> None:
        for row in np.flatnonzero(np.asarray(where)).tolist():
            found.append((row, say if isinstance(say, str) else say(answers.iloc[row])))

    action, label = answers["action"], answers["label"]
    known = answers["id"].isin(picked["id"])
    mark(keys_of(answers) != key_of(picked, classes), "answers another queue than the other lines; save each review in a file of its own")  # fmt: skip
    mark(~known, f"was not picked of {name}; correct the id or delete the line")
    mark(answers["id"].duplicated(), "is answered above already; delete one of the lines")
    mark(~action.isin(ACTIONS), lambda a: f"the action {quoted(a['action'])} is none of {', '.join(ACTIONS)}")
    mark(
        (action == "label") & ~label.isin(classes),
        lambda a: (
            f"the class {quoted(a['label'])} is not known{near_miss(a['label'], classes)}"
            if a["label"]
            else "names no class in `label`"
        ),
    )
    mark((action == "drop") & (label != ""), "is not usable and has a label; empty one of the two")
    mark(answers["by"] == "", "does not say in `by` who answered; put in a name")
    said = differing(picked, answers, DIFFERENT)
    mark(known & action.isin(ACTIONS) & (said != ""), lambda a: said[a.name])
    found.sort(key=lambda one: one[0])
    lines = lines_of(path.read_bytes(), [row for row, _ in found]) if found else []
    name = path.as_posix()
    refuse([Problem(name, what, line, answers["id"].iloc[row]) for (row, what), line in zip(found, lines, strict=True)])
    return answers[["id", "label", "by"]].reset_index(drop=True)
