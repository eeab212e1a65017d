"""Data iterations in Git: branches that meet, sweeps over passes, diffs without the data, and the ledger."""

import json
import shutil
from pathlib import Path

import pytest

from conftest import Project, ran

GENERATED = ("dvc.lock", "params.yaml", "metrics.json", "conf.ok", "reports/", "data/examples/")


def branch(project: Project, name: str, *lines: str) -> None:
    """On a branch from main, add a pass of that name, run it and commit."""
    project.run("git", "checkout", "--quiet", "-b", name, "main")
    project.run("dvc", "checkout", "--quiet")
    project.write_pass(f"p001-{name}", *lines)
    project.repro()
    project.commit(name)


@pytest.fixture(scope="module")
def branches(trained: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two branches, each with a pass of the same number on another example; read only."""
    project = trained.copy(tmp_path_factory.mktemp("branches") / "digits")
    branch(project, "ana", "digit-0055,relabel,0,5,closed loop,ana")
    branch(project, "ben", "digit-0093,relabel,1,8,one stroke,ben")
    return project


@pytest.fixture
def two(branches: Project, tmp_path: Path) -> Project:
    """A copy of the two branches that a test may change."""
    return branches.copy(tmp_path / "digits")


def test_two_branches_with_a_pass_each_meet(two: Project) -> None:
    two.verb("compare", "main", "ana", "--to", "c.json")
    looked = json.loads((two.path / "c.json").read_text(encoding="utf-8"))
    assert looked["looks"] == 3, "the baseline, ana's data and ben's"
    assert looked["all_looks"]["tries"] == 2 and looked["all_looks"]["budget"] is None
    (two.path / "c.json").unlink()
    merged = two.run("git", "merge", "--quiet", "ana", ok=False)
    torn = two.run("git", "diff", "--name-only", "--diff-filter=U").stdout.splitlines()
    assert merged.returncode == 1
    assert torn and all(path.startswith(GENERATED) for path in torn), "only generated files, never a pass"
    two.repro()
    two.commit("Merge")
    passes = json.loads((two.path / "reports" / "data.json").read_text(encoding="utf-8"))["passes"]
    assert [entry["name"] for entry in passes] == ["p001-ana", "p001-ben"]
    printed = two.verb("diff", "main", "HEAD").stdout
    assert "2 relabelled" in printed
    assert "p001-ana, p001-ben" in printed
    ledger = two.verb("passes", "--to", "ledger.json").stdout
    assert "p001-ana" in ledger
    first, second = json.loads((two.path / "ledger.json").read_text(encoding="utf-8"))
    assert first["edits"] == {"relabel": 1}
    assert first["by"] == {"ana": 1}
    assert first["reasons"] == {"closed loop": 1}
    assert first["verdict"] is not None and first["of"].endswith(
        two.run("git", "rev-parse", "--short=7", "main").stdout.strip()
    )
    assert second["commit"] and second["date"]


def test_two_branches_that_edit_the_same_example(project: Project) -> None:
    branch(project, "ana", "digit-0055,relabel,0,5,closed loop,ana")
    branch(project, "ben", "digit-0055,relabel,6,5,open loop,ben")
    project.run("git", "merge", "--quiet", "ana", ok=False)
    before = (project.path / "data" / "examples" / "train.csv").read_bytes()
    said = project.run("dvc", "repro", ok=False).stderr
    assert 'p001-ben.csv:2: id "digit-0055": conflict: this pass wants to relabel "5" to "6"' in said
    assert 'p001-ana made it "0"' in said
    for way in ("set `was` to", "delete this line", "data.passes.without"):
        assert way in said
    assert (project.path / "data" / "examples" / "train.csv").read_bytes() == before
    path = project.path / "data" / "passes" / "p001-ben.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",6,5,", ",6,0,"), encoding="utf-8")
    project.repro()
    assert "1 relabelled" in project.verb("diff", "main").stdout


def test_augmentation_is_compared_like_a_pass(project: Project) -> None:
    stages = ran(project.run("dvc", "exp", "run", "-n", "mild", "-S", "data/augment=mild").stdout)
    assert stages == ["freeze", "train", "evaluate", "audit"]
    project.verb("compare", "main", "mild", "--to", "c.json")
    found = json.loads((project.path / "c.json").read_text(encoding="utf-8"))
    assert found["proof"]["model"] == [] and found["proof"]["data"] == ["data.augment", "models"]
    assert found["data"]["augmentation"] == ["none", "mild (shift 1, rotate 10, scale 0.1, flip false)"]
    assert found["looks"] == 2, "another augmentation is another data revision"
    assert "other augmentation" in project.verb("diff", "main", "mild").stdout
    project.run("git", "reset", "--quiet", "--hard")
    project.run("dvc", "checkout", "--quiet")
    before = (project.path / "params.yaml").read_bytes()

    def edit(file: str, old: str, new: str) -> None:
        path = project.path / file
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    edit("dvc.yaml", "data.inputs, data.augment", "data.inputs")
    edit("conf/data/images.yaml", "augment: none", "augment: mild")
    said = project.run("dvc", "repro", ok=False).stderr
    assert "dvc.yaml: stage train uses data.augment without declaring it" in said
    assert (project.path / "params.yaml").read_bytes() == before
    project.run("git", "checkout", "--quiet", "dvc.yaml")
    assert project.repro() == ["freeze"], "its results are known from the experiment"
    assert "none → mild (shift 1" in project.verb("compare", "main", "workspace").stdout


def test_all_iterations_in_one_sweep(two: Project) -> None:
    two.run("git", "merge", "--quiet", "ana", ok=False)
    two.repro()
    two.commit("Merge")
    sweep = [
        "dvc",
        "exp",
        "run",
        "--queue",
        "-S",
        "data.passes.until=p000,p001-ana,p001",
        "--name",
        "until",
        "evaluate",
    ]
    two.run(*sweep)
    two.run("dvc", "exp", "run", "--run-all")
    printed = two.verb("compare", "main", "--experiments", ok=False)
    assert printed.returncode == 2, "they were run on HEAD, not on main"
    printed = two.verb("compare", "HEAD", "--experiments").stdout
    assert "1 relabelled" in printed
    assert "2 relabelled" in printed
    assert "no example changed" in printed


def test_leaving_a_pass_out(two: Project) -> None:
    two.run("git", "merge", "--quiet", "ana", ok=False)
    two.repro()
    two.commit("Merge")
    two.run("dvc", "exp", "run", "-n", "without-ana", "-S", "data.passes.without=[p001-ana]", "evaluate")
    two.verb("diff", "ben~1", "without-ana", "--to", "d.json")
    assert json.loads((two.path / "d.json").read_text(encoding="utf-8"))["rows"] == []


def test_a_diff_needs_neither_cache_nor_checkout(story: Project, tmp_path: Path) -> None:
    story.run("git", "clone", "--quiet", "--no-checkout", str(story.path), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("git", "checkout", "--quiet", "origin/main", "--", "src", "dvc.yaml")
    clone.verb("diff", "origin/main", "origin/relabel-1", "--to", "d.csv", "--to", "d.md")
    lines = (clone.path / "d.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,kind,split,column,old,new,passes"
    assert len(lines) == 61
    assert lines[1].endswith(",p001-review")
    assert "| <code>digit-" in (clone.path / "d.md").read_text(encoding="utf-8")


def test_tables_that_only_dvc_holds(project: Project, tmp_path: Path) -> None:
    path = project.path / "dvc.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("csv: {cache: false, persist: true}", "csv: {persist: true}"),
        encoding="utf-8",
    )
    project.run("git", "rm", "-r", "--quiet", "--cached", "data/examples")
    project.repro()
    project.commit("DVC keeps the tables")
    project.write_pass("p001-ana", "digit-0136,relabel,6,4,closed loop,ana")
    project.repro()
    project.commit("A pass")
    assert "1 relabelled" in project.verb("diff", "HEAD~1", "HEAD").stdout
    assert "1 relabelled" in project.verb("compare", "HEAD~1", "HEAD").stdout
    shutil.rmtree(project.path / ".dvc" / "cache")
    printed = project.verb("diff", "HEAD~1", "HEAD").stdout
    assert "neither Git nor DVC's cache nor a remote here has data/examples/train.csv" in printed
    assert "sets whose tables are equal: validation, test" in printed
    assert "p001-ana" in printed
    assert "4 94 → 93 18 75" in " ".join(printed.split()), "the counts are told"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["diff", "mian"], 'did you mean "main"?'),
        (["compare", "main", "relabel-9"], '"relabel-9" is no Git revision, tag, branch or experiment here'),
        (["compare", "main"], "Name at least one candidate"),
        (["compare", "--help-me"], "No such option"),
        (["compare", "main", "-x"], "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refused_names(story: Project, arguments: list[str], said: str) -> None:
    done = story.verb(*arguments, ok=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_from_the_example_to_own_data(project: Project) -> None:
    """The steps of docs/own-data.md; DVC keeps the deleted stage in dvc.lock, and the verdict must not stumble over it."""
    mine = project.path.parent / "mine"
    shutil.copytree(project.path / "data" / "raw", mine)
    (mine / "notes.txt").write_text("mine")
    text = (project.path / "dvc.yaml").read_text(encoding="utf-8")
    shutil.copytree(mine, project.path / "data" / "raw", dirs_exist_ok=True)
    refused = project.run("dvc", "repro", "--force", "example", ok=False)
    assert "delete the stage `example` from dvc.yaml" in refused.stderr
    assert (project.path / "data" / "raw" / "notes.txt").exists(), "nothing of the user's is lost"
    start, end = text.index("  example:"), text.index("  pack:")
    (project.path / "dvc.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    project.run("dvc", "add", "--quiet", "data/raw")
    project.repro()
    project.commit("My data")
    project.write_pass("p001-one", "digit-0136,relabel,6,4,closed loop,ana")
    project.repro()
    project.commit("One label")
    printed = project.verb("compare", "HEAD~1", "HEAD").stdout
    assert "stale" not in printed
    assert "1 relabelled" in printed
    labels = project.path / "data" / "raw" / "labels.csv"
    delivered = labels.read_text(encoding="utf-8")
    assert "stale" not in project.verb("compare", "HEAD", "workspace").stdout
    labels.write_text(delivered.replace("digit-0136,4,", "digit-0136,6,"), encoding="utf-8")
    printed = project.verb("compare", "HEAD", "workspace").stdout
    assert "the results of workspace are stale: data/raw is not what stage pack last ran with" in printed
    # Labels in Git beside images in DVC; line ends as Windows makes them, and one inside a cell.
    project.run("dvc", "remove", "data/raw.dvc")
    ignore = project.path / ".gitignore"
    ignore.write_text(ignore.read_text(encoding="utf-8").replace("/data/raw\n", ""), encoding="utf-8")
    project.run("dvc", "add", "--quiet", "data/raw/images")
    lines = delivered.replace(",thin", ',"thin\r\nstroke"').splitlines(keepends=True)
    labels.write_bytes("".join(lines).encode())
    for name in ("data/label_book.md", "conf/trainer/cpu.yaml", "data/passes/p001-one.csv"):
        path = project.path / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    project.repro()
    project.commit("Labels in Git")
    project.run("git", "commit", "--quiet", "--allow-empty", "-m", "Nothing")
    assert project.verb("compare", "HEAD~1", "HEAD").stdout.startswith("no detectable difference")
    labels.write_bytes(labels.read_bytes().replace(b"digit-0136,4,", b"digit-0136,6,"))
    project.commit("Forgot dvc repro")
    printed = project.verb("compare", "HEAD~1", "HEAD").stdout
    assert "the results of HEAD are stale: data/raw is not what stage pack last ran with" in printed
    shutil.rmtree(project.path / ".dvc" / "cache")
    printed = project.verb("compare", "HEAD~1", "HEAD").stdout
    assert "data/raw of HEAD is not checked: DVC holds a part of it" in printed


@pytest.mark.parametrize("verb", ["compare", "diff", "passes", "errors"])
def test_verbs_outside_a_project(project: Project, tmp_path: Path, verb: str) -> None:
    arguments = ["main", "main"][: {"compare": 2, "diff": 1}.get(verb, 0)]
    source = str(project.path / "src")
    done = project.run(
        "sh", "-c", f"cd {tmp_path} && PYTHONPATH={source} python -m datapass {verb} {' '.join(arguments)}", ok=False
    )
    assert done.returncode == 2
    assert done.stderr == "There is no dvc.yaml here; run this in the project's folder.\n"


def test_a_revision_without_results(project: Project) -> None:
    project.run("git", "checkout", "--quiet", "--orphan", "empty")
    project.run("git", "rm", "-r", "--quiet", "--cached", "metrics.json")
    project.run("git", "commit", "--quiet", "-m", "No metrics")
    shutil.rmtree(project.path / ".dvc" / "cache" / "files")  # which has what dvc.lock names, whoever tracks it
    done = project.verb("compare", "main", "empty", ok=False)
    assert done.returncode == 2
    assert "neither Git nor DVC's cache nor a remote here has metrics.json" in done.stderr


def test_a_budget_of_looks_is_the_baselines(two: Project) -> None:
    """Declared it trains nothing; a candidate that declares more does not loosen it."""

    def declare(old: str, new: str) -> None:
        path = two.path / "conf" / "config.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace(f"looks: {old} ", f"looks: {new} "), encoding="utf-8")

    two.run("git", "checkout", "--quiet", "main")
    two.run("dvc", "checkout", "--quiet")
    declare("null", "5")
    assert two.repro("audit") == ["freeze"]
    two.commit("Five looks")
    two.write_pass("p001-eve", "digit-0102,drop,,,,eve")
    declare("5", "50")
    two.repro()
    two.verb("compare", "main", "workspace", "ana", "--within", "50", "--to", "c.json")
    eve, ana = sorted(
        json.loads((two.path / "c.json").read_text(encoding="utf-8")), key=lambda c: c["candidate"]["name"]
    )[::-1]
    for found, other in ((eve, 50), (ana, None)):
        looks = found["all_looks"]
        assert (looks["tries"], looks["budget"], looks["ignored"]) == (3, 5, other)
        assert looks["p"] == pytest.approx(min(1, 5 * max(reading["p"] for reading in found["readings"])))
        assert found["within"] == {"margin": 0.5, "shown": True}
    said = two.verb("compare", "main", "workspace").stdout
    assert "number 3 of 5 that the baseline declares; 50 in the candidate's counts once it is the baseline" in said
    assert "test examples" in two.verb("plan", "--gain", "5", "main").stdout
    assert "--within 0: give a number above 0" in two.verb("compare", "main", "ana", "--within", "0", ok=False).stderr
