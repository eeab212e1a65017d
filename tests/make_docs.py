"""Make docs/, its site and the transcript in README.md from real runs: `make docs`, or parts of it, as in `make docs PARTS=site`."""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from PIL import Image
from playwright.sync_api import sync_playwright
from sklearn.datasets import load_sample_images

from browser import find
from conftest import ROOT, Project, render
from make_guides import how_to, notebook, remote, site, tutorial
from transcripts import DOCS, NOTHING, Transcript, between

DATE = "1767268800 +0000"  # the same commits, and so the same text, each time
GITHUB = """<meta charset=utf-8><style>body{font:16px/1.5 -apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif;
color:#1f2328;max-width:830px;margin:24px auto;padding:16px 24px;border:1px solid #d1d9e0;border-radius:6px}
table{border-collapse:collapse}td,th{border:1px solid #d1d9e0;padding:6px 13px}code{background:#f1f2f4;border-radius:6px;
padding:.2em .4em;font-size:85%}details{margin:8px 0}summary{cursor:pointer}</style>"""


TILE, STEP = 160, 53  # pixels of a tile of a photograph, and to the next one


def baseline(folder: Path, short: bool = False) -> Project:
    """Return a project with a committed baseline; `short` trains for a moment only."""
    project = render(folder)
    if short:
        config = project.path / "conf" / "model" / "cnn.yaml"
        config.write_text(config.read_text().replace("steps: 400", "steps: 20"))
    project.run("dvc", "repro")
    project.commit("Baseline")
    return project


def report(folder: Path) -> None:
    """Write the sample comment and report, their pictures, and the transcript of the verdict."""
    project = baseline(folder)
    project.verb("review")
    project.reviewer("answers", "reports/review-answers.csv")
    project.verb("review", "--apply", "reports/review-answers.csv")
    typed = Transcript(project)
    typed.type("dvc exp run -n relabel-1", keep=" applied: |^accuracy|look wrong")
    typed.type("datapass compare main relabel-1", keep="^(helps|Accuracy|The model|Data|Macro|Test)")
    project.verb("compare", "main", "relabel-1", "--to", "comment.md", "--to", "report.html")
    shutil.copy(project.path / "comment.md", DOCS / "sample-comment.md")
    shutil.copy(project.path / "report.html", DOCS / "sample-report.html")
    comment = MarkdownIt("gfm-like", {"linkify": False}).render(
        (project.path / "comment.md").read_text(encoding="utf-8")
    )
    (folder / "comment.html").write_text(GITHUB + comment, encoding="utf-8")
    pages = {
        "comment": (folder / "comment.html", 900),
        "report": (project.path / "report.html", 1100),
        "review": (project.path / "reports" / "review.html", 1000),
    }
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        for name, (page, width) in pages.items():
            tab = browser.new_page(viewport={"width": width, "height": 300 if name == "comment" else 900})
            tab.goto(page.as_uri())
            tab.screenshot(path=DOCS / f"{name}.png", full_page=name == "comment")
        browser.close()
    between(ROOT / "README.md", "transcript", str(typed))


def picture(page: Path, name: str, keys: str = "") -> None:
    """Write the picture of a review page, after some keys, to docs/."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1000, "height": 740})
        tab.goto(page.as_uri())
        for key in keys:
            tab.keyboard.press(key)
        tab.evaluate("document.activeElement.blur()")
        tab.wait_for_timeout(300)  # the bar moves
        tab.screenshot(path=DOCS / f"{name}.png")
        browser.close()


def table(folder: Path) -> None:
    """Write the picture of the review page of a table."""
    project = render(folder, kind="tables")
    project.run("dvc", "repro")
    project.verb("review")
    picture(project.path / "reports" / "review.html", "review-table")


def text(folder: Path) -> None:
    """Write the picture of the review page of texts."""
    project = render(folder, kind="texts")
    project.run("dvc", "repro")
    project.verb("review")
    picture(project.path / "reports" / "review.html", "review-text")


def photo(folder: Path) -> None:
    """Write the picture of the review page of photographs: tiles of the two that scikit-learn has, of which some are mislabelled."""
    project = render(folder, project_name="Photos")
    raw, lines = project.path / "data" / "raw", ["id,label,path"]
    (raw / "tiles").mkdir(parents=True)
    for name, whole in zip(("temple", "flower"), load_sample_images().images, strict=True):
        corners = [(x, y) for y in range(0, whole.shape[0] - TILE, STEP) for x in range(0, whole.shape[1] - TILE, STEP)]
        for number, (x, y) in enumerate(corners):
            id, wrong = f"photo-{len(lines):03}", {"temple": "flower", "flower": "temple"}[name]
            Image.fromarray(whole[y : y + TILE, x : x + TILE]).save(raw / "tiles" / f"{id}.jpg", quality=90)
            lines.append(f"{id},{wrong if number % 9 == 4 else name},tiles/{id}.jpg")
    (raw / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pipeline = project.path / "dvc.yaml"
    stages = re.sub(r"(?ms)^  example:.*?(?=^  \w+:)", "", pipeline.read_text(encoding="utf-8"))
    pipeline.write_text(stages, encoding="utf-8")
    for file, changes in {
        "data/images": {"inputs": {"height": 32, "width": 32, "channels": 3}},
        "model/cnn": {"steps": 60},
    }.items():
        path = project.path / "conf" / f"{file}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, value in changes.items():
            content[key] = content[key] | value if isinstance(value, dict) else value
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    book = "# Label book\n\n## flower\nPetals or leaves; the garden behind them counts.\n\n## temple\nThe building, its roof or the sky above it.\n"
    (project.path / "data" / "label_book.md").write_text(book, encoding="utf-8")
    project.run("dvc", "add", "data/raw")
    project.run("dvc", "repro")
    project.verb("review")
    picture(project.path / "reports" / "review.html", "review-photo")


def screenshot(page: Path, name: str, height: int = 700, width: int = 1000) -> None:
    """Write the top of a page as a picture to docs/."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": height})
        tab.goto(page.as_uri())
        tab.screenshot(path=DOCS / f"{name}.png")
        browser.close()


