"""The table of gains, on revisions made by hand: what counts as which change, what is picked, and what is refused."""

import dataclasses
import io
import json
import math
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rich.console import Console
from test_verdict import MILD, Made, N, answer, csv, examples

from conftest import IDENTITY
from datapass.comparison import history
from datapass.comparison import verdict as v
from datapass.comparison.crossed import combined, gain_interval
from datapass.comparison.metric import Metric
from datapass.comparison.revisions import Revision
from datapass.decisions import crossing, gains, missing
from datapass.decisions.candidates import (
    BOTH,
    DATA_ONLY,
    MODEL_ONLY,
    NEITHER,
    UNREADABLE,
    candidate,
    descendants,
    names,
)
from datapass.messages.problems import Refusal
from datapass.report import gains_view
from datapass.report.forms import write
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.record import record
from datapass.report.sureness import looks_lines
from datapass.report.terminal import show

CURVES = "reports/learning_curves.csv"


def new(name: str, accuracy: float = 0.80, first: int = 1, validation: object = 0.7) -> Made:
    """Return a result to be: of the baseline's data and model until something is changed."""
    test = examples("t", N)
    made = Made(name, test, answer(test, accuracy, first), examples("x", 40))
    rows = f"step,validation_accuracy\n5,0.1\n10,{validation}\n"
    made.files = {CURVES: ((), rows.encode())} if validation is not None else {}
    return made


def relabel(made: Made) -> None:
    made.train.loc[[0, 1], ["label", "passes"]] = [["cat", "p001-fix"], ["dog", "p001-fix"]]
    made.passes = ["p001-fix"]


def faster(made: Made, lr: float = 0.2) -> None:
    made.model["optimizer"]["lr"] = lr
    made.fingerprint = f"lr {lr}"


def augment(made: Made) -> None:
    made.augment, made.weights = {"data.augment": MILD}, "augmented"


def network(made: Made) -> None:
    made.code, made.fingerprint = "one = 2\n", "code"


def seeds(number: int) -> Callable[[Made], None]:
    def change(made: Made) -> None:
        made.answers = made.answers[["id", "label", "predicted", *(f"seed_{n}" for n in range(number))]]
        made.weights = f"{number} seeds"

    return change


def environment(made: Made) -> None:
    made.environment = made.environment.replace("torch 2.13.0", "torch 2.14.0")


def metric(made: Made) -> None:
    made.evaluate = {"batch_size": 8, "metric": "macro_f1"}


def edited(made: Made) -> None:
    made.tampered["reports/predictions.csv"] = csv(answer(made.test, 0.99))


def other_tests(made: Made) -> None:
    made.test["id"] = ["u" + id if number < 300 else id for number, id in enumerate(made.test["id"])]
    made.answers["id"] = made.test["id"]


def other_classes(made: Made) -> None:
    made.classes = ["cat", "dog", "bird"]


