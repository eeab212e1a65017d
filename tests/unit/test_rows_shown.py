"""Rows as people read them, and where their values stand: known answers."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conftest import params
from datapass.data.rows import digests, parse
from datapass.files.paths import VALUES
from datapass.messages.problems import Refusal
from datapass.review.features import beginning, page_features
from datapass.review.readable import number, read_rows, readable
from datapass.review.standing import Standing, percent, standings

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"), (7.0, "7"), (2021.0, "2021"), (12345.0, "12,345"), (-0.5, "-0.5"), (0.1189, "0.1189"), (1 / 3, "0.33333"),
        (1001.25, "1001.2"), (17.99, "17.99"), (123456.789, "123,456.8"), (0.00012345678, "0.00012346"), (1.5e-7, "1.5e-07"),
        (3e20, "3e+20"), (-99999.99, "-100,000"),
    ],
)  # fmt: skip
def test_number(value: float, shown: str) -> None:
    assert number(value) == shown


@given(st.floats(-1e300, 1e300))
def test_a_number_is_shown_with_four_right_digits(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=1e-3, abs=1e-300)


def test_readable() -> None:
    text = pd.DataFrame(
        {
            "n": ["1.50", "", "-3"],
            "b": ["yes", "0", ""],
            "d": ["2024-02-29", "1969-12-31T18:30:00", ""],
            "c": ["<b>", "", "x\ny"],
            "t": ["  two\nlines ", "", "missing"],
        }
    )
    kinds = {"n": "number", "b": "boolean", "d": "date", "c": "category", "t": "text"}
    values, wrong = parse(text, kinds)
    assert not wrong
    shown = readable(values, kinds)
    assert shown.to_numpy().tolist() == [
        ["1.5", "yes", "2024-02-29", "<b>", "  two\nlines "],
        ["missing", "no", "1969-12-31 18:30", "missing", ""],
        ["-3", "missing", "missing", "x\ny", "missing"],
    ]
    assert list(readable(values, {"t": "text", "n": "number"})) == ["t", "n"]


def stands(kind: str, training: list[Any], labels: list[int], asked: list[Any], given: int, other: int) -> Standing:
    dtype = None if kind != "category" else "category"
    columns = [pd.DataFrame({"x": pd.Series(each, dtype=dtype)}) for each in (asked, training)]
    codes = [np.full(len(asked), each, dtype=np.int64) for each in (given, other)]
    return standings(*columns, np.array(labels, dtype=np.int64), *codes, {"x": kind})["x"]


def test_numbers_stand_at_their_percentile() -> None:
    """Ties count half; missing values stand apart; the labels' percentiles are their own rows' alone."""
    training = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, NAN, NAN]
    found = stands("number", training, [0, 0, 0, 0, 1, 1, 1, 1, 0, 1], [0.0, 1.0, 4.5, 8.0, 9.0, NAN], 0, 1)
    assert found.place[:5].tolist() == [0, 1 / 16, 0.5, 15 / 16, 1] and math.isnan(found.place[5])
    assert found.said == ["below all", "below nearly all", "above 50 %", "above 88 %", "above all", "missing in 20 %"]
    assert found.unusual[:5].tolist() == [1, 0.875, 0, 0.875, 1]
    assert found.unusual[5] == pytest.approx(0.8), "80 % of the rows are not missing"
    assert found.telling[:5].tolist() == [0, 0.125, 1, 0.125, 0] and found.telling[5] == 0
    assert found.bands.tolist() == [[0.15625, 0.34375], [0.65625, 0.84375]]


def test_ties_are_said() -> None:
    found = stands("number", [0.0] * 6 + [1.0, 2.0, 3.0, 4.0], [0] * 10, [0.0, 1.0, 0.5], 0, -1)
    assert found.said == ["same in 60 %", "above 60 %", "above 60 %"]
    assert found.place.tolist() == [0.3, 0.65, 0.6]
    assert found.telling.tolist() == pytest.approx([0.4, 0.3, 0.2]), "without another label: how unusual for the given"


def test_categories_stand_at_their_share() -> None:
    training = ["a"] * 6 + ["b"] * 3 + [None]
    found = stands("category", training, [0] * 5 + [1] * 5, ["a", "b", None, "new"], 0, 1)
    assert found.said == ["same in 60 %", "same in 30 %", "missing in 10 %", "in no training row"]
    assert np.isnan(found.place).all() and np.isnan(found.bands).all()
    assert found.shares.tolist() == [[0.6, 1, 0.2], [0.3, 0, 0.6], [0.1, 0, 0.2], [0, 0, 0]]
    assert found.unusual.tolist() == pytest.approx([0, 0.6, 0.9, 1]), "the share of rows with a commoner one"
    assert found.telling.tolist() == pytest.approx([0.8, 0.6, 0.2, 0])


def test_names_all_of_which_are_different_are_not_unusual() -> None:
    found = stands("category", [f"name {i}" for i in range(9)], [0] * 9, ["name 3"], 0, -1)
    assert found.unusual.tolist() == [0]


def test_booleans_stand_at_their_share() -> None:
    found = stands("boolean", [1.0] * 9 + [0.0], [0] * 5 + [1] * 5, [0.0, 1.0], 1, 0)
    assert found.said == ["same in 10 %", "same in 90 %"] and found.telling.tolist() == pytest.approx([0.2, 0.2])


@pytest.mark.parametrize("kind", ["number", "category"])
def test_nothing_to_stand_among(kind: str) -> None:
    """No training rows, or none of the label, or nothing but missing values."""
    some = [1.0, 2.0] if kind == "number" else ["a", "b"]
    lost = NAN if kind == "number" else None
    assert stands(kind, [], [], some, 0, 1).said == ["", ""]
    assert stands(kind, some, [0, 0], some, 5, 6).telling.tolist() == [0, 0]
    assert stands(kind, [lost, lost], [0, 1], [*some, lost], 0, 1).said[::2] == [
        "in no training row",
        "missing in 100 %",
    ]


def test_percent() -> None:
    assert [percent(x) for x in (0, 0.001, 0.01, 0.5, 0.999, 1)] == [
        "0 %",
        "under 1 %",
        "1 %",
        "50 %",
        "over 99 %",
        "100 %",
    ]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Packed rows of 130 columns, of which the last is what tells `a` from `b`, and examples of them."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    values = pd.DataFrame(rng.normal(size=(40, 130)), columns=[f"f{n:03}" for n in range(130)])
    values["f129"] = np.repeat([0.0, 1.0], 20)
    VALUES.parent.mkdir(parents=True)
    values.to_parquet(VALUES, index=False)
    inputs = {"_target_": "tumours.inputs.Table", "columns": dict.fromkeys(values, "number")}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params("tables", inputs=inputs), sort_keys=False))
    table = pd.DataFrame({"id": [f"e{i:02}" for i in range(40)], "label": ["a"] * 20 + ["b"] * 20, "weight": "1"})
    table["row"], table["input"] = [str(row) for row in range(40)], digests(values, table["id"])
    (tmp_path / "data/examples").mkdir()
    table.to_csv("data/examples/train.csv", index=False)
    return table.assign(suggested=["b"] * 20 + ["a"] * 20)


def test_page_features(project: pd.DataFrame) -> None:
    """A hundred of 130 columns in two orders; the one that depends on labels starts with what tells them apart."""
    about, items = page_features(project, ["a", "b", "unused"])
    assert about["features"][129] == "f129" and [item["told"][0] for item in items] == [129] * 40
    assert len(items[0]["told"]) == len(items[0]["plain"]) == 100 <= len(items[0]["cells"]) <= 130
    assert set(items[0]["cells"]) == {*items[0]["told"], *items[0]["plain"]}
    assert items[0]["cells"][129] == ["0", "same in 50 %", [25]] and about["bands"][129] == [[25, 25], [75, 75], None]
    turned = page_features(project.assign(label=project["suggested"], suggested=project["label"]), ["a", "b"])[1]
    assert [item["plain"] for item in turned] == [item["plain"] for item in items]


def test_rows_that_are_not_those_of_the_table(project: pd.DataFrame) -> None:
    found = read_rows()
    assert found is not None
    project.loc[[1, 2, 3], "row"] = ["99", "", "x"]
    project.loc[4, "input"] = "0" * 16
    values, same = found.of(project)
    assert np.flatnonzero(~same).tolist() == [1, 2, 3, 4] and len(values) == 40
    assert values["f129"].isna().tolist() == [False, True, True, True, *[False] * 36]
    with pytest.raises(Refusal, match="holds other inputs than data/examples/; `dvc repro`, or `dvc checkout`"):
        page_features(project, ["a", "b"])
    VALUES.unlink()
    assert read_rows() is None and page_features(project, ["a"])[1] == [{}] * 40


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("two\n lines\t", "two lines"),
        ("a long text with words", "a long text…"),
        ("x" * 30, "x" * 14 + "…"),
        ("ab " * 4 + " " * 100 + "end", "ab ab ab ab…"),
        ("", ""),
    ],
)
def test_beginning(text: str, shown: str) -> None:
    assert beginning(text, 15) == shown
