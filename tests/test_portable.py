"""Nothing is Unix-only, and nothing is lost by a path, a name or a pipe: what Linux forgives and other systems do not."""

import ast
import itertools
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest
import yaml

from conftest import ROOT, SOURCE, TEMPLATE, Project, ran
from datapass.adopt.names import DEVICES, safe_path
from datapass.files import writes
from datapass.files.writes import remove, written
from datapass.messages.problems import of_system
from datapass.messages.streams import in_plain_letters

CODE = [
    *SOURCE.rglob("*.py"),
    *(ROOT / "hooks").glob("*.py"),
    *(ROOT / "templates").rglob("*.py"),
    ROOT / "tests/smoke.py",
]
# Modules that only one system has, and those that Python 3.12 to 3.14 no longer has.
ONE_SYSTEM = {"fcntl", "grp", "msvcrt", "posix", "pty", "pwd", "readline", "resource", "signal", "syslog", "termios", "tty", "winreg"}  # fmt: skip
GONE = {"asynchat", "asyncore", "cgi", "cgitb", "crypt", "distutils", "imghdr", "imp", "mailcap", "nntplib", "pipes", "pkg_resources", "smtpd", "sndhdr", "telnetlib", "uu", "xdrlib"}  # fmt: skip
OLD_CALLS = {"utcnow", "utcfromtimestamp", "find_loader", "find_module", "readfp", "load_module"}
UNIX_CALLS = {"chown", "fork", "geteuid", "getloadavg", "getuid", "mkfifo", "nice", "posix_fallocate", "sched_getaffinity", "sync"}  # fmt: skip


