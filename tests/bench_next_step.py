"""What `errors` said against what then happened: `make bench-next-step` (about 20 minutes of one core).

Each kind of example is made with 12 % wrong labels for training and validation, and with right ones. Of each a simulated
careful reviewer answers the suspects, and half of the training examples, chosen at random, are dropped, or of those of a class:
what the whole set gains over that half is a doubling. Prints the table of docs/next-step.md; what is in the folder already is not
trained again.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from conftest import KINDS, SOURCE, Project, render
from datapass.comparison.metric import Metric
from datapass.files.tables import read_table

NOISE = ("0.12", "0.0")
CLASSES = {"images": "8", "tables": "malignant", "texts": "billing"}  # of which more is collected
HEADER = "| data | step | it said, points | it gained, points | |\n|---|---|--:|--:|---|"


def baseline(folder: Path, kind: str, noise: str) -> Project:
    """Return a project with its committed baseline."""
    name = f"{kind}-{noise}"
    if (folder / name).exists():
        (package,) = (e.name for e in (folder / name / "src").iterdir() if e.is_dir() and e.name != "datapass")
        return Project(folder / name, package)
    project = render(folder, kind=kind, project_name=name)
    file = project.path / "conf" / "data" / f"{kind}.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("noise: 0.12", f"noise: {noise}"), encoding="utf-8")
    project.run("dvc", "repro")
    project.commit("Baseline")
    return project


def experiment(project: Project, name: str) -> bool:
    """Bring the baseline back; return whether an experiment still has to run."""
    project.run("git", "reset", "--quiet", "--hard", "main")
    project.run("git", "clean", "-fdq", "data/passes")
    project.run("dvc", "checkout", "--quiet")
    return f"/{name}\n" not in project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout


def review(project: Project) -> None:
    """Run the pass of a careful reviewer."""
    if experiment(project, "reviewed"):
        project.verb("review")
        project.reviewer("answers", "reports/review-answers.csv")
        project.verb("review", "--apply", "reports/review-answers.csv")
        project.run("dvc", "exp", "run", "-n", "reviewed")


def halve(project: Project, label: str = "") -> str:
    """Run a pass that drops half of the training examples, or of those of a class; return the experiment's name."""
    name = f"half-{label}" if label else "half"
    if experiment(project, name):
        train = read_table(project.path / "data" / "examples" / "train.csv")
        ids = train.loc[train["label"].isin([label]) if label else slice(None), "id"].to_numpy()
        dropped = ids[sorted(np.random.default_rng(0).permutation(len(ids))[: len(ids) // 2])]
        project.write_pass("p001-half", *(f"{id},drop,,,half,simulated" for id in dropped))
        project.run("dvc", "exp", "run", "-n", name)
    return name


def renew(project: Project) -> None:
    """Give a project the machinery of this checkout, so that an estimate can change without a new training."""
    shutil.copytree(SOURCE / "datapass", project.path / "src" / "datapass", dirs_exist_ok=True)


def said(project: Project, revision: str, do: str, of: str = "") -> dict[str, Any]:
    """Return what `errors` says of a step of a group at a revision, or nothing; Git holds all that it reads."""
    clone = project.path.with_name(f"{project.path.name}-{revision}")
    shutil.rmtree(clone, ignore_errors=True)
    project.run("git", "clone", "--quiet", "--no-checkout", ".", str(clone))
    commit = project.run("git", "for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{revision}").stdout.strip()
    project.run("git", "push", "--quiet", str(clone), f"{commit or revision}:refs/heads/asked")
    asked = Project(clone, project.package)
    asked.run("git", "checkout", "--quiet", "asked")
    renew(asked)
    asked.verb("errors", "--to", "said.json")
    found = json.loads((clone / "said.json").read_text(encoding="utf-8"))
    shutil.rmtree(clone)
    steps = found["next_steps"]
    number = next((n for n, step in enumerate(steps) if (step["do"], step["of"]) == (do, of)), None)
    return {"first": number == 0} | ({} if number is None else steps[number])


def row(project: Project, what: str, step: dict[str, Any], old: str, new: str) -> str:
    """Return a row of the table: what a step said, and what `compare` found."""
    project.verb("compare", old, new, "--to", "compared.json")
    gain = json.loads((project.path / "compared.json").read_text(encoding="utf-8"))["gain"]
    m = Metric()
    if step.get("gain") is None:
        held = ""
    elif gain["mean"] < step["low"] or gain["mean"] > step["high"]:
        held = "its interval meets it" if gain["low"] <= step["high"] and gain["high"] >= step["low"] else "missed"
    else:
        held = "held"
    number = f"{m.difference(gain['mean'])} [{m.difference(gain['low'])}, {m.difference(gain['high'])}]"
    return f"| {what}{', first' if step['first'] else ''} | {step.get('gain', 'nothing')} | {number} | {held} |"


def main(folder: Path) -> None:
    """Run everything and print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    print(HEADER)
    for noise in NOISE:
        for kind in KINDS:
            project = baseline(folder, kind, noise)
            review(project)
            halve(project)
            label = "" if noise == NOISE[-1] else CLASSES[kind]
            part = halve(project, label)
            renew(project)
            of = f"{kind}, {'12 % wrong' if float(noise) else 'right labels'}"
            rows = [("review the suspects", said(project, "main", "Review suspects"), "main", "reviewed")]
            rows += [("twice the data", said(project, "half", "Collect more", "all"), "half", "main")]
            if label:
                step = said(project, part, "Collect more", f"class = {label}")
                rows += [(f"twice the class {label}", step, part, "main")]
            for one in rows:
                print(f"| {of} {row(project, *one)}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
