"""Which verdict two revisions get: a table of what may differ, on revisions made by hand."""

import dataclasses
import io
import json
from collections.abc import Callable, Iterable
from hashlib import md5
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from dvc.utils.serialize import dumps_yaml

from datapass.comparison import verdict as v
from datapass.comparison.equivalence import at_most
from datapass.comparison.lock import YAML as LOCK_YAML
from datapass.comparison.looks import over_all
from datapass.comparison.objections import shadowed
from datapass.comparison.revisions import Revision
from datapass.comparison.statistics import Interval, t_interval
from datapass.comparison.sureness import Aim
from datapass.comparison.tries import _augmentation
from datapass.comparison.verdict import compare
from datapass.files.paths import TABLES
from datapass.files.tables import read_table
from datapass.messages.problems import Refusal
from datapass.report import words
from datapass.report.comparison_view import comparison
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.record import record
from datapass.report.sureness import equivalence_line, looks_lines, would_show
from datapass.report.words import headline
from datapass.verbs.revision import positive

N, SEEDS = 400, 5
CODE = "src/pkg/model/network.py"
FILES = {
    path: (stages, b"one = 1\n")
    for path, stages in {
        "src/team/network.py": ("train", "evaluate"),
        "src/team/inputs.py": ("pack",),
        "src/datapass/training/fit.py": ("train", "evaluate"),
        "src/datapass/stages/train.py": ("train",),
        "src/datapass/stages/evaluate.py": ("evaluate",),
        "src/datapass/files/tables.py": ("train", "evaluate"),
        "src/datapass/report/html.py": ("train", "evaluate"),
        "src/datapass/data/pack.py": ("pack",),
    }.items()
}


@dataclasses.dataclass
class Made:
    """A revision to be: change what should differ, then `revision()`."""

    name: str
    test: pd.DataFrame
    answers: pd.DataFrame
    train: pd.DataFrame
    model: dict[str, Any] = dataclasses.field(default_factory=lambda: {"optimizer": {"lr": 0.1}, "steps": 10})
    code: str = "one = 1\n"
    environment: str = (
        "python 3.11.7, torch 2.13.0+cpu, pytorch-lightning 2.6.6, numpy 2.4.1, timm 1.0.3, Linux x86_64, cpu AVX2"
    )
    fingerprint: str = "abc"
    classes: list[str] = dataclasses.field(default_factory=lambda: ["cat", "dog"])
    passes: list[str] = dataclasses.field(default_factory=list)
    edits: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    extra: dict[str, str] = dataclasses.field(default_factory=lambda: {"path": "data/pretrained.bin", "md5": "1"})
    weights: str | None = None  # None: as training on this table gives them
    folder: str = ""  # the code's, where train depends on it and not on the file
    command: str = "t"
    raw: str = "files"
    inputs: str = "packed"
    files: dict[str, tuple[tuple[str, ...], bytes]] = dataclasses.field(default_factory=dict)  # path: stages, content
    tampered: dict[str, bytes] = dataclasses.field(default_factory=dict)
    evaluate: dict[str, Any] = dataclasses.field(default_factory=lambda: {"batch_size": 8})
    augment: dict[str, Any] = dataclasses.field(default_factory=dict)  # params of `train` for it; none before a choice
    examples: int = 0  # on which each seed trained, as metrics.json has it

    def revision(self) -> Revision:
        """Write all files and a dvc.lock that fits them; then tamper."""
        seeds = [int(column.removeprefix("seed_")) for column in self.answers if column.startswith("seed_")]
        params = {"model": self.model, "seeds": seeds, "evaluate": self.evaluate}
        params["data"] = {name.removeprefix("data."): value for name, value in self.augment.items()}
        files = {
            "data/examples/train.csv": csv(self.train),
            "data/examples/validation.csv": csv(self.train.head(0)),
            "data/examples/test.csv": csv(self.test),
            "data/examples/classes.csv": csv(pd.DataFrame({"class": self.classes})),
            "reports/predictions.csv": csv(self.answers),
            "reports/data.json": json.dumps(
                {
                    "classes": self.classes,
                    "passes": [{"name": name} | self.edits.get(name, {}) for name in self.passes],
                    "sets": {s: {"classes": {}} for s in ("validation", "test")}
                    | {"train": {"classes": {}, "examples": len(self.train)}},
                }
            ).encode(),
            "metrics.json": json.dumps(
                {"model": self.fingerprint, "environment": self.environment, "train_examples": self.examples}
            ).encode(),
            "params.yaml": yaml.safe_dump(params).encode(),
            CODE: self.code.encode(),
        }

        def entry(path: str) -> dict[str, str]:
            return {"path": path, "md5": md5(files[path]).hexdigest()}

        listed = [{"md5": md5(files[CODE]).hexdigest(), "relpath": CODE.removeprefix(f"{self.folder}/")}]
        digest = md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"
        code = {"path": self.folder, "md5": digest} if self.folder else entry(CODE)
        trained = md5(files["data/examples/train.csv"]).hexdigest() if self.weights is None else self.weights
        models = {"path": "models", "md5": f"{self.fingerprint}{trained}.dir"}
        raw, inputs = {"path": "data/raw", "md5": self.raw}, {"path": "data/inputs", "md5": self.inputs}
        tables = [entry(f"data/examples/{name}.csv") for name in ("train", "validation", "test", "classes")]
        stages: dict[str, Any] = {
            "stages": {
                "fetch": {"cmd": "f", "outs": [self.extra, raw]},
                "pack": {"cmd": "p", "deps": [raw], "outs": [inputs]},
                "curate": {"cmd": "c", "outs": [*tables, entry("reports/data.json")]},
                "train": {
                    "cmd": self.command,
                    "deps": [*tables[:2], code, self.extra, inputs],
                    "params": {"params.yaml": {"model": self.model, "seeds": params["seeds"]} | self.augment},
                    "outs": [models],
                },
                "evaluate": {
                    "cmd": "e",
                    "deps": [tables[2], models, inputs],
                    "params": {"params.yaml": {"evaluate": params["evaluate"]}},
                    "outs": [entry("reports/predictions.csv"), entry("metrics.json")],
                },
            }
        }
        for path, (users, content) in (FILES | self.files).items():
            files[path] = content
            for stage in users:
                stages["stages"][stage]["deps"].append(entry(path))
        files["dvc.lock"] = yaml.safe_dump(stages, sort_keys=False).encode()
        pipeline = {name: {"cmd": stage["cmd"]} for name, stage in stages["stages"].items()}
        files["dvc.yaml"] = yaml.safe_dump({"stages": pipeline}).encode()
        files |= self.tampered
        made = Revision(self.name, self.name.ljust(40, "0"), dict(files))
        made.__dict__["files"] = {path: md5(content).hexdigest() for path, content in files.items()}
        return made


def csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def examples(prefix: str, n: int) -> pd.DataFrame:
    ids = [f"{prefix}{i:04}" for i in range(n)]
    label = ["cat" if i % 2 else "dog" for i in range(n)]
    table = pd.DataFrame({"id": ids, "label": label, "given_label": label, "weight": 1, "row": range(n)})
    return table.assign(
        input=[f"{i:016x}" for i in range(n)], passes="", camera=["a" if i % 4 else "b" for i in range(n)]
    )


