"""A saved review back to edits: what is special to the page is checked here, the edits as those of any pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.next_pass import check_edits
from ..data.passes import ADDS, COLUMNS, EXAMPLE_ACTIONS, pass_names, read_pass
from ..files.paths import PASSES, SUSPECTS
from ..files.tables import lines_of, read_table, unescape_cells
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from .page import queue_key, read_queue

ACTIONS = tuple(action for action in EXAMPLE_ACTIONS if action not in ADDS)


def read_saved(path: Path) -> pd.DataFrame:
    """Return what a saved review holds, its cells unescaped: columns as `passes.COLUMNS`. Raises Refusal where one is missing."""
    answers = read_table(path)
    missing = [column for column in COLUMNS if column not in answers]
    refuse([Problem(path.as_posix(), f"has no column `{column}`{near_miss(column, answers)}", 1) for column in missing])
    return answers[COLUMNS].apply(unescape_cells)


def keys_of(answers: pd.DataFrame) -> pd.Series:
    """Return the key of the queue that each line answers, from the mark in its reason; empty where there is none (n, str)."""
    return answers["reason"].str.extract(r"\[review ([0-9a-f]{12})[^\[]*\]$")[0].fillna("")


def read_answers(path: Path) -> pd.DataFrame:
    """Return the edits of a saved review, its cells unescaped, ready for `place.place_pass`.

    Raises:
        Refusal: naming each line that answers another queue, an unknown or dropped example, twice the same one, a label
            that changed since, or names a class or an action that is not known.
    """
    answers, name = read_saved(path), path.as_posix()
    queue = read_queue().set_index("id")
    key = keys_of(answers)
    wrong: dict[int, str] = {}

    def mark(where: Any, say: Any) -> None:
        for row in np.flatnonzero(np.asarray(where)).tolist():
            wrong.setdefault(row, say if isinstance(say, str) else say(answers.iloc[row]))

    other = key != queue_key()
    for done in pass_names(PASSES):
        edits = read_pass(PASSES, done).edits
        same = edits["id"][edits["reason"].str.contains(f"[review {key.max()}", regex=False)]
        if len(answers) and answers["id"].isin(same).all():
            raise Refusal([Problem(name, f"is {done} already; save a new review for more answers")])
    if len(answers) and other.all():  # one cause, so one message
        hint = "`datapass review`, then load this file there: it takes over what holds"
        what = f"answers another queue than {SUSPECTS.as_posix()}, which is newer; write the page anew: {hint}"
        raise Refusal([Problem(name, what)])
    mark(other, "answers another queue than the other lines; save each review in a file of its own")
    mark(~answers["id"].isin(queue.index), "is not in the queue; correct the id or delete the line")
    mark(answers["id"].duplicated(), "is answered above already; delete one of the lines")
    mark(
        ~answers["action"].isin(ACTIONS), lambda a: f"the action {quoted(a['action'])} is none of {', '.join(ACTIONS)}"
    )
    wrong = check_edits(answers) | wrong  # what is said here of a line is said of answers, and so plainer
    rows = sorted(wrong)
    lines = lines_of(path.read_bytes(), rows)
    refuse([Problem(name, wrong[row], line, answers["id"].iloc[row]) for row, line in zip(rows, lines, strict=True)])
    return answers
