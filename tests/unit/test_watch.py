"""Which deliveries `watch` means, and that it takes in none before all can be read."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from datapass.files.tables import write_table
from datapass.messages.problems import Refusal
from datapass.production import watch as room
from datapass.production.delivered import Delivered
from datapass.production.incoming import Incoming, Taken
from datapass.production.reference import Answered
from datapass.production.seen import Inputs
from datapass.production.watch import Watched, watch


@pytest.fixture(autouse=True)
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A project with the deliveries a and b, of which nothing is computed; return what is taken in, and with which group."""
    monkeypatch.chdir(tmp_path)
    found: list[tuple[Any, ...]] = []
    for name in ("a", "b"):
        Path(f"data/incoming/{name}").mkdir(parents=True)
        write_table(pd.DataFrame({"id": [f"{name}/0"]}), Path(f"data/incoming/{name}/inputs.csv"))

    def read(path: Path, inputs: Any, group: str | None) -> Delivered:
        if not path.exists():
            raise Refusal(f"{path} cannot be read")
        return Delivered(pd.DataFrame({"id": [path.as_posix(), str(group)]}))

    def take(delivered: Delivered, name: str | None) -> Taken:
        found.append((*delivered.table["id"], name))
        return Taken(name or "new", True, ["a note"])

    frozen = SimpleNamespace(classes=["cat", "dog"], fingerprint="f00")
    for what, given in (
        ("load", lambda: SimpleNamespace(data=SimpleNamespace(inputs=None))),
        ("load_frozen", lambda _: frozen),
        ("refuse_other_classes", lambda _: None),
        ("accuracy_on_new", lambda *_: None),
        ("read_packed", lambda: None),
        ("make", lambda *_: None),
        ("read_delivered", read),
        ("take_in", take),
        ("read_incoming", incoming),
        ("learnt", lambda new: np.arange(len(new.table)) < 10),
        ("load_reference", lambda *_: reference()),
        ("ask", lambda _, inputs, metadata: answered(inputs, metadata)),
        ("examine", lambda *given: given),
    ):
        monkeypatch.setattr(room, what, given)
    Path("in").mkdir()
    return found


def incoming(name: str) -> Incoming:
    table = pd.DataFrame({"id": [f"{name}/{n}" for n in range(50)], "input": [f"i{n}" for n in range(50)]}, dtype="str")
    return Incoming(name, table, np.arange(50).reshape(-1, 1, 1).astype(np.uint8), {})


def reference() -> SimpleNamespace:
    return SimpleNamespace(training=SimpleNamespace(ids=range(7)), counted=np.array([True, False, True]))


def answered(inputs: Inputs, metadata: pd.DataFrame) -> Answered:
    return Answered(inputs, metadata, np.zeros((1, len(inputs.ids), 2)), np.zeros(len(inputs.ids), dtype=int))


@pytest.mark.parametrize(
    ("given", "names", "new"),
    [
        pytest.param(["a"], ["a"], 0, id="by name"),
        pytest.param(["data/incoming/a"], ["a"], 0, id="by folder"),
        pytest.param(["data/incoming/b.dvc", "a"], ["b", "a"], 0, id="by what DVC has, in the order given"),
        pytest.param(["a", "data/incoming/a"], ["a"], 0, id="twice"),
        pytest.param(["in"], ["new"], 1, id="a path"),
        pytest.param(["a", "in"], ["a", "new"], 1, id="a name and a path"),
    ],
)
def test_which_deliveries_are_meant(taken: list[tuple[Any, ...]], given: list[str], names: list[str], new: int) -> None:
    found = watch([Path(one) for one in given])
    assert [one.incoming.name for one in found] == names and len(taken) == new
    assert [one.taken for one in found] == [name == "new" for name in names]
    assert [one.notes for one in found] == [["a note"] if name == "new" else [] for name in names]


def test_a_folder_that_is_called_as_a_delivery_is_new(taken: list[tuple[Any, ...]]) -> None:
    Path("a").mkdir()
    assert [one.incoming.name for one in watch([Path("a")])] == ["new"] and taken == [("a", "None", None)]


def test_name_and_group_are_handed_on(taken: list[tuple[Any, ...]]) -> None:
    watch([Path("in")], "called", group="patient")
    assert taken == [("in", "patient", "called")]


def test_nothing_is_taken_in_before_all_can_be_read(taken: list[tuple[Any, ...]]) -> None:
    with pytest.raises(Refusal, match="gone cannot be read"):
        watch([Path("in"), Path("gone")])
    assert not taken


def only_one() -> None:
    Path("data/incoming/b/inputs.csv").unlink()


def none() -> None:
    only_one()
    Path("data/incoming/a/inputs.csv").unlink()


@pytest.mark.parametrize(
    ("change", "given", "name", "said"),
    [
        pytest.param(None, [], None, "Name what to watch: one of a, b.", id="several"),
        pytest.param(none, [], None, "Name what to watch: a folder of files, or a table.", id="none"),
        pytest.param(None, ["a"], "x", "--name x: the delivery has a name already.", id="a name for what has one"),
        pytest.param(None, ["in", "b"], "x", "--name names one delivery", id="a name for two"),
        pytest.param(None, [], "x", "--name names one delivery", id="a name for none"),
    ],
)
def test_refused(
    taken: list[tuple[Any, ...]], change: Callable[[], None] | None, given: list[str], name: str | None, said: str
) -> None:
    if change is not None:
        change()
    with pytest.raises(Refusal) as refusal:
        watch([Path(one) for one in given], name)
    assert said in str(refusal.value) and not taken


def test_the_only_delivery_is_meant() -> None:
    only_one()
    assert [one.incoming.name for one in watch([])] == ["a"]


def test_what_the_models_learnt_is_left_out() -> None:
    """What they answer to it says nothing; it is neither compared nor counted."""
    (found,) = watch([Path("a")], ignore=["site"])
    assert isinstance(found, Watched)
    assert (found.learnt, found.units, found.training, found.test) == (10, 40, 7, 2)
    assert (
        found.incoming.table["id"].tolist() == [f"a/{n}" for n in range(10, 50)] == found.answered.inputs.ids.tolist()
    )
    assert np.asarray(found.incoming.packed).ravel().tolist() == list(range(10, 50))
    assert isinstance(found.findings, tuple) and found.findings[3] == ["site"]


def test_too_few_inputs_are_not_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "learnt", lambda new: np.arange(len(new.table)) < 31)
    (found,) = watch([Path("a")])
    assert found.findings is None and not found.changed and found.units == 19