def moved_ruler(made: Made) -> None:
    """The test labels become what the candidate answers, which makes a gain of nothing."""
    rows = list(range(60))
    other = {"cat": "dog", "dog": "cat"}
    made.test.loc[rows, "label"] = made.test.loc[rows, "label"].map(other)
    made.answers["label"] = made.test["label"]
    for seed in (column for column in made.answers if column.startswith("seed_")):
        made.answers.loc[rows, seed] = made.test.loc[rows, "label"]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workspace holds nothing that a result does, and has an experiment called `both`."""
    monkeypatch.setattr(missing, "list_experiments", lambda: {"both": {"base": "commit"}})
    monkeypatch.setattr(missing, "git", lambda *_: b"")
    monkeypatch.setattr(missing, "_is_here", lambda *_: False)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, offline: None) -> Callable[..., gains.Gains]:
    """Return a function that gives the table of results made by hand; Git is asked for nothing else."""

    def table(
        *made: Made | Revision, baseline: Made | None = None, looks: int = 0, shallow: bool = False
    ) -> gains.Gains:
        found = [one if isinstance(one, Revision) else one.revision() for one in made]
        monkeypatch.setattr(gains, "descendants", lambda _: found)
        monkeypatch.setattr(history, "looks", lambda *_: looks or 1 + len(found))
        monkeypatch.setattr(history, "is_shallow", lambda: shallow)
        return gains.gains((baseline or new("old")).revision())

    return table


def told(found: gains.Gains) -> str:
    """Return the report as it stands on a terminal of 100 columns."""
    console = Console(width=100, record=True, file=io.StringIO(), highlight=False)
    show(gains_view.gains(found), console)
    return console.export_text()


KINDS: dict[str, tuple[list[Callable[[Made], None]], str]] = {
    "nothing": ([], NEITHER),
    "labels": ([relabel], DATA_ONLY),
    "augmentation": ([augment], DATA_ONLY),
    "a setting": ([faster], MODEL_ONLY),
    "code": ([network], MODEL_ONLY),
    "labels and a setting": ([relabel, faster], BOTH),
    "augmentation and code": ([augment, network], BOTH),
    "fewer seeds": ([seeds(3)], NEITHER),
    "labels and fewer seeds": ([relabel, seeds(3)], DATA_ONLY),
    "a setting and fewer seeds": ([faster, seeds(4)], MODEL_ONLY),
}


@pytest.mark.parametrize(("changes", "kind"), KINDS.values(), ids=KINDS.keys())
def test_what_was_changed(changes: list[Callable[[Made], None]], kind: str) -> None:
    old, made = new("old"), new("new", 0.86 if changes else 0.80)
    for change in changes:
        change(made)
    found = candidate(old.revision(), made.revision(), "new")
    assert (found.kind, found.why) == (kind, [])
    assert found.found is not None and found.gain is not None
    common = list(made.answers.filter(like="seed_"))
    assert found.found.seeds == common, "other seeds are no other model: those that both have are compared"
    right = [one.answers[common].eq(one.test["label"], axis=0).to_numpy().astype(float) for one in (old, made)]
    assert found.gain == gain_interval(*right, paired=kind in (DATA_ONLY, NEITHER))
    assert found.seeds == list(range(len(common))) and found.validation == 0.7


REFUSED: dict[str, tuple[Callable[[Made], None], str]] = {
    "stale": (edited, "the results of new are stale: reports/predictions.csv is not what stage evaluate last ran with"),
    "test set": (other_tests, "the test set changed: only 100 examples are in both"),
    "metric": (metric, "param evaluate.metric: accuracy → macro_f1"),
    "classes": (other_classes, 'the classes changed: new "bird"'),
    "two seeds": (seeds(2), "2 seeds are too few to tell a gain from luck"),
    "ruler": (moved_ruler, "its verdict depends on which test labels are taken"),
}


@pytest.mark.parametrize("also", [[], [relabel], [faster], [relabel, faster]], ids=["alone", "data", "model", "both"])
@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_no_number_where_it_would_be_wrong(change: Callable[[Made], None], why: str, also: list[Any]) -> None:
    made = new("new")
    for one in (*also, change):
        one(made)
    found = candidate(new("old").revision(), made.revision(), "new")
    assert found.gain is None
    assert any(why in reason for reason in found.why), found.why


def test_another_environment_alone_is_no_other_model() -> None:
    made = new("new")
    relabel(made)
    environment(made)
    found = candidate(new("old").revision(), made.revision(), "new")
    assert found.kind == DATA_ONLY and found.gain is None
    assert "environment: torch 2.13.0+cpu → torch 2.14.0+cpu" in found.why[0]
    faster(made)
    assert candidate(new("old").revision(), made.revision(), "new").gain is not None, "a part of the other model"


def sweep(*validations: object, change: Callable[[Made], None] = lambda made: None) -> list[Made]:
    """Return models of which each is better on the test set than the one before."""
    made = [new(f"lr-{n}", 0.80 + 0.02 * n, 1, value) for n, value in enumerate(validations)]
    for number, one in enumerate(made):
        faster(one, 0.2 + number)
        change(one)
    return made


def test_a_sweep_is_picked_by_validation_and_not_by_test(here: Callable[..., gains.Gains]) -> None:
    found = here(*sweep(0.70, 0.75, 0.72))
    assert [one.name for one in found.of(MODEL_ONLY)] == ["lr-2", "lr-1", "lr-0"], "by gain on the test set"
    assert found.picks[MODEL_ONLY].name == "lr-1"
    assert found.trainings[MODEL_ONLY] == 15
    text = told(found)
    assert re.search(r"model only, picked of 3 +lr-1 .* 15$", text, re.MULTILINE)
    assert re.search(r"^lr-2 .* not picked ", text, re.MULTILINE) and re.search(r"^lr-1 .* picked ", text, re.MULTILINE)
    assert "so none is to be picked by them" in " ".join(text.split())
    assert all(len(line) <= 100 for line in text.splitlines() if line.endswith("%") or re.search(r"% .*\d$", line))


@pytest.mark.parametrize("value", [None, ""], ids=["no curves", "no validation set"])
def test_without_a_validation_accuracy_none_is_picked(here: Callable[..., gains.Gains], value: object) -> None:
    found = here(*sweep(0.70, value, 0.72))
    assert MODEL_ONLY not in found.picks
    assert 'of "lr-1" has no validation accuracy' in found.unpicked[MODEL_ONLY]
    assert "Model only: none is picked, as reports/learning_curves.csv of" in told(found)
    assert "–" in markdown(gains_view.gains(found))


def test_other_validation_labels_do_not_compare() -> None:
    """Data and model changed: where the validation labels did too, the higher accuracy there says nothing."""
    old, tried = new("old").revision(), []
    for number, made in enumerate(sweep(0.70, 0.72, change=relabel)):
        one = candidate(old, made.revision(), made.name)
        labels = Revision(made.name, "0" * 40, {"data/examples/validation.csv": f"{number}".encode()})
        tried.append((one, dataclasses.replace(one, revision=labels)))
    best, why = gains.pick(BOTH, [same for same, _ in tried])
    assert best is not None and (best.name, why) == ("lr-1", "")
    best, why = gains.pick(BOTH, [other for _, other in tried])
    assert best is None and "their validation examples or labels differ" in why


def test_data_is_shown_by_gain_with_its_verdict(here: Callable[..., gains.Gains]) -> None:
    good, bad, sure = new("good", 0.86), new("bad", 0.74), new("sure", 0.83, validation=0.1)
    for made in (good, bad, sure):
        relabel(made)
    bad.train.loc[5, "label"] = sure.train.loc[6, "label"] = "bird"
    found = here(bad, good, sure)
    assert [one.name for one in found.of(DATA_ONLY)] == ["good", "sure", "bad"]
    assert found.picks[DATA_ONLY].name == "good"
    assert [one.found.verdict for one in found.of(DATA_ONLY) if one.found] == [v.HELPS, v.HELPS, v.HURTS]
    best = found.picks[DATA_ONLY].gain
    assert best is not None and found.luck == pytest.approx(0.846 * best.se, rel=0.001), "the best of three"
    assert "4 data revisions were scored on this test set. The best of 3 changes without effect" in told(found)


def small_gain() -> tuple[Made, Made]:
    old, made = new("old", 0.80), new("good", 0.81)
    relabel(made)
    for one in (old, made):
        seeds(4)(one)
    made.weights = "4 seeds, relabelled"
    return old, made


def test_a_verdict_that_does_not_hold_over_all_looks_says_so(here: Callable[..., gains.Gains]) -> None:
    """As `compare` does of the same two."""
    old, made = small_gain()
    found = here(made, baseline=old, looks=21)
    compared = [v.compare(old.revision(), made.revision())]
    history.add_looks(compared)
    (one,) = found.of(DATA_ONLY)
    assert one.found is not None and one.found.verdict == compared[0].verdict == v.HELPS
    assert one.found.all_looks == compared[0].all_looks and one.found.all_looks is not None
    assert not one.found.all_looks.holds
    report, text = gains_view.gains(found), " ".join(told(found).split())
    assert report.headline.endswith("] (not over all 20 looks)")
    assert text.count("helps, not over all 20 looks") == 2, "in both tables"
    assert " ".join(looks_lines(compared[0])[0][0].split()) in text.replace("`", "")
    assert report.rows is not None and report.rows["over looks"].to_list() == ["", "not over all 20 looks"]
    assert record(report)["candidates"][0]["all_looks"]["holds"] is False


def test_a_verdict_that_holds_over_all_looks_stands(here: Callable[..., gains.Gains]) -> None:
    made = new("good", 0.86)
    relabel(made)
    found = here(made, looks=21)
    assert "not over all" not in told(found) and " helps " in told(found)
    assert found.looks == 21 and found.luck is not None


def test_a_shallow_clone_counts_no_looks_and_says_so(here: Callable[..., gains.Gains]) -> None:
    """Before all other warnings, of which not all are shown."""
    old, made = small_gain()
    found = here(made, baseline=old, looks=21, shallow=True)
    assert (found.looks, found.luck) == (0, None)
    assert history.SHALLOW in " ".join(told(found).split())


def extended() -> tuple[Made, Made, Made, Made]:
    """Return a baseline and a relabelling of 3 seeds, and both again with 5."""
    base, fix, base_5, fix_5 = new("base"), new("fix", 0.86), new("base-5"), new("fix-5", 0.86)
    for made in (fix, fix_5):
        relabel(made)
    for made in (base, fix):
        seeds(3)(made)
    fix.weights = "3 seeds, relabelled"
    return base, fix, base_5, fix_5


def test_more_seeds_of_one_data_revision_are_one_result(here: Callable[..., gains.Gains]) -> None:
    """That with most seeds, against the baseline's data with as many; seeds trained before are trained once."""
    base, fix, base_5, fix_5 = extended()
    found = here(fix, base_5, fix_5, baseline=base)
    (one,) = found.of(DATA_ONLY)
    expected = v.compare(base_5.revision(), fix_5.revision())
    assert (one.name, one.against, one.gain) == ("fix-5", "base-5", expected.gain)
    assert found.trainings[DATA_ONLY] == 5
    assert found.fewer == {"fix-5": ["fix"]}
    text = " ".join(told(found).replace("`", "").split())
    assert re.search(r"data only fix-5 \+", text) and "only, best of" not in text
    assert (
        "Compared with base-5, which has the baseline's data and model and shares more seeds: fix-5 (5 seeds)." in text
    )
    assert "Of the data and model of fix-5, with no more seeds, and not shown: fix." in text
    rows = gains_view.gains(found).rows
    assert rows is not None and rows["against"].to_list() == ["", "base-5", "base"]


