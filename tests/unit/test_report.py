"""The report's forms say the same, stay small, and let no name of a class, example or file act."""

import base64
import hashlib
import io
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from PIL import Image
from rich.console import Console

from conftest import SOURCE
from datapass.comparison import verdict as v
from datapass.comparison.datadiff import DataDiff
from datapass.comparison.metric import Metric
from datapass.comparison.proof import Proof
from datapass.comparison.revisions import Revision
from datapass.comparison.statistics import Interval
from datapass.comparison.verdict import Comparison, Part, Ruler
from datapass.decisions.next_step import Advice, Step
from datapass.messages.problems import Refusal
from datapass.report import charts, data_view, errors_view
from datapass.report import html as page_form
from datapass.report import markdown as comment_form
from datapass.report.comparison_view import comparisons
from datapass.report.errors import Errors
from datapass.report.forms import check, write
from datapass.report.markdown import code, text
from datapass.report.record import record
from datapass.report.sections import Lines, Report, Table
from datapass.report.terminal import show
from datapass.report.words import advice
from datapass.review.pictures import SIDE, thumbnails

HOSTILE = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "a|b",
    "line\nbreak\r\n\r\n# heading",
    "@org/team",
    "#12",
    "GH-12",
    "`code`",
    "$x$ \\frac",
    "**bold** _it_ ~~no~~",
    "[link](https://evil.example) https://evil.example www.evil.example me@evil.example",
    "&lt;b&gt; &#64;org",
    "--> <!-- </summary></details></td></table>",
    "שלום עולם",
    "\u202etxt.exe\u2069\x00\x07",
    "漢字" * 30,
    '" onmouseover="window.pwned=1',
    "x" * 10_000,
    "|" * 10_000,
    "@\n" * 5_000,
]


def interval(mean: float, reach: float) -> Interval:
    return Interval(mean, reach / 2, 20.0, mean - reach, mean + reach, 0.5)


