"""A stage killed at any moment, a full disk, two runs at once: the outputs stay old or become new, and the next run is right."""

import hashlib
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import Project

TABLES = ("train", "validation", "test", "classes")
STOP = Path(__file__).parent / "stop"
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


def run(project: Project, stage: str, moment: int) -> subprocess.CompletedProcess[str]:
    """Run a stage that is killed just before its Nth change of the project's files; 0: not at all."""
    module = f"digits.{stage}" if stage == "example" else f"datapass.stages.{stage}"
    path = os.pathsep.join([str(STOP), "src"])
    return project.run("python", "-m", module, ok=False, STOP=f"{module} {moment}", PYTHONPATH=path)


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


def test_every_stage_killed_at_any_moment(passed: Project, finished: dict[str, str], tmp_path: Path) -> None:
    """At its first and last change of a file and some between: each output is the old one or the new one, never a part."""
    project = passed.copy(tmp_path / "digits")

    def killed(stage: str, moments: list[int]) -> None:
        whole = outputs(project)
        for moment in moments:
            assert run(project, stage, moment).returncode == -signal.SIGKILL
            found = {path: digest for path, digest in outputs(project).items() if ".partial" not in path}
            mixed = {path for path, digest in found.items() if digest not in (whole.get(path), finished.get(path))}
            assert not mixed, f"{stage} killed before change {moment}"
            assert found.keys() >= whole.keys() & finished.keys(), "nothing is gone"

    for stage in STAGES:
        killed(stage, [1, 2])
        changes = int(run(project, stage, 0).stderr.splitlines()[-1])
        killed(stage, sorted({changes // 2, changes} - {0}))
    project.repro()
    assert {path: d for path, d in outputs(project).items() if ".partial" not in path} == finished
    assert project.repro() == []


def test_a_stage_killed_under_dvc(passed: Project, finished: dict[str, str], tmp_path: Path) -> None:
    """DVC deletes the outs of a stage before it runs; the next run is right all the same."""
    project = passed.copy(tmp_path / "digits")
    path = os.pathsep.join([str(STOP), "src"])
    assert project.run("dvc", "repro", ok=False, STOP="datapass.stages.train 3", PYTHONPATH=path).returncode != 0
    project.repro()
    assert {path: d for path, d in outputs(project).items() if ".partial" not in path} == finished
    assert project.repro() == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk(passed: Project, tmp_path: Path, stage: str) -> None:
    """A limit on the size of files is what a quota is, and needs no root."""
    project = passed.copy(tmp_path / "digits")
    before = outputs(project)
    done = subprocess.run(
        ["python", "-m", f"digits.{stage}" if stage == "example" else f"datapass.stages.{stage}"],
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
