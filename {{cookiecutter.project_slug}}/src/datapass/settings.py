"""What conf/ may say, as pydantic models: everything missing, misspelt, of the wrong kind or out of range is named at once.

A setting that nothing reads would be taken for one that works, so it is refused: add yours here, beside the code that
reads it.
"""

import hashlib
import json
import math
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from .files.paths import PARAMS
from .messages.problems import Problem, Refusal, near_miss, quoted

PATIENCE = 20.0  # seconds

Positive = Annotated[int, Field(strict=True, ge=1)]
Seed = Annotated[int, Field(strict=True, ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


def _different(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("one stands there twice")
    return values


def _target(node: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(node.get("_target_"), str):
        raise ValueError("needs `_target_`, the dotted name of a class or function")
    return node


Node = Annotated[dict[str, Any], AfterValidator(_target)]  # what Hydra builds; checked further when it is built


class Part(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid")


class Split(Part):
    """conf/data: shares of the sets."""

    validation: Share
    test: Share
    salt: str | int

    @model_validator(mode="after")
    def _leave_some(self) -> "Split":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave no training set")
        return self


class Passes(Part):
    """conf/data: which passes apply."""

    until: str | None
    without: list[str]


class Checks(Part):
    """conf/data: limits of the warnings."""

    min_examples: Annotated[int, Field(strict=True, ge=0)]
    mass_edit: Annotated[float, Field(ge=0)]
    balance_jump: Annotated[float, Field(ge=0)]


class Example(Part):
    """conf/data: the embedded example."""

    noise: Share
    seed: Seed


class Data(Part):
    """conf/data."""

    example: Example | None = None

    inputs: Node
    augment: Node | None = None  # of training examples; projects made before there was a choice have none
    size: Positive | None = None  # training examples of each seed; null: all
    classes: Annotated[list[str | int], AfterValidator(_different)] | None
    split: Split
    passes: Passes
    checks: Checks


class Network(Part):
    """conf/model of a network, and how it is trained: all of it is frozen."""

    network: Node
    task: Node
    steps: Positive
    batch_size: Positive
    threads: Positive
    devices: Positive = 1  # that one training takes; projects made before there was a choice take one
    precision: str | int
    gradient_clip_val: Annotated[float, Field(ge=0)] | None
    callbacks: dict[str, Node]

    @model_validator(mode="after")
    def _a_row_for_each_device(self) -> "Network":
        if self.batch_size < self.devices:
            raise ValueError(
                f"a batch_size of {self.batch_size} leaves one of {self.devices} devices without an example"
            )
        return self

    @model_validator(mode="after")
    def _leave_the_shapes(self) -> "Network":
        given = sorted({"shape", "classes"} & self.network.keys())
        if given:
            raise ValueError(f"network.{given[0]} comes from the data; take it out")
        return self


class Estimator(Part):
    """conf/model of a scikit-learn classifier: all of it is frozen."""

    estimator: Node
    resample: bool
    threads: Positive


NETWORK, ESTIMATOR = "<network>", "<estimator>"  # no names that a setting could have


def _which(model: Any) -> str:
    given = "estimator" in model if isinstance(model, dict) else isinstance(model, Estimator)
    return ESTIMATOR if given else NETWORK


Model = Annotated[Annotated[Network, Tag(NETWORK)] | Annotated[Estimator, Tag(ESTIMATOR)], Discriminator(_which)]


def _which_devices(devices: Any) -> Any:
    listed = isinstance(devices, list) and devices and all(type(one) is int and one >= 0 for one in devices)
    if devices not in (1, "auto") and not (listed and len(set(devices)) == len(devices)):
        raise ValueError(
            "must be 1, `auto` for all, or a list such as [0, 2]: which of them trainings may take, one each; several for one "
            "training change the weights, and are `devices` of conf/model"
        )
    return devices


class Trainer(Part):
    """conf/trainer: where to train, in which processes, and what to log; no stage has it as a param, so nothing in it may change the weights."""

    accelerator: str
    devices: Annotated[Any, AfterValidator(_which_devices)]
    logger: Node | dict[str, Node] | None = None
    executor: Node | None = None  # projects made before there was a choice have none

    @property
    def here(self) -> bool:
        """Whether trainings are processes of this machine."""
        return self.executor is None or self.executor["_target_"] == "datapass.executors.local.Local"


def _costs(given: dict[Any, dict[Any, Any]]) -> dict[str, dict[str, float]]:
    """Return a matrix of costs with names as text. YAML reads a bare 7 or `no` as another thing than a
    name, and DVC cannot write both into one lock."""
    names = dict.fromkeys(name for right, row in given.items() for name in (right, *row))
    wrong = [f"put quotes around {name}" for name in names if not isinstance(name, str)]
    wrong += [
        f"{quoted(str(right))} taken for {quoted(str(answer))} costs {quoted(cost) if isinstance(cost, str) else cost}"
        for right, row in given.items()
        for answer, cost in row.items()
        if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < math.inf
    ]
    if wrong:
        raise ValueError(f"every cost must be a number, 0 or more, of a class by name: {', '.join(wrong)}")
    return {right: {answer: float(cost) for answer, cost in row.items()} for right, row in given.items()}


class Evaluate(Part):
    """conf/config.yaml, evaluate. Projects made before there was a choice measure accuracy."""

    batch_size: Positive
    metric: Literal["accuracy", "balanced_accuracy", "macro_f1", "cost"] = "accuracy"
    costs: Annotated[dict[Any, dict[Any, Any]], AfterValidator(_costs)] | None = None

    @model_validator(mode="after")
    def _cost_what_is_said(self) -> "Evaluate":
        if (self.metric == "cost") != bool(self.costs):
            raise ValueError("`costs` and `metric: cost` go together: give both, or neither")
        return self


class Audit(Part):
    """conf/config.yaml, audit."""

    folds: Annotated[int, Field(strict=True, ge=2)]
    seeds: Positive
    limit: Positive
    near: Share
    test_sample: Annotated[int, Field(strict=True, ge=0)]


class Settings(Part):
    """All of params.yaml."""

    data: Data
    model: Model
    trainer: Trainer
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_different)]
    evaluate: Evaluate
    audit: Audit
    looks: Positive | None = None  # read by `compare` alone, of the baseline


FILES = {"data": "conf/data", "model": "conf/model", "trainer": "conf/trainer"}


def targets(node: Any) -> set[str]:
    """Return all `_target_`s in a Hydra node, and what `hydra.utils.get_*` fetches by its `path`."""
    if isinstance(node, dict):
        own = {str(node["_target_"])} if "_target_" in node else set[str]()
        fetched = (
            {str(node["path"])} if "path" in node and any(t.startswith("hydra.utils.get_") for t in own) else set()
        )
        return (own | fetched).union(*map(targets, node.values()))
    return set().union(*map(targets, node)) if isinstance(node, list) else set()


def _unnamed(node: Any, place: str) -> list[str]:
    """Return where a Hydra node has a key that YAML read as another thing than text."""
    if isinstance(node, list):
        return [found for part in node for found in _unnamed(part, place)]
    parts = list(node.items()) if isinstance(node, dict) else []
    own = [f"{place}.{key}" for key, _ in parts if not isinstance(key, str)]
    return own + [found for key, part in parts for found in _unnamed(part, f"{place}.{key}")]


def check(params: dict[str, Any]) -> Settings:
    """Return composed params as settings. Raises Refusal for everything in them that is not as `Settings` says."""
    groups = [name for name in FILES if isinstance(params, dict) and name in params]
    unnamed = [(name, place) for name in groups for place in _unnamed(params[name], name)]
    if unnamed:  # DVC cannot sort the keys of its lock then
        what = "is a name, and YAML reads it as another thing; put it in quotes"
        raise Refusal([Problem(FILES[name], f"{place}: {what}") for name, place in unnamed])
    try:
        settings = Settings.model_validate(params)
    except ValidationError as error:
        found = error.errors(include_url=False)
        for one in found:
            one["loc"] = tuple(part for part in one["loc"] if part not in (NETWORK, ESTIMATOR))
        missing = {one["loc"] for one in found if one["type"] == "missing"}
        raise Refusal([_problem(one, missing) for one in found]) from None
    if settings.data.augment is not None and isinstance(settings.model, Estimator):
        raise Refusal("conf/data: data.augment: of an estimator's training inputs nothing is augmented; leave it null.")
    return settings


def load(path: Path = PARAMS) -> Settings:
    """Read params.yaml. Raises Refusal where it is missing, no YAML, or not as `Settings` says."""
    try:
        return check(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise Refusal(f"{path} is missing; run this in the project's folder.") from None
    except yaml.YAMLError as error:
        raise Refusal(f"{path} is not YAML ({error}); `git checkout HEAD -- {path}`, then `dvc repro`.") from None


def digest_of(settings: Settings) -> str:
    """Return 64 hex digits that stand for settings."""
    content = json.dumps(settings.model_dump(), sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def load_again(wanted: str, seconds: float = PATIENCE) -> Settings:
    """Return the settings of this digest from params.yaml, into which `dvc exp run --queue` writes others for a moment.

    Raises:
        Refusal: where they are others for longer.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            found = load()
            if digest_of(found) == wanted:
                return found
        except Refusal:  # half-written
            pass
        if time.monotonic() > end:
            raise Refusal(f"{PARAMS} has other settings than when the stage began; run `dvc repro` again.")
        time.sleep(0.1)


def _problem(found: Any, missing: set[tuple[int | str, ...]]) -> Problem:
    place = [str(part) for part in found["loc"] if part not in ("str", "int")]
    what = found["msg"].removeprefix("Value error, ")
    if found["type"] == "extra_forbidden":
        beside = [str(loc[-1]) for loc in sorted(missing) if loc[:-1] == found["loc"][:-1]]
        what = f"is no setting{near_miss(place[-1], beside)}"
        if place[0] == "trainer":
            what = "may change the weights; only accelerator, devices, logger and executor belong there"
    elif found["type"] == "missing":
        what = "is missing"
    elif not isinstance(found["input"], dict):
        what = f"{what[:1].lower()}{what[1:]}, not {quoted(found['input'])}"
    return Problem(FILES.get(place[0], "conf/config.yaml"), f"{'.'.join(place)}: {what}")


def make(node: dict[str, Any], name: str, **given: Any) -> Any:
    """Return what a Hydra node of conf/ makes of its own and the `given` arguments.

    Args:
        node: with `_target_`.
        name: where it stands in the configuration, for messages.

    Raises:
        Refusal: where it cannot be imported or does not take its arguments.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    try:
        # Partial first: Hydra would copy what is given into a configuration.
        if given:
            return instantiate(node, _partial_=True, _convert_="all")(**given)
        return instantiate(node, _convert_="all")
    except (InstantiationException, TypeError, ValueError) as error:
        raise Refusal(f"conf/{name}: {str(error).partition(', set env var')[0]}") from None
