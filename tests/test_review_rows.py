"""The review page of a table and of texts in a real browser: what is shown, in which order, hostile data, and the way back."""

import csv
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from playwright.sync_api import Page

from conftest import Project
from test_review import rows, saved

LONG = "word " * 2_000  # 10,000 characters
HOSTILE = [
    "<script>window.hit=1</script>",
    '"><svg onload=window.hit=1>',
    "=HYPERLINK(\"http://example.com\",'x')",
    "שלום עולם",
    "🧪 \u202eback\u202c",
    "bell\x07 and tab\t",
    "__proto__",
    "x" * 300,
]


def delivered(
    project: Project, labels: pd.DataFrame, columns: dict[str, str] | None, suspects: list[list[Any]]
) -> None:
    """Put in data, the last two rows for validation and test, pack and curate it, and write suspects (id, suggested) as an
    audit would."""
    params = yaml.safe_load((project.path / "params.yaml").read_text(encoding="utf-8"))
    if columns:
        params["data"]["inputs"]["columns"] = columns
    (project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    (project.path / "data/raw").mkdir(exist_ok=True)
    labels["split"] = [*["train"] * (len(labels) - 2), "validation", "test"]
    labels.to_csv(project.path / "data/raw/labels.csv", index=False)
    project.run("git", "init", "--quiet")
    for stage in ("pack", "curate"):
        project.run("python", "-m", f"datapass.stages.{stage}")
    now = labels.set_index("id")["label"]
    with (project.path / "reports/suspects.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["id", "split", "label", "suggested", "margin", "self_confidence", "queue", "reason"])
        out.writerows([[id, "train", now[id], said, 0.1, 0.1, "training", "looks wrong"] for id, said in suspects])


def data(page: Page) -> dict[str, Any]:
    return json.loads(page.eval_on_selector("#data", "e => e.textContent"))


def names(page: Page, body: str = "#first") -> list[str]:
    return page.locator(f"{body} th").all_text_contents()


def cells(page: Page, name: str) -> list[str]:
    """Return value and words of a feature that is shown."""
    row = page.locator("#rows tr").nth([*names(page), *names(page, "#others")].index(name))
    return [row.locator("td div").text_content() or "", (row.locator("small").all_text_contents() or [""])[0]]


@pytest.fixture
def table(make: Callable[..., Project]) -> Project:
    """A table of 200 rows and 20 columns: `speed` tells the classes apart, `r00` would be wrong for its label."""
    project = make(kind="tables")
    rng = np.random.default_rng(0)
    n = 200
    label = np.where(np.arange(n) % 2, "slow", "fast")
    features = pd.DataFrame({"id": [f"r{i:02}" for i in range(n)]})
    features["speed"] = np.where(label == "fast", 100, 10) + rng.normal(size=n)
    features.loc[0, "speed"] = 10.25
    features["odd"] = rng.normal(size=n)
    features.loc[0, "odd"] = 99.0  # unusual, and says nothing of the label
    features["seen"] = pd.date_range("2024-01-01", periods=n).strftime("%Y-%m-%d")
    features["new"] = np.where(rng.random(n) < 0.5, "yes", "no")
    features["wheels"] = np.where(rng.random(n) < 0.1, "", "4")
    features.loc[0, ["new", "wheels"]] = ["yes", ""]
    for number, name in enumerate(HOSTILE):
        features[name] = [HOSTILE[(number + i) % len(HOSTILE)] for i in range(n)]
    for number in range(6):
        features[f"plain {number}"] = rng.normal(size=n)
    features["comment"] = ["<b>first</b>\nsecond", *["nothing"] * (n - 1)]
    (project.path / "data/raw").mkdir()
    features.to_csv(project.path / "data/raw/features.csv", index=False)
    kinds = {"speed": "number", "odd": "number", "seen": "date", "new": "boolean", "wheels": "number"}
    kinds |= dict.fromkeys(HOSTILE, "category") | {f"plain {number}": "number" for number in range(6)}
    labels = pd.DataFrame({"id": features["id"], "label": label, "origin": "here"})
    suspects = [["r00", "slow"], ["r01", "fast"], ["r02", ""]]
    delivered(project, labels, kinds | {"comment": "text"}, suspects)
    return project


def test_a_table(table: Project, visit: Callable[..., Page]) -> None:
    """Values as people read them, the most telling first, the others folded; answers become a pass."""
    table.verb("review")
    page = visit(table)
    assert names(page)[:2] == ["comment", "speed"] and len(names(page)) == 12 and not names(page, "#others")
    assert page.inner_text("#more-rows").endswith("8 more features")
    page.keyboard.press("m")
    assert sorted([*names(page), *names(page, "#others")]) == sorted(data(page)["features"])
    assert cells(page, "comment") == ["<b>first</b>\nsecond", ""]
    assert cells(page, "speed")[0] == "10.25" and cells(page, "odd") == ["99", "above nearly all"]
    assert cells(page, "seen")[0] == "2024-01-01" and cells(page, "new")[0] == "yes"
    assert cells(page, "wheels")[0] == "missing" and cells(page, "wheels")[1].startswith("missing in ")
    shown = [cells(page, name)[0] for name in HOSTILE]
    assert shown == HOSTILE, "whatever a category is named"
    assert page.locator("#rows .long").count() == 1 and page.locator("#rows .strip").count() == 19 + 3, (
        "and the legend's"
    )
    assert page.locator("#rows svg, #rows b, #rows script").count() == 0 and page.evaluate("window.hit") is None
    inside = page.locator("#rows table").bounding_box()
    for box in page.locator("#rows small").all():
        assert (box.bounding_box() or {})["x"] + (box.bounding_box() or {})["width"] <= inside["x"] + inside[
            "width"
        ] + 1
    bands = page.locator("#rows tr").nth(1).locator(".given, .other, .dot")
    left = bands.evaluate_all("all => all.map(one => parseFloat(one.style.left))")
    assert left[0] > 50 > left[1] and left[2] < 50, "the row lies where slow ones do, not where fast ones do"
    assert "origin" in page.inner_text("#more") and "plain" not in page.inner_text("#more")
    page.keyboard.press("Enter")
    assert page.locator("#others tr").count() == 8, "stays unfolded"
    page.keyboard.press("k")
    assert page.locator("#rows .other").count() == 0, "there is no suggestion to compare with"
    name, content = saved(page)
    assert [(r["id"], r["action"], r["label"]) for r in rows(content)] == [
        ("r00", "relabel", "slow"),
        ("r01", "keep", "slow"),
    ]
    (table.path / name).write_bytes(content)
    assert "1 keep, 1 relabel" in table.verb("review", "--apply", name).stdout
    table.run("python", "-m", "datapass.stages.curate")
    with (table.path / "data/examples/train.csv").open(encoding="utf-8") as file:
        assert {r["id"]: r["label"] for r in csv.DictReader(file)}["r00"] == "slow"


def test_blind_order_depends_on_neither_label_nor_suggestion(table: Project, visit: Callable[..., Page]) -> None:
    """Blind, the most unusual come first, and nothing is drawn of the labels; the answer shows all."""
    table.verb("review", "--blind")
    page = visit(table)
    blind = names(page)
    plain = [item["plain"] for item in data(page)["items"]]
    assert "odd" in blind[:4] and page.locator("#rows .given, #rows .other").count() == 0
    assert "slow" not in page.inner_text("#rows") and "fast" not in page.inner_text("#rows")
    page.keyboard.press("1")
    page.keyboard.press("ArrowLeft")
    assert names(page)[1] == "speed" and page.locator("#rows .given").count() > 0
    suspects = table.path / "reports/suspects.csv"
    suspects.write_text(suspects.read_text().replace(",fast,slow,", ",fast,,").replace(",slow,fast,", ",slow,,"))
    table.verb("review", "--blind")
    assert [item["plain"] for item in data(visit(table))["items"]] == plain
    assert names(visit(table)) == blind


def test_a_table_on_a_phone(table: Project, visit: Callable[..., Page]) -> None:
    table.verb("review")
    page = visit(table, width=390)
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        card, drawn = page.locator("#card").bounding_box(), page.locator("#rows .strip .line").first.bounding_box()
        assert card and drawn and card["width"] > 350 and drawn["x"] + drawn["width"] < card["x"] + card["width"]
        box = page.locator("#take").bounding_box()
        assert box and box["y"] + box["height"] < 800
        page.locator("#take").click()


def test_other_rows_than_the_queue_means(table: Project) -> None:
    values = pd.read_parquet(table.path / "data/inputs/values.parquet")
    values.assign(speed=values["speed"] + 1).to_parquet(table.path / "data/inputs/values.parquet", index=False)
    refused = table.verb("review", ok=False)
    assert refused.returncode == 2 and "other inputs than data/examples/" in refused.stderr
    values.drop(columns="speed").to_parquet(table.path / "data/inputs/values.parquet", index=False)
    refused = table.verb("review", ok=False)
    assert refused.returncode == 2 and "other columns than conf/data names" in refused.stderr


def test_a_table_as_tasks_and_as_a_form(table: Project) -> None:
    """Values by the features' names, as people read them; a spreadsheet runs none of them."""
    table.verb("export")
    tasks = json.loads((table.path / "reports/tasks.json").read_text(encoding="utf-8"))
    row = tasks[0]["data"]["row"]
    assert row["speed"] == "10.25" and row["seen"] == "2024-01-01" and row["wheels"] == "missing"
    assert row["origin"] == "here" and all(row[name] == name for name in HOSTILE)
    table.verb("agree", "--sample", "5")
    with (table.path / "reports/sample.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header[:3] == ["id", "annotator", "label"] and "speed" in header and len(lines) == 5
    assert not [cell for line in [header, *lines] for cell in line if cell[:1] in "=+@\t\r" and cell]
    filled = [[line[0], "Ann", "slow", *line[3:]] for line in lines]
    with (table.path / "filled.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *filled])
    assert "5 annotations came in" in table.verb("agree", "--read", "filled.csv").stdout


TEXTS = [*HOSTILE, "one\n\n  two\nthree", LONG + "the end", "مرحبا\nhello", "plain"]


def test_texts(make: Callable[..., Project], visit: Callable[..., Page]) -> None:
    """Nothing of a text is lost: its lines, its length, its direction, its marks."""
    project = make(kind="texts")
    labels = pd.DataFrame({"id": [f"t{i:02}" for i in range(len(TEXTS) + 2)], "label": ["a", "b"] * 7})
    labels["text"] = [*TEXTS, "for validation", "for test"]
    delivered(project, labels, None, [[id, "b"] for id in labels["id"][: len(TEXTS)]])
    project.verb("review")
    page = visit(project)
    for number, text in enumerate(TEXTS):
        assert page.locator("#text").text_content() == text and not page.is_visible("#rows")
        direction = page.locator("#text").evaluate("e => getComputedStyle(e).direction")
        assert direction == ("rtl" if text[:1] in "שم" else "ltr")
        box = page.locator("#text").bounding_box()
        assert box and box["height"] < 800 and page.evaluate("document.documentElement.scrollWidth") <= 1200
        if text.startswith("word"):
            assert page.locator("#text").evaluate("e => e.scrollHeight > e.clientHeight && e.scrollTop === 0")
            page.locator("#text").evaluate("e => e.scrollTop = 1000")
        page.keyboard.press("k" if number % 2 else "Enter")
    assert page.evaluate("window.hit") is None
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    name, content = saved(page)
    assert len(rows(content)) == len(TEXTS)
    (project.path / name).write_bytes(content)
    assert "6 keep, 6 relabel" in project.verb("review", "--apply", name).stdout