def test_the_baseline_is_what_counts_where_no_other_shares_more_seeds(here: Callable[..., gains.Gains]) -> None:
    base, fix, base_5, fix_5 = extended()
    assert [one.against for one in here(fix, base_5, baseline=base).of(DATA_ONLY)] == [""]
    assert [one.against for one in here(fix_5, baseline=base).of(DATA_ONLY)] == [""]
    edited(base_5)  # stale, so nothing is compared with it
    assert [one.against for one in here(fix, base_5, fix_5, baseline=base).of(DATA_ONLY)] == [""]


def test_seeds_of_a_baseline_of_one_make_up_for_it(here: Callable[..., gains.Gains]) -> None:
    base, _, base_5, fix_5 = extended()
    seeds(1)(base)
    assert not here(fix_5, baseline=base).of(DATA_ONLY), "one seed in common tells nothing"
    assert [one.against for one in here(base_5, fix_5, baseline=base).of(DATA_ONLY)] == ["base-5"]


OTHERS: dict[str, list[Callable[[Made], None]]] = {
    "a setting": [lambda made: faster(made, 0.3)],
    "data": [relabel, faster],
    "augmentation": [augment, faster],
    "code": [network, faster],
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS.keys())
def test_other_data_or_another_model_is_a_result_of_its_own(
    here: Callable[..., gains.Gains], changes: list[Callable[[Made], None]]
) -> None:
    one, other = new("one", 0.82), new("other", 0.84)
    faster(one)
    for change in changes:
        change(other)
    seeds(3)(one)
    found = here(one, other)
    assert {made.name for made in found.candidates if made.gain} == {"one", "other"} and not found.fewer
    assert sum(found.trainings.values()) == 8