def answer(test: pd.DataFrame, accuracy: float, first: int = 1) -> pd.DataFrame:
    """Return answers that are right for this share; examples are of fixed difficulty, seeds differ a little."""
    difficulty = np.random.default_rng(0).random(len(test))
    table = test[["id", "label"]].assign(predicted=test["label"])
    other = test["label"].map({"cat": "dog", "dog": "cat"})
    for seed in range(SEEDS):
        luck = np.random.default_rng(first + seed).normal(0, 0.02, len(test))
        table[f"seed_{seed}"] = test["label"].where(difficulty + luck < accuracy, other)
    return table


@pytest.fixture
def pair() -> tuple[Made, Made]:
    """A baseline and a candidate that is 6 points better."""
    test = examples("t", N)
    old = Made("old", test, answer(test, 0.80), examples("x", 40))
    new = Made("new", test.copy(), answer(test, 0.86), examples("x", 40), passes=["p001-fix"])
    new.train.loc[[0, 1], ["label", "passes"]] = [["cat", "p001-fix"], ["dog", "p001-fix"]]
    return old, new


def test_helps_and_hurts(pair: tuple[Made, Made]) -> None:
    old, new = pair
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.HELPS
    assert found.gain is not None
    assert found.old == pytest.approx(
        (old.answers.filter(like="seed_").eq(old.test["label"], axis=0)).to_numpy().mean()
    )
    assert found.proof.model == []
    assert found.proof.data == ["data/examples/train.csv", "models"]
    assert found.data.number("relabelled", "train") == 2
    assert found.flips is not None
    assert set(found.flips["flip"]) == {"fixed"}
    back = compare(new.revision(), old.revision())
    assert back.verdict == v.HURTS
    assert back.gain is not None
    assert back.gain.mean == pytest.approx(-found.gain.mean)


def test_no_detectable_difference(pair: tuple[Made, Made]) -> None:
    old, new = pair
    new.answers = answer(new.test, 0.80, first=100)
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NO_DIFFERENCE
    assert "points would not show" in headline(found)
    same = compare(old.revision(), old.revision())
    assert same.verdict == v.NO_DIFFERENCE
    assert "the two answer alike" in headline(same)


def changed_lr(new: Made) -> None:
    new.model["optimizer"]["lr"] = 0.2


def changed_code(new: Made) -> None:
    new.code = "one = 2\n"


def changed_environment(new: Made) -> None:
    new.environment = new.environment.replace("2.13.0", "2.14.0")


def changed_fingerprint(new: Made) -> None:
    new.fingerprint = "xyz"


def changed_classes(new: Made) -> None:
    new.classes = ["cat", "dog", "bird"]


def ordered_classes(new: Made) -> None:
    new.classes = ["dog", "cat"]


def another_test_set(new: Made) -> None:
    new.test["id"] = ["u" + id if number < 300 else id for number, id in enumerate(new.test["id"])]
    new.answers["id"] = new.test["id"]


def other_pictures(new: Made) -> None:
    new.test["input"] = "f" * 16


def pretrained(new: Made) -> None:
    new.extra = {"path": "data/pretrained.bin", "md5": "2"}


def fewer_seeds(new: Made) -> None:
    new.answers = new.answers.drop(columns=["seed_2", "seed_3", "seed_4"])


def edited_answers(new: Made) -> None:
    new.tampered["reports/predictions.csv"] = csv(answer(new.test, 0.99))


def edited_train(new: Made) -> None:
    new.tampered["data/examples/train.csv"] = csv(new.train.head(3))


def edited_params(new: Made) -> None:
    new.tampered["params.yaml"] = yaml.safe_dump({"model": {"optimizer": {"lr": 9}}}).encode()


def edited_command(new: Made) -> None:
    new.tampered["dvc.yaml"] = yaml.safe_dump({"stages": {"train": {"cmd": "t --longer"}, "evaluate": {}}}).encode()


OBJECTIONS = {
    "learning rate": (changed_lr, "the model changed: param model.optimizer.lr: 0.1 → 0.2", "the model, not both"),
    "code": (changed_code, f"the model changed: code {CODE}: changed", "the model, not both"),
    "environment": (changed_environment, "environment: torch 2.13.0+cpu → torch 2.14.0+cpu", "--force train"),
    "fingerprint alone": (changed_fingerprint, 'fingerprint in metrics.json: "abc" → "xyz"', "not both"),
    "classes": (changed_classes, 'the classes changed: new "bird"', "passes that change classes"),
    "order of the classes": (ordered_classes, "they are in another order", "passes that change classes"),
    "test set": (another_test_set, "the test set changed: only 100 examples are in both", "Keep the test set fixed"),
    "test inputs": (other_pictures, "the test set changed: only 0 examples are in both", "Keep the test set fixed"),
    "pretrained weights": (pretrained, "data/pretrained.bin: changed", "not both"),
    "seeds": (fewer_seeds, "param seeds: [0, 1, 2, 3, 4] → [0, 1]", "not both"),
    "edited answers": (edited_answers, "reports/predictions.csv is not what stage evaluate last ran with", "dvc repro"),
    "edited table": (edited_train, "data/examples/train.csv is not what stage", "dvc repro"),
    "edited command": (edited_command, "the command of stage train in dvc.yaml is not what it last ran", "dvc repro"),
    "edited params": (edited_params, "model in params.yaml is not what stage train last ran with", "dvc repro"),
}


@pytest.mark.parametrize(("change", "why", "mend"), OBJECTIONS.values(), ids=OBJECTIONS.keys())
def test_not_comparable(pair: tuple[Made, Made], change: Callable[[Made], None], why: str, mend: str) -> None:
    old, new = pair
    change(new)
    for found in (compare(old.revision(), new.revision()), compare(new.revision(), old.revision())):
        assert found.verdict == v.NOT_COMPARABLE
    found = compare(old.revision(), new.revision())
    assert any(why in reason for reason in found.why), found.why
    assert any(mend in hint for hint in found.mend)
    assert headline(found).startswith("not comparable: ")
    assert json.loads(json.dumps(record(comparison(found)), allow_nan=False))["verdict"] == v.NOT_COMPARABLE


CORE, STAGE = "src/datapass/training/fit.py", "src/datapass/stages/train.py"
NETWORK, SMALL = "src/team/network.py", "src/datapass/files/tables.py"
MODEL, LINE, UNPAIRED, SAME = "model", "machinery", "environment", "nothing"


def code(path: str, *stages: str) -> Callable[[Made], None]:
    """Return a change of a file that these stages run."""

    def change(new: Made) -> None:
        new.files[path] = (stages or ("train", "evaluate"), b"two = 2\n")

    return change


def environment(old: str, new: str) -> Callable[[Made], None]:
    def change(made: Made) -> None:
        assert old in made.environment
        made.environment = made.environment.replace(old, new)

    return change


def command(new: Made) -> None:
    new.command = "t --longer"


def packed(*paths: str) -> Callable[[Made], None]:
    """Return a change of code that packs, and of the inputs with it."""

    def change(new: Made) -> None:
        new.inputs, new.raw = "other", "more files"
        for path in paths:
            new.files[path] = (("pack",), b"two = 2\n")

    return change


def network_in_the_machinery(new: Made) -> None:
    new.model["network"] = {"_target_": "datapass.my_network.Net"}
    code(SMALL)(new)


