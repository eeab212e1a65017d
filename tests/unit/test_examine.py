"""Which metadata is compared: not what differs in every delivery, such as an id, a counter or a time, in whatever form."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from datapass.production.columns import compare_columns
from datapass.production.examine import PART, examine, tells_apart, typed
from datapass.production.reference import Answered, Reference
from datapass.production.seen import Inputs

OLD, NEW = 300, 100
DAYS = pd.Series(pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(OLD + NEW) // 2, unit="D"))
WORDS = np.random.default_rng(1)

# Each row of the old and then the new inputs; the new ones come later.
LEFT_OUT: dict[str, tuple[str, list[str]]] = {
    "days as ISO": ("taken", DAYS.dt.strftime("%Y-%m-%d").tolist()),
    "days with dots": ("taken", DAYS.dt.strftime("%d.%m.%Y").tolist()),
    "days with slashes": ("taken", DAYS.dt.strftime("%m/%d/%Y").tolist()),
    "times": ("taken", DAYS.dt.strftime("%Y-%m-%d %H:%M:%S").tolist()),
    "times of two zones": (
        "taken",
        [f"{day:%Y-%m-%d}T10:00:00+0{1 + (n > 200)}:00" for n, day in enumerate(DAYS)],
    ),
    "times as cameras write them": ("taken", DAYS.dt.strftime("%Y:%m:%d 10:00:00").tolist()),
    "names of months": ("taken", DAYS.dt.strftime("%d %b %Y").tolist()),
    "days as one number": ("taken", DAYS.dt.strftime("%Y%m%d").tolist()),
    "months": ("month", DAYS.dt.strftime("%Y-%m").tolist()),
    "years": ("year", DAYS.dt.strftime("%Y").tolist()),
    "years of which some are missing": ("year", DAYS.dt.strftime("%Y").mask(DAYS.index % 7 == 0, "n/a").tolist()),
    "seconds since 1970": ("time", [str(day.timestamp()).removesuffix(".0") for day in DAYS]),
    "milliseconds since 1970": ("time", [str(int(day.timestamp()) * 1000) for day in DAYS]),
    "a counter": ("frame", [str(n) for n in range(OLD + NEW)]),
    "a row number from 1 in each": ("row", [str(n + 1) for n in [*range(OLD), *range(NEW)]]),
    "numbers that are called ids": ("camera_id", [str(n % 90) for n in range(OLD + NEW)]),
    "ids": ("scan", [f"scan-{n:04x}" for n in range(OLD + NEW)]),
    "names of files": ("file", [f"IMG_{n:05}.jpg" for n in range(OLD + NEW)]),
    "nothing": ("empty", [""] * (OLD + NEW)),
}


@pytest.mark.parametrize(("name", "cells"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_tells_the_time_or_who_it_is_is_left_out(name: str, cells: list[str]) -> None:
    frame = pd.DataFrame({name: cells}, dtype="str")
    old, new = frame[:OLD].reset_index(drop=True), frame[OLD:].reset_index(drop=True)
    (left, right), kinds = typed(old, new)
    assert kinds == {} and left.shape == (OLD, 0) and right.shape == (NEW, 0)
    assert tells_apart(name, old[name])


def some(*values: str) -> list[str]:
    return WORDS.choice(values, OLD + NEW).tolist()


KEPT: dict[str, tuple[str, list[str], str]] = {
    "cameras": ("camera", some("north", "south", "yard 2"), "category"),
    "kinds of pictures that a parser takes for times": ("weighting", some("T1", "T2"), "category"),
    "cameras with numbers": ("camera", some("cam1", "cam2", "cam3"), "category"),
    "a hospital": ("hospital", some("St. Mary", "City"), "category"),
    "ages": ("age", some(*map(str, range(20, 90))), "number"),
    "temperatures": ("temperature", [f"{x:.2f}" for x in WORDS.normal(20, 5, OLD + NEW)], "number"),
    "a measurement of many digits": ("speed", [f"{x:.6f}" for x in WORDS.normal(0, 1, OLD + NEW)], "number"),
    "two numbers": ("flash", some("0", "1"), "category"),
    "ages of which some are missing": ("age", some("", "20", "30", "40"), "number"),
    "words of which some are missing": ("site", some("", "north", "south", "west"), "category"),
}


@pytest.mark.parametrize(("name", "cells", "kind"), KEPT.values(), ids=KEPT)
def test_a_category_and_a_number_are_compared(name: str, cells: list[str], kind: str) -> None:
    frame = pd.DataFrame({name: cells}, dtype="str")
    old, new = frame[:OLD].reset_index(drop=True), frame[OLD:].reset_index(drop=True)
    (left, right), kinds = typed(old, new)
    assert kinds == {f"metadata: {name}": kind}
    (column,) = compare_columns(left, right, kinds)
    assert column.p > PART, "nothing changed"
    other = new.assign(**{name: new[name].where(new[name] != new[name].iloc[0], "")}) if kind == "category" else new
    moved = typed(old, other.assign(**{name: "1000"}) if kind == "number" else other.assign(**{name: "new"}))
    (column,) = compare_columns(*moved[0], moved[1])
    assert column.p < PART, "what changed is seen"


def side(frame: pd.DataFrame, name: str, metadata: pd.DataFrame) -> Answered:
    ids = pd.Series([f"{name}{n}" for n in range(len(frame))], dtype="str")
    probabilities = np.full((2, len(frame), 2), 0.5)
    probabilities[:, :, 0] += np.where(np.arange(len(frame)) % 2, 0.3, -0.3)
    probabilities[:, :, 1] = 1 - probabilities[:, :, 0]
    return Answered(Inputs(frame, ids, ids), metadata, probabilities, np.arange(len(frame)) % 2)


@pytest.fixture
def compared() -> Callable[..., list[str]]:
    """Return the columns that differ where the new inputs are faster and come from another place."""
    rng = np.random.default_rng(1)

    def found(*ignore: str) -> list[str]:
        sides = []
        for name, number, shift, place in (("train", OLD, 0, "n"), ("test", OLD, 0, "n"), ("new", NEW, 4, "s")):
            frame = pd.DataFrame({"speed": rng.normal(shift, 1, number), "size": rng.normal(0, 1, number)})
            places = pd.Series(rng.choice([place, "w"], number), dtype="str")
            sides.append(side(frame, name, pd.DataFrame({"place": places, "day": "2026-11-25"}, dtype="str")))
        training, test, new = sides
        labels = np.arange(OLD) % 2
        reference = Reference(
            training.inputs, training.metadata, training.inputs, test, labels, np.ones(OLD, dtype=bool)
        )
        findings = examine(reference, new, {"speed": "number", "size": "number"}, ignore)
        assert findings.told_apart == ("speed" not in ignore)
        return sorted(column.name for column in findings.different)

    return found


@pytest.mark.parametrize(
    ("ignore", "different"),
    [
        pytest.param([], ["metadata: place", "speed"], id="none"),
        pytest.param(["place"], ["speed"], id="metadata"),
        pytest.param(["speed"], ["metadata: place"], id="a column to learn from"),
        pytest.param(["speed", "place"], [], id="both"),
    ],
)
def test_columns_that_are_ignored(compared: Callable[..., list[str]], ignore: list[str], different: list[str]) -> None:
    assert compared(*ignore) == different
