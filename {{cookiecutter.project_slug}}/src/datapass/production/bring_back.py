"""What was picked and labelled comes back into the data: a later delivery of data/raw/, and a pass that adds its rows.

What the model chose (uncertain, unlike) goes to the training set, what was picked at random to the test set, in a pass of its
own: it is the only part that says how right the model is on new inputs.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..adopt import project
from ..adopt.alone import refuse_mixed
from ..adopt.names import many
from ..adopt.place import FEATURES, IMAGES, LABELS, folder_for
from ..data.next_pass import current_state, place_pass
from ..data.split import input_hashes
from ..data.state import ACTIVE, State
from ..files.paths import INCOMING, RAW, SPLITS
from ..files.tables import write_table
from ..files.writes import written
from ..messages.problems import Refusal
from ..settings import load
from .incoming import Incoming, read_incoming
from .picked import DELIVERY, ORIGIN, RANDOM, open_rows, picked_names, read_picked


@dataclass(frozen=True)
class BroughtBack:
    """What was brought back.

    Attributes:
        name: of the delivery of production.
        test: whether to the test set; else to the training set.
        folder: of data/raw/.
        file: the pass.
        classes: a row for each class: class and number of rows.
        left_out: {why: number of rows}.
        open: picked rows that nobody has labelled yet, of those that would have come.
        example: the files that changed since the embedded example's data is now the project's own.
    """

    name: str
    test: bool
    folder: Path
    file: Path
    classes: pd.DataFrame
    left_out: dict[str, int]
    open: int
    example: list[str]


def bring_back(name: str | None = None, test: bool = False, everything: bool = False) -> BroughtBack:
    """Make labelled inputs examples.

    Args:
        name: of the delivery; the last of which anything was picked where left out.
        test: those picked at random become test examples; else the others become training examples.
        everything: those picked at random become training examples too.

    Raises:
        Refusal: where nothing is labelled, or is left to bring back; for test examples where other changes would mix with them.
    """
    if test and everything:
        raise Refusal("--test and --all exclude each other: what trains cannot test.")
    if name is None:
        names = picked_names()
        if not names:
            raise Refusal("Nothing is picked yet; `datapass pick` picks inputs of a delivery for labelling.")
        name = names[-1]
    if test:
        refuse_mixed()
    picked = read_picked(name)
    at_random = picked["picked_as"] == RANDOM
    wanted = picked[at_random if test else pd.Series(True, picked.index) if everything else ~at_random]
    labelled = wanted[(wanted["label"] != "")].reset_index(drop=True)
    if labelled.empty:
        raise Refusal(f"Nothing of {name} that would come back is labelled yet; `datapass review --picked {name}`.")
    incoming, state = read_incoming(name), current_state()
    rows = pd.Index(incoming.table["id"]).get_indexer(labelled["id"])
    if (rows < 0).any():
        lost = labelled["id"].iloc[int((rows < 0).argmax())]
        raise Refusal(
            f"{(INCOMING / name).as_posix()}/ has no input {lost}: it is another delivery than was picked from."
        )
    free, left_out = _free(labelled, incoming.table.iloc[rows].reset_index(drop=True), state, test)
    if not free.any():
        said = "".join(f"\n- {many(number, 'row')} {why}" for why, number in left_out.items())
        raise Refusal(f"There is nothing of {name} left to bring back:{said}")
    folder = folder_for(f"{name}-test" if test else name)
    example = project.keep_example(state.known(), str(load().data.inputs["_target_"]).partition(".")[0])
    table = _write(incoming, labelled[free], rows[free], folder, "test" if test else "train")
    edits = pd.DataFrame({"id": table["id"], "action": "add-test" if test else "add"}, dtype="str")
    edits["reason"] = "picked as " + table[ORIGIN] + " of " + name
    edits["by"] = labelled.loc[free, "by"].to_numpy()
    file = place_pass(edits, folder.name, advise=False)
    project.finish()
    counts = table["label"].value_counts()
    classes = pd.DataFrame({"class": counts.index, "rows": counts.to_numpy()}).sort_values("class", ignore_index=True)
    return BroughtBack(name, test, folder, file, classes, left_out, int(open_rows(wanted).sum()), example)


def _free(labelled: pd.DataFrame, table: pd.DataFrame, state: State, test: bool) -> tuple[np.ndarray, dict[str, int]]:
    """Return which labelled inputs may come in (k, bool), and why how many others may not.

    Args:
        labelled: id and label (k).
        table: the same inputs, with `input` and maybe `group` (k).
    """
    raw = state.raw.table
    hashes = input_hashes(state.raw)
    there = state.status == ACTIVE
    target = SPLITS.index("test" if test else "train")
    group = table["group"] if "group" in table else pd.Series("", index=table.index, dtype="str")
    elsewhere = raw["group"][there & (state.sets != target)] if "group" in raw else pd.Series(dtype="str")
    why = {
        "are in the data already": table["id"].isin(raw["id"]).to_numpy(),
        "have a class that is no more": ~labelled["label"].isin(state.known()).to_numpy(),
        "have the input of an example that is there": table["input"]
        .isin(hashes[there & (hashes != "").to_numpy()])
        .to_numpy(),
        "have the input of another one that comes in": (
            table["input"].duplicated() & (table["input"] != "")
        ).to_numpy(),
        f"are in a group with examples that do not {'test' if test else 'train'}": (
            group.isin(elsewhere) & (group != "")
        ).to_numpy(),
    }
    free, left_out = np.ones(len(table), dtype=bool), dict[str, int]()
    for reason, mask in why.items():
        left_out[reason] = int((free & mask).sum())
        free &= ~mask
    return free, {reason: number for reason, number in left_out.items() if number}


def _write(incoming: Incoming, labelled: pd.DataFrame, rows: np.ndarray, folder: Path, split: str) -> pd.DataFrame:
    """Write a delivery of data/raw/ with these rows of the incoming one, and return its labels.csv."""
    source = INCOMING / incoming.name
    table = incoming.table.iloc[rows].drop(columns="input").reset_index(drop=True)
    table.insert(1, "label", labelled["label"].to_numpy())
    given = list(table.get("path", []))
    inside = [f"{IMAGES}/{path.removeprefix('files/')}" for path in given]
    if given:
        table["path"] = [f"{folder.relative_to(RAW).as_posix()}/{path}" for path in inside]
    table["split"] = split
    table[ORIGIN], table[DELIVERY] = labelled["picked_as"].to_numpy(), incoming.name
    with written(folder) as aside:
        aside.mkdir()
        for path, target in zip(given, inside, strict=True):
            (aside / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, aside / target)
        if (source / FEATURES).is_file():
            features = pd.read_parquet(source / FEATURES)
            features.iloc[rows].reset_index(drop=True).to_parquet(aside / FEATURES, index=False)
        write_table(table.astype("str"), aside / LABELS)
    return table
