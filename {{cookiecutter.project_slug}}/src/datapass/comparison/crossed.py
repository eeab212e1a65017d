"""Is a gain more than luck? Intervals over training seeds and test examples at once.

Throughout, D[i, s] is the candidate's score of test example i under seed s minus the baseline's (n x S, unitless), and
the two are paired: same seed, same example; where both were trained in different environments only the examples are the
same, and the seeds of each side its own. Scores are a metric's, such as 1 for right and 0 for wrong; see `metric`. Test
examples of one group (a patient, a writer), and copies of one input, turn together: such a unit counts as one draw, whatever its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from .statistics import Interval, t_interval


@dataclass(frozen=True)
class Components:
    """Of what the variance of a mean is made, by the two-way crossed random model of `gain_interval`.

    Score i, s of arm a is mu_a + p_ai + c_as + e_ais: an example's parts p may go together in all arms, seeds c and rest e
    are each arm's own. The mean squares below are of one score.

    Attributes:
        units: independent test examples, n.
        seeds: seeds of each arm, S_a.
        rows: MSr, which estimates Var(sum_a p_a) + sum_a Var(e_a) / S_a.
        columns: of each arm MSc_a, which estimates n Var(c_a) + Var(e_a); NaN with one seed.
        rest: of each arm MSe_a, which estimates Var(e_a); NaN with one seed.
    """

    units: int
    seeds: tuple[int, ...]
    rows: float
    columns: tuple[float, ...]
    rest: tuple[float, ...]

    def interval(self, mean: float) -> Interval:
        """Return the mean with its interval.

        Satterthwaite's degrees of freedom (Satterthwaite 1946; Searle, Casella and McCulloch 1992, ch. 4):

            Var(m) = MSr / n + sum_a (MSc_a - MSe_a) / (n S_a)

        A seed part under 0 is left out, and where the examples' part sum_a p_a is under 0 the columns alone remain: the
        variance is never under that of the rows (MSr / n) or of the columns (sum_a MSc_a / (n S_a)). With one seed only
        the examples vary.
        """
        n = self.units
        if n < 2:
            return t_interval(mean, np.nan, 0)
        terms = [(self.rows / n, n - 1)]  # (part of the variance, its df)
        columns = []
        for seeds, column, rest in zip(self.seeds, self.columns, self.rest, strict=True):
            if seeds > 1:
                seed_part, rest_part = column / (n * seeds), rest / (n * seeds)
                columns.append((seed_part, seeds - 1))
                if seed_part > rest_part:
                    terms += [(seed_part, seeds - 1), (-rest_part, (n - 1) * (seeds - 1))]
        terms = max(terms, columns, key=lambda parts: sum(part for part, _ in parts))
        variance = sum(part for part, _ in terms)
        df = variance**2 / sum(part**2 / df for part, df in terms) if variance > 0 else n - 1
        return t_interval(mean, float(np.sqrt(variance)), df)

    def expected(self, units: int, seeds: Sequence[int]) -> "Components":
        """Return what another number of test examples and of seeds of each arm would be expected to show.

        Parts of the variance that are estimated under 0 are 0.

        Args:
            units: 2 or more.
            seeds: of each arm, 2 or more; the arms must have had as many here.
        """
        parts = [
            (max(0.0, (column - rest) / self.units), rest) for column, rest in zip(self.columns, self.rest, strict=True)
        ]
        own = max(0.0, self.rows - sum(rest / s for rest, s in zip(self.rest, self.seeds, strict=True)))
        return Components(
            units,
            tuple(seeds),
            own + sum(rest / s for rest, s in zip(self.rest, seeds, strict=True)),
            tuple(units * seed_part + rest for seed_part, rest in parts),
            self.rest,
        )


def units_of(table: pd.DataFrame) -> np.ndarray:
    """Return the number of each test example's unit: its group, else its input, else itself (n, int)."""
    key = "i" + table["id"]
    for column, sign in (("input", "="), ("group", "g")):
        if column in table:
            key = (sign + table[column]).where(table[column] != "", key)
    return pd.factorize(key)[0]


def crossed_interval(scores: np.ndarray, units: np.ndarray | None = None) -> Interval:
    """Return the mean of an (examples x seeds) matrix with its interval over both; see `Components`."""
    return combined([scores], units)


def gain_interval(
    baseline: np.ndarray, candidate: np.ndarray, units: np.ndarray | None = None, paired: bool = True
) -> Interval:
    """Return the gain of scores (n x S each) with its interval over examples and seeds; see `Components`."""
    return combined(gain_arms(baseline, candidate, paired), units)


def gain_arms(baseline: np.ndarray, candidate: np.ndarray, paired: bool = True) -> list[np.ndarray]:
    """Return the arms whose means add up to the gain of scores (n x S each).

    Args:
        paired: whether a seed is the same training on both sides, but for the data: then there is one arm, of differences.
            If not, the seeds of each side are taken on their own, and may be of another number.
    """
    old, new = baseline.astype(float), candidate.astype(float)
    return [new - old] if paired else [new, -old]


def combined(arms: Sequence[np.ndarray], units: np.ndarray | None = None) -> Interval:
    """Return the sum of the arms' means, each arm (n x its seeds), with its interval over seeds and shared examples."""
    mean = sum(float(arm.mean()) for arm in arms) if arms[0].size else np.nan
    return components(arms, units).interval(mean)


def components(arms: Sequence[np.ndarray], units: np.ndarray | None = None) -> Components:
    """Return the components of the variance of the sum of the arms' means, each arm (n x its seeds).

    Where `units` (n) says that some examples are one draw, their sum takes their place, scaled so that the mean stays.
    """
    if units is not None and len(units):
        names, codes = np.unique(units, return_inverse=True)
        if len(names) < len(units):
            belongs = csr_array((np.ones(len(units)), (codes, np.arange(len(units)))))
            arms = [belongs @ arm * (len(names) / len(units)) for arm in arms]
    n, seeds = len(arms[0]), tuple(arm.shape[1] for arm in arms)
    if n < 2:
        return Components(n, seeds, np.nan, (np.nan,) * len(arms), (np.nan,) * len(arms))
    means = [arm.mean(axis=1) for arm in arms]
    whole = sum(means)
    squares = [_mean_squares(arm, rows) for arm, rows in zip(arms, means, strict=True)]
    rows = float(np.sum((whole - whole.mean()) ** 2)) / (n - 1)
    return Components(n, seeds, rows, *zip(*squares, strict=True))


def _mean_squares(arm: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Return the mean squares of an arm's columns and of its rest, each of one score."""
    n, seeds = arm.shape
    if seeds < 2:
        return np.nan, np.nan
    own = arm.mean(axis=0)
    rest = float(np.sum((arm - rows[:, None] - own + rows.mean()) ** 2)) / ((n - 1) * (seeds - 1))
    return n * float(np.sum((own - rows.mean()) ** 2)) / (seeds - 1), rest
