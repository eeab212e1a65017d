"""Class shares and the accuracy to expect of new inputs: known answers, properties, and what cannot be told."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datapass.production.calibration import calibration, crossfitted, fitted, logarithms, tempered
from datapass.production.forecast import calibration_gap, expected, forecast
from datapass.production.label_shift import black_box, confusion, expectation_maximisation, smallest_singular
from datapass.production.permuted import difference
from datapass.production.shares import Shares, class_shares

LEVEL = 0.0125
Drawn = tuple[np.ndarray, np.ndarray]


def draw(n: int, shares: list[float], seed: int, strength: float = 2.0, sure: float = 1.0) -> Drawn:
    """Return labels (n) and probabilities (n x K), calibrated under equal shares where `sure` is 1."""
    rng, classes = np.random.default_rng(seed), len(shares)
    labels = rng.choice(classes, n, p=shares)
    seen = rng.normal(size=(n, classes)) + strength * np.eye(classes)[labels]
    return labels, tempered(strength * seen, sure)


def found(test: Drawn, new: np.ndarray, level: float = LEVEL) -> Shares:
    return class_shares(test[1], test[0], np.arange(len(test[0])), new, np.arange(len(new)), level)


def test_black_box_by_hand() -> None:
    joint = np.array([[0.45, 0.10], [0.05, 0.40]])
    weights = black_box(joint, np.array([0.76, 0.24]))
    assert weights == pytest.approx([1.6, 0.4]) and weights * joint.sum(axis=0) == pytest.approx([0.8, 0.2])
    assert black_box(joint, np.array([1.0, 0.0])) == pytest.approx([2, 0]), "none under 0, and shares of sum 1"


def test_confusion_by_hand() -> None:
    joint = confusion(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    assert joint.tolist() == [[0.25, 0.25], [0, 0.5]]
    assert smallest_singular(np.diag([0.98, 0.02])) == pytest.approx(1), "a rare class that is told apart"
    assert smallest_singular(np.full((2, 2), 0.25)) == pytest.approx(0), "answers by chance"


def test_expectation_maximisation_by_hand() -> None:
    """60 rows of .9 and 40 of .1 under equal shares: the likelihood's slope is 0 at q = .625."""
    p = np.array([[0.9, 0.1]] * 60 + [[0.1, 0.9]] * 40)
    assert expectation_maximisation(p, np.array([0.5, 0.5])) == pytest.approx([0.625, 0.375], abs=1e-5)


