"""Workers of Dask: of a scheduler that is there, or of a cluster that dask-jobqueue starts for one stage.

Needs the extra `cluster`. A worker needs the environment of the project (constraints.txt); the project itself, as it is in
the workspace, is sent to it, or read where the workers see the same files.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import cloudpickle
from dask.distributed import Client
from distributed.cfexecutor import ClientExecutor

from ..messages.problems import Refusal, quoted
from . import sent

for name in [*logging.root.manager.loggerDict]:
    if name.partition(".")[0] == "distributed":  # what goes wrong is said in one sentence
        logging.getLogger(name).setLevel(logging.CRITICAL)
cloudpickle.register_pickle_by_value(sent)  # neither the scheduler nor a worker needs the project


class ByValue:
    """A function that is pickled with its code; Dask would send the name of its module alone."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.content = cloudpickle.dumps(function)

    def __call__(self, *arguments: Any) -> Any:
        """Call it here; what arrives elsewhere is the function itself."""
        return cloudpickle.loads(self.content)(*arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[bytes]]:
        return cloudpickle.loads, (self.content,)


class Dask(ClientExecutor):
    """Trainings as tasks of Dask.

    Args:
        address: of a scheduler, such as `tcp://10.0.0.1:8786`.
        cluster: of dask-jobqueue or the like, closed at the end; instead of `address`.
        jobs: to start of the cluster.
        folder: of the project, as the workers see it; None: they are sent what a training reads.
        wait: for the first worker, in seconds.

    Raises:
        Refusal: where there is no scheduler, or no worker comes.
    """

    def __init__(
        self,
        address: str | None = None,
        cluster: Any = None,
        jobs: int | None = None,
        folder: str | None = None,
        wait: float = 300,
    ) -> None:
        if (address is None) == (cluster is None):
            raise Refusal(
                "conf/trainer: executor: give `address` of a scheduler of Dask, or a `cluster`: one of the two."
            )
        self.folder, self.cluster = folder, cluster
        if cluster is not None:
            cluster.scale(jobs=jobs) if jobs else None
        where = address or getattr(cluster, "scheduler_address", "")
        try:
            client = Client(address or cluster, timeout=min(wait, 30))
        except (OSError, TimeoutError, ValueError) as error:
            self._end()
            raise Refusal(
                f"No scheduler of Dask answers at {quoted(where)} ({error or type(error).__name__})."
            ) from None
        try:
            client.wait_for_workers(1, timeout=wait)
        except TimeoutError:
            client.close()
            self._end()
            raise Refusal(
                f"No worker came to the scheduler {quoted(where)} in {wait:g} seconds; start some in the project's environment: "
                f"`dask worker {where}`."
            ) from None
        # Dask takes two calls with equal arguments for one, and a training may be run again with the same ones.
        super().__init__(client, pure=False)

    def share(self, content: bytes) -> Any:
        """Return what stands for content that each worker is sent once."""
        return self._client.scatter(content)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":  # type: ignore[override]
        """Submit a call."""
        return super().submit(ByValue(fn), *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the calls that wait, the connection, and a cluster that was started for it."""
        super().shutdown(wait=wait and not cancel_futures)
        self._client.close()
        self._end()

    def _end(self) -> None:
        if self.cluster is not None:
            self.cluster.close()