KINDS = {
    "nothing": (lambda new: None, SAME, ""),
    "param": (changed_lr, MODEL, "param model.optimizer.lr: 0.1 → 0.2"),
    "the team's network": (code(NETWORK), MODEL, f"code {NETWORK}: changed"),
    "the training core": (code(CORE), MODEL, f"code {CORE}: changed"),
    "the stage that trains": (code(STAGE, "train"), MODEL, f"code {STAGE}: changed"),
    "the stage that evaluates": (code("src/datapass/stages/evaluate.py", "evaluate"), MODEL, "evaluate.py: changed"),
    "machinery that reads": (code(SMALL), LINE, f"code {SMALL}: changed"),
    "machinery of the report": (code("src/datapass/report/html.py"), LINE, "code src/datapass/report/html.py: changed"),
    "machinery with a network in it": (network_in_the_machinery, MODEL, "code src/datapass/files/tables.py: changed"),
    "a path that leads out of the machinery": (code("src/datapass/../team/loss.py"), MODEL, "team/loss.py: added"),
    "a package with a name that begins alike": (code("src/datapass2/net.py"), MODEL, "code src/datapass2/net.py"),
    "unknown path": (pretrained, MODEL, "code data/pretrained.bin: changed"),
    "command": (command, MODEL, "command of train: t → t --longer"),
    "inputs": (packed(), SAME, ""),
    "inputs, and the machinery that packs": (packed("src/datapass/data/pack.py"), LINE, "data/pack.py: changed"),
    "inputs, and the team's code that packs": (packed("src/team/inputs.py"), MODEL, "code src/team/inputs.py: changed"),
    "patch version": (environment("torch 2.13.0", "torch 2.13.1"), UNPAIRED, "torch 2.13.0+cpu → torch 2.13.1+cpu"),
    "build": (environment("2.13.0+cpu", "2.13.0+cu124"), UNPAIRED, "torch 2.13.0+cpu → torch 2.13.0+cu124"),
    "system": (environment("Linux x86_64", "Darwin arm64"), UNPAIRED, "Linux x86_64 → Darwin arm64"),
    "device": (environment("cpu AVX2", "NVIDIA H100"), UNPAIRED, "cpu AVX2 → NVIDIA H100"),
    "a line without the processor's capability": (environment("cpu AVX2", "cpu"), UNPAIRED, "cpu AVX2 → cpu"),
    "numpy": (environment("numpy 2.4.1", "numpy 1.26.0"), UNPAIRED, "numpy 2.4.1 → numpy 1.26.0"),
    "model library, patch": (environment("timm 1.0.3", "timm 1.0.9"), UNPAIRED, "timm 1.0.3 → timm 1.0.9"),
    "model library, minor": (environment("timm 1.0.3", "timm 1.1.0"), MODEL, "environment: timm 1.0.3 → timm 1.1.0"),
    "model library, commit": (
        environment("timm 1.0.3", "timm 1.0.3+code.0af"),
        MODEL,
        "timm 1.0.3 → timm 1.0.3+code.0af",
    ),
    "model library missing": (environment("timm 1.0.3, ", ""), MODEL, "environment: timm 1.0.3 → nothing"),
    "minor version of torch": (environment("torch 2.13.0", "torch 2.14.0"), MODEL, "torch 2.14.0+cpu"),
    "major version of lightning": (environment("lightning 2.6.6", "lightning 3.6.6"), MODEL, "pytorch-lightning 3.6.6"),
    "minor version of python": (environment("python 3.11.7", "python 3.12.7"), MODEL, "python 3.12.7"),
    "pre-release": (environment("torch 2.13.0", "torch 2.13.0rc1"), MODEL, "torch 2.13.0rc1+cpu"),
    "no version": (environment("torch 2.13.0+cpu", "torch built-here"), MODEL, "torch built-here"),
    "numpy missing": (environment("numpy 2.4.1, ", ""), MODEL, "environment: numpy 2.4.1 → nothing"),
    "nothing that can be read": (environment("python 3.11.7, ", ""), MODEL, "environment: python 3.11.7 → nothing"),
}


@pytest.mark.parametrize(("change", "kind", "said"), KINDS.values(), ids=KINDS.keys())
def test_kinds_of_differences(pair: tuple[Made, Made], change: Callable[[Made], None], kind: str, said: str) -> None:
    """Data differs in every row; what else differs decides what becomes of the comparison."""
    old, new = pair
    paired = compare(old.revision(), new.revision())
    change(new)
    found = compare(old.revision(), new.revision())
    proof = found.proof
    lines = {MODEL: proof.model, LINE: proof.machinery, UNPAIRED: proof.environment}
    assert kind == SAME or any(said in line for line in lines.pop(kind)), proof
    if kind != MODEL:
        assert not any(lines.values())
        assert not proof.neutral, "with other data nothing is proven"
        assert found.verdict == v.HELPS
        assert found.gain is not None and paired.gain is not None
        assert proof.paired == (kind != UNPAIRED)
        assert (found.gain == paired.gain) == proof.paired
        for table in ("classes", "slices"):
            for one, other in zip(getattr(found, table), getattr(paired, table), strict=True):
                assert (one.gain == other.gain) == proof.paired
        assert (found.macro_f1 == paired.macro_f1) == proof.paired
    else:
        assert found.verdict == v.NOT_COMPARABLE
        assert compare(new.revision(), old.revision()).verdict == v.NOT_COMPARABLE


@pytest.mark.parametrize("folder", ["src", "src/datapass", "src/datapass/stages"])
def test_a_folder_is_what_its_files_are(pair: tuple[Made, Made], folder: str) -> None:
    """A folder of which Git shows no differing file may hold the training core."""
    for number, made in enumerate(pair):
        made.extra = {"path": folder, "md5": str(number)}
    found = compare(pair[0].revision(), pair[1].revision())
    assert f"code {folder}: changed" in found.proof.model


@pytest.fixture
def same_data(pair: tuple[Made, Made]) -> tuple[Made, Made]:
    """Two revisions of the same data that answer alike, of which other machinery trained the second."""
    old, new = pair
    new.train, new.passes, new.answers = old.train.copy(), [], old.answers.copy()
    code(SMALL)(new)
    return old, new


def test_machinery_that_gives_the_same_weights_is_proven_neutral(same_data: tuple[Made, Made]) -> None:
    found = compare(same_data[0].revision(), same_data[1].revision())
    assert found.verdict == v.NO_DIFFERENCE
    assert found.proof.neutral
    assert found.proof.machinery == [f"code {SMALL}: changed"]


def test_machinery_that_gives_other_weights_is_the_suspect(same_data: tuple[Made, Made]) -> None:
    old, new = same_data
    new.weights = "other"
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NOT_COMPARABLE
    assert not found.proof.neutral
    assert "the same data and model gave other weights" in found.why[0]
    assert f"code {SMALL}: changed" in found.why[0]


def as_parquet(revision: Revision) -> Revision:
    """Return the same revision with its example tables as Parquet."""
    contents, lock, names = dict(revision.contents), str(revision.need("dvc.lock"), "utf-8"), list[str]()
    for path in TABLES:
        csv, written = contents.pop(path.as_posix()), io.BytesIO()
        assert csv is not None
        read_table(path, content=csv).to_parquet(written, index=False)
        names.append(path.with_suffix(".parquet").as_posix())
        contents[names[-1]] = written.getvalue()
        lock = lock.replace(path.as_posix(), names[-1])
        lock = lock.replace(f"md5: {md5(csv).hexdigest()}\n", f"md5: {md5(written.getvalue()).hexdigest()}\n")
    contents |= {"dvc.lock": lock.encode(), "dvc.yaml": revision.need("dvc.yaml") + f"vars: {names}\n".encode()}
    made = Revision(revision.name, revision.commit, contents)
    made.__dict__["files"] = {path: md5(content or b"").hexdigest() for path, content in contents.items()}
    return made


