"""Which trainings are taken over: those of which nothing differs that could change a weight."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from conftest import Project, params
from datapass.files.paths import ARRAYS, CLASSES, TRAIN, VALIDATION, VALUES
from datapass.messages.problems import Refusal
from datapass.settings import Settings, check
from datapass.stages import kept
from datapass.stages.folds import STATES, KeptFolds
from datapass.stages.kept import AGAIN, DAY, MONTH, Kept, seconds, specification

ABOUT = {"fingerprint": "0123456789ab", "environment": "python 3.11"}
CURVE = pd.DataFrame({"step": [10, 20], "validation_loss": [0.1 + 0.2, float("nan")]})


@pytest.fixture
def here(rendered: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with the files of which a training is made."""
    project = rendered.copy(tmp_path / "digits")
    for path in (TRAIN, VALIDATION, CLASSES, VALUES):
        (project.path / path).parent.mkdir(parents=True, exist_ok=True)
        (project.path / path).write_text(path.name)
    monkeypatch.chdir(project.path)
    return project.path


def settings(**changed: object) -> Settings:
    """The shipped settings, of which some are others, named like `model.steps`."""
    found = params()
    for name, value in changed.items():
        *parents, last = name.split("__")
        node = found
        for parent in parents:
            node = node[parent]
        node[last] = value
    return check(found)


def append(path: str) -> Callable[[Path], None]:
    """Return what makes a file another."""
    return lambda here: (here / path).write_text((here / path).read_text() + "\n# and more\n")


@pytest.mark.parametrize("name", ["seeds", "evaluate__batch_size", "audit__folds", "data__passes__until"])
def test_what_decides_no_weight_is_the_same_training(here: Path, name: str) -> None:
    given = {"seeds": [7, 8, 9], "data__passes__until": "p001"}.get(name, 7)
    assert specification(settings(**{name: given})) == specification(settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model__steps", 401),
        ("model__threads", 2),
        ("model__network__width", 5),
        ("data__inputs__height", 9),
        ("data__augment", {"_target_": "digits.inputs.Mild"}),
        ("trainer__accelerator", "gpu"),
    ],
)
def test_a_setting_that_decides_weights(here: Path, name: str, value: object) -> None:
    assert specification(settings(**{name: value})) != specification(settings())


@pytest.mark.parametrize(
    "path",
    [
        *(path.as_posix() for path in (TRAIN, VALIDATION, CLASSES, VALUES)),
        "src/digits/network.py",
        "src/digits/task.py",
        "src/digits/inputs.py",
        "src/datapass/training/batches.py",
        "src/datapass/stages/train.py",
        "src/datapass/settings.py",
    ],
)
def test_a_file_that_decides_weights(here: Path, path: str) -> None:
    before = specification(settings())
    append(path)(here)
    assert specification(settings()) != before


@pytest.mark.parametrize("path", ["src/digits/example.py", "src/datapass/stages/audit.py", "README.md"])
def test_a_file_that_train_does_not_declare(here: Path, path: str) -> None:
    before = specification(settings())
    append(path)(here)
    assert specification(settings()) == before


def declare(here: Path, dep: str) -> None:
    """Let stage `train` declare one thing more."""
    path = here / "dvc.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace(
            "deps: [conf.ok, data/inputs, data/examples/train.csv",
            f"deps: [{dep}, conf.ok, data/inputs, data/examples/train.csv",
        ),
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    "dep",
    ['"${weights}"', "https://example.com/weights.bin", "data/not-here.bin"],
    ids=["a variable of dvc.yaml", "a URL", "a file that is not here"],
)
def test_nothing_is_taken_over_where_something_declared_cannot_be_read(here: Path, dep: str) -> None:
    declare(here, dep)
    assert specification(settings()) is None


def test_nothing_is_taken_over_where_the_command_has_a_variable(here: Path) -> None:
    path = here / "dvc.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("datapass.stages.train\n", "datapass.stages.train --rate ${rate}\n"), encoding="utf-8")
    assert specification(settings()) is None


@pytest.mark.parametrize("file", ["data/pretrained.bin", "pretrained/scale.json", "src/digits/table.json"])
def test_whatever_train_declares_is_read(here: Path, file: str) -> None:
    declare(here, file.rpartition("/")[0] if file.startswith("pretrained") else file)
    (here / file).parent.mkdir(exist_ok=True)
    (here / file).write_text("0.001")
    before = specification(settings())
    (here / file).write_text("5.0")
    assert specification(settings()) != before


