"""The report as one page that opens from disk: no script, no network, pictures and charts inline."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from . import charts
from .sections import SENTENCE, Chart, Curves, Lines, Name, Report, Table, one_line

BYTES = 1 << 20
PICTURES = 5 << 17  # bytes, of the above
ROWS = (200, 50, 12, 3)  # lengths of the tables; the first at which the page is small enough is taken
GALLERY, PARTS, HEAT = 48, 12, 12  # shown: examples of a gallery, candidates, classes of a heat map


def html(report: Report, pictures: Mapping[str, str] | None = None) -> str:
    """Return the report as a page under 1 MiB, whatever the data.

    Args:
        report: of any verb.
        pictures: {id: data URI} of examples or new inputs, see `pictures.thumbnails`; may lack any.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # class names, ids and file names are other people's data
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"line": one_line, "prose": prose, "heat": heat, "chart": chart, "number": "{:,}".format}
    environment.tests |= {
        "lines": lambda block: isinstance(block, Lines),
        "chart": lambda block: isinstance(block, Chart),
        "name": lambda cell: isinstance(cell, Name),
    }
    parts = (report.parts or [report])[:PARTS]
    shown = [fitting(part, pictures or {}, PICTURES // len(parts)) for part in parts]
    template, page = environment.get_template("report.html.j2"), ""
    for most in ROWS:
        page = template.render(report=report, parts=report.parts[:PARTS], pictures=shown, most=most, gallery=GALLERY)
        if len(page.encode()) < BYTES:
            break
    return page


def prose(sentence: str) -> Markup:
    """Return a sentence that may quote untrusted text as HTML; what it has in backticks becomes code."""
    return Markup(re.sub("`(.+?)`", r"<code>\1</code>", str(escape(one_line(sentence, SENTENCE)))))


def chart(block: Chart) -> Markup:
    """Return a chart as an inline `<svg>`."""
    if isinstance(block, Curves):
        title = f"{block.metric.label} by number of training examples"
        return Markup(charts.curves(block.curves, block.distance, title[0].upper() + title[1:], block.metric))
    return Markup(charts.forest(block.rows, f"Gains in {block.metric.unit} with their intervals", block.metric))


def _ids(report: Report) -> Iterator[str]:
    galleries = (
        b
        for s in report.sections
        for b in s.blocks
        if isinstance(b, Table) and b.style in ("broken", "fixed", "inputs")
    )
    return (row[0] for block in galleries for row in block.rows[:GALLERY])


def pictured(report: Report) -> list[str]:
    """Return the ids of the test examples whose pictures the page of a report has room for."""
    return list(dict.fromkeys(id for part in (report.parts or [report])[:PARTS] for id in _ids(part)))


def fitting(report: Report, pictures: Mapping[str, str], room: int) -> dict[str, str]:
    """Return those of a report's pictures that fit into `room` bytes, the first before the others."""
    found = {}
    for id in _ids(report):
        if pictures.get(id) and len(pictures[id]) <= room:
            found[id] = pictures[id]
            room -= len(pictures[id])
    return found


def heat(block: Table) -> dict[str, Any]:
    """Return a table of from, to and count as a map of the classes with most of them, and how many it leaves out."""
    counts = {(old, new): int(count.replace(",", "")) for old, new, count in block.rows}
    sizes: dict[str, int] = {}
    for pair, count in counts.items():
        for name in pair:
            sizes[name] = sizes.get(name, 0) + count
    names = sorted(sorted(sizes, key=lambda name: (-sizes[name], name))[:HEAT])
    left = sum(count for pair, count in counts.items() if not set(pair) <= set(names))
    return {"names": names, "counts": counts, "top": max(counts.values()), "left": left}
