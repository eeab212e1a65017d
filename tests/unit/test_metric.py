"""The metrics that a verdict can be about, against tables computed by hand, and what a null comparison gives."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from datapass.comparison import metric as m
from datapass.comparison.crossed import gain_interval
from datapass.comparison.f_score import f1, f1_intervals
from datapass.comparison.metric import ACCURACY, BALANCED, COST, LABELS, MACRO_F1, Metric
from datapass.messages.problems import Refusal
from datapass.settings import Evaluate

CLASSES = ["defect", "ok", "scratch"]
COSTS = {"defect": {"ok": 20.0}, "scratch": {"scratch": 0.5, "defect": 3}}
TRUTH = np.array([0, 1, 1, 1, 2, 2])
OLD = np.array([[1, 1, 1, 1, 2, 0], [0, 1, 1, 0, 2, 2]])
NEW = np.array([[0, 1, 0, 1, 2, 2], [0, 1, 1, 1, 2, 1]])
METRICS = {name: Metric(name, COSTS if name == COST else None) for name in LABELS}
# Seed 0 of the baseline: right 4 of 6; recalls 0, 1, 1/2; F1 0, 2*3/(3+4), 2*1/(2+1); costs 20 + 0.5 + 3.
# Seed 1: right 5 of 6; recalls 1, 2/3, 1; F1 2*1/(1+2), 2*2/(3+2), 1; costs 1 + 0.5 + 0.5.
KNOWN = {
    ACCURACY: (4 / 6 + 5 / 6) / 2,
    BALANCED: ((0 + 1 + 1 / 2) / 3 + (1 + 2 / 3 + 1) / 3) / 2,
    MACRO_F1: ((0 + 6 / 7 + 2 / 3) / 3 + (2 / 3 + 4 / 5 + 1) / 3) / 2,
    COST: (23.5 / 6 + 2 / 6) / 2,
}
# The candidate. Seed 0: recalls 1, 2/3, 1; costs 1 + 0.5 + 0.5. Seed 1: recalls 1, 1, 1/2; F1 1, 6/7, 2/3; costs 0.5 + 1.
AFTER = {
    ACCURACY: 5 / 6,
    BALANCED: ((1 + 2 / 3 + 1) / 3 + (1 + 1 + 1 / 2) / 3) / 2,
    MACRO_F1: ((2 / 3 + 4 / 5 + 1) / 3 + (1 + 6 / 7 + 2 / 3) / 3) / 2,
    COST: (2 / 6 + 1.5 / 6) / 2,
}


@pytest.mark.parametrize("name", LABELS)
def test_each_metric_by_hand(name: str) -> None:
    metric = METRICS[name]
    assert metric.level(TRUTH, OLD, CLASSES) == pytest.approx(KNOWN[name])
    assert metric.level(TRUTH, NEW, CLASSES) == pytest.approx(AFTER[name])
    better = KNOWN[name] - AFTER[name] if name == COST else AFTER[name] - KNOWN[name]
    for paired in (True, False):
        assert metric.gain(TRUTH, OLD, NEW, CLASSES, paired=paired).mean == pytest.approx(better)
    assert metric.gain(TRUTH, OLD, NEW, CLASSES).mean > 0, "what is better is positive, of a cost too"
    shown = metric.interval(TRUTH, OLD, CLASSES, np.arange(6))
    assert shown.mean == pytest.approx(KNOWN[name]) and shown.low < shown.mean < shown.high


def test_the_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth, answers = rng.choice(4, 300, p=[0.6, 0.3, 0.08, 0.02]), rng.integers(0, 4, (3, 300))
    names = list("abcd")
    balanced = [balanced_accuracy_score(truth, row) for row in answers]
    assert Metric(BALANCED).scores(truth, answers, names).mean(axis=0) == pytest.approx(balanced)
    macro = np.mean([f1_score(truth, row, average="macro") for row in answers])
    assert Metric(MACRO_F1).level(truth, answers, names) == pytest.approx(macro)
    assert f1(truth, answers, 4)[0, :4] == pytest.approx(f1_score(truth, answers[0], average=None))
    with pytest.raises(ValueError, match="no mean of a score"):
        Metric(MACRO_F1).scores(truth, answers, names)


def test_the_gains_of_the_classes_have_macro_f1_as_their_mean() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 300, p=[0.7, 0.2, 0.1])
    old, new = (np.where(rng.random((4, 300)) < share, truth, rng.integers(0, 3, (4, 300))) for share in (0.6, 0.8))
    *classes, whole = f1_intervals(truth, [old, new], 3)
    assert whole.mean == pytest.approx(np.mean([one.mean for one in classes]))
    assert all(one.low < one.mean < one.high for one in classes)


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, seeds = draw(st.integers(2, 30)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return rng.integers(0, 3, n), rng.integers(0, 3, (seeds, n)), rng.integers(0, 3, (seeds, n))


@given(tables())
def test_a_cost_of_0_and_1_is_accuracy(table: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """The very same interval, not about the same, where the seeds are paired."""
    plain = Metric(COST, {"ok": {"ok": 0, "defect": 1}})
    np.testing.assert_equal(plain.gain(*table, CLASSES), Metric().gain(*table, CLASSES))
    assert plain.level(*table[:2], CLASSES) == pytest.approx(1 - Metric().level(*table[:2], CLASSES))


@given(tables())
def test_balanced_accuracy_of_balanced_classes_is_accuracy(table: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    _, old, new = table
    for truth in (np.arange(old.shape[1]) % 3, np.zeros(old.shape[1], dtype=int)):
        rows = np.arange(old.shape[1] // 3 * 3 if truth.any() else old.shape[1])
        if len(rows):
            sides = truth[rows], old[:, rows], new[:, rows]
            np.testing.assert_equal(Metric(BALANCED).gain(*sides, CLASSES), Metric().gain(*sides, CLASSES))


@given(tables(), st.sampled_from(list(LABELS)), st.integers(0, 10_000))
def test_no_answer_to_what_is_gone_is_better_or_worse(
    table: tuple[np.ndarray, np.ndarray, np.ndarray], name: str, seed: int
) -> None:
    truth, _, answers = table
    lost = truth[: 1 + len(truth) // 8]
    metric, whole = METRICS[name], np.concatenate([truth, lost])

    def level(guessed: np.ndarray) -> float:
        return metric.better * metric.level(whole, np.hstack([answers, guessed]), CLASSES)

    best, worst = (level(metric.extreme(truth, answers, lost, CLASSES, best=best)) for best in (True, False))
    some = level(np.random.default_rng(seed).integers(0, 3, (len(answers), len(lost))))
    slack = 0.02 if name == MACRO_F1 else 1e-12  # one after the other is not quite the worst of all
    assert worst - slack <= some <= best + 1e-12


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("paired", [True, False])
def test_a_null_comparison_gets_a_verdict_no_more_often_than_it_may(name: str, paired: bool) -> None:
    """Two draws from the same data, with classes of 900, 70, 25 and 5 in a thousand: 5 % is the aim.

    Examples are of different difficulty, which both sides share, and the seeds of a side err together a little.
    """
    rng, found = np.random.default_rng(1), []
    costs = {"c": {"a": 20.0, "b": 5.0}, "d": {"a": 20.0}} if name == COST else None
    metric, rounds, n, seeds = Metric(name, costs), 60 if name == MACRO_F1 else 600, 400, 5
    for _ in range(rounds):
        truth = np.concatenate([rng.choice(4, n - 4, p=[0.9, 0.07, 0.025, 0.005]), np.arange(4)])
        hard = rng.normal(-1.2, 1.2, n)

        def answers(truth: np.ndarray = truth, hard: np.ndarray = hard) -> np.ndarray:
            luck = rng.normal(0, 0.1, (seeds, 4))[:, truth] + rng.normal(0, 0.7, (seeds, n))
            return np.where(hard + luck > 0, (truth + rng.integers(1, 4, (seeds, n))) % 4, truth)

        found.append(metric.gain(truth, answers(), answers(), list("abcd"), paired=paired).p < 0.05)
    assert np.mean(found) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / rounds), np.mean(found)


def test_a_real_gain_of_a_rare_class_shows_in_balanced_accuracy() -> None:
    """Which accuracy cannot see: 40 of 1,000, of which a quarter more is right, and twice as many broken elsewhere."""
    truth = np.r_[np.zeros(960, int), np.ones(40, int)]
    old, new = np.tile(truth, (5, 1)), np.tile(truth, (5, 1))
    old[:, 960:980], new[:, 960:970], new[:, :20] = 0, 0, 1
    assert Metric(BALANCED).gain(truth, old, new, ["a", "b"]).low > 0
    assert Metric().gain(truth, old, new, ["a", "b"]).mean < 0


def test_groups_count_once_for_every_metric() -> None:
    rng = np.random.default_rng(0)
    truth, old, new = rng.integers(0, 3, 60), rng.integers(0, 3, (4, 60)), rng.integers(0, 3, (4, 60))
    copies = [np.repeat(part, 5, axis=-1) for part in (truth, old, new)]
    for metric in METRICS.values():
        one = metric.gain(truth, old, new, CLASSES)
        many = metric.gain(*copies, CLASSES, np.repeat(np.arange(60), 5))
        assert many.mean == pytest.approx(one.mean)
        assert many.se == pytest.approx(one.se, rel=0.1)


def test_numbers_are_shown_in_the_unit() -> None:
    cost, tiny = METRICS[COST], Metric(COST, {"a": {"b": 0.002}})
    assert (Metric().score(0.923), cost.score(0.42131), tiny.score(0.0001234)) == ("92.30 %", "0.4213", "0.0001234")
    assert (Metric().difference(-0.0123), cost.difference(-0.0123)) == ("−1.23", "−0.0123")
    assert (Metric().difference(-1e-9), cost.difference(-1e-9), cost.difference(np.nan)) == ("+0.00", "+0.0000", "–")
    assert [Metric(name).of for name in LABELS] == [
        "points of accuracy",
        "points of balanced accuracy",
        "points of macro-F1",
        "cost per example saved",
    ]


def test_what_is_read_is_what_the_settings_say() -> None:
    assert Metric.read({"batch_size": 8}) == Metric(ACCURACY), "from before there was a choice"
    settings = Evaluate.model_validate(
        {"batch_size": 1, "metric": "cost", "costs": {"3": {"8": 20}, "a.b": {"c": 0.5}}}
    )
    read = Metric.read(settings.model_dump())
    assert read == Metric.read({"metric": "cost", "costs": {3: {8: 20}, "a.b": {"c": 0.5}}})
    assert read.matrix(["3", "8", "a.b", "c"]).tolist() == [[0, 20, 1, 1], [1, 0, 1, 1], [1, 1, 0, 0.5], [1, 1, 1, 0]]
    assert read.renamed({"3": "three"}).costs == {"three": {"8": 20}, "a.b": {"c": 0.5}}
    names: Any = Evaluate.model_fields["metric"].annotation
    assert set(names.__args__) == set(LABELS)
    for wrong in ({"metric": "f2"}, {"metric": "cost", "costs": {"a": 3}}, {"metric": "cost", "costs": [1]}):
        with pytest.raises(Refusal):
            Metric.read(wrong)


def test_costs_of_classes_that_there_are_not_are_all_named() -> None:
    Metric(COST, COSTS).check(CLASSES)
    Metric().check(CLASSES)
    with pytest.raises(Refusal) as refusal:
        Metric(COST, {"defects": {"ok": 1.0, "okay": 2.0}, "defect": {"zebra": 1.0}}).check(CLASSES)
    said = str(refusal.value)
    assert 'conf/config.yaml: evaluate.costs: "defects", "okay", "zebra" are no classes' in said
    assert len(said.splitlines()) == 1


def test_the_gain_of_equal_sides_is_nothing() -> None:
    for metric in METRICS.values():
        found = metric.gain(TRUTH, OLD, OLD, CLASSES)
        assert found.mean == 0 and found.low <= 0 <= found.high
    assert replace(Metric(COST), costs=None).matrix(CLASSES).tolist() == (1 - np.eye(3)).tolist()
    assert m.COST in LABELS and gain_interval(np.zeros((3, 2)), np.zeros((3, 2))).mean == 0
