"""A report as Markdown, for a comment on a pull request: the verdict and what to do first, the rest folded away."""

import re
from collections.abc import Sequence

from ..comparison import verdict as v
from .sections import Block, Gallery, Heat, Lines, Report, Section, Table
from .words import SENTENCE, one_line

CHARACTERS, BYTES = 60_000, 200_000  # GitHub refuses comments of over 65,536 and 262,144
ROWS = (50, 20, 8, 3, 1)  # lengths of the tables; the first at which the whole fits is taken
SIGNS = {v.HELPS: "✅", v.HURTS: "❌", v.NO_DIFFERENCE: "⚪", v.DEPENDS: "⚠️", v.NOT_COMPARABLE: "🚫"}
_MARKUP = re.compile(r"[\\`*_\[\]<>|~&$!@#\"]|:(?=\S)|(?<=www)\.|(?<=gh)-(?=\d)", re.IGNORECASE)


def text(value: object, limit: int = 40) -> str:
    """Return untrusted text as Markdown that shows it and does nothing else.

    Entities stop markup, table cells and links. GitHub looks for @mentions, #123 and GH-123 later, in what was
    rendered, where an entity is its character again: there an invisible space behind the sign stops them.
    """

    def harmless(sign: re.Match[str]) -> str:
        return f"&#{ord(sign[0])};" + "&#8203;" * (sign[0] in "@#-")

    return _MARKUP.sub(harmless, one_line(value, limit).strip())


def code(value: object) -> str:
    """Return an untrusted name or id as Markdown; inside `<code>` GitHub and GitLab make no mention of anything."""
    return f"<code>{text(value)}</code>"


def prose(sentence: str) -> str:
    """Return a sentence that may quote untrusted text; what it has in backticks, such as a command, becomes code."""
    return re.sub("&#96;(.+?)&#96;", r"<code>\1</code>", text(sentence, SENTENCE))


def render(report: Report, tag: str = "") -> str:
    """Return the comment: under 60,000 characters and 200,000 bytes; with much data its tables get shorter and say so.

    Args:
        report: of one thing or of several.
        tag: name in a hidden first line by which a workflow finds its comment again; left out where empty.
    """
    hidden = f"<!-- data-experiment:v1:{re.sub(r'[^A-Za-z0-9_./]', '-', tag)} -->\n" if tag else ""
    comment = ""
    for most in ROWS:
        comment = f"{hidden}{_report(report, most)}\n"
        if len(comment) < CHARACTERS and len(comment.encode()) < BYTES:
            break
    return comment


def _report(report: Report, most: int) -> str:
    parts = [_first_line(report)]
    if report.verdict and not report.parts:
        parts.append(f"{code(report.names[0])} against {code(report.names[1])}")
    if report.primary:
        parts.append(_table(report.primary, most))
    parts.append(_bullets([*report.why, *report.notes, *(f"⚠️ {warning}" for warning in report.warnings)], most))
    parts += [_section(section, most) for section in report.sections if not section.page]
    folded = [(f"{text(part.names[0])}: {part.verdict}, {text(part.reason)}", part) for part in report.parts[:most]]
    parts += [_fold(summary, _report(part, most)) for summary, part in folded]
    return "\n\n".join(part for part in parts if part)


def _first_line(report: Report) -> str:
    if not report.verdict:
        return f"**{prose(report.headline)}**"
    reason = prose(report.reason) if report.parts or report.verdict == v.NOT_COMPARABLE else report.reason
    word = "" if report.parts else f"{report.verdict}: "
    return f"### {SIGNS[report.verdict]} {word}{reason.rstrip('.')}. {prose(report.advice)}".rstrip()


def _section(section: Section, most: int) -> str:
    """Return a folded section. The blank lines make GitHub read its body as Markdown."""
    return _fold(prose(section.title), *(_block(block, most) for block in section.blocks))


def _fold(summary: str, *body: str) -> str:
    return "\n\n".join([f"<details>\n<summary>{summary}</summary>", *(part for part in body if part), "</details>"])


def _block(block: Block, most: int) -> str:
    if isinstance(block, Lines):
        return _bullets(block.sentences, most)
    if isinstance(block, Gallery | Heat):
        return _table(block.table, most)
    return _table(block, most) if isinstance(block, Table) else ""


def _bullets(sentences: Sequence[str], most: int) -> str:
    lines = [f"- {prose(sentence)}" for sentence in sentences[:most]]
    return "\n".join(lines + [f"- … and {len(sentences) - most:,} more"] * (len(sentences) > most))


def _table(table: Table, most: int) -> str:
    """Return the first rows of a table; columns of numbers are set to the right."""

    def cell(value: str, kind: str) -> str:
        shown = {"n": code, "t": lambda value: text(value, SENTENCE)}.get(kind, str)(value)
        return f"{SIGNS[value]} {value}" if value in SIGNS and kind == "." else shown

    rule = "".join("|---" if kind in "nt" or not number else "|--:" for number, kind in enumerate(table.kinds)) + "|"
    rows = [
        f"| {' | '.join(cell(value, kind) for value, kind in zip(row, table.kinds, strict=True))} |"
        for row in table.rows[:most]
    ]
    title = f"**{table.title}**\n\n" if table.title else ""
    more = f"\n\n… and {len(table.rows) - most:,} more" if len(table.rows) > most else ""
    return title + "\n".join([f"| {' | '.join(table.header)} |", rule, *rows]) + more
