"""The tutorial, the how-tos, the notebook and the site: parts of `make docs`."""

import os
import re
import sys
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient
from sklearn.datasets import load_wine
from sphinx.cmd.build import main as sphinx

from conftest import ROOT, render
from transcripts import DOCS, NOTHING, RUN, Transcript, between


def tutorial(folder: Path) -> None:
    """Write what each step of docs/tutorial.md prints, from its own code on."""
    page = DOCS / "tutorial.md"
    code = re.search(r"<!-- code -->\n```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    project = render(folder, project_name="Numerals")
    (folder / "deliveries.py").write_text(code[1], encoding="utf-8")
    project.run("sh", "-c", "cd .. && python deliveries.py")
    table = "^(?!look )"
    steps: dict[str, list[tuple[str, str]]] = {
        "adopt": [("datapass adopt ../first", table)],
        "baseline": [("dvc repro", RUN), ('git add . && git commit -m "Baseline"', NOTHING)],
        "next": [("datapass errors", r"^(Collect more \(all\)|Step [12]|Errors)")],
        "second": [("git switch -q -c second", NOTHING), ("datapass adopt ../second", table)],
        "pass": [("head -n 4 data/passes/p001-second.csv", ".")],
        "run": [("dvc repro", f"{RUN}|skipping"), ('git add . && git commit -m "Add the second delivery"', NOTHING)],
        "verdict": [("datapass compare main second", "^(helps|hurts|no detect|The model|Macro|Test|Data)")],
    }
    for mark, commands in steps.items():
        typed = Transcript(project)
        for command, keep in commands:
            typed.type(command, keep=keep)
        between(page, mark, str(typed))


def how_to(folder: Path) -> None:
    """Write the transcripts of docs/how-to: a table taken in, and a forest in place of the model."""
    wines = render(folder / "wines", kind="tables", project_name="Wines")
    frame = load_wine(as_frame=True).frame
    frame.to_csv(wines.path.parent / "wines.csv", index=False)
    typed = Transcript(wines)
    typed.type("datapass adopt ../wines.csv --label target", keep="^(?!look )")
    typed.type("dvc repro", keep=RUN)
    between(DOCS / "how-to" / "own-data.md", "wines", str(typed))
    wines.commit("Baseline")

    model = {
        "estimator": {"_target_": "sklearn.ensemble.RandomForestClassifier", "n_estimators": 200},
        "resample": False,
        "threads": 1,
    }
    text = yaml.safe_dump(model, sort_keys=False)
    typed = Transcript(wines)
    (wines.path / "conf" / "model" / "forest.yaml").write_text(text, encoding="utf-8")
    typed.type("cat conf/model/forest.yaml")
    typed.type("dvc exp run -n forest -S model=forest evaluate", keep="^accuracy")
    typed.type("datapass compare main forest", keep="^(not comp|To mend)")
    between(DOCS / "how-to" / "own-model.md", "forest", str(typed))


def remote(folder: Path) -> None:
    """Write the transcript of docs/how-to/remote.md: push, clone elsewhere, pull, and nothing is left to train."""
    project = render(folder, kind="tables")
    project.run("dvc", "repro")
    project.commit("Baseline")
    typed = Transcript(project)
    typed.type("dvc remote add --default storage ../storage")
    typed.type('git add .dvc/config && git commit -m "Add the remote"', keep=NOTHING)
    typed.type("dvc push", keep="pushed")
    typed.type("git clone -q . ../elsewhere && cd ../elsewhere && dvc pull", keep="fetched")
    typed.type("cd ../elsewhere && dvc repro", keep="skipping|up to date")
    between(DOCS / "how-to" / "remote.md", "remote", str(typed))


def notebook(folder: Path) -> None:
    """Run docs/notebook.ipynb in a project with a baseline and an experiment, and store what it shows."""
    project = render(folder)
    project.run("dvc", "repro", "evaluate")
    project.commit("Baseline")
    project.write_pass("p001-review", *project.reviewer("pass").stdout.splitlines()[1:])
    project.run("dvc", "exp", "run", "-n", "relabel-1", "evaluate")
    book = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    os.environ |= {name: project.env[name] for name in ("PATH", "PYTHONPATH")}
    NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(project.path)}}
    ).execute()
    for cell in book.cells:  # the same bytes each time
        cell.metadata.pop("execution", None)
    nbformat.write(book, DOCS / "notebook.ipynb")


def site(folder: Path) -> None:
    """Build the site into build/site; a link or an anchor that leads nowhere fails it."""
    if sphinx(["-W", "--keep-going", "-q", "-b", "html", "-d", str(folder), str(DOCS), str(ROOT / "build" / "site")]):
        sys.exit("The site has faults; they are above.")
