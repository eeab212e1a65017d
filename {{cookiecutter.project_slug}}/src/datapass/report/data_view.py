"""The reports on data and on people: `diff`, `passes`, `agree` and `predict`."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..annotators.agreement import Agreement
from ..comparison.datadiff import KINDS, DataDiff
from ..comparison.revisions import Revision
from ..files.paths import SPLITS
from ..messages.problems import few
from . import words
from .sections import MOST, Name, Report, Section, lines, table

if TYPE_CHECKING:  # the other verbs need no torch
    from ..production.predict import Answers


def changes(found: DataDiff, baseline: Revision, candidate: Revision, notes: list[str]) -> Report:
    """Return what changed in the data between two revisions, by row; `notes` say what else a reader should know."""
    data = {
        "baseline": baseline,
        "candidate": candidate,
        "summary": {kind: found.number(kind) for kind in KINDS},
        "notes": [*found.notes, *notes],
        "renamed": found.renamed,
        "augmentation": found.augmentation,
        "size": found.size,
        "passes": dict(zip(("added", "removed"), found.passes, strict=True)),
        "counts": found.counts,
        "transitions": found.transitions,
        "rows": found.rows,
    }
    shown = found.rows.head(MOST).itertuples()
    cells = ([Name(r.id), r.kind, r.split, *map(Name, (r.column, r.old, r.new, r.passes or "–"))] for r in shown)
    rows = table("id | change | set | column | from | to | passes", cells, len(found.rows))
    sections = [Section(f"Rows: {len(found.rows):,} changes", rows)] if rows else []
    by_pass = found.rows.assign(passes=found.rows["passes"].str.split(" ")).explode("passes")
    by_pass = (
        by_pass[by_pass["passes"].isin(found.passes[0])].groupby(["passes", "kind"], observed=True)["id"].nunique()
    )
    brought = ((Name(name), kind, f"{count:,}") for (name, kind), count in by_pass.head(MOST).items())
    whole = data_section(found, notes)
    blocks = [*whole.blocks, *table("pass | change | examples", brought, len(by_pass), "By pass")]
    sections.insert(0, Section(whole.title, blocks, open=True))
    names = f"{candidate.label} against {baseline.label}"
    return Report(f"{names}: {words.data_line(found)}", data, sections, rows=found.rows)


def data_section(data: DataDiff, notes: list[str] | None = None) -> Section:
    """Return what changed: how many rows of which set, which labels became which, by which passes."""
    said = [
        words.augmentation_line(data),
        words.size_line(data),
        *data.notes,
        *words.renamed_lines(data),
        *(notes or []),
    ]
    for side, names in zip(("candidate", "baseline"), data.passes, strict=True):
        said += [f"Passes that only the {side} has: {few(names)}"] if names else []
    sets = [data.counts.get(split, {}) for split in SPLITS]
    kinds = [(kind, *(f"{data.number(kind, split):,}" for split in SPLITS)) for kind in KINDS if data.number(kind)]
    totals = [[sum(pair[side] for pair in classes.values()) for side in (0, 1)] for classes in sets]
    kinds.append(("examples that count", *(_arrow(old, new) for old, new in totals)))
    became = data.transitions
    labels = ((Name(old), Name(new), f"{count:,}") for old, new, count in became.head(MOST).itertuples(index=False))
    changed = {name for classes in sets for name, (old, new) in classes.items() if old != new}
    names = sorted({name for classes in sets for name in classes}, key=lambda name: (name not in changed, name))
    sizes = ((Name(name), *(_arrow(*classes.get(name, (0, 0))) for classes in sets)) for name in names[:MOST])
    return Section(
        f"Data: {words.data_line(data)}",
        [
            *lines(said),
            *table(f"rows | {' | '.join(SPLITS)}", kinds, len(kinds)),
            *table("label before | after | examples", labels, len(became), "Labels, before and after", "heat"),
            *table(f"class | {' | '.join(SPLITS)}", sizes, len(names), "Examples that count"),
        ],
    )


def _arrow(old: int, new: int) -> str:
    return f"{old:,} → {new:,}" if old != new else f"{old:,}"


def ledger(passes: list[dict[str, Any]]) -> Report:
    """Return the ledger of passes."""
    rows: list[tuple[str, ...]] = []
    for one in passes:
        gain = "–"
        if one["gain"] is not None:
            m = one["metric"]
            gain = f"{m.difference(one['gain'])} [{m.difference(one['low'])}, {m.difference(one['high'])}] {m.of}"
        edits = ", ".join(f"{count:,} {action}" for action, count in one["edits"].items())
        since = f"{one['date']} {one['commit']}" if one["commit"] else "not committed"
        people = Name(", ".join(list(one["by"])[:3]))
        rows.append((Name(one["name"]), edits, people, since, gain, one["verdict"] or "–"))
    header = "pass | edits | by | since | gain | verdict"
    number = sum(sum(one["edits"].values()) for one in passes)
    title = f"{len(passes):,} pass{'es' * (len(passes) > 1)} with {number:,} edits"
    title = title if passes else "No passes yet: add data/passes/p001-NAME.csv with id,action,label,was,reason,by."
    sections = [Section("Passes", table(header, rows[:MOST], len(rows)), open=True)]
    return Report(title, passes, sections, rows=pd.DataFrame(rows, columns=header.split(" | "), dtype="str"))


def agreement(a: Agreement) -> Report:
    """Return the agreement between annotators; with two of them the consensus knows no more than they do."""
    two = len(a.annotators) < 3
    tables = [
        ("Classes, the least agreed first", a.classes),
        ("Classes confused, the most frequent first", a.confusions),
        ("Annotators by pair, the least agreed first (Cohen's kappa)", a.pairs),
        ("Annotators against the consensus (Dawid-Skene)", a.annotators.head(0 if two else None)),
        ("Examples disputed, the most first", a.disputed.drop(columns=["consensus", "probability"] if two else [])),
    ]
    sections = [
        Section(f"{title}: {len(rows):,}", table(" | ".join(rows.columns), _cells(rows), len(rows)))
        for title, rows in tables
        if len(rows)
    ]
    names = [each.name for each in fields(a) if each.name != "consensus"]  # which has a row for each example
    data = {name: getattr(a, name) for name in names} | {"prevalence": a.consensus.prevalence.to_dict()}
    return Report(words.agreement_line(a), data, sections)


def _cells(rows: pd.DataFrame) -> list[list[str]]:
    """Return the first rows as cells: texts are people's, coefficients have three decimals."""

    def cell(value: Any) -> str:
        if isinstance(value, str | list):
            return Name(value if isinstance(value, str) else ", ".join(value))
        return "–" if value != value else f"{value:.3f}" if isinstance(value, float) else f"{value:,}"

    return [[cell(value) for value in row] for row in rows.head(MOST).itertuples(index=False)]


