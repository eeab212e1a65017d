"""Edits of YAML files that people wrote: one block of lines at a time, so that comments and layout stay."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

WIDTH = 120


def without(text: str, *keys: str) -> str:
    """Return the text without the block at nested keys and the empty lines after it; as it is where there is none."""
    lines = text.split("\n")
    found = _find(lines, keys)
    if found is None:
        return text
    start, end = found
    while end < len(lines) - 1 and not lines[end].strip():
        end += 1
    return "\n".join(lines[:start] + lines[end:])


def with_value(text: str, keys: Sequence[str], value: object, comment: str = "") -> str:
    """Return the text with another value at nested keys that are there.

    Args:
        value: a number, a list of texts or a mapping of text to text.
        comment: of the value's line; what stands there if left out.
    """
    lines = text.split("\n")
    found = _find(lines, keys)
    if found is None:
        return text
    start, end = found
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    said = comment or next(iter(re.findall(r"\s(#.*)$", lines[start])), "")
    end_of_line = f" {said}" if said else ""
    short = json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        new = [f"{indent}{keys[-1]}:{end_of_line}", *(f"{indent}  {_plain(k)}: {v}" for k, v in value.items())]
    elif isinstance(value, list) and len(short) > WIDTH - 40:
        new = [
            f"{indent}{keys[-1]}:{end_of_line}",
            *(f"{indent}  - {json.dumps(v, ensure_ascii=False)}" for v in value),
        ]
    else:
        new = [f"{indent}{keys[-1]}: {short}{end_of_line}"]
    return "\n".join(lines[:start] + new + lines[end:])


def value_at(text: str, *keys: str) -> Any:
    """Return the value at nested keys, or None where there is none."""
    node = yaml.safe_load(text)
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _plain(name: str) -> str:
    """Return a name as a key: bare where YAML reads it as text."""
    bare = re.fullmatch(r"[A-Za-z_][\w-]*", name) and yaml.safe_load(name) == name and len(name) > 1
    return name if bare else json.dumps(name, ensure_ascii=False)


def _find(lines: list[str], keys: Sequence[str]) -> tuple[int, int] | None:
    """Return the first line of the block at nested keys and the line after its last."""
    start, end = 0, len(lines)
    for key in keys:
        filled = [line for line in lines[start:end] if line.strip() and not line.lstrip().startswith("#")]
        indent = len(filled[0]) - len(filled[0].lstrip()) if filled else 0
        head = re.compile(rf"{' ' * indent}[\"']?{re.escape(key)}[\"']?:(\s|$)")
        at = next((number for number in range(start, end) if head.match(lines[number])), None)
        if at is None:
            return None
        deeper = [n for n in range(at + 1, end) if lines[n].strip() and not lines[n].startswith(" " * (indent + 1))]
        start, end = at + 1, deeper[0] if deeper else end
        while end > start and not lines[end - 1].strip():
            end -= 1
    return start - 1, end
