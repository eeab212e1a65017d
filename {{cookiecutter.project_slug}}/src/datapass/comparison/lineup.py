"""Both sides' stored answers, lined up by test example and seed, and what can be asked of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..data.examples import counts as counting
from ..data.examples import metadata
from ..files.paths import CLASSES, PREDICTIONS, TEST
from ..files.tables import strings
from ..messages.problems import Refusal
from .crossed import Components, components, gain_arms, units_of
from .f_score import f1, f1_intervals
from .metric import MACRO_F1, Metric
from .revisions import Revision
from .statistics import Interval

MIN_SEEDS = 3
MIN_SLICE = 30  # test examples under which a slice or class gets no verdict
ONLY_CANDIDATE = "only in the candidate's test set"
MIN_UNITS = 5  # groups of test examples: fewer say nothing of the next one


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
        paired: whether a seed is the same training on both sides, but for the data.
        lost: label codes (m) and the baseline's answers (S x m) of the examples that count in its test set and that the
            candidate's does not hold any more, or holds with another input.
        metric: what a gain is of.
        lost_ids: ids of `lost` (m).
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
    lost: tuple[np.ndarray, np.ndarray]
    paired: bool = True
    metric: Metric = field(default_factory=Metric)
    lost_ids: list[str] = field(default_factory=list)

    @cached_property
    def units(self) -> np.ndarray:
        """The independent draw that each example belongs to (n, int)."""
        return units_of(self.table)

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

    def level(self, arm: int, label: int = 1, rows: np.ndarray | slice = slice(None)) -> float:
        """Return the metric of arm 0 (baseline) or 1 (candidate) by label set 0 or 1, as the mean over the seeds."""
        return self.metric.level(self.labels[label][rows], (self.old, self.new)[arm][:, rows], self.classes)

    def gain(self, label: int = 1, rows: np.ndarray | slice = slice(None), metric: Metric | None = None) -> Interval:
        """Return the gain by the old (0) or the new labels (1), on some of the examples (mask or places), on their own.

        Balanced accuracy and macro-F1 of a part are those of its examples: within one class the accuracy there.

        Args:
            metric: another than the chosen one.
        """
        truth, old, new = self.labels[label][rows], self.old[:, rows], self.new[:, rows]
        return (metric or self.metric).gain(truth, old, new, self.classes, self.units[rows], self.paired)

    def components(self) -> Components | None:
        """Return the components of the variance of the gain by the new labels; None for macro-F1, which has none."""
        if self.metric.name == MACRO_F1:
            return None
        old, new = (self.metric.scores(self.labels[1], side, self.classes) for side in (self.old, self.new))
        return components(gain_arms(old, new, self.paired), self.units)

    def by_class(self) -> list[tuple[str, int, float, float, Interval]]:
        """Return each class that has examples by the new labels: name, how many, both levels and the gain.

        With macro-F1 these are the F1 of the class, which all the answers make, not only those to its examples.
        """
        truth, number = self.labels[1], len(self.classes)
        rows = grouped(truth, number)
        there = [(code, name) for code, name in enumerate(self.classes) if len(rows[code])]
        if self.metric.name != MACRO_F1:
            return [(name, len(rows[code]), *self.part(rows[code])) for code, name in there]
        gains = f1_intervals(truth, [self.old, self.new], number, self.units, self.paired)
        old, new = (f1(truth, side, number).mean(axis=0) for side in (self.old, self.new))
        return [(name, len(rows[code]), float(old[code]), float(new[code]), gains[code]) for code, name in there]

    def part(self, rows: np.ndarray) -> tuple[float, float, Interval]:
        """Return both levels and the gain on some of the examples (their places), by the new labels."""
        return self.level(0, rows=rows), self.level(1, rows=rows), self.gain(rows=rows)

    def worst(self, helps: bool) -> Interval:
        """Return the gain with all lost examples counted against it: as answered worst by the candidate, or best."""
        labels, answers = self.lost
        truth = np.concatenate([self.labels[1], labels])
        guessed = self.metric.extreme(self.labels[1], self.new, labels, self.classes, best=not helps)
        old, new = np.hstack([self.old, answers]), np.hstack([self.new, guessed])
        units = np.concatenate([self.units, len(self.table) + np.arange(len(labels))])
        return self.metric.gain(truth, old, new, self.classes, units, self.paired)


def score(
    baseline: Revision, candidate: Revision, renamed: Mapping[str, str], paired: bool, metric: Metric | None = None
) -> Scored:
    """Read the stored answers of two revisions and line them up by test example and seed.

    Args:
        renamed: classes of the baseline that have another name in the candidate, see `datadiff.renamed`.
        paired, metric: see `Scored`.
    """
    answers, tests = [], []
    for revision in (baseline, candidate):
        answers.append(revision.table(PREDICTIONS).set_index("id"))
        test = revision.table(TEST).set_index("id")
        tests.append(test)
        if not answers[-1].index.is_unique or not _same(answers[-1].index, test.index):
            raise Refusal(
                f"{revision.name}: reports/predictions.csv is not of its test set; run `dvc repro` there and commit."
            )
    if renamed:
        said = [column for column in answers[0] if column.startswith("seed_")]
        answers[0][said], tests[0]["label"] = answers[0][said].replace(renamed), tests[0]["label"].replace(renamed)
    ids = answers[0].index.intersection(answers[1].index, sort=True)
    changed = (tests[0].loc[ids, "input"] != tests[1].loc[ids, "input"]).to_numpy()
    counts = [counting(test) for test in tests]
    here, there = (count[ids].to_numpy() for count in counts)
    excluded = {
        "only in the baseline's test set": _without(tests[0].index[counts[0]], ids),
        ONLY_CANDIDATE: _without(tests[1].index[counts[1]], ids),
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
    lost, lost_labels = answers[0].loc[gone, seeds], tests[0].loc[gone, "label"]
    said_words = [*labels, lost_labels, *(t[s] for t in (old_answers, new_answers, lost) for s in seeds)]
    # All classes, as the worst answer to what is gone may be one that nobody gave.
    classes = sorted({*pd.unique(pd.concat(said_words)), *candidate.table(CLASSES)["class"]})
    table = (
        tests[1]
        .loc[ids]
        .drop(columns=["given_label", "weight", "row", "passes"])
        .rename(columns={"label": "new_label"})
    )
    table.insert(0, "old_label", labels[0])

    def coded(frame: pd.DataFrame) -> np.ndarray:
        return np.stack([codes(frame[s], classes) for s in seeds]) if seeds else np.empty((0, len(frame)), np.int64)

    return Scored(
        table.reset_index(),
        classes,
        seeds,
        coded(old_answers),
        coded(new_answers),
        (codes(labels[0], classes), codes(labels[1], classes)),
        {reason: left_out for reason, left_out in excluded.items() if left_out},
        (int(counts[0].sum()), int(counts[1].sum())),
        both,
        (codes(lost_labels, classes), coded(lost)),
        paired,
        metric or Metric(),
        list(gone),
    )


def _same(one: pd.Index, other: pd.Index) -> bool:
    return one.equals(other) or set(one) == set(other)  # the second makes a word of Python's of each


def draws(units: np.ndarray) -> int:
    """Return how many independent draws some examples are, by the number of each one's unit (n, int)."""
    return int(np.count_nonzero(np.bincount(units)))


