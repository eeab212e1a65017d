"""The report as Markdown, for a comment on a pull request: the verdict and what to do first, the rest folded away."""

import re
from collections.abc import Sequence

from ..comparison import verdict as v
from .sections import NAME, SENTENCE, Block, Chart, Lines, Name, Report, Section, Table, one_line

CHARACTERS, BYTES = 60_000, 200_000  # GitHub refuses comments of over 65,536 and 262,144
ROWS = (100, 50, 20, 8, 3, 1)  # lengths of the tables; the first at which the whole fits is taken
SIGNS = {v.HELPS: "✅ ", v.HURTS: "❌ ", v.NO_DIFFERENCE: "⚪ ", v.DEPENDS: "⚠️ ", v.NOT_COMPARABLE: "🚫 "}
_INTERVAL = r"\[[−+]\d+\.\d{2,}, [−+]\d+\.\d{2,}\](?![(\[:])"  # the only brackets that cannot be a link's
_MARKUP = re.compile(rf"{_INTERVAL}|[\\`*_\[\]<>|~&$!@#\"]|:(?=\S)|(?<=www)\.|(?<=gh)-(?=\d)", re.IGNORECASE)


def text(value: object, limit: int = NAME) -> str:
    """Return untrusted text as Markdown that shows it and does nothing else.

    Entities stop markup, table cells and links. GitHub looks for @mentions, #123 and GH-123 later, in what was
    rendered, where an entity is its character again: there an invisible space behind the sign stops them.
    """

    def harmless(sign: re.Match[str]) -> str:
        return sign[0] if len(sign[0]) > 1 else f"&#{ord(sign[0])};" + "&#8203;" * (sign[0] in "@#-")

    return _MARKUP.sub(harmless, one_line(value, limit).strip())


def code(value: object) -> str:
    """Return an untrusted name or id as Markdown; inside `<code>` GitHub and GitLab make no mention of anything."""
    return f"<code>{text(value, getattr(value, 'limit', NAME))}</code>"


def prose(sentence: str) -> str:
    """Return a sentence that may quote untrusted text; what it has in backticks, such as a command, becomes code."""
    return re.sub("&#96;(.+?)&#96;", r"<code>\1</code>", text(sentence, SENTENCE))


def table(block: Table, most: int) -> str:
    """Return the first rows of a table; the last line says how many there are besides."""
    left = [number == 0 or isinstance(cell, Name) for number, cell in enumerate(block.rows[0])]
    rows = [
        f"| {' | '.join(code(cell) if isinstance(cell, Name) else cell for cell in row)} |" for row in block.rows[:most]
    ]
    if block.total > len(rows):
        rows.append(f"| … and {block.total - len(rows):,} more |" + " |" * (len(left) - 1))
    grid = [f"| {' | '.join(block.header)} |", "|" + "".join("---|" if each else "--:|" for each in left), *rows]
    return (f"**{block.title}**\n\n" if block.title else "") + "\n".join(grid)


def bullets(sentences: Sequence[str], most: int) -> str:
    """Return untrusted sentences as a list."""
    lines = [f"- {prose(sentence)}" for sentence in sentences[:most]]
    return "\n".join(lines + [f"- … and {len(sentences) - most:,} more"] * (len(sentences) > most))


def fold(summary: str, body: Sequence[str]) -> str:
    """Return a folded section. The blank lines make GitHub read its body as Markdown."""
    return "\n\n".join([f"<details>\n<summary>{summary}</summary>", *body, "</details>"])


def section(found: Section, most: int) -> str:
    """Return a section: folded, or open and without its title."""

    def block(one: Block) -> str:
        return (
            bullets(one.sentences, most)
            if isinstance(one, Lines)
            else table(one, most)
            if isinstance(one, Table)
            else ""
        )

    body = [block(one) for one in found.blocks if not isinstance(one, Chart)]
    return "\n\n".join(body) if found.open else fold(prose(found.title), body)


def rendered(report: Report, most: int) -> str:
    """Return a report with tables of at most `most` rows."""
    said = f"{report.title}: {report.why[0] if report.why else report.gist}." if report.title else report.headline
    advice = prose(report.advice) if report.advice else ""
    parts = [" ".join(["###", SIGNS.get(report.verdict, "") + prose(said), advice]).rstrip()]
    parts += [" against ".join(map(code, report.between))] if report.between else []
    if report.figures:
        names, numbers = zip(*report.figures, strict=True)
        parts.append(table(Table(names, [(f"**{numbers[0]}**", *numbers[1:])], 1), 1))
    parts += [bullets(report.why[1:], most)] if report.why[1:] else []
    parts += [section(one, most) for one in report.sections]
    for part in report.parts[:most]:
        said = f"{part.title}, {part.gist or 'no gain'}" if part.title else part.headline
        parts.append(fold(text(f"{part.between[0]}: {said}", 2 * NAME), [rendered(part, most)]))
    return "\n\n".join(parts)


def markdown(report: Report, tag: str = "") -> str:
    """Return the report as a comment.

    It stays under 60,000 characters and 200,000 bytes: with much data the tables get shorter and say so.

    Args:
        report: of any verb.
        tag: name in a hidden first line by which a workflow finds its comment again; left out where empty.
    """
    hidden = f"<!-- data-experiment:v1:{re.sub(r'[^A-Za-z0-9_./]', '-', tag)} -->\n" if tag else ""
    comment = ""
    for most in ROWS:
        comment = hidden + rendered(report, most) + "\n"
        if len(comment) < CHARACTERS and len(comment.encode()) < BYTES:
            break
    return comment
