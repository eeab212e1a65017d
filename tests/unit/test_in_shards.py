"""Inputs in shards: what is read as files are, what is refused by name, and that nothing of a shard runs."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from conftest import ROOT, params
from datapass.annotators.tasks import tasks
from datapass.data.pack import digest, pack
from datapass.data.packed import read_packed
from datapass.data.raw import read_raw
from datapass.data.shards import Sharded, folders
from datapass.executors.project import files, state
from datapass.files.paths import ARRAYS, INDEX, INPUTS, RAW, SHARDS
from datapass.files.writes import written
from datapass.messages.problems import Refusal
from datapass.production.new_inputs import read_new, reads_files
from datapass.review.pictures import pictures
from datapass.training.encoding import Encoding
from sharded import loaded, sample, write_litdata, write_npy

SHAPE = (8, 6, 1)
ONES = np.random.default_rng(0).integers(0, 256, (7, *SHAPE), dtype=np.uint8)
TEAM = loaded()


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project, in the working directory."""
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)


def deliver(paths: list[str], name: str = "") -> None:
    """Write a delivery with these paths relative to data/raw/."""
    (RAW / name).mkdir(parents=True, exist_ok=True)
    lines = [f"{name}x{number},cat,{path}" for number, path in enumerate(paths)]
    (RAW / name / "labels.csv").write_text("\n".join(["id,label,path", *lines]) + "\n", encoding="utf-8", newline="\n")


def named(count: int, folder: str = "shards") -> list[str]:
    return [f"{folder}#{number}" for number in range(count)]


def packed(kind: str = "NpyShards", **more: Any) -> Sharded:
    """Pack as the stage does, and return what the later stages read."""
    node = {"_target_": f"sharded_inputs.{kind}", "height": 8, "width": 6, "channels": 1} | more
    Path("params.yaml").write_text(yaml.safe_dump(params(inputs=node)), encoding="utf-8", newline="\n")
    with written(INPUTS) as target:
        pack(read_raw(RAW), RAW, target, getattr(TEAM, kind)(8, 6, 1, **more), "now", INPUTS)
    found = read_packed()
    assert isinstance(found, Sharded)
    return found