def test_the_four_cells_are_of_the_seeds_that_are_shown(here: Callable[..., gains.Gains]) -> None:
    base, v10, v01, v11 = four()
    more = new("more", 0.80)
    seeds(3)(base)
    found = here(more, v10, v01, v11, baseline=base)
    assert found.crossed is not None and found.crossed.effects is not None
    assert found.crossed.names[0] == ["more", "fix"] and found.crossed.effects.seeds == (5, 5)


def test_a_change_of_the_model_has_no_verdict_on_the_data(here: Callable[..., gains.Gains]) -> None:
    (made,) = sweep(0.7)
    both = new("both", 0.9)
    relabel(both)
    faster(both)
    found = here(made, both)
    written = record(gains_view.gains(found))
    assert [one["verdict"] for one in written["candidates"]] == [None, None]
    assert not {"helps", "hurts"} & set(told(found).split())
    assert gains_view.gains(found).rows is not None
    assert "helps" not in gains_view.gains(found).rows["verdict"].to_list()


def test_what_changed_is_told_in_a_few_words(here: Callable[..., gains.Gains]) -> None:
    """The first setting or file of the model, another class before its settings, and what differs beside the model."""
    (made,), coded, other, both = sweep(0.7), new("code", 0.81), new("class", 0.82), new("both", 0.83)
    network(coded)
    for one, target in ((made, "a.Adam"), (other, "a.SGD")):
        one.model["optimizer"]["_target_"] = target
    faster(other)
    relabel(both)
    faster(both)
    environment(both)
    old = new("old")
    old.model["optimizer"]["_target_"] = "a.Adam"
    coded.model["optimizer"]["_target_"] = both.model["optimizer"]["_target_"] = "a.Adam"
    report = gains_view.gains(here(made, coded, other, both, baseline=old))
    assert report.rows is not None
    assert dict(zip(report.rows["name"], report.rows["what"], strict=True)) == {
        "old": "", "lr-0": "lr 0.1 → 0.2", "code": "network.py changed", "class": "Adam → SGD and 1 more",
        "both": "2 relabelled; lr 0.1 → 0.2",
    }  # fmt: skip
    assert "`both` was trained in another environment too: torch 2.13.0+cpu → torch 2.14.0+cpu." in str(report.sections)


