"""A training in a process of its own, wherever this module runs: here, or as it was sent to a worker on another machine.

Nothing but the standard library is imported, since a worker gets this module by value and may have another version of the
rest. Processes are asked by lines of JSON: no state of one training reaches the next but what the project's code keeps, and
a process that is killed takes nothing with it.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Variables that change what a training computes: a worker's own give way to those of who asks.
DECIDES = ("ATEN_", "BLIS_", "CUBLAS_", "CUDNN_", "DNNL_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_", "PL_", "PYTHONHASHSEED", "PYTORCH_", "TORCH_")  # fmt: skip
# By which Lightning would take each process for one of a training on several nodes.
CLUSTER = ("SLURM_", "PMI_", "OMPI_", "KUBERNETES_", "MASTER_", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE")
TRIES = 2  # a process that ends twice at one training would end a third time


class Killed(Exception):
    """A training's process ended without an answer."""


@dataclass(frozen=True)
class Place:
    """Where the project lies.

    Attributes:
        folder: of the project, where whoever trains sees it; else empty.
        digest: another one for each state of the project.
        variables: of the shell, those that start with one of `DECIDES`.
    """

    folder: str
    digest: str
    variables: dict[str, str] = field(default_factory=dict)


@dataclass
class Child:
    """A process that trains one request after the other."""

    process: subprocess.Popen[str]
    of: tuple[str, Place]


_children = threading.local()
_started: list[subprocess.Popen[str]] = []
_stopped = threading.Event()
_folders: dict[str, tempfile.TemporaryDirectory[str]] = {}
_unpacking = threading.Lock()


def ask(
    place: Mapping[str, Any],
    archive: bytes,
    stage: str,
    request: Mapping[str, Any],
    listen: Callable[[int, str], object] | None = None,
) -> tuple[dict[str, Any], bytes]:
    """Return what a training says of itself, and the content of the one file that it made.

    Where there is no such file the first says why: `refused`, a text for people; `broken`, the traceback of the project's
    code; `full`, that a device's memory did not suffice; or `killed`, how its process ended, twice. All of it is plain data,
    which any machine can read.

    Args:
        place: a `Place` as a dict.
        archive: the project as a zip file; empty where `place` has a folder.
        stage: `train` or `audit`.
        request: what of it, in JSON's types.
        listen: told the steps that were done and a note, as they are done.
    """
    ended = ""
    for _ in range(TRIES):
        if _stopped.is_set():
            break
        child = _child(Place(**place), archive, stage)
        with tempfile.TemporaryDirectory(prefix="datapass-") as folder:
            try:
                return _answer(child, {**request, "folder": folder}, Path(folder), listen)
            except (Killed, OSError) as error:
                child.process.kill()
                child.process.wait()
                _children.child, ended = None, str(error)
    return {"killed": ended}, b""


def _answer(
    child: Child, request: dict[str, Any], folder: Path, listen: Callable[[int, str], object] | None
) -> tuple[dict[str, Any], bytes]:
    assert child.process.stdin is not None and child.process.stdout is not None
    child.process.stdin.write(json.dumps(request) + "\n")
    child.process.stdin.flush()
    steps = 0
    for line in child.process.stdout:
        said = json.loads(line)
        if "steps" in said:
            steps += said["steps"]
            if listen is not None:
                listen(said["steps"], said["note"])
            continue
        if "full" in said and listen is not None:
            listen(-steps, "")
        return said, (folder / said["file"]).read_bytes() if "file" in said else b""
    if listen is not None:
        listen(-steps, "")  # they are done again
    code = child.process.wait()
    raise Killed(f"exit code {code}" if code >= 0 else f"signal {-code}")


def _child(place: Place, archive: bytes, stage: str) -> Child:
    """Return this thread's process for a state of the project, started where there is none."""
    child = getattr(_children, "child", None)
    if child is not None and child.of == (stage, place) and child.process.poll() is None:
        return child
    if child is not None:
        child.process.kill()
        child.process.wait()
    folder = Path(place.folder) if place.folder else unpacked(place.digest, archive)
    environment = {k: v for k, v in os.environ.items() if not k.startswith((*DECIDES, *CLUSTER))} | place.variables
    environment |= {"PYTHONPATH": os.pathsep.join(["src", *filter(None, [os.environ.get("PYTHONPATH", "")])])}
    environment |= getattr(_children, "variables", {})
    # A console's Ctrl-C reaches all processes of its group; this one ends with whoever asks.
    process = subprocess.Popen(
        [sys.executable, "-m", "datapass.executors.child", stage],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    _started.append(process)
    _children.child = Child(process, (stage, place))
    return _children.child


def settle(variables: dict[str, str]) -> None:
    """Let the processes of this thread have these variables."""
    _children.variables = variables


def stop(at_once: bool) -> None:
    """End this process's trainings: `at_once`, or those that wait for a request, which may finish what they log."""
    _stopped.set()
    for process in _started:
        if at_once:
            process.kill()
        elif process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
    for process in _started:
        process.wait()


def start() -> None:
    """Allow trainings again."""
    _stopped.clear()
    _started.clear()


def unpacked(digest: str, archive: bytes) -> Path:
    """Return a folder of this process's own with the content of an archive; of those before it keeps three."""
    with _unpacking:
        if digest not in _folders:
            while len(_folders) > 3:
                del _folders[next(iter(_folders))]
            _folders[digest] = tempfile.TemporaryDirectory(prefix="datapass-", ignore_cleanup_errors=True)
            with zipfile.ZipFile(io.BytesIO(archive)) as file:
                file.extractall(_folders[digest].name)
        return Path(_folders[digest].name)
