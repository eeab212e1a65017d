"""Millions of labels, from curate to the pages, against pyarrow that reads the same tables; rows of `make bench`."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from conftest import Project

EDITS = 100_000
CLASSES, SITES, SEEDS = 10, 12, 5
SETS = ("train", "validation", "test")
SMALL = 1 << 20  # bytes of a page; a comment is smaller still
Row = tuple[str, float, float, str]
# What `audit` does beside asking a model: the evidence, of which the model's is made up, and the queue.
QUEUE = """
import numpy as np, pandas as pd
from datapass.annotators.annotations import read_annotations
from datapass.data.examples import read_examples
from datapass.files.paths import CLASSES, SUSPECTS
from datapass.files.tables import read_table, write_table
from datapass.review.suspects import by_annotators, by_copies, by_model, queue
table, classes = read_examples(), read_table(CLASSES)["class"].to_list()
asked, rng = table[table["split"] != "test"], np.random.default_rng(0)
found = np.full((len(asked), len(classes)), 0.02)
said = pd.Index(classes).get_indexer(asked["label"])
found[np.arange(len(asked)), np.where(rng.random(len(asked)) < 0.9, said, (said + 1) % len(classes))] = 0.82
model = by_model(asked, classes, found)[0].reindex(table.index).fillna({"suggested": "", "reason": ""})
evidence = [model, by_copies(table, None, 0.0), by_annotators(table, read_annotations())]
write_table(queue(table, evidence, pd.Series("", index=table.index, dtype="str"), 500, 100), SUSPECTS)
"""


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds of wall time and of processors, and its peak in GB."""

    seconds: float
    cpu: float
    peak: float


def measured(project: Project, *command: str) -> Cost:
    """Return what a command in the project takes."""
    with (project.path.parent / "output.txt").open("w+", encoding="utf-8") as output:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=project.path, env=project.env, stdout=output, stderr=output)
        _, status, used = os.wait4(child.pid, 0)
        took = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        assert not child.returncode, f"{command}: {output.read()[-4000:]}"
    return Cost(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)


def verb(project: Project, *arguments: str) -> Cost:
    """Return what a verb takes."""
    return measured(project, "python", "-m", "datapass", *arguments)


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def deliver(project: Project, n: int) -> list[str]:
    """Put n labels in place of the example's; return the lines of a pass of EDITS."""
    path = project.path / "dvc.yaml"
    kept = [*(f"data/examples/{name}.csv" for name in SETS), "reports/predictions.csv"]
    text = path.read_text(encoding="utf-8")
    for name in kept:
        text = text.replace(f"{name}: {{cache: false, ", f"{name}: {{")
    path.write_text(text, encoding="utf-8")
    project.run("git", "rm", "--quiet", "--cached", *kept)
    raw, inputs = (project.path / "data" / name for name in ("raw", "inputs"))
    for folder in (raw, inputs):
        shutil.rmtree(folder)
        folder.mkdir()
    rng = np.random.default_rng(0)
    codes, sites = rng.integers(0, CLASSES, n), rng.integers(0, SITES, n)
    ids = pd.Series([f"x{i:08}" for i in range(n)])
    names = [pa.array([f"{what} {i}" for i in range(number)]) for what, number in (("class", CLASSES), ("site", SITES))]
    given = {"id": ids, "label": names[0].take(pa.array(codes)), "site": names[1].take(pa.array(sites))}
    arrow_csv.write_csv(pa.table(given), raw / "labels.csv")
    pd.DataFrame({"id": ids, "input": [f"{i:016x}" for i in range(n)]}).to_parquet(inputs / "index.parquet")
    edited = np.sort(np.random.default_rng(1).choice(n, EDITS, replace=False))
    return [f"{ids[i]},relabel,class {(codes[i] + 1) % CLASSES},class {codes[i]},," for i in edited.tolist()]


