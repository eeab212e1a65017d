"""What labels are worth: known answers of reading a curve, and what is said in every case."""

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_verdict import Made, answer, examples

from datapass.comparison import history
from datapass.comparison import verdict as v
from datapass.comparison.revisions import Revision
from datapass.comparison.statistics import Interval, t_interval
from datapass.comparison.verdict import compare
from datapass.decisions import ladder
from datapass.decisions import worth as worth_module
from datapass.decisions.curve import Power, forecast, power_law, ratio
from datapass.decisions.ladder import as_word, by_hand, differs, named, sizes, without_later_passes
from datapass.decisions.worth import INCOMPLETE, LESS, NONE, SHOWN, Worth, measure
from datapass.messages.problems import Refusal
from datapass.report import words, worth_view
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.record import record
from datapass.report.worth_view import about, statement
from datapass.report.worth_view import worth as report

LADDER = [125, 177, 250, 354, 500, 707, 1000]


def clean(n: Any) -> Any:
    """The accuracy of the study's clean curve."""
    return 0.96 - 1.2 * np.asarray(n, dtype=float) ** -0.5


def certain(gain: float, half: float = 0.0) -> Interval:
    return Interval(gain, half / 2, 9, gain - half, gain + half, 0.0)


def test_known_answer_of_the_ratio() -> None:
    """n* = 578 where cleaning is worth 1.73 times the data; straight lines between the rungs lie a little under the curve."""
    found = ratio(LADDER, [certain(float(clean(n) - clean(578))) for n in LADDER])
    assert 1000 / found.value == pytest.approx(578, rel=0.01) and found.value == found.low == found.high
    assert ratio(LADDER, [certain(float(clean(n) - clean(500))) for n in LADDER]).value == pytest.approx(2)


@pytest.mark.parametrize(("true", "median"), [(1.33, 1.33), (1.73, 1.71), (3, 2.98)])
def test_the_interval_holds_the_truth(true: float, median: float) -> None:
    """5 seeds, paired noise of .003: the medians of the study, and its coverage of 97 to 98.5 % or more."""
    rng, found = np.random.default_rng(0), []
    for _ in range(400):
        noisy = clean(LADDER) - clean(1000 / true) + rng.normal(0, 0.003, (5, len(LADDER)))
        se = noisy.std(axis=0, ddof=1) / math.sqrt(5)
        found.append(
            ratio(LADDER, [t_interval(float(m), float(s), 4) for m, s in zip(noisy.mean(axis=0), se, strict=True)])
        )
    assert np.median([r.value for r in found]) == pytest.approx(median, abs=0.03)
    assert np.mean([r.low <= true <= r.high for r in found]) >= 0.96


def test_what_the_ladder_does_not_reach_is_not_extrapolated() -> None:
    assert ratio([100, 200], [certain(0.01), certain(0.02)]) == (math.inf,) * 3
    assert ratio([100, 200], [certain(-0.02), certain(-0.01)]) == (0,) * 3
    wide = ratio([100, 200, 400], [certain(-0.01, 0.05), certain(0.01, 0.05), certain(0.06, 0.05)])
    assert wide.value == pytest.approx(4 / math.sqrt(2)) and 1 < wide.low < wide.value and wide.high == math.inf
    bent = ratio([100, 200, 400], [certain(0.01), certain(-0.01), certain(0.02)])
    assert bent.value == math.inf, "where the curve falls it is levelled, here at 0"


def test_known_answer_of_the_power_law() -> None:
    found = power_law(LADDER, [0.05 + 2 * n**-0.5 for n in LADDER])
    assert found == pytest.approx((0.05, 2, 0.5), rel=1e-4)
    assert Power(0.05, 2, 0.5).examples(0.15) == pytest.approx(400)
    assert Power(0.05, 2, 0.5).examples(0.05) == math.inf


FORECASTS = {
    "told": ([0.05 + 2 * n**-0.5 for n in LADDER], 0.105, 2 / 0.055),
    "beyond twice the data": ([0.05 + 2 * n**-0.5 for n in LADDER], 0.06, math.inf),
    "a curve that predicts worse than its last value": ([0.3, 0.2, 0.14, 0.1, 0.08, 0.079, 0.079], 0.07, math.nan),
}


