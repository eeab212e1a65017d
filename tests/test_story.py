"""The main job: a baseline, a relabelling pass, a verdict; what runs again and what does not; the same bytes everywhere."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from conftest import Project, ran

ONE_EDIT = "digit-0055,relabel,0,5,wrong digit,tester"


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_pass_helps_and_the_model_stayed_frozen(story: Project, tmp_path: Path) -> None:
    printed = story.verb("compare", "main", "relabel-1", "--to", str(tmp_path / "c.json")).stdout
    assert printed.startswith("helps: relabel-1")
    assert "The model stayed frozen" in printed
    found = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert found["verdict"] == "helps"
    assert 0 < found["gain"]["low"] < found["gain"]["mean"] < found["gain"]["high"]
    assert found["proof"]["model"] == []
    assert "data/examples/train.csv" in found["proof"]["data"]
    assert found["proof"]["params"] > 10
    assert found["data"]["transitions"][0]["count"] >= 5
    assert len(found["data"]["rows"]) == 60


def test_what_to_do_next_holds_what_the_pass_gains(story: Project, tmp_path: Path) -> None:
    """The first step is to review the suspects, its range holds the gain of correcting half of them, and its commands run."""
    assert story.verb("errors", "--to", str(tmp_path / "e.json")).stdout.startswith("Review suspects: ")
    story.verb("compare", "main", "relabel-1", "--to", str(tmp_path / "c.json"))
    (steps, gain) = (
        json.loads((tmp_path / name).read_text(encoding="utf-8"))[key]
        for name, key in (("e.json", "next_steps"), ("c.json", "gain"))
    )
    assert 0 < steps[0]["low"] < gain["mean"] < steps[0]["high"] < 0.0723 + 1e-3, "no more than there are errors"
    changed = story.copy(tmp_path / "digits")
    commands = {step["command"] for step in steps}
    assert len(commands) > 2
    for command in commands:
        changed.run("sh", "-c", command.replace("datapass ", "python -m datapass ", 1))
    changed.run("git", "checkout", "--quiet", "--force", "relabel-1")
    printed = changed.verb("errors").stdout
    assert " in 1 earlier pass;" in printed


def test_nothing_runs_twice(project: Project) -> None:
    assert ran(project.run("dvc", "repro").stdout) == []


# What is edited, with which text replaced by which, and the stages that it changes; test_reruns.py has a row for each module.
EDITS = {
    "the README": ("README.md", None, []),
    "a new file in src/": ("src/digits/mine.py", None, []),
    "a comment in conf/": ("conf/model/cnn.yaml", None, ["freeze"]),
    "a learning rate in conf/": ("conf/model/cnn.yaml", ("lr: 0.01", "lr: 0.02"), ["freeze", "train", "audit"]),
    "another device": ("conf/trainer/cpu.yaml", ("accelerator: cpu", "accelerator: auto"), ["freeze"]),
    "the batch size of evaluate": ("conf/config.yaml", ("batch_size: 1024", "batch_size: 512"), ["freeze", "evaluate"]),
    "the salt of the split": ("conf/data/images.yaml", ('salt: "1"', 'salt: "2"'), ["freeze", "curate"]),
}


@pytest.mark.parametrize(("file", "edit", "expected"), EDITS.values(), ids=EDITS.keys())
def test_what_an_edit_runs_again(
    project: Project, file: str, edit: tuple[str, str] | None, expected: list[str]
) -> None:
    path = project.path / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before.replace(*edit) if edit else f"{before}\n# edited\n", encoding="utf-8")
    composed = ran(
        project.run("dvc", "repro", "freeze").stdout
    )  # an edit of conf/ reaches the others through params.yaml
    assert composed + ran(project.run("dvc", "repro", "--dry").stdout) == expected


def test_a_pass_runs_curate_train_evaluate(project: Project) -> None:
    path = project.write_pass("p001-one", ONE_EDIT)
    assert set(project.repro()) - {"audit"} == {"curate", "train", "evaluate"}
    path.write_text(path.read_text(encoding="utf-8").replace("wrong digit", "see the book"), encoding="utf-8")
    assert set(project.repro()) - {"audit"} == {"curate"}, "another reason gives the same tables"
    test_row = json_rows(project, "test")[0]
    project.write_pass("p002-test-only", f"{test_row['id']},drop,,,unreadable,tester")
    assert set(project.repro()) - {"audit"} == {"curate", "evaluate"}, "a pass on test rows trains nothing"


def json_rows(project: Project, split: str) -> list[dict[str, str]]:
    lines = (project.path / "data" / "examples" / f"{split}.csv").read_text(encoding="utf-8").splitlines()
    return [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]


def test_experiments_choose_model_and_data_revision(project: Project) -> None:
    project.write_pass("p001-one", ONE_EDIT)
    project.repro()
    project.commit("One label")
    project.run("dvc", "exp", "run", "-n", "other", "-S", "model=mlp", "-S", "model.steps=20", "evaluate")
    params = yaml.safe_load((project.path / "params.yaml").read_text(encoding="utf-8"))
    assert params["model"]["network"]["_target_"] == "digits.network.MLP"
    refused = project.verb("compare", "main", "other").stdout
    assert refused.startswith("not comparable")
    assert 'param model.network._target_: "digits.network.CNN" → "digits.network.MLP"' in refused
    project.run("git", "checkout", "--quiet", ".")
    done = project.run("dvc", "exp", "run", "-n", "before", "-S", "data.passes.until=p000", "evaluate")
    assert "train" not in ran(done.stdout), "the run cache knows this data revision"
    assert "1 relabelled" in project.verb("compare", "main", "before").stdout
    assert "no example changed" in project.verb("compare", "main~1", "before").stdout


def test_a_temporary_experiment_runs_its_own_code(project: Project) -> None:
    """`--temp` works in a copy; an editable install must not make it run the workspace's code."""
    stage = project.path / "src" / "datapass" / "stages" / "curate.py"
    stage.write_text(
        stage.read_text(encoding="utf-8").replace(" applied: ", " APPLIED IN THE COPY: "), encoding="utf-8"
    )
    project.run("git", "commit", "--quiet", "-am", "Say it louder")
    done = project.run("dvc", "exp", "run", "--temp", "-n", "copy", "evaluate", PYTHONPATH=str(project.path / "src"))
    assert "APPLIED IN THE COPY" in done.stdout
    assert str(project.path / "src") not in done.stderr


