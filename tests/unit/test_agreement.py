"""Agreement between annotators: published known answers, properties, the consistency sample and the label book."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from conftest import params
from datapass.annotators.agreement import cohen, fleiss, krippendorff, measure
from datapass.annotators.annotations import read_annotations
from datapass.annotators.book import patch, propose
from datapass.annotators.consensus import dawid_skene
from datapass.annotators.sample import collect, draw, read_back
from datapass.data.label_book import sections
from datapass.files.paths import BOOK
from datapass.files.tables import escape_cells, unescape_cells
from datapass.messages.problems import Refusal
from datapass.report import data_view
from datapass.report.markdown import markdown
from datapass.report.record import record
from datapass.report.terminal import show
from datapass.verbs.labelling import agree

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": 4 observers x 12 units, nominal
KRIPPENDORFF = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
# Wikipedia, "Fleiss' kappa": 10 subjects x 5 categories, 14 raters
FLEISS = ["0000e", "02642", "00356", "03920", "22811", "77000", "32630", "25322", "65210", "02237"]
# Dawid and Skene 1979, Table 1: 45 patients; observer 1 three times, then observers 2 to 5
DAWID_SKENE = """1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111
2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111
1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222
1211111 2222222"""


def long(columns: list[str], people: str) -> pd.DataFrame:
    """Return annotations of units, each a text of one label an annotator; `.` is missing."""
    rows = [
        (f"u{number:03}", person, label)
        for number, unit in enumerate(columns)
        for person, label in zip(people, unit, strict=True)
        if label != "."
    ]
    return pd.DataFrame(rows, columns=["id", "annotator", "label"], dtype="str")


def units(rows: list[str]) -> list[str]:
    return ["".join(unit) for unit in zip(*rows, strict=True)]


def test_krippendorff_2011() -> None:
    assert measure(long(units(KRIPPENDORFF), "ABCD")).alpha == pytest.approx(0.743421052632, abs=1e-12)


def test_fleiss() -> None:
    counts = np.array([[int(n, 16) for n in row] for row in FLEISS])
    assert fleiss(counts) == pytest.approx(0.209930704422, abs=1e-12)
    said = ["".join(str(label) * int(n) for label, n in enumerate(row)) for row in counts]
    assert measure(long(said, "abcdefghijklmn")).fleiss == pytest.approx(0.209930704422, abs=1e-12)


def test_cohen() -> None:
    said = ["yy"] * 20 + ["yn"] * 5 + ["ny"] * 10 + ["nn"] * 15
    result = measure(long(said, "AB"))
    assert result.pairs.to_dict("records") == [
        {"first": "A", "second": "B", "examples": 50, "agreement": 0.7, "kappa": pytest.approx(0.4, abs=1e-12)}
    ]
    assert result.confusions[["one", "other", "count", "share"]].to_numpy().tolist() == [["n", "y", 15, 1.0]]


def test_dawid_skene_1979() -> None:
    annotations = long(DAWID_SKENE.split(), "1112345")
    result = dawid_skene(annotations)
    assert result.prevalence.round(4).tolist() == [0.3996, 0.4220, 0.1118, 0.0667]
    assert result.log_likelihood == pytest.approx(-192.890881, abs=1e-5)
    assert result.posterior.idxmax(axis=1).value_counts().to_dict() == {"2": 19, "1": 18, "3": 5, "4": 3}
    assert np.allclose(result.posterior.sum(axis=1), 1) and np.allclose(result.confusion.sum(axis=1), 1)
    whole = measure(annotations)
    assert whole.ratings == 45 * 5, "the last of an annotator's repeats counts for the agreement"
    assert whole.annotators["ratings"].tolist().count(135) == 1, "the consensus uses all of them"


ratings = st.lists(st.text("ab.c", min_size=3, max_size=3), min_size=3, max_size=12).filter(
    lambda units: sum(3 - unit.count(".") > 1 for unit in units) > 1
)


@given(ratings, st.permutations("abc"), st.randoms())
@settings(max_examples=25, deadline=None)
def test_names_and_order_do_not_matter(said: list[str], names: list[str], random: object) -> None:
    first = measure(long(said, "ABC"))
    renamed = [unit.translate(str.maketrans("abc", "".join(names))) for unit in said]
    shuffled = long(renamed, "ABC").sample(frac=1, random_state=random.randrange(2**31))  # type: ignore[attr-defined]
    second = measure(shuffled)
    for name in ("agreement", "fleiss", "alpha"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), abs=1e-12, nan_ok=True)
    assert sorted(first.pairs["kappa"].round(9).fillna(-9)) == sorted(second.pairs["kappa"].round(9).fillna(-9))
    assert first.alpha != first.alpha or first.alpha <= 1
    assert np.allclose(first.consensus.posterior.sum(axis=1), 1)


def test_a_class_that_nobody_agrees_on_comes_first() -> None:
    result = measure(long(["aaa", "aaa", "bbb", "bbc", "cbb", "aaa", "cca"], "ABC"))
    assert result.classes["class"].tolist()[0] == "c" and result.classes["class"].tolist()[-1] == "a"
    assert result.disputed["id"].tolist() == ["u003", "u004", "u006"]
    assert result.disputed["labels"].tolist() == ["b 2x, c 1x", "b 2x, c 1x", "c 2x, a 1x"]
    assert result.alpha_95[0] < result.alpha < result.alpha_95[1]


@pytest.mark.parametrize(
    ("said", "alpha"),
    [
        pytest.param(["ab", "ba"], -0.5, id="below chance"),
        pytest.param(["aa", "bb"], 1.0, id="perfect"),
        pytest.param(["aa", "aa"], float("nan"), id="one class only: not defined"),
        pytest.param(["a.", "bb", "cc"], 1.0, id="rated once: left out"),
    ],
)
def test_limits(said: list[str], alpha: float) -> None:
    result = measure(long(said, "AB"))
    assert result.alpha == pytest.approx(alpha, nan_ok=True)
    assert "nan" not in str(record(data_view.agreement(result))).lower()
    assert "nan" not in markdown(data_view.agreement(result)).lower()


def test_nothing_rated_twice_is_refused() -> None:
    with pytest.raises(Refusal, match="agree --sample"):
        measure(long(["a.", ".b"], "AB"))
    assert np.isnan(krippendorff(np.eye(2))) and np.isnan(fleiss(np.eye(2)))
    assert cohen(pd.DataFrame(columns=["first", "second", "label_1", "label_2"], dtype="str")).empty


def test_names_are_harmless_in_every_form() -> None:
    table = long(["ab", "ab", "bb"], "AB")
    table["label"] = table["label"].replace("a", "[red]|<b>@all\x1b")
    result = measure(table)
    console = Console(width=200, record=True, file=None)
    with console.capture() as shown:
        show(data_view.agreement(result), console)
    assert "[red]|<b>@all" in shown.get() and "\x1b]" not in shown.get()
    said = markdown(data_view.agreement(result))
    assert "<b>" not in said and "@all" not in said and "\x1b" not in said
    assert all(line.count(" | ") in (0, 3, 4, 5, 2) for line in said.splitlines())


@given(st.lists(st.text(max_size=6), min_size=1))
def test_escaped_cells_come_back(cells: list[str]) -> None:
    texts = pd.Series(cells, dtype="str")
    escaped = escape_cells(texts)
    assert not escaped.str.startswith(tuple("=+-@\t\r")).any()
    assert unescape_cells(escaped).tolist() == cells


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of 9 examples of the classes cat, dog and =x in a temporary folder, which becomes the current one."""
    monkeypatch.chdir(tmp_path)
    rows = [(f"e{i}", ["cat", "dog", "=x"][i % 3], f"images/e{i}.png") for i in range(9)]
    table = pd.DataFrame(rows, columns=["id", "label", "path"])
    for folder in ("data/raw", "data/passes", "data/examples", "reports"):
        Path(folder).mkdir(parents=True)
    Path("params.yaml").write_text(yaml.safe_dump(params()))
    table.to_csv("data/raw/labels.csv", index=False)
    table.assign(weight=1).drop(columns="path").to_csv("data/examples/train.csv", index=False)
    for split in ("validation", "test"):
        Path(f"data/examples/{split}.csv").write_text("id,label,weight\n")
    return tmp_path


