"""Problems are collected, then refused together: what is wrong, where, and what to do."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

SHOWN = 100  # problems printed; a file with more has one cause, and a screen has an end


def quoted(text: object, limit: int = 80) -> str:
    """Show untrusted text on one line: quoted, control characters escaped, shortened to `limit` characters."""
    plain = str(text)
    escaped = json.dumps(plain if len(plain) <= limit else plain[: limit - 1] + "…", ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped)


def few(names: Sequence[str], most: int = 5) -> str:
    """Return the first of some names as they are in a sentence, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def near_miss(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the nearest known word, or nothing."""
    names = list(known)
    folded = {name.strip().casefold(): name for name in reversed(names)}
    same = folded.get(word.strip().casefold())
    close = [same] if same is not None else get_close_matches(word, names, n=1, cutoff=0.6)
    return f"; did you mean {quoted(close[0])}?" if close else ""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: path relative to the project.
        what: what is wrong and what to do, as a sentence.
        line: 1-based line in the file, where there is one; the 1-based row of a Parquet file.
        id: the example's id, where there is one.
    """

    file: str
    what: str
    line: int | None = None
    id: str | None = None

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f", row {self.line}" if place.endswith(".parquet") else f":{self.line}"
        return f"{place}: {self.what}" if self.id is None else f"{place}: id {quoted(self.id)}: {self.what}"


class Refusal(Exception):
    """The work cannot be done; its text is for people and lists every problem."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems = [] if isinstance(problems, str) else list(problems)
        if isinstance(problems, str):
            text = problems
        else:
            lines = [str(problem) for problem in self.problems[:SHOWN]]
            if len(self.problems) > SHOWN:
                lines.append(f"... and {len(self.problems) - SHOWN:,} more")
            text = "\n".join(lines)
        super().__init__(text)


def refuse(problems: list[Problem]) -> None:
    """Raise `Refusal` if there is any problem."""
    if problems:
        raise Refusal(problems)


def of_system(error: OSError, where: str = "datapass") -> str:
    """Return what the system refused and of which file, as people know it: not by the name that it is written aside under."""
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    known = [name for name in names if not name.endswith(".partial")]
    return f"{next(iter(known + names), where)}: {error.strerror or error}"
