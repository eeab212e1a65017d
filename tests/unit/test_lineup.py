"""Answers lined up: what turned, classes and slices, told without a table of examples by classes."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from datapass.comparison.lineup import Scored, draws, flips, grouped, slices


def scored(examples: int, classes: int, seeds: int = 5, right: float = 0.5) -> Scored:
    """Return answers that are right for about this share, and else any."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, classes, examples)
    sides = [
        np.where(rng.random((seeds, examples)) < right, truth, rng.integers(0, classes, (seeds, examples)))
        for _ in range(2)
    ]
    names = [f"class {code:04}" for code in range(classes)]
    ids = pd.Series(np.char.add("x", np.arange(examples).astype(str)), dtype="str")
    table = pd.DataFrame({"id": ids, "new_label": pd.Series(np.array(names, dtype=object)[truth], dtype="str")})
    everything, none = np.ones(examples, dtype=bool), (np.empty(0, np.int64), np.empty((seeds, 0), np.int64))
    return Scored(
        table,
        names,
        [f"seed_{seed}" for seed in range(seeds)],
        *sides,
        (truth, truth),
        {},
        (examples, examples),
        everything,
        none,
    )


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_the_answer_shown_is_the_most_frequent_and_not_the_label_where_most_were_wrong(classes, seeds):
    one = scored(400, classes, seeds)
    found = flips(one, one.right(0, 1), one.right(1, 1))
    assert set(found["flip"]) == {"broken", "fixed"}
    names, places = np.array(one.classes), [int(id[1:]) for id in found["id"]]
    for column, side in (("old", one.old), ("new", one.new)):
        votes = (side[:, :, None] == np.arange(classes)).sum(axis=0)  # (examples, classes)
        wrong = np.flatnonzero((side == one.labels[1]).sum(axis=0) < seeds / 2)
        votes[wrong, one.labels[1][wrong]] = -1
        assert found[column].to_list() == names[votes.argmax(axis=1)][places].tolist()


def test_a_thousand_classes_take_the_memory_of_the_answers():
    one = scored(100_000, 1_000, right=0.7)
    right = one.right(0, 1), one.right(1, 1)
    tracemalloc.start()
    assert len(flips(one, *right)) > 1_000 and len(one.by_class()) == 1_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * one.old.nbytes  # of examples by classes a byte each is 25 times


def test_classes_are_what_masks_give():
    one = scored(5_000, 7)
    for name, examples, *rest in one.by_class():
        mask = one.labels[1] == one.classes.index(name)
        assert (examples, *rest) == (mask.sum(), *one.part(mask))


def test_slices_hold_each_example_once_and_columns_of_many_values_are_none():
    table = pd.DataFrame(
        {"id": ["a", "b", "c"], "site": ["x", "", "x"], "one": "1", "many": ["1", "2", "3"]}, dtype="str"
    )
    assert [(name, rows.tolist()) for name, rows in slices(table, 2)] == [("site = (empty)", [1]), ("site = x", [0, 2])]
    assert [rows.tolist() for rows in grouped(np.array([2, 0, 2]), 3)] == [[1], [], [0, 2]]
    assert draws(np.array([5, 5, 0, 2])) == 3
