"""What the scope card says, and how a result stands to it."""

from ..comparison.goals import MISSED, REACHED, UNTOLD, Goal, Scope
from ..comparison.metric import Metric
from ..data.scope import FIELDS, HUMAN, VALUES
from ..files.paths import SCOPE
from .sections import Excerpt, Section, table

CARD = f"`{SCOPE.as_posix()}`"


def scope_line(found: Scope | None, metric: Metric) -> str | None:
    """Return how a revision stands to its target and the human level, in one line; None where the card names neither."""
    if found is None or (not found.why and not found.goals):
        return None
    if found.card is None:
        return f"⚠️ The scope card cannot be read, so nothing is said of the target: {found.why}"
    if found.level is None:
        return f"The target of {CARD} is not judged: {found.why}."
    level = f"{_upper(metric.label)} {metric.score(found.level.mean)} [{_number(found.level.low, metric)}, {_number(found.level.high, metric)}]"
    told = any(goal.standing != UNTOLD for goal in found.goals)
    unknown = (
        ""
        if found.tries or not told
        else " Judged as the first look at this test set: this clone does not hold the earlier ones."
    )
    return f"{level}; {'; '.join(_goal(goal, found, metric) for goal in found.goals)}.{unknown}"


def _goal(goal: Goal, found: Scope, metric: Metric) -> str:
    distance = abs(found.level.mean - goal.value) if found.level else 0.0
    size = f"{metric.difference(distance, False)} {metric.unit}"
    more, less = ("below", "above") if metric.better < 0 else ("above", "below")
    words = {REACHED: f"reached, by {size}", MISSED: f"not reached, {size} short of it"}
    if goal.name == HUMAN:
        words = {REACHED: f"the model is at or {more} it, by {size}", MISSED: f"the model is {less} it, by {size}"}
    was = "" if goal.was is None else f" (the baseline's card has {metric.score(goal.was)})"
    said = f"{goal.name.lower()} {metric.score(goal.value)}{was}: {words.get(goal.standing, UNTOLD)}"
    if goal.standing != UNTOLD:
        return said
    if goal.labels:
        said += ", it depends on test labels that changed or examples that were dropped or are gone"
    elif goal.alone != UNTOLD:
        looks = (
            f"over all {found.tries} looks at this test set"
            if found.tries > 1
            else "as the first of many looks at this test set"
        )
        said += f" {looks} (by this look alone {words[goal.alone]})"
    if goal.apart is not None:
        apart = f"{metric.difference(goal.apart, False)} {metric.unit}"
        said += f", a true difference of {apart} would show, in 4 of 5 tries, with about {goal.examples:,} more test examples"
    return said


def scope_section(found: Scope | None) -> Section:
    """Return what the card says, field by field; without a block where there is none."""
    said = found.card.said if found is not None and found.card is not None else {}
    rows = [[name, Excerpt(_shown(name, said.get(name, "not said")))] for name in FIELDS]
    title = f"Scope: what this is for, as {CARD} says"
    return Section(title, table("field | what it says", rows, len(rows)) if said else [], short=True)


def _shown(name: str, text: str) -> str:
    value, _, more = text.partition("\n")
    return " ".join((f"{value.strip()}. {more}" if name in VALUES and more.strip() else text).split())


def room_line(found: Scope | None, metric: Metric, level: float) -> str | None:
    """Return how far the workspace is from target and human level; it judges nothing.

    Args:
        metric: the project's.
        level: the metric of the workspace.
    """
    if found is None:
        return None
    if found.card is None:
        return f"⚠️ The scope card cannot be read: {found.why}"
    card = found.card
    goals = [
        (name, value)
        for name, value in (("target", card.target), ("human level", card.human_level))
        if value is not None
    ]
    if not goals:
        return None
    if card.metric != metric.name:
        return f"The target of {CARD} is not judged: it is about {card.metric}, and `evaluate.metric` is {metric.name}."
    parts = []
    for name, value in goals:
        room = metric.better * (value - level)
        size = f"{metric.difference(abs(room), False)} {metric.unit}"
        parts.append(f"{size} {'to' if room > 0 else 'beyond'} the {name} of {metric.score(value)}")
    return f"{_upper(metric.label)} {metric.score(level)}: {', '.join(parts)} (of {CARD}; whether that is told from luck, `compare` says)."


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _number(value: float, metric: Metric) -> str:
    return metric.score(value).removesuffix(" %")
