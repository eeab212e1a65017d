"""The agreement between annotators for people (terminal, Markdown) and for programs (JSON)."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape

from ..annotators.agreement import Agreement
from ..messages.problems import quoted
from .markdown import code
from .record import plain
from .terminal import ROWS, table


def headline(a: Agreement) -> str:
    """Return the agreement in words; the limits are Krippendorff's (Content Analysis, 2004), a convention."""
    if a.alpha != a.alpha:
        return f"Agreement is not defined: on {a.examples:,} examples everyone used one class."
    say = (
        "too low to build on" if a.alpha < 0.667 else "good for tentative conclusions" if a.alpha < 0.8 else "reliable"
    )
    low, high = a.alpha_95
    interval = "" if low != low else f" [{low:.3f}, {high:.3f}]"
    few = " With two annotators the consensus cannot tell who is right." if len(a.annotators) < 3 else ""
    return (
        f"Krippendorff's alpha {a.alpha:.3f}{interval}, {say}: {a.ratings:,} labels of {a.examples:,} examples by "
        f"{len(a.annotators):,} annotators, {a.agreement:.1%} of pairs agree, Fleiss' kappa {a.fleiss:.3f}.{few}"
    )


def _tables(a: Agreement) -> list[tuple[str, pd.DataFrame]]:
    """Return the tables with their titles; with two annotators the consensus knows no more than they do."""
    two = len(a.annotators) < 3
    return [
        ("Classes, the least agreed first", a.classes),
        ("Classes confused, the most frequent first", a.confusions),
        ("Annotators by pair, the least agreed first (Cohen's kappa)", a.pairs),
        ("Annotators against the consensus (Dawid-Skene)", a.annotators.head(0 if two else None)),
        ("Examples disputed, the most first", a.disputed.drop(columns=["consensus", "probability"] if two else [])),
    ]


def _cells(rows: pd.DataFrame, name: Callable[[str], str]) -> list[list[str]]:
    """Return the first rows as text: names as `name` shows them, coefficients with three decimals."""

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return name(value)
        if isinstance(value, list):
            return ", ".join(map(name, value))
        return "-" if value != value else f"{value:.3f}" if isinstance(value, float) else f"{value:,}"

    return [[cell(value) for value in row] for row in rows.head(ROWS).itertuples(index=False)]


def show(a: Agreement, console: Console) -> None:
    """Print the agreement on the terminal."""
    console.print(escape(headline(a)), soft_wrap=True, style="bold")
    for title, rows in _tables(a):
        if len(rows):
            console.print(f"\n{title}", style="bold", soft_wrap=True)
            made = table("", *rows.columns)
            for cells in _cells(rows, lambda text: escape(quoted(text)[1:-1])):
                made.add_row(*cells)
            console.print(made)


def markdown(a: Agreement) -> str:
    """Return the agreement as Markdown (GitHub's): the headline, and a folded table for each part."""
    lines = [headline(a), ""]
    for title, rows in _tables(a):
        if len(rows):
            lines += [f"<details><summary>{title}: {min(len(rows), ROWS)} of {len(rows):,}</summary>", ""]
            lines += ["| " + " | ".join(rows.columns) + " |", "|" + " --- |" * len(rows.columns)]
            lines += ["| " + " | ".join(cells) + " |" for cells in _cells(rows, code)]
            lines += ["", "</details>", ""]
    return "\n".join(lines)


def record(a: Agreement) -> dict[str, Any]:
    """Return the agreement as plain data for JSON; what is not defined is null."""
    names = [field.name for field in fields(a) if field.name != "consensus"]  # which has a row for each example
    return {name: plain(getattr(a, name)) for name in names} | {"prevalence": plain(a.consensus.prevalence.to_dict())}
