"""How right the model is by the labels of new inputs: by hand, with answers of a stand-in for the models."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from datapass.data.examples import RANDOM, UNCERTAIN, UNLIKE
from datapass.files.tables import write_table
from datapass.messages.problems import Refusal
from datapass.production import frozen, labelled
from datapass.production.labelled import Labelled, accuracy_on_new
from datapass.production.picked import COLUMNS
from datapass.production.sequence import concept_drift, informed, robbins

WEIGHTS, CLASSES = "abc012345678", ["cat", "dog"]


class Frozen:
    """Models that answer `cat` to the packed inputs that are 0, and `dog` to the others."""

    weights, classes = WEIGHTS, CLASSES
    codes = frozen.Frozen.codes

    def probabilities(self, packed: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.stack([1.0 - packed[rows], packed[rows]], axis=1)[None]

    def answers(self, probabilities: np.ndarray) -> np.ndarray:
        return np.asarray(probabilities[0].argmax(axis=1))


def old_test(right: int, number: int, **columns: list[str]) -> None:
    """Write a test set of cats of which so many are answered right, the first ones."""
    table = pd.DataFrame({"id": [f"e{n}" for n in range(number)]}, dtype="str")
    table = table.assign(label="cat", given_label="cat", weight="1", passes="")
    table["row"], table["input"] = [str(n) for n in range(number)], [f"i{n}" for n in range(number)]
    write_table(table.assign(**columns), Path("data/examples/test.csv"))
    np.save("packed.npy", (np.arange(number) >= right).astype(float))


def picks(
    name: str,
    answers: str,
    delivered: int = 1000,
    model: str = WEIGHTS,
    more: str = "",
    groups: list[str] | None = None,
) -> None:
    """Write what was picked: a letter a row, r right, w wrong, u not usable, o open; `more` of what the model chose."""
    label = {"r": "cat", "w": "dog"}
    letters = answers + more
    table = pd.DataFrame({"id": [f"{name}/{n}" for n in range(len(letters))]})
    table["picked_as"] = [RANDOM] * len(answers) + [(UNCERTAIN, UNLIKE)[n % 2] for n in range(len(more))]
    table["label"] = [label.get(one, "") for one in letters]
    table["by"] = ["" if one == "o" else "Ann" for one in letters]
    table = table.assign(delivered=str(delivered), model=model, predicted="cat", group="" if groups is None else groups)
    write_table(table[COLUMNS].astype("str"), Path(f"data/picked/{name}.csv"))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project whose test set has 300 examples, of which the models answer 270 right."""
    monkeypatch.chdir(tmp_path)
    Path("data/picked").mkdir(parents=True)
    monkeypatch.setattr(labelled, "read_packed", lambda: np.load("packed.npy"))
    old_test(270, 300)


def found(tolerance: float = 0.0) -> Labelled:
    said = accuracy_on_new(Frozen(), tolerance)  # type: ignore[arg-type]
    assert said is not None
    return said


def rows() -> list[dict[str, Any]]:
    return found().deliveries.drop(columns=["low", "high"]).to_dict("records")


def test_one_delivery_by_hand() -> None:
    picks("a", "r" * 90 + "w" * 10)
    said = found()
    assert rows() == [
        {"delivery": "a", "delivered": 1000, "labelled": 100, "right": 90, "unusable": 0, "open": 0},
    ]
    # The interval of studies.md.
    assert said.deliveries[["low", "high"]].to_numpy()[0] == pytest.approx([0.77173, 0.97116], abs=1e-5)
    assert [said.accuracy.accuracy, said.accuracy.low, said.accuracy.high] == pytest.approx([0.9, 0.77173, 0.97116], abs=1e-5)  # fmt: skip
    assert (said.drift.old, said.drift.new, said.drift.alarm) == (0.9, 0.9, False)
    assert (said.skipped, said.others, said.tolerance, said.needed) == (0, [], 0, None)


