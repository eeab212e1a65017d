"""What lies at a path: which of the known layouts, read as text, before anything is decided."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from ..files.tables import read_table
from ..messages.problems import Problem, Refusal, quoted, refuse
from .names import many, objection
from .pictures import OTHER, READ, named_column, unread, walk
from .sets import NAMES
from .sheets import FORMS, Sheet, read_sheet
from .studio import read_studio

KNOWN = (
    "class folders of PNG or JPEG files, with or without train, validation and test above them; labels.csv or another CSV, "
    "TSV, Parquet or XLSX with a label column; metadata.csv with `file_name`; a JSON export of Label Studio"
)


@dataclass(frozen=True)
class Delivered:
    """What lies at a path.

    Attributes:
        layout: which of the layouts, in words.
        sheet: a row for each example, the columns as delivered; for class folders `label` and `split`.
        base: the folder that the files are in.
        files: of each row, relative to `base` and checked to lie in it; None where the examples are no files.
        label: the label column, where the layout says which.
        notes: what else was found.
    """

    layout: str
    sheet: Sheet
    base: Path
    files: list[str] | None = None
    label: str | None = None
    notes: list[str] = field(default_factory=list)


def look(path: Path) -> Delivered:
    """Return what lies at a path.

    Raises:
        Refusal: where that is nothing known, or a table or a picture of it cannot be taken.
    """
    if not path.exists():
        raise Refusal(f"{quoted(path)} is not there; name a file or folder.")
    path = path.resolve()
    if path.is_dir():
        return _folder(path)
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _studio(path)
    if suffix in FORMS:
        return _sheet(path, path.parent)
    raise Refusal(f"{path.name}: {quoted(suffix)} is no known form. Known are: {KNOWN}.")


def _folder(base: Path) -> Delivered:
    split = [one for one in sorted(base.iterdir()) if one.is_dir() and one.name.casefold() in NAMES]
    described = [one / "metadata.csv" for one in (base, *split) if (one / "metadata.csv").is_file()]
    if described and all("file_name" in read_table(one).columns for one in described):
        return _imagefolder(base, described)
    tables = sorted(one for one in base.iterdir() if one.suffix.lower() in FORMS and one.is_file())
    named = [one for one in tables if one.stem == "labels"]
    if named:
        return _sheet(named[0], base)
    files, notes = walk(base)
    if any(file.suffix.lower() in (*READ, *OTHER) for file in files):
        if len(tables) == 1 and named_column(read_sheet(tables[0]).table) is not None:
            return _sheet(tables[0], base)
        return _class_folders(base, files, notes)
    exports = sorted(base.glob("*.json"))
    if len(tables) + len(exports) == 1:
        return _sheet(tables[0], base) if tables else _studio(exports[0])
    if tables:
        raise Refusal(f"{base.name} holds {len(tables)} tables; name the one to adopt, such as {tables[0].name}.")
    raise Refusal(f"{base.name} holds nothing that is understood. Known are: {KNOWN}.")


def _class_folders(base: Path, files: list[Path], notes: list[str]) -> Delivered:
    refuse(unread(files, base))
    pictures = [file.relative_to(base) for file in files if file.suffix.lower() in READ]
    tops = {file.parts[0] for file in pictures if len(file.parts) > 1}
    depth = 1 if tops and all(top.casefold() in NAMES for top in tops) else 0
    placed = [file for file in pictures if len(file.parts) > depth + 1]
    if not placed:
        raise Refusal(
            f"{base.name} has no class: its pictures lie in no folder; put those of each class into a folder of its name, or "
            "list them in labels.csv with the columns path and label."
        )
    others, stray = len(files) - len(pictures), [file for file in pictures if len(file.parts) <= depth + 1]
    if others:
        notes.append(f"left alone: {many(others, 'other file')}")
    if stray:
        notes.append(f"left out: {many(len(stray), 'picture')} in no class folder, such as {quoted(stray[0])}")
    filled = {file.parts[depth] for file in placed}
    refuse(
        [Problem(base.name, f"the folder {quoted(n, 40)} {said}; rename it") for n in filled if (said := objection(n))]
    )
    bare = {one.name for one in base.glob("/".join("*" * (depth + 1))) if one.is_dir() and one.name[0] != "."} - filled
    notes += [f"the folder {quoted(name)} holds no picture, so it is no class" for name in sorted(bare)]
    table = pd.DataFrame({"label": [file.parts[depth] for file in placed]}, dtype="str")
    if depth:
        table["split"] = [file.parts[0] for file in placed]
    layout = "class folders" + " below train, validation or test" * depth
    return Delivered(layout, Sheet(base.name, table, []), base, [f.as_posix() for f in placed], "label", notes)


def _imagefolder(base: Path, described: list[Path]) -> Delivered:
    tables = []
    for file in described:
        sheet = read_sheet(file)
        below = "" if file.parent == base else f"{file.parent.name}/"
        table = sheet.table.assign(file_name=below + sheet.table["file_name"])
        tables.append(table.assign(split=file.parent.name) if below else table)
    whole = pd.concat(tables, ignore_index=True).fillna("")
    name = described[0].name if len(described) == 1 else f"{base.name}/*/metadata.csv"
    one = replace(sheet, name=name, table=whole, content=sheet.content if len(described) == 1 else b"")
    return _with_files("imagefolder with metadata.csv", one, base, "file_name")


def _sheet(path: Path, base: Path) -> Delivered:
    sheet = read_sheet(path)
    column = named_column(sheet.table)
    form = path.suffix[1:].upper()
    if column is None:
        return Delivered(f"{form} table", sheet, base)
    return _with_files(f"{form} table with picture files", sheet, base, column)


def _studio(path: Path) -> Delivered:
    sheet, kind = read_studio(path)
    if kind == "text":
        return Delivered("Label Studio export of texts", sheet, path.parent, label="label")
    return _with_files("Label Studio export of pictures", sheet, path.parent, "path", "label")


def _with_files(layout: str, sheet: Sheet, base: Path, column: str, label: str | None = None) -> Delivered:
    """Find the files that a column names; those that are not there are left out, those elsewhere refused."""
    given = sheet.table[column]
    sample = [name for name in given.head(200) if name]
    prefix = max(("", "images/", "data/"), key=lambda one: sum(_is_file(base / (one + name)) for name in sample))
    root = base.resolve()
    wrong, missing = {}, []
    for row, name in enumerate(given):
        file = base / (prefix + name)
        if "\0" in name or not file.resolve().is_relative_to(root):
            wrong[row] = f"the file {quoted(name)} lies outside {base.name}; put it below the table's folder"
        elif not name or not _is_file(file):
            missing.append(row)
        elif file.suffix.lower() in OTHER:
            wrong[row] = f"the file {quoted(name)} is neither PNG nor JPEG; convert it"
    lines = sheet.lines(sorted(wrong))
    refuse([Problem(sheet.name, wrong[row], line) for row, line in zip(sorted(wrong), lines, strict=True)])
    if len(missing) == len(given):
        raise Refusal(
            f"{sheet.name}: none of its {len(given):,} files is there, such as {quoted(given[0])} in the column "
            f"{quoted(column)}; paths are relative to the table."
        )
    here = sorted({*range(len(given))} - {*missing})
    notes = []
    if missing:
        listed = ", ".join(quoted(given[row]) for row in missing[:3])
        notes.append(f"left out: {many(len(missing), 'row')} whose file is missing: {listed}")
        sheet = replace(sheet, content=b"")  # its rows are no longer those of the file
    table = sheet.table.drop(columns=column).loc[here].reset_index(drop=True)
    return Delivered(layout, replace(sheet, table=table), base, [prefix + given[row] for row in here], label, notes)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that the system cannot hold
        return False
