"""100,000 rows of a table, and 100,000 texts, from CSV to verdict against scikit-learn alone; rows of `make bench`."""

import re
import time
from pathlib import Path

import numpy as np
import pandas as pd

from conftest import Project

N = 100_000
# What both arms come to without a project: read the tables, fit the same estimator once a seed, and ask it.
FLOOR = """
import numpy as np, pandas as pd
from hydra.utils import instantiate
from datapass.settings import load
settings = load()
labels = pd.read_csv("data/raw/labels.csv")
texts = "text" in labels
inputs = labels["text"] if texts else pd.read_csv("data/raw/features.csv").drop(columns="id")
if not texts:
    inputs["day"] = pd.to_datetime(inputs["day"]).astype("int64")
    inputs = inputs.astype({name: "category" for name in inputs if inputs[name].dtype == "str"})
train, test = labels["split"] == "train", labels["split"] == "test"
for arm in range(2):
    for seed in settings.seeds:
        estimator = instantiate(settings.model.estimator, _convert_="all")
        lists = {key: tuple(value) for key, value in estimator.get_params().items() if key.endswith("ngram_range")}
        estimator.set_params(**lists)
        drawn = np.random.default_rng(seed).choice(np.flatnonzero(train), int(0.632 * train.sum()), replace=False)
        estimator.fit(inputs.iloc[drawn], labels["label"].iloc[drawn])
        estimator.predict_proba(inputs[test])
"""


def table(rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray, dict[str, str]]:
    """Return 30 columns, labels that depend on them, and the columns' kinds."""
    columns = {f"n{i:02}": rng.normal(size=N).round(4) for i in range(24)}
    columns |= {f"c{i}": rng.choice([f"v{j}" for j in range(10 + 20 * i)], N) for i in range(5)}
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, N), unit="D")
    found = pd.DataFrame(columns | {"day": days.strftime("%Y-%m-%d")})
    score = found["n00"] + found["n01"] * found["n02"] + 2 * (found["c0"] == "v1") + rng.normal(size=N)
    kinds = {name: {"n": "number", "c": "category", "d": "date"}[name[0]] for name in found}
    return found, np.where(score > 0.2, "yes", "no"), kinds


def texts(rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return texts of 20 words, and labels that depend on them."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(rng.choice(letters, rng.integers(3, 9))) for _ in range(5000)])
    label = rng.integers(0, 4, N)
    of_class = (rng.integers(0, 1250, (N, 6)) + 1250 * label[:, None]).astype(int)
    chosen = np.hstack([of_class, rng.integers(0, 5000, (N, 14))])
    return pd.DataFrame({"text": [" ".join(row) for row in words[chosen]]}), np.char.add("class ", label.astype(str))


def deliver(project: Project, kind: str) -> None:
    """Write data of one's own into a project, without the example, and a pass that corrects half of its wrong labels."""
    rng = np.random.default_rng(0)
    raw = project.path / "data" / "raw"
    raw.mkdir(parents=True)
    ids = pd.Series([f"r{i:06}" for i in range(N)])
    if kind == "tables":
        found, truth, kinds = table(rng)
        found.assign(id=ids)[["id", *found]].to_csv(raw / "features.csv", index=False)
        path = project.path / "conf" / "data" / "tables.yaml"
        named = "".join(f"    {name}: {of}\n" for name, of in kinds.items())
        text = re.sub(r"(  columns:[^\n]*\n).*?(?=^\w)", rf"\g<1>{named}", path.read_text(), flags=re.S | re.M)
        path.write_text(re.sub(r"^example:.*?(?=^inputs)", "", text, flags=re.S | re.M))
    else:
        found, truth = texts(rng)
    split = rng.choice(["train", "validation", "test"], N, p=[0.7, 0.1, 0.2])
    names = np.unique(truth)
    wrong = (rng.random(N) < 0.12) & (split != "test")
    label = np.where(wrong, names[(np.searchsorted(names, truth) + 1) % len(names)], truth)
    labels = pd.DataFrame({"id": ids, "label": label, "split": split})
    (labels if kind == "tables" else labels.join(found)).to_csv(raw / "labels.csv", index=False)
    pipeline = project.path / "dvc.yaml"
    pipeline.write_text(re.sub(r"  example:.*?\n\n", "", pipeline.read_text(), flags=re.S))
    (project.path / "src" / project.package / "example.py").unlink()
    rows = np.flatnonzero(wrong)[::2]
    edits = pd.DataFrame({"id": ids[rows], "action": "relabel", "label": truth[rows], "was": label[rows]})
    edits.assign(reason="", by="").to_csv(project.path / "pass.csv", index=False)


def measure(project: Project, kind: str) -> tuple[float, float]:
    """Return the seconds from CSV to verdict, and those of the floor."""
    deliver(project, kind)
    start = time.perf_counter()
    project.run("dvc", "add", "--quiet", "data/raw")
    project.repro()
    project.commit("Baseline")
    Path(project.path / "pass.csv").rename(project.path / "data" / "passes" / "p001-half.csv")
    project.run("git", "add", "data/passes")
    project.repro()
    said = project.verb("compare", "main", "workspace").stdout
    cost = time.perf_counter() - start
    assert "against main" in said.partition("\n")[0], said
    start = time.perf_counter()
    project.run("python", "-c", FLOOR)
    return cost, time.perf_counter() - start
