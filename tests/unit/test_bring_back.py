"""What comes back from production as examples: which rows, to which set, as which files; and what never may test."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from conftest import IDENTITY, params
from datapass.adopt import alone, project
from datapass.data.fraction import fraction
from datapass.data.raw import read_raw
from datapass.files.paths import INDEX, VALUES
from datapass.files.tables import read_table, write_table
from datapass.messages.problems import Refusal
from datapass.production import bring_back as room
from datapass.production import pick
from datapass.production.bring_back import BroughtBack, bring_back
from datapass.production.picked import COLUMNS
from datapass.report.bring_back_view import brought_back
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.record import record
from datapass.stages import curate

NAME = "2026-11"
CLASSES = ["cat", "dog"]
DELIVERY = f"data/raw/{NAME}/labels.csv"
TEST = f"data/raw/{NAME}-test/labels.csv"
# Own id, why it was picked, the label, and who gave it.
ROWS = [
    ("r0", "random", "cat", "Ann"),
    ("r1", "random", "dog", "=Ben"),
    ("r2", "random", "", "Ann"),
    ("r3", "random", "", ""),
    ("c0", "uncertain", "dog", "Ann"),
    ("c1", "uncertain", "", ""),
    ("u0", "unlike", "cat", "Ann"),
    ("u1", "unlike", "", "Ben"),
]


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def pack(
    inputs: dict[str, str] | None = None, values: dict[str, list[Any]] | None = None, examples: bool = True
) -> None:
    """Write the inputs of data/raw/ with hashes that differ but for those given, and the example tables of `curate`."""
    table = read_raw(Path("data/raw")).table
    hashes = [(inputs or {}).get(id, hashlib.sha256(id.encode()).hexdigest()[:16]) for id in table["id"]]
    Path("data/inputs").mkdir(exist_ok=True)
    pd.DataFrame({"id": table["id"], "input": pd.Series(hashes, dtype="str")}).to_parquet(INDEX)
    (table[["text"]] if values is None else pd.DataFrame(values)).to_parquet(VALUES, index=False)
    if examples:
        curate.main()


def deliver(rows: list[tuple[str, str, str, str]], name: str = NAME, **columns: list[str]) -> None:
    """Write a delivery of texts, and that all of it was picked."""
    table = pd.DataFrame({"id": [f"{name}/{row[0]}" for row in rows]}, dtype="str")
    Path(f"data/incoming/{name}").mkdir(parents=True, exist_ok=True)
    texts = table.assign(**{"text": "text of " + table["id"]} | columns)
    write_table(texts, Path(f"data/incoming/{name}/inputs.csv"))
    picked = table.assign(delivered="90", model="f00", predicted="cat", group="")
    picked["picked_as"], picked["label"], picked["by"] = (list(each) for each in list(zip(*rows, strict=True))[1:])
    picked["by"] = picked["by"].str.replace("=", "'=")
    write_table(picked[COLUMNS], Path(f"data/picked/{name}.csv"))


@pytest.fixture(autouse=True)
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A committed project of six texts with groups, of which the fifth and sixth test; DVC is left out."""
    monkeypatch.chdir(tmp_path)
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    for folder in ("data/raw", "data/passes", "data/examples", "data/picked"):
        Path(folder).mkdir(parents=True)
    shipped = params("texts", classes=CLASSES, checks={"min_examples": 1, "mass_edit": 0.9, "balance_jump": 0.9})
    Path("params.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    Path("data/label_book.md").write_text("## cat\n## dog\n", encoding="utf-8")
    Path("dvc.lock").write_text("schema: '2.0'\n", encoding="utf-8")
    Path("data/passes/.gitkeep").touch()
    sets = ["train", "train", "train", "validation", "test", "test"]
    lines = [f"e{n},{CLASSES[n % 2]},text {n},{split},g{n},s" for n, split in enumerate(sets)]
    Path("data/raw/labels.csv").write_text("\n".join(["id,label,text,split,group,site", *lines]) + "\n")
    Path(".gitignore").write_text("/data/examples/\n/data/inputs/\n", encoding="utf-8")
    pack()
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "Baseline")
    monkeypatch.setattr(alone, "stale", lambda _: ([], []))
    monkeypatch.setattr(project, "has_example", lambda: False)
    monkeypatch.setattr(project, "finish", lambda: None)
    # As if the ids that begin with r were the first by hash.
    monkeypatch.setattr(room, "order_at_random", lambda ids: np.argsort(~ids.str.contains("/r"), kind="stable"))
    deliver(ROWS)


