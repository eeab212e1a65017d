"""Picked inputs on the review page in a real browser: labelled by keyboard, saved and placed; nothing to keep, and nothing told."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from playwright.sync_api import Page

from conftest import Project
from test_review import HOSTILE, count, rows, saved

NAME = "2026-11"
KEPT = ["id", "picked_as", "delivered", "group", "model", "predicted"]
HIDDEN = ["#labels", "#why", "#keep", "#take", "#blind", "#class", "#queue"]


def deliver(project: Project, labels: pd.DataFrame, inputs: pd.DataFrame, features: pd.DataFrame | None = None) -> None:
    """Put in labelled data, and a delivery of production of which all was picked in its order."""
    (project.path / "data/raw").mkdir(exist_ok=True)
    labels.to_csv(project.path / "data/raw/labels.csv", index=False)
    folder = project.path / "data/incoming" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"{NAME}/{id}" for id in inputs["id"]]
    inputs.assign(id=ids).to_csv(folder / "inputs.csv", index=False)
    if features is not None:
        features.assign(id=ids).to_parquet(folder / "features.parquet", index=False)
    origins = ["random" if row < len(ids) / 2 else "unlike" for row in range(len(ids))]
    table = pd.DataFrame({"id": ids, "picked_as": origins}).assign(
        delivered="900", group="", model="f00", predicted="told"
    )
    (project.path / "data/picked").mkdir()
    table.assign(label="", by="").to_csv(project.path / f"data/picked/{NAME}.csv", index=False)
    project.run("git", "init", "--quiet")


def picked(project: Project) -> list[dict[str, str]]:
    with (project.path / f"data/picked/{NAME}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def apply(project: Project, page: Page, who: str) -> str:
    """Save, place what was saved, and return what was printed."""
    name, content = saved(page, who)
    (project.path / name).write_bytes(content)
    return project.verb("review", "--apply", name).stdout


@pytest.fixture
def digits(make: Callable[..., Project]) -> Project:
    """Six pictures whose files are called what nobody would call a file."""
    project = make()
    labels = pd.DataFrame({"id": [f"e{i}" for i in range(10)], "label": [str(i) for i in range(10)]})
    names = [f"{i} {name}.png" for i, name in enumerate(["<b>", "'\"&amp;", "100%#?", "שלום", "a;b", "=1+1"])]
    folder = project.path / "data/incoming" / NAME / "files"
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        shown = np.full((8, 8), 40 * number, np.uint8)
        shown[0, 0] = 255
        Image.fromarray(shown).save(folder / name)
    inputs = pd.DataFrame({"id": names, "path": [f"files/{name}" for name in names], "stroke": "bold"})
    deliver(project, labels.assign(path="x.png", stroke="thin"), inputs)
    return project


def test_pictures_by_keyboard(digits: Project, visit: Callable[..., Page]) -> None:
    """Class keys, not usable, unsure, undo, a reload; the saved file becomes labels, and the page asks for what is left."""
    said = digits.verb("review", "--picked", NAME).stdout
    assert "6 inputs to label" in said and "datapass review --apply" in said
    page = visit(digits)
    assert page.title() == f"Label: {digits.path.name}, {NAME}"
    assert not [hidden for hidden in HIDDEN if page.is_visible(hidden)]
    assert page.inner_text("#drop") == "d\nNot usable" or page.inner_text("#drop").endswith("Not usable")
    for key in ("k", "Enter", "b"):
        page.keyboard.press(key)
    assert count(page) == "0 of 6 answered: 0 labelled, 0 not usable, 0 unsure" and page.inner_text("#book") == ""
    assert page.evaluate("document.querySelector('#picture').naturalWidth") == 8
    assert "bold" in page.inner_text("#more") and "files/" not in page.inner_text("#more")
    for key in ("7", "d", "u", "3", "z", "4"):
        page.keyboard.press(key)
    assert count(page) == "4 of 6 answered: 2 labelled, 1 not usable, 1 unsure"
    assert page.inner_text("#last") == f"{NAME}/3 שלום.png: 4"
    page.reload()
    assert count(page).startswith("4 of 6") and page.inner_text("#where") == "5 / 6"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("n")
    page.keyboard.type('a, "hard" one')
    page.keyboard.press("Enter")
    name, content = saved(page, "=Ann")
    found = rows(content)
    ids = [row["id"] for row in picked(digits)]
    assert list(found[0]) == ["id", "action", "label", "was", "reason", "by"] and name.startswith("review-")
    assert [(r["id"], r["action"], r["label"], r["was"], r["by"]) for r in found] == [
        (ids[0], "label", "7", "", "'=Ann"),
        (ids[1], "drop", "", "", "'=Ann"),
        (ids[3], "label", "4", "", "'=Ann"),
    ]
    key = name.split("-")[1]
    assert [r["reason"] for r in found] == [f"[review {key}]", f"[review {key}]", f'a, "hard" one [review {key}]']

    before = picked(digits)
    said = apply(digits, page, "=Ann")
    assert "2 labelled, 1 not usable; 3 are still to be labelled" in said
    after = picked(digits)
    assert [[row[column] for column in KEPT] for row in after] == [[row[column] for column in KEPT] for row in before]
    assert [(row["label"], row["by"]) for row in after[:4]] == [("7", "'=Ann"), ("", "'=Ann"), ("", ""), ("4", "'=Ann")]

    # The page of what is left knows the answers that are its own, though others went away before them.
    digits.verb("review", "--picked", NAME)
    visit(digits, page=page)
    assert count(page) == "1 of 3 answered: 0 labelled, 0 not usable, 1 unsure"
    assert json.loads(page.eval_on_selector("#data", "e => e.textContent"))["items"][0]["id"] == ids[2]
    page.keyboard.press("z")
    page.keyboard.press("z")
    for _ in range(3):
        page.keyboard.press("1")
    said = apply(digits, page, "Ben")
    assert "3 labelled; all that was picked is labelled" in said and "bring-back" in said
    assert [row["label"] for row in picked(digits)] == ["7", "", "1", "4", "1", "1"]
    assert "all 6 inputs are labelled" in digits.verb("review", "--picked", NAME, ok=False).stderr


def test_a_saved_file_goes_on_elsewhere(digits: Project, visit: Callable[..., Page], tmp_path: Path) -> None:
    """Another browser takes over the answers, not those of suspects; another person's other answer is refused."""
    digits.verb("review", "--picked", NAME, "--limit", "4")
    page = visit(digits)
    for key in ("7", "d", "2"):
        page.keyboard.press(key)
    name, content = saved(page)
    (tmp_path / name).write_bytes(content.replace(b",label,2,", b",keep,2,"))
    other = visit(digits)
    other.set_input_files("#file", tmp_path / name)
    other.wait_for_function("document.querySelector('#last').textContent.includes('taken over')")
    assert "2 of 3 answers taken over" in other.inner_text("#last")
    assert count(other) == "2 of 4 answered: 1 labelled, 1 not usable, 0 unsure"
    apply(digits, page, "Ann")
    other.keyboard.press("ArrowRight")
    other.keyboard.press("ArrowRight")
    other.keyboard.press("9")
    refused_name, content = saved(other, "Ben")
    (digits.path / refused_name).write_bytes(content)
    refused = digits.verb("review", "--apply", refused_name, ok=False)
    assert refused.returncode == 2 and '"Ann" says "2", "Ben" says "9"' in refused.stderr
    assert [row["label"] for row in picked(digits)] == ["7", "", "2", "", "", ""]


