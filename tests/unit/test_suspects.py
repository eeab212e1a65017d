"""Suspects: the evidence, what people decided before, and the queues."""

import numpy as np
import pandas as pd
import pytest

from datapass.data.label_book import sections
from datapass.review import suspects as s
from datapass.stages.folds import folds

CLASSES = ["cat", "dog", "owl"]


def examples(labels: list[str], split: str = "train", **columns: list[str]) -> pd.DataFrame:
    """Return a table of examples with ids a0, a1, ... and inputs of their own."""
    ids = [f"a{i}" for i in range(len(labels))]
    inputs = [f"{i:016x}" for i in range(len(labels))]
    return pd.DataFrame({"id": ids, "label": labels, "input": inputs, "split": split} | columns, dtype="str")


def no_evidence(table: pd.DataFrame) -> pd.DataFrame:
    """Return evidence that says nothing."""
    return pd.DataFrame(
        {"support": np.nan, "suggested": "", "reason": "", "margin": np.nan, "self_confidence": np.nan},
        index=table.index,
    )


def passes(*edits: tuple[int, str, str, str, str, str]) -> pd.DataFrame:
    """Return edits as `reviewed` takes them, from number, id, action, label, was, reason."""
    table = pd.DataFrame(edits, columns=["number", "id", "action", "label", "was", "reason"])
    return table.astype(dict.fromkeys(table.columns[1:], "str")).assign(by="")


class TestFolds:
    def test_group_and_copies_stay_together_and_nothing_moves(self):
        table = examples(["cat"] * 300, group=["g" if i % 3 == 0 else "" for i in range(300)])
        table.loc[[1, 2], "input"] = "same"
        fold = folds(table, 5)
        assert set(fold) == set(range(5))
        assert len(set(fold[::3])) == 1
        assert fold[1] == fold[2]
        assert (folds(table[::-1], 5)[::-1] == fold).all()
        assert (folds(table[:100], 5) == fold[:100]).all()

    def test_without_inputs_the_id_decides(self):
        table = examples(["cat"] * 50).assign(input="")
        assert len(set(folds(table, 5))) == 5


class TestModel:
    def test_normalised_margin_and_self_confidence(self):
        table = examples(["cat", "cat", "owl"])
        evidence, _ = s.by_model(table, CLASSES, np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]))
        assert evidence["margin"].to_list() == pytest.approx([0.75, 0.15, 0.55])  # (p_label - best other + 1) / 2
        assert evidence["self_confidence"].to_list() == pytest.approx([0.7, 0.1, 0.4])
        assert evidence["suggested"].to_list() == ["", "dog", ""]
        assert evidence["reason"].to_list() == ["", "the model says dog (80 %)", ""]

    def test_planted_errors_are_estimated(self):
        rng = np.random.default_rng(0)
        truth = rng.integers(0, 3, 600)
        given = truth.copy()
        given[:60] = (truth[:60] + 1) % 3
        p = np.full((600, 3), 0.05)
        p[np.arange(600), truth] = 0.9
        evidence, wrong = s.by_model(examples([CLASSES[c] for c in given]), CLASSES, p)
        assert wrong.sum() == 60 and wrong[:60].all()
        assert (evidence["margin"][:60] < 0.5).all() and (evidence["margin"][60:] > 0.5).all()


class TestCopies:
    def test_equal_inputs_vote(self):
        table = examples(["cat", "cat", "dog", "owl", "owl"])
        table.loc[:2, "input"] = "same"
        found = s.by_copies(table, np.arange(5.0)[:, None], near=0)
        assert found["support"].to_list()[:3] == pytest.approx([2 / 3, 2 / 3, 1 / 3])
        assert found["support"].isna().to_list()[3:] == [True, True]
        assert found["suggested"].to_list() == ["dog", "dog", "cat", "", ""]
        assert found["reason"][2] == "almost the same as a0, labelled cat"

    def test_near_inputs_vote_and_far_ones_do_not(self):
        table = examples(["cat", "dog", "owl"])
        pixels = np.array([[0.5, 0.5], [0.51, 0.5], [0.6, 0.5]])
        found = s.by_copies(table, pixels, near=0.02)
        assert found["suggested"].to_list() == ["dog", "cat", ""]
        assert found["support"].to_list()[:2] == [0.5, 0.5]
        assert s.by_copies(table, pixels, near=0)["support"].isna().all()

    def test_missing_inputs_are_no_copies(self):
        table = examples(["cat", "dog"]).assign(input="")
        assert s.by_copies(table, np.array([[0.0], [1.0]]), near=0)["support"].isna().all()


