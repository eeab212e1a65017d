"""The scope card, `data/scope.md`: what a project is to decide, and when that is good enough. People write it, reports quote it.

One `##` section a field. A field that is empty or missing is *not said*; comments (`<!-- -->`) say nothing. The first line of
Metric, Target and Human level is the value, what follows says where it comes from. No stage reads the card.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from ..comparison.metric import COST, LABELS
from ..messages.problems import Problem, near_miss, quoted, refuse
from .label_book import places

VALUES = METRIC, TARGET, HUMAN = "Metric", "Target", "Human level"  # whose first line is a value
# Each field, and what to write there.
FIELDS = {
    "Problem": "what the model decides, from what, and for whom",
    METRIC: f"`evaluate.metric` of conf/config.yaml: {', '.join(LABELS)}",
    TARGET: "such as 95 %, or of a cost such as 0.4; below it, where that comes from",
    HUMAN: "how well people do it by the same labels, such as 97 %; below it, who measured that and on what",
    "Who labels": "who decides what is right, how, and who decides the hard cases",
    "Cost of each error": "what each kind of error costs whom; its numbers are `evaluate.costs` in conf/config.yaml",
}
LONGEST = 1 << 16  # bytes
INTRODUCTION = """# Scope

What this project is to decide, and when that is good enough. `datapass compare` and `datapass errors` quote it. One `##` section
a field; one that is left empty is *not said*. Editing it runs nothing again.
"""
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_EXAMPLE = re.compile(r"<!-- example ([0-9a-f]{8}):.*?-->\n", re.DOTALL)
_NUMBER = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)[ \u00a0\u202f]?(%?)")


@dataclass(frozen=True)
class Card:
    """A scope card; what is not said is empty or None.

    Attributes:
        said: the text of each field, without comments.
        metric: one of `LABELS`.
        target, human_level: in the metric, of all but a cost as a fraction.
    """

    said: dict[str, str]
    metric: str = ""
    target: float | None = None
    human_level: float | None = None


def read_card(content: bytes, file: str) -> Card:
    """Read a card.

    Args:
        content: of the file.
        file: what messages call it.

    Raises:
        Refusal: for each section that is none of FIELDS or is there twice, a value that is none, and a target without a
            metric; or a file that is no UTF-8 or too large.
    """
    if len(content) > LONGEST:
        refuse([Problem(file, f"has over {LONGEST >> 10} KiB; keep it to a page")])
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        refuse([Problem(file, "is not UTF-8; save it as UTF-8", line)])
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)  # lines keep their numbers
    problems: list[Problem] = []
    said: dict[str, str] = {}
    lines: dict[str, int] = {}
    for name, start, end in places(text):
        line = text.count("\n", 0, start) + 1
        if name not in FIELDS:
            known = near_miss(name, FIELDS) or f"; the fields are {', '.join(FIELDS)}"
            problems.append(Problem(file, f"the section {quoted(name)} is no field of the card{known}", line))
        elif name in said:
            problems.append(Problem(file, f"has a second section {quoted(name)}; keep one", line))
        else:
            body = text[start:end]
            said[name] = body.strip()
            lines[name] = line + body[: len(body) - len(body.lstrip())].count("\n")
    metric, levels = _first(said.get(METRIC, "")), dict[str, float | None]()
    if metric and metric not in LABELS:
        hint = near_miss(metric, LABELS) or f"; write one of {', '.join(LABELS)}"
        problems.append(Problem(file, f"{quoted(metric)} is no metric{hint}", lines[METRIC]))
    for name in (TARGET, HUMAN):
        value = _first(said.get(name, ""))
        levels[name], wrong = _level(value, metric) if value and (not metric or metric in LABELS) else (None, "")
        if value and not metric:
            wrong = f"is a number of no metric: write one of {', '.join(LABELS)} under `## {METRIC}`"
        if wrong:
            problems.append(Problem(file, f"{name} {quoted(value)} {wrong}", lines[name]))
    refuse(problems)
    return Card({name: text for name, text in said.items() if text}, metric, levels[TARGET], levels[HUMAN])


def _first(text: str) -> str:
    """Return the first line of a field."""
    return text.split("\n", 1)[0].strip()


def _level(value: str, metric: str) -> tuple[float | None, str]:
    """Return a value as a number and what is wrong with it."""
    found = _NUMBER.fullmatch(value)
    if metric == COST:
        if found is None or found[2]:
            return None, "is no cost per example; write a number alone on the line, such as 0.4"
        return float(found[1]), ""
    share = found is not None and (found[2] or ("." in found[1] and float(found[1]) <= 1))
    level = float(found[1]) / (100 if found[2] else 1) if found is not None and share else 0.0
    if found is not None and found[2] and 0 < level < 0.01:  # 0.95 % is 95 % or 0.95, and would be reached by any model
        return None, f"is under 1 %; write {100 * float(found[1]):g} % if that is meant"
    if not 0 < level <= 1:
        return None, "is no share of 100 %; write a number alone on the line, such as 95 % or 0.95"
    return level, ""


def digest(text: str) -> str:
    """Return 8 hex digits of a card without its mark of an example."""
    return sha256(_EXAMPLE.sub("", text, count=1).encode()).hexdigest()[:8]


def of_example(text: str) -> bool:
    """Return whether a card is about the embedded example, as it was delivered: its mark holds the digest of the rest."""
    mark = _EXAMPLE.search(text)
    return mark is not None and mark[1] == digest(text)


def empty_card() -> str:
    """Return a card that says nothing, with what to write in each field."""
    return "\n".join([INTRODUCTION, *(f"## {name}\n<!-- {hint} -->\n" for name, hint in FIELDS.items())])
