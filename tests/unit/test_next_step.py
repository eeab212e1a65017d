"""What to do next: the order of the steps, and their numbers, computed by hand."""

import json
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from datapass.annotators.agreement import measure
from datapass.cli import app
from datapass.comparison.metric import Metric
from datapass.decisions.estimates import copied, lowered, per_label, surely_wrong
from datapass.decisions.evidence import Evidence, curve_points, groups, other_model, slope_of
from datapass.decisions.next_step import Step, next_steps
from datapass.report.errors import Errors, analyse
from datapass.report.errors_view import errors as report_of
from datapass.report.record import record
from datapass.review.suspects import by_model

COLLECT, SUSPECTS, PEOPLE, MODEL, DEFINE = (
    "Collect more", "Review suspects", "Ask two people", "Try another model", "Fix the definition",
)  # fmt: skip
COST = Metric("cost", {"7": {"1": 20}})


def results(thin: int = 20, bold: int = 2, metric: Metric | None = None) -> Errors:
    """Return the errors of 200 test examples: classes 1 and 7 by turns, the first half thin, of which some are wrong."""
    ids = [f"a{i:03}" for i in range(200)]
    label = ["7" if i % 2 else "1" for i in range(200)]
    wrong = [i < thin or 100 <= i < 100 + bold for i in range(200)]
    said = [{"7": "1", "1": "7"}[right] if bad else right for right, bad in zip(label, wrong, strict=True)]
    stroke = ["thin"] * 100 + ["bold"] * 100
    predictions = pd.DataFrame({"id": ids, "label": label, "seed_0": said, "seed_1": said}, dtype="str")
    test = pd.DataFrame({"id": ids, "label": label, "weight": "1", "stroke": stroke}, dtype="str")
    return analyse(predictions, test, metric)


def suspects(each: int) -> pd.DataFrame:
    """Return `each` suspects labelled 1 that look like 7, and as many the other way."""
    return pd.DataFrame({"label": ["1"] * each + ["7"] * each, "suggested": ["7"] * each + ["1"] * each}, dtype="str")


def audit(wrong: int, unseen: float) -> dict:
    return {"wrong_labels": wrong, "audited": 1000, "suspects": wrong, "out_of_fold_accuracy": 1 - unseen}


def known(**more) -> Evidence:
    """Return what is known of 1,000 training labels, half of each class, and of a model that fits them."""
    train = {"all": 1000, "class = 1": 500, "class = 7": 500, "stroke = thin": 300, "stroke = bold": 700}
    usual = {"audit": audit(1, 0.1), "suspects": suspects(1), "fit": 0.99, "train": train, "trainings": 10}
    return Evidence(**usual | {"labels": pd.Series({"1": 500, "7": 500}), "model": "model=mlp"} | more)


NOISY = {"audit": audit(40, 0.2), "suspects": suspects(22), "fit": 0.97}


def people(disputed: int):
    """Return the agreement of two people on 40 examples, of which they dispute some."""
    first = ["1", "7"] * 20
    second = [{"1": "7", "7": "1"}[label] if i < disputed else label for i, label in enumerate(first)]
    rows = [(f"a{i:03}", who, label) for who, said in (("ana", first), ("ben", second)) for i, label in enumerate(said)]
    return measure(pd.DataFrame(rows, columns=["id", "annotator", "label"], dtype="str"))


def shown(step: Step) -> tuple:
    return step.do, step.of, round(100 * step.low, 2), round(100 * step.high, 2), round(step.minutes, 2)


