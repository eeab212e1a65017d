"""Kills a stage at its Nth change of the project's files; Python imports this first where it is on the path.

`STOP="datapass.stages.train 3"` kills that module with SIGKILL just before its third change: a file opened for writing, a
rename, a folder removed. With 0 it runs to its end and prints the number of changes as the last line of stderr.
"""

import atexit
import os
import signal
import sys
from pathlib import Path
from typing import Any

module, _, moment = os.environ.get("STOP", "").partition(" ")
if module and module in sys.orig_argv:
    here, seen = Path.cwd(), 0
    names = ("models", ".models.partial", "metrics.json", ".metrics.json.partial", "data", "reports")
    outputs = [here / name for name in names]

    def changes(event: str, arguments: tuple[Any, ...]) -> bool:
        """Return whether an audit event changes one of the outputs."""
        if event == "open":
            if isinstance(arguments[0], int) or not arguments[2] & (os.O_WRONLY | os.O_RDWR):
                return False
        elif event not in ("os.rename", "shutil.rmtree"):
            return False
        path = here / os.fsdecode(arguments[0])
        return any(path.is_relative_to(output) for output in outputs)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        """Count, and kill when it is time."""
        global seen
        if event in ("open", "os.rename", "shutil.rmtree") and changes(event, arguments):
            seen += 1
            if seen == int(moment):
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    if moment == "0":
        atexit.register(lambda: print(seen, file=sys.stderr))
