"""Label Studio: tasks out, exports of the real format (as version 1.23 wrote them) back in, and what is refused."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conftest import params
from datapass.annotators.label_studio import read_exports
from datapass.annotators.sample import form
from datapass.annotators.tasks import config, tasks
from datapass.data.next_pass import place_pass
from datapass.data.passes import COLUMNS, NAME
from datapass.files.tables import read_table
from datapass.messages.problems import Refusal
from datapass.verbs.labelling import export, import_

CLASSES = ["cat", "dog", '<b>&"x"']


def annotation(number: int, who: Any, label: str | None, note: str = "", **more: Any) -> dict[str, Any]:
    """Return an annotation as the server exports it."""
    result: list[dict[str, Any]] = []
    if label is not None:
        value = {"choices": [label]}
        result.append({"from_name": "label", "to_name": "image", "type": "choices", "value": value})
    if note:
        result.append({"from_name": "note", "to_name": "image", "type": "textarea", "value": {"text": [note]}})
    return {
        "id": number,
        "completed_by": who,
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": f"2026-11-23T16:05:{number:02}.874819Z",
        "updated_at": f"2026-11-23T16:05:{number:02}.874839Z",
        "draft_created_at": None,
        "lead_time": 4.2,
        "task": 1,
        "project": 1,
    } | more


def task(uid: str, was: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    """Return a task as the server exports it."""
    data = {"image": f"/data/local-files/?d=raw/images/{uid}.png", "uid": uid, "current_label": was}
    return {"id": 1, "annotations": list(annotations), "drafts": [], "predictions": [1], "data": data, "meta": {}}


def flat(exported: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tasks as the server exports them in JSON_MIN: a record an annotation, the latest first."""
    rows = []
    for one in exported:
        for a in reversed([a for a in one["annotations"] if not a["was_cancelled"]]):
            said = {r["from_name"]: (r["value"].get("choices") or r["value"]["text"])[0] for r in a["result"]}
            who = a["completed_by"]["email"] if isinstance(a["completed_by"], dict) else a["completed_by"]
            times = {key: a[key] for key in ("created_at", "updated_at", "lead_time")}
            rows.append(one["data"] | {"id": one["id"]} | said | {"annotator": who, "annotation_id": a["id"]} | times)
    return rows


