"""What labels say of the model on new inputs: how right it is, and whether it was more right before."""

import math
from typing import TYPE_CHECKING

from .evidence_view import percent
from .sections import MOST, Name, Section, lines, one_line, table

if TYPE_CHECKING:
    from ..production.labelled import Labelled


def accuracy(x: "Labelled") -> str:
    """Return the accuracy over all inputs delivered, with its interval."""
    a = x.accuracy
    return f"{percent(a.accuracy)} ({percent(a.low)} to {percent(a.high)})"


def counted(x: "Labelled") -> str:
    """Return how many of the labelled inputs were answered right."""
    right, labelled = int(x.deliveries["right"].sum()), int(x.deliveries["labelled"].sum())
    return f"{percent(right / labelled)} of {labelled:,} labelled at random"


def labelled(x: "Labelled") -> Section:
    """How right the model is on labelled new inputs, and whether it was more right before."""
    others = (
        f"Not counted, as they were given to the answers of models of other data: the labels of {', '.join(map(one_line, x.others))}."
        if x.others
        else None
    )
    if x.deliveries.empty:
        return Section("Labels: none for the answers of these models", lines([others]), open=True)
    rows = [
        [
            *(Name(r.delivery), f"{r.delivered:,}", f"{r.labelled:,}", percent(r.right / r.labelled)),
            *(f"{percent(r.low)} to {percent(r.high)}", f"{r.unusable:,}", f"{r.open:,}"),
        ]
        for r in x.deliveries.head(MOST).itertuples()
    ]
    left = int(x.deliveries["open"].sum())
    lost = int(x.deliveries["unusable"].sum())
    seen = lost + int(x.deliveries["labelled"].sum())
    several = len(x.deliveries) > 1
    skipped = (
        f"{x.skipped:,} were skipped, though later ones are labelled: what is hard to label is often hard to answer, so the accuracy may "
        "be too high; the alarm counts them as answered right."
    )
    said = [
        f"{counted(x)} were answered right: {accuracy(x)} of all {'usable ' * bool(lost)}inputs delivered"
        + (", each delivery weighted by its inputs." if several else ". The interval holds however often it is read."),
        _drift(x),
        f"{lost:,} of {seen:,} that were looked at are not usable, and count for nothing here: if they are of a class that is missing, the model is wrong "
        "on all of them."
        if lost
        else None,
        f"{left:,} of the random part are still open." if left else None,
        skipped if x.skipped else None,
        others,
    ]
    header = "delivery | inputs | labelled | right | 95 %, at any time | not usable | open"
    title = f"Labels: {counted(x)} right" + (
        "" if math.isnan(x.drift.old) else f", {percent(x.drift.old)} on the test set"
    )
    return Section(title, [*lines(said), *table(header, rows, len(x.deliveries))], open=True)


def _drift(x: "Labelled") -> str:
    """Return whether the model was more right before."""
    d = x.drift
    if math.isnan(d.old):
        return (
            "Whether the model was more right before cannot be told: the test set holds nothing but these deliveries."
        )
    over = f" by more than {100 * x.tolerance:g} points" if x.tolerance else ""
    ends = f"at most {percent(d.new_high)} on new inputs, at least {percent(d.old_low)} on the test set"
    if d.alarm:
        return f"Concept drift: the model is less right on new inputs than on the test set{over}: {ends}."
    more = (
        f" If the accuracy stays as it is, about {x.needed:,} labels picked at random would show it."
        if x.needed
        else ""
    )
    return f"No concept drift shown{over}: {ends}.{more}"
