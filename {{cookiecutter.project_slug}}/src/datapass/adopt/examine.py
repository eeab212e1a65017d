"""A delivery's rows looked at: which can be read, which are copies of each other, and which of those are a leak."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ..messages.problems import Problem, Refusal, quoted
from ..settings import Settings, make
from .columns import Sorted
from .names import many
from .pictures import Seen, see


def readable(found: Sorted, settings: Settings, first: bool) -> tuple[Sorted, Seen | None, list[tuple[str, str]]]:
    """Return the rows whose file or text can be read, what was seen of their files, and the files that cannot, with why.

    Raises:
        Refusal: where nothing is left, or of a first delivery fewer than two classes.
    """
    files, seen, unreadable = found.delivered.files, None, []
    if files is not None:
        seen = see([found.delivered.base / file for file in files], make(settings.data.inputs, "data: inputs"))
        unreadable = [(files[number], said) for number, said in seen.wrong.items()]
        right = np.array([number for number in range(len(files)) if number not in seen.wrong], dtype=int)
        seen = replace(seen, digests=[seen.digests[number] for number in right])
        files = [files[number] for number in right]
    else:
        filled = found.table.get("text", pd.Series("-", found.table.index)).str.strip() != ""
        right = np.flatnonzero(filled)
        if len(right) < len(filled):
            found.notes.append(f"left out: {many(len(filled) - len(right), 'empty text')}")
    if not len(right):
        raise Refusal([Problem(file, f"{said}; none of the files can be read") for file, said in unreadable])
    table = found.table.iloc[right].reset_index(drop=True)
    if first and table["label"].nunique() < 2:
        raise Refusal(f"{found.delivered.sheet.name}: of what can be read fewer than two classes are left.")
    features = found.features.iloc[right].reset_index(drop=True)
    return (
        replace(found, delivered=replace(found.delivered, files=files), table=table, features=features),
        seen,
        unreadable,
    )


def copies(table: pd.DataFrame, content: pd.Series) -> list[str]:
    """Return notes on rows that hold the same, first where they are in several of the given sets; and on classes alike."""
    notes = []
    same = table[content.duplicated(keep=False)]
    if len(same):
        by_content = same.groupby(content[same.index].to_numpy())
        torn = int((by_content["label"].nunique() > 1).sum())
        differ = f", {many(torn, 'input')} under several labels" if torn else ""
        notes.append(f"copies: {many(len(same), 'example')} of {many(by_content.ngroups, 'input')}{differ}")
        if "split" in table:
            sets = same[same["split"] != ""].groupby(content[same.index].to_numpy()[same["split"] != ""])["split"]
            leaks = int((sets.nunique() > 1).sum())
            if leaks:
                what = "leak between the given sets: {} in several of them; each counts in one alone, test first"
                notes.insert(0, what.format(many(leaks, "input")))
    folded = pd.Series(table["label"].unique(), dtype="str")
    alike = folded[folded.str.casefold().duplicated(keep=False)]
    if len(alike):
        notes.append(f"classes that differ in upper and lower case alone: {', '.join(map(quoted, alike.head(6)))}")
    return notes
