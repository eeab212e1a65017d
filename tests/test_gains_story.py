"""From a baseline to what data and model gained, in a project: a pass, a small sweep, and the cell that was missing."""

import io
import json
import re

import pandas as pd
import pytest

from conftest import Project

SWEEP = {"slow": 0.001, "fast": 0.02}


def back(project: Project) -> None:
    """Take everything in the workspace back to main."""
    project.run("git", "checkout", "--quiet", "--force", "main")
    project.run("git", "clean", "--quiet", "--force", "-d")
    project.run("dvc", "checkout", "--quiet")


def test_data_model_and_both(project: Project) -> None:
    for name, rate in SWEEP.items():
        project.run("dvc", "exp", "run", "-n", name, "-S", f"model.task.optimizer.lr={rate}", "evaluate")
        back(project)
    edits = project.reviewer("pass").stdout.splitlines()[1:]
    project.write_pass("p001-review", *edits)
    project.run("dvc", "exp", "run", "-n", "fix", "evaluate")
    here = project.verb("gains", "main").stdout
    back(project)
    printed = project.verb(
        "gains", "main", "--to", "first.json", "--to", "g.md", "--to", "g.html", "--to", "g.csv"
    ).stdout
    first = json.loads((project.path / "first.json").read_text(encoding="utf-8"))
    found = {one["name"]: one for one in first["candidates"]}
    assert {name: one["kind"] for name, one in found.items()} == {
        "fix": "data only", "slow": "model only", "fast": "model only",
    }  # fmt: skip
    project.verb("compare", "main", "fix", "--to", "c.json")
    compared = json.loads((project.path / "c.json").read_text(encoding="utf-8"))
    assert (found["fix"]["gain"], found["fix"]["verdict"]) == (compared["gain"], compared["verdict"])
    picked = max(SWEEP, key=lambda name: found[name]["validation"])
    curves = project.run("git", "show", f"{found[picked]['commit']}:reports/learning_curves.csv").stdout
    assert found[picked]["validation"] == pd.read_csv(io.StringIO(curves))["validation_accuracy"].iloc[-1]
    assert [one["name"] for one in first["candidates"] if one["picked"]] in (["fix", picked], [picked, "fix"])
    assert re.search(rf"model only, picked of 2 +{picked} .* 6$", printed, re.MULTILINE), "two times three seeds"
    table = pd.read_csv(project.path / "g.csv")
    assert table["changed"].value_counts().to_dict() == {"model only": 2, "baseline": 1, "data only": 1}
    assert pd.to_numeric(table["gain"]).notna().sum() == 3
    for form in ("g.md", "g.html"):
        assert all(name in (project.path / form).read_text(encoding="utf-8") for name in found)

    assert "Data or model: not attributed, 1 of 4 cells missing" in printed
    command = re.search("`(git switch .*? && dvc exp run .*?)`", printed)
    assert command is not None
    run = f"dvc exp run -n both -S model.task.optimizer.lr={SWEEP[picked]}"
    assert command[1].endswith(f" && {run}")
    assert f"`{run}`" in here, "where the workspace still holds the new data there is nothing to switch to"
    for name in ("first.json", "c.json", "g.md", "g.html", "g.csv"):
        (project.path / name).unlink()
    project.run("sh", "-c", command[1])
    back(project)
    printed = project.verb("gains", "main", "--to", "second.json").stdout
    second = json.loads((project.path / "second.json").read_text(encoding="utf-8"))
    assert second["crossed"]["names"] == [["main", "fix"], [picked, "both"]]
    effects = second["crossed"]["effects"]
    (v00, v01), (v10, v11) = effects["cells"]
    assert effects["data"]["mean"] == pytest.approx(((v01 - v00) + (v11 - v10)) / 2)
    assert effects["model"]["mean"] == pytest.approx(((v10 - v00) + (v11 - v01)) / 2)
    assert effects["interaction"]["mean"] == pytest.approx(v11 - v10 - v01 + v00)
    assert v01 - v00 == pytest.approx(found["fix"]["gain"]["mean"])
    assert "Data or model: data " in printed and "missing" not in printed


def test_a_project_where_nothing_was_tried(project: Project) -> None:
    printed = project.verb("gains", "main").stdout
    assert printed.startswith("No result that descends from main")
    for name, said in (("workspace", "nothing descends from the workspace"), ("mian", 'did you mean "main"?')):
        refused = project.verb("gains", name, ok=False)
        assert refused.returncode == 2 and said in refused.stderr and "Traceback" not in refused.stderr
