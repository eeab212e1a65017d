"""What new inputs are compared with: the training inputs, and the held-out test set with the models' answers to it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.examples import CHOSEN, DELIVERY, PICKED_AS, counts, metadata, packed_rows, read_examples
from ..data.fraction import fraction
from ..data.packed import Packed, read_packed, take
from ..messages.problems import Refusal
from .frozen import Frozen
from .seen import Inputs

MOST = 20_000  # training inputs that are looked at, drawn by hash: more would only find what does not matter


@dataclass(frozen=True)
class Answered:
    """Inputs with what the models answered to them.

    Attributes:
        inputs: packed, ids and units (n).
        metadata: a row for each (n), all str.
        probabilities: of each seed (S x n x K).
        voted: the class that most seeds answer (n, codes).
    """

    inputs: Inputs
    metadata: pd.DataFrame
    probabilities: np.ndarray
    voted: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean probabilities of the seeds (n x K)."""
        return self.probabilities.mean(axis=0)


@dataclass(frozen=True)
class Reference:
    """What new inputs are compared with.

    Attributes:
        training: the inputs that the training set holds, but those that were picked by what a model answers (n): what it
            would hold if nobody had chosen.
        metadata: of these (n rows).
        known: all inputs that the training set holds (k).
        test: the test set, dropped examples too: what is not usable comes in as well.
        labels: of the test set (codes).
        counted: which test examples count, so that their labels are to be believed (bool).
    """

    training: Inputs
    metadata: pd.DataFrame
    known: Inputs
    test: Answered
    labels: np.ndarray
    counted: np.ndarray


def load_reference(frozen: Frozen, without: str) -> Reference:
    """Return the reference of the workspace.

    Args:
        without: a delivery of which nothing counts: one that is compared with itself never changes.

    Raises:
        Refusal: where data/examples/ or data/inputs/ is missing, or no test example is left.
    """
    packed = read_packed()
    examples = read_examples()
    everything, test = (_kept(examples, split, without) for split in ("train", "test"))
    training = everything[~everything[PICKED_AS].isin(CHOSEN)] if PICKED_AS in everything else everything
    if not counts(test).any() or training.empty:
        raise Refusal(f"No example is left to compare {without} with; the test set is of it alone.")
    training, everything = _some(training), _some(everything)
    known = metadata(training.columns, (PICKED_AS, DELIVERY, "split"))
    asked = ask(frozen, inputs_of(test, packed), test[known])
    counted = counts(test).to_numpy()
    labels = np.zeros(len(test), dtype=np.int64)
    labels[counted] = frozen.codes(test[counted])
    sides = inputs_of(training, packed), training[known], inputs_of(everything, packed)
    return Reference(*sides, asked, labels, counted)


def _kept(examples: pd.DataFrame, split: str, without: str) -> pd.DataFrame:
    """Return the inputs of a set, those of dropped examples too, but none that another set has as well."""
    mine = examples["split"] == split
    shared = examples["input"].isin(examples["input"][~mine]) & (examples["input"] != "")
    kept = mine & (counts(examples) | ~shared)
    if DELIVERY in examples:
        kept &= examples[DELIVERY] != without
    return examples[kept].drop(columns="split").reset_index(drop=True)


def _some(table: pd.DataFrame) -> pd.DataFrame:
    drawn = np.sort(np.argsort(fraction(table["id"], "reference"), kind="stable")[:MOST])
    return table.iloc[drawn].reset_index(drop=True)


def inputs_of(table: pd.DataFrame, packed: Packed, rows: np.ndarray | None = None) -> Inputs:
    """Return examples or incoming inputs as what is compared; the copies of a file are one unit, as a group is.

    Args:
        table: id, `input`, and maybe `group` (n).
        packed: inputs, of which those at `rows` are meant; at the table's `row` where left out.
    """
    if isinstance(packed, pd.DataFrame):
        # What many say word for word is in one set, and so would be missed in the other.
        own = "=" + table["input"] if list(packed.columns) == ["text"] else table["id"]
    else:
        own = ("=" + table["input"]).where(table["input"] != "", table["id"])
    group = table["group"] if "group" in table else pd.Series("", index=table.index, dtype="str")
    units = ("g" + group).where(group != "", own)
    return Inputs(take(packed, packed_rows(table) if rows is None else rows), table["id"], units)


def ask(frozen: Frozen, inputs: Inputs, metadata: pd.DataFrame) -> Answered:
    """Return inputs with the models' answers."""
    found = frozen.probabilities(inputs.packed, np.arange(len(inputs.ids)))
    return Answered(inputs, metadata, found, frozen.answers(found))
