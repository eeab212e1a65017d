"""The review page in a real browser, opened from disk: keys, memory, blind mode, hostile data, size, and the way back."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from conftest import Project

KEY = "0123456789ab"
# Writes a page of made-up suspects: arguments are the number of suspects and of classes, the key, and whether it starts blind.
MAKE = """
import sys, hashlib, pathlib
import numpy as np, pandas as pd
from datapass.review.page import page
number, count, key, blind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4] == "blind"
classes = [f"class {i:02}" for i in range(count)] if count else {hostile!r}
images = np.random.default_rng(0).integers(0, 256, (number, 8, 8, 3), dtype=np.uint8)
pathlib.Path("data/inputs").mkdir(parents=True, exist_ok=True)
np.save("data/inputs/arrays.npy", images)
label = [classes[i % len(classes)] for i in range(number)]
suggested = [classes[(i + 1) % len(classes)] for i in range(number)]
ids = [f"x{i}" for i in range(number)] if count else [f"{c}{i}" for i, c in enumerate(label)]
queue = pd.DataFrame({"id": ids, "split": "train", "label": label, "suggested": suggested, "margin": "0.1", "self_confidence": "0.1",
  "queue": "training", "reason": ["the model says " + s for s in suggested], "row": [str(i) for i in range(number)],
  "input": [hashlib.sha256(image.tobytes()).hexdigest()[:16] for image in images]}, dtype="str")
queue["mark"] = "input " + queue["input"] + ", book -"
queue["place"] = label if not count else "here"
if not count:
    queue["text"] = label
    pathlib.Path("data/label_book.md").write_text("".join(f"## {c}\\nBook of {c}\\n\\n" for c in classes if c.isprintable()))
