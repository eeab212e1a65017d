"""`datapass adopt`: layouts that are understood, data that is refused, and that nothing leaves data/raw/."""

import contextlib
import csv
import json
import os
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from conftest import KINDS, Project, params, render
from datapass.adopt import adopt as room
from datapass.adopt import kinds, project
from datapass.adopt import minutes as timing
from datapass.adopt.adopt import adopt
from datapass.adopt.columns import sort_out
from datapass.adopt.look import look
from datapass.adopt.minutes import about, minutes
from datapass.adopt.names import different, ids_of, safe_path
from datapass.adopt.place import deliver, write
from datapass.data.label_book import sections
from datapass.data.pack import unsafe
from datapass.data.raw import read_raw
from datapass.files.paths import BOOK, PASSES, RAW
from datapass.files.tables import read_table
from datapass.messages.problems import Refusal
from datapass.report.adopt_view import adoption
from datapass.report.markdown import markdown
from datapass.settings import check

Build = Callable[[Path], Path]


def snapshot() -> dict[str, bytes]:
    """Return the content of every file here, but for Git's own."""
    files = [path for path in Path().rglob("*") if path.is_file() and ".git" not in path.parts]
    return {path.as_posix(): path.read_bytes() for path in files}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A rendered project of each kind; read only."""
    return {kind: render(tmp_path_factory.mktemp(kind), kind=kind).path for kind in KINDS}


@pytest.fixture
def here(shipped: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a project of a kind the current folder, in which DVC and the timing of trainings do nothing; return where
    deliveries may lie."""

    def enter(kind: str) -> Path:
        shutil.copytree(shipped[kind], tmp_path / "project", ignore=shutil.ignore_patterns("datapass", ".git", ".dvc"))
        monkeypatch.chdir(tmp_path / "project")
        subprocess.run(["git", "init", "-q"], check=True)
        monkeypatch.setattr(project, "dvc", dvc)
        monkeypatch.setattr(room, "minutes", lambda *_: 2.5)
        return tmp_path

    def dvc(verb: str, *_: str) -> str:
        if verb == "add":
            Path("data/raw.dvc").write_text("outs\n", encoding="utf-8")
        return "{}"

    return enter