def test_sample_goes_out_and_comes_back(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agree(sample=6)
    form = pd.read_csv("reports/sample.csv", keep_default_na=False)
    assert list(form.columns) == ["id", "annotator", "label", "path"] and len(form) == 6
    assert sorted(form["id"].str[1:].astype(int) % 3) == [0, 0, 1, 1, 2, 2], "as many of each class"
    assert "current_label" not in Path("reports/sample.json").read_text()
    form.assign(annotator="ann", label=["'=x", *["cat"] * 5]).to_csv("ann.csv", index=False)
    form.assign(annotator="ben", label=["cat"] * 5 + [""]).to_csv("ben.csv", index=False, lineterminator="\r\n")
    agree(read=[Path("ann.csv"), Path("ben.csv")])
    said = read_annotations()
    assert len(said) == 11 and said["label"].tolist().count("=x") == 1, "the cell that is not filled in is left out"
    assert "'=x" in Path("data/annotations.csv").read_text()
    agree(sample=9)
    again = set(pd.read_csv("reports/sample.csv")["id"])
    assert len(again) == 4 and form["id"].iloc[5] in again, "who was labelled by two people is not drawn again"
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "reports/label_book.patch"], check=True)
    assert list(sections(BOOK.read_text())) == ["=x", "cat", "dog"]
    agree()
    assert not Path("reports/label_book.patch").exists(), "what is in the book is not proposed again"
    assert "label_book.patch" in capsys.readouterr().out


