"""The sets that a delivery gives: train, validation and test by the names that people use."""

import pandas as pd

from ..files.paths import SPLITS
from ..messages.problems import Problem, near_miss, quoted, refuse
from .names import many

NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}


def split_column(sheet: pd.DataFrame, columns: list[str]) -> str | None:
    """Return the column that says which set each row is in, or None."""
    by_name = {column.strip().casefold(): column for column in columns}
    if "split" in by_name:
        return by_name["split"]
    other = [by_name[name] for name in ("set", "subset", "partition") if name in by_name]
    return next((one for one in other if set(sheet[one].str.strip().str.casefold()) <= {*NAMES, ""}), None)


def settle(name: str, table: pd.DataFrame, first: bool) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with `split` as the project names sets, and what a reader should know of it.

    Args:
        name: of the delivery, for messages.
        table: of which `split` is as given.
        first: whether these are the project's first rows, which need rows to train on and to test.

    Raises:
        Refusal: for a set of another name, and for groups that are divided between sets.
    """
    if "split" not in table:
        return table, []
    given = table["split"].str.casefold()
    strange = sorted(set(given) - {*NAMES, ""})
    what = f"is none of {', '.join(SPLITS)}"
    refuse([Problem(name, f"the split {quoted(one)} {what}{near_miss(one, SPLITS)}") for one in strange])
    split = given.map(NAMES).fillna("").astype("str")
    here, notes = set(split), []
    if first and {"train", "validation"} == here:
        split = split.replace("validation", "test")
        notes.append("no test set is given: the given validation set becomes it, since nothing is trained on it")
    elif first and "" not in here and not {"train", "test"} <= here:
        notes.append(
            f"given is only {', '.join(sorted(here))}, which cannot be trained on and tested: new sets are drawn"
        )
        return table.drop(columns="split"), notes
    if "group" in table:
        sets = split[table["group"] != ""].groupby(table["group"]).nunique()
        torn = sets[sets > 1].index
        if len(torn):
            said = (
                f"{many(len(torn), 'group')} with rows in several of the given sets, such as {quoted(torn[0])}: a leak"
            )
            what = "take the column of the sets out and new ones are drawn, or leave --group out"
            refuse([Problem(name, f"{said}; {what}")])
    return table.assign(split=split), notes
