"""Where trainings run changes no byte: one after another, in parallel here, on workers of Dask, and after some were killed."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from conftest import Project, made
from datapass.messages.problems import Refusal
from datapass.stages.kept import Record
from datapass.stages.train import refuse_mixture
from test_kinds import loop

LOCAL = {"_target_": "datapass.executors.local.Local", "threads": 1}
DASK = {"_target_": "datapass.executors.cluster.Dask", "cluster": None, "jobs": None, "folder": None, "wait": 60}
AGAIN = {"DATAPASS_TRAIN_AGAIN": "1"}
LONG = 3000  # iterations of boosting: seconds


@pytest.fixture
def tables(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of a project whose trainings are short."""
    return made(tmp_path_factory, "tables", loop, "tables").copy(tmp_path / "tumours")


def train_with(
    project: Project, executor: object, iterations: int | None = None, ok: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Train all seeds anew with an executor; return what was said."""
    choose(project, executor, iterations)
    return project.run("python", "-m", "datapass.stages.train", ok=ok, **AGAIN)


def choose(project: Project, executor: object, iterations: int | None = None) -> None:
    """Set the executor where the stages read it, and how long the boosting of a table trains."""
    path = project.path / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["trainer"]["executor"] = executor
    if iterations:
        params["model"]["estimator"]["max_iter"] = iterations
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def outputs(project: Project) -> dict[str, bytes]:
    """The models and the learning curves."""
    found = [*(project.path / "models").iterdir(), project.path / "reports" / "learning_curves.csv"]
    return {path.name: path.read_bytes() for path in found}


class Cluster:
    """A scheduler and two workers of Dask, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        # As on a node of Slurm: Lightning would wait for the others of its four tasks.
        slurm = {
            "SLURM_JOB_ID": "1",
            "SLURM_NTASKS": "4",
            "SLURM_JOB_NAME": "dask",
            "SLURM_PROCID": "0",
            "SLURM_LOCALID": "0",
        }
        env = (
            {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
            | slurm
            | {"SLURM_NODELIST": "n1", "SLURM_NODEID": "0"}
        )
        start = [sys.executable, "-m"]
        options = ["--scheduler-file", str(self.file), "--no-dashboard"]
        self.processes = [
            subprocess.Popen(
                [*start, f"distributed.cli.dask_{what}", *options, *more],
                cwd=folder,
                env=env,
                stderr=subprocess.DEVNULL,
            )
            for what, more in (
                ("scheduler", ["--port", "0", "--host", "127.0.0.1"]),
                ("worker", ["--nworkers", "2", "--nthreads", "1", "--local-directory", str(folder)]),
            )
        ]
        until(self.file.exists)
        self.address = yaml.safe_load(self.file.read_text(encoding="utf-8"))["address"]

    @property
    def executor(self) -> dict[str, object]:
        return DASK | {"address": self.address}

    def trainings(self) -> list[psutil.Process]:
        """The processes that train."""
        return [p for p in psutil.Process(self.processes[1].pid).children(recursive=True) if trains(p)]

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


def trains(process: psutil.Process) -> bool:
    """Whether it is the process of a training."""
    try:
        return "datapass.executors.child" in process.cmdline()
    except psutil.Error:
        return False


def until(found: Callable[[], object]) -> None:
    """Wait for something that comes within two minutes."""
    end = time.monotonic() + 120
    while not found():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.stop()


EXECUTORS = {
    "two processes here": lambda _: LOCAL | {"workers": 2},
    "a project from before there was a choice": lambda _: None,
    "an executor of another library": lambda _: {
        "_target_": "concurrent.futures.ProcessPoolExecutor",
        "max_workers": 2,
    },
    "workers of Dask, that are sent the project": lambda cluster: cluster.executor,
    "workers of Dask that see its folder": lambda cluster: cluster.executor | {"folder": "HERE"},
}


@pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS.keys())
def test_the_same_bytes(
    tables: Project, cluster: Cluster, executor: Callable[[Cluster], dict[str, object] | None]
) -> None:
    before = outputs(tables)
    node = executor(cluster)
    if node and node.get("folder"):
        node["folder"] = str(tables.path)
    train_with(tables, node)
    assert outputs(tables) == before
    assert len(set(before.values())) == len(before)  # Dask takes equal calls for one, and a seed is all that differs


def test_networks_on_nodes_of_slurm(project: Project, cluster: Cluster) -> None:
    before = outputs(project)
    train_with(project, cluster.executor)
    assert outputs(project) == before


def several_devices(project: Project, number: int) -> None:
    """Let a training take several devices; of a processor these are processes."""
    path = project.path / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["model"]["devices"] = number
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def test_one_training_on_several_devices(project: Project) -> None:
    before = outputs(project)
    several_devices(project, 2)
    said = train_with(project, LOCAL | {"workers": 1})
    together = outputs(project)
    assert all(together[name] != content for name, content in before.items()), "another model"
    assert "Initializing" not in said.stderr, said.stderr
    train_with(project, LOCAL | {"workers": 2})
    assert outputs(project) == together
    project.run("python", "-m", "datapass.stages.evaluate")


@pytest.mark.parametrize("which", ["the first", "another"])
def test_a_killed_one_of_several_devices(project: Project, which: str) -> None:
    several_devices(project, 2)
    train_with(project, LOCAL | {"workers": 1})
    whole = outputs(project)
    running = started(project, LOCAL | {"workers": 1}, None)
    me = psutil.Process(running.pid)

    def both() -> list[psutil.Process]:
        return sorted((p for p in me.children(recursive=True) if trains(p)), key=lambda p: p.create_time())

    until(lambda: len(both()) == 2)
    both()[0 if which == "the first" else 1].kill()
    _, said = running.communicate()
    assert running.returncode == 0, said
    assert outputs(project) == whole


def test_a_refusal_of_one_of_several_devices_ends_all(project: Project) -> None:
    several_devices(project, 2)
    with (project.path / "src" / "digits" / "inputs.py").open("a", encoding="utf-8") as code:
        code.write('\nimport os\n\nif os.environ["LOCAL_RANK"] == "1":\n    raise ValueError("the second")\n')
    done = train_with(project, LOCAL | {"workers": 1}, ok=False)
    assert done.returncode == 2
    assert "Error locating target 'digits.inputs.Images'" in done.stderr


def test_another_state_of_the_project_is_not_trained(tables: Project, cluster: Cluster, tmp_path: Path) -> None:
    """As where `dvc exp run --temp` runs in a folder of its own, and conf/ names the project's."""
    other, before = tables.copy(tmp_path / "other"), outputs(tables)
    with (other.path / "data" / "examples" / "train.csv").open("a", encoding="utf-8") as table:
        table.write("\n")
    choose(other, cluster.executor | {"folder": str(other.path)})
    done = train_with(tables, cluster.executor | {"folder": str(other.path)}, ok=False)
    assert done.returncode == 2
    assert "is another state of the project than that of who asks" in done.stderr
    assert outputs(tables) == before


@pytest.mark.parametrize("sees", [True, False], ids=["the folder is seen", "the project is sent"])
def test_the_next_state_is_trained_by_new_processes(tables: Project, cluster: Cluster, sees: bool) -> None:
    node = cluster.executor | {"folder": str(tables.path) if sees else None}
    train_with(tables, node)
    path = tables.path / "data" / "examples" / "train.csv"
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(rows[:-40]), encoding="utf-8")
    train_with(tables, node)
    by_dask = outputs(tables)
    train_with(tables, LOCAL | {"workers": 1})
    assert outputs(tables) == by_dask