@pytest.mark.parametrize("what", ["weights", "answers"])
def test_the_same_data_in_another_form_is_the_same_data(same_data: tuple[Made, Made], what: str) -> None:
    """Else a change that nothing records would be taken for a gain of the data, at the commit that changes the form."""
    old, new = same_data
    new.files.clear()
    assert compare(old.revision(), as_parquet(new.revision())).verdict == v.NO_DIFFERENCE
    if what == "weights":
        new.weights = "other"
    new.answers = answer(new.test, 0.86)
    found = compare(old.revision(), as_parquet(new.revision()))
    assert found.verdict == v.NOT_COMPARABLE
    assert f"gave other {what}" in found.why[0]


def test_other_weights_on_another_machine_are_no_objection(same_data: tuple[Made, Made]) -> None:
    old, new = same_data
    new.weights, new.environment = "other", new.environment.replace("cpu AVX2", "cpu NEON")
    new.files.clear()
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NO_DIFFERENCE
    assert not found.proof.paired


@pytest.mark.parametrize("machinery", [True, False])
def test_the_same_models_with_other_answers_are_not_comparable(same_data: tuple[Made, Made], machinery: bool) -> None:
    old, new = same_data
    new.answers = answer(new.test, 0.86)
    if not machinery:
        new.files.clear()
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NOT_COMPARABLE
    assert "the same models gave other answers on the same test examples" in found.why[0]
    assert (f"code {SMALL}: changed" in found.why[0]) == machinery


@pytest.mark.parametrize("pixels", [True, False], ids=["other pixels", "another index alone"])
def test_the_same_files_packed_into_other_inputs(pair: tuple[Made, Made], pixels: bool) -> None:
    """No data was changed, so the pixels are no gain; the hash of the inputs alone holds versions of libraries too."""
    old, new = pair
    new.inputs = "other"
    if pixels:
        new.train.loc[:3, "input"] = "f" * 16
    found = compare(old.revision(), new.revision())
    assert found.verdict == (v.NOT_COMPARABLE if pixels else v.HELPS)
    assert any("the same files were packed into other inputs" in why for why in found.why) == pixels


def test_a_revision_from_before_the_two_rooms_is_not_comparable(pair: tuple[Made, Made]) -> None:
    old, new = pair
    old.files = {"src/team/shared/tables.py": (("train", "evaluate", "pack"), b"one = 1\n")}
    old.inputs, old.environment, old.command = "other", "python 3.11.7, torch 2.13.0, cpu", "python -m pkg.train"
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NOT_COMPARABLE
    assert "the model changed: code src/team/shared/tables.py: deleted" in found.why


BROKEN = {
    "a list": b"[]",
    "stages a list": b"stages: [1]",
    "a stage of text": b"stages: {train: t}",
    "deps without a path": b"stages: {train: {cmd: t, deps: [{md5: 1}]}}",
    "params a list": b"stages: {train: {cmd: t, params: {params.yaml: [1]}}}",
    "no YAML": b"stages: {",
    "a conflict": b"<<<<<<< HEAD\nstages: {}\n=======\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_lock_that_is_none_is_refused(pair: tuple[Made, Made], content: bytes) -> None:
    old, new = pair
    new.tampered["dvc.lock"] = content
    with pytest.raises(Refusal, match=r"new:dvc\.lock is not"):
        compare(old.revision(), new.revision())


def test_files_that_dvc_ignores_make_nothing_stale(pair: tuple[Made, Made]) -> None:
    old, new = pair
    new.tampered = {".dvcignore": b"# strays\n.DS_Store\n__pycache__\n"}
    new.folder = "src/pkg"
    old.folder = "src/pkg"
    assert compare(old.revision(), new.revision()).verdict == v.HELPS
    new.tampered |= {"src/pkg/.DS_Store": b"x", "src/pkg/__pycache__/a.pyc": b"y"}
    assert compare(old.revision(), new.revision()).verdict == v.HELPS
    new.tampered["src/pkg/more.py"] = b"z"
    assert "src/pkg is not what stage train last ran with" in compare(old.revision(), new.revision()).why[0]


def test_two_seeds_are_too_few(pair: tuple[Made, Made]) -> None:
    for made in pair:
        fewer_seeds(made)
    found = compare(pair[0].revision(), pair[1].revision())
    assert found.verdict == v.NOT_COMPARABLE
    assert found.why == ["2 seeds are too few to tell a gain from luck; a verdict needs at least 3"]
    assert "at least 3 numbers" in found.mend[0]


def test_one_seed_tells_two_models_apart_and_no_more(pair: tuple[Made, Made]) -> None:
    old, new = pair
    for made in pair:
        made.answers = made.answers.drop(columns=[f"seed_{n}" for n in range(1, SEEDS)])
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NOT_COMPARABLE
    assert found.mcnemar is not None
    b, c, p = found.mcnemar
    right = [made.answers["seed_0"] == made.answers["label"] for made in pair]
    assert (b, c) == (int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()))
    assert p < 0.05
    assert not any(part.verdict for part in found.classes + found.slices)


def relabel_test(new: Made, rows: Iterable[int]) -> None:
    new.test.loc[list(rows), "label"] = new.test.loc[list(rows), "label"].map({"cat": "dog", "dog": "cat"})
    new.answers["label"] = new.test["label"]


def test_a_ruler_that_moved(pair: tuple[Made, Made]) -> None:
    """The 2x2 of both models on both label revisions, by hand."""
    old, new = pair
    relabel_test(new, range(20))
    found = compare(old.revision(), new.revision())
    labels = old.test["label"].to_numpy(), new.test["label"].to_numpy()
    answers = [made.answers.filter(like="seed_").to_numpy() for made in pair]
    expected = [[(arm == label[:, None]).mean() for label in labels] for arm in answers]
    assert found.ruler is not None
    assert found.ruler.relabelled == 20
    assert np.array(found.ruler.scores) == pytest.approx(np.array(expected))
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(expected[1][1] - expected[0][1])
    assert found.ruler.moved == pytest.approx(expected[0][1] - expected[0][0])


def test_a_gain_by_new_labels_alone_depends_on_the_labels(pair: tuple[Made, Made]) -> None:
    old, new = pair
    right = old.answers["seed_0"] == old.test["label"]
    rows = range(60)
    relabel_test(new, rows)
    new.answers = old.answers.copy()
    new.answers["label"] = new.test["label"]
    seeds = [column for column in new.answers if column.startswith("seed_")]
    for seed in seeds:
        new.answers.loc[list(rows), seed] = new.test.loc[list(rows), "label"]
    assert right[:60].mean() > 0.5
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.DEPENDS
    assert headline(found).startswith("depends on the labels: ")


def test_dropped_test_examples_are_left_out(pair: tuple[Made, Made]) -> None:
    old, new = pair
    new.test.loc[new.test.index[:10], "weight"] = 0
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.HELPS
    assert found.examples == N - 10
    assert len(found.excluded["that only the candidate dropped"]) == 10
    right = [made.answers.filter(like="seed_").eq(made.test["label"], axis=0).to_numpy()[10:] for made in pair]
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(right[1].mean() - right[0].mean())


