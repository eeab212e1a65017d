"""Experiments of DVC's, as Git holds them: those with a result, those in the queue without one, and patterns of names."""

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ..messages.problems import Refusal, quoted
from .objects import git

if TYPE_CHECKING:
    from .revisions import Revision

NOT_RUN, FAILED = "not run yet", "failed"
QUEUE = {"stash": NOT_RUN, "failed": FAILED}  # where DVC's queue keeps what has no result, under refs/exps/celery/
HOW = {NOT_RUN: "`dvc queue start` runs what waits", FAILED: "`dvc queue logs NAME` says why"}


def list_experiments() -> dict[str, dict[str, str]]:
    """Return the commits of all `dvc exp` experiments: {name: {commit it was run on: its commit}}."""
    listed = git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").decode().splitlines()
    found: dict[str, dict[str, str]] = {}
    for line in listed:
        reference, commit = line.rsplit(" ", 1)
        parts = reference.split("/")  # refs/exps/ab/cdef.../name
        if len(parts) == 5 and len(parts[2]) == 2:
            found.setdefault(parts[4], {})[parts[2] + parts[3]] = commit
    return found


def experiments_on(baseline: "Revision") -> list[str]:
    """Return the names of the experiments that were run on a revision's commit, sorted."""
    return sorted(name for name, commits in list_experiments().items() if baseline.commit in commits)


def queued() -> dict[str, tuple[str, str]]:
    """Return the experiments of `dvc queue` without a result: {name: (the commit it is run on, NOT_RUN or FAILED)}."""
    listed = git("for-each-ref", "--format=%(refname)", "refs/exps/celery").decode().split()
    found: dict[str, tuple[str, str]] = {}
    for reference, state in QUEUE.items():
        if f"refs/exps/celery/{reference}" in listed:
            log = git("log", "--walk-reflogs", "--format=%gs", f"refs/exps/celery/{reference}").decode(
                "utf-8", "replace"
            )
            entries = re.findall(r"dvc-exp:[0-9a-f]+:([0-9a-f]+):(\S+)$", log, re.MULTILINE)
            found |= {name: (commit, state) for commit, name in entries}
    return found


def matching(name: str) -> list[str]:
    """Return the experiments, branches and tags that a pattern such as `clean-*` names, sorted; the name itself if it is none.

    Git allows `*`, `?` and `[` in no name.

    Raises:
        Refusal: where it names none.
    """
    if not re.search(r"[*?[]", name) or re.search(r"[:^~{]", name):  # as in `HEAD^{/text}`
        return [name]
    known = git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags").decode().split()
    found = sorted({one for one in (*known, *list_experiments()) if fnmatchcase(one, name)})
    if not found:
        raise Refusal(f"{quoted(name)} names no experiment, branch or tag here.")
    return found
