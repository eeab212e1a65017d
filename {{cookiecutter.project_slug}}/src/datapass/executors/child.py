"""The process of a training: `python -m datapass.executors.child STAGE`, asked by `place.ask`; not for people to type."""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from typing import Any, TextIO

from ..integrity import refuse_foreign
from ..messages.problems import Refusal, of_system
from ..messages.progress import Progress
from ..settings import Network, load, load_again
from ..stages.frame import refuse_undeclared_code
from .peers import Peers, is_peer
from .project import state

Job = Callable[[dict[str, Any], Progress, Path], dict[str, Any]]
IDLE, OFTEN = 60.0, 0.2  # seconds: without a request after which it ends; between two reports


class Reported(Progress):
    """Steps that are told to who asked."""

    def __init__(self, answers: TextIO) -> None:
        self.answers, self.done, self.shown = answers, 0, time.monotonic()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count steps, and tell them now and then."""
        self.done += steps
        if time.monotonic() - self.shown > OFTEN:
            self.tell(note)

    def tell(self, note: str = "") -> None:
        """Tell the steps that were not told yet."""
        if self.done:
            say(self.answers, {"steps": self.done, "note": note})
        self.done, self.shown = 0, time.monotonic()


def say(answers: TextIO, what: dict[str, Any]) -> None:
    """Write one line."""
    answers.write(json.dumps(what, default=lambda number: number.item()) + "\n")  # numbers of NumPy
    answers.flush()


def job(stage: str, fold: bool, answers: TextIO, wanted: str | None) -> Job:
    """Return what does the trainings of seeds, or those without a fold; with the settings of a digest, if it is given."""
    refuse_foreign()
    settings = load() if wanted is None else load_again(wanted)
    work: Job
    if fold:
        from ..stages.folds import Folds

        work = Folds(settings)
    else:
        from ..stages.train import Trainings

        work = Trainings(settings)
    if not isinstance(settings.model, Network) or settings.model.devices == 1 or is_peer():
        return work

    def ended(said: dict[str, Any]) -> None:
        if said:
            say(answers, said)
        os._exit(1)  # this process waits for the one that ended, inside a library

    peers = Peers(stage, settings.model.devices, ended)

    def together(request: dict[str, Any], progress: Progress, folder: Path) -> dict[str, Any]:
        peers.ask(request)
        answer = work(request, progress, folder)
        peers.wait()
        return answer

    return together


def full(error: Exception) -> bool:
    """Return whether a device's memory did not suffice; torch says it in several ways."""
    return type(error).__name__ == "OutOfMemoryError" or (
        isinstance(error, RuntimeError) and "out of memory" in str(error)
    )


def serve(stage: str, answers: TextIO, requests: "Queue[dict[str, Any] | None]", busy: threading.Event) -> None:
    """Answer requests until there are no more, none comes for a while, or one was not done: a process is of no use after that."""
    works: dict[bool, Job] = {}
    idle = None if is_peer() else IDLE
    progress = Reported(answers)
    while True:
        try:
            request = requests.get(timeout=idle)
        except Empty:
            return
        if request is None:
            return
        busy.set()
        try:
            if "state" in request and request["state"] != state():
                raise Refusal(
                    f"conf/trainer: executor: what the workers see in {Path.cwd()} is another state of the project than that of who "
                    "asks, which may run in a folder of its own (`dvc exp run --temp`, `--queue`); with `folder: null` they are sent it."
                )
            fold = "fold" in request
            if fold not in works:
                works.clear()  # the data of one kind of training at a time
                works[fold] = job(stage, fold, answers, request.get("settings"))
            answer = works[fold](request, progress, Path(request["folder"]))
            refuse_undeclared_code(stage)  # of what is imported on the way, too
            progress.tell()
        except Refusal as refusal:
            answer = {"refused": str(refusal)}
        except OSError as error:
            answer = {"refused": of_system(error, stage)}
        except Exception as error:
            answer = {"full": str(error)} if full(error) else {"broken": traceback.format_exc()}
        if "file" not in answer:
            say(answers, answer)
            os._exit(0)
        busy.clear()
        say(answers, answer)


def main(stage: str) -> None:
    """Answer what stands on standard input, a request a line; end with it."""
    # What the project's code prints is for people and goes where errors go; the answers have standard output for themselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    requests: Queue[dict[str, Any] | None] = Queue()
    busy = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            requests.put(json.loads(line))
        if busy.is_set() or not requests.empty() or is_peer():
            os._exit(1)  # whoever asked is gone, perhaps killed, and nobody waits for the training
        requests.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        serve(stage, answers, requests, busy)
    except KeyboardInterrupt:
        os._exit(130)


if __name__ == "__main__":
    main(sys.argv[1])
