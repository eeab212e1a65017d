"""The tests of new inputs: known answers, levels on small simulations, and what must not matter."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import betabinom, kstest, kstwo
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from datapass.production.columns import compare_columns, counts_differ, ks
from datapass.production.measures import calendar, measures
from datapass.production.outputs import compare_outputs
from datapass.production.seen import Inputs, Seen, features, small
from datapass.production.two_sample import (
    FEWEST,
    MOST,
    RIDGE,
    apart,
    aucs,
    folds_of,
    landmarks,
    out_of_fold,
    tell_apart,
)
from datapass.production.unlike import beyond, conformal, unlike

NUMBERS = {"x": "number", "y": "number"}


def inputs(packed: np.ndarray | pd.DataFrame, name: str = "a", units: list[str] | None = None) -> Inputs:
    ids = pd.Series([f"{name}-{row}" for row in range(len(packed))], dtype="str")
    return Inputs(packed, ids, ids if units is None else pd.Series(units, dtype="str"))


def normal(seed: int, rows: int, shift: float = 0) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(shift, 1, (rows, 2)), columns=["x", "y"])


def shuffled(side: Inputs, seed: int = 0) -> tuple[Inputs, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(side.ids))
    return side.take(order), order


# The classifier


def test_scores_are_those_of_a_ridge_classifier_fitted_without_each_fold() -> None:
    rng = np.random.default_rng(0)
    found, folds = rng.normal(size=(60, 3)), np.arange(60) % 5
    labels = rng.random((60, 2)) < 0.3
    scores = out_of_fold(found, folds, labels)
    for column in range(2):
        targets = labels[:, column] - labels[:, column].mean()
        for fold in range(5):
            fitted = Ridge(alpha=RIDGE, fit_intercept=False).fit(found[folds != fold], targets[folds != fold])
            assert scores[folds == fold, column] == pytest.approx(fitted.predict(found[folds == fold]))


def test_features_of_landmarks_have_the_centred_kernel_as_products() -> None:
    seen = features([normal(0, 80)], NUMBERS)
    kernel = seen.kernel(seen)
    centring = np.eye(80) - 1 / 80
    found = landmarks(seen)
    assert found @ found.T == pytest.approx(centring @ kernel @ centring, abs=1e-6)


def test_auc_is_that_of_scikit_learn_within_each_fold() -> None:
    rng = np.random.default_rng(1)
    scores, labels, folds = rng.normal(size=(40, 1)), rng.random((40, 1)) < 0.4, np.arange(40) % 2
    parts = [(labels[folds == f, 0], scores[folds == f, 0]) for f in range(2)]
    pairs = [np.sum(truth) * np.sum(~truth) for truth, _ in parts]
    expected = np.average([roc_auc_score(*part) for part in parts], weights=pairs)
    assert aucs(scores, labels, folds)[0] == pytest.approx(expected)


@pytest.mark.parametrize("new", [40, 300], ids=["a small delivery", "one as large"])
def test_a_shift_is_found_and_its_inputs_score_higher(new: int) -> None:
    moved = normal(2, new)
    moved.loc[: new // 2, "x"] += 3
    found = tell_apart(inputs(normal(1, 300)), inputs(moved, "new"), NUMBERS)
    assert (found.old, found.new) == (300, new)
    assert found.p == 0.001 and found.auc > 0.65
    by_row = np.empty(new)
    by_row[found.rows] = found.scores
    assert roc_auc_score(np.arange(new) <= new // 2, by_row) > 0.85


def test_p_values_are_uniform_where_nothing_changed() -> None:
    seen = features([normal(3, 90)], NUMBERS)
    ids = pd.Series([str(row) for row in range(90)], dtype="str")
    rng = np.random.default_rng(4)
    p = [apart(seen, rng.permutation(90) < 25, ids, ids).p for _ in range(40)]
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) <= 0.2) < 0.4


def test_groups_do_not_alarm_where_rows_alone_would() -> None:
    """Each input stands 5 times in its group: 30 new groups are 30 new inputs, not 150."""
    alarms = {True: 0, False: 0}
    for seed in range(8):
        once = pd.concat([normal(2 * seed, 30), normal(2 * seed + 1, 30)], ignore_index=True)
        rows = once.loc[np.repeat(np.arange(60), 5)].reset_index(drop=True)
        units = [f"group {row // 5}" for row in range(300)]
        for grouped in (True, False):
            old, new = (inputs(rows[a:b].reset_index(drop=True), name, units[a:b] if grouped else None) for a, b, name in ((0, 150, "a"), (150, 300, "b")))  # fmt: skip
            found = tell_apart(old, new, NUMBERS)
            assert found.new == (30 if grouped else 150)
            alarms[grouped] += found.p <= 0.05
    assert alarms[True] <= 2
    assert alarms[False] >= 4


def test_a_unit_is_in_one_fold_and_folds_are_even() -> None:
    units = pd.Series([f"unit {row // 3}" for row in range(300)], dtype="str")
    folds = folds_of(units)
    assert (pd.Series(folds).groupby(units).nunique() == 1).all()
    assert np.bincount(folds).tolist() == [60] * 5


def test_at_most_so_many_units_take_part_drawn_by_their_ids() -> None:
    side = inputs(normal(0, 2 * MOST))
    rows = side.one_of_each(MOST)
    assert len(np.unique(rows)) == MOST
    other, order = shuffled(side)
    assert order[other.one_of_each(MOST)].tolist() == rows.tolist()


@pytest.mark.parametrize("kind", ["rows", "images", "texts"])
def test_neither_the_order_of_the_rows_nor_a_second_run_changes_anything(kind: str) -> None:
    rng = np.random.default_rng(5)
    kinds = {"rows": NUMBERS, "images": {}, "texts": {"text": "text"}}[kind]

    def some(rows: int, name: str) -> Inputs:
        words = rng.choice(["red", "green", "blue", "parcel", "late"], (rows, 4))
        made = {
            "rows": lambda: pd.DataFrame(rng.normal(size=(rows, 2)), columns=["x", "y"]),
            "images": lambda: rng.integers(0, 256, (rows, 20, 18, 3)).astype(np.uint8),
            "texts": lambda: pd.DataFrame({"text": pd.Series([" ".join(row) for row in words], dtype="str")}),
        }
        return inputs(made[kind](), name)

    old, new = some(60, "a"), some(30, "b")
    found, again = tell_apart(old, new, kinds), tell_apart(old, new, kinds)
    assert found.scores.tobytes() == again.scores.tobytes() and (found.auc, found.p) == (again.auc, again.p)
    moved, order = shuffled(new)
    other = tell_apart(shuffled(old)[0], moved, kinds)
    assert (other.auc, other.p) == (found.auc, found.p)
    assert order[other.rows].tolist() == found.rows.tolist()
    assert other.scores.tolist() == found.scores.tolist()
    far, far_moved = unlike(old, old, new, kinds), unlike(shuffled(old)[0], old, moved, kinds)
    assert far_moved.scores == pytest.approx(far.scores[order])


@pytest.mark.parametrize("new", [0, FEWEST - 1], ids=["none", "one too few"])
def test_too_few_inputs_are_not_tested(new: int) -> None:
    found = tell_apart(inputs(normal(0, 100)), inputs(normal(1, new), "b"), NUMBERS)
    assert np.isnan(found.p) and np.isnan(found.auc) and found.new == len(found.scores) == new


# What is seen


def test_images_are_averaged_over_areas() -> None:
    image = np.arange(32 * 48 * 2, dtype=np.uint16).reshape(1, 32, 48, 2) % 251
    expected = image.reshape(1, 16, 2, 16, 3, 2).mean(axis=(2, 4)).reshape(1, -1) / 255
    assert small(image.astype(np.uint8), np.array([0])) == pytest.approx(expected)


def test_an_image_of_few_or_odd_pixels_keeps_its_mean() -> None:
    assert small(np.full((2, 5, 37, 1), 51, dtype=np.uint8), np.arange(2)) == pytest.approx(np.full((2, 5 * 16), 0.2))


def test_measures_of_images_have_known_values() -> None:
    board = 255 * (np.indices((4, 4)).sum(axis=0) % 2)
    images = np.stack([np.zeros((4, 4)), np.full((4, 4), 255), board]).astype(np.uint8)[..., None]
    found, kinds = measures(images, {})
    assert found.to_numpy().tolist() == [[0, 0, 0], [1, 0, 0], [0.5, 1, 1]]
    assert kinds == dict.fromkeys(["brightness", "contrast", "sharpness"], "number")


def test_measures_of_texts_are_their_lengths() -> None:
    found, kinds = measures(pd.DataFrame({"text": pd.Series(["two words", ""], dtype="str")}), {"text": "text"})
    assert found.to_dict("list") == {"characters": [9, 0], "words": [2, 0]}
    assert set(kinds.values()) == {"number"}


def test_a_text_beside_a_column_that_is_called_as_its_measure() -> None:
    frame = pd.DataFrame({"a": pd.Series(["one"], dtype="str"), "a: words": [7.0]})
    found, kinds = measures(frame, {"a": "text", "a: words": "number"})
    assert found["a: words"].tolist() == [7] and len(kinds) == found.shape[1] == 3


def test_distances_of_tables_know_missing_cells_and_categories() -> None:
    frame = pd.DataFrame({"x": [0, 0, np.nan, 1.0], "c": pd.Categorical(["a", "b", "a", "a"])})
    seen = features([frame], {"x": "number", "c": "category"})
    squares = seen.distances(seen) * seen.scale**2
    assert squares[0, 1] == pytest.approx(2)
    assert squares[0, 2] == pytest.approx(2)
    assert squares[1, 2] == pytest.approx(4)


def test_one_wrong_cell_is_far_and_does_not_change_what_the_others_are() -> None:
    table = normal(6, 200)
    wrong = table.copy()
    wrong.loc[0, "x"] = 1e12
    before, after = (features([frame], NUMBERS).numbers for frame in (table, wrong))
    assert abs(after[0, 0]) > 20
    assert after[1:] == pytest.approx(before[1:], abs=0.03)


def test_equal_texts_are_at_no_distance_and_others_at_most_at_one() -> None:
    texts = pd.DataFrame({"text": pd.Series(["the parcel is late", "the parcel is late", "xyz", ""], dtype="str")})
    found = features([texts], {"text": "text"})
    distances = found.distances(found)
    assert distances[0, 1] == pytest.approx(0, abs=1e-12)
    assert distances[0, 2:] == pytest.approx(1)


# Columns


@pytest.mark.parametrize(("tests", "critical"), [(2, 0.0662), (10, 0.0774)])
def test_ks_has_the_known_critical_values(tests: int, critical: float) -> None:
    """D at alpha .05 / K with 1,000 a side: the shift by just more alarms, the one by just less does not."""
    assert kstwo.isf(0.05 / tests, 500) == pytest.approx(critical, abs=0.001)
    base = np.arange(1000.0)
    over, under = int(np.ceil(1000 * critical)) + 1, int(1000 * critical) - 1
    assert ks(base, base + over) < 0.05 / tests < ks(base, base + under)


def test_ties_do_not_alarm() -> None:
    rng = np.random.default_rng(7)
    p = np.array([ks(rng.poisson(1, 200).astype(float), rng.poisson(1, 60).astype(float)) for _ in range(300)])
    assert (p <= 0.05).mean() <= 0.05


def test_numbers_that_a_file_holds_in_another_precision_are_equal() -> None:
    values = np.random.default_rng(8).choice([0.1, 0.2, 0.7], 500)
    assert ks(values, values.astype(np.float32).astype(float)) == 1


@pytest.mark.parametrize(
    ("table", "p"),
    [
        pytest.param([[8, 2], [1, 5]], 0.034965, id="Fisher's exact test"),
        pytest.param([[100, 200, 300], [300, 200, 100]], 3.7201e-44, id="chi-squared"),
        pytest.param([[5, 5, 0], [5, 5, 0]], 1, id="a category that nobody has"),
        pytest.param([[7], [9]], 1, id="one category"),
        pytest.param([[1, 2, 3], [0, 0, 0]], 1, id="nothing on one side"),
    ],
)
def test_counts(table: list[list[int]], p: float) -> None:
    assert counts_differ(np.array(table)) == pytest.approx(p, rel=1e-3)


def test_drawn_tables_agree_with_all_tables() -> None:
    """Small counts: the probability of all tables with these margins whose statistic is as high, summed."""
    table = np.array([[6, 1, 1], [1, 2, 3]])
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(rows, columns) / 14
    total = {True: 0, False: 0}
    labels = np.repeat(np.arange(3), columns)
    for chosen in combinations(range(14), int(rows[1])):
        one = np.bincount(labels[list(chosen)], minlength=3)
        other = np.stack([columns - one, one])
        total[
            bool(((other - expected) ** 2 / expected).sum() >= ((table - expected) ** 2 / expected).sum() - 1e-9)
        ] += 1
    assert counts_differ(table) == pytest.approx(total[True] / sum(total.values()), abs=0.005)


def test_what_changed_is_said_in_plain_numbers_and_the_least_p_first() -> None:
    old = pd.DataFrame({"n": np.arange(100.0), "c": pd.Categorical(["a"] * 60 + ["b"] * 40), "d": np.arange(100.0)})
    new = pd.DataFrame(
        {"n": np.arange(100.0) + 5, "c": pd.Categorical(["a"] * 30 + ["new"] * 70), "d": np.arange(100.0)}
    )
    new.loc[:19, "d"] = np.nan
    first, second, third = compare_columns(old, new, {"n": "number", "c": "category", "d": "date"})
    assert (first.name, first.effect) == ("c", '"new" 0.0 % → 70.0 % (never seen before)')
    assert (first.old, first.new) == ((0,), (0.7,))
    assert second.effect == "median 1970-02-19 → 1970-03-01 (middle half 1970-01-25 to 1970-03-16 → 1970-02-09 to 1970-03-21); missing 0.0 % → 20.0 %"  # fmt: skip
    assert second.missing == (0, pytest.approx(0.2)) and second.p < 1e-4
    assert third.effect == "median 49.5 → 54.5 (middle half 24.75 to 74.25 → 29.75 to 79.25)"
    assert [each.adjusted for each in (first, second, third)] == pytest.approx([3 * first.p, 2 * second.p, third.p])


def test_all_values_missing_is_seen() -> None:
    (found,) = compare_columns(normal(0, 100), normal(1, 60).assign(x=np.nan), {"x": "number"})
    assert found.p < 1e-9 and "none" in found.effect


def test_a_new_category_among_many_is_seen() -> None:
    old = pd.DataFrame({"c": pd.Categorical([f"c{row % 40}" for row in range(800)])})
    new = pd.DataFrame({"c": pd.Categorical([f"c{row % 40}" for row in range(55)] + ["unheard of"] * 8)})
    (found,) = compare_columns(old, new, {"c": "category"})
    assert found.p < 0.001 and "never seen before" in found.effect


def test_booleans_are_said_as_words_and_a_missing_one_too() -> None:
    old = pd.DataFrame({"b": [1.0, 0.0, np.nan] * 40})
    (found,) = compare_columns(old, pd.DataFrame({"b": [1.0] * 20 + [np.nan] * 40}), {"b": "boolean"})
    assert found.p < 1e-4 and found.effect in ("missing 33.3 % → 66.7 %", '"no" 33.3 % → 0.0 %')
    assert found.missing == pytest.approx((1 / 3, 2 / 3))
    (found,) = compare_columns(old, old, {"b": "boolean"})
    assert found.p == 1


def test_categories_may_be_numbers() -> None:
    (found,) = compare_columns(pd.DataFrame({"c": [1, 2] * 40}), pd.DataFrame({"c": [1, 7] * 40}), {"c": "category"})
    assert found.effect in ('"2" 50.0 % → 0.0 %', '"7" 0.0 % → 50.0 % (never seen before)')


def test_names_are_untrusted() -> None:
    evil = "<script>\n| `x`"
    old, new = (pd.DataFrame({evil: pd.Categorical([word] * 30)}) for word in ("a", 'b"\n<b>'))
    (found,) = compare_columns(old, new, {evil: "category"})
    assert found.name == evil
    assert "\n" not in found.effect


def test_dates_that_only_tell_the_time_are_not_tested() -> None:
    rng = np.random.default_rng(9)
    old, new = (pd.DataFrame({"sent": rng.uniform(*range_, 100), "born": rng.uniform(0, 9000, 100)}) for range_ in ((0, 365), (366, 400)))  # fmt: skip
    kinds = {"sent": "date", "born": "date"}
    assert calendar(old, new, kinds) == ["sent"]
    tested = {each.name: each for each in compare_columns(old, new, kinds)}
    assert np.isnan(tested["sent"].p) and "only tells the time" in tested["sent"].effect
    assert tested["born"].p > 0.01
    assert tell_apart(inputs(old), inputs(new, "b"), kinds).p > 0.01
    assert unlike(inputs(old[:50]), inputs(old[50:], "t"), inputs(new, "b"), kinds).excess > 0.01


# Outputs


def answers(seed: int, rows: int, temperature: float = 1) -> np.ndarray:
    raw = np.exp(np.random.default_rng(seed).normal(size=(rows, 4)) / temperature)
    raw[:, 3] = 0
    return raw / raw.sum(axis=1, keepdims=True)


def test_outputs_that_are_surer_are_found_and_empty_classes_left_out() -> None:
    tested = np.array([True, True, True, False])
    same = compare_outputs(answers(0, 500), answers(1, 200), tested)
    assert np.isnan(same.columns[3]) and same.p > 0.01
    surer = compare_outputs(answers(0, 500), answers(1, 200, 0.3), tested)
    assert surer.p < 1e-6
    assert surer.p == pytest.approx(2 * 3 * np.nanmin(surer.columns))


def test_a_class_more_often_predicted_is_found() -> None:
    old, new = answers(2, 400), answers(3, 400)
    new = new[(new.argmax(axis=1) == 0) | (np.arange(400) % 3 == 0)]
    found = compare_outputs(old, new, np.ones(4, bool))
    assert found.predicted < 1e-6
    assert found.shares.sum(axis=1) == pytest.approx([1, 1])


def test_probabilities_that_were_rounded_are_the_same_answers() -> None:
    sure = 1 - 10.0 ** -np.random.default_rng(4).integers(7, 12, 300)
    exact = np.column_stack([sure, 1 - sure])
    assert compare_outputs(exact, exact.round(6), np.ones(2, bool)).p == 1


# Unlike


def test_conformal_p_values_have_known_values() -> None:
    assert conformal(np.array([1.0, 2, 2, 3]), np.array([0.0, 2, 3, 4])).tolist() == [1, 0.8, 0.4, 0.2]


def test_number_beyond_is_beta_binomial() -> None:
    """200 calibration scores: the second highest is the threshold; exact by counting orders for a single new score."""
    threshold, number, expected, p = beyond(np.arange(200.0), np.array([198.5] * 3 + [0.0] * 7))
    assert (threshold, number) == (198, 3)
    assert expected == pytest.approx(10 * 2 / 201)
    assert p == pytest.approx(betabinom.sf(2, 10, 2, 199))
    assert beyond(np.arange(200.0), np.array([300.0]))[3] == pytest.approx(2 / 201)


def test_excess_holds_its_level() -> None:
    rng = np.random.default_rng(10)
    p = np.array([beyond(rng.normal(size=150), rng.normal(size=200))[3] for _ in range(400)])
    assert (p <= 0.05).mean() <= 0.08


def test_foreign_inputs_are_found_and_rank_first() -> None:
    new = normal(11, 100)
    new.loc[:4] = [[9.0, -9.0], [30, 0], [8, 8], [-9, 2], [0, -50]]
    found = unlike(inputs(normal(12, 300)), inputs(normal(13, 400), "t"), inputs(new, "b"), NUMBERS)
    assert set(np.argsort(-found.scores)[:5]) == set(range(5))
    assert found.p[:5] == pytest.approx([1 / 401] * 5)
    assert found.beyond >= 5 and found.excess < 0.01
    assert (found.tested, len(found.rows)) == (400, 100)


def test_a_foreign_group_counts_once() -> None:
    new = normal(14, 60)
    new.loc[:29] = 20.0
    side = inputs(new, "b", ["one"] * 30 + [f"own {row}" for row in range(30)])
    found = unlike(inputs(normal(12, 300)), inputs(normal(13, 200), "t"), side, NUMBERS)
    assert len(found.rows) == 31 and found.beyond <= 3
    assert (found.p[:30] < 0.01).all()


def test_taking_rows_keeps_the_scale() -> None:
    seen: Seen = features([normal(0, 50)], NUMBERS)
    some = seen.take(np.arange(5))
    assert some.kernel(some) == pytest.approx(seen.kernel(seen)[:5, :5])
    assert replace(some, scale=2 * seen.scale).kernel(some)[0, 1] > some.kernel(some)[0, 1]
