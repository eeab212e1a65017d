"""The statistics against answers known from R, from papers and from first principles."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from sklearn.metrics import f1_score, recall_score

from datapass.comparison.crossed import crossed_interval, gain_interval, units_of
from datapass.comparison.f_score import f1_intervals, f1_scores, macro_f1, macro_f1_interval
from datapass.comparison.looks import luck
from datapass.comparison.statistics import holm, mcnemar, recall, t_interval

CROSSED = np.array(
    [[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 0], [-1, 0, -1, 0], [0, 1, 0, 0], [0, 1, 0, 1], [1, 1, -1, 1], [0, 0, -1, 0]]
)
TRUNCATED = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [-1, 0, 0], [1, 1, 1], [0, -1, 0]])


def test_crossed_variance_components() -> None:
    found = crossed_interval(CROSSED)
    assert found.mean == pytest.approx(0.25)
    assert found.se == pytest.approx(0.231455024943)
    assert found.df == pytest.approx(5.89409853817)
    assert found.mean / found.se == pytest.approx(1.08012344973)
    assert found.p == pytest.approx(0.32228996618)
    assert (found.low, found.high) == pytest.approx((-0.318825858871, 0.818825858871))


def test_crossed_variance_components_truncated() -> None:
    found = crossed_interval(TRUNCATED)
    assert found.se == pytest.approx(0.222222, abs=1e-6)
    assert found.df == 5


# The baseline (6 x 3) and the candidate (6 x 4) of one unpaired comparison; the known answers are exact fractions.
OLD = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0], [1, 1, 0]])
NEW = np.array([[1, 1, 1, 1], [0, 1, 0, 0], [1, 1, 1, 1], [1, 1, 0, 1], [1, 1, 0, 1], [0, 1, 0, 1]])


def unpaired_by_least_squares(old: np.ndarray, new: np.ndarray) -> tuple[float, float]:
    """Return the variance and its degrees of freedom by another route: residuals of least squares with dummy variables."""

    def left_over(values: np.ndarray, *factors: np.ndarray) -> float:
        columns = [np.ones((values.size, 1)), *(np.eye(factor.max() + 1)[factor.ravel()] for factor in factors)]
        design = np.hstack(columns)
        return float(np.sum((values.ravel() - design @ np.linalg.lstsq(design, values.ravel(), rcond=None)[0]) ** 2))

    n = len(old)
    rows = new.mean(axis=1) - old.mean(axis=1)
    terms = [(rows.var(ddof=1) / n, n - 1)]
    for arm in (old, new):
        seeds = arm.shape[1]
        row, column = np.indices(arm.shape)
        rest = left_over(arm, row, column)
        ms_rest, ms_columns = rest / ((n - 1) * (seeds - 1)), (left_over(arm, row) - rest) / (seeds - 1)
        if ms_columns > ms_rest:
            terms += [(ms_columns / (n * seeds), seeds - 1), (-ms_rest / (n * seeds), (n - 1) * (seeds - 1))]
    variance = sum(part for part, _ in terms)
    return variance, variance**2 / sum(part**2 / df for part, df in terms)


def test_unpaired_by_exact_fractions() -> None:
    """By sums of squares: 166/576/5 between the examples' differences, 1/2 and 1/6, 35/72 and 43/360 within the sides."""
    f = Fraction
    assert mean_squares(OLD) == (f(1, 2), f(1, 6))
    assert mean_squares(NEW) == (f(35, 72), f(43, 360))
    found = gain_interval(OLD, NEW, paired=False)
    assert found.mean == pytest.approx(5 / 24)
    # 83/8640 + (1/2 - 1/6)/18 + (35/72 - 43/360)/24 is under what the columns alone say:
    known = f(1, 2) / 18 + f(35, 72) / 24
    assert known == f(83, 1728)
    assert found.se**2 == pytest.approx(float(known))
    assert found.df == pytest.approx(float(known**2 / (f(1, 36) ** 2 / 2 + f(35, 1728) ** 2 / 3)))
    # The other side's answers in another order of the examples: now the examples' part is no longer cut off.
    turned = gain_interval(OLD, NEW[::-1], paired=False)
    rows = [f(-1, 6), f(3, 4), f(-1, 4), f(2, 3), f(-1, 12), f(1, 3)]
    between = sum((row - f(5, 24)) ** 2 for row in rows) / 5
    terms = [(between / 6, 5), (f(1, 36), 2), (f(-1, 108), 10), (f(35, 1728), 3), (f(-43, 8640), 15)]
    known = sum(part for part, _ in terms)
    assert turned.se**2 == pytest.approx(float(known))
    assert turned.df == pytest.approx(float(known**2 / sum(part**2 / df for part, df in terms)))