def calls(tree: ast.AST, *names: str) -> Iterator[tuple[ast.Call, set[str | None]]]:
    """Return the calls of functions or methods of these names, each with its keywords."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in names:
            yield node, {keyword.arg for keyword in node.keywords}


def imported(tree: ast.AST, names: set[str]) -> bool:
    found = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    found += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    return any(name.partition(".")[0] in names for name in found)


def unguarded(tree: ast.AST) -> bool:
    """Return whether a function of `os` that only Unix has is used without `hasattr(os, ...)` in the same file."""
    asked = {one.args[1].value for one, _ in calls(tree, "hasattr") if isinstance(one.args[1], ast.Constant)}
    used = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name))
    return any(node.attr in UNIX_CALLS - asked for node in used if node.value.id == "os")


def text_without(tree: ast.AST) -> bool:
    """Return whether a text file is opened without its encoding, or written without its line ends."""
    for call, said in calls(tree, "open"):
        method = isinstance(call.func, ast.Attribute)
        if method and isinstance(call.func.value, ast.Name) and call.func.value.id in ("Image", "inputs", "os"):
            continue
        at = 0 if method else 1
        mode = next((word.value for word in call.keywords if word.arg == "mode"), None)
        mode = call.args[at] if len(call.args) > at else mode
        mode = mode.value if isinstance(mode, ast.Constant) else "r"
        if "b" not in mode and not ({"encoding"} if mode == "r" else {"encoding", "newline"}) <= said:
            return True
    for call, said in calls(tree, "write_text"):
        if isinstance(call.func, ast.Attribute) and not {"encoding", "newline"} <= said:
            return True
    return any(not call.args and "encoding" not in said for call, said in calls(tree, "read_text"))


def child_in_any_encoding(tree: ast.AST) -> bool:
    return any("encoding" not in said for _, said in calls(tree, "run", "Popen", "check_output") if "text" in said)


def in_a_shell(tree: ast.AST) -> bool:
    return any("shell" in said for _, said in calls(tree, "run", "Popen", "check_output", "call"))


# What is wrong, how it is found, and code that has it.
RULES: dict[str, tuple[Callable[[ast.AST], bool], list[str]]] = {
    "a module that one system has": (lambda tree: imported(tree, ONE_SYSTEM), ["import fcntl", "from resource import x"]),
    "a module that Python no longer has": (lambda tree: imported(tree, GONE), ["import imp", "import distutils.core"]),
    "a call that Python gives up": (lambda tree: any(calls(tree, *OLD_CALLS)), ["datetime.utcnow()"]),
    "a function of Unix alone": (unguarded, ["os.fork()", "n = len(os.sched_getaffinity(0))"]),
    "text in an encoding or with line ends of the system": (
        text_without,
        ["open('x')", "open('x', 'w', encoding='utf-8')", "path.open()", "path.write_text('x')", "path.read_text()"],
    ),
    "what a child prints in an encoding of the system": (child_in_any_encoding, ["subprocess.run(['git'], text=True)"]),
    "a shell": (in_a_shell, ["subprocess.run('ls', shell=True)"]),
}  # fmt: skip
RIGHT = [
    "open('x', 'rb')",
    "path.open('wb')",
    "path.write_text('x', encoding='utf-8', newline='\\n')",
    "write_text('x', path)",
]
RIGHT += ["if hasattr(os, 'sync'): os.sync()", "Image.open(file)", "inputs.open(folder)", "path.open(encoding='utf-8')"]


@pytest.fixture(scope="module")
def code() -> dict[str, ast.AST]:
    """Each file of the machinery, the hooks, the kinds and the smoke test, as a tree."""
    found = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_bytes()) for path in CODE}
    assert len(found) > 150
    return found


@pytest.mark.parametrize("rule", RULES)
def test_the_code_has_none_of(rule: str, code: dict[str, ast.AST]) -> None:
    wrong, bad = RULES[rule]
    assert all(wrong(ast.parse(one)) for one in bad), "the rule sees it"
    assert not [one for one in RIGHT if wrong(ast.parse(one))], "and nothing else"
    assert [file for file, tree in code.items() if wrong(tree)] == []


def test_every_file_of_the_template_can_be_checked_out_anywhere(rendered: Project) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    made = (path.relative_to(rendered.path).as_posix() for path in rendered.path.rglob("*") if ".git" not in path.parts)
    names = [name for name in (*listed.split("\0"), *made) if name]
    parts = {part for name in names for part in PurePosixPath(name).parts}
    assert not [
        part for part in parts if re.search(r'[<>:"|?*\\]|[ .]$', part) or part.split(".")[0].lower() in DEVICES
    ]
    assert max(map(len, names)) <= 140, "of the 260 letters that Windows gives a path"
    for _, same in itertools.groupby(sorted(names, key=str.lower), str.lower):
        assert len(set(same)) == 1, "told apart by more than upper and lower case"


@pytest.mark.skipif(shutil.which("make") is None, reason="There is no make.")
def test_make_knows_its_environment_in_a_folder_with_a_blank(tmp_path: Path) -> None:
    place = tmp_path / "My place"
    needed = (
        "pyproject.toml",
        "tests/requirements.py",
        f"{TEMPLATE.name}/pyproject.toml",
        f"{TEMPLATE.name}/constraints.txt",
    )
    for file in ("Makefile", *needed):
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, place / file)
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of the make that tests
    done = subprocess.run(
        ["make", "-n", "demo", "docs"], cwd=place, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines().count("touch .venv/ready") == 1


NAMES = {
    "a device of Windows": ("con/AUX.png", "con_/AUX_.png"),
    "a device with endings": ("nul.tar.gz", "nul_.tar.gz"),
    "only begins like one": ("console/comb.png", "console/comb.png"),
    "a colon": ("10:30/a:b.png", "10_30/a_b.png"),
    "backslashes": ("a\\b.png", "a/b.png"),
    "blanks and dots at the end": ("cat /x .png.", "cat/x.png"),
    "letters of two makings": ("Zoe\u0308.png", "Zo\u00eb.png"),
}


@pytest.mark.parametrize(("given", "expected"), NAMES.values(), ids=NAMES.keys())
def test_a_delivered_name_is_one_that_every_system_can_have(given: str, expected: str) -> None:
    assert safe_path(given) == expected


@pytest.fixture
def as_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to delete read-only files, as Windows does."""
    delete = os.unlink

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        mode = os.stat(path, dir_fd=dir_fd, follow_symlinks=False).st_mode
        if not mode & stat.S_IWUSR:
            raise PermissionError(13, "Access is denied", path)
        delete(path) if dir_fd is None else delete(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink)


