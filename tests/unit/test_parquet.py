"""Labels in Parquet: the same data revision as from CSV, in one piece or in many; what is no table of labels is refused."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import IDENTITY, TEMPLATE, params
from datapass.adopt.trained import trained
from datapass.comparison import datadiff
from datapass.comparison.revisions import Revision
from datapass.comparison.side_by_side import changed_rows
from datapass.data import by_id
from datapass.data.alike import alike, in_order
from datapass.data.examples import read_examples, written_as
from datapass.data.raw import read_raw
from datapass.files import parquet
from datapass.files.parquet import ParquetTable, ParquetWriter, regular
from datapass.files.paths import SPLITS, TABLES
from datapass.files.tables import TEXT, read_table, write_table
from datapass.messages.problems import Refusal
from datapass.stages import curate

HEADER = "id,action,label,was,reason,by"
AS_PARQUET = "".join(f"- data/examples/{split}.parquet\n" for split in SPLITS)
OUTPUTS = [*(path.as_posix() for path in TABLES), "data/examples/classes.csv", "reports/data.json"]


def pieces_of(size: int) -> ExitStack:
    """Read, sort and write in pieces of a few rows, on disk where DuckDB is installed."""
    stack = ExitStack()
    stack.enter_context(mock.patch.object(parquet, "PIECE", size))
    stack.enter_context(mock.patch.object(parquet, "GROUP", 2 * size))
    return stack


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("data/passes").mkdir(parents=True)
    Path("data/inputs").mkdir()
    Path("data/label_book.md").write_text("## cat\n## dog\n", encoding="utf-8")
    checks = {"min_examples": 1, "mass_edit": 0.9, "balance_jump": 0.9}
    chosen: dict[str, Any] = {"passes": {"until": None, "without": []}, "checks": checks, "classes": ["cat", "dog"]}
    chosen["split"] = {"validation": 0.2, "test": 0.3, "salt": "1"}
    Path("params.yaml").write_text(yaml.safe_dump(params(**chosen)), encoding="utf-8")
    return tmp_path


def deliver(table: pd.DataFrame | pa.Table, name: str = "", form: str = ".parquet") -> Path:
    path = Path("data/raw") / name / f"labels{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == ".csv":
        write_table(table, path)
    else:
        arrow = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
        pq.write_table(arrow, path, row_group_size=4)
    return path


def pack(ids: list[str], inputs: dict[str, str]) -> None:
    found = [inputs.get(id) or hashlib.sha256(id.encode()).hexdigest()[:16] for id in ids]
    table = pd.DataFrame({"id": ids, "input": found}, dtype="str")
    table.to_parquet("data/inputs/index.parquet", index=False)


def outcome(tables: list[pd.DataFrame], form: str, inputs: dict[str, str], size: int, disk: bool = False) -> list[Any]:
    """Run `curate` and return what it wrote, or what it said: of both forms in the words for CSV."""
    shutil.rmtree("data/raw", ignore_errors=True)
    shutil.rmtree("data/examples", ignore_errors=True)
    for number, table in enumerate(tables):
        deliver(table, "later" * number, form)
    pack([id for table in tables for id in table["id"]], inputs)
    with pieces_of(size), mock.patch.object(by_id, "FEW", 0 if disk else by_id.FEW):
        try:
            curate.main()
        except Refusal as refusal:
            lines = re.sub(r"labels\.parquet, row (\d+)", lambda m: f"labels.csv:{int(m[1]) + 1}", str(refusal))
            return lines.replace("labels.parquet", "labels.csv").split("\n")
    report = json.loads(Path("reports/data.json").read_text(encoding="utf-8"))
    text = json.dumps(report).replace("labels.parquet", "labels.csv")
    return [text, *(Path(path).read_bytes() for path in OUTPUTS[:-1])]


IDS = st.sampled_from([f"a{i}" for i in range(12)] + ["ä,1", 'b"', "Z"])
ODD = st.sampled_from(["cat"] * 10 + ["dog"] * 10 + ["cta", "", " dog"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": IDS,
            "label": ODD,
            "group": st.sampled_from(["", "", "", "g", "h"]),
            "split": st.sampled_from([""] * 12 + ["train", "test", "trian"]),
            "note": st.sampled_from(["", "n, 1", 'say "hi"', "007"]),
        }
    ),
    min_size=4,
    max_size=14,
)
EDIT = st.tuples(
    st.one_of(IDS, st.just("")),
    st.sampled_from(["relabel", "drop", "add", "add-test", "keep", "merge-class", "rename-class", "relable"]),
    st.sampled_from(["", "cat", "dog", "owl"]),
    st.sampled_from(["", "cat", "dog"]),
)
GOOD = st.tuples(IDS, st.sampled_from(["drop", "add", "add-test", "keep"]), st.just(""), st.just(""))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    ROWS, ROWS, st.booleans(), st.lists(st.one_of(GOOD, EDIT), max_size=4), st.dictionaries(IDS, st.sampled_from("pq"))
)
def test_parquet_is_curated_as_csv_is(
    here: Path, first: list[Any], later: list[Any], unique: bool, edits: list[Any], inputs: dict[str, str]
) -> None:
    """The same tables, report and errors from CSV, from Parquet, and from either in pieces of 3 rows."""
    tables = [pd.DataFrame(rows, dtype="str") for rows in (first, later)]
    if unique:
        whole = pd.concat(tables, keys=[0, 1]).drop_duplicates("id")
        whole["label"] = whole["label"].where(whole["label"].isin(["cat", "dog"]), "cat")
        whole["split"] = whole["split"].replace("trian", "")
        tables = [table.reset_index(drop=True) for _, table in whole.groupby(level=0)]
    lines = [",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in (*edit, "", "")) for edit in edits]
    Path("data/passes/p001-a.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    expected = outcome(tables, ".csv", inputs, parquet.PIECE)
    assert outcome(tables, ".parquet", inputs, parquet.PIECE) == expected
    assert outcome(tables, ".parquet", inputs, 3) == expected
    assert outcome(tables, ".csv", inputs, 3) == expected
    Path("dvc.yaml").write_text(AS_PARQUET, encoding="utf-8")
    try:
        as_parquet = outcome_parquet(tables, inputs)
    finally:
        Path("dvc.yaml").unlink()
    if as_parquet is not None:
        assert [(table.columns.tolist(), table.to_numpy().tolist()) for table in as_parquet] == [
            (table.columns.tolist(), table.to_numpy().tolist())
            for table in (read_table(Path("x.csv"), content=content) for content in expected[1:4])
        ]
    else:
        assert all(isinstance(line, str) for line in expected), "both are refused"


def outcome_parquet(tables: list[pd.DataFrame], inputs: dict[str, str]) -> list[pd.DataFrame] | None:
    """Return the example tables that `curate` writes as Parquet, or None where it refuses."""
    shutil.rmtree("data/examples", ignore_errors=True)
    pack([id for table in tables for id in table["id"]], inputs)
    with pieces_of(3):
        try:
            curate.main()
        except Refusal:
            return None
        assert not list(Path("data/examples").glob("t*.csv"))
        return [read_table(path.with_suffix(".parquet")) for path in TABLES]


def labels(n: int = 8, **columns: Any) -> dict[str, Any]:
    return {"id": [f"x{i}" for i in range(n)], "label": ["cat", "dog"] * (n // 2)} | columns


TEXTS = {
    "whole numbers": (pa.array([7, 1 << 60]), ["7", "1152921504606846976"]),
    "numbers of one byte": (pa.array([0, 255], pa.uint8()), ["0", "255"]),
    "numbers with fractions": (pa.array([1.0, 0.1]), ["1.0", "0.1"]),
    "missing numbers": (pa.array([None, 1e-7]), ["", "1e-07"]),
    "not a number": (pa.array([float("nan"), -2.5], pa.float32()), ["", "-2.5"]),
    "yes and no": (pa.array([True, None]), ["True", ""]),
    "categories": (pa.array(["a", None]).dictionary_encode(), ["a", ""]),
    "categories of numbers": (pa.array([5, 6]).dictionary_encode(), ["5", "6"]),
    "long text": (pa.array(["007", "NA"], pa.large_string()), ["007", "NA"]),
    "text by reference": (pa.array(["ä€😀", "a\nb"], pa.string_view()), ["ä€😀", "a\nb"]),
    "money": (pa.array([Decimal("1.50"), Decimal("2.00")]), ["1.50", "2.00"]),
    "days": (pa.array([0, 19000], pa.date32()), ["1970-01-01", "2022-01-08"]),
    "moments": (pa.array([0, 1], pa.timestamp("s")), ["1970-01-01 00:00:00", "1970-01-01 00:00:01"]),
    "moments with fractions": (
        pa.array([0, 1500000], pa.timestamp("us")),
        ["1970-01-01 00:00:00", "1970-01-01 00:00:01.500000"],
    ),
    "moments of a zone": (
        pa.array([0, 1500], pa.timestamp("ms", "Europe/Paris")),
        ["1970-01-01 01:00:00+01:00", "1970-01-01 01:00:01.500+01:00"],
    ),
    "moments of the world": (
        pa.array([0, None], pa.timestamp("us", "UTC")).dictionary_encode(),
        ["1970-01-01 00:00:00+00:00", ""],
    ),
    "times of day": (pa.array([0, 1], pa.time32("ms")), ["00:00:00", "00:00:00.001"]),
    "nothing": (pa.nulls(2), ["", ""]),
}


@pytest.mark.parametrize(("cells", "text"), TEXTS.values(), ids=TEXTS.keys())
def test_cells_are_the_text_that_csv_has(here: Path, cells: pa.Array, text: list[str]) -> None:
    deliver(pa.table({"id": ["a", "b"], "label": ["cat", "dog"], "what": cells}))
    raw = read_raw(Path("data/raw"))
    assert raw.found == [] and raw.table["what"].tolist() == text
    assert raw.text("what", np.array([1, 0])) == text[::-1]


def test_whole_numbers_are_ids_and_labels(here: Path) -> None:
    deliver(pa.table({"id": [1, 2, 10], "label": pa.array([0, 1, 1], pa.int8())}))
    pack(["1", "2", "10"], {})
    Path("params.yaml").write_text(
        Path("params.yaml").read_text().replace("- cat\n", "- 0\n").replace("- dog\n", "- 1\n")
    )
    raw = read_raw(Path("data/raw"))
    assert (
        raw.found == []
        and raw.table["id"].tolist() == ["1", "2", "10"]
        and raw.table["label"].tolist() == ["0", "1", "1"]
    )


def test_groups_are_dates_alike_in_both_forms(here: Path) -> None:
    """Days are written in one form, so a delivery of either names the same group."""
    days = pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"])).dt.date
    table = pd.DataFrame({"id": ["a", "b"], "label": ["cat", "dog"], "group": days})
    Path("data/raw").mkdir()
    table.to_csv("data/raw/labels.csv", index=False)
    deliver(table.assign(id=["c", "d"]), "later")
    raw = read_raw(Path("data/raw"))
    assert raw.table["group"].tolist() == ["2020-01-01", "2020-01-02"] * 2 and raw.groups.tolist() == [0, 1] * 2


BYTES = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(np.array([0, 1], np.int32)), pa.py_buffer(b"\xff")])
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "id twice": (
        labels(id=[f"x{i}" for i in range(7)] + ["x2"]),
        'labels.parquet, row 8: id "x2": this id stands above',
    ),
    "id missing": (
        labels(id=["x", None] + [f"y{i}" for i in range(6)]),
        'labels.parquet, row 2: id "": the id is empty',
    ),
    "label missing": (labels(label=[None] + ["cat"] * 7), 'labels.parquet, row 1: id "x0": the label is empty'),
    "ids with fractions": (
        labels(id=pa.array(np.arange(8.0))),
        "has numbers with fractions (double) in the column `id`",
    ),
    "labels with fractions": (labels(label=pa.array([None] + [1.0] * 7)), "in the column `label`; write text or whole"),
    "groups with fractions": (labels(group=pa.array(np.arange(8.0))), "in the column `group`; write text or whole"),
    "ids that are moments": (
        labels(id=pa.array(range(8), pa.timestamp("us"))),
        "has times (timestamp[us]) in the column `id`, which CSV has in several forms; write text or dates",
    ),
    "labels that are times of day": (
        labels(label=pa.array([1] * 8, pa.time32("s"))),
        "in the column `label`, which CSV",
    ),
    "groups that are moments": (
        labels(group=pa.array([0] * 8, pa.timestamp("ms", "UTC"))),
        "has times (timestamp[ms, tz=UTC]) in the column `group`",
    ),
    "lists": (labels(box=[[1, 2]] * 8), 'has a column "box" of the type list<'),
    "nested": (labels(meta=[{"a": 1}] * 8), 'has a column "meta" of the type struct<'),
    "bytes": (labels(picture=[b"x"] * 8), 'has a column "picture" of the type binary'),
    "spans of time": (labels(took=pa.array([1] * 8, pa.duration("s"))), 'has a column "took" of the type duration'),
    "a NUL in an id": (
        labels(id=["a\0b"] + [f"y{i}" for i in range(7)]),
        'cells in the column "id" that hold a NUL byte',
    ),
    "no UTF-8": ({"id": BYTES, "label": ["cat"]}, 'cells in the column "id" that are not UTF-8'),
    "no label column": ({"id": ["a"], "labels": ["cat"]}, 'has no column `label`; did you mean "labels"?'),
    "a name the project uses": (labels(weight=[1] * 8), "has a column `weight`, a name the project uses"),
    "no rows": ({"id": pa.array([], pa.string()), "label": pa.array([], pa.string())}, "lists no examples"),
    "a line end in an id": (
        labels(id=["a\n"] + [f"y{i}" for i in range(7)]),
        "has blanks around it or control characters",
    ),
    "an unknown split": (labels(split=["trian"] + [""] * 7), 'row 1: id "x0": the split "trian" is none of'),
    "an unknown class": (
        labels(label=["cat"] * 4 + ["cta"] * 4),
        'row 5: id "x4": the class "cta" is not known (4 rows)',
    ),
}


@pytest.mark.parametrize("size", [3, 1 << 18], ids=["in pieces", "in one piece"])
@pytest.mark.parametrize(("columns", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_tables(here: Path, columns: dict[str, Any], said: str, size: int) -> None:
    deliver(pa.table(columns))
    ids = pa.array(columns["id"]).to_pylist() if said.find("UTF-8") < 0 else [""]
    pack([str(id or "") for id in ids], {})
    with pieces_of(size), pytest.raises(Refusal) as refusal:
        curate.main()
    assert said in str(refusal.value)
    assert str(refusal.value).replace("\n", "").isprintable()
    assert not Path("data/examples").exists()


def test_what_is_refused_before_a_table_is_read(here: Path) -> None:
    good = deliver(pa.table(labels()))
    content = good.read_bytes()
    deliver(pd.DataFrame(labels(), dtype="str"), form=".csv")
    for name, damaged in {"a": b"id,label\n", "b": content[:-9], "c": b"", "d": b"PAR1" + b"\0" * 40 + b"PAR1"}.items():
        path = Path(f"data/raw/{name}/labels.parquet")
        path.parent.mkdir()
        path.write_bytes(damaged)
    doubled = pa.table([pa.array(["y"])] * 3, ["id", "label", "label"])
    deliver(doubled, "e")
    with pytest.raises(Refusal) as refusal:
        read_raw(Path("data/raw"))
    text = str(refusal.value)
    assert "data/raw/labels.parquet: stands beside labels.csv; keep one of the two" in text
    assert [text.count(f"data/raw/{name}/labels.parquet: cannot be read as Parquet") for name in "abcd"] == [1] * 4
    assert 'data/raw/e/labels.parquet: names the column "label" twice' in text


def test_damaged_pages_are_refused(here: Path) -> None:
    path = deliver(pa.table(labels(400)))
    content = bytearray(path.read_bytes())
    content[100:140] = b"\xff" * 40
    path.write_bytes(content)
    with pytest.raises(Refusal, match="cannot be read as Parquet"):
        print(read_raw(Path("data/raw")).found, read_raw(Path("data/raw")).table)


def test_both_forms_in_one_project(here: Path) -> None:
    """A delivery of each form; what one of them lacks is empty."""
    deliver(pa.table(labels(4)))
    deliver(
        pd.DataFrame({"id": ["y1", "y0"], "label": ["cat", "dog"], "site": ["north", ""]}, dtype="str"), "b", ".csv"
    )
    deliver(pa.table({"id": ["z"], "label": ["cat"], "group": ["g"]}), "c")
    raw = read_raw(Path("data/raw"))
    for size in (1, 2, 100):
        pieces = [piece for _, piece in raw.pieces(["id", "site", "group"], size)]
        assert [len(piece) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
        table = pa.concat_tables(pieces)
        assert table["id"].to_pylist() == ["x0", "x1", "x2", "x3", "y1", "y0", "z"]
        assert table["site"].to_pylist() == ["", "", "", "", "north", "", ""]
    assert raw.groups.tolist() == [-1] * 6 + [0]
    assert raw.delivery.tolist() == [0] * 4 + [1] * 2 + [2]
    assert raw.coded("site").among(["north"]).tolist() == [False] * 4 + [True] + [False] * 2
    assert raw.coded("nowhere").among([""]).all() and raw.text("nowhere", np.array([2])) == [""]


# --- what the rules rest on ---------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["", "a", "b", "c", "dd"]), max_size=12), st.integers(1, 5), st.booleans())
def test_rows_that_share_a_text(texts: list[str], size: int, collide: bool) -> None:
    """Even where different texts hash alike."""
    chunks = [pa.array(texts[i : i + size], pa.string()) for i in range(0, len(texts), size)]
    name = "datapass.data.alike.hashed"
    same = mock.patch(name, lambda texts: np.array([len(text.as_py()) for text in texts], np.uint64))
    with same if collide else mock.patch(name, wraps=sys.modules["datapass.data.alike"].hashed):
        rows, codes = alike(lambda: chunks, len(texts))
    expected = [i for i, text in enumerate(texts) if text and texts.count(text) > 1]
    assert rows.tolist() == expected
    numbers = pd.Series(codes).groupby([texts[i] for i in expected]).unique()
    assert all(len(one) == 1 for one in numbers) and len({one[0] for one in numbers}) == len(numbers)


@given(st.lists(st.sampled_from(["", "A", "a", "ä", "aa", "｡", "😀"]), max_size=6), st.integers(1, 3))
def test_order_is_by_code_points(texts: list[str], size: int) -> None:
    chunks = [pa.array(texts[i : i + size], pa.string()) for i in range(0, len(texts), size)]
    assert in_order(iter(chunks)) == all(a < b for a, b in pairwise(texts))


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """However they come in pieces: what is sorted on disk and what is not is one data revision."""
    table = pa.table({"id": [f"x{i:02}" for i in range(50)], "weight": np.ones(50, np.int8)})
    with mock.patch.object(parquet, "GROUP", 16):
        for size in (1, 7, 16, 50):
            writer = ParquetWriter(tmp_path / f"{size}.parquet")
            for piece in [table.slice(0, 0), *regular([table], size)]:
                writer.write(piece)
            writer.close()
    assert len({(tmp_path / f"{size}.parquet").read_bytes() for size in (1, 7, 16, 50)}) == 1
    assert ParquetTable(tmp_path / "1.parquet", "t").read()["id"].equals(table["id"])


UNSORTED = [f"{text}{i}" for i in range(40) for text in ("ä", "Z", "a", "😀", "｡")][::-1]


def test_many_rows_are_sorted_on_disk(here: Path) -> None:
    pytest.importorskip("duckdb", reason="pip install '.[large]' brings DuckDB")
    table = pd.DataFrame(
        {"id": UNSORTED, "label": ["cat", "dog"] * 100, "note": "n", "Note": "N", "c0": "0"}, dtype="str"
    )
    expected = outcome([table], ".parquet", {}, 7)
    assert outcome([table], ".parquet", {}, 7, disk=True) == expected
    assert sorted(read_examples()["id"]) == sorted(UNSORTED)
    assert not list(Path("data").glob(".*"))


def test_many_rows_without_duckdb(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    table = pd.DataFrame({"id": UNSORTED, "label": ["cat", "dog"] * 100}, dtype="str")
    (said,) = outcome([table], ".parquet", {}, 7, disk=True)
    assert "are sorted by DuckDB: pip install -c constraints.txt -e '.[large]'" in said
    assert not Path("data/examples").exists()
    assert len(outcome([table.sort_values("id")], ".parquet", {}, 7, disk=True)) > 1, "ids in order need no sorting"


# --- the example tables -------------------------------------------------------------------------------------------

PIPELINES = {
    "none": ("", ".csv"),
    "as the template has it": ((TEMPLATE / "dvc.yaml").read_text(encoding="utf-8"), ".csv"),
    "all as Parquet": (AS_PARQUET, ".parquet"),
    "named in a comment": (f"# {AS_PARQUET}".replace("\n", "\n# ") + "- data/examples/train.csv", ".csv"),
    "two suffixes": (
        AS_PARQUET + "deps: [data/examples/test.csv]",
        "names the tables of data/examples/ with .csv and .parquet",
    ),
    "another suffix": (AS_PARQUET.replace("parquet", "feather"), "with .feather; write .csv in all lines, or .parquet"),
}


@pytest.mark.parametrize(("pipeline", "expected"), PIPELINES.values(), ids=PIPELINES.keys())
def test_the_suffix_is_what_dvc_yaml_says(here: Path, pipeline: str, expected: str) -> None:
    Path("dvc.yaml").write_text(pipeline, encoding="utf-8")
    if expected.startswith("."):
        assert written_as() == expected
    else:
        with pytest.raises(Refusal) as refusal:
            written_as()
        assert expected in str(refusal.value)


def test_tables_of_the_other_suffix_go(here: Path) -> None:
    deliver(pa.table(labels()))
    pack(labels()["id"], {})
    curate.main()
    before = read_examples()
    Path("data/examples/.gitignore").write_text("/train.csv\n", encoding="utf-8")
    Path("dvc.yaml").write_text(AS_PARQUET, encoding="utf-8")
    curate.main()
    names = {path.name for path in Path("data/examples").iterdir()}
    assert names == {".gitignore", "classes.csv", *(f"{split}.parquet" for split in SPLITS)}
    pd.testing.assert_frame_equal(read_examples(), before)
    Path("dvc.yaml").unlink()
    with pytest.raises(Refusal, match="is missing"):
        read_examples()


# --- the differences of two revisions -----------------------------------------------------------------------------

EXAMPLE = st.fixed_dictionaries(
    {
        "label": st.sampled_from(["cat", "dog"]),
        "weight": st.sampled_from(["1", "1", "0"]),
        "input": st.sampled_from("pq"),
        "note": st.sampled_from(["", "n"]),
        "split": st.integers(0, 2),
    }
)
SIDE = st.dictionaries(IDS, EXAMPLE, max_size=15)


def side(examples: dict[str, Any], form: str, drop: bool) -> Revision:
    """Return a revision with these examples, of the workspace's kind, whose files are in memory."""
    contents: dict[str, bytes | None] = {}
    written = pd.DataFrame.from_dict(examples, orient="index", columns=["label", "weight", "input", "note", "split"])
    written = written.rename_axis("id").reset_index().sort_values("id")
    written.insert(2, "given_label", written["label"])
    written["passes"] = written["row"] = ""
    for number, path in enumerate(TABLES):
        table = written[written["split"] == number].drop(columns=["split", "note"] if drop else ["split"]).astype(TEXT)
        made = Path(f"made{form}")
        table.to_csv(made, index=False) if form == ".csv" else table.to_parquet(made, index=False)
        contents |= {path.as_posix(): None, path.with_suffix(form).as_posix(): made.read_bytes()}
    outs = [{"path": path.with_suffix(form).as_posix(), "md5": "0"} for path in TABLES]
    contents["dvc.lock"] = yaml.safe_dump({"stages": {"curate": {"cmd": "c", "outs": outs}}}).encode()
    contents["dvc.yaml"] = f"outs: {[one['path'] for one in outs]}".encode()
    return Revision("side", None, contents)


