"""The project's own files, made fit for data of one's own: the embedded example goes, classes and inputs are written down."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ..comparison.revisions import git
from ..data.label_book import HEADING, read_book, sections
from ..data.scope import empty_card, of_example
from ..files.paths import BOOK, INPUTS, PARAMS, PASSES, RAW, SCOPE
from ..files.writes import remove, write_text
from ..messages.problems import Problem, Refusal, refuse
from .yaml_text import value_at, with_value, without

PIPELINE, LOCK, CONFIG = Path("dvc.yaml"), Path("dvc.lock"), Path("conf/config.yaml")
POINTER = Path(f"{RAW.as_posix()}.dvc")
KNOWN_CLASSES = "# a label that is none of these is an error"
STUB = "To be written: what it is, examples, and the hard cases with what was decided.\n"


def has_example() -> bool:
    """Return whether the pipeline still makes the embedded example."""
    return value_at(PIPELINE.read_text(encoding="utf-8"), "stages", "example") is not None


def raw_is_example() -> bool:
    """Return whether data/raw/ is just what the stage `example` wrote, by dvc.lock."""
    if not LOCK.is_file() or value_at(LOCK.read_text(encoding="utf-8"), "stages", "example") is None:
        return False
    status = json.loads(dvc("status", "--json", "example") or "{}").get("example", [])
    return not any("changed outs" in change for change in status if isinstance(change, dict))


def conf_of_data() -> Path:
    """Return the file of conf/data/ that conf/config.yaml composes."""
    defaults = value_at(CONFIG.read_text(encoding="utf-8"), "defaults") or []
    named = [one["data"] for one in defaults if isinstance(one, dict) and "data" in one]
    path = Path(f"conf/data/{named[0] if named else 'images'}.yaml")
    refuse([] if path.is_file() else [Problem(path.as_posix(), "is missing; conf/config.yaml names it")])
    return path


def edits(classes: Sequence[str], inputs: Mapping[str, Any]) -> dict[Path, str]:
    """Return the new text of each file that changes when the first delivery comes, in the order to write them.

    Args:
        classes: of the delivery.
        inputs: settings of `inputs` in conf/data that the delivery decides.

    Raises:
        Refusal: where a file is laid out so that an edit would not say what it should.
    """
    path = conf_of_data()
    before = path.read_text(encoding="utf-8")
    after = with_value(without(before, "example"), ["classes"], list(classes), KNOWN_CLASSES)
    for key, value in inputs.items():
        after = with_value(after, ["inputs", key], value)
    meant = yaml.safe_load(before)
    meant.pop("example", None)
    meant["classes"] = list(classes)
    meant["inputs"] = {**meant["inputs"], **inputs}
    found = {BOOK: book(read_book(), classes), path: after}
    if SCOPE.is_file() and of_example(SCOPE.read_text(encoding="utf-8", errors="replace")):
        found[SCOPE] = empty_card()
    wrong = [path] if yaml.safe_load(after) != meant else []
    for file in (LOCK, PIPELINE):  # dvc.yaml last: that its stage is there says that this is not finished
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            found[file] = without(text, "stages", "example")
            meant = yaml.safe_load(text)
            (meant.get("stages") or {}).pop("example", None)
            wrong += [file] if yaml.safe_load(found[file]) != meant else []
    hint = "is not laid out as the template's; delete `example` and set `inputs` and `classes` by hand, see docs/own-data.md"
    refuse([Problem(file.as_posix(), hint) for file in wrong])
    return {
        file: text for file, text in found.items() if not file.is_file() or text != file.read_text(encoding="utf-8")
    }


def book(text: str, classes: Sequence[str]) -> str:
    """Return the label book with a section for each class: those it has of them as they are, of others none."""
    written = {name: said.strip("\r\n") for name, said in sections(text).items()}
    first = HEADING.search(text)
    parts = [text[: first.start() if first else len(text)].rstrip() or "# Label book"]
    for name in classes:
        heading = f"## {name}" + " #" * name.endswith("#")
        parts.append(f"{heading}\n{written.get(name) or STUB}".rstrip())
    return "\n\n".join(parts) + "\n"


def write(files: Mapping[Path, str]) -> None:
    """Write what `edits` gave, in its order."""
    for path, text in files.items():
        write_text(text, path)


def take_out_example(package: str) -> None:
    """Delete what the embedded example made, and its module."""
    remove(INPUTS)
    (Path("src") / package / "example.py").unlink(missing_ok=True)


def keep_example(classes: Sequence[str], package: str) -> list[str]:
    """Make the embedded example's data the project's own, as more data is to join it; return the files that changed."""
    if not has_example():
        return []
    files = edits(classes, {})
    files.pop(SCOPE, None)  # it goes on to be about these data
    write(files)
    (Path("src") / package / "example.py").unlink(missing_ok=True)
    return [file.as_posix() for file in files]


def finish() -> None:
    """Bring params.yaml up to date and tell DVC and Git of the data. Changes nothing the second time."""
    from ..stages.freeze import compose  # loads Hydra

    with TemporaryDirectory() as folder:
        compose(Path(folder) / PARAMS)
        composed = (Path(folder) / PARAMS).read_text(encoding="utf-8")
    if not PARAMS.is_file() or composed != PARAMS.read_text(encoding="utf-8"):
        write_text(composed, PARAMS)
    dvc("add", RAW.as_posix())
    beside = [
        RAW.parent / ".gitignore",
        *PASSES.glob("*"),
    ]  # what `dvc exp run` would not see while Git does not know it
    git("add", "--", POINTER.as_posix(), *(path.as_posix() for path in beside if path.is_file()))


def dvc(*arguments: str) -> str:
    """Run DVC and return what it prints. Raises Refusal with its own words."""
    called = [sys.executable, "-m", "dvc", *arguments]
    utf_8 = os.environ | {"PYTHONIOENCODING": "utf-8"}  # into a pipe Windows writes the console's letters alone
    done = subprocess.run(called, env=utf_8, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        said = done.stderr.strip().removeprefix("ERROR: ")
        raise Refusal(f"dvc {arguments[0]}: {said}\nThe files are in place; correct that and run this again.")
    return done.stdout
