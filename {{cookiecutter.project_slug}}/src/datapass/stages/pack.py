"""Decode every input once, so that training reads one memory-mapped array."""

from PIL import Image

from ..data.pack import pack
from ..data.raw import read_raw
from ..files.paths import INPUTS, RAW
from ..files.writes import read_params, written
from .frame import run


def main() -> None:
    """Write data/inputs/."""
    params = read_params()
    inputs = params["data"]["inputs"]
    with written(INPUTS) as target:
        raw = read_raw(RAW)
        packed = pack(raw, RAW, target, inputs)
    color = "grey" if inputs["channels"] == 1 else "colour"
    with Image.open(RAW / raw.table["path"].iloc[0]) as first:
        source = f"the first file is {first.width}x{first.height} {'grey' if first.mode in ('L', '1') else 'colour'}"
    print(f"{packed:,} inputs packed, each as {inputs['width']}x{inputs['height']} {color} (conf/data); {source}")


if __name__ == "__main__":
    run("pack", main)
