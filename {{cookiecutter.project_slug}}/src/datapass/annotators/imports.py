"""What exports of Label Studio become: the next pass and annotations, or the labels of picked inputs."""

from collections.abc import Sequence
from pathlib import Path

from ..data.next_pass import current_labels, place_pass
from ..messages.problems import refuse
from .label_studio import checked, edits_of, read_files, say_disputed
from .picked import of_picked, place_picked
from .sample import collect


def import_files(files: Sequence[Path], name: str, skip_stale: bool) -> None:
    """Make exports the next pass, and the answers of several people annotations; or label picked inputs. Print what came.

    Raises:
        Refusal: for everything wrong in the files.
    """
    found, problems = read_files(files)
    labels, classes = current_labels()
    if (picked := of_picked(found, labels)) is not None:
        place_picked(found, problems, picked, classes)
        return
    answers, wrong = checked(found, labels, classes, "skip" if skip_stale else "refuse")
    refuse(problems + wrong)
    edits, disputed, shared = edits_of(answers)
    if len(shared):
        print(collect(shared))
    say_disputed(disputed)
    if len(edits) or not len(shared):
        place_pass(edits, name)
