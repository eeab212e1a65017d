"""The four results of old and new data under an old and a new model: found among the candidates, or how to make them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..comparison.revisions import Revision
from ..messages.problems import Refusal
from . import crossing, missing
from .candidates import BOTH, DATA_ONLY, MODEL_ONLY, Candidate, level

CELLS = {(0, 1): ("data-only", "new data, old model"), (1, 0): ("model-only", "old data, new model"), (1, 1): ("both", "new data, new model")}  # fmt: skip


@dataclass(frozen=True)
class Crossed:
    """The four cells of old and new data under an old and a new model.

    Attributes:
        names, levels: of the results, and the metric, as [old or new model][old or new data]; None where there is none.
        effects: present where all four are there and can be attributed.
        why: why there are none.
        commands: how to make each missing cell: what it is, and a sentence.
    """

    names: list[list[str | None]]
    levels: list[list[float | None]]
    effects: crossing.Effects | None = None
    why: str = ""
    commands: list[tuple[str, str]] = field(default_factory=list)


def cross(baseline: Revision, found: Sequence[Candidate], picks: dict[str, Candidate]) -> Crossed | None:
    """Return the four cells around the best change of the data and the picked model, or around the picked of both.

    That of old data and old model is the result that the change of the data is compared with.
    """
    able = [one for one in found if one.gain is not None]
    data, model, both = (picks.get(kind) for kind in (DATA_ONLY, MODEL_ONLY, BOTH))

    def first(kind: str, data_of: Candidate | None, model_of: Candidate | None) -> Candidate | None:
        return next(
            (
                one
                for one in able
                if one.kind == kind
                and (data_of is None or crossing.same_data(data_of.revision, one.revision))
                and (model_of is None or crossing.same_model(model_of.revision, one.revision))
            ),
            None,
        )

    if data and model:
        both = first(BOTH, data, model)
    elif both:
        data, model = first(DATA_ONLY, both, None), first(MODEL_ONLY, None, both)
    else:
        return None
    cells = {(0, 1): data, (1, 0): model, (1, 1): both}
    four = [[None, data], [model, both]]
    shown = [[one.name if one else None for one in row] for row in four]
    levels = [[one.found.new if one and one.found else None for one in row] for row in four]
    old = data.found.baseline if data and data.found else baseline
    shown[0][0], levels[0][0] = (data and data.against) or baseline.name, level(old)
    commands = []
    for place, (wish, what) in CELLS.items():
        if cells[place] is None:
            data_of = (data or both) if place[1] else None
            model_of = (model or both) if place[0] else None
            revisions = [one.revision if one else baseline for one in (data_of, model_of)]
            name = missing.free_name(wish, [one.name for one in found])
            commands.append((what, missing.how(revisions[0], revisions[1], baseline, name)))
    if commands:
        return Crossed(shown, levels, why=f"{len(commands)} of 4 cells missing", commands=commands)
    assert data and model and both
    try:
        return Crossed(shown, levels, crossing.effects(old, model.revision, data.revision, both.revision))
    except Refusal as refusal:
        return Crossed(shown, levels, why=str(refusal))