def picture(path: str, number: int) -> None:
    (RAW / path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(ONES[number, :, :, 0]).save(RAW / path)


# What lies in data/raw/, as which class opens it: each ends with ONES as the packed inputs, in order.


def one_npy() -> tuple[str, dict[str, Any]]:
    write_npy(RAW / "shards", ONES, [7])
    deliver(named(7))
    return "NpyShards", {}


def several_npy() -> tuple[str, dict[str, Any]]:
    write_npy(RAW / "shards", ONES, [3, 0, 1, 3])
    deliver(named(7))
    return "NpyShards", {}


def npy_by_columns() -> tuple[str, dict[str, Any]]:
    write_npy(RAW / "shards", np.asfortranarray(ONES), [7])
    deliver(named(7))
    return "NpyShards", {}


def linked_by_dvc() -> tuple[str, dict[str, Any]]:
    write_npy(Path("cache"), ONES, [4, 3])
    (RAW / "shards").mkdir()
    for file in Path("cache").iterdir():
        (RAW / "shards" / file.name).symlink_to(file.resolve())
    deliver(named(7))
    return "NpyShards", {}


def other_order() -> tuple[str, dict[str, Any]]:
    write_npy(RAW / "shards", ONES[::-1], [4, 3])
    deliver(named(7)[::-1])
    return "NpyShards", {}


def more_than_is_named() -> tuple[str, dict[str, Any]]:
    write_npy(RAW / "shards", np.concatenate([ONES, ONES]), [14])
    deliver(named(7))
    return "NpyShards", {}


def beside_files() -> tuple[str, dict[str, Any]]:
    write_npy(RAW / "shards", ONES, [7])
    for number in (1, 2, 6):
        picture(f"images/{number}.png", number)
    deliver([f"images/{n}.png" if n in (1, 2, 6) else f"shards#{n}" for n in range(7)])
    return "NpyShards", {}


def two_deliveries() -> tuple[str, dict[str, Any]]:
    write_npy(RAW / "shards", ONES[:4], [4])
    deliver(named(4))
    write_npy(RAW / "2026-10" / "a#b ü", ONES[4:], [2, 1])
    deliver(named(3, "2026-10/a#b ü"), "2026-10")
    return "NpyShards", {}


def litdata() -> tuple[str, dict[str, Any]]:
    write_litdata(RAW / "shards", [[sample(one)] for one in ONES], [3, 4])
    deliver(named(7))
    return "LitData", {}


def litdata_of_several_parts() -> tuple[str, dict[str, Any]]:
    """Of which one is a pickle: it is not looked at."""
    parts = [[pickle.dumps(Runs()), b"x" * n, sample(one)] for n, one in enumerate(ONES)]
    write_litdata(RAW / "shards", parts, [5, 2], ["pickle", "str", "numpy"])
    deliver(named(7))
    return "LitData", {"leaf": 2}


class Runs:
    """Writes a file where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return eval, ("open('ran', 'w').close()",)


SUPPORTED = (one_npy, several_npy, npy_by_columns, linked_by_dvc, other_order, more_than_is_named, beside_files, two_deliveries, litdata, litdata_of_several_parts)  # fmt: skip


@pytest.mark.parametrize("made", SUPPORTED, ids=lambda made: made.__name__)
def test_shards_are_read_as_files_are(made: Callable[[], tuple[str, dict[str, Any]]]) -> None:
    kind, more = made()
    found = packed(kind, **more)
    index = pd.read_parquet(INDEX)
    assert index["input"].tolist() == [digest(one) for one in ONES]
    assert (found.shape, found.ndim, len(found), found.dtype) == ((7, *SHAPE), 4, 7, np.uint8)
    rows = np.array([6, 0, 3, 3, 1, 2])
    assert np.array_equal(found[rows], ONES[rows]) and np.array_equal(found[4], ONES[4])
    assert found[np.array([], dtype=np.int64)].shape == (0, *SHAPE)
    files = (index["file"] != "").sum()
    assert (len(np.load(ARRAYS)) if ARRAYS.exists() else 0) == files == (3 if made is beside_files else 0)
    assert sum(folders().values()) == 7 - files
    assert not Path("ran").exists()


def test_no_array_is_copied_for_training() -> None:
    one_npy()
    found, rows = packed(), np.array([2, 5])
    arrays, places = Encoding(TEAM.NpyShards(8, 6, 1)).encode(found, rows)
    assert arrays is found and places is rows


def test_equal_inputs_have_one_hash_wherever_they_lie() -> None:
    picture("images/a.png", 3)
    write_npy(RAW / "shards", ONES, [7])
    deliver(["images/a.png", "shards#3", "shards#3"])
    packed()
    assert pd.read_parquet(INDEX)["input"].nunique() == 1


def test_files_alone_are_packed_as_ever() -> None:
    """A class that opens shards too: the same bytes, and files that were read are taken over."""
    picture("images/a.png", 0)
    deliver(["images/a.png"])
    for kind, target in ((TEAM.Images, "one"), (TEAM.NpyShards, "two")):
        assert pack(read_raw(RAW), RAW, Path(target), kind(8, 6, 1), "now") == 1
    assert not (Path("two") / SHARDS.name).exists()
    assert all((Path("two") / file.name).read_bytes() == file.read_bytes() for file in Path("one").iterdir())


def test_files_beside_shards_are_taken_over() -> None:
    beside_files()
    packed()
    before = {file.name: file.read_bytes() for file in INPUTS.iterdir()}
    with written(INPUTS) as target:
        assert pack(read_raw(RAW), RAW, target, TEAM.NpyShards(8, 6, 1), "now", INPUTS) == 0
    assert {file.name: file.read_bytes() for file in INPUTS.iterdir()} == before


def outside_link() -> None:
    write_npy(Path("elsewhere"), ONES, [7])
    (RAW / "away").symlink_to(Path("elsewhere").resolve())


PATHS = {
    "number that is not there": ("shards#7", "labels.csv:9: id \"x7\": data/raw/shards holds 7 arrays, numbered from 0; it has"),
    "number that no machine holds": ("shards#999999999999999999", "holds 7 arrays, numbered from 0"),
    "folder that is not there": ("shard#0", "data/raw/shard: is no folder that is here; `dvc pull` brings it"),
    "file": ("shards/000.npy#0", "data/raw/shards/000.npy: is no folder that is here"),
    "folder above": ("../raw/shards#0", 'data/raw/../raw/shards: the path "../raw/shards" leaves data/raw/'),
    "folder of the system": ("/etc#0", 'the path "/etc" leaves data/raw/'),
    "drive": ("C:/shards#0", "leaves data/raw/"),
    "backslash": ("a\\shards#0", "has a backslash"),
    "link out of data/raw/": ("away#0", "data/raw/away: leads out of data/raw/; put the shards there"),
    "letters that a terminal obeys": ("\x1b[31mshards#0", "data/raw/\\u001b[31mshards: is no folder"),
    "no number": ("shards#", "the file \"shards#\" is missing; add it or delete the row; of an array in shards write FOLDER#NUMBER"),
    "negative number": ("shards#-1", "is missing"),
    "folder alone": ("shards", "is a folder; name a file in it"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "said"), PATHS.values(), ids=PATHS.keys())
def test_paths_that_are_refused(path: str, said: str) -> None:
    one_npy()
    outside_link()
    deliver([*named(7), path])
    with pytest.raises(Refusal) as refused:
        packed()
    assert said in str(refused.value)
    assert not INPUTS.exists()


def test_a_class_that_reads_no_files_says_what_paths_are() -> None:
    class Open:
        shape = SHAPE

        def open(self, folder: Path) -> np.ndarray:
            return ONES

    deliver(["shards#0", "a.png"])
    (RAW / "shards").mkdir()
    with pytest.raises(
        Refusal, match=r"names no array of shards, such as 'shards#17', and conf/data's inputs read no files"
    ):
        pack(read_raw(RAW), RAW, Path("one"), Open(), "now")
    with pytest.raises(Refusal, match=r"has no `read\(file\)`, by which new files come in"):
        reads_files(Open())
    assert len(read_new([RAW / "shards"], Open()).packed) == len(ONES)


def test_a_class_that_opens_no_shards_says_what_it_needs() -> None:
    one_npy()
    with pytest.raises(
        Refusal, match=r'"shards#0" is missing.*the class of conf/data\'s inputs needs `open\(folder\)`'
    ):
        pack(read_raw(RAW), RAW, Path("one"), TEAM.Images(8, 6, 1), "now")


ANSWERS: dict[str, tuple[Any, str]] = {
    "other shape": (ONES[:, :4], r"holds \(4, 6, 1\) uint8, and conf/data says \(8, 6, 1\) uint8"),
    "other numbers": (ONES.astype(np.float32), "float32, and conf/data says"),
    "objects": (ONES.astype(object), "object, and conf/data says"),
}


@pytest.mark.parametrize(("answer", "said"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_a_class_returns_is_looked_at(answer: np.ndarray, said: str) -> None:
    class Wrong:
        shape = SHAPE

        def open(self, folder: Path) -> np.ndarray:
            return answer

    deliver(["shards#0"])
    (RAW / "shards").mkdir()
    with pytest.raises(Refusal, match=f"data/raw/shards: .*{said}"):
        pack(read_raw(RAW), RAW, Path("one"), Wrong(), "now")


def edited(**config: Any) -> None:
    path = RAW / "shards" / "index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    index["config"] |= config
    path.write_text(json.dumps(index), encoding="utf-8", newline="\n")


def chunk(**values: Any) -> None:
    path = RAW / "shards" / "index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    index["chunks"][0] |= values
    path.write_text(json.dumps(index), encoding="utf-8", newline="\n")


def bytes_of(name: str, start: int, content: bytes) -> None:
    path = RAW / "shards" / name
    old = path.read_bytes()
    path.write_bytes(old[:start] + content + old[start + len(content) :])


def cut(name: str, length: int) -> None:
    path = RAW / "shards" / name
    path.write_bytes(path.read_bytes()[:length])


def pickled_npy() -> None:
    np.save(RAW / "shards" / "000.npy", np.array([Runs()], dtype=object), allow_pickle=True)


def zipped() -> None:
    with (RAW / "shards" / "000.npy").open("wb") as out:
        np.savez(out, ONES)


FIRST = 4 * 5  # bytes before the first sample of a chunk of 3
HOSTILE: dict[str, tuple[Callable[[], Any], Callable[[], Any], str]] = {
    "npy: pickled objects": (several_npy, pickled_npy, "000.npy cannot be read"),
    "npy: a zip file": (several_npy, zipped, "000.npy cannot be read"),
    "npy: cut short": (several_npy, lambda: cut("003.npy", 200), "003.npy cannot be read"),
    "npy: empty": (several_npy, lambda: cut("002.npy", 0), "002.npy cannot be read"),
    "npy: header of code": (several_npy, lambda: bytes_of("000.npy", 10, b"__import__('os')"), "000.npy cannot be read"),
    "npy: other shape": (several_npy, lambda: np.save(RAW / "shards/003.npy", ONES[:, :4]), r"003.npy holds \(4, 6, 1\) uint8"),
    "npy: none": (several_npy, lambda: [file.unlink() for file in (RAW / "shards").iterdir()], "holds no .npy file"),
    "no index": (litdata, lambda: (RAW / "shards/index.json").unlink(), "index.json is missing, damaged"),
    "half an index": (litdata, lambda: cut("index.json", 40), "index.json is missing, damaged"),
    "index of brackets": (litdata, lambda: (RAW / "shards/index.json").write_bytes(b"[" * 200_000), "index.json is missing"),
    "index that is a list": (litdata, lambda: (RAW / "shards/index.json").write_bytes(b"[]"), "index.json is missing"),
    "no chunk": (litdata, lambda: (RAW / "shards/index.json").write_bytes(b'{"chunks": [], "config": {"compression": null, "data_format": ["numpy"]}}'), "names no chunk"),
    "pickled samples": (litdata, lambda: edited(data_format=["pickle"]), "tells of 'pickle' and not 'numpy' at 0"),
    "graphs, which may be pickled": (litdata, lambda: edited(data_format=["graph"]), "tells of 'graph'"),
    "compressed": (litdata, lambda: edited(compression="zstd"), "compressed or encrypted"),
    "encrypted": (litdata, lambda: edited(encryption={"algorithm": "fernet"}), "compressed or encrypted"),
    "no formats": (litdata, lambda: edited(data_format=[]), "index.json is missing, damaged"),
    "chunk of another folder": (litdata, lambda: chunk(filename="../../secret.bin"), "names 'secret.bin', which is no file of"),
    "chunk of the system": (litdata, lambda: chunk(filename="/etc/passwd"), "names 'passwd', which is no file of"),
    "chunk that is gone": (litdata, lambda: (RAW / "shards/chunk-0-1.bin").unlink(), "names 'chunk-0-1.bin', which is no file of"),
    "chunk that is a folder": (litdata, lambda: chunk(filename=".."), "which is no file of"),
    "more samples than there are": (litdata, lambda: chunk(chunk_size=2**29), r"chunk-0-0.bin is damaged"),
    "fewer samples than none": (litdata, lambda: chunk(chunk_size=-3), "names 'chunk-0-0.bin'"),
    "another number of samples": (litdata, lambda: bytes_of("chunk-0-0.bin", 0, b"\2\0\0\0"), "holds another number of samples"),
    "empty chunk": (litdata, lambda: cut("chunk-0-0.bin", 0), "chunk-0-0.bin is damaged at array 0"),
    "chunk cut in its head": (litdata, lambda: cut("chunk-0-0.bin", 10), "chunk-0-0.bin is damaged at array 0"),
    "chunk cut in a sample": (litdata, lambda: cut("chunk-0-1.bin", 200), "chunk-0-1.bin is damaged at array [4-6]"),
    "sample outside the chunk": (litdata, lambda: bytes_of("chunk-0-0.bin", 4, b"\xff" * 4), "chunk-0-0.bin is damaged at array 0"),
    "sample larger than the chunk": (litdata, lambda: bytes_of("chunk-0-0.bin", FIRST, b"\xff" * 4), "chunk-0-0.bin is damaged at array 0"),
    "sample of one byte": (litdata, lambda: bytes_of("chunk-0-0.bin", FIRST, b"\x15\0\0\0"), "its array is not"),
    "sample of another shape": (litdata, lambda: bytes_of("chunk-0-0.bin", FIRST + 12, b"\6\0\0\0\x08\0\0\0"), r"its array is not \(8, 6, 1\) uint8"),
    "sample of other numbers": (litdata, lambda: bytes_of("chunk-0-0.bin", FIRST + 4, b"\x0e\0\0\0"), r"its array is not \(8, 6, 1\) uint8"),
}  # fmt: skip


@pytest.mark.parametrize(("made", "spoil", "said"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_shards_are_refused_by_name(made: Any, spoil: Callable[[], Any], said: str) -> None:
    kind, more = made()
    Path("secret.bin").write_bytes((RAW / "shards").exists() and b"secret")
    spoil()
    with pytest.raises(Refusal, match=f"data/raw/shards: .*{said}"):
        packed(kind, **more)
    assert not Path("ran").exists() and not INPUTS.exists()


def test_bytes_turned_anywhere_are_other_arrays_or_refused() -> None:
    kind, more = litdata()
    rng, kept = np.random.default_rng(0), {file: file.read_bytes() for file in (RAW / "shards").iterdir()}
    refused = 0
    for _ in range(150):
        for file, content in kept.items():
            turned = bytearray(content)
            for place in rng.integers(0, len(turned), 2):
                turned[place] = rng.integers(256)
            file.write_bytes(turned)
        try:
            found = packed(kind, **more)[np.arange(7)]
            assert found.shape == ONES.shape
        except Refusal as refusal:
            refused += 1
            assert str(refusal).startswith("data/raw/shards: ")
    assert 0 < refused < 150


def other_array() -> None:
    write = np.lib.format.open_memmap(RAW / "shards" / "000.npy", mode="r+")
    write[1] += 1
    write.flush()


def shards_gone() -> None:
    shutil.rmtree(RAW / "shards")


CHANGED = {
    "another array": (other_array, "data/raw/shards#1 is another array than was packed; `dvc repro` packs again, or"),
    "no folder": (shards_gone, "data/raw/shards: is no folder that is here; `dvc pull` brings it where DVC has it"),
    "fewer arrays": (
        lambda: np.save(RAW / "shards/000.npy", ONES[:1]),
        "data/raw/shards: holds 5 arrays, fewer than were packed",
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGED.values(), ids=CHANGED.keys())
def test_what_changed_since_it_was_packed_is_not_read(change: Callable[[], Any], said: str) -> None:
    several_npy()
    packed()
    change()
    table = pd.DataFrame({"row": ["0", "1", "2"], "input": [digest(one) for one in ONES[:3]]})
    with pytest.raises(Refusal, match=said):
        found = read_packed()
        assert np.array_equal(found[np.array([0])], ONES[:1])
        found[np.array([0, 1, 6])]
    with pytest.raises(Refusal, match=said):
        pictures(table, 96, 1 << 20, strict=True)
    shown = pictures(table, 96, 1 << 20)
    assert shown[1] == "" and (change is not other_array or (shown[0] and shown[2]))


def test_a_page_shows_what_lies_in_shards() -> None:
    litdata()
    packed("LitData")
    table = pd.DataFrame({"row": [str(n) for n in range(7)], "input": [digest(one) for one in ONES]})
    assert all(uri.startswith("data:image/png;base64,") for uri in pictures(table, 96, 1 << 20, strict=True))


def test_several_threads_read_at_once() -> None:
    kind, more = litdata()
    found, rows = packed(kind, **more), [np.random.default_rng(n).integers(0, 7, 5) for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert all(
            np.array_equal(one, ONES[row]) for one, row in zip(pool.map(found.__getitem__, rows), rows, strict=True)
        )


def test_label_studio_is_sent_no_links_that_lead_nowhere() -> None:
    beside_files()
    packed()
    table = read_raw(RAW).table
    with pytest.raises(
        Refusal, match="Label Studio shows files, and 4 of these inputs lie in shards; `datapass review`"
    ):
        tasks(table)
    assert len(tasks(table[table["path"].str.startswith("images")])) == 3


def test_new_inputs_are_folders_of_shards_or_files() -> None:
    several_npy()
    picture("images/a.png", 2)
    found = read_new([RAW / "images/a.png", RAW / "shards"], TEAM.NpyShards(8, 6, 1))
    assert found.names.tolist() == [*(f"data/raw/shards#{n}" for n in range(7)), "data/raw/images/a.png"]
    assert np.array_equal(found.packed[np.array([7, 3])], ONES[[2, 3]])
    with pytest.raises(Refusal, match=r"data/raw/images: holds no \.npy file"):
        read_new([RAW / "images"], TEAM.NpyShards(8, 6, 1))


def test_a_worker_is_sent_the_shards_and_their_hashes_tell_the_state() -> None:
    several_npy()
    packed()
    sent = {path.as_posix() for path in files()}
    assert {f"data/raw/shards/00{number}.npy" for number in range(4)} < sent and "data/raw/labels.csv" not in sent
    before = state()
    np.save(RAW / "shards" / "000.npy", ONES[3:6])
    assert state() == before  # what was packed is refused when it is read
    packed()
    assert state() != before


def test_a_worker_is_sent_whatever_train_declares() -> None:
    several_npy()
    packed()
    for name in ("pretrained/weights.bin", "team.yaml"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("100", encoding="utf-8")
    text = "stages: {train: {cmd: t, deps: [conf.ok, pretrained, data/inputs], params: [{team.yaml: [rounds]}]}}"
    Path("dvc.yaml").write_text(text, encoding="utf-8")
    sent = [path.as_posix() for path in files()]
    assert {"pretrained/weights.bin", "team.yaml", "data/inputs/index.parquet"} < {*sent} and len({*sent}) == len(sent)
    for name in ("pretrained/weights.bin", "team.yaml"):
        before = state()
        Path(name).write_text("1", encoding="utf-8")
        assert state() != before


def test_a_folder_of_litdata_itself() -> None:
    """tests/by_litdata/ is what OPTIMIZE, below, wrote with litdata 0.2.76; litdata reads its samples in order of their ids."""
    shutil.copytree(ROOT / "tests" / "by_litdata", RAW / "shards")
    deliver(named(40))
    found = packed("LitData", leaf=1)
    drawn = [np.random.default_rng(number).integers(0, 256, SHAPE, dtype=np.uint8) for number in range(40)]
    assert np.array_equal(found[np.arange(40)], drawn)


# Writes a folder by litdata's two workers, which put samples into an order of their own, and what litdata reads of it.
OPTIMIZE = """
import numpy as np
import litdata
def one(number):
    image = np.random.default_rng(number).integers(0, 256, (8, 6, 1), dtype=np.uint8)
    return {"id": number, "image": image, "more": {"a", "set"}}
if __name__ == "__main__":
    litdata.optimize(one, list(range(40)), output_dir="data/raw/shards", chunk_size=7, num_workers=2)
    rows = list(litdata.StreamingDataset("data/raw/shards"))
    np.savez("theirs.npz", id=[one["id"] for one in rows], image=[one["image"] for one in rows])
"""


@pytest.mark.skipif(find_spec("litdata") is None, reason="litdata is not installed: its torchvision must fit torch")
def test_what_litdata_wrote_is_read_as_litdata_reads_it(tmp_path: Path) -> None:
    Path("optimize.py").write_text(OPTIMIZE, encoding="utf-8", newline="\n")
    places = ("DATA_OPTIMIZER_CACHE_FOLDER", "DATA_OPTIMIZER_DATA_CACHE_FOLDER")  # else in /tmp, for all users
    env = os.environ | {place: str(tmp_path / place) for place in places}
    subprocess.run([sys.executable, "optimize.py"], env=env, check=True, capture_output=True)
    deliver(named(40))
    found = packed("LitData", leaf=1)
    with np.load("theirs.npz", allow_pickle=False) as theirs:
        assert sorted(theirs["id"].tolist()) == list(range(40))
        assert np.array_equal(found[np.arange(40)], theirs["image"])