class TestAnnotators:
    def test_votes_of_the_last_answers(self):
        table = examples(["cat", "dog", "owl"])
        said = [
            ("a0", "x", "owl"),
            ("a0", "x", "cat"),
            ("a0", "y", "dog"),
            ("a1", "x", "dog"),
            ("zz", "x", "cat"),
            ("a2", "y", "cat"),
        ]
        found = s.by_annotators(table, pd.DataFrame(said, columns=["id", "annotator", "label"], dtype="str"))
        assert found["support"].to_list()[0] == 0.5 and found["support"].to_list()[2] == 0
        assert np.isnan(found["support"][1])
        assert found["suggested"].to_list() == ["dog", "", "cat"]
        assert found["reason"][0] == "annotators say cat 1x, dog 1x"

    def test_none(self):
        empty = pd.DataFrame(columns=["id", "annotator", "label"], dtype="str")
        assert s.by_annotators(examples(["cat"]), empty)["support"].isna().all()


class TestReviewed:
    TABLE = examples(["cat", "dog", "owl"])
    BOOK = s.definition("## cat\nSays  miaow.\n\n## dog\nBarks.\n")

    def mark(self, row: int, book: str | None = None) -> str:
        """Return a reason with the mark of the review page."""
        seen = book or self.BOOK.get(self.TABLE["label"][row], "-")
        return f"fine [review 0123456789ab, blind, input {self.TABLE['input'][row]}, book {seen}]"

    def state(self, *edits: tuple[int, str, str, str, str, str], book: dict[str, str] | None = None) -> list[str]:
        return s.reviewed(passes(*edits), self.TABLE, self.BOOK if book is None else book).to_list()

    def test_keep_holds(self):
        edits = [(0, f"a{i}", "keep", label, label, self.mark(i)) for i, label in enumerate(self.TABLE["label"])]
        assert self.state(*edits) == ["kept"] * 3

    def test_keep_by_hand_holds(self):
        assert self.state((0, "a0", "keep", "", "", "looked at it")) == ["kept", "", ""]

    def test_other_input(self):
        reason = self.mark(0).replace(self.TABLE["input"][0], "f" * 16)
        assert self.state((0, "a0", "keep", "cat", "cat", reason))[0] == "kept before, but the input changed"

    def test_other_definition(self):
        book = s.definition("## cat\nSays miaow, or is a lynx.\n")
        assert (
            self.state((0, "a0", "keep", "cat", "cat", self.mark(0)), book=book)[0]
            == "kept before, but the label book changed"
        )

    def test_blanks_are_no_definition(self):
        assert s.definition("## cat\n\nSays\nmiaow.\n") == {"cat": self.BOOK["cat"]}
        assert sections("## cat\nx\n") == {"cat": "x"}

    def test_later_edit(self):
        assert (
            self.state((0, "a0", "keep", "dog", "dog", ""), (1, "a0", "relabel", "cat", "dog", ""))[0] == "relabelled"
        )

    def test_merge_asks_again_but_a_rename_does_not(self):
        keep = (1, "a0", "keep", "kitten", "kitten", "")
        rename, merge = (2, "", "rename-class", "cat", "kitten", ""), (2, "", "merge-class", "cat", "lynx", "")
        assert self.state(keep, rename)[0] == "kept"
        assert self.state(keep, merge)[0] == "kept before, but its class was merged"
        assert (
            self.state(keep, (2, "", "merge-class", "kitten", "lynx", ""), (3, *rename[1:]))[0]
            == "kept before, but its class was merged"
        )
        assert self.state((0, *merge[1:]), keep)[0] == "kept"


