"""The report on what data and model gained: the short table, all results by what they changed, and which of the two it was."""

from collections import Counter
from collections.abc import Sequence

from ..comparison import verdict as v
from ..comparison.experiments import HOW
from ..comparison.history import UNCOUNTED
from ..comparison.metric import Metric
from ..decisions.candidates import BOTH, DATA_ONLY, MODEL_ONLY, NEITHER, Candidate
from ..decisions.gains import Gains
from . import charts
from .attribution_view import attribution
from .gains_record import over_looks, record_of, rows_of, verdict_on_data, what_changed
from .sections import MOST, SENTENCE, Block, Forest, Name, Report, Section, one_line, table
from .sections import lines as sentences
from .sureness import looks_lines
from .words import interval

ORDER = (DATA_ONLY, MODEL_ONLY, BOTH)
COLORS = {v.HELPS: charts.HELPS, v.HURTS: charts.HURTS}
PICKED, OTHER, ONLY = "picked", "not picked", "the only one"
LINES, WARNINGS = 12, 3  # of a kind in the chart, and shown at once
WHAT = 44  # characters of what changed, so that a row fits on a terminal
NOTHING = "Name the commit that experiments were run on (`dvc exp show --all-commits`), or one before: only what descends from it is compared."
CAPTION = (
    "Gain in {} over the baseline with its 95 % interval; 0 is the baseline. Coloured: a verdict on the data that holds over all looks. Grey: not picked by "
    "validation, so what its test score says is partly luck."
)


def gains(found: Gains) -> Report:
    """Return the report on everything that descends from a baseline."""
    m, count = found.metric, len(found.candidates)
    said = [_gist(found, kind) for kind in ORDER if kind in found.picks]
    name = one_line(found.baseline.label)
    headline = (
        f"Against {name}, in {m.of}: {', '.join(said)}" if said else f"No result that descends from {name} has a gain"
    )
    short = Section(f"Baseline, data, model: {count:,} result{'s' * (count != 1)}", _short(found), open=True)
    chart = Section("Each gain with its interval", [*_forest(found), *_notes(found)], open=True)
    sections = [short, chart, *_kinds(found), *attribution(found), _refused(found)]
    return Report(
        headline,
        record_of(found),
        [section for section in sections if section.blocks],
        advice="" if found.candidates else NOTHING,
        rows=rows_of(found),
    )


def _gist(found: Gains, kind: str) -> str:
    one = found.picks[kind]
    but = over_looks(one)
    return f"{kind} {interval(one.gain, found.metric)}{f' ({but})' if but else ''}" if one.gain else ""


def _verdict(one: Candidate) -> str:
    """The verdict of this look, and whether it holds over all of them."""
    return ", ".join(filter(None, (verdict_on_data(one), over_looks(one))))


def _short(found: Gains) -> list[Block]:
    """The table of the baseline and of what stands for each kind of change."""
    m = found.metric
    rows = [["baseline", Name(found.baseline.name), "", "", m.score(found.level), f"{found.seeds:,}"]]
    for kind in ORDER:
        tried, one = found.of(kind), found.picks.get(kind)
        number = len(tried) + len(found.of(kind, False))
        best = f", best of {len(tried):,}" if len(tried) > 1 else ""
        chosen = best if kind == DATA_ONLY else f", picked of {number:,}" if number > 1 else ""
        if one and one.found and one.gain:
            row = [
                f"{kind}{chosen}",
                Name(one.name),
                interval(one.gain, m),
                _verdict(one),
                m.score(one.found.new),
            ]
            rows.append([*row, f"{found.trainings[kind]:,}"])
        elif number:
            rows.append([f"{kind}, none of {number:,}", Name("–"), "–", "", "–", f"{found.trainings[kind]:,}"])
    header = f"changed | result | gain in {m.unit} [95 % interval] | verdict | {m.label} | trainings"
    return table(header, rows, len(rows))


