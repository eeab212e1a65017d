"""Revisions as pandas tables, as one uses them in a notebook that lies in a folder of the project."""

import json
from pathlib import Path

import pytest

from conftest import Project

SCRIPT = """
import json, datapass
main = datapass.load("main")
compared = main.compare("relabel-1")
train = main.examples[main.examples["set"] == "train"]
print(json.dumps({
    "examples": len(main.examples), "train": int((train["weight"] == 1).sum()), "classes": sorted(train["label"].unique()),
    "accuracy": float(main.predictions.loc[main.predictions["counts"], "right"].mean()), "metrics": main.metrics["accuracy"],
    "verdict": compared.verdict, "gain": compared.gain.to_dict(), "by_class": list(compared.classes.index),
    "relabelled": int((compared.changes["kind"] == "relabelled").sum()), "turned": len(compared.turned),
    "shown": compared._repr_markdown_(), "other": datapass.load("relabel-1").compare("main").verdict,
}))
"""


def test_a_notebook_sees_what_the_command_says(story: Project, tmp_path: Path) -> None:
    found = json.loads(
        story.run("python", "-c", f"import os; os.chdir('data/passes')\n{SCRIPT}", PYTHONPATH="../../src:src").stdout
    )
    assert (found["examples"], found["train"], found["classes"]) == (1797, 850, list("0123456789"))
    assert found["accuracy"] == pytest.approx(found["metrics"], abs=1e-6), "of the examples that count, over all seeds"
    assert found["verdict"] == "helps" and found["other"] == "hurts"
    printed = story.verb("compare", "main", "relabel-1").stdout
    assert f"gain {100 * found['gain']['mean']:+.2f} [" in printed
    assert found["by_class"] == list("0123456789")
    assert found["relabelled"] == 60 and f"{found['turned']}" != "0"
    assert found["shown"].startswith("### ✅ helps")
    written = tmp_path / "said.md"
    story.verb("compare", "main", "relabel-1", "--to", str(written))
    assert found["shown"] == written.read_text(encoding="utf-8"), "looks, scope card and next steps too"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("datapass.load('main', project='/')", "There is no dvc.yaml in /"),
        ("datapass.load('relabel-9')", '"relabel-9" is no Git revision'),
    ],
    ids=["no project", "unknown revision"],
)
def test_refused_in_a_sentence(story: Project, code: str, said: str) -> None:
    done = story.run("python", "-c", f"import datapass; {code}", ok=False)
    assert done.returncode and said in done.stderr