def test_numbers_stay_numbers_in_csv(here: Callable[..., gains.Gains], tmp_path: Path) -> None:
    """A negative gain is no formula; a name that is one runs in no spreadsheet."""
    bad = new("=cmd|1", 0.74)
    relabel(bad)
    write(gains_view.gains(here(bad)), [tmp_path / "g.csv"])
    header, _, row = ((tmp_path / "g.csv").read_text(encoding="utf-8")).splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert float(cells["gain"]) < -0.04 and cells["name"] == "'=cmd|1" and cells["verdict"] == "hurts"


def part(made: Made) -> Made:
    made.augment = {"data.size": 20}
    return made


def test_what_is_left_out_is_counted(here: Callable[..., gains.Gains]) -> None:
    """A training on a part of the examples is none; a revision that cannot be read is a line and stops no other."""
    broken, empty, torn = new("broken"), new("empty"), new("torn")
    broken.tampered = {"dvc.lock": b"stages: ["}
    torn.tampered = {"reports/data.json": b"{}"}
    blank = empty.revision()
    for path in ("metrics.json", "dvc.lock"):
        blank.contents[path] = None
        del blank.files[path]
    good = new("good", 0.86)
    relabel(good)
    found = here(part(new("half")), broken, blank, torn, good)
    assert (found.parts, found.without) == (1, 1)
    assert {one.name: one.kind for one in found.candidates} == {
        "broken": UNREADABLE, "torn": UNREADABLE, "good": DATA_ONLY,
    }  # fmt: skip
    text = told(found)
    assert "Left out of experiments, branches and tags: 1 trained on a part of the examples" in text
    assert ", 1 without results." in text
    assert "broken (unreadable): broken:dvc.lock is not YAML" in text.replace("`", "")
    assert "torn (unreadable): its files are not what this version writes (KeyError" in text.replace("`", "")


BASELINES: dict[str, tuple[Callable[[Made], object], str]] = {
    "stale": (edited, "The results of old are stale, so nothing can be compared with them: reports/predictions.csv"),
    "a part": (part, "was trained on a part of its examples"),
    "no lock": (lambda made: made.tampered.update({"dvc.lock": b"stages: ["}), "old:dvc.lock is not YAML"),
}


@pytest.mark.parametrize(("change", "said"), BASELINES.values(), ids=BASELINES.keys())
def test_a_baseline_that_is_none_is_refused(
    here: Callable[..., gains.Gains], change: Callable[[Made], object], said: str
) -> None:
    baseline = new("old")
    change(baseline)
    with pytest.raises(Refusal, match=said):
        here(baseline=baseline)


def test_nothing_descends_from_the_workspace() -> None:
    with pytest.raises(Refusal, match="nothing descends from the workspace"):
        gains.gains(Revision("workspace", None))


LEVELS = [[0.861, 0.889], [0.870, 0.904]]  # [old or new model][old or new data], of statistics.md


def test_known_answer_of_shapley() -> None:
    assert crossing.shapley(LEVELS) == pytest.approx((0.031, 0.012, 0.006))
    assert crossing.shapley([[0.5, 0.6], [0.7, 0.8]]) == pytest.approx((0.1, 0.2, 0))


def scores(n: int = 1000) -> list[list[np.ndarray]]:
    """Return scores of which the means are LEVELS; seeds differ, examples are of one difficulty."""
    rng, luck = np.random.default_rng(0), np.array([-15, -5, 5, 15])  # of each seed, the same for old and new data
    found = []
    for row in LEVELS:
        cells = []
        for level in row:
            cell = np.zeros((n, 4))
            for seed, more in enumerate(luck):
                cell[: round(n * level) - 45 + more, seed] = 1
                cell[round(n * level) - 45 + more + rng.permutation(60)[:45], seed] = 1
                cell[:, seed] = np.roll(cell[:, seed], more)
            cells.append(cell)
        found.append(cells)
    return found


def test_known_answer_of_shapley_with_intervals() -> None:
    cells = scores()
    data, model, interaction = crossing.intervals(cells)
    assert [one.mean for one in (data, model, interaction)] == pytest.approx([0.031, 0.012, 0.006])
    (s00, s01), (s10, s11) = cells
    assert data == combined([(s01 - s00) / 2, (s11 - s10) / 2])
    assert model == combined([(s10 + s11) / 2, -(s00 + s01) / 2])
    assert interaction == combined([s11 - s10, -(s01 - s00)])
    loose = crossing.intervals(cells, (False, False))
    assert [one.mean for one in loose] == pytest.approx([0.031, 0.012, 0.006])
    assert loose[0].se > data.se, "seeds of old and new data are paired within one model"
    whole = combined([s11, -s00])
    assert data.mean + model.mean == pytest.approx(whole.mean), "together they are the gain of both"


