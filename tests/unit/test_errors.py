"""Where the errors are, and what they cost in the project's metric."""

import math

import pandas as pd
import pytest

from datapass.comparison.metric import Metric
from datapass.decisions.evidence import Evidence
from datapass.decisions.next_step import next_steps
from datapass.messages.problems import Refusal
from datapass.report.errors import Errors, analyse, examples_of
from datapass.report.errors_view import errors as report_of
from datapass.report.record import record


def tables(wrong_thin: int = 0, wrong_bold: int = 0, size: int = 100) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return predictions and test examples: half of them thin, of which some are wrong under both seeds."""
    ids = [f"a{i:03}" for i in range(2 * size)]
    stroke = ["thin"] * size + ["bold"] * size
    label = ["7" if i % 2 else "1" for i in range(2 * size)]
    wrong = [i < wrong_thin or size <= i < size + wrong_bold for i in range(2 * size)]
    said = [{"7": "1", "1": "7"}[right] if bad else right for right, bad in zip(label, wrong, strict=True)]
    predictions = pd.DataFrame(
        {"id": ids, "label": label, "predicted": said, "seed_0": said, "seed_1": said}, dtype="str"
    )
    test = pd.DataFrame(
        {
            "id": ids,
            "label": label,
            "given_label": label,
            "weight": "1",
            "row": "0",
            "input": "",
            "passes": "",
            "stroke": stroke,
        },
        dtype="str",
    )
    return predictions, test


def known() -> Errors:
    predictions, test = tables(wrong_thin=20, wrong_bold=2)
    predictions.loc[0, "seed_1"] = predictions.loc[0, "label"]  # right under one seed
    return analyse(predictions, test)


def test_shares_and_rises():
    errors = known()
    assert (errors.examples, errors.seeds) == (200, 2)
    assert errors.accuracy == pytest.approx(1 - 21.5 / 200)
    thin = errors.slices.set_index("name").loc["stroke = thin"]
    assert (thin["errors"], thin["examples"]) == (19.5, 100)
    assert thin["share"] == pytest.approx(19.5 / 21.5)
    assert thin["rise"] == pytest.approx(19.5 / 200)
    assert thin["p"] < 0.001
    for groups in (errors.classes, errors.slices, errors.pairs):
        assert groups["share"].sum() == pytest.approx(1)
        assert groups["rise"].sum() == pytest.approx(1 - errors.accuracy)
        assert groups["errors"].is_monotonic_decreasing
    assert errors.pairs[["label", "predicted"]].to_numpy().tolist() == [["7", "1"], ["1", "7"]]
    assert errors.pairs["errors"].to_list() == [11, 10.5]


def test_dropped_test_examples_do_not_count():
    predictions, test = tables(wrong_thin=2)
    test.loc[0, "weight"] = "0"
    assert analyse(predictions, test).examples == 199


def test_stale_predictions_are_refused():
    predictions, test = tables()
    with pytest.raises(Refusal, match="dvc repro"):
        analyse(predictions[1:], test)
    with pytest.raises(Refusal, match="dvc repro"):
        analyse(predictions.assign(label="1"), test)


def test_no_error_at_all():
    errors = analyse(*tables())
    assert errors.accuracy == 1 and errors.loss == 0 and errors.pairs.empty
    said = record(report_of(errors, next_steps(errors, Evidence())))
    assert said["headline"].startswith("Nothing to do") and said["next_steps"] == []
    assert said["classes"][0]["p"] is None


@pytest.mark.parametrize(
    ("metric", "loss", "rises"),
    [
        # 110 of class 1 and 30 of class 7; 11 of 1 and 6 of 7 are wrong
        (Metric(), 17 / 140, {"1": 11 / 140, "7": 6 / 140}),
        (Metric("balanced_accuracy"), 0.15, {"7": 0.1, "1": 0.05}),
        (Metric("macro_f1"), 0.15, {"7": 0.1, "1": 0.05}),  # by what stands in for it
        (Metric("cost", {"7": {"1": 20}}), 131 / 140, {"7": 120 / 140, "1": 11 / 140}),
        (Metric("cost", {"7": {"1": 0}}), 11 / 140, {"1": 11 / 140, "7": 0}),
        (Metric("cost", {"7": {"7": 2, "1": 5}}), 29 / 140, {"7": 18 / 140, "1": 11 / 140}),  # 2 are lost all the same
    ],
    ids=["accuracy", "balanced accuracy", "macro-F1", "cost", "an error without cost", "a cost of the right answer"],
)
def test_errors_are_ordered_by_what_they_cost_in_the_metric(metric, loss, rises):
    label = ["1"] * 110 + ["7"] * 30
    said = ["7"] * 11 + ["1"] * 99 + ["1"] * 6 + ["7"] * 24
    ids = [f"a{i:03}" for i in range(140)]
    predictions = pd.DataFrame({"id": ids, "label": label, "seed_0": said, "seed_1": said}, dtype="str")
    test = pd.DataFrame({"id": ids, "label": label, "weight": "1", "part": ["a", "b"] * 70}, dtype="str")
    errors = analyse(predictions, test, metric)
    assert errors.loss == pytest.approx(loss)
    assert errors.classes["name"].to_list() == list(rises)
    assert errors.classes["rise"].to_list() == pytest.approx(list(rises.values()))
    assert errors.pairs["label"].to_list() == list(rises)
    assert errors.pairs["rise"].to_list() == pytest.approx(list(rises.values()))
    assert errors.slices["rise"].sum() == pytest.approx(loss)
    assert (errors.chosen, errors.metric.name == "balanced_accuracy") == (
        metric,
        metric.name in ("balanced_accuracy", "macro_f1"),
    )
    assert errors.accuracy == pytest.approx(1 - 17 / 140)


def test_small_groups_get_no_verdict():
    errors = analyse(*tables(wrong_thin=20, size=25))
    assert all(math.isnan(p) for p in errors.slices["p"])


@pytest.mark.parametrize(
    ("group", "number", "first"),
    [("all", 22, "a001"), ("stroke = bold", 2, "a100"), ("class = 7", 11, "a001")],
)
def test_the_wrong_answers_of_a_group(group, number, first):
    predictions, test = tables(wrong_thin=20, wrong_bold=2)
    predictions.loc[0, "seed_0"] = predictions.loc[0, "label"]  # right under one seed, so not the first to look at
    found = examples_of(group, predictions, test)
    assert (len(found), found["id"].iloc[0]) == (number, first)
    assert (found["predicted"] != found["label"]).all()
    if group == "all":
        assert found.iloc[-1].to_list() == ["a000", "1", "7", 1]


def test_a_group_that_is_none_is_refused():
    with pytest.raises(Refusal, match='did you mean "stroke = thin"'):
        examples_of("stroke = thn", *tables())


def test_labels_are_only_text(capsys):
    from rich.console import Console

    from datapass.report.terminal import show

    predictions, test = tables(wrong_thin=20)
    hostile = {"1": "[red]1[/red]\x1b[31m", "7": "7"}
    predictions = predictions.assign(**{c: predictions[c].map(hostile) for c in predictions.columns[1:]})
    errors = analyse(predictions, test.assign(label=test["label"].map(hostile)))
    show(report_of(errors, next_steps(errors, Evidence(train={"all": 100}))), Console(width=200, highlight=False))
    printed = capsys.readouterr().out
    assert "[red]1[/red]" in printed and "\x1b" not in printed
