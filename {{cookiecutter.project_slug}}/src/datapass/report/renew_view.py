"""The report of `renew-test`: the test set before and after, who was left out, and what to type next."""

from typing import TYPE_CHECKING

from ..comparison.lineup import MIN_SLICE
from .sections import MOST, Name, Report, Section, lines, table

if TYPE_CHECKING:
    from ..adopt.renew import Renewal


def renewal(done: "Renewal") -> Report:
    """Return what was done and what comes next."""
    before, after = int(done.classes["before"].sum()), int(done.classes["after"].sum())
    known = (
        f"{done.alike:,} with the same cells as an example that was trained on" if done.alike else "never trained on"
    )
    headline = (
        f"{done.file.stem}: {done.new:,} new test examples, {known}; {done.dropped:,} dropped, {done.stay:,} stay"
    )
    data = {
        "pass": done.file.stem,
        "new": done.new,
        "dropped": done.dropped,
        "stay": done.stay,
        "alike": done.alike,
        "waiting": done.waiting,
        "left_out": done.left_out,
        "classes": done.classes,
        "delivered": done.delivered,
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
        f"{done.waiting:,} more rows are free, and wait: a pass with `add` brings them in." if done.waiting else None
    )
    sections = [
        Section(
            f"Test set: {before:,} examples before, {after:,} after",
            table("class | before | share | after | share", rows, len(done.classes)),
            open=True,
        ),
        Section(f"Left out: {total:,} rows", table("rows | they", why, len(done.left_out))),
        Section("Delivered", lines(done.delivered[:MOST])),
        Section("Found", lines([*done.notes, waits]), open=True),
        Section("Next", lines(_next(done)), open=True),
    ]
    return Report(headline, data, [section for section in sections if section.blocks])


def _next(done: "Renewal") -> list[str]:
    before, after = int(done.classes["before"].sum()), int(done.classes["after"].sum())
    number = done.file.stem.split("-", 1)[0]
    if done.trains:
        trains = "DVC runs `train` once more, since it sees other packed inputs; the weights come out the same"
    else:
        trains = "`train` does not run, the models answer the new test set"
    share = f"{done.stay:,} test examples" if done.stay else "no test example"
    shared = f"Results from before this pass and after it share {share}: `compare` "
    if done.stay >= MIN_SLICE and 2 * done.stay >= max(before, after):
        shared += "compares them on those."
    else:
        shared += "calls them not comparable. That is right: what it measures now is the new baseline."
    said = [
        f"next: `git switch -c renew-test`, then `dvc repro`: {trains}",
        'then `git add . && git commit -m "Renew the test set"`, and a pull request of its own',
        shared,
        "A branch from before it: merge this one into it, then `dvc repro` there.",
    ]
    if done.earlier:
        first = done.earlier.split("-", 1)[0]
        said.append(
            f"Older data on the new test set, once this is committed: `dvc exp run -n without-{first} -S "
            f"'data.passes.without=[{done.earlier}]'` leaves that pass out and {number} in."
        )
    return said