# The loss is 22 errors of 200, 11 points; a doubling takes 1 - 2^-b of it: .067 (b = .1) to .5 (b = 1).
ALL, THIN = (COLLECT, "all", 0.74, 5.5, 501), (COLLECT, "stroke = thin", 0.67, 5, 151)
SITUATIONS = {
    # 22 of 500 that look like 7 are labelled 1, 4.4 of the 11 errors on 100 test examples: .4 of the loss is the ceiling, and
    # 40 of 1,000 labels wrong at random cost 2 x .04 of it (K = 2).
    "noisy labels": (NOISY, [(SUSPECTS, "", 0.88, 4.4, 8.33), THIN, ALL, (PEOPLE, "1 or 7", 0, 6.6, 14.33)]),
    # 1 of 500: .2 of the 11 errors is .0182 of the loss.
    "clean labels and one bad slice": ({}, [THIN, ALL, (PEOPLE, "1 or 7", 0, 10.8, 14.33), (SUSPECTS, "", 0, 0.2, 1.33)]),
    # It is wrong on 29.9 % of its training labels beyond the noise, more than on the test set: nothing is left for data.
    "a model that does not fit": ({"fit": 0.7}, [(MODEL, "model=mlp", 0, 11, 31)]),
    # 6 points of 11 are the model's. What is left may be data's or the label's, and neither is known.
    "a model that fits in part": (
        {"fit": 0.94, "audit": audit(0, 0.1), "suspects": suspects(0)},
        [(PEOPLE, "1 or 7", 0, 5, 14.33), (MODEL, "model=mlp", 0, 6, 31), (COLLECT, "stroke = thin", 0, 2.27, 151), (COLLECT, "all", 0, 2.5, 501)],
    ),
    "a model that cannot know": (
        {"audit": audit(300, 0.4), "fit": None, "thin": 60, "bold": 60},
        [(PEOPLE, "1 or 7", 0, 60, 14.33), (COLLECT, "all", 0, 30, 501)],
    ),
    # People dispute 16 of 40 examples of either class, so 80 of 200 test examples: more than the 22 errors.
    "annotators who do not agree": (
        NOISY | {"agreement": people(16)},
        [(DEFINE, "", 0, 11, 17), (SUSPECTS, "", 0.88, 4.4, 8.33), THIN, ALL],
    ),
    # 2 of 40, so 10 of 200: 10/22 of the loss.
    "annotators who mostly agree": (
        NOISY | {"agreement": people(2)},
        [(SUSPECTS, "", 0.88, 4.4, 8.33), THIN, ALL, (DEFINE, "", 0, 5, 3)],
    ),
    "no audit": (
        {"audit": None, "suspects": suspects(0)},
        [THIN, ALL, (PEOPLE, "1 or 7", 0, 11, 14.33)],
    ),
    "an earlier pass that gained 4 to 6 points with 100 labels": (
        NOISY | {"passes": [{"edits": {"relabel": 90, "drop": 10, "keep": 7}, "gain": 0.05, "low": 0.04, "high": 0.06, "metric": Metric()}]},
        [(SUSPECTS, "", 1.6, 2.4, 8.33), THIN, ALL, (PEOPLE, "1 or 7", 0, 6.6, 14.33)],
    ),
    # Of 40 wrong labels the queue holds 10: a quarter of each end, and of what they explain.
    "a queue that holds a part": (
        NOISY | {"suspects": suspects(5)},
        [(SUSPECTS, "", 0.22, 0.25, 2.67), THIN, ALL, (PEOPLE, "1 or 7", 0, 10, 14.33)],
    ),
    "a slope that was measured": (
        {"slope": (1.0, 1.0, 1.0), "sizes": 4, "audit": audit(0, 0.1), "suspects": suspects(0)},
        [(COLLECT, "stroke = thin", 5, 5, 151), (COLLECT, "all", 5.5, 5.5, 501), (PEOPLE, "1 or 7", 0, 11, 14.33)],
    ),
    # 11 errors of class 7 at 20 and 11 of class 1 at 1: the loss is 1.155, that of the thin 1.05, that of class 7 1.1.
    "a cost": (
        {"metric": COST, "audit": audit(0, 0.1), "suspects": suspects(0)},
        [(COLLECT, "stroke = thin", 7.03, 52.5, 151), (COLLECT, "all", 7.73, 57.75, 501), (PEOPLE, "1 or 7", 0, 115.5, 14.33), (COLLECT, "class = 7", 0, 110, 251)],
    ),
    "macro-F1": ({"metric": Metric("macro_f1")}, [THIN, ALL, (PEOPLE, "1 or 7", 0, 10.8, 14.33), (SUSPECTS, "", 0, 0.2, 1.33)]),
    "nothing to do": ({"thin": 0, "bold": 0}, []),
    "no error, by labels on which people do not agree": ({"thin": 0, "bold": 0, "agreement": people(16)}, [(DEFINE, "", 0, 0, 17)]),
}  # fmt: skip