def test_hostile_texts_ids_and_classes(make: Callable[..., Project], visit: Callable[..., Page]) -> None:
    """Shown as they are, and placed as they are; nothing runs, on the page or in a spreadsheet."""
    project = make(kind="texts")
    classes = [*HOSTILE[:-1], "x" * 60]  # the last holds what no class's name may
    labels = pd.DataFrame({"id": [f"e{i}" for i in range(len(classes))], "label": classes, "text": "x"})
    deliver(project, labels, pd.DataFrame({"id": HOSTILE, "text": HOSTILE}))
    (project.path / "data/label_book.md").write_text("## __proto__\nBook of a class\n", encoding="utf-8")
    shutil.rmtree(project.path / "data/examples", ignore_errors=True)
    project.verb("review", "--picked", NAME)
    page = visit(project)
    names = page.locator("#classes button span").all_text_contents()
    assert sorted(names) == sorted(classes)
    for name, label in zip(HOSTILE, classes, strict=True):
        assert page.locator("#text").text_content() == name and f"{NAME}/{name}" in (
            page.locator("#more").text_content() or ""
        )
        page.locator("h1").hover()
        page.locator("#classes button").nth(names.index("__proto__")).hover()
        assert "Book of a class" in page.inner_text("#book")
        page.keyboard.press("/")
        page.keyboard.type(label[:4])
        page.keyboard.press("Escape")
        page.locator("#classes button").nth(names.index(label)).click()
    assert page.evaluate("window.hit") is None and page.locator("svg, iframe, #classes img, #more img").count() == 0
    assert f"{len(HOSTILE)} labelled" in apply(project, page, "@ann")
    assert [row["label"] for row in picked(project)] == classes
    assert {row["by"] for row in picked(project)} == {"'@ann"}


