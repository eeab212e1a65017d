"""Estimators of scikit-learn as models: seeds, weights, what is kept of them, and what is refused."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.stats import poisson
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier

from conftest import SOURCE, params
from datapass.messages.problems import Refusal
from datapass.messages.progress import Progress
from datapass.settings import Settings, check, make
from datapass.training.estimators import (
    POISSON,
    EstimatorTrainer,
    TrainedEstimator,
    dump,
    load_estimator,
    resampled,
)
from datapass.training.models import load_models, trainer
from datapass.training.order import keys

CLASSES = ["a", "b", "c"]
BOOSTING = {
    "_target_": "sklearn.ensemble.HistGradientBoostingClassifier",
    "categorical_features": "from_dtype",
    "max_iter": 5,
    "early_stopping": False,
}
FOREST = {"_target_": "sklearn.ensemble.RandomForestClassifier", "n_estimators": 5}
LINEAR = {
    "_target_": "sklearn.pipeline.make_pipeline",
    "_args_": [
        {"_target_": "sklearn.feature_extraction.text.TfidfVectorizer", "ngram_range": [1, 2]},
        {"_target_": "sklearn.linear_model.LogisticRegression"},
    ],
}
NEIGHBOURS = {"_target_": "sklearn.neighbors.KNeighborsClassifier"}


def configured(estimator: dict[str, Any], resample: bool, kind: str = "tables", **data: Any) -> Settings:
    found = params(kind, **data)
    found["model"] = {"estimator": estimator, "resample": resample, "threads": 1}
    return check(found)


def table(n: int, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    ids = [f"e{i:03}" for i in range(n)]
    found = {"id": ids, "label": rng.choice(CLASSES, n), "weight": "1", "row": np.arange(n).astype(str)}
    return pd.DataFrame(found | columns, dtype="str")


def packed(n: int, kind: str = "tables") -> pd.DataFrame:
    rng = np.random.default_rng(4)
    if kind == "texts":
        return pd.DataFrame(
            {"text": [" ".join(rng.choice(["uu", "vv", "ww", "xx", "yy"], 5)) for _ in range(n)]}, dtype="str"
        )
    numbers = rng.normal(size=n)
    numbers[0] = np.nan
    return pd.DataFrame({"n": numbers, "c": pd.Categorical(rng.choice(["p", "q"], n))})


def trains(estimator: dict[str, Any], resample: bool, examples: pd.DataFrame, kind: str = "tables") -> EstimatorTrainer:
    settings = configured(estimator, resample, kind, **({"inputs": TABLE} if kind == "tables" else {}))
    inputs = make(settings.data.inputs, "data: inputs")
    found = trainer(settings, packed(len(examples), kind), inputs, CLASSES, examples, examples.iloc[:5])
    assert isinstance(found, EstimatorTrainer)
    return found


TABLE = {"_target_": "tumours.inputs.Table", "columns": {"n": "number", "c": "category"}}


def one(
    estimator: dict[str, Any], resample: bool = True, seed: int = 0, kind: str = "tables", n: int = 60
) -> TrainedEstimator:
    return trains(estimator, resample, table(n), kind).train(seed, Progress("train", 1, io.StringIO()))[0]


def ask(model: TrainedEstimator, kind: str = "tables") -> np.ndarray:
    return model.probabilities(packed(60, kind), np.arange(60), 7)


@pytest.mark.parametrize(("node", "kind"), [(BOOSTING, "tables"), (LINEAR, "texts")], ids=["rows", "texts"])
def test_a_seed_is_the_same_training_and_another_seed_another(node: dict[str, Any], kind: str) -> None:
    first, again, other = (ask(one(node, seed=seed, kind=kind), kind) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (60, 3)
    assert np.allclose(first.sum(axis=1), 1)


def test_random_state_is_the_seed_and_lists_of_numbers_are_tuples() -> None:
    node = {
        "_target_": "sklearn.pipeline.make_pipeline",
        "_args_": [{"_target_": "sklearn.impute.SimpleImputer"}, FOREST],
    }
    settings = configured(node, False, "images")
    inputs = make(settings.data.inputs, "data: inputs")
    arrays = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    found = trainer(settings, arrays, inputs, CLASSES, table(60), table(0))
    models = [found.train(seed, Progress("train", 1, io.StringIO()))[0] for seed in (3, 4)]
    assert [model.estimator.get_params()["randomforestclassifier__random_state"] for model in models] == [3, 4]  # type: ignore[attr-defined]
    rows = np.arange(60)
    assert not np.array_equal(*(model.probabilities(arrays, rows, 9) for model in models))
    assert one(LINEAR, kind="texts").estimator[0].ngram_range == (1, 2)


def test_an_estimator_that_ignores_its_seed_has_to_resample() -> None:
    found = trains(BOOSTING, False, table(60))
    found.train(0, Progress("train", 2, io.StringIO()))
    with pytest.raises(Refusal, match=r"gives the same for every seed.*`resample: true`"):
        found.train(1, Progress("train", 2, io.StringIO()))


REFUSED = {
    "no estimator": ({"_target_": "collections.OrderedDict"}, "is no estimator of scikit-learn"),
    "missing values": ({"_target_": "sklearn.linear_model.LogisticRegression"}, "could not convert string"),
    "an unknown argument": (BOOSTING | {"trees": 3}, "unexpected keyword argument"),
    "out of range": (BOOSTING | {"max_iter": -1}, "max_iter"),
    "no probabilities": ({"_target_": "sklearn.svm.LinearSVC"}, "LinearSVC"),
}


@pytest.mark.parametrize(("node", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(node: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal) as refusal:
        one(node)
    assert str(refusal.value).startswith("conf/model: estimator: ") or "conf/model" in str(refusal.value)
    assert said in str(refusal.value)


def test_what_takes_no_weights_gets_rows_as_often_as_they_are_drawn() -> None:
    examples, arrays = table(60), np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    settings = configured(NEIGHBOURS, True, "images")
    found = trainer(settings, arrays, make(settings.data.inputs, "data: inputs"), CLASSES, examples, table(0))
    model = found.train(3, Progress("train", 1, io.StringIO()))[0]
    assert model.estimator.n_samples_fit_ == resampled(keys(examples["id"]), 3).sum()  # type: ignore[attr-defined]


def test_what_hardly_depends_on_its_seed_has_to_resample() -> None:
    node = {"_target_": "sklearn.linear_model.LogisticRegression", "solver": "saga", "max_iter": 500}
    settings = configured(node, False, "images")
    arrays = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    found = trainer(settings, arrays, make(settings.data.inputs, "data: inputs"), CLASSES, table(60), table(0))
    found.train(0, Progress("train", 2, io.StringIO()))
    with pytest.raises(Refusal, match="gives the same for every seed"):
        found.train(1, Progress("train", 2, io.StringIO()))


def test_randomness_that_no_parameter_names_is_the_seeds() -> None:
    shuffled = {"_target_": "sklearn.model_selection.StratifiedKFold", "n_splits": 3, "shuffle": True}
    node = {"_target_": "sklearn.calibration.CalibratedClassifierCV", "cv": shuffled, "estimator": BOOSTING}
    models = [one(node) for _ in range(2)]
    assert np.array_equal(*map(ask, models))


def test_one_class_is_too_few() -> None:
    with pytest.raises(Refusal, match="training rows of one class alone"):
        trains(BOOSTING, True, table(60, label="a")).train(0, Progress("train", 1, io.StringIO()))


def test_a_column_that_is_empty_in_a_draw_stops_nothing() -> None:
    settings = configured(BOOSTING, True, inputs=TABLE)
    values = packed(60).assign(n=np.nan)
    inputs = make(settings.data.inputs, "data: inputs")
    found = trainer(settings, values, inputs, CLASSES, table(60), table(0))
    model = found.train(0, Progress("train", 1, io.StringIO()))[0]
    assert np.isfinite(model.probabilities(values, np.arange(60), 7)).all()


def test_nothing_to_train_on() -> None:
    with pytest.raises(Refusal, match="No training example counts"):
        trains(BOOSTING, True, table(10, weight="0"))


def test_what_was_dropped_teaches_nothing() -> None:
    dropped = np.arange(60) % 4 == 0
    weight = np.where(dropped, "0", "1")
    before = table(60, weight=weight)
    after = before.assign(label=before["label"].mask(dropped, "c"))
    one_, other = (trains(BOOSTING, True, t).train(0, Progress("train", 1, io.StringIO()))[0] for t in (before, after))
    assert np.array_equal(ask(one_), ask(other))


def test_a_class_without_training_rows_has_no_probability() -> None:
    examples = table(60)
    model = trains(BOOSTING, True, examples.assign(label=examples["label"].replace("b", "a"))).train(
        0, Progress("train", 1, io.StringIO())
    )[0]
    assert (ask(model)[:, 1] == 0).all()


def test_rows_are_drawn_by_unit_and_equally_in_both_arms() -> None:
    ids = pd.Series([f"id-{i}" for i in range(20_000)])
    drawn = resampled(keys(ids), 5)
    assert np.array_equal(drawn[100:], resampled(keys(ids[100:]), 5)), "rows that go or come change no other row's draw"
    assert not np.array_equal(drawn, resampled(keys(ids), 6))
    share = np.bincount(drawn.astype(int), minlength=8)[:8] / len(ids)
    assert np.allclose(share, poisson.pmf(np.arange(8), 1), atol=0.01)
    assert np.allclose(POISSON, poisson.cdf(np.arange(len(POISSON)), 1))


def test_a_group_is_drawn_as_a_whole() -> None:
    examples = table(60, group=[f"g{i // 6}" if i < 30 else "" for i in range(60)])
    units = trains(BOOSTING, True, examples).units
    assert len(np.unique(units)) == 5 + 30


SAME = """
import sys; sys.path[:0] = [{source!r}, {tests!r}, {unit!r}]
import hashlib
from test_estimators import *
for node, kind in ((BOOSTING, "tables"), (LINEAR, "texts")):
    print(hashlib.sha256(dump(one(node, kind=kind).estimator, {{"seed": 0}})).hexdigest())