def test_intervals_of_the_effects_hold_the_truth() -> None:
    """Of 300 drawn sets of four cells without any effect about 95 % of the intervals hold 0."""
    rng, held = np.random.default_rng(1), np.zeros(3)
    for _ in range(300):
        difficulty = rng.normal(0, 1, (200, 1))
        seeds = [rng.normal(0, 0.15, (1, 5)) for _ in range(2)]  # of the old and of the new model
        cells = [[(difficulty + luck + rng.normal(0, 0.5, (200, 5)) < 1).astype(float) for _ in "01"] for luck in seeds]
        held += [one.low <= 0 <= one.high for one in crossing.intervals(cells)]
    assert (held / 300 > 0.92).all(), held / 300


def four() -> tuple[Made, Made, Made, Made]:
    """Return the four cells: nothing, model, data, both."""
    v00, v10, v01, v11 = new("old", 0.80), new("lr", 0.81), new("fix", 0.86), new("all", 0.88)
    for made in (v01, v11):
        relabel(made)
    for made in (v10, v11):
        faster(made)
    return v00, v10, v01, v11


def test_four_cells_are_attributed(here: Callable[..., gains.Gains]) -> None:
    v00, *others = four()
    found = here(*others, baseline=v00)
    assert found.crossed is not None and found.crossed.effects is not None
    effects = found.crossed.effects
    assert found.crossed.names == [["old", "fix"], ["lr", "all"]]
    right = [one.answers.filter(like="seed_").eq(one.test["label"], axis=0).to_numpy().mean() for one in four()]
    assert np.array(effects.cells) == pytest.approx(np.array([[right[0], right[2]], [right[1], right[3]]]))
    shares = crossing.shapley(effects.cells)
    assert [one.mean for one in (effects.data, effects.model, effects.interaction)] == pytest.approx(list(shares))
    assert all(one.low < one.mean < one.high for one in (effects.data, effects.model, effects.interaction))
    text = told(found)
    assert f"Data or model: data {Metric().difference(effects.data.mean)} [" in text
    assert "New data: fix, new model: lr, both: all." in text.replace("`", "")


def test_effects_of_macro_f1_have_no_interval(here: Callable[..., gains.Gains]) -> None:
    made = four()
    for one in made:
        metric(one)
    found = here(*made[1:], baseline=made[0])
    assert found.crossed is not None and found.crossed.effects is not None
    assert math.isnan(found.crossed.effects.data.low) and found.crossed.effects.data.mean > 0
    assert "its effects have no interval here" in told(found)


def test_other_data_or_another_model_is_not_the_fourth_cell(here: Callable[..., gains.Gains]) -> None:
    for change in (lambda made: made.train.loc.__setitem__((7, "label"), "bird"), lambda made: faster(made, 0.3)):
        v00, v10, v01, v11 = four()
        change(v11)
        found = here(v10, v01, v11, baseline=v00)
        assert found.crossed is not None and found.crossed.effects is None
        assert [what for what, _ in found.crossed.commands] == ["new data, new model"]


def test_cells_without_a_common_ruler_are_not_attributed(here: Callable[..., gains.Gains]) -> None:
    v00, v10, v01, v11 = four()
    for made in (v01, v11):
        made.test.loc[[0], "label"] = "cat"
        made.answers["label"] = made.test["label"]
    found = here(v10, v01, v11, baseline=v00)
    assert found.crossed is not None and found.crossed.effects is None
    assert "no ruler in common" in found.crossed.why
    assert found.picks[DATA_ONLY].gain is not None, "the verdict on the data stands by both labels"
    assert "fix changed test labels: the gain is by the new ones" in told(found).replace("`", "")


def configured(made: Made, **conf: Any) -> Made:
    """Give a result the conf/ that composes to its params, or to others."""
    params = {"model": made.model, "seeds": list(range(5)), "evaluate": made.evaluate, "data": {}} | conf
    made.files = made.files | {"conf/config.yaml": ((), yaml.safe_dump(params).encode())}
    return made


ABSENT = {
    "both": ([0, 1, 2], {"new data, new model": ("fix", "both-2", "model.optimizer.lr=0.2")}),
    "the model alone": ([0, 2, 3], {"old data, new model": ("old", "model-only", "model.optimizer.lr=0.2")}),
    "the data alone": ([0, 1, 3], {"new data, old model": ("all", "data-only", "model.optimizer.lr=0.1")}),
    "both alone": (
        [0, 3],
        {
            "new data, old model": ("all", "data-only", "model.optimizer.lr=0.1"),
            "old data, new model": ("old", "model-only", "model.optimizer.lr=0.2"),
        },
    ),
}


