"""The picked inputs of a delivery as a queue for people: nothing in it tells what the models answered, or why one was picked.

Whoever knows what a model answered agrees with it more often than they should, and the accuracy that the labels give is wrong.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.next_pass import current_labels
from ..files.paths import INCOMING, PICKED
from ..files.writes import write_text
from ..messages.problems import Problem, Refusal, refuse
from ..production.incoming import Incoming, read_incoming
from ..production.picked import open_rows, read_picked
from .page import PAGE, page
from .suspects import COLUMNS as SUSPECT_COLUMNS


def key_of(picked: pd.DataFrame, classes: Sequence[str]) -> str:
    """Return 12 hex digits that change with what was picked and with the classes; not with the labels that come in.

    Args:
        picked: see `production.picked.read_picked`.
        classes: those in use.
    """
    return hashlib.sha256(json.dumps([picked["id"].tolist(), list(classes)]).encode()).hexdigest()[:12]


def read_open(name: str, limit: int | None = None) -> Incoming:
    """Return the first `limit` picked inputs of a delivery that nobody has looked at, in the order of the file.

    Raises:
        Refusal: where nothing was picked of it or all is labelled, or the delivery is not here or holds other inputs.
    """
    picked = read_picked(name)
    wanted = picked["id"][open_rows(picked)].head(limit)
    file = f"{PICKED.as_posix()}/{name}.csv"
    if wanted.empty:
        raise Refusal(f"{file}: all {len(picked):,} inputs are labelled; there is nothing to do.")
    incoming = read_incoming(name)
    place = pd.Index(incoming.table["id"]).get_indexer(wanted)
    what = f"is not in {INCOMING.as_posix()}/{name}/; `dvc checkout` brings the delivery it was picked of"
    refuse([Problem(file, what, id=lost) for lost in wanted[place < 0]])
    return incoming.some(np.asarray(place))


def write_picked_page(name: str, limit: int | None) -> str:
    """Write reports/review.html with what is to be labelled of a delivery; say what one types next."""
    new = read_open(name, limit)
    classes = current_labels()[1]
    unknown = dict.fromkeys([column for column in (*SUSPECT_COLUMNS, "mark") if column != "id"], "")
    key, command = key_of(read_picked(name), classes), "datapass review --apply"
    write_text(page(new.table.assign(**unknown), classes, key, f"{Path.cwd().name}, {name}", command, new=new), PAGE)
    asked = f"{len(new.table):,} inputs to label" if len(new.table) > 1 else "one input to label"
    return f"{PAGE.as_posix()}: {asked}; open it in a browser. `{command} FILE` places what it saves."
