"""A project whose inputs lie in shards beside one whose inputs are files: the same models, verdicts, pages and answers."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import Project
from sharded import inputs_py, write_npy

AGAIN = {"DATAPASS_TRAIN_AGAIN": "1"}  # a kept seed would prove nothing


@dataclass(frozen=True)
class Both:
    """The same data as files and in shards, each with a committed baseline and a pass whose results are in the workspace.

    Attributes:
        page, suspects: the review page of the baseline in shards, and how many it has to show.
        ran: the stages that the pass ran in shards.
    """

    files: Project
    shards: Project
    page: str
    suspects: int
    ran: list[str]


def own_data(project: Project) -> None:
    """Let the digits be a team's own files, read by a class that opens shards too, and the model a quick one."""
    project.repro("example")
    folder = project.path
    text = (folder / "dvc.yaml").read_text(encoding="utf-8")
    start, end = text.index("  example: "), text.index("  pack:")
    (folder / "dvc.yaml").write_text(text[:start] + text[end:], encoding="utf-8", newline="\n")
    (folder / "src/digits/example.py").unlink()
    (folder / "src/digits/inputs.py").write_text(inputs_py(), encoding="utf-8", newline="\n")
    for file, old, new in (
        ("conf/data/images.yaml", "inputs.Images", "inputs.NpyShards"),
        ("conf/model/mlp.yaml", "steps: 800", "steps: 40"),
        ("conf/config.yaml", "model: cnn", "model: mlp"),
        ("conf/config.yaml", "seeds: [0, 1, 2, 3, 4]", "seeds: [0, 1, 2]"),
        ("conf/config.yaml", "folds: 5", "folds: 2"),
    ):
        before = (folder / file).read_text(encoding="utf-8")
        assert old in before
        (folder / file).write_text(before.replace(old, new), encoding="utf-8", newline="\n")
    project.run("dvc", "add", "data/raw")


def into_shards(project: Project) -> None:
    """Put the pictures into three shards, in another order, and name them in labels.csv."""
    raw = project.path / "data/raw"
    arrays, table = np.load(project.path / "data/inputs/arrays.npy"), pd.read_csv(raw / "labels.csv", dtype="str")
    order = np.random.default_rng(0).permutation(len(table))
    shutil.rmtree(raw / "images")
    write_npy(raw / "shards", arrays[order], [700, 700, len(order) - 1400])
    table["path"] = [f"shards#{number}" for number in np.argsort(order)]
    table.to_csv(raw / "labels.csv", index=False, lineterminator="\n")
    project.run("dvc", "add", "data/raw")


def relabelled(project: Project) -> list[str]:
    """Relabel fifty training rows, train, and return the stages that ran."""
    table = pd.read_csv(project.path / "data/examples/train.csv", dtype="str").head(50)
    rows = [
        f"{id},relabel,{(int(label) + 1) % 10},{label},," for id, label in zip(table["id"], table["label"], strict=True)
    ]
    project.write_pass("p001-next", *rows)
    return project.repro()


@pytest.fixture(scope="module")
def both(rendered: Project, tmp_path_factory: pytest.TempPathFactory) -> Both:
    files = rendered.copy(tmp_path_factory.mktemp("files") / "digits")
    own_data(files)
    files.repro()
    files.commit("Baseline")
    shards = files.copy(tmp_path_factory.mktemp("shards") / "digits")
    into_shards(shards)
    shards.run("dvc", "repro", **AGAIN)
    shards.commit("In shards")
    shards.verb("review")
    page = (shards.path / "reports/review.html").read_text(encoding="utf-8")
    suspects = pd.read_csv(shards.path / "reports/suspects.csv", dtype="str")
    relabelled(files)
    return Both(files, shards, page, len(suspects), relabelled(shards))


def test_models_and_results_are_the_same_bytes(both: Both) -> None:
    kept = [f"models/seed-{seed}.safetensors" for seed in range(3)]
    kept += ["metrics.json", "reports/predictions.csv", "data/examples/train.csv", "data/examples/test.csv"]
    for name in kept:
        assert (both.shards.path / name).read_bytes() == (both.files.path / name).read_bytes(), name
    for name in ("dvc.lock", "metrics.json", "reports/predictions.csv"):  # of the baselines
        one, other = (project.run("git", "show", f"HEAD:{name}").stdout for project in (both.files, both.shards))
        models = [text.partition("  train:")[2].partition("- path: models")[2][:120] for text in (one, other)]
        assert (models[0] == models[1] != "") if name == "dvc.lock" else one == other


def test_no_array_is_copied(both: Both) -> None:
    assert sorted(file.name for file in (both.shards.path / "data/inputs").iterdir()) == [
        "index.parquet",
        "shards.parquet",
    ]


def test_a_pass_does_not_pack_again(both: Both) -> None:
    assert both.ran == ["curate", "train", "evaluate"]


def test_the_verdict_is_the_same(both: Both) -> None:
    found = []
    for project in (both.files, both.shards):
        project.verb("compare", "HEAD", "workspace", "--to", "reports/verdict.json")
        record = json.loads((project.path / "reports/verdict.json").read_text(encoding="utf-8"))
        for timed in ("ways", "sections"):  # say what more seeds would cost here, in seconds
            del record[timed]
        commit = project.run("git", "rev-parse", "HEAD").stdout.strip()
        found.append(json.dumps(record).replace(commit, "BASELINE").replace(commit[:7], "BASELINE"))
    assert "not comparable" not in found[0]
    assert found[0] == found[1]


def test_the_move_into_shards_is_no_change_of_the_data(both: Both) -> None:
    said = both.shards.verb("compare", "HEAD~1", "HEAD").stdout
    assert "no example changed" in said and "Model: frozen" in said


def test_the_review_page_shows_what_lies_in_shards(both: Both) -> None:
    assert both.page.count("data:image/png;base64,") >= both.suspects > 100


def test_answers_to_a_folder_of_shards(both: Both) -> None:
    both.shards.verb("predict", "data/raw/shards", "--to", "answers.csv")
    answers = pd.read_csv(both.shards.path / "answers.csv", dtype="str").set_index("file")["predicted"]
    known = pd.read_csv(both.shards.path / "reports/predictions.csv", dtype="str")
    paths = pd.read_csv(both.shards.path / "data/raw/labels.csv", dtype="str").set_index("id")["path"]
    assert len(answers) == len(paths)
    assert answers.loc["data/raw/" + paths.loc[known["id"]]].tolist() == known["predicted"].tolist()


def test_a_changed_shard_is_packed_again_or_refused(both: Both, tmp_path: Path) -> None:
    project = both.shards.copy(tmp_path / "digits")
    file = project.path / "data/raw/shards/001.npy"
    arrays = np.load(file)
    file.unlink()
    np.save(file, 255 - arrays)
    refused = project.run("python", "-m", "datapass.stages.evaluate", ok=False)
    assert refused.returncode == 2 and "is another array than was packed; `dvc repro` packs again" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "pack" in project.repro("curate")
    hashes = [pd.read_parquet(one.path / "data/inputs/index.parquet")["input"] for one in (both.shards, project)]
    assert (hashes[0] != hashes[1]).sum() == 700