def next_step(folder: Path) -> None:
    """Write what `errors` says of the baseline, as text and as a picture. The table is of bench_next_step.py."""
    project = baseline(folder)
    typed = Transcript(project)
    typed.type("datapass errors", keep="^(Review|step|Collect|Ask|  )")
    between(DOCS / "next-step.md", "transcript", str(typed))
    project.verb("errors", "--to", "errors.html")
    screenshot(project.path / "errors.html", "next-step", 850, 1100)


def conflict(folder: Path) -> None:
    """Write the transcript of two branches that edit the same example."""
    typed = Transcript(baseline(folder, short=True))
    header = "id,action,label,was,reason,by"
    for name, line in (
        ("ana", "digit-0055,relabel,0,5,closed loop,ana"),
        ("ben", "digit-0055,relabel,6,5,open loop,ben"),
    ):
        typed.type(f"git checkout -q -b {name} main && dvc checkout -q")
        typed.type(f"printf '{header}\\n{line}\\n' > data/passes/p001-{name}.csv")
        typed.type("dvc repro -q && git add -A && git commit -qm 'A pass'", keep=NOTHING)
    typed.type("git merge ana", ok=False, keep="CONFLICT|failed")
    typed.type("dvc repro -q", ok=False, keep="conflict")
    typed.type(
        "sed -i s/,6,5,/,6,0,/ data/passes/p001-ben.csv     # they talked: ben is right, and says what he changes"
    )
    typed.type("dvc repro -q && git add -A && git commit -qm 'Merge ana; the loop is open'", keep=" applied: ")
    typed.type("datapass diff main HEAD", keep="relabelled$|relabelled |has:")
    text = (
        "# Two branches that edit the same example\n\nTwo people each add a pass. The passes are two files, so Git merges "
        "them; what it reports are generated files, which the next `dvc repro` makes anew. The edits contradict each other, "
        "so `curate` refuses them, shows both sides and leaves its outputs as they were. Three ways out: correct `was` and "
        "keep one's own edit (here), delete one of the lines, or leave a pass out with `data.passes.without`.\n\n"
    )
    (DOCS / "conflict.md").write_text(text + str(typed), encoding="utf-8")


def sureness(folder: Path) -> None:
    """Write what docs/plan.md and docs/looks.md show: a plan, and passes of six edits on the digits and the tumours."""
    projects = []
    for kind in ("images", "tables"):
        project = render(folder, kind=kind)
        project.run("dvc", "repro", "evaluate")
        project.commit("Baseline")
        edits = project.reviewer("pass").stdout.splitlines()[1:]
        for name, number in (("relabel-1", len(edits)), ("few", 6)):
            project.write_pass("p001-review", *edits[:number])
            project.run("dvc", "exp", "run", "-n", name, "evaluate")
        projects.append(project)
    seeds = ["-S", f"seeds=[{','.join(map(str, range(12)))}]", "evaluate"]
    project.run("dvc", "exp", "run", "-n", "few-12", *seeds)  # of the tumours
    (project.path / "data" / "passes" / "p001-review.csv").unlink()
    project.run("dvc", "exp", "run", "-n", "main-12", *seeds)
    digits, tumours = projects
    plan, result, looks = Transcript(digits), Transcript(tumours), Transcript(digits)
    plan.type("datapass plan --gain 1.0 main", keep=".")
    lines = "^(no detect|helps|A gain|No gain|Shown|Not shown|Over all|⚠️)"
    result.type("datapass compare main few", keep=lines)
    result.type("datapass compare main few --within 5.0", keep="^(Shown|Not shown)")
    result.type("datapass compare main-12 few-12", keep=lines)
    looks.type("datapass compare main few", keep=lines)
    looks.type("datapass compare main relabel-1", keep=lines)
    between(DOCS / "plan.md", "plan", str(plan))
    between(DOCS / "plan.md", "result", str(result))
    between(DOCS / "looks.md", "looks", str(looks))
    digits.verb("plan", "--gain", "1.0", "main", "--to", "plan.html")
    digits.verb("compare", "main", "few", "--to", "looks.html")
    screenshot(digits.path / "plan.html", "plan", 820)
    screenshot(digits.path / "looks.html", "looks", 620)


