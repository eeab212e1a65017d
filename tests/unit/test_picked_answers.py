"""What people answer to picked inputs, on the review page or in Label Studio: placed as labels, or refused by line and id."""

import base64
import copy
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from conftest import params
from datapass.comparison.revisions import git
from datapass.data.examples import ORIGINS
from datapass.files.tables import escape_cells, read_table, write_table
from datapass.messages.problems import Refusal
from datapass.production.incoming import Incoming
from datapass.production.picked import COLUMNS, read_picked
from datapass.review.picked import key_of, read_open
from datapass.review.pictures import new_pictures
from datapass.verbs.labelling import export, import_, review

NAME, OTHER = "2026-11", "2026-12"
CLASSES = ["cat", "dog", "=cow"]
IDS = [f"{NAME}/t{i}" for i in range(6)]


def picked(name: str = NAME, number: int = 6, predicted: str = "dog") -> pd.DataFrame:
    """Return what was picked of a delivery: random, uncertain and unlike in turn, all of it open."""
    cells = {"delivered": "900", "group": "", "model": "f00", "predicted": predicted, "label": "", "by": ""}
    table = pd.DataFrame({"id": [f"{name}/t{i}" for i in range(number)]}).assign(**cells)
    return table.assign(picked_as=[ORIGINS[i % 3] for i in range(number)])[COLUMNS].astype("str")


