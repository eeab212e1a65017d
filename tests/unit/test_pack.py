"""Packing again: only what is new or changed is decoded, and the result is the same, byte for byte, as from nothing."""

import os
import random
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from conftest import SOURCE
from datapass.data.pack import AT_ONCE, digest, file_digest, pack
from datapass.data.raw import read_raw
from datapass.files import writes
from datapass.files.paths import ARRAYS, INDEX, INPUTS, RAW
from datapass.files.writes import written
from datapass.messages.problems import Refusal

NAMES = [f"x{number:02}" for number in range(2 * AT_ONCE + 5)]


class Inputs:
    """A file's own bytes as an array; notes what it was asked."""

    shape = (4, 3, 1)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, file: Path) -> np.ndarray:
        self.asked.append(file.relative_to(RAW).as_posix())
        if not file.is_file():
            raise ValueError("is missing")
        return np.frombuffer(file.read_bytes().ljust(12, b"\0")[:12], np.uint8).reshape(self.shape)


def deliver(name: str, rows: dict[str, str]) -> None:
    """Write a delivery: {id: path relative to data/raw/}."""
    folder = RAW / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{id},cat,{path}" for id, path in rows.items()]
    (folder / "labels.csv").write_text("\n".join(["id,label,path", *lines]) + "\n", encoding="utf-8")


def put(path: str, content: str) -> None:
    (RAW / path).parent.mkdir(parents=True, exist_ok=True)
    (RAW / path).write_text(content)


@pytest.fixture(autouse=True)
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed delivery, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        put(f"images/{name}", name)
    deliver("", {name: f"images/{name}" for name in NAMES})
    assert again() == sorted(f"images/{name}" for name in NAMES)


def content(folder: Path = INPUTS) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def again(made: str = "now", inputs: Inputs | None = None) -> list[str]:
    """Pack as the stage does, and return what was decoded; the result must be what it is from nothing."""
    inputs = inputs or Inputs()
    with written(INPUTS) as target:
        decoded = pack(read_raw(RAW), RAW, target, inputs, made, INPUTS)
    assert decoded == len(inputs.asked)
    fresh = type(inputs)()
    shutil.rmtree("fresh", ignore_errors=True)
    pack(read_raw(RAW), RAW, Path("fresh"), fresh, made)
    assert content() == content(Path("fresh"))
    return sorted(inputs.asked)


def test_the_index_says_what_was_packed() -> None:
    index, arrays = pd.read_parquet(INDEX), np.load(ARRAYS)
    assert list(index) == ["id", "input", "path", "file"]
    assert set(map(str, index.dtypes)) == {"str"}
    assert index["id"].tolist() == NAMES
    assert index["path"].tolist() == [f"images/{name}" for name in NAMES]
    assert index["input"].tolist() == [digest(array.tobytes()) for array in arrays]
    assert index["file"].tolist() == [file_digest(RAW / path) for path in index["path"]]
    assert (index["input"][0], index["file"][0]) == ("644d1d5f3bf91fbe", "bba532d6a1131e4d")


def change_one() -> None:
    put("images/x03", "other")


def touch_all() -> None:
    for path in RAW.rglob("x*"):
        os.utime(path, (0, 0))


def later_delivery() -> None:
    put("2026-10/y0", "later")
    deliver("2026-10", {"y0": "2026-10/y0"})


def earlier_delivery() -> None:
    later_delivery()
    again()
    put("2026-09/z0", "earlier")
    deliver("2026-09", {"z0": "2026-09/z0"})


def other_order() -> None:
    shuffled = random.Random(0).sample(NAMES, len(NAMES))
    deliver("", {name: f"images/{name}" for name in shuffled})


def some_gone() -> None:
    deliver("", {name: f"images/{name}" for name in NAMES[::3]})


def one_renamed() -> None:
    (RAW / "images/x03").rename(RAW / "images/new")
    deliver("", {name: f"images/{'new' if name == 'x03' else name}" for name in NAMES})


def two_swapped() -> None:
    put("images/x03", "x04")
    put("images/x04", "x03")


def other_ids() -> None:
    deliver("", {f"id-{name}": f"images/{name}" for name in NAMES})


def one_file_twice() -> None:
    deliver("", {name: f"images/{name}" for name in NAMES} | {"copy": "images/x03"})


def gone_and_back() -> None:
    some_gone()
    again()
    deliver("", {name: f"images/{name}" for name in NAMES})


CHANGES: dict[str, tuple[Callable[[], None], list[str]]] = {
    "nothing": (lambda: None, []),
    "one file": (change_one, ["images/x03"]),
    "dates alone": (touch_all, []),
    "a delivery after": (later_delivery, ["2026-10/y0"]),
    "a delivery between": (earlier_delivery, ["2026-09/z0"]),
    "another order": (other_order, []),
    "rows deleted": (some_gone, []),
    "a file renamed": (one_renamed, ["images/new"]),
    "two files swapped": (two_swapped, ["images/x03", "images/x04"]),
    "other ids": (other_ids, []),
    "one file in two rows": (one_file_twice, []),
    "rows gone and back": (gone_and_back, [f"images/{n}" for n in NAMES if n not in NAMES[::3]]),
}


@pytest.mark.parametrize(("change", "decoded"), CHANGES.values(), ids=CHANGES.keys())
def test_only_what_changed_is_decoded(change: Callable[[], None], decoded: list[str]) -> None:
    change()
    assert again() == decoded
    assert again() == []


