"""The sentences on how sure a comparison is: what would show, what is excluded, and what holds over all looks."""

from ..comparison import verdict as v
from ..comparison.looks import AllLooks, luck
from ..comparison.verdict import Comparison
from ..comparison.ways import MOST_SEEDS, MOST_TIMES, Ways

TESTS = "two one-sided tests at 5 %"
NEW_SET = "`datapass renew-test`"
MANY = 5  # tries from which on their luck is shown


def minutes(trainings: int, seconds: float | None) -> str:
    """Return how many trainings, and how long they take where that is known."""
    number = f"{trainings:,} trainings"
    if seconds is None:
        return f"{number}, minutes unknown"
    whole = trainings * seconds / 60
    if whole >= 180:
        return f"{number}, about {whole / 60:,.0f} hours"
    return f"{number}, about {round(whole):,} minutes" if whole >= 1.5 else f"{number}, about a minute"


def by_which(found: Ways) -> list[str]:
    """Return by what a true gain would show, each way with its cost; where only one leads there the other is said to not."""

    def seeds(number: int) -> str:
        return f"with {number:,} more seed{'s' * (number > 1)} a side ({minutes(2 * number, found.seconds)})"

    examples = f"with {found.examples:,} more test examples" if found.examples else ""
    if found.seeds and examples:
        return [seeds(found.seeds), examples]
    if found.seeds:
        return [f"{seeds(found.seeds)} (more test examples alone would not do)"]
    if examples:
        return [f"{examples} (no number of seeds alone would do)"]
    if found.both:
        return [f"{seeds(found.both[0])} and {found.both[1]:,} more test examples together (neither alone would do)"]
    return []


def would_show(c: Comparison) -> str | None:
    """Return which gain would not show where there is no verdict, and the cheapest way to one."""
    if c.verdict != v.NO_DIFFERENCE or c.gain is None or not c.gain.se > 0:
        return None
    m, found = c.metric, c.ways
    now = f"A gain under {m.difference(c.gain.detectable, False)} {m.unit} would not show"
    if found is None:
        return f"{now}."
    size = f"{m.difference(found.gain, False)} {m.unit}"
    if found.seeds == 0:
        return f"{now}; a true gain of {size} would have, in 4 of 5 tries."
    ways = " or ".join(by_which(found))
    if not ways:
        return f"{now}; neither {MOST_SEEDS} seeds nor {MOST_TIMES} times the test examples would show one of {size}."
    return f"{now}. A true gain of {size} would, in 4 of 5 tries, {ways}."


def equivalence_line(c: Comparison) -> str | None:
    """Return the largest gain or loss that is not excluded, where there is no verdict or a margin was asked for."""
    m, largest = c.metric, c.metric.at_most(c.at_most)
    if c.within is None:
        if c.verdict != v.NO_DIFFERENCE or c.at_most != c.at_most:
            return None
        return f"No gain or loss larger than {largest} {m.unit} ({TESTS})."
    margin = f"within {m.difference(c.within.margin, False)} {m.unit}"
    if c.within.shown:
        return f"Shown equivalent {margin}: no gain or loss larger than {largest} ({TESTS})."
    why = "nothing is excluded" if c.at_most != c.at_most else f"one of {largest} is not excluded ({TESTS})"
    return f"Not shown equivalent {margin}: {'the two are not comparable' if c.verdict == v.NOT_COMPARABLE else why}."


def _which(a: AllLooks) -> str:
    """Return over which looks."""
    if a.budget is None:
        return f"Over all {a.tries} looks at this test set" if a.tries > 1 else "At the first look at this test set"
    other = "" if a.ignored is None else f"; {a.ignored} in the candidate's counts once it is the baseline"
    return f"Over the looks at this test set (number {a.tries} of {a.budget} that the baseline declares{other})"


def looks_lines(c: Comparison) -> tuple[list[str], list[str]]:
    """Return what holds over all looks at the test set: warnings where the verdict does not, else sentences.

    At the first look without a budget there is nothing to say.
    """
    a, m = c.all_looks, c.metric
    if a is None or c.gain is None or (a.tries < 2 and a.budget is None):
        return [], []
    if a.alpha == 0:
        spent = f"All {a.budget} looks at this test set that the baseline declares are spent; this is number {a.tries}"
        return [f"{spent}: over all of them no verdict holds. {NEW_SET} makes a new test set."], []
    interval = f"[{m.difference(a.low)}, {m.difference(a.high)}] {m.unit}"
    if c.verdict not in (v.HELPS, v.HURTS):
        return [], [f"{_which(a)} the interval is {interval}."] if c.verdict == v.NO_DIFFERENCE else []
    if a.holds:
        return [], [f"{_which(a)} it holds: {c.verdict}, adjusted p {shown_p(a.p)}, {interval}."]
    best = f" The best of {a.tries} changes without effect gains {m.difference(luck(a.tries) * c.gain.se)} by luck."
    alone = f"this look alone: {c.verdict}, p {shown_p(c.gain.p)}.{best if a.tries >= MANY else ''}"
    whole = f"{_which(a)}: no detectable difference, adjusted p {shown_p(a.p)}, {interval}; {alone}"
    return [whole, _to_hold(c, a)], []


def _to_hold(c: Comparison, a: AllLooks) -> str:
    """Return what would make the verdict hold, if the gain is true."""
    found, new = a.ways, f"on a new test set, where the count starts again ({NEW_SET})"
    if found is None:
        return f"It is told {new}."
    what = f"A true {'gain' if c.verdict == v.HELPS else 'loss'} of {c.metric.difference(found.gain, False)} {c.metric.unit}"
    fresh = f"{new}, with about {found.fresh:,} examples" if found.fresh else new
    ways = by_which(found)
    return f"{what} would hold, in 4 of 5 tries, {', '.join([*ways, f'or {fresh}' if ways else fresh])}."


def shown_p(p: float) -> str:
    """Return a p-value as it is shown."""
    return "< 0.0001" if p < 0.0001 else f"= {p:.2g}"