def deliver(name: str, table: pd.DataFrame, picks: pd.DataFrame) -> None:
    folder = Path("data/incoming") / name
    folder.mkdir(parents=True, exist_ok=True)
    write_table(table, folder / "inputs.csv")
    write_table(picks, Path(f"data/picked/{name}.csv"))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project of texts, with a delivery of six more that were all picked, in the opposite order."""
    monkeypatch.chdir(tmp_path)
    for folder in ("data/raw", "data/passes", "data/examples", "data/picked", "reports"):
        Path(folder).mkdir(parents=True)
    Path("params.yaml").write_text(yaml.safe_dump(params("texts", classes=CLASSES)))
    labels = pd.DataFrame({"id": ["e0", "e1"], "label": ["cat", "dog"], "text": ["meow", "wuff"]})
    labels.to_csv("data/raw/labels.csv", index=False)
    git("init", "--quiet")
    for name in (NAME, OTHER):
        texts = pd.DataFrame({"id": [f"{name}/t{i}" for i in reversed(range(6))]})
        deliver(name, texts.assign(text="text of " + texts["id"]), picked(name))


def saved(*rows: tuple[str, str, str, str], key: str = "", file: str = "review.csv") -> Path:
    """Write what the page would save: rows of id, action, label and by."""
    mark = f"[review {key or key_of(picked(), CLASSES)}]"
    with Path(file).open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "action", "label", "was", "reason", "by"])
        writer.writerows([id, action, label, "", f"a note {mark}", by] for id, action, label, by in rows)
    return Path(file)


def stands(name: str = NAME) -> list[list[str]]:
    """Return id, label and by of what somebody has looked at."""
    table = read_picked(name)
    return table.loc[table["by"] != "", ["id", "label", "by"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        pytest.param([(IDS[0], "label", "cat", "Ann")], [[IDS[0], "cat", "Ann"]], id="a label"),
        pytest.param([(IDS[0], "drop", "", "Ann")], [[IDS[0], "", "Ann"]], id="not usable"),
        pytest.param([(IDS[1], "label", "'=cow", "'@ann")], [[IDS[1], "=cow", "@ann"]], id="escaped cells"),
        pytest.param(
            [(IDS[3], "label", "dog", "Ben"), (IDS[2], "label", "cat", "Ann")],
            [[IDS[2], "cat", "Ann"], [IDS[3], "dog", "Ben"]],
            id="two people, the file's order stays",
        ),
    ],
)
def test_apply(rows: list[Any], wanted: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    review(apply=saved(*rows))
    assert stands() == wanted and not stands(OTHER) and not list(Path("data/passes").iterdir())
    kept = [name for name in COLUMNS if name not in ("label", "by")]
    assert read_picked(NAME)[kept].equals(picked()[kept])
    assert f"data/picked/{NAME}.csv: " in capsys.readouterr().out
    assert f"data/picked/{NAME}.csv" in git("ls-files").decode()


def test_several_people_one_after_another() -> None:
    """Parts of one page come in in any order; what is in already is no fault, another answer to it is."""
    review(apply=saved((IDS[0], "label", "cat", "Ann"), (IDS[1], "drop", "", "Ann")))
    review(apply=saved((IDS[0], "label", "cat", "Ben"), (IDS[2], "label", "dog", "Ben")))
    assert stands() == [[IDS[0], "cat", "Ann"], [IDS[1], "", "Ann"], [IDS[2], "dog", "Ben"]]
    file = Path(f"data/picked/{NAME}.csv")
    before = file.read_bytes()
    with pytest.raises(Refusal) as refusal:
        review(
            apply=saved(
                (IDS[0], "label", "dog", "Ben"), (IDS[1], "label", "cat", "Ben"), (IDS[3], "label", "cat", "Ben")
            )
        )
    said = str(refusal.value).splitlines()
    assert said[0].startswith(f'review.csv:2: id "{IDS[0]}": "Ann" says "cat", "Ben" says "dog"')
    assert said[1].startswith(f'review.csv:3: id "{IDS[1]}": "Ann" says not usable, "Ben" says "cat"')
    assert len(said) == 2 and file.read_bytes() == before
    with pytest.raises(Refusal, match="holds these answers already"):
        review(apply=saved((IDS[0], "label", "cat", "Ann")))


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        pytest.param((f"{NAME}/t9", "label", "cat", "Ann"), f"was not picked of {NAME}", id="unknown id"),
        pytest.param((f"{OTHER}/t0", "label", "cat", "Ann"), f"was not picked of {NAME}", id="another delivery"),
        pytest.param(("e0", "label", "cat", "Ann"), f"was not picked of {NAME}", id="an example of the data"),
        pytest.param((IDS[0], "label", "cat", "Ann"), "is answered above already", id="twice"),
        pytest.param((IDS[1], "label", "Cat", "Ann"), 'the class "Cat" is not known; did you mean "cat"?', id="class"),
        pytest.param((IDS[1], "label", "", "Ann"), "names no class", id="no class"),
        pytest.param((IDS[1], "relabel", "cat", "Ann"), 'the action "relabel" is none of label, drop', id="relabel"),
        pytest.param((IDS[1], "keep", "cat", "Ann"), 'the action "keep" is none of label, drop', id="keep"),
        pytest.param((IDS[1], "drop", "cat", "Ann"), "is not usable and has a label", id="drop with a label"),
        pytest.param((IDS[1], "label", "cat", ""), "does not say in `by` who answered", id="nobody"),
    ],
)
def test_apply_refuses(row: tuple[str, str, str, str], wanted: str) -> None:
    """Each fault by file, line and id, all at once, and nothing is placed."""
    file = saved((IDS[0], "label", "cat", "Ann"), row, (IDS[5], "label", "horse", "Ann"))
    with pytest.raises(Refusal) as refusal:
        review(apply=file)
    said = str(refusal.value).splitlines()
    assert len(said) == 2 and said[0].startswith(f'review.csv:3: id "{row[0]}": {wanted}')
    assert said[1].startswith(f'review.csv:4: id "{IDS[5]}": the class "horse" is not known')
    assert not stands()


def test_the_lines_of_two_queues() -> None:
    other = saved((f"{OTHER}/t0", "label", "cat", "Ann"), key=key_of(picked(OTHER), CLASSES), file="other.csv")
    file = saved((IDS[0], "label", "cat", "Ann"), (IDS[1], "label", "cat", "Ann"))
    file.write_bytes(file.read_bytes() + other.read_bytes().split(b"\n", 1)[1])
    with pytest.raises(Refusal) as refusal:
        review(apply=file)
    assert "review.csv:4:" in str(refusal.value) and "answers another queue than the other lines" in str(refusal.value)
    review(apply=other)
    assert stands(OTHER) == [[f"{OTHER}/t0", "cat", "Ann"]]


def test_another_pick_or_other_classes_change_the_key_and_labels_do_not() -> None:
    labelled = picked().assign(label="cat", by="Ann", predicted="cat", picked_as="random")
    assert key_of(labelled, CLASSES) == key_of(picked(), CLASSES)
    assert len({key_of(t, c) for t in (picked(), picked(number=5), picked(OTHER)) for c in (CLASSES, CLASSES[:2])}) == 6
    with pytest.raises(Refusal, match=f"datapass review --picked {NAME}"):
        review(apply=saved((IDS[0], "label", "cat", "Ann"), key="0" * 12))


def test_suspects_are_answered_as_before() -> None:
    """A file that answers suspects never becomes labels, whatever its examples are called."""
    Path("review.csv").write_text(
        f"id,action,label,was,reason,by\n{IDS[0]},relabel,cat,dog,x [review 0123456789ab],Ann\n"
    )
    with pytest.raises(Refusal, match=r"suspects\.csv is missing"):
        review(apply=Path("review.csv"))
    assert not stands()


@pytest.mark.parametrize(
    ("ask", "wanted"),
    [
        pytest.param(lambda: review(picked="2026-1l"), 'did you mean "2026-1', id="no such delivery"),
        pytest.param(lambda: review(picked="../picked/2026-11"), "is no input of", id="a path"),
        pytest.param(lambda: review(picked=NAME, apply=Path("x.csv")), "leave out --picked", id="with apply"),
        pytest.param(lambda: export(picked=NAME, test=True), "leave out --all and --test", id="with test"),
        pytest.param(lambda: export(picked=OTHER + "x"), "Nothing is picked of", id="nothing to export"),
    ],
)
def test_what_cannot_be_asked(ask: Callable[[], None], wanted: str) -> None:
    with pytest.raises(Refusal, match=wanted):
        ask()
    assert not list(Path("reports").iterdir())


def test_open_rows_in_the_order_of_the_file() -> None:
    review(apply=saved((IDS[1], "label", "cat", "Ann"), (IDS[4], "drop", "", "Ann")))
    new = read_open(NAME)
    assert new.table["id"].tolist() == [IDS[0], IDS[2], IDS[3], IDS[5]]
    assert isinstance(new.packed, pd.DataFrame) and new.packed["text"].tolist() == new.table["text"].tolist()
    assert read_open(NAME, 2).table["id"].tolist() == [IDS[0], IDS[2]]
    review(apply=saved(*[(id, "label", "dog", "Ben") for id in IDS if id not in (IDS[1], IDS[4])]))
    with pytest.raises(Refusal, match="all 6 inputs are labelled"):
        read_open(NAME)


def test_a_delivery_that_is_another_one_now() -> None:
    table = read_table(Path(f"data/incoming/{NAME}/inputs.csv"))
    write_table(table.iloc[1:], Path(f"data/incoming/{NAME}/inputs.csv"))
    with pytest.raises(Refusal, match=f'data/picked/{NAME}.csv: id "{IDS[5]}": is not in data/incoming/{NAME}/'):
        review(picked=NAME)


def test_the_page_and_the_tasks_tell_nothing_of_the_model() -> None:
    """The same bytes whatever the model answered and why ever an input was picked."""
    written = set()
    for predicted, origins in (("dog", ORIGINS), ("=cow", ORIGINS[::-1])):
        table = picked(predicted=predicted).assign(picked_as=[origins[i % 3] for i in range(6)])
        write_table(table.assign(model=predicted, delivered="7"), Path(f"data/picked/{NAME}.csv"))
        review(picked=NAME)
        export(picked=NAME)
        written.add((Path("reports/review.html").read_bytes(), Path("reports/tasks.json").read_bytes()))
    assert len(written) == 1


@pytest.mark.parametrize(
    ("path", "level"),
    [
        pytest.param("files/a.png", 200, id="the file"),
        pytest.param("files/gone.png", 50, id="no file: what was packed"),
        pytest.param("files/a.txt", 50, id="no picture: what was packed"),
        pytest.param("../outside.png", 50, id="outside of the delivery: what was packed"),
    ],
)
def test_pictures_of_a_delivery(path: str, level: int) -> None:
    folder = Path("data/incoming/pics/files")
    folder.mkdir(parents=True)
    for file, value in ((folder / "a.png", 200), (Path("data/incoming/outside.png"), 90)):
        Image.fromarray(np.full((8, 8), value, np.uint8)).save(file)
    (folder / "a.txt").write_text("no picture")
    table = pd.DataFrame({"id": ["pics/t0"], "path": [path]})
    new = Incoming("pics", table, np.full((1, 8, 8, 1), 50, np.uint8), {})
    (uri,) = new_pictures(new, 320, 1 << 20)
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as shown:
        assert np.unique(np.asarray(shown)).tolist() == [level]
    assert new_pictures(new, 320, 0) == [""]


# Label Studio.


def annotated(uid: str, *said: tuple[str, str | None], was: str | None = None) -> dict[str, Any]:
    """Return a task as the server exports it, answered by (person, class; None: skipped)."""
    data = {"text": "x", "uid": uid} | ({} if was is None else {"current_label": was})
    annotations = [
        {
            "completed_by": {"email": who},
            "was_cancelled": label is None,
            "updated_at": "2026-11-25T10:00:00Z",
            "result": [{"from_name": "label", "value": {"choices": [label or "cat"]}}],
        }
        for who, label in said
    ]
    return {"data": data, "annotations": annotations}


def exported(*tasks: dict[str, Any]) -> list[Path]:
    Path("export.json").write_text(json.dumps(tasks), encoding="utf-8")
    return [Path("export.json")]


EXPORT = [
    annotated(IDS[0], ("ann", "cat")),
    annotated(IDS[1], ("ann", "=cow"), ("ben", "=cow")),
    annotated(IDS[2], ("ann", "cat"), ("ben", "dog")),
    annotated(IDS[3], ("ann", None)),
    annotated(IDS[4]),
]


def test_import(capsys: pytest.CaptureFixture[str]) -> None:
    """Where people agree, it is the label; where they disagree or skipped, it stays open."""
    import_(exported(*EXPORT))
    assert stands() == [[IDS[0], "cat", "ann"], [IDS[1], "=cow", "ann; ben"]]
    said = capsys.readouterr().out
    assert "since their annotators disagree: 1" in said and f'"{IDS[2]}": "cat", "dog"' in said
    assert not list(Path("data/passes").iterdir()) and not Path("data/annotations.csv").exists()
    import_(exported(*EXPORT, annotated(IDS[5], ("ann", "dog")), annotated(f"{OTHER}/t1", ("ann", "dog"))))
    assert stands()[2:] == [[IDS[5], "dog", "ann"]] and stands(OTHER) == [[f"{OTHER}/t1", "dog", "ann"]]
    with pytest.raises(Refusal, match="nothing to place"):
        import_(exported(*EXPORT[:2]))
    import_(exported(*EXPORT[2:]))  # all that is new is disputed, which is an answer
    assert f'"{IDS[2]}": "cat", "dog"' in capsys.readouterr().out and len(stands()) == 3


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        pytest.param(annotated("e0", ("ann", "cat"), was="cat"), "3 picked inputs and 1 examples of the data", id="mix"),
        pytest.param(annotated("e0", ("ann", "cat")), 'such as "e0"; export each from a project', id="a blind mix"),
        pytest.param(annotated(f"{NAME}/t9", ("ann", "cat")), f'id "{NAME}/t9": task 6: was not picked', id="id"),
        pytest.param(annotated(IDS[5], ("ann", "Dog")), 'task 6: the class "Dog" is not known; did you mean', id="class"),
        pytest.param({"annotations": []}, "task 6: `data` is missing", id="format"),
    ],
)  # fmt: skip
def test_import_refuses(more: dict[str, Any], wanted: str) -> None:
    with pytest.raises(Refusal) as refusal:
        import_(exported(*EXPORT, more))
    assert wanted in str(refusal.value) and not stands()


def test_import_refuses_another_answer_than_stands() -> None:
    review(apply=saved((IDS[0], "label", "dog", "Ben"), (IDS[1], "drop", "", "Ben")))
    with pytest.raises(Refusal) as refusal:
        import_(exported(*EXPORT))
    assert f'id "{IDS[0]}": "Ben" says "dog", "ann" says "cat"' in str(refusal.value)
    assert f'id "{IDS[1]}": "Ben" says not usable, "ann; ben" says "=cow"' in str(refusal.value)
    assert len(stands()) == 2


def test_inputs_that_were_brought_back_are_examples() -> None:
    """Tasks of the data tell a current label: their answers are a pass, though the inputs were once picked."""
    labels = read_table(Path("data/raw/labels.csv"))
    more = pd.DataFrame({"id": [IDS[0]], "label": ["cat"], "text": ["x"]})
    write_table(pd.concat([labels, more]), Path("data/raw/labels.csv"))
    import_(exported(annotated(IDS[0], ("ann", "dog"), was="cat")))
    assert read_table(Path("data/passes/p001-label-studio.csv"))["id"].tolist() == [IDS[0]] and not stands()


def test_export_of_texts() -> None:
    export(picked=NAME, number=2)
    data = [{"data": {"text": f"text of {id}", "uid": id}} for id in IDS[:2]]
    assert json.loads(Path("reports/tasks.json").read_text()) == data
    choices = ElementTree.parse("reports/label_studio.xml").getroot().find("Choices")
    assert choices is not None and [c.get("value") for c in choices] == CLASSES


def test_export_of_pictures() -> None:
    Path("params.yaml").write_text(yaml.safe_dump(params("images", classes=CLASSES)))
    folder = Path("data/incoming/pics/files")
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "a b#.png")
    table = pd.DataFrame({"id": ["pics/t0"], "path": ["files/a b#.png"]})
    deliver("pics", table, picked("pics", 1))
    export(picked="pics")
    data = {"image": "/data/local-files/?d=incoming/pics/files/a%20b%23.png", "uid": "pics/t0"}
    assert json.loads(Path("reports/tasks.json").read_text()) == [{"data": data}]


def test_export_of_rows() -> None:
    shipped = copy.deepcopy(params("tables", classes=CLASSES))
    shipped["data"]["inputs"]["columns"] = {"speed": "number", "odd": "category"}
    Path("params.yaml").write_text(yaml.safe_dump(shipped))
    table = pd.DataFrame({"id": ["rows/t0", "rows/t1"], "place": ["here", "there"]})
    deliver("rows", table, picked("rows", 2).iloc[::-1])
    features = table[["id"]].assign(speed=["1.50", ""], odd=["<b>", "=1+1"])
    features.to_parquet("data/incoming/rows/features.parquet", index=False)
    export(picked="rows")
    rows = [task["data"]["row"] for task in json.loads(Path("reports/tasks.json").read_text())]
    assert rows == [
        {"speed": "missing", "odd": "=1+1", "place": "there"},
        {"speed": "1.5", "odd": "<b>", "place": "here"},
    ]


def test_escaped_names_stay_what_they_are() -> None:
    review(apply=saved((IDS[0], "label", "cat", escape_cells(pd.Series(["=Ann"]))[0])))
    assert stands() == [[IDS[0], "cat", "=Ann"]]
