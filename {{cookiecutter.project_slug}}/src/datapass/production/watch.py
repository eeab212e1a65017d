"""`datapass watch`: take deliveries in, and say of each whether it looks different; of labels, how right the model is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.examples import metadata
from ..data.packed import read_packed
from ..files.paths import INCOMING
from ..messages.problems import Refusal
from ..settings import load, make
from .delivered import read_delivered
from .examine import Findings, examine
from .frozen import load_frozen, refuse_other_classes
from .incoming import Incoming, Taken, delivery_name, incoming_names, read_incoming, take_in
from .known import learnt
from .labelled import Labelled, accuracy_on_new
from .picked import open_rows, picked_names, read_picked
from .reference import Answered, ask, inputs_of, load_reference

FEWEST = 20  # independent inputs: fewer show nothing


@dataclass(frozen=True)
class Watched:
    """What was found of a delivery.

    Attributes:
        incoming: the delivery.
        taken: whether it was taken in now.
        notes: of what was read, and left out.
        classes: names, in code order.
        fingerprint: of the frozen model.
        training, test: inputs that it was compared with.
        units: independent inputs of the delivery, of those that the models did not learn.
        learnt: inputs of the delivery that train or validate; what the models answer to them says nothing.
        answered: what the models answered to it.
        findings: what the four lines say; None where there are too few inputs.
        labelled: how right the model is on what was picked at random and labelled, of all deliveries; None where nothing is.
    """

    incoming: Incoming
    taken: bool
    notes: list[str]
    classes: list[str]
    fingerprint: str
    training: int
    test: int
    units: int
    learnt: int
    answered: Answered
    findings: Findings | None
    labelled: Labelled | None

    @property
    def foreign(self) -> np.ndarray:
        """The inputs that are unlike any in training, the least alike first; none where chance explains as many (k, int)."""
        if self.findings is None or not self.findings.many_unlike:
            return np.array([], dtype=int)
        found = self.findings.unlike
        beyond = found.rows[found.scores[found.rows] > found.threshold]
        return np.asarray(beyond[np.argsort(-found.scores[beyond], kind="stable")])

    @property
    def changed(self) -> bool:
        """Whether something looks different, or the labels say that the model is less right than it was."""
        return self.less_right or (self.findings is not None and self.findings.changed)

    @property
    def drawn(self) -> bool:
        """Whether some of it was picked, labelled or not."""
        return self.incoming.name in picked_names()

    @property
    def picked(self) -> bool:
        """Whether some of it is picked, and waits for labels."""
        return self.drawn and bool(open_rows(read_picked(self.incoming.name)).any())

    @property
    def less_right(self) -> bool:
        """Whether labels, some of them of this delivery, say that the model is less right than it was."""
        x = self.labelled
        return x is not None and x.drift.alarm and self.incoming.name in set(x.deliveries["delivery"])


def watch(
    deliveries: Sequence[Path],
    name: str | None = None,
    tolerance: float = 0.0,
    group: str | None = None,
    ignore: Sequence[str] = (),
) -> list[Watched]:
    """Compare deliveries with what the model was trained and tested on.

    Args:
        deliveries: paths of new inputs, or deliveries of data/incoming/ by name; the only one of these where there is none.
        name: what to call the one delivery that is new.
        tolerance: points that the accuracy may be lower.
        group: the column of new inputs that says which belong together, where it is not called so.
        ignore: columns that are not compared.

    Raises:
        Refusal: for what cannot be read, and where there are no models, or none of this configuration and code.
    """
    if name is not None and len(deliveries) != 1:
        raise Refusal("--name names one delivery; watch them one after the other.")
    frozen = load_frozen(load())
    refuse_other_classes(frozen)
    labelled = accuracy_on_new(frozen, tolerance / 100)
    found = []
    for taken in _resolve(deliveries, name, group):
        whole = read_incoming(taken.name)
        known = learnt(whole)
        incoming = whole.some(np.flatnonzero(~known))
        reference = load_reference(frozen, incoming.name)
        inputs = inputs_of(incoming.table, incoming.packed, np.arange(len(incoming.table)))
        new = ask(frozen, inputs, incoming.table[metadata(incoming.table.columns)])
        units = inputs.units.nunique()
        findings = examine(reference, new, incoming.kinds, ignore) if units >= FEWEST else None
        sizes = len(reference.training.ids), int(reference.counted.sum()), units, int(known.sum())
        found.append(
            Watched(
                incoming, taken.new, taken.notes, frozen.classes, frozen.fingerprint, *sizes, new, findings, labelled
            )
        )
    return found


def _resolve(deliveries: Sequence[Path], name: str | None, group: str | None) -> list[Taken]:
    """Return the deliveries, each once. Nothing is taken in before all can be read."""
    known = incoming_names()
    if not deliveries:
        if len(known) == 1:
            return [Taken(known[0], False, [])]
        listed = f"one of {', '.join(known)}" if known else "a folder of files, or a table"
        raise Refusal(f"Name what to watch: {listed}.")
    read_packed()
    inputs = make(load().data.inputs, "data: inputs")
    there, new = [], []
    for path in deliveries:
        if (str(path) in known and not path.exists()) or path.resolve().is_relative_to(INCOMING.resolve()):
            there.append(Taken(delivery_name(path), False, []))
        else:
            new.append(read_delivered(path, inputs, group))
    if name is not None and not new:
        raise Refusal(f"--name {name}: the delivery has a name already.")
    found: dict[str, Taken] = {}
    for one in [*there, *(take_in(one, name) for one in new)]:
        found.setdefault(one.name, one)
    return list(found.values())
