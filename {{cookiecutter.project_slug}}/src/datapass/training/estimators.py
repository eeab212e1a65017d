"""A scikit-learn classifier trained once a seed on the same examples, kept without pickle; see `models.Trainer`.

It gets rows as a DataFrame (categories as such, missing values as NaN), texts as a Series, files flattened as `prepare` makes
them. Encoders are a part of it, as in any `Pipeline`, and so are fitted on the training rows that count.
"""

import hashlib
import inspect
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from hydra.utils import get_object
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_info, threadpool_limits

from ..data.examples import class_codes, counts, packed_rows
from ..data.packed import Packed, take
from ..messages.problems import Refusal, quoted
from ..messages.progress import Progress
from ..settings import Estimator, Settings, make
from .environment import libraries, line, targets
from .order import keys, mix, units

RESAMPLE = 1 << 32  # a stream of random numbers that no epoch of batches uses
POISSON = np.cumsum(np.exp(-1) / np.cumprod([1.0, *range(1, 12)]))  # distribution function at mean 1
HARMLESS = {"functools.partial", "sklearn.utils.validation.check_array"}  # of what skops does not trust by itself
ABOUT = "about.json"


class EstimatorTrainer:
    """Trains the estimator of conf/model; arguments as of `models.trainer`."""

    def __init__(
        self,
        settings: Settings,
        packed: Packed,
        inputs: Any,
        classes: list[str],
        train: pd.DataFrame,
        validation: pd.DataFrame,
    ) -> None:
        assert isinstance(settings.model, Estimator)
        self.model, self.inputs, self.classes = settings.model, inputs, len(classes)
        train, validation = (table[counts(table)] for table in (train, validation))
        if train.empty:
            raise Refusal("No training example counts, so there is nothing to train on.")
        self.examples = features(packed, packed_rows(train), inputs), class_codes(train, classes)
        self.held_out = (features(packed, packed_rows(validation), inputs), class_codes(validation, classes))
        self.units = keys(units(train))
        self.first: np.ndarray | None = None  # answers of the first seed

    def train(self, seed: int, progress: Progress, log: bool = False) -> tuple["TrainedEstimator", pd.DataFrame]:
        """Return the estimator of a seed, and its accuracy on the training and validation examples.

        Raises:
            Refusal: where the estimator cannot be made or fitted, or two seeds give the same.
        """
        inputs, targets = self.examples
        estimator = make(self.model.estimator, "model: estimator")
        name = self.model.estimator["_target_"]
        if not all(hasattr(estimator, needed) for needed in ("fit", "get_params")):
            raise Refusal(f"conf/model: estimator: {name} is no estimator of scikit-learn.")
        given = estimator.get_params()
        chosen = {key: seed for key in given if key.rpartition("__")[2] == "random_state"}
        chosen |= {key: tuple(value) for key, value in given.items() if _numbers(value)}
        weights = resampled(self.units, seed) if self.model.resample else np.ones(len(targets))
        rows = np.flatnonzero(weights)
        if len(np.unique(targets[rows])) < 2:
            what = "draws" if self.model.resample else "has"
            raise Refusal(
                f"conf/model: estimator: seed {seed} {what} training rows of one class alone; it takes more of another."
            )
        try:
            estimator.set_params(**chosen)
            more = sample_weight(estimator, weights[rows]) if self.model.resample else {}
            if self.model.resample and not more:
                rows = np.repeat(rows, weights[rows].astype(int))
            # For what takes its random numbers from there, such as a splitter in a parameter.
            np.random.seed(seed % 2**32)
            with threadpool_limits(self.model.threads):
                estimator.fit(_used(_at(inputs, rows)), targets[rows], **more)
                made = TrainedEstimator(estimator, self.inputs, self.classes, {"threads": self.model.threads})
                answers = made.answer(inputs)
                curve = {"step": 1, "train_accuracy": (answers.argmax(axis=1) == targets).mean()}
                if len(self.held_out[1]):
                    right = made.answer(self.held_out[0]).argmax(axis=1) == self.held_out[1]
                    curve["validation_accuracy"] = right.mean()
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(f"conf/model: estimator: {name}: {error}") from None
        if self.first is None:
            self.first = answers
        elif not self.model.resample and np.allclose(self.first, answers, atol=1e-3):
            why = "gives the same for every seed, so seeds would tell nothing of luck"
            raise Refusal(
                f"conf/model: estimator: {name} {why}; set `resample: true`, so that each draws its training rows."
            )
        progress.advance(note=f"seed {seed}")
        return made, pd.DataFrame([curve])

    def environment(self) -> str:
        """Return the versions of the libraries that the estimator comes from, the system and the processor's kernels."""
        others = libraries({"estimator": self.model.estimator}) | {"pandas", "scikit-learn", "scipy"}
        kernels = {info.get("architecture") for info in threadpool_info()} - {None}
        return line(["numpy", *sorted(others)], f"cpu {' '.join(sorted(kernels))}".strip())


def resampled(units: np.ndarray, seed: int) -> np.ndarray:
    """Return how often each training row is drawn in a bootstrap by unit (n, float64, Poisson with mean 1).

    It depends on the unit and the seed alone, so a row is drawn equally often in both arms of a comparison. The Poisson
    bootstrap: Chamandy et al. 2012, "Estimating uncertainty for massive data streams".

    Args:
        units: hash of each row's group, or of its id (n, uint64).
    """
    return np.searchsorted(POISSON, mix(units, seed, RESAMPLE) / 2.0**64, side="right").astype(float)