def test_a_table_of_the_other_form_is_none_of_a_revisions_data(here: Path) -> None:
    """Such as one that Git still holds from before, or that somebody put there: no stage wrote it."""
    one = side({"a": {"label": "cat", "weight": "1", "input": "p", "note": "", "split": 0}}, ".parquet", drop=True)
    one.contents["data/examples/train.csv"] = b"id,label,given_label,weight,row,input,passes\nghost,dog,dog,1,0,q,\n"
    assert one.table(TABLES[0])["id"].tolist() == ["a"]
    assert [list(old["id"]) for old, _ in changed_rows(one, side({}, ".csv", drop=True), SPLITS, {})] == [["a"]]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    SIDE,
    SIDE,
    st.booleans(),
    st.booleans(),
    st.sampled_from([("parquet", "csv"), ("parquet", "parquet")]),
    st.booleans(),
)
def test_tables_side_by_side(
    here: Path, old: Any, more: Any, near: bool, drop: bool, forms: tuple[str, str], rename: bool
) -> None:
    """The changes are those of the whole tables, whatever is in memory at a time."""
    new = old | dict(list(more.items())[:3]) if near else more
    names = {"cat": "dog", "dog": "cat"} if rename else {}
    sides = [
        side(examples, f".{form}", cut) for examples, form, cut in zip((old, new), forms, (drop, False), strict=True)
    ]
    whole = [
        pd.concat(
            [one.table(path).assign(split=np.int8(number)) for number, path in enumerate(TABLES)], ignore_index=True
        )
        for one in sides
    ]
    whole[0]["label"] = whole[0]["label"].replace(names)
    expected = datadiff._rows(*whole)
    with pieces_of(2):
        parts = [datadiff._rows(*pair) for pair in changed_rows(*sides, SPLITS, names)]
    found = pd.concat([expected.head(0), *parts], ignore_index=True)
    assert found.to_numpy().tolist() == expected.to_numpy().tolist()


