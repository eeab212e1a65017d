"""`datapass renew-test`: which rows may be drawn, how they are drawn, and what is refused."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_data import Sandbox

from conftest import IDENTITY
from datapass.adopt import alone
from datapass.adopt import renew as room
from datapass.adopt import trained as history
from datapass.adopt.draw import draw
from datapass.adopt.renew import Renewal, renew
from datapass.adopt.trained import trained
from datapass.files.paths import TABLES
from datapass.files.tables import read_table
from datapass.messages.problems import Refusal
from datapass.report.html import html
from datapass.report.markdown import markdown
from datapass.report.renew_view import renewal

FIRST = [
    f"a{n:03},{'cat' if n % 3 else 'dog'},{'train' if n < 60 else 'validation' if n < 70 else 'test'},"
    for n in range(110)
]
LATER = [f"b{n:03},{'cat' if n % 4 else 'dog'},," for n in range(90)]


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, env=None)
    return done.stdout


def commit(message: str) -> None:
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", message)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A curated and committed revision of two deliveries, the second of which waits; DVC is left out."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    found = Sandbox(tmp_path)
    Path("data/passes/.gitkeep").touch()
    found.deliver("", "id,label,split,group", FIRST)
    found.deliver("2026-10", "id,label,split,group", LATER)
    found.curate()
    Path("dvc.lock").write_text("schema: '2.0'\nstages:\n  pack: {cmd: x}\n", encoding="utf-8")
    commit("Baseline")
    monkeypatch.setattr(alone, "stale", lambda _: ([], []))
    monkeypatch.setattr(room, "_pack", lambda: None)
    return found


def rows(done: Renewal) -> pd.DataFrame:
    return read_table(done.file)


def taken(done: Renewal, action: str = "add-test") -> set[str]:
    table = rows(done)
    return set(table.loc[table["action"] == action, "id"])


def test_the_test_set_is_renewed(box: Sandbox) -> None:
    done = renew(None)
    assert done.file.name == "p001-renew-test.csv"
    new, old = taken(done), taken(done, "drop")
    assert old == {f"a{n:03}" for n in range(70, 110)}
    assert len(new) == done.new == 40 and new <= {row.split(",")[0] for row in LATER}
    assert done.waiting == 50
    before, after = (read_table(Path(f"data/examples/{s}.csv")) for s in ("train", "test"))
    table = box.curate()
    counts = table[(table["split"] == "test") & (table["weight"] == "1")]
    assert set(counts.index) == new
    assert read_table(Path("data/examples/train.csv")).equals(before)
    assert len(after) == 40
    shares = counts["label"].value_counts()
    assert abs(shares["dog"] - 40 * 23 / 90) < 1, "the classes have the shares that they have in the delivery"
    assert done.classes.set_index("class")["after"].to_dict() == shares.to_dict()


def test_the_same_rows_are_drawn_again(box: Sandbox) -> None:
    first = rows(renew(None))
    git("reset", "-q", "--hard")
    assert rows(renew(None)).equals(first)


def test_the_old_examples_can_stay(box: Sandbox) -> None:
    done = renew(None, number=30, keep=True)
    assert (done.new, done.dropped, done.stay) == (30, 0, 40)
    table = box.curate()
    assert ((table["split"] == "test") & (table["weight"] == "1")).sum() == 70


def test_an_old_example_that_hides_a_training_example_stays(box: Sandbox) -> None:
    copies = {"a000": "same", "a080": "same"}
    before = box.curate(copies)
    assert before.at["a000", "weight"] == "0"
    commit("A copy")
    done = renew(None)
    assert (done.dropped, done.stay) == (39, 1)
    assert any("1 old test example stay" in note for note in done.notes)
    after = box.curate(copies)
    assert after.loc[before.index[before["split"] == "train"]].equals(before[before["split"] == "train"])


def an_experiment(box: Sandbox) -> None:
    git("checkout", "-q", "--detach")
    box.add_pass("p001-more", *(f"b{n:03},add,,,," for n in range(20)))
    table = box.curate()
    box.trained = set(table.index[table["split"] != "test"])  # type: ignore[attr-defined]
    commit("An experiment")
    git("update-ref", "refs/exps/ab/cdef/more", "HEAD")
    git("checkout", "-q", "main")
    box.curate()
    git("reset", "-q", "--hard")


def a_branch_taken_back(box: Sandbox) -> None:
    an_experiment(box)
    git("branch", "tried", "refs/exps/ab/cdef/more")
    git("update-ref", "-d", "refs/exps/ab/cdef/more")


def taken_back_on_main(box: Sandbox) -> None:
    an_experiment(box)
    git("reset", "-q", "--hard", "refs/exps/ab/cdef/more")
    git("update-ref", "-d", "refs/exps/ab/cdef/more")
    git("rm", "-q", "data/passes/p001-more.csv")
    box.curate()
    commit("Take it back")


@pytest.mark.parametrize("how", [an_experiment, a_branch_taken_back, taken_back_on_main])
def test_what_any_revision_trained_on_is_not_drawn(box: Sandbox, how: Callable[[Sandbox], None]) -> None:
    how(box)
    done = renew(None, number=90)
    once = box.trained - {row.split(",")[0] for row in FIRST}  # type: ignore[attr-defined]
    assert once, "the hash puts some of the 20 into train or validation"
    assert done.left_out == {"were trained on, or validated with, in some revision": len(once)}
    assert taken(done) == {row.split(",")[0] for row in LATER} - once


LEFT_OUT: dict[str, tuple[list[str], dict[str, str], dict[str, int]]] = {
    "given to train": (["c1,cat,train,"], {}, {"have the split train or validation in their own column": 1}),
    "a copy of a training example": (
        ["c1,cat,,"],
        {"c1": "same", "a001": "same"},
        {"have the input of an example that was trained on, or validated with": 1},
    ),
    "a copy of a test example": (
        ["c1,cat,,"],
        {"c1": "same", "a080": "same"},
        {"have the input of an example of the present test set": 1},
    ),
    "a group that trains": (
        ["c1,cat,,f", "c2,cat,,f"],
        {},
        {"are in a group with examples that train or validate, or did": 2},
    ),
    "a group of the test set": (["c1,cat,,g"], {}, {"are in a group of the present test set": 1}),
    "a group with a copy": (
        ["c1,cat,,h", "c2,cat,,h"],
        {"c1": "same", "a080": "same"},
        {
            "have the input of an example of the present test set": 1,
            "are in a group with a row that is left out": 1,
        },
    ),
}


@pytest.mark.parametrize(("more", "inputs", "said"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_rows_left_out(box: Sandbox, more: list[str], inputs: dict[str, str], said: dict[str, int]) -> None:
    first = [f"{row}{'f' if row.startswith('a005') else 'g' if row.startswith('a090') else ''}" for row in FIRST]
    box.deliver("", "id,label,split,group", first)
    box.deliver("2026-11", "id,label,split,group", more)
    box.curate(inputs)
    commit("More")
    done = renew(None, number=200)
    assert done.left_out == said
    assert taken(done) == {row.split(",")[0] for row in LATER}
    box.curate(inputs)


def rows_of_a_table(same: int) -> None:
    """Write inputs that are rows, of which the first `same` of the later delivery are those of the first training rows."""
    cells = [*range(110), *range(same), *range(1000, 1090 - same)]
    pd.DataFrame({"length": np.array(cells, dtype="float64")}).to_parquet("data/inputs/values.parquet", index=False)


@pytest.mark.parametrize(
    ("same", "number", "taken_of_them"), [(50, 40, 0), (60, 40, 10), (60, 90, 60)], ids=["enough others", "some", "all"]
)
def test_equal_rows_of_a_table_are_drawn_last_and_said(
    box: Sandbox, same: int, number: int, taken_of_them: int
) -> None:
    rows_of_a_table(same)
    done = renew(None, number=number)
    table, alike = rows(done), {f"b{n:03}" for n in range(same)}
    reasons = table[table["action"] == "add-test"].set_index("id")["reason"]
    assert (done.new, done.alike, len(taken(done) & alike)) == (number, taken_of_them, taken_of_them)
    assert set(reasons.index[reasons != "never trained on"]) == taken(done) & alike
    notes, headline = " ".join(done.notes), renewal(done).headline
    if taken_of_them:
        assert f"{taken_of_them} of the {number} new test examples: the same cells as an example that was" in notes
        assert f"{taken_of_them} with the same cells as an example that was trained on" in headline
        assert "never trained on" not in headline
    else:
        assert "50 rows with the same cells as an example that was trained on were passed over" in notes
        assert "never trained on" in headline


def test_a_table_that_cannot_be_read_counts_cell_by_cell(box: Sandbox) -> None:
    """A revision committed with a conflict in its table: what may have been trained on is not drawn."""
    path = Path("data/examples/train.csv")
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text}<<<<<<< ours\n"b007",cat,cat,1,7\nzz\n>>>>>>> theirs\n', encoding="utf-8")
    commit("Torn")
    path.write_text(text, encoding="utf-8")
    commit("Mended")
    done = renew(None, number=90)
    assert done.left_out == {"were trained on, or validated with, in some revision": 1}
    assert "b007" not in taken(done)


def test_tables_that_dvc_holds(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of revisions whose tables are not in Git the cache is asked; what it does not have cannot be told."""
    held = {"data/examples/train.csv": b"id,input\nb003,x\n", "data/examples/validation.csv": b"id,input\n"}
    outs = "".join(f"    - {{path: {path}, md5: {len(content)}}}\n" for path, content in held.items())
    git("rm", "-q", "--cached", *held)
    Path("dvc.lock").write_text(
        f"schema: '2.0'\nstages:\n  pack: {{cmd: x}}\n  train: {{cmd: x}}\n  curate:\n    cmd: x\n    outs:\n{outs}",
        encoding="utf-8",
    )
    Path(".gitignore").write_text("train.csv\nvalidation.csv\n", encoding="utf-8")
    commit("DVC holds the tables")
    table = pd.DataFrame({"id": ["b003", "b004", "b005"], "input": ["p", "x", "q"]}, dtype="str")
    with pytest.raises(Refusal, match=r"neither Git nor DVC's cache nor a remote here has data/examples"):
        trained(table["id"], table["input"])
    monkeypatch.setattr(history.Revision, "need", lambda _, path: held[str(path)])
    known, copied = trained(table["id"], table["input"])
    assert (known.tolist(), copied.tolist()) == ([True, False, False], [True, True, False])


