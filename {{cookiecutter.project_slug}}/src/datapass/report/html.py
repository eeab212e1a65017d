"""A report as one page that opens from disk: no script, no network, pictures and charts inline."""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ..comparison import verdict as v
from . import charts
from .sections import Forest, Gallery, Heat, Lines, Report, Section, Table
from .words import SENTENCE, one_line

BYTES = 3 << 20
PICTURES = 3 << 19  # bytes, of the above
ROWS = (200, 50, 12, 3)  # lengths of the tables; the first at which the page is small enough is taken
KINDS = {Lines: "lines", Table: "table", Forest: "forest", Gallery: "gallery", Heat: "heat"}


def render(report: Report, pictures: dict[str, str] | None = None) -> str:
    """Return the page; under 3 MiB whatever the data.

    Args:
        report: of one thing or of several.
        pictures: {id: data URI} of test examples, see `review.pictures.thumbnails`; may lack any.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # class names, ids and file names are other people's data
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"groupby_order": grouped, "plain": one_line, "prose": prose, "number": "{:,}".format}
    environment.globals |= {"v": v, "kind": lambda block: KINDS[type(block)], "forest": forest}
    shown = _within(report.parts or [report], pictures or {})
    page = ""
    for most in ROWS:
        page = environment.get_template("report.html.j2").render(report=report, pictures=shown, most=most)
        if len(page.encode()) < BYTES:
            break
    return page


def _within(reports: list[Report], pictures: dict[str, str]) -> dict[str, str]:
    """Return the pictures that fit, as many for each report."""
    shown: dict[str, str] = {}
    for report in reports:
        room = PICTURES // len(reports)
        galleries = [block for section in report.sections for block in section.blocks if isinstance(block, Gallery)]
        for item in (item for gallery in galleries for item in gallery.items):
            picture = pictures.get(item["id"], "")
            if picture and len(picture) <= room:
                shown[item["id"]] = picture
                room -= len(picture)
    return shown


def grouped(sections: list[Section]) -> list[tuple[str, list[Section]]]:
    """Return the sections by group, in order; those without a group each alone."""
    return [(group, list(some)) for (group, _), some in groupby(sections, lambda s: (s.group, s.group or s.title))]


def prose(sentence: str) -> Markup:
    """Return a sentence that may quote untrusted text as HTML; what it has in backticks becomes code."""
    return Markup(re.sub("`(.+?)`", r"<code>\1</code>", str(escape(one_line(sentence, SENTENCE)))))


def forest(block: Any) -> Markup:
    """Return the chart of a `Forest` as SVG."""
    return Markup(charts.forest(block.rows, "Gains in points with their intervals"))
