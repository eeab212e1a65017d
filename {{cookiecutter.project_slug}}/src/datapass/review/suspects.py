"""Suspects: examples whose label looks wrong, ranked for people to review. Nothing here changes a label.

Each kind of evidence says how much support, 0 to 1, a label has: the frozen model, asked about examples it did not
train on; copies of the same input; annotators. Its table has a row for each example: `support` (NaN: nothing known),
`suggested` (a class, or empty) and `reason`.

The test set is the ruler: no model takes part in choosing what to review of it, since a ruler that is corrected only
where a model disagreed favours that model ever after. A random sample is drawn instead, and what copies or annotators
contradict is added.
"""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ..data.examples import metadata
from ..data.fraction import fraction
from ..data.label_book import sections
from ..data.passes import EXAMPLE_ACTIONS
from ..files.tables import strings

COLUMNS = ["id", "split", "label", "suggested", "margin", "self_confidence", "queue", "reason"]
TRAINING, TEST, SAMPLE = "training", "test", "test-sample"  # queues
NEIGHBOURS, MOST = 6, 50_000  # nearest inputs looked at; examples above which near copies are not looked for
KEPT, RELABELLED = "kept", "relabelled"
MARK = r"\[review [0-9a-f]{12}[^\[]*, input (?P<input>[0-9a-f]{16}), book (?P<book>[0-9a-f]{8}|-)\]$"  # see review.py


def definition(book: str) -> dict[str, str]:
    """Return 8 hex digits for each class of the label book, which change when its section does (not with blanks)."""
    plain = {name: " ".join(text.split()) for name, text in sections(book).items()}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in plain.items()}


def by_model(table: pd.DataFrame, classes: Sequence[str], probabilities: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the model's evidence, with `margin` and `self_confidence`, and where the label is likely wrong (n, bool).

    Normalised margin and self-confidence, and the off-diagonal of the confident joint, whose size estimates the number
    of wrong labels (Northcutt, Jiang and Chuang 2021, "Confident learning", JAIR 70), are cleanlab's.

    Args:
        table: examples, each with a label of `classes`.
        classes: two or more, in code order.
        probabilities: by models that did not train on the example (n x classes).
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_normalized_margin_for_each_label, get_self_confidence_for_each_label

    codes = pd.Index(classes).get_indexer(table["label"])
    best = probabilities.argmax(axis=1)
    other = np.flatnonzero(best != codes)  # of the others there is nothing to say
    said = pd.Series(np.array(classes, dtype=object)[best[other]], index=table.index[other], dtype="str")
    percent = pd.Series(np.rint(100 * probabilities.max(axis=1)[other]).astype(int), index=said.index).astype("str")
    margin = get_normalized_margin_for_each_label(codes, probabilities).round(6)
    evidence = {
        "support": margin,
        "suggested": said.reindex(table.index, fill_value=""),
        "reason": ("the model says " + said + " (" + percent + " %)").reindex(table.index, fill_value=""),
        "margin": margin,
        "self_confidence": get_self_confidence_for_each_label(codes, probabilities).astype(float).round(6),
    }
    wrong = find_label_issues(codes, probabilities, filter_by="confident_learning", n_jobs=1)
    return pd.DataFrame(evidence, index=table.index), np.asarray(wrong, dtype=bool)


def by_copies(table: pd.DataFrame, pixels: np.ndarray | None, near: float) -> pd.DataFrame:
    """Return the evidence of equal and nearly equal inputs that have another label.

    Args:
        table: examples, with `input`, the hash of the input.
        pixels: the inputs (n x values, 0 to 1); None where only equal inputs can be told.
        near: root mean square difference of values up to which inputs count as nearly equal; 0: only equal ones.
    """
    from sklearn.neighbors import NearestNeighbors

    rows = table[["id", "label"]].reset_index(drop=True).assign(row=np.arange(len(table)))
    rows["key"] = table["input"].where(table["input"] != "", " " + table["id"]).array
    looked_at = pixels if near > 0 and 1 < len(table) <= MOST else None
    voting = (
        rows if looked_at is not None else rows[rows["key"].duplicated(keep=False)]
    )  # what stands alone contradicts nobody
    same = voting.groupby(["key", "label"]).agg(n=("id", "size"), id=("id", "min")).reset_index()
    votes = [voting[["row", "key"]].merge(same, on="key")]  # an example is one of its own copies
    if looked_at is not None:
        search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(table)), algorithm="brute").fit(looked_at)
        distance, found = search.kneighbors(looked_at)
        one, rank = np.nonzero(distance <= near * np.sqrt(looked_at.shape[1]))
        pairs = rows.iloc[found[one, rank]].assign(row=one, n=1)
        votes.append(pairs[pairs["key"].to_numpy() != rows["key"].to_numpy()[one]])
    return _count(table, pd.concat(votes), lambda v: "almost the same as " + v["id"] + ", labelled " + v["label"])


