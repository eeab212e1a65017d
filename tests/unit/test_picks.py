"""What is picked for labelling, by which rule; the file that lists it; and the labels that are placed into it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conftest import params
from datapass.data.examples import RANDOM, UNCERTAIN, UNLIKE
from datapass.data.fraction import fraction
from datapass.files.tables import read_table
from datapass.messages.problems import Refusal
from datapass.production import pick as picking
from datapass.production import picked as file
from datapass.production.incoming import Incoming
from datapass.production.pick import choose
from datapass.production.picked import COLUMNS, place_labels, read_picked
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.pick_view import picked
from datapass.report.record import record

NAME, CLASSES = "2026-11", ["cat", "dog"]


def incoming(number: int, groups: list[str] | None = None, inputs: list[str] | None = None) -> Incoming:
    table = pd.DataFrame({"id": [f"{NAME}/{n}" for n in range(number)]}, dtype="str")
    table["input"] = inputs or [f"i{n}" for n in range(number)]
    if groups is not None:
        table["group"] = groups
    return Incoming(NAME, table, np.zeros((number, 1, 1, 1), np.uint8), {})


def chosen(
    new: Incoming, budget: int, doubt: Any = None, foreign: Any = None, free: Any = None
) -> dict[str, list[int]]:
    """Return the rows of each origin, in the order in which they are to be labelled."""
    number = len(new.table)
    scores = [np.ones(number) if each is None else np.asarray(each, dtype=float) for each in (doubt, foreign)]
    rows, origins = choose(new, *scores, np.ones(number, dtype=bool) if free is None else free, budget)
    assert len(rows) == len(origins) == len(set(rows.tolist()))
    return {origin: rows[origins == origin].tolist() for origin in (RANDOM, UNCERTAIN, UNLIKE)}


def by_hash(new: Incoming) -> list[int]:
    return np.argsort(fraction(new.table["id"], "picked at random")).tolist()


@pytest.mark.parametrize(
    ("number", "budget", "sizes"),
    [
        pytest.param(500, 200, (100, 60, 40), id="50, 30 and 20 percent"),
        pytest.param(500, 10, (5, 3, 2), id="a small budget"),
        pytest.param(500, 7, (4, 2, 1), id="what is left of rounding is random"),
        pytest.param(500, 1, (1, 0, 0), id="one is random"),
        pytest.param(40, 200, (20, 12, 8), id="fewer inputs than the budget: all"),
        pytest.param(40, 40, (20, 12, 8), id="as many inputs as the budget"),
        pytest.param(1, 200, (1, 0, 0), id="one input"),
    ],
)
def test_the_shares(number: int, budget: int, sizes: tuple[int, ...]) -> None:
    found = chosen(incoming(number), budget)
    assert tuple(map(len, found.values())) == sizes


def test_the_random_part_is_the_first_by_hash_whatever_the_models_say() -> None:
    new = incoming(60)
    first = by_hash(new)[:10]
    assert chosen(new, 20)[RANDOM] == first
    assert chosen(new, 20, doubt=np.arange(60), foreign=-np.arange(60))[RANDOM] == first
    turned = Incoming(NAME, new.table.iloc[::-1].reset_index(drop=True), new.packed, {})
    assert [59 - row for row in chosen(turned, 20)[RANDOM]] == first, "the order of the delivery changes nothing"


def test_random_ones_come_first_and_the_others_mixed() -> None:
    rows, origins = choose(incoming(300), np.arange(300.0), np.arange(300.0), np.ones(300, dtype=bool), 200)
    assert set(origins[:100]) == {RANDOM}
    rest = (origins[100:] == UNCERTAIN).tolist()
    assert sorted(rest) != rest and sorted(rest, reverse=True) != rest
    again = choose(incoming(300), np.arange(300.0), np.arange(300.0), np.ones(300, dtype=bool), 200)
    assert np.array_equal(rows, again[0]) and np.array_equal(origins, again[1])


def test_random_ones_are_drawn_from_all_rows_whatever_their_group() -> None:
    """Of a group that is delivered ten times as often, people meet ten times as many errors."""
    new = incoming(40, groups=["g"] * 20 + [f"h{n}" for n in range(20)])
    assert chosen(new, 40)[RANDOM] == by_hash(new)[:20]
    assert len([row for row in by_hash(new)[:20] if row < 20]) > 1


def test_copies_are_each_a_draw_of_their_own_at_random() -> None:
    """Of an input that is delivered ten times as often, people meet ten times as many errors."""
    new = incoming(40, inputs=["same"] * 20 + [f"i{n}" for n in range(20)])
    assert chosen(new, 40)[RANDOM] == by_hash(new)[:20]
    assert len([row for row in by_hash(new)[:20] if row < 20]) > 1


@pytest.mark.parametrize("where", ["group", "input"])
def test_of_a_unit_one_is_chosen_and_none_that_is_in_the_random_part(where: str) -> None:
    units = [f"u{n // 3}" for n in range(90)]
    new = incoming(90, groups=units) if where == "group" else incoming(90, inputs=units)
    found = chosen(new, 30, doubt=np.arange(90), foreign=np.arange(90))
    random = {units[row] for row in found[RANDOM]}
    others = [units[row] for row in found[UNCERTAIN] + found[UNLIKE]]
    assert len(others) == 15 == len(set(others)) and not random & set(others)


def test_unlike_are_the_least_alike_that_are_left() -> None:
    foreign = np.zeros(50)
    foreign[[3, 8, 21, 34, 47]] = [5, 9, 7, 6, 8]
    found = chosen(incoming(50), 10, foreign=foreign)
    left = [row for row in (8, 47, 21, 34, 3) if row not in found[RANDOM] + found[UNCERTAIN]]
    assert len(left) > 2 and sorted(found[UNLIKE]) == sorted(left[:2])


def test_uncertain_ones_are_mostly_of_much_doubt() -> None:
    doubt = np.where(np.arange(400) < 40, 1.0, 0.0)
    found = chosen(incoming(400), 100, doubt=doubt)
    assert sum(row < 40 for row in found[UNCERTAIN]) > 15, "a tenth of the inputs has all the doubt"


def test_inputs_that_the_data_has_already_are_never_picked() -> None:
    """A label of them teaches nothing, and what the models learnt does not say how right they are."""
    free = np.arange(100) % 2 == 1
    new = incoming(100)
    found = chosen(new, 60, doubt=np.arange(100), foreign=np.arange(100), free=free)
    assert found[RANDOM] == [row for row in by_hash(new) if row % 2][:25], "of the 50 that are new"
    assert found[UNCERTAIN] and found[UNLIKE] and all(row % 2 for row in found[UNCERTAIN] + found[UNLIKE])


@given(
    number=st.integers(1, 40),
    budget=st.integers(1, 60),
    units=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_delivery(number: int, budget: int, units: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [f"g{unit}" if unit else "" for unit in rng.integers(0, units, number)]
    new = incoming(number, groups)
    scores = rng.exponential(size=(4, number))
    found, other = chosen(new, budget, *scores[:2]), chosen(new, budget, *scores[2:])
    whole = min(budget, number)
    wanted = whole - int(0.3 * whole) - int(0.2 * whole)
    assert found[RANDOM] == other[RANDOM] == by_hash(new)[:wanted]
    assert len(found[UNCERTAIN]) <= int(0.3 * whole) and len(found[UNLIKE]) <= int(0.2 * whole)
    own = [group or str(row) for row, group in enumerate(groups)]
    if len(set(own)) == number:
        assert sum(map(len, found.values())) == whole
    assert found == chosen(new, budget, *scores[:2])
    others = [own[row] for row in found[UNCERTAIN] + found[UNLIKE]]
    assert len(set(others)) == len(others), "the model chooses one of a group"
    assert not set(others) & {own[row] for row in found[RANDOM]}, "and none of a group that is in the random part"


@pytest.mark.parametrize(
    ("names", "there", "asked", "said"),
    [
        pytest.param([], [], None, "There is no delivery of which nothing is picked; `datapass watch", id="no delivery"),
        pytest.param([NAME], [NAME], None, "There is no delivery of which nothing is picked", id="the only one is picked"),
        pytest.param([NAME, "a", "b"], [NAME], None, "several deliveries of which nothing is picked; name one of a, b.", id="several"),
        pytest.param([NAME, "2026-12"], [NAME], NAME, "a second draw would not be at random", id="picked, by name"),
    ],
)  # fmt: skip
def test_what_is_not_picked(
    names: list[str], there: list[str], asked: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before a model is loaded, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(picking, "incoming_names", lambda: names)
    Path("data/picked").mkdir(parents=True)
    for name in there:
        Path(f"data/picked/{name}.csv").write_text("kept\n", encoding="utf-8")
    with pytest.raises(Refusal) as refusal:
        picking.pick(asked, 10)
    assert said in str(refusal.value)
    assert [path.read_text(encoding="utf-8") for path in Path("data/picked").iterdir()] == ["kept\n"] * len(there)


def test_what_is_written(told: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row says why it was picked, of how many, what the models answered, and which; nobody has labelled it."""
    new = incoming(20, groups=[f"g{n}" * (n % 2) for n in range(20)])
    # Two seeds: on every fourth input they disagree, on the fifth both are unsure.
    given = np.tile([0.9, 0.1], (2, 20, 1))
    given[1, ::4], given[:, 5] = [0.1, 0.9], [0.5, 0.5]
    voted = np.arange(20) % 2
    frozen = SimpleNamespace(classes=CLASSES, weights="abc012345678")
    held = SimpleNamespace(mean=np.zeros((2, 2)), inputs=None)
    reference = SimpleNamespace(test=held, labels=np.zeros(2), counted=np.ones(2, dtype=bool), known=None)
    reference.training = SimpleNamespace(packed=None)
    first = by_hash(new)[0]
    monkeypatch.setattr(picking, "read_examples", lambda: None)
    monkeypatch.setattr(picking, "refuse_other_classes", lambda _: None)
    monkeypatch.setattr(picking, "in_data", lambda *_: np.arange(20) == first)
    Path("data/picked/2026-10.csv").touch()
    monkeypatch.setattr(picking, "load_frozen", lambda _: frozen)
    monkeypatch.setattr(picking, "load_reference", lambda *_: reference)
    monkeypatch.setattr(picking, "incoming_names", lambda: ["2026-10", NAME])
    monkeypatch.setattr(picking, "read_incoming", lambda name: new if name == NAME else None)
    monkeypatch.setattr(picking, "ask", lambda *_: SimpleNamespace(probabilities=given, voted=voted))
    monkeypatch.setattr(picking, "calibration", lambda *_: lambda probabilities: probabilities)
    monkeypatch.setattr(picking, "without_calendar", lambda *_: {})
    monkeypatch.setattr(picking, "unlike", lambda *_: SimpleNamespace(scores=np.arange(20.0)))
    found = picking.pick(None, 10)
    table = read_picked(NAME)
    assert table.equals(found.table[COLUMNS].astype("str")) and told == [("add", "--", f"data/picked/{NAME}.csv")]
    rows = [int(id.removeprefix(f"{NAME}/")) for id in table["id"]]
    assert table["picked_as"].value_counts().to_dict() == {RANDOM: 5, UNCERTAIN: 3, UNLIKE: 2}
    assert rows[:5] == by_hash(new)[1:6] and set(table["picked_as"][:5]) == {RANDOM}
    assert table["predicted"].tolist() == [CLASSES[row % 2] for row in rows]
    assert table["group"].tolist() == [f"g{row}" * (row % 2) for row in rows]
    assert set(table["delivered"]) == {"19"} and set(table["model"]) == {"abc012345678"}
    assert set(table["label"]) == set(table["by"]) == {""}
    assert (found.name, found.delivered, found.known, found.by) == (NAME, 20, 1, "disagreement")
    assert found.policy == [f"{NAME}/5"]


