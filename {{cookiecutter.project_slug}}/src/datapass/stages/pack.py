"""Read every input once, so that training reads arrays from one memory map, or rows from one table.

Of files again only those that are new or changed. Arrays in shards stay there, and are read for their hashes alone.
"""

import ast
import hashlib
import json
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import yaml

from ..data.pack import pack
from ..data.raw import read_raw
from ..data.rows import pack_rows
from ..data.shards import folders
from ..files.paths import INPUTS, RAW
from ..files.writes import written
from ..settings import load, make
from .frame import MACHINERY, PROJECT, run


def how_made(node: dict[str, Any]) -> str:
    """Return 16 hex digits that change with the settings of the inputs, the code and files they use, and its libraries.

    Those are what dvc.yaml declares, and so all that can run: what `read` imports only on its way too.
    """
    deps = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]["pack"]["deps"]
    named = [PROJECT / dep for dep in deps if isinstance(dep, str) and dep not in (RAW.as_posix(), "conf.ok")]
    found = {file for path in named for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()}
    code = sorted(f for f in found if not f.is_relative_to(MACHINERY) and "__pycache__" not in f.parts)
    content = {file.relative_to(PROJECT).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in code}
    parsed = (ast.walk(ast.parse(file.read_bytes())) for file in code if file.suffix == ".py")
    roots = {root for nodes in parsed for part in nodes for root in _imported(part)} - sys.stdlib_module_names
    installed = packages_distributions()
    versions = {name: version(name) for root in roots for name in installed.get(root, [])}
    return hashlib.sha256(json.dumps([node, content, versions], sort_keys=True).encode()).hexdigest()[:16]


def _imported(node: ast.AST) -> list[str]:
    """Return the top-level modules that a statement imports, wherever it stands."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [str(node.module).partition(".")[0]] if isinstance(node, ast.ImportFrom) and not node.level else []


def main() -> None:
    """Write data/inputs/."""
    settings = load().data.inputs
    inputs = make(settings, "data: inputs")
    arrays = hasattr(inputs, "read") or hasattr(inputs, "open")
    with written(INPUTS) as target:
        raw = read_raw(RAW)
        decoded = (
            pack(raw, RAW, target, inputs, how_made(settings), INPUTS) if arrays else pack_rows(raw, target, inputs)
        )
    inside = folders()
    files = len(raw.table) - sum(inside.values()) if arrays else 0
    first = ""
    if files and not inside:
        first = f"; the first file is {inputs.describe(RAW / raw.table['path'].iloc[0])}"
    print(f"{len(raw.table):,} inputs packed, each as {inputs} (conf/data){first}")
    if files:
        print(f"{decoded:,} decoded, {files - decoded:,} taken over unchanged from the last run")
    for folder, number in inside.items():
        print(f"{number:,} stay in the shards of {folder.as_posix()}/")


if __name__ == "__main__":
    run("pack", main)