def situation(name: str) -> tuple[Errors, Evidence]:
    more = dict(SITUATIONS[name][0])
    of = {key: more.pop(key) for key in ("thin", "bold", "metric") if key in more}
    return results(**of), known(**more)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_order_and_the_numbers(name):
    assert [shown(step) for step in next_steps(*situation(name)).steps] == SITUATIONS[name][1]


def test_the_headline_is_the_best_step_with_its_number():
    errors, facts = situation("noisy labels")
    said = record(report_of(errors, next_steps(errors, facts)))
    assert (
        said["headline"] == "Review suspects: +0.88 to +4.40 points of accuracy for 44 rows, 8 min: `datapass review`"
    )
    assert said["next_steps"][0]["low"] == pytest.approx(0.0088)
    rows = said["sections"][0]["blocks"][0]["rows"]
    assert rows[1][:3] == ["Collect more", "stroke = thin", "+0.67 to +5.00"]
    assert rows[3][2:5] == ["at most +6.60", "ceiling: its errors", "40 rows, 14 min"]
    assert json.dumps(said, allow_nan=False)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("noisy labels", "40 of 1,000 labels look wrong, 40 or more beyond what"),
        ("clean labels and one bad slice", "1 of 1,000 labels look wrong, 0 or more beyond what"),
        ("clean labels and one bad slice", "at the error rate of the rest it would gain +9.00"),  # 20 errors where 2 would be
        ("a model that does not fit", "Suspects: not estimated. What the model does not fit it cannot judge either"),
        ("a model that cannot know", "Suspects: not estimated. The model cannot tell a wrong label from an error of its own"),
        ("a model that cannot know", "no learning curves tell whether the model fits"),
        ("no audit", "`dvc repro audit` does it"),
        ("no audit", "Annotators: under 30 examples have labels of two people"),
        ("annotators who do not agree", "16 of 40 examples differently (alpha 0.21)"),
        ("an earlier pass that gained 4 to 6 points with 100 labels", "100 corrected labels gained +4.00 to +6.00 in 1 earlier pass;"),
        ("a slope that was measured", "error ~ n^-1.00 to n^-1.00, measured on 4 sizes"),
        ("a cost", "while others may be taken for it more often; at the error rate of the rest it would gain +1.0450"),
        ("macro-F1", "Macro-F1 is no sum over examples, so gains and losses are in balanced accuracy"),
        ("nothing to do", "none of 200 test answers costs anything"),
    ],
)  # fmt: skip
def test_each_number_says_where_it_is_from(name, said):
    errors, facts = situation(name)
    assert said in json.dumps(record(report_of(errors, next_steps(errors, facts))), ensure_ascii=False)


def test_people_who_do_not_agree_come_before_whatever_gains_more():
    steps = next_steps(*situation("annotators who do not agree")).steps
    assert steps[0].ceiling and steps[0].before
    assert not any(step.before for step in next_steps(*situation("annotators who mostly agree")).steps)


@pytest.mark.parametrize(("classes", "worth"), [(2, 1.731), (3, 1.487), (10, 1.331)])
def test_labels_wrong_at_random_cost_as_much_as_the_examples_that_they_are_worth(classes, worth):
    assert (1 - lowered(0.12, classes, 0.5)) ** -2 == pytest.approx(worth, abs=5e-4)


def test_wrong_labels_that_the_models_own_errors_do_not_explain():
    # unseen .2 of 1,000, lost .11 of 200: (.09 - 1.645 sqrt(.00016 + .0004895)) / (1 - .11 x 2)
    assert surely_wrong(results(), known(audit=audit(300, 0.2))) == pytest.approx(0.06164, abs=1e-5)
    assert surely_wrong(results(), known(audit=audit(30, 0.2))) == pytest.approx(0.03)
    assert surely_wrong(results(), known(audit=audit(30, 0.11))) == 0


def test_what_a_model_makes_that_copies_the_suspects():
    one_way = suspects(40)[:40]  # labelled 1, look like 7: 540 do, and 40 of them are labelled 1
    found = copied(results(), known(suspects=one_way))
    by_pair = dict(zip(results().pairs["label"], found, strict=True))
    assert by_pair["1"] == 0
    assert by_pair["7"] == pytest.approx(0.055 * (100 * 40 / 540) / 11)
    assert copied(results(), known(suspects=suspects(500))).sum() == pytest.approx(0.11)  # no more than the errors


