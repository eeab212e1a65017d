"""Concept drift: known answers of the confidence sequence, and when an alarm is given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from datapass.production.sequence import (
    clopper_pearson,
    concept_drift,
    effective,
    informed,
    mixture,
    robbins,
    stratified,
)

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
PRIORS = st.tuples(st.floats(0.5, 20), st.floats(0.5, 20))


@pytest.mark.parametrize(
    ("right", "n", "prior", "known"),
    [
        pytest.param(90, 100, (1, 1), (0.77173, 0.97116), id="100 labels"),
        pytest.param(180, 200, (1, 1), (0.81170, 0.95738), id="200 labels"),
        pytest.param(900, 1000, (1, 1), (0.86163, 0.93122), id="1,000 labels"),
        pytest.param(90, 100, (9, 1), (0.79067, 0.96524), id="a prior of .9"),
        pytest.param(0, 0, (1, 1), (0, 1), id="no label"),
        pytest.param(10, 10, (1, 1), ((0.05 / 11) ** 0.1, 1), id="all right: 11 p^10 = .05"),
        pytest.param(0, 10, (1, 1), (0, 1 - (0.05 / 11) ** 0.1), id="none right"),
    ],
)
def test_robbins_known_answers(right: int, n: int, prior: tuple[float, float], known: tuple[float, float]) -> None:
    assert robbins(right, n, prior=prior) == pytest.approx(known, abs=1e-5)


@given(COUNTS, PRIORS, st.sampled_from([0.05, 0.025, 0.001]))
def test_the_ends_are_where_the_martingale_is_one_over_alpha(
    counts: tuple[int, int], prior: tuple[float, float], alpha: float
) -> None:
    right, n = counts
    low, high = robbins(right, n, alpha, prior)
    if n:
        assert low <= right / n <= high
    for end, outside in ((low, 0.0), (high, 1.0)):
        if end != outside:
            assert mixture(end, right, n, prior) == pytest.approx(-np.log(alpha), abs=1e-3)


@given(COUNTS)
def test_more_right_answers_never_lower_an_end(counts: tuple[int, int]) -> None:
    right, n = counts
    if right < n:
        assert all(a < b or a == b == 1 for a, b in zip(robbins(right, n), robbins(right + 1, n), strict=True))


@given(COUNTS)
def test_it_is_wider_than_an_interval_of_one_reading(counts: tuple[int, int]) -> None:
    right, n = counts
    often, once = robbins(right, n), clopper_pearson(right, n)
    if n:
        known = binomtest(right, n).proportion_ci(method="exact")
        assert once == pytest.approx((known.low, known.high))
    assert often[1] - often[0] >= once[1] - once[0] - 1e-9


def test_read_often_it_misses_no_more_than_it_says() -> None:
    """Over 24 readings of 25 more labels each, in 2,000 runs: Clopper and Pearson's interval misses in one of six."""
    rng, n = np.random.default_rng(1), np.arange(25, 601, 25)
    right = rng.binomial(25, 0.9, (2000, 24)).cumsum(axis=1)
    missed = (mixture(0.9, right, n) >= np.log(20)).any(axis=1).mean()
    limits = np.array([[clopper_pearson(s, m) for s in range(601)] for m in n]).transpose(1, 0, 2)
    ends = limits[right, np.arange(24)]
    once = ((ends[..., 0] > 0.9) | (ends[..., 1] < 0.9)).any(axis=1).mean()
    assert missed < 0.02 and once > 0.12


def test_labels_that_a_fall_takes() -> None:
    """.90 -> .85 against a known accuracy takes about 450 labels, read after each 25; fewer with a prior that expects .9."""
    rng, n = np.random.default_rng(2), np.arange(25, 4001, 25)
    right = rng.binomial(25, 0.85, (1000, len(n))).cumsum(axis=1)
    taken = []
    for prior in ((1.0, 1.0), informed(9e6, 1e7)):
        seen = (right < 0.9 * n) & (mixture(0.9, right, n, prior) >= np.log(20))
        taken.append(float(np.median(np.where(seen.any(axis=1), n[seen.argmax(axis=1)], np.inf))))
    assert 375 <= taken[0] <= 525 and taken[1] < 0.9 * taken[0]


