"""Trained seeds that are kept on this machine: what was trained once is not trained again.

More seeds extend what is there, and a training that was stopped goes on with the seeds that are missing. A seed is kept under a
hash of everything that decides its weights, beside DVC's cache (so that `dvc exp run --temp` and `--queue` find it too), as a
small record; the model itself only until DVC's cache has it, where it is looked up by its hash.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from statistics import median
from typing import Any

from dvc.config import Config
from packaging.utils import canonicalize_name

from ..executors.place import DECIDES
from ..files.paths import INPUTS, VALUES
from ..files.writes import written
from ..integrity import name
from ..settings import Settings
from ..training.environment import editable
from .frame import Stage, declared, files, read_by, refuse_changes, stamps

AGAIN = "DATAPASS_TRAIN_AGAIN"  # set in the shell: train all seeds, whatever is kept
SHELL = (*DECIDES, "CUDA_", "NVIDIA_")
DAY = 24 * 3600.0  # seconds, after which nobody is still writing what lies aside
REACHED = ("address", "wait", "jobs", "folder")  # of an executor
MONTH = 30 * DAY  # after which a model is given up that DVC never took over


@dataclass(frozen=True)
class Record:
    """One trained seed.

    Attributes:
        name: of the model's file.
        md5: of its content, by which DVC's cache has it.
        fingerprint, environment: of the training, as in the model's file.
        host: the machine.
        seconds: that the training took.
        curve: its learning curves, a row a point.
    """

    name: str
    md5: str
    fingerprint: str
    environment: str
    host: str
    seconds: float
    curve: list[dict[str, float]]


def cache() -> Path:
    """Return the folder of DVC's cache, which experiments in folders of their own share."""
    return Path(Config(str(Path(".dvc").resolve()))["cache"].get("dir") or ".dvc/cache").resolve()


def specification(settings: Settings) -> str | None:
    """Return 64 hex digits that change with everything but the seed that decides the weights, and with the machine.

    Code, data and params are all that stage `train` declares, but for the packed inputs, which the tables hold a hash of
    each of (`packed.confirm`; of packed rows all are read, as the categories of one may be known from another); libraries
    are all that are installed, more than what is used. None where something of that cannot be read here: a library that is
    installed from a folder, whose files may change unseen, a dependency that is no file, a variable of dvc.yaml.
    """
    stage = declared("train")
    installed = list(distributions())
    if any(_edited_in_place(one) for one in installed) or not _is_plain(stage):
        return None
    data = settings.data.model_dump(include={"inputs", "augment", "size"})
    where = settings.trainer.model_dump(include={"accelerator", "devices"})
    if settings.trainer.executor is not None and not settings.trainer.here:
        # Whose machines are other ones; where it is reached, and for how long, is no matter.
        where["executor"] = {k: v for k, v in settings.trainer.executor.items() if k not in REACHED}
    content = {
        "command": stage["cmd"],
        "settings": [settings.model.model_dump(), data, where],
        "files": [
            [path.as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
            for path in files(read_by(stage))
            if path == VALUES or not path.is_relative_to(INPUTS)
        ],
        "libraries": sorted(_library(one) for one in installed),
        "machine": [platform.python_version(), *platform.uname()[:5]],
        "shell": sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(SHELL)),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _is_plain(stage: Stage) -> bool:
    """Return whether all that a stage declares are files and folders that are here, by their names."""
    here = all(isinstance(dep, str) for dep in stage["deps"]) and all(path.exists() for path in read_by(stage))
    return here and "${" not in json.dumps(stage)


def _library(one: Distribution) -> str:
    """Return name and version of a library, and a hash of what its installer wrote down: files, and where they are from.

    Of another project like this one, installed from its folder, it is a hash of its code; this one's is declared by stages.
    """
    about: list[Any] = [one.read_text("RECORD"), one.read_text("direct_url.json")]
    folder = editable(one)
    if folder is not None and canonicalize_name(one.metadata["Name"]) != canonicalize_name(
        name(Path("pyproject.toml"))
    ):
        code = sorted(path for path in (folder / "src").rglob("*.py") if path.is_file())
        about += [[path.as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()] for path in code]
    return f"{one.metadata['Name']} {one.version} {hashlib.sha256(json.dumps(about).encode()).hexdigest()}"


def _edited_in_place(library: Distribution) -> bool:
    """Return whether someone may edit a library where it is, and it is no project like this one, see `_library`."""
    folder = editable(library)
    return folder is not None and not (folder / "src" / "datapass").is_dir()


class Kept:
    """The trained seeds of one specification.

    Args:
        settings: of the training.
    """

    def __init__(self, settings: Settings) -> None:
        self._stamps = stamps(declared("train"))
        self.cache, found = cache(), specification(settings)
        self.again = bool(os.environ.get(AGAIN)) or found is None
        self.folder = self.cache / "datapass" / "seeds" / (found or "unknown")

    def take(self, seed: int, folder: Path) -> Record | None:
        """Write the model of a seed into `folder` and return its record; None where it is not kept."""
        record = None if self.again else _read(self.folder / f"{seed}.json")
        if record is None:
            return None
        for path in (self.folder / record.name, _cached(self.cache, record.md5)):
            if (
                path.is_file()
                and hashlib.md5(content := path.read_bytes(), usedforsecurity=False).hexdigest() == record.md5
            ):
                (folder / record.name).write_bytes(content)
                return record
        return None

    def put(self, seed: int, content: bytes, about: Mapping[str, Any]) -> Record:
        """Keep the model of a seed, and return its record.

        Args:
            content: of the model's file.
            about: with what a record holds but its `name`, which is `file` there, and its `md5`.

        Raises:
            Refusal: see `refuse_changes`.
        """
        self.refuse_changes()
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        names = ("fingerprint", "environment", "host", "seconds", "curve")
        record = Record(name=about["file"], md5=md5, **{name: about[name] for name in names})
        with written(self.folder / record.name, shared=True) as aside:
            aside.write_bytes(content)
        with written(self.folder / f"{seed}.json", shared=True) as aside:
            aside.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8", newline="\n")
        return record

    def refuse_changes(self) -> None:
        """Refuse what was trained if anything that trainings read was written since: processes read it at several times."""
        refuse_changes("train", self._stamps)

    def tidy(self) -> None:
        """Delete the models that DVC's cache has by now, and those that it did not take over within a month."""
        for path in self.folder.parent.glob("*/.*.partial"):  # of runs that were killed
            with suppress(FileNotFoundError):  # another process tidies up as well
                if time.time() - path.stat().st_mtime > DAY:
                    path.unlink()
        for path in self.folder.parent.glob("*/seed-*"):
            record = _read(path.parent / f"{path.stem.removeprefix('seed-')}.json")
            taken = record is not None and _cached(self.cache, record.md5).is_file()
            with suppress(FileNotFoundError):
                if taken or time.time() - path.stat().st_mtime > MONTH:
                    path.unlink()


def seconds(fingerprint: str) -> float | None:
    """Return how long a training of this model took on this machine (median); None where none was timed here."""
    records = [_read(path) for path in (cache() / "datapass" / "seeds").glob("*/*.json")]
    here = [r.seconds for r in records if r and r.fingerprint == fingerprint and r.host == platform.node()]
    return median(here) if here else None


def _cached(cache: Path, md5: str) -> Path:
    return cache / "files" / "md5" / md5[:2] / md5[2:]


def _read(path: Path) -> Record | None:
    """Return a record; None where there is none that this version wrote."""
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