def test_another_way_of_reading_decodes_all() -> None:
    assert len(again(made="later")) == len(NAMES)
    assert again(made="later") == []


def test_another_shape_decodes_all() -> None:
    class Wide(Inputs):
        shape = (2, 6, 1)

    assert len(again(inputs=Wide())) == len(NAMES)


def no_arrays() -> None:
    ARRAYS.unlink()


def half_of_the_arrays() -> None:
    ARRAYS.write_bytes(ARRAYS.read_bytes()[:400])


def no_index() -> None:
    INDEX.unlink()


def index_of_an_older_release() -> None:
    pd.read_parquet(INDEX)[["id", "input"]].to_parquet(INDEX)


def index_of_other_rows() -> None:
    table = pd.read_parquet(INDEX)
    table.head(7).to_parquet(INDEX)


def no_folder() -> None:
    shutil.rmtree(INPUTS)


def an_empty_folder() -> None:
    no_folder()
    INPUTS.mkdir()


def empty_files() -> None:
    ARRAYS.write_bytes(b"")
    INDEX.write_bytes(b"")


DAMAGES = (
    no_arrays,
    half_of_the_arrays,
    no_index,
    index_of_an_older_release,
    index_of_other_rows,
    no_folder,
    an_empty_folder,
    empty_files,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_left_of_the_last_run_may_be_damaged(damage: Callable[[], None]) -> None:
    damage()
    assert len(again()) == len(NAMES)


def test_an_array_that_is_not_what_the_index_says_is_decoded_again() -> None:
    arrays = np.load(ARRAYS, mmap_mode="r+")
    arrays[3] += 1
    arrays.flush()
    assert again() == ["images/x03"]


def test_bytes_turned_anywhere_change_nothing() -> None:
    """Whatever a disk did to the folder: the next run gives what a run from nothing gives."""
    rng = np.random.default_rng(0)
    for path in (ARRAYS, INDEX) * 60:
        turned = bytearray(path.read_bytes())
        for place in rng.integers(0, len(turned), 3):
            turned[place] = rng.integers(256)
        path.write_bytes(turned)
        again()


@pytest.mark.parametrize("link", ["hard link", "symbolic link"])
def test_the_cache_that_dvc_linked_is_never_written(link: str) -> None:
    cache = Path("cache")
    cache.mkdir()
    for path in (ARRAYS, INDEX):
        path.rename(cache / path.name)
        (cache / path.name).chmod(0o444)
        if link == "hard link":
            path.hardlink_to(cache / path.name)
        else:
            path.symlink_to((cache / path.name).resolve())
    before = content(cache)
    change_one()
    assert again() == ["images/x03"]
    assert content(cache) == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.iterdir()} == {0o444}
    assert not any(path.is_symlink() or path.stat().st_nlink > 1 for path in (ARRAYS, INDEX))


def test_a_refusal_leaves_the_last_run() -> None:
    before = content()
    change_one()
    (RAW / "images/x05").unlink()
    (RAW / "images/x66").unlink()
    with pytest.raises(Refusal) as refused, written(INPUTS) as target:
        pack(read_raw(RAW), RAW, target, Inputs(), "now", INPUTS)
    assert [(p.line, p.id) for p in refused.value.problems] == [(7, "x05"), (68, "x66")]
    assert content() == before


# Packs 60 pictures in a process of its own, twice; prints the most memory that it held beside the memory map, in KiB.
LARGE = """
from pathlib import Path
from datapass.data.pack import pack
from datapass.data.raw import read_raw
import numpy as np
import threading
from PIL import Image
class Inputs:
    shape = (1200, 1200, 3)
    def read(self, file):
        with Image.open(file) as image:
            return np.asarray(image)
def anonymous():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "RssAnon" in line)
most, done = [0], threading.Event()
def watch():
    while not done.wait(0.01):
        most[0] = max(most[0], anonymous())
start = anonymous()
threading.Thread(target=watch, daemon=True).start()
raw = read_raw(Path("data/raw"))
pack(raw, Path("data/raw"), Path("one"), Inputs(), "x")
pack(raw, Path("data/raw"), Path("two"), Inputs(), "x", Path("one"))
done.set()
print(most[0] - start)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_more_images_than_memory() -> None:
    Image.new("RGB", (1200, 1200), (1, 2, 3)).save(RAW / "large.png")
    deliver("", {f"a{number}": "large.png" for number in range(60)})
    env = os.environ | {"PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", LARGE], env=env, capture_output=True, text=True, check=True)
    image = 1200 * 1200 * 3 / 1024
    assert int(done.stdout) < (os.cpu_count() or 1) * 4 * image + 40_000, "a few images for each thread, in KiB"
    assert (Path("one/arrays.npy").stat().st_size) > 60 * 1200 * 1200 * 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_array_is_mapped_any_more_when_the_folders_are_swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows renames no folder of which a file is memory-mapped."""
    swap, mapped = writes._exchange, list[list[str]]()

    def noted(new: Path, old: Path) -> None:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
        mapped.append([line for line in maps if str(INPUTS.resolve().parent) in line])
        swap(new, old)

    monkeypatch.setattr(writes, "_exchange", noted)
    put("images/x03", "other")
    assert again() == ["images/x03"]
    assert mapped and not any(mapped)
