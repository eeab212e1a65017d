"""What is known beside the errors on the test set: read from the workspace, its experiments and Git."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy.special import stdtrit

from ..annotators.agreement import Agreement, measure
from ..annotators.annotations import read_annotations
from ..comparison.history import ledger
from ..comparison.lineup import slices
from ..comparison.metric import Metric
from ..comparison.revisions import WORKSPACE, YAML, Revision, git
from ..data.examples import counts, metadata, stored
from ..data.passes import pass_names
from ..files.paths import AUDIT, CURVES, METRICS, PARAMS, PASSES, PREDICTIONS, SUSPECTS, TEST, TRAIN, VALIDATION
from ..files.tables import read_table
from ..messages.problems import Refusal
from ..report.errors import ALL, CLASS, Errors, analyse
from ..review.suspects import TRAINING
from .ladder import experiments, rungs_of

MODELS = Path("conf/model")


@dataclass(frozen=True)
class Evidence:
    """What is known; whatever is not is None, empty or 0.

    Attributes:
        audit: reports/audit.json.
        suspects: label and suggested of the suspects for training and validation.
        labels: number of examples for training and validation by label.
        train: number of training examples by group, see `errors.examples_of`.
        fit: share of the training labels, as they are, that the trained models give.
        agreement: between annotators.
        passes: see `history.ledger`.
        slope: see `slope_of`. sizes: of how many it is measured.
        trainings: that a run takes, the audit's included.
        model: the override of another model than the present one, such as `model=mlp`.
    """

    audit: dict[str, Any] | None = None
    suspects: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"label": [], "suggested": []}, dtype="str"))
    labels: pd.Series = field(default_factory=lambda: pd.Series(dtype="int64"))
    train: dict[str, int] = field(default_factory=dict)
    fit: float | None = None
    agreement: Agreement | None = None
    passes: Sequence[dict[str, Any]] = ()
    slope: tuple[float, float, float] | None = None
    sizes: int = 0
    trainings: int = 0
    model: str = ""

    @property
    def noise(self) -> float:
        """Share of the labels for training and validation that look wrong to the audit; NaN without one."""
        return self.audit["wrong_labels"] / self.audit["audited"] if self.audit else float("nan")


def read_results() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the predictions and the test examples of the workspace. Raises Refusal where one is missing."""
    paths = [PREDICTIONS, stored(TEST)]
    for path in paths:
        if not path.is_file():
            raise Refusal(f"{path.as_posix()} is missing; `dvc repro` writes it.")
    return read_table(paths[0]), read_table(paths[1])


def read() -> tuple[Errors, Evidence]:
    """Return the errors of the workspace and what is known beside them.

    Raises:
        Refusal: where the results are missing or stale, or something that is read is not what it should be.
    """
    params = yaml.load(PARAMS.read_bytes(), Loader=YAML) if PARAMS.is_file() else {}
    metric = Metric.read(params.get("evaluate", {}))
    tables = {path: read_table(stored(path)) for path in (TRAIN, VALIDATION) if stored(path).is_file()}
    tables = {path: table[counts(table)].reset_index(drop=True) for path, table in tables.items()}
    audited = pd.concat([t["label"] for t in tables.values()]) if tables else pd.Series(dtype="str")
    audit = json.loads(AUDIT.read_text(encoding="utf-8")) if AUDIT.is_file() else None
    suspects = read_table(SUSPECTS) if SUSPECTS.is_file() else pd.DataFrame(columns=["queue", "label", "suggested"])
    curves = read_table(CURVES) if CURVES.is_file() else pd.DataFrame()
    fits = pd.to_numeric(curves.get("train_accuracy", pd.Series(dtype="float64")), errors="coerce").dropna()
    annotations = read_annotations()
    shared = annotations.drop_duplicates(["id", "annotator"])["id"].duplicated().any()
    points = curve_points()
    audit_runs = params.get("audit", {})
    seeds = len(params.get("seeds", []))
    return analyse(*read_results(), metric), Evidence(
        audit,
        suspects.loc[suspects["queue"] == TRAINING, ["label", "suggested"]].reset_index(drop=True),
        audited.value_counts(),
        groups(tables[TRAIN]) if TRAIN in tables else {},
        float(fits.iloc[-1]) if len(fits) else None,
        measure(annotations) if shared else None,
        past(),
        slope_of(points),
        len({size for size, _ in points}),
        seeds + audit_runs.get("folds", 0) * min(audit_runs.get("seeds", 0), seeds),
        other_model(params.get("model", {})),
    )


def past() -> list[dict[str, Any]]:
    """Return the ledger of passes; nothing where nothing is committed yet or a pass is being written."""
    if not pass_names(PASSES) or not git("for-each-ref", "--count=1"):
        return []
    with suppress(Refusal):
        return ledger()
    return []


def groups(train: pd.DataFrame) -> dict[str, int]:
    """Return how many training examples there are in all, of each class and of each slice."""
    classes = {f"{CLASS}{name}": int(number) for name, number in train["label"].value_counts().items()}
    return {name: len(rows) for name, rows in slices(train[metadata(train.columns)])} | classes | {ALL: len(train)}


def other_model(present: dict[str, Any]) -> str:
    """Return the override of the first model of conf/model/ that is not the present one, else of more steps, else nothing."""
    for path in sorted(MODELS.glob("*.yaml"), key=lambda path: path.name):
        other = yaml.load(path.read_bytes(), Loader=YAML)
        if re.fullmatch(r"[A-Za-z0-9_-]+", path.stem) and isinstance(other, dict) and other != present:
            return f"model={path.stem}"
    return f"model.steps={2 * present['steps']}" if isinstance(present.get("steps"), int) else ""


def curve_points() -> list[tuple[int, float]]:
    """Return training examples and error (share of wrong answers) of results on subsets (`data.size`) of this data revision.

    They are the workspace's and those of its rungs, one for each number of examples.
    """
    own, points = Revision(WORKSPACE, None), dict[int, float]()
    for size, revision in [
        *rungs_of(own, experiments()).items(),
        (None, own),
    ]:  # an experiment that was kept is the workspace's result too
        with suppress(Refusal, KeyError, TypeError):  # what this version cannot read is no point
            metrics = revision.json(METRICS)
            points[size or revision.lock.size or int(metrics["train_examples"])] = 1 - float(metrics["accuracy"])
    return sorted(points.items())


def slope_of(points: Sequence[tuple[int, float]]) -> tuple[float, float, float] | None:
    """Return b in error ~ n^-b with its 95 % interval, cut to 0..1: low, middle, high.

    Least squares on logarithms; None with fewer than three sizes, or where the largest is under twice the smallest.

    Args:
        points: training examples and error of each result.
    """
    some = np.array([point for point in points if min(point) > 0], dtype=float).reshape(-1, 2)
    if len(np.unique(some[:, 0])) < 3 or some[:, 0].max() < 2 * some[:, 0].min():
        return None
    x, y = np.log(some).T
    x = x - x.mean()
    b = -(x @ y) / (x @ x)
    rest = y - y.mean() + b * x
    reach = stdtrit(len(x) - 2, 0.975) * np.sqrt(rest @ rest / (len(x) - 2) / (x @ x))
    low, middle, high = np.clip([b - reach, b, b + reach], 0, 1)
    return float(low), float(middle), float(high)