def mean_squares(arm: np.ndarray) -> tuple[Fraction, Fraction]:
    """Return the mean squares of columns and rest of a matrix of whole numbers, by sums of squares of its totals."""
    n, seeds = arm.shape
    total = Fraction(int(arm.sum()) ** 2, n * seeds)
    by_row = Fraction(int((arm.sum(axis=1) ** 2).sum()), seeds) - total
    by_column = Fraction(int((arm.sum(axis=0) ** 2).sum()), n) - total
    rest = Fraction(int((arm**2).sum())) - total - by_row - by_column
    return by_column / (seeds - 1), rest / ((n - 1) * (seeds - 1))


@pytest.mark.parametrize("seed", range(5))
def test_unpaired_by_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.2, (40, 1))
    own = [rng.normal(0, 0.3, (40, 1)) for _ in range(2)]
    old, new = (
        shared + p + rng.normal(0, 0.3, (40, s)) + rng.normal(0, 0.1, (1, s)) for p, s in zip(own, (3, 5), strict=True)
    )
    variance, df = unpaired_by_least_squares(old, new)
    found = gain_interval(old, new, paired=False)
    assert (found.se**2, found.df) == pytest.approx((variance, df))


def test_unpaired_variance_is_never_under_its_parts() -> None:
    """Examples without a part of their own: what the columns say alone remains, with their degrees of freedom."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        old, new = rng.normal(0, 1, (4, 3)), rng.normal(0, 1, (4, 3))
        found = gain_interval(old, new, paired=False)
        rows = (new.mean(axis=1) - old.mean(axis=1)).var(ddof=1) / 4
        columns = sum(arm.mean(axis=0).var(ddof=1) / 3 for arm in (old, new))
        assert found.se**2 >= max(rows, columns) - 1e-12
    old, new = np.array([[1.0, 2, 3]] * 4), np.array([[5.0, 2, 8]] * 4)
    found = gain_interval(old, new, paired=False)
    assert found.se**2 == pytest.approx((1 + 9) / 3)
    assert found.df == pytest.approx(10**2 / (1 / 2 + 81 / 2)), "as Welch's test"
    assert gain_interval(old, old[:, ::-1], paired=False).mean == 0


def test_paired_is_the_interval_of_the_differences() -> None:
    rng = np.random.default_rng(0)
    old, new = rng.integers(0, 2, (2, 50, 4)).astype(bool)
    assert gain_interval(old, new) == crossed_interval(new.astype(float) - old)


@pytest.mark.parametrize("seeds", [3, 5])
def test_unpaired_variance_is_unbiased_and_alarms_are_few(seeds: int) -> None:
    """Seeds and examples both random; the seeds' part is large enough that nothing is truncated."""
    rng = np.random.default_rng(seeds)
    variances, alarms = [], []
    n, example, luck_of_seed, rest = 100, 0.3, 0.06, 0.2
    for _ in range(3000):
        shared = rng.normal(0, 0.5, (n, 1))
        old, new = (
            shared
            + rng.normal(0, example, (n, 1))
            + rng.normal(0, luck_of_seed, (1, seeds))
            + rng.normal(0, rest, (n, seeds))
            for _ in range(2)
        )
        found = gain_interval(old, new, paired=False)
        variances.append(found.se**2)
        alarms.append(found.p < 0.05)
    truth = 2 * (example**2 / n + luck_of_seed**2 / seeds + rest**2 / (n * seeds))
    assert np.mean(variances) == pytest.approx(truth, rel=0.03)
    assert 0.03 <= np.mean(alarms) <= 0.08


