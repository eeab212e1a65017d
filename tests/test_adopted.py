"""Data of one's own, of each kind: adopted as it lies there, trained on, audited, corrected by a pass, and compared.

The data is real: digits and wines that scikit-learn ships, and names of places that Babel ships (of Unicode's CLDR). 15 % of
the labels for training and validation are made wrong here; what the audit suspects is then answered with the truth.
"""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from babel import Locale
from PIL import Image
from sklearn.datasets import load_digits, load_wine

from conftest import Project, ran, render

Delivered = tuple[Path, list[str], pd.Series]  # what is adopted, with which options, and the true label of each id


def wrong(truth: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """Return label and split of examples: a third for test and right, 15 % of the others wrong."""
    names = sorted(truth.unique())
    order = rng.permutation(len(truth))
    split = np.full(len(truth), "train", dtype=object)
    split[order[: len(truth) // 3]], split[order[len(truth) // 3 : len(truth) // 2]] = "test", "validation"
    chosen = rng.choice(order[len(truth) // 3 :], round(0.1 * len(truth)), replace=False)
    label = truth.to_numpy(dtype=object).copy()
    label[chosen] = [names[(names.index(label[row]) + 1) % len(names)] for row in chosen]
    return pd.DataFrame({"label": label, "split": split}, index=truth.index)


def digits(folder: Path, rng: np.random.Generator) -> Delivered:
    """Class folders below train, validation and test."""
    data = load_digits()
    truth = pd.Series(data.target[:600].astype(str), index=[f"scan {n:03}" for n in range(600)])
    for (name, row), image in zip(wrong(truth, rng).iterrows(), data.images, strict=False):
        path = folder / row["split"] / row["label"] / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype(np.uint8)).save(path)
    return folder, [], truth


def wines(folder: Path, rng: np.random.Generator) -> Delivered:
    """A table with semicolons, of three cultivars, with a column that is the answer and one that is constant."""
    data = load_wine(as_frame=True)
    truth = data.target.map({0: "barolo", 1: "grignolino", 2: "barbera"}).set_axis([f"w{n}" for n in data.data.index])
    table = data.data.set_axis(truth.index).join(wrong(truth, rng).rename(columns={"label": "cultivar"}))
    table = table.assign(laboratory="north", score=table["cultivar"].map({"barolo": 3, "grignolino": 1, "barbera": 2}))
    table.rename_axis("sample id").to_csv(folder / "wines.csv", sep=";")
    return folder / "wines.csv", ["--label", "cultivar"], truth


def places(folder: Path, rng: np.random.Generator) -> Delivered:
    """A workbook of names of countries; the class is the language."""
    names = pd.DataFrame(
        [
            (name, code)
            for code in ("de", "fi", "fr", "pl")
            for name in Locale(code).territories.values()
            if len(name) > 3
        ],
        columns=["name", "language"],
    ).drop_duplicates("name", keep=False)
    names = names.sample(700, random_state=0).set_axis([f"n{n}" for n in range(700)])
    table = names[["name"]].rename(columns={"name": "text"}).join(wrong(names["language"], rng))
    table.rename_axis("id").to_excel(folder / "names.xlsx")
    return folder / "names.xlsx", [], names["language"]


KINDS: dict[str, tuple[Callable[[Path, np.random.Generator], Delivered], list[str]]] = {
    "images": (digits, []),
    "tables": (wines, ["constant", "names the answer"]),
    "texts": (places, []),
}


def small(project: Project) -> None:
    """Train three seeds; of a network fewer steps."""
    for path in (project.path / "conf").rglob("*.yaml"):
        text = path.read_text(encoding="utf-8").replace("[0, 1, 2, 3, 4]", "[0, 1, 2]")
        path.write_text(re.sub(r"^steps: \d+", "steps: 200", text, flags=re.M), encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_from_data_as_it_lies_to_a_verdict(kind: str, tmp_path: Path) -> None:
    project = render(tmp_path / "here", kind=kind)
    small(project)
    (tmp_path / "data").mkdir()
    deliver, said = KINDS[kind]
    path, options, truth = deliver(tmp_path / "data", np.random.default_rng(0))
    adopted = project.verb("adopt", str(path), *options).stdout
    for word in (*said, f"{len(truth):,} examples of {truth.nunique()} classes", "next: `dvc repro`", "minute"):
        assert word in adopted
    assert ran(project.run("dvc", "repro").stdout) == ["freeze", "pack", "curate", "train", "evaluate", "audit"]
    project.commit("Baseline")
    with (project.path / "reports" / "suspects.csv").open(encoding="utf-8") as file:
        suspects = [row for row in csv.DictReader(file) if row["queue"] == "training"]
    true = {id: truth[Path(id).name] for id in (row["id"] for row in suspects)}
    found = [row for row in suspects if row["label"] != true[row["id"]]]
    assert len(found) > 0.6 * 0.1 * len(truth), "the audit finds most of the wrong labels"
    lines = [f"{row['id']},relabel,{true[row['id']]},{row['label']},looked again,tester" for row in found]
    project.write_pass("p001-suspects", *lines)
    printed = project.run("dvc", "exp", "run", "-n", "corrected").stdout
    assert ran(printed) == ["curate", "train", "evaluate", "audit"]
    verdict = project.verb("compare", "main", "corrected").stdout
    assert verdict.startswith("helps: corrected"), verdict
    assert "The model stayed frozen" in verdict
    assert "nothing is new" in project.verb("adopt", str(path), *options).stdout
    assert ran(project.run("dvc", "repro").stdout) == []
