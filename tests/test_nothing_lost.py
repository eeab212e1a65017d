"""A stage killed at any moment, a full disk, two runs at once: the outputs stay old or become new, and the next run is right."""

import contextlib
import hashlib
import resource
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from conftest import Project

TABLES = ("train", "validation", "test", "classes")
# Where a stage may be killed: on the way into and out of putting its outputs in place, and after as many seconds.
MOMENTS = [0.5, 1.0, 1.5, 2.2]
STAGES = ("example", "pack", "curate", "train", "evaluate")


def tables(project: Project) -> tuple[str, ...]:
    folder = project.path / "data" / "examples"
    return tuple(hashlib.sha256((folder / f"{name}.csv").read_bytes()).hexdigest() for name in TABLES)


def outputs(project: Project) -> dict[str, str]:
    """The content of everything that stages write."""
    found = {}
    for name in ("data/examples", "data/inputs", "data/raw", "models", "reports", "metrics.json"):
        root = project.path / name
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file():
                found[path.relative_to(project.path).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def kill_stage(dvc: subprocess.Popen[bytes], moment: float) -> None:
    """Kill the stage that DVC runs so many seconds after its start; DVC itself then ends."""
    while dvc.poll() is None:
        for child in psutil.Process(dvc.pid).children(recursive=True):
            if child.name().startswith("python"):
                time.sleep(moment)
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
                dvc.wait()
                return
        time.sleep(0.02)


@pytest.fixture(scope="module")
def passed(trained: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The trained project with a pass that touches all three sets, not run yet."""
    project = trained.copy(tmp_path_factory.mktemp("passed") / "digits")
    lines = []
    for split in ("train", "validation", "test"):
        rows = (project.path / "data" / "examples" / f"{split}.csv").read_text(encoding="utf-8").splitlines()[1:4]
        lines += [f"{row.split(',')[0]},drop,,,,tester" for row in rows]
    project.write_pass("p001-drop", *lines)
    return project


@pytest.fixture(scope="module")
def finished(passed: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the outputs are once the pass has run undisturbed."""
    project = passed.copy(tmp_path_factory.mktemp("finished") / "digits")
    project.repro()
    return outputs(project)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_curate_killed_while_it_replaces_its_tables(
    passed: Project, finished: dict[str, str], tmp_path: Path, moment: str
) -> None:
    project = passed.copy(tmp_path / "digits")
    old = tables(project)
    stop = "os.kill(os.getpid(), signal.SIGKILL)"
    code = (
        "import os, signal; from datapass.files import writes as files; from datapass import settings; from datapass.stages import curate\n"
        "exchange = files._exchange\n"
        f"def stopped(new, old):\n    {stop if moment == 'before' else 'exchange(new, old)'}\n    {stop}\n"
        "files._exchange = stopped\ncurate.main()"
    )
    assert project.run("python", "-c", code, ok=False).returncode == -signal.SIGKILL
    assert (tables(project) == old) == (moment == "before")
    project.repro()
    assert outputs(project) == finished


def test_every_stage_killed_at_every_moment(passed: Project, finished: dict[str, str], tmp_path: Path) -> None:
    project = passed.copy(tmp_path / "digits")
    old, new = tables(project), None
    whole = outputs(project)
    for stage in STAGES:
        for moment in MOMENTS:
            command = ["dvc", "repro", "--force", "--single-item", stage]
            started = subprocess.Popen(command, cwd=project.path, env=project.env, stdout=-3, stderr=-3)
            kill_stage(started, moment)
            found = tables(project)
            new = found if found != old and new is None else new
            assert found in (old, new), f"{stage} killed after {moment} s left a mixture of tables"
            partial = {
                path: digest for path, digest in outputs(project).items() if path in whole and ".partial" not in path
            }
            known = {path: {whole[path], finished.get(path)} for path in partial}
            assert all(digest in known[path] for path, digest in partial.items()), f"{stage} after {moment} s"
    project.repro()
    assert {path: d for path, d in outputs(project).items() if ".partial" not in path} == finished
    assert project.repro() == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk(passed: Project, tmp_path: Path, stage: str) -> None:
    """A limit on the size of files is what a quota is, and needs no root."""
    project = passed.copy(tmp_path / "digits")
    before = outputs(project)
    done = subprocess.run(
        ["python", "-m", f"datapass.stages.{stage}"],
        cwd=project.path,
        env=project.env,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert outputs(project) == before


def test_two_runs_at_once(passed: Project, finished: dict[str, str], tmp_path: Path) -> None:
    project = passed.copy(tmp_path / "digits")
    runs = [
        subprocess.Popen(
            ["dvc", "repro", "evaluate"],
            cwd=project.path,
            env=project.env,
            stdout=-3,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate()[1] for run in runs]
    assert 0 in [run.returncode for run in runs], said
    project.repro()
    assert outputs(project) == finished