def brought(file: str = DELIVERY) -> list[str]:
    return [id.removeprefix(f"{NAME}/") for id in read_table(Path(file))["id"]]


def edits(done: BroughtBack) -> list[list[str]]:
    return read_table(done.file)[["id", "action", "label", "was", "reason", "by"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("options", "file", "ids", "split", "action", "left"),
    [
        pytest.param({}, DELIVERY, ["c0", "u0"], "train", "add", 1, id="what the model chose trains"),
        pytest.param({"test": True}, TEST, ["r0", "r1"], "test", "add-test", 1, id="what was drawn at random tests"),
        pytest.param(
            {"everything": True}, DELIVERY, ["r0", "r1", "c0", "u0"], "train", "add", 2, id="all of it trains"
        ),
    ],
)
def test_which_rows_go_where(
    options: dict[str, Any], file: str, ids: list[str], split: str, action: str, left: int
) -> None:
    """Labelled rows alone come, with why they were picked and of what; what is open can follow."""
    done = bring_back(NAME, **options)
    assert brought(file) == ids
    table, of = read_table(Path(file)), {row[0]: row for row in ROWS}
    assert set(table) == {"id", "label", "text", "split", "picked_as", "incoming"}
    assert table["label"].tolist() == [of[id][2] for id in ids]
    assert table["picked_as"].tolist() == [of[id][1] for id in ids]
    assert table["text"].tolist() == [f"text of {NAME}/{id}" for id in ids]
    assert set(table["split"]) == {split} and set(table["incoming"]) == {NAME}
    assert edits(done) == [
        [f"{NAME}/{id}", action, "", "", f"picked as {of[id][1]} of {NAME}", of[id][3].replace("=", "'=")] for id in ids
    ]
    assert (done.name, done.test, done.folder, done.open) == (NAME, "test" in options, Path(file).parent, left)
    assert done.file == Path(f"data/passes/p001-{Path(file).parent.name}.csv")
    assert done.classes.to_dict("list") == {"class": CLASSES, "rows": [len(ids) // 2] * 2}
    assert done.left_out == {} and done.example == []


def test_curate_takes_what_came_back() -> None:
    """The random ones enter the test set and the others the training set; what trained stays as it was."""
    pack()
    curate.main()
    before = {name: Path(f"data/examples/{name}.csv").read_bytes() for name in ("train", "validation")}
    bring_back(NAME, test=True)
    pack()
    curate.main()
    sets = {name: read_table(Path(f"data/examples/{name}.csv")) for name in ("train", "validation", "test")}
    old = ["id", "label", "weight", "row", "text", "group", "site"]
    for name, content in before.items():
        Path("before.csv").write_bytes(content)
        assert sets[name][old].equals(read_table(Path("before.csv"))[old])
    test = sets["test"].set_index("id")
    assert test["picked_as"].to_dict() == {f"{NAME}/r0": "random", f"{NAME}/r1": "random", "e4": "", "e5": ""}
    assert test["incoming"].to_dict() == {f"{NAME}/r0": NAME, f"{NAME}/r1": NAME, "e4": "", "e5": ""}
    git("add", "-A")
    git("commit", "-q", "-m", "More test examples")
    bring_back(NAME)
    pack()
    curate.main()
    train = read_table(Path("data/examples/train.csv"))
    assert train["id"].tolist() == [f"{NAME}/c0", f"{NAME}/u0", "e0", "e1", "e2"]
    assert train["label"].tolist() == ["dog", "cat", "cat", "dog", "cat"] and set(train["weight"]) == {"1"}


def test_the_only_delivery_is_meant_and_what_is_open_follows() -> None:
    Path(f"data/picked/{NAME}.csv").unlink()
    deliver([("c0", "uncertain", "dog", "Ann"), ("c1", "uncertain", "", "")], "2026-12")
    assert bring_back().name == "2026-12"
    pack()
    deliver([("c0", "uncertain", "dog", "Ann"), ("c1", "uncertain", "cat", "Ann")], "2026-12")
    done = bring_back()
    assert done.folder == Path("data/raw/2026-12-2") and done.file.name == "p002-2026-12-2.csv"
    assert read_table(done.folder / "labels.csv")["id"].tolist() == ["2026-12/c1"]
    assert done.left_out == {"in the data already": 1} and done.open == 0


def test_of_several_deliveries_one_must_be_named() -> None:
    deliver([("c0", "uncertain", "dog", "Ann")], "2026-12")
    with pytest.raises(Refusal, match=f"Several deliveries are picked; name one of {NAME}, 2026-12"):
        bring_back()
    assert not Path(DELIVERY).exists()


@pytest.mark.parametrize(
    "given", [NAME, f"data/picked/{NAME}.csv", f"data/incoming/{NAME}", f"data/incoming/{NAME}.dvc"]
)
def test_a_delivery_by_its_files(given: str) -> None:
    assert bring_back(given).name == NAME


COPY = "the same as an example that is there"
OUT: dict[str, tuple[dict[str, Any], dict[str, list[str]], list[tuple[str, str, str, str]], list[str], dict[str, int]]] = {
    "an input that trains": ({}, {}, [("c0", "uncertain", "cat", "A"), ("c1", "unlike", "cat", "A")], ["c1"], {COPY: 1}),
    "a class that is no more": (
        {},
        {},
        [("c0", "uncertain", "cow", "A"), ("c1", "unlike", "cat", "A")],
        ["c1"],
        {"of a class that is no more": 1},
    ),
    "an input that comes twice": (
        {},
        {"text": ["same", "other", "same"]},
        [("c0", "uncertain", "cat", "A"), ("c1", "unlike", "cat", "A"), ("c2", "unlike", "dog", "A")],
        ["c0", "c1"],
        {"the same input as another one that comes in": 1},
    ),
    "groups that test or validate": (
        {},
        {"group": ["g4", "g3", "g0", ""]},
        [(f"c{n}", "uncertain", "cat", "A") for n in range(4)],
        ["c2", "c3"],
        {"in a group with examples that do not train": 2},
    ),
    "groups that train or validate": (
        {"test": True},
        {"group": ["g4", "g3", "g0", ""]},
        [(f"r{n}", "random", "cat", "A") for n in range(4)],
        ["r0", "r3"],
        {"in a group with examples that do not test": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "columns", "rows", "ids", "why"), OUT.values(), ids=OUT)
def test_what_is_left_out(
    options: dict[str, Any],
    columns: dict[str, list[str]],
    rows: list[tuple[str, str, str, str]],
    ids: list[str],
    why: dict[str, int],
) -> None:
    deliver([(*row[:3], f"Who answered {row[0]}") for row in rows], **columns)
    if COPY in why:
        pack({"e0": room.read_incoming(NAME).table["input"][0]})
    done = bring_back(NAME, **options)
    assert brought(TEST if options else DELIVERY) == ids and done.left_out == why
    assert [(row[0], row[5]) for row in edits(done)] == [(f"{NAME}/{id}", f"Who answered {id}") for id in ids]


def test_what_was_dropped_does_not_come_back_as_a_copy() -> None:
    """Somebody has said of it that it is not usable."""
    Path("data/passes/p001-d.csv").write_text("id,action,label,was,reason,by\ne0,drop,,,,\n", encoding="utf-8")
    pack({"e0": room.read_incoming(NAME).table["input"][4]})  # that of c0
    assert bring_back(NAME).left_out == {COPY: 1} and brought() == ["u0"]


def test_metadata_and_files_come_with_the_rows() -> None:
    """Pictures are copied, under the paths that their table names; metadata stays beside them."""
    Path("params.yaml").write_text(yaml.safe_dump(params("images", classes=CLASSES)), encoding="utf-8")
    folder = Path("data/incoming/pics")
    table = pd.DataFrame({"id": ["pics/a", "pics/x/b"], "path": ["files/a.png", "files/x/b.png"], "site": ["n", "s"]})
    for number, path in enumerate(table["path"]):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(folder / path)
    write_table(table, folder / "inputs.csv")
    rows = pd.DataFrame({"id": table["id"][::-1], "picked_as": "unlike", "label": "cat", "by": "Ann"})
    write_table(rows.assign(delivered="2", model="f", predicted="cat", group="")[COLUMNS], Path("data/picked/pics.csv"))
    done = bring_back("pics")
    assert read_table(done.folder / "labels.csv").to_dict("list") == {
        "id": ["pics/x/b", "pics/a"],
        "label": ["cat", "cat"],
        "path": ["pics/images/x/b.png", "pics/images/a.png"],
        "site": ["s", "n"],
        "split": ["train", "train"],
        "picked_as": ["unlike", "unlike"],
        "incoming": ["pics", "pics"],
    }
    for source, target in (("files/a.png", "images/a.png"), ("files/x/b.png", "images/x/b.png")):
        assert (done.folder / target).read_bytes() == (folder / source).read_bytes()


def test_columns_to_learn_from_come_with_the_rows() -> None:
    shipped = params("tables", classes=CLASSES)
    shipped["data"]["inputs"]["columns"] = {"speed": "number"}
    Path("params.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    folder = Path("data/incoming/rows")
    folder.mkdir(parents=True)
    table = pd.DataFrame({"id": ["rows/0", "rows/1", "rows/2"]}, dtype="str")
    write_table(table, folder / "inputs.csv")
    table.assign(speed=[1.5, 2.5, None]).to_parquet(folder / "features.parquet", index=False)
    rows = pd.DataFrame({"id": ["rows/2", "rows/0"], "picked_as": "unlike", "label": "cat", "by": "Ann"})
    write_table(rows.assign(delivered="3", model="f", predicted="cat", group="")[COLUMNS], Path("data/picked/rows.csv"))
    pack(values={"speed": [10.0 * n for n in range(6)]})
    done = bring_back("rows")
    features = pd.read_parquet(done.folder / "features.parquet")
    assert features["id"].tolist() == ["rows/2", "rows/0"] == read_table(done.folder / "labels.csv")["id"].tolist()
    assert features["speed"].isna().tolist() == [True, False] and features["speed"][1] == 1.5


def everything() -> dict[str, bytes]:
    return {path.as_posix(): path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}


def unlabelled() -> None:
    deliver([(id, origin, "", by) for id, origin, _, by in ROWS])


def another_delivery() -> None:
    table = read_table(Path(f"data/incoming/{NAME}/inputs.csv"))
    write_table(table[~table["id"].str.endswith("c0")], Path(f"data/incoming/{NAME}/inputs.csv"))


def no_class() -> None:
    deliver([(id, origin, label and "cow", by) for id, origin, label, by in ROWS])


def mixed() -> None:
    Path("params.yaml").write_text(Path("params.yaml").read_text() + "# changed\n", encoding="utf-8")


def a_pass() -> None:
    Path("data/passes/p001-x.csv").write_text("id,action,label,was,reason,by\n", encoding="utf-8")


def nothing_picked() -> None:
    Path(f"data/picked/{NAME}.csv").unlink()


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        pytest.param(None, {"test": True, "everything": True}, "--test and --all exclude each other", id="test and all"),
        pytest.param(nothing_picked, {"name": None}, "Nothing is picked; `datapass pick` picks", id="nothing picked"),
        pytest.param(None, {"name": "2026-1l"}, 'did you mean "2026-11"', id="another name"),
        pytest.param(unlabelled, {}, f"Nothing of {NAME} that would come back is labelled yet", id="nothing labelled"),
        pytest.param(unlabelled, {"test": True}, f"`datapass review --picked {NAME}`", id="nothing labelled to test"),
        pytest.param(another_delivery, {}, f'data/incoming/{NAME}/ has no input "{NAME}/c0": it is another', id="other"),
        pytest.param(no_class, {}, "left to bring back:\n- 2 rows: of a class that is no more", id="all left out"),
        pytest.param(mixed, {"test": True}, '"params.yaml": not committed', id="other changes with a test set"),
        pytest.param(a_pass, {"test": True}, '"data/passes/p001-x.csv": not committed', id="a pass with a test set"),
    ],
)  # fmt: skip
def test_refused(change: Any, options: dict[str, Any], said: str) -> None:
    if change is not None:
        change()
    before = everything()
    with pytest.raises(Refusal) as refusal:
        bring_back(**{"name": NAME} | options)
    assert said in str(refusal.value) and everything() == before


def test_other_changes_do_not_keep_training_examples_away() -> None:
    mixed()
    assert bring_back(NAME).folder == Path(f"data/raw/{NAME}")


def test_what_is_picked_and_delivered_does_not_keep_test_examples_away() -> None:
    git("add", "-A")
    git("commit", "-q", "-m", "Picked")
    deliver(ROWS[:2])
    assert bring_back(NAME, test=True).folder == Path(f"data/raw/{NAME}-test")


# Rows that the model's answers chose never test, however they would get there.

HEADER = "id,label,text,split,group,picked_as,incoming"


def later(*rows: str, header: str = HEADER) -> None:
    Path(f"data/raw/{NAME}").mkdir(parents=True, exist_ok=True)
    Path(DELIVERY).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    pack(examples=False)


def applied(*lines: str) -> str:
    """Write a pass, run `curate`, and return why it was refused; nothing if it was not."""
    content = "\n".join(["id,action,label,was,reason,by", *lines]) + "\n"
    Path("data/passes/p001-x.csv").write_text(content, encoding="utf-8")
    try:
        curate.main()
    except Refusal as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("origin", ["uncertain", "unlike"])
@pytest.mark.parametrize(
    ("row", "action", "where"),
    [
        pytest.param("c0,cat,t,,,{},x", "add-test", "data/passes/p001-x.csv:2", id="by add-test"),
        pytest.param("c0,cat,t,test,,{},x", "add-test", "data/passes/p001-x.csv:2", id="by add-test and its split"),
        pytest.param(
            "c0,cat,t,train,,{},x", "add-test", "data/passes/p001-x.csv:2", id="by add-test, though it trains"
        ),
        pytest.param("c0,cat,t,test,,{},x", "add", f"{DELIVERY}:2", id="by its own split"),
        pytest.param("c0,cat,t,,g4,{},x", "add", f"{DELIVERY}:2", id="by its group"),
    ],
)
def test_chosen_rows_do_not_test(row: str, action: str, where: str, origin: str) -> None:
    later(row.format(origin))
    said = applied(f"c0,{action},,,,")
    assert said.startswith(f'{where}: id "c0": was picked as {origin}, by what the model answers')
    assert said.endswith("write train into its `split`") and len(said.splitlines()) == 1


def test_chosen_rows_do_not_test_by_their_hash() -> None:
    later(*(f"c{n:02},cat,t{n},,,unlike,x" for n in range(40)))
    said = applied(*(f"c{n:02},add,,,," for n in range(40))).splitlines()
    assert 3 < len(said) < 20 and all("was picked as unlike" in one and one.startswith(DELIVERY) for one in said)
    named = {one.split('"')[1] for one in said}
    lines = [f"c{n:02},cat,t{n},{'train' if f'c{n:02}' in named else ''},,unlike,x" for n in range(40)]
    later(*lines)
    assert applied(*(f"c{n:02},add,,,," for n in range(40))) == ""


@pytest.mark.parametrize(
    ("row", "action"),
    [
        pytest.param("c0,cat,t,,,random,x", "add-test", id="random ones test"),
        pytest.param("c0,cat,t,,,,", "add-test", id="as do those of other deliveries"),
        pytest.param("c0,cat,t,train,,uncertain,x", "add", id="uncertain ones train"),
        pytest.param("c0,cat,t,validation,,unlike,x", "add", id="or validate"),
        pytest.param("c0,cat,t,test,,unlike,x", "keep", id="rows that are in no pass are of no set"),
    ],
)
def test_what_may(row: str, action: str) -> None:
    later(row)
    assert applied(f"c0,{action},,,," if action != "keep" else "e0,keep,,,,") == ""


def test_every_chosen_row_is_named() -> None:
    later("c0,cat,t,,,unlike,x", "c1,cat,u,,,random,x", "c2,cat,v,,,uncertain,x")
    said = applied("c0,add-test,,,,", "c1,add-test,,,,", "c2,add-test,,,,").splitlines()
    assert [one.partition(": was")[0] for one in said] == [
        'data/passes/p001-x.csv:2: id "c0"',
        'data/passes/p001-x.csv:4: id "c2"',
    ]


# What is said of it.


def test_the_report_says_what_became_what() -> None:
    deliver([*ROWS, ("c9", "uncertain", "<b>|x", "Ann")])
    training = bring_back(NAME)
    pack()
    git("add", "-A")
    git("commit", "-q", "-m", "More training examples")
    test = bring_back(NAME, test=True)
    assert brought_back(training).headline == f"{NAME}: 2 labelled inputs become training examples, p001-{NAME}"
    assert brought_back(test).headline == f"{NAME}: 2 labelled inputs become test examples, p002-{NAME}-test"
    for page in (markdown(brought_back(training)), html(brought_back(training))):
        for said in ("of a class that is no more", "1 more are not labelled yet"):
            assert said in page
        assert f"datapass compare main {NAME}" in page and f"datapass bring-back {NAME} --test" in page
    assert "Left out: 1 row<" in html(brought_back(training))
    for page in (markdown(brought_back(test)), html(brought_back(test))):
        assert "in a pull request of its own" in page and "Left out" not in page and "compare main" not in page
    found = record(brought_back(training))
    assert {key: found[key] for key in ("delivery", "to", "rows", "folder", "pass", "left_out", "open")} == {
        "delivery": NAME,
        "to": "training",
        "rows": 2,
        "folder": f"data/raw/{NAME}",
        "pass": f"p001-{NAME}",
        "left_out": {"of a class that is no more": 1},
        "open": 1,
    }
    assert found["classes"] == [{"class": "cat", "rows": 1}, {"class": "dog", "rows": 1}]


# The same rows in two deliveries.


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(False, False, id="to train twice"),
        pytest.param(True, True, id="to test twice"),
        pytest.param(False, True, id="to train and to test"),
        pytest.param(True, False, id="to test and to train"),
    ],
)
def test_the_same_text_in_two_deliveries_comes_back_once(first: bool, second: bool) -> None:
    """By its content: the ids differ."""
    origin = {False: "uncertain", True: "random"}
    for name, test in (("2026-08", first), ("2026-09", second)):
        rows = [("r0", origin[test], "cat", "Ann"), ("r1", origin[test], "cat", "Ann")]
        deliver(rows, name, text=["the same in both", f"only in {name}"])
    done = bring_back("2026-08", test=first)
    assert done.left_out == {} and int(done.classes["rows"].sum()) == 2
    pack()
    git("add", "-A")
    git("commit", "-q", "-m", "The first")
    again = bring_back("2026-09", test=second)
    assert again.left_out == {COPY: 1}
    assert read_table(again.folder / "labels.csv")["id"].tolist() == ["2026-09/r1"]


def test_a_second_delivery_waits_until_the_first_is_packed() -> None:
    """Until then nobody can tell whether they have inputs in common."""
    for name in ("2026-08", "2026-09"):
        deliver([("c0", "uncertain", "cat", "Ann")], name, text=["the same in both"])
    bring_back("2026-08")
    with pytest.raises(Refusal, match="is not of this data/raw/; `dvc repro` packs the inputs again"):
        bring_back("2026-09")
    assert not Path("data/raw/2026-09").exists()


def deliver_rows(name: str, origin: str, ids: list[str], speed: list[float]) -> None:
    """Write a delivery of rows of a table, and that all of it was picked."""
    folder = Path(f"data/incoming/{name}")
    folder.mkdir(parents=True)
    table = pd.DataFrame({"id": [f"{name}/{id}" for id in ids]}, dtype="str")
    write_table(table, folder / "inputs.csv")
    table.assign(speed=speed).to_parquet(folder / "features.parquet", index=False)
    rows = table.assign(picked_as=origin, label="cat", by="Ann", delivered="9", model="f", predicted="cat", group="")
    write_table(rows[COLUMNS], Path(f"data/picked/{name}.csv"))


@pytest.mark.parametrize(
    ("known", "ids", "left_out"),
    [
        pytest.param([1.0, 2, 3, 4, 5, 6], ["a", "b"], {COPY: 1}, id="by all cells, whatever the id"),
        pytest.param([7.5, 2, 2, 2, 2, 2], ["a", "b"], {}, id="where rows agree by chance, not by the cells alone"),
        pytest.param([7.5, 2, 2, 2, 2, 2], ["e0", "b"], {COPY: 1}, id="where rows agree by chance, with the own id"),
    ],
)
def test_the_same_row_of_a_table(known: list[float], ids: list[str], left_out: dict[str, int]) -> None:
    shipped = params("tables", classes=CLASSES)
    shipped["data"]["inputs"]["columns"] = {"speed": "number"}
    Path("params.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    pack(values={"speed": list(known)})
    deliver_rows("rows", "unlike", ids, [known[0], 99.0])
    assert bring_back("rows").left_out == left_out


# Groups are of all rows that were delivered: those that were dropped, and those that wait, too.


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("data/passes/p001-d.csv:id,action,label,was,reason,by\ne0,drop,,,,\n", id="dropped"),
        pytest.param("data/raw/later/labels.csv:id,label,text,split,group\nw0,cat,waits,train,g9\n", id="waiting"),
        pytest.param("", id="active"),
    ],
)
def test_a_group_that_trains_does_not_test(change: str) -> None:
    if change:
        path, _, content = change.partition(":")
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(content, encoding="utf-8")
        pack()
        git("add", "-A")
        git("commit", "-q", "-m", "Changed")
    mine = "g9" if "g9" in change else "g0"
    deliver([(f"r{n}", "random", "cat", "Ann") for n in range(3)], group=[mine, "g4", "new"])
    done = bring_back(NAME, test=True)
    assert done.left_out == {"in a group with examples that do not test": 1} and brought(TEST) == ["r1", "r2"]


