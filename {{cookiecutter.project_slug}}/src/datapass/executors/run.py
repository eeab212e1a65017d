"""What a stage asks of an executor: trainings that do not depend on each other, in whatever order they end."""

import hashlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, as_completed
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..messages.problems import Refusal
from ..messages.progress import Progress
from ..settings import Estimator, Settings, make
from .local import Local
from .place import DECIDES, TRIES, Place, ask, start, stop
from .project import packed, state
from .sent import there

SOURCE = Path(__file__).with_name("place.py").read_text(encoding="utf-8")
MODULE = f"datapass_{hashlib.sha256(SOURCE.encode()).hexdigest()[:16]}"
Answer = tuple[dict[str, Any], bytes]


def answers(
    stage: str, requests: Sequence[dict[str, Any]], settings: Settings, progress: Progress, steps: int
) -> Iterator[tuple[int, Answer]]:
    """Yield the place of a request and its answer, as they come: what the training says of itself, and its file.

    Args:
        stage: `train` or `audit`.
        requests: in JSON's types, each a training.
        settings: of which `trainer.executor` says where.
        progress: advanced by `steps` for each.
        steps: of one training.

    Raises:
        Refusal: where a training is refused, its process was killed twice, or there is nobody to train.
    """
    with executor(settings) as pool:
        here = isinstance(pool, Local)
        folder = str(Path.cwd()) if here else getattr(pool, "folder", None) or ""
        archive = b"" if folder else packed()
        # A process of another state of the project is not asked again.
        known = "" if here else state()
        digest = hashlib.sha256(archive).hexdigest() if archive else known
        variables = {name: value for name, value in os.environ.items() if name.startswith(DECIDES)}
        place = asdict(Place(folder, digest, variables))
        shared = pool.share(archive) if archive and hasattr(pool, "share") else archive  # once, not with each request
        waiting: dict[Future[Answer], int] = {}
        lock = threading.Lock()

        def told(steps: int, note: str) -> None:
            with lock:  # the trainings tell of themselves from several threads
                progress.advance(steps, note)

        start()
        try:
            for number, request in enumerate(requests):
                if here:
                    future = pool.submit(ask, place, archive, stage, request, told)
                else:
                    asked = request | {"state": known} if folder else request
                    future = pool.submit(there, MODULE, SOURCE, place, shared, stage, asked)
                waiting[future] = number
            for done in as_completed(waiting):
                about, content = _answer(done, stage)
                if not here:
                    progress.advance(steps, note=str(about.get("host", "")))
                yield waiting[done], (about, content)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            stop(at_once=any(not one.done() for one in waiting))


def _answer(done: "Future[Answer]", stage: str) -> Answer:
    """Return the answer. Raises Refusal where there is none, and SystemExit where the project's own code failed."""
    try:
        about, content = done.result()
    except (Exception, CancelledError) as error:  # of the executor, whichever it is
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        raise Refusal(
            f"conf/trainer: executor: the trainings of {stage} were given up ({what}). Is the scheduler still there? What was "
            "trained is kept: `dvc repro` goes on with the rest."
        ) from None
    if "broken" in about:
        sys.stderr.write(about["broken"])
        raise SystemExit(1)
    if "refused" in about:
        raise Refusal(about["refused"])
    if "killed" in about:
        raise Refusal(
            f"A training of {stage} did not end: its process was ended {TRIES} times ({about['killed']}). Was there memory "
            "enough? Fewer at once: `workers` in conf/trainer/executor/. What was trained is kept: `dvc repro` goes on with "
            "the rest."
        )
    return about, content


def executor(settings: Settings) -> Executor:
    """Return the executor of conf/trainer; a project made before there was a choice has none, and trains here."""
    node = settings.trainer.executor
    threads = settings.model.threads
    if isinstance(settings.model, Estimator) and not settings.model.resample and settings.trainer.here:
        return Local(1, threads)  # one process sees whether two seeds give the same
    if node is None:
        return Local(None, threads)
    if node["_target_"] == "datapass.executors.cluster.Dask" and find_spec("distributed") is None:
        raise Refusal(
            "conf/trainer: executor: Dask is not installed; `pip install -c constraints.txt -e '.[cluster]'`."
        )
    made = make(node, "trainer: executor")
    if not isinstance(made, Executor):
        raise Refusal(f"conf/trainer: executor: {node['_target_']} is no concurrent.futures.Executor.")
    return made