def sample_weight(estimator: Any, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the weights as arguments of `fit`, those of a pipeline are its last step's; nothing where it takes none."""
    last, prefix = (
        (estimator.steps[-1][1], f"{estimator.steps[-1][0]}__") if isinstance(estimator, Pipeline) else (estimator, "")
    )
    takes = "sample_weight" in inspect.signature(last.fit).parameters
    return {f"{prefix}sample_weight": weights} if takes else {}


def features(packed: Packed, rows: np.ndarray, inputs: Any) -> Any:
    """Return the packed inputs at `rows` as scikit-learn takes them: a DataFrame, a Series of texts, or a matrix."""
    part = take(packed, rows)
    if isinstance(part, pd.DataFrame):
        return part.iloc[:, 0] if list(inputs.columns.values()) == ["text"] else part
    import torch  # the team's `prepare` speaks in tensors

    return inputs.prepare(torch.from_numpy(part)).flatten(1).numpy()


def _at(inputs: Any, rows: np.ndarray) -> Any:
    """Return some of the training rows, some maybe several times."""
    return inputs[rows] if isinstance(inputs, np.ndarray) else inputs.iloc[rows]


def _numbers(value: Any) -> bool:
    """Return whether a parameter is a list of numbers: scikit-learn asks for tuples, which YAML has none of."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, int | float) for one in value)


def _used(inputs: Any) -> Any:
    """Return training rows that know only the categories which are in them; a number that all lack is 0."""
    if not isinstance(inputs, pd.DataFrame):
        return inputs.reset_index(drop=True) if isinstance(inputs, pd.Series) else inputs
    named = inputs.columns[inputs.dtypes == "category"]
    used = {name: inputs[name].cat.remove_unused_categories() for name in named}
    empty = inputs.columns[(inputs.dtypes == "float64") & inputs.isna().all()]
    return inputs.assign(**used, **{name: inputs[name].fillna(0) for name in empty}).reset_index(drop=True)


@dataclass(frozen=True)
class TrainedEstimator:
    """An estimator that learnt; see `models.Trained`."""

    estimator: Any
    inputs: Any
    classes: int
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def encoders(self) -> str | None:
        """Digest of the steps before a pipeline's last; None for an estimator without such."""
        if not isinstance(self.estimator, Pipeline) or len(self.estimator) < 2:
            return None
        return hashlib.sha256(dump(self.estimator[:-1], {})).hexdigest()[:12]

    def answer(self, inputs: Any) -> np.ndarray:
        """Return the class probabilities (n, classes; float32); a class that it never saw has 0."""
        found = np.zeros((len(inputs), self.classes), dtype=np.float32)
        if len(inputs):
            found[:, self.estimator.classes_] = self.estimator.predict_proba(inputs)
        return found

    def probabilities(self, packed: Packed, rows: np.ndarray, batch: int) -> np.ndarray:
        """Return the class probabilities of the packed inputs at `rows` (rows, classes; float32)."""
        with threadpool_limits(self.about["threads"]):
            return self.answer(features(packed, rows, self.inputs))

    def save(self, folder: Path, about: Mapping[str, Any]) -> Path:
        """Write seed-N.skops."""
        path = folder / f"seed-{about['seed']}.skops"
        path.write_bytes(dump(self.estimator, {**self.about, **about}))
        return path


def dump(estimator: Any, about: Mapping[str, Any]) -> bytes:
    """Return an estimator in the format of skops, the same bytes for the same content.

    skops names parts and files by their place in memory; here they are numbered in the order in which they are met.
    """
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as archive:
        schema = json.loads(archive.read("schema.json"))
        names: dict[str, str] = {}
        numbers: dict[int, int] = {}
        for node in _nodes(schema):
            if "file" in node:
                node["file"] = names.setdefault(node["file"], f"{len(names)}{Path(node['file']).suffix}")
            if "_stop_words_id" in node:  # a place in memory too, which scikit-learn's vectorizers keep
                node["_stop_words_id"]["content"] = "0"
            if "__id__" in node:
                # Texts and numbers are shared by chance, what holds others by the estimator's making.
                key = node["__id__"] if node.get("__loader__") != "JsonNode" else -len(numbers) - 1
                node["__id__"] = numbers.setdefault(key, len(numbers))
        contents = {new: archive.read(old) for old, new in names.items()}
    contents |= {"schema.json": json.dumps(schema).encode(), ABOUT: json.dumps(about, sort_keys=True).encode()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Return all mappings in a schema, in its order."""
    if isinstance(part, dict):
        yield part
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _nodes(value)


def _is_class(name: str) -> bool:
    try:
        return isinstance(get_object(name), type)
    except (ImportError, ValueError):
        return False


def load_estimator(path: Path, inputs: Any, node: Mapping[str, Any]) -> TrainedEstimator:
    """Return an estimator as `dump` wrote it.

    Args:
        inputs: the team's.
        node: of conf/model, whose libraries may be in the file.

    Raises:
        Refusal: where it holds anything of another library: loading that could run whatever somebody put there.
    """
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.read(ABOUT))
    known = {"sklearn"} | {target.partition(".")[0] for target in targets(dict(node))}
    foreign = skops.io.get_untrusted_types(file=path)
    # A class is made and filled; a function would be called, with whatever the file says.
    strange = [
        name for name in foreign if name not in HARMLESS and not (name.partition(".")[0] in known and _is_class(name))
    ]
    if strange:
        raise Refusal(
            f"{path.as_posix()} holds {', '.join(map(quoted, strange))}, of no library of the model's; not loaded."
        )
    return TrainedEstimator(skops.io.load(path, trusted=foreign), inputs, len(about["classes"]), about)
