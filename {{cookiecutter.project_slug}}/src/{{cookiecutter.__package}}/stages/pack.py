"""Decode every input once, so that training reads one memory-mapped array."""

from pathlib import Path
from typing import Any

from ..data.inputs import pack
from ..data.raw import read_raw
from ..shared.files import written
from ..shared.stage import run


def main(params: dict[str, Any]) -> None:
    """Write data/inputs/."""
    folder = Path("data/raw")
    with written(Path("data/inputs")) as target:
        packed = pack(read_raw(folder), folder, target, params["data"]["inputs"])
    print(f"{packed:,} inputs packed")


if __name__ == "__main__":
    run("pack", main)
