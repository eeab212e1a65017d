"""Whether a revision's results are of what it holds: every file that Git has, against the hashes in its dvc.lock."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import md5
from operator import itemgetter
from pathlib import Path
from typing import Any

from pathspec import GitIgnoreSpec

from ..files.paths import INCOMING
from ..messages.problems import Refusal
from .revisions import Revision


def stale(revision: Revision) -> tuple[list[str], list[str]]:
    """Return what changed in a revision after its results were made, and what cannot be told, each as a sentence.

    What Git holds is checked by content, of what only DVC holds the recorded hashes; in the workspace DVC is asked. A
    revision is checked once.
    """
    if revision.standing is None:
        revision.standing = _check(revision)
    return revision.standing


def _check(revision: Revision) -> tuple[list[str], list[str]]:
    pipeline = (revision.yaml("dvc.yaml") or {}).get("stages") or {} if revision.read("dvc.yaml") is not None else {}
    # DVC keeps stages in the lock that were deleted from the pipeline; the audit has no part in a gain.
    stages = {
        name: stage
        for name, stage in revision.lock.stages.items()
        if name != "audit" and (not pipeline or name.split("@")[0] in pipeline)
    }
    outs = {path: digest for stage in stages.values() for path, digest in stage.outs.items()}
    tracked = [path for path in revision.paths("data") + revision.paths("models") if path.endswith(".dvc")]
    # No stage reads what came in without labels.
    tracked = [path for path in tracked if not path.startswith(f"{INCOMING.as_posix()}/")]
    outs |= {path.removesuffix(".dvc"): revision.yaml(path)["outs"][0].get("md5") for path in tracked}
    entries = [
        (name, path, digest)
        for name, stage in stages.items()
        for path, digest in (*stage.deps.items(), *stage.outs.items())
        if "://" not in path  # what lies elsewhere nobody can check from here
    ]
    inside = seen(revision, [path for _, path, _ in entries])
    changed, unknown = _changed_for_dvc() if revision.commit is None else set(), []
    found = []
    for name, path, locked in entries:
        known = path in outs or any(path.startswith(f"{out}/") for out in outs)
        now = digest_of(revision, path, inside[path]) if inside[path] else outs.get(path, locked) if known else None
        submodule = any(map(revision.is_submodule, inside[path]))
        if submodule and revision.commit is None:  # DVC reads what is checked out of it
            now = None if path in changed else locked
        elif now is None and inside[path]:
            part = (
                "a part of it is a Git submodule" if submodule else "DVC holds a part of it, which is not in the cache"
            )
            unknown.append(f"{path} of {revision.name} is not checked: {part}")
            continue
        if now != locked or (not inside[path] and path in changed):
            found.append(f"{path} is not what stage {name} last ran with")
    params = revision.yaml("params.yaml")
    for name, stage in stages.items():
        command = _plain(pipeline.get(name, {}).get("cmd"))
        if command is not None and command != _plain(stage.cmd):
            found.append(f"the command of stage {name} in dvc.yaml is not what it last ran")
        for key, locked in stage.params.get("params.yaml", {}).items():
            if name != "freeze" and _dig(params, key) != locked:
                found.append(f"{key} in params.yaml is not what stage {name} last ran with")
    return list(dict.fromkeys(found)), list(dict.fromkeys(unknown))


def seen(revision: Revision, paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the files that DVC sees under each path, of those that Git has or would add, and read them in one call."""
    rules = revision.read(".dvcignore") or b""
    inside = {
        path: [file for file in revision.paths(path) if not _ignored(rules, file)] for path in dict.fromkeys(paths)
    }
    revision.load({file for files in inside.values() for file in files})
    return inside


@lru_cache(maxsize=8)
def _spec(rules: bytes) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(rules.decode("utf-8", "replace").splitlines())


@lru_cache(maxsize=1 << 14)  # revisions have most of their paths in common
def _ignored(rules: bytes, file: str) -> bool:
    return bool(_spec(rules).match_file(file))


def _changed_for_dvc() -> set[str]:
    """Return the paths in the workspace that DVC finds modified; what is only missing here is no change.

    Raises:
        Refusal: with DVC's own words, as while another DVC holds its lock.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            status = repo.status()
    except DvcException as error:
        raise Refusal(f"dvc status: {error}") from None
    status.pop("audit", None)
    parts = (part for entries in status.values() for part in entries if isinstance(part, dict))
    changes = (change for part in parts for change in part.values() if isinstance(change, dict))
    return {path for change in changes for path, state in change.items() if state == "modified"}


def digest_of(revision: Revision, path: str, files: Sequence[str]) -> str | None:
    """Return DVC's hash of a file or of a folder, of what Git (or the workspace) holds of it.

    What a `.dvc` file in the folder tracks is a part of it; None where that is a folder of which the cache has no list, and
    where a submodule is a part of it, whose files are in another repository.
    """
    if any(map(revision.is_submodule, files)):
        return None
    if files == [path]:
        return _md5(revision.read(path) or b"")
    rows = [{"md5": _md5(content), "relpath": file} for file in files if (content := revision.read(file)) is not None]
    for file in files:
        if file.endswith(".dvc"):
            out = revision.yaml(file)["outs"][0]
            start, digest = (Path(file).parent / out["path"]).as_posix(), str(out.get("md5"))
            if digest.endswith(".dir"):
                parts = revision.shared.listed(digest)
                if parts is None:
                    return None
                rows += [part | {"relpath": f"{start}/{part['relpath']}"} for part in parts]
            else:
                rows.append({"md5": digest, "relpath": start})
    rows = [{"md5": row["md5"], "relpath": row["relpath"][len(path) + 1 :]} for row in rows]
    rows.sort(key=itemgetter("relpath"))
    return _md5(json.dumps(rows, sort_keys=True).encode()) + ".dir"


def _md5(content: bytes) -> str:
    return md5(content, usedforsecurity=False).hexdigest()


def _plain(command: Any) -> list[str] | None:
    """Return a stage's command as lines, or None where it is not known as it runs (DVC fills in `${...}`)."""
    lines = command if isinstance(command, list) else [] if command is None else [command]
    return lines if lines and not any("${" in str(line) for line in lines) else None


def _dig(params: Any, key: str) -> Any:
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params
