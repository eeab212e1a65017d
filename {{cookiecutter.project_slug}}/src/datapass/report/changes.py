"""What changed in the data between two revisions, and the ledger of passes."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..comparison.datadiff import COLUMNS, KINDS, DataDiff
from ..comparison.revisions import Revision
from ..files.paths import SPLITS
from ..messages.problems import quoted
from . import words
from .record import as_json
from .sections import Block, Heat, Lines, Report, Section, Table

HEAT = 12  # classes of the matrix of label transitions


def data_section(data: DataDiff) -> Section:
    """Return what changed in the data: how many rows of which set, which labels became which, by which passes."""
    said = [*data.notes, *words.renamed_lines(data), *_passes(data)]
    sets = [data.counts.get(split, {}) for split in SPLITS]
    kinds = [[kind, *(f"{data.number(kind, split):,}" for split in SPLITS)] for kind in KINDS if data.number(kind)]
    totals = [[sum(pair[side] for pair in counts.values()) for side in (0, 1)] for counts in sets]
    kinds.append(["examples that count", *(words.arrow(old, new) for old, new in totals)])
    blocks: list[Block] = [Lines(said)] if said else []
    blocks.append(Table(["rows", *SPLITS], kinds, "...."))
    return Section(f"Data: {words.data_line(data)}", [*blocks, *_transitions(data), *_sizes(data)], short=True)


def _passes(data: DataDiff) -> list[str]:
    sides = zip(("candidate", "baseline"), data.passes, strict=True)
    return [
        f"Passes that only the {side} has: {', '.join(f'`{name}`' for name in names)}."
        for side, names in sides
        if names
    ]


def _transitions(data: DataDiff) -> list[Heat]:
    """Return which labels became which, most frequent first."""
    found = {(old, new): int(count) for old, new, count in data.transitions.itertuples(index=False)}
    if not found:
        return []
    sizes: dict[str, int] = {}
    for (old, new), count in found.items():
        sizes[old], sizes[new] = sizes.get(old, 0) + count, sizes.get(new, 0) + count
    names = sorted(sorted(sizes, key=lambda name: (-sizes[name], name))[:HEAT])
    left = sum(count for pair, count in found.items() if not set(pair) <= set(names))
    rows = [[old, new, f"{count:,}"] for (old, new), count in found.items()]
    return [Heat(names, found, left, Table(["label before", "after", "examples"], rows, "nn.", "Labels changed"))]


def _sizes(data: DataDiff) -> list[Table]:
    """Return each class of which a set has another number of examples that count."""
    sets = [data.counts.get(split, {}) for split in SPLITS]
    names = sorted({name for counts in sets for name, (old, new) in counts.items() if old != new})
    rows = [[name, *(words.arrow(*counts.get(name, (0, 0))) for counts in sets)] for name in names]
    return [Table(["class", *SPLITS], rows, "n...", "Examples that count")] if rows else []


def diff_report(found: DataDiff, baseline: Revision, candidate: Revision, notes: Sequence[str] = ()) -> Report:
    """Return the report on what changed, with every row."""
    rows = [
        [
            row.id,
            row.kind + f" {row.column}" * (row.kind == "metadata changed"),
            row.split,
            row.old,
            row.new,
            row.passes,
        ]
        for row in found.rows.itertuples()
    ]
    sections = [data_section(found)]
    if rows:
        header = ["id", "change", "set", "from", "to", "passes"]
        sections.insert(0, Section(f"Rows: {len(rows):,}", [Table(header, rows, "nt.nnt")], short=True))
    brought = found.rows.assign(passes=found.rows["passes"].str.split(" ")).explode("passes")
    brought = (
        brought[brought["passes"].isin(found.passes[0])].groupby(["passes", "kind"], observed=True)["id"].nunique()
    )
    if len(brought):
        cells = [[name, kind, f"{number:,}"] for (name, kind), number in brought.items()]  # type: ignore[misc]
        title = f"By pass: {brought.index.get_level_values(0).nunique():,}"
        sections.append(Section(title, [Table(["pass", "change", "examples"], cells, "n..")], short=True))
    return Report(
        headline=f"{baseline.label} → {candidate.label}: {words.data_line(found)}",
        data=as_json(
            {
                "baseline": baseline,
                "candidate": candidate,
                "summary": {kind: found.number(kind) for kind in KINDS},
                "notes": found.notes,
                "renamed": found.renamed,
                "passes": {"added": found.passes[0], "removed": found.passes[1]},
                "counts": found.counts,
                "transitions": found.transitions,
                "rows": found.rows,
            }
        ),
        notes=list(notes),
        sections=sections,
        rows=found.rows[COLUMNS],
    )


def ledger_report(rows: list[dict[str, Any]]) -> Report:
    """Return the report on the passes."""
    cells = []
    for row in rows:
        gain = "–"
        if row["gain"] is not None:
            gain = f"{words.points(row['gain'])} [{words.points(row['low'])}, {words.points(row['high'])}]"
        edits = ", ".join(f"{count:,} {action}" for action, count in row["edits"].items())
        people = ", ".join(quoted(name, 30)[1:-1] for name in list(row["by"])[:3])
        since = f"{row['date']} {row['commit']}" if row["commit"] else "not committed"
        cells.append([row["name"], edits, people, since, gain, row["verdict"] or "–"])
    if not cells:
        return Report("No passes yet: add data/passes/p001-NAME.csv with id,action,label,was,reason,by.", [])
    header = ["pass", "edits", "by", "since", "gain (points)", "verdict"]
    return Report(f"Passes: {len(rows):,}", rows, primary=Table(header, cells, "n.t..."), rows=pd.DataFrame(rows))