def gains(folder: Path) -> None:
    """Write the transcript and the picture of the table of gains: a sweep, another network, a pass, and both."""
    project = render(folder)
    project.run("dvc", "repro", "evaluate")
    project.commit("Baseline")
    typed = Transcript(project)
    typed.type("dvc exp run --queue -n lr -S model.task.optimizer.lr=0.003,0.03 evaluate", keep=NOTHING)
    typed.type("dvc exp run --queue -n mlp -S model=mlp evaluate", keep=NOTHING)
    typed.type("dvc exp run --run-all", keep=NOTHING)
    project.write_pass("p001-review", *project.reviewer("pass").stdout.splitlines()[1:])
    typed.type("dvc exp run -n relabel-1 evaluate", keep=" applied: |^accuracy")
    typed.type("datapass gains main", keep="^(Data or model|The result of)")
    command = re.search("`(.*?)`", typed.lines[-2])
    assert command is not None
    typed.type(f"{command[1]} evaluate", keep="^accuracy")
    typed.type("datapass gains main --to gains.html", keep="^(?!gains)")
    between(DOCS / "gains.md", "transcript", str(typed))
    screenshot(project.path / "gains.html", "gains", 1500, 1100)


def worth(folder: Path) -> None:
    """Write the transcript and the picture of what labels are worth (60 trainings)."""
    project = baseline(folder)
    project.verb("review")
    project.reviewer("answers", "reports/review-answers.csv")
    project.verb("review", "--apply", "reports/review-answers.csv")
    project.run("dvc", "exp", "run", "-n", "relabel-1", "evaluate")
    typed = Transcript(project)
    typed.type("datapass worth main relabel-1", keep="^(What|To do)")
    run = "datapass worth main relabel-1 --run --both --to worth.html"
    typed.type(run, keep="^(These|About|On all|How|It |The (model|candidate)| *examples |[0-9,]+  )")
    between(DOCS / "worth.md", "transcript", str(typed))
    screenshot(project.path / "worth.html", "worth", 900, 1100)


def production(folder: Path) -> None:
    """Write the transcript and the picture of a delivery that looks different: from `watch` to the verdict."""
    project = render(folder)
    project.run("dvc", "repro", "evaluate")
    project.commit("Baseline")
    typed, tests = Transcript(project), ROOT / "tests"
    project.run("python", str(tests / "stream.py"), "../delivery")
    evidence = "^(?!.*(gone|html:)|[0-9] |class |column |Columns|(brightness|contrast|sharpness) |Shares| +[0-9.]+\\))"
    typed.type("datapass watch ../delivery --name delivery-1", keep=evidence)
    typed.type("datapass pick --budget 200", keep="^(delivery|as|random|uncertain|unlike)")
    typed.type("datapass review --picked delivery-1", keep="^reports")
    project.reviewer("labels", "delivery-1", "../delivery-truth.csv", "reports/review-answers.csv")
    typed.type("datapass review --apply reports/review-answers.csv")
    typed.type("datapass watch delivery-1 --to watch.html", keep="^(delivery-1 |[0-9.]+ % |No concept|Concept)")
    project.commit("Label 200 inputs of the first delivery")
    typed.type("datapass bring-back delivery-1 --test", keep="^delivery")
    typed.type("dvc repro evaluate", keep=" applied: |^accuracy")
    project.commit("Test on the first delivery too")
    typed.type("datapass bring-back delivery-1", keep="^delivery")
    typed.type("dvc exp run -n delivery-1 evaluate", keep=" applied: |^accuracy")
    typed.type("datapass compare main delivery-1", keep="^(helps|hurts|no detect|On |Each is judged)")
    between(DOCS / "production.md", "transcript", str(typed))
    screenshot(project.path / "watch.html", "production", 900)


PARTS = (
    report, next_step, conflict, table, text, photo, gains, worth, sureness, production, tutorial, how_to, remote, notebook, site,
)  # fmt: skip

if __name__ == "__main__":
    os.environ |= {"GIT_AUTHOR_DATE": DATE, "GIT_COMMITTER_DATE": DATE}
    home = Path(tempfile.mkdtemp(prefix="docs-"))
    try:
        for part in PARTS:
            if part.__name__ in (sys.argv[1:] or [part.__name__]):
                part(home / part.__name__)
    finally:
        shutil.rmtree(home)