# Runs that were cut off.


class CutOffError(Exception):
    """As if the power had failed."""


def fails(error: Exception) -> Any:
    def cut_off(*_: Any, **__: Any) -> None:
        raise error

    return cut_off


@pytest.mark.parametrize("where", ["place_pass", "finish"])
@pytest.mark.parametrize("options", [{}, {"test": True}], ids=["training", "test"])
def test_a_run_that_was_cut_off_is_finished_by_the_next(
    options: dict[str, Any], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash in each place the rows are there once and in one pass, and DVC is told."""
    file, ids = (TEST, ["r0", "r1"]) if options else (DELIVERY, ["c0", "u0"])
    finished: list[bool] = []
    with monkeypatch.context() as once:
        once.setattr(*((room, "place_pass") if where == "place_pass" else (project, "finish")), fails(CutOffError()))
        with pytest.raises(CutOffError):
            bring_back(NAME, **options)
    assert brought(file) == ids
    monkeypatch.setattr(project, "finish", lambda: finished.append(True))
    if where == "place_pass":
        done = bring_back(NAME, **options)
        assert done.folder == Path(file).parent and edits(done) == [
            [f"{NAME}/{id}", "add-test" if options else "add", "", "", f"picked as {origin} of {NAME}", by]
            for id, origin, _, by in [(row[0], row[1], row[2], row[3].replace("=", "'=")) for row in ROWS]
            if id in ids
        ]
    else:
        pack()
        git("add", "-A")
        git("commit", "-q", "-m", "What the first run left")
        with pytest.raises(Refusal, match="nothing of 2026-11 left to bring back:\n- 2 rows: in the data already"):
            bring_back(NAME, **options)
    assert finished == [True] and brought(file) == ids
    assert len(list(Path("data/passes").glob("*.csv"))) == 1
    assert {path.name for path in Path("data/raw").iterdir()} == {"labels.csv", Path(file).parent.name}


def test_rows_whose_pass_is_refused_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before, finished = everything(), list[bool]()
    monkeypatch.setattr(project, "finish", lambda: finished.append(True))
    with monkeypatch.context() as once:
        once.setattr(room, "place_pass", fails(Refusal("the pass is refused")))
        with pytest.raises(Refusal, match="the pass is refused"):
            bring_back(NAME)
    assert everything() == before and finished == [True], "DVC knows the data as it was"
    assert bring_back(NAME).folder == Path(f"data/raw/{NAME}")


def test_rows_of_the_other_set_that_wait_are_not_taken_for_these(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as once:
        once.setattr(room, "place_pass", fails(CutOffError()))
        with pytest.raises(CutOffError):
            bring_back(NAME)
    pack()
    git("add", "-A")
    git("commit", "-q", "-m", "What the first run left")
    assert bring_back(NAME, test=True).folder == Path(f"data/raw/{NAME}-test")
    pack()
    assert bring_back(NAME).folder == Path(f"data/raw/{NAME}")


# What is called random was drawn at random.


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Deliver 12 inputs, and return them in the order in which they are drawn."""
    monkeypatch.setattr(room, "order_at_random", pick.order_at_random)
    return np.argsort(fraction(pd.Series([f"{NAME}/{n}" for n in range(12)]), "picked at random")).tolist()


def called(*origins: tuple[int, str]) -> None:
    """Write which inputs were picked, and as what; all are labelled."""
    deliver([(str(n), "unlike", "cat", "Ann") for n in range(12)])
    table = read_table(Path(f"data/picked/{NAME}.csv")).set_index("id").loc[[f"{NAME}/{n}" for n, _ in origins]]
    table["picked_as"] = [origin for _, origin in origins]
    write_table(table.reset_index()[COLUMNS], Path(f"data/picked/{NAME}.csv"))


def test_what_was_drawn_first_may_test(drawn: list[int]) -> None:
    called(*((n, "random") for n in drawn[:5]), (drawn[9], "unlike"))
    assert brought_ids(bring_back(NAME, test=True)) == {f"{NAME}/{n}" for n in drawn[:5]}


@pytest.mark.parametrize("options", [{"test": True}, {}], ids=["test", "training"])
def test_what_the_model_chose_cannot_be_called_random(drawn: list[int], options: dict[str, Any]) -> None:
    called(*((n, "random") for n in [*drawn[:5], drawn[11]]), (drawn[9], "unlike"))
    with pytest.raises(Refusal) as refusal:
        bring_back(NAME, **options)
    assert [one.id for one in refusal.value.problems] == [f"{NAME}/{drawn[11]}"]
    assert "is called random, and was not drawn so" in str(refusal.value) and not Path(TEST).exists()


def test_what_the_data_had_already_was_passed_over(drawn: list[int]) -> None:
    """So the one after it was drawn in its place."""
    deliver([(str(n), "unlike", "cat", "Ann") for n in range(12)])
    pack({"e0": room.read_incoming(NAME).table["input"][drawn[1]]})
    git("add", "-A")
    git("commit", "-q", "-m", "Packed")
    called(*((n, "random") for n in [drawn[0], *drawn[2:6]]))
    assert brought_ids(bring_back(NAME, test=True)) == {f"{NAME}/{n}" for n in [drawn[0], *drawn[2:6]]}


def brought_ids(done: BroughtBack) -> set[str]:
    return set(read_table(done.folder / "labels.csv")["id"])
