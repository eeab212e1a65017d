"""The scope card: which are read, which refused with line and what to do, and how a result stands to the target."""

import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_report import HOSTILE, Page
from test_verdict import Made, answer, examples

from conftest import ROOT
from datapass.comparison.goals import MISSED, REACHED, UNTOLD, Answers, Goal, Scope, judge, limits
from datapass.comparison.metric import MACRO_F1, Metric
from datapass.comparison.scope import add_scope, card_of, readings
from datapass.comparison.statistics import Interval
from datapass.comparison.verdict import compare
from datapass.data.scope import FIELDS, digest, empty_card, of_example, read_card
from datapass.messages.problems import Refusal
from datapass.report.comparison_view import comparison
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.record import record
from datapass.report.scope_view import room_line, scope_line, scope_section
from datapass.report.sections import Report

CARD = "## Metric\n{metric}\n## Target\n{target}\n## Human level\n{human}\n"
GOOD = {
    "percent": ("accuracy", "95 %", 0.95),
    "percent without a blank": ("accuracy", "95%", 0.95),
    "no-break space": ("accuracy", "95.5\u00a0%", 0.955),
    "fraction": ("macro_f1", "0.95", 0.95),
    "all": ("balanced_accuracy", "100 %", 1.0),
    "not said": ("accuracy", "", None),
    "only a hint": ("accuracy", "<!-- such as 95 % -->", None),
    "where it comes from": ("accuracy", "95 %\nFrom the contract of May.", 0.95),
    "cost": ("cost", "0.4", 0.4),
    "no cost": ("cost", "0", 0.0),
}
REFUSED = {
    "no number": (
        "accuracy",
        "high",
        'data/scope.md:4: Target "high" is no share of 100 %; write a number alone on the line',
    ),
    "95 of what": ("accuracy", "95", 'Target "95" is no share'),
    "1 of what": ("accuracy", "1", 'Target "1" is no share'),
    "decimal comma": ("accuracy", "95,5 %", 'Target "95,5 %" is no share'),
    "over all": ("accuracy", "101 %", 'Target "101 %" is no share'),
    "nothing": ("accuracy", "0 %", 'Target "0 %" is no share'),
    "negative": ("accuracy", "-3 %", "is no share"),
    "words beside it": ("accuracy", "95 % of cases", "alone on the line"),
    "many digits": ("accuracy", "0." + "9" * 400, "is no share"),
    "a fraction of a percent": ("accuracy", "0.95 %", 'Target "0.95 %" is under 1 %; write 95 % if that is meant'),
    "percent of a cost": ("cost", "5 %", 'Target "5 %" is no cost per example'),
    "unknown metric": ("acuracy", "95 %", 'data/scope.md:2: "acuracy" is no metric; did you mean "accuracy"?'),
    "its name in words": ("balanced accuracy", "95 %", 'did you mean "balanced_accuracy"?'),
    "no metric": ("", "95 %", "is a number of no metric: write one of accuracy"),
    "markup": ("<script>", "95 %", '"<script>" is no metric'),
}


@pytest.mark.parametrize(("metric", "target", "value"), GOOD.values(), ids=GOOD)
def test_cards_that_are_read(metric: str, target: str, value: float | None) -> None:
    for text in (CARD.format(metric=metric, target=target, human=""), "\ufeff# Scope\r\n\r\n## Target\r\n" + target):
        text = text if "Metric" in text else f"{text}\r\n\r\n## Metric\r\n{metric}\r\n"
        card = read_card(text.encode(), "data/scope.md")
        assert (card.metric, card.target, card.human_level) == (metric, value, None)


@pytest.mark.parametrize(("metric", "target", "said"), REFUSED.values(), ids=REFUSED)
def test_cards_that_are_refused(metric: str, target: str, said: str) -> None:
    with pytest.raises(Refusal, match=re.escape(said)):
        read_card(CARD.format(metric=metric, target=target, human="").encode(), "data/scope.md")


SHAPES = {
    "unknown field": (b"# Scope\n\n## Goal\n95 %\n", 'data/scope.md:3: the section "Goal" is no field of the card'),
    "nearly": (b"## target\n95 %\n", 'data/scope.md:1: the section "target" is no field of the card; did you mean "Target"?'),
    "twice": (b"## Problem\na\n## Problem\nb\n", 'data/scope.md:3: has a second section "Problem"; keep one'),
    "not UTF-8": (b"## Problem\n\xff\n", "data/scope.md:2: is not UTF-8; save it as UTF-8"),
    "a book": (b"## Problem\n" + b"x" * (1 << 16), "data/scope.md: has over 64 KiB; keep it to a page"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), SHAPES.values(), ids=SHAPES)
