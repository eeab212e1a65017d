"""`datapass watch`: take deliveries in, and say of each whether it looks different; of labels, how right the model is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.examples import metadata
from ..files.paths import INCOMING
from ..messages.problems import Refusal
from ..settings import load
from .examine import Findings, examine
from .frozen import load_frozen
from .incoming import Incoming, incoming_names, read_incoming, take_in
from .labelled import Labelled, accuracy_on_new
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
        units: independent inputs of the delivery.
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
        drift = self.labelled is not None and self.labelled.drift.alarm
        return drift or (self.findings is not None and self.findings.changed)


def watch(deliveries: Sequence[Path], name: str | None = None, tolerance: float = 0.0) -> list[Watched]:
    """Compare deliveries with what the model was trained and tested on.

    Args:
        deliveries: paths of new inputs, or deliveries of data/incoming/ by name; the last of these where there is none.
        name: what to call the one delivery that is new.
        tolerance: points that the accuracy may be lower.

    Raises:
        Refusal: for what cannot be read, and where there are no models, or none of this configuration and code.
    """
    if name is not None and len(deliveries) != 1:
        raise Refusal("--name names one delivery; watch them one after the other.")
    frozen = load_frozen(load())
    found = []
    for given, taken, notes in _resolve(deliveries, name):
        incoming = read_incoming(given)
        reference = load_reference(frozen, incoming.name)
        inputs = inputs_of(incoming.table, incoming.packed, np.arange(len(incoming.table)))
        new = ask(frozen, inputs, incoming.table[metadata(incoming.table.columns)])
        units = inputs.units.nunique()
        findings = examine(reference, new, incoming.kinds) if units >= FEWEST else None
        labelled = accuracy_on_new(frozen, tolerance / 100)
        sizes = len(reference.training.ids), len(reference.labels), units
        found.append(
            Watched(incoming, taken, notes, frozen.classes, frozen.fingerprint, *sizes, new, findings, labelled)
        )
    return found


def _resolve(deliveries: Sequence[Path], name: str | None) -> list[tuple[str, bool, list[str]]]:
    """Return each delivery's name, whether it was taken in now, and notes; those that are new are taken in first."""
    known = incoming_names()
    if not deliveries:
        if not known:
            raise Refusal("Name new inputs: a folder of files, or a table. data/incoming/ holds no delivery yet.")
        return [(known[-1], False, [])]
    found = []
    for path in deliveries:
        inside = path.resolve().is_relative_to(INCOMING.resolve())
        if inside or (str(path) in known and not path.exists()):
            found.append((path.name, False, list[str]()))
        else:
            taken = take_in(path, name)
            found.append((taken.name, taken.new, taken.notes))
    return found
