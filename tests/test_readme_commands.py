"""Every command that a README, or a page of a project's docs/, shows in a block is run here, or named with the reason why not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

import reference
from conftest import ROOT, TEMPLATE, Project
from datapass.cli import VERBS

# What a reader has and the test has not, and what stands in for it.
STAND_INS = {
    "cookiecutter <this repository>": f"cookiecutter --no-input '{ROOT}' kind=images project_name='Street signs'",
    "cookiecutter --no-input . -o build": f"cookiecutter --no-input '{ROOT}' -o build",
    "~/signs": "../signs",
    "FILE": "reports/review-answers.csv",
    "NEW": "../delivery",
    'git commit -m "Baseline"': 'git commit --allow-empty -m "Baseline"',  # the fixture's is committed
    'git commit -m "Update the template"': 'git commit --allow-empty -m "Update the template"',
    "datapass ": "python -m datapass ",
    "cookiecutter --": "python -m cookiecutter --",
}
# What a person does between two commands.
BEFORE = {
    "project README.md: datapass review --apply FILE": "{python} {tests}/reviewer.py answers reports/review-answers.csv",
    "project docs/production.md: datapass watch NEW": "{python} {tests}/stream.py ../delivery",
    "project docs/production.md: datapass review --apply FILE": "{python} {tests}/reviewer.py labels {day} ../delivery-truth.csv reports/review-answers.csv",
    "project docs/production.md: datapass bring-back 2026-11-25 --test": "git add -A && git commit -qm 'Labels'",
    "project docs/production.md: datapass bring-back 2026-11-25": "dvc repro evaluate && git add -A && git commit -qm 'Another test set'",
}
DOCS = ROOT / "docs"
UPDATE = "needs a released template; test_update.py does it, with two releases"
NETWORK = "installs from the network"
NOT_RUN = {
    "README.md: git clone <this repository> data-centric && cd data-centric": "the test runs in a clone",
    "README.md: make demo": "minutes; test_story.py goes the same way, step by step",
    "README.md: pip install cookiecutter": NETWORK,
    "README.md: python3 -m venv .venv && . .venv/bin/activate": NETWORK,
    "README.md: pip install -c constraints.txt -e .": NETWORK,
    "README.md: dvc repro": "minutes; test_adopted.py does it, of each kind",
    "README.md: pip install -c '{{cookiecutter.project_slug}}/constraints.txt' cookiecutter torch": NETWORK,
    "README.md: cd build/digits && git init -b main && pip install -c constraints.txt -e . && dvc repro": NETWORK,
    "project README.md: python3 -m venv .venv && . .venv/bin/activate": NETWORK,
    "project README.md: pip install -c constraints.txt -e .": NETWORK,
    "project docs/update.md: pip install -c constraints.txt cruft": NETWORK,
    "project docs/update.md: sh .ci/update.sh update": UPDATE,
    "project docs/update.md: pip install -c constraints.txt -e .": NETWORK,
}
PAGES = {"README.md": ROOT / "README.md", "project README.md": TEMPLATE / "README.md"} | {
    f"project docs/{re.findall(r'[a-z-]+[.]md', page.name)[0]}": page for page in sorted((TEMPLATE / "docs").iterdir())
}


WRITTEN = sorted({p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")} - set(reference.pages()))


def text(page: str) -> str:
    """Return a page as the default answers give it."""
    found = PAGES[page].read_text(encoding="utf-8")
    return found if page == "README.md" else reference.rendered(found, "images")


def commands(page: str) -> Iterator[str]:
    """Yield the commands in the sh blocks of a page, each a line without its comment."""
    for block in re.findall(r"^```sh\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if command := re.sub(r"\s+#\s.*", "", line).strip():
                yield command


class Typed:
    """Types the commands of a page one after another, as a reader does; `cd` lasts."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def all(self, page: str) -> list[str]:
        """Run those of a page that NOT_RUN does not name, and return them."""
        done = [command for command in commands(page) if f"{page}: {command}" not in NOT_RUN]
        for command in done:
            if before := BEFORE.get(f"{page}: {command}"):
                self.run(before.format(python="python", tests=f"'{ROOT / 'tests'}'", day=self.day()))
            self.run(command)
        return done

    def day(self) -> str:
        """Return the name that `watch` gave the delivery: the day it came."""
        found = sorted((self.project.path / "data" / "incoming").glob("????-??-??"))
        return found[-1].name if found else ""

    def run(self, command: str) -> None:
        """Run a command with what stands in for what it names."""
        for name, instead in STAND_INS.items():
            if name not in command:
                continue
            command = command.replace(name, instead)
        command = command.replace("2026-11-25", self.day())
        if command.startswith("cd ") and "&&" not in command:
            self.project = Project(self.project.path / command.removeprefix("cd "))
            return
        self.project.run("sh", "-c", command)


def test_every_entry_of_the_tables_is_a_command_that_is_shown() -> None:
    shown = {f"{page}: {command}" for page in PAGES for command in commands(page)}
    assert set(NOT_RUN) | set(BEFORE) <= shown, "take out what no page shows any more"


def test_the_readme(tmp_path: Path) -> None:
    digits = load_digits()
    for number in range(60):
        file = tmp_path / "signs" / str(digits.target[number]) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[number] * 15).astype("uint8")).save(file)
    typed = Typed(Project(tmp_path))
    page = [command for command in commands("README.md") if f"README.md: {command}" not in NOT_RUN]
    assert len(page) == 5, "a new command: run it, or say in NOT_RUN why not"
    for command in page[:4]:
        typed.run(command)
    assert (typed.project.path / "data" / "raw" / "labels.csv").is_file(), "one's own data is in"
    typed.project = Project(tmp_path)
    typed.run(page[4])
    assert (tmp_path / "build" / "digits" / "dvc.yaml").is_file()


def test_the_readme_of_a_project(project: Project) -> None:
    Typed(project).all("project README.md")
    log = project.run("git", "log", "--format=%s", "first-review").stdout.splitlines()
    assert log[0] == "First review"
    assert not project.run("git", "status", "--porcelain").stdout, "dropped as the last line says"


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("project docs/") and list(commands(page))])
def test_a_page_of_a_project(project: Project, page: str) -> None:
    Typed(project).all(page)


@pytest.mark.parametrize("page", [*PAGES, *(f"docs/{page}" for page in WRITTEN)])
def test_each_command_that_is_named_exists(page: str) -> None:
    found = text(page) if page in PAGES else (ROOT / page).read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", found) + re.findall(r"^(?:\$ )?(datapass .*)$", found, re.MULTILINE)
    for command in code:
        verb = re.match(r"datapass ([a-z][a-z-]*)(.*)", command)
        if not verb:
            continue
        assert verb[1] in VERBS, command
        known = {row[0].strip("`").split(" ")[0] for row in reference.parameters(VERBS[verb[1]])} | {"--help"}
        options = re.findall(r"(?<= )--[a-z-]+", re.split(r"&&|\|", verb[2])[0])
        assert set(options) <= known, command