def test_unsorted_parquet_is_not_compared(here: Path) -> None:
    """It would tell rows as gone and as new; CSV is sorted first."""
    table = pa.table(dict.fromkeys(("label", "given_label", "weight", "row", "input", "passes"), [""] * 6))
    table = table.append_column("id", pa.array(list("abcfed")))
    pq.write_table(table, "unsorted.parquet")
    one = side({}, ".parquet", drop=True)
    one.contents["data/examples/test.parquet"] = Path("unsorted.parquet").read_bytes()
    with pieces_of(2), pytest.raises(Refusal, match=r"side:data/examples/test\.parquet: is not sorted by id"):
        list(changed_rows(one, one, SPLITS, {}))


@pytest.mark.parametrize("kept", ["by Git", "by DVC", "by neither"])
def test_what_was_trained_on_is_known_of_parquet(here: Path, monkeypatch: pytest.MonkeyPatch, kept: str) -> None:
    """A new test set must hold no example of it, of whatever form the tables were then."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    run = lambda *command: subprocess.run(["git", *command], check=True, capture_output=True)  # noqa: E731
    run("init", "-q")
    Path("data/examples").mkdir()
    held = {}
    for split, ids in {"train": ["b003"], "validation": []}.items():
        path = Path(f"data/examples/{split}.parquet")
        pd.DataFrame({"id": ids, "input": ["x"] * len(ids)}, dtype="str").to_parquet(path, index=False)
        held[path.as_posix()] = path.read_bytes()
    outs = [{"path": path, "md5": "0"} for path in held]
    Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"curate": {"cmd": "c", "outs": outs}}}), encoding="utf-8")
    run("add", "dvc.lock", *(held if kept == "by Git" else ()))
    run("commit", "-q", "-m", "Then")
    shutil.rmtree("data/examples")
    if kept == "by DVC":
        monkeypatch.setattr(Revision, "need", lambda _, path: held[str(path)])
    table = pd.DataFrame({"id": ["b003", "b004", "b005"], "input": ["p", "x", "q"]}, dtype="str")
    if kept == "by neither":
        with pytest.raises(
            Refusal, match=r"neither Git nor DVC's cache nor a remote here has data/examples/train\.parquet"
        ):
            trained(table["id"], table["input"])
        return
    known, copied = trained(table["id"], table["input"])
    assert (known.tolist(), copied.tolist()) == ([True, False, False], [True, True, False])
