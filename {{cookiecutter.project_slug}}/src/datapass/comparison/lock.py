"""What the stages of one revision last ran with, by its dvc.lock: read here for the proof and for staleness."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml

from ..messages.problems import Refusal
from .metric import Metric


class YAML(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads dvc.lock as DVC writes it, in YAML 1.2: there `no` and `1:30` are texts, and `1e-05` is a number.

    params.yaml is YAML 1.1, as Hydra writes it.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for kind, pattern, first in (  # the core schema, https://yaml.org/spec/1.2.2/#1032-tag-resolution; ints before floats
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
):
    YAML.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(f"(?:{pattern})$"), list(first))

AUGMENT, SIZE = "data.augment", "data.size"
VARIED = (AUGMENT, SIZE)  # the params of `train` that are data: what of the examples is trained on, and how they vary


@dataclass(frozen=True)
class Stage:
    """One stage as it last ran.

    Attributes:
        cmd: its command.
        deps, outs: the hash of each path; None where the lock holds none.
        params: {file: {key: value}}.
    """

    cmd: Any
    deps: dict[str, str | None]
    outs: dict[str, str | None]
    params: dict[str, dict[str, Any]]

    @property
    def augment(self) -> Any:
        """The node of conf/data/augment/ that it ran with: None for none, and before there was a choice."""
        return self.varied(AUGMENT)

    @property
    def size(self) -> Any:
        """How many training examples each seed got: None for all, and before there was a choice."""
        return self.varied(SIZE)

    def varied(self, key: str) -> Any:
        """Return its value for one of VARIED."""
        given = self.params.get("params.yaml", {})
        data = given.get("data")  # as a stage has it that names all of `data` as its param
        name = key.removeprefix("data.")
        return given[key] if key in given else data.get(name) if isinstance(data, dict) else None

    @property
    def settings(self) -> dict[str, Any]:
        """The params of all files as {dotted key: value}; those of params.yaml without the file's name."""
        return {
            key if file == "params.yaml" else f"{file}:{key}": value
            for file, params in self.params.items()
            for key, value in flatten(params).items()
        }


NOTHING = Stage(None, {}, {}, {})


class Lock:
    """One revision's dvc.lock.

    Args:
        name: the revision's.
        content: of the file.

    Attributes:
        stages: {name: stage}; DVC keeps those there that were deleted from dvc.yaml.
        outs: the hash of everything that a stage wrote.

    Raises:
        Refusal: where it is not what DVC writes.
    """

    def __init__(self, name: str, content: Any) -> None:
        try:
            stages = {} if content is None else content.get("stages") or {}
            self.stages = {name: _stage(entry) for name, entry in stages.items()}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Refusal(f"{name}:dvc.lock is not what DVC writes; run `dvc repro` there and commit it.") from None
        self.outs = {path: digest for stage in self.stages.values() for path, digest in stage.outs.items()}
        self.name = name

    @classmethod
    def parse(cls, content: bytes) -> "Lock | None":
        """Return the lock of some revision of long ago; None where it was broken then."""
        try:
            return cls("", yaml.load(content, Loader=YAML))
        except (Refusal, yaml.YAMLError):
            return None

    @property
    def augment(self) -> Any:
        """The augmentation that `train` last ran with, see `Stage.augment`."""
        return self.stages.get("train", NOTHING).augment

    @property
    def size(self) -> Any:
        """How many training examples each seed got when `train` last ran, see `Stage.size`."""
        return self.stages.get("train", NOTHING).size

    @property
    def metric(self) -> Metric:
        """The metric that `evaluate` last ran with: accuracy, where it ran before there was a choice.

        Raises:
            Refusal: where it is none that this version knows.
        """
        given = self.stages.get("evaluate", NOTHING).params.get("params.yaml", {})
        whole = given.get("evaluate")
        single = {k.removeprefix("evaluate."): v for k, v in given.items() if k.startswith("evaluate.")}
        try:
            return Metric.read(single | (whole if isinstance(whole, dict) else {}))
        except Refusal as refusal:
            raise Refusal(f"{self.name}: {refusal}") from None


def _stage(entry: dict[str, Any]) -> Stage:
    deps, outs = (
        {one["path"]: one.get("md5") or one.get("etag") or one.get("checksum") for one in entry.get(side) or []}
        for side in ("deps", "outs")
    )
    params = {file: dict(values or {}) for file, values in (entry.get("params") or {}).items()}
    return Stage(entry.get("cmd"), deps, outs, params)


def is_varied(key: str) -> bool:
    """Return whether a dotted key is of a param of `train` that is data and not model, see VARIED."""
    return any(key == one or key.startswith(f"{one}.") for one in VARIED)


def flatten(params: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested params as {dotted key: value}."""
    if not isinstance(params, dict):
        return {prefix: params}
    return {
        k: v
        for key, value in params.items()
        for k, v in flatten(value, f"{prefix}.{key}" if prefix else str(key)).items()
    }
