"""Labels and example tables in Parquet, as docs/how-to/large.md says: the same results, compared with those from CSV."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from conftest import Project, made

RESULTS = ("metrics.json", "reports/predictions.csv", "reports/data.json", "reports/learning_curves.csv")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a baseline from CSV, then the same from Parquet, then a pass."""

    def make(project: Project) -> None:
        project.run("dvc", "repro", "evaluate")
        project.commit("From CSV")
        pipeline, raw = project.path / "dvc.yaml", project.path / "data" / "raw"
        (project.path / "csv").mkdir()
        for result in RESULTS:
            shutil.copy(project.path / result, project.path / "csv" / Path(result).name)
        text = pipeline.read_text(encoding="utf-8")
        text = text[: text.index("  example:")] + text[text.index("  pack:") :]
        text = re.sub(r"(data/examples/(?:train|validation|test))\.csv", r"\1.parquet", text)
        pipeline.write_text(
            text.replace("parquet: {cache: false, persist: true}", "parquet: {persist: true}"), encoding="utf-8"
        )
        for name in ("labels", "features"):
            table = pd.read_csv(raw / f"{name}.csv")
            (raw / f"{name}.csv").unlink()
            table.to_parquet(raw / f"{name}.parquet", index=False)
        project.run("dvc", "add", "data/raw")
        project.run("dvc", "repro", "evaluate")
        project.commit("From Parquet")
        project.write_pass("p001-fix", "case-001,drop,,,,", "case-002,keep,,,,")
        project.run("dvc", "repro", "curate")
        project.commit("A pass")

    return made(tmp_path_factory, "large", make, kind="tables")


def test_the_results_are_those_from_csv(project: Project) -> None:
    for result in RESULTS:
        now = project.run("git", "show", f"HEAD~1:{result}").stdout
        assert now == (project.path / "csv" / Path(result).name).read_text(encoding="utf-8"), result
    kept = project.run("git", "ls-files", "data/examples").stdout.split()
    assert [Path(file).name for file in kept] == [".gitignore", "classes.csv"]


def test_revisions_of_both_forms_are_compared(project: Project) -> None:
    assert "no example changed" in project.verb("diff", "HEAD~2", "HEAD~1").stdout
    assert "1 dropped" in project.verb("diff", "HEAD~2", "HEAD").stdout
    assert "1 dropped" in project.verb("diff", "HEAD~1", "HEAD").stdout
    said = project.verb("compare", "HEAD~2", "HEAD~1").stdout
    assert "no detectable difference" in said or "the same" in said, said


def test_tables_that_are_not_here_are_told(project: Project, tmp_path: Path) -> None:
    """A clone without DVC's cache."""
    project.run("git", "clone", "--quiet", str(project.path), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", project.package)
    told = clone.verb("diff", "HEAD~1", "HEAD").stdout
    assert "neither Git nor DVC's cache nor a remote here has data/examples/train.parquet" in told
    done = clone.verb("compare", "HEAD~2", "HEAD~1", ok=False)
    assert done.returncode == 2 and "data/examples/test.parquet; `dvc fetch`" in done.stderr