def test_only_passes_that_correct_labels_tell_what_a_label_gains():
    one = {"edits": {"relabel": 50}, "gain": 0.02, "low": 0.01, "high": 0.03, "metric": Metric()}
    assert per_label(results(), known(passes=[one, one])) == pytest.approx(
        (0.04 / 100 - 0.02**0.5 / 1000, 0.04 / 100 + 0.02**0.5 / 1000, 2)
    )
    for other in (
        {"gain": None},
        {"edits": {"relabel": 50, "add": 9}},
        {"edits": {"keep": 9}},
        {"edits": {"drop": 9}},
        {"metric": COST},
    ):
        assert per_label(results(), known(passes=[one | other])) is None


@pytest.mark.parametrize(
    ("points", "slope"),
    [
        ([(100, 0.2), (400, 0.1), (1600, 0.05)], (0.5, 0.5, 0.5)),
        ([(100, 0.2), (400, 0.1)], None),  # a line through two points is no measurement
        ([(900, 0.2), (1000, 0.19), (1100, 0.18)], None),
        ([(100, 0.2), (100, 0.2), (400, 0.1), (1600, 0.0)], None),  # an error of 0 has no logarithm
    ],
    ids=["measured", "two sizes", "too near", "no error"],
)
def test_slope(points, slope):
    found = slope_of(points)
    assert found is None if slope is None else found == pytest.approx(slope)


def test_an_uncertain_slope_has_an_interval():
    # ln n = 0, 1, 2 and ln error = 0, -1, -1: b = .5, residuals -1/6, 1/3, -1/6, se = sqrt(1/6 / 2), t(.975, 1) = 12.7
    low, middle, high = slope_of([(1000 * np.exp(x), 0.3 * np.exp(y)) for x, y in ((0, 0), (1, -1), (2, -1))])
    assert (low, high) == (0, 1) and middle == pytest.approx(0.5)


def test_results_on_subsets_of_the_same_data_are_points_of_the_curve(tmp_path, monkeypatch):
    """Experiments with another model, augmentation, seeds or examples are none, and neither is one without a result."""
    monkeypatch.chdir(tmp_path)

    def git(*words: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        return subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True).stdout.strip()

    def write(size: int | None, accuracy: float, train: str = "aa", **other: object) -> None:
        outs = [{"path": f"data/examples/{name}.csv", "md5": md5} for name, md5 in (("train", train), ("test", "bb"))]
        settings = {"model": "m", "seeds": [0, 1, 2], "data.augment": None, "data.size": size} | other
        stages = {
            "curate": {"cmd": "curate", "outs": outs},
            "train": {"cmd": "train", "deps": outs[:1], "params": {"params.yaml": settings}},
            "evaluate": {"cmd": "evaluate", "deps": outs[1:]},
        }
        Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
        Path("metrics.json").write_text(json.dumps({"accuracy": accuracy, "model": "m", "train_examples": 800}))

    git("init", "-q", "-b", "main")
    write(None, 0.95)
    git("add", "."), git("commit", "-qm", "all")
    base = git("rev-parse", "HEAD")
    for name, more in {
        "a": {"size": 400, "accuracy": 0.93}, "b": {"size": 200, "accuracy": 0.9}, "a model": {"size": 200, "model": "other"},
        "augmented": {"size": None, "data.augment": "mild"}, "a seed": {"size": 100, "seeds": [0]},
        "data": {"size": 200, "train": "cc"}, "none": None, "kept": {"size": None, "accuracy": 0.95},
    }.items():  # fmt: skip
        if more is None:
            Path("metrics.json").write_text("{}")
        else:
            write(**({"accuracy": 0.5} | more))
        git("commit", "-qam", name, "--allow-empty")
        git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name.replace(' ', '-')}", "HEAD")
        git("reset", "-q", "--hard", base)
    found = curve_points()
    assert [size for size, _ in found] == [200, 400, 800]
    assert [error for _, error in found] == pytest.approx([0.1, 0.07, 0.05])


def test_groups_are_named_as_the_errors_name_them():
    table = pd.DataFrame({"id": list("abc"), "label": ["1", "7", "7"], "stroke": ["thin", "thin", "bold"]}, dtype="str")
    assert groups(table) == {"stroke = bold": 1, "stroke = thin": 2, "class = 7": 2, "class = 1": 1, "all": 3}


