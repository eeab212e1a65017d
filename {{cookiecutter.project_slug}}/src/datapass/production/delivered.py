"""What lies at a path, as new inputs: files or the rows of a table, with the metadata that the project knows; no labels."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ..adopt import kinds
from ..adopt.columns import USUAL, text_column
from ..adopt.look import look
from ..adopt.names import are_ids, different, ids_of, many, safe_path
from ..adopt.pictures import READ, named_column, see, unread, walk
from ..adopt.sheets import FORMS, Sheet, read_sheet
from ..data.examples import metadata, read_examples
from ..data.rows import parse
from ..files.paths import TRAIN
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from .new_inputs import reads_files


@dataclass(frozen=True)
class Delivered:
    """New inputs, checked.

    Attributes:
        table: a row for each input (n), all str: id, `text` of texts, and `group` and metadata where there are any.
        features: the columns to learn from as they were delivered (n); None for files and texts.
        files, names: of inputs that are files where they lie, and what they are called (n; else none).
        notes: what was left out.
    """

    table: pd.DataFrame
    features: pd.DataFrame | None = None
    files: list[Path] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_delivered(path: Path, inputs: Any, group: str | None = None) -> Delivered:
    """Read new inputs.

    Args:
        path: a folder of files with or without a table that names them, a file, or a table.
        inputs: the team's; files where it has `read`, else rows.
        group: the column that says which inputs belong together, where it is not called `group`; `-` for none.

    Raises:
        Refusal: where nothing is there, a column is missing, or a cell is of another kind; every fault at once. And where the
            examples are in groups, and the delivery does not say in which.
    """
    if not path.exists():
        raise Refusal(f"{quoted(path)} is not there; name a folder, a file, or a delivery of data/incoming/.")
    path = path.resolve()
    return _files(path, inputs, group) if reads_files(inputs) else _rows(path, inputs, group)


def _known() -> list[str]:
    """Return the metadata columns that the project's data has; by the training table, which Git holds."""
    return metadata(read_examples([TRAIN]).columns, ("picked_as", "incoming"))


def _files(path: Path, inputs: Any, group: str | None) -> Delivered:
    sheet: pd.DataFrame | None = None
    notes: list[str] = []
    if path.is_file() and path.suffix.lower() not in FORMS:
        base, names = path.parent, [path.name]
    elif path.is_file() or _names_files(path):
        found = look(path)
        if found.files is None:
            raise Refusal(f"{path.name} names no PNG or JPEG file in any column, and the project's inputs are files.")
        base, names, sheet, notes = found.base, found.files, found.sheet.table, [*found.notes, *found.sheet.notes]
    else:
        every, notes = walk(path)
        refuse(unread(every, path))
        base, names = path, [one.relative_to(path).as_posix() for one in every if one.suffix.lower() in READ]
        if not names:
            raise Refusal(f"{path.name} holds no PNG or JPEG file.")
        if len(every) > len(names):
            notes.append(f"left alone: {many(len(every) - len(names), 'other file')}")
    seen = see([base / name for name in names], inputs)
    right = [number for number in range(len(names)) if number not in seen.wrong]
    wrong = [f"{quoted(names[number])} {said}" for number, said in seen.wrong.items()]
    if not right:
        raise Refusal(
            [Problem(names[number], f"{said}; none of the files can be read") for number, said in seen.wrong.items()]
        )
    if wrong:
        notes.append(f"left out: {many(len(wrong), 'file')} that cannot be read, such as {wrong[0]}")
    kept = [names[number] for number in right]
    table = pd.DataFrame({"id": ids_of(different([safe_path(name) for name in kept]))}, dtype="str")
    rows = pd.DataFrame(index=table.index) if sheet is None else sheet.iloc[right].reset_index(drop=True)
    table, more = _with_metadata(table, rows, [], group)
    notes += more
    return Delivered(table, None, [base / name for name in kept], kept, notes)


def _names_files(folder: Path) -> bool:
    """Return whether a table in a folder names its files."""
    tables = [one for one in sorted(folder.iterdir()) if one.is_file() and one.suffix.lower() in FORMS]
    return len(tables) == 1 and named_column(read_sheet(tables[0]).table) is not None