@pytest.mark.parametrize(("errors", "wanted", "root"), FORECASTS.values(), ids=FORECASTS.keys())
def test_a_forecast_is_told_where_the_curve_has_predicted(errors: list[float], wanted: float, root: float) -> None:
    found = forecast(LADDER, errors, wanted)
    assert found.most == 2000
    assert found.examples == pytest.approx(root**2, rel=1e-3, nan_ok=True)
    assert math.isnan(forecast(LADDER[-4:], errors[-4:], wanted).examples), "four sizes are too few"


def test_the_ladder() -> None:
    assert sizes(850) == [601, 425, 301, 212, 150, 106]
    assert sizes(4) == [3, 2, 1], "each once, and none without an example"


Change = Callable[[dict[str, Made]], None]
WHOLE = 160


def revisions(level: Callable[[int], float], kept: Callable[[int], bool] = lambda size: True) -> dict[str, Made]:
    """A baseline of 80 %, a candidate with 20 other labels, and its rungs, whose accuracy is `level` of their size."""
    test = examples("t", 400)
    old = Made("old", test, answer(test, 0.80), examples("x", WHOLE))
    made = {"old": old}
    for size in [WHOLE, *(size for size in sizes(WHOLE) if kept(size))]:
        name = "new" if size == WHOLE else f"rung-{size}"
        one = Made(name, test.copy(), answer(test, level(size), first=size), examples("x", WHOLE), passes=["p001-fix"])
        one.train.loc[:19, ["label", "passes"]] = [["cat" if i % 2 == 0 else "dog", "p001-fix"] for i in range(20)]
        one.examples = size
        one.augment = {"data.size": None if size == WHOLE else size}
        one.weights = f"weights of {size}"
        made[name] = one
    return made


def measured(made: Mapping[str, Made], monkeypatch: pytest.MonkeyPatch, wanted: float | None = None) -> Worth:
    found = {name: one.revision() for name, one in made.items()}
    rungs = {made[name].examples: revision for name, revision in found.items() if name.startswith("rung")}
    monkeypatch.setattr(worth_module, "experiments", list)
    monkeypatch.setattr(worth_module, "rungs_of", lambda revision, _: rungs if revision.name == "new" else {})
    return measure(found["old"], found["new"], wanted)


def rising(size: int) -> float:
    """Level with the baseline's 80 % at half of the examples."""
    return 0.80 + 0.06 * math.log2(size / (WHOLE / 2))


def seeds(made: dict[str, Made]) -> None:
    for one in made.values():
        one.answers = one.answers.drop(columns=["seed_2", "seed_3", "seed_4"])


def other_model(made: dict[str, Made]) -> None:
    made["new"].model = {"optimizer": {"lr": 0.2}, "steps": 10}


def replaced(made: dict[str, Made]) -> None:
    for name, one in made.items():
        if name != "old":
            one.train = pd.concat([one.train.iloc[:-1], one.train.head(1).assign(id="y", input="f")], ignore_index=True)


STATES: dict[str, tuple[Callable[[int], float], Change | None, str, str]] = {
    "read off": (rising, None, SHOWN, r"^These 20 labels are worth \d+ more examples \(\d+ to [\d,]+\) like the ones you have$"),
    "above on the whole ladder": (lambda size: 0.9, None, SHOWN, "at least 8.00 times the data: 1,100 more examples like the ones you have, or more"),
    "estimate beyond the ladder": (lambda size: 0.9 if size > 60 else 0.803, None, SHOWN, "at least .* more examples .*; the estimate is beyond the smallest size, 8.00 times"),
    "no difference": (lambda size: 0.8 if size == WHOLE else rising(size) - 0.06, None, NONE, "No worth shown: .* reaches 0; if any, at most"),
    "worse": (lambda size: 0.7, None, LESS, "These 20 labels are worth less than nothing: trained on all of its examples, the candidate's data gives a worse result than the baseline's"),
    "rows replaced too": (rising, replaced, SHOWN, r"^This data change \(20 relabelled, 1 added, 1 removed\) is worth .* like the ones you have$"),
    "two seeds": (rising, seeds, v.NOT_COMPARABLE, "^Not comparable, so no worth can be told"),
    "another model": (rising, other_model, v.NOT_COMPARABLE, "^Not comparable, so no worth can be told"),
}  # fmt: skip