def _notes(found: Gains) -> list[Block]:
    """What a reader must know besides, and what was left out."""
    other = [one for kind in (MODEL_ONLY, BOTH) for one in found.of(kind)]
    said = [
        "A verdict is about the data, so a change of the model has none; the seeds of another model are other trainings, "
        "taken as unpaired.",
        "Of several models one is picked by its validation accuracy. The gains of the others are shown as what they are: "
        "the best of many test scores is partly luck, so none is to be picked by them.",
    ]
    said = said[: min(len(other), 2)]
    said += [f"{kind[0].upper()}{kind[1:]}: {why}." for kind, why in found.unpicked.items()]
    same = [f"`{one_line(one.name)}`" for one in found.of(NEITHER)]
    if same:
        said.append(f"With the data and the model of the baseline: {_some(same)}.")
    apart: dict[str, list[str]] = {}
    for one in found.candidates:
        if one.against and one.gain and one.found:
            shared = f"`{one_line(one.name)}` ({len(one.found.seeds):,} seeds)"
            apart.setdefault(one.against, []).append(shared)
    said += [
        f"Compared with `{one_line(name)}`, which has the baseline's data and model and shares more seeds: {_some(which)}."
        for name, which in apart.items()
    ]
    said += [
        f"Of the data and model of `{one_line(name)}`, with no more seeds, and not shown: "
        f"{_some([f'`{one_line(one)}`' for one in which])}."
        for name, which in found.fewer.items()
    ]
    for one in other:
        where = (
            [what.removeprefix("environment: ") for what in one.found.proof.model if what.startswith("environment: ")]
            if one.found
            else []
        )
        said += [f"⚠️ `{one_line(one.name)}` was trained in another environment too: {'; '.join(where)}."] * bool(where)
    left = [f"{found.parts:,} trained on a part of the examples (`data.size`)"] * bool(found.parts)
    left += [f"{found.without:,} without results"] * bool(found.without)
    said += [f"Left out of experiments, branches and tags: {', '.join(left)}."] * bool(left)
    for state, names in found.queued.items():
        said.append(f"In DVC's queue, {state}: {_some([f'`{one_line(name)}`' for name in names])}. {HOW[state]}.")
    warned = list(dict.fromkeys(line for one in found.candidates if one.found for line in one.found.warnings))
    warned.sort(key=lambda line: line not in UNCOUNTED)
    warned[WARNINGS:] = [f"{len(warned) - WARNINGS:,} more such warnings"] * (len(warned) > WARNINGS)
    return sentences([*(f"⚠️ {line}" for line in warned), *said])


def _ordered(found: Gains, kind: str) -> list[Candidate]:
    """The candidates of a kind with a gain: what stands for it, then the others by gain."""
    return sorted(found.of(kind), key=lambda one: one is not found.picks.get(kind))


def _some(shown: Sequence[str], most: int = 5) -> str:
    return ", ".join(shown[:most]) + (f" and {len(shown) - most:,} more" if len(shown) > most else "")


