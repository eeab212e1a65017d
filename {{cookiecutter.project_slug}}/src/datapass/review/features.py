"""The features of rows for people: for each row those first that say most about its label."""

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from ..comparison.revisions import Revision
from ..data.examples import counts, read_examples
from ..files.paths import TEST, TRAIN
from ..messages.problems import Refusal
from ..production.incoming import Incoming
from .readable import Rows, read_rows, readable
from .standing import Standing, standings

CELLS = 100  # features of an item on the page, at most
EXCERPT, BEST, PART = 100, 3, 40  # in reports: characters of a text, features of a row, characters of a name or value


def columns(rows: Rows, table: pd.DataFrame) -> dict[str, str]:
    """Return the columns of rows that are features: all but the text that the examples hold themselves."""
    return {name: kind for name, kind in rows.kinds.items() if not (name == "text" and "text" in table)}


def stand(
    rows: Rows | None, kinds: dict[str, str], asked: pd.DataFrame, given: pd.Series, other: pd.Series
) -> tuple[dict[str, Standing], list[str]]:
    """Return where values stand among the training examples that count, by column, and the labels by code.

    Args:
        rows: of the workspace, of which a training example that has another hash now is left out; None: none are here,
            and so nothing stands anywhere.
        kinds: {column: kind}; texts are left out.
        asked: the values (k x columns).
        given, other: labels (k, str; empty: none).
    """
    if rows is None:
        return {}, []
    training = read_examples([TRAIN])
    training = training[counts(training)].reset_index(drop=True)
    values, same = rows.of(training)
    names = sorted({*training["label"], *given, *other} - {""})
    labels, mine, others = (pd.Index(names).get_indexer(each) for each in (training["label"][same], given, other))
    ranked = {name: kind for name, kind in kinds.items() if kind != "text"}
    return standings(asked, values[same], labels, mine, others, ranked), names


