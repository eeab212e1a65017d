"""What the labels of a candidate are worth: how many more examples like the baseline's would give what its data gives.

The candidate's data is trained on nested subsets too; n* of its N examples are level with the baseline's data at full size.
So it is worth N / n* times the baseline's data. Read off between sizes that were trained, never extrapolated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..comparison import verdict as v
from ..comparison.metric import COST, Metric
from ..comparison.revisions import RESULT, Revision, load_all
from ..comparison.statistics import Interval
from ..comparison.verdict import Comparison, compare
from ..files.paths import DATA, METRICS
from ..messages.problems import Refusal, quoted
from .curve import Forecast, Ratio, forecast, monotone, ratio
from .ladder import experiments, rungs_of, sizes

INCOMPLETE, NONE, LESS, SHOWN = "incomplete", "no worth shown", "worth less", "worth shown"


@dataclass(frozen=True)
class Rung:
    """A result of some data trained on so many examples a seed.

    Attributes:
        examples: on which each seed trained, in the mean.
        value: the metric.
        gain: over the reference at its full size.
        name: of the revision.
        by_old: the gain by the reference's test labels, where those differ; else `gain`.
    """

    examples: int
    value: float
    gain: Interval
    name: str
    by_old: Interval


@dataclass(frozen=True)
class Worth:
    """What a candidate's data is worth beside a baseline's.

    Attributes:
        comparison: of the two at full size.
        state: INCOMPLETE, NONE, LESS or SHOWN; `not comparable` or `depends on the labels` where the comparison says so.
        rungs: of the candidate's data against the baseline, rising in examples; the last is the candidate itself.
        missing: sizes that have to be trained before a worth can be said, the largest first.
        ratio: how many times the baseline's data it is worth, where test labels changed by those by which it is worth less;
            None where rungs that matter are missing.
        old_rungs: of the baseline's data, where there are any besides the baseline itself, against the baseline.
        old_missing: sizes of those that were not trained.
        wanted, forecast: a level of the metric that was asked for, and how many examples would reach it.
        notes: what a reader should know.
    """

    comparison: Comparison
    state: str
    rungs: list[Rung] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    ratio: Ratio | None = None
    old_rungs: list[Rung] = field(default_factory=list)
    old_missing: list[int] = field(default_factory=list)
    wanted: float | None = None
    forecast: Forecast | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def metric(self) -> Metric:
        """The metric that it is about."""
        return self.comparison.metric

    @property
    def examples(self) -> tuple[int, int]:
        """Training examples that count, of the baseline and of the candidate."""
        return _examples(self.comparison.baseline), _examples(self.comparison.candidate)

    @property
    def corrected(self) -> int:
        """Training labels that differ."""
        return self.comparison.data.number("relabelled", "train")

    @property
    def others(self) -> dict[str, int]:
        """How many training examples differ in another way, by kind."""
        kinds = ("added", "removed", "dropped", "restored", "input changed", "moved")
        return {kind: n for kind in kinds if (n := self.comparison.data.number(kind, "train"))}

    def more(self, times: float) -> float:
        """Return how many more examples like the baseline's make this many times its data."""
        return (times - 1) * self.examples[0]


def _examples(revision: Revision) -> int:
    return int(revision.json(DATA)["sets"]["train"]["examples"])


def measure(baseline: Revision, candidate: Revision, wanted: float | None = None) -> Worth:
    """Return what a candidate's data is worth, from the rungs that DVC holds.

    Args:
        wanted: a level of the metric; asks how many examples would reach it.

    Raises:
        Refusal: where one of the two did not train on all of its examples, or nothing can be asked about `wanted`.
    """
    for revision in (baseline, candidate):
        if revision.lock.size is not None:
            raise Refusal(
                f"{quoted(revision.name)} trained on {revision.lock.size:,} of its examples (data.size); name the result of all of them."
            )
    whole = compare(baseline, candidate)
    if wanted is not None and (whole.metric.name == COST or not 0 < wanted < 1):
        raise Refusal("--until takes a share such as 0.95, of a metric that is one; it is none of a cost.")
    if whole.gain is None or whole.verdict in (v.NOT_COMPARABLE, v.DEPENDS):
        return Worth(whole, whole.verdict)
    notes: list[str] = []
    full = _rung(_examples(candidate), whole)
    runs = experiments()
    both = [rungs_of(revision, runs) for revision in (candidate, baseline)]
    load_all([baseline, *(one for found in both for one in found.values())], RESULT)
    own, old = (_compared(baseline, found, notes) for found in both)
    rungs = [*sorted(own.values(), key=lambda rung: rung.examples), full]
    # Under a size that is clearly worse than the baseline nothing more is needed.
    worse = max((rung.examples for rung in rungs if rung.gain.high < 0), default=0)
    missing = [size for size in sizes(full.examples) if size > worse and size not in own]
    state = {v.HELPS: INCOMPLETE if missing else SHOWN, v.HURTS: LESS}.get(whole.verdict, NONE)
    read = None if missing else _read(rungs, whole.ruler is not None, notes)
    line = monotone([rung.gain.mean for rung in rungs])
    bent = [r.examples for r, at in zip(rungs, line, strict=True) if not r.gain.low <= at <= r.gain.high]
    notes += [
        f"more examples did not give more at {n:,}: the curve is not monotone, so read the worth with care"
        for n in bent
    ]
    return Worth(
        whole,
        state,
        rungs,
        missing if state == INCOMPLETE else [],
        read,
        sorted(old.values(), key=lambda rung: rung.examples),
        [size for size in sizes(_examples(baseline)) if size not in old],
        wanted,
        None if wanted is None else forecast([r.examples for r in rungs], [1 - r.value for r in rungs], 1 - wanted),
        notes,
    )


def _rung(examples: int, c: Comparison) -> Rung:
    assert c.gain is not None
    return Rung(examples, c.new, c.gain, c.candidate.name, c.ruler.by_old if c.ruler else c.gain)


def _read(rungs: list[Rung], relabelled: bool, notes: list[str]) -> Ratio:
    """Return what the data is worth, by the test labels by which it is worth less; `notes` gets both."""
    examples = [rung.examples for rung in rungs]
    by_new, by_old = (ratio(examples, gains) for gains in ([r.gain for r in rungs], [r.by_old for r in rungs]))
    if relabelled:
        new, old = (f"{found.value:.2f} times ({found.low:.2f} to {found.high:.2f})" for found in (by_new, by_old))
        notes.append(
            f"test labels changed: by the new ones the data is worth {new} the baseline's, by the old ones {old}; what is said here is the smaller"
        )
    return min(by_new, by_old)


def _compared(baseline: Revision, found: Mapping[int, Revision], notes: list[str]) -> dict[int, Rung]:
    """Return those rungs that can be compared with the baseline, by size; `notes` gets why others cannot."""
    kept = {}
    for size, revision in sorted(found.items()):
        c = compare(baseline, revision)
        if (
            c.gain is None
        ):  # a gain that rests on test examples which are gone counts: the whole has a verdict without them
            notes.append(f"{quoted(revision.name)} is no rung: {c.why[0] if c.why else 'no seed in common'}")
        else:
            kept[size] = _rung(int(revision.json(METRICS)["train_examples"]), c)
    return kept
