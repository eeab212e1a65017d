"""Inputs that are rows: which cells are which kind, where the columns come from, and what is refused by file, line and id."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tumours.inputs import Table

from datapass.data.packed import read_packed, take
from datapass.data.raw import read_raw
from datapass.data.rows import check_columns, digests, pack_rows, parse
from datapass.messages.problems import Refusal

NAN = float("nan")
READ: dict[str, tuple[str, Any, Any]] = {
    "numbers": ("number", ["1", "-2.5", "1e3", " 7 ", ""], [1, -2.5, 1000, 7, NAN]),
    "numbers with types": ("number", [1, 2.5, None], [1, 2.5, NAN]),
    "booleans": (
        "boolean",
        ["true", "False", "YES", "no", "1", "0", ""],
        [1, 0, 1, 0, 1, 0, NAN],
    ),
    "booleans with types": ("boolean", [True, False, None], [1, 0, NAN]),
    "dates": ("date", ["1970-01-02", "1969-12-31T12:00:00", "1970-01-01T01:00+01:00", ""], [1, -0.5, 0, NAN]),
    "dates with types": ("date", pd.to_datetime(["1970-01-03", None]), [2, NAN]),
    "categories": ("category", ["b", "a", "", "NA"], ["b", "a", None, "NA"]),
    "texts": ("text", ["a\nb", ""], ["a\nb", ""]),
}
NO: dict[str, tuple[str, str, str]] = {
    "a word": ("number", "abc", '"x" is no number: "abc"'),
    "a comma": ("number", "1,5", '"x" is no number: "1,5"'),
    "without end": ("number", "inf", '"x" is no number: "inf"'),
    "neither": ("boolean", "maybe", '"x" is no boolean: "maybe"'),
    "another order": ("date", "31.12.2024", '"x" is no date: "31.12.2024"'),
    "no day of any month": ("date", "2024-02-30", '"x" is no date: "2024-02-30"'),
}


@pytest.mark.parametrize(("kind", "cells", "expected"), READ.values(), ids=READ.keys())
def test_cells_of_each_kind(kind: str, cells: Any, expected: list[Any]) -> None:
    values, wrong = parse(pd.DataFrame({"x": pd.Series(cells)}), {"x": kind})
    assert wrong == {}
    found = [None if pd.isna(value) else value for value in values["x"]]
    assert found == [None if pd.isna(value) else value for value in expected]


@pytest.mark.parametrize(("kind", "cell", "said"), NO.values(), ids=NO.keys())
def test_cells_of_another_kind(kind: str, cell: str, said: str) -> None:
    good = {"number": "1", "boolean": "yes", "date": "2024-01-01"}[kind]
    assert parse(pd.DataFrame({"x": [good, cell, ""]}), {"x": kind})[1] == {1: said}


def test_a_column_of_another_kind_is_not_said_row_by_row() -> None:
    wrong = parse(pd.DataFrame({"x": ["a"] * 1000}), {"x": "number"})[1]
    assert len(wrong) == 5
    assert wrong[4].endswith("(and 995 more rows)")


@pytest.mark.parametrize(
    "columns",
    [{}, None, ["a"], {"a": "float"}, {7: "number"}, {"id": "category"}],
    ids=["none", "null", "a list", "unknown", "no name", "the id"],
)
def test_columns_that_are_no_mapping_to_kinds(columns: Any) -> None:
    with pytest.raises(ValueError, match="number, category, boolean, date"):
        check_columns(columns)


class Inputs:
    def __init__(self, **columns: str) -> None:
        self.columns = columns


def deliver(folder: Path, labels: str, features: str | None = None, more: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text(labels + more, encoding="utf-8")
    if features is not None:
        (folder / "features.csv").write_text(features, encoding="utf-8")
    return folder


def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **columns: str) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    raw = Path("data/raw")
    pack_rows(read_raw(raw), Path("data/inputs"), Inputs(**columns))
    found = read_packed()
    assert isinstance(found, pd.DataFrame)
    return found


def test_features_stand_beside_each_delivery_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = deliver(tmp_path / "data/raw", "id,label\nb,x\na,y\n", "id,size,kind\na,1,p\nb,2,q\nnobody,3,r\n")
    deliver(raw / "later", "id,label\nc,x\n", "kind,id,size\nr,c,\n")
    values = packed(tmp_path, monkeypatch, size="number", kind="category")
    assert values["size"].tolist()[:2] == [2, 1]
    assert np.isnan(values["size"][2])
    assert values["kind"].tolist() == ["q", "p", "r"]
    index = pd.read_parquet("data/inputs/index.parquet")
    assert index["id"].tolist() == ["b", "a", "c"]
    assert index["input"].tolist() == digests(values, index["id"]).tolist()


def test_features_may_be_parquet_with_types_or_columns_of_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = deliver(tmp_path / "data/raw", "id,label\n1,x\n2,y\n")
    pd.DataFrame({"id": [2, 1], "when": pd.to_datetime(["1970-01-02", None])}).to_parquet(raw / "features.parquet")
    deliver(raw / "later", "id,label,when\n3,x,1970-01-05\n")
    assert packed(tmp_path, monkeypatch, when="date")["when"].fillna(-1).tolist() == [-1, 1, 4]


REFUSED = {
    "no such column": ("id,label\na,x\n", "id,siez\na,1\n", 'has no column "size", which conf/data names; did you mean "siez"?'),
    "no row": ("id,label\na,x\nb,y\n", "id,size\na,1\n", 'id "b": has no row for this example'),
    "two rows": ("id,label\na,x\n", "id,size\na,1\na,2\n", 'id "a": has several rows for this example'),
    "no id": ("id,label\na,x\n", "name,size\na,1\n", "has no column `id`, by which rows belong to the examples"),
    "no number": ("id,label,size\na,x,1\nb,y,big\n", None, 'labels.csv:3: id "b": "size" is no number: "big"'),
    "no such column in labels": ("id,label\na,x\n", None, 'labels.csv:1: has no column "size"'),
}  # fmt: skip


@pytest.mark.parametrize(("labels", "features", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: str, features: str | None, said: str
) -> None:
    deliver(tmp_path / "data/raw", labels, features)
    with pytest.raises(Refusal) as refusal:
        packed(tmp_path, monkeypatch, size="number")
    assert said in str(refusal.value)
    assert not (tmp_path / "data/inputs").exists()


def test_two_files_of_features_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = deliver(tmp_path / "data/raw", "id,label\na,x\n", "id,size\na,1\n")
    pd.DataFrame({"id": ["a"], "size": [1]}).to_parquet(raw / "features.parquet")
    with pytest.raises(Refusal, match=r"stands beside features.parquet; keep one"):
        packed(tmp_path, monkeypatch, size="number")


CELL = st.one_of(st.none(), st.floats(allow_infinity=False, allow_nan=False), st.sampled_from([0.0, -0.0]))


@given(st.lists(st.tuples(CELL, st.sampled_from(["a", "b", "", "ä"])), min_size=1, max_size=30))
def test_a_hash_is_of_the_row_whatever_stands_beside_it(rows: list[tuple[float | None, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["n", "c"])
    values, wrong = parse(frame, {"n": "number", "c": "category"})
    assert not wrong
    ids = pd.Series(["same"] * len(rows))
    hashes = digests(values, ids)
    alone = [digests(take(values, np.array([i])), ids[:1]).iloc[0] for i in range(len(rows))]  # type: ignore[arg-type]
    assert hashes.tolist() == alone
    keys = [(None if n is None else n + 0.0, c) for n, c in rows]
    assert len(set(hashes)) == len(set(keys))
    assert all(len(digest) == 16 for digest in hashes)


def test_equal_rows_are_different_examples_and_equal_texts_one() -> None:
    ids = pd.Series(["a", "b"])
    rows, _ = parse(pd.DataFrame({"c": ["x", "x"]}), {"c": "category"})
    assert digests(rows, ids).nunique() == 2
    texts, _ = parse(pd.DataFrame({"text": ["x", "x"]}), {"text": "text"})
    assert digests(texts, ids).nunique() == 1


def test_a_missing_category_is_none_that_is_called_nan() -> None:
    values, _ = parse(pd.DataFrame({"c": ["", "nan"]}), {"c": "category"})
    assert digests(values, pd.Series(["a", "a"])).nunique() == 2


ODD: dict[str, tuple[str, pd.Series]] = {
    "moments as numbers": ("number", pd.to_datetime(pd.Series(["2024-01-01"]))),
    "spans of time": ("number", pd.to_timedelta(pd.Series([3]), unit="D")),
    "this moment": ("date", pd.Series(["now"])),
    "this day": ("date", pd.Series([" Today"])),
    "lists": ("category", pd.Series([[1, 2]])),
    "numbers with a point as categories": ("category", pd.Series([1.0])),
    "truth values as categories": ("category", pd.Series([True])),
    "both among others": ("category", pd.Series([1.0], dtype=object)),
}


@pytest.mark.parametrize(("kind", "cells"), ODD.values(), ids=ODD.keys())
def test_types_that_would_be_read_as_another_thing(kind: str, cells: pd.Series) -> None:
    assert list(parse(pd.DataFrame({"x": cells}), {"x": kind})[1]) == [0]


def test_whole_numbers_of_a_parquet_file_stay_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = deliver(tmp_path / "data/raw", "id,label,code\n1,x,9007199254740993\n")
    deliver(raw / "later", "id,label\n2,y\n3,y\n")
    codes = pa.table({"id": pa.array([2, 3]), "code": pa.array([9007199254740993, None])})
    pq.write_table(codes, raw / "later" / "features.parquet")
    values = packed(tmp_path, monkeypatch, code="category")
    assert values["code"].astype(object).where(values["code"].notna(), None).tolist() == ["9007199254740993"] * 2 + [
        None
    ]


@pytest.mark.parametrize("misspelt", ["first", "later"])
def test_a_column_that_only_another_delivery_has_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, misspelt: str
) -> None:
    names = ("Size", "size") if misspelt == "first" else ("size", "Size")
    raw = deliver(tmp_path / "data/raw", f"id,label,{names[0]}\na,x,1\n")
    deliver(raw / "later", f"id,label,{names[1]}\nb,x,2\n")
    with pytest.raises(Refusal, match=r'has no column "size".*did you mean "Size"'):
        packed(tmp_path, monkeypatch, size="number")


@pytest.mark.parametrize("name", ["group", "split", "text"])
def test_a_misspelt_column_of_a_delivery_is_named(tmp_path: Path, name: str) -> None:
    raw = deliver(tmp_path / "raw", f"id,label,{name}\na,x,train\n")
    deliver(raw / "later", f"id,label,{name.title()}\nb,x,train\n")
    with pytest.raises(
        Refusal, match=rf'has no column `{name}`, which another delivery has; did you mean "{name.title()}"'
    ):
        read_raw(raw)


def test_features_that_are_wrong_are_named_by_their_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(tmp_path / "data/raw", "id,label\na,x\n", "id,size\na,big\n")
    with pytest.raises(Refusal, match=r'data/raw/features.csv: id "a": "size" is no number: "big"'):
        packed(tmp_path, monkeypatch, size="number")


def test_the_order_of_the_columns_in_conf_decides_nothing() -> None:
    one, other = (Table(columns) for columns in ({"b": "number", "a": "category"}, {"a": "category", "b": "number"}))
    values, _ = parse(pd.DataFrame({"a": ["x", "y", ""], "b": ["1", "", "3"]}), one.columns)
    assert list(one.columns) == list(other.columns) == list(values)
    assert one.fit(values) == other.fit(values)
    assert np.array_equal(one.transform(values, one.fit(values)), other.transform(values, other.fit(values)))
