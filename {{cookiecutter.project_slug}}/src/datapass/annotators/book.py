"""Proposals for the label book, made from what annotators disagree on; people apply them as patches."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..data.label_book import places, sections
from ..data.next_pass import current_labels
from ..data.passes import pass_names, read_pass
from ..files.paths import BOOK, PASSES
from ..files.writes import write_text
from ..messages.problems import quoted

PATCH = Path("reports/label_book.patch")
PROPOSED = 5  # pairs of classes, the most confused ones


def propose_entries(confusions: pd.DataFrame) -> str:
    """Write reports/label_book.patch where there is anything to propose; say so, or nothing."""
    passes = [read_pass(PASSES, name).edits.assign(name=name) for name in pass_names(PASSES)]
    columns = ["name", "label", "was", "reason"]
    edits = pd.concat(passes)[columns] if passes else pd.DataFrame(columns=columns, dtype="str")
    old = BOOK.read_bytes().decode("utf-8", "replace") if BOOK.is_file() else None
    made = patch(old, propose(old or "", confusions, current_labels()[1], edits))
    if not made:
        PATCH.unlink(missing_ok=True)
        return ""
    write_text(made, PATCH)
    return f"{PATCH} proposes entries for {BOOK}: read it, then `git apply {PATCH}`.\n"


def propose(text: str, confusions: pd.DataFrame, classes: Sequence[str], passes: pd.DataFrame) -> str:
    """Return the label book with an entry for each of the most confused pairs of classes, in both their sections.

    Nothing that is there changes: entries are added at a section's end, sections that are missing at the end. A pair
    that a section already has an entry for is left out.

    Args:
        text: the label book.
        confusions: see `agreement.Agreement.confusions`.
        classes: the classes in use.
        passes: the passes' edits, columns name, label, was and reason; the entry names those that decided such a case.
    """
    entries: dict[str, list[str]] = {}
    for row in confusions.head(PROPOSED).itertuples():
        pair = {row.one, row.other}
        decided = passes[passes["label"].isin(pair) & passes["was"].isin(pair) & (passes["label"] != passes["was"])]
        made = decided.groupby(["name", "reason"], sort=True).size()
        by = "; ".join(f"{name} ({n:,} relabelled: {_code(reason or '-')})" for (name, reason), n in made.items())
        for own, other in ((row.one, row.other), (row.other, row.one)):
            start = f"- Hard case, or {_code(other)}?"
            if own in classes and start not in sections(text).get(own, ""):
                seen = f"Annotators disagreed on it ({row.examples:,}x), as in {', '.join(map(_code, row.ids))}."
                entries.setdefault(own, []).append(f"{start} {seen} Decision: to be written. Pass: {by or 'none yet'}.")
    end = "\r\n" if "\r\n" in text else "\n"
    found = places(text)
    names = [name for name, _, _ in found]
    for number in reversed(range(len(found))):  # from the end, so that the places before stay right
        name, begin, stop = found[number]
        if name in entries and names.index(name) == number:  # of two sections the first
            body = text[begin:stop].rstrip()
            after_list = body.rpartition("\n")[2].startswith("- ")
            more = end * (1 if after_list else 2) + end.join(entries[name])
            text = text[:begin] + body + more + (text[begin + len(body) :] or end)
    for name in classes:
        if name not in names:
            said = [f"## {name}", "To be written: what the class means, with examples.", *entries.get(name, [])]
            text = (text.rstrip() + end * 2 if text.strip() else "") + end.join(said) + end
    return text


def patch(old: str | None, new: str) -> str:
    """Return the label book's diff as `git apply` takes it, empty without a change; `old` is None without a file."""
    kept = [re.findall(r"[^\n]*\n|[^\n]+\Z", text) for text in (old or "", new)]  # Git's lines; Python knows other ends
    before = "/dev/null" if old is None else f"a/{BOOK.as_posix()}"
    lines = difflib.unified_diff(kept[0], kept[1], before, f"b/{BOOK.as_posix()}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _code(text: object) -> str:
    """Return untrusted text as a code span, in which no mention, link, reference or HTML comes alive."""
    plain = quoted(text)[1:-1].replace('\\"', '"').replace("\\\\", "\\") or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    pad = " " if "`" in (plain[0], plain[-1]) else ""
    return fence + pad + plain + pad + fence
