"""What a report says, in one shape that every form renders: terminal, Markdown, HTML, JSON and CSV."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from .charts import Row


@dataclass(frozen=True)
class Lines:
    """Sentences that may quote untrusted text; what they have in backticks, such as a command, is code."""

    sentences: list[str]


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        header: what the columns are.
        rows: cells; all of them, the renderer cuts.
        kinds: a letter a column: `n` an untrusted name, `t` untrusted text, `.` words and numbers of our own.
        title: above the table, may be empty.
    """

    header: list[str]
    rows: list[list[str]]
    kinds: str
    title: str = ""


@dataclass(frozen=True)
class Forest:
    """Gains with their intervals on one axis; a picture, whose numbers stand in the tables beside it."""

    rows: list[Row]
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Test examples whose answer turned one way: pictures where a form can show them, else the table."""

    flip: str
    items: list[dict[str, Any]]
    table: Table
    seeds: int


@dataclass(frozen=True)
class Heat:
    """Counts of label transitions: a matrix of the most frequent classes where a form can colour it, else the table."""

    names: list[str]
    cells: dict[tuple[str, str], int]
    left: int
    table: Table


Block = Lines | Table | Forest | Gallery | Heat


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        title: says what the section comes to, with its number.
        blocks: the details; a form without room for them shows the title alone.
        group: sections of one group stand together under this heading.
        short: whether the terminal shows the details too.
        page: whether only the page shows the section.
    """

    title: str
    blocks: list[Block]
    group: str = ""
    short: bool = False
    page: bool = False


@dataclass(frozen=True)
class Report:
    """A report, or one of several in a report.

    Attributes:
        headline: what it comes to, on one line.
        data: everything, as what `json.dumps` takes.
        verdict: one of the five verdicts, or empty.
        reason: the verdict's number, or why there is none.
        names: candidate and baseline.
        why: further reasons for no verdict.
        advice: what to do next.
        figures: (what, number) of the headline's numbers; the first is the largest.
        primary: the primary metric as a table.
        notes, warnings: sentences.
        sections: the details.
        parts: the reports that this one sums up in `primary`.
        rows: what CSV holds.
    """

    headline: str
    data: Any
    verdict: str = ""
    reason: str = ""
    names: tuple[str, str] = ("", "")
    why: list[str] = field(default_factory=list)
    advice: str = ""
    figures: list[tuple[str, str]] = field(default_factory=list)
    primary: Table | None = None
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    parts: list["Report"] = field(default_factory=list)
    rows: pd.DataFrame | None = None
