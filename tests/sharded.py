"""Folders of shards for tests, and the classes of docs/how-to/shards.md that open them."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from conftest import ROOT

PAGE = ROOT / "docs" / "how-to" / "shards.md"
BLOCK = re.compile(r"<!-- class \w+ -->\n```python\n(.*?)```\n<!-- end -->", re.DOTALL)
IMPORTS = "import json\nimport math\nimport warnings\nfrom functools import lru_cache\n"


def inputs_py() -> str:
    """Return the images' inputs.py with the page's classes added, as the page says."""
    shipped = (ROOT / "templates" / "images" / "inputs.py").read_text(encoding="utf-8")
    assert "import math\nimport warnings\n" in shipped
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return "\n\n".join([shipped.replace("import math\nimport warnings\n", IMPORTS), *blocks])


def loaded() -> Any:
    """Return that module, importable as `sharded_inputs`."""
    module = ModuleType("sharded_inputs")
    sys.modules[module.__name__] = module
    exec(compile(inputs_py(), "sharded_inputs.py", "exec"), module.__dict__)
    return module


def write_npy(folder: Path, arrays: np.ndarray, sizes: Sequence[int]) -> None:
    """Write arrays as .npy files of these sizes."""
    folder.mkdir(parents=True)
    for number, part in enumerate(np.split(arrays, np.cumsum(sizes)[:-1])):
        np.save(folder / f"{number:03}.npy", part, allow_pickle=False)


def sample(array: np.ndarray) -> bytes:
    """Return an array as litdata's `numpy` has it: kind of number (4: uint8), dimensions, shape, values."""
    return np.array([4, array.ndim, *array.shape], dtype="<u4").tobytes() + array.tobytes()


def write_litdata(
    folder: Path,
    samples: Sequence[Sequence[bytes]],
    sizes: Sequence[int],
    formats: Sequence[str] = ("numpy",),
    **more: Any,
) -> None:
    """Write samples, each the parts of these formats, as litdata's chunks of these sizes; `more` goes into the config."""
    folder.mkdir(parents=True)
    listed, start = [], 0
    for number, size in enumerate(sizes):
        content = [
            np.array([len(part) for part in parts], dtype="<u4").tobytes() + b"".join(parts)
            for parts in samples[start : start + size]
        ]
        ends = 4 * (size + 2) + np.cumsum([0, *map(len, content)])
        head = np.array([size, *ends], dtype="<u4").tobytes()
        name = f"chunk-0-{number}.bin"
        (folder / name).write_bytes(head + b"".join(content))
        listed.append({"chunk_bytes": len(head), "chunk_size": size, "dim": None, "filename": name})
        start += size
    config = {"compression": None, "encryption": None, "data_format": list(formats), "data_spec": None} | more
    (folder / "index.json").write_text(json.dumps({"chunks": listed, "config": config}), encoding="utf-8", newline="\n")
