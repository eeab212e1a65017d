"""Augmentation as `train` last ran with it: a change of the data, as its labels are, and never of the model."""

from pathlib import Path
from typing import Any

from ..messages.problems import Refusal, quoted
from .lock import NOTHING, flatten
from .revisions import Revision

FOLDER = "conf/data/augment"


def changed(baseline: Revision, candidate: Revision) -> tuple[str, str] | None:
    """Return the augmentation of both revisions in words where they differ, else None.

    Revisions whose dvc.lock cannot tell are none of which a difference is known.
    """
    try:
        trained = [revision.lock.stages.get("train", NOTHING) for revision in (baseline, candidate)]
    except Refusal:
        return None
    old, new = (stage.augment for stage in trained)
    return None if NOTHING in trained or old == new else (_named(old, baseline), _named(new, candidate))


def _named(node: Any, revision: Revision) -> str:
    """Return an augmentation in words: the name of its file in the revision's conf/ where it has one, and its settings."""
    if node is None:
        return "none"
    if not isinstance(node, dict):
        return quoted(node)
    files = [path for path in revision.paths(FOLDER) if path.endswith(".yaml")]
    names = [Path(path).stem for path in files if _content(revision, path) == node]
    name = names[0] if names else str(node.get("_target_")).rpartition(".")[2]
    settings = [f"{key} {_plain(value)}" for key, value in flatten(node).items() if key != "_target_"]
    return f"{name} ({', '.join(settings)})" if settings else name


def _content(revision: Revision, path: str) -> Any:
    try:
        return revision.yaml(path)
    except Refusal:  # an unreadable file has no name to give
        return None


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