def test_dropping_what_the_candidate_broke_gives_no_verdict(pair: tuple[Made, Made]) -> None:
    """A change that hurts must not be made to help by dropping the test examples that show it."""
    new, old = pair  # the candidate is the worse one ...
    broken = (old.answers["seed_0"] == old.test["label"]) & (new.answers["seed_0"] != new.test["label"])
    fixed = new.answers.index[(new.answers["seed_0"] != new.test["label"]) & ~broken][:12]
    for column in (column for column in new.answers if column.startswith("seed_")):
        new.answers.loc[fixed, column] = new.test.loc[fixed, "label"]  # ... though it fixes some
    assert compare(old.revision(), new.revision()).verdict == v.HURTS
    any_broken = pd.concat(
        [
            (old.answers[s] == old.test["label"]) & (new.answers[s] != new.test["label"])
            for s in old.answers
            if s.startswith("seed_")
        ],
        axis=1,
    ).any(axis=1)
    new.test.loc[any_broken, "weight"] = 0
    found = compare(old.revision(), new.revision())
    assert found.gain is not None and found.gain.low > 0, "what the rest alone would say"
    assert found.verdict == v.NOT_COMPARABLE
    assert "dropped test examples: with them the gain is −" in found.why[0]


def test_a_small_test_set_gives_no_verdict(pair: tuple[Made, Made]) -> None:
    for made in pair:
        made.test, made.answers = made.test.head(20), made.answers.head(20)
    found = compare(pair[0].revision(), pair[1].revision())
    assert found.verdict == v.NOT_COMPARABLE
    assert "20 test examples are too few" in found.why[0]


