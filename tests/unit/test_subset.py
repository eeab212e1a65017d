"""A seed's part of the training examples: nested in size, stratified, groups whole, and its own."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datapass.messages.problems import Refusal
from datapass.training.order import shares, subset, units

LABELS = st.lists(st.sampled_from("abcdef"), min_size=2, max_size=40).filter(lambda labels: len(set(labels)) > 1)


def examples(labels: list[str], **columns: list[str]) -> pd.DataFrame:
    table = {"id": [f"x{i:03}" for i in range(len(labels))], "label": labels, "weight": ["1"] * len(labels)}
    return pd.DataFrame(table | columns, dtype="str")


def taken(table: pd.DataFrame, size: int, seed: int = 0) -> set[str]:
    """The ids of a subset; nothing where it would hold one class alone."""
    try:
        return set(subset(table, size, seed)["id"])
    except Refusal as refusal:
        assert "fewer than two classes" in str(refusal)
        return set()


@settings(max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_shares_are_less_than_one_off_and_never_shrink(sizes: list[int]) -> None:
    whole, before = sum(sizes), np.zeros(len(sizes))
    for number in range(whole + 1):
        now = shares(tuple(sizes), number)
        assert now.sum() == number and (now >= before).all()
        assert np.abs(now - number * np.array(sizes) / whole).max() < 1
        before = now
    assert before.tolist() == sizes


@settings(max_examples=20)
@given(LABELS, st.integers(0, 5))
def test_a_subset_is_nested_stratified_and_exact(labels: list[str], seed: int) -> None:
    table, before = examples(labels), set[str]()
    for size in range(1, len(labels) + 1):
        now = taken(table, size, seed)
        assert before <= now and len(now) in (0, size)
        part = table[table["id"].isin(now)]["label"].value_counts()
        share = table["label"].value_counts() * size / len(table)
        assert not now or (part.reindex(share.index, fill_value=0) - share).abs().max() < 1
        before = now
    assert before == set(table["id"])


@settings(max_examples=20)
@given(LABELS, st.data())
def test_groups_stay_whole(labels: list[str], data: st.DataObject) -> None:
    groups = data.draw(st.lists(st.sampled_from(["", "ann", "ben", "eve"]), min_size=len(labels), max_size=len(labels)))
    table, before = examples(labels, group=groups), set[str]()
    for size in range(1, len(labels) + 1):
        now = taken(table, size)
        assert before <= now and len(now) <= size
        assert all(set(ids) <= now or not set(ids) & now for ids in table.groupby(units(table))["id"].agg(list))
        before = now


def test_the_same_seed_gets_the_same_whatever_else_is_there() -> None:
    """An example more moves no other within its class; so the two sides of a comparison share most of their subsets."""
    table = examples(["a", "b"] * 40)
    more = pd.concat([table, examples(["a", "b"] * 10).assign(id=lambda t: "y" + t["id"])], ignore_index=True)
    old, new = taken(table, 40), taken(more, 50)
    for label in "ab":
        ids = set(table[table["label"] == label]["id"])
        assert new & ids <= old & ids or old & ids <= new & ids
    assert taken(table.sample(frac=1, random_state=1), 40) == old, "whatever the order of the table"
    assert taken(table, 40, seed=1) != old, "and another seed another one"


def test_what_does_not_count_is_absent_and_no_size_is_the_table_itself() -> None:
    table = examples(["a", "b"] * 10)
    table.loc[:3, "weight"] = "0"
    assert subset(table, None, 0) is table
    assert set(subset(table, 16, 0)["id"]) == set(table["id"][4:])


CASES = {
    "more than there are": (["a", "b"] * 5, 11, r"data\.size: 11 of 10 training examples cannot be taken"),
    "one class of two": (["a"] * 9 + ["b"], 3, r"seed 0 gets training examples of fewer than two classes among 3"),
    "one class in all": (["a"] * 10, 3, "fewer than two classes"),
}


@pytest.mark.parametrize(("labels", "size", "said"), CASES.values(), ids=CASES.keys())
def test_a_size_that_cannot_be_is_refused(labels: list[str], size: int, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        subset(examples(labels), size, 0)
