"""Decode every input once, so that training reads one memory-mapped array."""

from typing import Any

from ..data.inputs import pack
from ..data.raw import read_raw
from ..shared.files import written
from ..shared.paths import INPUTS, RAW
from ..shared.problems import Refusal
from ..shared.stage import run


def main(params: dict[str, Any]) -> None:
    """Write data/inputs/."""
    inputs = params["data"]["inputs"]
    sizes = {key: inputs[key] for key in ("height", "width", "channels", "fill")}
    if any(not isinstance(size, int) for size in sizes.values()) or min(sizes["height"], sizes["width"]) < 1:
        raise Refusal(f"conf/data: inputs.height, width, channels and fill must be whole numbers, not {sizes}.")
    if inputs["channels"] not in (1, 3):
        raise Refusal(f"conf/data: inputs.channels must be 1 (grey) or 3 (colour), not {inputs['channels']}.")
    with written(INPUTS) as target:
        packed = pack(read_raw(RAW), RAW, target, inputs)
    color = "grey" if inputs["channels"] == 1 else "colour"
    print(f"{packed:,} inputs packed, each as {inputs['width']}x{inputs['height']} {color} (conf/data)")


if __name__ == "__main__":
    run("pack", main)
