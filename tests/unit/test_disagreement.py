"""Which new inputs are uncertain, which are drawn for labels, and which are questions of policy."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datapass.production.disagreement import FLOOR, draw, policy_questions, uncertainty

LN2 = float(np.log(2))


def ids(n: int) -> pd.Series:
    return pd.Series([f"2026-11-25/{i}" for i in range(n)], dtype="str")


@pytest.mark.parametrize(
    ("seeds", "known"),
    [
        pytest.param([[1, 0], [0, 1]], LN2, id="each sure of another class"),
        pytest.param([[0.5, 0.5], [0.5, 0.5]], 0, id="unsure, of one mind"),
        pytest.param([[1, 0], [1, 0]], 0, id="sure, of one mind"),
        pytest.param([[0.75, 0.25], [0.25, 0.75]], LN2 + 0.75 * np.log(0.75) + 0.25 * np.log(0.25), id="three to one"),
    ],
)
def test_disagreement_by_hand(seeds: list[list[float]], known: float) -> None:
    """Beside an input on which the seeds differ, so that there is disagreement at all."""
    both = np.array([[one, [1, 0] if i else [0, 1]] for i, one in enumerate(seeds)], dtype=float)
    found = uncertainty(both)
    assert found.by == "disagreement"
    assert found.scores == pytest.approx([known, LN2])


@pytest.mark.parametrize("seeds", [1, 3], ids=["one seed", "seeds that say the same"])
def test_without_disagreement_the_entropy_is_taken(seeds: int) -> None:
    found = uncertainty(np.tile([[[0.5, 0.5], [1.0, 0.0], [0.9, 0.1]]], (seeds, 1, 1)))
    assert found.by == "entropy"
    assert found.scores == pytest.approx([LN2, 0, -0.9 * np.log(0.9) - 0.1 * np.log(0.1)])


def test_no_inputs() -> None:
    empty = np.zeros((2, 0, 3))
    assert uncertainty(empty).scores.shape == policy_questions(empty).shape == (0,)
    assert draw(ids(0), np.zeros(0), np.zeros(0, dtype=int), 5, "salt").tolist() == []


@given(st.integers(1, 4), st.integers(1, 6), st.integers(2, 5), st.integers(0, 99))
def test_scores_are_between_0_and_the_entropy(seeds: int, n: int, classes: int, seed: int) -> None:
    p = np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), size=(seeds, n))
    scores = uncertainty(p).scores
    assert (scores >= 0).all() and (scores <= np.log(classes) + 1e-9).all()
    assert scores == pytest.approx(uncertainty(p[::-1]).scores)


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 70), st.integers(0, 999))
def test_the_order_of_the_inputs_does_not_matter(n: int, units: int, number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, unit, names = rng.exponential(size=n) * rng.integers(0, 2, n), rng.integers(0, units, n), ids(n)
    rows = draw(names, scores, unit, number, "salt")
    assert len(rows) == min(number, len(set(unit))), "at most one a unit, and all units where there are too few"
    assert len(set(unit[rows])) == len(rows)
    order = rng.permutation(n)
    again = draw(names.iloc[order].reset_index(drop=True), scores[order], unit[order], number, "salt")
    assert order[again].tolist() == rows.tolist()
    assert draw(names, 1000 * scores, unit, number, "salt").tolist() == rows.tolist()
    assert draw(names, scores, unit, max(0, number - 1), "salt").tolist() == rows.tolist()[: max(0, number - 1)]


def test_drawn_in_proportion_to_score_and_floor() -> None:
    """Mean score 2, so weights 0 + .1, 1 + .1, 2 + .1 over their sum, 3.3, of the first of 3; over 2,500 salts."""
    first = Counter(int(draw(ids(3), np.array([0.0, 2, 4]), np.arange(3), 1, str(salt))[0]) for salt in range(2500))
    known = (np.arange(3) + FLOOR) / (3 + 3 * FLOOR)
    assert [first[i] / 2500 for i in range(3)] == pytest.approx(known, abs=0.03)


def test_without_any_score_all_are_drawn_alike() -> None:
    first = Counter(int(draw(ids(4), np.zeros(4), np.arange(4), 1, str(salt))[0]) for salt in range(2000))
    assert [first[i] / 2000 for i in range(4)] == pytest.approx([0.25] * 4, abs=0.04)


def test_another_salt_draws_others() -> None:
    drawn = [draw(ids(1000), np.ones(1000), np.arange(1000), 20, salt).tolist() for salt in ("a", "a", "b")]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("seeds", "question"),
    [
        pytest.param([[0.52, 0.48], [0.5, 0.5], [0.47, 0.53]], True, id="no seed is sure, all of one mind"),
        pytest.param([[0.99, 0.01], [0.98, 0.02], [0.99, 0.01]], False, id="sure"),
        pytest.param([[0.99, 0.01], [0.02, 0.98], [0.5, 0.5]], False, id="the seeds disagree"),
        pytest.param([[0.6, 0.4], [0.6, 0.4], [0.7, 0.3]], False, id="one seed is rather sure"),
    ],
)
def test_questions_of_policy(seeds: list[list[float]], question: bool) -> None:
    both = np.array([[one, [1, 0] if i else [0, 1]] for i, one in enumerate(seeds)], dtype=float)
    assert policy_questions(both).tolist() == [question, False]


@pytest.mark.parametrize("seeds", [1, 3], ids=["one seed", "seeds that say the same"])
def test_without_disagreement_there_is_no_question_of_policy(seeds: int) -> None:
    assert not policy_questions(np.full((seeds, 4, 2), 0.5)).any()