def _rows(path: Path, inputs: Any, group: str | None) -> Delivered:
    sheet = _sheet(path, inputs)
    frame, columns = sheet.table, dict(inputs.columns)
    texts = list(columns.values()) == ["text"]
    notes = list(sheet.notes)
    if texts and next(iter(columns)) not in frame:
        frame = frame.rename(columns={_prose(sheet): next(iter(columns))})
    missing = [name for name in columns if name not in frame]
    refuse([Problem(sheet.name, f"has no column {quoted(one)}{near_miss(one, frame)}", 1) for one in missing])
    wrong = parse(frame, columns)[1]
    lines = sheet.lines(sorted(wrong))
    refuse([Problem(sheet.name, wrong[row], line) for row, line in zip(sorted(wrong), lines, strict=True)])
    if texts:
        empty = frame[next(iter(columns))].str.strip() == ""
        frame = frame[~empty].reset_index(drop=True)
        notes += [f"left out: {many(int(empty.sum()), 'empty text')}"] if empty.any() else []
        refuse([] if len(frame) else [Problem(sheet.name, "holds no text")])
    own = next((one for one in _by_name(frame) if one not in columns and are_ids(frame[one])), None)
    width = len(str(len(frame)))
    ids = frame[own] if own is not None else pd.Series([f"row-{n:0{max(width, 6)}}" for n in range(1, len(frame) + 1)])
    table = pd.DataFrame({"id": ids}, dtype="str")
    if texts:
        table["text"] = frame[next(iter(columns))].str.replace("\0", "")
    table, more = _with_metadata(table, frame, [*columns, *([own] if own is not None else [])], group)
    return Delivered(table, None if texts else frame[list(columns)].copy(), notes=[*notes, *more])


def _by_name(frame: pd.DataFrame) -> list[str]:
    """Return the columns that are called as ids are, `id` itself first."""
    return sorted(
        (one for one in frame if kinds.ID.search(one.strip())), key=lambda one: one.strip().casefold() != "id"
    )


def _sheet(path: Path, inputs: Any) -> Sheet:
    """Return the table at a path: a file, the only one in a folder, or the text of a file."""
    texts = list(inputs.columns.values()) == ["text"]
    if path.is_dir():
        there = sorted(one for one in path.iterdir() if one.is_file() and one.suffix.lower() in FORMS)
        files = [one for one in walk(path)[0] if one.suffix.lower() == ".txt"] if texts and not there else []
        if files:
            return Sheet(path.name, _texts(files, path, next(iter(inputs.columns))), [])
        if len(there) != 1:
            what = f"holds {len(there)} tables; name the one to read" if there else "holds no table that can be read"
            raise Refusal([Problem(path.name, f"{what}: {', '.join(FORMS)}")])
        return read_sheet(there[0])
    if texts and path.suffix.lower() == ".txt":
        return Sheet(path.name, _texts([path], path.parent, next(iter(inputs.columns))), [])
    if path.suffix.lower() not in FORMS:
        raise Refusal([Problem(path.name, f"is no table that can be read: {', '.join(FORMS)}")])
    return read_sheet(path)


def _texts(files: list[Path], base: Path, column: str) -> pd.DataFrame:
    """Return text files as rows, called by their names."""
    texts, problems = [], []
    for file in files:
        try:
            texts.append(file.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            problems.append(Problem(file.relative_to(base).as_posix(), "is not UTF-8; save it as UTF-8"))
    refuse(problems)
    names = ids_of(different([safe_path(file.relative_to(base).as_posix()) for file in files]))
    return pd.DataFrame({"id": names, column: texts}, dtype="str")


def _prose(sheet: Sheet) -> str:
    """Return the column that holds the texts, where none is called so."""
    column = text_column(sheet.table, list(sheet.table.columns))
    if column is None:
        raise Refusal([Problem(sheet.name, "has no column `text`, nor one that holds texts", 1)])
    return column


def _with_metadata(
    table: pd.DataFrame, sheet: pd.DataFrame, used: list[str], group: str | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with `group` and the metadata that data/raw/ has too, and what was left out."""
    known = [name for name in _known() if name not in used]
    notes = []
    together = _group_column(sheet, used, group)
    if together is not None:
        table["group"] = sheet[together].str.strip().str.replace("\0", "")
        if together.strip().casefold() != "group":
            notes.append(f"the column {quoted(together)} is taken for the group: its inputs belong together")
    for name in sheet.columns:
        if name in known and name != together:
            table[name] = sheet[name].str.replace("\0", "")
    given = [one for one in sheet if one.strip().casefold() in USUAL and one not in used and one not in known]
    if given:
        notes.append(
            f"the column {quoted(given[0])} is not read: `watch` looks at inputs; `datapass adopt` takes labelled data"
        )
    return table, notes


def _group_column(sheet: pd.DataFrame, used: list[str], group: str | None) -> str | None:
    """Return the column that says which inputs belong together; None where each stands for itself.

    Examples in groups and inputs without would count what is alike as many, and could put one patient into two sets.
    """
    free = [name for name in sheet.columns if name not in used]
    if group == "-":
        return None
    if group is not None:
        if group not in sheet:
            raise Refusal(f"--group {quoted(group)}: the delivery has no such column{near_miss(group, free)}.")
        return group
    named = [name for name in free if name.strip().casefold() == "group"]
    if named:
        return str(named[0])
    examples = read_examples([TRAIN])
    if "group" not in examples or not (examples["group"] != "").any():
        return None
    alike = [name for name in free if kinds.is_group(name, sheet[name])]
    if len(alike) == 1:
        return str(alike[0])
    raise Refusal(
        "The examples are in groups, which are never divided, and the delivery does not say which of its inputs belong together: "
        "name the column with --group COLUMN, or say --group - where each input stands for itself."
    )
