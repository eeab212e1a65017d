"""A plan: how many seeds and test examples show a wanted gain, by the baseline's answers alone."""

import dataclasses
import json
import re
from collections.abc import Callable
from html import unescape
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_verdict import Made, answer, examples, measured

from datapass.comparison.crossed import crossed_interval
from datapass.comparison.metric import Metric
from datapass.comparison.revisions import Revision
from datapass.comparison.ways import power
from datapass.decisions.plan import PAIRED, TURNED, Plan, Spread, listed, make_plan, spread_of, trainings
from datapass.messages.problems import Refusal
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.plan_view import headline, plan
from datapass.report.record import record

CLASSES = ["cat", "dog"]


def answers_of(right: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return answers (S x n) that are right where `right` (n x S) says so."""
    return np.where(right.T, truth, 1 - truth)


@pytest.fixture(name="right")
def _right() -> tuple[np.ndarray, np.ndarray]:
    """Truth (200) and what of it 4 seeds get right: examples of their own difficulty, seeds of their own luck."""
    rng = np.random.default_rng(0)
    hard = rng.normal(1, 1, (200, 1)) + rng.normal(0, 0.15, (1, 4)) + rng.normal(0, 0.6, (200, 4))
    return rng.integers(0, 2, 200), hard > 0


def test_the_spread_of_one_arm_by_hand(right: tuple[np.ndarray, np.ndarray]) -> None:
    truth, hits = right
    found = spread_of(Metric(), truth, answers_of(hits, truth), CLASSES, np.arange(200))
    rows, columns, whole = hits.mean(axis=1, keepdims=True), hits.mean(axis=0, keepdims=True), hits.mean()
    rest = ((hits - rows - columns + whole) ** 2).sum() / (199 * 3)
    assert found.rest == pytest.approx(rest)
    assert found.seeds == pytest.approx(max(0, columns.var(ddof=1) - rest / 200))
    assert (found.turn, found.clump, found.units) == (1, 1, 200)
    assert found.most == pytest.approx(1 - whole)
    assert found.change(0.1) == pytest.approx(TURNED * 0.1 * 0.9)
    two = found.expected(0.02, 400, 8)
    variance = (found.change(0.02) + 2 * PAIRED * rest / 8) / 400 + 2 * PAIRED * found.seeds / 8
    assert two.interval(0.02).se ** 2 == pytest.approx(variance)


def test_a_turned_example_of_a_cost_turns_by_it(right: tuple[np.ndarray, np.ndarray]) -> None:
    """Missed cats cost 20, missed dogs 1: the mean over errors, each weighed by its cost, is (400 a + b) / (20 a + b)."""
    truth, hits = right
    cats, dogs = ((~hits)[truth == code].sum() for code in (0, 1))
    metric = Metric("cost", {"cat": {"dog": 20.0}})
    found = spread_of(metric, truth, answers_of(hits, truth), CLASSES, np.arange(200))
    assert found.turn == pytest.approx((400 * cats + dogs) / (20 * cats + dogs))
    assert found.most == pytest.approx((20 * cats + dogs) / hits.size)


def test_examples_of_a_group_that_turn_together_are_few(right: tuple[np.ndarray, np.ndarray]) -> None:
    truth, hits = right
    single = spread_of(Metric(), truth, answers_of(hits, truth), CLASSES, np.arange(200))
    copies, four = np.repeat(truth, 4), np.repeat(hits, 4, axis=0)
    found = spread_of(Metric(), copies, answers_of(four, copies), CLASSES, np.repeat(np.arange(200), 4))
    assert found.clump == pytest.approx(1, abs=0.01) and found.units == 200
    assert found.smallest(200, 5) == pytest.approx(single.smallest(200, 5), rel=0.01), "copies add nothing"
    apart = spread_of(Metric(), truth, answers_of(hits, truth), CLASSES, np.arange(200) // 4)
    assert 0.25 <= apart.clump < 0.6, "groups whose examples go each their own way"


SPREADS = {
    "examples": (Spread(400, 400, 0, 0.03, 1, 1, 0.2), 400, 5),
    "seeds": (Spread(300, 300, 2e-4, 0.04, 1, 1, 0.3), 300, 5),
    "few seeds": (Spread(300, 300, 1e-4, 0.06, 1, 1, 0.3), 300, 3),
    "many": (Spread(800, 800, 1e-5, 0.04, 1, 1, 0.1), 1600, 12),
}


@pytest.mark.parametrize(("spread", "units", "seeds"), SPREADS.values(), ids=SPREADS.keys())
def test_the_planned_gain_shows_in_four_of_five_tries(spread: Spread, units: int, seeds: int) -> None:
    gain = spread.smallest(units, seeds)
    assert power(spread.expected(gain, units, seeds), gain) == pytest.approx(0.8, abs=1e-4)
    rng, shown = np.random.default_rng(2), []
    for _ in range(1000):
        rest = rng.normal(0, (2 * PAIRED * spread.rest) ** 0.5, (units, seeds))
        common = rng.normal(0, (2 * PAIRED * spread.seeds) ** 0.5, (1, seeds))
        change = rng.normal(gain, spread.change(gain) ** 0.5, (units, 1))
        shown.append(crossed_interval(change + common + rest).low > 0)
    assert np.mean(shown) == pytest.approx(0.8, abs=0.04)


def test_the_plan_holds_for_right_and_wrong_answers() -> None:
    """As the model says: shared seeds leave a part of the variance, and what turns does so with half of the seeds."""
    rng, n, seeds, hesitant = np.random.default_rng(3), 600, 5, 0.16
    spread = Spread(n, n, 0, hesitant / 4, 1, 1, 0.3)  # an eighth is right by the toss of a coin
    gain, shown = spread.smallest(n, seeds), []
    for _ in range(600):
        old = np.ones((n, seeds), bool)
        old[: n // 5] = False
        toss = slice(n // 2, n // 2 + round(hesitant * n))
        old[toss] = rng.random((round(hesitant * n), seeds)) < 0.5
        again = rng.random((round(hesitant * n), seeds)) < 0.5
        new = old.copy()
        new[toss] = np.where(rng.random(again.shape) < PAIRED, again, old[toss])
        turned = rng.random(n // 5) < 2 * gain * 5
        new[: n // 5] = turned[:, None] & (rng.random((n // 5, seeds)) < 0.5)
        shown.append(crossed_interval(new.astype(float) - old).low > 0)
    assert np.mean(shown) == pytest.approx(0.8, abs=0.05)


def test_more_than_there_are_errors_never_shows() -> None:
    assert np.isnan(Spread(50, 50, 1e-3, 0.02, 1, 1, 0.01).smallest(50, 3))


def test_seeds_and_trainings() -> None:
    assert listed([0, 1, 2], 6) == [0, 1, 2, 3, 4, 5]
    assert listed([7, 1], 4) == [7, 1, 0, 2]
    assert [trainings(5, seeds) for seeds in (3, 5, 8)] == [3, 5, 11], "the candidate's, and those the baseline lacks"


@pytest.fixture(name="baseline")
def _baseline() -> Made:
    test = examples("t", 400)
    return Made("main", test, answer(test, 0.80), examples("x", 40))


@pytest.fixture(name="timed")
def _timed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Any = ModuleType("datapass.stages.kept")
    kept.seconds = {"abc": 30.0}.get
    monkeypatch.setitem(__import__("sys").modules, "datapass.stages.kept", kept)


def told(found: Plan) -> str:
    return unescape(re.sub("<.*?>", "", markdown(plan(found))))


def test_a_plan_says_the_cheapest_way_and_the_commands(baseline: Made, timed: None) -> None:
    whole = make_plan(baseline.revision(), 3.0)
    here = whole.smallest * 100
    enough = make_plan(baseline.revision(), here * 1.01)
    assert enough.by_seeds == 5
    assert headline(enough).startswith("The 5 seeds and 400 test examples there are show a true gain of")
    some = make_plan(baseline.revision(), here * 0.95)
    assert some.by_seeds is not None and some.by_seeds > 5 and some.by_examples is not None
    cost = f"{2 * some.by_seeds - 5} trainings, about {round((2 * some.by_seeds - 5) / 2)} minutes"
    assert headline(some).endswith(f"in 4 of 5 tries: {cost}.")
    command = f"dvc exp run -n main-{some.by_seeds} -S 'seeds=[{','.join(map(str, range(some.by_seeds)))}]' evaluate"
    assert command in told(some) and "Minutes unknown" not in told(some)
    shown = some.table[some.table["shows"]]
    assert (shown["smallest"] <= some.gain).all()
    none = make_plan(baseline.revision(), here * 0.2)
    assert none.by_seeds is None and none.by_both is not None
    assert headline(none).startswith("No number of seeds shows a true gain of")
    assert f"it takes about {none.by_both[1]:,} test examples, with {none.by_both[0]} seeds." in headline(none)
    assert "datapass renew-test" in told(none)
    beyond = make_plan(baseline.revision(), 0.01)
    assert headline(beyond).startswith("Nothing within reach shows")
    assert beyond.by_examples is None and "datapass renew-test" not in told(beyond), (
        "more test examples do not do it either"
    )


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("feature/labels", "feature-labels"),
        ("HEAD~0", "HEAD-0"),
        ("a;touch${IFS}PWNED", "a-touch-IFS-PWNED"),
        ("x`y", "x-y"),
        ("clean-sevens-and-ones-of-the-second-delivery", "clean-sevens-and-ones-of-the-second-delivery"),
    ],
)
def test_the_experiment_has_a_name_that_dvc_takes(baseline: Made, name: str, called: str) -> None:
    found = make_plan(baseline.revision(), 3.0)
    more = dataclasses.replace(found, revision=Revision(name, "0" * 40), by_seeds=8)
    assert f"dvc exp run -n {called}-8 -S 'seeds=[0,1,2,3,4,5,6,7]' evaluate" in told(more)


def test_a_plan_without_any_gain_that_shows_is_no_result(baseline: Made) -> None:
    found = dataclasses.replace(make_plan(baseline.revision(), 3.0), smallest=float("nan"))
    assert "5 seeds and 400 test examples can show no gain of any size." in told(found)


def test_without_a_timed_training_the_minutes_are_unknown(baseline: Made) -> None:
    found = dataclasses.replace(make_plan(baseline.revision(), 3.0), seconds=None)
    assert "Minutes unknown: no training of this model was timed here." in told(found)


def test_every_form_of_a_plan(baseline: Made) -> None:
    found = make_plan(baseline.revision(), 3.0)
    report = plan(found)
    written = json.loads(json.dumps(record(report), allow_nan=False))
    assert written["gain"] == pytest.approx(0.03) and written["metric"]["unit"] == "points"
    assert report.rows is not None and list(report.rows) == [
        "seeds",
        "trainings",
        "examples",
        "smallest",
        "shows",
        "unit",
    ]
    assert report.headline in html(report) and "3.00 does" in markdown(report)


def few_examples(made: Made) -> None:
    made.test, made.answers = made.test.head(20), made.answers.head(20)


def few_seeds(made: Made) -> None:
    made.answers = made.answers.drop(columns=["seed_2", "seed_3", "seed_4"])


def macro(made: Made) -> None:
    measured(made, metric="macro_f1")


def one_group(made: Made) -> None:
    made.test["group"] = "patient"


def other_answers(made: Made) -> None:
    made.answers = made.answers.assign(id="u" + made.answers["id"])


REFUSED: dict[str, tuple[Callable[[Made], None], float, str]] = {
    "macro-F1": (macro, 1.0, "macro-F1 is no mean of a score an example"),
    "few test examples": (few_examples, 1.0, "main has too few 20 test examples, and a plan needs at least 30"),
    "two seeds": (few_seeds, 1.0, "2 seeds, and a plan needs at least 3"),
    "one group": (one_group, 1.0, "1 groups of test examples, and a plan needs at least 5"),
    "more than all errors": (lambda made: None, 30.0, "--gain 30 cannot be: without any error left main would gain "),
    "a gain shown as none": (lambda made: None, 1e-9, "--gain 1e-09 is shown as 0.00 points; ask for more"),
    "answers to others": (other_answers, 1.0, "is not of its test set"),
}


@pytest.mark.parametrize(("change", "gain", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_planned(baseline: Made, change: Callable[[Made], None], gain: float, said: str) -> None:
    change(baseline)
    with pytest.raises(Refusal, match=said):
        make_plan(baseline.revision(), gain)


def test_dropped_test_examples_plan_nothing(baseline: Made) -> None:
    known = make_plan(baseline.revision(), 3.0)
    extra = examples("z", 40).assign(weight=0, input=[f"z{i}" for i in range(40)])
    baseline.test = pd.concat([baseline.test, extra])
    baseline.answers = pd.concat([baseline.answers, answer(extra, 0.1)])
    assert make_plan(baseline.revision(), 3.0).spread == known.spread
