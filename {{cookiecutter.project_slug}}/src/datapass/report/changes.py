"""What changed in the data, and the ledger of passes, as terminal tables, Markdown, JSON and CSV."""

from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape

from ..comparison.datadiff import KINDS, DataDiff
from ..comparison.revisions import Revision
from ..files.tables import write_table
from ..messages.problems import quoted
from . import words
from .terminal import ROWS, print_transitions, table

MARKDOWN_ROWS = 100


def _title(baseline: Revision, candidate: Revision) -> str:
    return f"{baseline.label} → {candidate.label}"


def _count_rows(found: DataDiff) -> list[tuple[str, str, int, int]]:
    """Return (set, class, before, after) for each class of each set whose number of examples changed."""
    return [
        (split, name, old, new)
        for split, classes in found.counts.items()
        for name, (old, new) in classes.items()
        if old != new
    ]


def _pass_rows(found: DataDiff) -> pd.DataFrame:
    """Return (pass, kind, examples): which passes brought each kind of change."""
    rows = found.rows.assign(passes=found.rows["passes"].str.split(" ")).explode("passes")
    rows = rows[rows["passes"].isin(found.passes[0])]
    return rows.groupby(["passes", "kind"], observed=True)["id"].nunique().reset_index(name="examples")


def print_changes(found: DataDiff, baseline: Revision, candidate: Revision, console: Console) -> None:
    """Print a summary, then the changed rows (the first of many) and the tables of counts."""
    console.print(f"{escape(_title(baseline, candidate))}: {words.data_line(found)}", soft_wrap=True, style="bold")
    for line in [*found.notes, *words.renamed_lines(found)]:
        console.print(escape(line), soft_wrap=True)
    for names, side in zip(found.passes, (candidate, baseline), strict=True):
        if names:
            console.print(f"Passes that only {escape(side.name)} has: {escape(', '.join(names))}", soft_wrap=True)
    if len(found.rows):
        shown = table("Rows", "id", "change", "set", "from", "to", "passes")
        for row in found.rows.head(ROWS).itertuples():
            column = f" {row.column}" if row.kind == "metadata changed" else ""
            cells = [quoted(row.id), f"{row.kind}{column}", row.split, quoted(row.old), quoted(row.new), row.passes]
            shown.add_row(*map(escape, cells))
        console.print(shown)
        if len(found.rows) > ROWS:
            console.print(f"... and {len(found.rows) - ROWS:,} more rows: --csv FILE writes them all")
    print_transitions(found, console)
    counts = _count_rows(found)
    if counts:
        shown = table("Examples that count", "set", "class", "before", "after")
        for split, name, old, new in counts:
            shown.add_row(split, escape(quoted(name)), f"{old:,}", f"{new:,}")
        console.print(shown)
    brought = _pass_rows(found)
    if len(brought):
        shown = table("By pass", "pass", "change", "examples")
        for name, kind, number in brought.itertuples(index=False):
            shown.add_row(escape(name), kind, f"{number:,}")
        console.print(shown)


def changes_markdown(found: DataDiff, baseline: Revision, candidate: Revision) -> str:
    """Return the change as Markdown; ids, labels and names are data and cannot break out of their cells."""
    from .markdown import table as grid
    from .markdown import text

    parts = [
        f"**{text(_title(baseline, candidate))}**: {words.data_line(found)}",
        *map(text, [*found.notes, *words.renamed_lines(found)]),
    ]
    columns = ["id", "kind", "split", "column", "old", "new", "passes"]
    counts = _count_rows(found)
    for header, rows in (
        ("id | change | set | column | from | to | passes", found.rows[columns].to_numpy(dtype=object)),
        ("from | to | examples", found.transitions.to_numpy(dtype=object)),
        ("set | class | before | after", counts),
    ):
        if len(rows):
            cells = ([text(cell) for cell in row] for row in rows)
            parts.append(grid(header, cells, len(rows), MARKDOWN_ROWS, names=header.count("|") + 1))
    return "\n\n".join(parts) + "\n"


def changes_record(found: DataDiff, baseline: Revision, candidate: Revision) -> dict[str, Any]:
    """Return the whole change as what `json.dumps` takes."""
    return {
        "baseline": {"name": baseline.name, "commit": baseline.commit},
        "candidate": {"name": candidate.name, "commit": candidate.commit},
        "summary": {kind: found.number(kind) for kind in KINDS},
        "notes": found.notes,
        "renamed": found.renamed,
        "passes": {"added": found.passes[0], "removed": found.passes[1]},
        "counts": {
            split: {name: list(pair) for name, pair in classes.items()} for split, classes in found.counts.items()
        },
        "transitions": found.transitions.to_dict("records"),
        "rows": found.rows.to_dict("records"),
    }


def changes_csv(found: DataDiff, path: Path) -> None:
    """Write every changed row. A cell that a spreadsheet would take for a formula gets a leading apostrophe."""
    rows = found.rows.astype("str")
    for column in rows.columns:
        rows[column] = rows[column].where(~rows[column].str.contains(r"^[=+\-@\t\r]"), "'" + rows[column])
    write_table(rows, path)


def print_ledger(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the ledger of passes."""
    if not rows:
        console.print("No passes yet: add data/passes/p001-NAME.csv with id,action,label,was,reason,by.")
        return
    shown = table("Passes", "pass", "edits", "by", "since", "gain (points)", "verdict")
    for row in rows:
        gain = "–"
        if row["gain"] is not None:
            gain = f"{words.points(row['gain'])} [{words.points(row['low'])}, {words.points(row['high'])}]"
        edits = ", ".join(f"{count:,} {action}" for action, count in row["edits"].items())
        people = ", ".join(quoted(name, 30)[1:-1] for name in list(row["by"])[:3])
        since = f"{row['date']} {row['commit']}" if row["commit"] else "not committed"
        shown.add_row(*map(escape, [row["name"], edits, people, since, gain, row["verdict"] or "–"]))
    console.print(shown)