@pytest.mark.parametrize("by", ["disagreement", "entropy"])
def test_the_report_says_what_was_picked_and_why(by: str) -> None:
    origins = [RANDOM] * 3 + [UNLIKE, UNCERTAIN, UNCERTAIN]
    table = pd.DataFrame({"id": [f"{NAME}/{n}" for n in range(6)], "picked_as": origins, "predicted": "<b>|x"})
    report = picked(picking.Picked(NAME, table, 1900, 12, by, [f"{NAME}/<i>{n}" for n in range(7)]))
    assert report.headline == f"{NAME}: 6 of 1,900 inputs picked: 3 random, 2 uncertain, 1 unlike"
    comment, page = markdown(report), html(report)
    for text in (comment, page):
        assert ("by entropy" in text) == (by == "entropy")
        assert "<b>" not in text and "<i>" not in text
        assert "7 inputs of which no model is sure" in text and f"{NAME}/&" in text and "i&gt;5" not in text
        assert f"datapass review --picked {NAME}" in text
        assert "Left out: 12 inputs that the data has already." in text
    assert record(report)["uncertain_by"] == by and len(record(report)["policy"]) == 7
    few = picked(picking.Picked(NAME, table[:3], 3, 0, by, []))
    assert (
        few.headline.endswith("3 of 3 inputs picked: 3 random")
        and "policy" not in html(few)
        and "Left out" not in html(few)
    )