def comparison(
    verdict: str = v.HELPS,
    classes: list[str] | None = None,
    turned: int = 6,
    gain: float = 0.026,
    name: str = "relabel-1",
    **more: object,
) -> Comparison:
    """Return a comparison with these classes; each also serves as an id, a slice, a pass, a param and a file."""
    names = classes or ["cat", "dog", "owl"]
    pick = [names[i % len(names)] for i in range(max(turned, len(names)) + 2)]
    rows = pd.DataFrame(
        [(f"{a} {i}", "relabelled", "train", "label", a, b, a) for i, (a, b) in enumerate(pairwise(pick))],
        columns=["id", "kind", "split", "column", "old", "new", "passes"],
    )
    found = pd.DataFrame(
        {
            "id": [f"{name} {i}" for i, name in enumerate(pick[:turned])],
            "flip": ["broken" if i < turned // 3 else "fixed" for i in range(turned)],
            "label": pick[:turned],
            "old": pick[1 : turned + 1],
            "new": pick[:turned],
            "seeds": [-2 if i < turned // 3 else 3 for i in range(turned)],
        }
    )
    sizes = {name: (40 + i, 41 + i) for i, name in enumerate(names)}
    content: dict = {
        "baseline": Revision("main", "a" * 40),
        "candidate": Revision(name, "b" * 40),
        "verdict": verdict,
        "proof": Proof(data=["data/examples/train.csv", *names], fingerprint="8acbac5166e8", params=15, code=7),
        "data": DataDiff(rows, {"train": sizes, "validation": {}, "test": sizes}, (names, [])),
        "seeds": ["seed_0", "seed_1", "seed_2", "seed_3", "seed_4"],
        "examples": 797,
        "units": 797,
        "old": 0.923,
        "new": 0.923 + gain,
        "gain": interval(gain, 0.016),
        "macro_f1": interval(gain, 0.02),
        "classes": [
            Part(n, 25 + 9 * i, 0.9, 0.93, interval(0.03 - i / 50, 0.02), i / 100) for i, n in enumerate(names)
        ],
        "slices": [Part(f"{n} = {n}", 60, 0.9, 0.93, interval(0.03, 0.02), 0.2) for n in names],
        "flips": found,
    }
    return Comparison(**(content | more))


def hostile(**more: object) -> Comparison:
    """Return a comparison in which every text that people or files bring is hostile."""
    lines = [f"param {name}: {name} to {name}" for name in HOSTILE]
    ruler = Ruler(12, [[0.9, 0.91], [0.92, 0.93]], interval(0.02, 0.01), interval(0.02, 0.01))
    return comparison(classes=HOSTILE, turned=40, name="<b>@org/x|y", warnings=lines, ruler=ruler, **more)


def not_comparable(names: list[str]) -> Comparison:
    """Return a comparison that was refused before anything was scored."""
    why = [f"the model changed: param {name}: 1 to 2" for name in names]
    proof = Proof(why, fingerprint="8acbac5166e8", params=15, code=7)
    known, mend = comparison(), ["Run `dvc repro` on main."]
    return Comparison(known.baseline, known.candidate, v.NOT_COMPARABLE, proof, known.data, why, mend)


class Page(HTMLParser):
    """What a browser would make of a page, as far as safety goes: its elements and the attributes of each."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def rendered(source: str) -> str:
    """Return Markdown as HTML, by the rules that GitHub adds to CommonMark."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source)


def markdown(some: list[Comparison], tag: str = "") -> str:
    return comment_form.markdown(comparisons(some), tag)


def html(some: list[Comparison], pictures: dict[str, str]) -> str:
    return page_form.html(comparisons(some), pictures)


def pictured(some: list[Comparison]) -> list[str]:
    return page_form.pictured(comparisons(some))


def visible(source: str) -> str:
    return source.split("\n", 1)[0]


def test_the_first_line_is_the_verdict_and_what_to_do():
    assert visible(markdown([comparison()])) == (
        "### ✅ helps: +2.60 [+1.00, +4.20] points of accuracy. Merge if the 7 relabelled rows read right."
    )
    hurts = comparison(
        v.HURTS, gain=-0.03, ruler=Ruler(4, [[0.9, 0.91], [0.92, 0.93]], interval(0.02, 0.01), interval(0.02, 0.01))
    )
    assert "hurts" in visible(markdown([hurts])) and "look at the 2 broken test examples" in visible(markdown([hurts]))
    assert "Read the 4 changed test labels first." in advice(hurts)
    refused = markdown([not_comparable(["lr"])])
    assert "not comparable: the model changed: param lr: 1 to 2. Run <code>dvc repro</code>" in visible(refused)
    alike = markdown([comparison(v.NO_DIFFERENCE, gain=0.001)])
    assert "A gain under 2.36 points would not show" in alike and "right for their own sake" in visible(alike)


def test_a_tag_comes_before_the_verdict_and_cannot_leave_its_comment():
    assert markdown([comparison()], "data").startswith("<!-- data-experiment:v1:data -->\n### ✅ helps")
    assert visible(markdown([comparison()], "a --> <b>")) == "<!-- data-experiment:v1:a------b- -->"


def test_every_folded_section_has_its_number_in_the_summary():
    page = rendered(
        markdown([comparison(ruler=Ruler(4, [[0.9, 0.91], [0.92, 0.93]], interval(0.02, 0.01), interval(0.02, 0.01)))])
    )
    summaries = re.findall("<summary>(.*?)</summary>", page)
    assert len(summaries) == 6 and all(re.search(r"\d", summary) for summary in summaries)
    (turned,) = [summary for summary in summaries if summary.startswith("Test examples whose answer turned")]
    assert "2 fixed" not in turned and "4 fixed, 2 broken" in turned
    assert page.count("<table>") == page.count("</table>") >= 6


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_in_its_cell(name):
    page = Page(rendered(f"| a | b | c |\n|---|---|---|\n| 1 | {code(name)} | 3 |\n\nafter {text(name)}\n"))
    tags = [tag for tag, _ in page.found]
    assert tags == ["table", "thead", "tr", "th", "th", "th", "tbody", "tr", "td", "td", "code", "td", "p"]
    assert [t for t in page.texts if t.strip()][3] == "1" and [t for t in page.texts if t.strip()][-2] == "3"
    shown = "".join(page.texts)
    assert not re.search(r"@(?!\u200b)|#(?!\u200b)|GH-\d|www\.|\S@\w", shown)


@pytest.mark.parametrize("make", [hostile, lambda: not_comparable(HOSTILE)])
def test_hostile_names_change_nothing_in_the_comment(make):
    comment = markdown([make()])
    page = Page(rendered(comment))
    allowed = "h3 p table thead tbody tr th td code ul li strong details summary"
    assert {tag for tag, _ in page.found} <= {*allowed.split(" ")}
    assert not re.search(r"@(?!\u200b)|#(?!\u200b|#)", "".join(page.texts))
    opened = [tag for tag, _ in page.found]
    assert opened.count("details") == comment.count("\n</details>") == comment.count("<details>\n")


def large(characters: int, turned: int) -> list[Comparison]:
    """Return 14 comparisons of 40 classes with long names and many flips."""
    names = [f"{sign * characters}{i}" for i in range(10) for sign in ("x", "|", "漢", "<")]
    one = comparison(classes=names, turned=turned, warnings=["w" * 10_000] * 500)
    return [replace(one, candidate=Revision(f"{i}", None)) for i in range(14)]


@pytest.mark.parametrize(("characters", "turned"), [(30, 5_000), (10_000, 60)])
def test_the_reports_stay_small_whatever_the_data(characters, turned):
    many = large(characters, turned)
    for some in (many[:1], many[:3], many, [not_comparable([part.name for part in many[0].classes])]):
        comment = markdown(some)
        assert len(comment) < 60_000 and len(comment.encode()) < 200_000
        assert "… and " in comment or len(some[0].why)
    for some in (many[:1], many):
        page = html(some, dict.fromkeys(pictured(some), "data:image/png;base64," + "A" * 30_000))
        assert len(page.encode()) < 1 << 20
        assert "… and " in page


def slices_of(number: int) -> list[Part]:
    """Return gains on that many slices."""
    return [Part(f"column {i // 20} = {i % 20}", 60, 0.9, 0.93, interval(0.03, 0.02), 0.2) for i in range(number)]


MANY = [f"class {i:04}" for i in range(1_000)]
LONG = {  # what grows with the data, what each form says of its number, and how many rows the JSON leaves out
    "60,000 changed rows": (lambda: changed(60_000), "60,001 relabelled", 50_001),
    "1,000 classes": (lambda: comparisons([comparison(classes=MANY)]), "of 1,000 significant", 0),
    "1,000 classes with errors": (
        lambda: errors_view.errors(found_errors(MANY), next_of("class = cat")),
        r"… and 9\d\d more",
        0,
    ),
    "2,000 slices": (lambda: comparisons([comparison(slices=slices_of(2_000))]), "of 2,000 significant", 0),
    "30,000 turned examples": (lambda: comparisons([comparison(turned=30_000)]), "20,000 fixed", 40_001),
    "30,000 wrong answers": (
        lambda: errors_view.errors_of("all", wrong_answers([f"x{i}" for i in range(30_000)]), 5),
        "30,000 test examples of .+ and 29,[89]\\d\\d more",
        20_000,
    ),
    "200 passes": (lambda: data_view.ledger([ledger_row(f"p{i:03}") for i in range(300)]), "300 passes", 0),
    "1,000 renamed classes": (
        lambda: changed(3, renamed=dict(zip(MANY, MANY[::-1], strict=True))),
        r"… and [89]\d\d more",
        0,
    ),
    "30,000 test examples that are gone": (
        lambda: comparisons([comparison(excluded={"only in the baseline's test set": ["x"] * 30_000})]),
        "30,000 test examples only in the baseline.s test set were left out",
        20_000,
    ),
    "2,000 params that changed": (lambda: comparisons([not_comparable(MANY * 2)]), r"… and 1,[89]\d\d more", 0),
}


def changed(rows: int, **more: object) -> Report:
    """Return the report of `diff` on so many changed rows."""
    one = comparison(turned=rows)
    return data_view.changes(replace(one.data, **more), one.baseline, one.candidate, [])


@pytest.mark.parametrize(("make", "said", "left"), LONG.values(), ids=LONG)
def test_every_form_stays_small_and_says_how_much_more_there_is(make, said, left):
    report = make()
    shown = forms(report)
    for form, seen in shown.items():
        assert form == "JSON" or re.search(said, seen), form
    assert sum(map(int, re.findall(r'_left_out": (\d+)', shown["JSON"]))) == left
    assert len(shown["terminal"]) < 30_000 and len(shown["JSON"]) < 8 << 20
    assert len(comment_form.markdown(report)) < 60_000 and len(page_form.html(report).encode()) < 1 << 20


def test_several_candidates_are_a_table_by_gain():
    some = [comparison(v.NO_DIFFERENCE, gain=0.004, name="b"), comparison(gain=0.05, name="a"), not_comparable(["lr"])]
    comment = markdown(some)
    assert visible(comment).startswith("### ✅ 1 of 3 candidates help")
    table = comment.split("\n\n")[2].splitlines()[2:]
    assert [re.findall(r"<code>([^ <]*)", line)[0] for line in table] == ["a", "b", "relabel-1"]
    assert "none of 2 candidates helps" in visible(markdown([some[0], some[2]]))


def ledger_row(name: str, **more: object) -> dict:
    known = {"name": name, "edits": {"relabel": 3}, "by": {name: 3}, "commit": None, "date": None}
    return known | dict.fromkeys(["gain", "low", "high", "metric", "verdict", "of"]) | more


def found_errors(names: list[str]) -> Errors:
    groups = pd.DataFrame({"name": names, "examples": 40, "errors": 4.0, "share": 0.5, "accuracy": 0.9, "rise": 0.01})
    pairs = groups.assign(label=names, predicted=names[::-1]).drop(columns=["name", "accuracy"])
    return Errors(80, 5, 0.9, groups.assign(p=0.5), groups.assign(p=0.5), pairs, 0.1, Metric(), Metric())


def next_of(name: str) -> Advice:
    """Return two steps of which one is about a group of this name."""
    command = f"datapass errors --of {shlex.quote(name)}"
    return Advice(
        [
            Step("Review suspects", "", 0.01, 0.02, "audit", "7 look wrong", 9, 10, 90, "datapass review"),
            Step("Collect more", name, 0.0, 0.01, "curve", "assumed", 9, 10, 270, command, "it is so"),
        ],
        [f"Model: {name}."],
    )


def wrong_answers(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"id": names, "label": names, "predicted": names[::-1], "wrong": 3})


ONE = comparison(
    ruler=Ruler(4, [[0.9, 0.91], [0.92, 0.93]], interval(0.02, 0.01), interval(0.02, 0.01)),
    excluded={"with another input": ["x"]},
    warnings=["3 different data revisions were scored on this test set."],
)
REPORTS = {
    "compare": comparisons([ONE], {"relabel-1": found_errors(["cat", "dog"])}),
    "diff": data_view.changes(ONE.data, ONE.baseline, ONE.candidate, ["note: main: stale"]),
    "passes": data_view.ledger(
        [ledger_row("p001-cats", gain=0.01, low=-0.01, high=0.03, metric=Metric(), verdict=v.HELPS)]
    ),
    "errors": errors_view.errors(found_errors(["cat", "dog"]), next_of("class = cat")),
}


def forms(report: Report) -> dict[str, str]:
    """Return what each form of a report shows."""
    console = Console(width=400, record=True, file=io.StringIO())
    show(report, console)
    page = page_form.html(report)
    shown = {
        "terminal": console.export_text(),
        "Markdown": " ".join(Page(rendered(comment_form.markdown(report))).texts).replace("\u200b", ""),
        "HTML": " ".join(Page(page[page.index("<main>") :]).texts),
        "JSON": json.dumps(record(report), ensure_ascii=False, allow_nan=False),
    }
    return {form: re.sub(r"[\s`]+", " ", text) for form, text in shown.items()}


def loose(shown: str) -> str:
    """Return a text without what a form may set differently: white space and the marks of code."""
    return re.sub(r"[\s`]", "", shown)


@pytest.mark.parametrize("report", [pytest.param(REPORTS[verb], id=verb) for verb in ("compare", "diff", "errors")])
def test_every_form_says_the_same(report):
    shown = forms(report)
    for form, seen in shown.items():
        told = [section for section in report.sections if form != "terminal" or not section.short]
        blocks = [block for section in told for block in section.blocks]
        cells = {cell for block in blocks if isinstance(block, Table) for row in block.rows for cell in row if cell}
        said = {sentence for block in blocks if isinstance(block, Lines) for sentence in block.sentences}
        assert len(cells) > 5 and said
        assert [cell for cell in cells if cell not in seen] == [], form
        assert [each for each in said if loose(each) not in loose(seen)] == []
        assert all(loose(section.title) in loose(seen) for section in report.sections if section.short), (
            "its number at least"
        )


@pytest.mark.parametrize("names", [pytest.param(HOSTILE, id="hostile"), pytest.param(["cat", "dog"], id="plain")])
def test_other_verbs_take_any_name_in_every_form(names):
    one = comparison(classes=names, turned=40)
    for report in (
        data_view.changes(one.data, one.baseline, one.candidate, names),
        data_view.ledger([ledger_row(name) for name in names]),
        data_view.ledger([]),
        *(errors_view.errors(found_errors(names), next_of(name)) for name in names),
        *(errors_view.errors_of(name, wrong_answers(names), 5) for name in names),
    ):
        comment, page = comment_form.markdown(report), Page(page_form.html(report))
        assert not re.search(r"@(?!\u200b)|#(?!\u200b|#)", "".join(Page(rendered(comment)).texts))
        assert not {tag for tag, _ in page.found} & {"script", "iframe", "img", "b", "a"}
        assert len(comment) < 60_000 and "\x07" not in forms(report)["terminal"]


def test_the_proof_tells_machinery_and_environment_in_every_form():
    files = [f"code src/datapass/report/{name}.py: changed" for name in ("html", "words")]
    proof = Proof(
        machinery=files,
        neutral=True,
        environment=["torch 2.13.0 → 2.13.1"],
        fingerprint="8acbac5166e8",
        params=15,
        code=7,
    )
    for seen in forms(comparisons([comparison(proof=proof)])).values():
        assert "The machinery differs outside the training core: 2 files (src/datapass/report/html.py, " in seen
        assert "proven neutral: the same data and params gave the same weights" in seen
        assert "torch 2.13.0 → 2.13.1. So the seeds are taken as unpaired" in seen
        assert "15 params and 7 code paths are the same" in seen


@pytest.mark.parametrize(
    ("forms", "file", "said"),
    [
        pytest.param((".md", ".html", ".json"), "c.csv", r"\.md, \.html, \.json", id="a form that the verb has not"),
        pytest.param((".md", ".csv"), "c.pdf", r"\.md, \.csv", id="an unknown suffix"),
        pytest.param((".md",), "report", r"c/report|report", id="no suffix"),
    ],
)
def test_a_form_that_there_is_not_is_refused_by_name(forms, file, said):
    with pytest.raises(Refusal, match=said):
        check([Path("fine.md"), Path(file)], *forms)
    assert check([Path("fine.MD")], *forms) == [Path("fine.MD")] and check(None, *forms) == []


def test_files_of_data_hold_every_row_and_no_formula(tmp_path):
    names = [f"=cmd{i}" for i in range(300)]
    one = comparison(classes=names)
    files = [tmp_path / name for name in ("d.csv", "p.csv", "d.json", "d.md", "d.html")]
    report = data_view.changes(one.data, one.baseline, one.candidate, [])
    write(report, [file for file in files if file.stem == "d"])
    write(data_view.ledger([ledger_row("p001-cats", by={"=cmd": 1})]), files[1:2])
    lines = files[0].read_text().splitlines()
    assert lines[0] == "id,kind,split,column,old,new,passes" and len(lines) == len(one.data.rows) + 1 == 302
    assert all(line.startswith("'=cmd") for line in lines[1:])
    assert files[1].read_text().splitlines()[1].startswith("p001-cats,3 relabel,'=cmd,")
    assert len(json.loads(files[2].read_text())["rows"]) == 301
    assert "more" in files[3].read_text() and "more" in files[4].read_text()


def test_too_few_seeds_call_no_class_significant():
    part = Part("cat", 100, 0.5, 0.9, interval(0.4, 0.1), 1e-9)
    comment = markdown([comparison(v.NOT_COMPARABLE, classes=None, why=["1 seed"], slices=[part])])
    assert "By slice: 0 of 1 significant" in comment


@pytest.mark.parametrize(
    "some",
    [[comparison()], [hostile()], [not_comparable(HOSTILE)], [comparison(), hostile(), not_comparable(["lr"])]],
)
def test_the_page_needs_nothing_else_and_hostile_names_stay_text(some):
    uri = "data:image/png;base64,AAAA"
    page = Page(html(some, dict.fromkeys(pictured(some), uri)))
    tags = {tag for tag, _ in page.found}
    assert not tags & {"script", "iframe", "object", "link", "base", "form", "b"}
    for tag, attributes in page.found:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", uri)), (tag, attributes)
        assert tag != "img" or attributes["alt"]
        assert tag != "svg" or attributes["aria-label"]
    assert [tag for tag, _ in page.found].count("h1") == 1


def test_the_same_result_gives_the_same_bytes():
    for make in (comparison, hostile):
        assert markdown([make()]) == markdown([make()])
        assert html([make()], {}) == html([make()], {})


def test_a_chart_takes_names_as_they_are():
    rows = [charts.Row(name, interval(0.01, 0.02)) for name in ["$x$", "a_b^c", "\\frac", "漢" * 30, ""]]
    drawn = charts.forest([charts.Row("<i>heading</i>"), *rows], 'a "title" <b>')
    assert ">$x$<" in drawn and ">a_b^c<" in drawn and "<i>" not in drawn and "<b>" not in drawn
    assert ">" + "漢" * 5 + "…" + "漢" * 3 + "<" in drawn
    assert charts.fitted("a class with a long name, 17") == "a class wi…ame, 17"
    assert "var(--ink)" in drawn and "#0" not in drawn.replace("url(#", "").replace('href="#', "")


def test_a_chart_stands_gains_without_an_interval_and_far_ones():
    nothing = Interval(0.0, float("nan"), 0.0, float("nan"), float("nan"), float("nan"))
    far = charts.Row("far", interval(0.5, 0.5), small=True)
    drawn = charts.forest([charts.Row("none", nothing), charts.Row("zero", interval(0, 0)), far], "t")
    assert "nan" not in drawn.lower() and drawn.endswith("</svg>\n")


def test_thumbnails_are_of_the_very_inputs_that_were_scored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    digests = [hashlib.sha256(image.tobytes()).hexdigest()[:16] for image in images]
    lines = ["id,label,given_label,weight,row,input,passes", f"a,1,1,1,0,{digests[0]},", f"b,1,1,1,1,{digests[0]},"]
    lines += [f"c,1,1,1,99,{digests[0]},", f"d,1,1,1,x,{digests[0]},"]
    revision = Revision("r", "c" * 40, {"dvc.yaml": b"", "data/examples/test.csv": "\n".join(lines).encode()})
    assert thumbnails(revision, ["a"]) == {}
    Path("data/inputs").mkdir(parents=True)
    np.save("data/inputs/arrays.npy", images)
    found = thumbnails(revision, ["a", "b", "c", "d", "e"])
    assert list(found) == ["a"]
    with Image.open(io.BytesIO(base64.b64decode(found["a"].partition(",")[2]))) as picture:
        assert picture.size == (SIDE, SIDE)
        assert (np.asarray(picture)[::12, ::12] == images[0, :, :, 0]).all()


def test_large_colour_pictures_get_small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (1, 200, 300, 3), dtype=np.uint8)
    digest = hashlib.sha256(images[0].tobytes()).hexdigest()[:16]
    table = f"id,label,given_label,weight,row,input,passes\na,1,1,1,0,{digest},\n".encode()
    Path("data/inputs").mkdir(parents=True)
    np.save("data/inputs/arrays.npy", images)
    (uri,) = thumbnails(Revision("r", "c" * 40, {"dvc.yaml": b"", "data/examples/test.csv": table}), ["a"]).values()
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        assert picture.size == (96, 64)
    assert len(uri) < 12_000


