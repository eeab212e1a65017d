"""The report on one candidate, or on several against the same baseline."""

from collections.abc import Mapping

import pandas as pd

from ..comparison import verdict as v
from ..comparison.lineup import MIN_SLICE, Part
from ..comparison.verdict import Comparison
from . import charts, words
from .changes import data_section
from .errors import Errors, error_section
from .record import as_json
from .sections import Forest, Gallery, Lines, Report, Section, Table

LINES, GALLERY, COMPARISONS = 20, 48, 12  # lines of the chart, pictures of a kind, candidates told one by one
FLIPS = {"broken": "Broken: right before, wrong now", "fixed": "Fixed: wrong before, right now"}
COLORS = {v.HELPS: charts.HELPS, v.HURTS: charts.HURTS}
GAINS = "Where it gains and where it loses"
CAPTION = (
    "Gain in points with its 95 % interval; 0 is the baseline. Coloured: significant after Holm's correction for looking at "
    f"many, so an interval that leaves out 0 may still not be. Grey: under {MIN_SLICE} test examples, too few for a verdict."
)


def report(comparisons: list[Comparison], errors: Mapping[str, Errors] | None = None) -> Report:
    """Return the report on one or more candidates compared with the same baseline.

    Args:
        comparisons: at least one.
        errors: the errors of candidates, by name; may lack any.
    """
    ordered = words.by_gain(comparisons)
    parts = [_one(c, (errors or {}).get(c.candidate.name)) for c in ordered]
    if len(parts) == 1:
        return parts[0]
    helping = [part for part in parts if part.verdict == v.HELPS]
    number = f"{len(helping) or 'none'} of {len(parts)} candidates help{'' if len(helping) > 1 else 's'}"
    best = f"`{helping[0].names[0]}` gains most, {helping[0].reason}." if helping else "Merge none for its result."
    against = ordered[0].baseline.label
    rows = [
        [
            c.candidate.label,
            c.verdict,
            words.percent(c.old),
            words.percent(c.new),
            words.interval(c.gain),
            f"{words.data_line(c.data)} ({words.passes_line(c.data)})",
        ]
        for c in ordered
    ]
    header = ["candidate", "verdict", "before", "after", "gain in points [95 % interval]", "data"]
    return Report(
        headline=f"{number} against {against}",
        data=[as_json(c) | {"headline": words.headline(c)} for c in comparisons],
        verdict=v.HELPS if helping else v.NO_DIFFERENCE,
        reason=f"{number}: {best}",
        names=(f"{len(parts)} candidates", against),
        advice=helping[0].advice if helping else "",
        primary=Table(header, rows, "n....t"),
        notes=[f"{c.candidate.name}: {line}" for c in ordered for line in [*c.why, *words.proof_lines(c)[1:]]],
        warnings=[f"{c.candidate.name}: {line}" for c in ordered for line in c.warnings],
        parts=parts[:COMPARISONS],
    )


def _one(c: Comparison, errors: Errors | None) -> Report:
    judged = c.gain is not None and c.verdict != v.NOT_COMPARABLE
    reason = (
        f"{words.interval(c.gain)} points of accuracy" if judged else (c.why or ["the two have no seed in common"])[0]
    )
    figures, primary, notes = [], None, []
    if c.gain:
        figures = [
            ("gain in accuracy, points", words.points(c.gain.mean)),
            ("95 % interval", f"{words.points(c.gain.low)} to {words.points(c.gain.high)}"),
            ("accuracy before → after", f"{words.percent(c.old)} → {words.percent(c.new)}"),
            ("measured on", words.measured_on(c)),
        ]
        header = [words.measured_on(c), "before", "after", "gain in points [95 % interval]"]
        cells = ["accuracy", words.percent(c.old), words.percent(c.new), words.interval(c.gain)]
        primary = Table(header, [cells], "....")
        if c.verdict == v.NO_DIFFERENCE and c.gain.se > 0:
            seen = words.points(c.gain.detectable, False)
            figures.append(("smallest gain that would show, points", seen))
            notes = [f"A gain under {seen} points would not show; more test examples or seeds show smaller ones."]
    notes += [*words.mcnemar_lines(c), *words.proof_lines(c), *words.ruler_lines(c), *words.excluded_lines(c)]
    return Report(
        headline=words.headline(c),
        data={"headline": words.headline(c)} | as_json(c),
        verdict=c.verdict,
        reason=reason,
        names=(c.candidate.label, c.baseline.label),
        why=c.why[1:],
        advice=words.advice(c),
        figures=figures,
        primary=primary,
        notes=notes,
        warnings=c.warnings,
        sections=[
            *_ruler(c),
            *_gains(c),
            data_section(c.data),
            *_flips(c),
            *([error_section(errors)] if errors else []),
            _proof(c),
        ],
    )


def _ruler(c: Comparison) -> list[Section]:
    """Return the accuracies by the old and the new test labels, where any changed."""
    r = c.ruler
    if r is None or c.gain is None:
        return []
    rows = [
        [f"trained on {side} data", *map(words.percent, scores)]
        for side, scores in zip(("old", "new"), r.scores, strict=True)
    ]
    rows.append(["gain in points", words.points(r.by_old.mean), words.points(c.gain.mean)])
    table = Table(["accuracy", "by the old test labels", "by the new ones"], rows, "...")
    return [Section(f"The test labels changed: {r.relabelled:,} of {c.examples:,}", [table])]