@pytest.fixture
def table(make: Callable[..., Project]) -> Project:
    """Four rows of production beside 100 training rows; `odd` is unusual in the first, `kind` is new in it."""
    project = make(kind="tables")
    params = yaml.safe_load((project.path / "params.yaml").read_text(encoding="utf-8"))
    params["data"]["inputs"]["columns"] = {"speed": "number", "odd": "number", "kind": "category", "note": "text"}
    (project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    (project.path / "data/raw").mkdir()
    speed = np.arange(102.0)
    features = pd.DataFrame({"speed": speed, "odd": speed % 7, "kind": ["a", "b"] * 51, "note": "n"})
    ids = [f"r{i:03}" for i in range(102)]
    features.assign(id=ids).to_csv(project.path / "data/raw/features.csv", index=False)
    labels = pd.DataFrame({"id": ids, "label": ["slow", "fast"] * 51})
    labels["split"] = [*["train"] * 100, "validation", "test"]
    new = pd.DataFrame({"speed": [50.5, 1.0, np.nan, 99.5], "odd": [99.0, 1, 2, 3], "kind": ["<b>", "a", "b", "a"]})
    deliver(project, labels, pd.DataFrame({"id": list("wxyz")}), new.assign(note="<script>window.hit=1</script>"))
    return project


@pytest.mark.parametrize("packed", [True, False], ids=["beside the training rows", "alone"])
def test_a_table(table: Project, visit: Callable[..., Page], packed: bool) -> None:
    """The most unusual values first, with their place among the training rows where those are here; no label is drawn."""
    if packed:
        for stage in ("pack", "curate"):
            table.run("python", "-m", f"datapass.stages.{stage}")
    table.verb("review", "--picked", NAME)
    page = visit(table)
    names = page.locator("#first th").all_text_contents()
    assert sorted(names) == ["kind", "note", "odd", "speed"] and page.is_visible("#legend") == packed
    assert not packed or (names[0] == "note" and names[-1] == "speed")
    words = dict(zip(names, page.locator("#first tr").all_text_contents(), strict=True))
    assert words["odd"] == "odd99" + "above all" * packed
    assert words["kind"] == "kind<b>" + "in no training row" * packed
    assert words["speed"] == "speed50.5" + "above 51 %" * packed
    assert page.locator("#rows .given, #rows .other, #rows b, #rows script").count() == 0
    assert "slow" not in page.inner_text("#rows") and page.evaluate("window.hit") is None
    for key in ("1", "2", "d", "2"):
        page.keyboard.press(key)
    apply(table, page, "Ann")
    assert [row["label"] for row in picked(table)] == ["fast", "slow", "", "slow"]


def test_on_a_phone(table: Project, visit: Callable[..., Page]) -> None:
    """390 pixels: nothing to scroll sideways, no class's name broken, answers by touch."""
    table.verb("review", "--picked", NAME)
    page = visit(table, width=390)
    for step in range(3):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        button = page.locator("#classes button").first
        box = button.bounding_box()
        assert box and box["y"] + box["height"] < 800 and 36 <= box["height"] < 60
        button.click()
        assert count(page).startswith(f"{step + 1} of 4")


def test_the_label_book_moves_nothing(make: Callable[..., Project], visit: Callable[..., Page]) -> None:
    """Beside a short text there is room to spare in a narrow window: the class under the pointer stays there."""
    project = make(kind="texts")
    classes = ["account", "billing", "delivery", "product"]
    labels = pd.DataFrame({"id": [f"e{i}" for i in range(4)], "label": classes, "text": "x"})
    deliver(project, labels, pd.DataFrame({"id": ["a", "b"], "text": "short"}))
    (project.path / "data/label_book.md").write_text("## billing\n" + "Book of billing. " * 20, encoding="utf-8")
    project.verb("review", "--picked", NAME)
    page = visit(project, width=390)
    button = page.locator("#classes button").nth(1)
    before = button.bounding_box()
    button.hover(timeout=5000)
    assert "Book of billing" in page.inner_text("#book") and button.bounding_box() == before