def test_a_sample_of_some_classes(project: Path) -> None:
    agree(sample=4, only=["=x", "cat"])
    form = pd.read_csv("reports/sample.csv", keep_default_na=False)
    assert sorted(form["id"].str[1:].astype(int) % 3) == [0, 0, 2, 2]
    with pytest.raises(Refusal, match='--only "ct": the class is not known; did you mean "cat"'):
        agree(sample=4, only=["ct"])


def test_nothing_left_to_sample_is_refused(project: Path) -> None:
    collect(long(["aa"] * 9, "AB").assign(id=[f"e{i // 2}" for i in range(18)]))
    with pytest.raises(Refusal, match="nothing to sample"):
        agree(sample=1)


def test_later_answers_replace_earlier_ones(project: Path) -> None:
    collect(long(["ab", "ab"], "AB"))
    assert "1 of them in place" in collect(long(["c."], "AB"))
    assert read_annotations()["label"].tolist() == ["c", "b", "a", "b"]


def test_draw_is_the_same_in_any_order() -> None:
    table = pd.DataFrame({"id": [f"e{i}" for i in range(90)], "label": ["a", "b", "b"] * 30}, dtype="str")
    drawn = draw(table, 10)
    assert drawn["label"].value_counts().to_dict() == {"a": 5, "b": 5}
    assert draw(table[::-1].reset_index(drop=True), 10)["id"].tolist() == drawn["id"].tolist()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("id,annotator,label\ne1,ann,cow\n", 'f.csv:2: id "e1": the class "cow" is not known', id="class"),
        pytest.param("id,annotator,label\ne1,ann,Cat\n", 'did you mean "cat"', id="near miss"),
        pytest.param("id,annotator,label\nx,ann,cat\n", 'f.csv:2: id "x": no example', id="id"),
        pytest.param("id,annotator,label\ne1,,cat\n", 'f.csv:2: id "e1": `annotator` is empty', id="no annotator"),
        pytest.param("id,annotator,lable\n", "has no column `label`; did you mean", id="column"),
        pytest.param("id,annotator,label\ne1,ann\n", "f.csv:2: 2 cells", id="ragged"),
    ],
)
def test_forms_that_are_refused(project: Path, text: str, wanted: str) -> None:
    Path("f.csv").write_text(text)
    Path("g.json").write_text("{")
    with pytest.raises(Refusal) as refusal:
        read_back([Path("f.csv"), Path("g.json")])
    assert wanted in str(refusal.value)
    assert "g.json: is no JSON export" in str(refusal.value), "all files are refused together"
    assert not Path("data/annotations.csv").exists()


PASSES = pd.DataFrame({"name": "p002-bars", "label": ["cat"], "was": ["dog"], "reason": ["a `bar`"]}, dtype="str")
CONFUSED = pd.DataFrame({"one": ["cat"], "other": ["dog"], "count": 3, "examples": 2, "ids": [["e1", "e`2"]]})


@pytest.mark.parametrize(
    "book",
    [
        pytest.param("# Book\n\n## cat\nPurrs.\n\n## dog\nBarks.\n- Loud.\n", id="both sections"),
        pytest.param("# Book\r\n\r\n## cat\r\nPurrs.\r\n\r\n## dog ##\r\nBarks.", id="CRLF, no end of line"),
        pytest.param("## dog\n", id="a section is missing"),
        pytest.param("", id="empty"),
        pytest.param(None, id="no book"),
        pytest.param("## dog\n\n## cat\n\n## cat\ntwice\n", id="a section twice"),
    ],
)
def test_proposals_only_add(book: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    new = propose(book or "", CONFUSED, ["cat", "dog"], PASSES)
    assert set((book or "").splitlines()) <= set(new.splitlines()), "no word of a person's is lost"
    found = sections(new)
    assert "or `dog`?" in found["cat"] and "or `cat`?" in found["dog"]
    assert "p002-bars (1 relabelled: `` a `bar` ``)" in found["cat"] and "(2x), as in `e1`, ``e`2``" in found["dog"]
    assert propose(new, CONFUSED, ["cat", "dog"], PASSES) == new
    subprocess.run(["git", "init", "-q"], check=True)
    BOOK.parent.mkdir()
    if book is not None:
        BOOK.write_bytes(book.encode())
    Path("book.patch").write_bytes(patch(book, new).encode())
    subprocess.run(["git", "apply", "book.patch"], check=True)
    assert BOOK.read_bytes().decode() == new
