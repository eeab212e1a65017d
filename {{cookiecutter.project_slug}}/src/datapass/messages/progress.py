"""Progress with time left: a live bar on a terminal; in a log file a line each tenth, at most one a second."""

import atexit
import sys
import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """Count up to `total` steps of `label`; `advance` is cheap enough for a training step."""

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        self.label, self.total, self.done = label, total, 0
        self.stream = stream or sys.stderr
        self.start = self.shown = time.monotonic()
        self.next = -(-total // 10)
        self.bar: Bar | None = None
        if self.stream.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
            times = (
                TimeElapsedColumn(),
                TextColumn("gone,"),
                TimeRemainingColumn(),
                TextColumn("left  {task.fields[note]}"),
            )
            self.bar = Bar(*columns, *times, console=Console(file=self.stream))
            self.task = self.bar.add_task(label, total=total, note="")
            self.bar.start()
            atexit.register(self.bar.stop)  # an error or Ctrl-C would leave the terminal without its cursor

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more and show them if it is time to; `note` says what is being worked on."""
        self.done += steps
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done, note=note)
            if self.done >= self.total:
                self.bar.stop()
        elif self.done >= min(self.next, self.total):
            self.next = -(-self.total * (self.done * 10 // self.total + 1) // 10)
            self._line(note)

    def expect(self, steps: int) -> None:
        """Count up to so many steps more."""
        self.total += steps
        if self.bar is not None:
            self.bar.update(self.task, total=self.total)
            self.bar.start()

    def _line(self, note: str) -> None:
        now = time.monotonic()
        if now - self.shown < 1 and self.done < self.total:
            return
        self.shown = now
        gone = now - self.start
        left = gone / self.done * (self.total - self.done)
        text = f"{self.label} {self.done / self.total:4.0%}  {clock(gone)} gone, {clock(left)} left  {note}"
        self.stream.write(f"{text.rstrip()}\n")
        self.stream.flush()


def clock(seconds: float) -> str:
    """Format seconds as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
