"""What each column of a delivery is for: the label, a set, a group, an id, a text, a feature, metadata, or nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from ..data.raw_checks import RESERVED
from ..messages.problems import Problem, Refusal, near_miss, quoted, refuse
from . import kinds
from .look import Delivered
from .names import are_ids, many, objection
from .sets import settle, split_column
from .sheets import Sheet

Ask = Callable[[list[str]], str]
USUAL = ("label", "labels", "class", "target")  # what a label column is called
MOST_CLASSES, MOST_NUMBERS = 1000, 100  # more are hardly classes
TAKEN = {*RESERVED, "set", "path", "text", "group", "split", "id", "label"}


@dataclass(frozen=True)
class Sorted:
    """A delivery whose columns have their places.

    Attributes:
        delivered: of which `files` are those of `table`.
        table: id (where the delivery has ids of its own), label, and any of split, group, text and metadata, all `str`.
        features: typed columns, for tables.
        kinds: number, category, boolean or date of each feature.
        said: of each column its name, what it is taken for, and why.
        notes: what else was found.
    """

    delivered: Delivered
    table: pd.DataFrame
    features: pd.DataFrame
    kinds: dict[str, str]
    said: list[tuple[str, str, str]]
    notes: list[str] = field(default_factory=list)


def sort_out(
    delivered: Delivered,
    kind: str,
    label: str | None,
    group: str | None,
    ask: Ask | None,
    wanted: Mapping[str, str] | None,
) -> Sorted:
    """Give each column its place.

    Args:
        kind: of the project: Images, Table or Texts.
        label, group: columns as the user named them.
        ask: asks the user for the label column, where there is somebody to ask.
        wanted: the columns that the project has already, by kind; None before its first data.

    Raises:
        Refusal: for columns that are not there, labels that are no classes, a `split` or `group` that cannot be, and where
            nothing is left to learn from.
    """
    name, sheet = delivered.sheet.name, delivered.sheet.table
    chosen = _label_column(delivered, label, ask)
    rest = [column for column in sheet.columns if column != chosen]
    if group is not None and group not in rest:
        raise Refusal([Problem(name, f"has no column {quoted(group)} for --group{near_miss(group, rest)}", 1)])
    labels = sheet[chosen].str.strip()
    notes = [*delivered.sheet.notes, *delivered.notes]
    refuse(_no_classes(delivered.sheet, chosen, labels, wanted is None))
    if empty := int((labels == "").sum()):
        notes.append(f"left out: {many(empty, 'row')} without a label")
        rows = labels[labels != ""].index
        files = None if delivered.files is None else [delivered.files[row] for row in rows]
        sheet, labels = sheet.loc[rows].reset_index(drop=True), labels[rows].reset_index(drop=True)
        delivered = replace(delivered, files=files)
    said = [(chosen, "label", f"{labels.nunique():,} classes")]
    table = pd.DataFrame({"label": labels})
    split = split_column(sheet, [column for column in rest if column != group])
    for place, column in (("split", split), ("group", group or _named(rest, "group"))):
        if column is not None:
            table[place] = sheet[column].str.strip()
            rest.remove(column)
            said.append((column, place, f"{table[place].nunique():,} values"))
    own = next((column for column in rest if kinds.ID.search(column.strip()) and are_ids(sheet[column])), None)
    if own is not None:
        table.insert(0, "id", sheet[own])
        rest.remove(own)
        said.append((own, "id", "different in every row"))
    table, more = settle(name, table, wanted is None)
    found = Sorted(delivered, table, pd.DataFrame(index=table.index), {}, said, notes + more)
    if kind == "Texts":
        rest = _place_text(found, name, sheet, rest)
    return (
        _features(found, name, sheet, rest, wanted) if kind == "Table" else _metadata(found, sheet, rest, wanted or {})
    )


def _label_column(delivered: Delivered, label: str | None, ask: Ask | None) -> str:
    name, columns = delivered.sheet.name, list(delivered.sheet.table.columns)
    if label is not None:
        if label not in columns:
            raise Refusal([Problem(name, f"has no column {quoted(label)}{near_miss(label, columns)}", 1)])
        return label
    for usual in ("label", *USUAL[1:]):
        found = [column for column in columns if column.strip().casefold() == usual]
        if delivered.label or found:
            return delivered.label or found[0]
    if not columns:
        raise Refusal([Problem(name, "has no column for the label beside the files", 1)])
    if ask is None:
        listed = ", ".join(map(quoted, columns[:30]))
        raise Refusal(
            [Problem(name, f"does not say which column is the label: add --label COLUMN, one of {listed}", 1)]
        )
    return _label_column(delivered, ask(columns), None)


def _no_classes(sheet: Sheet, column: str, labels: pd.Series, first: bool) -> list[Problem]:
    """Return why a column cannot be the label."""
    name = sheet.name
    counts = labels[labels != ""].value_counts()
    what, size = f"the label column {quoted(column)}", len(counts)
    if not size:
        return [Problem(name, f"has no class: {what} is empty; choose another with --label")]
    if first and size == 1:
        only = quoted(counts.index[0], 40)
        return [Problem(name, f"has one class, {only}, and there is nothing to tell apart; a second class is needed")]
    if size > MOST_NUMBERS and kinds.numbers(labels) is not None:
        how = "make classes of them, such as low and high, or choose another with --label"
        return [Problem(name, f"{what} holds {size:,} different numbers, which are no classes; {how}")]
    if size > MOST_CLASSES:
        return [Problem(name, f"{what} has {size:,} classes, more than {MOST_CLASSES:,}; choose another with --label")]
    if len(labels) >= kinds.FEW and size > len(labels) / 2:
        return [Problem(name, f"{what} has another class in almost every row, like an id; choose another with --label")]
    wrong = {one: said for one in counts.index if (said := objection(one))}
    lines = sheet.lines([int((labels == one).to_numpy().argmax()) for one in wrong])
    return [
        Problem(name, f"the class {quoted(one, 40)} {wrong[one]}; rename it", line)
        for one, line in zip(wrong, lines, strict=True)
    ]


def _named(columns: list[str], name: str) -> str | None:
    return next((column for column in columns if column.strip().casefold() == name), None)


def text_column(sheet: pd.DataFrame, columns: list[str]) -> str | None:
    """Return which of some columns holds the texts: that called so, else the one of prose with most of it; None where none does."""
    if (named := _named(columns, "text")) is not None:
        return named
    prose = [one for one in columns if kinds.is_prose(sheet[one])]
    return max(prose, key=lambda one: sheet[one].str.len().sum(), default=None)


def _place_text(found: Sorted, name: str, sheet: pd.DataFrame, rest: list[str]) -> list[str]:
    column = text_column(sheet, rest)
    if column is None:
        raise Refusal([Problem(name, f"has no column of texts; {other_kind('Table')}")])
    found.table["text"] = sheet[column].str.replace("\0", "")
    found.said.append((column, "text", f"{sheet[column].str.len().mean():,.0f} characters on average"))
    return [one for one in rest if one != column]


def other_kind(kind: str) -> str:
    """Say which project data of another kind needs."""
    answer = {"Images": "images", "Table": "tables", "Texts": "texts"}[kind]
    return f"for {answer} make a project of that kind from the template, with the answer kind={answer}"


def _useless(column: pd.Series, label: pd.Series) -> str | None:
    """Return why a column is left out whatever it holds, or None."""
    if column[kinds.known(column)].nunique() < 2:
        return "constant"
    return "names the answer: it gives the label away" if kinds.is_answer(column, label) else None


def _metadata(found: Sorted, sheet: pd.DataFrame, rest: list[str], wanted: Mapping[str, str]) -> Sorted:
    for column in rest:
        why = _useless(sheet[column], found.table["label"]) if column else "has no name"
        place = f"{column}_given" if column in TAKEN else column
        if why and place not in wanted and not kinds.is_group(column, sheet[column]):
            found.said.append((column, "left out", why))
            continue
        found.table[place] = sheet[column]
        hint = f"; keep its rows in one set with --group {column}" if kinds.is_group(column, sheet[column]) else ""
        found.said.append((column, "metadata", f"{sheet[column].nunique():,} values{hint}"))
    return found


def _features(
    found: Sorted, name: str, sheet: pd.DataFrame, rest: list[str], wanted: Mapping[str, str] | None
) -> Sorted:
    problems = [
        Problem(name, f"has no column {quoted(c)}, which the project's inputs have")
        for c in wanted or ()
        if c not in rest
    ]
    prose = False
    for column in rest:
        cells = sheet[column]
        kind, why, typed = _feature(column, cells, found.table["label"])
        prose |= why == "free text"
        if wanted is not None:
            if column not in wanted:
                kind, why = "left out", "not among the project's columns"
            elif (typed := _as(wanted[column], cells)) is None:
                problems.append(Problem(name, f"the column {quoted(column)} holds other things than {wanted[column]}"))
            else:
                kind, why = wanted[column], ""
        if kind != "left out" and typed is not None:
            found.features[column] = typed
            found.kinds[column] = kind
            missing = int((~kinds.known(cells)).sum())
            why = f"{cells.nunique():,} values" + f", {missing:,} missing" * (missing > 0)
        found.said.append((column, kind, why))
    refuse(problems)
    if not found.kinds:
        hint = f"; {other_kind('Texts')}" if prose else "; name the label's column with --label if it is another"
        left = ", ".join(f"{quoted(column)} ({why})" for column, kind, why in found.said if kind == "left out")
        raise Refusal([Problem(name, f"leaves no column to learn from: {left or 'there is only the label'}{hint}")])
    return found


def _feature(name: str, cells: pd.Series, label: pd.Series) -> tuple[str, str, pd.Series | None]:
    """Return a feature's kind, or `left out`; why; and its values."""
    if not name:
        return "left out", "has no name", None
    if kinds.is_id(name, cells):
        return "left out", "looks like an id", None
    if kinds.is_group(name, cells):
        return "left out", f"looks like a group: --group {name} keeps its rows in one set", None
    if why := _useless(cells, label):
        return "left out", why, None
    for kind in ("boolean", "date", "number"):
        if (typed := _as(kind, cells)) is not None:
            return kind, "", typed
    if kinds.is_prose(cells):
        return "left out", "free text", None
    return "category", "", _as("category", cells)


def _as(kind: str, cells: pd.Series) -> pd.Series | None:
    """Return cells as one kind, or None where they are not."""
    if kind == "category":
        return cells.str.strip()
    return {"number": kinds.numbers, "boolean": kinds.booleans, "date": kinds.dates}[kind](cells)
