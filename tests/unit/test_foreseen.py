"""Whether the model is still the frozen one, before anything runs: a table of what an update may change."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Project
from datapass.comparison.foreseen import Foreseen, foresee
from datapass.comparison.revisions import resolve
from datapass.messages.problems import Refusal
from datapass.report.foreseen_view import BASELINE, FORCED, NOTHING, PROVE, foreseen
from datapass.report.markdown import markdown

CORE, MACHINERY = "src/datapass/training/fit.py", "src/datapass/settings.py"
Edit = Callable[[], object]


@pytest.fixture(scope="module")
def copy(trained: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the trained project, committed; each test leaves it as it was."""
    return trained.copy(tmp_path_factory.mktemp("foreseen") / "digits")


@pytest.fixture
def here(copy: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The copy as the working directory, and as it was afterwards."""
    monkeypatch.chdir(copy.path)
    head = copy.run("git", "rev-parse", "HEAD").stdout.strip()
    yield copy
    copy.run("git", "reset", "--quiet", "--hard", head)
    copy.run("git", "clean", "-fdq")


def now(name: str = "HEAD") -> Foreseen:
    """Return what is foreseen of the working directory against a revision."""
    return foresee(resolve([name])[0])


def swap(path: str, old: str, new: str) -> Edit:
    """Return an edit that replaces the first of these words in a file."""

    def edit() -> None:
        text = Path(path).read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}"
        Path(path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def add(path: str, text: str = "\n# one more line\n") -> Edit:
    """Return an edit that appends to a file, which may be new."""

    def edit() -> None:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)

    return edit


def drop_example() -> None:
    """Delete the example, as a team does that has data of its own."""
    text = Path("dvc.yaml").read_text(encoding="utf-8")
    start, end = text.index("  example:"), text.index("  pack:")
    Path("dvc.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    Path("src/digits/example.py").unlink()
    digest = resolve(["HEAD"])[0].lock.outs["data/raw"]
    Path("data/raw.dvc").write_text(f"outs:\n- md5: {digest}\n  hash: md5\n  path: raw\n", encoding="utf-8")


def other_raw_data() -> None:
    """The same, of another delivery."""
    drop_example()
    swap("data/raw.dvc", "md5: ", "md5: 0")()


CONFLICT = "<<<<<<< ours\nsteps: 20\n=======\nsteps: 40\n>>>>>>> theirs\n"
# What differs, the effect, the stages that run again, and what must be named.
TABLE: dict[str, tuple[Edit | None, str, list[str], str]] = {
    "nothing": (None, NOTHING, [], ""),
    "the README": (add("README.md"), NOTHING, [], ""),
    "a report": (add("src/datapass/report/html.py"), NOTHING, [], ""),
    "the proof itself": (add("src/datapass/comparison/proof.py"), NOTHING, [], ""),
    "a workflow": (add(".github/workflows/watch.yml"), NOTHING, [], ""),
    "the example deleted": (drop_example, NOTHING, [], ""),
    "other raw data, which DVC tracks": (other_raw_data, PROVE, ["pack", "curate", "audit"], ""),
    "one more output of train": (swap("dvc.yaml", "outs: [models]", "outs: [models, more.txt]"), PROVE, ["train"], ""),
    "train that always runs": (
        swap("dvc.yaml", "outs: [models]", "always_changed: true\n    outs: [models]"),
        PROVE,
        ["train"],
        "",
    ),
    "a library that no model uses": (swap("constraints.txt", "rich==", "rich==99."), NOTHING, [], ""),
    "a patch version of torch": (swap("constraints.txt", "torch==2.13.0", "torch==2.13.1"), NOTHING, [], "2.13.1"),
    "numpy beside Lightning": (swap("constraints.txt", "numpy==2.", "numpy==2.9"), NOTHING, [], "numpy 2.9"),
    "how suspects are found": (add("src/datapass/review/suspects.py"), PROVE, ["audit"], ""),
    "how passes apply": (add("src/datapass/data/apply.py"), PROVE, ["curate"], ""),
    "how files are packed": (add("src/datapass/data/pack.py"), PROVE, ["pack"], "code src/datapass/data/pack.py"),
    "how seeds are kept": (
        add("src/datapass/stages/kept.py"),
        PROVE,
        ["train", "audit"],
        "code src/datapass/stages/kept.py",
    ),
    "what all stages read": (
        add(MACHINERY),
        PROVE,
        ["example", "pack", "curate", "train", "evaluate", "audit"],
        MACHINERY,
    ),
    "one more dependency of train": (
        swap("dvc.yaml", "src/datapass/stages/train.py,", "src/datapass/stages/train.py, src/datapass/data/rows.py,"),
        PROVE,
        ["train"],
        "src/datapass/data/rows.py",
    ),
    "the salt of the split": (swap("conf/data/images.yaml", "salt: ", "salt: other"), PROVE, ["curate"], ""),
    "augmentation": (add("conf/config.yaml", "data: {augment: {shift: 2}}\n"), PROVE, ["train", "audit"], ""),
    "the training core": (add(CORE), BASELINE, ["train", "audit"], f"code {CORE}: changed"),
    "a new file of the training core": (
        add("src/datapass/training/more.py"),
        BASELINE,
        ["train", "audit"],
        "code src/datapass/training/more.py: added",
    ),
    "the stage evaluate": (
        add("src/datapass/stages/evaluate.py"),
        BASELINE,
        ["evaluate"],
        "code src/datapass/stages/evaluate.py: changed",
    ),
    "a default of conf/model": (
        swap("conf/model/cnn.yaml", "steps: 20", "steps: 40"),
        BASELINE,
        ["train", "audit"],
        "param model.steps: 20 → 40",
    ),
    "another default model": (
        swap("conf/config.yaml", "model: cnn", "model: mlp"),
        BASELINE,
        ["train", "audit"],
        "_target_",
    ),
    "a default of the evaluation": (
        swap("conf/config.yaml", "batch_size: 1024", "batch_size: 512"),
        BASELINE,
        ["evaluate"],
        "param evaluate.batch_size: 1024 → 512",
    ),
    "the metric": (
        swap("conf/config.yaml", "metric: accuracy", "metric: macro_f1"),
        BASELINE,
        ["evaluate"],
        "param evaluate.metric: accuracy → macro_f1",
    ),
    "the seeds": (swap("conf/config.yaml", "[0, 1, 2]", "[3, 4, 5]"), BASELINE, ["train", "audit"], "param seeds"),
    "the command of train": (
        swap("dvc.yaml", "python -m datapass.stages.train", "python -O -m datapass.stages.train"),
        BASELINE,
        ["train"],
        "command of train",
    ),
    "the team's network": (
        add("src/digits/network.py"),
        BASELINE,
        ["train", "evaluate", "audit"],
        "code src/digits/network.py",
    ),
    "a conflict in the team's code": (
        add("src/digits/task.py", CONFLICT),
        BASELINE,
        ["train", "audit"],
        "code src/digits/task.py: changed",
    ),
    "a minor version of torch": (
        swap("constraints.txt", "torch==2.13.0", "torch==2.14.0"),
        BASELINE,
        [],
        "torch 2.14.0",
    ),
    "torch pinned no longer": (
        swap("constraints.txt", "torch==2.13.0\n", ""),
        BASELINE,
        [],
        "torch of no pinned version",
    ),
    "torch asked for anew": (swap("pyproject.toml", "torch>=2.6,<3", "torch>=3"), BASELINE, [], "torch >=3"),
    "a later Python": (swap("pyproject.toml", ">=3.11", ">=3.99"), BASELINE, [], "python >=3.99"),
}
REFUSED = {
    "a conflict in dvc.yaml": (add("dvc.yaml", CONFLICT), "dvc.yaml"),
    "a conflict in conf/": (add("conf/config.yaml", CONFLICT), "conf/ cannot be composed"),
    "a conflict in constraints.txt": (add("constraints.txt", CONFLICT), "constraints.txt has a conflict"),
    "a conflict in pyproject.toml": (add("pyproject.toml", CONFLICT), "pyproject.toml cannot be read"),
    "a module that is gone": (
        Path("src/datapass/data/split.py").unlink,
        "stage curate depends on src/datapass/data/split.py, which is not there",
    ),
}


@pytest.mark.parametrize(("edit", "effect", "again", "named"), TABLE.values(), ids=TABLE.keys())
def test_what_a_change_does_to_the_frozen_model(
    here: Project, edit: Edit | None, effect: str, again: list[str], named: str
) -> None:
    if edit:
        edit()
    before = Path("params.yaml").read_bytes()
    found = now()
    report = foreseen(found)
    assert (report.data["effect"], found.again) == (effect, again), found
    assert named in markdown(report).replace("&#95;", "_").replace("&#62;", ">").replace("&#8203;", "")
    assert bool(found.model) == (effect == BASELINE) and found.stale == []
    if effect != NOTHING:
        trains = "train" in again or (effect == BASELINE and not again)
        assert ("3 seeds are trained anew" if trains else "no seed is trained anew") in report.advice
    # DVC does not look at versions: `dvc repro` alone would train nothing.
    assert (FORCED in report.advice) == (effect == BASELINE and not again)
    assert Path("params.yaml").read_bytes() == before, "it only looks"


@pytest.mark.parametrize(("edit", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_workspace_that_cannot_run_is_refused(here: Project, edit: Edit, said: str) -> None:
    edit()
    with pytest.raises(Refusal) as refused:
        now()
    assert said in str(refused.value)


def test_the_pipeline_without_train_is_another_model(here: Project) -> None:
    text = Path("dvc.yaml").read_text(encoding="utf-8")
    start, end = text.index("  train:"), text.index("  evaluate:")
    Path("dvc.yaml").write_text(text[:start] + text[end:].replace(" models,", ""), encoding="utf-8")
    assert "dvc.yaml has no stage train" in now().model


def test_versions_that_were_there_before_an_update_are_no_difference(here: Project) -> None:
    """A team that trains with another version than is pinned: what it trained with is not what the update changes."""
    swap("constraints.txt", "torch==2.13.0", "torch==2.12.0")()
    here.commit("Pin it lower")
    assert now().model == [], "as the versions pinned at HEAD and here are the same"
    swap("constraints.txt", "torch==2.12.0", "torch==2.13.0")()
    assert now().model == now().environment == [], "and what is pinned now is what it was trained with"


def test_results_that_were_out_of_date_before_are_told(here: Project) -> None:
    add("src/digits/network.py")()
    here.commit("Edit the network, and train nothing")
    found = now()
    assert found.model and found.stale
    assert "out of date already: src/digits/network.py is not what stage train last ran with" in markdown(
        foreseen(found)
    )


def test_without_results_there_is_nothing_to_keep(here: Project) -> None:
    here.run("git", "rm", "--quiet", "dvc.lock")
    here.commit("Without results")
    found = now()
    assert not found.results and "no results yet" in foreseen(found).headline


def test_what_only_dvc_holds_is_not_needed(here: Project, tmp_path: Path) -> None:
    """A fresh clone, as a job has it: no cache, no data, no models."""
    clone = tmp_path / "clone"
    here.run("git", "clone", "--quiet", ".", str(clone))
    os.chdir(clone)
    assert (now().model, now().again) == ([], [])
    add(CORE)()
    assert now().model == [f"code {CORE}: changed"]
    shutil.rmtree(clone)
    os.chdir(here.path)


def test_the_verb(here: Project, tmp_path: Path) -> None:
    add(CORE)()
    printed = here.verb("frozen", "--to", str(tmp_path / "frozen.md"), "--to", str(tmp_path / "frozen.json")).stdout
    assert printed.startswith("It is another model than that of HEAD") and "Run the baseline again" in printed
    assert "code src/datapass/training/fit.py" in (tmp_path / "frozen.md").read_text(encoding="utf-8")
    assert here.verb("frozen", "workspace", ok=False).returncode == 2
