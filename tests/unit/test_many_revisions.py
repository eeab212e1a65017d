"""Many revisions in a real repository: each is read once, whatever is asked, and the baseline is not read again for each."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from hashlib import md5
from operator import itemgetter
from pathlib import Path
from unittest import mock

import pytest
import yaml
from test_gains import new
from test_verdict import Made, examples

from conftest import IDENTITY
from datapass.comparison import history, objects
from datapass.comparison.compared import compare_all
from datapass.comparison.experiments import experiments_on, matching
from datapass.comparison.objects import trees
from datapass.comparison.revisions import Revision, git, load_all, resolve
from datapass.comparison.stale import digest_of
from datapass.decisions.gains import gains
from datapass.decisions.worth import measure
from datapass.messages.problems import Refusal
from datapass.report import gains_view
from datapass.report.markdown import markdown

Files = dict[str, bytes | None]


def files_of(made: Made) -> Files:
    return {path: content for path, content in made.revision().contents.items() if content is not None}


def hashed(content: bytes) -> str:
    """Return DVC's hash of a file."""
    return md5(content, usedforsecurity=False).hexdigest()


def keep(folder: Path, content: bytes) -> Path:
    """Put a file into the cache of DVC in a folder, and return its place there."""
    digest = hashed(content)
    path = folder / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def one(number: int) -> Made:
    """Return a result whose training labels, test labels and answers are no other's."""
    made = new(f"exp-{number:02}", 0.80 + 0.003 * number, first=number)
    for table, place in ((made.train, number), (made.test, number)):
        table.loc[place, "label"] = "cat" if table.loc[place, "label"] == "dog" else "dog"
    made.answers["label"] = made.test["label"]
    made.passes = ["p001-fix"]
    return made


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Return a function that commits a baseline on main, and experiments on it as DVC keeps them."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)

    def make(number: int) -> Path:
        folder = tmp_path / f"of {number}" / "projekt ä"  # a project in a folder of its repository
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        git("init", "--quiet", "-b", "main", "..")
        commit("refs/heads/main", files_of(new("main")))
        base = git("rev-parse", "main").decode().strip()
        for place in range(number):
            commit(f"refs/exps/{base[:2]}/{base[2:]}/exp-{place:02}", files_of(one(place)), base)
        git("symbolic-ref", "HEAD", "refs/heads/main")
        return folder

    return make