def test_one_seed_is_a_t_test_over_examples() -> None:
    scores = np.array([0.0, 1.0, 1.0, -1.0, 0.0, 1.0])
    found, known = crossed_interval(scores[:, None]), ttest_1samp(scores, 0)
    assert found.p == pytest.approx(known.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(known.confidence_interval()))


@pytest.mark.parametrize("scores", [np.zeros((5, 3)), np.zeros((5, 1))], ids=["three seeds", "one seed"])
def test_no_difference_at_all(scores: np.ndarray) -> None:
    found = crossed_interval(scores)
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_nothing_to_estimate_from() -> None:
    assert np.isnan(crossed_interval(np.ones((1, 3))).low)
    assert np.isnan(crossed_interval(np.ones((0, 3))).mean)


@pytest.mark.parametrize("effect", [0.0, 0.03], ids=["no effect", "an effect of 3 points"])
def test_coverage_with_seeds_and_examples_both_random(effect: float) -> None:
    """95 % intervals hold the truth in about 95 of 100 simulated comparisons of 5 seeds."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        rows, columns = rng.normal(0, 0.1, (200, 1)), rng.normal(0, 0.01, (1, 5))
        found = crossed_interval(effect + rows + columns + rng.normal(0, 0.2, (200, 5)))
        held.append(found.low <= effect <= found.high)
    assert 0.91 <= np.mean(held) <= 0.99


@pytest.mark.parametrize(
    ("b", "c", "exact"),
    [
        (150, 86, 3.7159361395714e-05),
        (121, 59, 4.43444926376e-06),
        (70, 59, 0.378687662693),
        (25, 15, 0.153859944163),
        (11, 1, 0.00634765625),
        (10, 2, 0.03857421875),
        (0, 6, 0.03125),
        (5, 5, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_exact(b: int, c: int, exact: float) -> None:
    assert mcnemar(b, c)[0] == pytest.approx(exact)
    assert mcnemar(c, b)[0] == pytest.approx(exact)


@pytest.mark.parametrize(("b", "c", "mid"), [(25, 15, 0.117275205957), (11, 1, 0.00341796875)])
def test_mcnemar_mid(b: int, c: int, mid: float) -> None:
    assert mcnemar(b, c)[1] == pytest.approx(mid)


def test_holm() -> None:
    """R: p.adjust(c(.01, .04, .03, .005), "holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, np.nan, 0.03]) == pytest.approx([0.02, np.nan, 0.03], nan_ok=True)
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert holm([]).size == 0


def test_macro_f1_and_recall_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    predicted = np.where(rng.random((3, 200)) < 0.7, truth, rng.integers(0, 4, (3, 200)))
    assert macro_f1(truth, predicted, 4) == pytest.approx([f1_score(truth, row, average="macro") for row in predicted])
    assert recall(truth, predicted, 4) == pytest.approx(
        np.array([recall_score(truth, row, average=None) for row in predicted])
    )
    assert np.isnan(recall(np.array([0, 0]), np.array([[0, 1]]), 2)[0, 1])


@pytest.mark.parametrize("code", [0, 2, None], ids=["a common class", "a rare class", "macro-F1"])
def test_the_scores_of_f1_are_what_scikit_learn_says_of_weights(code: int | None) -> None:
    """By another route: F1 plus n times its derivative by the weight of the example, from differences."""
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 60, p=[0.6, 0.35, 0.05])
    answers = np.where(rng.random((2, 60)) < 0.6, truth, rng.integers(0, 3, (2, 60)))

    def weighed(row: np.ndarray, weights: np.ndarray) -> float:
        by_class = f1_score(truth, row, average=None, sample_weight=weights, labels=range(3))
        return float(by_class.mean() if code is None else by_class[code])

    step = 1e-5 * np.eye(60)
    known = [
        [weighed(row, np.ones(60)) + 60 * (weighed(row, 1 + e) - weighed(row, 1 - e)) / 2e-5 for row in answers]
        for e in step
    ]
    assert f1_scores(truth, answers, 4, code) == pytest.approx(np.array(known), abs=1e-5), "class 3 is nowhere"


