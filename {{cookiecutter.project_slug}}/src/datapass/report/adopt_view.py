"""The report of `adopt`: what was found, what was written, and what to type next."""

from typing import TYPE_CHECKING

import pandas as pd

from ..files.paths import SPLITS
from .sections import MOST, Block, Name, Report, Section, lines, table

if TYPE_CHECKING:  # what it needs of the room is plain
    from ..adopt.adopt import Adoption


def adoption(adopted: "Adoption") -> Report:
    """Return what was found and done, the classes first and last what to type next."""
    found, name = adopted.found, adopted.name
    total, classes = len(found.table), found.table["label"].nunique()
    headline = f"{name}: {found.delivered.layout}, {total:,} examples of {classes:,} classes"
    if not adopted.first:
        headline += f"; {adopted.new:,} new, {adopted.known:,} known"
    if not adopted.done:
        headline = f"{name}: nothing is new, all {adopted.known:,} examples are in the project; nothing was changed"
    columns = [dict(zip(("column", "as", "why"), row, strict=True)) for row in found.said]
    data = {
        "name": name,
        "layout": found.delivered.layout,
        "examples": total,
        "new": adopted.new,
        "known": adopted.known,
        "dry_run": adopted.dry,
        "minutes": adopted.minutes,
        "classes": found.table["label"].value_counts().sort_index().to_dict(),
        "columns": columns,
        "unreadable": [{"file": file, "why": why} for file, why in adopted.unreadable],
        "notes": adopted.notes,
        "written": adopted.done,
    }
    shown = ((Name(column), taken, Name(why)) for column, taken, why in found.said[:MOST])
    unread = ((Name(file), Name(why)) for file, why in adopted.unreadable[:MOST])
    many = len(adopted.unreadable)
    parts = {
        f"Classes: {classes:,}": _classes(found.table),
        f"Columns: {len(found.said):,}": table("column | taken as | what", shown, len(found.said)),
        f"Left out: {many:,} unreadable": table("file | why", unread, many),
        "Found": lines(adopted.notes),
        "Would be written" if adopted.dry else "Written": lines(adopted.done),
        "Next": lines([f"next: {_next(adopted)}"]),
    }
    shown_at_once = (f"Classes: {classes:,}", "Next")
    sections = [Section(title, blocks, title in shown_at_once) for title, blocks in parts.items() if blocks]
    return Report(headline, data, sections)


def _classes(rows: pd.DataFrame) -> list[Block]:
    counts = rows["label"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    sets = [name for name in SPLITS if "split" in rows and (rows["split"] == name).any()]
    by_set = [rows.loc[rows["split"] == name, "label"].value_counts() for name in sets]
    cells = (
        (Name(name), f"{n:,}", *(f"{of.get(name, 0):,}" for of in by_set)) for name, n in counts.head(MOST).items()
    )
    return table(" | ".join(["class", "examples", *sets]), cells, len(counts))


def _next(adopted: "Adoption") -> str:
    if adopted.dry and adopted.done:
        return "the same without `--dry-run`" + _time(adopted, "; then `dvc repro` takes {} here")
    if adopted.first:
        return f"`dvc repro`{_time(adopted, ', {} here')}; meanwhile say in data/label_book.md what each class means"
    return f"`dvc repro`{_time(adopted, ', {} here')}"


def _time(adopted: "Adoption", sentence: str) -> str:
    from ..adopt.minutes import about

    return "" if adopted.minutes is None else sentence.format(about(adopted.minutes))
