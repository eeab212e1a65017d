"""One revision's dvc.lock: what each stage last ran with and wrote."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .revisions import Revision

MARKER = "conf.ok"  # only puts the stages in order


def flatten(params: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested params as {dotted key: value}."""
    if not isinstance(params, dict):
        return {prefix: params}
    return {
        k: v
        for key, value in params.items()
        for k, v in flatten(value, f"{prefix}.{key}" if prefix else str(key)).items()
    }


class Lock:
    """The stages of a revision's dvc.lock; one without the file has none."""

    def __init__(self, revision: "Revision") -> None:
        self.revision = revision

    @cached_property
    def stages(self) -> dict[str, dict[str, Any]]:
        """The stages as DVC wrote them, by name."""
        if self.revision.read("dvc.lock") is None:
            return {}
        return (self.revision.yaml("dvc.lock") or {}).get("stages") or {}

    def hashes(self, stage: str, side: str) -> dict[str, str | None]:
        """Return the hash of each of a stage's `deps` or `outs`, by path."""
        entries = self.stages.get(stage, {}).get(side, [])
        return {entry["path"]: entry.get("md5") for entry in entries if entry["path"] != MARKER}

    def params(self, stage: str) -> dict[str, Any]:
        """Return a stage's params of all files, flat; those of params.yaml without the file's name."""
        files = self.stages.get(stage, {}).get("params", {})
        return {
            key if file == "params.yaml" else f"{file}:{key}": value
            for file, params in files.items()
            for key, value in flatten(params).items()
        }

    @cached_property
    def outs(self) -> dict[str, str | None]:
        """The hash of each stage's outputs, by path."""
        return {path: digest for stage in self.stages for path, digest in self.hashes(stage, "outs").items()}
