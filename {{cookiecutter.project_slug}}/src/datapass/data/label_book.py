"""The label book, `data/label_book.md`: one `## CLASS` section a class, written by people."""

import re

from ..files.paths import BOOK

HEADING = re.compile(r"^##[ \t]+(.+?)[ \t]*#*[ \t]*\r?$", re.MULTILINE)


def read_book() -> str:
    """Return the label book's text, empty where there is none."""
    return BOOK.read_text(encoding="utf-8", errors="replace") if BOOK.is_file() else ""


def sections(text: str) -> dict[str, str]:
    """Return what the label book says of each class, without the heading; of a class with two sections the first."""
    found: dict[str, str] = {}
    for name, start, end in places(text):
        found.setdefault(name, text[start:end].strip())
    return found


def places(text: str) -> list[tuple[str, int, int]]:
    """Return the class of each section, and where its text starts and ends."""
    heads = list(HEADING.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return [(head[1], head.end(), end) for head, end in zip(heads, ends, strict=False)]
