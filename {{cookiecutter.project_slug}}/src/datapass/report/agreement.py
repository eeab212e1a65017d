"""The report on the agreement between annotators."""

from dataclasses import fields
from typing import Any

import pandas as pd

from ..annotators.agreement import Agreement
from .record import as_json
from .sections import Report, Section, Table


def report(a: Agreement) -> Report:
    """Return the report; with two annotators the consensus knows no more than they do, so it is left out."""
    two = len(a.annotators) < 3
    tables = [
        ("Classes, the least agreed first", a.classes),
        ("Classes confused, the most frequent first", a.confusions),
        ("Annotators by pair, the least agreed first (Cohen's kappa)", a.pairs),
        ("Annotators against the consensus (Dawid-Skene)", a.annotators.head(0 if two else None)),
        ("Examples disputed, the most first", a.disputed.drop(columns=["consensus", "probability"] if two else [])),
    ]
    sections = [Section(f"{title}: {len(rows):,}", [_table(rows)], short=True) for title, rows in tables if len(rows)]
    names = [field.name for field in fields(a) if field.name != "consensus"]  # which has a row for each example
    data = {name: as_json(getattr(a, name)) for name in names}
    data["prevalence"] = as_json(a.consensus.prevalence.to_dict())
    return Report(headline(a), data, sections=sections)


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


def _table(rows: pd.DataFrame) -> Table:
    """Return a table: names as they are, coefficients with three decimals."""

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return ", ".join(value)
        return "-" if value != value else f"{value:.3f}" if isinstance(value, float) else f"{value:,}"

    text = [pd.api.types.is_string_dtype(rows[column]) or rows[column].dtype == object for column in rows]
    cells = [[cell(value) for value in row] for row in rows.itertuples(index=False)]
    return Table(list(rows.columns), cells, "".join("n" if untrusted else "." for untrusted in text))
