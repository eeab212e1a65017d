"""Candidates compared with a baseline, with what two results alone do not tell: earlier looks, and the scope card."""

from collections.abc import Iterable

from .history import add_looks
from .revisions import RESULT, Revision, load_all
from .scope import add_scope
from .sureness import Aim
from .verdict import NOTHING_ELSE, Comparison, compare


def compare_all(baseline: Revision, candidates: Iterable[Revision], aim: Aim = NOTHING_ELSE) -> list[Comparison]:
    """Return each candidate compared with a baseline, what holds over all looks and how it stands to its card included."""
    candidates = list(candidates)
    load_all([baseline, *candidates], RESULT)
    found = [compare(baseline, one, aim) for one in candidates]
    add_looks(found)
    add_scope(found)
    return found
