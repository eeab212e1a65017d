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
from ..adopt.project import POINTER
from ..data.examples import DELIVERY, PICKED_AS, RANDOM, read_examples
from ..data.next_pass import current_state, place_pass
from ..data.split import input_hashes
from ..data.state import WAITING, State
from ..files.paths import INCOMING, PICKED, RAW, SPLITS
from ..files.tables import write_table
from ..files.writes import remove, written
from ..messages.problems import Problem, Refusal, quoted, refuse
from ..settings import load
from .incoming import Incoming, delivery_name, read_incoming
from .known import in_data
from .pick import order_at_random
from .picked import open_rows, picked_names, read_picked


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
        tested: whether the random part tests already.
        example: the files that changed since the embedded example's data is now the project's own.
    """

    name: str
    test: bool
    folder: Path
    file: Path
    classes: pd.DataFrame
    left_out: dict[str, int]
    open: int
    tested: bool
    example: list[str]


def bring_back(name: str | None = None, test: bool = False, everything: bool = False) -> BroughtBack:
    """Make labelled inputs examples.

    Args:
        name: of the delivery; the only one of which anything was picked where left out.
        test: those picked at random become test examples; else the others become training examples.
        everything: those picked at random become training examples too.

    Raises:
        Refusal: where nothing is labelled, or is left to bring back; for test examples where other changes would mix with them.
    """
    if test and everything:
        raise Refusal("--test and --all exclude each other: what trains cannot test.")
    names = picked_names()
    if name is None and len(names) != 1:
        listed = (
            f"name one of {', '.join(names)}" if names else "`datapass pick` picks inputs of a delivery for labelling"
        )
        raise Refusal(f"{'Several deliveries are' if names else 'Nothing is'} picked; {listed}.")
    name = names[0] if name is None else delivery_name(name)
    if test:
        refuse_mixed()
    split = "test" if test else "train"
    picked = read_picked(name)
    at_random = picked[PICKED_AS] == RANDOM
    wanted = picked[at_random if test else pd.Series(True, picked.index) if everything else ~at_random]
    state = current_state()
    waiting = _waiting(state, name, split)
    left_out, example = dict[str, int](), list[str]()
    if waiting.empty:
        labelled = wanted[(wanted["label"] != "")].reset_index(drop=True)
        if labelled.empty:
            raise Refusal(f"Nothing of {name} that would come back is labelled yet; `datapass review --picked {name}`.")
        incoming = read_incoming(name)
        rows = pd.Index(incoming.table["id"]).get_indexer(labelled["id"])
        if (rows < 0).any():
            lost = labelled["id"].iloc[int((rows < 0).argmax())]
            raise Refusal(
                f"{(INCOMING / name).as_posix()}/ has no input {quoted(lost)}: it is another delivery than was picked from."
            )
        known = in_data(incoming, read_examples())
        refuse_unordered(picked, incoming, int(known.sum()))
        free, left_out = _free(labelled, incoming.table.iloc[rows].reset_index(drop=True), known[rows], state, split)
        if not free.any():
            if POINTER.is_file() or not project.has_example():
                project.finish()  # an earlier run may have been cut off before it
            said = "".join(f"\n- {many(number, 'row')}: {why}" for why, number in left_out.items())
            raise Refusal(f"There is nothing of {name} left to bring back:{said}")
        folder = folder_for(f"{name}-test" if test else name)
        example = project.keep_example(state.known(), str(load().data.inputs["_target_"]).partition(".")[0])
        table = _write(incoming, labelled[free], rows[free], folder, split)
    else:  # an earlier run was cut off before its pass
        table, folder = waiting, Path(str(waiting["file"].iloc[0])).parent
    edits = pd.DataFrame({"id": table["id"], "action": "add-test" if test else "add"}, dtype="str")
    edits["reason"] = "picked as " + table[PICKED_AS] + " of " + name
    edits["by"] = picked.set_index("id")["by"].reindex(table["id"]).fillna("").to_numpy()
    try:
        file = place_pass(edits, folder.name, advise=False)
    except Refusal:
        remove(folder)
        raise
    finally:
        project.finish()
    counts = table["label"].value_counts()
    classes = pd.DataFrame({"class": counts.index, "rows": counts.to_numpy()}).sort_values("class", ignore_index=True)
    raw = state.raw.table
    tested = DELIVERY in raw and bool(((raw[DELIVERY] == name) & (raw[PICKED_AS] == RANDOM)).any())
    left = int(open_rows(wanted).sum())
    return BroughtBack(name, test, folder, file, classes, left_out, left, tested or test or everything, example)


def _waiting(state: State, name: str, split: str) -> pd.DataFrame:
    """Return rows of data/raw/ that are of a delivery and that no pass adds, with `file`, their labels.csv."""
    raw = state.raw.table
    if DELIVERY not in raw:
        return raw.head(0)
    mine = (raw[DELIVERY] == name) & (raw.get("split", "") == split) & (state.status == WAITING)
    files = np.array(state.raw.files, dtype=object)[state.raw.delivery]
    return raw.assign(file=files)[mine].reset_index(drop=True)


def refuse_unordered(picked: pd.DataFrame, incoming: Incoming, known: int) -> None:
    """Raise Refusal for rows that say that they were picked at random, and cannot have been.

    The order in which they are drawn is known, see `pick.order_at_random`, but for inputs that the data had at that time.

    Args:
        known: inputs of the delivery that the data has now.
    """
    at_random = picked["id"][picked[PICKED_AS] == RANDOM]
    order = order_at_random(incoming.table["id"])
    place = pd.Series(np.arange(len(order)), index=incoming.table["id"].iloc[order])
    late = at_random[place.reindex(at_random).to_numpy() >= len(at_random) + known]
    what = "is called random, and was not drawn so; take back what was edited in its `picked_as`"
    refuse([Problem((PICKED / f"{incoming.name}.csv").as_posix(), what, id=one) for one in late])


def _free(
    labelled: pd.DataFrame, table: pd.DataFrame, known: np.ndarray, state: State, split: str
) -> tuple[np.ndarray, dict[str, int]]:
    """Return which labelled inputs may come in (k, bool), and why how many others may not.

    Args:
        labelled: id and label (k).
        table: the same inputs, with `input` and maybe `group` (k).
        known: which of them are examples already (k, bool).
        split: where they go, `train` or `test`.
    """
    raw = state.raw.table
    input_hashes(state.raw)  # refuses where data/inputs/ is of other deliveries: their content could not be told
    target = SPLITS.index(split)
    group = table["group"] if "group" in table else pd.Series("", index=table.index, dtype="str")
    # Of all rows: what was dropped still says where its group is.
    elsewhere = raw["group"][state.sets != target] if "group" in raw else pd.Series(dtype="str")
    there = table["id"].isin(raw["id"]).to_numpy()
    why = {
        "in the data already": there,
        "of a class that is no more": ~labelled["label"].isin(state.known()).to_numpy(),
        "the same as an example that is there": known & ~there,
        f"in a group with examples that do not {split}": (group.isin(elsewhere) & (group != "")).to_numpy(),
    }
    free, left_out = np.ones(len(table), dtype=bool), dict[str, int]()
    for reason, mask in why.items():
        left_out[reason] = int((free & mask).sum())
        free &= ~mask
    again = free.copy()
    again[free] = (table["input"][free].duplicated() & (table["input"][free] != "")).to_numpy()
    left_out["the same input as another one that comes in"] = int(again.sum())
    return free & ~again, {reason: number for reason, number in left_out.items() if number}


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
    table[PICKED_AS], table[DELIVERY] = labelled[PICKED_AS].to_numpy(), incoming.name
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
