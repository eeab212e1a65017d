"""Processes on this machine, as many as its cores and its memory allow."""

from concurrent.futures import ThreadPoolExecutor

import joblib
import psutil

NEEDS = 1 << 30  # bytes of memory that a process with torch and a small model needs


def room(threads: int) -> int:
    """Return how many trainings of so many threads this machine has room for now, at least one."""
    return max(1, min(joblib.cpu_count() // threads, psutil.virtual_memory().available // NEEDS))


class Local(ThreadPoolExecutor):
    """Threads, each of which waits for a process of its own.

    Args:
        workers: how many; None: as many as cores and free memory allow.
        threads: cores that a training uses.
    """

    def __init__(self, workers: int | None = None, threads: int = 1) -> None:
        if workers is not None and (not isinstance(workers, int) or isinstance(workers, bool) or workers < 1):
            raise ValueError(f"workers must be a number from 1, or null, not {workers!r}")
        super().__init__(workers or room(threads), "training")
