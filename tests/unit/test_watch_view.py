"""The words of `watch`: what changed and how much, what to do next, the same for programs; and names that stay text."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_report import HOSTILE, Page, rendered

from datapass.files.tables import write_table
from datapass.production.columns import Column
from datapass.production.examine import Findings
from datapass.production.forecast import Forecast
from datapass.production.incoming import Incoming
from datapass.production.labelled import Labelled
from datapass.production.outputs import Outputs
from datapass.production.picked import COLUMNS
from datapass.production.reference import Answered
from datapass.production.seen import Inputs
from datapass.production.sequence import ConceptDrift, Stratified
from datapass.production.shares import Shares
from datapass.production.two_sample import Apart
from datapass.production.unlike import Unlike
from datapass.production.watch import Watched
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.record import record
from datapass.report.watch_view import times, watched

NAME, CLASSES, NUMBER = "2026-11", ["cat", "dog", "owl"], 100
NONE, NUL = ConceptDrift(0.89, 0.8, 0.95, 0.9, 0.86, 0.93, False), np.zeros(NUMBER)

SHARES = pd.DataFrame(
    {
        "test": [0.5, 0.3, 0.2],
        "new": [0.48, 0.31, 0.21],
        "low": [0.4, 0.25, 0.15],
        "high": [0.55, 0.4, 0.3],
        "ratio": [0.96, 1.03, 1.05],
        "p": [0.8, 0.9, 0.9],
        "changed": False,
    }
)
COLUMN = Column("speed", "number", 0.3, 0.6, (1, 2, 3), (1, 2, 3), (0, 0), "median 2 → 2 (middle half 1 to 3 → 1 to 3)")
STEADY = Findings(
    Apart(0.513, 0.4, 500, NUMBER, np.arange(NUMBER), NUL),
    [COLUMN],
    Unlike(np.linspace(0, 1, NUMBER), NUL + 1, 2.0, 1, 1.0, 0.6, np.arange(NUMBER), 250),
    Outputs(0.5, NUL[:3], 0.7, np.zeros((2, 3)), np.array([[0.5, 0.3, 0.2], [0.48, 0.31, 0.21]]), 250, NUMBER),
    Shares(SHARES, "", 0.5, False, 0.8),
    Forecast(0.91, 0.88, 0.94, 0.912, 0.915, -0.003, 0.01, False, -0.002, 0.01, 0.8),
)


def findings(**changed: dict[str, Any]) -> Findings:
    """Return findings that nothing changed, of which some say something else."""
    found = {name: replace(getattr(STEADY, name), **values) for name, values in changed.items() if name != "columns"}
    return replace(STEADY, **found, **({"columns": changed["columns"]["all"]} if "columns" in changed else {}))


def delivery(
    found: Findings | None = STEADY, labelled: Labelled | None = None, name: str = NAME, **more: Any
) -> Watched:
    ids = more.pop("ids", [f"{name}/{n:02}" for n in range(NUMBER)])
    table = pd.DataFrame({"id": ids, "input": ""}, dtype="str")
    packed = np.zeros((len(ids), 1, 1, 1), np.uint8)
    probabilities = np.full((2, len(ids), 3), [0.75, 0.15, 0.1])
    inputs = Inputs(packed, table["id"], table["id"])
    answered = Answered(inputs, table[[]], probabilities, np.zeros(len(ids), int))
    fields: dict[str, Any] = {"taken": False, "notes": [], "classes": CLASSES, "fingerprint": "8acbac5166e8"}
    fields |= {"training": 500, "test": 250, "units": len(ids), "learnt": 0} | more
    return Watched(Incoming(name, table, packed, {}), answered=answered, findings=found, labelled=labelled, **fields)


def labels(*rows: tuple[Any, ...], drift: ConceptDrift = NONE, **more: Any) -> Labelled:
    columns = ["delivery", "delivered", "labelled", "right", "low", "high", "unusable", "open"]
    table = pd.DataFrame(rows or [(NAME, 1000, 100, 89, 0.76, 0.96, 2, 0)], columns=columns)
    fields: dict[str, Any] = {"tolerance": 0.0, "needed": None, "skipped": 0, "others": []}
    return Labelled(table, Stratified(0.7, 0.6, 0.79, 1.0), drift, **fields | more)


def shares(**cells: list[Any]) -> dict[str, Any]:
    return {"table": SHARES.assign(**cells), "changed": True, "p": 0.0001}


ALARM = ConceptDrift(0.7, 0.6, 0.79, 0.9, 0.86, 0.93, True)
DOG = shares(new=[0.3, 0.6, 0.1], ratio=[0.6, 2.0, 0.5], changed=[False, True, True])
FASTER = replace(COLUMN, p=1e-6, adjusted=1e-5, effect="median 2 → 5 (middle half 1 to 3 → 4 to 6)")
REDDER = replace(FASTER, name="color", kind="category", effect='"red" 10.0 % → 40.0 % (never seen before)')
OTHER = ("2026-10", 1000, 11, 7, 0.3, 0.9, 0, 0)
APART, FEW = {"auc": 0.703, "p": 0.001}, {"auc": 0.553, "p": 0.001}
LOWER = {"accuracy": 0.8, "changed": True, "p": 0.0001, "change": -0.1}
UNLIKE = {"excess": 0.0001, "beyond": 9}


@pytest.mark.parametrize(
    ("found", "labelled", "said"),
    [
        pytest.param(STEADY, None, "nothing changed that these 100 inputs can show", id="nothing"),
        pytest.param(None, None, "100 independent inputs are too few to show anything", id="too few"),
        pytest.param(STEADY, labels(), "nothing changed that these 100 inputs can show", id="labels without drift"),
        pytest.param(findings(unlike=UNLIKE), None, "unlike anything in training: 9 inputs, 1 expected", id="unlike"),
        pytest.param(findings(shares=DOG), None, "class dog twice as frequent", id="the share that changed most"),
        pytest.param(
            findings(shares=shares(new=[0.3, 0.6, 0.1], ratio=[0.6, 2.0, 0.5], changed=[True, False, False])),
            None,
            "class cat 0.6 times as frequent",
            id="a share that changed, though another differs more",
        ),
        pytest.param(
            findings(forecast=LOWER), None, "accuracy to expect 80.0 %, 91.2 % on the test set", id="accuracy"
        ),
        pytest.param(findings(columns={"all": [FASTER]}), None, "speed: median 2 → 5", id="a number"),
        pytest.param(
            findings(columns={"all": [REDDER, FASTER]}),
            None,
            'color: "red" 10.0 % → 40.0 % (never seen before)',
            id="the first of two columns",
        ),
        pytest.param(findings(apart=APART), None, "a classifier tells new from old, AUC 0.70", id="told apart"),
        pytest.param(
            findings(apart=FEW),
            None,
            "a classifier tells new from old, AUC 0.55, sure and small",
            id="barely told apart",
        ),
        pytest.param(findings(outputs={"p": 0.001}), None, "the models answer differently", id="answers"),
        pytest.param(
            findings(outputs={"p": 0.001}, shares=DOG),
            None,
            "class dog twice as frequent",
            id="answers, as shares tell",
        ),
        pytest.param(
            STEADY,
            labels(drift=ALARM),
            "less right: 89.0 % of 100 labelled at random, 90.0 % on the test set",
            id="concept drift",
        ),
        pytest.param(
            None,
            labels(drift=ALARM),
            "less right: 89.0 % of 100 labelled at random, 90.0 % on the test set",
            id="drift, and few inputs",
        ),
        pytest.param(
            STEADY,
            labels(OTHER, drift=ALARM),
            "nothing changed that these 100 inputs can show",
            id="concept drift in another delivery",
        ),
        pytest.param(
            None,
            labels(OTHER, drift=ALARM),
            "100 independent inputs are too few to show anything",
            id="nor in few inputs",
        ),
        pytest.param(
            STEADY,
            labels((NAME, 1000, 10, 9, 0.6, 1, 0, 0), OTHER, drift=ALARM),
            "less right: 76.2 % of 21 labelled at random, 90.0 % on the test set",
            id="concept drift by the labels of two deliveries, one of them this",
        ),
        pytest.param(
            findings(unlike=UNLIKE, forecast=LOWER | {"change": 0.1}),
            None,
            "unlike anything in training: 9 inputs, 1 expected; the models are more sure than on the test set",
            id="more sure, where a forecast is not to be believed",
        ),
        pytest.param(
            findings(shares=shares(ratio=[0.6, 0.01, 0.5], new=[0.3, 0.003, 0.1], changed=[False, True, False])),
            None,
            "class dog hardly occurs",
            id="a class that is gone",
        ),
        pytest.param(
            findings(unlike=UNLIKE, forecast=LOWER, apart=APART),
            labels(drift=ALARM),
            "less right: 89.0 % of 100 labelled at random, 90.0 % on the test set; unlike anything in training: 9 inputs, 1 expected; "
            "the models are less sure than on the test set; and 1 more",
            id="all, the most important first",
        ),
        pytest.param(
            findings(apart=APART, shares=DOG, columns={"all": [FASTER]}, outputs={"p": 0.001}, unlike=UNLIKE),
            None,
            "unlike anything in training: 9 inputs, 1 expected; class dog twice as frequent, if each class looks as it did; "
            "speed: median 2 → 5; and 1 more",
            id="several",
        ),
    ],
)
def test_the_result_in_a_line(found: Findings | None, labelled: Labelled | None, said: str) -> None:
    one = delivery(found, labelled)
    different = "nothing changed" not in said and "too few" not in said
    headline = f"{NAME}: {'looks different: ' * different}{said}"
    assert one.changed == different and watched([one]).headline == headline
    assert headline in "".join(Page(html(watched([one]))).texts)
    assert headline in "".join(Page(rendered(markdown(watched([one])))).texts).replace("\u200b", "")
    assert record(watched([one]))["changed"] == different


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.5, "half as frequent"),
        (0.45, "half as frequent"),
        (0.56, "half as frequent"),
        (0.44, "0.4 times as frequent"),
        (0.0, "hardly occurs"),
        (0.049, "hardly occurs"),
        (0.05, "0.1 times as frequent"),
        (1.0, "1.0 times as frequent"),
        (1.6, "1.6 times as frequent"),
        (1.8, "twice as frequent"),
        (2, "twice as frequent"),
        (2.2, "twice as frequent"),
        (2.4, "2.4 times as frequent"),
        (3, "three times as frequent"),
        (3.3, "three times as frequent"),
        (4, "4.0 times as frequent"),
    ],
)
def test_times(ratio: float, said: str) -> None:
    assert times(ratio) == said


@pytest.mark.parametrize(
    ("found", "title"),
    [
        pytest.param(STEADY, "Evidence: none of 4 lines say that something changed", id="none"),
        pytest.param(
            findings(apart=APART, unlike=UNLIKE), "Evidence: 1 of 4 lines says that something changed", id="one"
        ),
        pytest.param(
            findings(apart=APART, forecast=LOWER), "Evidence: 2 of 4 lines say that something changed", id="two"
        ),
    ],
)
def test_the_lines_of_evidence(found: Findings, title: str) -> None:
    """Three parts share the line on inputs, so together they count once."""
    sections = {one.title: one for one in watched([delivery(found)]).sections}
    assert title in sections
    (table,) = (block for block in sections[title].blocks)
    marks = [(row[0], row[3]) for row in table.rows]  # type: ignore[union-attr]
    assert [line for line, _ in marks] == ["inputs"] * 3 + ["answers", "shares", "accuracy"]
    lines = {line for line, mark in marks if mark == "changed"}
    assert lines == {line for line, changed in found.lines.items() if changed}


def test_what_was_not_tested_is_a_dash() -> None:
    found = findings(
        apart={"auc": np.nan, "p": np.nan},
        columns={"all": [replace(COLUMN, p=np.nan, adjusted=np.nan)]},
        shares={"reason": "the test set has examples of fewer than two classes", "p": np.nan},
        forecast={"reason": "there are no new inputs", "p": np.nan},
    )
    report = watched([delivery(found)])
    rows = report.sections[0].blocks[0].rows  # type: ignore[union-attr]
    assert [(row[0], row[2]) for row in rows] == [
        ("inputs", "–"),
        ("inputs", "0.600"),
        ("answers", "0.500"),
        ("shares", "–"),
        ("accuracy", "–"),
    ]
    titles = [one.title for one in report.sections]
    assert "Shares of the classes: cannot be told" in titles and "Accuracy to expect: cannot be told" in titles
    page = "".join(Page(html(report)).texts)
    assert "The test set has examples of fewer than two classes." in page and "There are no new inputs." in page
    assert "nan" not in page and "nan" not in markdown(report)


@pytest.mark.parametrize(
    ("changed", "labelled", "said", "unsaid"),
    [
        pytest.param({}, None, [], ["Do not believe", "datapass pick", "bring-back"], id="nothing changed"),
        pytest.param({"unlike": UNLIKE}, None, ["Do not believe it: the inputs are unlike", f"datapass pick {NAME} --budget 200"], ["bring-back"], id="unlike"),
        pytest.param({"apart": APART}, None, ["Do not believe it: the inputs are unlike"], [], id="told apart"),
        pytest.param({"apart": FEW}, None, ["datapass pick"], ["Do not believe"], id="barely told apart"),
        pytest.param({"forecast": {"off": True, "gap": -0.031}}, None, ["off by −3.1 points"], ["the inputs are unlike those"], id="a forecast that is too low"),
        pytest.param({"forecast": {"off": True, "gap": 0.031}}, None, ["off by +3.1 points"], [], id="a forecast that is too high"),
        pytest.param({"apart": APART}, labels(), [f"datapass bring-back {NAME} --test"], ["datapass pick"], id="labelled"),
        pytest.param({"apart": APART}, labels(("2026-10", 10, 9, 9, 0.6, 1, 0, 0)), ["datapass pick"], ["bring-back"], id="another is labelled"),
    ],
)  # fmt: skip
def test_doubts_and_what_comes_next(
    changed: dict[str, Any], labelled: Labelled | None, said: list[str], unsaid: list[str]
) -> None:
    report = watched([delivery(findings(**changed), labelled)])
    page = "".join(Page(html(report)).texts)
    assert all(one in page for one in said) and not any(one in page for one in unsaid)


@pytest.mark.parametrize(
    ("labelled", "said"),
    [
        pytest.param(labels(), ["No concept drift shown: at most 95.0 % on new inputs, at least 86.0 % on the test set.", "89.0 %", "76.0 % to 96.0 %"], id="no drift"),
        pytest.param(labels(drift=ALARM), ["Concept drift: the model is less right on new inputs than on the test set: at most 79.0 % on new inputs, at least 86.0 % on the test set."], id="drift"),
        pytest.param(labels(drift=ALARM, tolerance=0.025), ["than on the test set by more than 2.5 points: at most"], id="tolerated"),
        pytest.param(labels((NAME, 1000, 50, 45, 0.7, 1, 0, 50)), ["50 of the random part are still open."], id="open"),
        pytest.param(labels(skipped=3), ["3 were skipped, though later ones are labelled"], id="skipped"),
        pytest.param(labels(others=["a", "b"]), ["Not counted, as they were given to the answers of models of other data: the labels of a, b."], id="other models"),
        pytest.param(labels((NAME, 9, 9, 9, 0.6, 1, 0, 0), ("b", 1, 1, 1, 0.1, 1, 0, 0)), ["each delivery weighted by its inputs"], id="two deliveries"),
    ],
)  # fmt: skip
def test_what_labels_say(labelled: Labelled, said: list[str]) -> None:
    report = watched([delivery(STEADY, labelled)])
    assert report.figures[0] == ("accuracy on labelled new inputs", "70.0 % (60.0 % to 79.0 %)")
    right, number = (int(labelled.deliveries[name].sum()) for name in ("right", "labelled"))
    counted = f"{100 * right / number:.1f} % of {number} labelled at random"
    assert report.sections[0].title == f"Labels: {counted} right, 90.0 % on the test set"
    page = "".join(Page(html(report)).texts)
    assert all(one in page for one in said), page
    rest = "still open", "were skipped", "Not counted", "each delivery weighted"
    assert sum(one in page for one in rest) == sum(one in " ".join(said) for one in rest)


@pytest.mark.parametrize(
    ("by", "said", "unsaid"),
    [
        pytest.param(["", "Ann"], f"datapass review --picked {NAME}", "datapass pick", id="some wait for labels"),
        pytest.param(None, f"datapass pick {NAME} --budget 200", "datapass review", id="nothing is picked"),
    ],
)
def test_what_is_picked_already_is_not_to_be_picked_again(
    by: list[str] | None, said: str, unsaid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if by is not None:
        Path("data/picked").mkdir(parents=True)
        table = pd.DataFrame({"id": [f"{NAME}/{n}" for n in range(len(by))], "by": by}).assign(
            picked_as="random", label=""
        )
        table = table.assign(delivered="90", group="", model="f", predicted="cat")
        write_table(table[COLUMNS], Path(f"data/picked/{NAME}.csv"))
    page = "".join(Page(html(watched([delivery(findings(apart=APART))]))).texts)
    assert said in page and unsaid not in page
    assert "datapass" not in "".join(Page(html(watched([delivery(name="2026-10")]))).texts), "nothing is to be done"


def test_the_labels_of_another_model_alone_are_no_accuracy() -> None:
    alone = replace(labels(others=["a"]), deliveries=labels().deliveries.head(0))
    report = watched([delivery(STEADY, alone)])
    assert report.sections[0].title == "Labels: none for the answers of these models"
    assert "accuracy on labelled new inputs" not in dict(report.figures)
    page = "".join(Page(html(report)).texts)
    assert "the labels of a." in page and "oncept drift" not in page


def test_a_forecast_that_is_not_to_be_believed_is_no_figure() -> None:
    told, doubted = (dict(watched([delivery(findings(**some))]).figures) for some in ({}, {"unlike": UNLIKE}))
    assert told["accuracy to expect"] == "91.0 %, test set 91.2 %" and "accuracy to expect" not in doubted
    assert doubted["unlike anything in training"] == "9 (1 expected)"


def test_the_least_alike_are_listed_first() -> None:
    """Those beyond the threshold alone, in the page and for programs; none where chance explains as many."""
    scores = np.where(np.arange(NUMBER) % 40 == 7, 3.0 + np.arange(NUMBER) / 100, 0.5)
    found = findings(unlike=UNLIKE | {"scores": scores, "beyond": 3})
    report = watched([delivery(found)], {f"{NAME}/47": "seen"})
    (section,) = (one for one in report.sections if one.title.startswith("Unlike"))
    rows = section.blocks[1].rows  # type: ignore[union-attr]
    assert section.title == "Unlike anything in training: 3 inputs"
    ids = [f"{NAME}/{n}" for n in ("87", "47", "07")]
    assert [row[0] for row in rows] == ids == record(report)["unlike"]["ids"]
    assert rows[0][1:] == ["cat", "75.0 %", "1.9", "–"] and rows[1][4] == "seen"
    few = watched([delivery(findings(unlike={"scores": scores, "beyond": 3}))])
    assert record(few)["unlike"]["ids"] == [] and not [one for one in few.sections if one.title.startswith("Unlike")]


@pytest.mark.parametrize(
    ("some", "headline"),
    [
        pytest.param([STEADY, None], "none of 2 deliveries look different", id="none"),
        pytest.param([STEADY, findings(apart=APART), None], "1 of 3 deliveries looks different", id="one"),
        pytest.param([findings(apart=APART)] * 2, "2 of 2 deliveries look different", id="all"),
    ],
)
def test_several_deliveries(some: list[Findings | None], headline: str) -> None:
    report = watched([delivery(found, name=f"2026-0{n}") for n, found in enumerate(some)])
    assert report.headline == headline
    page = "".join(Page(html(report)).texts)
    assert headline in page and headline in markdown(report)
    names = [f"2026-0{n}" for n in range(len(some))]
    assert [one["delivery"] for one in record(report)] == names and all(name in page for name in names)
    assert [one["changed"] for one in record(report)] == [bool(found and found.changed) for found in some]


def test_what_it_rests_on() -> None:
    one = delivery(taken=True, units=60, notes=["left alone: 1 other file"])
    page = "".join(Page(html(watched([one]))).texts)
    assert "100 inputs, 60 of them independent, against 500 training inputs and 250 test examples" in page
    assert "models 8acbac5166e8" in page and f"Taken in as data/incoming/{NAME}/, by DVC." in page
    assert "left alone: 1 other file" in page and "about one" in page
    few = "".join(Page(html(watched([delivery(None, units=12)]))).texts)
    assert "12 independent inputs: fewer than 20 show nothing. Watch a larger delivery." in few
    assert "about one" not in few and "Taken in" not in few
    known = "".join(Page(html(watched([delivery(learnt=1200)]))).texts)
    assert "Left out: 1,200 inputs that the models learnt or were validated with." in known and "Left out" not in page
    assert record(watched([delivery(learnt=1200)]))["learnt"] == 1200


KEYS = ["delivery", "changed", "inputs", "units", "learnt", "model", "compared_with", "notes"]
FOUND = ["lines", "classifier", "columns", "unlike", "answers", "shares", "forecast"]


@pytest.mark.parametrize(
    ("one", "keys"),
    [
        pytest.param(delivery(), KEYS + FOUND, id="nothing labelled"),
        pytest.param(delivery(None), KEYS, id="too few"),
        pytest.param(delivery(STEADY, labels(drift=ALARM)), [*KEYS, *FOUND, "labelled"], id="labelled"),
        pytest.param(delivery(findings(apart={"auc": np.nan, "p": np.nan})), KEYS + FOUND, id="not tested"),
    ],
)
def test_what_programs_get(one: Watched, keys: list[str]) -> None:
    found = json.loads(json.dumps(record(watched([one])), allow_nan=False))
    assert list(found) == ["headline", *keys, "sections"]
    assert found["compared_with"] == {"training": 500, "test": 250} and found["inputs"] == 100
    if "lines" in keys:
        assert found["lines"] == dict.fromkeys(["inputs", "answers", "shares", "accuracy"], False)
        assert [row["class"] for row in found["shares"]["classes"]] == CLASSES
        assert found["answers"]["predicted"][2] == {"class": "owl", "test": 0.2, "new": 0.21}
        assert found["columns"][0]["name"] == "speed" and found["forecast"]["test_accuracy"] == 0.915
    if "labelled" in keys:
        assert found["changed"] and found["labelled"]["drift"]["alarm"]
        assert found["labelled"]["deliveries"][0]["right"] == 89


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_stay_text(name: str) -> None:
    """A class, a column, a category, a file, a text and a delivery do nothing, and make neither form large."""
    column = replace(FASTER, name=name, kind="category", effect=f'"{name}" 1.0 % → 9.0 %')
    scores = np.linspace(1, 3, NUMBER)
    found = findings(columns={"all": [column]}, unlike=UNLIKE | {"scores": scores}, shares=DOG, outputs={"p": 0.001})
    labelled = labels((name, 1000, 100, 89, 0.76, 0.96, 2, 0), others=[name])
    ids = [f"{name} {n}" for n in range(NUMBER)]
    one = delivery(found, labelled, name, ids=ids, classes=[f"{name}{n}" for n in range(3)], notes=[name], taken=True)
    report = watched([one], dict.fromkeys(ids, name))
    comment, page = markdown(report), html(report)
    assert "looks different" in comment and len(comment) < 60_000 and len(page) < 1 << 20
    for shown in (Page(page), Page(rendered(comment)), Page(html(watched([one, delivery()])))):
        assert not {tag for tag, _ in shown.found} & {"script", "iframe", "img", "b", "em", "u"}
        links = [attributes.get("href") or "" for tag, attributes in shown.found if tag == "a"]
        assert all(link.startswith("#") for link in links), "only from the list of deliveries to each"
        assert not [key for _, attributes in shown.found for key in attributes if key.startswith("on")]
    assert not re.search(r"@(?!\u200b)|#(?!\u200b|#)", "".join(Page(rendered(comment)).texts))
    json.dumps(record(report), allow_nan=False)


def test_a_name_cannot_add_a_line_or_a_cell() -> None:
    plain, odd = (delivery(findings(shares=DOG), classes=[f"{n}{end}" for n in "abc"]) for end in ("", "|x\n| y |"))
    counts = [(text.count("\n"), text.count("|")) for text in (markdown(watched([plain])), markdown(watched([odd])))]
    assert counts[0] == counts[1]