pathlib.Path(sys.argv[5]).write_text(page(queue, classes, key, "Tests " + classes[0], "python -m datapass review --apply", blind))
"""
HOSTILE = [
    "<img src=x onerror=window.hit=1>",
    "</script><script>window.hit=1</script>",
    '"><svg onload=window.hit=1>',
    '=HYPERLINK("http://example.com","x")',
    "@SUM(1)",
    "-2+3",
    "'quoted",
    "__proto__",
    "constructor",
    "javascript:window.hit=1",
    'a,b "c"',
    "line\u2028end",
]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page from disk, each time as a new user; what it asks of the network and what goes wrong fails the test."""
    wrong, contexts = [], []

    def opened(path: Path, width: int = 1200, context: object = None) -> Page:
        own = context or browser.new_context(viewport={"width": width, "height": 800}, accept_downloads=True)
        contexts.append(own)
        page = own.new_page()
        page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.goto(path.as_uri())
        return page

    yield opened
    assert not wrong
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def suspects(rendered: Project, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a page of made-up suspects and return its path."""
    project = rendered.copy(tmp_path_factory.mktemp("suspects") / "digits")

    def written(number: int = 30, classes: int = 10, key: str = KEY, blind: str = "open") -> Path:
        path = project.path / f"{number}-{classes}-{key}-{blind}.html"
        project.run(
            "python", "-c", MAKE.replace("{hostile!r}", repr(HOSTILE)), str(number), str(classes), key, blind, str(path)
        )
        return path

    return written


def count(page: Page) -> str:
    return page.inner_text("#count")


def saved(page: Page, who: str = "Ann") -> tuple[str, bytes]:
    """Save, and return the file's name and content."""
    page.fill("#who", who)
    page.locator("#who").blur()
    with page.expect_download() as download:
        page.keyboard.press("s")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_from_the_queue_to_a_pass(project: Project, visit: Callable[..., Page], tmp_path: Path) -> None:
    """Label by keyboard, reload, go on, undo, save, apply, and let curate apply the pass."""
    project.verb("review")
    path = project.path / "reports" / "review.html"
    page = visit(path)
    items = json.loads(page.inner_text("#data") or page.eval_on_selector("#data", "e => e.textContent"))["items"]
    assert [item["queue"] for item in items][:1] == ["training"] and items[-1]["queue"] == "test-sample"
    assert items[-1]["suggested"] == ""
    for key in ("Enter", "k", "d", "u"):
        page.keyboard.press(key)
    assert count(page).startswith(f"4 of {len(items)} answered: 1 relabelled, 1 kept, 1 dropped, 1 unsure")
    assert page.inner_text("#where").startswith("5 /")
    assert page.evaluate("document.querySelector('#picture').naturalWidth") == 8
    page.reload()
    assert count(page).startswith("4 of") and page.inner_text("#where").startswith("5 /")
    other = next(name for name in "0123456789" if name not in (items[4]["label"], items[4]["suggested"]))
    page.keyboard.press(other)
    page.keyboard.press("Enter")
    page.keyboard.press("z")
    assert count(page).startswith("5 of") and page.inner_text("#where").startswith("6 /")
    name, content = saved(page, '=Ann "A"')
    found = rows(content)
    assert name.startswith("review-") and name.endswith("-ann-a-.csv")
    assert list(found[0]) == ["id", "action", "label", "was", "reason", "by"]
    wanted = [
        (items[0], "relabel", items[0]["suggested"]),
        (items[1], "keep", items[1]["label"]),
        (items[2], "drop", ""),
        (items[4], "relabel", other),
    ]
    assert [(r["id"], r["action"], r["label"], r["was"]) for r in found] == [
        (i["id"], a, label, i["label"]) for i, a, label in wanted
    ]
    assert {r["by"] for r in found} == {'\'=Ann "A"'}

    review = tmp_path / name
    review.write_bytes(content)
    placed = project.verb("review", "--apply", str(review)).stdout
    assert "data/passes/p001-review.csv: 1 drop, 1 keep, 2 relabel" in placed
    assert "p001-review.csv" in project.run("git", "ls-files", "data/passes").stdout
    project.run("dvc", "repro", "curate")
    labels = {
        r["id"]: r
        for s in ("train", "validation")
        for r in csv.DictReader((project.path / f"data/examples/{s}.csv").open())
    }
    assert labels[items[0]["id"]]["label"] == items[0]["suggested"] and labels[items[2]["id"]]["weight"] == "0"

    again = project.verb("review", "--apply", str(review), ok=False)
    assert again.returncode == 2 and "Traceback" not in again.stderr


def test_apply_refuses_all_that_is_wrong_at_once(project: Project, tmp_path: Path) -> None:
    """Another queue, unknown ids and classes, stale labels, doubled lines: each named with its line."""
    file = tmp_path / "review.csv"
    project.reviewer("answers", str(file))
    good = file.read_text(encoding="utf-8").splitlines()
    answers = list(csv.reader(good[:6]))
    answers[2] = answers[1]
    answers[3][0] = "digit-9999"
    answers[4][1] = "relable"
    answers[5][1:3] = ["relabel", "ten"]
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows(answers)  # with CRLF
    refused = project.verb("review", "--apply", str(file), ok=False)
    assert refused.returncode == 2 and not list((project.path / "data/passes").glob("*.csv"))
    for line, said in [(3, "answered above"), (4, "not in the queue"), (5, '"relable"'), (6, '"ten" is not known')]:
        assert any(f":{line}:" in text and said in text for text in refused.stderr.splitlines()), (said, refused.stderr)
    file.write_text(re.sub(r"\[review [0-9a-f]{12}", "[review 000000000000", "\n".join(good)), encoding="utf-8")
    refused = project.verb("review", "--apply", str(file), ok=False)
    assert refused.returncode == 2 and "another queue" in refused.stderr and "datapass review" in refused.stderr
    file.write_text("\ufeff" + "\r\n".join(good) + "\r\n", encoding="utf-8")
    assert "p001-review.csv: " in project.verb("review", "--apply", str(file)).stdout


def test_blind_mode(suspects: Callable[..., Path], visit: Callable[..., Page]) -> None:
    """Neither label nor suggestion shows before the answer, keys do not tell either, and the mode is recorded."""
    page = visit(suspects(blind="blind"))
    assert "class 0" not in page.inner_text("#labels") + page.inner_text("#why") + page.inner_text("#book")
    assert not page.is_visible("#class") and not page.is_visible("#keep") and not page.is_visible("#take")
    for key in ("k", "Enter"):
        page.keyboard.press(key)
    assert count(page).startswith("0 of")
    page.keyboard.press("1")
    assert "keep class 00" in page.inner_text("#last") and "suggested class 01" in page.inner_text("#last")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#given") == "class 00"
    page.keyboard.press("3")  # a change of mind after label and suggestion were seen
    page.keyboard.press("4")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    found = rows(saved(page)[1])
    assert [(r["action"], r["label"]) for r in found] == [
        ("relabel", "class 02"),
        ("relabel", "class 03"),
        ("relabel", "class 03"),
    ]
    assert [", blind" in r["reason"] for r in found] == [False, True, False]
    assert all(f"[review {KEY}" in r["reason"] for r in found)


def test_hostile_data_is_only_text(suspects: Callable[..., Path], visit: Callable[..., Page]) -> None:
    """Names, ids, texts and the label book are shown as they are; cells that a spreadsheet would run are defused."""
    page = visit(suspects(number=24, classes=0))
    assert page.locator("#classes button").count() == len(HOSTILE)
    assert page.locator("#classes button span").all_text_contents() == HOSTILE
    for name in HOSTILE:
        assert page.locator("#given").text_content() == name and page.locator("#text").text_content() == name
        page.locator("#classes button").nth(3).hover()
        page.keyboard.press("k")
    page.keyboard.press("Enter")
    assert page.evaluate("window.hit") is None and page.locator("svg, iframe, #classes img").count() == 0
    found = rows(saved(page, "@ann")[1])
    assert [r["label"] for r in found[:12]] == [("'" if name[0] in "=@-" else "") + name for name in HOSTILE]
    assert [r["id"] for r in found[:12]] == [
        f"{'' if name[0] not in '=@-' else chr(39)}{name}{i}" for i, name in enumerate(HOSTILE)
    ]
    assert found[0]["by"] == "'@ann"
    page.reload()
    assert count(page).startswith("13 of 24") and page.evaluate("window.hit") is None


def test_forty_classes(suspects: Callable[..., Path], visit: Callable[..., Page]) -> None:
    """Search as you type: Enter takes the first; number keys and the mouse take any."""
    page = visit(suspects(classes=40))
    page.keyboard.press("/")
    page.keyboard.type("37")
    assert page.locator("#classes button:visible").count() == 1
    page.keyboard.press("Enter")
    assert "→ class 37" in page.inner_text("#last") and page.locator("#classes button:visible").count() == 40
    page.keyboard.press("2")
    page.keyboard.press("/")
    page.keyboard.type("CLASS 1")
    assert page.locator("#classes button:visible").count() == 10
    page.keyboard.press("Escape")
    page.locator("#classes button", has_text="class 25").click()
    assert count(page).startswith("3 of 30 answered: 2 relabelled, 1 kept")
    assert [r["label"] for r in rows(saved(page)[1])] == ["class 37", "class 01", "class 25"]


def test_small_pictures_stay_crisp(suspects: Callable[..., Path], visit: Callable[..., Page]) -> None:
    page = visit(suspects())
    picture = page.locator("#picture")
    assert picture.evaluate("p => [p.naturalWidth, getComputedStyle(p).imageRendering]") == [8, "pixelated"]


def test_filters_and_undo_across_them(suspects: Callable[..., Path], visit: Callable[..., Page]) -> None:
    """By class and by state; an undo leads back to what it took back."""
    page = visit(suspects())
    page.select_option("#class", label="label class 04")
    assert page.inner_text("#where") == "1 / 3" and page.inner_text("#given") == "class 04"
    page.keyboard.press("u")
    page.select_option("#class", "")
    page.select_option("#show", "unsure")
    assert page.inner_text("#where") == "1 / 1"
    page.select_option("#show", "open")
    assert page.inner_text("#where").endswith("/ 29")
    page.keyboard.press("z")
    assert page.inner_text("#given") == "class 04" and count(page).startswith("0 of")


def test_a_saved_file_goes_on_elsewhere(
    suspects: Callable[..., Path], visit: Callable[..., Page], tmp_path: Path
) -> None:
    """Another browser, or the page of a later queue, takes over what still holds."""
    page = visit(suspects())
    for key in ("Enter", "k", "d"):
        page.keyboard.press(key)
    page.fill("#note", 'a, "hard" one')
    page.locator("#note").blur()
    page.keyboard.press("5")
    name, content = saved(page)
    lines = content.decode().replace("class 01,class 00", "class 01,class 09").encode()  # its label has changed since
    (tmp_path / name).write_bytes(lines)
    other = visit(suspects(key="ba9876543210"))
    other.set_input_files("#file", tmp_path / name)
    other.wait_for_function("document.querySelector('#last').textContent.includes('taken over')")
    assert "3 of 4" in other.inner_text("#last") and count(other).startswith("3 of 30")
    found = rows(saved(other)[1])
    assert [r["action"] for r in found] == ["keep", "drop", "relabel"]
    assert found[2]["reason"] == 'a, "hard" one [review ba9876543210]'


def test_two_thousand_suspects(suspects: Callable[..., Path], visit: Callable[..., Page]) -> None:
    """Only the current one is drawn: a key changes a bounded part of a small page, whatever the queue's length."""
    path = suspects(number=2000, classes=40)
    assert path.stat().st_size < 3 << 20
    page = visit(path)
    assert page.locator("*").count() < 400 and page.locator("img").count() == 1
    page.evaluate("""() => { window.added = 0; window.pictures = 0; new MutationObserver(records => { for (const r of records) {
        window.added += r.addedNodes.length; if (r.attributeName === "src") window.pictures++; } })
        .observe(document.body, { childList: true, subtree: true, attributes: true }); }""")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert count(page).startswith("20 of 2000")
    assert page.evaluate("window.pictures") <= 40  # one for each key
    assert page.evaluate("window.added") <= 40 * 40
    assert page.locator("*").count() < 400


@pytest.mark.parametrize(("number", "classes"), [(30, 10), (30, 40), (24, 0)])
def test_on_a_phone(suspects: Callable[..., Path], visit: Callable[..., Page], number: int, classes: int) -> None:
    """390 pixels: nothing to scroll sideways, the buttons within reach, answers by touch."""
    page = visit(suspects(number=number, classes=classes), width=390)
    for step in range(3):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        box = page.locator("#take").bounding_box()
        assert box and box["y"] + box["height"] < 800 and box["height"] >= 36
        page.locator("#take").click()
        assert count(page).startswith(f"{step + 1} of")
