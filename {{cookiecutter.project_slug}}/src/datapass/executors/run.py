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
from ..settings import Estimator, Network, Settings, digest_of, make
from .devices import devices
from .local import Local
from .place import DECIDES, TRIES, Place, ask, start, stop
from .project import packed, state
from .sent import there

SOURCE = Path(__file__).with_name("place.py").read_text(encoding="utf-8")
MODULE = f"datapass_{hashlib.sha256(SOURCE.encode()).hexdigest()[:16]}"
START = 5.0  # seconds that new processes take until they train
LOCAL = {"_target_": "datapass.executors.local.Local"}
Answer = tuple[dict[str, Any], bytes]


def answers(
    stage: str,
    requests: Sequence[dict[str, Any]],
    settings: Settings,
    progress: Progress,
    steps: int,
    beside: Sequence[dict[str, Any]] = (),
) -> Iterator[tuple[int, Answer]]:
    """Yield the place of a request and its answer, as they come: what the training says of itself, and its file.

    Those `beside` come after, on this machine alone: in processes that would have nothing to do, and all of them where that
    takes less time than new processes for them would.

    Args:
        stage: `train` or `audit`.
        requests: in JSON's types, each a training; `until` one that stops after so many steps.
        settings: of which `trainer.executor` says where.
        progress: advanced by `steps` for each.
        steps: of one whole training.
        beside: further requests; what goes wrong with one is not said.

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
        lock, took, left, rest = threading.Lock(), list[float](), len(beside), progress.total - progress.done

        def told(steps: int, note: str) -> None:
            nonlocal rest
            with lock:  # the trainings tell of themselves from several threads
                rest -= steps
                progress.advance(steps, note)

        def told_beside(steps: int, note: str) -> None:
            with lock:
                progress.advance(steps, f"{note}, for the audit".lstrip(", "))

        def in_time(request: dict[str, Any]) -> Answer:
            """Ask, unless that would keep those waiting who wait for the others."""
            nonlocal left
            with lock:
                idle = rest >= steps / 2
                quick = bool(took) and left * min(took) < START * getattr(pool, "workers", 1)
                left -= 1
                if not (idle or quick):
                    return {}, b""
                progress.expect(steps)
            return ask(place, archive, stage, request, told_beside)

        start()
        try:
            mine = {"settings": digest_of(settings)} if here else {}
            for number, request in enumerate(one | mine for one in [*requests, *(beside if here else ())]):
                if number >= len(requests):
                    future = pool.submit(in_time, request)
                elif here:
                    future = pool.submit(ask, place, archive, stage, request, told)
                else:
                    asked = request | {"state": known} if folder else request
                    future = pool.submit(there, MODULE, SOURCE, place, shared, stage, asked)
                waiting[future] = number
            for done in as_completed(waiting):
                number = waiting[done]
                if number >= len(requests):
                    if done.exception() is None and "file" in done.result()[0]:
                        yield number, done.result()
                    continue
                about, content = _answer(done, stage)
                took += [about["seconds"]] if "seconds" in about and "until" not in requests[number] else []
                if not here:
                    progress.advance(requests[number].get("until", steps), note=str(about.get("host", "")))
                yield number, (about, content)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            # Where something is logged, what a process does as it ends may be a part of that; else it is a second of tidying up.
            stop(at_once=settings.trainer.logger is None or any(not one.done() for one in waiting))


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
    if "full" in about:
        raise Refusal(
            f"A training of {stage} does not fit into its device's memory, alone on it ({about['full'].partition('. ')[0]}). A smaller "
            "`batch_size`, `precision: bf16-mixed` or more `devices` in conf/model/ need less, and are another model."
        )
    if "killed" in about:
        raise Refusal(
            f"A training of {stage} did not end: its process was ended {TRIES} times ({about['killed']}). Was there memory "
            "enough? Fewer at once: `workers` in conf/trainer/executor/. What was trained is kept: `dvc repro` goes on with "
            "the rest."
        )
    return about, content


def executor(settings: Settings) -> Executor:
    """Return the executor of conf/trainer; a project made before there was a choice has none, and trains here."""
    node, model = settings.trainer.executor, settings.model
    if isinstance(model, Estimator) and not model.resample and settings.trainer.here:
        return Local(1, model.threads)  # one process sees whether two seeds give the same
    if node is None or settings.trainer.here:
        cores = (node or {}).get("threads", model.threads) * (model.devices if isinstance(model, Network) else 1)
        return make(LOCAL | (node or {}) | {"threads": cores}, "trainer: executor", devices=devices(settings))
    if node["_target_"] == "datapass.executors.cluster.Dask" and find_spec("distributed") is None:
        raise Refusal(
            "conf/trainer: executor: Dask is not installed; `pip install -c constraints.txt -e '.[cluster]'`."
        )
    made = make(node, "trainer: executor")
    if not isinstance(made, Executor):
        raise Refusal(f"conf/trainer: executor: {node['_target_']} is no concurrent.futures.Executor.")
    return made