def test_two_clones_give_the_same_bytes(story: Project, tmp_path: Path) -> None:
    """Trained anew at another path, with DVC's cache left behind."""
    other = tmp_path / "a folder" / "clone"
    story.run("git", "clone", "--quiet", str(story.path), str(other))
    clone = Project(other)
    assert set(clone.repro()) - {"audit"} == {"example", "pack", "train", "evaluate"}, "what only DVC's cache had"
    assert clone.run("git", "status", "--short").stdout == ""
    assert digest(other / "models") == digest(story.path / "models")
    assert digest(other / "reports") == digest(story.path / "reports")


def test_a_fresh_clone_compares_without_cache_and_remote(story: Project, tmp_path: Path) -> None:
    story.run("git", "clone", "--quiet", "--bare", str(story.path), str(tmp_path / "remote.git"))
    story.run("git", "clone", "--quiet", str(tmp_path / "remote.git"), str(tmp_path / "clone"))
    printed = Project(tmp_path / "clone").verb("compare", "origin/main", "origin/relabel-1").stdout
    assert printed.startswith("helps")


def test_a_stale_params_file_is_an_error_in_ci(project: Project) -> None:
    config = project.path / "conf" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("[0, 1, 2]", "[0, 1, 3]"), encoding="utf-8")
    done = project.run("dvc", "repro", ok=False, CI="true")
    assert done.returncode != 0
    assert "run `dvc repro` and commit params.yaml" in done.stderr


def test_undeclared_code_is_refused(project: Project) -> None:
    helper = project.path / "src" / "datapass" / "helper.py"
    helper.write_text("ANSWER = 42\n", encoding="utf-8")
    stage = project.path / "src" / "datapass" / "stages" / "train.py"
    text = stage.read_text(encoding="utf-8")
    stage.write_text(
        text.replace("from ..training.models", "from .. import helper  # noqa\nfrom ..training.models"),
        encoding="utf-8",
    )
    done = project.run("dvc", "repro", ok=False)
    assert "stage train uses src/datapass/helper.py without declaring it" in done.stderr
    assert "Traceback" not in done.stderr


def test_results_older_than_their_data_get_no_verdict(project: Project) -> None:
    project.run("git", "checkout", "--quiet", "-b", "forgot")
    project.write_pass("p001-forgot", ONE_EDIT)
    project.commit("A pass without dvc repro")
    printed = project.verb("compare", "main", "forgot").stdout
    assert printed.startswith("not comparable")
    assert "data/passes is not what stage curate last ran with" in printed
    assert "Run `dvc repro` on forgot" in printed