def test_two_deliveries_of_which_other_parts_were_labelled() -> None:
    """Each counts by its inputs: (900 x .5 + 100 x .9) / 1000; not as the labels do, 14 of 20 and 9 of 10 together."""
    picks("a", "r" * 10 + "w" * 10, delivered=900)
    picks("b", "r" * 9 + "w", delivered=100)
    said = found()
    assert said.accuracy.accuracy == pytest.approx(0.54)
    ends = [robbins(10, 20), robbins(9, 10)]
    down = np.hypot(0.9 * (0.5 - ends[0][0]), 0.1 * (0.9 - ends[1][0]))
    up = np.hypot(0.9 * (ends[0][1] - 0.5), 0.1 * (ends[1][1] - 0.9))
    assert (said.accuracy.low, said.accuracy.high) == pytest.approx((0.54 - down, 0.54 + up))
    assert said.drift.new == pytest.approx(19 / 30), "drift is of all labels together"


@pytest.mark.parametrize(
    ("answers", "wanted", "skipped"),
    [
        pytest.param("rrwo", {"labelled": 3, "right": 2, "unusable": 0, "open": 1}, 0, id="the end is open"),
        pytest.param("rowr", {"labelled": 3, "right": 2, "unusable": 0, "open": 1}, 1, id="one is skipped"),
        pytest.param("oorw", {"labelled": 2, "right": 1, "unusable": 0, "open": 2}, 2, id="the first are skipped"),
        pytest.param("roou", {"labelled": 1, "right": 1, "unusable": 1, "open": 2}, 2, id="skipped before unusable"),
        pytest.param("ruwo", {"labelled": 2, "right": 1, "unusable": 1, "open": 1}, 0, id="one is not usable"),
        pytest.param("uuuw", {"labelled": 1, "right": 0, "unusable": 3, "open": 0}, 0, id="only one is usable"),
    ],
)
def test_open_and_unusable_rows(answers: str, wanted: dict[str, int], skipped: int) -> None:
    picks("a", answers)
    assert rows() == [{"delivery": "a", "delivered": 1000, **wanted}]
    said = found()
    assert said.skipped == skipped
    right, number = wanted["right"] + skipped, wanted["labelled"] + skipped
    assert said.drift == concept_drift(right, number, 270, 300, 0, prior=informed(270, 300)), "skipped ones are right"
    assert said.accuracy.accuracy == pytest.approx(wanted["right"] / wanted["labelled"]), "in the alarm alone"


def test_skipped_rows_can_keep_the_alarm_from_being_given() -> None:
    picks("a", "r" * 60 + "w" * 40)
    assert found().drift.alarm
    picks("a", "o" * 100 + "r" * 60 + "w" * 40)
    assert found().skipped == 100 and not found().drift.alarm


def test_what_the_model_chose_counts_for_nothing() -> None:
    picks("a", "r" * 90 + "w" * 10)
    alone = found()
    picks("a", "r" * 90 + "w" * 10, more="w" * 100 + "o" * 5)
    assert found().deliveries.equals(alone.deliveries) and found().drift == alone.drift
    picks("a", "o" * 10, more="w" * 10)
    assert accuracy_on_new(Frozen()) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("answers", ["", "ooo", "uu", "uoo"])
def test_no_label(answers: str) -> None:
    if answers:
        picks("a", answers)
    assert accuracy_on_new(Frozen()) is None  # type: ignore[arg-type]


def test_labels_of_another_models_answers_are_left_out() -> None:
    picks("a", "w" * 50, model="0" * 12)
    alone = found()
    assert alone.others == ["a"] and alone.deliveries.empty and np.isnan(alone.accuracy.accuracy)
    assert (alone.drift.alarm, alone.needed, alone.skipped) == (False, None, 0)
    picks("b", "rrrw")
    said = found()
    assert said.others == ["a"] and [row["delivery"] for row in rows()] == ["b"]
    assert said.accuracy.accuracy == 0.75 and said.drift.new == 0.75


