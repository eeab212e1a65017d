"""Data and models go to the DVC remote that was answered and come back elsewhere; what one logs in with never goes to Git."""

import os
import shutil
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from configobj import ConfigObj
from dvc.config import Config
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment
from moto.server import ThreadedMotoServer

from conftest import TEMPLATE, Project, made, ran, render
from hooks.answers import objection
from test_kinds import loop

KEY, SECRET = "AKIAHUSHHUSHHUSHHUSH", "hush/this+is+nobody's+key"  # of no account


@pytest.fixture(scope="module")
def tumours(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The table's baseline on main, and the experiment `relabel-1` in the workspace; read only."""
    return made(tmp_path_factory, "tables", loop, "tables")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server on loopback that has a bucket `my-team`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id=KEY, aws_secret_access_key=SECRET
    )
    client.create_bucket(Bucket="my-team")
    yield address
    server.stop()


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests away from the user's cloud; where nothing is given there is nothing to log in with."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def answered(tumours: Project, folder: Path, remote: str) -> Project:
    """Return the project as one has it who gave that answer: the baseline on main, a pass on the branch first-review."""
    project = tumours.copy(folder / "tumours")
    other = render(folder / "answered", kind="tables", dvc_remote=remote)
    for file in (".dvc/config", "pyproject.toml"):
        shutil.copy(other.path / file, project.path / file)
    project.run("git", "switch", "--quiet", "--create", "first-review")
    project.commit("First review")
    return project


def cloned(project: Project) -> Project:
    """Push all branches to a new bare repository and return a clone of it beside the project."""
    origin = project.path.parent / "origin.git"
    project.run("git", "init", "--quiet", "--bare", str(origin))
    project.run("git", "push", "--quiet", "--all", str(origin))
    clone = project.path.parent / "clone"
    project.run("git", "clone", "--quiet", "--branch", "first-review", str(origin), str(clone))
    return Project(clone, project.package)


def goes_and_comes_back(project: Project, **env: str) -> None:
    """Push, clone elsewhere, pull: nothing is left to run, and the verdict is there."""
    assert "pushed" in project.run("dvc", "push", **env).stdout
    clone = cloned(project)
    assert not (clone.path / "models").exists()
    clone.run("dvc", "pull", **env)
    for folder in ("data/raw", "models"):
        there = sorted(path.name for path in (project.path / folder).iterdir())
        assert there and sorted(path.name for path in (clone.path / folder).iterdir()) == there
    assert ran(clone.run("dvc", "repro").stdout) == []
    assert clone.verb("compare", "main", "first-review").stdout.startswith("helps")
    assert not clone.run("git", "status", "--porcelain").stdout


def test_through_a_folder(tumours: Project, tmp_path: Path) -> None:
    """One beside the project, as people say it: DVC would take it as one beside .dvc/config."""
    goes_and_comes_back(answered(tumours, tmp_path, "../my störage"))
    assert list((tmp_path / "my störage" / "files" / "md5").iterdir())


