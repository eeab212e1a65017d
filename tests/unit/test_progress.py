"""What a long work shows of itself: lines in a log, a bar on a terminal."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from datapass.messages.progress import Progress, clock

SRC = Path(sys.modules[Progress.__module__].__file__ or "").parents[2]
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # a terminal's cursor


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0:00"), (61, "1:01"), (3599.6, "1:00:00"), (36_000, "10:00:00")], ids=str
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_what_comes_on_top_is_counted() -> None:
    log = io.StringIO()
    progress = Progress("train", 2, log)
    progress.advance(2, "seed 0")
    progress.expect(2)
    progress.advance(2, "seed 0, for the audit")
    lines = log.getvalue().splitlines()
    assert [(line.split()[1], line.partition("left  ")[2]) for line in lines] == [
        ("100%", "seed 0"),
        ("100%", "seed 0, for the audit"),
    ]


def test_a_bar_goes_on_with_what_comes_on_top_and_shows_the_cursor_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    progress = Progress("train", 2, terminal)
    progress.advance(2, "seed 0")
    progress.expect(2)
    progress.advance(1, "seed 0, for the audit")
    assert progress.bar is not None
    assert progress.bar.tasks[0].percentage == 75
    assert terminal.getvalue().rindex(HIDE) > terminal.getvalue().rindex(SHOW)
    progress.advance(1)
    assert terminal.getvalue().rindex(SHOW) > terminal.getvalue().rindex(HIDE)


@pytest.mark.parametrize("end", ["raise SystemExit(2)", "raise KeyboardInterrupt", "1 / 0"])
def test_the_cursor_is_shown_again_however_a_work_ends(end: str) -> None:
    code = f"""
import sys
from datapass.messages.progress import Progress
sys.stderr.isatty = lambda: True
Progress("train", 2, sys.stderr).advance()
{end}
"""
    env = {"PYTHONPATH": str(SRC), "TERM": "xterm"}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False).stderr
    assert said.rindex(SHOW) > said.rindex(HIDE)