def picture(path: Path, level: int, color: bool = False, size: tuple[int, int] = (12, 10)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB" if color else "L", size, (level, 0, level) if color else level).save(path)
    return path


def text(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def class_folders(base: Path) -> Path:
    for number, name in enumerate(["cat", "cat", "dog", "dog"]):
        picture(base / "pets" / name / f"{number}.png", 10 * number)
    text(base / "pets" / ".DS_Store", "x")
    return base / "pets"


def split_folders(base: Path) -> Path:
    for split, level in [("train", 0), ("val", 50), ("test", 100)]:
        for number, name in enumerate(["cat", "dog"]):
            picture(base / "pets" / split / name / "a.jpg", level + 20 * number, color=True)
    return base / "pets"


def labels_and_images(base: Path) -> Path:
    for number in range(4):
        picture(base / "in" / "images" / f"{number}.png", 10 * number)
    lines = [f"k{number},{'cat' if number < 2 else 'dog'},{number}.png,{'ab'[number % 2]}" for number in range(4)]
    return text(base / "in" / "labels.csv", "id,label,path,camera", *lines).parent


def imagefolder(base: Path) -> Path:
    for split in ("train", "test"):
        lines = []
        for number, name in enumerate(["cat", "dog"]):
            picture(base / "hub" / split / f"{number}.png", 10 * number + len(split))
            lines.append(f"{number}.png,{name}")
        text(base / "hub" / split / "metadata.csv", "file_name,label", *lines)
    return base / "hub"


FEATURES = [
    "age;city;member;since;customer_id;label",
    *(
        f"{20 + n},5;{'Rom' if n % 3 else 'Ulm'};{'yes' if n % 2 else 'no'};0{1 + n % 9}.12.2024;c{n:03};{'late' if n % 5 < 2 else 'paid'}"
        for n in range(30)
    ),
]


def semicolons(base: Path) -> Path:
    return text(base / "people.csv", *FEATURES, encoding="utf-8-sig")


def tabs(base: Path) -> Path:
    return text(base / "people.tsv", *(line.replace(";", "\t") for line in FEATURES))


def frame() -> pd.DataFrame:
    table = pd.DataFrame([line.split(";") for line in FEATURES[1:]], columns=FEATURES[0].split(";"))
    age = table["age"].str.replace(",", ".").astype(float)
    return table.assign(
        age=age, since=pd.to_datetime(table["since"], format="%d.%m.%Y"), member=table["member"] == "yes"
    )


def parquet(base: Path) -> Path:
    frame().to_parquet(base / "people.parquet")
    return base / "people.parquet"


def workbook(base: Path) -> Path:
    with pd.ExcelWriter(base / "people.xlsx") as book:
        frame().assign(**{"": ""}).to_excel(book, sheet_name="people", index=False)
        pd.DataFrame({"other": [1]}).to_excel(book, sheet_name="notes", index=False)
    return base / "people.xlsx"


def studio(base: Path) -> Path:
    tasks: list[dict[str, Any]] = []
    for number, names in enumerate([["cat"], ["cat", "dog", "dog"], ["dog"], [], ["cat"]]):
        picture(base / "ls" / "images" / f"{number}.png", 10 * number)
        given = [
            {"completed_by": who, "result": [{"from_name": "kind", "type": "choices", "value": {"choices": [name]}}]}
            for who, name in enumerate(names)
        ]
        tasks.append({"id": number, "annotations": given, "data": {"image": f"/data/upload/1/abcd1234-{number}.png"}})
    tasks[0]["data"]["image"] = "/data/local-files/?d=images/0.png"
    tasks[4]["annotations"][0]["was_cancelled"] = True
    return text(base / "ls" / "project.json", json.dumps(tasks))


def messages(base: Path) -> Path:
    lines = [f'"Dear {n}, your parcel waits",{"spam" if n % 2 else "mail"},{"de" if n < 3 else "en"}' for n in range(6)]
    return text(base / "mail.csv", "text,label,language", *lines)


TABLE = [["row-000001", "late"], ["row-000002", "late"], ["row-000003", "paid"]]
SUPPORTED: dict[str, tuple[str, Build, str, list[list[str]]]] = {
    "class folders": (
        "images",
        class_folders,
        "id,label,path",
        [["cat/0", "cat", "images/cat/0.png"], ["cat/1", "cat", "images/cat/1.png"]],
    ),
    "class folders in sets": (
        "images",
        split_folders,
        "id,label,path,split",
        [
            ["test/cat/a", "cat", "images/test/cat/a.jpg", "test"],
            ["test/dog/a", "dog", "images/test/dog/a.jpg", "test"],
        ],
    ),
    "labels.csv and images": (
        "images",
        labels_and_images,
        "id,label,path,camera",
        [["k0", "cat", "images/0.png", "a"], ["k1", "cat", "images/1.png", "b"]],
    ),
    "imagefolder with metadata.csv": (
        "images",
        imagefolder,
        "id,label,path,split",
        [["test/0", "cat", "images/test/0.png", "test"], ["test/1", "dog", "images/test/1.png", "test"]],
    ),
    "Label Studio": (
        "images",
        studio,
        "id,label,path",
        [["0", "cat", "images/0.png"], ["1", "dog", "images/1.png"]],
    ),
    "CSV with semicolons": ("tables", semicolons, "id,label", [["c000", "late"], ["c001", "late"], ["c002", "paid"]]),
    "TSV": ("tables", tabs, "id,label", [["c000", "late"], ["c001", "late"], ["c002", "paid"]]),
    "Parquet": ("tables", parquet, "id,label", [["c000", "late"], ["c001", "late"], ["c002", "paid"]]),
    "XLSX": ("tables", workbook, "id,label", [["c000", "late"], ["c001", "late"], ["c002", "paid"]]),
    "CSV of texts": (
        "texts",
        messages,
        "id,label,text,language",
        [["row-000001", "mail", "Dear 0, your parcel waits", "de"]],
    ),
}


@pytest.mark.parametrize(("kind", "build", "header", "first"), SUPPORTED.values(), ids=SUPPORTED.keys())
def test_supported_layouts(
    here: Callable[[str], Path], kind: str, build: Build, header: str, first: list[list[str]]
) -> None:
    path = build(here(kind))
    done = adopt(path)
    table = read_table(RAW / "labels.csv")
    assert list(table.columns) == header.split(",")
    assert table.head(len(first)).to_numpy().tolist() == first
    assert not read_raw(RAW).found
    conf = yaml.safe_load(Path(f"conf/data/{kind}.yaml").read_text(encoding="utf-8"))
    assert conf["classes"] == sorted(table["label"].unique()) == sorted(sections(BOOK.read_text(encoding="utf-8")))
    assert "example" not in conf
    assert "example" not in yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert not list(Path("src").glob("*/example.py"))
    assert yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["data"]["classes"] == conf["classes"]
    if kind == "images":
        assert all((RAW / name).is_file() for name in table["path"])
        color = 3 if build is split_folders else 1
        assert conf["inputs"] == params()["data"]["inputs"] | {"height": 16, "width": 16, "channels": color}
    if kind == "tables":
        assert conf["inputs"]["columns"] == {"age": "number", "city": "category", "member": "boolean", "since": "date"}
        features = pd.read_parquet(RAW / "features.parquet")
        assert features["id"].tolist() == table["id"].tolist()
        assert features.loc[3, ["age", "city", "member"]].tolist() == [23.5, "Ulm", True]
        assert features["since"].dt.strftime("%Y-%m-%d").head(2).tolist() == ["2024-12-01", "2024-12-02"]
    said = markdown(adoption(done))
    assert not said.splitlines()[0].endswith("(empty)")
    assert "about 2 minutes" in said and "dvc repro" in said.splitlines()[-1]


def table_of(*lines: str, name: str = "in.csv") -> Build:
    return lambda base: text(base / name, *lines)


def content(name: str, data: bytes) -> Build:
    def build(base: Path) -> Path:
        (base / name).write_bytes(data)
        return base / name

    return build


def many_classes(number: int, letters: str = "class-") -> Build:
    return table_of("x,label", *(f"{row},{letters}{row % number}" for row in range(number * 2)))


def loose_pictures(base: Path) -> Path:
    return picture(base / "loose" / "1.png", 5).parent


def one_class(base: Path) -> Path:
    return picture(base / "pets" / "cat" / "1.png", 5).parents[1]


def gif(base: Path) -> Path:
    class_folders(base)
    Image.new("L", (4, 4)).save(base / "pets" / "dog" / "9.gif")
    return base / "pets"


def damaged(base: Path) -> Path:
    for name in ("cat", "dog"):
        text(base / "pets" / name / "1.png", "no picture")
    return base / "pets"


def bytes_as_a_name(base: Path) -> Path:
    for name in (b"caf\xe9", b"dog"):
        folder = os.fsdecode(os.fsencode(base / "pets") + b"/" + name)
        picture(Path(folder) / "1.png", 5)
    return base / "pets"


def several_tables(base: Path) -> Path:
    return table_of("a,label", "1,x")(text(base / "in" / "b.csv", "a,label", "1,y").parent).parent


def outside(base: Path) -> Path:
    picture(base / "secret.png", 1)
    lines = ["../secret.png,cat", f"{base / 'secret.png'},dog", "1.png,dog"]
    picture(base / "in" / "1.png", 3)
    return text(base / "in" / "labels.csv", "path,label", *lines)


def torn_groups(base: Path) -> Path:
    lines = [f"p{row % 3},{'test' if row < 4 else 'train'},{row},{'ab'[row % 2]}" for row in range(9)]
    return text(base / "in.csv", "group,split,x,label", *lines)


def of_data(base: Path) -> Path:
    return text(base / "project" / "data" / "raw" / "in.csv", "x,label", "1,a", "2,b")


REFUSED: dict[str, tuple[str, Build, str]] = {
    "nothing there": ("images", lambda base: base / "gone", "is not there"),
    "unknown form": ("images", content("in.zip", b"PK"), '".zip" is no known form'),
    "empty folder": ("images", lambda base: base / "project" / "data" / "passes", "holds nothing that is understood"),
    "no class": ("images", loose_pictures, "has no class: its pictures lie in no folder"),
    "one class": ("images", one_class, 'has one class, "cat"'),
    "another picture format": ("images", gif, "dog/9.gif: is a picture that is neither PNG nor JPEG; convert it"),
    "nothing readable": ("images", damaged, "none of the files can be read"),
    "a class that is no text": ("images", bytes_as_a_name, "has control characters"),
    "a folder of 150 letters": (
        "images",
        lambda base: picture(base / "in" / ("x" * 150) / "1.png", 1).parents[1],
        "150 letters",
    ),
    "files outside": ("images", outside, "lies outside in"),
    "inside data/raw": ("tables", of_data, "lies in data/raw/"),
    "no label": ("tables", table_of("x,label", "1,", "2,"), 'the label column "label" is empty'),
    "one label": ("tables", table_of("x,label", "1,a", "2,a"), 'has one class, "a"'),
    "10,000 classes": ("tables", many_classes(10_000), "has 10,000 classes, more than 1,000"),
    "900 numbers as label": ("tables", many_classes(900, ""), "holds 900 different numbers"),
    "a class a row": (
        "tables",
        table_of("x,label", *(f"{row},name {row}" for row in range(40))),
        "another class in almost every row",
    ),
    "only a constant column": ("tables", table_of("x,label", "1,a", "1,b"), 'no column to learn from: "x" (constant)'),
    "only the answer": (
        "tables",
        table_of("code,label", *("1,a", "2,b") * 20),
        'no column to learn from: "code" (names the answer',
    ),
    "only ids": (
        "tables",
        table_of("user_id,label", "u1,a", "u2,b"),
        "no column to learn from: there is only the label",
    ),
    "300 letters in a class": (
        "tables",
        table_of("x,label", "2,b", f"1,{'a' * 300}"),
        f'in.csv:3: the class "{"a" * 39}…" has 300 letters, more than 100',
    ),
    "300 letters in a column": (
        "tables",
        table_of(f"{'x' * 300},label", "1,a", "2,b"),
        "has 300 letters, more than 100",
    ),
    "control characters in a class": ("tables", table_of("x,label", "1,a\x07b", "2,b"), "has control characters"),
    "a class that is an interpolation": ("tables", table_of("x,label", "1,${seeds}", "2,b"), "has `${`"),
    "no label column": ("tables", table_of("x,y", "1,a", "2,b"), 'add --label COLUMN, one of "x", "y"'),
    "empty file": ("tables", content("in.csv", b""), "in.csv: is empty"),
    "header alone": ("tables", table_of("x,label"), "has no row under its header"),
    "another encoding": ("tables", content("in.csv", b"x;label\n1;a\n2;f\xfcr\n"), "in.csv:3: byte 0xfc is not UTF-8"),
    "ragged": ("tables", table_of("x,label", "1,a", "2,b,c"), "in.csv:3: 3 cells where the header has 2"),
    "column twice": ("tables", table_of("x,x,label", "1,2,a"), 'names "x" twice'),
    "damaged Parquet": ("tables", content("in.parquet", b"PAR1 no"), "cannot be read as Parquet"),
    "damaged workbook": ("tables", content("in.xlsx", b"PK no"), "cannot be read as XLSX"),
    "protected workbook": (
        "tables",
        content("in.xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512)),
        "is protected by a password",
    ),
    "several tables": ("tables", several_tables, "holds 2 tables; name the one"),
    "unknown set": ("tables", table_of("x,split,label", "1,train,a", "2,trian,b"), 'the split "trian" is none of'),
    "groups in several sets": ("tables", torn_groups, "with rows in several of the given sets"),
    "no export": ("images", content("in.json", b'{"a": 1}'), "is no JSON export of Label Studio"),
    "export without answers": (
        "texts",
        content("in.json", b'[{"data": {"text": "a"}, "annotations": []}]'),
        "has no task with a choice",
    ),
    "export of another shape": ("texts", content("in.json", b'[{"data": 7, "annotations": []}]'), "task 1: `data` is"),
    "pictures for tables": ("tables", class_folders, "answer kind=images"),
    "a table for pictures": ("images", semicolons, "answer kind=tables"),
    "texts for pictures": ("images", messages, "answer kind=texts"),
    "texts for tables": ("tables", table_of("text,label", "a b c d e,x", "b c d e f,y"), "answer kind=texts"),
    "a table for texts": ("texts", semicolons, "has no column of texts"),
}


@pytest.mark.parametrize(("kind", "build", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(here: Callable[[str], Path], kind: str, build: Build, sentence: str) -> None:
    path = build(here(kind))
    before = snapshot()
    with pytest.raises(Refusal) as refused:
        adopt(path)
    assert sentence in str(refused.value)
    assert snapshot() == before


def test_every_picture_that_leaves_its_folder_is_named(here: Callable[[str], Path]) -> None:
    with pytest.raises(Refusal) as refused:
        adopt(outside(here("images")))
    assert [problem.line for problem in refused.value.problems] == [2, 3]


def test_the_label_column_is_asked_for(here: Callable[[str], Path]) -> None:
    path = table_of("x,y", *("1,a", "2,b", "2,a") * 9)(here("tables"))
    asked: list[list[str]] = []
    done = adopt(path, ask=lambda columns: asked.append(columns) or "y")  # type: ignore[func-returns-value]
    assert asked == [["x", "y"]]
    assert set(done.found.table["label"]) == {"a", "b"}


def test_what_is_no_column(here: Callable[[str], Path]) -> None:
    path = semicolons(here("tables"))
    for options, meant in (({"label": "lable"}, "label"), ({"group": "town"}, ""), ({"group": "label"}, "")):
        with pytest.raises(Refusal, match=f'did you mean "{meant}"' if meant else "for --group"):
            adopt(path, **options)


def test_a_dry_run_writes_nothing(here: Callable[[str], Path]) -> None:
    path = class_folders(here("images"))
    before = snapshot()
    done = adopt(path, dry=True)
    assert snapshot() == before
    assert done.new == 4 and done.minutes == 2.5
    assert "Would be written" in markdown(adoption(done))


@pytest.mark.parametrize(("kind", "build", "header", "first"), SUPPORTED.values(), ids=SUPPORTED.keys())
def test_twice_changes_nothing(
    here: Callable[[str], Path], kind: str, build: Build, header: str, first: list[list[str]]
) -> None:
    path = build(here(kind))
    adopt(path)
    before = snapshot()
    again = adopt(path)
    assert snapshot() == before
    assert again.new == 0 and again.known == len(read_table(RAW / "labels.csv")) and not again.done
    assert "nothing is new" in adoption(again).headline


@pytest.mark.parametrize("step", ["write", "take_out_example", "finish"])
def test_cut_off_and_run_again(here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = class_folders(here("images"))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(project, step, stop)
        adopt(path)
    adopt(path)
    cut = snapshot()
    assert "data/raw.dvc" in cut and "src/digits/example.py" not in cut
    assert "example" not in yaml.safe_load(cut["dvc.yaml"])["stages"]
    assert yaml.safe_load(cut["params.yaml"])["data"]["classes"] == ["cat", "dog"]
    assert not [file for file in cut if file.startswith("data/passes/p")]


def test_other_data_in_raw_stays(here: Callable[[str], Path]) -> None:
    path = class_folders(here("images"))
    text(RAW / "labels.csv", "id,label,path", "mine,cat,mine.png")
    before = snapshot()
    with pytest.raises(Refusal, match=r"neither the example's nor of pets.*move it away first"):
        adopt(path)
    assert snapshot() == before


def test_data_that_is_not_checked_out_is_not_taken_for_none(here: Callable[[str], Path]) -> None:
    path = class_folders(here("images"))
    adopt(path)
    shutil.rmtree(RAW)
    before = snapshot()
    with pytest.raises(Refusal, match=r"names data that is not here; `dvc pull`"):
        adopt(path)
    assert snapshot() == before


def test_passes_of_the_example_are_in_the_way(here: Callable[[str], Path]) -> None:
    path = class_folders(here("images"))
    text(PASSES / "p001-review.csv", "id,action,label,was,reason,by", "digit-0055,drop,,,,")
    before = snapshot()
    with pytest.raises(Refusal, match=r"p001-review.csv: edits examples that are not of pets"):
        adopt(path)
    assert snapshot() == before


def later(base: Path) -> Path:
    """A delivery of which one picture is known, one new, one new under a name that is taken, and one relabelled."""
    picture(base / "March 2" / "cat" / "copy.png", 0)
    picture(base / "March 2" / "cat" / "new.png", 77)
    picture(base / "March 2" / "dog" / "2.png", 88)
    picture(base / "March 2" / "dog" / "was-a-cat.png", 10)
    return base / "March 2"


def test_a_later_delivery_is_added_by_a_pass(here: Callable[[str], Path]) -> None:
    base = here("images")
    adopt(class_folders(base))
    before = snapshot()
    done = adopt(later(base))
    assert (done.new, done.known) == (2, 2)
    assert any("1 known example with another label" in note for note in done.notes)
    found = rows(RAW / "march-2" / "labels.csv")
    assert [row["id"] for row in found] == ["cat/new", "march-2/dog/2"]
    assert all((RAW / row["path"]).is_file() and row["path"].startswith("march-2/images/") for row in found)
    assert [(row["id"], row["action"]) for row in rows(PASSES / "p001-march-2.csv")] == [
        ("cat/new", "add"),
        ("march-2/dog/2", "add"),
    ]
    after = snapshot()
    assert {file: after[file] for file in before} == before
    assert not adopt(later(base)).done
    assert snapshot() == after


def test_a_later_delivery_cut_off_before_its_pass(here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    base = here("images")
    adopt(class_folders(base))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(room, "place_pass", stop)
        adopt(later(base))
    assert not list(PASSES.glob("*.csv"))
    done = adopt(later(base))
    assert (done.new, done.known) == (0, 4)
    assert [row["id"] for row in rows(PASSES / "p001-march-2.csv")] == ["cat/new", "march-2/dog/2"]
    assert sorted(path.name for path in RAW.iterdir()) == ["images", "labels.csv", "march-2"]


def test_a_later_delivery_with_another_class_is_refused(here: Callable[[str], Path]) -> None:
    base = here("images")
    adopt(class_folders(base))
    picture(base / "april" / "dgo" / "new.png", 99)
    before = snapshot()
    with pytest.raises(Refusal, match=r'the class "dgo" is not among `classes`.*did you mean "dog"'):
        adopt(base / "april")
    assert snapshot() == before


def test_a_later_table_has_the_columns_of_the_first(here: Callable[[str], Path]) -> None:
    base = here("tables")
    adopt(semicolons(base))
    rows_later = [
        "age,city,member,since,customer_id,label",
        "30,Bern,no,2025-01-02,x1,paid",
        ",Ulm,,2025-01-03,x2,paid",
    ]
    path = text(base / "more.csv", *rows_later)
    done = adopt(path)
    assert done.new == 2
    assert [file.name for file in PASSES.glob("*.csv")] == ["p001-more.csv"]
    features = pd.read_parquet(RAW / "more" / "features.parquet")
    assert features["city"].tolist() == ["Bern", "Ulm"] and np.isnan(features["age"][1])
    text(base / "again.csv", rows_later[0], "31,Bern,no,2025-01-02,x1,paid")
    with pytest.raises(Refusal, match=r'id "x1": 1 id of it stand for other content'):
        adopt(base / "again.csv")
    text(base / "bad.csv", "age,member,since,customer_id,label", "old,no,2025-01-02,x3,paid")
    with pytest.raises(Refusal) as refused:
        adopt(base / "bad.csv")
    assert 'no column "city"' in str(refused.value) and '"age" holds other things than number' in str(refused.value)


def test_what_is_told_of_pictures(here: Callable[[str], Path]) -> None:
    base = here("images")
    path = split_folders(base)
    shutil.copy(path / "train" / "cat" / "a.jpg", path / "test" / "cat" / "copy.jpg")
    shutil.copy(path / "train" / "cat" / "a.jpg", path / "train" / "dog" / "copy.jpg")
    text(path / "train" / "cat" / "broken.jpg", "no picture")
    text(path / "notes.txt", "x")
    picture(path / "train" / "stray.png", 1)
    (path / "val" / "empty").mkdir()
    picture(base / "secret" / "s.png", 1)
    (path / "train" / "cat" / "link.png").symlink_to(base / "secret" / "s.png")
    (path / "train" / "linked").symlink_to(base / "secret")
    done = adopt(path)
    assert len(done.found.table) == 8
    ((file, why),) = done.unreadable
    assert file == "train/cat/broken.jpg" and "is neither PNG nor JPEG" in why
    for said in (
        "leak between the given sets: 1 input in several",
        "copies: 3 examples of 1 input, 1 input under several labels",
        "left alone: 1 other file",
        'left out: 1 picture in no class folder, such as "train/stray.png"',
        'the folder "empty" holds no picture',
        "not followed: 2 links",
        "pictures: 12x10 at the median, scaled to 16x16, colour",
    ):
        assert any(said in note for note in done.notes), (said, done.notes)


@pytest.mark.parametrize(
    ("given", "kept", "note"),
    [
        (["train", "val", "test"], ["train", "validation", "test"], ""),
        (["train", "dev", "train"], ["train", "test", "train"], "validation set becomes it"),
        (["train", "train", "train"], None, "new sets are drawn"),
        (["test", "", "train"], ["test", "", "train"], ""),
    ],
    ids=["all three", "no test", "training alone", "some rows"],
)
def test_the_given_sets(here: Callable[[str], Path], given: list[str], kept: list[str] | None, note: str) -> None:
    lines = [f"{n},{split},{'ab'[n % 2]}" for n, split in enumerate(given)]
    done = adopt(table_of("x,split,label", *lines)(here("tables")))
    assert (done.found.table["split"].tolist() if "split" in done.found.table else None) == kept
    assert any(note in one for one in done.notes) or not note


COLUMNS = {
    "numbers": (["1.5", "2", "NA", "-3e2"], "number"),
    "decimal commas": (['"1,5"', "2", '"3,25"', "4"], "number"),
    "codes with zeros": (["007", "008", "007", "012"], "category"),
    "words": (["red", "blue", "red", "green"], "category"),
    "yes and no": (["yes", "No", "", "yes"], "boolean"),
    "dates": (["2024-01-02", "2024-12-31T10:00", "", "2023-05-06"], "date"),
    "dates with slashes": (["13/01/2024", "02/01/2024", "03/01/2024", "01/02/2024"], "date"),
    "dates in doubt": (["03/01/2024", "02/01/2024", "03/01/2024", "01/02/2024"], "category"),
    "constant": (["a", "a", "a", "a"], "left out"),
    "constant but for missing": (["a", "", "a", "?"], "left out"),
    "the answer": (["no", "yes"], "left out"),
    "the answer but for one in 2,000": (["u", *["v", "u"] * 999, "u"], "left out"),
    "prose": ([f"this is text number {n}" for n in range(20)], "left out"),
    "codes": ([f"x{n}" for n in range(20)], "left out"),
    "count of rows": ([str(n) for n in range(20)], "left out"),
    "measurements": ([str(n * n) for n in range(20)], "number"),
}


@pytest.mark.parametrize(("cells", "kind"), COLUMNS.values(), ids=COLUMNS.keys())
def test_what_a_column_is_taken_for(here: Callable[[str], Path], cells: list[str], kind: str) -> None:
    repeat, period = 1 if len(cells) >= 20 else 40 // len(cells), 2 if len(cells) % 10 == 2 or len(cells) > 100 else 5
    lines = [f"{cell},{n % 7 * 3},{'ab'[n % period % 2]}" for n, cell in enumerate(cells * repeat)]
    done = adopt(table_of("it,other,label", *lines)(here("tables")), dry=True)
    assert {column: taken for column, taken, _ in done.found.said}["it"] == kind


def test_a_count_of_the_rows_is_no_id(here: Callable[[str], Path]) -> None:
    base = here("tables")
    lines = [f"{n},{n % 4},{'ab'[n % 5 % 2]}" for n in range(24)]
    adopt(text(base / "one.csv", ",x,label", *lines))
    assert read_table(RAW / "labels.csv")["id"].tolist() == [f"row-{n:06}" for n in range(1, 25)]
    assert adopt(text(base / "two.csv", ",x,label", "0,7,a", "1,3,b")).new == 1
    assert [row["id"] for row in rows(RAW / "two" / "labels.csv")] == ["two/row-000001"]


@pytest.mark.parametrize(
    ("name", "cells", "group"),
    [
        ("patient", ["a", "a", "b"], True),
        ("customerId", ["7", "7", "9"], True),
        ("case_no", ["1", "1", "2"], True),
        ("malic_acid", ["1.5", "1.5", "2.25"], False),
        ("acid", ["low", "low", "high"], False),
        ("patient", ["0.5", "0.5", "1.5"], False),
    ],
)
def test_what_looks_like_a_group(name: str, cells: list[str], group: bool) -> None:
    assert kinds.is_group(name, pd.Series(cells, dtype="str")) == group


def test_a_group_is_suggested_and_kept_with_the_option(here: Callable[[str], Path]) -> None:
    lines = [f"p{n // 3},{n % 4},{'ab'[n % 5 % 2]}" for n in range(24)]
    path = table_of("patient,x,label", *lines)(here("tables"))
    said = {column: (taken, why) for column, taken, why in adopt(path, dry=True).found.said}
    assert said["patient"] == ("left out", "looks like a group: --group patient keeps its rows in one set")
    adopt(path, group="patient")
    assert read_table(RAW / "labels.csv")["group"].tolist() == [f"p{n // 3}" for n in range(24)]


def test_metadata_of_reserved_names_and_constants(here: Callable[[str], Path]) -> None:
    lines = [f'"Dear {n}, the text goes on",{n % 2},same,{"ab"[n // 3]}' for n in range(6)]
    adopt(table_of("text,weight,source,label", *lines)(here("texts")))
    assert list(read_table(RAW / "labels.csv").columns) == ["id", "label", "text", "weight_given"]


def test_edits_of_conf_leave_the_rest_as_it_was(here: Callable[[str], Path]) -> None:
    path = class_folders(here("images"))
    before = {
        file: Path(file).read_text(encoding="utf-8").splitlines() for file in ("dvc.yaml", "conf/data/images.yaml")
    }
    adopt(path)
    for file, lines in before.items():
        after = Path(file).read_text(encoding="utf-8").splitlines()
        new = [line for line in after if line not in lines]
        assert len(new) == {"dvc.yaml": 0, "conf/data/images.yaml": 3}[file], new
        kept = [line for line in after if line in lines and line]
        assert kept == [line for line in lines if line in kept]
    assert 'classes: ["cat", "dog"] # a label that is none of these is an error' in after


@pytest.mark.parametrize("classes", [["cat", "dog"], ["yes", "no", "1", "c#"]], ids=["as named", "odd names"])
def test_the_label_book(classes: list[str]) -> None:
    text = "# Label book\n\nHow.\n\n## 0\nA loop.\n\n### not a class\n\n## cat\nSays miau.\n"
    made = project.book(text, classes)
    assert made.startswith("# Label book\n\nHow.\n\n## ")
    assert list(sections(made)) == classes
    assert ("Says miau." in made) == ("cat" in classes) and "A loop" not in made
    assert project.book(made, classes) == made


def test_the_time_is_that_of_the_projects_own_network(tmp_path: Path) -> None:
    found = sort_out(look(class_folders(tmp_path)), "Images", None, None, None, None)
    few, more = (check(params() | {"model": params()["model"] | {"steps": steps}}) for steps in (20, 20_000))
    assert 0.5 < minutes(few, found, 4, ["cat", "dog"]) < 5
    assert minutes(more, found, 4, ["cat", "dog"]) > minutes(few, found, 4, ["cat", "dog"]) + 0.5


def test_a_slow_training_is_timed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many steps as fit into the time, and never none."""
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    found = sort_out(look(class_folders(tmp_path)), "Images", None, None, None, None)
    assert 0.5 < minutes(check(params()), found, 4, ["cat", "dog"]) < 60


@pytest.mark.parametrize(("kind", "build", "name"), [("tables", semicolons, "Table"), ("texts", messages, "Texts")])
def test_the_time_is_that_of_the_projects_own_estimator(tmp_path: Path, kind: str, build: Build, name: str) -> None:
    found = sort_out(look(build(tmp_path)), name, None, None, None, None)
    inputs = params(kind)["data"]["inputs"] | ({"columns": found.kinds} if found.kinds else {})
    given, classes = check(params(kind, inputs=inputs)), sorted(found.table["label"].unique())
    assert 0.5 < minutes(given, found, 30, classes) < minutes(given, found, 3_000_000, classes)


@pytest.mark.parametrize(
    ("time", "said"), [(0.2, "about 1 minute"), (12.4, "about 12 minutes"), (600, "about 10 hours")]
)
def test_time_as_one_says_it(time: float, said: str) -> None:
    assert about(time) == said


def test_a_model_that_does_not_fit_is_told(here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = class_folders(here("images"))

    def refuse(*_: object) -> None:
        raise Refusal("conf/model: network: it does not take inputs of (1, 16, 16)")

    monkeypatch.setattr(room, "minutes", refuse)
    done = adopt(path)
    assert done.minutes is None
    assert any("could not be tried: conf/model: network" in note for note in done.notes)


WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)


def inside(base: Path, kind: str) -> pd.DataFrame:
    """Bring what lies at `base` into data/raw/ and return its table, as it is read back without a problem."""
    found = sort_out(look(base), kind, None, None, None, None)
    write(deliver(found, found.table.index.to_series(), RAW, None))
    raw = read_raw(RAW)
    assert not raw.found
    assert raw.table["id"].is_unique
    return raw.table


@settings(max_examples=60)
@given(st.lists(st.tuples(WORD, WORD), min_size=2, max_size=8))
def test_files_of_any_name_end_inside(names: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        made: dict[str, bytes] = {}
        for number, (one, two) in enumerate(names):
            folders = f"{one.replace('/', ':')[:20]}/y{two.replace('/', ':')[:40]}".encode()[:200].decode(
                errors="ignore"
            )
            file = Path("in", "ab"[number % 2], f"x{folders}.png")
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                file.write_bytes(str(number).encode())
                made[file.as_posix()] = file.read_bytes()
        table = inside(Path("in"), "Images")
        landed = [(RAW / path).resolve() for path in table["path"]]
        assert all(file.is_relative_to(RAW.resolve() / "images") for file in landed)
        assert sorted(file.read_bytes() for file in landed) == sorted(made.values())
        folded = [unicodedata.normalize("NFKC", path).casefold() for path in table["path"]]
        assert len({*folded}) == len(folded)
        assert all(path.isprintable() and len(path.encode()) < 220 for path in table["path"])
        assert all(unsafe(path) is None for path in table["path"])


@settings(max_examples=60)
@given(st.lists(st.tuples(WORD, WORD, st.sampled_from(["a", "=b", 'ü,"'])), min_size=3, max_size=9))
def test_any_ids_and_texts_are_read_back(cells: list[tuple[str, str, str]]) -> None:
    cells = [*cells, ("last", "a text", "c")]
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        with Path("in.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("id", "text", "label"), *cells])
        table = inside(Path("in.csv"), "Texts")
        assert table["label"].tolist() == [label for *_, label in cells]
        assert table["text"].tolist() == [said for _, said, _ in cells]
        assert set(table["id"]) <= {id for id, *_ in cells} or table["id"].str.match("row-").all()


@pytest.mark.parametrize(
    ("given_name", "made"),
    [
        ("../../etc/passwd.png", "etc/passwd.png"),
        ("C:\\pictures\\a.png", "C_/pictures/a.png"),
        ("a\x1b[31m.png", "a_[31m.png"),
        ("cats.bak/1.png", "cats_bak/1.png"),
        (" . /x.png", "x.png"),
        ("..", "_"),
    ],
)
def test_safe_paths(given_name: str, made: str) -> None:
    assert safe_path(given_name) == made


def test_names_alike_and_long_ones() -> None:
    assert different(["Cat/1.png", "cat/1.png", "cat/1.png", "cat/1-2.png"]) == [
        "Cat/1.png",
        "cat/1-2.png",
        "cat/1-3.png",
        "cat/1-2-2.png",
    ]
    long = [safe_path(f"{'é' * 120}{n}.png") for n in range(2)]
    assert len({*long}) == 2 and all(len(path.encode()) <= 80 and path.endswith(".png") for path in long)
    deep = safe_path("/".join(["folder-of-many"] * 30) + "/1.png")
    assert len(deep.encode()) < 200 and deep.endswith(".png")
    assert ids_of(["a/1.png", "a/1.jpg", "b/1.png"]) == ["a/1.png", "a/1.jpg", "b/1"]


def test_from_class_folders_to_a_curated_project(make: Callable[..., Project], tmp_path: Path) -> None:
    project = make()
    for name, level in (("cat", 40), ("dog", 140)):
        for number in range(20):
            picture(tmp_path / "pets" / name / f"{number}.png", level + number)
    project.repro("pack")
    stray = text(project.path / "data" / "raw" / "mine.txt", "do not delete")
    refused = project.verb("adopt", str(tmp_path / "pets"), ok=False)
    assert refused.returncode == 2 and "holds data that is neither the example's" in refused.stderr
    stray.unlink()
    printed = project.verb("adopt", str(tmp_path / "pets"), "--to", str(tmp_path / "found.json")).stdout
    assert printed.splitlines()[-1].startswith("next: `dvc repro`, about ")
    assert json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["classes"] == {"cat": 20, "dog": 20}
    assert (tmp_path / "pets" / "cat" / "1.png").stat().st_mode & 0o200, "what was adopted is still one's own to change"
    staged = project.run("git", "diff", "--cached", "--name-only").stdout.split()
    assert staged == ["data/passes/.gitkeep", "data/raw.dvc"]
    assert project.repro("curate") == ["freeze", "pack", "curate"]
    counts = json.loads((project.path / "reports" / "data.json").read_text(encoding="utf-8"))
    assert counts["classes"] == ["cat", "dog"]
    assert sum(of["examples"] for of in counts["sets"].values()) == 40
    project.commit("Baseline")
    picture(tmp_path / "more" / "cat" / "new.png", 99)
    project.verb("adopt", str(tmp_path / "more"))
    assert "freeze" not in project.repro("curate")
    counts = json.loads((project.path / "reports" / "data.json").read_text(encoding="utf-8"))
    assert sum(of["examples"] for of in counts["sets"].values()) == 41
    assert "data/passes/p001-more.csv" in project.run("git", "diff", "--cached", "--name-only").stdout
