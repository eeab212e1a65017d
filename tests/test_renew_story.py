"""A test set that was looked at often is renewed from a delivery: nothing trains, and what comes after has a verdict on it."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from conftest import Project, ran, render

DIGITS = load_digits()
WRONG = range(0, 300, 3)  # of the training rows; their labels are the next digit


def files(folder: Path, numbers: range, wrong: range = range(0)) -> Path:
    """Write digits as class folders."""
    for number in numbers:
        label = (DIGITS.target[number] + (number in wrong)) % 10
        path = folder / str(label) / f"scan-{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((DIGITS.images[number] * 15).astype(np.uint8)).save(path)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A baseline of 300 training rows, a third wrong, and 200 rows that wait; an experiment took 10 of them to train on."""
    folder = tmp_path_factory.mktemp("renew")
    project = render(folder / "here")
    for path in (project.path / "conf").rglob("*.yaml"):
        text = path.read_text(encoding="utf-8").replace("[0, 1, 2, 3, 4]", "[0, 1, 2]")
        path.write_text(re.sub(r"^steps: \d+", "steps: 120", text, flags=re.M), encoding="utf-8")
    files(folder / "first" / "train", range(300), WRONG)
    files(folder / "first" / "validation", range(300, 340))
    files(folder / "first" / "test", range(340, 500))
    project.verb("adopt", str(folder / "first"))
    march = files(project.path / "data" / "raw" / "march", range(500, 700))
    lines = [f"{path.stem},{path.parent.name},march/{path.parent.name}/{path.name}" for path in march.rglob("*.png")]
    (march / "labels.csv").write_text("\n".join(["id,label,path", *sorted(lines)]) + "\n", encoding="utf-8")
    project.run("dvc", "add", "--quiet", "data/raw")
    project.repro()
    project.commit("Baseline")
    tried = project.write_pass("p001-more", *(f"scan-{n:04},add,,,," for n in range(500, 510)))
    project.run("dvc", "exp", "run", "-n", "more", "curate")
    project.run("git", "reset", "--quiet", "--hard")
    tried.unlink(missing_ok=True)
    return project


@pytest.fixture(scope="module")
def renewed(delivered: Project) -> Project:
    """On the branch `renew-test` the test set is renewed, and committed."""
    split = {
        row["id"] for name in ("train", "validation") for row in table(delivered.path / f"data/examples/{name}.csv")
    }
    delivered.run("git", "switch", "--quiet", "-c", "renew-test")
    said = delivered.verb("renew-test", "--to", "r.json", "--to", "r.html", "--to", "r.md")
    done = json.loads((delivered.path / "r.json").read_text(encoding="utf-8"))
    assert "next: `git switch -c renew-test`, then `dvc repro`: `train` does not run" in said.stdout
    assert (done["new"], done["dropped"], done["stay"], done["trains"]) == (160, 160, 0, False)
    once = {row["id"] for row in _examples(delivered, "more") if row["id"].startswith("scan-05")}
    assert once, "the hash puts some of the ten into train or validation"
    assert done["left_out"] == {"were trained on, or validated with, in some revision": len(once)}
    new = {
        row["id"] for row in table(delivered.path / "data/passes/p001-renew-test.csv") if row["action"] == "add-test"
    }
    assert len(new) == 160 and not new & (split | once)
    for name in ("r.json", "r.html", "r.md"):
        (delivered.path / name).unlink()
    assert delivered.repro() == ["curate", "evaluate"], "nothing is trained"
    delivered.commit("Renew the test set")
    return delivered


def _examples(project: Project, revision: str) -> list[dict[str, str]]:
    commit = project.run("git", "for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{revision}").stdout.strip()
    texts = [project.run("git", "show", f"{commit}:data/examples/{n}.csv").stdout for n in ("train", "validation")]
    return [row for text in texts for row in csv.DictReader(text.splitlines())]


def test_before_and_after_are_not_comparable(renewed: Project) -> None:
    said = renewed.verb("compare", "main", "renew-test").stdout
    assert said.startswith("not comparable: renew-test")
    assert (
        "only 0 examples are in both (160 only in the candidate's test set, 160 that only the candidate dropped)"
        in said
    )
    assert "The test set was renewed in between: make the renewed one the baseline" in said
    assert "160 added, 160 dropped" in said
    assert "160 drop, 160 add-test" in " ".join(renewed.verb("passes").stdout.replace("\n", " ").split())
    metrics = json.loads((renewed.path / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["added"], metrics["dropped"], metrics["train_examples"]) == (160, 160, 300)


def test_a_candidate_on_top_has_a_verdict_on_the_new_test_set(renewed: Project) -> None:
    true = {f"{n:04}": str(DIGITS.target[n]) for n in WRONG}
    rows = [row for row in table(renewed.path / "data/examples/train.csv") if row["id"][-4:] in true]
    tried = renewed.write_pass("p002-right", *(f"{r['id']},relabel,{true[r['id'][-4:]]},{r['label']},," for r in rows))
    printed = renewed.run("dvc", "exp", "run", "-n", "corrected", "evaluate").stdout
    assert ran(printed) == ["curate", "train", "evaluate"]
    renewed.verb("compare", "renew-test", "corrected", "--to", "c.json")
    found = json.loads((renewed.path / "c.json").read_text(encoding="utf-8"))
    (renewed.path / "c.json").unlink()
    assert found["verdict"] == "helps"
    assert found["examples"] == 160
    assert found["looks"] == 2, "this baseline and this candidate: the old test set's looks are not counted"
    renewed.run("git", "reset", "--quiet", "--hard")
    tried.unlink(missing_ok=True)
    renewed.run("dvc", "checkout", "--quiet")


def test_a_delivery_becomes_the_next_test_set(renewed: Project, tmp_path: Path) -> None:
    project = renewed.copy(tmp_path / "digits")
    few = files(tmp_path / "few", range(900, 920))
    refused = project.verb("renew-test", str(few), ok=False)
    assert refused.returncode == 2
    assert "20 rows could be drawn; a verdict needs at least 30 test examples." in refused.stderr
    assert "few is delivered to data/raw/ and waits there; no pass was written." in refused.stderr
    april = files(tmp_path / "april", range(700, 900))
    files(april, range(6), WRONG)  # known already
    said = project.verb("renew-test", str(april), "--number", "100", "--keep").stdout
    assert "p002-renew-test: 100 new test examples, never trained on; 0 dropped, 160 stay" in said
    assert "100 more rows are free, and wait" in said, "of the delivery alone is drawn"
    assert "the weights come out the same" in said
    new = table(project.path / "data/passes/p002-renew-test.csv")
    assert {row["action"] for row in new} == {"add-test"} and all("scan-0" in row["id"] for row in new)
    assert {int(row["id"][-4:]) for row in new} <= set(range(700, 900))
    again = project.verb("renew-test", ok=False)
    assert again.returncode == 2
    assert '"data/passes/p002-renew-test.csv": not committed; commit or take that back first' in again.stderr
