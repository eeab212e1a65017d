"""The report's page in a real browser: it opens from disk, alone, on a phone too, and no name in it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from conftest import ROOT, SOURCE

# The unit tests build comparisons by hand, hostile ones too; their pages are what is opened here.
WRITE = """
import base64, io, sys
from pathlib import Path
import numpy as np
from test_report import HOSTILE, REPORTS, Ruler, comparison, hostile, html, interval, not_comparable, page_form, pictured, v
from datapass.review.pictures import data_uri

picture = data_uri(np.arange(64, dtype=np.uint8).reshape(8, 8, 1) * 4)
some = [comparison(v.NO_DIFFERENCE, gain=0.004, name="b"), comparison(gain=0.05, name="a"), not_comparable(HOSTILE)]
pages = {
    "helps": [comparison()],
    "hurts": [comparison(v.HURTS, gain=-0.04, ruler=Ruler(9, [[0.9, 0.91], [0.92, 0.88]], interval(0.02, 0.01), interval(-0.04, 0.01)))],
    "alike": [comparison(v.NO_DIFFERENCE, gain=0, turned=0)],
    "refused": [not_comparable(["model.lr", "steps"])],
    "hostile": [hostile()],
    "several": [*some, hostile()],
    "crowded": [comparison(classes=[f"a class with a long name, number {i}" for i in range(40)], turned=5000)],
}
for name, comparisons in pages.items():
    text = html(comparisons, dict.fromkeys(pictured(comparisons), picture))
    (Path(sys.argv[1]) / f"{name}.html").write_text(text, encoding="utf-8")
for name, report in REPORTS.items():
    (Path(sys.argv[1]) / f"{name}.html").write_text(page_form.html(report), encoding="utf-8")
"""
NAMES = ("helps", "hurts", "alike", "refused", "hostile", "several", "crowded", "diff", "passes", "errors")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    path = os.pathsep.join(map(str, (SOURCE, ROOT / "tests", ROOT / "tests" / "unit")))
    command = [sys.executable, "-B", "-c", WRITE, str(folder)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=True)
    return folder


def opened(browser: Browser, path: Path, width: int, script: bool = True, dark: bool = False) -> tuple[Page, list[str]]:
    """Open a page without network; return it and what went wrong or was asked for besides."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        offline=True,
        java_script_enabled=script,
        color_scheme="dark" if dark else "light",
    )
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda request: wrong.append(request.url) if not request.url.startswith("data:image/png") else None
    )
    page.goto(path.as_uri())
    wrong.remove(path.as_uri())
    return page, wrong


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_the_page_opens_alone_and_fits(browser: Browser, pages: Path, name: str, width: int) -> None:
    page, wrong = opened(browser, pages / f"{name}.html", width)
    assert wrong == []
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.locator("h1").count() == 1 and page.locator("h1").is_visible()
    page.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_reads_the_same_without_script(browser: Browser, pages: Path, name: str) -> None:
    with_script, _ = opened(browser, pages / f"{name}.html", 1280)
    without, wrong = opened(browser, pages / f"{name}.html", 1280, script=False)
    assert wrong == []
    assert without.inner_text("main") == with_script.inner_text("main")
    for page in (with_script, without):
        page.context.close()


def test_the_verdict_is_what_one_sees_first(browser: Browser, pages: Path) -> None:
    for name, words in {
        "helps": "helps",
        "hurts": "hurts",
        "alike": "no detectable",
        "refused": "not comparable",
    }.items():
        page, _ = opened(browser, pages / f"{name}.html", 390)
        box = page.locator("h1").bounding_box()
        assert words in page.inner_text("h1").lower()
        assert box is not None and box["y"] < 200 and box["height"] > 30
        page.context.close()


def test_chart_and_text_follow_the_theme(browser: Browser, pages: Path) -> None:
    colors = []
    for dark in (False, True):
        page, _ = opened(browser, pages / "helps.html", 1280, dark=dark)
        ask = "([where, what]) => getComputedStyle(document.querySelector(where))[what]"
        asked = (["svg text", "fill"], ["td", "color"], ["body", "backgroundColor"])
        colors.append([page.evaluate(ask, pair) for pair in asked])
        page.context.close()
    light, dark_ones = colors
    assert all(one != other for one, other in zip(light, dark_ones, strict=True))
    assert light[0] != light[2] and dark_ones[0] != dark_ones[2]
