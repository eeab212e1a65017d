"""Do new inputs look different? Four lines of evidence, each at a quarter of the level: together they alarm falsely in 5 % at most.

Inputs: a classifier that tells new from old, each column on its own, and the number of inputs unlike any in training share a
quarter. Answers: the models' probabilities and classes. Shares: of the classes. Accuracy: what is to be expected of it.
Why these, and what each cannot see: studies on dataset shift (Rabanser, Guennemann and Lipton 2019, arXiv 1810.11953).
"""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..adopt.kinds import ID, known, numbers
from .columns import Column, compare_columns
from .forecast import Forecast, forecast
from .measures import measures, without_calendar
from .outputs import Outputs, compare_outputs
from .reference import Answered, Reference
from .shares import Shares, class_shares
from .two_sample import Apart, tell_apart
from .unlike import Unlike, unlike

ALPHA = 0.05
LEVEL = ALPHA / 4  # of each line
PART = LEVEL / 3  # of each part of the line on inputs
WORTH = 0.6  # AUC from which a difference is worth a look; below it is sure and small


@dataclass(frozen=True)
class Findings:
    """What the four lines say.

    Attributes:
        apart, columns, unlike: on the inputs.
        outputs: on the models' answers.
        shares: of the classes.
        forecast: of the accuracy.
    """

    apart: Apart
    columns: list[Column]
    unlike: Unlike
    outputs: Outputs
    shares: Shares
    forecast: Forecast

    @property
    def told_apart(self) -> bool:
        """Whether a classifier tells new inputs from old ones."""
        return self.apart.p < PART

    @property
    def many_unlike(self) -> bool:
        """Whether more inputs than chance explains are unlike any in training."""
        return self.unlike.excess < PART

    @property
    def doubtful(self) -> bool:
        """Whether the inputs are so unlike those of before that no forecast on them is to be believed."""
        return self.many_unlike or (self.told_apart and self.worth)

    @property
    def worth(self) -> bool:
        """Whether the classifier tells them apart well enough to be worth a look."""
        return self.apart.auc >= WORTH

    @property
    def different(self) -> list[Column]:
        """The columns that differ."""
        return [column for column in self.columns if column.adjusted < PART]

    @property
    def answers_differ(self) -> bool:
        """Whether the models answer otherwise."""
        return self.outputs.p < LEVEL

    @property
    def lines(self) -> dict[str, bool]:
        """What each of the four lines says: whether something changed."""
        return {
            "inputs": self.told_apart or self.many_unlike or bool(self.different),
            "answers": self.answers_differ,
            "shares": self.shares.changed,
            "accuracy": self.forecast.changed,
        }

    @property
    def changed(self) -> bool:
        """Whether any line says that something changed."""
        return any(self.lines.values())


def examine(reference: Reference, new: Answered, kinds: Mapping[str, str], ignore: Collection[str] = ()) -> Findings:
    """Compare new inputs with the training inputs, and the models' answers to them with those to the test set.

    Args:
        kinds: {column: kind} of packed rows, see `data.rows`; empty for files.
        ignore: columns that are not compared.
    """
    kinds = {name: kind for name, kind in kinds.items() if name not in ignore}
    test = reference.test
    # What the models say is compared on one input of each unit, as those of a group are alike.
    old_rows, new_rows = (np.sort(side.inputs.one_of_each(len(side.voted))) for side in (test, new))
    held = reference.counted  # of dropped examples the label is not to be believed
    labels = reference.labels[held]
    tested = np.bincount(labels, minlength=test.mean.shape[1]) > 0
    old_units, new_units = pd.factorize(test.inputs.units[held])[0], pd.factorize(new.inputs.units)[0]
    known = without_calendar(reference.training.packed, new.inputs.packed, kinds)
    return Findings(
        tell_apart(reference.training, new.inputs, kinds),
        _columns(reference, new, kinds, ignore),
        unlike(reference.known, test.inputs, new.inputs, known),
        compare_outputs(test.mean[old_rows], new.mean[new_rows], tested, (test.voted[old_rows], new.voted[new_rows])),
        class_shares(test.mean[held], labels, old_units, new.mean, new_units, LEVEL),
        forecast(test.mean[held], labels, old_units, new.mean, new_units, LEVEL),
    )


def _columns(reference: Reference, new: Answered, kinds: Mapping[str, str], ignore: Collection[str]) -> list[Column]:
    """Compare each feature or measure and each metadata column, on one input of each unit."""
    sides, known = [], dict[str, str]()
    kept = [name for name in reference.metadata if name in new.metadata and name not in ignore]
    more, more_kinds = typed(reference.metadata[kept], new.metadata[kept])
    for inputs, extra in zip((reference.training, new.inputs), more, strict=True):
        rows = np.sort(inputs.one_of_each(len(inputs.ids)))
        found, known = measures(inputs.packed, kinds, rows)
        sides.append(found.reset_index(drop=True).join(extra.iloc[rows].reset_index(drop=True)))
    return compare_columns(sides[0], sides[1], known | more_kinds)


def typed(old: pd.DataFrame, new: pd.DataFrame) -> tuple[tuple[pd.DataFrame, pd.DataFrame], dict[str, str]]:
    """Return metadata typed by what its cells are, and the kinds; ids, counters and what tells the time are left out.

    Args:
        old, new: the same columns (n, m), all str.
    """
    found: tuple[dict[str, pd.Series], dict[str, pd.Series]] = ({}, {})
    kinds = {}
    for name in old:
        cells = pd.concat([old[name], new[name]], ignore_index=True)
        # A row number starts anew in each delivery.
        if tells_apart(name, cells) or ((old[name] != "").any() and tells_apart(name, old[name])):
            continue
        values, kind = numbers(cells), "number"
        if values is None or cells.nunique() <= 2:
            values, kind = cells.where(cells != ""), "category"
        column = f"metadata: {name}"
        kinds[column] = kind
        found[0][column], found[1][column] = values[: len(old)], values[len(old) :].reset_index(drop=True)
    return (pd.DataFrame(found[0], index=range(len(old))), pd.DataFrame(found[1], index=range(len(new)))), kinds


def tells_apart(name: str, cells: pd.Series) -> bool:
    """Return whether a column differs in every delivery and says nothing: an id, a counter, or a time in any form.

    Args:
        cells: of training and new inputs (n, str).
    """
    filled = cells[known(cells)]
    if filled.empty:
        return True
    different = filled.nunique()
    if different > len(filled) / 2 and numbers(filled) is None:
        return True
    values = numbers(filled)
    if values is None:
        words = filled.drop_duplicates()
        digits = words.str.contains(r"\d").all()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of forms that pandas reads one by one
            words = words.str.replace(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", regex=True)  # as cameras write them
            times = pd.to_datetime(words, errors="coerce", format="mixed", utc=True)
        # `T1` is read as a day of the year 1.
        return bool(digits) and float(times.between("1900", "2101").mean()) > 0.9
    whole = bool((values == values.round()).all())
    counter = whole and (different > 0.9 * len(filled) or bool(ID.search(name.strip())))
    year = whole and bool(values.between(1900, 2100).all())
    moment = whole and bool((values.between(1e9, 3e9) | values.between(1e12, 3e12)).all())
    day = whole and bool(pd.to_datetime(filled, format="%Y%m%d", errors="coerce").between("1900", "2101").all())
    return counter or year or moment or day