def test_another_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert other_model({"steps": 400}) == "model.steps=800"
    assert other_model({"estimator": {}}) == ""
    folder = tmp_path / "conf" / "model"
    folder.mkdir(parents=True)
    (folder / "cnn.yaml").write_text("steps: 400\n")
    (folder / "odd name; rm.yaml").write_text("steps: 3\n")
    assert other_model({"steps": 400}) == "model.steps=800"
    (folder / "mlp.yaml").write_text("steps: 200\n")
    assert other_model({"steps": 400}) == "model=mlp"


def test_each_command_is_one_that_there_is():
    printed = {step.command for name in SITUATIONS for step in next_steps(*situation(name)).steps}
    assert len(printed) > 5
    for words in map(shlex.split, printed):
        if words[0] == "dvc":
            assert words == ["dvc", "exp", "run", "-S", "model=mlp"]
            continue
        program, verb, *options = words
        assert program == "datapass"
        shown = CliRunner().invoke(app, [verb, "--help"])
        assert shown.exit_code == 0
        assert all(option in shown.output for option in options if option.startswith("--"))


@pytest.mark.parametrize(
    "name", ["it's \"; rm -rf ~ `x` $(y)", "--only", "[red]", "|"], ids=["shell", "option", "markup", "cell"]
)
def test_a_class_of_any_name_is_one_word_of_the_command(name):
    errors = results()
    renamed = errors.pairs.replace({"1": name})
    steps = next_steps(Errors(**vars(errors) | {"pairs": renamed}), known()).steps
    command = next(step.command for step in steps if step.do == PEOPLE)
    assert sorted(shlex.split(command)[-3::2]) == sorted([name, "7"])


@pytest.mark.parametrize(
    ("blur", "noise", "first"),
    [(0.0, 0.12, SUSPECTS), (0.0, 0.0, COLLECT), (0.5, 0.0, None), (0.5, 0.12, None)],
    ids=[
        "good model, wrong labels",
        "good model, right labels",
        "weak model, right labels",
        "weak model, wrong labels",
    ],
)
def test_what_confident_learning_can_tell_on_real_digits(blur, noise, first):
    """With right labels the suspects do not lead, and a weak model's word on labels is not taken."""
    rng = np.random.default_rng(0)
    inputs, truth = load_digits(return_X_y=True)
    inputs = inputs / 16 + rng.normal(0, blur, inputs.shape) if blur else inputs / 16
    here, there = np.split(rng.permutation(len(truth)), [1000])
    given = truth[here]
    flipped = rng.random(len(here)) < noise
    given[flipped] = (given[flipped] + 1) % 10
    model = LogisticRegression(max_iter=200)
    with threadpool_limits(1):  # many threads on few cores take minutes
        unseen = cross_val_predict(model, inputs[here], given, cv=5, method="predict_proba")
        said = model.fit(inputs[here], given).predict(inputs[there]).astype(str)
    labels = pd.DataFrame({"label": given.astype(str)}, dtype="str")
    evidence, wrong = by_model(labels, [str(digit) for digit in range(10)], unseen)
    right = float((evidence["suggested"] == "").mean())
    doubted = labels.assign(suggested=evidence["suggested"])[evidence["support"] < 0.5]
    ids, label = [f"a{i:03}" for i in there], truth[there].astype(str)
    predictions = pd.DataFrame({"id": ids, "label": label, "seed_0": said}, dtype="str")
    errors = analyse(predictions, pd.DataFrame({"id": ids, "label": label, "weight": "1"}, dtype="str"))
    numbers = {
        "wrong_labels": int(wrong.sum()),
        "audited": 1000,
        "suspects": len(doubted),
        "out_of_fold_accuracy": right,
    }
    fit = float(model.score(inputs[here], given))
    facts = Evidence(numbers, doubted, labels["label"].value_counts(), {"all": 1000}, fit, trainings=10)
    advice = next_steps(errors, facts)
    if first is None:
        assert SUSPECTS not in [step.do for step in advice.steps]
        assert any("not estimated" in note for note in advice.notes)
    else:
        assert advice.steps[0].do == first