def _kinds(found: Gains) -> list[Section]:
    """All results with a gain, by what they changed."""
    m, sections = found.metric, []
    for kind in ORDER:
        tried, picked = _ordered(found, kind), found.picks.get(kind)
        without = len(found.of(kind, False))
        if not tried:
            continue
        number = f"{len(tried) + without:,} result{'s' * (len(tried) + without > 1)}"
        number += f", {without:,} of them not comparable" if without else ""
        cost = f"{found.trainings[kind]:,} trainings"
        if kind == DATA_ONLY:
            title = f"Data only: {number}, by gain; {cost}"
            marks = {id(one): _verdict(one) for one in tried}
            mark, said = "verdict", [*_counted(tried), *_luck_lines(found)]
        else:
            how = ", picked by validation" if picked and len(tried) > 1 else ""
            title = f"{kind[0].upper()}{kind[1:]}: {number}{how}; {cost}"
            marks = {id(one): ONLY if len(tried) == 1 else PICKED if one is picked else OTHER for one in tried}
            mark, said = "by validation", _model_lines(found, kind)
        moved = [f"`{one_line(one.name)}`" for one in tried if one.found and one.found.ruler]
        if moved:
            said.append(
                f"⚠️ {_some(moved)} changed test labels: the gain is by the new ones; `datapass compare` shows both."
            )
        seen = kind != DATA_ONLY  # of a change of the data the validation labels may be a part
        header = f"result | gain [95 % interval] | {mark} | {m.label}{' | validation' * seen} | seeds | what changed"
        rows = [
            [
                *(Name(one.name), interval(one.gain, m), marks[id(one)], m.score(one.found.new)),
                *([Metric().score(one.validation)] * seen),
                *(f"{len(one.found.seeds)}", Name(one_line(what_changed(one), WHAT))),
            ]
            for one in tried[:MOST]
            if one.gain and one.found
        ]
        sections.append(Section(title, [*table(header, rows, len(tried)), *sentences(said)]))
    return sections


def _counted(tried: Sequence[Candidate]) -> list[str]:
    """How many have which verdict, where there are more than are shown at once."""
    verdicts = Counter(verdict_on_data(one) for one in tried)
    holds = sum(verdict_on_data(one) in COLORS and not over_looks(one) for one in tried)
    told = ", ".join(f"{number:,} {verdict}" for verdict, number in verdicts.most_common())
    return [f"Verdicts: {told}; {holds:,} of helps and hurts hold over all looks."] * (len(tried) > LINES)


def _luck_lines(found: Gains) -> list[str]:
    """What many looks at one test set mean for the best change of the data."""
    best = found.picks.get(DATA_ONLY)
    if best and best.found and over_looks(best):
        return [f"⚠️ `{one_line(best.name)}`: {' '.join(looks_lines(best.found)[0])}"]
    if not found.luck:
        return []
    return [
        f"⚠️ {found.looks:,} data revisions were scored on this test set. The best of {found.looks - 1:,} changes without effect "
        f"would show about {found.metric.difference(found.luck)} {found.metric.unit} by luck."
    ]


def _model_lines(found: Gains, kind: str) -> list[str]:
    picked = found.picks.get(kind)
    if kind == BOTH:
        return ["Data and model changed at once, so this is the gain of neither alone."]
    if picked and picked.validation <= found.validation:
        return [
            f"By validation `{one_line(picked.name)}` is no better than the baseline, which has "
            f"{Metric().score(found.validation)} there."
        ]
    return []


def _forest(found: Gains) -> list[Block]:
    """The chart, by what was changed."""
    rows: list[charts.Row] = []
    for kind in ORDER:
        tried, picked = _ordered(found, kind), found.picks.get(kind)
        rows += [charts.Row(f"{kind[0].upper()}{kind[1:]}")] * bool(tried)
        rows += [
            charts.Row(
                one_line(one.name, SENTENCE),
                one.gain,
                COLORS.get(_verdict(one), charts.INK if kind == DATA_ONLY or one is picked else charts.MUTED),
            )
            for one in tried[:LINES]
        ]
        rows += [charts.Row(f"{LINES} of {len(tried):,}")] * (len(tried) > LINES)
    return [Forest(rows, CAPTION.format(found.metric.unit), found.metric)] if rows else []


def _refused(found: Gains) -> Section:
    """The results without a gain, each with its reasons."""
    left = [one for one in found.candidates if one.gain is None]
    kinds = {one.name: "" if one.kind == NEITHER else f" ({one.kind})" for one in left}
    said = [f"`{one_line(one.name)}`{kinds[one.name]}: {'; '.join(one.why)}" for one in left]
    mend = "`datapass compare` says of each what would mend it." if left else None
    return Section(f"Not comparable: {len(left):,}", sentences([*said, mend]))