EXPORT = [
    task("e0", "cat", annotation(1, 1, "dog", "a tail"), annotation(2, 2, "dog", "=barks")),  # both: relabel
    task("e1", "dog", annotation(3, {"id": 2, "email": "ben@example.org"}, "dog")),  # right: keep
    task("e2", "cat", annotation(4, 1, "dog"), annotation(5, 2, "cat")),  # they disagree
    task("e3", "dog", annotation(6, 1, "cat", was_cancelled=True)),  # skipped
    task("e4", "cat", annotation(8, 1, "cat"), annotation(7, 1, "dog")),  # the later answer counts: keep
    task("e5", "dog"),  # not annotated
    task("e6", "cat", annotation(9, 1, None, "no idea")),  # a note, but no class
]
PASS = [
    ["e0", "relabel", "dog", "cat", "a tail; =barks", "1; 2"],
    ["e1", "keep", "dog", "dog", "", "ben@example.org"],
    ["e4", "keep", "cat", "cat", "", "1"],
]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of e0 ... e7, cat and dog in turn, in a temporary folder, which becomes the current one."""
    monkeypatch.chdir(tmp_path)
    for folder in ("data/raw", "data/passes", "data/examples", "reports"):
        Path(folder).mkdir(parents=True)
    Path("params.yaml").write_text(yaml.safe_dump(params(classes=["cat", "dog"])))
    rows = [(f"e{i}", ["cat", "dog"][i % 2], f"images/e {i}#.png") for i in range(8)]
    table = pd.DataFrame(rows, columns=["id", "label", "path"])
    table.to_csv("data/raw/labels.csv", index=False)
    table.assign(weight=[0, *[1] * 7]).drop(columns="path").iloc[:7].to_csv("data/examples/train.csv", index=False)
    Path("data/examples/validation.csv").write_text("id,label,weight\n")
    Path("data/examples/test.csv").write_text("id,label,weight\ne7,dog,1\n")
    return tmp_path


def write(name: str, content: Any) -> Path:
    path = Path(name)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", [pytest.param(list, id="JSON"), pytest.param(flat, id="JSON_MIN")])
def test_import_makes_a_pass(form: Callable[[Any], Any], capsys: pytest.CaptureFixture[str]) -> None:
    import_([write("export.json", form(EXPORT))])
    assert read_table(Path("data/passes/p001-label-studio.csv")).to_numpy().tolist() == PASS
    assert Path("data/annotations.csv").read_text().split() == [
        "id,annotator,label",
        "e0,1,dog",
        "e0,2,dog",
        "e2,1,dog",
        "e2,2,cat",
    ]
    said = capsys.readouterr().out
    assert '"e2": "cat", "dog"' in said and "dvc repro" in said and "dvc exp run -n p001-label-studio" in said
    with pytest.raises(Refusal, match='task 1: is stale: it was answered when the label was "cat", now it is "dog"'):
        import_([Path("export.json")])
    import_([Path("export.json")], name="again", skip_stale=True)
    assert [row[0] for row in read_table(Path("data/passes/p002-again.csv")).to_numpy()] == ["e1", "e4"]


def changed(change: Callable[[dict[str, Any]], object], flat_: bool = False) -> list[dict[str, Any]]:
    """Return an export of one good task and one that is changed."""
    tasks = copy.deepcopy(EXPORT[:2])
    tasks = flat(tasks)[1:] if flat_ else tasks
    change(tasks[1])
    return tasks


def first(task: dict[str, Any]) -> dict[str, Any]:
    return task["annotations"][0]


REFUSED = [
    pytest.param("{", "is no JSON export of Label Studio", id="malformed"),
    pytest.param("[" * 100_000, "is no JSON export of Label Studio", id="deep"),
    pytest.param({"a": 1}, "it holds no list of tasks", id="an object"),
    pytest.param([EXPORT[0], 7], 'task 2: is "7", not an object', id="a number"),
    pytest.param(changed(lambda t: t["data"].update(uid="e9")), "task 2: no example of the data has this id", id="id"),
    pytest.param(changed(lambda t: t["data"].update(uid=9)), 'task 2: `data.uid` is "9", not text', id="id of a type"),
    pytest.param(changed(lambda t: t.pop("data")), "task 2: `data` is missing", id="no data"),
    pytest.param(changed(lambda t: t["data"].update(current_label="cat")), "task 2: is stale", id="stale"),
    pytest.param(changed(lambda t: t["data"].pop("current_label")), "agree --read", id="no current label"),
    pytest.param(changed(lambda t: t.update(annotations={})), "task 2: `annotations` is", id="annotations"),
    pytest.param(changed(lambda t: t.update(annotations=[3])), 'task 2: is "3", not an object', id="annotation"),
    pytest.param(changed(lambda t: first(t).update(was_cancelled="no")), "task 2: `was_cancelled` is", id="cancelled"),
    pytest.param(
        changed(lambda t: first(t).update(completed_by=[1])), 'task 2: `completed_by` "[1]" is neither', id="annotator"
    ),
    pytest.param(changed(lambda t: first(t).update(updated_at=5)), 'task 2: `updated_at` is "5", not text', id="time"),
    pytest.param(
        changed(lambda t: first(t).update(updated_at="soon")), "task 2: `updated_at` is no time", id="no time"
    ),
    pytest.param(changed(lambda t: first(t).update(result=None)), 'task 2: `result` is "null"', id="result"),
    pytest.param(changed(lambda t: first(t)["result"].append("x")), "task 2: `result.1` is", id="result of a type"),
    pytest.param(
        changed(lambda t: first(t)["result"][0]["value"].update(choices=["cat", "dog"])), "is not one class", id="two"
    ),
    pytest.param(
        changed(lambda t: first(t)["result"][0]["value"].update(choices=["Dog"])), 'did you mean "dog"', id="class"
    ),
    pytest.param(changed(lambda t: t.update(label=["dog"] * 2), True), "task 2: `label` ", id="flat: two"),
    pytest.param(
        changed(lambda t: t.update(label="cow"), True), 'task 2: the class "cow" is not known', id="flat: class"
    ),
    pytest.param(changed(lambda t: t.pop("annotator"), True), "task 2: `annotator` is missing", id="flat: annotator"),
    pytest.param(changed(lambda t: t.pop("uid"), True), "task 2: `uid` is missing", id="flat: no id"),
]


@pytest.mark.parametrize(("content", "wanted"), REFUSED)
def test_refused(content: Any, wanted: str) -> None:
    other = write("other.json", [task("gone", "cat", annotation(1, 1, "dog"))])
    with pytest.raises(Refusal) as refusal:
        import_([write("bad.json", content), other])
    lines = str(refusal.value).splitlines()
    assert any(line.startswith("bad.json: ") and wanted in line for line in lines), lines
    assert any(line.startswith('other.json: id "gone": task 1: no example') for line in lines), "all at once"
    assert not list(Path("data/passes").iterdir()) and not Path("data/annotations.csv").exists()


half = st.just("\ud800")  # JSON can escape half a character, which is no text
json_values = st.recursive(
    st.none() | half | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
paths = st.sampled_from([(0,), (0, "data"), (0, "data", "uid"), (0, "annotations"), (0, "annotations", 0)])
keys = st.sampled_from(["completed_by", "result", "was_cancelled", "updated_at"])
deeper = keys.map(lambda key: (0, "annotations", 0, key))
deepest = st.sampled_from([(), ("value",), ("value", "choices"), ("from_name",)]).map(
    lambda more: (0, "annotations", 0, "result", 0, *more)
)


@given(paths | deeper | deepest, json_values)
def test_no_value_breaks_the_reader(path: tuple[Any, ...], value: Any) -> None:
    exported = copy.deepcopy(EXPORT)
    place: Any = exported
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    labels = pd.Series(["cat", "dog"] * 4, index=[f"e{i}" for i in range(8)])
    read_exports([write("any.json", exported)], labels, ["cat", "dog"])  # refuses or not, but never fails
    if isinstance(value, list):
        read_exports([write("any.json", value)], labels, ["cat", "dog"])


def test_export_without_an_audit() -> None:
    export()
    out = json.loads(Path("reports/tasks.json").read_text())
    assert [t["data"]["uid"] for t in out] == [f"e{i}" for i in range(1, 7)], "what does not count stays out"
    data = {"image": "/data/local-files/?d=raw/images/e%201%23.png", "uid": "e1", "current_label": "dog"}
    assert out[0] == {"data": data}
    export(test=True)
    assert [t["data"]["uid"] for t in json.loads(Path("reports/tasks.json").read_text())] == ["e7"]
    assert ElementTree.parse("reports/label_studio.xml").getroot().tag == "View"


def test_export_of_suspects() -> None:
    head = "id,split,label,suggested,margin,self_confidence,queue,reason\n"
    file = Path("reports/suspects.csv")
    rows = ["e3,train,dog,cat,-.5,0.31,training,", "e2,train,cat,,0,0.4,training,", "e7,test,dog,cat,,,test,"]
    file.write_text(head + "\n".join(rows) + "\n")
    export(number=2)
    out = json.loads(Path("reports/tasks.json").read_text())
    choice = {"id": "p1", "from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": ["cat"]}}
    version = f"suspects@{hashlib.sha256(file.read_bytes()).hexdigest()[:7]}"
    assert out[0]["predictions"] == [{"model_version": version, "score": 0.31, "result": [choice]}]
    assert [t["data"]["uid"] for t in out] == ["e3", "e2"] and "predictions" not in out[1]
    export(all_=True)
    assert len(json.loads(Path("reports/tasks.json").read_text())) == 6
    file.write_text(head + "e3,train,cat,dog,-.5,0.31,training,\n")
    with pytest.raises(Refusal, match="is of older labels"):
        export()


@pytest.mark.parametrize(
    ("columns", "kind", "data"),
    [
        pytest.param({"text": "<b>hi"}, "text", {"text": "<b>hi", "uid": "e1", "current_label": "cat"}, id="text"),
        pytest.param({"age": "7"}, "row", {"row": {"age": "7"}, "uid": "e1", "current_label": "cat"}, id="row"),
        pytest.param({"path": "a.png", "text": "t"}, "image", None, id="image first"),
    ],
)
def test_kinds_of_input(columns: dict[str, str], kind: str, data: dict[str, Any] | None) -> None:
    made = tasks(pd.DataFrame([{"id": "e1", "label": "cat", "weight": "1", "set": "train", **columns}]))
    assert kind in made[0]["data"]
    assert data is None or made[0]["data"] == data


def test_a_wide_row_is_cut_and_counted() -> None:
    table = pd.DataFrame([{"id": "e1", "label": "cat"}])
    rows = pd.DataFrame([{f"c{n}": str(n) for n in range(45)}])
    row = tasks(table, rows=rows)[0]["data"]["row"]
    assert list(row)[:2] == ["c0", "c1"] and len(row) == 41 and row["…"] == "and 5 more columns"
    assert len(tasks(table, rows=rows.iloc[:, :40])[0]["data"]["row"]) == 40


def test_a_form_shows_rows_and_runs_nothing() -> None:
    table = pd.DataFrame([{"id": "e1", "label": "cat", "path": ""}])
    rows = pd.DataFrame([{"label": "=1+1", "id": "7", "=2+2": "@x", "age": "missing", "label of the row": "x"}])
    made = form(table, rows)
    assert list(made) == [
        "id",
        "annotator",
        "label",
        "label of the row 2",
        "id of the row",
        "'=2+2",
        "age",
        "label of the row",
    ]
    assert made.to_numpy().tolist() == [["e1", "", "", "'=1+1", "7", "'@x", "missing", "x"]]


@pytest.mark.parametrize("number", [3, 9, 40])
def test_config(number: int) -> None:
    classes = (CLASSES + [f"class {i}" for i in range(40)])[:number]
    root = ElementTree.fromstring(config("text", classes))
    choices = root.find("Choices")
    assert choices is not None and [c.get("value") for c in choices] == classes
    keys = [c.get("hotkey") for c in choices if c.get("hotkey")]
    assert len(keys) == len(set(keys)) == min(number, 10)
    assert root[0].tag == "Text" and choices.get("toName") == root[0].get("name") == "text"
    digits = ElementTree.fromstring(config("image", list("0123456789"))).find("Choices")
    assert digits is not None and all(c.get("hotkey") == c.get("value") for c in digits)


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        pytest.param("Fix the 7s!", "p010-fix-the-7s", id="words"),
        pytest.param("../../x", "p010-x", id="a path"),
        pytest.param("ß\n=", "p010-edits", id="nothing left"),
        pytest.param("x" * 300, "p010-" + "x" * 60, id="long"),
    ],
)
def test_place_pass(slug: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("data/passes/p009-old.csv").write_text(",".join(COLUMNS) + "\n")
    path = place_pass(pd.DataFrame({"id": ["e0"], "action": ["drop"], "reason": ["=cmd|'x'!A"]}), slug)
    assert path == Path(f"data/passes/{name}.csv") and NAME.fullmatch(path.stem)
    assert path.read_text() == "id,action,label,was,reason,by\ne0,drop,,,'=cmd|'x'!A,\n"
    assert "Git does not know the pass yet" in capsys.readouterr().out, "no repository here"
    with pytest.raises(Refusal, match="nothing to place"):
        place_pass(pd.DataFrame(columns=["id", "action"]), slug)