@pytest.mark.parametrize(("level", "change", "state", "said"), STATES.values(), ids=STATES.keys())
def test_what_is_said(
    level: Callable[[int], float], change: Change | None, state: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = revisions(level)
    if change:
        change(made)
    found = measured(made, monkeypatch)
    assert found.state == state, found.comparison.why
    assert re.search(said, statement(found)), statement(found)
    shown = report(found)
    page = html(shown)
    assert page == html(report(found)) and ("<svg" in page) == bool(found.rungs)
    assert markdown(shown) and record(shown)["state"] == state


def test_half_of_the_examples_are_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(revisions(rising), monkeypatch)
    assert found.ratio is not None and found.ratio.value == pytest.approx(2, rel=0.1)
    assert found.ratio.low < 2 < found.ratio.high and found.corrected == 20 and found.missing == []
    figures = dict(report(found).figures)
    assert figures["examples for each corrected label"] == about(found.more(found.ratio.value) / 20)


def test_rungs_that_are_missing_are_named_and_no_number_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rung under one that is clearly worse than the baseline is not needed."""
    found = measured(revisions(rising, lambda size: size in (113, 28)), monkeypatch)
    assert (found.state, found.missing, found.ratio) == (INCOMPLETE, [80, 57, 40], None)
    said = report(found)
    assert "3 sizes are still to be trained" in said.headline and "15 trainings" in said.advice
    assert "-S data.size=80,57,40 evaluate && dvc queue start" in said.advice


def test_a_curve_that_is_not_monotone_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = {160: 0.9, 113: 0.70, 80: 0.9, 57: 0.75, 40: 0.7, 28: 0.7, 20: 0.7}
    assert "not monotone" in " ".join(measured(revisions(levels.__getitem__), monkeypatch).notes)


def test_another_number_of_examples_is_data_and_never_silent() -> None:
    made = revisions(rising)
    full, small = made["new"].revision(), made["rung-80"].revision()
    found = compare(full, small)
    assert found.proof.model == [] and found.proof.data == ["data.size", "models"]
    assert found.data.size == "trained on 80 of 160 examples a seed"
    assert words.data_line(found.data) == "trained on 80 of 160 examples a seed"
    assert found.proof.params == compare(full, full).proof.params
    both = compare(made["old"].revision(), small)
    assert words.data_line(both.data) == "20 relabelled, trained on 80 of 160 examples a seed"
    assert compare(small, full).data.size == "trained on all 160 examples a seed, the baseline on 80 of 160"
    assert "Nothing to merge" in words.advice(found)
    made["old"].augment = {}
    assert compare(made["old"].revision(), full).data.size is None, "before there was a choice all were trained on"
    assert compare(made["old"].revision(), full).proof.model == []


def test_a_pass_gains_nothing_by_smaller_training_sets() -> None:
    made = revisions(rising)
    small = Made("small", made["old"].test, made["old"].answers, made["old"].train, augment={"data.size": 80})
    old, new, rung = made["old"].revision(), made["new"].revision(), made["rung-80"].revision()
    assert history._gain([old], [new])["gain"] is not None
    for before, after in ((old, rung), (small.revision(), rung), (small.revision(), new)):
        assert history._gain([before], [after])["gain"] is None


def test_what_makes_a_rung() -> None:
    made = revisions(rising)
    new = made["new"].revision()
    assert differs(new, made["rung-80"].revision()) == []
    assert differs(new, made["old"].revision()) == ["data/examples/train.csv"]
    made["rung-80"].model = {"optimizer": {"lr": 0.2}, "steps": 10}
    assert differs(new, made["rung-80"].revision()) == ["model.optimizer.lr"]


def test_a_rung_has_a_readable_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "list_experiments", lambda: {"worth-team-fix-106": {}, "worth-team-fix-106-2": {}})
    assert named(Revision("team/fix", "0" * 40), 150) == "worth-team-fix-150"
    assert named(Revision("team/fix", "0" * 40), 106) == "worth-team-fix-106-3"


NAMES = {
    "plain": ("team/fix-1.0", "team/fix-1.0"),
    "an ancestor": ("HEAD~1", "'HEAD~1'"),
    "a long one": ("clean-sevens-and-ones-of-the-second-delivery", "clean-sevens-and-ones-of-the-second-delivery"),
    "a shell's": ("a;touch${IFS}PWNED", "abcdef0"),
    "a backtick": ("x`y", "abcdef0"),
    "an option": ("--run", "abcdef0"),
}


@pytest.mark.parametrize(("name", "word"), NAMES.values(), ids=NAMES.keys())
def test_a_revision_is_one_word_of_a_command(name: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = revisions(rising, lambda size: size == 113)
    found = measured(made, monkeypatch)
    revision = Revision(name, f"abcdef0{'1' * 33}")
    assert as_word(revision) == word
    monkeypatch.setattr(ladder, "git", lambda *_: b"")
    monkeypatch.setattr(ladder, "_apart", lambda _: ["data/examples/train.csv"])
    shown = dataclasses.replace(found, comparison=dataclasses.replace(found.comparison, candidate=revision))
    assert f"`datapass worth old {word} --run`" in worth_view._advice(shown)
    with pytest.raises(Refusal, match=re.escape(f"`git switch --detach {word} && dvc checkout` brings")):
        ladder.refuse_other_workspace(revision)


def test_by_hand_the_workspace_is_brought_first(monkeypatch: pytest.MonkeyPatch) -> None:
    revision, unknown = Revision("new", "0" * 40), b""
    monkeypatch.setattr(ladder, "git", lambda *_: unknown)
    monkeypatch.setattr(ladder, "list_experiments", dict)
    typed = "git add data/passes && dvc exp run --queue -n worth-new-at -S data.size=80 evaluate && dvc queue start"
    monkeypatch.setattr(ladder, "_apart", lambda _: [])
    assert by_hand(revision, [80]) == typed
    monkeypatch.setattr(ladder, "_apart", lambda _: ["data/examples/train.csv"])
    assert by_hand(revision, [80]) == f"git switch --detach new && dvc checkout && {typed}"
    monkeypatch.setattr(ladder, "list_experiments", lambda: {"new": {}})
    assert by_hand(revision, [80]) == f"dvc exp apply new && {typed}"
    unknown = b"data/passes/p001.csv\n"
    assert by_hand(revision, [80]), "the command adds passes"
    unknown = b"src/team/new.py\n"
    assert by_hand(revision, [80]) == "", "a training would lack it"


def test_the_baselines_data_is_the_candidates_without_its_passes() -> None:
    made = revisions(rising)
    old, new = made["old"].revision(), made["new"].revision()
    assert without_later_passes(old, new) == ("data.passes.until=p000",)
    made["old"].passes, made["new"].passes = ["p001-fix"], ["p001-fix", "p002-more"]
    assert without_later_passes(made["old"].revision(), made["new"].revision()) == ("data.passes.until=p001-fix",)
    with pytest.raises(Refusal, match="--both makes the baseline's data by leaving out"):
        without_later_passes(new, old)


def test_a_result_of_fewer_examples_has_no_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    made = revisions(rising)
    made["new"].augment = {"data.size": 80}
    with pytest.raises(Refusal, match='"new" trained on 80 of its examples'):
        measured(made, monkeypatch)


@pytest.mark.parametrize(
    ("number", "shown"), [(614.2, "610"), (1096, "1,100"), (38.4, "38"), (6.28, "6.3"), (5.0, "5"), (0.25, "0.25")]
)
def test_numbers_have_two_digits(number: float, shown: str) -> None:
    assert about(number) == shown


def turned_labels(made: dict[str, Made]) -> None:
    """Relabel test examples as the candidate's models answer them: a gain by the new labels that training has no part in."""
    for name, one in made.items():
        if name != "old":
            rows = one.test.index[:12]
            other = one.test.loc[rows, "label"].map({"cat": "dog", "dog": "cat"}).to_numpy()
            one.test.loc[rows, "label"] = other
            for column in one.answers.columns.drop("id"):
                one.answers.loc[rows, column] = other


def test_where_test_labels_changed_the_smaller_worth_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = measured(revisions(rising), monkeypatch)
    made = revisions(rising)
    turned_labels(made)
    found = measured(made, monkeypatch)
    assert plain.ratio is not None and found.ratio is not None
    assert found.ratio.value <= plain.ratio.value * 1.01
    assert any("by the new ones" in note and "by the old ones" in note for note in found.notes)


def test_a_rung_that_rests_on_dropped_test_examples_is_no_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = revisions(rising)
    for name, one in made.items():
        if name != "old":
            one.test.loc[one.test.index[:9], "weight"] = 0
    found = measured(made, monkeypatch)
    assert found.missing == [] and found.ratio is not None