@pytest.mark.parametrize(("there", "expected"), ABSENT.values(), ids=ABSENT.keys())
def test_missing_cells_are_refused_with_the_commands_that_fill_them(
    here: Callable[..., gains.Gains], there: list[int], expected: dict[str, tuple[str, str, str]]
) -> None:
    """The commit named is the one that holds the data; the override is what its conf/ lacks."""
    made = [configured(one) for one in four()]
    old, *others = [made[place] for place in there]
    found = here(*others, baseline=old)
    assert found.crossed is not None and found.crossed.effects is None
    commands = dict(found.crossed.commands)
    assert commands.keys() == expected.keys()
    text = told(found)
    for what, (start, name, override) in expected.items():
        switch = f"git switch --detach {start.ljust(7, '0')} && dvc checkout"
        assert commands[what] == f"`{switch} && dvc exp run -n {name} -S {override}`"
        assert commands[what] in text, "whole, to be copied"
    assert f"not attributed, {len(expected)} of 4 cells missing" in text and "missing" in text


def test_an_experiment_holds_its_overrides_in_its_params_alone(offline: None) -> None:
    """Its conf/ is that of its base, so the command repeats what of its data was overridden."""
    v00, v10, v01, _ = four()
    v01.augment, v01.weights = {"data.augment": MILD}, "augmented"
    for made in (v00, v10, v01):
        configured(made, model=v00.model, data={"augment": None})
    said = missing.how(v01.revision(), v10.revision(), v00.revision(), "both")
    assert said.startswith("`git switch --detach fix0000 && dvc checkout && dvc exp run -n both -S ")
    given = shlex.split(said.strip("`"))[-4:]
    assert given[1::2] == ["data.augment={_target_:team.inputs.Augment,flip:false,shift:1}", "model.optimizer.lr=0.2"]


def test_a_command_that_no_form_shows_whole_is_told_in_words(offline: None) -> None:
    v00, v10, v01, _ = (configured(made) for made in four())
    v10.model |= {f"setting_{number}": number for number in range(20)}
    said = missing.how(v01.revision(), v10.revision(), v00.revision(), "both")
    assert said.startswith("At fix0000 give conf/ the settings of lr00000")


def test_a_model_of_other_code_is_told_in_words(offline: None) -> None:
    """Unless the data is the same but for settings: then the model's commit has both."""
    v00, v10, v01, _ = (configured(made) for made in four())
    network(v10)
    said = missing.how(v01.revision(), v10.revision(), v00.revision(), "both")
    assert said.startswith("`git switch --detach lr00000 && ")
    v01.files["data/raw/more.csv"] = (("pack",), b"id")
    said = missing.how(v01.revision(), v10.revision(), v00.revision(), "both")
    assert "The models differ in code (`src/pkg/model/network.py`), which no override brings" in said


VALUES: dict[str, tuple[Any, Any, list[str]]] = {
    "number": ({"a": 1}, {"a": 2}, ["a=2"]),
    "small": ({"a": 1.0}, {"a": 1e-05}, ["a=1e-05"]),
    "nested": ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c=3"]),
    "gone, come": ({"a": {"b": 1}}, {"a": {"c": None}}, ["~a.b", "+a.c=null"]),
    "list": ({"a": [1]}, {"a": [1, True, "x y"]}, ['a=[1,true,"x y"]']),
    "text that is a word of YAML": ({"a": "b"}, {"a": "null"}, ['a="null"']),
    "text that is a number": ({"a": "b"}, {"a": "007"}, ['a="007"']),
    "quotes": ({"a": "b"}, {"a": 'it\'s "so"'}, ['a="it\'s \\"so\\""']),
    "a node in place of nothing": ({"a": None}, {"a": {"_target_": "b.c", "d": []}}, ["a={_target_:b.c,d:[]}"]),
    "an empty node": ({"a": {"b": {}}}, {"a": {"b": {"c": 1}}}, ["+a.b.c=1"]),
    "a truth that is no number": ({"a": 1}, {"a": True}, ["a=true"]),
}


@pytest.mark.parametrize(("before", "after", "expected"), VALUES.values(), ids=VALUES.keys())
def test_overrides_give_the_params_they_are_for(before: Any, after: Any, expected: list[str]) -> None:
    assert missing.differences(before, after) == expected
    made = Revision("old", "0" * 40, {"conf/config.yaml": yaml.safe_dump(before).encode()})
    made.__dict__["files"] = {"conf/config.yaml": "hash"}
    assert missing.overrides(made, after) == expected, "as Hydra reads them"