def answers(found: "Answers") -> Report:
    """Return what the models answered to new inputs, those first on which the seeds agree least."""
    whole = found.table
    name = whole.columns[0]
    data = {"model": found.fingerprint, "seeds": found.seeds, "note": found.note, "answers": whole}
    torn = int((whole["agreement"] < 1).sum())
    by_class = (
        whole.groupby("predicted").agg(n=(name, "size"), p=("probability", "mean")).sort_values("n", ascending=False)
    )
    counted = ((Name(r.Index), f"{r.n:,}", f"{r.p:.1%}") for r in by_class.head(MOST).itertuples())
    doubtful = whole.sort_values(["agreement", "probability"], kind="stable").head(MOST).itertuples()
    rows = ((Name(r[1]), Name(r.predicted), f"{r.probability:.1%}", f"{r.agreement:.0%}") for r in doubtful)
    sections = [
        Section("Classes", table("class | inputs | mean probability", counted, len(by_class)), open=True),
        Section(
            f"Answers: {torn:,} on which the seeds differ",
            [*lines([found.note]), *table(f"{name} | predicted | probability | seeds that agree", rows, len(whole))],
            open=True,
        ),
    ]
    seeds = f"{found.seeds} model{'s' if found.seeds > 1 else ''} ({found.fingerprint})"
    return Report(
        f"{len(whole):,} input{'s' * (len(whole) != 1)} answered by {seeds}; the seeds differ on {torn:,}",
        data,
        sections,
        rows=whole,
    )
