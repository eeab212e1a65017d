"""`datapass adopt`: look at what lies at a path, say what it is, and make it the project's data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.examples import metadata
from ..data.next_pass import current_state, place_pass
from ..data.passes import pass_names
from ..data.raw import Raw, labels_in, read_raw
from ..data.state import WAITING
from ..files.paths import PASSES, RAW
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from ..settings import Settings, load
from . import project
from .columns import Ask, Sorted, other_kind, sort_out
from .examine import copies, readable
from .look import Delivered, look
from .minutes import minutes
from .names import many
from .pictures import Seen, target_size
from .place import Delivery, contents, deliver, folder_for, known_rows, standing_contents, stands, write

KINDS = {"Images": "pictures", "Table": "tables", "Texts": "texts"}


@dataclass
class Adoption:
    """What was found and done.

    Attributes:
        name: of what was named.
        found: its rows that can be taken, and what each column is taken for.
        unreadable: files that cannot be read, and why.
        first: whether it is the project's first data of its own.
        dry: whether nothing was written.
        notes: what else was found, leaks first.
        new, known: how many rows are new, and how many the project has.
        done: what was written, or would be.
        ids: of its rows that a later delivery has brought and no pass had added before.
        minutes: that `dvc repro` will take; None where that is not known.
    """

    name: str
    found: Sorted
    unreadable: list[tuple[str, str]]
    first: bool
    dry: bool
    notes: list[str]
    new: int = 0
    known: int = 0
    done: list[str] = field(default_factory=list)
    minutes: float | None = None
    ids: list[str] = field(default_factory=list)


def adopt(
    path: Path,
    label: str | None = None,
    group: str | None = None,
    dry: bool = False,
    ask: Ask | None = None,
    add: bool = True,
) -> Adoption:
    """Take the data at a path into the project.

    Args:
        path: a folder or file.
        label, group: names of columns.
        dry: only say what would be done.
        ask: asks a person for the label column.
        add: whether a pass adds the rows of a later delivery; else they wait.

    Raises:
        Refusal: for data that cannot be taken, and where data/raw/ holds other data; nothing is written then.
    """
    settings = load()
    kind = str(settings.data.inputs["_target_"]).rpartition(".")[2]
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise Refusal(
            f"conf/data: inputs are {kind}; adopt knows {known}. Fill data/raw/ by hand, see docs/own-data.md."
        )
    if path.resolve().is_relative_to(RAW.resolve()) or RAW.resolve().is_relative_to(path.resolve()):
        raise Refusal(f"{quoted(path)} holds or lies in data/raw/, where adopt writes; name a folder or file outside.")
    first = project.has_example() or not labels_in(RAW)
    if first and not project.has_example() and project.POINTER.is_file():
        raise Refusal(
            f"{project.POINTER.as_posix()} names data that is not here; `dvc pull` or `dvc checkout` it first."
        )
    if first and not add:
        raise Refusal(
            f"There is no data of your own here yet that {quoted(path)} could join; `datapass adopt` that first."
        )
    raw = None if first else read_raw(RAW)
    refuse(raw.found if raw else [])
    delivered = look(path)
    _refuse_kind(delivered, kind)
    sorted_out = sort_out(delivered, kind, label, group, ask, _wanted(raw, settings))
    found, seen, unreadable = readable(sorted_out, settings, first)
    content = contents(found, seen.digests if seen else [])
    notes = [*copies(found.table, content), *found.notes]
    adoption = Adoption(path.name or delivered.base.name, found, unreadable, first, dry, notes)
    if raw is None:
        _first(adoption, seen, settings)
    else:
        _later(adoption, content, raw, settings, add)
    return adoption


def _refuse_kind(delivered: Delivered, kind: str) -> None:
    if (delivered.files is not None) != (kind == "Images"):
        other = "Images" if delivered.files is not None else "Texts" if "text" in delivered.sheet.table else "Table"
        what = "names no PNG or JPEG file in any column" if kind == "Images" else "holds pictures"
        mine = f"{delivered.sheet.name} {what}, and this project is made for {KINDS[kind]}"
        raise Refusal(f"{mine}; {other_kind(other)}.")


def _wanted(raw: Raw | None, settings: Settings) -> dict[str, str] | None:
    """Return the columns that later deliveries have too; None before the first."""
    if raw is None:
        return None
    return dict(settings.data.inputs.get("columns") or dict.fromkeys(metadata(raw.table.columns), "metadata"))


def _first(adoption: Adoption, seen: Seen | None, settings: Settings) -> None:
    """Make a delivery the project's first data."""
    found = adoption.found
    classes = sorted(found.table["label"].unique())
    inputs: dict[str, Any] = {"columns": found.kinds} if found.kinds else {}
    if seen:
        width, height = target_size(seen.sizes)
        inputs = {"height": height, "width": width, "channels": 1 if seen.grey else 3}
        median = "x".join(str(side) for side in np.median(seen.sizes, axis=0).astype(int))
        adoption.notes.append(
            f"pictures: {median} at the median, scaled to {width}x{height}, {'grey' if seen.grey else 'colour'}; `inputs` "
            "in conf/data says so, and more pixels take more minutes"
        )
    files = project.edits(classes, inputs)
    what = f"edits examples that are not of {adoption.name}; `git rm -f` it, or move it away, first"
    refuse([Problem((PASSES / f"{name}.csv").as_posix(), what) for name in pass_names(PASSES)])
    delivery = deliver(found, found.table.index.to_series(), RAW, None)
    standing = stands(delivery)
    others = [file for file in RAW.rglob("*") if file.is_file()] if RAW.is_dir() else []
    if others and not standing and not project.raw_is_example():
        what = f"holds data that is neither the example's nor of {adoption.name}, such as {quoted(others[0].name)}"
        raise Refusal([Problem(RAW.as_posix(), f"{what}; move it away first")])
    adoption.new = len(found.table)
    adoption.done = [_wrote(delivery), *(f"{file.as_posix()}: {_what(file)}" for file in files)]
    adoption.minutes = _time(adoption, settings, len(found.table), classes, inputs)
    if not adoption.dry:
        if not standing:
            write(delivery)
        project.take_out_example(str(settings.data.inputs["_target_"]).partition(".")[0])
        project.write(files)
        project.finish()