def test_relabelling_what_the_candidate_broke_depends_on_the_labels(pair: tuple[Made, Made]) -> None:
    """No difference by labels that were changed to the candidate's answers is no verdict either."""
    new, old = pair
    wrong = new.answers.index[
        (new.answers["seed_0"] != new.test["label"]) & (old.answers["seed_0"] == old.test["label"])
    ]
    half = list(wrong[: len(wrong) // 2])
    new.test.loc[half, "label"] = new.answers.loc[half, "seed_0"]
    new.answers["label"] = new.test["label"]
    found = compare(old.revision(), new.revision())
    assert found.ruler is not None and found.ruler.by_old is not None
    assert found.ruler.by_old.high < 0
    assert found.verdict == v.DEPENDS


@pytest.mark.parametrize("edits", [{"rename-class": 1}, {"rename-class": 1, "relabel": 2}], ids=["alone", "with edits"])
def test_a_renamed_class_is_the_same_class(pair: tuple[Made, Made], edits: dict[str, int]) -> None:
    old, new = pair
    known = compare(old.revision(), new.revision())
    for table in (new.test, new.train, new.answers):
        table.replace("cat", "@kitten", inplace=True)
    new.classes, new.edits = ["@kitten", "dog"], {"p001-fix": edits}
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.HELPS
    assert found.gain == known.gain
    assert found.data.renamed == {"cat": "@kitten"}
    assert found.data.number("relabelled") == known.data.number("relabelled") == 2
    assert compare(new.revision(), old.revision()).verdict == v.HURTS
    assert "@kitten" not in markdown(comparison(found))
    new.edits = {"p001-fix": edits | {"merge-class": 1}}
    assert compare(old.revision(), new.revision()).verdict == v.NOT_COMPARABLE


def lost_rows(old: Made, new: Made, number: int) -> list[int]:
    """Return test examples that the baseline got right and the candidate wrong with some seed."""
    right = [made.answers.filter(like="seed_").eq(made.test["label"], axis=0) for made in (old, new)]
    return list(new.test.index[(right[0] & ~right[1]).any(axis=1)][:number])


@pytest.fixture
def lucky(pair: tuple[Made, Made]) -> tuple[Made, Made]:
    """Two revisions without a detectable difference, the candidate a little above."""
    old, new = pair
    new.answers = answer(new.test, 0.803, first=100)
    assert compare(old.revision(), new.revision()).verdict == v.NO_DIFFERENCE
    return old, new


def test_a_gain_made_by_a_few_changed_test_labels_is_none(lucky: tuple[Made, Made]) -> None:
    """Relabelling to the candidate's answer where it lost: the gain on the unchanged rows has the same sign."""
    old, new = lucky
    rows = lost_rows(old, new, 12)
    relabel_test(new, rows)
    found = compare(old.revision(), new.revision())
    assert found.gain is not None and found.gain.low > 0
    assert found.ruler is not None and found.ruler.unchanged.mean > 0
    assert found.ruler.by_old.mean > 0
    assert found.verdict == v.DEPENDS


def taken_away(new: Made, rows: list[int]) -> None:
    new.test, new.answers = (table.drop(index=rows).reset_index(drop=True) for table in (new.test, new.answers))


def replaced(new: Made, rows: list[int]) -> None:
    new.test.loc[rows, "input"] = [f"f{row:015x}" for row in rows]


@pytest.mark.parametrize("change", [taken_away, replaced])
def test_a_gain_made_by_taking_test_examples_away_is_none(
    lucky: tuple[Made, Made], change: Callable[[Made, list[int]], None]
) -> None:
    old, new = lucky
    change(new, lost_rows(old, new, 12))
    found = compare(old.revision(), new.revision())
    assert found.gain is not None and found.gain.low > 0, "what the rest alone would say"
    assert found.verdict == v.NOT_COMPARABLE
    assert "rests on 12 test examples that the candidate's test set does not hold as they were" in found.why[0]


@pytest.mark.parametrize("change", [taken_away, replaced])
def test_a_clear_gain_stands_without_a_few_test_examples(
    pair: tuple[Made, Made], change: Callable[[Made, list[int]], None]
) -> None:
    old, new = pair
    change(new, [0, 1, 2])
    assert compare(old.revision(), new.revision()).verdict == v.HELPS
    assert compare(new.revision(), old.revision()).verdict == v.HURTS


def test_examples_that_turn_together_count_once(pair: tuple[Made, Made]) -> None:
    """Each patient's pictures are answered alike, so four hundred of them are a gain on ten patients."""
    old, new = pair
    single = compare(old.revision(), new.revision())
    assert single.units == single.examples == N
    assert single.gain is not None
    for made, good in ((old, range(8)), (new, range(9))):
        patient = np.arange(N) % 10
        made.test["group"] = [f"patient {number}" for number in patient]
        other = made.test["label"].map({"cat": "dog", "dog": "cat"})
        for seed in range(SEEDS):
            made.answers[f"seed_{seed}"] = made.test["label"].where(np.isin(patient, list(good)), other)
    found = compare(old.revision(), new.revision())
    assert found.units == 10
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(0.1), "a tenth of the examples, all of one patient"
    assert found.verdict == v.NO_DIFFERENCE
    assert "400 test examples of 10 groups" in headline(found)
    for made in (old, new):
        made.test["group"] = [f"patient {number % 3}" for number in range(N)]
    few = compare(old.revision(), new.revision())
    assert few.verdict == v.NOT_COMPARABLE
    assert "the test examples are of 3 groups only" in few.why[0]


def test_other_weights_from_the_same_data_are_another_environment(pair: tuple[Made, Made]) -> None:
    old, new = pair
    new.train, new.passes = old.train, []
    new.weights = "other"
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NOT_COMPARABLE
    assert "the same data and model gave other weights" in found.why[0]
    assert "in the candidate's environment" in found.mend[0]


def test_small_slices_and_classes_get_no_verdict(pair: tuple[Made, Made]) -> None:
    old, new = pair
    for made in pair:
        made.test["site"] = ["rare" if i < v.MIN_SLICE - 1 else "usual" for i in range(N)]
    found = {part.name: part for part in compare(old.revision(), new.revision()).slices}
    assert found["site = rare"].examples == v.MIN_SLICE - 1
    assert np.isnan(found["site = rare"].p)
    assert found["site = rare"].verdict == ""
    assert found["site = usual"].p >= found["site = usual"].gain.p, "corrected for how many were tested"


def looked_at(found: v.Comparison, tries: int, gain: Interval, budget: int | None = None) -> v.Comparison:
    """Return the comparison as if it had this gain, at this try."""
    verdict = v.verdict_of(gain)
    all_looks = over_all([gain], verdict != v.NO_DIFFERENCE, tries, budget)
    return dataclasses.replace(found, verdict=verdict, gain=gain, looks=tries + 1, all_looks=all_looks)


WEAK, STRONG, NONE = t_interval(0.02, 0.009, 1000), t_interval(0.05, 0.009, 1000), t_interval(0.01, 0.009, 1000)
SAID: dict[str, tuple[int, Interval, int | None, list[str], list[str]]] = {
    "the first": (1, WEAK, None, [], []),
    "a weak gain at the 20th": (
        20,
        WEAK,
        None,
        [
            "Over all 20 looks at this test set: no detectable difference, adjusted p = 1, [−1.48, +5.48] points; this look "
            "alone: helps, p = 0.026. The best of 20 changes without effect gains +1.68 by luck.",
            "It is told on a new test set, where the count starts again (`datapass renew-test`).",
        ],
        [],
    ),
    "a strong gain at the 20th": (
        20,
        STRONG,
        None,
        [],
        ["Over all 20 looks at this test set it holds: helps, adjusted p < 0.0001, [+1.52, +8.48] points."],
    ),
    "no gain at the 20th": (
        20,
        NONE,
        None,
        [],
        ["Over all 20 looks at this test set the interval is [−2.48, +4.48] points."],
    ),
    "the first of a budget": (
        1,
        STRONG,
        20,
        [],
        [
            "Over the looks at this test set (number 1 of 20 that the baseline declares) it holds: helps, adjusted p < "
            "0.0001, [+2.27, +7.73] points."
        ],
    ),
    "beyond the budget": (
        21,
        STRONG,
        20,
        [
            "All 20 looks at this test set that the baseline declares are spent; this is number 21: over all of them no "
            "verdict holds. `datapass renew-test` makes a new test set."
        ],
        [],
    ),
}


@pytest.mark.parametrize(("tries", "gain", "budget", "warned", "told"), SAID.values(), ids=SAID.keys())
def test_looks_inform_and_do_not_block(
    pair: tuple[Made, Made], tries: int, gain: Interval, budget: int | None, warned: list[str], told: list[str]
) -> None:
    found = looked_at(compare(pair[0].revision(), pair[1].revision()), tries, gain, budget)
    assert looks_lines(found) == (warned, told)
    assert comparison(found).verdict == v.verdict_of(gain), "the verdict stays"
    sentences = comparison(found).sections[0].blocks[0].sentences  # type: ignore[union-attr]
    assert [line for line in sentences if line.startswith("⚠️")] == [f"⚠️ {line}" for line in warned]
    assert set(told) <= set(sentences)


COST = {"batch_size": 8, "metric": "cost", "costs": {"cat": {"dog": 20}}}


def measured(made: Made, **evaluate: Any) -> Made:
    made.evaluate = {"batch_size": 8} | evaluate
    return made


@pytest.fixture
def careless(pair: tuple[Made, Made]) -> tuple[Made, Made]:
    """A candidate with more right answers that takes more cats for dogs, each of which costs 20."""
    old, new = pair
    for number, column in enumerate(column for column in new.answers if column.startswith("seed_")):
        for made, dogs, cats in ((old, 80 + number, 10), (new, 10 + number, 40)):
            rank = made.test.groupby("label").cumcount()
            wrong = rank < made.test["label"].map({"dog": dogs, "cat": cats})
            other = made.test["label"].map({"cat": "dog", "dog": "cat"})
            made.answers[column] = made.test["label"].where(~wrong, other)
    return old, new


def test_the_verdict_is_about_the_chosen_metric(careless: tuple[Made, Made]) -> None:
    old, new = careless
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.HELPS and found.gain == found.accuracy
    for made in careless:
        made.evaluate = COST
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.HURTS
    assert found.gain is not None and found.accuracy is not None and found.accuracy.low > 0
    assert (found.old, found.new) == pytest.approx(((82 + 20 * 10) / N, (12 + 20 * 40) / N))
    assert found.gain.mean == pytest.approx((70 - 600) / N)
    parts = {part.name: part for part in found.classes}
    assert (parts["cat"].old, parts["cat"].new) == pytest.approx((20 * 10 / 200, 20 * 40 / 200))
    assert (parts["cat"].verdict, parts["dog"].verdict) == (v.HURTS, v.HELPS)
    slices = {part.name: part for part in found.slices}
    assert sum(p.examples * p.new for p in slices.values()) / N == pytest.approx(found.new)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1"])
def test_classes_and_slices_by_the_metric(pair: tuple[Made, Made], metric: str) -> None:
    """Balanced accuracy is accuracy within one class; the F1 of the classes have macro-F1 as their mean."""
    old, new = pair
    plain = compare(old.revision(), new.revision())
    found = compare(measured(old, metric=metric).revision(), measured(new, metric=metric).revision())
    assert found.verdict == v.HELPS and found.metric.name == metric and found.gain is not None
    means = [float(np.mean([getattr(p, side) for p in found.classes])) for side in ("old", "new")]
    assert means == pytest.approx([found.old, found.new])
    assert (found.classes == plain.classes) == (metric == "balanced_accuracy")
    assert (found.gain == found.macro_f1) == (metric == "macro_f1")
    assert found.accuracy == plain.gain


def test_another_metric_is_another_question(pair: tuple[Made, Made]) -> None:
    old, new = pair
    known = compare(old.revision(), new.revision())
    new.evaluate = {"batch_size": 8, "metric": "accuracy", "costs": None}
    for one, other in ((old, new), (new, old)):
        found = compare(one.revision(), other.revision())
        assert found.proof.model == [], "what ran before there was a choice is accuracy"
        assert found.verdict == (v.HELPS if one is old else v.HURTS)
    assert compare(old.revision(), new.revision()).gain == known.gain
    new.evaluate = COST
    for one, other in ((old, new), (new, old)):
        found = compare(one.revision(), other.revision())
        assert found.verdict == v.NOT_COMPARABLE and found.gain is None
        assert "no model is trained again" in found.mend[0]
    assert "param evaluate.metric: cost → accuracy" in found.proof.model
    old.evaluate = COST | {"costs": {"cat": {"dog": 10}}}
    found = compare(old.revision(), new.revision())
    assert found.proof.model == ['param evaluate.costs: "cat" taken for "dog": 10.0 → 20.0']
    new.evaluate = {"batch_size": 8, "metric": "f9"}
    with pytest.raises(Refusal, match=r'new: evaluate\.metric is "f9", which is none of accuracy'):
        compare(old.revision(), new.revision())


def test_the_cost_of_a_renamed_class_is_the_same(careless: tuple[Made, Made]) -> None:
    old, new = careless
    old.evaluate = new.evaluate = COST
    known = compare(old.revision(), new.revision())
    for table in (new.test, new.train, new.answers):
        table.replace("cat", "@kitten", inplace=True)
    new.classes, new.edits = ["@kitten", "dog"], {"p001-fix": {"rename-class": 1}}
    new.evaluate = COST | {"costs": {"@kitten": {"dog": 20}}}
    found = compare(old.revision(), new.revision())
    assert found.proof.model == []
    assert (found.verdict, found.gain) == (v.HURTS, known.gain)


CHOICES: dict[str, dict[str, Any]] = {
    "balanced": {"metric": "balanced_accuracy"},
    "macro-F1": {"metric": "macro_f1"},
    "cost": {"metric": "cost", "costs": {"dog": {"cat": 1.2}}},
}


@pytest.mark.parametrize("evaluate", CHOICES.values(), ids=CHOICES.keys())
def test_what_is_gone_or_changed_decides_for_each_metric(pair: tuple[Made, Made], evaluate: dict[str, Any]) -> None:
    """A gain made by taking away, dropping or relabelling the test examples where the candidate lost is none."""
    for change in (taken_away, dropped, relabel_test):
        old, new = (measured(dataclasses.replace(made, test=made.test.copy()), **evaluate) for made in pair)
        new.answers = answer(new.test, 0.803, first=100)
        assert compare(old.revision(), new.revision()).verdict == v.NO_DIFFERENCE
        change(new, lost_rows(old, new, 25))
        found = compare(old.revision(), new.revision())
        assert found.gain is not None and found.gain.low > 0, "what the rest alone would say"
        assert found.verdict in (v.NOT_COMPARABLE, v.DEPENDS)
        assert change is not relabel_test or found.verdict == v.DEPENDS


def dropped(new: Made, rows: list[int]) -> None:
    new.test.loc[rows, "weight"] = 0


def test_the_ruler_is_in_the_metric(careless: tuple[Made, Made]) -> None:
    old, new = careless
    old.evaluate = new.evaluate = COST
    relabel_test(new, [0])  # a dog that both took for a cat is one now
    found = compare(old.revision(), new.revision())
    assert found.ruler is not None
    assert found.ruler.scores == pytest.approx(np.array([[282, 281], [812, 811]]) / N)
    assert found.ruler.moved == pytest.approx(1 / N), "saved by the labels alone"
    assert found.verdict == v.HURTS


NAMED = {
    "accuracy": ("accuracy", "points", "points of accuracy"),
    "balanced_accuracy": ("balanced accuracy", "points", "points of balanced accuracy"),
    "macro_f1": ("macro-F1", "points", "points of macro-F1"),
    "cost": ("cost", "cost per example", "cost per example saved"),
}


@pytest.mark.parametrize("metric", NAMED)
def test_every_form_names_the_metric_and_its_unit(careless: tuple[Made, Made], metric: str) -> None:
    label, unit, of = NAMED[metric]
    old, new = (measured(made, metric=metric, costs=COST["costs"] if metric == "cost" else None) for made in careless)
    relabel_test(new, [0])
    found = compare(old.revision(), new.revision())
    shown = words.interval(found.gain, found.metric) if found.gain else ""
    assert f"{label} {found.metric.score(found.old)} → " in headline(found) and f"gain {shown} {unit}" in headline(
        found
    )
    report = comparison(found)
    comment = markdown(report)
    assert f"{shown} {of}." in comment.split("\n")[0], "its interval is shown as it is"
    page = html(report)
    for form in (comment, page):
        assert f"gain in {label}, {unit}" in form
        assert ("The verdict is about" in form) == (metric != "accuracy")
    assert f"Gains in {unit} with" in page
    written = json.loads(json.dumps(record(report), allow_nan=False))
    assert written["metric"]["name"] == metric and written["metric"]["unit"] == unit
    assert written["gain"]["mean"] * written["metric"]["scale"] == pytest.approx(
        100 * found.gain.mean if metric != "cost" else found.gain.mean
    )  # type: ignore[union-attr]
    assert ("Accuracy: +" in page) == (metric != "accuracy")
    warned = looks_lines(looked_at(found, 20, t_interval(0.02, 0.009, 1000)))[0]
    assert all(unit in line for line in warned[:1]) and len(warned) == 2


MILD = {"_target_": "team.inputs.Augment", "shift": 1, "flip": False}
CONF = {
    f"conf/data/augment/{name}.yaml": ((), yaml.safe_dump(node).encode())
    for name, node in {"none": {"augment": None}, "mild": MILD, "wild": MILD | {"shift": 5}}.items()
}
AUGMENTED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "switched on": ({"data.augment": None}, {"data.augment": MILD}, "none → mild (shift 1, flip false)"),
    "where there was no choice before": ({}, {"data.augment": MILD}, "none → mild (shift 1, flip false)"),
    "more of it": (
        {"data.augment": MILD},
        {"data.augment": MILD | {"shift": 5}},
        "mild (shift 1, flip false) → wild (shift 5, flip false)",
    ),
    "without a file": (
        {"data.augment": MILD},
        {"data.augment": MILD | {"shift": 2}},
        "mild (shift 1, flip false) → Augment (shift 2, flip false)",
    ),
    "another kind": (
        {"data.augment": MILD},
        {"data.augment": {"_target_": "team.inputs.Noise"}},
        "mild (shift 1, flip false) → Noise",
    ),
}


@pytest.mark.parametrize(("before", "after", "said"), AUGMENTED.values(), ids=AUGMENTED.keys())
def test_augmentation_is_data(
    pair: tuple[Made, Made], before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    """The same rows with another augmentation give other weights, and that is the gain of a change of the data."""
    old, new = pair
    new.train, new.passes = old.train.copy(), []
    old.augment, new.augment, new.weights = before, after, "other"
    for made in pair:
        made.files = CONF
    found = compare(old.revision(), new.revision())
    assert found.proof.model == [] and found.proof.paired and found.verdict == v.HELPS
    assert found.proof.data == ["data.augment", "models"]
    assert found.data.augmentation == tuple(said.split(" → "))
    assert found.data.rows.empty
    assert found.proof.params == compare(old.revision(), old.revision()).proof.params
    assert words.data_line(found.data) == "other augmentation"
    assert words.advice(found) == "Merge if the settings of the augmentation read right."
    report = comparison(found)
    sentence = f"Augmentation of the training examples: {said}."
    assert sentence in html(report).replace("&#39;", "'") and record(report)["data"]["augmentation"]
    assert sentence in str(report.sections)
    assert compare(new.revision(), old.revision()).verdict == v.HURTS


@pytest.mark.parametrize("given", [None, MILD], ids=["none", "mild"])
def test_the_same_augmentation_is_no_difference(pair: tuple[Made, Made], given: dict[str, Any] | None) -> None:
    """What was locked before there was a choice is none; and other weights of the same data are unexplained."""
    old, new = pair
    old.augment = {} if given is None else {"data.augment": given}
    new.augment = {"data.augment": given}
    found = compare(old.revision(), new.revision())
    assert found.data.augmentation is None and "data.augment" not in found.proof.data
    assert found.proof.model == [] and found.verdict == v.HELPS
    new.train, new.passes, new.weights = old.train, [], "other"
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NOT_COMPARABLE and "the same data and model gave other weights" in found.why[0]


def test_the_code_of_an_augmentation_is_the_models(pair: tuple[Made, Made]) -> None:
    old, new = pair
    old.augment = new.augment = {"data.augment": MILD}
    new.files = {"src/team/inputs.py": (("pack", "train"), b"two = 2\n")}
    old.files = {"src/team/inputs.py": (("pack", "train"), b"one = 1\n")}
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NOT_COMPARABLE and "code src/team/inputs.py: changed" in found.proof.model


def test_a_param_that_begins_like_the_augmentation_is_the_models(pair: tuple[Made, Made]) -> None:
    old, new = pair
    new.augment = {"data.augmented": 1}
    assert "param data.augmented: absent → 1" in compare(old.revision(), new.revision()).proof.model


def test_rows_and_augmentation_are_both_named(pair: tuple[Made, Made]) -> None:
    old, new = pair
    new.augment = {"data.augment": MILD}
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.HELPS
    assert words.data_line(found.data) == "2 relabelled, other augmentation"
    assert words.advice(found) == "Merge if the 2 relabelled rows and the augmentation read right."


LOCKED = """schema: '2.0'
stages:
  train:
    cmd: t
    params:
      params.yaml:
        data.augment:{}
        data.inputs:
          height: 8
"""
MAPPING = "\n          _target_: team.inputs.Augment\n          shift: {}"


def test_looks_count_augmentations(pair: tuple[Made, Made]) -> None:
    """What tells data revisions apart that are of the same rows: nothing where a lock names none, or is none."""
    plain = [LOCKED.format(none) for none in ("", " null")] + [
        LOCKED.replace("data.augment", "data.classes").format("")
    ]
    broken = [LOCKED.format(MAPPING.format(1)) + "<<<<<<< ours", "data.augment:\n  x"]
    assert {_augmentation(lock.encode()) for lock in [*plain, *broken, ""]} == {""}
    few, many = (_augmentation(LOCKED.format(MAPPING.format(shift)).encode()) for shift in (1, 2))
    assert few == '{"_target_": "team.inputs.Augment", "shift": 1}' and few != many
    pair[0].augment = {"data.augment": MILD}
    assert _augmentation(pair[0].revision().need("dvc.lock")) == json.dumps(MILD, sort_keys=True)


@pytest.mark.parametrize(("number", "said"), [(9, False), (20, True)])
def test_many_examples_that_do_not_count_are_said(number: int, said: bool) -> None:
    """A pass on them would change nothing, and no verdict would tell why."""
    warning = {"kind": "input in several sets", "what": "", "count": number, "ids": []}
    data = {"warnings": [warning], "sets": {"train": {"examples": 100, "classes": {}}}}
    made = Revision("main", "0" * 40, {"reports/data.json": json.dumps(data).encode()})
    found = shadowed(made)
    assert (found is not None) == said
    assert not said or str(found).startswith("20 examples of main do not count")


@pytest.fixture
def alike(pair: tuple[Made, Made]) -> tuple[Made, Made]:
    """Two revisions that are as good as each other."""
    old, new = pair
    new.answers = answer(new.test, 0.80, first=100)
    return old, new


def test_the_largest_gain_or_loss_is_said_where_there_is_no_verdict(alike: tuple[Made, Made]) -> None:
    old, new = alike
    found = compare(old.revision(), new.revision())
    assert found.gain is not None and found.verdict == v.NO_DIFFERENCE
    bounds = t_interval(found.gain.mean, found.gain.se, found.gain.df)
    assert found.at_most > max(abs(bounds.low), abs(bounds.high)) - 0.01
    size = found.metric.at_most(found.at_most)
    assert equivalence_line(found) == f"No gain or loss larger than {size} points (two one-sided tests at 5 %)."
    wide, narrow = (compare(old.revision(), new.revision(), Aim(within=margin)) for margin in (9, 0.1))
    assert equivalence_line(wide) == (
        f"Shown equivalent within 9.00 points: no gain or loss larger than {size} (two one-sided tests at 5 %)."
    )
    assert equivalence_line(narrow) == (
        f"Not shown equivalent within 0.10 points: one of {size} is not excluded (two one-sided tests at 5 %)."
    )
    assert (wide.verdict, narrow.verdict) == (v.NO_DIFFERENCE, v.NO_DIFFERENCE), "the five words stay"
    for found, shown in ((wide, True), (narrow, False)):
        assert json.loads(json.dumps(record(comparison(found)), allow_nan=False))["within"]["shown"] == shown
        assert all(
            str(equivalence_line(found)) in form for form in (markdown(comparison(found)), html(comparison(found)))
        )


def test_a_clear_gain_is_not_equivalent_to_nothing(pair: tuple[Made, Made]) -> None:
    assert equivalence_line(compare(pair[0].revision(), pair[1].revision())) is None, "the verdict says it"
    found = compare(pair[0].revision(), pair[1].revision(), Aim(within=5))
    assert found.verdict == v.HELPS and found.within is not None and not found.within.shown
    fewer_seeds(pair[1])
    found = compare(pair[0].revision(), pair[1].revision(), Aim(within=99))
    assert equivalence_line(found) == "Not shown equivalent within 99.00 points: the two are not comparable."


@pytest.mark.parametrize("change", [taken_away, replaced, dropped, relabel_test])
def test_equivalence_holds_by_every_reading(pair: tuple[Made, Made], change: Callable[[Made, list[int]], None]) -> None:
    """A pass is not shown harmless by taking away, dropping or relabelling the test examples where it tells."""
    old, new = pair
    new.answers = answer(new.test, 0.803, first=100)
    known = compare(old.revision(), new.revision())
    change(new, lost_rows(new, old, 6))
    found = compare(old.revision(), new.revision())
    assert found.verdict == v.NO_DIFFERENCE and len(found.readings) > 1
    assert found.at_most > at_most(found.readings[:1], 1, found.units) + 0.004, "more than the rest alone would say"
    assert found.at_most >= known.at_most - 1e-9


@pytest.mark.parametrize("evaluate", [*CHOICES.values(), {"metric": "accuracy"}], ids=[*CHOICES, "accuracy"])
def test_each_metric_says_how_sure_it_is(alike: tuple[Made, Made], evaluate: dict[str, Any]) -> None:
    """In its own unit; of macro-F1, which is no mean over examples, not what would show."""
    old, new = (measured(made, **evaluate) for made in alike)
    found = compare(old.revision(), new.revision(), Aim(gain=0.5 if evaluate["metric"] != "cost" else 0.005))
    assert found.verdict == v.NO_DIFFERENCE and found.at_most > 0
    assert (found.ways is None) == (found.components is None) == (evaluate["metric"] == "macro_f1")
    said = str(would_show(found))
    assert said.startswith("A gain under ") and found.metric.unit in said
    assert ("would, in 4 of 5 tries" in said or "would show one of" in said) == (found.ways is not None)


def test_one_rare_class_widens_what_is_excluded(alike: tuple[Made, Made]) -> None:
    """One example of a class of ten is ten points of its recall."""
    old, new = (measured(made, metric="balanced_accuracy") for made in alike)
    common = compare(old.revision(), new.revision()).at_most
    keep = old.test.index[(old.test["label"] == "cat") | (old.test.index < 20)]
    for made in (old, new):
        made.test, made.answers = (
            made.test.loc[keep].reset_index(drop=True),
            made.answers.loc[keep].reset_index(drop=True),
        )
    assert compare(old.revision(), new.revision()).at_most > 3 * common


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_margin_is_above_nothing(value: float) -> None:
    with pytest.raises(Refusal, match=r"--within .*: give a number above 0, in points"):
        positive("--within", value)


PLAIN = [
    "no",
    "yes",
    "on",
    "y",
    "~",
    "null",
    "1:30",
    "2020-01-01",
    "0o17",
    "1_000",
    "010",
    "1e3",
    ".5",
    "",
    "true",
    "0x1f",
]


@pytest.mark.parametrize(
    "value", [1e-5, 1e22, -1.5e-7, 0.1, 3, 0, -7, True, None, float("inf"), PLAIN, {"lr": 1e-05}, "+1"]
)
def test_the_lock_is_read_as_dvc_writes_it(value: object) -> None:
    written = dumps_yaml({"stages": {"train": {"params": {"params.yaml": {"model": value}}}}})
    read = yaml.load(written, Loader=LOCK_YAML)["stages"]["train"]["params"]["params.yaml"]["model"]
    assert read == value and type(read) is type(value)