def test_the_audit_by_dask(tables: Project, cluster: Cluster) -> None:
    suspects = tables.path / "reports" / "suspects.csv"
    before = suspects.read_bytes()
    choose(tables, cluster.executor)
    tables.run("python", "-m", "datapass.stages.audit")
    assert suspects.read_bytes() == before


def test_folds_are_trained_beside_the_seeds_where_a_process_is_free(tables: Project) -> None:
    suspects = tables.path / "reports" / "suspects.csv"
    before = suspects.read_bytes()
    shutil.rmtree(tables.path / ".dvc" / "cache" / "datapass")
    choose(tables, LOCAL | {"workers": 4})  # three seeds, so one at least
    tables.run("python", "-m", "datapass.stages.train")
    said = tables.run("python", "-m", "datapass.stages.audit").stdout
    assert re.match("[1-5] of 5 trainings without a fold were done before and are taken over", said)
    assert suspects.read_bytes() == before
    assert "5 of 5 trainings without a fold" in tables.run("python", "-m", "datapass.stages.audit").stdout
    assert "were done before" not in tables.run("python", "-m", "datapass.stages.audit", **AGAIN).stdout
    assert suspects.read_bytes() == before


def test_a_fold_that_fails_beside_the_seeds_is_said_by_the_audit(tables: Project) -> None:
    shutil.rmtree(tables.path / ".dvc" / "cache" / "datapass")
    folds = tables.path / "src" / "datapass" / "stages" / "folds.py"
    with folds.open("a", encoding="utf-8") as code:
        code.write("\n\ndef audited():\n    raise ValueError('no table')\n")
    choose(tables, LOCAL | {"workers": 4})
    assert "no table" not in tables.run("python", "-m", "datapass.stages.train").stderr
    assert "no table" in tables.run("python", "-m", "datapass.stages.audit", ok=False).stderr


