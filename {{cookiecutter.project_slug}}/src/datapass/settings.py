"""What conf/ may say, as pydantic models: everything missing, misspelt, of the wrong kind or out of range is named at once.

A setting that nothing reads would be taken for one that works, so it is refused: add yours here, beside the code that
reads it.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from .files.paths import PARAMS
from .files.writes import read_params
from .messages.problems import Problem, Refusal, near_miss, quoted

Positive = Annotated[int, Field(strict=True, ge=1)]
Seed = Annotated[int, Field(strict=True, ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


def _different(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("one stands there twice")
    return values


class Part(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid")


class Inputs(Part):
    """conf/data: the shape of an input."""

    height: Positive
    width: Positive
    channels: Literal[1, 3]
    fill: Annotated[int, Field(strict=True, ge=0, le=255)]


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

    inputs: Inputs
    classes: Annotated[list[str | int], AfterValidator(_different)] | None
    split: Split
    passes: Passes
    checks: Checks


class Model(Part):
    """conf/model; what Hydra builds is checked when it is built."""

    network: dict[str, Any]
    loss: dict[str, Any]
    optimizer: dict[str, Any]
    steps: Positive
    batch_size: Positive
    threads: Positive

    @model_validator(mode="after")
    def _leave_the_shapes(self) -> "Model":
        given = sorted({"channels", "height", "width", "classes"} & self.network.keys())
        if given:
            raise ValueError(f"network.{given[0]} comes from the data; take it out")
        return self


class Evaluate(Part):
    """conf/config.yaml, evaluate."""

    batch_size: Positive


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
    trainer: dict[str, Any]
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_different)]
    evaluate: Evaluate
    audit: Audit


FILES = {"data": "conf/data", "model": "conf/model", "trainer": "conf/trainer"}


def check(params: dict[str, Any]) -> Settings:
    """Return composed params as settings. Raises Refusal for everything in them that is not as `Settings` says."""
    try:
        return Settings.model_validate(params)
    except ValidationError as error:
        found = error.errors(include_url=False)
        missing = {one["loc"] for one in found if one["type"] == "missing"}
        raise Refusal([_problem(one, missing) for one in found]) from None


def load(path: Path = PARAMS) -> Settings:
    """Read params.yaml. Raises Refusal where it is missing, no YAML, or not as `Settings` says."""
    return check(read_params(path))


def _problem(found: Any, missing: set[tuple[int | str, ...]]) -> Problem:
    place = [str(part) for part in found["loc"] if part not in ("str", "int")]
    what = found["msg"].removeprefix("Value error, ")
    if found["type"] == "extra_forbidden":
        beside = [str(loc[-1]) for loc in sorted(missing) if loc[:-1] == found["loc"][:-1]]
        what = f"is no setting{near_miss(place[-1], beside)}"
    elif found["type"] == "missing":
        what = "is missing"
    elif not isinstance(found["input"], dict):
        what = f"{what[:1].lower()}{what[1:]}, not {quoted(found['input'])}"
    return Problem(FILES.get(place[0], "conf/config.yaml"), f"{'.'.join(place)}: {what}")