def test_a_shallow_clone_cannot_know(box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commit("Another")
    git("clone", "-q", "--depth", "1", tmp_path.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    ids = pd.Series(["b001"], dtype="str")
    with pytest.raises(Refusal, match="git fetch --unshallow"):
        trained(ids, ids)


REFUSED: dict[str, tuple[Callable[[Sandbox], object], dict[str, object], str]] = {
    "an uncommitted pass": (
        lambda box: box.add_pass("p001-a", "a001,drop,,,,"),
        {},
        r'"data/passes/p001-a.csv": not committed; commit or take that back first, as a new test set is a pull request',
    ),
    "an uncommitted setting": (
        lambda _: Path("params.yaml").write_text("x: 1\n", encoding="utf-8"),
        {},
        r'"params.yaml": not committed',
    ),
    "no new pass applies": (
        lambda box: (box.params["passes"].update(until="p000"), box.curate(), commit("Until")),
        {},
        r'conf/data: passes.until is "p000", so no new pass applies; set it to null',
    ),
    "few wanted": (lambda _: None, {"number": 29}, "--number 29: a verdict needs at least 30 test examples"),
    "few there": (
        lambda box: (
            box.deliver("2026-10", "id,label,split,group", [*LATER[:20], "c1,cat,train,"]),
            box.curate(),
            commit("Few"),
        ),
        {},
        r"20 rows could be drawn; a verdict needs at least 30 test examples. Left out are:\n"
        r"- 1 row have the split train or validation",
    ),
    "few groups": (
        lambda box: (
            box.deliver("2026-10", "id,label,split,group", [f"b{n:03},cat,,h{n % 4}" for n in range(80)]),
            box.curate(),
            commit("Few"),
        ),
        {},
        "are of 2 groups only; a verdict needs at least 5",
    ),
    "nothing waits": (
        lambda box: (box.add_pass("p001-all", *(f"b{n:03},add,,,," for n in range(90))), box.curate(), commit("All")),
        {},
        "no row waits in data/raw/. Name new data, `datapass renew-test PATH`",
    ),
}


@pytest.mark.parametrize(("before", "options", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(box: Sandbox, before: Callable[[Sandbox], object], options: dict[str, object], said: str) -> None:
    before(box)
    there = sorted(Path("data/passes").iterdir())
    with pytest.raises(Refusal, match=said):
        renew(None, **options)  # type: ignore[arg-type]
    assert sorted(Path("data/passes").iterdir()) == there


def test_stale_results_are_refused_but_not_a_delivery(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered = "data/raw is not what stage pack last ran with"
    monkeypatch.setattr(
        alone, "stale", lambda _: ([delivered, "model in params.yaml is not what stage train ran with"], [])
    )
    with pytest.raises(
        Refusal, match=r"The results are stale: model in params.yaml .* Run `dvc repro` and commit first"
    ):
        renew(None)
    monkeypatch.setattr(alone, "stale", lambda _: ([delivered], []))
    assert renew(None).new == 40


def test_a_delivery_that_moves_examples_is_refused(box: Sandbox) -> None:
    """Deliveries are read in the order of their names, so one of an earlier name may be first with an input."""
    box.add_pass("p001-more", *(f"b{n:03},add,,,," for n in range(30)))
    box.curate()
    commit("More")
    copies = {f"b{n:03}": f"{n:016x}" for n in range(30)} | {f"c{n:03}": f"{n:016x}" for n in range(30)}
    box.deliver("2026-09", "id,label,split,group", [f"c{n:03},cat,," for n in range(30)])
    before = [file.read_bytes() for file in TABLES]
    box.curate(copies)
    for file, content in zip(TABLES, before, strict=True):
        file.write_bytes(content)
    commit("A delivery")
    with pytest.raises(Refusal, match=r"\d+ examples would move to another set, such as .* so that it comes last"):
        renew(None)


def test_nothing_is_committed(box: Sandbox) -> None:
    git("update-ref", "-d", "HEAD")
    with pytest.raises(Refusal, match="Nothing is committed here yet"):
        renew(None)


TRIES = st.lists(
    st.tuples(st.sampled_from(["add", "drop", "add-test"]), st.lists(st.integers(0, 89), unique=True, max_size=60)),
    max_size=3,
)


@settings(max_examples=8, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
@given(TRIES, st.dictionaries(st.integers(0, 89), st.integers(0, 109), max_size=10), st.integers(0, 4))
def test_never_a_row_that_was_trained_on(
    box: Sandbox, tries: list[tuple[str, list[int]]], copies: dict[int, int], groups: int
) -> None:
    """Whatever revisions tried before: no drawn row, nor its input, nor its group is in a table that one trained on."""
    git("checkout", "-q", "-f", "main")
    for reference in git("for-each-ref", "--format=%(refname)", "refs/exps").split():
        git("update-ref", "-d", reference)
    later = [f"{row}{f'h{n % 30}' if n % 5 < groups else ''}" for n, row in enumerate(LATER)]
    box.deliver("2026-10", "id,label,split,group", later)
    same = {f"b{new:03}": f"{old:016x}" for new, old in copies.items()}
    same |= {f"a{old:03}": f"{old:016x}" for old in copies.values()}
    base = box.curate(same)
    commit("Base")
    seen = base[base["split"] != "test"]
    for number, (action, chosen) in enumerate(tries):
        git("checkout", "-q", "-f", "--detach", "main")
        what = "a{:03},drop,,,," if action == "drop" else f"b{{:03}},{action},,,,"
        box.add_pass("p001-try", *(what.format(n) for n in chosen))
        try:
            table = box.curate(same)
        except Refusal:  # such as an add-test of a copy; nothing trained on it
            continue
        finally:
            commit("A try")
        git("update-ref", f"refs/exps/ab/cdef/t{number}", "HEAD")
        seen = pd.concat([seen, table[table["split"] != "test"]])
    git("checkout", "-q", "-f", "main")
    box.curate(same)
    commit("Back")
    try:
        done = renew(None, number=60)
    except Refusal as refusal:
        assert "a verdict needs" in str(refusal)
        return
    after = box.curate(same)
    new = after.loc[sorted(taken(done))]
    assert (new["split"] == "test").all() and (new["weight"] == "1").all()
    assert not set(new.index) & set(seen.index)
    assert not set(new["input"]) & set(seen["input"])
    assert not (set(new["group"]) - {""}) & set(seen["group"])
    train = base[base["split"] != "test"]
    assert after.loc[train.index].equals(train)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(40, 300), st.integers(1, 6), st.floats(0.05, 1))
def test_the_draw_keeps_the_shares(seed: int, n: int, size: int, share: float) -> None:
    """Without groups: exactly so many, and of each class its share but for one; with groups: whole, and near it."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["a", "b", "c"], n, p=[0.7, 0.2, 0.1])
    table = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "label": labels, "input": ""}, dtype="str")
    wanted = max(1, int(share * n))
    drawn = draw(table, wanted)
    assert drawn.sum() == wanted
    for name in set(labels):
        assert abs((labels[drawn] == name).sum() - wanted * (labels == name).mean()) <= 2
    grouped = table.assign(group=[f"g{i // size}" for i in range(n)])
    drawn = draw(grouped, wanted)
    assert abs(drawn.sum() - wanted) <= size / 2
    assert grouped["group"][drawn].isin(grouped["group"][~drawn]).sum() == 0


def test_the_report(box: Sandbox) -> None:
    box.add_pass("p001-a", "a001,drop,,,,")
    box.curate()
    commit("A pass")
    report = renewal(renew(None))
    said = " ".join(
        s for section in report.sections for block in section.blocks for s in getattr(block, "sentences", [])
    )
    assert report.headline == "p002-renew-test: 40 new test examples, never trained on; 40 dropped, 0 stay"
    for part in ("git switch -c renew-test", "not comparable", "data.passes.without=[p001-a]", "50 more rows are free"):
        assert part in said
    assert "40 new test examples" in markdown(report) and "40 new test examples" in html(report)


@pytest.mark.parametrize(("number", "said"), [(40, "compares them on those"), (90, "calls them not comparable")])
def test_what_a_longer_test_set_does_to_a_comparison(box: Sandbox, number: int, said: str) -> None:
    report = renewal(renew(None, number=number, keep=True))
    assert f"share 40 test examples: `compare` {said}" in str(report.sections[-1])
