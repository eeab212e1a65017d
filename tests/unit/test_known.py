"""Which new inputs the data has already, and which inputs of the data new ones are compared with."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from datapass.data.examples import read_examples
from datapass.data.rows import parse
from datapass.files.paths import VALUES
from datapass.files.tables import write_table
from datapass.messages.problems import Refusal
from datapass.production import frozen
from datapass.production.incoming import Incoming
from datapass.production.known import in_data, learnt
from datapass.production.reference import load_reference

NAME, KINDS = "2026-11", {"speed": "number"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def examples(sets: str, **columns: list[str]) -> None:
    """Write examples e0, e1, ... of which each is in a set, by its first letter; in capitals where it was dropped."""
    table = pd.DataFrame(
        {"id": [f"e{n}" for n in range(len(sets))], "label": "cat", "given_label": "cat", "passes": ""}
    )
    table["weight"] = ["0" if one.isupper() else "1" for one in sets]
    table["row"], table["input"] = [str(n) for n in range(len(sets))], [f"i{n}" for n in range(len(sets))]
    table = table.assign(**columns).astype("str")
    for name in ("train", "validation", "test"):
        mine = [one.lower() == {"train": "t", "validation": "v", "test": "x"}[name] for one in sets]
        write_table(table[mine], Path(f"data/examples/{name}.csv"))


def pictures(inputs: list[str], ids: list[str] | None = None) -> Incoming:
    ids = [f"{NAME}/{n}" for n in range(len(inputs))] if ids is None else ids
    table = pd.DataFrame({"id": ids, "input": inputs}, dtype="str")
    return Incoming(NAME, table, np.zeros((len(inputs), 1, 1, 1), np.uint8), {})


def rows(speed: list[float], ids: list[str] | None = None) -> Incoming:
    ids = [str(n) for n in range(len(speed))] if ids is None else ids
    table = pd.DataFrame(
        {"id": [f"{NAME}/{id}" for id in ids], "input": [f"h{n}" for n in range(len(speed))]}, dtype="str"
    )
    return Incoming(NAME, table, pd.DataFrame({"speed": speed}), KINDS)


def values(*speed: float) -> None:
    VALUES.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"speed": np.array(speed, dtype=float)}).to_parquet(VALUES, index=False)


def test_files_are_known_by_their_content_and_by_their_id() -> None:
    examples("ttx", input=["i0", "", "i2"], id=["e0", f"{NAME}/3", "e2"])
    new = pictures(["i0", "", "i2", "i9", "i8"])
    assert in_data(new, read_examples()).tolist() == [True, False, True, True, False]


def test_what_trains_or_validates_is_learnt_and_what_tests_is_not() -> None:
    examples("tvxTVX")
    new = pictures([f"i{n}" for n in range(7)])
    assert learnt(new).tolist() == [True, True, False, True, True, False, False], "dropped ones, in capitals, too"
    assert in_data(new, read_examples()).tolist() == [True] * 6 + [False]


@pytest.mark.parametrize(
    ("old", "new", "ids", "wanted"),
    [
        pytest.param([1.0, 2, 3], [2.0, 4], ["a", "e1"], [True, False], id="by all cells"),
        pytest.param([1.0, np.nan, 3], [np.nan, 4], ["a", "b"], [True, False], id="a missing cell is equal to another"),
        pytest.param(
            [1.0, 1, 1], [1.0, 1], ["a", "e1"], [False, True], id="with the own id where rows agree by chance"
        ),
        pytest.param([1.0, 1, 1], [2.0, 2], ["e0", "e1"], [False, False], id="not by the own id alone"),
    ],
)
def test_rows_are_known_by_their_cells(old: list[float], new: list[float], ids: list[str], wanted: list[bool]) -> None:
    examples("ttt")
    values(*old)
    assert in_data(rows(new, ids), read_examples()).tolist() == wanted


def test_the_id_of_a_delivery_that_came_back_is_known_under_another_name_too() -> None:
    """The same table delivered again under another name."""
    examples("ttt", id=["2026-10/a", "2026-10/b", "2026-10/c"])
    values(1, 1, 1)
    assert in_data(rows([1.0, 1, 1], ["a", "z", "c"]), read_examples()).tolist() == [True, False, True]


def test_a_few_rows_that_agree_change_nothing() -> None:
    examples("t" * 100)
    values(*range(98), 97, 96)
    assert in_data(rows([97.0, 5, 200]), read_examples()).tolist() == [True, True, False]


def test_without_packed_inputs_nobody_can_tell() -> None:
    examples("ttt")
    with pytest.raises(Refusal, match=r"data/inputs/ is missing; `dvc repro` packs"):
        in_data(rows([1.0]), read_examples())


# What new inputs are compared with.


class Frozen:
    """Models that answer by the speed."""

    classes = ("cat", "dog")
    codes = frozen.Frozen.codes

    def probabilities(self, packed: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
        high = (packed["speed"].to_numpy()[rows] > 5).astype(float)
        return np.stack([1 - high, high], axis=1)[None]

    def answers(self, probabilities: np.ndarray) -> np.ndarray:
        return np.asarray(probabilities[0].argmax(axis=1))


def reference(without: str = NAME) -> Any:
    return load_reference(Frozen(), without)  # type: ignore[arg-type]


def test_dropped_rows_are_inputs_whose_label_does_not_count() -> None:
    """New inputs that are not usable come in as well; of these only the label is not to be believed."""
    examples("ttTvxxX", label=["cat"] * 6 + ["gone"])
    values(*range(7))
    found = reference()
    assert found.training.ids.tolist() == found.known.ids.tolist() == ["e0", "e1", "e2"]
    assert found.test.inputs.ids.tolist() == ["e4", "e5", "e6"] and found.counted.tolist() == [True, True, False]
    assert found.labels[found.counted].tolist() == [0, 0] and found.test.voted.tolist() == [0, 0, 1]


def test_a_dropped_row_that_another_set_has_counts_once() -> None:
    """A copy that was taken out of training since it tests would else be the nearest neighbour of itself."""
    examples("tTxx", input=["i0", "i2", "i2", "i3"])
    values(*range(4))
    assert reference().training.ids.tolist() == ["e0"] and reference().test.inputs.ids.tolist() == ["e2", "e3"]


def test_what_the_model_chose_is_known_and_not_what_training_looks_like() -> None:
    origins = ["", "random", "uncertain", "unlike", "", ""]
    examples("ttttxx", picked_as=origins, incoming=["", *["2026-09"] * 3, "", ""])
    values(*range(6))
    found = reference()
    assert found.training.ids.tolist() == ["e0", "e1"] and found.known.ids.tolist() == ["e0", "e1", "e2", "e3"]
    assert not {"picked_as", "incoming"} & set(found.metadata)


def test_a_delivery_is_not_compared_with_itself() -> None:
    examples("ttxx", picked_as=["", "unlike", "", "random"], incoming=["", NAME, "", NAME])
    values(*range(4))
    found = reference()
    assert found.known.ids.tolist() == ["e0"] and found.test.inputs.ids.tolist() == ["e2"]
    assert reference("2026-10").known.ids.tolist() == ["e0", "e1"]


@pytest.mark.parametrize(
    ("sets", "incoming"),
    [
        pytest.param("ttxx", ["", "", NAME, NAME], id="a test set of it alone"),
        pytest.param("ttXX", [""] * 4, id="a test set that was dropped"),
        pytest.param("ttxx", [NAME, NAME, "", ""], id="a training set of it alone"),
    ],
)
def test_nothing_to_compare_with(sets: str, incoming: list[str]) -> None:
    examples(sets, incoming=incoming, picked_as=[""] * 4)
    values(*range(4))
    with pytest.raises(Refusal, match=f"No example is left to compare {NAME} with"):
        reference()


CELLS = {
    "number": ("number", ["1.5", "", "3"]),
    "category": ("category", ["red", "", "nan"]),
    "boolean": ("boolean", ["yes", "", "no"]),
    "date": ("date", ["2026-11-25", "", "2026-11-26"]),
    "text": ("text", ["one", "", "two"]),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells_of_every_kind_are_known_again(name: str) -> None:
    """The packed inputs come from a file, and the categories of a delivery are its own."""
    kind, cells = CELLS[name]
    kinds = KINDS | {"other": kind}
    examples("ttt")
    VALUES.parent.mkdir(parents=True)
    frame = pd.DataFrame({"speed": ["1", "2", "3"], "other": cells}, dtype="str")
    parse(frame, kinds)[0].to_parquet(VALUES, index=False)
    new = frame.iloc[[2, 1, 0]].reset_index(drop=True)
    new.loc[2, "other"] = cells[2]
    table = pd.DataFrame({"id": [f"{NAME}/{n}" for n in "abc"], "input": ["x", "y", "z"]}, dtype="str")
    found = Incoming(NAME, table, parse(new, kinds)[0], kinds)
    assert in_data(found, read_examples()).tolist() == [True, True, False]
