"""The verdict on each part of the test set: the old one and each delivery of production, by the rules of the whole."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from test_verdict import SEEDS, Made, answer, examples, relabel_test, taken_away

from datapass.comparison import verdict as v
from datapass.comparison.deliveries import TOO_FEW, OnDelivery, by_delivery, named, trade
from datapass.comparison.lineup import Scored
from datapass.comparison.revisions import Revision
from datapass.comparison.statistics import t_interval
from datapass.comparison.verdict import compare
from datapass.report.comparison_view import comparison, comparisons
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.record import record
from datapass.report.terminal import show

OLD, NEW, DAY = 300, 100, "2026-11-25"
SAME = ((0.8, 0.8), (0.8, 0.8))
Accuracies = tuple[
    tuple[float, float], tuple[float, float]
]  # of the old test set and of the delivery: before and after


def made(accuracies: Accuracies, new: int = NEW) -> tuple[Made, Made]:
    """Return a baseline and a candidate that both hold a delivery, with these accuracies on each part."""
    test = examples("t", OLD + new)
    test["incoming"] = [""] * OLD + [DAY] * new
    test["picked_as"] = [""] * OLD + ["random"] * new
    revisions = []
    for side, name in enumerate(("old", "new")):
        before, after = (answer(test, part[side]) for part in accuracies)
        answers = pd.concat([before.iloc[:OLD], after.iloc[OLD:]])
        revisions.append(Made(name, test.copy(), answers, examples("x", 40)))
    revisions[1].passes = ["p001-fix"]
    revisions[1].train.loc[0, ["label", "passes"]] = ["cat", "p001-fix"]
    return revisions[0], revisions[1]


def few(old: Made, new: Made) -> None:
    for one in (old, new):
        one.test.loc[OLD + 29 :, ["incoming", "picked_as"]] = ""


def four_groups(old: Made, new: Made) -> None:
    for one in (old, new):
        one.test["group"] = [f"one {i}" if i < OLD else f"group {i % 4}" for i in range(OLD + NEW)]


def three_gone(old: Made, new: Made) -> None:
    taken_away(new, [0, 1, 2])


def dropped(old: Made, new: Made) -> None:
    right = [one.answers["seed_0"].eq(one.test["label"]) for one in (old, new)]
    new.test.loc[(right[0] & ~right[1]) & (new.test["incoming"] == DAY), "weight"] = 0


def relabelled(old: Made, new: Made) -> None:
    """The labels of the delivery become what the candidate answers, the answers of the baseline but for these rows."""
    rows = range(OLD, OLD + 40)
    relabel_test(new, rows)
    for seed in range(SEEDS):
        new.answers.loc[list(rows), f"seed_{seed}"] = new.test.loc[list(rows), "label"]


def half_gone(old: Made, new: Made) -> None:
    taken_away(new, list(range(OLD + 30, OLD + NEW)))


def nothing(old: Made, new: Made) -> None:
    pass


UP, DOWN = (0.7, 0.9), (0.9, 0.7)
STILL = (0.8, 0.8)
CASES: dict[str, tuple[Accuracies, Callable[[Made, Made], None], str, str, str]] = {
    "helps on new only": ((STILL, UP), nothing, v.NO_DIFFERENCE, v.HELPS, ""),
    "helps on both": ((UP, UP), nothing, v.HELPS, v.HELPS, ""),
    "no difference": (SAME, nothing, v.NO_DIFFERENCE, v.NO_DIFFERENCE, ""),
    "hurts on old, helps on new": ((DOWN, UP), nothing, v.HURTS, v.HELPS, "trade"),
    "helps on old, hurts on new": ((UP, DOWN), nothing, v.HELPS, v.HURTS, "trade"),
    "too few": ((STILL, UP), few, v.HELPS, TOO_FEW, ""),
    "four groups": ((STILL, UP), four_groups, v.NO_DIFFERENCE, TOO_FEW, ""),
    "a few lost in the old part": ((UP, STILL), three_gone, v.HELPS, v.NO_DIFFERENCE, ""),
    "dropped in the new part": ((UP, (0.85, 0.78)), dropped, v.HELPS, v.NOT_COMPARABLE, ""),
    "most of the new part is gone": ((STILL, UP), half_gone, v.NO_DIFFERENCE, v.NOT_COMPARABLE, ""),
    "relabelled in the new part": ((UP, STILL), relabelled, v.HELPS, v.DEPENDS, ""),
}


def on(found: v.Comparison) -> dict[str, OnDelivery]:
    return {one.name: one for one in found.test_sets}


@pytest.mark.parametrize(("accuracies", "change", "before", "after", "traded"), CASES.values(), ids=list(CASES))
def test_each_part_has_its_verdict(
    accuracies: Accuracies, change: Callable[[Made, Made], None], before: str, after: str, traded: str
) -> None:
    old, new = made(accuracies)
    change(old, new)
    found = compare(old.revision(), new.revision())
    assert list(on(found)) == ["", DAY]
    assert (on(found)[""].verdict, on(found)[DAY].verdict) == (before, after)
    assert any("hides a trade" in warning for warning in found.warnings) == bool(traded)
    assert sum(one.examples for one in found.test_sets) == found.examples


def test_lost_examples_count_against_their_own_part_alone() -> None:
    """What the candidate lost of the old part must not make the old part help, and leaves the verdict on the new."""
    old, new = made(((0.8, 0.84), UP))
    right = old.answers["seed_0"] == old.test["label"]
    taken_away(new, list(right.index[right][:12]))
    found = on(compare(old.revision(), new.revision()))
    assert found[""].gain.low > 0, "what the rest alone would say"
    assert found[""].verdict == v.NOT_COMPARABLE
    assert "12 test examples that the candidate's test set does not hold as they were" in found[""].why[0]
    assert found[DAY].verdict == v.HELPS
    assert found[DAY].why == []


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "macro_f1", "cost"])
def test_a_part_is_judged_as_if_it_were_the_whole(metric: str) -> None:
    old, new = made(((0.8, 0.86), (0.9, 0.7)))
    relabel_test(new, [0, 1, OLD, OLD + 1])
    new.test.loc[[2, OLD + 2, OLD + 3], "weight"] = 0
    taken_away(new, [4, 5, 6, OLD + 4])
    for one in (old, new):
        one.evaluate = {"metric": metric, "costs": {"cat": {"dog": 3.0}} if metric == "cost" else None}
    parts = on(compare(old.revision(), new.revision()))
    for name, part in parts.items():
        alone = []
        for one in (old, new):
            rows = (one.test["incoming"] == name).to_numpy()
            alone.append(replace(one, test=one.test[rows], answers=one.answers[rows]))
        whole = compare(alone[0].revision(), alone[1].revision())
        assert whole.test_sets == [], "one part is the whole"
        assert (part.gain, part.ruler, part.verdict) == (whole.gain, whole.ruler, whole.verdict)
        assert (part.old, part.new, part.examples, part.units) == (whole.old, whole.new, whole.examples, whole.units)
        assert part.p >= max(one.p for one in whole.readings)


def test_the_baseline_says_which_part_a_row_stands_in() -> None:
    """Else a candidate could tag the rows on which it lost away."""
    old, new = made((UP, DOWN))
    known = compare(old.revision(), new.revision()).test_sets
    new.test["incoming"] = ""
    assert compare(old.revision(), new.revision()).test_sets == known


def test_a_candidate_from_before_the_delivery_is_told_to_merge() -> None:
    old, new = made((UP, UP))
    new.test, new.answers = new.test.head(OLD), new.answers.head(OLD)
    found = compare(old.revision(), new.revision())
    assert (on(found)[""].verdict, on(found)[DAY].verdict) == (v.HELPS, v.NOT_COMPARABLE)
    said = markdown(comparison(found))
    assert f"On {DAY} (0 examples): not comparable, as the candidate's test set holds none of its 100 examples." in said
    assert "Merge the baseline into the candidate" in said


class Held:
    """A revision of which only the test set is asked."""

    def __init__(self, test: pd.DataFrame) -> None:
        self.test = test

    def table(self, path: object) -> pd.DataFrame:
        return self.test


def test_several_parts_give_a_false_verdict_in_five_percent() -> None:
    """Of changes without effect: at 5 % each, five parts would do so in more than twice as many."""
    parts, size, tries = 5, 60, 300
    random = np.random.default_rng(3)
    names = np.repeat(["", "a", "b", "c", "d"], size)
    table = pd.DataFrame({"id": [f"t{i:03}" for i in range(len(names))], "weight": "1", "incoming": names})
    held = cast(Revision, Held(table))
    truth, false, alone = np.zeros(len(names), dtype=int), 0, 0
    everything, none = np.ones(len(names), dtype=bool), (np.zeros(0, dtype=int), np.zeros((SEEDS, 0), dtype=int))
    seeds = [f"seed_{number}" for number in range(SEEDS)]
    for _ in range(tries):
        # An example turns for all seeds of one side alike, so that the number of seeds says nothing.
        sides = [np.tile(random.random(len(names)) < 0.2, (SEEDS, 1)).astype(int) for _ in range(2)]
        arms = (sides[0], sides[1], (truth, truth), dict[str, list[str]](), (len(names), len(names)))
        found = by_delivery(held, held, Scored(table, ["right", "wrong"], seeds, *arms, everything, none))
        assert len(found) == parts
        false += any(one.verdict != v.NO_DIFFERENCE for one in found)
        alone += any(v.verdict_of(one.gain) != v.NO_DIFFERENCE for one in found)
    most = tries * 0.05 + 3 * (tries * 0.05 * 0.95) ** 0.5
    assert false <= most < alone


def test_the_correction_is_said_where_an_interval_leaves_out_zero() -> None:
    old, new = made(SAME)
    found = compare(old.revision(), new.revision())
    gain = t_interval(0.02, 0.0095, 300)
    assert 0.025 < gain.p < 0.05 and gain.low > 0
    one = OnDelivery(DAY, 100, 100, v.NO_DIFFERENCE, gain=gain, p=2 * gain.p, old=0.8, new=0.82)
    said = markdown(comparison(replace(found, test_sets=[found.test_sets[0], one])))
    assert f"not significant after the correction (p {2 * gain.p:.2g})" in said


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_give_no_part_a_verdict(seeds: int) -> None:
    old, new = made((UP, DOWN))
    for one in (old, new):
        one.answers = one.answers[["id", "label", "predicted", *(f"seed_{number}" for number in range(seeds))]]
    found = compare(old.revision(), new.revision())
    assert [one.verdict for one in found.test_sets] == [v.NOT_COMPARABLE] * 2
    assert all(np.isnan(one.p) for one in found.test_sets)
    assert not any("trade" in warning for warning in found.warnings)
    said = markdown(comparison(found))
    assert said.count("seeds are too few") == 1
    assert "chance of a false" not in said


def test_the_parts_take_the_place_of_their_slices() -> None:
    old, new = made((STILL, UP))
    found = compare(old.revision(), new.revision())
    assert [part.name for part in found.slices] == ["camera = a", "camera = b"]


def test_without_deliveries_nothing_is_said() -> None:
    old, new = made((UP, UP))
    told = compare(old.revision(), new.revision())
    for one in (old, new):
        one.test = one.test.drop(columns=["incoming", "picked_as"])
    bare = compare(old.revision(), new.revision())
    assert bare.test_sets == []
    assert not {"test_sets", "entered"} & set(record(comparison(bare)))
    assert record(comparison(told))["test_sets"][1]["verdict"] == v.HELPS
    for form in (markdown, html):
        assert "old test set" not in form(comparison(bare))
        assert "On the old test set (300 examples): helps, +" in form(comparison(told))
    assert (bare.verdict, bare.gain, bare.slices) == (told.verdict, told.gain, told.slices), (
        "the whole stays what it is"
    )


def test_a_delivery_that_the_baseline_does_not_hold_is_told() -> None:
    old, new = made((STILL, UP))
    old.test, old.answers = old.test.head(OLD), old.answers.head(OLD)
    for columns in ([], ["incoming", "picked_as"]):
        old.test = old.test.drop(columns=columns)
        found = compare(old.revision(), new.revision())
        assert found.entered == {DAY: NEW}
        assert found.test_sets == []
        said = markdown(comparison(found))
        assert "100 test examples only in the candidate's test set were left out." in said
        assert f"The baseline does not hold the new test examples (100 of {DAY})" in said
        assert "<code>datapass bring-back --test</code> belongs in a pull request of its own" in said
        assert record(comparison(found))["entered"] == {DAY: NEW}


@pytest.mark.parametrize("origin", ["uncertain", "unlike", "Random", "other"])
@pytest.mark.parametrize("side", [0, 1], ids=["baseline", "candidate"])
def test_rows_that_were_not_picked_at_random_are_never_scored(side: int, origin: str) -> None:
    pair = made((UP, UP))
    pair[side].test.loc[OLD + 3, "picked_as"] = origin
    found = compare(pair[0].revision(), pair[1].revision())
    assert found.verdict == v.NOT_COMPARABLE
    assert found.gain is None
    assert f"in {pair[side].name} 1 test example is not picked at random" in found.why[0]
    assert '"t0303"' in found.why[0]
    assert "`picked_as` random" in found.mend[0]
    pair[side].test.loc[OLD + 3, "weight"] = 0
    assert compare(pair[0].revision(), pair[1].revision()).verdict == v.HELPS, "a dropped row counts for nothing"


def test_the_trade_comes_first_in_every_form() -> None:
    old, new = made((UP, DOWN))
    found = compare(old.revision(), new.revision())
    traded = trade(found.test_sets)
    assert traded is not None and found.warnings[0] == traded
    assert f"helps on the old test set, and hurts on {DAY}" in traded
    report, printed = comparisons([found]), io.StringIO()
    show(report, Console(file=printed, width=500))
    for text in (printed.getvalue(), markdown(report), html(report)):
        assert text.index(f"as it hurts on {DAY}") < text.index("hides a trade") < text.index("The model stayed frozen")


HOSTILE: dict[str, Any] = {
    "the old test set": '"the old test set"',
    "<script>alert(1)</script>": '"<script>alert(1)</script>"',
    "a" * 41: '"' + "a" * 39 + '…"',
    DAY: DAY,
    "": "the old test set",
}


@pytest.mark.parametrize(("name", "said"), HOSTILE.items(), ids=["old", "script", "long", "plain", "none"])
def test_a_delivery_cannot_pass_for_another(name: str, said: str) -> None:
    assert named(name) == said
    old, new = made((UP, DOWN))
    for one in (old, new):
        one.test["incoming"] = one.test["incoming"].where(one.test["incoming"] == "", name or DAY)
    found = comparison(compare(old.revision(), new.revision()))
    for form in (markdown, html):
        assert "<script>alert" not in form(found)
