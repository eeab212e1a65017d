"""The report as one page that opens from disk: no script, no network, pictures and charts inline."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ..comparison import verdict as v
from ..comparison.verdict import Comparison, Part
from ..files.paths import SPLITS
from . import charts, words
from .errors import Errors
from .markdown import FLIPS, SENTENCE, advice, apart, flipped, plain, touched

BYTES = 3 << 20
PICTURES = 3 << 19  # bytes, of the above
ROWS = (200, 50, 12, 3)  # lengths of the tables; the first at which the page is small enough is taken
GALLERY, COMPARISONS, LINES, HEAT = 48, 12, 20, 12  # shown: flips of a kind, candidates, lines of a chart, classes
COLORS = {v.HELPS: charts.HELPS, v.HURTS: charts.HURTS}


def pictured(comparisons: list[Comparison]) -> list[str]:
    """Return the ids of the test examples whose pictures the page of these comparisons has room for."""
    found = [c.flips for c in words.by_gain(comparisons)[:COMPARISONS] if c.flips is not None]
    return list(dict.fromkeys(id for flips in found for id in flips.groupby("flip").head(GALLERY)["id"]))


def html(comparisons: list[Comparison], pictures: dict[str, str], errors: Mapping[str, Errors] | None = None) -> str:
    """Return the page on one or more candidates compared with the same baseline; under 3 MiB whatever the data.

    Args:
        comparisons: at least one.
        pictures: {id: data URI} of test examples, see `pictures.thumbnails`; may lack any, or be empty.
        errors: the errors of candidates, by name; may lack any.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # class names, ids and file names are other people's data
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "prose": prose, "number": "{:,}".format}
    environment.globals |= {"words": words, "v": v, "advice": advice, "SPLITS": SPLITS}
    ordered = words.by_gain(comparisons)
    views = [
        view(c, pictures, PICTURES // min(len(ordered), COMPARISONS)) | {"errors": (errors or {}).get(c.candidate.name)}
        for c in ordered[:COMPARISONS]
    ]
    page = ""
    for most in ROWS:
        page = environment.get_template("report.html.j2").render(all=ordered, views=views, most=most)
        if len(page.encode()) < BYTES:
            break
    return page


def prose(sentence: str) -> Markup:
    """Return a sentence that may quote untrusted text as HTML; what it has in backticks becomes code."""
    return Markup(re.sub("`(.+?)`", r"<code>\1</code>", str(escape(plain(sentence, SENTENCE)))))


def view(c: Comparison, pictures: dict[str, str], room: int) -> dict[str, Any]:
    """Return what the template shows of a comparison, with pictures of at most `room` bytes."""
    flips = []
    for (flip, title), number in zip(FLIPS.items(), flipped(c), strict=True):
        rows = [] if c.flips is None else c.flips[c.flips["flip"] == flip].head(GALLERY).to_dict("records")
        for row in rows:
            picture = pictures.get(row["id"], "")
            row["picture"] = picture if len(picture) <= room else ""
            room -= len(row["picture"])
        if number:
            flips.append((flip, title, number, rows))
    return {
        "c": c,
        "chart": Markup(charts.forest(lines(c), "Gains in points with their intervals")) if c.gain else "",
        "parts": [(kind, *apart(c, some)) for kind, some in (("class", c.classes), ("slice", c.slices)) if some],
        "touched": touched(c),
        "heat": heat(c),
        "flips": flips,
        "pictures": any(row["picture"] for *_, rows in flips for row in rows),
    }


def lines(c: Comparison) -> list[charts.Row]:
    """Return the lines of the forest plot: the whole, then classes and slices, the significant before the others."""
    assert c.gain is not None
    rows = [charts.Row("All, accuracy", c.gain, COLORS.get(c.verdict, charts.INK))]
    rows += [charts.Row("All, macro-F1", c.macro_f1)] * (c.macro_f1 is not None)

    def line(part: Part) -> charts.Row:
        color = COLORS.get(words.called(c, part), charts.INK)
        return charts.Row(plain(part.name, SENTENCE), part.gain, color, small=part.examples < v.MIN_SLICE)

    for title, parts in (("By class", c.classes), ("By slice", c.slices)):
        significant, others = apart(c, parts)
        some = (significant + sorted(others, key=lambda part: -abs(part.gain.mean)))[:LINES]
        title += f" ({LINES} of {len(parts):,})" if len(parts) > LINES else ""
        rows += [charts.Row(title)] * bool(some)
        rows += map(line, sorted(some, key=lambda part: part.gain.mean))
    return rows


def heat(c: Comparison) -> tuple[list[str], dict[tuple[str, str], int], int]:
    """Return the classes with most changed labels, {(old, new): examples}, and how many changed between others."""
    found = {(old, new): int(count) for old, new, count in c.data.transitions.itertuples(index=False)}
    sizes: dict[str, int] = {}
    for (old, new), count in found.items():
        sizes[old], sizes[new] = sizes.get(old, 0) + count, sizes.get(new, 0) + count
    names = sorted(sorted(sizes, key=lambda name: (-sizes[name], name))[:HEAT])
    return names, found, sum(count for pair, count in found.items() if not set(pair) <= set(names))
