"""Picked inputs in Label Studio: blind tasks out, and the answers back to their labels."""

import pandas as pd

from ..data.next_pass import current_labels
from ..files.paths import INCOMING, PICKED
from ..files.writes import write_json, write_text
from ..messages.problems import Problem, Refusal, quoted, refuse
from ..production.picked import differing, place_labels, read_picked
from ..review.picked import read_open
from ..review.picked_answers import DIFFERENT, deliveries_of
from ..review.readable import Rows
from .label_studio import checked, edits_of, say_disputed
from .sample import CONFIG
from .tasks import TASKS, config, kind_of, rows_of, tasks


def export_picked(name: str, number: int | None) -> str:
    """Write tasks of the first `number` picked inputs of a delivery that nobody has labelled; say where.

    Raises:
        Refusal: see `review.picked.read_open`.
    """
    new = read_open(name, number)
    rows = rows_of(new.table, Rows(new.packed, new.kinds) if isinstance(new.packed, pd.DataFrame) else None)
    folder = (INCOMING / name).relative_to(INCOMING.parent).as_posix()
    write_json(tasks(new.table, blind=True, rows=rows, folder=folder), TASKS)
    write_text(config(kind_of(new.table), current_labels()[1]), CONFIG)
    return f"{len(new.table):,} tasks: {TASKS}, labeling config: {CONFIG}; `import FILE` brings the answers back."


def of_picked(found: pd.DataFrame, labels: pd.Series) -> pd.DataFrame | None:
    """Return what was picked of the deliveries that an export answers, with `delivery`; None where it answers the data's.

    Tasks of picked inputs tell no current label, by which they differ from those of inputs that were brought back since.

    Args:
        found: the export's answers, see `label_studio.read_files`.
        labels: of the data's examples, indexed by id.

    Raises:
        Refusal: where it answers both.
    """
    blind = found["was"] == ""
    tables = [read_picked(name).assign(delivery=name) for name in deliveries_of(found["id"][blind])]
    picked = pd.concat(tables, ignore_index=True) if tables else None
    if picked is None or not (mine := blind & found["id"].isin(picked["id"])).any():
        return None
    others = found[~mine & (~blind | found["id"].isin(labels.index))]
    if len(others):
        count = f"{found['id'][mine].nunique():,} picked inputs and {others['id'].nunique():,} examples of the data"
        what = f"answers {count}, such as {quoted(others['id'].iloc[0])}; export each from a project of its own"
        raise Refusal([Problem(str(others["file"].iloc[0]), what)])
    return picked


def place_picked(found: pd.DataFrame, problems: list[Problem], picked: pd.DataFrame, classes: list[str]) -> None:
    """Write the answers on which all annotators of an input agree into data/picked/; print what came.

    Args:
        found, problems: the export's answers, and what is wrong with it already; see `label_studio.read_files`.
        picked: see `of_picked`.
        classes: those in use.

    Raises:
        Refusal: for everything wrong in the export, before any is placed.
    """
    what = f"was not picked: {PICKED.as_posix()}/ does not name this id; delete the task"
    answers, wrong = checked(found, picked.set_index("id")["label"], classes, "ignore", what)
    refuse(problems + wrong)
    edits, disputed, _ = edits_of(answers)
    said = differing(picked, edits, DIFFERENT)
    file = answers.drop_duplicates("id").set_index("id")["file"]
    refuse([Problem(file[id], what, id=id) for id, what in zip(edits["id"], said, strict=True) if what])
    say_disputed(disputed)
    stands = picked.set_index("id")
    fresh = edits[edits["id"].map(stands["by"]).eq("").to_numpy()]
    if fresh.empty and disputed.empty:
        raise Refusal("There is nothing to place: no answer labels an input that is not labelled yet.")
    for name, some in fresh.groupby(fresh["id"].map(stands["delivery"])):
        place_labels(str(name), some[["id", "label", "by"]].reset_index(drop=True))
