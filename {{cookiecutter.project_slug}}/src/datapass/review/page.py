"""The review page: the suspects as one HTML file that opens from disk, and the way of its answers back to a pass.

The page saves a pass. Each of its reasons ends in a mark, such as
`[review 3f2a9c1b7d4e, blind, input e9b8ed7f45c052af, book 1a2b3c4d]`: the queue's key; whether label and suggestion
were hidden; and for a keep the input and the class definition that were seen, so that the audit knows whether it holds.
"""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from ..data.label_book import read_book, sections
from ..data.next_pass import current_labels
from ..data.passes import COLUMNS, EXAMPLE_ACTIONS, pass_names, read_pass
from ..files.cells import unescape_cells
from ..files.paths import ARRAYS, CLASSES, PASSES, SUSPECTS, TABLES
from ..files.tables import lines_of, read_table
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from .suspects import COLUMNS as SUSPECT_COLUMNS
from .suspects import definition

SIDE, LOSSLESS = 320, 64  # pixels of a picture's longer side, at most; up to which it is PNG
BYTES = 24 << 20  # of all pictures
ACTIONS = tuple(action for action in EXAMPLE_ACTIONS if action != "add")


def read_queue(limit: int | None = None) -> pd.DataFrame:
    """Return the first suspects of reports/suspects.csv with the columns of data/examples/ and `mark`, all `str`.

    Raises:
        Refusal: where a file is missing, or the labels changed since the audit.
    """
    if not SUSPECTS.is_file():
        raise Refusal(f"{SUSPECTS.as_posix()} is missing; `dvc repro` writes it.")
    found = read_table(SUSPECTS)[SUSPECT_COLUMNS].head(limit)
    table = pd.concat([read_table(path) for path in TABLES], ignore_index=True).fillna("")
    table = table.set_index("id").reindex(found["id"])
    if (table["label"].to_numpy() != found["label"].to_numpy()).any():
        raise Refusal(f"{SUSPECTS.as_posix()} is of older labels than data/examples/; `dvc repro` audits them again.")
    more = table[[column for column in table if column not in SUSPECT_COLUMNS]].reset_index(drop=True)
    book = found["label"].map(definition(read_book())).fillna("-")
    return found.join(more).assign(mark="input " + more["input"] + ", book " + book)


def queue_key() -> str:
    """Return 12 hex digits that change with the suspects, their labels, their order, or the classes."""
    content = [path.read_bytes() for path in (SUSPECTS, CLASSES)]
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:12]


def pictures(queue: pd.DataFrame) -> list[str]:
    """Return a data URI for each suspect, as the model sees its input; empty where there is none or no more room.

    Raises:
        Refusal: where data/inputs/ holds other inputs than data/examples/ says.
    """
    if not ARRAYS.is_file():
        return [""] * len(queue)
    images = np.load(ARRAYS, mmap_mode="r", allow_pickle=False)
    made, room = [], BYTES
    for row, digest in zip(queue["row"], queue["input"], strict=True):
        image = np.ascontiguousarray(images[int(row)]) if int(row) < len(images) else np.empty(0, np.uint8)
        if hashlib.sha256(image.tobytes()).hexdigest()[:16] != digest:
            raise Refusal(
                f"{ARRAYS.as_posix()} holds other inputs than data/examples/; `dvc repro`, or `dvc checkout`."
            )
        uri = data_uri(image) if room > 0 else ""
        room -= len(uri)
        made.append(uri)
    return made


def data_uri(image: np.ndarray) -> str:
    """Return an image (height, width, 1 or 3 channels; uint8) as a data URI: PNG where it is small, else JPEG."""
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    kind = "PNG" if max(picture.size) <= LOSSLESS else "JPEG"
    picture.thumbnail((SIDE, SIDE))
    with io.BytesIO() as out:
        picture.save(out, kind, **({"quality": 85} if kind == "JPEG" else {}))
        return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def page(queue: pd.DataFrame, classes: list[str], key: str, title: str, command: str, blind: bool = False) -> str:
    """Return the review page. Whatever the data holds is text in it: one JSON block, shown by `textContent` alone.

    Args:
        queue: see `read_queue`.
        classes: names, in the order of their keys.
        key: see `queue_key`; the browser keeps the answers under it.
        title: the project's name.
        command: what one types before the saved file's name to bring it back.
        blind: whether label and suggestion start hidden.
    """
    hidden = {*SUSPECT_COLUMNS, "given_label", "weight", "row", "input", "passes", "text", "mark"}
    shown = [column for column in queue if column not in hidden]
    columns = ["id", "split", "label", "suggested", "queue", "reason", "mark", *(["text"] if "text" in queue else [])]
    items: list[dict[str, Any]] = queue[columns].to_dict("records")
    for item, picture, cells in zip(items, pictures(queue), queue[shown].to_numpy(dtype=object).tolist(), strict=True):
        item |= {"picture": picture, "more": cells}
    data = {"key": key, "title": title, "command": command, "blind": blind, "classes": classes, "columns": shown}
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["digest"] = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    book = {name: text for name, text in sections(read_book()).items() if name in classes}
    return environment.get_template("review.html.j2").render(title=title, data=data | {"book": book, "items": items})


def read_answers(path: Path) -> pd.DataFrame:
    """Return the edits of a saved review, its cells unescaped, ready for `place.place_pass`.

    Raises:
        Refusal: naming each line that answers another queue, an unknown or dropped example, twice the same one, a label
            that changed since, or names a class or an action that is not known.
    """
    answers = read_table(path)
    name = path.as_posix()
    missing = [column for column in COLUMNS if column not in answers]
    refuse([Problem(name, f"has no column `{column}`{near_miss(column, answers)}", 1) for column in missing])
    answers = answers[COLUMNS].apply(unescape_cells)
    labels, classes = current_labels()
    now = labels.reindex(answers["id"]).reset_index(drop=True).fillna("")
    queue = read_queue().set_index("id")
    key = answers["reason"].str.extract(r"\[review ([0-9a-f]{12})[^\[]*\]$")[0].fillna("")
    wrong: dict[int, str] = {}

    def mark(where: Any, say: Any) -> None:
        for row in np.flatnonzero(np.asarray(where)).tolist():
            wrong.setdefault(row, say if isinstance(say, str) else say(answers.iloc[row], now.iloc[row]))

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
    mark(now == "", "was dropped since; delete the line")
    action, label, was = answers["action"], answers["label"], answers["was"]
    mark(~action.isin(ACTIONS), lambda a, _: f"the action {quoted(a['action'])} is none of {', '.join(ACTIONS)}")
    stale = "is stale: it answers the label {}, which is {} by now; delete the line"
    mark(was != now, lambda a, n: stale.format(quoted(a["was"]), quoted(n)))
    unknown = (action == "relabel") & ~label.isin(classes)
    mark(unknown, lambda a, _: f"the class {quoted(a['label'])} is not known{near_miss(a['label'], classes)}")
    mark(
        (action == "relabel") & (label == was), "relabel does not change the label; for a label that is right use keep"
    )
    mark((action == "keep") & (label != "") & (label != was), "keep leaves the label; to change it use relabel")
    mark((action == "drop") & (label != ""), "drop has no `label`")
    rows = sorted(wrong)
    lines = lines_of(path.read_bytes(), rows)
    refuse([Problem(name, wrong[row], line, answers["id"].iloc[row]) for row, line in zip(rows, lines, strict=True)])
    return answers
