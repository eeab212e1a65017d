"""`datapass pick`: which inputs of a delivery are worth a label.

Half of the budget is drawn at random: only that part says how right the model is, or may test it. Three tenths are where the
trained seeds disagree, two tenths what is least like any training input. No paper gives these shares; with a budget of
200 the accuracy on the random 100 is known to about 6 points either way.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.next_pass import current_state
from ..data.split import fraction, input_hashes
from ..files.paths import PICKED
from ..messages.problems import Refusal
from ..settings import load
from .calibration import calibration
from .disagreement import draw, policy_questions, uncertainty
from .frozen import load_frozen
from .incoming import Incoming, incoming_names, read_incoming
from .measures import without_calendar
from .picked import COLUMNS, RANDOM, UNCERTAIN, UNLIKE, write_picked
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
        by: what uncertain means: `disagreement` of the seeds, or `entropy`.
        policy: ids of inputs on which no seed is sure and all are of one mind: a question for the label book.
    """

    name: str
    table: pd.DataFrame
    delivered: int
    by: str
    policy: list[str]


def pick(name: str | None, budget: int) -> Picked:
    """Pick inputs of a delivery for labelling, and write data/picked/<name>.csv.

    Args:
        name: of the delivery; the last one where left out.
        budget: inputs to pick; all of them where there are fewer.

    Raises:
        Refusal: where there is no delivery, or some of it were picked already.
    """
    known = incoming_names()
    if name is None and not known:
        raise Refusal("data/incoming/ holds no delivery yet; `datapass watch DELIVERY` takes one in.")
    name = name or known[-1]
    path = PICKED / f"{name}.csv"
    if path.is_file():
        raise Refusal(
            f"{path.as_posix()} is there already: a second draw would not be at random. Label what it lists; or delete it and pick "
            "with another --budget, as long as nobody has labelled any of it."
        )
    frozen, incoming = load_frozen(load()), read_incoming(name)
    reference = load_reference(frozen, name)
    inputs = inputs_of(incoming.table, incoming.packed, np.arange(len(incoming.table)))
    asked = ask(frozen, inputs, incoming.table[[]])
    # As sure as they are right: what a model of small weights says of a class is otherwise never much.
    calibrate = calibration(reference.test.mean, reference.labels)
    calibrated = np.stack([calibrate(one) for one in asked.probabilities])
    doubt = uncertainty(calibrated)
    kinds = without_calendar(reference.training.packed, inputs.packed, incoming.kinds)
    foreign = unlike(reference.known, reference.test.inputs, inputs, kinds)
    rows, origins = choose(incoming, doubt.scores, foreign.scores, budget)
    answers = np.array(frozen.classes, dtype=object)[asked.voted]
    table = pd.DataFrame({"id": incoming.table["id"].iloc[rows].to_numpy(), "picked_as": origins}, dtype="str")
    table["delivered"], table["model"] = str(len(incoming.table)), frozen.weights
    table["predicted"], table["label"], table["by"] = answers[rows], "", ""
    write_picked(name, table[COLUMNS].astype("str"))
    policy = incoming.table["id"][policy_questions(calibrated)].tolist()
    return Picked(name, table, len(incoming.table), doubt.by, policy)


def choose(incoming: Incoming, doubt: np.ndarray, foreign: np.ndarray, budget: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are picked, in the order in which to label them, and as what (k each; int, str).

    Random rows are the first by a hash of the id, at most one of a group, so that each is a draw of its own. The others are
    at most one of a group or of copies, none of it among the random ones, and no input that the project has already.

    Args:
        doubt: how unsure the models are of each input (n).
        foreign: how unlike any training input each is (n).
    """
    ids, units = incoming.table["id"], incoming.units
    number = min(budget, len(ids))
    wanted = {origin: int(share * number) for origin, share in SHARES.items()}
    groups = incoming.table["group"].where(incoming.table["group"] != "", ids) if "group" in incoming.table else ids
    by_hash = np.argsort(fraction(ids, "picked at random"), kind="stable")
    by_hash = by_hash[~groups.iloc[by_hash].duplicated().to_numpy()]
    random = by_hash[: number - sum(wanted.values())]
    state = current_state()
    free = (
        ~np.isin(units, units[random]) & ~incoming.table["input"].isin(set(input_hashes(state.raw)) - {""}).to_numpy()
    )
    found = {RANDOM: random}
    left = np.flatnonzero(free)
    found[UNCERTAIN] = left[draw(ids.iloc[left], doubt[left], units[left], wanted[UNCERTAIN], "picked as uncertain")]
    left = left[~np.isin(units[left], units[found[UNCERTAIN]])]
    order = left[np.lexsort((left, -foreign[left]))]
    order = order[~pd.Series(units[order]).duplicated().to_numpy()]
    found[UNLIKE] = order[: wanted[UNLIKE]]
    # What the model chose is labelled in no order that would tell why it was chosen.
    chosen = np.concatenate([found[UNCERTAIN], found[UNLIKE]])
    mixed = np.argsort(fraction(ids.iloc[chosen], "order of labelling"), kind="stable")
    origins = np.repeat([UNCERTAIN, UNLIKE], [len(found[UNCERTAIN]), len(found[UNLIKE])])[mixed]
    return np.concatenate([random, chosen[mixed]]), np.concatenate([np.repeat(RANDOM, len(random)), origins])
