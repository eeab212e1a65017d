"""What a report says, built once; the renderers (terminal, Markdown, HTML, JSON) only say how it looks.

Every sentence and every `Name` may quote untrusted text: a renderer shows it and lets it do nothing. In sentences,
backticks mark code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..comparison.metric import Metric
from .charts import Curve, Distance, Row

MOST = 200  # rows that a table keeps to be shown; files of data hold them all
NAME, EXCERPT, SENTENCE = 40, 320, 400  # characters shown of a name, of what shows an example, and of a sentence


class Name(str):
    """A cell with untrusted text: a class, an id, a file. Other cells are the machinery's own words and numbers."""

    limit = NAME


class Excerpt(Name):
    """A name that is what shows an example: the beginning of its text, or some of its values."""

    limit = EXCERPT


def one_line(value: object, limit: int = NAME) -> str:
    """Return untrusted text as one line of at most `limit` printable characters."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value)[: limit + 1]) or "(empty)"
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


@dataclass(frozen=True)
class Lines:
    """Sentences, as a list."""

    sentences: list[str]


@dataclass(frozen=True)
class Table:
    """A table, the most important rows first.

    Attributes:
        header: of the columns; the first column names the row.
        rows: the first MOST of them.
        total: how many rows there are.
        style: "" or how a page shows it: `heat` (from, to, count) or a gallery of `broken` or `fixed` examples, whose rows
            are id, label, answers and so on, or of new `inputs` (id, answer, probability, distance); either may end in an `Excerpt`.
    """

    header: Sequence[str]
    rows: list[Sequence[str]]
    total: int
    title: str = ""
    style: str = ""


@dataclass(frozen=True)
class Forest:
    """Gains with their intervals, as a chart where the form has charts; a table beside it has the numbers."""

    rows: list[Row]
    caption: str
    metric: Metric = field(default_factory=Metric)


@dataclass(frozen=True)
class Curves:
    """Curves over the number of training examples, as a chart where the form has charts; a table beside it has the numbers."""

    curves: list[Curve]
    caption: str
    distance: Distance | None = None
    metric: Metric = field(default_factory=Metric)


Chart = Forest | Curves
Block = Lines | Table | Forest | Curves


@dataclass(frozen=True)
class Section:
    """A part of a report; its title holds its most important number.

    Attributes:
        open: shown at once, where a form folds the others away.
        short: whether the terminal shows the title alone, since the details would push the verdict off the screen.
    """

    title: str
    blocks: Sequence[Block]
    open: bool = False
    short: bool = False


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        headline: everything in one line.
        data: what the report is of, whole, for JSON.
        verdict, title: one of the five verdicts and what is said in its place; empty where nothing is judged.
        between: names of candidate and baseline.
        gist: the result in a few words.
        why: reasons why there is no verdict.
        advice: what to do first.
        figures: the most important numbers with their names, the first of all first.
        parts: reports of several candidates, the best first.
        rows: what CSV holds, where the report is one table.
    """

    headline: str
    data: Any
    sections: Sequence[Section] = ()
    verdict: str = ""
    title: str = ""
    between: tuple[str, ...] = ()
    gist: str = ""
    why: Sequence[str] = ()
    advice: str = ""
    figures: Sequence[tuple[str, str]] = ()
    parts: list["Report"] = field(default_factory=list)
    rows: pd.DataFrame | None = None


def table(header: str, rows: Iterable[Sequence[str]], total: int, title: str = "", style: str = "") -> list[Block]:
    """Return a table with its header written as `a | b`, or nothing where it has no rows."""
    return [Table(header.split(" | "), list(rows), total, title, style)] if total else []


def lines(sentences: Iterable[str | None]) -> list[Block]:
    """Return those sentences that there are, as a list of one block, or nothing."""
    said = [sentence for sentence in sentences if sentence]
    return [Lines(said)] if said else []
