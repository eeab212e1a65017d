"""Read every input once, so that training reads arrays from one memory map, or rows from one table."""

from ..data.pack import pack
from ..data.raw import read_raw
from ..data.rows import pack_rows
from ..files.paths import INPUTS, RAW
from ..files.writes import written
from ..settings import load, make
from .frame import run


def main() -> None:
    """Write data/inputs/."""
    inputs = make(load().data.inputs, "data: inputs")
    files = hasattr(inputs, "read")
    with written(INPUTS) as target:
        raw = read_raw(RAW)
        packed = pack(raw, RAW, target, inputs) if files else pack_rows(raw, target, inputs)
    first = f"; the first file is {inputs.describe(RAW / raw.table['path'].iloc[0])}" if files else ""
    print(f"{packed:,} inputs packed, each as {inputs} (conf/data){first}")


if __name__ == "__main__":
    run("pack", main)