@given(st.integers(2, 6), st.integers(1, 40), st.integers(0, 999))
def test_expectation_maximisation_finds_the_most_likely_shares(classes: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, prior = rng.dirichlet(np.ones(classes), n), rng.dirichlet(np.full(classes, 5.0))
    shares = expectation_maximisation(p, prior)
    assert shares.sum() == pytest.approx(1) and (shares >= 0).all()
    best = np.log(p / prior @ shares).sum()
    others = rng.dirichlet(np.ones(classes), 50)
    assert (np.log(p / prior @ (0.95 * shares + 0.05 * others).T).sum(axis=0) <= best + 1e-3 * n).all()


@pytest.mark.parametrize("sure", [0.5, 1.0, 3.0], ids=["half as sure", "calibrated", "three times as sure"])
def test_the_temperature_is_found(sure: float) -> None:
    labels, p = draw(20_000, [0.5, 0.5], 1, strength=1.5, sure=sure)
    assert calibration(p, labels).sharpness == pytest.approx(1 / sure, rel=0.06)


def test_answers_without_probabilities_are_worth_their_accuracy() -> None:
    """A tree says 0 and 1: where 9 of 10 are right the probability of its answer is .9."""
    labels = np.tile([0, 1], 500)
    said = np.eye(2)[np.where(np.arange(1000) % 10 == 3, 1 - labels, labels)]
    assert calibration(said, labels)(said).max(axis=1) == pytest.approx(0.9, abs=0.002)


@pytest.mark.parametrize("trees", [20, 100])
def test_a_forest_that_says_0_is_not_wrong_for_ever(trees: int) -> None:
    """Shares of trees are nearly calibrated, but for 0 and 1: the forecast stays within 2 points."""
    labels, p = draw(4000, [0.5, 0.5], 1, strength=1.8)
    votes = np.random.default_rng(2).multinomial(trees, p) / trees
    assert (votes == 0).any()
    right = votes.argmax(axis=1) == labels
    assert calibration(votes, labels)(votes).max(axis=1).mean() == pytest.approx(right.mean(), abs=0.02)


@pytest.mark.parametrize("n", [1, 10, 100])
def test_all_right_is_not_certain(n: int) -> None:
    """It is worth (n + 1/2) / (n + 1)."""
    labels = np.arange(n) % 2
    logs = logarithms(np.eye(2)[labels], 1e-3)
    assert tempered(logs, fitted(logs, labels)).max(axis=1) == pytest.approx((n + 0.5) / (n + 1), abs=1e-5)
    assert calibration(np.zeros((0, 2)), labels[:0]).sharpness == 1


def test_a_unit_is_never_calibrated_by_itself() -> None:
    """Where all examples of one unit are wrong, this is not known to the half that it is in."""
    labels, p = draw(400, [0.5, 0.5], 3)
    units = np.repeat(np.arange(40), 10)
    before = crossfitted(p, labels, units)
    for unit in (0, 1, 2):
        changed = np.where(units == unit, 1 - p.argmax(axis=1), labels)
        assert np.array_equal(crossfitted(p, changed, units)[units == unit], before[units == unit])
    assert before.sum(axis=1) == pytest.approx(1)


def test_difference_by_hand() -> None:
    old, new = np.array([[0.0], [1], [1], [2]]), np.array([[3.0], [5]])
    gap = difference(old, np.arange(4), new, np.arange(2))
    assert gap.mean == pytest.approx([3]) and gap.se == pytest.approx([(2 / 3 / 4 + 2 / 2) ** 0.5])


def test_difference_whatever_the_order() -> None:
    rng = np.random.default_rng(4)
    old, new, units = rng.normal(size=(90, 3)), rng.normal(size=(60, 3)) + 0.3, rng.integers(0, 30, 90)
    once, again = (
        difference(old[order], units[order], new[::step], np.arange(60)[::step]).p
        for order, step in ((np.arange(90), 1), (rng.permutation(90), -1))
    )
    assert np.array_equal(once, again) and (once < 1).any()


def test_difference_is_of_whole_units() -> None:
    """Rows that are copies are no evidence: with 3 units a side the least p is 2 of 20."""
    old, new = np.repeat([0.0, 0.1, 0.2], 100)[:, None], np.repeat([1.0, 1.1, 1.2], 100)[:, None]
    rows, units = np.arange(300), np.repeat(np.arange(3), 100)
    assert difference(old, rows, new, rows).p[0] < 0.001
    assert difference(old, units, new, units).p[0] == pytest.approx(0.1, abs=0.05)
    assert difference(old, units, old, units).p[0] == 1, "alike"


@pytest.mark.parametrize("part", [False, True], ids=["all units", "a part of the units"])
def test_p_values_are_not_under_their_level_too_often(part: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five columns, of which none differs: some p is under 10 % in 10 % of 200 pairs of samples."""
    if part:
        monkeypatch.setattr("datapass.production.permuted.MOST", 10)
    rng, n, m = np.random.default_rng(5), np.arange(60), np.arange(40)
    least = [difference(rng.normal(size=(60, 5)), n, rng.normal(size=(40, 5)), m).p.min() for _ in range(200)]
    assert 0.04 < np.mean(np.array(least) < 0.1) < 0.17


def test_groups_that_are_alike_are_no_change() -> None:
    """40 and 30 groups of ten of one class each: by groups nothing is told, by rows a change is."""
    rng = np.random.default_rng(3)
    sides = []
    for groups, share in ((40, 0.4), (30, 0.6)):
        labels = np.repeat(np.arange(groups) < share * groups, 10).astype(int)
        seen = rng.normal(size=len(labels)) + 3 * (2 * labels - 1)
        sides.append(
            (
                labels,
                np.stack([1 / (1 + np.exp(seen)), 1 / (1 + np.exp(-seen))], axis=1),
                np.repeat(np.arange(groups), 10),
            )
        )
    (labels, test, old), (_, new, now) = sides
    assert not class_shares(test, labels, old, new, now, LEVEL).changed
    assert class_shares(test, labels, np.arange(400), new, np.arange(300), LEVEL).changed


def test_a_change_is_told() -> None:
    shares = found(draw(800, [0.5, 0.5], 1), draw(400, [0.8, 0.2], 2)[1])
    table = shares.table
    assert shares.changed and table["changed"].all() and shares.p < 0.001 and shares.reason == ""
    assert table["new"].to_numpy() == pytest.approx([0.8, 0.2], abs=0.06)
    assert table["black_box"].to_numpy() == pytest.approx([0.8, 0.2], abs=0.08)
    assert table["ratio"].to_numpy() == pytest.approx((table["new"] / table["test"]).to_numpy())
    assert ((table["low"] < [0.8, 0.2]) & (table["high"] > [0.8, 0.2])).all()
    assert table.equals(found(draw(800, [0.5, 0.5], 1), draw(400, [0.8, 0.2], 2)[1]).table), "the same each time"


def test_none_is_told_where_there_is_none() -> None:
    shares = found(draw(800, [0.7, 0.3], 1, sure=4.0), draw(400, [0.7, 0.3], 2, sure=4.0)[1])
    assert not shares.changed and shares.p > LEVEL and not shares.table["changed"].any()


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 5), st.integers(1, 30), st.floats(0.2, 5), st.integers(0, 99))
def test_shares_add_up_and_lie_in_their_intervals(classes: int, m: int, sure: float, seed: int) -> None:
    test = draw(60, [1 / classes] * classes, seed, sure=sure)
    new = draw(m, [1 / classes] * classes, seed + 1000, sure=sure)[1]
    shares = found(test, new)
    table = shares.table
    if shares.reason:
        assert table["new"].isna().all() and np.isnan(shares.p)
        return
    assert table["test"].sum() == pytest.approx(1) and table["new"].sum() == pytest.approx(1)
    assert (table["low"] <= table["new"]).all() and (table["new"] <= table["high"]).all()
    assert table["low"].min() >= 0 and table["high"].max() <= 1
    turned = found((test[0][::-1], test[1][::-1]), new[::-1])
    assert np.allclose(turned.table["new"], table["new"], atol=1e-5), "in whatever order the inputs come"
    assert 0 < shares.p <= 1


def test_no_interval_is_narrower_than_of_counted_labels() -> None:
    """Of 100 inputs that are all told apart 3 are of the rare class: Clopper and Pearson's .0062 to .0852 of 3 in 100."""
    test, new = np.arange(4000) % 2, np.where(np.arange(100) < 3, 1, 0)
    shares = found((test, np.eye(2)[test]), np.eye(2)[new]).table
    assert shares["low"][1] <= 0.0063 and shares["high"][1] >= 0.0845
    none = found((test, np.eye(2)[test]), np.eye(2)[np.zeros(100, dtype=int)]).table
    assert none["new"][1] < 1e-3 and none["high"][1] >= 1 - 0.025**0.01 - 1e-4, "none of 100 can be 3.6 %"


def test_a_class_without_a_test_example_has_no_share() -> None:
    labels, p = draw(300, [0.6, 0.4, 0.0], 1)
    shares = found((labels, p), draw(200, [0.3, 0.7, 0.0], 2)[1])
    assert shares.table.loc[2, ["new", "low", "high", "p"]].isna().all() and not shares.table.loc[2, "changed"]
    assert shares.table["new"].sum() == pytest.approx(1) and shares.changed


NEVER = draw(300, [0.6, 0.3, 0.1], 1)
CANNOT: dict[str, tuple[Callable[[], Shares], str]] = {
    "no new inputs": (lambda: found(NEVER, np.zeros((0, 3))), "no new inputs"),
    "no test set": (lambda: found((np.zeros(0, dtype=int), np.zeros((0, 3))), NEVER[1]), "fewer than two classes"),
    "one class": (
        lambda: found((np.zeros(9, dtype=int), np.full((9, 2), 0.5)), np.full((5, 2), 0.5)),
        "fewer than two",
    ),
    "a class never answered": (
        lambda: found((NEVER[0], NEVER[1] * [1, 1, 0.0]), NEVER[1]),
        "never answer 1 of the classes",
    ),
    "answers by chance": (
        lambda: found((np.arange(400) // 2 % 2, np.eye(2)[np.arange(400) % 2]), np.eye(2)),
        "each other",
    ),
}


@pytest.mark.parametrize("case", CANNOT)
def test_what_cannot_be_told_has_a_reason_and_no_number(case: str) -> None:
    shares = CANNOT[case][0]()
    assert CANNOT[case][1] in shares.reason
    assert not shares.changed and np.isnan(shares.p) and not shares.table["changed"].any()
    assert shares.table[["new", "low", "high", "ratio", "black_box", "p"]].isna().all().all()


def test_one_new_input() -> None:
    table = found(draw(300, [0.5, 0.5], 1), draw(1, [0.5, 0.5], 2)[1]).table
    assert (table["low"] < 0.05).any() and (table["high"] > 0.95).any() and (table["p"] > LEVEL).all()


def test_expected_accuracy_by_hand() -> None:
    assert expected(np.array([0.9, 0.8, 0.6, 0.99, 0.55])) == pytest.approx((0.768, 0.1729), abs=5e-5)


def test_calibration_gap_by_hand() -> None:
    """By units: two of two examples each, whose sums are off by -.4 and .4 from the mean gap."""
    sure, right, units = np.full(4, 0.9), np.array([1.0, 1, 1, 0]), np.array([0, 0, 1, 1])
    gap, se = calibration_gap(sure, right, units)
    assert gap == pytest.approx(0.15)
    assert se == pytest.approx((2 * 0.5**2 * 2) ** 0.5 / 4)
    assert calibration_gap(sure, np.ones(4), units)[1] == pytest.approx((4 * 0.09) ** 0.5 / 4), "all right: by chance"


def test_an_overconfident_model_is_forecast_well() -> None:
    """Calibrated on the test set it forecasts its accuracy, and a blurred delivery has a lower one."""
    labels, p = draw(1000, [0.5, 0.5], 1, strength=1.2, sure=4.0)
    n = np.arange(1000)
    same = forecast(p, labels, n, draw(1000, [0.5, 0.5], 2, strength=1.2, sure=4.0)[1], n, LEVEL)
    true = float((p.argmax(axis=1) == labels).mean())
    assert same.test_accuracy == true and p.max(axis=1).mean() > true + 0.08
    assert abs(same.gap) < 0.03 and not same.off and not same.changed
    assert same.low < same.accuracy < same.high and same.accuracy == pytest.approx(true, abs=0.03)
    sd = expected(calibration(p, labels)(draw(1000, [0.5, 0.5], 2, 1.2, 4.0)[1]).max(axis=1))[1]
    assert same.high - same.accuracy == pytest.approx(1.959964 * np.hypot(sd, same.gap_se))
    assert same.gap == pytest.approx(same.test_forecast - same.test_accuracy)
    blurred = forecast(p, labels, n, tempered(logarithms(draw(1000, [0.5, 0.5], 2, 1.2, 4.0)[1], 1e-9), 0.3), n, LEVEL)
    assert blurred.changed and blurred.change < -0.1 and blurred.accuracy < same.accuracy - 0.1


def test_a_forecast_that_is_off_on_the_test_set_is_flagged() -> None:
    """No temperature mends a model whose surest answers are the wrong ones."""
    p = draw(400, [0.5, 0.5], 1)[1]
    wrong = np.where(p.max(axis=1) > 0.8, 1 - p.argmax(axis=1), p.argmax(axis=1))
    found = forecast(p, wrong, np.arange(400), p[:50], np.arange(50), LEVEL)
    assert found.off and found.gap > 0.05 and found.test_accuracy < 0.5


@pytest.mark.parametrize("m", [1, 2], ids=["one new input", "two"])
def test_forecast_of_few_inputs(m: int) -> None:
    labels, p = draw(100, [0.5, 0.5], 1)
    found = forecast(p, labels, np.arange(100), p[:m], np.arange(m), LEVEL)
    assert 0 <= found.low <= found.accuracy <= found.high <= 1 and found.p > LEVEL


@pytest.mark.parametrize(
    ("n", "m", "why"), [(100, 0, "no new inputs"), (1, 5, "fewer than two"), (0, 5, "fewer than two")]
)
def test_forecast_that_cannot_be(n: int, m: int, why: str) -> None:
    labels, p = draw(100, [0.5, 0.5], 1)
    found = forecast(p[:n], labels[:n], np.arange(n), p[:m], np.arange(m), LEVEL)
    assert why in found.reason and np.isnan(found.accuracy) and not found.changed and not found.off