def by_annotators(table: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """Return the evidence of annotations (columns id, annotator, label) that name another class than the label."""
    last = annotations.drop_duplicates(["id", "annotator"], keep="last")
    votes = last.groupby(["id", "label"]).size().rename("n").reset_index()
    place = _places(table["id"], votes["id"])
    votes["row"] = pd.Series(place, table["id"].iloc[place]).reindex(votes["id"], fill_value=-1).to_numpy()
    votes = votes[votes["row"] >= 0].sort_values(["row", "n", "label"], ascending=[True, False, True])
    votes["text"] = votes["label"] + " " + votes["n"].astype("str") + "x"
    votes["text"] = votes["row"].map(votes.groupby("row")["text"].agg(", ".join)).astype("str")
    return _count(table, votes, lambda v: "annotators say " + v["text"])


def _places(ids: pd.Series, some: pd.Series) -> np.ndarray:
    """Return the places of those ids that are among some, which are few of millions as a rule (int)."""
    wanted = strings(some.astype("str")).cast(strings(ids).type).combine_chunks()
    return np.flatnonzero(pc.is_in(strings(ids), value_set=wanted).to_numpy())


def _count(table: pd.DataFrame, votes: pd.DataFrame, say: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    """Return the evidence of votes (columns id, row of the table, label, n); `say` words the most frequent other."""
    votes = votes.assign(own=votes["label"].array == table["label"].iloc[votes["row"]].array)
    votes["for"] = votes["n"] * votes["own"]
    sums = votes.groupby("row")[["for", "n"]].sum()
    others = votes[~votes["own"]].sort_values(["row", "n", "label", "id"], ascending=[True, False, True, True])
    others = others.drop_duplicates("row").set_index("row")
    support = (sums["for"] / sums["n"]).loc[others.index]
    evidence = pd.DataFrame({"support": support, "suggested": others["label"], "reason": say(others)})
    return evidence.reindex(np.arange(len(table))).fillna({"suggested": "", "reason": ""}).set_index(table.index)


def reviewed(edits: pd.DataFrame, table: pd.DataFrame, definitions: dict[str, str]) -> pd.Series:
    """Return what people decided last of each example: KEPT, RELABELLED, nothing, or why a `keep` no longer holds.

    A keep holds until the example is edited again, its class is merged with another, or what the review page noted in
    its reason changes: the hash of the input and of the class's section in the label book.

    Args:
        edits: those of all passes in order, with `number`, the pass's place.
        table: examples, with id, label and input.
        definitions: see `definition`.
    """
    own = edits[edits["action"].isin(EXAMPLE_ACTIONS)].drop_duplicates("id", keep="last").set_index("id")
    decided = pd.Series("", index=table.index, dtype="str")
    place = _places(table["id"], own.index.to_series())
    table = table.iloc[place]
    last = own.reindex(table["id"]).reset_index(drop=True)
    noted = last["reason"].astype("str").str.extract(MARK)
    label = table["label"].reset_index(drop=True)
    now = label.map(definitions).fillna("-")
    other_input = noted["input"].notna() & (noted["input"] != table["input"].reset_index(drop=True))
    other_book = noted["book"].notna() & (noted["book"] != now)
    merged = pd.Series(False, index=last.index)
    for edit in edits[edits["action"].isin(["merge-class", "rename-class"])].iloc[::-1].itertuples():  # back in time
        before = last["number"] < edit.number
        if edit.action == "merge-class":
            merged |= before & (label == edit.label)
        label = label.mask(before & (label == edit.label) & (edit.action == "rename-class"), edit.was)
    state = last["action"].map({"keep": KEPT, "relabel": RELABELLED}).fillna("").astype("str")
    why = (
        pd.Series("", index=last.index).mask(merged, "its class was merged").mask(other_book, "the label book changed")
    )
    why = why.mask(other_input, "the input changed")
    outdated = (state == KEPT) & (why != "")
    decided.iloc[place] = state.mask(outdated, "kept before, but " + why).array
    return decided


def queue(
    table: pd.DataFrame, evidence: Sequence[pd.DataFrame], state: pd.Series, limit: int, sample: int
) -> pd.DataFrame:
    """Return the suspects, ranked by the least support that any evidence gives their label; the test set comes last.

    Args:
        table: the examples that count of all sets, with `split`.
        evidence: of `by_model` (NaN for the test set), `by_copies` and `by_annotators`.
        state: see `reviewed`.
        limit: most suspects of each queue.
        sample: size of the random sample of the test set: the first, by a hash of the id, that nobody has reviewed.
    """
    _, _, people = evidence
    people.loc[state == RELABELLED, ["support", "suggested", "reason"]] = [np.nan, "", ""]  # a person has settled it
    support = np.column_stack([e["support"] for e in evidence])
    doubted = (support[:, 0] < 0.5) | (support[:, 1:] < 1).any(axis=1)
    least = np.fmin.reduce(support, axis=1).round(6)
    test, open_ = ((column).to_numpy(dtype=bool) for column in (table["split"] == "test", state != KEPT))
    drawn = np.flatnonzero(test & open_ & (state != RELABELLED).to_numpy(dtype=bool))
    drawn = drawn[np.argsort(fraction(table["id"].iloc[drawn], "test sample"), kind="stable")[:sample]]
    order = np.where(test, 1, 0)
    order[drawn] = 2
    listed = [drawn]
    for number in (0, 1):  # of millions only those that can be among the first are sorted, and have a reason written
        rows = np.flatnonzero(doubted & open_ & (order == number))
        last = np.partition(least[rows], limit - 1)[limit - 1] if len(rows) > limit else np.inf
        listed.append(rows[least[rows] <= last])
    rows = np.sort(np.concatenate(listed))
    evidence, state, found = [e.iloc[rows] for e in evidence], state.iloc[rows], table.iloc[rows]
    suggested, reason = (evidence[0][name] for name in ("suggested", "reason"))
    for e in evidence[1:]:
        suggested = suggested.where(suggested != "", e["suggested"])
        reason = (reason + "; " + e["reason"]).where((reason != "") & (e["reason"] != ""), reason + e["reason"])
    outdated = ~state.isin(["", KEPT, RELABELLED])
    reason = (reason + "; " + state).where(outdated & (reason != ""), reason)
    names = pd.Series(np.array([TRAINING, TEST, SAMPLE], dtype=object)[order[rows]], index=found.index, dtype="str")
    found = found.assign(
        suggested=suggested,
        margin=evidence[0]["margin"],
        self_confidence=evidence[0]["self_confidence"],
        queue=names,
        reason=reason.mask((names == SAMPLE) & (reason == ""), "random sample of the test set"),
        support=least[rows],
        order=order[rows],
    )
    found = found.sort_values(["order", "support", "margin", "id"], kind="stable")
    found = found[(found.groupby("queue").cumcount() < limit) | (found["queue"] == SAMPLE)]
    more = [*(["group"] if "group" in table else []), *metadata(table.columns, COLUMNS)]
    return found[[*COLUMNS, *more]].reset_index(drop=True)
