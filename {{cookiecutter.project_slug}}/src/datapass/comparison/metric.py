"""The metric that a verdict is about, `evaluate.metric` in conf/config.yaml: its rule, its unit, how its numbers are shown.

Accuracy, balanced accuracy and cost are means of a score an example, so the interval over seeds and examples holds for
them as it is; macro-F1 is none, `f_score` has its interval. A gain is positive where the candidate is better, whatever
the metric: of a cost it is what is saved.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..messages.problems import Problem, Refusal, near_miss, quoted
from . import crossed
from .f_score import macro_f1, macro_f1_interval
from .statistics import Interval

ACCURACY, BALANCED, MACRO_F1, COST = "accuracy", "balanced_accuracy", "macro_f1", "cost"
LABELS = {ACCURACY: "accuracy", BALANCED: "balanced accuracy", MACRO_F1: "macro-F1", COST: "cost"}


@dataclass(frozen=True)
class Metric:
    """A metric. Truth is class codes (n), answers are class codes (S x n), and `classes` the names of the codes.

    Attributes:
        name: one of LABELS.
        costs: {right class: {answer: cost}}, for `cost` alone; pairs that are missing cost 0 where right, else 1.
    """

    name: str = ACCURACY
    costs: Mapping[str, Mapping[str, float]] | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Metric":
        """Return the metric of the settings `evaluate`; of those from before there was a choice, accuracy.

        Raises:
            Refusal: where it is none that this version knows.
        """
        name, costs = given.get("metric", ACCURACY), given.get("costs")
        try:
            pairs = (
                None
                if costs is None
                else {str(right): {str(k): float(v) for k, v in row.items()} for right, row in costs.items()}
            )
        except (AttributeError, TypeError, ValueError):
            raise Refusal("evaluate.costs is no {right class: {answer: cost}}.") from None
        if name not in LABELS:
            raise Refusal(f"evaluate.metric is {quoted(name)}, which is none of {', '.join(LABELS)}.")
        return cls(name, pairs if name == COST else None)

    def renamed(self, names: Mapping[str, str]) -> "Metric":
        """Return the same metric for classes of other names, as {old: new}."""
        if self.costs is None:
            return self
        return replace(
            self,
            costs={
                names.get(right, right): {names.get(answer, answer): cost for answer, cost in row.items()}
                for right, row in self.costs.items()
            },
        )

    def check(self, classes: Sequence[str]) -> None:
        """Raise Refusal where `costs` names classes that are none, all of them in one sentence."""
        pairs = (self.costs or {}).items()
        unknown = [n for n in dict.fromkeys(n for right, row in pairs for n in (right, *row)) if n not in classes]
        if unknown:
            listed = ", ".join(quoted(name) for name in unknown)
            are = "is no class" if len(unknown) == 1 else "are no classes"
            what = f"evaluate.costs: {listed} {are}{near_miss(unknown[0], classes)}"
            raise Refusal([Problem("conf/config.yaml", what)])

    @property
    def label(self) -> str:
        """Its name in words."""
        return LABELS[self.name]

    @property
    def better(self) -> int:
        """1 where more is better, -1 where less is."""
        return -1 if self.name == COST else 1

    @property
    def scale(self) -> int:
        """By what a number is multiplied to be in `unit`."""
        return 1 if self.name == COST else 100

    @property
    def unit(self) -> str:
        """The unit of a gain as it is shown."""
        return "cost per example" if self.name == COST else "points"

    @property
    def of(self) -> str:
        """What a gain is, after its number."""
        return "cost per example saved" if self.name == COST else f"points of {self.label}"

    def matrix(self, classes: Sequence[str]) -> np.ndarray:
        """Return the cost of each answer by right class (K x K), 0 and 1 where `costs` says nothing else."""
        found = 1.0 - np.eye(len(classes))
        code = {name: number for number, name in enumerate(classes)}
        for right, row in (self.costs or {}).items():
            for answer, cost in row.items():
                if right in code and answer in code:
                    found[code[right], code[answer]] = cost
        return found

    def scores(self, truth: np.ndarray, answers: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Return a score for each example and seed (n x S) whose mean is the metric, of a cost with the sign turned.

        Accuracy: 1 for right, 0 for wrong. Balanced accuracy, the mean of the recalls of the K classes that occur: a right
        answer scores n / (K n_class). That takes the classes' numbers of examples as given, so the interval is that of
        test sets with the same numbers; where classes gain differently it is a little too wide, as the examples' spread
        counts the differences between classes too. A class of few examples weighs as much as any other, and the fewer
        they are the wider the interval gets. Cost: minus the cost of the answer.

        Raises:
            ValueError: for macro-F1, which is no mean over examples.
        """
        if self.name == MACRO_F1:
            raise ValueError("macro-F1 is no mean of a score an example")
        if self.name == COST:
            return -self.matrix(classes)[truth[:, None], answers.T]
        right = (answers == truth).T.astype(float)
        if self.name == BALANCED:
            counts = np.bincount(truth, minlength=len(classes))
            right *= (len(truth) / (np.count_nonzero(counts) * counts[truth]))[:, None]
        return right

    def span(self, truth: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Return by how much the score of each example can change (n); of macro-F1 as of balanced accuracy, about."""
        if self.name == COST:
            matrix = self.matrix(classes)
            return np.ptp(matrix, axis=1)[truth]
        if self.name == ACCURACY:
            return np.ones(len(truth))
        return Metric(BALANCED).scores(truth, truth[None], classes)[:, 0]

    def level(self, truth: np.ndarray, answers: np.ndarray, classes: Sequence[str]) -> float:
        """Return the metric itself, as the mean over the seeds: of a cost what an answer costs, 0 or more."""
        if self.name == MACRO_F1:
            return float(macro_f1(truth, answers, len(classes)).mean())
        return 0.0 + self.better * float(self.scores(truth, answers, classes).mean())

    def interval(self, truth: np.ndarray, answers: np.ndarray, classes: Sequence[str], units: np.ndarray) -> Interval:
        """Return `level` with its interval over seeds and examples, cut to what it can be; `units` (n) as in `crossed`."""
        if self.name == MACRO_F1:
            found = macro_f1_interval(truth, [answers], len(classes), units)
        else:
            found = crossed.crossed_interval(self.scores(truth, answers, classes), units)
        if self.better < 0:
            found = replace(found, mean=0.0 - found.mean, low=0.0 - found.high, high=0.0 - found.low)
        most = np.inf if self.name == COST else 1.0
        low, high = np.clip([found.low, found.high], 0.0, most)  # NaN stays
        return replace(found, low=float(low), high=float(high))

    def gain(
        self,
        truth: np.ndarray,
        old: np.ndarray,
        new: np.ndarray,
        classes: Sequence[str],
        units: np.ndarray | None = None,
        paired: bool = True,
    ) -> Interval:
        """Return what the answers `new` gain over `old` on these examples, with its interval; see `crossed`."""
        if self.name == MACRO_F1:
            return macro_f1_interval(truth, [old, new], len(classes), units, paired)
        before, after = (self.scores(truth, answers, classes) for answers in (old, new))
        return crossed.gain_interval(before, after, units, paired)

    def extreme(
        self, truth: np.ndarray, answers: np.ndarray, lost: np.ndarray, classes: Sequence[str], best: bool
    ) -> np.ndarray:
        """Return the best or the worst answers (S x m) to examples with the labels `lost` (m), beside those there are.

        For macro-F1 the worst depend on all the others: each wrong answer in turn is the one that lowers it most.
        """
        if self.name == COST:
            matrix = self.matrix(classes)
            found = (matrix.argmin(axis=1) if best else matrix.argmax(axis=1))[lost]
        elif best or self.name != MACRO_F1:
            found = lost if best else (lost + 1) % len(classes)
        else:
            return np.stack([_lowest_f1(truth, row, lost, len(classes)) for row in answers])
        return np.tile(found, (len(answers), 1))

    def score(self, value: float) -> str:
        """Return a level as it is shown, such as 92.30 % or, for a cost, 0.4213."""
        if value != value:
            return "–"
        return f"{value:.{self._decimals}f}" if self.name == COST else f"{100 * value:.2f} %"

    def difference(self, value: float, signed: bool = True) -> str:
        """Return a difference in `unit` as it is shown, such as +1.40."""
        if value != value:
            return "–"
        decimals = self._decimals
        rounded = round(self.scale * value, decimals) + 0.0  # no negative zero
        return f"{rounded:+.{decimals}f}".replace("-", "−") if signed else f"{rounded:.{decimals}f}"

    def at_most(self, value: float) -> str:
        """Return an upper limit of a difference in `unit` as it is shown, rounded up."""
        if value != value:
            return "–"
        step = 10.0**self._decimals
        return f"{math.ceil(self.scale * value * step - 1e-6) / step:.{self._decimals}f}"

    @property
    def _decimals(self) -> int:
        """Two for points; for a cost four, or as many more as the largest is smaller than 1."""
        if self.name != COST:
            return 2
        largest = max([cost for row in (self.costs or {}).values() for cost in row.values()] or [1.0])
        return 4 + (math.ceil(-math.log10(largest)) if 0 < largest < 1 else 0)


def _lowest_f1(truth: np.ndarray, row: np.ndarray, lost: np.ndarray, classes: int) -> np.ndarray:
    """Return wrong answers (m) to the examples `lost` that make the macro-F1 of one seed's answers (n) low."""
    hits = np.bincount(truth[truth == row], minlength=classes)
    total = np.bincount(np.concatenate([truth, row, lost]), minlength=classes)
    taken = np.empty_like(lost)
    for place, label in enumerate(lost):
        f1 = 2 * hits / np.maximum(total, 1)
        number = np.count_nonzero(total)  # an answer that is no class so far makes it one, with an F1 of 0
        after = np.where(total > 0, (f1.sum() - f1 / (total + 1)) / number, f1.sum() / (number + 1))
        after[label] = np.inf
        taken[place] = after.argmin()
        total[taken[place]] += 1
    return taken