def commit(reference: str, files: Files, parent: str = "", **submodules: str) -> None:
    """Commit files of the project without a checkout; None deletes one. Submodules of `src` are commits elsewhere."""
    parts = [f"commit {reference}\ncommitter T <t@example.com> 1700000000 +0000\ndata 1\nx\n".encode()]
    parts += [f"from {parent}\n".encode()] if parent else []
    for path, content in files.items():
        where = f'"projekt ä/{path}"'
        if content is None:
            parts.append(f"D {where}\n".encode())
        else:
            parts.append(f"M 100644 inline {where}\ndata {len(content)}\n".encode() + content + b"\n")
    parts += [f'M 160000 {there} "projekt ä/src/{name}"\n'.encode() for name, there in submodules.items()]
    git("fast-import", "--quiet", "--force", stdin=b"".join(parts))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Count the processes of Git, the contents that it is asked for, and the tables that are parsed."""
    found = dict.fromkeys(("processes", "contents", "tables"), 0)
    run, read, blobs = subprocess.run, objects.read_text, objects.blobs

    def counting(name: str, inner: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **more: object) -> object:
            found[name] += len(arguments[0]) if name == "contents" else 1  # type: ignore[arg-type]
            return inner(*arguments, **more)

        return call

    monkeypatch.setattr(subprocess, "run", counting("processes", run))
    monkeypatch.setattr(objects, "read_text", counting("tables", read))
    monkeypatch.setattr(objects, "blobs", counting("contents", blobs))
    return found


ASKED: dict[str, Callable[[Revision], object]] = {
    "gains": gains,
    "compare": lambda main: compare_all(main, resolve(experiments_on(main), main.commit)),
    "worth": lambda main: measure(main, *resolve(["exp-00"], main.commit)),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_revision_more_is_one_reading_of_what_it_alone_holds(
    repository: Callable[[int], Path], counted: dict[str, int], asked: str
) -> None:
    """It has training and test examples, answers and a dvc.lock of its own; `compare` asks Git what each name means besides."""
    costs = []
    for number in (4, 12):
        repository(number)
        (main,) = resolve(["main"])
        counted.update(dict.fromkeys(counted, 0))
        ASKED[asked](main)
        costs.append(dict(counted))
    more = {what: (costs[1][what] - costs[0][what]) / 8 for what in counted}
    assert (
        more
        == {
            "gains": {"processes": 0, "contents": 4, "tables": 3},
            "compare": {"processes": 1, "contents": 4, "tables": 3},
            "worth": {"processes": 0, "contents": 1, "tables": 0},
        }[asked]
    )


def test_what_is_shared_is_what_each_holds(repository: Callable[[int], Path]) -> None:
    """Files that were added, changed and deleted, with names of any letters, as each revision alone lists them."""
    repository(3)
    base = git("rev-parse", "main").decode().strip()
    commit("refs/heads/other", {"metrics.json": None, "nöw/a\tb.csv": b"x\n", "params.yaml": b"{}\n"}, base)
    commits = git("for-each-ref", "--format=%(objectname)").decode().split()
    alone = [trees([one])[0] for one in commits]
    assert trees(commits) == alone and trees(commits[::-1]) == alone[::-1] and trees([]) == []
    assert {"nöw/a\tb.csv"} == alone[commits.index(git("rev-parse", "other").decode().strip())].keys() - alone[0].keys()
    found = [Revision(commit[:7], commit) for commit in commits]
    load_all(found, ["params.yaml", "metrics.json", "dvc.lock"])
    for shared in found:
        single = Revision(shared.name, shared.commit)
        assert shared.files == single.files
        for path in ("params.yaml", "metrics.json", "dvc.lock", "data/examples/train.csv", "nowhere"):
            assert shared.read(path) == single.read(path)
        for folder in ("data", "data/examples", "src", "dvc.lock", "da", "nöw"):
            inside = [path for path in shared.files if path == folder or path.startswith(f"{folder}/")]
            assert shared.paths(folder) == sorted(inside)


def test_a_table_that_someone_changes_is_read_as_it_was(repository: Callable[[int], Path]) -> None:
    repository(0)
    (main,) = resolve(["main"])
    first = main.table("data/examples/train.csv")
    first["label"] = "changed"
    first.loc[0, "id"] = "changed"
    assert main.table("data/examples/train.csv").equals(examples("x", 40).astype("str"))


def test_a_result_that_cannot_be_read_leaves_the_others(repository: Callable[[int], Path]) -> None:
    repository(3)
    (main,) = resolve(["main"])
    base = str(main.commit)
    commit(f"refs/exps/{base[:2]}/{base[2:]}/broken", files_of(one(3)) | {"dvc.lock": b"stages: [1"}, base)
    commit(f"refs/exps/{base[:2]}/{base[2:]}/lost", files_of(one(4)) | {"metrics.json": None}, base)
    commit(f"refs/exps/{base[:2]}/{base[2:]}/empty", files_of(one(5)) | {"dvc.lock": None}, base)
    found = gains(main)
    told = {one.name: "; ".join(one.why) for one in found.candidates}
    assert {name for name, why in told.items() if not why} == {"exp-00", "exp-01", "exp-02"}
    assert "broken:dvc.lock is not YAML" in told["broken"] and "has metrics.json" in told["lost"] and len(told) == 5
    assert found.without == 1


def test_looks_are_counted_as_one_after_another(repository: Callable[[int], Path]) -> None:
    repository(5)
    found = resolve([f"exp-{number:02}" for number in range(5)])
    tries = history.Tries()
    assert [history.looks(one, tries) for one in found] == [history.looks(one) for one in found] == [6] * 5


@pytest.mark.parametrize("metrics", ["by Git", "by DVC"])
def test_looks_are_counted_whoever_holds_the_metrics(repository: Callable[[int], Path], metrics: str) -> None:
    """A commit that changed dvc.lock alone, or data without a result of it, is none."""
    repository(0)
    lost: Files = {"metrics.json": None} if metrics == "by DVC" else {}
    for number in range(3):
        made, later = one(number), one(number + 5)
        made.examples = number + 1  # as metrics.json tells
        files, curated = files_of(made), files_of(later)
        again = files | {"dvc.lock": (files["dvc.lock"] or b"").replace(b"cmd: f", b"cmd: g")}
        locks = [yaml.safe_load(side["dvc.lock"] or b"")["stages"] for side in (curated, files)]
        stages = locks[0] | {name: locks[1][name] for name in ("train", "evaluate")}
        halfway = curated | {"dvc.lock": yaml.safe_dump({"stages": stages}).encode()}
        halfway["metrics.json"] = files["metrics.json"]
        for content in (files, again, halfway):
            commit("refs/heads/main", content | lost, "main")
    (main,) = resolve(["main~1"])
    assert history.looks(main) == 4, "the baseline, and three"


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_looks_are_not_counted_where_a_test_table_is_nowhere(
    repository: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """As where DVC's cache was cleaned, or never held what others scored; fewer looks would make a verdict look surer."""
    monkeypatch.setattr("dvc.api.read", mock.Mock(side_effect=FileNotFoundError))
    folder = repository(0)
    made = {"main": files_of(new("main"))}
    for number in range(3):
        result = one(number)
        result.examples = number + 1  # as metrics.json tells
        made[f"exp-{number}"] = files_of(result)
    tables = [files["data/examples/test.csv"] or b"" for files in made.values()]
    for name, files in made.items():
        commit(f"refs/heads/{name}", files | {"data/examples/test.csv": None}, "" if name == "main" else "main")
    for table in [tables[0], *tables[1 + lost :]]:
        keep(folder, table)
    main, last = resolve(["main", "exp-2"])
    (compared,) = compare_all(main, [last])
    assert compared.looks == (None if lost else 4) and (compared.all_looks is None) == bool(lost)
    assert (history.ABSENT in compared.warnings) == bool(lost)
    text = " ".join(markdown(gains_view.gains(gains(main))).replace("<code>", "`").replace("</code>", "`").split())
    assert (history.ABSENT in text) == bool(lost)


