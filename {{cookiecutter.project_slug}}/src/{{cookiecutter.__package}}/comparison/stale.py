"""Whether a revision's results are of what it holds: every file that Git has, against the hashes in its dvc.lock."""

import json
from collections.abc import Sequence
from hashlib import md5
from typing import Any

from pathspec import GitIgnoreSpec

from .revisions import Revision


def stale(revision: Revision) -> list[str]:
    """Return what changed in a revision after its results were made, each as a sentence.

    Only what Git holds can be checked, and the results of DVC's cache by their hashes alone: a folder that Git and DVC
    share (images with a `.dvc` file inside, beside a table in Git) is not.
    """
    pipeline = (revision.yaml("dvc.yaml") or {}).get("stages") or {} if revision.read("dvc.yaml") is not None else {}
    stages = (revision.yaml("dvc.lock") or {}).get("stages", {})
    # DVC keeps stages in the lock that were deleted from the pipeline; the audit has no part in a gain.
    stages = {
        name: stage
        for name, stage in stages.items()
        if name != "audit" and (not pipeline or name.split("@")[0] in pipeline)
    }
    outs = {out["path"]: out.get("md5") for stage in stages.values() for out in stage.get("outs", [])}
    tracked = [path for path in revision.paths("data") + revision.paths("models") if path.endswith(".dvc")]
    outs |= {path.removesuffix(".dvc"): revision.yaml(path)["outs"][0].get("md5") for path in tracked}
    ignored = GitIgnoreSpec.from_lines((revision.read(".dvcignore") or b"").decode("utf-8", "replace").splitlines())
    entries = [
        (name, dep) for name, stage in stages.items() for dep in (*stage.get("deps", []), *stage.get("outs", []))
    ]
    inside = {
        dep["path"]: [path for path in revision.paths(dep["path"]) if not ignored.match_file(path)]
        for _, dep in entries
    }
    revision.load({path for paths in inside.values() for path in paths})
    found = []
    for name, dep in entries:
        path, locked = dep["path"], dep.get("md5")
        if any(file.endswith(".dvc") for file in inside[path]):
            continue
        known = path in outs or any(path.startswith(f"{out}/") for out in outs)
        now = _digest(revision, path, inside[path]) if inside[path] else outs.get(path, locked) if known else None
        if now != locked:
            found.append(f"{path} is not what stage {name} last ran with")
    params = revision.yaml("params.yaml")
    for name, stage in stages.items():
        command = _plain(pipeline.get(name, {}).get("cmd"))
        if command is not None and command != _plain(stage.get("cmd")):
            found.append(f"the command of stage {name} in dvc.yaml is not what it last ran")
        for key, locked in stage.get("params", {}).get("params.yaml", {}).items():
            if name != "freeze" and _dig(params, key) != locked:
                found.append(f"{key} in params.yaml is not what stage {name} last ran with")
    return list(dict.fromkeys(found))


def _digest(revision: Revision, path: str, files: Sequence[str]) -> str:
    """Return DVC's hash of a file or of a folder, of what Git (or the workspace) holds of it."""
    if files == [path]:
        return md5(revision.read(path) or b"", usedforsecurity=False).hexdigest()
    contents = {file: revision.read(file) for file in files}
    rows = [
        {"md5": md5(content, usedforsecurity=False).hexdigest(), "relpath": file[len(path) + 1 :]}
        for file, content in contents.items()
        if content is not None
    ]
    rows.sort(key=lambda row: tuple(row["relpath"].split("/")))
    return md5(json.dumps(rows, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _plain(command: Any) -> list[str] | None:
    """Return a stage's command as lines, or None where it is not known as it runs (DVC fills in `${...}`)."""
    lines = command if isinstance(command, list) else [] if command is None else [command]
    return lines if lines and not any("${" in str(line) for line in lines) else None


def _dig(params: Any, key: str) -> Any:
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params
