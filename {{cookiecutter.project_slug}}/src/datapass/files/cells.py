"""Untrusted text in the cells of a file that people open as a spreadsheet."""

import pandas as pd

FORMULA = r"[=+\-@\t\r]"  # a spreadsheet runs a cell that starts with one of these


def escape_cells(cells: pd.Series) -> pd.Series:
    """Put a `'` before cells that a spreadsheet would run as a formula (n, str)."""
    return cells.str.replace(rf"^('*{FORMULA})", r"'\1", regex=True)


def unescape_cells(cells: pd.Series) -> pd.Series:
    """Undo `escape_cells` (n, str)."""
    return cells.str.replace(rf"^'('*{FORMULA})", r"\1", regex=True)
