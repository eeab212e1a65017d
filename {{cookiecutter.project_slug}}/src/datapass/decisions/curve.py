"""Reading a learning curve: at which number of examples it is level with the baseline, and where it may go from here."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression, lsq_linear, minimize_scalar

from ..comparison.statistics import Interval

POINTS = 5  # of a curve, under which none is fitted
FLOOR, SLOPE = (0.0, 0.5), (0.05, 2.0)  # bounds of c and b


class Ratio(NamedTuple):
    """How many times the data something is worth, with its 95 % interval.

    Each is 0 where the curve is under the baseline at its full size, and infinite where it is above it at its smallest.
    """

    value: float
    low: float
    high: float


def ratio(examples: Sequence[int], gains: Sequence[Interval]) -> Ratio:
    """Return N / n*, where n* is the number of examples at which the gain over the baseline is 0 and N the largest.

    The gains and the ends of their intervals are made monotone (isotonic regression; Barlow et al. 1972, "Statistical
    inference under order restrictions") and joined by straight lines in ln n. The interval inverts the test of each size:
    it holds every n whose own interval of the gain holds 0.

    Args:
        examples: rising, at least one.
        gains: over the baseline at its full size, of each.
    """
    x = np.log(examples)
    sides = ([g.mean for g in gains], [g.low for g in gains], [g.high for g in gains])
    crossings = (_crossing(x, monotone(side)) for side in sides)
    return Ratio(*(math.exp(x[-1] - at) for at in crossings))


def monotone(values: Sequence[float]) -> np.ndarray:
    """Return the nearest values that never fall (least squares)."""
    return isotonic_regression(np.asarray(values, dtype=float)).x


def _crossing(x: np.ndarray, y: np.ndarray) -> float:
    """Return where rising y reaches 0: -inf where it begins there or above, inf where it never does."""
    above = np.flatnonzero(y >= 0)
    if not len(above):
        return math.inf
    i = above[0]
    return -math.inf if i == 0 else float(x[i] - y[i] * (x[i] - x[i - 1]) / (y[i] - y[i - 1]))


class Power(NamedTuple):
    """The power law error(n) = c + a n^-b."""

    c: float
    a: float
    b: float

    def error(self, examples: float) -> float:
        """Return the error at a number of examples."""
        return self.c + self.a * examples**-self.b

    def examples(self, error: float) -> float:
        """Return the number of examples at an error; infinite where it never gets there."""
        return math.inf if error <= self.c or self.a <= 0 else (self.a / (error - self.c)) ** (1 / self.b)


def power_law(examples: Sequence[int], errors: Sequence[float]) -> Power:
    """Return the power law of least squares within the bounds: for each b the other two are a linear problem."""
    n, y = np.asarray(examples, dtype=float), np.asarray(errors, dtype=float)

    def solved(log_b: float) -> tuple[float, Power]:
        b = math.exp(log_b)
        scale = n[0] ** -b  # keeps the two columns of one size
        found = lsq_linear(
            np.column_stack([np.ones_like(n), n**-b / scale]), y, ([FLOOR[0], 0], [FLOOR[1], np.inf]), tol=1e-14
        )
        return float(found.cost), Power(float(found.x[0]), float(found.x[1] / scale), b)

    grid = np.linspace(math.log(SLOPE[0]), math.log(SLOPE[1]), 60)
    best = int(np.argmin([solved(b)[0] for b in grid]))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    near = minimize_scalar(lambda b: solved(b)[0], bounds=ends, method="bounded", options={"xatol": 1e-10})
    return min(solved(near.x), solved(grid[best]), key=lambda one: one[0])[1]


class Forecast(NamedTuple):
    """How many examples would reach an error.

    Attributes:
        examples: at which the curve gets there; NaN where nothing can be told, infinite where it is over `most`.
        missed, last: by how much the curve of all smaller sizes, and the value at the last of them, missed the error at the
            largest; NaN where the sizes are too few.
        most: up to which number of examples anything is told.
    """

    examples: float
    missed: float
    last: float
    most: int


def forecast(examples: Sequence[int], errors: Sequence[float], error: float) -> Forecast:
    """Return at how many examples an error is reached by the power law, told only where that has shown to predict.

    It has where, of the smaller sizes alone, it comes nearer to the error at the largest than just the last value does:
    many real learning curves are no power laws (Mohr et al. 2022, "LCDB 1.0"). Nothing beyond twice the largest is told.
    """
    most = 2 * examples[-1]
    if len(examples) < POINTS:
        return Forecast(math.nan, math.nan, math.nan, most)
    missed = abs(power_law(examples[:-1], errors[:-1]).error(examples[-1]) - errors[-1])
    last = abs(errors[-2] - errors[-1])
    if not missed < last:
        return Forecast(math.nan, missed, last, most)
    found = power_law(examples, errors).examples(error)
    return Forecast(found if found <= most else math.inf, missed, last, most)
