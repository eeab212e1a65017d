"""Random rows of shards against those of a memory map: what a training step waits for."""

import json

import numpy as np

from conftest import Project
from sharded import inputs_py, sample, write_litdata, write_npy

PICTURES, SHARDS = 20_000, 10
# Batches in turn, each of its own rows, so that none finds what another one has read; prints median seconds.
READ = """
import json, statistics, time
from pathlib import Path
import numpy as np, pyarrow as pa
from datapass.data.shards import Sharded, digest
from digits.inputs import LitData, NpyShards
arrays = np.load("arrays.npy", mmap_mode="r").view(np.ndarray)
shape, many = arrays.shape[1:], len(arrays)
def packed(shards, digests=None):
    return Sharded({"shards": shards}, np.zeros(many, int), np.arange(many), shape, digests)
npy, litdata = NpyShards(*shape).open(Path("npy")), LitData(*shape).open(Path("litdata"))
seen = pa.array([digest(one) for one in arrays])
ways = {"map": arrays, "npy": packed(npy), "litdata": packed(litdata), "first": packed(litdata, seen)}
rng = np.random.default_rng(0)
rows = rng.permutation(many)[: many // 64 * 64].reshape(-1, 64)
times = {name: [] for name in ways}
for number in range(len(rows)):
    for turn, (name, way) in enumerate(ways.items()):
        mine = rows[(number + turn * 70) % len(rows)]
        start = time.perf_counter()
        way[mine]
        times[name].append(time.perf_counter() - start)
assert all((way[rows[0]] == arrays[rows[0]]).all() for way in ways.values())
print(json.dumps({name: statistics.median(taken) for name, taken in times.items()}))
"""


def measure(project: Project) -> list[tuple[str, float, float, str]]:
    """Return the rows of the table: what, and milliseconds of it and of the memory map."""
    arrays = np.random.default_rng(0).integers(0, 256, (PICTURES, 64, 64, 3), dtype=np.uint8)
    np.save(project.path / "arrays.npy", arrays)
    write_npy(project.path / "npy", arrays, [PICTURES // SHARDS] * SHARDS)
    write_litdata(project.path / "litdata", [[sample(one)] for one in arrays], [PICTURES // SHARDS] * SHARDS)
    (project.path / "src/digits/inputs.py").write_text(inputs_py(), encoding="utf-8", newline="\n")
    found = {name: 1000 * taken for name, taken in json.loads(project.run("python", "-c", READ).stdout).items()}
    titles = {"npy": ".npy shards", "litdata": "chunks of litdata", "first": "the same, compared with their hashes"}
    what = "milliseconds: the same from one memory map"
    return [(f"64 random of {title}", found[name], found["map"], what) for name, title in titles.items()]
