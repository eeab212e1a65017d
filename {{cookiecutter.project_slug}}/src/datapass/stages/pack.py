"""Read every input once, so that training reads one memory-mapped array."""

from ..data.pack import pack
from ..data.raw import read_raw
from ..files.paths import INPUTS, RAW
from ..files.writes import written
from ..settings import load, make
from .frame import run


def main() -> None:
    """Write data/inputs/."""
    inputs = make(load().data.inputs, "data: inputs")
    with written(INPUTS) as target:
        raw = read_raw(RAW)
        packed = pack(raw, RAW, target, inputs)
    first = inputs.describe(RAW / raw.table["path"].iloc[0])
    print(f"{packed:,} inputs packed, each as {inputs} (conf/data); the first file is {first}")


if __name__ == "__main__":
    run("pack", main)
