"""Whether packed inputs are those of the example tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datapass.data.packed import confirm
from datapass.data.shards import digest
from datapass.files.paths import ARRAYS, INDEX
from datapass.messages.problems import Refusal

PACKED = np.arange(3 * 4, dtype=np.uint8).reshape(3, 4)


def table() -> pd.DataFrame:
    """Two examples, whose inputs are the last and the first of three."""
    return pd.DataFrame({"id": ["a", "b"], "row": ["2", "0"], "input": [digest(PACKED[2]), digest(PACKED[0])]})


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The index of the packed inputs, in an empty project."""
    monkeypatch.chdir(tmp_path)
    ARRAYS.parent.mkdir(parents=True)
    found = pd.DataFrame({"id": ["b", "c", "a"], "input": [digest(array) for array in PACKED]})
    found.to_parquet(INDEX, index=False)
    return found


def test_inputs_of_the_examples(index: pd.DataFrame) -> None:
    confirm(PACKED, table())
    confirm(pd.DataFrame({"text": ["x", "y", "z"]}), table())
    confirm(PACKED, table()[:0])


@pytest.mark.parametrize("kind", ["arrays", "rows"])
@pytest.mark.parametrize(
    ("inputs", "number"),
    [(["0" * 16] * 3, 2), ([digest(PACKED[0]), "0" * 16, digest(PACKED[1])], 1), ([digest(PACKED[0])], 1)],
    ids=["all others", "one other", "fewer than the tables name"],
)
def test_the_index_of_another_revision(index: pd.DataFrame, kind: str, inputs: list[str], number: int) -> None:
    pd.DataFrame({"id": range(len(inputs)), "input": inputs}).to_parquet(INDEX, index=False)
    packed = PACKED if kind == "arrays" else pd.DataFrame({"text": ["x", "y", "z"]})
    with pytest.raises(Refusal, match=f"^data/inputs/ does not hold the inputs of {number} of 2 examples .* 'a'|\"a\""):
        confirm(packed, table())


def test_other_arrays_under_the_same_index(index: pd.DataFrame) -> None:
    others = PACKED.copy()
    others[1] += 1  # of no example
    confirm(others, table())
    others[2, 3] += 1
    with pytest.raises(Refusal, match="does not hold the inputs of 1 of 2 examples"):
        confirm(others, table())
