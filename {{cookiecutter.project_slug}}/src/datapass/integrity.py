"""Whose machinery this is, which release, and whether anyone edited it: changes belong upstream, where all projects get them.

`SHA256SUMS` beside this file names the released files as `sha256sum` writes them; `sha256sum -c SHA256SUMS` checks it too.
"""

import hashlib
import tomllib
from pathlib import Path

from . import INSTALLED, __version__
from .messages.problems import Refusal, quoted

HERE = Path(__file__).resolve().parent
SUMS = HERE / "SHA256SUMS"


def sums() -> str:
    """Return the checksums of the machinery's files as they are now, a line each, sorted by path."""
    files = sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.suffix in (".py", ".j2"))
    return "".join(f"{hashlib.sha256((HERE / file).read_bytes()).hexdigest()}  {file}\n" for file in files)


def edited() -> list[str]:
    """Return the files that were changed, added or deleted since the release."""
    released = _by_file(SUMS.read_text(encoding="utf-8") if SUMS.is_file() else "")
    now = _by_file(sums())
    return sorted(file for file in released.keys() | now.keys() if released.get(file) != now.get(file))


def _by_file(text: str) -> dict[str, str]:
    """Return {file: checksum} of lines as `sums` writes them."""
    return {file: digest for digest, _, file in (line.partition("  ") for line in text.splitlines())}


def version() -> str:
    """Return the version, and whether the files are those of the release, in one line."""
    found = edited()
    said = f"edited here: {', '.join(found[:5])}{f' and {len(found) - 5} more' if len(found) > 5 else ''}"
    return f"datapass {__version__} ({said if found else 'as released'})"


def refuse_foreign() -> None:
    """Raise Refusal where the machinery that runs is not that of the project in the working directory.

    Its own code is imported from the checkout, see `__init__`; but an environment in which another project is installed
    has that one's requirements, and a folder without machinery of its own would be run by any.
    """
    here = Path.cwd()
    if not (here / "src" / "datapass").is_dir():
        raise Refusal(f"There is no src/datapass in this project; `datapass` here is that of {INSTALLED.parents[1]}.")
    names = [name(root / "pyproject.toml") for root in (here, INSTALLED.parents[1])]
    if names[0] != names[1] and INSTALLED.parents[1] != here.resolve():
        raise Refusal(
            f"This is the project {quoted(names[0])}, but the `datapass` that runs was installed for {quoted(names[1])} in "
            f"{INSTALLED.parents[1]}. Use one environment a project: activate this one's, or make it with "
            "`python3 -m venv .venv && . .venv/bin/activate && pip install -c constraints.txt -e .`"
        )


def name(pyproject: Path) -> str:
    """Return the name of a project, empty where its pyproject.toml does not tell."""
    try:
        return str(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["name"])
    except (OSError, tomllib.TOMLDecodeError, KeyError):
        return ""
