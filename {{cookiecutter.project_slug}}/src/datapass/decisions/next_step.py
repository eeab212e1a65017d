"""What to do next: each step with the gain to expect, where that number comes from, its cost and its command.

A gain is a range in the project's metric. Its low end is what there is evidence for; where there is none it is 0, and the
step has a ceiling only: what it would gain if it mended all that it could. Steps with a low end above 0 come first, by the
middle of their range for each minute; then come the ceilings, by the ceiling for each minute. Gains of several steps do
not add up, since they may mend the same errors.
"""

import shlex
from dataclasses import dataclass, field

import pandas as pd

from ..comparison.lineup import MIN_SLICE
from ..report.errors import ALL, CLASS, Errors
from .estimates import Fit, cannot_judge, confused_by_people, copied, fit, lowered, per_label, surely_wrong, unordered
from .evidence import Evidence

# Costs, by convention: change them where your work is quicker or slower. Seconds of a person.
LOOK = 10  # to look at one example and answer: a suspect, or one of a sample
COLLECT = 30  # to collect and label one more example
SETTLE = 60  # to settle one example on which people disagree, and write the rule into the label book
MODEL = 1800  # to choose another model and read its result
TRAINING = 6  # what a training counts as: a minute of the machine, at a tenth of a person's

ALPHA = 0.667  # agreement under which people do not share a definition (Krippendorff, Content Analysis, 2004)
LIFT, SURE = 1.5, 0.05  # a group's share of the loss over its share of the examples, and p, from where on it stands out
SAMPLE = 40  # examples of two classes that two people label, to see whether they agree


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        do: in a few words.
        of: the group that it is about, untrusted text, or nothing.
        low, high: the gain to expect, in the metric (0 or more).
        source, why: where the estimate comes from, in a few words and as a sentence.
        rows: examples that a person looks at or collects.
        trainings: of the run that follows.
        seconds: of a person.
        command: to type.
        before: why it comes before the others whatever it gains, or nothing.
    """

    do: str
    of: str
    low: float
    high: float
    source: str
    why: str
    rows: int
    trainings: int
    seconds: float
    command: str
    before: str = ""

    @property
    def ceiling(self) -> bool:
        """Whether nothing is known but that it gains no more than `high`."""
        return self.low <= 0

    @property
    def minutes(self) -> float:
        """Its cost in a person's minutes, trainings included."""
        return (self.seconds + TRAINING * self.trainings) / 60

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """What the steps are sorted by, the best first."""
        worth = self.high if self.ceiling else (self.low + self.high) / 2
        return not self.before, self.ceiling, -worth / max(self.minutes, 1e-9)


@dataclass(frozen=True)
class Advice:
    """The steps, the best first, and sentences on what could not be estimated and why."""

    steps: list[Step]
    notes: list[str] = field(default_factory=list)


def next_steps(errors: Errors, known: Evidence) -> Advice:
    """Return what to do next.

    Args:
        errors: on the test set.
        known: whatever else is.
    """
    blocked = cannot_judge(errors, known)
    explained = pd.Series(0.0, index=errors.pairs.index) if blocked else copied(errors, known)
    trained = fit(errors, known, bool(blocked))
    notes: list[str] = []
    made = [
        _suspects(errors, known, trained, float(explained.sum()), blocked, notes),
        *_collect(errors, known, trained),
        _definition(errors, known, notes) or _pair(errors, known, trained, explained),
        _model(errors, known, trained, notes),
    ]
    nothing = errors.metric.difference(0.0)
    shown = [step for step in made if step and (step.before or errors.metric.difference(step.high) != nothing)]
    return Advice(sorted(shown, key=lambda step: (step.rank, step.do, step.of)), notes)


def _suspects(
    errors: Errors, known: Evidence, trained: Fit, ceiling: float, blocked: str, notes: list[str]
) -> Step | None:
    if blocked or known.audit is None:
        notes.append(blocked)
        return None
    number, wrong, audited = len(known.suspects), known.audit["wrong_labels"], known.audit["audited"]
    if not number:
        notes.append(f"Suspects: none of {audited:,} labels for training and validation looks wrong.")
        return None
    sure, m = surely_wrong(errors, known), errors.metric
    past = per_label(errors, known)
    if past:
        low, high = max(0.0, past[0]) * sure * audited, max(0.0, past[1]) * max(wrong, 1)
        each = " to ".join(m.difference(100 * end) for end in past[:2])
        basis = f"100 corrected labels gained {each} in {past[2]:,} earlier pass{'es' * (past[2] > 1)}"
    else:
        low, high = errors.loss * lowered(sure, len(errors.classes), trained.slope[1]), ceiling
        basis = f"low end: what labels wrong at random cost (error ~ n^-{trained.slope[1]:.2f}, {trained.said})"
    found = min(1.0, number / max(wrong, 1))  # the queue may hold fewer than look wrong
    why = (
        f"{wrong:,} of {audited:,} labels look wrong, {sure * audited:,.0f} or more beyond what the model's own errors explain; {basis}; "
        f"no more than the test errors of a model that copies the suspects' labels, {m.difference(ceiling)}"
    )
    low, high = found * min(low, ceiling), found * min(high, ceiling)
    source = "earlier passes" if past else "audit"
    return Step(
        "Review suspects", "", low, high, source, why, number, known.trainings, LOOK * number, "datapass review"
    )