def test_the_scores_of_f1_by_hand() -> None:
    """Truth 0 0 1 and answers 0 1 1: both F1 are 2/3, and an example pulls by n / t_k = 1."""
    truth, answers = np.array([0, 0, 1]), np.array([[0, 1, 1]])
    assert f1_scores(truth, answers, 2, 0)[:, 0] == pytest.approx([2 / 3 + 2 - 4 / 3, 2 / 3 - 2 / 3, 2 / 3])
    assert f1_scores(truth, answers, 2, 1)[:, 0] == pytest.approx([2 / 3, 2 / 3 - 2 / 3, 2 / 3 + 2 - 4 / 3])
    assert f1_scores(truth, answers, 2)[:, 0] == pytest.approx([1, 0, 1])
    assert np.isnan(f1_scores(truth, answers, 3, 2)).all(), "a class that is nowhere"
    assert np.isnan(f1_intervals(truth, [answers, answers], 3)[2].low)


def test_macro_f1_interval() -> None:
    """Against a plain bootstrap of rows, which it must agree with where the seeds do not vary."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    old = np.where(rng.random(300) < 0.7, truth, rng.integers(0, 3, 300))
    new = np.where(rng.random(300) < 0.8, truth, old)
    found = macro_f1_interval(truth, [np.stack([old] * 3), np.stack([new] * 3)], 3)
    rows = [rng.integers(0, 300, 300) for _ in range(1000)]
    gains = [f1_score(truth[r], new[r], average="macro") - f1_score(truth[r], old[r], average="macro") for r in rows]
    assert found.mean == pytest.approx(f1_score(truth, new, average="macro") - f1_score(truth, old, average="macro"))
    assert found.se == pytest.approx(np.std(gains), rel=0.1)
    assert found.df == pytest.approx(299), "all of it is the examples'"
    assert macro_f1_interval(truth, [old[None], new[None]], 3).mean == pytest.approx(found.mean)


def test_macro_f1_interval_of_unpaired_seeds() -> None:
    """The seeds' part is each side's own: with the answers of one side fixed it is that of the other alone."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    old = np.where(rng.random((4, 300)) < 0.7, truth, rng.integers(0, 3, (4, 300)))
    new = np.where(rng.random((3, 300)) < 0.8, truth, rng.integers(0, 3, (3, 300)))
    found = macro_f1_interval(truth, [old, new], 3, paired=False)
    scores = [macro_f1(truth, side, 3) for side in (old, new)]
    assert found.mean == pytest.approx(scores[1].mean() - scores[0].mean())
    assert found.se**2 > sum(side.var(ddof=1) / len(side) for side in scores)
    still = [old, np.repeat(new[:1], 4, axis=0)]
    assert macro_f1_interval(truth, still, 3, paired=False).se == pytest.approx(macro_f1_interval(truth, still, 3).se)


@pytest.mark.parametrize("copies", [1, 4], ids=["one example", "four copies, one unit"])
def test_one_example_of_a_class_makes_no_verdict(copies: int) -> None:
    """With every seed it turned from wrong to right, and macro-F1 rose by more than 1/3: of the class that says nothing."""
    truth = np.array([0] * 60 + [1] * 39 + [2] * copies)
    old, new = np.where(truth == 2, 0, truth), truth
    found = f1_intervals(truth, [np.stack([old] * 5), np.stack([new] * 5)], 3, np.minimum(np.arange(len(truth)), 99))
    assert found[2].mean == 1 and found[3].mean > 1 / 3
    assert found[2].low < 0 and found[3].low < 0