class TestQueue:
    def setup_method(self):
        self.table = examples(["cat"] * 40)
        self.table.loc[20:, "split"] = "test"
        asked = self.table[:20]
        p = np.column_stack([np.linspace(0.1, 0.9, 20), np.linspace(0.9, 0.1, 20)])
        self.model = (
            s.by_model(asked, ["cat", "dog"], p)[0].reindex(self.table.index).fillna({"suggested": "", "reason": ""})
        )
        self.none = no_evidence(self.table)
        self.state = pd.Series("", index=self.table.index, dtype="str")

    def queue(
        self, limit: int = 100, sample: int = 5, model: pd.DataFrame | None = None, people: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        evidence = [self.model if model is None else model, self.none, self.none.copy() if people is None else people]
        return s.queue(self.table, evidence, self.state, limit, sample)

    def test_worst_first_and_the_kept_left_out(self):
        self.state[0] = s.KEPT
        found = self.queue()
        training = found[found["queue"] == s.TRAINING]
        assert training["id"].to_list() == [f"a{i}" for i in range(1, 10)]
        assert list(found.columns) == s.COLUMNS

    def test_limit(self):
        assert (self.queue(limit=3)["queue"] == s.TRAINING).sum() == 3

    def test_what_is_listed_of_many_is_the_first_of_all(self):
        rng, table = np.random.default_rng(0), examples(["cat"] * 3_000)
        table.loc[2_000:, "split"] = "test"
        ties = no_evidence(table).assign(support=rng.integers(0, 40, 3_000) / 40, margin=rng.integers(0, 3, 3_000) / 3)
        none, state = no_evidence(table), pd.Series("", index=table.index, dtype="str")
        whole, first = (s.queue(table, [ties, none, none.copy()], state, limit, 50) for limit in (3_000, 100))
        parts = whole.groupby("queue").head(100)
        assert len(first) == 250 and first.equals(parts.reset_index(drop=True))

    def test_no_model_chooses_of_the_test_set(self):
        first = self.queue()
        turned = self.model.assign(margin=1 - self.model["margin"], support=1 - self.model["support"])
        second = self.queue(model=turned)
        of_test = [found[found["split"] == "test"].reset_index(drop=True) for found in (first, second)]
        assert of_test[0].equals(of_test[1])
        assert of_test[0]["queue"].to_list() == [s.SAMPLE] * 5
        assert of_test[0]["margin"].isna().all()
        assert of_test[0]["suggested"].to_list() == [""] * 5

    def test_the_sample_goes_on_where_people_stopped(self):
        first = self.queue()
        done = first["id"][first["queue"] == s.SAMPLE].to_list()[:2]
        self.state[self.table["id"].isin(done)] = s.KEPT
        again = self.queue()
        left = set(again["id"][again["queue"] == s.SAMPLE])
        assert len(left) == 5 and not left & set(done)
        assert set(first["id"][first["queue"] == s.SAMPLE]) - set(done) <= left

    def test_annotators_count_until_a_person_has_settled_it(self):
        people = self.none.copy()
        people.loc[[15, 30], ["support", "suggested", "reason"]] = [0.5, "dog", "annotators say cat 1x, dog 1x"]
        found = self.queue(people=people.copy(), sample=0)
        assert {"a15", "a30"} <= set(found["id"])
        assert found.set_index("id")["queue"]["a30"] == s.TEST
        self.state[[15, 30]] = s.RELABELLED
        assert not {"a15", "a30"} & set(self.queue(people=people, sample=0)["id"])

    def test_metadata_comes_along_but_names_no_column_twice(self):
        self.table = self.table.assign(stroke="thin", margin="wide")
        assert list(self.queue().columns) == [*s.COLUMNS, "stroke"]