def _later(adoption: Adoption, content: pd.Series, raw: Raw, settings: Settings, add: bool) -> None:
    """Add to the project what a delivery has that it has not: rows of a later delivery, and a pass that adds them if it is
    to be."""
    found = adoption.found
    labels = found.table["label"]
    standing = standing_contents(raw, found)
    known = known_rows(found, content, raw, standing)
    new, there = known.index.to_series()[known < 0], known[known >= 0]
    differ = there[standing.iloc[there].ne("").to_numpy() & (standing.iloc[there].to_numpy() != content[there.index])]
    if len(differ):
        what = (
            f"{many(len(differ), 'id')} of it stand for other content in data/raw/; give new examples ids of their own"
        )
        raise Refusal([Problem(adoption.name, what, id=raw.table["id"].iloc[differ.iloc[0]])])
    adoption.new, adoption.known = len(new), len(there)
    classes = [str(name) for name in settings.data.classes or sorted(raw.table["label"].unique())]
    what = f"is not among `classes` of {project.conf_of_data().as_posix()}; correct it, or add it there"
    strange = sorted(set(labels.loc[new]) - set(classes))
    refuse([Problem(adoption.name, f"the class {quoted(one)} {what}{near_miss(one, classes)}") for one in strange])
    other = int((labels.loc[there.index].to_numpy() != raw.table["label"].iloc[there].to_numpy()).sum())
    if other:
        adoption.notes.append(
            f"left as they are: {many(other, 'known example')} with another label here; a pass relabels"
        )
    delivery = deliver(found, new, folder_for(adoption.name), raw)
    waiting = raw.table["id"].iloc[there[current_state().status[there] == WAITING].unique()]
    edits = pd.DataFrame({"id": [*waiting, *delivery.table["id"]], "action": "add"}, dtype="str")
    if len(new):
        adoption.done.append(_wrote(delivery))
    adoption.ids = edits["id"].tolist()
    if len(edits) and add:
        adoption.done.append(f"data/passes/: the next pass, which adds {many(len(edits), 'example')}")
        adoption.minutes = _time(adoption, settings, len(raw.table) + len(new), classes, {})
    if not adoption.dry:
        if len(new):
            write(delivery)
        if len(edits) and add:
            place_pass(edits, Path(adoption.name).stem)
        project.finish()


def _time(
    adoption: Adoption, settings: Settings, total: int, classes: Sequence[str], inputs: dict[str, Any]
) -> float | None:
    data = settings.data.model_copy(update={"inputs": settings.data.inputs | inputs})
    try:
        return minutes(settings.model_copy(update={"data": data}), adoption.found, total, classes)
    except (Refusal, ValueError) as error:  # a model that does not take such inputs is no reason to leave the data
        adoption.notes.append(f"how long training takes could not be tried: {quoted(error, 200)[1:-1]}")
        return None


def _what(file: Path) -> str:
    if file == project.BOOK:
        return "a section for each class, to be written"
    if file == project.SCOPE:
        return "emptied, to be written: the problem, the target, the human level, who labels"
    if file in (project.PIPELINE, project.LOCK):
        return "without the stage `example`"
    return "without `example`, with the `classes` and `inputs` of this data"


def _wrote(delivery: Delivery) -> str:
    parts = [f"{delivery.folder.as_posix()}/: labels.csv with {many(len(delivery.table), 'row')}"]
    if delivery.features is not None:
        parts.append(f"features.parquet with {many(len(delivery.features.columns) - 1, 'column')}")
    if delivery.sources:
        parts.append(f"images/ with {many(len(delivery.sources), 'file')}")
    return ", ".join(parts)
