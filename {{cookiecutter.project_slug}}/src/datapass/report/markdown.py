"""The report as Markdown, for a comment on a pull request: the verdict and what to do first, the rest folded away."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice

import pandas as pd

from ..comparison import verdict as v
from ..comparison.datadiff import KINDS
from ..comparison.verdict import Comparison, Part
from ..files.paths import SPLITS
from . import words

CHARACTERS, BYTES = 60_000, 200_000  # GitHub refuses comments of over 65,536 and 262,144
ROWS = (50, 20, 8, 3, 1)  # lengths of the tables; the first at which the whole fits is taken
SIGNS = {v.HELPS: "✅", v.HURTS: "❌", v.NO_DIFFERENCE: "⚪", v.DEPENDS: "⚠️", v.NOT_COMPARABLE: "🚫"}
FLIPS = {"broken": "Broken: right before, wrong now", "fixed": "Fixed: wrong before, right now"}
NAME, SENTENCE = 40, 400  # characters shown of a name and of a sentence
_MARKUP = re.compile(r"[\\`*_\[\]<>|~&$!@#\"]|:(?=\S)|(?<=www)\.|(?<=gh)-(?=\d)", re.IGNORECASE)


def plain(value: object, limit: int = NAME) -> str:
    """Return untrusted text as one line of at most `limit` printable characters."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value)[: limit + 1]) or "(empty)"
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def text(value: object, limit: int = NAME) -> str:
    """Return untrusted text as Markdown that shows it and does nothing else.

    Entities stop markup, table cells and links. GitHub looks for @mentions, #123 and GH-123 later, in what was
    rendered, where an entity is its character again: there an invisible space behind the sign stops them.
    """

    def harmless(sign: re.Match[str]) -> str:
        return f"&#{ord(sign[0])};" + "&#8203;" * (sign[0] in "@#-")

    return _MARKUP.sub(harmless, plain(value, limit).strip())


def code(value: object) -> str:
    """Return an untrusted name or id as Markdown; inside `<code>` GitHub and GitLab make no mention of anything."""
    return f"<code>{text(value)}</code>"


def prose(sentence: str) -> str:
    """Return a sentence that may quote untrusted text; what it has in backticks, such as a command, becomes code."""
    return re.sub("&#96;(.+?)&#96;", r"<code>\1</code>", text(sentence, SENTENCE))


def advice(c: Comparison) -> str:
    """Return what to do next."""
    rows = int(c.data.rows["id"].nunique())
    changed = f"{rows:,} {'relabelled' if rows == c.data.number('relabelled') else 'changed'} rows"
    labels = f" Read the {c.ruler.relabelled:,} changed test labels first." if c.ruler else ""
    if c.verdict == v.NOT_COMPARABLE:
        return " ".join(c.mend) or "Run both with the same `seeds`."
    if c.verdict == v.DEPENDS:
        return "By the old test labels, or on the unchanged ones, the verdict is another: agree on those that changed first."
    if not rows:
        return "No row changed: there is nothing to merge for the data's sake."
    if c.verdict == v.HELPS:
        return f"Merge if the {changed} read right.{labels}"
    if c.verdict == v.HURTS:
        return f"Do not merge yet: look at the {flipped(c)[0]:,} broken test examples, then at the {changed}.{labels}"
    return f"Merge only if the {changed} are right for their own sake: this test set shows no gain.{labels}"


def flipped(c: Comparison) -> tuple[int, int]:
    """Return how many test examples broke and how many were fixed."""
    broken = 0 if c.flips is None else int((c.flips["flip"] == "broken").sum())
    return broken, 0 if c.flips is None else len(c.flips) - broken