def test_the_comment_imports_no_more_than_it_needs():
    known = "import sys, datapass.report.markdown, datapass.report.comparison_view, datapass.comparison.verdict"
    code = f"{known}; sys.exit(bool(sys.modules.keys() & set(('matplotlib', 'torch', 'jinja2', 'PIL'))))"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}, check=False).returncode == 0


def test_turned_examples_are_shown_by_a_line_and_do_nothing():
    """The beginning of a text, or some values: shown in both forms, longer than a name, whatever they hold."""
    one = hostile()
    assert one.flips is not None
    said = [f"{HOSTILE[n % len(HOSTILE)]} {'long ' * 12}{n}" for n in range(len(one.flips))]
    report = comparisons([one], None, {one.candidate.name: dict(zip(one.flips["id"], said, strict=True))})
    comment, page = comment_form.markdown(report), Page(page_form.html(report, {}))
    assert "| example |" in comment and f"{'long ' * 12}0" in comment and f"{'long ' * 12}0" in "".join(page.texts)
    assert not re.search(r"@(?!\u200b)|#(?!\u200b|#)", "".join(Page(rendered(comment)).texts))
    assert not {tag for tag, _ in page.found} & {"script", "iframe", "img", "b"}
    assert "Without pictures" not in "".join(page.texts), "nobody misses them"
    assert "Without pictures" in page_form.html(comparisons([one]), {})
    some = comparisons([one], None, {one.candidate.name: {one.flips["id"].iloc[0]: "only this"}})
    assert "| <code>only this</code> |" in comment_form.markdown(
        some
    ) and "| <code>–</code> |" in comment_form.markdown(some)


def test_lines_of_turned_examples_leave_the_reports_small():
    (one,) = large(30, 5_000)[:1]
    lines = dict.fromkeys(one.flips["id"], "漢" * 1_000)
    report = comparisons([one], None, {one.candidate.name: lines})
    comment = comment_form.markdown(report)
    assert len(comment) < 60_000 and len(comment.encode()) < 200_000 and "… and " in comment
    assert len(page_form.html(report, {}).encode()) < 1 << 20


def test_five_candidates_fit_a_terminal_of_100_columns_with_their_names_whole() -> None:
    names = [f"relabel-{part}-after-the-second-look" for part in ("sevens", "nines", "ones", "eights", "threes")]
    out = io.StringIO()
    show(comparisons([comparison(name=name) for name in names]), Console(width=100, file=out, highlight=False))
    printed = out.getvalue().splitlines()
    for name in names:
        rows = [line for line in printed if line.startswith(f"{name} (bbbbbbb)")]
        assert rows and len(rows[0]) <= 100, f"{name} is cut:\n" + "\n".join(printed)