def test_files_that_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=re.escape(said)):
        read_card(content, "data/scope.md")


def test_all_that_is_wrong_at_once_with_lines_that_a_comment_does_not_move() -> None:
    text = (
        "# Scope\n<!-- a\ncomment\n-->\n"
        + CARD.format(metric="accuracy", target="many", human="\nmore")
        + "## Cost\n1\n"
    )
    with pytest.raises(Refusal) as refusal:
        read_card(text.encode(), "data/scope.md")
    assert sorted(problem.line or 0 for problem in refusal.value.problems) == [8, 11, 12]


@pytest.mark.parametrize("kind", ["images", "tables", "texts"])
def test_the_example_is_read_and_known_as_one_until_it_is_edited(kind: str) -> None:
    text = (ROOT / "templates" / kind / "scope.md").read_text(encoding="utf-8")
    assert of_example(text), f"its mark must be {digest(text)}"
    assert of_example(text.replace("\n", "\r\n").replace("\r\n", "\n"))
    assert not of_example(text.replace("95 %", "96 %").replace("97 %", "96 %"))
    card = read_card(text.encode(), "data/scope.md")
    assert card.metric == "accuracy" and card.target
    assert {*FIELDS} - {*card.said} == {"Human level"}


def test_an_emptied_card_says_nothing() -> None:
    assert read_card(empty_card().encode(), "data/scope.md").said == {}
    assert all(f"## {name}\n" in empty_card() for name in FIELDS)
    assert not of_example(empty_card())


def right(n: int, wrong: int, seeds: int = 5, spread: int = 0) -> Answers:
    """Return answers of which the first `wrong` are wrong for every seed, and `spread` more for a seed each."""
    truth = np.arange(n) % 2
    said = np.tile(truth, (seeds, 1))
    said[:, :wrong] = 1 - truth[:wrong]
    for seed in range(seeds):
        said[seed, wrong + seed * spread : wrong + (seed + 1) * spread] ^= 1
    return Answers(truth, said, np.arange(n), ["no", "yes"])


COST = Metric("cost", {"yes": {"no": 20.0}})
JUDGED: dict[str, tuple[Answers, float, Metric, float, str]] = {
    "wholly above": (right(800, 16), 0.95, Metric(), 0.05, REACHED),
    "wholly under": (right(800, 80), 0.95, Metric(), 0.05, MISSED),
    "in between": (right(800, 40), 0.96, Metric(), 0.05, UNTOLD),
    "none wrong of 50 does not show 99 %": (right(50, 0), 0.99, Metric(), 0.05, UNTOLD),
    "none wrong of 50 shows 90 %": (right(50, 0), 0.90, Metric(), 0.05, REACHED),
    "none wrong of 500 shows 99 %": (right(500, 0), 0.99, Metric(), 0.05, REACHED),
    "all of them": (right(5000, 0), 1.0, Metric(), 0.05, UNTOLD),
    "over many looks no more": (right(800, 26), 0.95, Metric(), 0.05 / 90, UNTOLD),
    "at one look": (right(800, 26), 0.95, Metric(), 0.05, REACHED),
    "no look left": (right(800, 0), 0.5, Metric(), 0.0, UNTOLD),
    "balanced": (right(800, 80), 0.95, Metric("balanced_accuracy"), 0.05, MISSED),
    "macro-F1": (right(800, 16), 0.95, Metric("macro_f1"), 0.05, REACHED),
    "a cost that is low enough": (right(800, 8), 1.0, COST, 0.05, REACHED),
    "a cost that is too high": (right(800, 80), 0.5, COST, 0.05, MISSED),
    "a cost of none does not show 0.1": (right(50, 0), 0.1, COST, 0.05, UNTOLD),
}  # fmt: skip


@pytest.mark.parametrize(("given", "value", "metric", "alpha", "standing"), JUDGED.values(), ids=JUDGED)
def test_how_a_result_stands(given: Answers, value: float, metric: Metric, alpha: float, standing: str) -> None:
    found = judge("Target", value, [given], metric, alpha)
    assert found.standing == standing
    assert (found.examples is not None) <= (standing == UNTOLD)


