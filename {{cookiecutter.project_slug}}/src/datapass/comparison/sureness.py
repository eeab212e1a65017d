"""How sure a comparison is: what is asked for besides the verdict, and what is said."""

from dataclasses import dataclass
from typing import Any

from .equivalence import Within, at_most, readings, span
from .lineup import Scored, draws
from .statistics import Interval
from .ways import timed, ways


@dataclass(frozen=True)
class Aim:
    """What is asked for besides the verdict, in the unit of the metric as it is shown (points, or cost per example).

    Attributes:
        gain: the true gain that should show.
        within: the margin within which the two should be shown to be equivalent.
    """

    gain: float | None = None
    within: float | None = None


def sureness(
    scored: Scored, wider: Scored, gain: Interval, undecided: bool, fingerprint: str, aim: Aim
) -> dict[str, Any]:
    """Return the fields of a `Comparison` that tell how sure it is: of what, by which readings, and what would make it surer.

    Args:
        scored, wider: without and with the dropped test examples.
        undecided: whether there is no detectable difference.
        fingerprint: of the model.
    """
    scale, parts, units = scored.metric.scale, scored.components(), draws(scored.units)
    found = readings(scored, wider, gain)
    largest = at_most(found, span(scored), units)
    within, more = None, None
    if aim.within is not None:
        within = Within(aim.within / scale, largest <= aim.within / scale)
    if undecided:
        wanted = None if aim.gain is None else aim.gain / scale
        more = timed(ways(parts, len(scored.table), gain, wanted), fingerprint)
    return {"components": parts, "readings": found, "at_most": largest, "within": within, "ways": more}
