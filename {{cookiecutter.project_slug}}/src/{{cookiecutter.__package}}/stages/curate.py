"""Apply the passes, divide the examples into sets, check everything: the data revision that trains."""

from typing import Any

import numpy as np
import pandas as pd

from ..data.checks import summary, warnings
from ..data.examples import build, save
from ..data.label_book import read_book
from ..data.passes import ACTIVE, apply, chosen, pass_names, read_pass, start
from ..data.raw import Raw, read_raw
from ..data.split import assign, shadowed
from ..shared.paths import EXAMPLES, INDEX, PASSES, RAW
from ..shared.problems import Problem, Refusal, refuse
from ..shared.stage import run
from ..shared.tables import strings


def input_hashes(raw: Raw) -> pd.Series:
    """Return the hash of each raw row's input. Raises Refusal where data/inputs/ was packed from other deliveries."""
    index = pd.read_parquet(INDEX)
    if len(index) != len(raw.table) or not strings(index["id"]).equals(strings(raw.table["id"])):
        raise Refusal(f"{INDEX.as_posix()} is not of this data/raw/; `dvc repro` packs the inputs again.")
    return index["input"]


def main(params: dict[str, Any]) -> None:
    """Write data/examples/ and reports/data.json. Everything wrong in the passes is refused at once."""
    data = params["data"]
    raw = read_raw(RAW)
    refuse(raw.found)
    state = start(raw, data["classes"])
    problems: list[Problem] = []
    passes = []
    for name in chosen(pass_names(PASSES), data["passes"]):
        try:
            passes.append(read_pass(PASSES, name))
        except Refusal as refusal:
            problems += refusal.problems
    problems += apply(state, passes)
    refuse(problems)
    inputs = input_hashes(raw)
    numbers = np.where(inputs == "", -1, inputs.factorize()[0])
    sets = assign(raw, numbers, data["split"])
    active = state.status == ACTIVE
    weight = active & ~shadowed(sets, numbers, active)
    for number, split in [(0, "train"), (2, "test")]:
        if not (weight & (sets == number)).any():
            hint = f"name it in the column `split` of {raw.files[0]}, or set data.split in conf/data"
            refuse([Problem(EXAMPLES.as_posix(), f"no example counts in the {split} set; {hint}")])
    found = warnings(state, sets, numbers, weight, data["checks"], read_book())
    tables = build(state, sets, inputs, weight)
    save(tables, summary(state, tables) | {"warnings": found})
    for warning in found:
        print(f"warning: {warning['what']}")
    counts = ", ".join(
        f"{int(np.sum(weight & (sets == n))):,} {s}" for n, s in enumerate(("train", "validation", "test"))
    )
    print(f"{len(passes)} {'pass' if len(passes) == 1 else 'passes'} applied: {counts}")


if __name__ == "__main__":
    run("curate", main)