def test_through_s3(tumours: Project, tmp_path: Path, server: str) -> None:
    env = {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    goes_and_comes_back(answered(tumours, tmp_path, "s3://my-team/digits"), **env)


def test_what_one_logs_in_with_is_not_in_git(tumours: Project, tmp_path: Path, server: str) -> None:
    project = answered(tumours, tmp_path, "s3://my-team/secret")
    for option, value in {"endpointurl": server, "access_key_id": KEY, "secret_access_key": SECRET}.items():
        project.run("dvc", "remote", "modify", "--local", "storage", option, value)
    project.run("dvc", "push", "models")
    assert SECRET in (project.path / ".dvc" / "config.local").read_text(encoding="utf-8"), "so that it could be found"
    (project.path / "notes.md").write_text("Nothing to hide.\n", encoding="utf-8")
    project.commit("All that is there")
    clone = cloned(project)
    objects = ["git", "cat-file", "--batch-all-objects", "--batch"]
    stored = subprocess.run(objects, cwd=tmp_path / "origin.git", capture_output=True, check=True).stdout
    assert b"Nothing to hide." in stored and b"s3://my-team/secret" in stored
    files = b"".join(path.read_bytes() for path in clone.path.rglob("*") if path.is_file())
    for hidden in (KEY, SECRET):
        assert hidden.encode() not in stored + files


def test_without_credentials_the_push_says_so(tumours: Project, tmp_path: Path, server: str) -> None:
    project = answered(tumours, tmp_path, "s3://my-team/digits")
    refused = project.run("dvc", "push", ok=False, AWS_ENDPOINT_URL=server)
    assert refused.returncode == 255
    assert "Unable to locate credentials" in refused.stderr, "which README.md says what to do about"
    assert "Traceback" not in refused.stderr


# What is answered, and where DVC then pushes to; {} is the folder in which the project's folder is.
REMOTES = {
    "../storage": "{}/storage",
    "../../a b/ü": "{}/../a b/ü",
    "..\\storage": "{}/storage",
    "/mnt/John's data, #1; 50 % = [x] $HOME": "/mnt/John's data, #1; 50 % = [x] $HOME",
    "~/storage": "~/storage",
    "s3://my-team.data/digits": "s3://my-team.data/digits",
    "gs://my_team/digits": "gs://my_team/digits",
    "azure://container/digits": "azure://container/digits",
    "ssh://ana@host.example.org:2222/srv/dvc": "ssh://ana@host.example.org:2222/srv/dvc",
}


def config_of(remote: str) -> str:
    """Return .dvc/config as the answer writes it."""
    text = (TEMPLATE / ".dvc" / "config").read_text(encoding="utf-8")
    storage = remote.split("://")[0] if "://" in remote else "folder"
    return Environment().from_string(text).render(cookiecutter={"dvc_remote": remote, "__storage": storage})


@pytest.mark.parametrize(("remote", "url"), REMOTES.items(), ids=REMOTES)
def test_dvc_reads_the_remote_as_it_was_meant(tmp_path: Path, remote: str, url: str) -> None:
    settings = tmp_path / "tumours" / ".dvc" / "config"
    settings.parent.mkdir(parents=True)
    settings.write_text(config_of(remote), encoding="utf-8")
    config = Config(str(settings.parent), validate=True)
    assert config["core"]["remote"] == "storage"
    found = config["remote"]["storage"]["url"]
    if "://" in url:
        assert found == url
    else:
        assert Path(found) == Path(os.path.normpath(Path(url.format(tmp_path)).expanduser()))


def test_no_remote_is_none(rendered: Project) -> None:
    config = Config(str(rendered.path / ".dvc"), validate=True)
    assert not config["remote"] and "remote" not in config["core"]


@pytest.mark.parametrize("scheme", ["gs", "azure", "ssh"])
def test_the_project_requires_what_its_remote_needs(tmp_path: Path, scheme: str) -> None:
    project = render(tmp_path, kind="tables", dvc_remote=f"{scheme}://my-team/digits")
    assert f'"dvc[{scheme}]>=3.60,<4",' in (project.path / "pyproject.toml").read_text(encoding="utf-8")
    pinned = (project.path / "constraints.txt").read_text(encoding="utf-8")
    assert f"\ndvc-{scheme}==" in pinned
    assert project.run("dvc", "remote", "list").stdout.split()[:2] == ["storage", f"{scheme}://my-team/digits"]


def relative_to_config(remote: str) -> str:
    """Return the remote as DVC is to read it: a relative folder is one beside .dvc/."""
    whole = "://" in remote or remote[0] in "/~" or remote.startswith("\\\\") or remote[1:2] == ":"
    return remote if whole else "../" + remote.replace("\\", "/")


def said(remote: str) -> str | None:
    """Return the sentence that refuses the remote, or None."""
    names = dict.fromkeys(("project_name", "description", "author", "project_slug", "__package"), "cats")
    return objection(names | {"dvc_remote": remote})


SIGNS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("/\\'\"#,;=[]%(){}:@?~. \n")
PREFIXES = st.sampled_from(["", "/", "../", "~/", "C:\\", "s3://", "gs://", "azure://", "ssh://", "s3://my-team/"])


@given(PREFIXES, st.text(SIGNS, max_size=30))
@example("/", "%(url)s")
@example("../", "a, b")
def test_what_is_not_refused_is_written_whole(prefix: str, rest: str) -> None:
    remote = prefix + rest
    if remote == "none" or said(remote):
        return
    sections = ConfigObj(config_of(remote).splitlines()).dict()
    assert sections.keys() == {"core", "hydra", 'remote "storage"'}
    assert sections['remote "storage"'] == {"url": relative_to_config(remote)}


WORDS = st.text(string.ascii_letters + string.digits + "+/=%!-_.", min_size=8, max_size=40).map("hush".__add__)


@given(st.sampled_from(["s3", "gs", "azure", "ssh", "https", "sftp"]), WORDS)
def test_a_password_in_a_url_is_refused_and_not_repeated(scheme: str, word: str) -> None:
    for remote in (f"{scheme}://ana:{word}@host/srv", f"{scheme}://my-team/x?sv=1&sig={word}"):
        sentence = said(remote)
        assert sentence and "hush" not in sentence