def test_the_fewest_overrides_are_taken() -> None:
    """A file of conf/model in place of its settings, and one setting where others follow it."""
    files = {
        "conf/config.yaml": "defaults: [{model: one}, _self_]\nsteps: 1\n",
        "conf/model/one.yaml": "lr: 0.1\nwidth: 3\nschedule: {max_lr: '${model.lr}'}\n",
        "conf/model/two.yaml": "lr: 0.1\ndepth: 3\nschedule: {max_lr: '${model.lr}'}\n",
    }
    made = Revision("old", "0" * 40, {path: text.encode() for path, text in files.items()})
    made.__dict__["files"] = dict.fromkeys(files, "hash")
    two = {"lr": 0.3, "depth": 3, "schedule": {"max_lr": 0.3}}
    assert missing.overrides(made, {"model": two, "steps": 1}) == ["model=two", "model.lr=0.3"]
    own = {"lr": 0.3, "width": 3, "schedule": {"max_lr": 0.1}}
    assert missing.overrides(made, {"model": own, "steps": 1}) == ["model.lr=0.3", "model.schedule.max_lr=0.1"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that commits a text on a parent and returns the commit, in a new repository."""
    monkeypatch.chdir(tmp_path)
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)

    def git(*arguments: str, stdin: str = "") -> str:
        return subprocess.run(
            ["git", *arguments], input=stdin, capture_output=True, text=True, check=True
        ).stdout.strip()

    def commit(text: str, parent: str | None, *references: str) -> str:
        blob = git("hash-object", "-w", "--stdin", stdin=text)
        tree = git("mktree", stdin=f"100644 blob {blob}\tfile\n")
        made = git("commit-tree", tree, *(["-p", parent] if parent else []), "-m", text)
        for reference in references:
            if reference.startswith("tag "):
                git("tag", "-a", "-m", "a tag", reference[4:], made)
            else:
                git("update-ref", reference, made)
        return made

    git("init", "-q", "-b", "main")
    return commit


def test_what_descends_from_a_baseline(repository: Callable[..., str]) -> None:
    first = repository("before", None, "refs/heads/elsewhere")
    base = repository("baseline", first, "refs/heads/main", "tag v1")
    later = repository("later", base, "refs/heads/later", "refs/remotes/origin/later", "tag v2")

    def experiment(text: str, on: str, name: str) -> str:
        return repository(text, on, f"refs/exps/{on[:2]}/{on[2:]}/{name}")

    one, other = experiment("one", base, "fix"), experiment("other", later, "fix")
    experiment("later", base, "promoted")  # the same content as the branch
    repository("queued", base, "refs/exps/celery/stash")
    repository("aside", first, "refs/heads/aside")
    experiment("aside", first, "aside")
    tagged = repository("tagged", later, "tag only-a-tag")
    found = descendants(Revision("main", base))
    expected = sorted([("fix", one), ("fix", other)], key=lambda pair: pair[1])
    assert [(one.name, one.commit) for one in found] == [*expected, ("later", later), ("only-a-tag", tagged)]
    assert names(found) == [f"fix ({commit[:7]})" for _, commit in expected] + ["later", "only-a-tag"]


def test_a_workspace_that_holds_an_experiment_needs_no_switch(repository: Callable[..., str], tmp_path: Path) -> None:
    """DVC leaves the files of an experiment there, and the new ones out of Git's index."""
    elsewhere = repository("elsewhere", None)
    base = repository("baseline", None, "refs/heads/main")
    run = Revision("run", repository("new data", base))
    assert not missing._is_here(run, Revision("main", base)), "nothing is there"
    (tmp_path / "file").write_text("new data", encoding="utf-8")
    assert missing._is_here(run, Revision("main", base))
    assert not missing._is_here(run, Revision("elsewhere", elsewhere)), "what is run here would not descend from it"
    (tmp_path / "more").touch()
    assert not missing._is_here(run, Revision("main", base))
    (tmp_path / "more").unlink()
    (tmp_path / "file").write_text("newer data", encoding="utf-8")
    assert not missing._is_here(run, Revision("main", base))


HOSTILE = ["<script>x</script>", "`code`|a", "@org/team", "a" * 200]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_do_nothing(here: Callable[..., gains.Gains], name: str) -> None:
    made = new(name[:40], 0.86)
    relabel(made)
    stale = new(name[:39] + "2")
    edited(stale)
    report = gains_view.gains(here(made, stale))
    page, comment = html(report), markdown(report)
    assert "<script>x" not in page and "<script>x" not in comment
    assert "@org" not in comment
    assert json.dumps(record(report), allow_nan=False)
