"""Augmentation and the number of training examples as `train` last ran with them: of the data, as labels are, not of the model."""

from pathlib import Path
from typing import Any

from ..files.paths import DATA
from ..messages.problems import Refusal, quoted
from .lock import NOTHING, Stage, flatten
from .revisions import Revision

FOLDER = "conf/data/augment"


def changed(baseline: Revision, candidate: Revision) -> tuple[str, str] | None:
    """Return the augmentation of both revisions in words where they differ, else None.

    Revisions whose dvc.lock cannot tell are none of which a difference is known.
    """
    old, new = (stage.augment for stage in _trained(baseline, candidate))
    return None if old == new else (_named(old, baseline), _named(new, candidate))


def sizes(baseline: Revision, candidate: Revision) -> str | None:
    """Return on how many of the training examples each side trained, where not both on all or on as many; else None."""
    old, new = (stage.size for stage in _trained(baseline, candidate))
    if old == new:
        return None
    sides = zip((old, new), (baseline, candidate), strict=True)
    told = [_counted(size, revision) for size, revision in sides]
    if old is None:
        return f"trained on {told[1]} examples a seed"
    return f"trained on {told[1]} examples a seed, the baseline on {told[0]}"


def _trained(baseline: Revision, candidate: Revision) -> list[Stage]:
    try:
        trained = [revision.lock.stages.get("train", NOTHING) for revision in (baseline, candidate)]
    except Refusal:
        trained = [NOTHING]
    return [NOTHING, NOTHING] if NOTHING in trained else trained


def _counted(size: object, revision: Revision) -> str:
    whole = revision.json(DATA)["sets"]["train"]["examples"]
    return f"all {whole:,}" if size is None else f"{size:,} of {whole:,}" if isinstance(size, int) else quoted(size)


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