def _gains(c: Comparison) -> list[Section]:
    """Return the gains by class, by slice and in macro-F1."""
    if c.gain is None:
        return []
    found = [Section("", [Forest(_lines(c), CAPTION)], GAINS, page=True)]
    labels = c.data.rows[(c.data.rows["kind"] == "relabelled") & (c.data.rows["split"] == "train")]
    moved = pd.concat([labels["old"], labels["new"]]).value_counts()
    for kind, parts in (("class", c.classes), ("slice", c.slices)):
        if not parts:
            continue
        significant, others = words.apart(c, parts)
        header = [kind, "gain in points", "", "before", "after", "examples"]
        header += ["labels changed in training"] * (kind == "class")
        tables = [
            Table(
                header,
                [_cells(c, p, moved if kind == "class" else None) for p in some],
                f"n{'.' * 6}"[: len(header)],
                t,
            )
            for t, some in (("Significant", significant), ("Not significant", others))
            if some
        ]
        worst, best = (words.points(pick(part.gain.mean for part in parts)) for pick in (min, max))
        title = f"By {kind}: {len(significant):,} of {len(parts):,} significant, gains of {worst} to {best} points"
        found.append(Section(title, list(tables), GAINS, short=True))
    if c.macro_f1:
        explained = Lines(["The mean of the classes' F1, so a rare class counts as much as a common one."])
        found.append(Section(f"Macro-F1: {words.interval(c.macro_f1)} points", [explained], GAINS))
    return found


def _cells(c: Comparison, part: Part, moved: pd.Series | None) -> list[str]:
    scores = [words.interval(part.gain), words.called(c, part), words.percent(part.old), words.percent(part.new)]
    return [part.name, *scores, f"{part.examples:,}", *([] if moved is None else [f"{moved.get(part.name, 0):,}"])]


def _lines(c: Comparison) -> list[charts.Row]:
    """Return the lines of the forest plot: the whole, then classes and slices, the significant before the others."""
    rows = [charts.Row("All, accuracy", c.gain, COLORS.get(c.verdict, charts.INK))]
    rows += [charts.Row("All, macro-F1", c.macro_f1)] * (c.macro_f1 is not None)
    for title, parts in (("By class", c.classes), ("By slice", c.slices)):
        significant, others = words.apart(c, parts)
        some = (significant + sorted(others, key=lambda part: -abs(part.gain.mean)))[:LINES]
        rows += [charts.Row(title + f" ({LINES} of {len(parts):,})" * (len(parts) > LINES))] * bool(some)
        rows += [
            charts.Row(p.name, p.gain, COLORS.get(words.called(c, p), charts.INK), small=p.examples < MIN_SLICE)
            for p in sorted(some, key=lambda part: part.gain.mean)
        ]
    return rows


def pictured(comparisons: list[Comparison]) -> list[str]:
    """Return the ids of the test examples whose pictures the page of these comparisons has room for."""
    found = [c.flips for c in words.by_gain(comparisons)[:COMPARISONS] if c.flips is not None]
    return list(dict.fromkeys(id for flips in found for id in flips.groupby("flip").head(GALLERY)["id"]))


def _flips(c: Comparison) -> list[Section]:
    """Return the test examples that broke, then those that were fixed."""
    if c.flips is None or c.flips.empty:
        return []
    number, galleries = words.flipped(c), []
    for flip, title in FLIPS.items():
        rows = c.flips[c.flips["flip"] == flip]
        if len(rows):
            turned = [f"{seeds:+d}".replace("-", "\N{MINUS SIGN}") for seeds in rows["seeds"]]
            cells = [
                [*names, seeds]
                for names, seeds in zip(
                    rows[["id", "label", "old", "new"]].to_numpy(dtype=object).tolist(), turned, strict=True
                )
            ]
            table = Table(
                ["id", "label", "answer before", "now", "seeds right"], cells, "nnnn.", f"{title}: {len(rows):,}"
            )
            items = rows.head(GALLERY).assign(turned=turned[:GALLERY]).to_dict("records")
            galleries.append(Gallery(flip, items, table, len(c.seeds)))
    title = f"Test examples whose answer turned: {number['fixed']:,} fixed, {number['broken']:,} broken"
    return [Section(title, list(galleries))]


def _proof(c: Comparison) -> Section:
    """Return by what it was checked that the model stayed frozen."""
    p = c.proof
    title = f"Model: {len(p.model):,} differences" if p.model else f"Model: frozen, fingerprint {p.fingerprint}"
    checked = [f"Compared for train and evaluate: {p.params:,} params and {p.code:,} code paths, and the environment."]
    listed = [
        Table([head], [[what] for what in found], "t")
        for head, found in (
            ("The model differs", p.model),
            ("The environment differs, so seeds are unpaired", p.environment),
            ("The machinery differs" + ", and is proven neutral" * p.neutral, p.machinery),
            ("Data that differs, as it may", p.data),
        )
        if found
    ]
    return Section(title, [Lines(checked), *listed])
