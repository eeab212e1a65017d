"""Refuse answers that would make a project that does not work, in one sentence, before anything is written.

A Jinja extension that cookiecutter.json uses, and not a pre-generation hook: when a hook fails, cookiecutter prints a
traceback around its message and has made folders already.
"""

import keyword
import re
import sys
from collections.abc import Mapping

from click import ClickException
from jinja2 import Environment
from jinja2.ext import Extension

# A package of one of these names would hide the module that the project itself imports.
# fmt: off
TAKEN = {
    "PIL", "conf", "cookiecutter", "data", "datapass", "dvc", "hydra", "lightning", "matplotlib", "models", "numpy", "omegaconf",
    "pandas", "pyarrow", "pytest", "pytorch_lightning", "reports", "rich", "safetensors", "scipy", "sklearn", "src",
    "tests", "torch", "typer", "yaml",
}
# fmt: on


# Of letters, at most: a folder's name is in many paths, which some systems end at 260; the others stand in one line.
LONGEST = {"project_slug": 60, "project_name": 100, "author": 200, "description": 300}


def objection(answers: Mapping[str, object]) -> str | None:
    """Return what is wrong with the answers and what to answer instead, or None."""
    name, slug, package = (str(answers[key]) for key in ("project_name", "project_slug", "__package"))
    for question in ("project_name", "description", "author"):
        answer = str(answers[question])
        if not answer.isprintable():
            return f"{question} must be one line of printable text; {answer!r} is not."
    for question, most in LONGEST.items():
        length = len(str(answers[question]))
        if length > most:
            return f"{question} has {length} letters; choose one of at most {most}."
    if not name.strip():
        return "The project needs a name, for example 'Street signs'."
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", slug):
        return (
            f"The folder name {slug!r} must begin with a letter and hold only letters, digits, '-', '_' and '.'; "
            "choose another name, or answer project_slug yourself."
        )
    if not package.isidentifier() or keyword.iskeyword(package):
        return f"The folder name {slug!r} gives the Python package {package!r}, which Python cannot import; choose another."
    if package in TAKEN or package in sys.stdlib_module_names:
        return f"The Python package {package!r} would hide a module of that name; choose another, such as '{slug}-project'."
    return None


def checked(answers: Mapping[str, object]) -> str:
    """Return nothing where the answers are good. Raises ClickException, which prints as one line, where not."""
    said = objection(answers)
    if said:
        raise ClickException(said)
    return ""


class Answers(Extension):
    """Gives templates the filter `checked`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["checked"] = checked