# The file, and labels that are placed into it.

HEADER = ",".join(COLUMNS)
OPEN = [f"{NAME}/{n},{origin},90,,f00,dog,," for n, origin in enumerate([RANDOM, RANDOM, UNCERTAIN, UNLIKE])]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A project of texts of two classes; return what Git was told, which is not run."""
    monkeypatch.chdir(tmp_path)
    for folder in ("data/raw", "data/passes", "data/picked"):
        Path(folder).mkdir(parents=True)
    Path("params.yaml").write_text(yaml.safe_dump(params("texts", classes=CLASSES)), encoding="utf-8")
    Path("data/raw/labels.csv").write_text("id,label,text\ne0,cat,meow\ne1,dog,wuff\n", encoding="utf-8")
    said: list[tuple[str, ...]] = []
    monkeypatch.setattr(file, "git", lambda *arguments: said.append(arguments))
    return said


def listed(*rows: str, header: str = HEADER, name: str = NAME) -> Path:
    path = Path(f"data/picked/{name}.csv")
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param([OPEN[0], OPEN[0]], ':3: id "2026-11/0": this id stands above already', id="an id twice"),
        pytest.param([OPEN[0], "2026-1/9,random,90,,f00,dog,,"], ':3: id "2026-1/9": is no input of 2026-11', id="other"),
        pytest.param([f"{NAME}/0,Random,90,,f00,dog,,"], ":2: id \"2026-11/0\": `picked_as` is none of random, uncertain, unlike", id="origin"),
        pytest.param([f"{NAME}/0,random,ninety,,f00,dog,,"], "`delivered` is the number of inputs in the delivery", id="delivered is no number"),
        pytest.param([f"{NAME}/0,random,0,,f00,dog,,"], "`delivered` is the number of inputs in the delivery", id="none delivered"),
        pytest.param([f"{NAME}/0,random,-9,,f00,dog,,"], "`delivered` is the number of inputs in the delivery", id="less than none"),
        pytest.param([f"{NAME}/0,random,90,,f00,dog,cat,"], "has a label and nobody in `by` who gave it", id="nobody"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong(told: list[tuple[str, ...]], rows: list[str], said: str) -> None:
    listed(*rows)
    with pytest.raises(Refusal) as refusal:
        read_picked(NAME)
    assert said in str(refusal.value) and len(refusal.value.problems) == 1


def test_every_row_that_is_wrong_is_named_at_its_line(told: list[tuple[str, ...]]) -> None:
    listed(f'"{NAME}/a\nb",none,90,,f00,dog,,', OPEN[1], f"{NAME}/2,unlike,x,,f00,dog,,", "x/3,unlike,x,,f00,dog,,")
    with pytest.raises(Refusal) as refusal:
        read_picked(NAME)
    assert [(one.line, one.id) for one in refusal.value.problems] == [
        (2, f"{NAME}/a\nb"),
        (5, f"{NAME}/2"),
        (6, "x/3"),
    ]


def test_columns_that_are_missing_and_more_than_there_are(told: list[tuple[str, ...]]) -> None:
    listed(f"{NAME}/0,random,90,,f00,dog,x,", header="id,picked_ass,delivered,group,model,predicted,label,note")
    with pytest.raises(Refusal) as refusal:
        read_picked(NAME)
    path = f"data/picked/{NAME}.csv:1: has no column"
    assert str(refusal.value).splitlines() == [f'{path} `picked_as`; did you mean "picked_ass"?', f"{path} `by`"]
    listed(f"a note,{OPEN[0]}", header=f"note,{HEADER}")
    assert list(read_picked(NAME)) == COLUMNS


def test_nothing_is_picked(told: list[tuple[str, ...]]) -> None:
    with pytest.raises(Refusal, match=r"2026-11\.csv is missing; `datapass pick` picks"):
        read_picked(NAME)
    listed(*OPEN)
    with pytest.raises(Refusal, match=r'2026-1l\.csv is missing; did you mean "2026-11"\?'):
        read_picked("2026-1l")


def place(*rows: tuple[int, str, str]) -> None:
    table = pd.DataFrame(rows, columns=["id", "label", "by"]).astype("str")
    place_labels(NAME, table.assign(id=f"{NAME}/" + table["id"]))


def test_labels_are_placed_and_stay(told: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    path = listed(*OPEN)
    place((2, "cat", "Ann"), (0, "", "Ben"))
    assert path.read_text(encoding="utf-8").splitlines()[1:] == [
        f"{OPEN[0][:-1]},Ben",
        OPEN[1],
        f"{OPEN[2][:-2]},cat,Ann",
        OPEN[3],
    ]
    assert told == [("add", "--", path.as_posix())]
    out = capsys.readouterr().out
    assert out.startswith(f"{path.as_posix()}: 1 labelled, 1 not usable; 2 are still to be labelled\n")
    assert f"`datapass watch {NAME}`" in out and f"`datapass bring-back {NAME}`" in out
    place((2, "cat", "Cid"), (0, "", "Cid"), (1, "dog", "Cid"), (3, "dog", "Cid"))
    assert read_picked(NAME)["by"].tolist() == ["Ben", "Cid", "Ann", "Cid"], "who came first stays"
    assert capsys.readouterr().out.startswith(f"{path.as_posix()}: 2 labelled; all that was picked is labelled\n")
    before = path.read_bytes()
    with pytest.raises(Refusal, match=rf"{NAME}\.csv: holds these answers already; there is nothing to place"):
        place((0, "", "Dan"), (1, "dog", "Dan"))
    assert path.read_bytes() == before and len(told) == 2


def test_answers_that_are_refused_all_at_once(told: list[tuple[str, ...]]) -> None:
    path = listed(f"{OPEN[0][:-2]},cat,Ann", f"{OPEN[1][:-1]},Ann", *OPEN[2:])
    before = path.read_bytes()
    with pytest.raises(Refusal) as refusal:
        place(
            (0, "dog", "Ben"), (1, "dog", "Ben"), (0, "", "Ben"), (2, "Dog", "Ben"), (9, "dog", "Ben"), (3, "dog", "B")
        )
    assert [str(one).partition(f"{NAME}.csv: ")[2] for one in refusal.value.problems] == [
        f'id "{NAME}/0": "Ann" says "cat" and "Ben" says "dog"; settle it, and write it into the file',
        f'id "{NAME}/1": "Ann" says not usable and "Ben" says "dog"; settle it, and write it into the file',
        f'id "{NAME}/0": "Ann" says "cat" and "Ben" says not usable; settle it, and write it into the file',
        f'id "{NAME}/2": the class "Dog" is not known; did you mean "dog"?',
        f'id "{NAME}/9": was not picked',
    ]
    assert path.read_bytes() == before and not told


@pytest.mark.parametrize("by", ["=1+1", "@Ann", "-Ann", "'=Ann", "+49", 'A "B", C', "Ann\nBen"])
def test_who_answered_is_escaped_for_spreadsheets_and_read_back(told: list[tuple[str, ...]], by: str) -> None:
    path = listed(*OPEN)
    place((0, "cat", by))
    place((1, "cat", by))
    assert read_picked(NAME)["by"].tolist()[:2] == [by, by]
    assert not read_table(path)["by"].str.contains(r"^[=+\-@]").any()