def codes(column: pd.Series, names: list[str]) -> np.ndarray:
    """Return the place of each text among `names`, which hold it (n, int64)."""
    said = strings(column)
    return pc.index_in(said, value_set=pa.array(names, said.type)).to_numpy().astype(np.int64)


def _without(ids: pd.Index, others: pd.Index) -> list[str]:
    """Return those ids that are not among the others, each of which is there once, sorted."""
    return sorted(ids[others.get_indexer(ids) < 0])


def grouped(codes: np.ndarray, number: int) -> list[np.ndarray]:
    """Return the places of each of `number` codes (n, int), each in order; all of them together are n places."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=number))[:-1])


def slices(table: pd.DataFrame, most: int = 20) -> Iterator[tuple[str, np.ndarray]]:
    """Give the slices of a table of examples, each value of each metadata column of 2 to `most` values: name and places."""
    for column in metadata(table.columns, besides=("old_label", "new_label")):
        codes, values = pd.factorize(table[column])
        if 2 <= len(values) <= most:
            rows = dict(zip(values, grouped(codes, len(values)), strict=True))
            for value in sorted(rows):
                yield f"{column} = {value or '(empty)'}", rows[value]


def flips(scored: Scored, old: np.ndarray, new: np.ndarray) -> pd.DataFrame:
    """Return the test examples that most seeds got wrong before and right now, or the reverse.

    Columns: id, flip (`fixed` or `broken`), label, old and new (the answers most seeds gave), seeds (gained or lost).
    """
    change = new.sum(axis=1) - old.sum(axis=1)
    half = len(scored.seeds) / 2
    fixed = (old.sum(axis=1) < half) & (new.sum(axis=1) > half)
    broken = (old.sum(axis=1) > half) & (new.sum(axis=1) < half)
    names, turned = np.array(scored.classes, dtype=object), np.flatnonzero(fixed | broken)

    def votes(answers: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the most frequent answer, of equally frequent ones the first class."""
        said, last = answers[:, turned], len(names) - 1
        votes = sum((said == one).astype(np.int64) for one in said)  # that each seed's answer got
        # Where most seeds were wrong, in different ways, the label may still be the most frequent single answer.
        votes = np.where((said == scored.labels[1][turned]) & (right[turned].sum(axis=1) < half), 0, votes)
        best = (votes * len(names) + last - said).max(axis=0)
        return names[last - best % len(names)]

    found = pd.DataFrame(
        {
            "id": scored.table["id"].iloc[turned],
            "flip": np.where(fixed, "fixed", "broken")[turned],
            "label": scored.table["new_label"].iloc[turned],
            "old": votes(scored.old, old),
            "new": votes(scored.new, new),
            "seeds": change[turned],
        }
    )
    order = np.lexsort([found["id"].to_numpy(dtype=object), -found["seeds"].abs().to_numpy(), found["flip"] == "fixed"])
    return found.iloc[order].reset_index(drop=True)