"""


def test_the_same_training_is_kept_as_the_same_bytes() -> None:
    here = Path(__file__).parent
    code = SAME.format(source=str(SOURCE), tests=str(here.parent), unit=str(here))
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert len(set(runs[0].stdout.split())) == 2


@pytest.mark.parametrize(("node", "kind"), [(BOOSTING, "tables"), (LINEAR, "texts")], ids=["rows", "texts"])
def test_what_is_kept_answers_the_same(node: dict[str, Any], kind: str, tmp_path: Path) -> None:
    model = one(node, kind=kind)
    about = {"classes": CLASSES, "seed": 7, "environment": "e", "fingerprint": "f"}
    model.save(tmp_path, about)
    settings = configured(node, True, kind)
    (loaded,) = load_models(tmp_path, settings, model.inputs)
    assert loaded.about == about | {"threads": 1}
    assert np.array_equal(ask(model, kind), loaded.probabilities(packed(60, kind), np.arange(60), 7))
    assert loaded.encoders == model.encoders
    assert (loaded.encoders is None) == (kind == "tables")


def test_models_of_different_trainings_are_not_mixed(tmp_path: Path) -> None:
    model = one(BOOSTING)
    for seed in (0, 1):
        model.save(tmp_path, {"classes": CLASSES, "seed": seed, "environment": "e", "fingerprint": str(seed)})
    with pytest.raises(Refusal, match="models of different trainings"):
        load_models(tmp_path, configured(BOOSTING, True), model.inputs)
    with pytest.raises(Refusal, match="holds no model"):
        load_models(tmp_path / "none", configured(BOOSTING, True), model.inputs)


class Foreign(DummyClassifier):
    """Stands for what somebody could put into a file."""


def test_a_file_that_holds_another_library_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "seed-0.skops"
    path.write_bytes(dump(Foreign().fit([[0], [1]], [0, 1]), {"classes": CLASSES, "seed": 0}))
    with pytest.raises(Refusal, match=r"test_estimators.Foreign.*not loaded"):
        load_estimator(path, None, FOREST)
    assert load_estimator(path, None, {"_target_": "test_estimators.Foreign"}).about["seed"] == 0


def test_a_file_that_would_call_a_function_is_not_loaded(tmp_path: Path) -> None:
    path, made = tmp_path / "seed-0.skops", tmp_path / "made"
    kept = dump(RandomForestClassifier(1).fit([[0], [1]], [0, 1]), {"classes": CLASSES})
    calls = {
        "__class__": "exec",
        "__module__": "builtins",
        "__loader__": "ConstructorFromReduceNode",
        "content": {
            "__class__": "tuple",
            "__module__": "builtins",
            "__loader__": "TupleNode",
            "content": [
                {
                    "__class__": "str",
                    "__module__": "builtins",
                    "__loader__": "JsonNode",
                    "content": json.dumps(f"open({str(made)!r}, 'w')"),
                    "is_json": True,
                    "__id__": 9001,
                }
            ],
            "__id__": 9002,
        },
        "__id__": 9003,
    }
    with zipfile.ZipFile(io.BytesIO(kept)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(contents["schema.json"])
    schema["content"]["content"]["criterion"] = calls
    contents["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(Refusal, match=r"builtins.exec.*not loaded"):
        load_estimator(path, None, FOREST)
    assert not made.exists()


def test_the_archive_is_one_that_skops_reads() -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(50, 3)), rng.integers(0, 2, 50)
    fitted = RandomForestClassifier(3, random_state=0).fit(inputs, targets)
    kept = dump(fitted, {})
    loaded = skops.io.loads(kept, trusted=skops.io.get_untrusted_types(data=kept))
    assert np.array_equal(loaded.predict_proba(inputs), fitted.predict_proba(inputs))
    with zipfile.ZipFile(io.BytesIO(kept)) as archive:
        assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pickle"))]
