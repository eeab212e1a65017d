"""Progress with time left: one live line on a terminal; in a log file a line each tenth, at most one a second."""

import sys
import time
from typing import TextIO


class Progress:
    """Count up to `total` steps of `label`; `advance` is cheap enough for a training step."""

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        self.label, self.total, self.done = label, total, 0
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.start = time.monotonic()
        self.shown = 0.0  # seconds after the start
        self.next = 1 if self.live else -(-total // 10)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more and show them if it is time to; `note` says what is being worked on."""
        self.done += steps
        if self.done < self.next and self.done < self.total:
            return
        seconds = time.monotonic() - self.start
        left = seconds / self.done * (self.total - self.done)
        if self.live:  # about ten times a second
            self.next = self.done + max(1, int(self.done / max(seconds, 1e-3) / 10))
        else:
            self.next = -(-self.total * (self.done * 10 // self.total + 1) // 10)
        if not self.live and seconds - self.shown < 1 and self.done < self.total:
            return
        self.shown = seconds
        text = f"{self.label} {self.done / self.total:4.0%}  {clock(seconds)} gone, {clock(left)} left  {note}"
        end = "\n" if not self.live or self.done >= self.total else "\r"
        self.stream.write(f"\x1b[2K{text}{end}" if self.live else f"{text.rstrip()}\n")
        self.stream.flush()


def clock(seconds: float) -> str:
    """Format seconds as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
