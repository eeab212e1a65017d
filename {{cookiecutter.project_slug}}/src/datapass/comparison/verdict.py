"""The verdict on a data change: does the candidate's data help the frozen model, and how sure is that?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..files.paths import CLASSES, PREDICTIONS, TEST
from ..messages.problems import Refusal, quoted
from . import statistics
from .datadiff import DataDiff, diff
from .frozen import Frozen, compare_models
from .revisions import Revision
from .stale import stale
from .statistics import Interval

HELPS, HURTS, NO_DIFFERENCE = "helps", "hurts", "no detectable difference"
DEPENDS, NOT_COMPARABLE = "depends on the labels", "not comparable"
MIN_SEEDS = 3
MIN_SLICE = 30  # test examples under which a slice or class gets no verdict
MIN_UNITS = 5  # groups of test examples: fewer say nothing of the next one


@dataclass(frozen=True)
class Part:
    """The gain on one class or slice.

    Attributes:
        name: the class, or `column = value`.
        examples: test examples in it.
        old, new: accuracy of baseline and candidate in it.
        gain: with its interval.
        p: Holm's adjusted p-value over all parts of the same table; NaN under MIN_SLICE examples.
    """

    name: str
    examples: int
    old: float
    new: float
    gain: Interval
    p: float

    @property
    def verdict(self) -> str:
        """`helps`, `hurts`, or nothing where it is too small or not detectable."""
        if not self.p < 1 - statistics.LEVEL:
            return ""
        return HELPS if self.gain.mean > 0 else HURTS


@dataclass(frozen=True)
class Ruler:
    """What test labels that changed do to the result: accuracies as [trained on old or new][scored on old or new].

    Attributes:
        relabelled: test examples whose label changed.
        scores: 2x2 accuracies.
        unchanged: the gain on the test examples whose label did not change.
        by_old: the gain by the old labels.
    """

    relabelled: int
    scores: list[list[float]]
    unchanged: Interval
    by_old: Interval

    @property
    def moved(self) -> float:
        """What the baseline gains by the new labels alone; never a gain of the data it trained on."""
        return self.scores[0][1] - self.scores[0][0]


@dataclass(frozen=True)
class Comparison:
    """A candidate compared with a baseline.

    Attributes:
        verdict: one of the five verdicts.
        why: reasons for `not comparable`, each a sentence.
        mend: what would make it comparable.
        seeds: names of the seeds both have.
        examples: test examples both were scored on.
        units: how many independent draws these are, see `statistics.units_of`.
        excluded: {reason: ids} of test examples left out.
        old, new: accuracy on the shared examples by the candidate's labels.
        gain, macro_f1: of the candidate over the baseline.
        classes, slices: the gain by class of the label and by metadata column.
        ruler: present where test labels changed.
        flips: test examples where most seeds changed between right and wrong.
        mcnemar: with one seed: only the baseline right, only the candidate right, p.
        looks: data revisions that were scored on this test set; None where it was not asked.
        warnings: what a reader should know besides.
    """

    baseline: Revision
    candidate: Revision
    verdict: str
    frozen: Frozen
    data: DataDiff
    why: list[str] = field(default_factory=list)
    mend: list[str] = field(default_factory=list)
    seeds: list[str] = field(default_factory=list)
    examples: int = 0
    units: int = 0
    excluded: dict[str, list[str]] = field(default_factory=dict)
    old: float = float("nan")
    new: float = float("nan")
    gain: Interval | None = None
    macro_f1: Interval | None = None
    classes: list[Part] = field(default_factory=list)
    slices: list[Part] = field(default_factory=list)
    ruler: Ruler | None = None
    flips: pd.DataFrame | None = None
    mcnemar: tuple[int, int, float] | None = None
    looks: int | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scored:
    """What both revisions answered on the test examples they share, as codes of `classes`.

    Attributes:
        table: id, old_label, new_label and the metadata of the test examples (n).
        old, new: answers of baseline and candidate (S x n).
        labels: old and new label codes (each n).
        excluded: {reason: ids} of test examples left out.
        sizes: test examples that count, in baseline and candidate.
        counts: whether an example counts in both; the others one of the two dropped (n, bool).
        lost: whether the baseline was right about each example that counts in its test set and that the candidate's
            does not hold any more, or holds with another input (lost examples x S, bool).
    """

    table: pd.DataFrame
    classes: list[str]
    seeds: list[str]
    old: np.ndarray
    new: np.ndarray
    labels: tuple[np.ndarray, np.ndarray]
    excluded: dict[str, list[str]]
    sizes: tuple[int, int]
    counts: np.ndarray
    lost: np.ndarray

    @cached_property
    def units(self) -> np.ndarray:
        """The independent draw that each example belongs to (n, int)."""
        return statistics.units_of(self.table)

    def of(self, rows: np.ndarray) -> "Scored":
        """Return the same for some of the examples (mask of n)."""
        return replace(
            self,
            table=self.table[rows].reset_index(drop=True),
            old=self.old[:, rows],
            new=self.new[:, rows],
            labels=(self.labels[0][rows], self.labels[1][rows]),
            counts=self.counts[rows],
        )

    def right(self, arm: int, label: int) -> np.ndarray:
        """Return whether the answers of arm 0 (baseline) or 1 (candidate) agree with label set 0 or 1 (n x S)."""
        return ((self.old, self.new)[arm] == self.labels[label]).T

    def gain(self, label: int = 1) -> Interval:
        """Return the gain by the old (0) or the new labels (1)."""
        return statistics.crossed_interval(self.right(1, label).astype(float) - self.right(0, label), self.units)

    def worst(self, verdict: str) -> Interval:
        """Return the gain with all lost examples counted against a verdict: as broken, or as fixed, by the candidate."""
        lost = -self.lost.astype(float) if verdict == HELPS else 1.0 - self.lost
        seen = self.right(1, 1).astype(float) - self.right(0, 1)
        units = np.concatenate([self.units, len(seen) + np.arange(len(lost))])
        return statistics.crossed_interval(np.concatenate([seen, lost]), units)


def score(baseline: Revision, candidate: Revision, renamed: Mapping[str, str]) -> Scored:
    """Read the stored answers of two revisions and line them up by test example and seed.

    Args:
        renamed: classes of the baseline that have another name in the candidate, see `datadiff.renamed`.
    """
    answers, tests = [], []
    for revision in (baseline, candidate):
        answers.append(revision.table(PREDICTIONS).set_index("id"))
        test = revision.table(TEST).set_index("id")
        tests.append(test)
        if not answers[-1].index.is_unique or set(answers[-1].index) != set(test.index):
            raise Refusal(
                f"{revision.name}: reports/predictions.csv is not of its test set; run `dvc repro` there and commit."
            )
    if renamed:
        said = [column for column in answers[0] if column.startswith("seed_")]
        answers[0][said], tests[0]["label"] = answers[0][said].replace(renamed), tests[0]["label"].replace(renamed)
    ids = answers[0].index.intersection(answers[1].index, sort=True)
    changed = (tests[0].loc[ids, "input"] != tests[1].loc[ids, "input"]).to_numpy()
    counts = [(test["weight"] == "1") for test in tests]
    here, there = (count[ids].to_numpy() for count in counts)
    excluded = {
        "only in the baseline's test set": sorted(set(tests[0].index[counts[0]]) - set(ids)),
        "only in the candidate's test set": sorted(set(tests[1].index[counts[1]]) - set(ids)),
        "with another input": list(ids[changed & here & there]),
        "that only the candidate dropped": list(ids[~changed & here & ~there]),
        "that only the baseline dropped": list(ids[~changed & ~here & there]),
    }
    gone = tests[0].index[counts[0]].difference(ids[~changed])
    kept = ids[~changed & (here | there)]
    both = (counts[0][kept] & counts[1][kept]).to_numpy()
    ids = kept
    seeds = [column for column in answers[0].columns if column.startswith("seed_") and column in answers[1].columns]
    old_answers, new_answers = (table.loc[ids, seeds] for table in answers)
    labels = [table.loc[ids, "label"] for table in tests]
    words = pd.unique(pd.concat([*labels, *(t[s] for t in (old_answers, new_answers) for s in seeds)]))
    classes = sorted(words)
    code = {name: number for number, name in enumerate(classes)}
    table = (
        tests[1]
        .loc[ids]
        .drop(columns=["given_label", "weight", "row", "passes"])
        .rename(columns={"label": "new_label"})
    )
    table.insert(0, "old_label", labels[0])

    def coded(frame: pd.DataFrame) -> np.ndarray:
        shape = (len(seeds), len(ids))
        return np.array([frame[s].map(code).to_numpy(np.int64) for s in seeds], dtype=np.int64).reshape(shape)

    old_codes, new_codes = (series.map(code).to_numpy(np.int64) for series in labels)
    return Scored(
        table.reset_index(),
        classes,
        seeds,
        coded(old_answers),
        coded(new_answers),
        (old_codes, new_codes),
        {reason: left_out for reason, left_out in excluded.items() if left_out},
        (int(counts[0].sum()), int(counts[1].sum())),
        both,
        answers[0].loc[gone, seeds].eq(tests[0].loc[gone, "label"], axis=0).to_numpy(),
    )


def parts(names: Sequence[tuple[str, np.ndarray]], old: np.ndarray, new: np.ndarray, units: np.ndarray) -> list[Part]:
    """Return the gain on each named subset (mask of n) of scores (n x S), with Holm's correction over those tested.

    A subset of under MIN_SLICE examples is not tested, and none is with under MIN_SEEDS seeds.
    """
    enough = old.shape[1] >= MIN_SEEDS
    gains = [statistics.crossed_interval(new[mask].astype(float) - old[mask], units[mask]) for _, mask in names]
    tested = [g.p if enough and mask.sum() >= MIN_SLICE else np.nan for g, (_, mask) in zip(gains, names, strict=True)]
    return [
        Part(name, int(mask.sum()), float(old[mask].mean()), float(new[mask].mean()), gain, float(p))
        for (name, mask), gain, p in zip(names, gains, statistics.holm(tested), strict=True)
    ]


def slice_masks(table: pd.DataFrame, most: int = 20) -> list[tuple[str, np.ndarray]]:
    """Return the slices of a table of test examples: each value of each metadata column of 2 to `most` values."""
    masks = []
    for column in table.columns:
        if column in ("id", "old_label", "new_label", "input", "text", "group"):
            continue
        values = sorted(table[column].unique())
        if 2 <= len(values) <= most:
            masks += [(f"{column} = {value or '(empty)'}", (table[column] == value).to_numpy()) for value in values]
    return masks


def flips(scored: Scored, old: np.ndarray, new: np.ndarray) -> pd.DataFrame:
    """Return the test examples that most seeds got wrong before and right now, or the reverse.

    Columns: id, flip (`fixed` or `broken`), label, old and new (the answers most seeds gave), seeds (gained or lost).
    """
    change = new.sum(axis=1) - old.sum(axis=1)
    half = len(scored.seeds) / 2
    fixed = (old.sum(axis=1) < half) & (new.sum(axis=1) > half)
    broken = (old.sum(axis=1) > half) & (new.sum(axis=1) < half)
    names = np.array(scored.classes, dtype=object)

    def votes(answers: np.ndarray, right: np.ndarray) -> np.ndarray:
        counts = (answers[:, :, None] == np.arange(len(names))).sum(axis=0)
        # Where most seeds were wrong, in different ways, the label may still be the most frequent single answer.
        wrong = np.flatnonzero(right.sum(axis=1) < half)
        counts[wrong, scored.labels[1][wrong]] = -1
        return names[counts.argmax(axis=1)]

    found = pd.DataFrame(
        {
            "id": scored.table["id"],
            "flip": np.where(fixed, "fixed", "broken"),
            "label": scored.table["new_label"],
            "old": votes(scored.old, old),
            "new": votes(scored.new, new),
            "seeds": change,
        }
    )[fixed | broken]
    order = np.lexsort([found["id"].to_numpy(dtype=object), -found["seeds"].abs().to_numpy(), found["flip"] == "fixed"])
    return found.iloc[order].reset_index(drop=True)


def compare(baseline: Revision, candidate: Revision) -> Comparison:
    """Compare two data revisions: first whether they can be compared at all, then by how much they differ."""
    frozen, data = compare_models(baseline, candidate), diff(baseline, candidate)
    wider = score(baseline, candidate, data.renamed)
    scored = wider.of(wider.counts)
    why, mend, warnings = objections(baseline, candidate, frozen, data, scored)
    common: dict[str, Any] = {
        "baseline": baseline,
        "candidate": candidate,
        "frozen": frozen,
        "data": data,
        "seeds": scored.seeds,
        "examples": len(scored.table),
        "units": len(np.unique(scored.units)),
        "excluded": scored.excluded,
        "warnings": warnings,
    }
    if why:
        return Comparison(verdict=NOT_COMPARABLE, why=why, mend=mend, **common)
    old, new = scored.right(0, 1), scored.right(1, 1)
    gain, ruler = scored.gain(), measure_ruler(scored)
    verdict, why, mend = judge(scored, wider, gain, ruler)
    mcnemar = None
    if len(scored.seeds) == 1:
        b, c = int((old & ~new).sum()), int((new & ~old).sum())
        mcnemar = (b, c, statistics.mcnemar(b, c)[0])
    by_class = [(name, scored.labels[1] == code) for code, name in enumerate(scored.classes)]
    return Comparison(
        verdict=verdict,
        why=why,
        mend=mend,
        old=float(old.mean()),
        new=float(new.mean()),
        gain=gain,
        macro_f1=statistics.macro_f1_interval(
            scored.labels[1], scored.old, scored.new, len(scored.classes), scored.units
        ),
        classes=parts([(name, mask) for name, mask in by_class if mask.any()], old, new, scored.units),
        slices=parts(slice_masks(scored.table), old, new, scored.units),
        ruler=ruler,
        flips=flips(scored, old, new),
        mcnemar=mcnemar,
        **common,
    )


def measure_ruler(scored: Scored) -> Ruler | None:
    """Return what the changed test labels do, or None where none changed."""
    same = scored.labels[0] == scored.labels[1]
    if same.all():
        return None
    scores = [[float(scored.right(arm, label).mean()) for label in (0, 1)] for arm in (0, 1)]
    return Ruler(int((~same).sum()), scores, scored.of(same).gain(), scored.gain(0))


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
            dropped, points = len(wider.table) - len(scored.table), 100 * whole.mean
            why = f"the verdict rests on {dropped:,} dropped test examples: with them the gain is {points:+.2f} points"
            return NOT_COMPARABLE, [why], [f"Drop test examples {apart}"]
    if len(scored.lost) and verdict != NO_DIFFERENCE and verdict_of(scored.worst(verdict)) != verdict:
        why = f"the verdict rests on {len(scored.lost):,} test examples that the candidate's test set does not hold as they were"
        return NOT_COMPARABLE, [why], [f"Take test examples away, or replace their inputs, {apart}"]
    if ruler is not None:
        depends = verdict_of(ruler.by_old) != verdict
        if verdict == NO_DIFFERENCE:
            depends |= verdict_of(ruler.unchanged) != verdict
        else:
            depends |= gain.mean * ruler.unchanged.mean <= 0
        verdict = DEPENDS if depends else verdict
    return verdict, [], []


def objections(
    baseline: Revision, candidate: Revision, frozen: Frozen, data: DataDiff, scored: Scored
) -> tuple[list[str], list[str], list[str]]:
    """Return why two revisions cannot be compared, what would mend it, and warnings."""
    why, mend, warnings = [], [], []
    for revision in (baseline, candidate):
        outdated, unknown = stale(revision)
        warnings += unknown
        why += [f"the results of {revision.name} are stale: {what}" for what in outdated]
        if outdated:
            commit = "" if revision.commit is None else " and commit what it writes"
            mend.append(
                f"Run `dvc repro` on {revision.name}{commit}; where that finds nothing to do, Git and DVC "
                "see other files: name those that Git ignores in .dvcignore too."
            )
    why += [f"the model changed: {what}" for what in frozen.model]
    if frozen.model and all(what.startswith("environment: ") for what in frozen.model):
        mend.append(
            "Run `dvc repro --force train evaluate` on the baseline in the candidate's environment, and commit."
        )
    elif frozen.model:
        mend.append(
            "Change the data or the model, not both: take the model's change back, or run the baseline's data with the new "
            "model first (`dvc exp run` on the baseline after the same change) and compare with that."
        )
    lists = [list(revision.table(CLASSES)["class"].replace(data.renamed)) for revision in (baseline, candidate)]
    if lists[0] != lists[1]:
        gone, come = ([quoted(name) for name in lists[i] if name not in lists[1 - i]] for i in (0, 1))
        change = [f"{word} {', '.join(names)}" for word, names in (("gone", gone), ("new", come)) if names]
        why.append(f"the classes changed: {', '.join(change) or 'they are in another order'}")
        mend.append(
            "Apply the passes that change classes to both sides: make a baseline that has them and nothing else."
        )
    shared, units = len(scored.table), len(np.unique(scored.units))
    if units < min(shared, MIN_UNITS):
        why.append(f"the test examples are of {units} groups only; a verdict needs at least {MIN_UNITS}")
        mend.append("Collect test examples of more groups: a few say nothing of the next one.")
    if shared < MIN_SLICE and shared == max(scored.sizes):
        why.append(f"{shared} test examples are too few to tell a gain from luck; a verdict needs at least {MIN_SLICE}")
        mend.append("Collect test examples, or give `split.test` in conf/data a larger share.")
    elif 2 * shared < max(scored.sizes) or shared < MIN_SLICE:
        reasons = ", ".join(f"{len(ids):,} {reason}" for reason, ids in scored.excluded.items())
        why.append(f"the test set changed: only {shared:,} examples are in both ({reasons})")
        mend.append("Keep the test set fixed while the training data changes; change it in a pull request of its own.")
    if not frozen.model:
        trained = baseline.yaml("dvc.lock")["stages"]["train"]["params"]["params.yaml"]["seeds"]
        if len(trained) != len(scored.seeds):
            why.append(f"{len(trained)} seeds were trained, and {len(scored.seeds)} have answers in both revisions")
            mend.append("Run `dvc repro` on both revisions and commit what it writes.")
    return why, mend, warnings