@pytest.mark.parametrize("by", ["Git", "DVC"])
def test_a_lock_that_was_broken_once_stops_no_later_comparison(repository: Callable[[int], Path], by: str) -> None:
    """As where the marks of a conflict were committed and taken out in the next commit."""
    folder = repository(0)
    baseline, result = files_of(new("main")), files_of(one(1))
    kept = {} if by == "Git" else {"data/examples/test.csv": None}
    commit("refs/heads/main", baseline | kept, "")
    commit("refs/heads/main", baseline | kept | {"dvc.lock": b"<<<<<<< HEAD\n", "metrics.json": b"{}"}, "main")
    commit("refs/heads/main", baseline | kept, "main")
    commit("refs/heads/cand", result | kept, "main")
    for table in (baseline["data/examples/test.csv"] or b"", result["data/examples/test.csv"] or b""):
        keep(folder, table)
    main, last = resolve(["main", "cand"])
    (compared,) = compare_all(main, [last])
    assert compared.looks == 2


def test_tables_of_git_lfs_are_refused_in_words(repository: Callable[[int], Path]) -> None:
    """Git has a pointer in their place."""
    repository(0)
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 7\n"
    commit("refs/heads/old", files_of(new("main")) | {"data/examples/test.csv": pointer}, "")
    commit("refs/heads/main", files_of(new("main")), "old")
    commit("refs/heads/cand", files_of(one(1)), "main")
    old, main, last = resolve(["old", "main", "cand"])
    with pytest.raises(Refusal, match=r"old.*: of data/examples/test.csv Git has the pointer of Git LFS"):
        old.table(Path("data/examples/test.csv"))
    (compared,) = compare_all(main, [last])
    assert compared.looks is None and history.ABSENT in compared.warnings


def test_a_pattern_names_experiments_branches_and_tags(repository: Callable[[int], Path]) -> None:
    repository(3)
    for kind in ("branch", "tag"):
        git(kind, f"exp-of-{kind}", "main")
    assert matching("exp-0[01]") == ["exp-00", "exp-01"]
    assert matching("exp-*") == ["exp-00", "exp-01", "exp-02", "exp-of-branch", "exp-of-tag"]
    for name in ("exp-00", "main~0", "HEAD^{/x*}", ":/x*", "workspace"):
        assert matching(name) == [name], "no pattern"
    with pytest.raises(Refusal, match=r'"clean-\*" names no experiment, branch or tag'):
        matching("clean-*")


