"""Processes on this machine, as many as its cores and its memory allow, spread over its devices."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import joblib
import psutil

from .place import settle

NEEDS = 1 << 30  # bytes of memory that a process with torch and a small model needs


def room(threads: int) -> int:
    """Return how many trainings of so many threads this machine has room for now, at least one."""
    return max(1, min(joblib.cpu_count() // threads, psutil.virtual_memory().available // NEEDS))


class Device:
    """A device, or several that train together, that trainings share unless one needs all of its memory.

    Args:
        names: as of CUDA_VISIBLE_DEVICES.
    """

    def __init__(self, names: str) -> None:
        self.names, self.users, self.changed = names, 0, threading.Condition()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Use it beside others."""
        with self.changed:
            self.users += 1
        try:
            yield
        finally:
            with self.changed:
                self.users -= 1
                self.changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Use it when no other does; others that come meanwhile wait."""
        with self.changed:
            self.changed.wait_for(lambda: not self.users)
            yield


class Local(ThreadPoolExecutor):
    """Threads, each of which waits for a process of its own.

    Args:
        workers: how many; None: as many as cores and free memory allow.
        threads: cores that a training uses.
        devices: what the threads take in turn, each as of CUDA_VISIBLE_DEVICES; none where there is nothing to choose. What does
            not fit on a device beside others is trained once more when these are done.
    """

    def __init__(self, workers: int | None = None, threads: int = 1, devices: Sequence[str] = ()) -> None:
        if workers is not None and (not isinstance(workers, int) or isinstance(workers, bool) or workers < 1):
            raise ValueError(f"workers must be a number from 1, or null, not {workers!r}")
        self.places, self.mine = cycle([Device(names) for names in devices]), threading.local()
        self.workers = workers or room(threads)
        super().__init__(self.workers, "training", self._settle)

    def _settle(self) -> None:
        self.mine.device = next(self.places, None)
        if self.mine.device is not None:
            settle({"CUDA_VISIBLE_DEVICES": self.mine.device.names})

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Submit a call of `place.ask`."""
        return super().submit(self._placed, fn, *args, **kwargs)

    def _placed(self, ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        device: Device | None = self.mine.device
        if device is None:
            return ask(*args, **kwargs)
        with device.shared():
            answer = ask(*args, **kwargs)
        if "full" in answer[0]:
            with device.alone():
                answer = ask(*args, **kwargs)
        return answer
