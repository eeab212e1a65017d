"""The report of `errors`: what to do next, each step with its number, and where the errors are."""

from dataclasses import fields

import pandas as pd

from ..comparison.metric import ACCURACY, Metric
from ..decisions import next_step as n
from ..decisions.next_step import Advice, Step
from ..messages.problems import quoted
from . import words
from .errors import TAKEN, Errors
from .sections import MOST, Block, Excerpt, Name, Report, Section, lines, table

SHOWN = 10  # groups of errors


def errors(found: Errors, advice: Advice, room: str | None = None) -> Report:
    """Return what to do next, with its numbers, and where the model errs; `room` is how far that is from the target."""
    m, steps = found.metric, advice.steps
    listed = [
        {**vars(step), "minutes": step.minutes, "ceiling": step.ceiling, "gain": _expected(step, m)} for step in steps
    ]
    data = {
        "next_steps": listed,
        "notes": advice.notes,
        "room": room,
        **{f.name: getattr(found, f.name) for f in fields(found)},
    }
    rows = (
        [step.do, Name(step.of or "–"), _expected(step, m), step.source, _cost(step), Excerpt(step.command)]
        for step in steps
    )
    header = f"step | of | expected gain ({m.unit}) | from | cost | command"
    why = (f"Step {number}, `{step.command}`: {step.why}." for number, step in enumerate(steps, 1))
    sections = [
        Section(
            "What to do next, by expected gain for its cost",
            [*lines([room]), *table(header, rows, len(steps))],
            open=True,
        ),
        Section("Where the estimates come from", lines([*why, *advice.notes, *_conventions(found)]), open=True),
    ]
    title = f"Errors: {words.percent(1 - found.accuracy)} of {found.examples:,} answers"
    sections = [section for section in sections if section.blocks]
    return Report(_best(found, advice), data, [*sections, Section(title, error_tables(found))])


def _best(found: Errors, advice: Advice) -> str:
    """Return the best step with its number, in one line."""
    if not advice.steps and not found.loss > 0:
        return (
            f"Nothing to do: none of {found.examples:,} test answers costs anything; a larger test set may show more."
        )
    if not advice.steps:
        return (
            f"No step has a number: {words.percent(1 - found.accuracy)} of {found.examples:,} test answers are wrong."
        )
    step = advice.steps[0]
    of = f" ({quoted(step.of)[1:-1]})" if step.of else ""
    before = f", before all else: {step.before}" if step.before else ""
    return (
        f"{step.do}{of}: {_expected(step, found.metric)} {found.metric.of} for {_cost(step)}{before}: `{step.command}`"
    )


def _expected(step: Step, metric: Metric) -> str:
    if step.ceiling:
        return f"at most {metric.difference(step.high)}"
    return f"{metric.difference(step.low)} to {metric.difference(step.high)}"


def _cost(step: Step) -> str:
    return f"{step.rows:,} rows, {step.minutes:,.0f} min" if step.rows else f"{step.minutes:,.0f} min"


def _conventions(found: Errors) -> list[str | None]:
    """What the order and the costs rest on, so that a reader can disagree."""
    stands = "Macro-F1 is no sum over examples, so gains and losses are in balanced accuracy, the mean of the recalls."
    return [
        stands if found.chosen != found.metric else None,
        "Order: by the middle of the range for each minute; steps with a ceiling alone (at most) after the others, by the ceiling. "
        "Gains do not add up: several steps may mend the same errors.",
        f"Minutes, by convention: {n.LOOK} s to look at an example, {n.COLLECT} s to collect and label one, {n.SETTLE} s to settle "
        f"a disputed one, {n.MODEL // 60} min to choose a model, {n.TRAINING} s for each training that follows. They stand in "
        "`src/datapass/decisions/next_step.py`.",
    ]


def errors_of(group: str, found: pd.DataFrame, seeds: int) -> Report:
    """Return the test examples of a group that a seed or more got wrong, see `errors.examples_of`."""
    rows = (
        [Name(r.id), Name(r.label), Name(r.predicted), f"{r.wrong:,} of {seeds:,}"]
        for r in found.head(MOST).itertuples()
    )
    section = Section("Wrong answers", table("id | label | predicted | seeds wrong", rows, len(found)), open=True)
    title = f"{len(found):,} test examples of {quoted(group)} are answered wrong"
    return Report(title, {"group": group, "examples": found}, [section] if len(found) else [], rows=found)


def error_tables(errors: Errors) -> list[Block]:
    """Return the errors by class, slice and confusion, the most first."""
    pairs = errors.pairs["label"] + TAKEN + errors.pairs["predicted"]
    m = errors.metric
    # A cost falls where the others rise.
    rise, would = ("saved", "fall") if m.better < 0 else ("rise", "rise")
    told = f"{rise.capitalize()} if perfect: by how much {m.label} would {would} if this group had no error. Means of the seeds; the largest first."
    share = "share of errors" if m.name == ACCURACY else "share of the loss"
    blocks = lines([told])
    for kind, groups in (
        ("class", errors.classes),
        ("slice", errors.slices),
        ("confusion", errors.pairs.assign(name=pairs)),
    ):
        rows = (
            (Name(r.name), f"{r.examples:,}", f"{r.errors:.1f}", f"{r.share:.0%}", m.difference(r.rise, False))
            for r in groups.head(SHOWN)[["name", "examples", "errors", "share", "rise"]].itertuples(index=False)
        )
        header = f"{kind} | examples | errors | {share} | {rise} if perfect ({m.unit})"
        blocks += table(header, rows, len(groups), f"By {kind}")
    return blocks