def test_copies_and_groups_count_once() -> None:
    alone, grouped = right(800, 16), right(800, 16)
    grouped = replace(grouped, units=np.arange(800) // 80)
    assert judge("Target", 0.95, [alone], Metric()).standing == REACHED
    assert judge("Target", 0.95, [grouped], Metric()).standing == UNTOLD


def test_a_goal_that_rests_on_changed_test_labels_is_not_told() -> None:
    found = judge("Target", 0.95, [right(800, 16), right(800, 60)], Metric())
    assert (found.standing, found.labels) == (UNTOLD, True)


def test_what_would_tell_it_tells_it() -> None:
    found = judge("Target", 0.96, [right(800, 40)], Metric())
    assert found.examples and found.apart
    n = 800 + found.examples
    wrong = round(n * (0.04 + found.apart))
    assert judge("Target", 0.96, [right(n, wrong)], Metric()).standing == MISSED


@pytest.mark.parametrize(("level", "n"), [(0.97, 50), (0.99, 200), (0.9, 200)])
def test_a_target_that_is_just_met_is_called_reached_by_luck_in_under_2_5_percent(level: float, n: int) -> None:
    rng, luck, draws = np.random.default_rng(1), 0, 300
    for _ in range(draws):
        hard = rng.beta(level / 5, (1 - level) / 5, n)
        wrong = rng.random((5, n)) > hard
        truth = np.zeros(n, dtype=np.int64)
        luck += limits(Answers(truth, wrong.astype(np.int64), np.arange(n), ["a", "b"]), Metric(), 0.05)[0] >= level
    assert luck / draws <= 0.025


def made(**scope: str) -> tuple[Made, Made]:
    """Return a baseline and a candidate of 86 %, the candidate with a scope card."""
    test = examples("t", 400)
    old, new = (
        Made(name, test.copy(), answer(test, right), examples("x", 40)) for name, right in (("old", 0.8), ("new", 0.86))
    )
    new.train.loc[0, "label"] = "cat"
    new.files["data/scope.md"] = (
        (),
        CARD.format(**{"metric": "accuracy", "target": "75 %", "human": "97 %"} | scope).encode(),
    )
    return old, new


def scoped(old: Made, new: Made, looks: int = 2) -> Any:
    found = [replace(compare(old.revision(), new.revision()), looks=looks)]
    add_scope(found)
    return found[0]


@pytest.fixture(autouse=True)
def _whole_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datapass.comparison.scope.is_shallow", lambda: False)


def test_the_report_quotes_the_card_in_every_form() -> None:
    c = scoped(*made())
    said = scope_line(c.scope, c.metric)
    assert said is not None
    assert said == (
        "Accuracy 83.25 % [79.28, 86.83]; target 75.00 %: reached, by 8.25 points; "
        "human level 97.00 %: the model is below it, by 13.75 points."
    )
    report = comparison(c)
    assert said in record(report)["sections"][0]["blocks"][0]["sentences"]
    assert record(report)["scope"]["goals"][0]["standing"] == REACHED
    assert "target 75.00 %: reached" in markdown(report)
    assert "target 75.00 %: reached" in html(report)
    assert "Scope: what this is for" in markdown(report)


SAID = {
    "another metric": ({"metric": "macro_f1"}, "not judged: it is about macro_f1, and `evaluate.metric` is accuracy"),
    "unreadable": ({"target": "lots"}, 'cannot be read, so nothing is said of the target: data/scope.md:4: Target "lots"'),
    "no target": ({"target": "", "human": ""}, None),
    "after many looks": ({"target": "79 %"}, "not told apart yet over all 9 looks at this test set (by this look alone reached"),
}  # fmt: skip


@pytest.mark.parametrize(("card", "sentence"), SAID.values(), ids=SAID)
def test_what_is_said_instead(card: dict[str, str], sentence: str | None) -> None:
    c = scoped(*made(**card), looks=10)
    said = scope_line(c.scope, c.metric)
    assert said is None if sentence is None else sentence in str(said)


def test_a_target_that_the_candidate_lowers_is_told() -> None:
    old, new = made()
    old.files["data/scope.md"] = ((), CARD.format(metric="accuracy", target="90 %", human="97 %").encode())
    said = str(scope_line(scoped(old, new).scope, Metric()))
    assert "target 75.00 % (the baseline's card has 90.00 %): reached" in said
    assert "human level 97.00 %: the model is below it" in said


UNCOUNTED = {
    "a shallow clone": ("is_shallow", lambda: True, 10),
    "a test table that is nowhere": ("looks", lambda _: None, 0),
}


@pytest.mark.parametrize(("asked", "answer", "looks"), UNCOUNTED.values(), ids=UNCOUNTED.keys())
def test_a_clone_without_the_earlier_looks_says_so(
    monkeypatch: pytest.MonkeyPatch, asked: str, answer: Callable[..., Any], looks: int
) -> None:
    """As a check of a pull request has it."""
    monkeypatch.setattr(f"datapass.comparison.scope.{asked}", answer)
    said = str(scope_line(scoped(*made(target="79 %"), looks=looks).scope, Metric()))
    assert "reached" in said and said.endswith(
        " Judged as the first look at this test set: this clone does not hold the earlier ones."
    )


def test_no_card_nothing_said() -> None:
    old, new = made()
    del new.files["data/scope.md"]
    c = scoped(old, new)
    assert c.scope is None and "scope" not in record(comparison(c))
    assert "scope" not in markdown(comparison(c)).lower()


def test_stale_results_are_not_judged() -> None:
    old, new = made()
    new.tampered["reports/predictions.csv"] = old.revision().read("reports/predictions.csv") or b""
    assert "the results are not of this revision" in str(scope_line(scoped(old, new).scope, Metric()))


def test_labels_that_the_candidate_changed_to_reach_the_target() -> None:
    old, new = made(target="88 %")
    wrong = new.answers["seed_0"] != new.test["label"]
    turned = new.test.index[wrong][:30]
    new.test.loc[turned, "label"] = new.answers.loc[turned, "seed_0"]
    new.answers["label"] = new.test["label"]
    c = scoped(old, new)
    assert len(list(readings(c))) == 2
    assert "depends on test labels that changed" in str(scope_line(c.scope, c.metric))


@pytest.mark.parametrize(
    "metric", [Metric(), Metric("cost", {"cat": {"dog": 1.0}}), Metric(MACRO_F1)], ids=lambda metric: metric.name
)
def test_examples_that_the_candidate_took_away_to_reach_the_target(metric: Metric) -> None:
    target = "0.15" if metric.name == "cost" else "88 %"
    old, new = made(metric=metric.name, target=target, human="")
    for side in (old, new):
        side.evaluate = {"metric": metric.name, "costs": metric.costs}
    kept = (new.answers["seed_0"] == new.test["label"]) | (new.test.index % 4 == 0)
    new.test, new.answers = new.test[kept], new.answers[kept]
    c = scoped(old, new)
    own, worst, best = readings(c)
    assert [len(one.truth) for one in (own, worst, best)] == [kept.sum(), 400, 400]
    assert judge("Target", c.scope.card.target, [own], metric).standing == REACHED
    assert "examples that were dropped or are gone" in str(scope_line(c.scope, c.metric))


def test_the_level_is_the_metric_of_all_seeds() -> None:
    c = scoped(*made())
    own = next(iter(readings(c)))
    assert (own.said == own.truth).mean() == pytest.approx(c.new)
    assert c.scope.level.mean == pytest.approx(c.new)
    assert c.scope.level.low < c.new < c.scope.level.high


def test_markup_in_the_card_does_nothing() -> None:
    c = scoped(*made())
    for text in HOSTILE[:16]:
        card = read_card(f"## Problem\n{text.replace('<!--', '')}".encode(), "data/scope.md")
        report = Report("", replace(c, scope=Scope(card)), [scope_section(Scope(card))])
        page, comment = Page(html(report)), markdown(report)
        assert {tag for tag, _ in page.found}.isdisjoint({"script", "img", "a"})
        assert not [name for _, names in page.found for name in names if name.startswith("on")]
        assert not re.search(r"<script|<img|\]\(http|@org|\n# ", comment), comment
        record(report)


def test_room_to_the_target() -> None:
    card = card_of(SimpleNamespace(read=lambda _: CARD.format(metric="cost", target="0.4", human="0.1").encode()))  # type: ignore[arg-type]
    said = room_line(card, COST, 0.3)
    assert said is not None
    assert (
        "Cost 0.3000: 0.1000 cost per example beyond the target of 0.4000, 0.2000 cost per example to the human level"
        in said
    )
    assert room_line(Scope(None, why="x"), COST, 0.3) == "⚠️ The scope card cannot be read: x"
    assert "not judged" in str(room_line(card, Metric(), 0.3))


def test_a_cost_is_reached_from_above() -> None:
    level = Interval(0.3, 0.01, 20.0, 0.28, 0.32, 0.0)
    goals = [Goal("Target", 0.4, REACHED, REACHED), Goal("Human level", 0.1, MISSED, MISSED)]
    card = read_card(CARD.format(metric="cost", target="0.4", human="0.1").encode(), "")
    said = str(scope_line(Scope(card, level, 1, goals), COST))
    assert "target 0.4000: reached, by 0.1000 cost per example" in said
    assert "human level 0.1000: the model is above it, by 0.2000 cost per example" in said