def answer(project: Project, better: float) -> None:
    """Write what SEEDS models answer as if they had been trained, and record all of it as `dvc repro` would."""
    test = arrow_csv.read_csv(project.path / "data" / "examples" / "test.csv")
    names = pa.array(sorted(set(test["label"].to_pylist())))
    truth = pc.index_in(test["label"], value_set=names).to_numpy()
    hard, rng = np.random.default_rng(1).random(len(truth)), np.random.default_rng(int(1000 * better))
    said = [
        np.where(hard + rng.normal(0, 0.02, len(truth)) < 0.9 + better, truth, (truth + 1) % len(names))
        for _ in range(SEEDS)
    ]
    columns = {"predicted": said[0]} | {f"seed_{seed}": one for seed, one in enumerate(said)}
    table = {"id": test["id"], "label": test["label"]} | {k: names.take(pa.array(v)) for k, v in columns.items()}
    arrow_csv.write_csv(pa.table(table), project.path / "reports" / "predictions.csv")
    (project.path / "models" / "note.txt").write_text(f"of {better}\n", encoding="utf-8")
    project.run("dvc", "commit", "--force", "example", "pack", "curate", "train", "evaluate")


def suspect(project: Project) -> None:
    """Write the numbers that an audit of them would leave; `QUEUE` writes the queue itself."""
    numbers = {"wrong_labels": 100_000, "audited": 7_500_000, "suspects": 500, "out_of_fold_accuracy": 0.9}
    (project.path / "reports" / "audit.json").write_text(json.dumps(numbers) + "\n", encoding="utf-8")


def build(project: Project, millions: int) -> Iterator[Cost]:
    """Make the baseline on `main` and the candidate in the workspace; give what curate takes, without and with a pass."""
    path = project.path / "conf" / "model" / "cnn.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("steps: 400", "steps: 20"), encoding="utf-8")
    project.run("dvc", "repro", "evaluate")
    project.commit("Small")
    lines = deliver(project, millions * 1_000_000)
    for name, better in (("", 0.0), ("p001-many", 0.05)):
        if name:
            project.write_pass(name, *lines)
        yield measured(project, "python", "-m", "datapass.stages.curate")
        answer(project, better)
        suspect(project)
        if not name:
            project.commit("Baseline")


def rows(project: Project, millions: int = 10) -> Iterator[Row]:
    """Give the rows, each as soon as it is measured; every page and comment that they write is small."""
    size, examples, reports = f"{millions} million", project.path / "data" / "examples", project.path / "reports"
    sets = [examples / f"{name}.csv" for name in SETS]
    results, out = [*sets, reports / "predictions.csv"], project.path.parent

    def row(title: str, cost: Cost, paths: Sequence[Path], times: int, what: str) -> Row:
        floor = times * seconds(lambda: [arrow_csv.read_csv(path) for path in paths])
        return f"{title} {size}, peak {cost.peak:.1f} GB", cost.seconds, floor, f"pyarrow: read {what}"

    def to(*names: str) -> list[str]:
        return [part for name in names for part in ("--to", str(out / name))]

    _, with_pass = build(project, millions)
    floor = seconds(lambda: [copy_csv(path) for path in sets])
    title = f"curate {size}, peak {with_pass.peak:.1f} GB"
    yield title, with_pass.seconds, floor, "pyarrow: read, write the same tables"
    cost = verb(project, "diff", "main", *to("rows.csv"))
    assert len((out / "rows.csv").read_text(encoding="utf-8").splitlines()) == EDITS + 1
    yield row("diff", cost, sets, 2, "both sides' tables")
    cost = verb(project, "compare", "main", "workspace", *to("c.md", "c.html", "c.json"))
    yield row("compare and pages", cost, results, 2, "both sides' tables and answers")
    cost = verb(project, "errors", *to("e.md", "e.html", "e.json"))
    yield row("errors and pages", cost, results, 1, "the tables and answers")
    cost = measured(project, "python", "-c", QUEUE)
    yield row("queue of the audit", cost, sets, 1, "the tables")
    yield row("review page", verb(project, "review"), sets, 1, "the tables")
    written = [*out.glob("*.md"), *out.glob("*.html"), reports / "suspects.csv", reports / "review.html"]
    assert all(path.stat().st_size < SMALL for path in written), [(path, path.stat().st_size) for path in written]


def copy_csv(path: Path) -> None:
    """Read a table and write it beside."""
    target = path.with_suffix(".copy")
    arrow_csv.write_csv(arrow_csv.read_csv(path), target)
    target.unlink()
