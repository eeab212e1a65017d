"""From a new delivery to a verdict on what was brought back from it: what a team types, step by step.

`python tests/demo_production.py FOLDER`, in an environment with the template's requirements; `make demo-production` makes it. The
stream is *simulated*: two thirds of the digits are like those of before, one third is by a new writer, through a noisy camera.
"""

import os
import shutil
import sys
from pathlib import Path

from demo import ROOT, Demo


def main(folder: Path) -> None:
    """Play all steps."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("digits", "delivery"):
        shutil.rmtree(folder / name, ignore_errors=True)
    demo = Demo(folder, 10)
    demo.say(f"a new project from the template, in {folder}/digits, and its baseline")
    demo.project()
    demo.run("dvc", "repro", "--quiet")
    demo.run("git", "add", ".")
    demo.run("git", "commit", "--quiet", "-m", "Baseline")
    tests = os.path.relpath(ROOT / "tests", demo.folder)
    demo.say(
        "a delivery comes back from production: 600 digits without labels (simulated; a third of them by a new writer)"
    )
    demo.run("python", f"{tests}/stream.py", "../delivery")
    demo.say("does it look different?")
    demo.run("datapass", "watch", "../delivery", "--name", "delivery-1", "--to", "reports/watch.html")
    demo.say("which of them are worth labelling?")
    demo.run("datapass", "pick", "delivery-1", "--budget", "200")
    demo.say("a person (simulated) labels them on the review page")
    demo.run("datapass", "review", "--picked", "delivery-1")
    demo.run(
        "python", f"{tests}/reviewer.py", "labels", "delivery-1", "../delivery-truth.csv", "reports/review-answers.csv"
    )
    demo.run("datapass", "review", "--apply", "reports/review-answers.csv")
    demo.run("git", "add", ".")
    demo.run("git", "commit", "--quiet", "-m", "Label 200 inputs of the first delivery")
    demo.say("how right is the model on it?")
    demo.run("datapass", "watch", "delivery-1", "--to", "reports/watch.html")
    demo.say("what was picked at random becomes test examples, on the main branch; what trains stays as it is")
    demo.run("datapass", "bring-back", "delivery-1", "--test")
    demo.run("dvc", "repro", "--quiet", "evaluate")
    demo.run("git", "add", ".")
    demo.run("git", "commit", "--quiet", "-m", "Test on the first delivery too")
    demo.say("what the model chose becomes training examples, as an experiment")
    demo.run("datapass", "bring-back", "delivery-1")
    demo.run("dvc", "exp", "run", "--quiet", "-n", "delivery-1", "evaluate")
    demo.say("the verdict, on the old test set and on the new one")
    demo.run("datapass", "compare", "main", "delivery-1", "--to", "reports/report.html")
    print(
        f"""
Open   {demo.folder}/reports/watch.html       what changed, and how right the model is on it
       {demo.folder}/reports/report.html      the verdict
       {demo.folder}/data/picked/delivery-1.csv      why each input was picked, and its label
"""
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
