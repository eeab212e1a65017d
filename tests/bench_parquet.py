"""Labels in Parquet through `curate` and `diff`, with the memory that each took: the row `parquet` of bench.py.

MILLIONS=100 in the environment makes it 100 million, which takes half an hour and 15 GB of disk.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conftest import Project

N = int(os.environ.get("MILLIONS", "10")) * 1_000_000
EDITS = 100_000
STEP = 1_000_000  # rows made at a time
Row = tuple[str, float, float, str]
# The same tables read and written, row group after row group, without a rule: the least that the work can cost.
COPY = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
for path in map(Path, sys.argv[1:]):
    with pq.ParquetFile(path) as file, pq.ParquetWriter(path.with_suffix(".copy"), file.schema_arrow, compression="zstd") as to:
        for batch in file.iter_batches(1 << 18):
            to.write_batch(batch)
    path.with_suffix(".copy").unlink()
"""
READ = "import sys, pyarrow.parquet as pq\nfor path in sys.argv[1:]:\n    for _ in pq.ParquetFile(path).iter_batches(): pass"
SORT = """
import sys, duckdb
con = duckdb.connect(config={"memory_limit": "3GB", "temp_directory": "data/spill"})
con.execute("SET enable_progress_bar = false")
con.execute(f"COPY (SELECT * FROM '{sys.argv[1]}' ORDER BY id) TO 'data/sorted.parquet' (FORMAT parquet)")
"""


def measure(project: Project) -> list[Row]:
    """Curate and diff with a pass of 100,000 edits; then with ids that are not in order, where DuckDB is installed."""
    pipeline = project.path / "dvc.yaml"
    text = re.sub(
        r"(data/examples/(?:train|validation|test))\.csv", r"\1.parquet", pipeline.read_text(encoding="utf-8")
    )
    pipeline.write_text(
        text.replace("parquet: {cache: false, persist: true}", "parquet: {persist: true}"), encoding="utf-8"
    )
    project.run("python", "-m", "datapass.stages.freeze")
    raw, examples = project.path / "data/raw/labels.parquet", project.path / "data/examples"
    index = project.path / "data/inputs/index.parquet"
    for path in (raw, index):
        path.parent.mkdir(parents=True)
    write(raw, index, np.arange(N, dtype=np.int32))
    seconds, memory = 0.0, 0.0
    for name in ("", "p001-many"):
        if name:
            edited = np.sort(np.random.default_rng(1).choice(N, EDITS, replace=False)).tolist()
            project.write_pass(name, *(f"x{i:09},relabel,{label(i + 1)},{label(i)},," for i in edited))
        seconds, memory = cost(project, "datapass.stages.curate")
        project.run("dvc", "commit", "--force", "curate")
        project.commit(name or "Baseline")
    millions = f"{N // 1_000_000} million"
    floor = clock(project, "-c", COPY, str(raw), str(index), *map(str, sorted(examples.glob("*.parquet"))))
    rows = [
        (f"curate {millions} of Parquet, peak {memory:.1f} GB", seconds, floor, "pyarrow: read, write the same tables")
    ]
    seconds, memory = cost(project, "datapass", "diff", "HEAD~1", "HEAD", "--to", "rows.csv")
    assert len((project.path / "rows.csv").read_text(encoding="utf-8").splitlines()) == EDITS + 1
    floor = 2 * clock(project, "-c", READ, *map(str, examples.glob("*.parquet")))
    rows.append(
        (f"diff {millions} of Parquet, peak {memory:.1f} GB", seconds, floor, "pyarrow: read both sides' tables")
    )
    with suppress(ModuleNotFoundError):
        import duckdb  # noqa: F401

        write(raw, index, np.random.default_rng(2).permutation(N).astype(np.int32))
        seconds, memory = cost(project, "datapass.stages.curate")
        name = f"ids not in order, peak {memory:.1f} GB"
        rows.append((name, seconds, clock(project, "-c", SORT, str(raw)), "DuckDB: sort the labels, write them"))
    return rows


def label(number: int) -> str:
    """Return the class of an example."""
    return f"class {number % 10}"


def write(labels: Path, index: Path, numbers: np.ndarray) -> None:
    """Write labels and packed inputs in the order of some numbers, a piece at a time."""
    with pq.ParquetWriter(labels, SCHEMAS[0]) as one, pq.ParquetWriter(index, SCHEMAS[1]) as other:
        for piece in pieces(numbers):
            one.write_table(piece.select(["id", "label"]).cast(SCHEMAS[0]))
            other.write_table(piece.select(["id", "input"]).cast(SCHEMAS[1]))


SCHEMAS = [pa.schema([("id", pa.string()), (name, pa.string())]) for name in ("label", "input")]


def pieces(numbers: np.ndarray) -> Iterator[pa.Table]:
    """Yield id, label and hash of the input."""
    names = pa.array([label(i) for i in range(10)])
    for start in range(0, len(numbers), STEP):
        here = numbers[start : start + STEP].astype(np.int64)
        digits = pc.utf8_lpad(pa.array(here).cast(pa.string()), 9, "0")
        spread = pd.util.hash_array(
            here
        )  # 64 bits as 16 letters of 4 each: what a hash in hex is to compress and compare
        letters = np.frombuffer(b"0123456789abcdef", np.uint8)
        cells = letters[(spread[:, None] >> np.arange(0, 64, 4, dtype=np.uint64)).astype(np.uint8) & 15]
        hashes = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(here), [None, pa.py_buffer(cells.tobytes())])
        ids = pc.binary_join_element_wise(pa.scalar("x"), digits, "")
        found = {
            "id": ids,
            "label": names.take(pa.array(here % 10)),
            "input": hashes.cast(pa.binary()).cast(pa.string()),
        }
        yield pa.table(found)


def cost(project: Project, module: str, *arguments: str) -> tuple[float, float]:
    """Return the wall time of a module of the project, and the most memory that it had (GB)."""
    start = time.perf_counter()
    process = subprocess.Popen(
        ["python", "-m", module, *arguments], cwd=project.path, env=project.env, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return time.perf_counter() - start, used.ru_maxrss / 1e6


def clock(project: Project, *arguments: str) -> float:
    """Return the wall time of Python with these arguments."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=project.path, check=True)
    return time.perf_counter() - start
