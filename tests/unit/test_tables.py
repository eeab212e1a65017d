"""CSV in and out: text stays the text it is, and what is not a table is refused with its line."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import SOURCE
from datapass.files.tables import lines_of, read_table, write_table
from datapass.files.writes import write_json, write_text, written
from datapass.messages.problems import Refusal, near_miss, quoted

KEPT = [
    "007",
    "1e5",
    "NA",
    "null",
    "nan",
    "",
    " a ",
    "2024-01-01",
    "TRUE",
    "=cmd|'/C calc'!A0",
    "ä€😀",
    "it''s",
    "0x1F",
    "-",
]
REFUSED = {
    "empty file": (b"", 1, "is empty"),
    "only blank lines": (b"\n\n", 1, "is empty"),
    "not UTF-8": (b"id,label\na,b\nc,\xff\n", 3, "is not UTF-8"),
    "UTF-16": ("id,label\na,b\n".encode("utf-16"), 1, "UTF-8"),
    "NUL": (b"id,label\na,b\nc,d\0\n", 3, "NUL"),
    "too few cells": (b"id,label\na,b\nc\n", 3, "1 cells where the header has 2"),
    "too many cells": (b"id,label\na,b\nc,d,e\n", 3, "3 cells"),
    "after a cell with line ends": (b'id,label\n"a\nb\nc",x\nd\n', 5, "1 cells"),
    "a quote that never closes": (b'id,label\na,"b\nc,d\n', 2, "quote"),
    "text after a quote": (b'id,label\na,b\nc,"d"e\n', 3, "quote"),
    "a column twice": (b"id,label,id\na,b,c\n", 1, "twice"),
}


@pytest.mark.parametrize(("content", "line", "what"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, content: bytes, line: int, what: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(Refusal) as refusal:
        read_table(path, "t.csv")
    assert refusal.value.problems[0].line == line
    assert what in str(refusal.value)
    assert str(refusal.value).startswith(f"t.csv:{line}: ")


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_text_stays_text(tmp_path: Path, end: str, mark: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes((mark + end.join(["id,label", *(f"x{i},{text}" for i, text in enumerate(KEPT))]) + end).encode())
    table = read_table(path)
    assert list(table.columns) == ["id", "label"]
    assert table["label"].tolist() == KEPT


def test_a_cell_of_a_megabyte_and_lines_without_end(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"id,label\na,{'x' * 2_000_000}\n\nb,y", encoding="utf-8")
    assert read_table(path)["label"].str.len().tolist() == [2_000_000, 1]


def test_all_ragged_lines_are_named_together(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,label\na\nb,c\nd,e,f\n", encoding="utf-8")
    with pytest.raises(Refusal) as refusal:
        read_table(path)
    assert [problem.line for problem in refusal.value.problems] == [2, 4]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(CELLS.filter(bool), CELLS), min_size=1))
def test_written_tables_are_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "back.csv"
    write_table(pd.DataFrame(rows, columns=["id", "label"], dtype="str"), path)
    table = read_table(path)
    assert list(table.itertuples(index=False, name=None)) == rows
    with path.open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)][1:] == rows


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"id,label\n" + content)
    try:
        table = read_table(path)
    except Refusal as refusal:
        assert refusal.problems[0].line is not None
    else:
        text = content.decode("utf-8")
        known = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        assert table.to_numpy().tolist() == known


def test_quotes_only_where_needed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_table(pd.DataFrame({"id": ["a", 'b"c', "d,e", "f\ng"], "n": [1, 2, 3, None]}), path)
    assert path.read_bytes() == b'id,n\na,1\n"b""c",2\n"d,e",3\n"f\ng",\n'


def test_lines_of_rows() -> None:
    assert lines_of(b'id\na\n\n"b\nc"\nd\n', [2, 0, 1]) == [6, 2, 4]


@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_a_failed_write_leaves_the_old(tmp_path: Path, folder: bool) -> None:
    target = tmp_path / "out"
    old = target / "file" if folder else target
    old.parent.mkdir(exist_ok=True)
    old.write_text("old")
    with pytest.raises(OSError, match="disk"), written(target) as aside:
        if folder:
            aside.mkdir()
        (aside / "file" if folder else aside).write_text("new, but not all")
        raise OSError("disk full")
    assert old.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for content in ("one", "two"):
        with written(target) as aside:
            aside.mkdir()
            (aside / content).write_text(content)
    assert [path.name for path in target.iterdir()] == ["two"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_killed_write_leaves_the_old_and_the_next_one_works(tmp_path: Path) -> None:
    write_text("old", tmp_path / "out")
    code = (
        "import os; from pathlib import Path; from datapass.files.writes import written\n"
        "with written(Path('out')) as aside: aside.write_text('half'); os._exit(9)"  # as a kill: nothing is tidied up
    )
    env = os.environ | {"PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=False)
    assert done.returncode == 9
    assert (tmp_path / "out").read_text() == "old"
    write_text("new", tmp_path / "out")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"out": "new"}


def test_json_is_stable_and_strict(tmp_path: Path) -> None:
    write_json({"b": 1, "a": "ä"}, tmp_path / "j.json")
    assert (tmp_path / "j.json").read_text(encoding="utf-8") == '{\n  "b": 1,\n  "a": "ä"\n}\n'
    with pytest.raises(ValueError, match=r"NaN|Out of range"):
        write_json(float("nan"), tmp_path / "j.json")
    assert json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))["b"] == 1


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("Football ", ["Football", "Tennis"], '"Football"'),
        ("tennis", ["Football", "Tennis"], '"Tennis"'),
        ("xyz", ["a"], ""),
    ],
)
def test_near_miss(word: str, known: list[str], hint: str) -> None:
    assert near_miss(word, known) == (f"; did you mean {hint}?" if hint else "")


@given(st.text(max_size=200))
def test_quoted_text_is_one_printable_line(text: str) -> None:
    assert quoted(text).isprintable()
    assert len(quoted(text, 20)) <= 20 * 10 + 2