def _collect(errors: Errors, known: Evidence, trained: Fit) -> list[Step | None]:
    """More data: of everything, and of the class and of the slice that stand out and gain most for a row."""
    whole = pd.DataFrame({"name": [ALL], "examples": errors.examples, "rise": errors.loss})
    made: list[Step | None] = []
    for groups in (whole, errors.classes.assign(name=CLASS + errors.classes["name"]), errors.slices):
        lift = groups["share"] * errors.examples / groups["examples"] if "share" in groups else LIFT
        worst = groups[(lift >= LIFT) & (groups["p"] < SURE)] if "p" in groups else groups
        steps = [
            _double(errors, known, trained, *row)
            for row in worst[["name", "examples", "rise"]].itertuples(index=False, name=None)
        ]
        made.append(min((step for step in steps if step), key=lambda step: step.rank, default=None))
    return made


def _double(errors: Errors, known: Evidence, trained: Fit, name: str, examples: int, rise: float) -> Step | None:
    rows = known.train.get(name, 0)
    if not rows or rise <= 0:
        return None
    high, source = rise * trained.share, f"curve, {trained.said}"
    if name.startswith(CLASS):  # the curve is of whole data sets, whose classes keep their shares
        low, source = 0.0, "ceiling: its errors"
        why = "twice as many for training; a ceiling: all its errors that training errors do not explain"
        why += ", while others may be taken for it more often"
    else:
        low, high = (high * (1 - 2.0**-slope) for slope in (trained.slope[0], trained.slope[2]))
        why = f"twice as many for training: error ~ n^-{trained.slope[0]:.2f} to n^-{trained.slope[2]:.2f}, {trained.said}"
    if trained.beyond != 0:  # or NaN: nothing tells that more of the same would help
        low, fits = 0.0, "the model does not fit the examples that there are"
        why += (
            f"; {fits if trained.beyond > 0 else 'no learning curves tell whether the model fits those that there are'}"
        )
    if name != ALL:
        rest = (errors.loss - rise) / max(errors.examples - examples, 1) * examples
        why += f"; at the error rate of the rest it would gain {errors.metric.difference(rise - rest)}"
    command = f"datapass errors --of {shlex.quote(name)}"
    return Step("Collect more", name, low, high, source, why, rows, known.trainings, COLLECT * rows, command)


def _definition(errors: Errors, known: Evidence, notes: list[str]) -> Step | None:
    people = known.agreement
    if people is None or people.examples < MIN_SLICE:
        notes.append(
            f"Annotators: under {MIN_SLICE} examples have labels of two people, too few to say whether they agree."
        )
        return None
    rows = len(people.disputed)
    why = (
        f"people label {rows:,} of {people.examples:,} examples differently (alpha {people.alpha:.2f}); a ceiling: the test errors "
        "between classes that they confuse, as often as they do"
    )
    before = "people agree too little to learn from, or to measure by" if people.alpha < ALPHA else ""
    high, seconds = confused_by_people(errors, people), SETTLE * rows
    return Step(
        *("Fix the definition", "", 0.0, high, "ceiling: annotators", why, rows, known.trainings, seconds),
        *("datapass agree", before),
    )


def _pair(errors: Errors, known: Evidence, trained: Fit, explained: pd.Series) -> Step | None:
    """The two classes that are confused most beyond what the suspects explain: do people tell them apart?"""
    if errors.pairs.empty:
        return None
    left = trained.share * unordered(errors.pairs, errors.pairs["rise"] - explained)["value"].round(9)
    one, other = left.index[left.argmax()]  # the first by name of several
    doubted = known.suspects[["label", "suggested"]].isin([one, other]).all(axis=1).sum()
    why = (
        f"a ceiling: all errors between them that neither the {doubted:,} suspects there nor training errors explain; where two "
        "people do not agree, the label book should tell them apart, else the inputs or the model do not"
    )
    command = f"datapass agree --sample {SAMPLE} --only {shlex.quote(one)} --only {shlex.quote(other)}"
    return Step(
        *("Ask two people", f"{one} or {other}", 0.0, float(left.max()), "ceiling: its errors", why, SAMPLE),
        *(known.trainings, 2 * LOOK * SAMPLE, command),
    )


def _model(errors: Errors, known: Evidence, trained: Fit, notes: list[str]) -> Step | None:
    if not trained.beyond > 0:
        fits = "it fits its training labels, but for what wrong ones explain, so no error is known to be its own"
        notes.append(f"Model: {'no learning curves tell whether it fits' if trained.beyond else fits}.")
        return None
    if not known.model:
        notes.append("Model: conf/model/ has no other one to try; write one.")
        return None
    why = f"it is wrong on {trained.beyond:.1%} of its training examples beyond wrong labels; a ceiling: that share of the test set"
    why += "" if known.audit else "; without an audit wrong labels may be part of it"
    command = f"dvc exp run -S {known.model}"
    high = errors.loss * (1 - trained.share)
    source = "ceiling: training error"
    return Step("Try another model", known.model, 0.0, high, source, why, 0, known.trainings, MODEL, command)
