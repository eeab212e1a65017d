"""Projects made from the template, shared by the tests: rendering is cheap, training is not, so few train."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from cookiecutter.main import cookiecutter
from filelock import FileLock
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page, sync_playwright

from browser import find

AT_START = frozenset(os.environ)
ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
SOURCE = TEMPLATE / "src"
# Tests run in the template's folder, which cookiecutter copies whole.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
KINDS = {"images": "digits", "tables": "tumours", "texts": "messages"}  # and the package that the default answers give
# The team's packages, importable in place under these names.
for kind, package in KINDS.items():
    sys.modules[package] = ModuleType(package)
    sys.modules[package].__path__ = [str(ROOT / "templates" / kind), str(SOURCE / "{{cookiecutter.__package}}")]
# Property tests try the same examples each time: a check must not fail by chance, nor on a busy machine. To hunt for new
# ones: `pytest --hypothesis-profile=default`.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")
ONE_CORE = {"LOKY_MAX_CPU_COUNT": "1"}  # the workers of pytest-xdist use the others
IDENTITY = {
    f"GIT_{who}_{what}": "Tester" if what == "NAME" else "tester@example.com"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def params(kind: str = "images", **data: Any) -> dict[str, Any]:
    """Return the shipped configuration of a kind, of which some settings of conf/data are others."""
    text = (ROOT / "templates" / kind / "params.yaml").read_text(encoding="utf-8")
    text = text.replace("{{ cookiecutter.__package }}", KINDS[kind])
    shipped = yaml.safe_load(text)
    shipped["data"] |= data
    return shipped


@dataclass(frozen=True)
class Project:
    """A rendered project and what one types in it."""

    path: Path
    package: str = "digits"

    @property
    def env(self) -> dict[str, str]:
        """An environment in which the project's package is importable and `python` and `dvc` are the tests' own."""
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        clean = {
            name: value
            for name, value in os.environ.items()
            if name not in ("CI", "DVC_EXP_NAME", "PYTHONDONTWRITEBYTECODE")
            # What libraries leave behind where a test trains in this process: a kept seed is of its environment.
            and (
                name in AT_START or not name.startswith(("CUBLAS_", "CUDA_", "KMP_", "MKL_", "OMP_", "PL_", "PYTORCH_"))
            )
        }
        return (
            clean
            | IDENTITY
            | {"PATH": tools, "PYTHONPATH": "src", "DVC_NO_ANALYTICS": "1", "COLUMNS": "200"}
            | ONE_CORE
        )

    def run(self, *command: str, ok: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project; with `ok` a failure fails the test and shows what was printed."""
        done = subprocess.run(command, cwd=self.path, env=self.env | env, capture_output=True, text=True, check=False)
        if ok and done.returncode:
            pytest.fail(f"{' '.join(command)} gave {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def verb(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `python -m <package> ...`."""
        return self.run("python", "-m", "datapass", *arguments, ok=ok)

    def reviewer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Let a careful person who knows the true labels of the example work: see reviewer.py."""
        return self.run("python", str(ROOT / "tests" / "reviewer.py"), *arguments)

    def repro(self, target: str = "evaluate") -> list[str]:
        """Run `dvc repro`, without the audit unless it is the target, and return the stages that ran."""
        return ran(self.run("dvc", "repro", target).stdout)

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "--quiet", "-m", message)

    def write_pass(self, name: str, *lines: str) -> Path:
        """Write a pass from its lines and make Git know of it."""
        path = self.path / "data" / "passes" / f"{name}.csv"
        path.write_text("\n".join(["id,action,label,was,reason,by", *lines]) + "\n", encoding="utf-8")
        self.run("git", "add", str(path))
        return path

    def copy(self, target: Path) -> "Project":
        """Return a full copy, DVC's cache included."""
        shutil.copytree(self.path, target, symlinks=True)
        return Project(target, self.package)


def ran(printed: str) -> list[str]:
    """Return the stages that `dvc repro` or `dvc exp run` says it ran."""
    return [line.split("'")[1] for line in printed.splitlines() if line.startswith("Running stage '")]


def render(folder: Path, **answers: str) -> Project:
    """Render the template without questions."""
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(cookiecutter(str(ROOT), no_input=True, output_dir=str(folder), extra_context=answers))
    (package,) = (entry.name for entry in (path / "src").iterdir() if entry.is_dir() and entry.name != "datapass")
    return Project(path, package)


@pytest.fixture(scope="session", autouse=True)
def _quiet_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests away from the user's Git and cookiecutter settings."""
    home = tmp_path_factory.mktemp("home")
    os.environ["HOME"] = os.environ["USERPROFILE"] = str(home)
    os.environ["GIT_CONFIG_NOSYSTEM"] = "1"


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project as rendered; read only."""
    return render(tmp_path_factory.mktemp("rendered"))


def made(folders: pytest.TempPathFactory, name: str, make: Callable[[Project], None], kind: str = "images") -> Project:
    """Return a project that is rendered and made once for all workers; read only."""
    worker = "PYTEST_XDIST_WORKER" in os.environ
    folder = (folders.getbasetemp().parent if worker else folders.getbasetemp()) / name
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(render(folder, kind=kind))
            (folder / "made").touch()
    return Project(folder / KINDS[kind], KINDS[kind])


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project with a committed baseline on `main`, and on branch `relabel-1` a pass with its results."""

    def make(project: Project) -> None:
        project.run("dvc", "repro")
        project.commit("Baseline")
        edits = project.reviewer("pass").stdout
        project.run("git", "checkout", "--quiet", "-b", "relabel-1")
        project.write_pass("p001-review", *edits.splitlines()[1:])
        project.run("dvc", "repro")
        project.commit("Correct 60 labels")
        project.run("git", "checkout", "--quiet", "main")
        project.run("dvc", "checkout", "--quiet")

    return made(tmp_path_factory, "story", make)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project with 20 optimiser steps for each of 3 seeds, run and committed; read only."""

    def make(project: Project) -> None:
        for file, old, new in [
            ("model/cnn.yaml", "steps: 400", "steps: 20"),
            ("config.yaml", "[0, 1, 2, 3, 4]", "[0, 1, 2]"),
        ]:
            path = project.path / "conf" / file
            path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        project.run("dvc", "repro")
        project.commit("Baseline")

    return made(tmp_path_factory, "trained", make)


@pytest.fixture
def project(trained: Project, tmp_path: Path) -> Project:
    """A copy of the trained project that a test may change."""
    return trained.copy(tmp_path / "digits")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium of the system."""
    path = find()
    if path is None:
        pytest.fail("The browser tests need Chromium or Chrome: apt-get install chromium.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a project's review page from disk; what it asks of the network and what goes wrong fails the test."""
    wrong: list[str] = []
    contexts = []

    def opened(project: Project, width: int = 1200, page: Page | None = None) -> Page:
        if page is None:
            contexts.append(browser.new_context(viewport={"width": width, "height": 800}, accept_downloads=True))
            page = contexts[-1].new_page()
            page.on(
                "request",
                lambda r: wrong.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None,
            )
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda message: wrong.append(message.text))
        page.goto((project.path / "reports" / "review.html").as_uri())
        return page

    yield opened
    assert not wrong
    for context in contexts:
        context.close()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Project]:
    """Render the template with answers into the test's own folder."""
    return lambda **answers: render(tmp_path, **answers)