@pytest.mark.parametrize(
    ("new", "old", "tolerance", "alarm"),
    [
        pytest.param((150, 200), (1800, 2000), 0.0, True, id="fifteen points lower"),
        pytest.param((150, 200), (1800, 2000), 0.05, False, id="within the tolerance and the labels' uncertainty"),
        pytest.param((16, 20), (1800, 2000), 0.0, False, id="few labels"),
        pytest.param((160, 200), (45, 50), 0.0, False, id="a small test set"),
        pytest.param((200, 200), (1800, 2000), 0.0, False, id="better"),
        pytest.param((0, 0), (1800, 2000), 0.0, False, id="no labels"),
        pytest.param((0, 200), (0, 0), 0.0, False, id="no test set"),
        pytest.param((0, 1), (990, 1000), 0.0, False, id="one label, wrong"),
    ],
)
def test_alarm(new: tuple[int, int], old: tuple[int, int], tolerance: float, alarm: bool) -> None:
    found = concept_drift(*new, *old, tolerance)
    assert found.alarm is alarm
    assert found.alarm == (found.new_high < found.old_low - tolerance)
    assert (found.new_low, found.new_high) == robbins(*new, 0.025)
    assert (found.old_low, found.old_high) == clopper_pearson(*old, 0.05)
    assert np.isnan(found.new) == (new[1] == 0) and np.isnan(found.old) == (old[1] == 0)


def test_units_are_worth_fewer_examples() -> None:
    right = np.tile([1, 1, 1, 0], 25)
    assert effective(right, np.arange(100)) == (75, 100)
    pairs = np.repeat(right[:50], 2)
    worth = effective(pairs, np.repeat(np.arange(50), 2))
    assert worth == pytest.approx((38 / 50 * 49, 49)), "copies in pairs: half as many"
    assert effective(np.ones(6), np.repeat(np.arange(3), 2)) == (3, 3), "all right"
    assert effective(np.ones(0), np.ones(0, dtype=int)) == (0, 0)


def test_deliveries_are_weighted_by_their_size() -> None:
    """A day of 1,000 inputs and 100 labels at .9, one of 9,000 and 100 at .5: (1 x .9 + 9 x .5) / 10."""
    found = stratified(np.array([90, 50]), np.array([100, 100]), np.array([1000, 9000]))
    assert found.accuracy == pytest.approx(0.54) and found.covered == 1
    (low_a, high_a), (low_b, high_b) = robbins(90, 100), robbins(50, 100)
    assert found.low == pytest.approx(0.54 - np.hypot(0.1 * (0.9 - low_a), 0.9 * (0.5 - low_b)))
    assert found.high == pytest.approx(0.54 + np.hypot(0.1 * (high_a - 0.9), 0.9 * (high_b - 0.5)))


def test_equal_parts_give_the_pooled_figure() -> None:
    found = stratified(np.array([85, 180, 92]), np.array([100, 200, 100]), np.array([1000, 2000, 1000]))
    pooled = robbins(357, 400)
    assert found.accuracy == pytest.approx(357 / 400)
    assert (found.low, found.high) == pytest.approx(pooled, abs=0.02)
    one = stratified(np.array([90]), np.array([100]), np.array([1000]))
    assert (one.accuracy, one.low, one.high) == pytest.approx((0.9, *robbins(90, 100)))


def test_a_delivery_without_labels_is_not_covered() -> None:
    found = stratified(np.array([90, 0]), np.array([100, 0]), np.array([1000, 3000]))
    assert (found.accuracy, found.covered) == (0.9, 0.25)
    none = stratified(np.array([0]), np.array([0]), np.array([10]))
    assert np.isnan(none.accuracy) and (none.low, none.high, none.covered) == (0, 1, 0)
    nothing = stratified(np.array([]), np.array([]), np.array([]))
    assert np.isnan(nothing.accuracy) and nothing.covered == 0
