"""What re-runs what: each module of the machinery and of the team's package, and the stages that a change of it runs again."""

import json

from conftest import Project

# Every file of src/ and the stages that name it, so that DVC runs them again; what follows from their outputs is not here.
# Nothing: the pages, the terminal, Label Studio, progress, messages and the comparison are read by no stage.
RERUNS = {
    "datapass/__init__.py": "",
    "datapass/__main__.py": "",
    "datapass/adopt/adopt.py": "",
    "datapass/adopt/columns.py": "",
    "datapass/adopt/examine.py": "",
    "datapass/adopt/kinds.py": "",
    "datapass/adopt/look.py": "",
    "datapass/adopt/minutes.py": "",
    "datapass/adopt/names.py": "",
    "datapass/adopt/pictures.py": "",
    "datapass/adopt/place.py": "",
    "datapass/adopt/project.py": "",
    "datapass/adopt/sets.py": "",
    "datapass/adopt/sheets.py": "",
    "datapass/adopt/studio.py": "",
    "datapass/adopt/yaml_text.py": "",
    "datapass/annotators/agreement.py": "",
    "datapass/annotators/annotations.py": "audit",
    "datapass/annotators/book.py": "",
    "datapass/annotators/consensus.py": "",
    "datapass/annotators/export_format.py": "",
    "datapass/annotators/label_studio.py": "",
    "datapass/annotators/sample.py": "",
    "datapass/annotators/tasks.py": "",
    "datapass/cli.py": "",
    "datapass/comparison/augmentation.py": "",
    "datapass/comparison/crossed.py": "evaluate",
    "datapass/comparison/datadiff.py": "",
    "datapass/comparison/f_score.py": "evaluate",
    "datapass/comparison/history.py": "",
    "datapass/comparison/lineup.py": "",
    "datapass/comparison/lock.py": "",
    "datapass/comparison/metric.py": "evaluate",
    "datapass/comparison/objections.py": "",
    "datapass/comparison/proof.py": "",
    "datapass/comparison/revisions.py": "",
    "datapass/comparison/stale.py": "",
    "datapass/comparison/statistics.py": "evaluate",
    "datapass/comparison/verdict.py": "",
    "datapass/data/apply.py": "curate",
    "datapass/data/checks.py": "curate",
    "datapass/data/examples.py": "audit curate evaluate pack train",
    "datapass/data/label_book.py": "audit curate",
    "datapass/data/next_pass.py": "",
    "datapass/data/pack.py": "pack",
    "datapass/data/packed.py": "audit evaluate train",
    "datapass/data/passes.py": "audit curate",
    "datapass/data/raw.py": "audit curate pack",
    "datapass/data/rows.py": "pack",
    "datapass/data/split.py": "audit curate",
    "datapass/data/state.py": "curate",
    "datapass/files/paths.py": "audit curate evaluate example freeze pack train",
    "datapass/files/tables.py": "audit curate evaluate example pack train",
    "datapass/files/writes.py": "audit curate evaluate example freeze pack train",
    "datapass/integrity.py": "",
    "datapass/messages/problems.py": "",
    "datapass/messages/progress.py": "",
    "datapass/production/new_inputs.py": "",
    "datapass/production/predict.py": "",
    "datapass/report/adopt_view.py": "",
    "datapass/report/charts.py": "",
    "datapass/report/comparison_view.py": "",
    "datapass/report/data_view.py": "",
    "datapass/report/errors.py": "",
    "datapass/report/forms.py": "",
    "datapass/report/html.py": "",
    "datapass/report/markdown.py": "",
    "datapass/report/record.py": "",
    "datapass/report/report.html.j2": "",
    "datapass/report/sections.py": "",
    "datapass/report/terminal.py": "",
    "datapass/report/words.py": "",
    "datapass/review/answers.py": "",
    "datapass/review/originals.py": "",
    "datapass/review/features.py": "",
    "datapass/review/page.py": "",
    "datapass/review/pictures.py": "",
    "datapass/review/readable.py": "",
    "datapass/review/review.html.j2": "",
    "datapass/review/standing.py": "",
    "datapass/review/suspects.py": "audit",
    "datapass/settings.py": "audit curate evaluate example freeze pack train",
    "datapass/stages/audit.py": "audit",
    "datapass/stages/curate.py": "curate",
    "datapass/stages/evaluate.py": "evaluate",
    "datapass/stages/frame.py": "audit curate evaluate example freeze pack train",
    "datapass/stages/freeze.py": "freeze",
    "datapass/stages/pack.py": "pack",
    "datapass/stages/train.py": "train",
    "datapass/training/batches.py": "audit train",
    "datapass/training/encoding.py": "audit evaluate train",
    "datapass/training/environment.py": "audit evaluate train",
    "datapass/training/estimators.py": "audit evaluate train",
    "datapass/training/fit.py": "audit train",
    "datapass/training/models.py": "audit evaluate train",
    "datapass/training/networks.py": "audit train",
    "datapass/training/order.py": "audit evaluate train",
    "datapass/training/storage.py": "audit evaluate train",
    "datapass/verbs/comparing.py": "",
    "datapass/verbs/data.py": "",
    "datapass/verbs/deciding.py": "",
    "datapass/verbs/labelling.py": "",
    "datapass/verbs/production.py": "",
    "datapass/verbs/revision.py": "",
    "digits/example.py": "example",
    "digits/inputs.py": "audit evaluate pack train",
    "digits/network.py": "audit evaluate train",
    "digits/task.py": "audit train",
}
# Edits each file in turn and asks DVC, in one process since its start takes a second.
ASK = """
import json, sys
from pathlib import Path
from dvc.repo import Repo
found = {}
for file in sorted(path for path in Path("src").rglob("*") if path.suffix in (".py", ".j2") and path.stat().st_size):
    content = file.read_bytes()
    file.write_bytes(content + b"# a comment\\n")
    with Repo() as repo:
        stages = repo.status()
    file.write_bytes(content)
    found[file.relative_to("src").as_posix()] = " ".join(sorted(stages))
print(json.dumps(found))
"""


def test_what_a_change_of_each_module_runs_again(project: Project) -> None:
    found = json.loads(project.run("python", "-c", ASK).stdout)
    assert found == RERUNS