def test_params_of_another_file(here: Path) -> None:
    path = here / "dvc.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("params: [model, seeds,", "params: [{team.yaml: [lr]}, model, seeds,"), encoding="utf-8"
    )
    (here / "team.yaml").write_text("lr: 1")
    before = specification(settings())
    (here / "team.yaml").write_text("lr: 2")
    assert specification(settings()) != before


def test_a_variable_of_the_shell(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = specification(settings())
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert specification(settings()) != before
    monkeypatch.delenv("ATEN_CPU_CAPABILITY")
    monkeypatch.setenv("EDITOR", "vi")
    assert specification(settings()) == before


class Library:
    """A library that is installed, and what its installer wrote down."""

    metadata: ClassVar = {"Name": "theirs"}
    version = "1.0"

    def __init__(self, **files: str) -> None:
        self.files = files

    def read_text(self, name: str) -> str | None:
        return self.files.get(name)


@pytest.mark.parametrize(
    "files",
    [{"RECORD": "theirs.py,sha256=def,7"}, {"RECORD": "theirs.py,sha256=abc,7", "direct_url.json": '{"url": "git+x"}'}],
    ids=["other files", "from elsewhere"],
)
def test_a_library_that_was_installed_anew_under_its_version(
    here: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    monkeypatch.setattr(kept, "distributions", lambda: [Library(RECORD="theirs.py,sha256=abc,7")])
    before = specification(settings())
    assert before == specification(settings())
    monkeypatch.setattr(kept, "distributions", lambda: [Library(**files)])
    assert specification(settings()) not in (before, None)


@pytest.mark.parametrize("name", [".network.py.swp", "network.py~", ".DS_Store", "__pycache__/network.cpython-311.pyc"])
def test_files_that_dvc_ignores_change_nothing(here: Path, name: str) -> None:
    before, one = specification(settings()), Kept(settings())
    path = here / "src" / "datapass" / "training" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("of an editor")
    one.refuse_changes()
    assert specification(settings()) == before


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [("address", "tcp://other:8786", True), ("wait", 5, True), ("queue", "big", False)],
)
def test_where_a_scheduler_is_reached_is_no_matter(here: Path, name: str, value: object, same: bool) -> None:
    node = {"_target_": "datapass.executors.cluster.Dask", "address": "tcp://one:8786", "wait": 60}
    before = specification(settings(trainer__executor=node))
    assert before != specification(settings())
    assert (specification(settings(trainer__executor=node | {name: value})) == before) == same


class Editable:
    """A library that is installed from a folder."""

    version = "1.0"

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.metadata = folder, {"Name": name}

    def read_text(self, name: str) -> str:
        return json.dumps({"url": self.folder.as_uri(), "dir_info": {"editable": True}})


def test_nothing_is_taken_over_beside_a_library_that_may_change_unseen(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "distributions", lambda: [Editable(here, "Digits")])
    assert specification(settings()) is not None, "the project itself, whose modules are declared"
    monkeypatch.setattr(kept, "distributions", lambda: [Editable(tmp_path / "a library", "ours")])
    one = put()
    assert specification(settings()) is None and one.take(3, tmp_path) is None
    assert seconds(ABOUT["fingerprint"]) == 2.5


@pytest.mark.parametrize(("name", "same"), [("Digits", True), ("another-project", False)], ids=["this", "another"])
def test_a_project_like_this_that_is_installed_from_its_folder(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, same: bool
) -> None:
    """This one's modules are declared by the stage; of another one nothing else tells an edit."""
    code = tmp_path / "installed" / "src" / "other" / "network.py"
    (tmp_path / "installed" / "src" / "datapass").mkdir(parents=True)
    code.parent.mkdir()
    code.write_text("width = 1", encoding="utf-8")
    monkeypatch.setattr(kept, "distributions", lambda: [Editable(tmp_path / "installed", name)])
    before = specification(settings())
    code.write_text("width = 2", encoding="utf-8")
    assert before is not None and (specification(settings()) == before) == same


def test_another_library_or_machine(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = specification(settings())
    monkeypatch.setattr(kept, "distributions", lambda: list(distributions())[1:])
    assert specification(settings()) != before
    monkeypatch.undo()
    monkeypatch.chdir(here)
    monkeypatch.setattr(kept.platform, "uname", lambda: ("Linux", "another", "6", "1", "x86_64"))
    assert specification(settings()) != before


def about(seed: int, seconds: float = 2.5) -> dict[str, Any]:
    """What a training says of itself."""
    more = {"file": f"seed-{seed}.safetensors", "host": platform.node(), "seconds": seconds}
    return ABOUT | more | {"curve": CURVE.to_dict("records")}


def put(seed: int = 3, content: bytes = b"weights") -> Kept:
    """Keep a seed whose model has this content."""
    one = Kept(settings())
    one.put(seed, content, about(seed))
    return one


def test_a_seed_is_given_back_as_it_was(here: Path, tmp_path: Path) -> None:
    one = put()
    (tmp_path / "there").mkdir()
    record = one.take(3, tmp_path / "there")
    assert record is not None and one.take(4, tmp_path / "there") is None
    assert (tmp_path / "there" / "seed-3.safetensors").read_bytes() == b"weights"
    pd.testing.assert_frame_equal(pd.DataFrame(record.curve), CURVE)  # to the last bit, and steps as whole numbers
    assert (record.fingerprint, record.environment) == tuple(ABOUT.values())


@pytest.mark.parametrize("path", ["src/digits/network.py", *(path.as_posix() for path in (TRAIN, VALUES, ARRAYS))])
def test_what_was_trained_while_something_changed_is_not_kept(here: Path, tmp_path: Path, path: str) -> None:
    one, folds = Kept(settings()), {"fold": 0, "of": 5, "seed": 3}
    (here / path).write_bytes((here / path).read_bytes() if (here / path).exists() else b"new")
    os.utime(here / path, ns=(1, 1))  # the content of before: in between it may have been another
    for keep in (lambda: one.put(3, b"weights", about(3)), lambda: KeptFolds(one).put(folds, b"answers")):
        with pytest.raises(Refusal, match=f"^{path} changed while stage train ran"):
            keep()
    assert Kept(settings()).take(3, tmp_path) is None
    assert KeptFolds(one).missing([folds]) == [folds]


def test_folds_are_not_trained_where_none_will_be_taken_over(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AGAIN, "1")
    assert KeptFolds(Kept(settings())).missing([{"fold": 0, "of": 5, "seed": 3}]) == []


def test_folds_of_other_states_go_when_nobody_is_at_them(here: Path) -> None:
    folds = KeptFolds(put())
    others = [folds.folder.with_name(f"{number}") for number in range(STATES + 3)]
    for age, other in enumerate(others):
        other.mkdir(parents=True)
        os.utime(other, (time.time() - (age - 1) * DAY, time.time() - (age - 1) * DAY))
    folds.tidy()
    assert [other.exists() for other in others] == [True] * STATES + [False] * 3


def test_what_a_killed_process_left_aside_goes_after_a_day(here: Path) -> None:
    one = put()
    left = [one.folder / f".3.json.{name}.partial" for name in ("old", "new")]
    for path in left:
        path.touch()
    os.utime(left[0], (time.time() - DAY - 60,) * 2)
    one.tidy()
    assert [path.exists() for path in left] == [False, True]


def test_several_processes_keep_the_same(here: Path, tmp_path: Path) -> None:
    one, content = Kept(settings()), os.urandom(1 << 20)
    with ThreadPoolExecutor(8) as pool:
        records = set(pool.map(lambda _: one.put(3, content, about(3)).md5, range(64)))
    assert records == {hashlib.md5(content).hexdigest()}
    assert one.take(3, tmp_path) is not None


def spoil_model(one: Kept) -> None:
    (one.folder / "seed-3.safetensors").write_bytes(b"weight")


def spoil_record(one: Kept) -> None:
    (one.folder / "3.json").write_text("{")


def other_record(one: Kept) -> None:
    (one.folder / "3.json").write_text(json.dumps({"name": "seed-3.safetensors", "md5": "of another version"}))


def delete_model(one: Kept) -> None:
    (one.folder / "seed-3.safetensors").unlink()


@pytest.mark.parametrize("spoil", [spoil_model, spoil_record, other_record, delete_model], ids=lambda f: f.__name__)
def test_what_is_damaged_is_trained_again(here: Path, tmp_path: Path, spoil: Callable[[Kept], None]) -> None:
    one = put()
    spoil(one)
    assert one.take(3, tmp_path) is None


def test_all_is_trained_again_where_the_shell_says_so(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    monkeypatch.setenv(AGAIN, "1")
    assert Kept(settings()).take(3, tmp_path) is None


def test_a_model_that_dvc_has_is_not_kept_twice(here: Path, tmp_path: Path) -> None:
    one = put()
    one.tidy()
    assert (one.folder / "seed-3.safetensors").exists()
    md5 = hashlib.md5(b"weights").hexdigest()
    cached = here / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    one.tidy()
    assert not (one.folder / "seed-3.safetensors").exists()
    assert one.take(3, tmp_path) is not None
    assert (tmp_path / "seed-3.safetensors").read_bytes() == b"weights"
    cached.write_bytes(b"others")
    assert one.take(3, tmp_path) is None


def test_what_dvc_never_took_over_goes_after_a_month(here: Path, tmp_path: Path) -> None:
    one = put()
    old = time.time() - MONTH - 60
    os.utime(one.folder / "seed-3.safetensors", (old, old))
    one.tidy()
    assert not (one.folder / "seed-3.safetensors").exists()


def test_another_place_of_the_cache(here: Path, tmp_path: Path) -> None:
    with (here / ".dvc" / "config").open("a", encoding="utf-8") as config:
        config.write(f"[cache]\n    dir = {tmp_path / 'elsewhere'}\n")
    assert put().folder.is_relative_to(tmp_path / "elsewhere")


def test_how_long_a_training_takes(here: Path, tmp_path: Path) -> None:
    assert seconds(ABOUT["fingerprint"]) is None
    one = put()
    for seed, took in ((4, 3.5), (5, 30.0)):
        one.put(seed, b"weights", about(seed, took))
    assert seconds(ABOUT["fingerprint"]) == 3.5
    assert seconds("another model") is None
