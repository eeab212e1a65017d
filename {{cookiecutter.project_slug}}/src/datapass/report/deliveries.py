"""What a comparison says of the old test set and of each delivery that entered it."""

from collections.abc import Sequence

from ..comparison import verdict as v
from ..comparison.deliveries import TOO_FEW, OnDelivery, named
from ..comparison.lineup import MIN_SLICE, MIN_UNITS
from ..comparison.verdict import Comparison
from . import charts, words
from .sections import SENTENCE, Forest, Section, lines, one_line

ROWS = 20  # of the chart
COLORS = {v.HELPS: charts.HELPS, v.HURTS: charts.HURTS}
CAPTION = (
    "Gain in {} with its 95 % interval; 0 is the baseline. Coloured: the verdict, on a part after Holm's correction for their "
    "number, so an interval that leaves out 0 may still have none. Grey: too few for a verdict."
)


def section(c: Comparison) -> Section:
    """Return the verdict on each part of the test set; without a block where it has but one."""
    sets = c.test_sets
    title = f"By test set: {', '.join(_numbers(sets))}"
    if not sets or c.gain is None:
        return Section(title, [])
    rows = [charts.Row(f"All, {c.metric.label}", c.gain, COLORS.get(c.verdict, charts.INK))]
    scored = [one for one in sets if one.examples]
    for one in [*scored[:1], *scored[1:][-ROWS:]]:  # of many the old one and the newest
        color, few = COLORS.get(one.verdict, charts.INK), one.verdict == TOO_FEW
        rows.append(charts.Row(one_line(named(one.name), SENTENCE), one.gain, color, small=few))
    said = [on_delivery(c, one) for one in sets]
    forest = Forest(rows, CAPTION.format(c.metric.unit), c.metric)
    return Section(title, [forest, *lines([*said, correction_line(c)])], open=True)


def entered_line(c: Comparison) -> str | None:
    """Return that the baseline does not hold the new test examples, where the candidate brings some."""
    if not c.entered:
        return None
    listed = [f"{number:,} of {named(name)}" for name, number in c.entered.items()]
    shown = ", ".join(listed[:3]) + (f" and of {len(listed) - 3:,} more deliveries" if len(listed) > 3 else "")
    return (
        f"The baseline does not hold the new test examples ({shown}), so they say nothing here: `datapass bring-back --test` "
        "belongs in a pull request of its own, before the change, so that both sides are scored on them."
    )


def on_delivery(c: Comparison, one: OnDelivery) -> str:
    """Return the verdict on a part of the test set in one sentence, and where there is none what would mend it."""
    metric = c.metric
    groups = f" of {one.units:,} groups" if one.units < one.examples else ""
    start = f"On {named(one.name)} ({one.examples:,} examples{groups}): {one.verdict}"
    gain = f"{words.interval(one.gain, metric)} {metric.unit}"
    if one.verdict == v.NOT_COMPARABLE:
        same = one.why[0] in c.why
        return f"{start} either; {gain}." if same else f"{start}, as {one.why[0]}. {' '.join(one.mend)}"
    if one.verdict == TOO_FEW:
        needs = f"which needs {MIN_SLICE} examples" + (f" of {MIN_UNITS} groups" if groups else "")
        return f"{start}, {needs}" + (f"; {gain}." if one.examples else ".")
    levels = f"{metric.label} {metric.score(one.old)} → {metric.score(one.new)}"
    if one.verdict == v.DEPENDS:
        return f"{start}, {gain} by the new test labels, another verdict by the old or the unchanged ones; {levels}."
    lucky = one.verdict == v.NO_DIFFERENCE and v.verdict_of(one.gain) != v.NO_DIFFERENCE
    # The whole truth where a reader sees an interval that leaves out 0 and no verdict.
    return f"{start}, {gain}{f', not significant after the correction (p {one.p:.2g})' if lucky else ''}; {levels}."


def correction_line(c: Comparison) -> str | None:
    """Return how often one of several verdicts on parts of the test set is false."""
    number = sum(one.p == one.p for one in c.test_sets)
    if number < 2:
        return None
    looks = ", at this look alone" if c.all_looks and (c.all_looks.tries > 1 or c.all_looks.budget) else ""
    return (
        f"Each is judged by the rules of the whole. With Holm's correction for {number:,} test sets the chance of a false "
        f"verdict on any of them is at most 5 %{looks}; the intervals are 95 % each."
    )


def _numbers(sets: Sequence[OnDelivery]) -> list[str]:
    """Return how many parts of the test set got each verdict, the most telling first."""
    kinds = (v.HURTS, v.HELPS, v.DEPENDS, v.NO_DIFFERENCE, v.NOT_COMPARABLE, TOO_FEW)
    numbers = [(kind, sum(one.verdict == kind for one in sets)) for kind in kinds]
    return [f"{number:,} {kind}" for kind, number in numbers if number]
