"""The report on candidates compared with a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

import pandas as pd

from ..comparison import verdict as v
from ..comparison.metric import Metric
from ..comparison.verdict import Comparison, Part
from . import charts, deliveries, sureness, words
from .data_view import data_section
from .errors import Errors
from .errors_view import error_tables
from .scope_view import scope_line, scope_section
from .sections import MOST, SENTENCE, Block, Excerpt, Forest, Name, Report, Section, one_line, table
from .sections import lines as sentences

LINES = 20  # of a chart
EXPLAINED = {
    "accuracy": "The share of right answers; the verdict is not about it.",
    "macro-F1": "The mean of the classes' F1, so a rare class counts as much as a common one.",
}
COLORS = {v.HELPS: charts.HELPS, v.HURTS: charts.HURTS}
FLIPS = {"broken": "Broken: right before, wrong now", "fixed": "Fixed: wrong before, right now"}
CAPTION = (
    "Gain in {} with its 95 % interval; 0 is the baseline. Coloured: significant after Holm's correction for looking at "
    f"many, so an interval that leaves out 0 may still not be. Grey: under {v.MIN_SLICE} test examples, too few for a verdict."
)


def comparisons(
    all_: list[Comparison],
    errors: Mapping[str, Errors] | None = None,
    excerpts: Mapping[str, Mapping[str, str]] | None = None,
) -> Report:
    """Return the report on one or more candidates compared with the same baseline.

    Args:
        all_: at least one.
        errors: the errors of candidates, by name; may lack any.
        excerpts: what shows test examples in a line, by candidate and id, see `review.features`; may lack any.
    """
    ordered = words.by_gain(all_)
    errors, excerpts = errors or {}, excerpts or {}
    parts = [comparison(c, errors.get(c.candidate.name), excerpts.get(c.candidate.name)) for c in ordered]
    if len(parts) == 1:
        return parts[0]
    helping = sum(c.verdict == v.HELPS for c in ordered)
    best = f"`{one_line(ordered[0].candidate.label)}` gains most, {words.gained(ordered[0])} {ordered[0].metric.of}"
    rows = [
        [
            *(Name(c.candidate.label), c.verdict, words.gained(c), c.metric.score(c.old), c.metric.score(c.new)),
            *(words.data_line(c.data), Name(words.passes_line(c.data))),
        ]
        for c in ordered[:MOST]
    ]
    # Candidates with another metric than the baseline are not comparable, so those with a gain have the same.
    unit = next((c.metric.of for c in ordered if c.gain), ordered[0].metric.of)
    header = f"candidate | verdict | gain in {unit} [95 % interval] | before | after | data | passes"
    title = f"{helping or 'none'} of {len(parts)} candidates help{'s' * (helping < 2)}"
    return Report(
        f"{title}, against {one_line(ordered[0].baseline.label)}",
        [part.data for part in parts],
        [Section("Candidates by gain", table(header, rows, len(parts)), open=True)],
        v.HELPS if helping else v.NO_DIFFERENCE,
        title,
        (f"{len(parts)} candidates", ordered[0].baseline.label),
        best if helping else "merge none for its result",
        advice=words.advice(ordered[0]) if helping else "",
        parts=parts,
    )


def comparison(c: Comparison, errors: Errors | None = None, excerpts: Mapping[str, str] | None = None) -> Report:
    """Return the report on one candidate."""
    m = c.metric
    figures = [
        (f"gain in {m.label}, {m.unit}", m.difference(c.gain.mean)),
        ("95 % interval", f"{m.difference(c.gain.low)} to {m.difference(c.gain.high)}"),
        (f"{m.label} before → after", f"{m.score(c.old)} → {m.score(c.new)}"),
        ("measured on", words.measured_on(c)),
    ] if c.gain else []  # fmt: skip
    return Report(
        words.headline(c),
        c,
        [
            s
            for s in (
                _basis(c),
                deliveries.section(c),
                *_gains(c),
                *_flips(c, excerpts or {}),
                *_errors(errors),
                replace(data_section(c.data), short=True),
                _proof(c),
                scope_section(c.scope),
            )
            if s.blocks
        ],
        c.verdict,
        c.verdict,
        (c.candidate.label, c.baseline.label),
        f"{words.gained(c)} {m.of}" if c.gain else "",
        c.why or ([] if c.gain else ["the two have no seed in common"]),
        words.advice(c),
        figures,
    )


def flipped(c: Comparison) -> pd.Series:
    """Return how many test examples were `broken` and `fixed`."""
    flips = pd.Series([], dtype="str") if c.flips is None else c.flips["flip"]
    return flips.value_counts().reindex(list(FLIPS), fill_value=0)


def _basis(c: Comparison) -> Section:
    """What the result rests on: warnings first, then the proof and what test labels that changed do to it."""
    m = c.metric
    warned, told = sureness.looks_lines(c)
    said = [
        scope_line(c.scope, m),
        words.metric_line(c) if c.gain else None,
        sureness.would_show(c),
        sureness.equivalence_line(c),
        *told,
        words.mcnemar_line(c),
        words.frozen_line(c),
    ]
    said += [words.resample_line(c), words.encoders_line(c)]
    said += [words.machinery_line(c), words.environment_line(c), *words.ruler_lines(c), *words.excluded_lines(c)]
    said += [deliveries.entered_line(c)]
    # Of the data what must not be missed.
    said += [*c.data.notes, *words.renamed_lines(c.data), words.augmentation_line(c.data), words.size_line(c.data)]
    ruler: list[Block] = []
    if c.ruler and c.gain:
        moved = (m.difference(c.ruler.moved), "")
        rows = [
            (f"trained on {data} data", m.score(by_old), m.score(by_new), by)
            for data, (by_old, by_new), by in zip(("old", "new"), c.ruler.scores, moved, strict=True)
        ]
        rows.append((f"gain in {m.unit}", m.difference(c.ruler.by_old.mean), m.difference(c.gain.mean), ""))
        title = f"The test labels changed: {c.ruler.relabelled:,} of {c.examples:,}"
        ruler = table(f"{m.label} | by old test labels | by new test labels | the ruler moved by", rows, 3, title)
    warned = [f"⚠️ {warning}" for warning in [*c.warnings, *warned]]
    return Section("What it rests on", [*sentences([*warned, *said]), *ruler], open=True)


def _gains(c: Comparison) -> list[Section]:
    """The gains by class, by slice and in other metrics, the significant apart from the others, each worst first."""
    m = c.metric
    rows = c.data.rows[(c.data.rows["kind"] == "relabelled") & (c.data.rows["split"] == "train")]
    touched = pd.concat([rows["old"], rows["new"]]).value_counts()
    found = []
    for kind, parts in (("class", c.classes), ("slice", c.slices)):
        ordered = sorted(parts, key=lambda part: part.gain.mean)
        significant = [part for part in ordered if words.called(c, part) in (v.HELPS, v.HURTS)]
        rest = [part for part in ordered if part not in significant]
        extra = " | labels changed in training" if kind == "class" else ""
        header = f"{kind} | gain in {m.unit} |  | before | after | examples{extra}"
        blocks: list[Block] = [_forest(c, significant, rest)] if parts and c.gain else []
        others = f"Not significant (Holm's correction for {len(parts):,}); too few: under {v.MIN_SLICE} examples"
        for title, some in (("Significant", significant), (others, rest)):
            cells = (
                [
                    *(Name(p.name), words.interval(p.gain, m), words.called(c, p)),
                    *(m.score(p.old), m.score(p.new), f"{p.examples:,}"),
                    *([f"{touched.get(p.name, 0):,}"] if extra else []),
                ]
                for p in islice(some, MOST)
            )
            blocks += table(header, cells, len(some), title)
        if parts:
            reach = " to ".join(m.difference(part.gain.mean) for part in (ordered[0], ordered[-1]))
            title = f"By {kind}: {len(significant):,} of {len(parts):,} significant, gains of {reach} {m.unit}"
            found.append(Section(title, blocks))
    for name, gain in words.other_gains(c):
        title = f"{name[0].upper()}{name[1:]}: {words.interval(gain, Metric())} points"
        found.append(Section(title, sentences([EXPLAINED[name]]), short=True))
    return found


def _forest(c: Comparison, significant: Sequence[Part], rest: Sequence[Part]) -> Forest:
    """The chart of the whole, then of the significant classes or slices before the largest of the others."""
    assert c.gain is not None
    rows = [charts.Row(f"All, {c.metric.label}", c.gain, COLORS.get(c.verdict, charts.INK))]
    if c.metric.unit == Metric().unit:
        rows += [charts.Row(f"All, {name}", gain) for name, gain in words.other_gains(c)]
    some = [*significant, *sorted(rest, key=lambda part: -abs(part.gain.mean))][:LINES]
    number = len(significant) + len(rest)
    rows += [charts.Row(f"{LINES} of {number:,}")] * (number > LINES)
    for part in sorted(some, key=lambda part: part.gain.mean):
        color = COLORS.get(words.called(c, part), charts.INK)
        rows.append(charts.Row(one_line(part.name, SENTENCE), part.gain, color, small=part.examples < v.MIN_SLICE))
    return Forest(rows, CAPTION.format(c.metric.unit), c.metric)


def _flips(c: Comparison, excerpts: Mapping[str, str]) -> list[Section]:
    """The test examples that broke, then those that were fixed, each with what shows it where there is any."""
    numbers, blocks = flipped(c), list[Block]()
    flips = c.flips if c.flips is not None else pd.DataFrame(columns=["id", "flip", "label", "old", "new", "seeds"])
    header = "id | label | answer before | now | seeds right" + " | example" * bool(excerpts)
    for flip, title in FLIPS.items():
        found = flips[flips["flip"] == flip].head(MOST)
        cells = found[["id", "label", "old", "new", "seeds"]].itertuples(index=False)
        rows = (
            [*map(Name, names), words.signed(seeds), *([Excerpt(excerpts.get(names[0], "–"))] if excerpts else [])]
            for *names, seeds in cells
        )
        blocks += table(header, rows, int(numbers[flip]), title, flip)
    title = f"Test examples whose answer turned: {numbers['fixed']:,} fixed, {numbers['broken']:,} broken"
    return [Section(title, blocks, short=True)]


def _errors(errors: Errors | None) -> list[Section]:
    """Where the candidate's errors are."""
    if errors is None:
        return []
    wrong = words.percent(1 - errors.accuracy)
    title = f"Where the candidate's errors are: {wrong} of {errors.examples:,} answers"
    return [Section(title, error_tables(errors), short=True)]


def _proof(c: Comparison) -> Section:
    """By what it was checked that the model stayed frozen."""
    p = c.proof
    title = f"Model: {len(p.model):,} differences" if p.model else f"Model: frozen, fingerprint {p.fingerprint}"
    checked = (
        f"The locks of both revisions (`dvc.lock`) say what `train` and `evaluate` ran with: {p.params:,} params, "
        f"{p.code:,} code paths and the environment were compared."
    )
    data = f"Data that differs, as it may: {', '.join(f'`{one_line(path)}`' for path in p.data)}."
    none = "None of the data they read differs."
    encoders = ["The encoders of the inputs learnt the same in both."] if p.encoders else []
    said = [checked, *p.model, *p.environment, *encoders, *p.machinery, data if p.data else none]
    return Section(title, sentences(said), short=True)
