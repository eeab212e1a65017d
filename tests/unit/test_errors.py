"""Error analysis and the suggested next step."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from datapass.messages.problems import Refusal
from datapass.report.data_view import errors as report_of
from datapass.report.errors import Errors, analyse, next_step
from datapass.report.record import record
from datapass.review.suspects import by_model


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
    assert errors.accuracy == 1 and errors.pairs.empty
    assert "no single cause" in next_step(errors).do
    assert record(report_of(errors, next_step(errors)))["classes"][0]["p"] is None


AUDIT = {"wrong_labels": 100, "audited": 1000, "suspects": 120, "out_of_fold_accuracy": 0.88}
CLEAN = {"wrong_labels": 1, "audited": 1000, "suspects": 2, "out_of_fold_accuracy": 0.99}


def curves(train: float, validation: float) -> pd.DataFrame:
    return pd.DataFrame({"train_accuracy": [0.1, train], "validation_accuracy": [0.1, validation]})


@pytest.mark.parametrize(
    ("audit", "fit", "alpha", "said"),
    [
        (AUDIT, curves(0.99, 0.9), (0.5, 60), "Fix the definition"),
        (AUDIT, curves(0.99, 0.9), (0.5, 10), "Clean labels"),  # too few examples to say that
        (AUDIT, curves(0.99, 0.9), (0.9, 60), "Clean labels"),
        (CLEAN, curves(0.7, 0.69), None, "Work on the model"),
        (AUDIT, curves(0.4, 0.39), None, "Work on the model"),  # an estimate by a model that does not fit
        (AUDIT, curves(0.9, 0.89), None, "Clean labels"),  # the wrong labels explain the fit
        (AUDIT | {"wrong_labels": 19}, curves(0.99, 0.9), None, "Collect for a slice: stroke = thin"),
        (CLEAN, curves(0.99, 0.9), None, "Collect for a slice: stroke = thin"),
        (None, None, None, "Collect for a slice: stroke = thin"),
    ],
)
def test_next_step(audit, fit, alpha, said):
    step = next_step(known(), audit, fit, alpha)
    assert step.do.startswith(said)
    assert any("200" in line for line in step.numbers)


@pytest.mark.parametrize(
    ("accuracy", "unseen", "wrong", "said"),
    [
        (0.54, 0.54, 634, "Work on the model"),  # 88 % in training, 54 % in validation, 22 % called wrong
        (0.9, 0.6, 800, "Clean labels"),  # it answers a clean test set, so the labels that it contradicts are wrong
        (0.74, 0.8, 400, "Clean labels"),
    ],
    ids=["knows neither", "knows the test set", "knows the labels"],
)
def test_a_model_that_cannot_know_comes_before_labels(accuracy, unseen, wrong, said):
    audit = {"wrong_labels": wrong, "audited": 2880, "suspects": 500, "out_of_fold_accuracy": unseen}
    step = next_step(replace(known(), accuracy=accuracy), audit, curves(0.88, unseen))
    assert step.do.startswith(said)
    assert any("error of its own" in line for line in step.numbers) == (said == "Work on the model")


@pytest.mark.parametrize(
    ("blur", "noise", "said"),
    [(0.0, 0.12, "Clean labels"), (0.5, 0.0, "Work on the model"), (0.5, 0.12, "Work on the model")],
    ids=["good model, wrong labels", "weak model, right labels", "weak model, wrong labels"],
)
def test_what_confident_learning_can_tell_on_real_digits(blur, noise, said):
    rng = np.random.default_rng(0)
    inputs, truth = load_digits(return_X_y=True)
    inputs = inputs / 16 + rng.normal(0, blur, inputs.shape) if blur else inputs / 16
    here, there = np.split(rng.permutation(len(truth)), [1000])
    given = truth[here]
    flipped = rng.random(len(here)) < noise
    given[flipped] = (given[flipped] + 1) % 10
    model = LogisticRegression(max_iter=200)
    unseen = cross_val_predict(model, inputs[here], given, cv=5, method="predict_proba")
    classes = [str(digit) for digit in range(10)]
    evidence, wrong = by_model(pd.DataFrame({"label": given.astype(str)}, dtype="str"), classes, unseen)
    right = float((evidence["suggested"] == "").mean())
    audit = {"wrong_labels": int(wrong.sum()), "audited": 1000, "suspects": 100, "out_of_fold_accuracy": right}
    accuracy = float(model.fit(inputs[here], given).score(inputs[there], truth[there]))
    # Without learning curves: the model's fit has a rule of its own, which would speak first.
    assert next_step(replace(known(), accuracy=accuracy), audit).do.startswith(said)


def test_without_a_group_that_stands_out():
    errors = analyse(*tables(wrong_thin=10, wrong_bold=10))
    assert next_step(errors, CLEAN, curves(0.99, 0.9)).do.startswith("Collect more")
    assert "no single cause" in next_step(errors, CLEAN, curves(0.96, 0.95)).do


def test_small_groups_get_no_verdict():
    errors = analyse(*tables(wrong_thin=20, size=25))
    assert all(math.isnan(p) for p in errors.slices["p"])
    assert "no single cause" in next_step(errors, CLEAN).do


def test_labels_are_only_text(capsys):
    from rich.console import Console

    from datapass.report.terminal import show

    predictions, test = tables(wrong_thin=20)
    hostile = {"1": "[red]1[/red]\x1b[31m", "7": "7"}
    predictions = predictions.assign(**{c: predictions[c].map(hostile) for c in predictions.columns[1:]})
    errors = analyse(predictions, test.assign(label=test["label"].map(hostile)))
    show(report_of(errors, next_step(errors)), Console(width=200, highlight=False))
    printed = capsys.readouterr().out
    assert "[red]1[/red]" in printed and "\x1b" not in printed
