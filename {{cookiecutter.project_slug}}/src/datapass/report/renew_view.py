"""The report of `renew-test`: the test set before and after, who was left out, and what to type next."""

from typing import TYPE_CHECKING

from .sections import MOST, Name, Report, Section, lines, table

if TYPE_CHECKING:
    from ..adopt.renew import Renewal


def renewal(done: "Renewal") -> Report:
    """Return what was done and what comes next."""
    before, after = int(done.classes["before"].sum()), int(done.classes["after"].sum())
    headline = f"{done.file.stem}: {done.new:,} new test examples, never trained on; {done.dropped:,} dropped, {done.stay:,} stay"
    data = {
        "pass": done.file.stem,
        "new": done.new,
        "dropped": done.dropped,
        "stay": done.stay,
        "waiting": done.waiting,
        "left_out": done.left_out,
        "classes": done.classes,
        "notes": done.notes,
        "trains": done.trains,
    }
    rows = (
        (Name(name), f"{old:,}", f"{old / max(before, 1):.1%}", f"{new:,}", f"{new / max(after, 1):.1%}")
        for name, old, new in done.classes.head(MOST).itertuples(index=False)
    )
    total = sum(done.left_out.values())
    why = ((f"{number:,}", reason) for reason, number in done.left_out.items())
    waits = (
        f"{done.waiting:,} more rows are free and wait: a pass with add brings them into any set."
        if done.waiting
        else None
    )
    sections = [
        Section(
            f"Test set: {before:,} examples before, {after:,} after",
            table("class | before | share | after | share", rows, len(done.classes)),
            open=True,
        ),
        Section(f"Left out: {total:,} rows", table("rows | they", why, len(done.left_out))),
        Section("Found", lines([*done.notes, waits]), open=True),
        Section("Next", lines(_next(done)), open=True),
    ]
    return Report(headline, data, [section for section in sections if section.blocks])


def _next(done: "Renewal") -> list[str]:
    number = done.file.stem.split("-", 1)[0]
    if done.trains:
        trains = (
            "the same models are trained once more, since DVC sees other packed inputs; their weights come out the same"
        )
    else:
        trains = "nothing is trained, only the test set is answered anew"
    shared = (
        "Results from before it and after it share only the test examples that stay, so `compare` calls them *not "
        "comparable*. That is right: this is the new baseline."
    )
    if not done.dropped:
        shared = "Results from before it and after it are compared on the test examples that both have."
    said = [
        f"next: `git switch -c renew-test`, then `dvc repro`: {trains}",
        'then `git add . && git commit -m "Renew the test set"`, and a pull request of its own',
        shared,
    ]
    if done.earlier:
        first = done.earlier.split("-", 1)[0]
        said.append(
            f"Older data on the new test set: `dvc exp run -n without-{first} -S 'data.passes.without=[{done.earlier}]'` "
            f"leaves a pass out and {number} in."
        )
    said.append("A branch from before it: merge this one, then `dvc repro` there.")
    return said
