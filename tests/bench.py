"""Costs, each as a ratio to a floor measured in the same run: `make bench`, or `python tests/bench.py ROW...`."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import md5
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

import bench_audit
import bench_parquet
import bench_revisions
import bench_rows
import bench_scale
import bench_shards
from conftest import ROOT, Project, render
from test_executors import LOCAL, Cluster, train_with

IMAGES = 20_000
TRAININGS = 100
Row = tuple[str, float, float, str]


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(cost: Callable[[], object], floor: Callable[[], object], times: int = 5) -> tuple[float, float]:
    """Return the median times of two functions, called in turn so that a busy machine slows both."""
    pairs = [(seconds(cost), seconds(floor)) for _ in range(times)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def baseline(folder: Path) -> Project:
    """Return a rendered project with a committed baseline."""
    project = render(folder)
    project.run("dvc", "repro")
    project.commit("Baseline")
    return project


def generation(folder: Path) -> list[Row]:
    """Rendering the project against rendering a template of one empty file."""
    empty = folder / "empty"
    (empty / "{{cookiecutter.project_slug}}").mkdir(parents=True)
    (empty / "{{cookiecutter.project_slug}}" / "README.md").touch()
    (empty / "cookiecutter.json").write_text('{"project_slug": "nothing"}')

    def make(template: Path) -> Callable[[], object]:
        target = str(folder / "made")
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "-f", "-o", target, str(template)]
        return lambda: subprocess.run(command, check=True, capture_output=True)

    return [("project generation", *alternate(make(ROOT), make(empty)), "an empty cookiecutter template")]


def no_op(folder: Path) -> list[Row]:
    """`dvc repro` that has nothing to do against `dvc status`."""
    project = baseline(folder)
    cost = alternate(lambda: project.run("dvc", "repro"), lambda: project.run("dvc", "status"))
    return [("no-op dvc repro", *cost, "dvc status")]


def training(folder: Path) -> list[Row]:
    """Training one seed against a bare PyTorch loop of the same steps; then a pass from CSV to verdict against it."""
    project = baseline(folder)
    times = json.loads(project.run("python", str(ROOT / "tests" / "bench_training.py")).stdout)
    ours, bare = (statistics.median(pair[i] for pair in times) for i in (0, 1))
    edits = project.reviewer("pass").stdout.splitlines()[1:]
    path = project.write_pass("p001-review", *edits)

    def work(cores: int = os.cpu_count() or 1) -> None:
        project.run("dvc", "repro", LOKY_MAX_CPU_COUNT=str(cores))
        assert "against main" in project.verb("compare", "main", "workspace").stdout

    alone = seconds(lambda: work(1))
    path.write_text("\n".join(path.read_text().splitlines()[:-7]) + "\n")
    cost = seconds(work)
    return [
        ("training, one seed", ours, bare, "a bare PyTorch loop, same steps and data"),
        ("a pass, from CSV to verdict, all cores", cost, 5 * bare, "the bare training of its five seeds"),
        ("the same, one training after another", alone, 5 * bare, "the bare training of its five seeds"),
    ]


def parallel(folder: Path) -> list[Row]:
    """The same trainings in as many processes as there are cores against one; 100 short ones by Dask against without it."""
    cores = os.cpu_count() or 1
    images, tables = render(folder / "images"), render(folder / "tables", kind="tables")
    for project in (images, tables):
        project.run("dvc", "repro", "curate")

    def train(project: Project, executor: object, iterations: int | None = None) -> float:
        return seconds(lambda: train_with(project, executor, iterations))

    one, all_ = (train(images, LOCAL | {"workers": workers}) for workers in (1, cores))
    path = tables.path / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(params | {"seeds": list(range(TRAININGS))}), encoding="utf-8")
    cluster = Cluster(folder)
    try:
        by_dask, without = (train(tables, node, 5) for node in (cluster.executor, LOCAL | {"workers": 2}))
    finally:
        cluster.stop()
    return [
        (f"five seeds in {cores} processes", all_, one, "in one process"),
        (f"{TRAININGS} trainings by two workers of Dask", by_dask, without, "by two processes without it"),
    ]


def training_large(folder: Path) -> list[Row]:
    """Training one seed on images of 64x64 against a bare PyTorch loop of the same steps."""
    project = render(folder)
    for file, old, new in (
        ("data/images.yaml", "height: 8", "height: 64"),
        ("data/images.yaml", "width: 8", "width: 64"),
        ("model/cnn.yaml", "steps: 400", "steps: 100"),
    ):
        path = project.path / "conf" / file
        path.write_text(path.read_text().replace(old, new))
    project.run("dvc", "repro", "curate")
    times = json.loads(project.run("python", str(ROOT / "tests" / "bench_training.py"), "3").stdout)
    cost = (statistics.median(pair[i] for pair in times) for i in (0, 1))
    return [("training, one seed, 64x64", *cost, "a bare PyTorch loop, same steps and data")]


def comparing(folder: Path) -> list[Row]:
    """`compare` of two revisions with 10,000 test examples and 10 seeds, without cache and remote."""
    project = baseline(folder)
    rng = np.random.default_rng(0)
    grow(project, rng, better=0.0)
    project.commit("Large baseline")
    project.run("git", "branch", "large")
    grow(project, rng, better=0.01)
    project.commit("Large candidate")
    clone = Project(folder / "clone")
    project.run("git", "clone", "--quiet", "--bare", str(project.path), str(folder / "bare.git"))
    project.run("git", "clone", "--quiet", str(folder / "bare.git"), str(clone.path))
    assert clone.verb("compare", "origin/large", "HEAD").stdout.startswith("helps")
    floor = (
        "import subprocess, io, pandas as pd\n"
        "for r in ('origin/large', 'HEAD'):\n"
        "    for f in ('reports/predictions.csv', 'data/examples/test.csv', 'data/examples/train.csv'):\n"
        "        pd.read_csv(io.BytesIO(subprocess.check_output(['git', 'show', f'{r}:{f}'])), dtype=str)"
    )
    cost = alternate(lambda: clone.verb("compare", "origin/large", "HEAD"), lambda: clone.run("python", "-c", floor))
    return [("compare, 10,000 x 10 seeds", *cost, "Python, pandas, the same files through git")]


def revisions(folder: Path) -> list[Row]:
    """What 50 experiments gained, and what one of them is worth: of 200 test examples and 5 seeds, then of 10,000 and 10."""
    small, large = render(folder / "tables", kind="tables"), render(folder / "images")
    for project in (small, large):
        project.run("dvc", "repro", "evaluate")
    grow(large, np.random.default_rng(0), better=0.0)
    rows: list[Row] = []
    for project, size in ((small, ""), (large, ", 10,000 x 10 seeds")):
        project.commit("Baseline")
        bench_revisions.make(project)
        bench_revisions.check(project)
        for verb, floor in bench_revisions.FLOORS.items():
            asked = ("HEAD", *(["clean-49"] if verb == "worth" else []))
            cost = alternate(
                lambda verb=verb, asked=asked, project=project: project.verb(verb, *asked),  # type: ignore[misc]
                lambda floor=floor, project=project: project.run("python", "-c", floor),  # type: ignore[misc]
                times=3,
            )
            rows.append((f"{verb}, 50 revisions{size}", *cost, "Python, pandas, the same files through git"))
    return rows


def grow(project: Project, rng: np.random.Generator, better: float) -> None:
    """Write a test set of 10,000 examples and the answers of 10 seeds as if dvc repro had."""
    n, seeds = 10_000, 10
    labels = np.arange(n) % 10
    ids = pd.Series([f"t{i:05}" for i in range(n)])
    test = {"id": ids, "label": labels, "given_label": labels, "weight": 1, "row": range(n), "input": ids, "passes": ""}
    files = {"data/examples/test.csv": pd.DataFrame(test)}
    answers = pd.DataFrame({"id": ids, "label": labels, "predicted": labels})
    hard = np.random.default_rng(1).random(n)
    for seed in range(seeds):
        right = hard + rng.normal(0, 0.02, n) < 0.9 + better
        answers[f"seed_{seed}"] = np.where(right, labels, (labels + 1) % 10)
    files["reports/predictions.csv"] = answers
    train = pd.read_csv(project.path / "data/examples/train.csv", dtype="str", keep_default_na=False)
    files["data/examples/train.csv"] = train.assign(
        stroke=f"of {better}"
    )  # other answers come of other data and weights
    lock = (project.path / "dvc.lock").read_text()
    (models,) = yaml.safe_load(lock)["stages"]["train"]["outs"][:1]
    lock = lock.replace(models["md5"], f"{md5(str(better).encode(), usedforsecurity=False).hexdigest()}.dir")
    for name, table in files.items():
        path = project.path / name
        old = file_md5(path)
        table.to_csv(path, index=False, lineterminator="\n")
        lock = lock.replace(old, file_md5(path))
    (project.path / "dvc.lock").write_text(lock)
    for name in ("dvc.lock", "params.yaml"):
        path = project.path / name
        more = "".join(rf"\1- {seed}\n" for seed in range(4, seeds))
        path.write_text(re.sub(r"^( *)- 4\n(?! *- 5)", more, path.read_text(), flags=re.MULTILINE))


def file_md5(path: Path) -> str:
    """Return the hash that dvc.lock holds of a file."""
    return md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def scale(folder: Path) -> Iterator[Row]:
    """10 million labels, from curate to the pages, each with its peak of memory."""
    return bench_scale.rows(render(folder))


def packing(folder: Path) -> list[Row]:
    """Pack images against decoding them alone, in as many threads; then 1 % more files against packing all of them."""
    project = render(folder)
    raw = project.path / "data" / "raw"
    rng = np.random.default_rng(0)
    edit = project.path / "conf" / "data" / "images.yaml"
    text = edit.read_text().replace("height: 8", "height: 64").replace("width: 8", "width: 64")
    edit.write_text(text.replace("channels: 1", "channels: 3"))
    project.run("python", "-m", "datapass.stages.freeze")

    def deliver(name: str, number: int) -> None:
        (raw / name).mkdir(parents=True, exist_ok=True)
        rows = []
        for i in range(number):  # smooth, as photographs are: noise would be all decompression
            pixels = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((64, 64))
            path = f"{name or 'first'}-{i}.png"
            pixels.save(raw / path)
            rows.append(f"{name or 'first'}-{i},cat,{path}")
        (raw / name / "labels.csv").write_text("\n".join(["id,label,path", *rows]) + "\n")

    def pack(again: bool) -> None:
        if not again:
            shutil.rmtree(project.path / "data" / "inputs", ignore_errors=True)
        said = project.run("python", "-m", "datapass.stages.pack").stdout
        assert f"{IMAGES // 100 if again else IMAGES:,} decoded" in said, said

    deliver("", IMAGES)
    floor = (
        "import os; from concurrent.futures import ThreadPoolExecutor; from pathlib import Path\n"
        "import numpy as np, pandas as pd, pyarrow.parquet, yaml; from PIL import Image\n"
        "def read(file):\n    with Image.open(file) as image: return np.asarray(image).shape\n"
        "def some(files): return [read(file) for file in files]\n"
        "files = [Path('data/raw') / path for path in pd.read_csv('data/raw/labels.csv')['path']]\n"
        "with ThreadPoolExecutor(os.cpu_count()) as pool: "
        f"assert sum(map(len, pool.map(some, (files[i:i + 32] for i in range(0, len(files), 32))))) == {IMAGES}"
    )
    full = alternate(lambda: pack(again=False), lambda: project.run("python", "-c", floor), times=3)
    before = folder / "before"
    shutil.copytree(project.path / "data" / "inputs", before)
    deliver("more", IMAGES // 100)

    def more() -> None:
        shutil.rmtree(project.path / "data" / "inputs")
        shutil.copytree(before, project.path / "data" / "inputs", copy_function=os.link)
        pack(again=True)

    def whole() -> None:
        shutil.rmtree(project.path / "data" / "inputs", ignore_errors=True)
        project.run("python", "-m", "datapass.stages.pack")

    added = alternate(more, whole, times=3)
    return [
        (f"pack {IMAGES:,} images of 64x64", *full, "Python, pandas, Pillow: decode them in as many threads"),
        ("1 % more files", *added, "pack all of them"),
    ]


def rows(folder: Path) -> list[Row]:
    """100,000 rows of 30 columns, and 100,000 texts, from CSV to verdict."""
    what = "scikit-learn alone: read, fit once a seed and arm, ask"
    titles = {"tables": f"{bench_rows.N:,} rows of 30 columns", "texts": f"{bench_rows.N:,} texts of 20 words"}
    return [
        (f"{title}, to a verdict", *bench_rows.measure(render(folder / kind, kind=kind), kind), what)
        for kind, title in titles.items()
    ]


def parquet(folder: Path) -> list[Row]:
    """Curate and diff of labels in Parquet, with the memory of each."""
    return bench_parquet.measure(render(folder))


def audit(folder: Path) -> list[Row]:
    """Print how many wrong labels the audit's queue finds, beside a random queue."""
    bench_audit.main(baseline(folder).path)
    return []


def shards(folder: Path) -> list[Row]:
    """Random rows of inputs in shards."""
    return bench_shards.measure(render(folder))


ROWS: dict[str, Callable[[Path], Iterable[Row]]] = {
    "generation": generation,
    "no-op": no_op,
    "training": training,
    "parallel": parallel,
    "training-large": training_large,
    "compare": comparing,
    "revisions": revisions,
    "scale": scale,
    "parquet": parquet,
    "pack": packing,
    "rows": rows,
    "shards": shards,
    "audit": audit,
}


def main(names: list[str]) -> None:
    """Print the table, a line as soon as it is measured."""
    print(f"{'':<40} {'seconds':>8} {'floor':>8} {'ratio':>6}  floor is", flush=True)
    for name in names or ROWS:
        folder = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            for title, cost, floor, what in ROWS[name](folder):
                print(f"{title:<40} {cost:8.2f} {floor:8.2f} {cost / floor:6.2f}  {what}", flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    main(sys.argv[1:])