@pytest.mark.parametrize("luck_of_seed", [0.0, 0.5], ids=["examples alone", "seeds that differ by class"])
def test_macro_f1_alarms_are_few(luck_of_seed: float) -> None:
    """Seeds and examples both random, classes of 60 to 3 % and both sides alike: about 5 of 100 find a difference."""
    rng, alarms, seeds = np.random.default_rng(0), [], 5
    for _ in range(400):
        truth, hard = rng.choice(4, 300, p=[0.6, 0.27, 0.1, 0.03]), rng.normal(-1, 1, 300)
        sides = []
        for _ in range(2):
            of_seed = luck_of_seed * rng.normal(0, 1, (seeds, 4))[:, truth]
            wrong = hard + of_seed + rng.normal(0, 0.5, (seeds, 300)) > 0
            sides.append(np.where(wrong, (truth + rng.integers(1, 4, (seeds, 300))) % 4, truth))
        alarms.append(macro_f1_interval(truth, sides, 4).p < 0.05)
    assert 0.01 <= np.mean(alarms) <= 0.08


@pytest.mark.parametrize(("k", "known"), [(2, 0.56), (5, 1.16), (10, 1.54), (20, 1.87), (50, 2.25)])
def test_luck_of_the_best(k: int, known: float) -> None:
    assert luck(k) == pytest.approx(known, abs=0.01)


def test_a_unit_counts_once_whatever_its_size() -> None:
    """Copies of every example add nothing; units of one leave all as it is."""
    rng = np.random.default_rng(0)
    scores = rng.integers(-1, 2, (60, 4)).astype(float)
    known = crossed_interval(scores)
    assert crossed_interval(scores, np.arange(60)) == known
    copies = crossed_interval(np.repeat(scores, 5, axis=0), np.repeat(np.arange(60), 5))
    assert [copies.mean, copies.se, copies.df] == pytest.approx([known.mean, known.se, known.df])
    truth, old, new = (rng.integers(0, 3, shape) for shape in (60, (3, 60), (3, 60)))
    one = macro_f1_interval(truth, [old, new], 3, np.arange(60))
    assert one == macro_f1_interval(truth, [old, new], 3)
    copied = [np.repeat(part, 5, axis=-1) for part in (truth, old, new)]
    many = macro_f1_interval(copied[0], copied[1:], 3, np.repeat(np.arange(60), 5))
    assert [many.mean, many.se, many.df] == pytest.approx([one.mean, one.se, one.df])


def test_units_keep_the_level_where_groups_turn_together() -> None:
    """Without units half of such comparisons would find a difference that is not there."""
    rng, found, naive = np.random.default_rng(0), [], []
    units = np.repeat(np.arange(40), 20)
    for _ in range(300):
        scores = np.repeat(rng.integers(-1, 2, 40), 20)[:, None] + rng.normal(0, 0.1, (800, 5))
        found.append(crossed_interval(scores, units).p < 0.05)
        naive.append(crossed_interval(scores).p < 0.05)
    assert np.mean(found) < 0.09
    assert np.mean(naive) > 0.3


def test_the_unit_of_an_example() -> None:
    table = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d", "e", "f"],
            "input": ["1", "1", "2", "", "", "2"],
            "group": ["", "", "p", "", "", "p"],
        }
    )
    assert units_of(table).tolist() == [0, 0, 1, 2, 3, 1]
    assert units_of(table[["id"]]).tolist() == [0, 1, 2, 3, 4, 5]


def test_smallest_detectable_gain() -> None:
    assert t_interval(0.0, 0.01, 1e9).detectable == pytest.approx(0.028016, rel=1e-4)
    few = t_interval(0.0, 0.01, 2)
    assert few.detectable > few.high, "what would not even leave the interval does not show"
