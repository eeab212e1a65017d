"""The report of `bring-back`: what became examples, what did not, and what to type next."""

from typing import TYPE_CHECKING

from ..adopt.names import many
from .sections import MOST, Name, Report, Section, lines, one_line, table

if TYPE_CHECKING:
    from ..production.bring_back import BroughtBack


def brought_back(done: "BroughtBack") -> Report:
    """Return what was done and what comes next."""
    total = int(done.classes["rows"].sum())
    to = "test" if done.test else "training"
    data = {
        "delivery": done.name,
        "to": to,
        "rows": total,
        "folder": done.folder.as_posix(),
        "pass": done.file.stem,
        "classes": done.classes,
        "left_out": done.left_out,
        "open": done.open,
    }
    rows = ((Name(name), f"{number:,}") for name, number in done.classes.head(MOST).itertuples(index=False))
    out = sum(done.left_out.values())
    why = ((f"{number:,}", reason) for reason, number in done.left_out.items())
    said = [
        f"{done.open:,} more are not labelled yet, and can follow later." if done.open else None,
        "data/raw/ is the project's own now: the stage `example` is out of dvc.yaml." if done.example else None,
    ]
    sections = [
        Section(many(total, "row"), table("class | rows", rows, len(done.classes)), open=True),
        Section(f"Left out: {many(out, 'row')}", table("rows | why", why, len(done.left_out)), open=True),
        Section("Found", lines(said), open=True),
        Section("Next", lines(_next(done)), open=True),
    ]
    headline = f"{one_line(done.name)}: {many(total, 'labelled input')} {'becomes a' if total == 1 else 'become'} {to} {'example' if total == 1 else 'examples'}, {done.file.stem}"
    return Report(headline, data, [section for section in sections if section.blocks])


def _next(done: "BroughtBack") -> list[str]:
    if done.test:
        return [
            "next: `dvc repro`, then `git add . && git commit`, in a pull request of its own: the ruler grows, and the data that trains "
            "stays as it was (DVC may run `train` once more, since it sees other packed inputs; the weights come out the same)",
            "From then on `compare` gives a verdict on the old test set and on the new one, each.",
        ]
    said = [f"next: `dvc exp run -n {done.folder.name}`, then `datapass compare main {done.folder.name}`"]
    if not done.tested:
        said.append(
            f"Before that, in a pull request of its own: `datapass bring-back {done.name} --test`, as what was picked at random tests and "
            "does not train."
        )
    return said
