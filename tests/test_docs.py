"""The documents: the site builds without a fault, asks nothing of the network, and says what the code and a real project say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from typer.testing import CliRunner

import reference
from conftest import ROOT, TEMPLATE, Project
from datapass.cli import VERBS, app
from datapass.comparison import judge

DOCS = ROOT / "docs"
WRITTEN = sorted({p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")} - set(reference.pages()))
FILES = (DOCS / "reference" / "files.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs PARTS=site` builds it; a link or an anchor that leads nowhere fails it."""
    built = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-q", "-b", "html", "-d", str(built / "trees")]
    command = [sys.executable, "-m", "sphinx", *options, str(DOCS), str(built / "html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return built / "html"


def test_the_site_has_every_page_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = {page.relative_to(DOCS).with_suffix(".html") for end in ("md", "ipynb") for page in DOCS.rglob(f"*.{end}")}
    assert pages <= {page.relative_to(site) for page in site.rglob("*.html")}
    loads = r"""<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=["'](?:https?:)?//|@import|url\(["']?(?:https?:)?//"""
    for file in [*site.rglob("*.html"), *site.rglob("*.css")]:
        if "_downloads" not in file.parts:  # the sample report, which test_pages.py looks at
            assert not re.search(loads, file.read_text(encoding="utf-8")), file


def test_the_report_that_a_page_links_to_opens(site: Path) -> None:
    link = re.search(
        r'<a class="reference download internal"([^>]*)href="([^"]*sample-report.html)"', read(site / "index.html")
    )
    assert link and "download=" not in link[1] and (site / link[2]).is_file()


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{page}" for page in WRITTEN)])
def test_links_lead_to_files_that_git_keeps(page: str) -> None:
    """So that the pages read well on a Git host too, where nothing is built."""
    made = {(DOCS / name).resolve() for name in reference.pages()}
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", read(ROOT / page))
    for link in links:
        target = ((ROOT / page).parent / link).resolve()
        assert target.exists(), link
        assert target not in made, f"{link} is made when the site is built; name it without a link"


def test_links_of_a_project_lead_to_its_files(rendered: Project) -> None:
    pages = [rendered.path / "README.md", *(rendered.path / "docs").glob("*.md")]
    assert len(pages) == 7
    for page in pages:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", read(page)):
            assert (page.parent / link).is_file(), (page.name, link)


@pytest.mark.parametrize("readme", [ROOT / "README.md", TEMPLATE / "README.md"], ids=["template", "project"])
def test_a_readme_is_short(readme: Path) -> None:
    assert len(read(readme).splitlines()) < 120, "details belong into docs/"


def test_the_picture_comes_first_then_two_commands() -> None:
    text = read(ROOT / "README.md")
    assert text.index("](docs/report.png)") < text.index("```")
    assert text.index("make demo") < text.index("## A project of your own")


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_of_the_commands_has_what_help_says(verb: str) -> None:
    printed = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    shown = {row[0].strip("`").split(" ")[0] for row in reference.parameters(VERBS[verb])}
    said = set(re.findall(r"^ +(--[a-z-]+)", printed, re.MULTILINE)) - {"--help"}
    assert said == {name for name in shown if name.startswith("--")}


def test_the_page_of_the_settings_has_each_that_a_new_project_sets() -> None:
    page = reference.settings_page()
    for line in (
        "data.split.salt",
        "model.steps",
        "model.resample",
        "trainer.accelerator",
        "evaluate.metric",
        "audit.near",
    ):
        assert f"| `{line}` |" in page
    assert "`accuracy`, `balanced_accuracy`, `macro_f1`, `cost`" in page


def test_the_verdicts_are_named() -> None:
    page = read(DOCS / "ideas" / "verdict.md")
    words = (judge.HELPS, judge.HURTS, judge.NO_DIFFERENCE, judge.DEPENDS, judge.NOT_COMPARABLE)
    assert re.findall(r"^\| \*([a-z ]+)\* \|", page, re.MULTILINE) == list(words)


def test_every_file_that_a_project_keeps_of_a_result_is_named(story: Project) -> None:
    kept = story.run("git", "ls-files", "data/examples", "reports", "metrics.json").stdout.split()
    named = set(re.findall(r"`([^`]+)`", FILES)) | {f"data/examples/{name}" for name in ("validation.csv", "test.csv")}
    assert kept and set(kept) <= named


@pytest.mark.parametrize(
    ("file", "section"),
    [
        ("data/examples/test.csv", "data/examples/SET.csv"),
        ("data/examples/classes.csv", None),
        ("metrics.json", None),
        ("reports/data.json", None),
        ("reports/predictions.csv", None),
        ("reports/classes.csv", None),
        ("reports/learning_curves.csv", None),
        ("reports/suspects.csv", None),
        ("reports/audit.json", None),
    ],
)
def test_the_page_of_the_files_has_each_column_and_field(story: Project, file: str, section: str | None) -> None:
    path = story.path / file
    found = list(json.loads(read(path))) if path.suffix == ".json" else list(pd.read_csv(path, nrows=1).columns)
    part = FILES.split(f"\n## {section or file}\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`([^`]+)`", "".join(re.findall(r"^\|([^|]*)\|", part, re.MULTILINE))))
    metadata = {"stroke"}  # of the digits
    seeds = {f"seed_{n}" for n in range(1, 5)}
    assert set(found) - seeds - metadata <= named


def test_the_notebook_runs_and_shows_what_it_did(story: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    book = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    stored = [sorted(output.get("data", {})) for cell in book.cells for output in cell.get("outputs", [])]
    for name in ("PATH", "PYTHONPATH"):
        monkeypatch.setenv(name, story.env[name])
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(story.path)}}).execute()
    shown = [sorted(output.get("data", {})) for cell in book.cells for output in cell.get("outputs", [])]
    assert stored == shown, "make docs PARTS=notebook"
    assert any("'helps'" in str(output.get("data", "")) for cell in book.cells for output in cell.get("outputs", []))
