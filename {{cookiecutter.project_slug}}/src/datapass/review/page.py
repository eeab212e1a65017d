"""The review page: the suspects as one HTML file that opens from disk, and the way of its answers back to a pass.

The page saves a pass. Each of its reasons ends in a mark, such as
`[review 3f2a9c1b7d4e, blind, input e9b8ed7f45c052af, book 1a2b3c4d]`: the queue's key; whether label and suggestion
were hidden; and for a keep the input and the class definition that were seen, so that the audit knows whether it holds.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..data.examples import metadata, read_examples
from ..data.label_book import read_book, sections
from ..data.next_pass import current_labels
from ..files.paths import AUDIT, CLASSES, SUSPECTS
from ..files.tables import read_table
from ..files.writes import write_text
from ..messages.problems import Refusal
from ..production.incoming import Incoming
from .features import page_features
from .pictures import new_pictures, pictures
from .readable import Rows
from .suspects import COLUMNS as SUSPECT_COLUMNS
from .suspects import TRAINING, definition

PAGE = Path("reports/review.html")
SIDE = 320  # pixels of a picture's longer side, at most
BYTES = 24 << 20  # of all pictures


def read_queue(limit: int | None = None) -> pd.DataFrame:
    """Return the first suspects of reports/suspects.csv with the columns of data/examples/ and `mark`, all `str`.

    Raises:
        Refusal: where a file is missing, or the labels changed since the audit.
    """
    if not SUSPECTS.is_file():
        raise Refusal(f"{SUSPECTS.as_posix()} is missing; `dvc repro` writes it.")
    found = read_table(SUSPECTS)[SUSPECT_COLUMNS].head(limit)
    table = read_examples().drop(columns="split")
    table = table[table["id"].isin(found["id"])].set_index("id").reindex(found["id"])  # few of millions
    if (table["label"].to_numpy() != found["label"].to_numpy()).any():
        raise Refusal(f"{SUSPECTS.as_posix()} is of older labels than data/examples/; `dvc repro` audits them again.")
    more = table[[column for column in table if column not in SUSPECT_COLUMNS]].reset_index(drop=True)
    book = found["label"].map(definition(read_book())).fillna("-")
    return found.join(more).assign(mark="input " + more["input"] + ", book " + book)


def queue_key() -> str:
    """Return 12 hex digits that change with the suspects, their labels, their order, or the classes."""
    content = [path.read_bytes() for path in (SUSPECTS, CLASSES)]
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:12]


def page(
    queue: pd.DataFrame,
    classes: list[str],
    key: str,
    title: str,
    command: str,
    blind: bool = False,
    new: Incoming | None = None,
) -> str:
    """Return the review page. Whatever the data holds is text in it: one JSON block, shown by `textContent` alone.

    Args:
        queue: see `read_queue`.
        classes: names, in the order of their keys.
        key: see `queue_key`; the browser keeps the answers under it.
        title: the project's name.
        command: what one types before the saved file's name to bring it back.
        blind: whether label and suggestion start hidden.
        new: the queue's inputs, in its order, where they have no labels: the page then asks for one, and has none to keep.
    """
    rows_of_new = Rows(new.packed, new.kinds) if new is not None and isinstance(new.packed, pd.DataFrame) else None
    about, rows = page_features(queue, classes, rows_of_new)
    images = pictures(queue, SIDE, BYTES, strict=True) if new is None else new_pictures(new, SIDE, BYTES)
    besides = [*SUSPECT_COLUMNS, "mark", *about["features"]]
    shown = [*(["group"] if "group" in queue else []), *metadata(queue.columns, besides)]
    columns = ["id", "split", "label", "suggested", "queue", "reason", "mark", *(["text"] if "text" in queue else [])]
    items: list[dict[str, Any]] = queue[columns].to_dict("records")
    more = queue[shown].to_numpy(dtype=object).tolist()
    for item, picture, row, cells in zip(items, images, rows, more, strict=True):
        item |= {"picture": picture, "more": cells} | row
    data = {
        "key": key,
        "title": title,
        "command": command,
        "blind": blind,
        "unlabelled": new is not None,
        "classes": classes,
        "columns": shown,
    } | about
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["digest"] = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    book = {name: text for name, text in sections(read_book()).items() if name in classes}
    return environment.get_template("review.html.j2").render(
        title=title, heading="Review" if new is None else "Label", data=data | {"book": book, "items": items}
    )


def write_page(limit: int | None, blind: bool) -> str:
    """Write reports/review.html with the first `limit` suspects; say what it asks, and what one types next."""
    queue = read_queue(limit)
    suspects = int((queue["queue"] == TRAINING).sum())
    command = "datapass review --apply"
    write_text(page(queue, current_labels()[1], queue_key(), Path.cwd().name, command, blind), PAGE)
    wrong = json.loads(AUDIT.read_text(encoding="utf-8"))["wrong_labels"] if AUDIT.is_file() else 0
    of = f", the worst of up to {wrong:,} labels that look wrong," if wrong > suspects else ""
    asked = f"{suspects:,} suspects{of} and {len(queue) - suspects:,} test examples"
    return f"{PAGE.as_posix()}: {asked}; open it in a browser. `{command} FILE` places what it saves."
