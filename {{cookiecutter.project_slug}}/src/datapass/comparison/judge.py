"""The rules by which a verdict is given: on the whole test set, and on each part of it alike."""

from dataclasses import dataclass

from .lineup import MIN_SEEDS, Scored
from .statistics import Interval

HELPS, HURTS, NO_DIFFERENCE = "helps", "hurts", "no detectable difference"
DEPENDS, NOT_COMPARABLE = "depends on the labels", "not comparable"


@dataclass(frozen=True)
class Ruler:
    """What test labels that changed do to the result: the metric as [trained on old or new][scored on old or new].

    Attributes:
        relabelled: test examples whose label changed.
        scores: 2x2, of the metric.
        unchanged: the gain on the test examples whose label did not change.
        by_old: the gain by the old labels.
        better: 1 where more of the metric is better, -1 where less is.
    """

    relabelled: int
    scores: list[list[float]]
    unchanged: Interval
    by_old: Interval
    better: int = 1

    @property
    def moved(self) -> float:
        """What the baseline gains by the new labels alone; never a gain of the data it trained on."""
        return self.better * (self.scores[0][1] - self.scores[0][0])


def measure_ruler(scored: Scored) -> Ruler | None:
    """Return what the changed test labels do, or None where none changed."""
    same = scored.labels[0] == scored.labels[1]
    if same.all():
        return None
    scores = [[scored.level(arm, label) for label in (0, 1)] for arm in (0, 1)]
    return Ruler(int((~same).sum()), scores, scored.gain(rows=same), scored.gain(0), scored.metric.better)


def verdict_of(gain: Interval) -> str:
    """Return the verdict of a gain alone."""
    return HELPS if gain.low > 0 else HURTS if gain.high < 0 else NO_DIFFERENCE


def judge(scored: Scored, wider: Scored, gain: Interval, ruler: Ruler | None) -> tuple[str, list[str], list[str]]:
    """Return the verdict, why there is none, and what would mend that.

    Test examples that were relabelled, dropped or taken away after someone saw the answers can make a gain of nothing. So
    a verdict has to stand by the old labels too, and with the dropped examples, and whatever the candidate would have
    answered on those that are gone.
    """
    if len(scored.seeds) < MIN_SEEDS:
        why = f"{len(scored.seeds)} seeds are too few to tell a gain from luck; a verdict needs at least {MIN_SEEDS}"
        mend = "Put at least 3 numbers into `seeds` in conf/config.yaml and run `dvc repro` on both revisions."
        return NOT_COMPARABLE, [why], [mend]
    verdict, apart = verdict_of(gain), "in a pull request of their own, without looking at what a model answers."
    if len(wider.table) > len(scored.table):
        whole = wider.gain()
        if verdict_of(whole) != verdict:
            dropped = len(wider.table) - len(scored.table)
            shown = f"{scored.metric.difference(whole.mean)} {scored.metric.of}"
            why = f"the verdict rests on {dropped:,} dropped test examples: with them the gain is {shown}"
            return NOT_COMPARABLE, [why], [f"Drop test examples {apart}"]
    lost = len(scored.lost[0])
    if lost and verdict != NO_DIFFERENCE and verdict_of(scored.worst(verdict == HELPS)) != verdict:
        why = f"the verdict rests on {lost:,} test examples that the candidate's test set does not hold as they were"
        return (
            NOT_COMPARABLE,
            [why],
            [
                f"Take test examples away, or replace their inputs, {apart} Where the candidate only lacks them, merge the baseline "
                "into it, and `dvc repro` there."
            ],
        )
    if ruler is not None:
        depends = verdict_of(ruler.by_old) != verdict
        if verdict == NO_DIFFERENCE:
            depends |= verdict_of(ruler.unchanged) != verdict
        else:
            depends |= gain.mean * ruler.unchanged.mean <= 0
        verdict = DEPENDS if depends else verdict
    return verdict, [], []
