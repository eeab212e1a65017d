"""`datapass pick`: which inputs of a delivery are worth a label.

Half of the budget is drawn at random: only that part says how right the model is, or may test it. Three tenths are where the
trained seeds disagree, two tenths what is least like any training input. No paper gives these shares; with a budget of
200 the accuracy on the random 100 is known to about 6 points either way.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.examples import RANDOM, UNCERTAIN, UNLIKE, read_examples
from ..data.fraction import fraction
from ..files.paths import PICKED
from ..messages.problems import Refusal
from ..settings import load
from .calibration import calibration
from .disagreement import draw, policy_questions, uncertainty
from .frozen import load_frozen, refuse_other_classes
from .incoming import Incoming, delivery_name, incoming_names, read_incoming
from .known import in_data
from .measures import without_calendar
from .picked import COLUMNS, write_picked
from .reference import ask, inputs_of, load_reference
from .unlike import unlike

SHARES = {UNCERTAIN: 0.3, UNLIKE: 0.2}  # of the budget; the rest is random


@dataclass(frozen=True)
class Picked:
    """What was picked.

    Attributes:
        name: of the delivery.
        table: as data/picked/<name>.csv has it.
        delivered: inputs of the delivery.
        known: those of them that the data has already, which are left out.
        by: what uncertain means: `disagreement` of the seeds, or `entropy`.
        policy: ids of inputs on which no seed is sure and all are of one mind: a question for the label book.
    """

    name: str
    table: pd.DataFrame
    delivered: int
    known: int
    by: str
    policy: list[str]


def pick(name: str | None, budget: int) -> Picked:
    """Pick inputs of a delivery for labelling, and write data/picked/<name>.csv.

    Args:
        name: of the delivery; the only one of which nothing is picked where left out.
        budget: inputs to pick; all of them where there are fewer.

    Raises:
        Refusal: where there is no delivery, or some of it were picked already.
    """
    name = _which(name)
    path = PICKED / f"{name}.csv"
    if path.is_file():
        raise Refusal(
            f"{path.as_posix()} is there already: a second draw would not be at random. Label what it lists; or delete it and pick "
            "with another --budget, as long as nobody has labelled any of it."
        )
    frozen, incoming = load_frozen(load()), read_incoming(name)
    refuse_other_classes(frozen)
    reference = load_reference(frozen, name)
    known_already = in_data(incoming, read_examples())
    if known_already.all():
        raise Refusal(f"All inputs of {name} are in the data already; there is nothing to label.")
    inputs = inputs_of(incoming.table, incoming.packed, np.arange(len(incoming.table)))
    asked = ask(frozen, inputs, incoming.table[[]])
    # As sure as they are right: what a model of small weights says of a class is otherwise never much.
    calibrate = calibration(reference.test.mean[reference.counted], reference.labels[reference.counted])
    calibrated = np.stack([calibrate(one) for one in asked.probabilities])
    doubt = uncertainty(calibrated)
    kinds = without_calendar(reference.training.packed, inputs.packed, incoming.kinds)
    foreign = unlike(reference.known, reference.test.inputs, inputs, kinds)
    rows, origins = choose(incoming, doubt.scores, foreign.scores, ~known_already, budget)
    answers = np.array(frozen.classes, dtype=object)[asked.voted]
    table = pd.DataFrame({"id": incoming.table["id"].iloc[rows].to_numpy(), "picked_as": origins}, dtype="str")
    table["delivered"], table["model"] = str(int((~known_already).sum())), frozen.weights
    table["group"] = groups_of(incoming).iloc[rows].to_numpy()
    table["predicted"], table["label"], table["by"] = answers[rows], "", ""
    write_picked(name, table[COLUMNS].astype("str"))
    policy = incoming.table["id"][policy_questions(calibrated)].tolist()
    return Picked(name, table, len(incoming.table), int(known_already.sum()), doubt.by, policy)


def _which(name: str | None) -> str:
    """Return the delivery that is meant: the only one of which nothing is picked yet, where none is named."""
    if name is not None:
        return delivery_name(name)
    known = [one for one in incoming_names() if not (PICKED / f"{one}.csv").is_file()]
    if len(known) != 1:
        listed = f"name one of {', '.join(known)}" if known else "`datapass watch INCOMING_COLUMN` takes one in"
        raise Refusal(
            f"There {'is no delivery' if not known else 'are several deliveries'} of which nothing is picked; {listed}."
        )
    return known[0]


def choose(
    incoming: Incoming, doubt: np.ndarray, foreign: np.ndarray, new: np.ndarray, budget: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are picked, in the order in which to label them, and as what (k each; int, str).

    Random rows are the first by a hash of the id: each as likely as any other, whatever its group. The others are at most
    one of a group or of copies, and none of it among the random ones.

    Args:
        doubt: how unsure the models are of each input (n).
        foreign: how unlike any training input each is (n).
        new: which inputs the data does not have (n, bool).
    """
    ids, units = incoming.table["id"], incoming.units
    number = min(budget, int(new.sum()))
    wanted = {origin: int(share * number) for origin, share in SHARES.items()}
    by_hash = order_at_random(ids)
    random = by_hash[new[by_hash]][: number - sum(wanted.values())]
    left = np.flatnonzero(new & ~np.isin(units, units[random]))
    uncertain = left[draw(ids.iloc[left], doubt[left], units[left], wanted[UNCERTAIN], "picked as uncertain")]
    left = left[~np.isin(units[left], units[uncertain])]
    order = left[np.lexsort((left, -foreign[left]))]
    unalike = order[~pd.Series(units[order]).duplicated().to_numpy()][: wanted[UNLIKE]]
    # What the model chose is labelled in no order that would tell why it was chosen.
    chosen = np.concatenate([uncertain, unalike])
    mixed = np.argsort(fraction(ids.iloc[chosen], "order of labelling"), kind="stable")
    origins = np.repeat([UNCERTAIN, UNLIKE], [len(uncertain), len(unalike)])[mixed]
    return np.concatenate([random, chosen[mixed]]), np.concatenate([np.repeat(RANDOM, len(random)), origins])


def order_at_random(ids: pd.Series) -> np.ndarray:
    """Return rows in the order of a hash of their ids (n, int): the first of them are a random sample, the same each time."""
    return np.argsort(fraction(ids, "picked at random"), kind="stable")


def groups_of(incoming: Incoming) -> pd.Series:
    """Return the group of each input, empty where it has none (n, str)."""
    return incoming.table["group"] if "group" in incoming.table else pd.Series("", incoming.table.index, dtype="str")