def test_what_has_no_result_in_the_queue_is_named(repository: Callable[[int], Path]) -> None:
    """DVC keeps it as a stash, whose message names the commit that it is run on twice, then the experiment."""
    repository(2)
    (main,) = resolve(["main"])
    commit("refs/heads/other", {"params.yaml": b"{}\n"}, str(main.commit))
    for reference, on, name in (
        ("stash", "main", "waits"),
        ("failed", "main", "fails"),
        ("failed", "main", "exp-01"),  # and ran when it was tried again
        ("stash", "other", "elsewhere"),
    ):
        at = git("rev-parse", on).decode().strip()
        made = git("commit-tree", "-m", name, f"{at}^{{tree}}").decode().strip()
        said = f"commit: dvc-exp:{at}:{at}:{name}"
        git("update-ref", "--create-reflog", "-m", said, f"refs/exps/celery/{reference}", made)
    found = gains(main)
    assert found.queued == {"failed": ["fails"], "not run yet": ["waits"]}
    text = " ".join(markdown(gains_view.gains(found)).replace("<code>", "`").replace("</code>", "`").split())
    assert "In DVC's queue, not run yet: `waits`. `dvc queue start` runs what waits." in text
    assert "In DVC's queue, failed: `fails`. `dvc queue logs NAME` says why." in text
    assert {one.name for one in found.candidates if one.gain} == {"exp-00", "exp-01"}
    with pytest.raises(Refusal, match=r'"waits" has no result; in DVC.s queue: not run yet. `dvc queue start`'):
        resolve(["waits"])


def test_how_many_have_which_verdict_where_not_all_are_shown(repository: Callable[[int], Path]) -> None:
    repository(13)
    (main,) = resolve(["main"])
    found = gains(main)
    verdicts = [one.found.verdict for one in found.candidates if one.found]
    text = markdown(gains_view.gains(found))
    assert (
        f"{verdicts.count('helps')} helps" in text and f"{verdicts.count('depends on the labels')} depends" not in text
    )
    assert "of helps and hurts hold over all looks" in text


