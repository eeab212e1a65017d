"""The other processes of a training on several devices: each does the same as the first, with its share of every batch.

Lightning takes a process with these variables for one of several that somebody else started; its own way, to run the
command line once more, would start a second `child`.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Any

RANK = "LOCAL_RANK"


def is_peer() -> bool:
    """Return whether this process is one of the others, which neither starts more nor ends by itself."""
    return int(os.environ.get(RANK, "0")) > 0


class Peers:
    """The others.

    Args:
        stage: `train` or `audit`.
        count: of all, this one included.
        ended: called with what one of them says that did not end its training; the devices would wait for it for ever.
    """

    def __init__(self, stage: str, count: int, ended: Callable[[dict[str, Any]], object]) -> None:
        self.ended, self.answers = ended, Queue[dict[str, Any]]()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count), "NODE_RANK": "0"}
        os.environ.update(shared | {RANK: "0"})
        command = [sys.executable, "-m", "datapass.executors.child", stage]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
        self.processes = [
            subprocess.Popen(command, env=os.environ | {RANK: str(rank)}, **pipes)  # type: ignore[call-overload]
            for rank in range(1, count)
        ]
        for process in self.processes:
            threading.Thread(target=self._listen, args=(process,), daemon=True).start()

    def ask(self, request: dict[str, Any]) -> None:
        """Let each do what this process is asked."""
        for rank, process in enumerate(self.processes, 1):
            folder = Path(request["folder"]) / f"peer-{rank}"
            folder.mkdir()
            with suppress(OSError):  # it ended, which `_listen` sees as well
                process.stdin.write(json.dumps(request | {"folder": str(folder)}) + "\n")
                process.stdin.flush()

    def wait(self) -> None:
        """Wait until all have done it."""
        for _ in self.processes:
            self.answers.get()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            if "steps" in said:
                continue
            if "file" not in said:
                self.ended(said)
            self.answers.put(said)
        self.ended({})