@pytest.mark.parametrize(
    ("right", "wrong", "tolerance", "alarm"),
    [
        pytest.param(90, 10, 0, False, id="as on the test set"),
        pytest.param(80, 20, 0, False, id="100 labels do not show a fall of 10 points"),
        pytest.param(640, 160, 0, True, id="800 labels do"),
        pytest.param(640, 160, 0.08, False, id="a fall of 10 points, of which 8 are tolerated"),
        pytest.param(60, 40, 0, True, id="100 labels show a fall of 30 points"),
        pytest.param(100, 0, 0, False, id="more right than before"),
    ],
)
def test_drift(right: int, wrong: int, tolerance: float, alarm: bool) -> None:
    picks("a", "r" * right + "w" * wrong)
    said = found(tolerance)
    assert (said.drift.alarm, said.tolerance) == (alarm, tolerance)
    assert said.drift.alarm == (said.drift.new_high < said.drift.old_low - tolerance)
    if alarm:
        assert said.needed is None


def test_how_many_labels_would_show_it() -> None:
    picks("a", "r" * 80 + "w" * 20)
    needed = found().needed
    assert needed is not None and needed > 100 and needed % 10 == 0
    picks("a", "r" * int(0.8 * needed) + "w" * (needed - int(0.8 * needed)))
    assert found().drift.alarm, "with as many it is shown"
    picks("a", "r" * 270 + "w" * 30)
    assert found().needed is None, "none would, as nothing fell"


@pytest.mark.parametrize(
    ("columns", "old"),
    [
        pytest.param({}, 0.9, id="all"),
        pytest.param({"weight": ["0"] * 30 + ["1"] * 270}, 240 / 270, id="without what does not count"),
        pytest.param({"incoming": [""] * 270 + ["a"] * 30}, 1.0, id="without what was brought back"),
        pytest.param({"incoming": [""] * 270 + ["b"] * 30}, 0.9, id="with what was brought back of others"),
        pytest.param({"label": ["dog"] * 30 + ["cat"] * 270}, 0.8, id="by the labels as they are now"),
    ],
)
def test_the_old_test_set(columns: dict[str, list[str]], old: float) -> None:
    old_test(270, 300, **columns)
    picks("a", "r" * 90 + "w" * 10)
    assert found().drift.old == pytest.approx(old)


def test_groups_are_worth_fewer_examples() -> None:
    picks("a", "r" * 80 + "w" * 20)
    alone = found().drift
    old_test(270, 300, group=[f"g{n // 30}" for n in range(300)])
    grouped = found().drift
    assert grouped.old == pytest.approx(alone.old) and grouped.old_low < alone.old_low


def test_what_was_brought_back_counts_as_old_where_its_labels_do_not_count_as_new() -> None:
    """An example counts on one side: never on both, never on neither."""
    old_test(270, 300, incoming=[""] * 240 + ["a"] * 60)
    picks("a", "w" * 60, model="0" * 12)
    picks("b", "r" * 9 + "w")
    assert found().drift.old == pytest.approx(0.9), "the labels of a are of another model's answers"
    picks("a", "r" * 60)
    assert found().drift.old == 1 and found().drift.new == pytest.approx(69 / 70)


def test_new_inputs_of_a_group_are_worth_fewer_labels() -> None:
    picks("a", "r" * 60 + "w" * 40)
    alone = found().drift
    picks("a", "r" * 60 + "w" * 40, groups=[f"g{n // 20}" for n in range(100)])
    grouped = found().drift
    assert (
        alone.alarm
        and not grouped.alarm
        and grouped.new == pytest.approx(alone.new)
        and grouped.new_high > alone.new_high
    )
    picks("a", "r" * 60 + "w" * 40, groups=[f"g{n}" for n in range(100)])
    assert found().drift == alone


def test_a_class_that_the_models_do_not_know() -> None:
    old_test(270, 300, label=["owl"] + ["cat"] * 299)
    picks("a", "rrw")
    with pytest.raises(Refusal, match='does not know the class "owl"; `dvc repro train` first'):
        found()


def test_what_is_wrong_and_missing_is_refused() -> None:
    picks("a", "rrw")
    path = Path("data/picked/a.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("random", "Random", 1), encoding="utf-8")
    with pytest.raises(Refusal, match=r'data/picked/a\.csv:2: id "a/0": `picked_as` is none of'):
        found()
    picks("a", "rrw")
    Path("data/examples/test.csv").unlink()
    with pytest.raises(Refusal, match="data/examples/ is missing"):
        found()
