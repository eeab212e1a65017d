"""The template's contract: which answers make a project, which are refused, and what a project holds."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
import yaml
from cookiecutter.main import cookiecutter
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import IDENTITY, ROOT, TEMPLATE, Project, ran, render
from hooks.answers import TAKEN, objection

APACHE = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
SUPPORTED = {
    "defaults": {},
    "two words": {"project_name": "Street signs"},
    "dots and dashes": {"project_slug": "street-signs.v2"},
    "capitals": {"project_slug": "StreetSigns"},
    "accents": {"project_name": "Über Äpfel"},
    "quotes everywhere": {"description": "He said \"no\" \\ and 'yes'", "author": 'O\'Neil "Bo" <b@x.org>'},
    "braces": {"description": "{not} a {template} %s"},
    "signs beyond 16 bits": {"project_name": "Cats 🐱", "description": "Cats 🐱, 𝔸", "author": "Zoë 😀 <a@b.org>"},
    "markup": {"author": "<script>alert(1)</script>"},
    "no author": {"author": ""},
    "gitlab": {"ci": "gitlab"},
    "no ci": {"ci": "none"},
    "MIT": {"license": "MIT"},
    "Apache": {"license": "Apache-2.0", "author": "A & B <a@b.org>"},
    "BSD, and quotes in the holder's name": {"license": "BSD-3-Clause", "author": 'O\'Neil "Bo" <b>'},
    "folder beside the project": {"dvc_remote": "../storage"},
    "absolute folder with signs": {"dvc_remote": "/mnt/John's data, #1; 50 % = [x] $HOME"},
    "folder at home": {"dvc_remote": "~/storage"},
    "folder on Windows": {"dvc_remote": "C:\\data\\dvc"},
    "share on Windows": {"dvc_remote": "\\\\server\\share\\Prüfung"},
    "relative folder on Windows": {"dvc_remote": "..\\storage"},
    "S3": {"dvc_remote": "s3://my-team.data/digits/v2"},
    "S3 path of a partition": {"dvc_remote": "s3://my-team/key=secret/token"},
    "S3 bucket alone": {"dvc_remote": "s3://bucket"},
    "Google Cloud": {"dvc_remote": "gs://my_team.example.org/digits"},
    "Azure": {"dvc_remote": "azure://container/digits"},
    "SSH": {"dvc_remote": "ssh://ana@host.example.org:2222/srv/dvc"},
    "longest": {"project_name": "n" * 100, "project_slug": "s" * 60, "description": "d" * 300, "author": "a" * 200},
}
REFUSED = {
    "empty name": ({"project_name": ""}, "needs a name"),
    "blank name": ({"project_name": "   "}, "needs a name"),
    "only signs": ({"project_name": "!!!"}, "must begin with a letter"),
    "leading digit": ({"project_name": "3 cats"}, "must begin with a letter"),
    "keyword": ({"project_name": "class"}, "Python cannot import"),
    "standard library": ({"project_name": "json"}, "would hide"),
    "dependency": ({"project_name": "torch"}, "would hide"),
    "dependency of a dependency": ({"project_name": "Requests"}, "would hide"),
    "dependency by pip's name": ({"project_name": "Pillow"}, "would hide"),
    "trailing dash": ({"project_slug": "cats-"}, "end with a letter or digit"),
    "trailing dot": ({"project_slug": "cats."}, "end with a letter or digit"),
    "the machinery": ({"project_name": "datapass"}, "would hide"),
    "parent folder": ({"project_slug": "../outside"}, "must begin with a letter"),
    "folder in a folder": ({"project_slug": "a/b"}, "and hold only letters"),
    "device of Windows": ({"project_slug": "aux.v2"}, "is a device of Windows"),
    "blank in folder": ({"project_slug": "two words"}, "and hold only letters"),
    "name of 300 letters": ({"project_name": "a" * 300}, "project_slug has 300 letters; choose one of at most 60"),
    "folder of 61 letters": ({"project_slug": "a" * 61}, "project_slug has 61 letters"),
    "name of 101 letters": ({"project_name": "a" * 101, "project_slug": "cats"}, "project_name has 101 letters"),
    "description of 301 letters": ({"description": "a" * 301}, "description has 301 letters"),
    "author of 201 letters": ({"author": "a" * 201}, "author has 201 letters"),
    "line break in description": ({"description": "one\ntwo"}, "one line of printable text"),
    "escape in author": ({"author": "\x1b[31mred"}, "one line of printable text"),
    "empty remote": ({"dvc_remote": ""}, "is empty; answer none"),
    "remote without scheme": ({"dvc_remote": "bucket/digits"}, "would be inside the project"),
    "remote as scp writes it": ({"dvc_remote": "ana@host:/srv/dvc"}, "or ssh://"),
    "remote in the project": ({"dvc_remote": "../digits/storage"}, "would be inside the project"),
    "remote is the project": ({"dvc_remote": "."}, "would be inside the project"),
    "remote of another's home": ({"dvc_remote": "~ben/storage"}, "is no whole path"),
    "drive without folder": ({"dvc_remote": "C:storage"}, "is no whole path"),
    "line break in remote": ({"dvc_remote": "../a\n[core]"}, "one line of printable text"),
    "quote in remote": ({"dvc_remote": '../a"b'}, "must not hold '\"'"),
    "interpolation in remote": ({"dvc_remote": "/a%(b)s"}, "must not hold '%('"),
    "blank after remote": ({"dvc_remote": "s3://bucket "}, "begins or ends with a blank"),
    "remote of 301 letters": ({"dvc_remote": "/" + "a" * 300}, "dvc_remote has 301 letters"),
    "web": ({"dvc_remote": "https://example.org/dvc"}, "type `dvc remote add --default storage URL`"),
    "Google Drive": ({"dvc_remote": "gdrive://folder"}, "type `dvc remote add --default storage URL`"),
    "scheme not known": ({"dvc_remote": "ftp://host/dvc"}, "is not known; answer none"),
    "scheme in capitals": ({"dvc_remote": "S3://bucket"}, "is not known; answer none"),
    "no bucket": ({"dvc_remote": "s3://"}, "is no name of an S3 bucket"),
    "S3 bucket in capitals": ({"dvc_remote": "s3://Bucket/x"}, "is no name of an S3 bucket"),
    "S3 bucket of two letters": ({"dvc_remote": "s3://ab"}, "is no name of an S3 bucket"),
    "S3 bucket of 64 letters": ({"dvc_remote": "s3://" + "a" * 64}, "is no name of an S3 bucket"),
    "S3 bucket like an address": ({"dvc_remote": "s3://192.168.1.1/x"}, "is no name of an S3 bucket"),
    "S3 bucket with two dots": ({"dvc_remote": "s3://a..b/x"}, "is no name of an S3 bucket"),
    "Google's own name": ({"dvc_remote": "gs://google-x"}, "is no name of a Google Cloud bucket"),
    "Azure container with '_'": ({"dvc_remote": "azure://my_data"}, "is no name of an Azure container"),
    "parent folder in a bucket": ({"dvc_remote": "s3://bucket/../x"}, "a plain path"),
    "fragment": ({"dvc_remote": "gs://bucket/x#y"}, "a plain path"),
    "SSH without host": ({"dvc_remote": "ssh:///srv"}, "must be ssh://HOST/FOLDER"),
    "SSH without folder": ({"dvc_remote": "ssh://host"}, "names no folder on the host"),
    "SSH with an option for a host": ({"dvc_remote": "ssh://-oProxyCommand=x/y"}, "must be ssh://HOST/FOLDER"),
    "SSH port too high": ({"dvc_remote": "ssh://host:70000/srv"}, "must be ssh://HOST/FOLDER"),
    "SSH with a password": ({"dvc_remote": "ssh://ana:hush@host/srv"}, "looks like a password"),
    "S3 with keys": ({"dvc_remote": "s3://hush:hush@bucket/x"}, "looks like a password"),
    "signed S3": ({"dvc_remote": "s3://bucket/x?X-Amz-Signature=hush"}, "looks like a password"),
    "signed Azure": ({"dvc_remote": "azure://container/x?sv=1&sig=hush"}, "looks like a password"),
    "Azure connection string": ({"dvc_remote": "AccountName=a;AccountKey=hush"}, "looks like a password"),
    "Google's older signature": (
        {"dvc_remote": "gs://bucket/x?GoogleAccessId=a&Signature=hush"},
        "looks like a password",
    ),
    "password of slashes": ({"dvc_remote": "ssh://ana:hu/hush@host/srv"}, "looks like a password"),
    "S3 key in the path": ({"dvc_remote": "s3://bucket/AKIAABCDEFGHIJKLMNOP"}, "looks like a password"),
}


@pytest.mark.parametrize("answers", SUPPORTED.values(), ids=SUPPORTED.keys())
def test_supported_answers(make: Callable[..., Project], answers: dict[str, str]) -> None:
    project = make(**answers)
    for path in project.path.rglob("*"):
        if path.is_file() and ".git" not in path.parts and "src" not in path.relative_to(project.path).parts:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\{\{ ?cookiecutter|\{%-? ?(if|endif|raw|endraw)", text), path
    about = tomllib.loads((project.path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert about["description"].startswith(answers.get("description", "Hold the model fixed"))
    if answers.get("author"):
        assert about["authors"] == [{"name": answers["author"]}]
    for path in project.path.rglob("*.yaml"):
        yaml.safe_load(path.read_text(encoding="utf-8"))
    if not {"license", "dvc_remote"} & answers.keys():  # which no code reads
        assert "compare" in project.verb("--help").stdout
    assert (project.path / ".github").exists() == (answers.get("ci", "github") == "github")
    assert (project.path / ".gitlab-ci.yml").exists() == (answers.get("ci") == "gitlab")


def test_no_project_hides_what_it_installs(project: Project) -> None:
    about = tomllib.loads((project.path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    left, installed = [*about["dependencies"]], set()
    while left:
        one = Requirement(left.pop())
        name = canonicalize_name(one.name)
        if name not in installed and (one.marker is None or one.marker.evaluate({"extra": ""})):
            installed.add(name)
            left += distribution(name).requires or []
    modules = {m for m, of in packages_distributions().items() if installed & {canonicalize_name(one) for one in of}}
    assert len(modules) > 100
    assert {name.replace("-", "_") for name in installed} <= TAKEN
    assert {m for m in modules if m == m.lower() and m.isidentifier() and not m.startswith("_")} <= TAKEN


@pytest.mark.parametrize(("answers", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_answers(tmp_path: Path, answers: dict[str, str], sentence: str) -> None:
    with pytest.raises(SystemExit, match=f"^Error: .*{re.escape(sentence)}") as refused:
        cookiecutter(str(ROOT), no_input=True, output_dir=str(tmp_path), extra_context=answers)
    assert "hush" not in str(refused.value), "a secret is not printed again"
    assert not list(tmp_path.rglob("*"))


def template(answer: str) -> str:
    """Return the sentence for an author of a template's signs, as one types it: in an argument it would be rendered."""
    answers = dict.fromkeys(("project_name", "description", "dvc_remote", "project_slug", "__package"), "cats")
    return str(objection(answers | {"author": answer}))


