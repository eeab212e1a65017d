"""Write the pages that the template itself knows: commands, settings, and the docs/ of its projects. Git does not keep them."""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from jinja2 import Environment, StrictUndefined

import datapass
from datapass import settings
from datapass.cli import VERBS

PACKAGES = {
    "images": "digits",
    "tables": "tumours",
    "texts": "messages",
}  # of the kinds, as the default answers name them
KINDS = ("images", "tables", "texts")
VERSION = datapass.__version__
ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
sys.path.append(str(ROOT))  # of the template's Jinja extensions
INTRO = "*Made from the code by `docs/reference.py`.*\n\n"


def cell(text: str) -> str:
    """Return a text as one cell of a table."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown, or nothing where there are no rows."""
    lines = [head, ["---"] * len(head), *([cell(text) for text in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n" if rows else ""


def paragraphs(text: str) -> str:
    """Return a docstring's sentences, without the sections for programmers."""
    return inspect.cleandoc(text).split("\nArgs:")[0].split("\nRaises:")[0].strip() + "\n\n"


def atoms(annotation: Any) -> list[type]:
    """Return the plain types that an annotation is made of."""
    return [one for part in get_args(annotation) for one in atoms(part)] or [annotation]


def parameter(name: str, annotation: Any, default: Any) -> list[str]:
    """Return how one types a parameter of a command, and what it does."""
    inner, found = get_args(annotation)[:2]
    said, many = found.help or "", "list[" in str(inner)
    if isinstance(found, typer.models.ArgumentInfo):
        typed = (found.metavar or name.rstrip("_")).upper() + ("..." if many else "")
        return [f"`{typed}`" if default is inspect.Parameter.empty else f"`[{typed}]`", said]
    given = [
        one for one in (found.default, *(found.param_decls or ())) if isinstance(one, str)
    ]  # the first as Typer keeps it
    option = (given or [f"--{name.rstrip('_').replace('_', '-')}"])[0]
    kind = next(one for one in atoms(inner) if one is not type(None))
    choices = "|".join(one.value for one in kind) if issubclass(kind, StrEnum) else ""
    plain = {bool: "", int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH"}
    value = found.metavar or choices or plain[kind]
    default = getattr(default, "value", default)
    known = isinstance(default, int | float | str) and not isinstance(default, bool)
    return [f"`{option} {value}`".replace(" `", "`"), said + (f" Default: `{default}`." if known else "")]


def parameters(verb: Callable[..., None]) -> list[list[str]]:
    """Return how one types each parameter of a command, and what it does."""
    hints = get_type_hints(verb, include_extras=True)
    return [parameter(p.name, hints[p.name], p.default) for p in inspect.signature(verb).parameters.values()]


def commands() -> str:
    """Return the page of the commands, in the order of `datapass --help`."""
    parts = ["# Commands\n\n", INTRO]
    parts.append(
        "Run them in the project's folder. `BASELINE`, `CANDIDATES` and `REVISION` are a Git revision, tag or branch, the name of "
        "an experiment of DVC, or `workspace`. `--to` may be given more than once. An error is a sentence and exit code 2, and nothing is "
        "half-written. DVC's own commands do the rest: `dvc repro`, `dvc exp run`, `dvc exp show`.\n\n"
    )
    for name, verb in VERBS.items():
        rows = parameters(verb)
        parts += [f"## {name}\n\n", paragraphs(verb.__doc__ or ""), table([f"`datapass {name}`", "what it does"], rows)]
    return "".join(parts)


def kind(schema: dict[str, Any]) -> str:
    """Return the type and the range of a setting, from its JSON schema, in words of YAML."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(kind, schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    words = {"string": "text", "boolean": "true or false", "array": "list", "object": "mapping"}
    name = words.get(schema.get("type", "anything"), schema.get("type", "anything"))
    if name == "list":
        name += f" of {kind(schema['items'])}"
    signs = {
        "minimum": "at least",
        "exclusiveMinimum": "over",
        "maximum": "at most",
        "exclusiveMaximum": "under",
        "minItems": "at least",
    }
    limits = [f"{word} {schema[sign]:g}" for sign, word in signs.items() if sign in schema]
    return f"{name}, {' and '.join(limits)}" if limits else name


def fields(schema: dict[str, Any], place: str, groups: dict[str, Any]) -> Iterator[list[str]]:
    """Yield name, type and default of each setting of a group, and of the groups in it."""
    for name, found in schema["properties"].items():
        inner = [groups[one["$ref"].rpartition("/")[2]] for one in found.get("anyOf", [found]) if "$ref" in one]
        for group in inner:
            yield from fields(group, f"{place}{name}.", groups)
        if not inner and "oneOf" not in found:
            default = (
                "" if name in schema.get("required", []) else f"`{json.dumps(found.get('default'))}`".replace('"', "")
            )
            yield [f"`{place}{name}`", kind(found), default]


def settings_page() -> str:
    """Return the page of the settings: by group, then each file of conf/ as a new project has it."""
    parts = ["# Settings\n\n", INTRO]
    parts.append(
        "Hydra composes `conf/` into `params.yaml`. What is not listed here is refused, with a near miss where there is one. A default "
        "stands where a project may leave the setting out. A mapping for Hydra has `_target_`, the dotted name of what it builds.\n\n"
    )
    whole = settings.Settings.model_json_schema()
    known = whole["$defs"]
    groups = [
        ("conf/data", "Data, of each kind of project.", known["Data"], "data."),
        ("conf/model, a network", "All of it is frozen.", known["Network"], "model."),
        ("conf/model, an estimator", "All of it is frozen.", known["Estimator"], "model."),
        ("conf/trainer", "Where to train and what to log; not frozen.", known["Trainer"], "trainer."),
        ("conf/config.yaml: evaluate", "What the verdict is about.", known["Evaluate"], "evaluate."),
        ("conf/config.yaml: audit", "Which labels look wrong.", known["Audit"], "audit."),
    ]
    head = ["setting", "type", "default"]
    for title, about, schema, place in groups:
        parts += [f"## {title}\n\n{about}\n\n", table(head, list(fields(schema, place, known)))]
    own = [row for row in fields(whole, "", known) if "." not in row[0]]
    parts += ["## conf/config.yaml: the rest\n\n", table(head, own), "## As a new project has it\n\n"]
    shipped = {"conf/config.yaml, images": ("images", TEMPLATE / "conf" / "config.yaml")}
    for kind in KINDS:
        files = (ROOT / "templates" / kind).glob("*.yaml")
        names = {file: "data" if file.stem == "data" else "model" for file in sorted(files) if file.stem != "params"}
        shipped |= {
            f"conf/{group}/{file.stem if group == 'model' else kind}.yaml, {kind}": (kind, file)
            for file, group in names.items()
        }
    for name, (kind, file) in shipped.items():
        parts.append(f"### {name}\n\n```yaml\n{rendered(file.read_text(encoding='utf-8'), kind).strip()}\n```\n\n")
    return "".join(parts)


@cache
def answers(kind: str, ci: str) -> dict[str, Any]:
    """Return all answers of a project that takes the defaults but for two."""
    context = generate_context(str(ROOT / "cookiecutter.json"), extra_context={"kind": kind, "ci": ci})
    return dict(prompt_for_config(context, no_input=True))


def rendered(text: str, kind: str, ci: str = "github") -> str:
    """Return a text of the template as it is in a project."""
    environment = Environment(keep_trailing_newline=True, undefined=StrictUndefined)
    return environment.from_string(text).render(cookiecutter=answers(kind, ci))


def project() -> dict[str, str]:
    """Return the pages of a project's own docs/, each as often as it says something else."""
    pages = {}
    for source in sorted((TEMPLATE / "docs").iterdir()):
        name = re.search(r"[a-z-]+(?=\.md)", source.name)[0]
        text = source.read_text(encoding="utf-8")
        if name == "own-data":
            said = {f"{name}-{kind}": (rendered(text, kind), f": {kind}", f"of {kind}") for kind in KINDS}
        elif name == "ci":
            said = {f"{name}-{ci}": (rendered(text, "images", ci), "", "there") for ci in ("github", "gitlab")}
        else:
            said = {name: (rendered(text, "images"), "", "of images")}
        for page, (whole, more, where) in said.items():
            title, rest = whole.split("\n", 1)
            pages[page] = f"{title}{more}\n\n*`docs/{name}.md` of a project {where}.*\n{rest}"
    return pages


@cache
def pages() -> dict[str, str]:
    """Return all that is made here: a text by its path in this folder."""
    found = {"reference/commands.md": commands(), "reference/settings.md": settings_page()}
    return found | {f"project/{name}.md": text for name, text in project().items()}


def write(folder: Path) -> None:
    """Write the pages where they are not there as they should be."""
    for name, text in pages().items():
        file = folder / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
