"""Deliveries of production: which are understood, which are refused, and that what was taken in is read as it was."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from conftest import params
from datapass.files.tables import read_table
from datapass.messages.problems import Refusal
from datapass.production import incoming
from datapass.production.delivered import read_delivered
from datapass.production.incoming import Taken, delivery_name, incoming_names, read_incoming, take_in
from datapass.production.new_inputs import read_new
from datapass.settings import load, make

Build = Callable[[], Path]
COLUMNS = {"speed": "number", "color": "category"}
TODAY = "2026-11-25"


class Today(date):
    @classmethod
    def today(cls) -> "Today":
        return cls.fromisoformat(TODAY)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What DVC and Git were told, of which neither is run."""
    said: list[tuple[str, ...]] = []

    def dvc(*arguments: str) -> str:
        said.append(("dvc", *arguments))
        Path(f"{arguments[-1]}.dvc").write_text("outs:\n", encoding="utf-8")
        return ""

    monkeypatch.setattr(incoming, "dvc", dvc)
    monkeypatch.setattr(incoming, "git", lambda *arguments: said.append(("git", *arguments)))
    monkeypatch.setattr(incoming, "date", Today)
    return said


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, ...]]) -> Callable[[str], None]:
    """Make the current folder a project of a kind, whose training table has the metadata `site`."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")

    def enter(kind: str) -> None:
        shipped = params(kind)
        if kind == "tables":
            shipped["data"]["inputs"]["columns"] = COLUMNS
        Path("params.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
        Path("data/examples").mkdir(parents=True)
        header = "id,label,given_label,weight,row,input,passes,site,picked_as,incoming"
        Path("data/examples/train.csv").write_text(f"{header}\ne0,cat,cat,1,0,aa,,north,,\n", encoding="utf-8")

    return enter


def inputs() -> Any:
    return make(load().data.inputs, "data: inputs")


def take(path: Path, name: str | None = None, group: str | None = None) -> Taken:
    return take_in(read_delivered(path, inputs(), group), name)


def picture(name: str, level: int) -> None:
    path = Path("../in") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), level).save(path)


def text(name: str, *lines: str) -> Path:
    path = Path("../in") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def pictures(*names: str) -> Path:
    for number, name in enumerate(names):
        picture(name, 20 * number)
    return Path("../in")


def with_table(*lines: str) -> Path:
    pictures("a.png", "b.png")
    return text("list.csv", *lines).parent


def with_others() -> Path:
    text("bad.png", "no picture")
    text("readme.md", "hello")
    return pictures("a.png")


def frame(**columns: list[Any]) -> pd.DataFrame:
    Path("../in").mkdir()
    return pd.DataFrame(columns)


def parquet() -> Path:
    frame(key=["k1", "k2"], speed=[1.5, None], color=["red", "blue"], site=["n", "s"]).to_parquet("../in/r.parquet")
    return Path("../in/r.parquet")


def xlsx() -> Path:
    frame(id=["k1", "k2"], speed=[1.5, 2], color=["red", "blue"], group=["g", "h"]).to_excel(
        "../in/r.xlsx", index=False
    )
    return Path("../in/r.xlsx")


ROWS = ["id,speed,color,site", "k1,1.5,red,n", "k2,,blue,s"]
PROSE = ["the cat sat on the mat and slept", "a dog was running over the wet grass"]
EMPTY = 'the column "label" is not read: `watch` looks at inputs; `datapass adopt` takes labelled data'

# kind, how to build it, ids, the other columns, notes
TAKEN: dict[str, tuple[str, Build, list[str], dict[str, list[str]], list[str]]] = {
    "a flat folder of pictures": (
        "images",
        lambda: pictures("a.png", "b.jpg"),
        ["a", "b"],
        {"path": ["files/a.png", "files/b.jpg"]},
        [],
    ),
    "pictures in folders": (
        "images",
        lambda: pictures("x/a.png", "x.y/a.png"),
        ["x/a", "x_y/a"],
        {"path": ["files/x/a.png", "files/x_y/a.png"]},
        [],
    ),
    "pictures that differ in their ending": (
        "images",
        lambda: pictures("a.jpg", "a.png"),
        ["a.jpg", "a.png"],
        {"path": ["files/a.jpg", "files/a.png"]},
        [],
    ),
    "other files, and one that is no picture": (
        "images",
        with_others,
        ["a"],
        {"path": ["files/a.png"]},
        ["left alone: 1 other file", 'left out: 1 file that cannot be read, such as "bad.png" is neither PNG nor JPEG'],
    ),
    "a table that names pictures": (
        "images",
        lambda: with_table("file,site,shutter,Group,label", "b.png,n,5,g1,cat", "a.png,s,6,g2,dog"),
        ["b", "a"],
        {"path": ["files/b.png", "files/a.png"], "site": ["n", "s"], "group": ["g1", "g2"]},
        [EMPTY],
    ),
    "a table by its own path": (
        "images",
        lambda: with_table("file,site", "a.png,n", "gone.png,s") / "list.csv",
        ["a"],
        {"path": ["files/a.png"], "site": ["n"]},
        ['left out: 1 row whose file is missing: "gone.png"'],
    ),
    "a table that names a file that is no picture": (
        "images",
        lambda: with_table("file,site", "bad.png,n", "a.png,s") if text("bad.png", "no picture") else Path(),
        ["a"],
        {"path": ["files/a.png"], "site": ["s"]},
        ['left out: 1 file that cannot be read, such as "bad.png"'],
    ),
    "one picture": (
        "images",
        lambda: pictures("a.png", "b.png") / "b.png",
        ["b"],
        {"path": ["files/b.png"]},
        [],
    ),
    "rows as CSV": ("tables", lambda: text("r.csv", *ROWS), ["k1", "k2"], {"site": ["n", "s"]}, []),
    "rows as CSV with semicolons": (
        "tables",
        lambda: text("r.csv", *(row.replace(",", ";") for row in ROWS)),
        ["k1", "k2"],
        {"site": ["n", "s"]},
        ["cells are separated by semicolons"],
    ),
    "rows as Parquet": ("tables", parquet, ["k1", "k2"], {"site": ["n", "s"]}, []),
    "rows as XLSX": ("tables", xlsx, ["k1", "k2"], {"group": ["g", "h"]}, []),
    "a folder with one table": ("tables", lambda: text("r.csv", *ROWS).parent, ["k1", "k2"], {"site": ["n", "s"]}, []),
    "rows without ids": (
        "tables",
        lambda: text("r.csv", "speed,color,label,incoming", "1,red,cat,x", "2,,dog,y"),
        ["row-000001", "row-000002"],
        {},
        [EMPTY],
    ),
    "rows whose ids are not unique": (
        "tables",
        lambda: text("r.csv", "id,speed,color", "k,1,red", "k,2,red"),
        ["row-000001", "row-000002"],
        {},
        [],
    ),
    "texts in a column of another name": (
        "texts",
        lambda: text("t.csv", "nr,body,site", f"5,{PROSE[0]},n", "6, ,s", f"7,{PROSE[1]},s"),
        ["5", "7"],
        {"text": PROSE, "site": ["n", "s"]},
        ["left out: 1 empty text"],
    ),
    "texts in the column `text` beside longer ones": (
        "texts",
        lambda: text("t.csv", "text,body", f"short,{PROSE[0]}", f"brief,{PROSE[1]}"),
        ["row-000001", "row-000002"],
        {"text": ["short", "brief"]},
        [],
    ),
    "text files": (
        "texts",
        lambda: text("b/2.txt", PROSE[1]).parents[1] if text("1.txt", PROSE[0]) else Path(),
        ["1", "b/2"],
        {"text": [f"{one}\n" for one in PROSE]},
        [],
    ),
    "one text file": ("texts", lambda: text("1.txt", PROSE[0]), ["1"], {"text": [f"{PROSE[0]}\n"]}, []),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "build", "ids", "columns", "notes"), TAKEN.values(), ids=TAKEN)
def test_taken_in(
    project: Callable[[str], None],
    told: list[tuple[str, ...]],
    kind: str,
    build: Build,
    ids: list[str],
    columns: dict[str, list[str]],
    notes: list[str],
) -> None:
    """A delivery gets ids of its own, and keeps its group and what the training table knows: nothing else."""
    project(kind)
    path = build()
    done = take(path, "new")
    assert (done.name, done.new, len(done.notes)) == ("new", True, len(notes))
    assert all(wanted in said for wanted, said in zip(notes, done.notes, strict=True)), done.notes
    table = read_table(Path("data/incoming/new/inputs.csv"))
    assert table.to_dict("list") == {"id": [f"new/{id}" for id in ids], **columns}
    assert told == [("dvc", "add", "data/incoming/new"), ("git", "add", "--", "data/incoming/new.dvc")]
    assert incoming_names() == ["new"]
    found = read_incoming("new")
    assert found.table.drop(columns="input").equals(table) and found.table["input"].is_unique
    assert take(path, "new") == Taken("new", False, done.notes)


REFUSED: dict[str, tuple[str, Build, str]] = {
    "nothing there": ("tables", lambda: Path("../in/gone.csv"), '"../in/gone.csv" is not there; name a folder, a file'),
    "an empty folder": ("images", lambda: text("x/a.md", "x").parent, "x holds no PNG or JPEG file."),
    "no picture can be read": ("images", lambda: text("x/a.png", "x").parent, "none of the files can be read"),
    "a picture of another format": ("images", lambda: text("x/a.tif", "x").parent, "a.tif: is a picture that is neither"),
    "a table that names no picture": ("images", lambda: text("r.csv", *ROWS), "r.csv names no PNG or JPEG file in any"),
    "files that are not there": ("images", lambda: text("l.csv", "file", "a.png"), "none of its 1 files is there"),
    "a file outside": ("images", lambda: text("x/l.csv", "file", "../../a.png"), "l.csv:2: the file"),
    "a missing column": (
        "tables",
        lambda: text("r.csv", "id,sped,color", "k1,1,red"),
        'r.csv:1: has no column "speed"; did you mean "sped"?',
    ),
    "a cell of another kind": (
        "tables",
        lambda: text("r.csv", "id,speed,color", "k1,1,red", "k2,fast,red", "k3,2,red", "k4,slow,red"),
        'r.csv:3: "speed" is no number: "fast"\nr.csv:5: "speed" is no number: "slow"',
    ),
    "an empty file": ("tables", lambda: [text("r.csv"), Path("../in/r.csv").write_bytes(b"")] and Path("../in/r.csv"), "r.csv: is empty"),
    "no row": ("tables", lambda: text("r.csv", "id,speed,color"), "r.csv: has no row under its header"),
    "two tables": ("tables", lambda: text("a.csv", *ROWS) and text("b.csv", *ROWS).parent, "in: holds 2 tables; name the"),
    "no table": ("tables", lambda: text("x/a.md", "x").parent, "x: holds no table that can be read: .csv"),
    "no form of a table": ("tables", lambda: text("r.json", "{}"), "r.json: is no table that can be read: .csv"),
    "no texts": ("texts", lambda: text("t.csv", "a,b", "1,2"), "t.csv:1: has no column `text`, nor one that holds"),
    "only empty texts": ("texts", lambda: text("t.csv", "text,site", " ,n"), "t.csv: holds no text"),
    "not UTF-8": ("texts", lambda: [text("x/a.txt"), Path("../in/x/a.txt").write_bytes(b"\xff\xfe")] and Path("../in/x"), "a.txt: is not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "build", "said"), REFUSED.values(), ids=REFUSED)
def test_refused(
    project: Callable[[str], None], told: list[tuple[str, ...]], kind: str, build: Build, said: str
) -> None:
    project(kind)
    with pytest.raises(Refusal) as refusal:
        take(build())
    assert said in str(refusal.value)
    assert not told and not Path("data/incoming").exists()


@pytest.mark.parametrize(
    "name", ["", "../up", "A", "a b", ".hidden", "-x", "a/b", "é", "x" * 61, "a\n", "2026.11", "a.csv"]
)
def test_a_name_that_is_no_folders(project: Callable[[str], None], name: str) -> None:
    project("tables")
    with pytest.raises(Refusal, match=r"--name .*: use small letters, digits, hyphens and underscores"):
        take(text("r.csv", *ROWS), name)
    assert not Path("data/incoming").exists()


def test_the_name_of_another_delivery(project: Callable[[str], None]) -> None:
    project("tables")
    take(text("r.csv", *ROWS), "new")
    before = Path("data/incoming/new/inputs.csv").read_bytes()
    with pytest.raises(Refusal, match="--name new: data/incoming/new holds another delivery; choose another name"):
        take(text("r.csv", *ROWS[:2]), "new")
    assert Path("data/incoming/new/inputs.csv").read_bytes() == before


def test_deliveries_of_one_day_are_numbered_and_each_is_taken_in_once(
    project: Callable[[str], None], told: list[tuple[str, ...]]
) -> None:
    project("tables")
    changed = [row.replace("1.5", "1.6") for row in ROWS]  # only what is learned from differs
    names = [take(text("r.csv", *rows)).name for rows in (ROWS, changed, ROWS[:2])]
    assert names == [TODAY, f"{TODAY}-2", f"{TODAY}-3"] == incoming_names() and len(told) == 6
    for rows, name in zip((ROWS, changed, ROWS[:2]), names, strict=True):
        assert take(text("r.csv", *rows)) == Taken(name, False, [])
    assert len(told) == 6


def test_pictures_that_differ_in_a_pixel_are_another_delivery(project: Callable[[str], None]) -> None:
    project("images")
    assert take(pictures("a.png", "b.png")).name == TODAY
    picture("b.png", 21)
    assert take(Path("../in")).name == f"{TODAY}-2"


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([PROSE[0], "s"], id="other metadata"),
        pytest.param([PROSE[1], "n"], id="another text"),
    ],
)
def test_texts_that_differ_are_another_delivery(project: Callable[[str], None], cells: list[str]) -> None:
    project("texts")
    for row, name in ((f"{PROSE[0]},n", TODAY), (",".join(cells), f"{TODAY}-2")):
        assert take(text("t.csv", "text,site", row)).name == name


def test_a_delivery_that_only_dvc_has_keeps_its_name(project: Callable[[str], None]) -> None:
    project("tables")
    Path("data/incoming").mkdir()
    Path(f"data/incoming/{TODAY}.dvc").write_text("outs:\n", encoding="utf-8")
    assert incoming_names() == [TODAY]
    assert take(text("r.csv", *ROWS)).name == f"{TODAY}-2"


@pytest.mark.parametrize("case", ["pictures in folders", "rows as CSV", "rows as Parquet", "texts in the column `text` beside longer ones"])  # fmt: skip
def test_it_is_read_as_predict_reads_it(project: Callable[[str], None], case: str) -> None:
    kind, build, *_ = TAKEN[case]
    project(kind)
    path = build()
    take(path, "new")
    found, wanted = read_incoming("new"), read_new([path], inputs()).packed
    assert found.kinds == dict(getattr(inputs(), "columns", {}))
    if isinstance(wanted, pd.DataFrame):
        assert isinstance(found.packed, pd.DataFrame)
        pd.testing.assert_frame_equal(found.packed, wanted)
    else:
        assert np.array_equal(found.packed, wanted) and len(np.unique(wanted)) > 1
        assert found.packed.shape == wanted.shape and found.packed.dtype == wanted.dtype == np.uint8


def test_copies_and_groups_are_units(project: Callable[[str], None]) -> None:
    project("images")
    pictures("a.png", "b.png", "c.png", "d.png")
    picture("d.png", 0)  # as a.png
    take(text("l.csv", "file,group", "a.png,", "b.png,g", "c.png,g", "d.png,").parent, "new")
    units = read_incoming("new").units
    assert units[0] == units[3] and units[1] == units[2] and units[0] != units[1]
    some = read_incoming("new").some(np.array([3, 1]))
    assert some.table["id"].tolist() == ["new/d", "new/b"]
    assert np.asarray(some.packed).mean(axis=(1, 2, 3)).tolist() == [0, 20]


def test_equal_rows_are_two_inputs_and_equal_texts_one(project: Callable[[str], None]) -> None:
    project("tables")
    take(text("r.csv", "speed,color", "1,red", "1,red"), "new")
    assert read_incoming("new").table["input"].nunique() == 2
    shipped = params("texts")
    Path("params.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    take(text("t.csv", "text,site", "same,n", "same,s"), "said")
    assert read_incoming("said").table["input"].nunique() == 1


def test_what_is_not_here(project: Callable[[str], None]) -> None:
    project("tables")
    take(text("r.csv", *ROWS), "2026-10")
    Path("data/incoming/2026-09.dvc").write_text("outs:\n", encoding="utf-8")
    with pytest.raises(Refusal, match=r"data/incoming/2026-09/ is not here; `dvc pull data/incoming/2026-09\.dvc`"):
        read_incoming("2026-09")
    with pytest.raises(Refusal, match='has no delivery "2026-1"; did you mean "2026-10"'):
        read_incoming("2026-1")
    with pytest.raises(Refusal, match=r'"2026-1O" is no delivery of data/incoming/: there are 2026-09, 2026-10\.'):
        read_incoming("2026-1O")


def test_a_delivery_that_was_taken_in_for_other_inputs(project: Callable[[str], None]) -> None:
    project("tables")
    take(text("r.csv", *ROWS), "new")
    shipped = params("tables")
    shipped["data"]["inputs"]["columns"] = COLUMNS | {"weight": "number"}
    Path("params.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    with pytest.raises(Refusal, match='data/incoming/new: has no column "weight", which conf/data names'):
        read_incoming("new")
    shipped["data"]["inputs"]["columns"] = {"color": "number"}
    Path("params.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    with pytest.raises(Refusal, match='data/incoming/new: id "new/k1": "color" is no number: "red"'):
        read_incoming("new")
    Path("params.yaml").write_text(yaml.safe_dump(params("images")), encoding="utf-8")
    with pytest.raises(Refusal, match=r"data/incoming/new/inputs\.csv:1: names no files"):
        read_incoming("new")


# Which inputs belong together.

PATIENTS = ["id,speed,color,patient,camera,Group", "k1,1,red,p1,c1,x", "k2,2,red,p1,c1,x", "k3,3,red,p2,c2,y"]


def rows(*left_out: str) -> Path:
    """Write rows of which some columns are missing."""
    table = pd.DataFrame([line.split(",") for line in PATIENTS[1:]], columns=PATIENTS[0].split(","))
    kept = table.drop(columns=list(left_out))
    return text("r.csv", ",".join(kept), *(",".join(row) for row in kept.to_numpy()))


def grouped() -> None:
    """Put the examples into groups."""
    header = "id,label,given_label,weight,row,input,passes,group,patient"
    Path("data/examples/train.csv").write_text(f"{header}\ne0,cat,cat,1,0,aa,,p1,p1\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("left_out", "group", "wanted", "notes"),
    [
        pytest.param([], None, ["x", "x", "y"], 0, id="a column that is called so"),
        pytest.param(["Group"], None, ["p1", "p1", "p2"], 1, id="the only one that seems to be one"),
        pytest.param([], "patient", ["p1", "p1", "p2"], 1, id="a column that is named, though another is called so"),
        pytest.param(["Group"], "camera", ["c1", "c1", "c2"], 1, id="a column that is named, though another seems to be one"),
        pytest.param(["Group"], "-", None, 0, id="none"),
        pytest.param([], "-", None, 0, id="none, though one is called so"),
    ],
)  # fmt: skip
def test_groups_of_a_delivery(
    project: Callable[[str], None], left_out: list[str], group: str | None, wanted: list[str] | None, notes: int
) -> None:
    project("tables")
    grouped()
    done = take(rows(*left_out), "new", group)
    table = read_table(Path("data/incoming/new/inputs.csv"))
    assert (table["group"].tolist() if "group" in table else None) == wanted
    assert len(done.notes) == notes and all("is taken for the group" in note for note in done.notes)


@pytest.mark.parametrize(
    ("left_out", "group", "said"),
    [
        pytest.param(["Group", "patient"], None, "name the column with --group COLUMN, or say --group -", id="none given"),
        pytest.param([], "patients", '--group "patients": the delivery has no such column; did you mean "patient"?', id="no such"),
    ],
)  # fmt: skip
def test_groups_that_are_refused(
    project: Callable[[str], None], told: list[tuple[str, ...]], left_out: list[str], group: str | None, said: str
) -> None:
    project("tables")
    grouped()
    with pytest.raises(Refusal) as refusal:
        take(rows(*left_out), "new", group)
    assert said in str(refusal.value) and not told and not Path("data/incoming").exists()


def test_two_columns_that_seem_to_be_groups_are_not_chosen_from(project: Callable[[str], None]) -> None:
    project("tables")
    grouped()
    path = text("r.csv", "speed,color,patient,family", "1,red,p1,f1", "2,red,p1,f1", "3,red,p2,f2")
    with pytest.raises(Refusal, match="does not say which of its inputs belong together"):
        take(path)
    assert take(path, "new", "family").new
    assert read_table(Path("data/incoming/new/inputs.csv"))["group"].tolist() == ["f1", "f1", "f2"]


def test_pictures_where_the_examples_are_in_groups(project: Callable[[str], None]) -> None:
    project("images")
    grouped()
    with pytest.raises(Refusal, match="--group -"):
        take(pictures("a.png", "b.png"))
    assert take(Path("../in"), "new", "-").new and "group" not in read_incoming("new").table


def test_a_column_that_seems_to_be_a_group_is_none_where_no_example_has_one(project: Callable[[str], None]) -> None:
    project("tables")
    assert take(rows("Group"), "new").notes == [] and "group" not in read_incoming("new").table


# Names, and runs that were cut off.


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("2026-11", "2026-11"),
        ("data/incoming/2026-11", "2026-11"),
        ("data/incoming/2026-11/", "2026-11"),
        ("data/incoming/2026-11.dvc", "2026-11"),
        ("data/picked/2026-11.csv", "2026-11"),
        ("2026-11.csv", None),
        ("../2026-11", None),
        ("data/incoming/../raw", None),
        ("elsewhere/2026-11", None),
        ("", None),
        ("2026.11", None),
    ],
)
def test_the_name_of_a_delivery(project: Callable[[str], None], given: str, wanted: str | None) -> None:
    """By itself or by its files: nothing else may become a path."""
    if wanted is not None:
        assert delivery_name(given) == delivery_name(Path(given)) == wanted
    else:
        with pytest.raises(Refusal, match=r"is no delivery of data/incoming/: there are none\."):
            delivery_name(given)


@pytest.mark.parametrize("name", [None, "new"], ids=["of today", "named"])
def test_a_delivery_that_was_cut_off_before_it_was_tracked(
    project: Callable[[str], None], told: list[tuple[str, ...]], name: str | None
) -> None:
    project("tables")
    assert take(text("r.csv", *ROWS), name).new
    folder = (Path("data/incoming") / (name or TODAY)).as_posix()
    Path(f"{folder}.dvc").unlink()
    told.clear()
    assert take(text("r.csv", *ROWS), name) == Taken(name or TODAY, False, [])
    assert told == [("dvc", "add", folder), ("git", "add", "--", f"{folder}.dvc")]


def test_a_delivery_that_cannot_be_tracked_is_not_there(
    project: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next run would take a part of it for the whole."""
    project("tables")

    def refused(*_: str) -> str:
        raise Refusal("dvc add: the disk is full")

    with monkeypatch.context() as once:
        once.setattr(incoming, "dvc", refused)
        with pytest.raises(Refusal, match="the disk is full"):
            take(text("r.csv", *ROWS), "new")
    assert incoming_names() == [] and not Path("data/incoming/new").exists()
    assert take(text("r.csv", *ROWS), "new").new


def test_a_name_that_only_dvc_has_is_refused(project: Callable[[str], None]) -> None:
    project("tables")
    Path("data/incoming").mkdir()
    Path("data/incoming/new.dvc").write_text("outs:\n", encoding="utf-8")
    with pytest.raises(
        Refusal, match=r"is not here, so nobody can tell whether this is it; `dvc pull data/incoming/new\.dvc`"
    ):
        take(text("r.csv", *ROWS), "new")
    assert not Path("data/incoming/new").exists()