def test_what_dvc_holds_is_read_from_its_cache_here(
    repository: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of a folder is no file."""
    monkeypatch.setattr("dvc.api.read", lambda *_, **__: pytest.fail("opened through DVC"))
    folder = repository(0)
    files = files_of(new("main"))
    table = files["data/examples/train.csv"] or b""
    commit("refs/heads/held", {"data/examples/train.csv": None}, git("rev-parse", "main").decode().strip())
    digest = hashed(table)
    for place, content in ((digest, table), (f"{digest}.dir", b"[]")):
        kept = folder / ".dvc" / "cache" / "files" / "md5" / place[:2] / place[2:]
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(content)
    (held,) = resolve(["held"])
    assert held.read("data/examples/train.csv") is None and held.need("data/examples/train.csv") == table
    with held.opened("data/examples/train.csv") as file:
        assert file.read_bytes() == table
    assert held.shared.cached(f"{digest}.dir") is held.shared.cached("0" * 32) is None


def test_what_was_changed_in_dvcs_cache_is_not_taken(
    repository: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC gives it as it is; the rows of somebody else would pass for this revision's."""
    folder = repository(0)
    table = files_of(new("main"))["data/examples/train.csv"] or b""
    commit("refs/heads/held", {"data/examples/train.csv": None}, git("rev-parse", "main").decode().strip())
    digest = hashed(table)
    kept = folder / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    kept.parent.mkdir(parents=True)
    kept.write_bytes(table.replace(b"cat", b"dog"))
    monkeypatch.setattr("dvc.api.read", lambda *_, **__: kept.read_bytes())
    (held,) = resolve(["held"])
    assert held.shared.cached(digest) is None
    damaged = rf"held: data/examples/train.csv is damaged in DVC's cache.*{digest[2:]}"
    with pytest.raises(Refusal, match=damaged):
        held.need("data/examples/train.csv")
    with pytest.raises(Refusal, match=damaged), held.opened("data/examples/train.csv"):
        pass


SUBMODULES: dict[str, tuple[dict[str, str], dict[str, str], list[str]]] = {
    "the same": ({"lib": "1" * 40}, {"lib": "1" * 40}, ["code src/lib: changed"]),  # as what was not committed there
    "another commit": ({"lib": "1" * 40}, {"lib": "2" * 40}, ["code src/lib: changed"]),
    "new": ({}, {"lib": "2" * 40}, ["code src/lib: added"]),
    "gone": ({"lib": "1" * 40}, {}, ["code src/lib: deleted"]),
}


@pytest.mark.parametrize(("before", "after", "differs"), SUBMODULES.values(), ids=SUBMODULES.keys())
def test_a_submodule_is_a_dependency_as_others(
    repository: Callable[[int], Path], before: dict[str, str], after: dict[str, str], differs: list[str]
) -> None:
    """Its commit is no object of this repository, so what it holds is not read, nor said to be checked."""
    repository(0)
    for name, submodules in (("old", before), ("new", after)):
        made = new(name)
        made.extra = {"path": "src/lib", "md5": f"{name}.dir"}
        commit(f"refs/heads/{name}", files_of(made), **submodules)
    found = resolve(["old", "new"])
    assert [one.files.get("src/lib", "")[-40:] for one in found] == [side.get("lib", "") for side in (before, after)]
    load_all(again := resolve(["new", "old"]), [])
    assert [one.files for one in again] == [one.files for one in found[::-1]]
    (compared,) = compare_all(found[0], found[1:])
    assert compared.proof.model == differs
    told = [
        f"src/lib of {one.name} is not checked: a part of it is a Git submodule"
        for one in found
        if one.paths("src/lib")
    ]
    assert [line for line in compared.warnings if "submodule" in line] == told


def test_a_submodule_in_the_workspace_is_what_is_checked_out(repository: Callable[[int], Path]) -> None:
    folder = repository(0)
    git("init", "--quiet", "src/lib")
    git("-C", "src/lib", "commit", "--quiet", "--allow-empty", "-m", "x")
    there = git("-C", "src/lib", "rev-parse", "HEAD").decode().strip()
    git("add", "src/lib")
    git("commit", "--quiet", "-m", "x")
    head, workspace = resolve(["HEAD", "workspace"])
    assert head.read("src/lib") == workspace.read("src/lib") and (head.read("src/lib") or b"").endswith(there.encode())
    assert head.is_submodule("src/lib") and workspace.is_submodule("src/lib")
    assert digest_of(head, "src", ["src/lib"]) is digest_of(workspace, "src", ["src/lib"]) is None
    shutil.rmtree(folder / "src" / "lib" / ".git")
    assert resolve(["workspace"])[0].read("src/lib") is None


def test_what_git_lacks_is_named(repository: Callable[[int], Path]) -> None:
    """As where a clone was damaged, or fetched without it and has no remote now."""
    repository(0)
    with pytest.raises(Refusal, match=rf"Git has no {'3' * 40} here.*`git fetch --refetch`"):
        objects.blobs([git("rev-parse", "main:./params.yaml").decode().strip(), "3" * 40])


CACHES: dict[str, tuple[str, str, bytes, bool]] = {
    "beside the project": ("", ".dvc/cache", b"", True),
    "where its config says": ("[cache]\n    dir = ../shared ä\n", "shared ä", b"", True),
    "not where its config says": ("[cache]\n    dir = ../shared ä\n", ".dvc/cache", b"", False),
    "with another list than its name says": ("", ".dvc/cache", b" ", False),
}


@pytest.mark.parametrize(("config", "cache", "more", "found"), CACHES.values(), ids=CACHES.keys())
def test_the_files_of_a_folder_that_dvc_holds_are_known_from_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, cache: str, more: bytes, found: bool
) -> None:
    """Whole or a part of a dependency that Git holds else: then both are hashed as DVC does."""
    monkeypatch.chdir(tmp_path)
    listed = [{"md5": "1" * 32, "relpath": "a.png"}, {"md5": "2" * 32, "relpath": "b/c.png"}]
    content = json.dumps(listed).encode()
    digest = hashed(content)
    kept = Path(cache) / "files" / "md5" / digest[:2] / f"{digest[2:]}.dir"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content + more)
    Path(".dvc").mkdir(exist_ok=True)
    Path(".dvc/config").write_text(config, encoding="utf-8")
    Path("data/raw").mkdir(parents=True)
    Path("data/raw/new.dvc").write_text(f"outs: [{{path: new, md5: {digest}.dir}}]", encoding="utf-8")
    Path("data/raw/labels.csv").write_bytes(b"id\n")
    rows = [{"md5": hashed(file.read_bytes()), "relpath": file.name} for file in Path("data/raw").iterdir()]
    rows += [one | {"relpath": f"new/{one['relpath']}"} for one in listed]
    rows.sort(key=itemgetter("relpath"))
    expected = hashed(json.dumps(rows).encode()) + ".dir"
    workspace = Revision("workspace", None)
    files = ["data/raw/labels.csv", "data/raw/new.dvc"]
    assert digest_of(workspace, "data/raw", files) == (expected if found else None)