def page_features(
    queue: pd.DataFrame, classes: list[str], new: Rows | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what the review page shows of rows: about all of them, and for each example.

    Of all: `features`, the names, and `bands`, for each the middle half of each class, in percent. Of an example: `cells`,
    {feature: [value, words, place or shares in percent]}, and two orders of features: `told` for one who sees the labels,
    `plain` for one who does not, which depends on neither label nor suggestion.

    Args:
        queue: see `page.read_queue`.
        classes: names, by code.
        new: the queue's rows, in its order, where they are not among those of the workspace.

    Raises:
        Refusal: where data/inputs/ holds other rows than the queue means.
    """
    rows = read_rows()
    own = new or rows
    kinds = columns(own, queue) if own else {}
    if own is None or not kinds:
        return {"features": [], "bands": []}, [{} for _ in range(len(queue))]
    asked = new.values if new else own.of(queue, strict=True)[0]
    shown = readable(asked, kinds)
    found, names = stand(rows, kinds, asked, queue["label"], queue["suggested"])
    cells = [_cells(shown[name].tolist(), found.get(name)) for name in kinds]
    known = pd.Index(names).get_indexer(classes)
    bands = [[_whole(found[name].bands[code]) if code >= 0 else None for code in known] if name in found else [] for name in kinds]  # fmt: skip
    orders = [_orders(list(kinds), found, which, len(queue)) for which in ("telling", "unusual")]
    items = []
    for row, (told, plain) in enumerate(zip(*orders, strict=True)):
        kept = sorted({*told, *plain})
        items.append({"cells": {n: cells[n][row] for n in kept}, "told": told, "plain": plain})
    return {"features": list(kinds), "bands": bands}, items


def _cells(values: list[str], standing: Standing | None) -> list[list[Any]]:
    """Return the cells of a column: value, words, and a percentile alone or three shares."""
    if standing is None:
        return [[value, "", None] for value in values]
    places, shares = standing.place[:, None], standing.shares
    drawn = [_whole(place) or _whole(three) for place, three in zip(places, shares, strict=True)]
    return [list(cell) for cell in zip(values, standing.said, drawn, strict=True)]


def _whole(numbers: np.ndarray) -> list[int | None] | None:
    """Return shares in whole percents; None where there is none."""
    whole = [None if number != number else round(100 * number) for number in numbers.tolist()]
    return None if all(number is None for number in whole) else whole


def _orders(names: list[str], found: dict[str, Standing], which: str, number: int) -> list[list[int]]:
    """Return for each row the features by a score, the highest first: texts, which people must read, before all."""
    text = np.full(number, np.inf)
    scores = np.column_stack([getattr(found[name], which).round(6) if name in found else text for name in names])
    return np.argsort(-scores, axis=1, kind="stable")[:, :CELLS].tolist()


def excerpts(revision: Revision, flips: pd.DataFrame | None) -> dict[str, str]:
    """Return {id: what shows a test example in a line}: its text's beginning, or the features that tell its label from
    the wrong answer, where the workspace has that row.

    Args:
        revision: whose examples they are.
        flips: with id, flip, old and new, see `comparison.lineup.flips`.
    """
    if flips is None or flips.empty:
        return {}
    table = revision.table(TEST).merge(flips[["id", "flip", "old", "new"]], on="id")
    if "text" in table:
        return {id: beginning(text) for id, text in zip(table["id"], table["text"], strict=True) if text.strip()}
    with suppress(Refusal):  # of rows that are not those of params.yaml nothing is shown, as of pictures
        return _telling(table, table["new"].where(table["flip"] == "broken", table["old"]))
    return {}


def _telling(table: pd.DataFrame, answers: pd.Series) -> dict[str, str]:
    """Return {id: the features that differ most between the label and a wrong answer} of those rows that are here."""
    rows = read_rows()
    kinds = columns(rows, table) if rows else {}
    if rows is None or not kinds:
        return {}
    asked, same = rows.of(table)
    asked, table, answers = asked[same], table[same], answers[same]
    return _first(table["id"], asked, kinds, stand(rows, kinds, asked, table["label"], answers)[0], "telling")


def new_excerpts(incoming: Incoming, rows: np.ndarray) -> dict[str, str]:
    """Return {id: what shows a new input in a line} of some of a delivery (k, int), as `excerpts` does: its text's beginning,
    or the features whose values are most unusual among the training rows.
    """
    table = incoming.table.iloc[rows]
    if "text" in table:
        return {id: beginning(text) for id, text in zip(table["id"], table["text"], strict=True)}
    if not isinstance(incoming.packed, pd.DataFrame):
        return {}
    asked, none = incoming.packed.iloc[rows].reset_index(drop=True), pd.Series("", index=range(len(rows)), dtype="str")
    standing = stand(read_rows(), incoming.kinds, asked, none, none)[0]
    return _first(table["id"], asked, incoming.kinds, standing, "unusual")


def _first(
    ids: pd.Series, asked: pd.DataFrame, kinds: dict[str, str], found: dict[str, Standing], which: str
) -> dict[str, str]:
    """Return {id: its features with the highest score, their values, and where these stand} of rows (k)."""
    shown, names, lines = readable(asked, kinds), list(kinds), {}
    for row, order in enumerate(_orders(names, found, which, len(asked))):
        said = [
            f"{beginning(names[n], PART)} {beginning(shown.iloc[row, n], PART)}"
            + (f" ({found[names[n]].said[row]})" if names[n] in found else "")
            for n in order[:BEST]
        ]
        lines[ids.iloc[row]] = "; ".join(said)
    return lines


def beginning(text: str, limit: int = EXCERPT) -> str:
    """Return the beginning of a text on one line, cut between words where that loses little."""
    line = " ".join(text[: 4 * limit].split())
    if len(line) <= limit and len(text) <= 4 * limit:
        return line
    cut = line[: limit - 1]
    word = cut if line[limit - 1 : limit] in ("", " ") else cut.rpartition(" ")[0]
    return (word if len(word) > limit // 2 else cut) + "…"
