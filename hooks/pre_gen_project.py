"""Refuse answers that would make a project that does not work, in one sentence, before anything is written."""

import keyword
import re
import sys

# A package of one of these names would hide the module that the project itself imports.
TAKEN = set(
    "conf cookiecutter data dvc hydra lightning matplotlib models numpy omegaconf pandas PIL pyarrow pytest "
    "pytorch_lightning reports rich safetensors scipy sklearn src tests torch typer yaml".split()
)


def objection(name: str, description: str, author: str, slug: str, package: str) -> str | None:
    """Return what is wrong with the answers and what to answer instead, or None."""
    for question, answer in [("name", name), ("description", description), ("author", author)]:
        if not answer.isprintable():
            return f"The {question} must be one line of printable text; {answer!r} is not."
    if not name.strip():
        return "The project needs a name, for example 'Street signs'."
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", slug):
        return (
            f"The folder name {slug!r} must begin with a letter and hold only letters, digits, '-', '_' and '.'; "
            "give project_slug yourself if the project's name has none of these."
        )
    if not package.isidentifier() or keyword.iskeyword(package):
        return f"The folder name {slug!r} gives the Python package {package!r}, which Python cannot import; choose another."
    if package in TAKEN or package in sys.stdlib_module_names:
        return f"The Python package {package!r} would hide a module of that name; choose another name, such as '{slug}-project'."
    return None


if __name__ == "__main__":
    said = objection(
        {{ cookiecutter.project_name | string | tojson }},
        {{ cookiecutter.description | string | tojson }},
        {{ cookiecutter.author | string | tojson }},
        {{ cookiecutter.project_slug | string | tojson }},
        {{ cookiecutter.__package | string | tojson }},
    )
    if said:
        sys.exit(said)