def test_an_answer_that_would_be_rendered_again() -> None:
    for signs in ("{{ 1 }}", "{% if x %}", "{# note"):
        assert f"author must not hold '{signs[:2]}'" in template(signs)


@pytest.mark.parametrize(
    "command",
    [["cookiecutter", "--no-input", "-o"], ["cruft", "create", "--no-input", "--output-dir"]],
    ids=["cookiecutter", "cruft"],
)
def test_a_refusal_is_one_sentence(published: Path, tmp_path: Path, command: list[str]) -> None:
    answer = (
        "dvc_remote=s3://Bucket" if command[0] == "cookiecutter" else '--extra-context={"dvc_remote": "s3://Bucket"}'
    )
    typed = [sys.executable, "-m", *command, "here", str(published), answer]
    done = subprocess.run(typed, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("Error: dvc_remote: 'Bucket'") and done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a repository of its own, of one commit."""
    path = tmp_path_factory.mktemp("published") / "data-centric"
    leave = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, path, ignore=leave)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "Release"]):
        subprocess.run(["git", *command], cwd=path, env=os.environ | IDENTITY, check=True)
    return path


def written(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file, Git's own left out."""
    files = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {path: content for path, content in found.items() if not path.startswith(".git/")}


def test_cookiecutter_cruft_and_replay_give_the_same_bytes(published: Path, tmp_path: Path) -> None:
    """From a folder and from a URL, and wherever one stands."""
    answers = {"kind": "tables", "author": 'O\'Neil "Bo" <b>', "license": "BSD-3-Clause", "dvc_remote": "../Prüf, #1"}
    (tmp_path / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    (tmp_path / "settings.yaml").write_text(f"replay_dir: {json.dumps(str(tmp_path / 'replay'))}\n", encoding="utf-8")
    asked = ["cookiecutter", "--config-file", "settings.yaml"]
    replayed = f"replay/{published.name}.json"
    ways = {
        "folder": [*asked, "--no-input", "-o", "folder", str(published), *(f"{k}={v}" for k, v in answers.items())],
        "replay": [*asked, "--replay", "-o", "replayed", str(published)],
        "replay-file": [*asked, "--replay-file", replayed, "-o", "replay-file", f"git+{published.as_uri()}"],
        "cruft": [
            "cruft",
            "create",
            published.as_uri(),
            "-y",
            "--output-dir=cruft",
            "--extra-context-file=answers.json",
        ],
    }
    for typed in ways.values():
        subprocess.run([sys.executable, "-m", *typed], cwd=tmp_path, capture_output=True, check=True)
    first, *others = (
        written(tmp_path / folder / "tumours") for folder in ("folder", "replayed", "replay-file", "cruft")
    )
    assert others[-1].pop(".cruft.json")
    assert all(other == first for other in others)
    assert 'O\'Neil "Bo" <b>' in first["LICENSE"].decode()


HOLDERS = {
    "MIT": "Copyright (c) Ana & <b>",
    "BSD-3-Clause": "Copyright (c) Ana & <b>",
    "proprietary": "Copyright (c) Ana & <b>. All rights",
}


@pytest.mark.parametrize("license", ["MIT", "Apache-2.0", "BSD-3-Clause", "proprietary"])
def test_licence(make: Callable[..., Project], license: str) -> None:
    project = make(license=license, author="Ana & <b>")
    text = (project.path / "LICENSE").read_bytes()
    if license == "Apache-2.0":
        assert hashlib.sha256(text).hexdigest() == APACHE, "the text of https://www.apache.org/licenses/LICENSE-2.0.txt"
    else:
        assert HOLDERS[license] in text.decode()
    assert text.endswith(b"\n") and not text.endswith(b"\n\n")
    assert not re.search(rb"\b20\d\d\b", text.replace(b"January 2004", b"")), "a replay a year later gives the same"
    assert (project.path / "src" / "datapass" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    built = "from setuptools import build_meta; build_meta.prepare_metadata_for_build_wheel('reports')"
    project.run("python", "-c", f"import os; os.mkdir('reports'); {built}")
    (metadata,) = (project.path / "reports").glob("*/METADATA")
    said = metadata.read_text(encoding="utf-8").splitlines()
    assert f"License-Expression: {'LicenseRef-Proprietary' if license == 'proprietary' else license}" in said
    assert {"License-File: LICENSE", "License-File: src/datapass/LICENSE", "Author: Ana & <b>"} <= set(said)


def test_the_holder_of_a_project_without_an_author(make: Callable[..., Project]) -> None:
    text = (make(license="MIT", project_name="Street signs").path / "LICENSE").read_text(encoding="utf-8")
    assert "Copyright (c) the authors of Street signs\n" in text


def test_manifest(rendered: Project) -> None:
    """Exactly these files; a new one is a decision."""
    found = {path.relative_to(rendered.path).as_posix() for path in rendered.path.rglob("*") if path.is_file()}
    expected = (ROOT / "tests" / "manifest.txt").read_text(encoding="utf-8").split("\n")
    assert sorted(path for path in found if not path.startswith(".git/")) == [line for line in expected if line]


def test_python_holds_no_template_syntax() -> None:
    """Editors, linters and type checkers read the package in place."""
    for path in (TEMPLATE / "src").rglob("*.py"):
        assert "cookiecutter" not in path.read_text(encoding="utf-8"), path
        compile(path.read_text(encoding="utf-8"), path, "exec")


def test_params_are_what_conf_composes_to(rendered: Project, tmp_path: Path) -> None:
    project = rendered.copy(tmp_path / "copy")
    before = (project.path / "params.yaml").read_text(encoding="utf-8")
    project.run("python", "-m", "datapass.stages.freeze")
    assert (project.path / "params.yaml").read_text(encoding="utf-8") == before


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False).stdout.strip()


def test_git_repository_on_main_without_identity_or_commit(make: Callable[..., Project]) -> None:
    path = make().path
    assert git(path, "symbolic-ref", "--short", "HEAD") == "main"
    assert git(path, "log") == ""


def test_inside_another_repository(tmp_path: Path) -> None:
    git(tmp_path, "init")
    project = render(tmp_path)
    assert not (project.path / ".git").exists()
    assert git(project.path, "rev-parse", "--show-toplevel") == str(tmp_path)
    project.run("dvc", "repro", "freeze")


def test_comparing_inside_another_repository(story: Project, tmp_path: Path) -> None:
    git(tmp_path, "init")
    project = Project(tmp_path / "some" / "folder")
    for branch in ("main", "relabel-1"):
        story.run("git", "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), branch)
        shutil.copytree(tmp_path / "tree", project.path, ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True)
        story.run("git", "worktree", "remove", "--force", str(tmp_path / "tree"))
        project.commit(branch)
    assert project.verb("compare", "HEAD~1", "HEAD").stdout.startswith("helps")


def test_path_with_a_blank_and_an_accent(tmp_path: Path) -> None:
    project = render(tmp_path / "my prüject")
    assert ran(project.run("dvc", "repro", "freeze").stdout) == ["freeze"]


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    path = Path(cookiecutter(str(ROOT), no_input=True, output_dir=str(tmp_path)))
    assert (path / "dvc.yaml").exists()
    assert not (path / ".git").exists()


@pytest.mark.parametrize("remote", ["none", "s3://bucket", "azure://container"])
def test_next_commands_are_printed(tmp_path: Path, remote: str) -> None:
    answers = ["project_name=Street signs", f"dvc_remote={remote}"]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", str(tmp_path), str(ROOT), *answers]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in ("cd street-signs", "pip install -c constraints.txt -e .", "dvc repro"):
        assert line in printed
    assert ("dvc push" in printed) == (remote != "none")
    assert ("dvc remote modify storage account_name" in printed) == remote.startswith("azure")
