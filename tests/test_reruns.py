"""What re-runs what: each module of the machinery and of the team's package, and the stages that a change of it runs again."""

import json

from conftest import Project

# Every file of src/ and the stages that name it, so that DVC runs them again; what follows from their outputs is not here.
# Nothing: the pages, the terminal, Label Studio, progress, messages and the comparison are read by no stage.
RERUNS: dict[str, str] = {}
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
