"""The scope cards of revisions, and how each candidate stands to its own."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..data.examples import counts
from ..data.scope import HUMAN, TARGET, read_card
from ..files.paths import CLASSES, PREDICTIONS, SCOPE, TEST
from ..messages.problems import Refusal
from .crossed import units_of
from .goals import Answers, Scope, judge, limits
from .history import ABSENT, budget
from .lineup import MIN_SEEDS, MIN_SLICE, MIN_UNITS, codes, draws
from .looks import part
from .revisions import Revision, is_shallow
from .stale import stale
from .tries import looks
from .verdict import Comparison
from .ways import ALPHA


def card_of(revision: Revision) -> Scope | None:
    """Return a revision's scope card, not judged; None where it has none or one that says nothing."""
    content = revision.read(SCOPE)
    if content is None:
        return None
    try:
        card = read_card(content, SCOPE.as_posix())
    except Refusal as refusal:
        return Scope(None, why=str(refusal))
    return Scope(card) if card.said else None


def add_scope(comparisons: list[Comparison]) -> None:
    """Put how each candidate stands to its own scope card into each comparison, in place; after `add_looks`."""
    for number, comparison in enumerate(comparisons):
        found = card_of(comparison.candidate)
        if found is not None:
            comparisons[number] = replace(comparison, scope=_judged(found, comparison))


def _judged(found: Scope, c: Comparison) -> Scope:
    card, metric = found.card, c.candidate.lock.metric
    if card is None or (card.target is None and card.human_level is None):
        return found
    if card.metric != metric.name:
        return replace(found, why=f"it is about {card.metric}, and `evaluate.metric` is {metric.name}")
    changed = stale(c.candidate)[0]
    if changed:
        return replace(found, why=f"the results are not of this revision: {changed[0]}")
    own, *others = readings(c)
    groups, examples = draws(own.units), len(own.truth)
    if len(own.said) < MIN_SEEDS:
        return replace(found, why=f"{len(own.said)} seeds are too few; it takes {MIN_SEEDS}")
    if examples < MIN_SLICE or groups < MIN_UNITS:
        return replace(found, why=f"{examples:,} test examples are too few; it takes {MIN_SLICE} of {MIN_UNITS} groups")
    counted = None if is_shallow() or ABSENT in c.warnings else c.looks or looks(c.candidate)
    tries = 0 if counted is None else max(1, counted - 1)
    alpha = ALPHA * part(tries or 1, budget(c.baseline))
    named = ((TARGET, card.target), (HUMAN, card.human_level))
    before = card_of(c.baseline)
    old = before.card if before is not None else None
    was = {TARGET: old.target, HUMAN: old.human_level} if old is not None and old.metric == card.metric else {}
    goals = [
        replace(
            judge(name, value, [own, *others], metric, alpha), was=None if was.get(name) == value else was.get(name)
        )
        for name, value in named
        if value is not None
    ]
    low, high = limits(own, metric, ALPHA)
    level = replace(metric.interval(own.truth, own.said, own.classes, own.units), low=low, high=high)
    return replace(found, level=level, tries=tries, goals=goals)


def readings(c: Comparison) -> Iterator[Answers]:
    """Give the candidate's answers by each reading that a goal has to be reached by, first as the candidate has it.

    Then by the labels that the baseline has of the same examples, with those that only the candidate dropped, and both; only
    what differs. Last with the baseline's examples that the candidate's test set does not hold as they were, answered worst and
    best. Whoever may correct or take away test examples after seeing answers could else reach any target.
    """
    test, answers, old = (
        table.set_index("id")
        for table in (c.candidate.table(TEST), c.candidate.table(PREDICTIONS), c.baseline.table(TEST))
    )
    if not answers.index.equals(test.index):  # looking up millions of ids takes a while
        answers = answers.loc[test.index]
    place = old.index.get_indexer(test.index)
    shared = place >= 0
    shared[shared] = old["input"].iloc[place[shared]].array == test["input"][shared].array
    again, held = place[shared], counts(old).to_numpy(copy=True)
    own, wider, units = counts(test).to_numpy(), counts(test).to_numpy(copy=True), units_of(test.reset_index())
    wider[shared] |= held[again]
    held[again] = False  # what is left of the baseline's is gone
    given_before = old["label"].replace(c.data.renamed)
    said = answers[[name for name in answers if name.startswith("seed_")]]
    columns = (test["label"], given_before.iloc[again], given_before[held], *(said[seed] for seed in said))
    classes = sorted({*c.candidate.table(CLASSES)["class"], *(name for one in columns for name in one.unique())})
    labels, before_shared, lost, *answered_by = (codes(one, classes) for one in columns)
    before, answered = labels.copy(), np.stack(answered_by)
    before[shared] = before_shared
    given: list[tuple[np.ndarray, np.ndarray]] = []
    for rows in (own, wider):
        for label in (labels, before):
            truth = label[rows]
            if not any(np.array_equal(rows, some) and np.array_equal(truth, other) for some, other in given):
                given.append((rows, truth))
                yield Answers(truth, answered[:, rows], units[rows], classes)
    if len(lost):
        rows, truth, metric = wider, labels[wider], c.candidate.lock.metric
        apart = len(units) + np.arange(len(lost))  # beyond any number of a unit
        for best in (False, True):
            guessed = metric.extreme(truth, answered[:, rows], lost, classes, best)
            together = np.hstack([answered[:, rows], guessed])
            yield Answers(np.concatenate([truth, lost]), together, np.concatenate([units[rows], apart]), classes)