def apart(c: Comparison, parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Return the significant classes or slices and the others, each worst first."""
    ordered = sorted(parts, key=lambda part: part.gain.mean)
    significant = [part for part in ordered if words.called(c, part) in (v.HELPS, v.HURTS)]
    return significant, [part for part in ordered if part not in significant]


def touched(c: Comparison) -> pd.Series:
    """Return how many training labels changed from or to each class."""
    rows = c.data.rows[(c.data.rows["kind"] == "relabelled") & (c.data.rows["split"] == "train")]
    return pd.concat([rows["old"], rows["new"]]).value_counts()


def table(header: str, rows: Iterable[Sequence[str]], total: int, most: int, names: int = 1) -> str:
    """Return a table of Markdown cells, its first `most` rows only; the columns after the first `names` are numbers."""
    shown = list(islice(rows, most))
    rule = "|---" * names + "|--:" * (header.count("|") + 1 - names) + "|"
    lines = [f"| {header} |", rule, *(f"| {' | '.join(row)} |" for row in shown)]
    return "\n".join(lines) + (f"\n\n… and {total - len(shown):,} more" if total > len(shown) else "")


def arrow(old: int, new: int) -> str:
    """Return a count before and after; one number where it is the same."""
    return f"{old:,} → {new:,}" if old != new else f"{old:,}"


def listing(names: Sequence[str], most: int) -> str:
    """Return untrusted names on one line."""
    return ", ".join(map(code, names[:most])) + (f" … and {len(names) - most:,} more" if len(names) > most else "")


def bullets(sentences: Sequence[str], most: int) -> str:
    """Return untrusted sentences as a list."""
    lines = [f"- {prose(sentence)}" for sentence in sentences[:most]]
    return "\n".join(lines + [f"- … and {len(sentences) - most:,} more"] * (len(sentences) > most))


def fold(summary: str, *body: str) -> str:
    """Return a folded section. The blank lines make GitHub read its body as Markdown."""
    return "\n\n".join([f"<details>\n<summary>{summary}</summary>", *(part for part in body if part), "</details>"])


def verdict_line(c: Comparison) -> str:
    """Return the verdict and what to do, on one line."""
    if c.gain and c.verdict != v.NOT_COMPARABLE:
        reason = f"{words.interval(c.gain)} points of accuracy"
    else:
        reason = prose(c.why[0] if c.why else "the two have no seed in common")
    return f"### {SIGNS[c.verdict]} {c.verdict}: {reason}. {prose(advice(c))}"


def primary(c: Comparison, most: int) -> str:
    """Return what is shown open: the primary metric and what it rests on."""
    parts = [f"{code(c.candidate.label)} against {code(c.baseline.label)}"]
    if c.gain:
        header = f"{words.measured_on(c)} | before | after | gain in points [95 % interval]"
        cells = ["accuracy", words.percent(c.old), words.percent(c.new), f"**{words.interval(c.gain)}**"]
        parts.append(table(header, [cells], 1, 1))
    notes = [*c.why[1:], words.mcnemar_line(c), words.frozen_line(c), *words.ruler_lines(c), *words.excluded_lines(c)]
    if c.verdict == v.NO_DIFFERENCE and c.gain and c.gain.se > 0:
        seen = words.points(c.gain.detectable, False)
        notes.insert(0, f"A gain under {seen} points would not show; more test examples or seeds show smaller ones.")
    return "\n\n".join([*parts, bullets([note for note in notes if note] + [f"⚠️ {w}" for w in c.warnings], most)])


def details(c: Comparison, most: int) -> list[str]:
    """Return the folded sections, each with its number in the summary."""
    return [data_section(c, most), *flip_section(c, most), *gain_sections(c, most), proof_section(c, most)]


def data_section(c: Comparison, most: int) -> str:
    """Return what changed in the data: how many rows of which set, which labels became which, by which passes."""
    sets = [c.data.counts.get(split, {}) for split in SPLITS]
    kinds = [[kind, *(f"{c.data.number(kind, split):,}" for split in SPLITS)] for kind in KINDS if c.data.number(kind)]
    totals = [[sum(pair[side] for pair in counts.values()) for side in (0, 1)] for counts in sets]
    kinds.append(["examples that count", *(arrow(old, new) for old, new in totals)])
    became = c.data.transitions
    labels = ([code(old), code(new), f"{count:,}"] for old, new, count in became.itertuples(index=False))
    names = sorted({name for counts in sets for name, (old, new) in counts.items() if old != new})
    sizes = ([code(name), *(arrow(*counts.get(name, (0, 0))) for counts in sets)] for name in names)
    return fold(
        f"Data: {words.data_line(c.data)}",
        bullets([*c.data.notes, *words.renamed_lines(c.data)], most),
        *(
            f"Passes that only the {side} has: {listing(found, most)}"
            for side, found in zip(("candidate", "baseline"), c.data.passes, strict=True)
            if found
        ),
        table(f"rows | {' | '.join(SPLITS)}", kinds, len(kinds), len(kinds)),
        table("label before | after | examples", labels, len(became), most, names=2) if len(became) else "",
        table(f"class | {' | '.join(SPLITS)}", sizes, len(names), most) if names else "",
    )


def flip_section(c: Comparison, most: int) -> list[str]:
    """Return the test examples that broke, then those that were fixed."""
    if c.flips is None or not len(c.flips):
        return []
    broken, fixed = flipped(c)
    body = []
    for flip, number in (("broken", broken), ("fixed", fixed)):
        found = c.flips[c.flips["flip"] == flip].head(most)
        cells = found[["id", "label", "old", "new", "seeds"]].itertuples(index=False)
        rows = ([*map(code, names), f"{seeds:+d}".replace("-", "\N{MINUS SIGN}")] for *names, seeds in cells)
        header = "id | label | answer before | now | seeds right"
        body.append(f"**{FLIPS[flip]}**\n\n{table(header, rows, number, most, names=4)}" if number else "")
    return [fold(f"Test examples whose answer turned: {fixed:,} fixed, {broken:,} broken", *body)]


def gain_sections(c: Comparison, most: int) -> list[str]:
    """Return the gains by class, by slice and in macro-F1."""
    found, moved = [], touched(c)
    for kind, parts in (("class", c.classes), ("slice", c.slices)):
        if not parts:
            continue
        significant, rest = apart(c, parts)
        extra = " | labels changed in training" if kind == "class" else ""
        header = f"{kind} | examples | before | after | gain in points{extra} | "
        body = []
        others = f"Not significant (Holm's correction for {len(parts):,}); too few: under {v.MIN_SLICE} examples"
        for title, some in (("Significant", significant), (others, rest)):
            rows = (
                [code(p.name), f"{p.examples:,}", words.percent(p.old), words.percent(p.new), words.interval(p.gain)]
                + [f"{moved.get(p.name, 0):,}"] * bool(extra)
                + [words.called(c, p)]
                for p in some
            )
            body.append(f"**{title}**\n\n{table(header, rows, len(some), most)}" if some else "")
        worst, best = (words.points(pick(part.gain.mean for part in parts)) for pick in (min, max))
        summary = f"By {kind}: {len(significant):,} of {len(parts):,} significant, gains of {worst} to {best} points"
        found.append(fold(summary, *body))
    if c.macro_f1:
        explained = "The mean of the classes' F1, so a rare class counts as much as a common one."
        found.append(fold(f"Macro-F1: {words.interval(c.macro_f1)} points", explained))
    return found


def proof_section(c: Comparison, most: int) -> str:
    """Return by what it was checked that the model stayed frozen."""
    f = c.frozen
    data = f"Data that differs, as it may: {listing(f.data, most)}" if f.data else "None of the data they read differs."
    summary = f"Model: {len(f.model):,} differences" if f.model else f"Model: frozen, fingerprint {text(f.fingerprint)}"
    checked = f"Compared for train and evaluate: {f.params:,} params and {f.code:,} code paths, and the environment."
    return fold(summary, checked, bullets(f.model, most), data)


def overview(comparisons: Sequence[Comparison], most: int) -> str:
    """Return several candidates against the same baseline as a table."""
    rows = (
        [
            code(c.candidate.label),
            f"{SIGNS[c.verdict]} {c.verdict}",
            f"{words.data_line(c.data)} ({text(words.passes_line(c.data), SENTENCE)})",
            gained(c),
        ]
        for c in comparisons
    )
    header = f"against {code(comparisons[0].baseline.label)} | verdict | data | gain in points [95 % interval]"
    return table(header, rows, len(comparisons), most, names=3)


def gained(c: Comparison) -> str:
    """Return the gain with its interval, where there is one."""
    return words.interval(c.gain) if c.gain else "no gain"


def summed_up(ordered: Sequence[Comparison]) -> str:
    """Return the verdict on several candidates and what to do, on one line."""
    helping = [c for c in ordered if c.verdict == v.HELPS]
    if not helping:
        return f"### {SIGNS[v.NO_DIFFERENCE]} none of {len(ordered)} candidates helps: merge none for its result."
    best = f"{code(helping[0].candidate.label)} gains most, {gained(helping[0])} points. {prose(advice(helping[0]))}"
    verb = "help" if len(helping) > 1 else "helps"
    return f"### {SIGNS[v.HELPS]} {len(helping)} of {len(ordered)} candidates {verb}: {best}"


def markdown(comparisons: list[Comparison], tag: str = "") -> str:
    """Return the comment on one or more candidates compared with the same baseline.

    It stays under 60,000 characters and 200,000 bytes: with much data the tables get shorter and say so.

    Args:
        comparisons: at least one.
        tag: name in a hidden first line by which a workflow finds its comment again; left out where empty.
    """
    hidden = f"<!-- data-experiment:v1:{re.sub(r'[^A-Za-z0-9_./]', '-', tag)} -->\n" if tag else ""
    ordered = words.by_gain(comparisons)
    comment = ""
    for most in ROWS:
        bodies = ["\n\n".join([verdict_line(c), primary(c, most), *details(c, most)]) for c in ordered[:most]]
        if len(ordered) > 1:
            summaries = (f"{text(c.candidate.label)}: {c.verdict}, {gained(c)}" for c in ordered)
            folded = [fold(summary, body) for summary, body in zip(summaries, bodies, strict=False)]
            bodies = [summed_up(ordered), overview(ordered, most), *folded]
        comment = hidden + "\n\n".join(bodies) + "\n"
        if len(comment) < CHARACTERS and len(comment.encode()) < BYTES:
            break
    return comment