def started(project: Project, executor: object, iterations: int | None = LONG) -> "subprocess.Popen[str]":
    """Start the stage `train` with trainings long enough to be killed."""
    choose(project, executor, iterations)
    command = [sys.executable, "-m", "datapass.stages.train"]
    return subprocess.Popen(command, cwd=project.path, env=project.env | AGAIN, stderr=subprocess.PIPE, text=True)


def test_killed_processes_change_no_byte(tables: Project, cluster: Cluster) -> None:
    train_with(tables, LOCAL | {"workers": 1}, LONG)
    whole, me = outputs(tables), psutil.Process()
    cases: list[tuple[object, Callable[[], list[psutil.Process]]]] = [
        (LOCAL | {"workers": 2}, lambda: [p for p in me.children(recursive=True) if trains(p)]),
        (cluster.executor, cluster.trainings),
        # The worker itself, which its nanny starts anew.
        (cluster.executor, lambda: [parent for p in cluster.trainings() if (parent := p.parent())]),
    ]
    for executor, of in cases:
        running = started(tables, executor)
        until(of)
        of()[0].kill()
        _, said = running.communicate()
        assert running.returncode == 0, said
        assert outputs(tables) == whole


def test_killed_each_time(tables: Project) -> None:
    with (tables.path / "src" / "tumours" / "inputs.py").open("a", encoding="utf-8") as code:
        code.write("\nimport os\n\nos._exit(9)\n")
    done = train_with(tables, LOCAL | {"workers": 2}, ok=False)
    assert done.returncode == 2
    assert "its process was ended 2 times (exit code 9). Was there memory enough?" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_goes_on_without_who_asked(tables: Project) -> None:
    running = started(tables, LOCAL | {"workers": 2})
    me = psutil.Process(running.pid)
    until(lambda: sum(trains(p) for p in me.children(recursive=True)) == 2)
    children = me.children(recursive=True)
    running.kill()
    running.wait()
    assert not psutil.wait_procs(children, timeout=60)[1]


def test_a_lost_scheduler(tables: Project, tmp_path: Path) -> None:
    own = Cluster(tmp_path)
    try:
        running = started(tables, own.executor)
        until(own.trainings)
        own.processes[0].kill()
        _, said = running.communicate()
    finally:
        own.stop()
    assert running.returncode == 2, said
    assert "Is the scheduler still there? What was trained is kept" in said
    assert "Traceback" not in said, said


REFUSED = {
    "no scheduler": (DASK | {"address": "tcp://127.0.0.1:9", "wait": 1}, "No scheduler of Dask answers at"),
    "neither": (DASK | {"address": None}, "give `address` of a scheduler of Dask, or a `cluster`"),
    "no executor": ({"_target_": "builtins.dict"}, "builtins.dict is no concurrent.futures.Executor"),
    "no such module": ({"_target_": "tumours.nowhere.Pool"}, "tumours.nowhere"),
    "no workers": (LOCAL | {"workers": 0}, "workers must be a number from 1, or null, not 0"),
}


@pytest.mark.parametrize(("executor", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(tables: Project, executor: dict[str, object], sentence: str) -> None:
    before = outputs(tables)
    done = train_with(tables, executor, ok=False)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert outputs(tables) == before


def test_no_worker_comes(tables: Project, tmp_path: Path) -> None:
    own = Cluster(tmp_path)
    own.processes[1].kill()
    try:
        own.processes[1].wait()
        done = train_with(tables, own.executor | {"wait": 2}, ok=False)
    finally:
        own.stop()
    assert done.returncode == 2
    assert "No worker came to the scheduler" in done.stderr
    assert "dask worker tcp://" in done.stderr


def test_seeds_of_two_kinds_of_machines_are_refused() -> None:
    def record(environment: str) -> Record:
        return Record("seed.skops", "", "f" * 12, environment, "host", 1.0, [])

    refuse_mixture({0: record("python 3.11, cpu AVX2"), 1: record("python 3.11, cpu AVX2")})
    with pytest.raises(Refusal, match=r"0, 2 with python 3.11, cpu AVX2; 1 with python 3.11, cpu AVX512"):
        refuse_mixture({n: record(f"python 3.11, cpu AVX{kind}") for n, kind in enumerate(("2", "512", "2"))})
