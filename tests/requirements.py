"""Print what the template's tools and a generated project need, from their pyproject files, one requirement a line.

`python tests/requirements.py [EXTRA...]`; runs before anything is installed, so it uses the standard library alone.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def requirements(path: Path, extras: list[str]) -> list[str]:
    """Return the dependencies and those of the extras that a pyproject file, rendered or not, declares."""
    plain = re.sub(r"\{%.*?%\}|^.*\{\{.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    project = tomllib.loads(plain)["project"]
    optional = project.get("optional-dependencies", {})
    return project["dependencies"] + [line for extra in extras for line in optional.get(extra, [])]


if __name__ == "__main__":
    files = [ROOT / "pyproject.toml", ROOT / "{{cookiecutter.project_slug}}" / "pyproject.toml"]
    print("\n".join(line for file in files for line in requirements(file, sys.argv[1:])))