@pytest.mark.parametrize("name", ["file", "folder"])
def test_what_is_read_only_is_deleted_all_the_same(tmp_path: Path, as_windows: None, name: str) -> None:
    for path in (tmp_path / "file", tmp_path / "folder" / "deep" / "file"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        path.chmod(0o444)
    with pytest.raises(PermissionError):
        (tmp_path / "file").unlink()
    remove(tmp_path / name)
    remove(tmp_path / "nothing")
    assert not (tmp_path / name).exists()


def test_an_error_is_told_even_where_its_file_cannot_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="is no picture"), written(tmp_path / "out") as aside:
        aside.write_bytes(b"half")
        monkeypatch.setattr(writes, "_delete", lambda path: (_ for _ in ()).throw(PermissionError(13, "mapped", path)))
        raise ValueError("cat.png is no picture")
    monkeypatch.undo()
    with written(tmp_path / "out") as aside:
        aside.write_bytes(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "the next run tidies up"


ERRORS = {
    "a file that a spreadsheet holds open": (
        PermissionError(13, "Denied", ".r.csv.partial", None, "r.csv"),
        "r.csv: Denied",
    ),
    "a full disk": (OSError(28, "No space left", ".r.csv.partial"), ".r.csv.partial: No space left"),
    "no file": (OSError("what the library says"), "train: what the library says"),
}


@pytest.mark.parametrize(("error", "said"), ERRORS.values(), ids=ERRORS.keys())
def test_what_the_system_refuses_is_said_of_the_file_that_people_know(error: OSError, said: str) -> None:
    assert of_system(error, "train") == said


@pytest.mark.parametrize(
    ("text", "shown"), [("a → b", b"a -> b"), ("Größe …", b"Gr\xf6\xdfe \x85"), ("ż標", b"\\u017c\\u6a19")]
)
def test_letters_that_a_pipe_does_not_hold_are_written_plainly(text: str, shown: bytes) -> None:
    assert text.encode("cp1252", "datapass.plain") == shown
    with pytest.raises(UnicodeEncodeError) as caught:
        text.encode("ascii")
    assert in_plain_letters(caught.value)[0].isascii()


# Python says where text is read or written in the system's encoding (PEP 597): here of all that a stage or a verb runs.
WARNED = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "always::EncodingWarning"}


def warnings(said: str) -> list[str]:
    """Return the warnings of the project's own modules; those of libraries are theirs."""
    return re.findall(r".*[/\\]src[/\\].* EncodingWarning.*", said)


@pytest.fixture(scope="module")
def elsewhere(trained: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The trained project, moved to a folder with blanks and other letters, with a pass on branch `one`."""
    project = trained.copy(tmp_path_factory.mktemp("portable") / "Prüfung, ż標識 (1)" / "digits")
    assert ran(project.run("dvc", "repro").stdout) == [], "a moved project is as it was"
    project.run("git", "switch", "--quiet", "-c", "one")
    project.write_pass("p001-first", *project.reviewer("pass").stdout.splitlines()[1:])
    done = project.run("dvc", "repro", **WARNED)
    assert ran(done.stdout) == ["curate", "train", "evaluate", "audit"]
    assert warnings(done.stderr) == []
    project.commit("Größere Änderung")
    return project


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_verdict_is_printed_into_any_pipe(elsewhere: Project, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "datapass", "compare", "main", "one", "--to", "reports/report.html"],
        cwd=elsewhere.path,
        env=elsewhere.env | WARNED | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert warnings(done.stderr.decode(encoding)) == []
    assert ("→" if encoding == "utf-8" else "->") in done.stdout.decode(encoding)
    assert "</html>" in (elsewhere.path / "reports" / "report.html").read_text(encoding="utf-8")


def test_the_suspects_are_reviewed_there(elsewhere: Project) -> None:
    elsewhere.verb("review")
    elsewhere.reviewer("answers", "reports/review-answers.csv")
    assert "data/passes/p002-review.csv" in elsewhere.verb("review", "--apply", "reports/review-answers.csv").stdout


def test_what_stages_write_has_the_same_line_ends_everywhere(elsewhere: Project) -> None:
    tracked = [name for name in elsewhere.run("git", "ls-files", "-z").stdout.split("\0") if name]
    assert len(tracked) > 100
    assert not [name for name in tracked if b"\r" in (elsewhere.path / name).read_bytes()]


def test_the_workflow_tests_what_the_table_says() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["everywhere"]["strategy"]["matrix"]
    systems, pythons = ", ".join(matrix["os"]), ", ".join(matrix["python"])
    table = (ROOT / "docs" / "tested.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table if line.startswith("|")][2:]
    assert [row[1:3] for row in rows] == [["ubuntu-latest", "3.11"], *[[systems, pythons]] * 3]
    steps = [str(step.get("run")) for job in workflow["jobs"].values() for step in job["steps"]]
    for command in ("make test", "tests/smoke.py", "tests/unit", "tests/test_portable.py"):
        assert any(command in step for step in steps), command
        assert any(f"`{command}`" in row[0] or f"`{command}`:" in row[0] for row in rows), command
    assert (ROOT / matrix["pins"][0]) == TEMPLATE / "constraints.txt"
    assert min(pythons.split(", ")) == "3.11", "what requires-python says"
    assert 'requires-python = ">=3.11"' in (TEMPLATE / "pyproject.toml").read_text(encoding="utf-8")
