"""What Git holds, asked in few calls: a process costs more than what it reads, and revisions share most of their files."""

import json
import re
import subprocess
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import file_digest, md5
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ..files.tables import read_text
from ..messages.problems import Refusal

KEPT = 16  # tables that stay parsed: those of a baseline, and of the candidate that it is compared with
SMALL = 1 << 24  # bytes of a table up to which it does
LFS = b"version https://git-lfs.github.com/spec/"  # how what Git LFS puts in place of a file begins
SUBMODULE = "Subproject commit "  # what Git says of one, before the commit; what that holds is in another repository
FILE = re.compile(r"[0-9a-f]{32}")  # DVC's hash of a file; that of a folder ends in .dir


def is_of(content: bytes | Path, digest: str) -> bool:
    """Return whether a file's content, or the file at a path, is what DVC's hash of it says; of a folder, its list."""
    if isinstance(content, bytes):
        return md5(content, usedforsecurity=False).hexdigest() == digest.removesuffix(".dir")
    with content.open("rb") as file:
        return file_digest(file, lambda: md5(usedforsecurity=False)).hexdigest() == digest


def git(*arguments: str, stdin: bytes | None = None) -> bytes:
    """Run git in the project's folder and return what it prints. Raises Refusal with git's own words."""
    try:
        done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise Refusal("git is not installed or not on the PATH; comparing revisions needs it.") from None
    if done.returncode:
        raise Refusal(f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


def blobs(hashes: Sequence[str]) -> list[bytes]:
    """Return what Git holds under these hashes, in one call. Raises Refusal where it holds nothing under one."""
    answer = git("cat-file", "--batch", stdin="".join(f"{one}\n" for one in hashes).encode()) if hashes else b""
    start, found = 0, []
    for _ in hashes:
        end = answer.index(b"\n", start)
        digest, *about = answer[start:end].decode().split()
        if about == ["missing"]:
            hint = "`git fetch --refetch` brings what a remote has of them, and `git fsck` names what stays missing"
            raise Refusal(f"Git has no {digest} here, which is a file of a revision; {hint}.")
        size = int(about[1])
        found.append(answer[end + 1 : end + 1 + size])
        start = end + 2 + size
    return found


def hashes(commits: Sequence[str], files: Sequence[str]) -> list[list[str | None]]:
    """Return Git's hash of each file at each commit, a row a commit, None where it has no such file; in one call."""
    asked = "\n".join(f"{commit}:./{file}" for commit in commits for file in files)
    answer = git("cat-file", "--batch-check=%(objectname)", stdin=asked.encode()).decode().splitlines()
    found = [None if line.endswith("missing") else line for line in answer]
    return [found[start : start + len(files)] for start in range(0, len(found), len(files))]


def is_shallow() -> bool:
    """Return whether this clone holds only the newest commits."""
    return git("rev-parse", "--is-shallow-repository").strip() == b"true"


def trees(commits: Sequence[str]) -> list[dict[str, str]]:
    """Return Git's hash of each file, by path relative to the project, of each commit; in two calls.

    The first is listed whole, of the others only what differs from it. A submodule is as one file, see `SUBMODULE`.
    """
    if not commits:
        return []
    first, *others = commits
    listed = git("ls-tree", "-r", "-z", first, "--", ".").split(b"\0")
    rows = (line.split(b"\t", 1) for line in listed if line)
    whole = {_path(path): _hash(mode, digest) for about, path in rows for mode, _, digest in [about.decode().split()]}
    found = {first: whole}
    if others := [commit for commit in dict.fromkeys(others) if commit != first]:
        asked = "".join(f"{commit} {first}\n" for commit in others)  # a commit, and what is taken as its parent
        answer = git("diff-tree", "--stdin", "-r", "-z", "--no-renames", "--relative", stdin=asked.encode())
        found |= {commit: dict(whole) for commit in others}
        parts = iter(answer.split(b"\0")[:-1])
        tree = whole
        for part in parts:
            if not part.startswith(b":"):
                tree = found[part.decode()]
                continue
            (_, mode, _, after, status), path = part.decode().split(), _path(next(parts))
            if status == "D":
                del tree[path]
            else:
                tree[path] = _hash(mode, after)
    return [found[commit] for commit in commits]


def _hash(mode: str, digest: str) -> str:
    return SUBMODULE + digest if mode == "160000" else digest


def _path(given: bytes) -> str:
    return given.decode("utf-8", "surrogateescape")


class Shared:
    """What revisions of one project share while they are compared: each content is read once, whichever of them holds it.

    Attributes:
        contents: of files, by Git's hash.
        latest: what was asked for last as a table, with whose and which; two tables of two revisions.
    """

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.latest: deque[tuple[object, str | Path, pd.DataFrame]] = deque(maxlen=4)
        self._tables: OrderedDict[bytes, pa.Table] = OrderedDict()

    def read(self, wanted: Iterable[str]) -> None:
        """Read what Git holds under these hashes, as far as it was not read before; in one call."""
        missing = [one for one in dict.fromkeys(wanted) if one not in self.contents]
        self.contents |= {one: one.encode() for one in missing if one.startswith(SUBMODULE)}
        missing = [one for one in missing if one not in self.contents]
        self.contents |= zip(missing, blobs(missing), strict=True)

    @cached_property
    def _cache(self) -> Path:
        from ..stages.kept import cache

        return cache() / "files" / "md5"

    def place(self, digest: str) -> Path | None:
        """Return where DVC's cache here has a file under a hash, whatever it holds; None where it has none."""
        if not isinstance(digest, str) or not FILE.fullmatch(digest):  # somebody else's dvc.lock may say what it likes
            return None
        file = self._cache / digest[:2] / digest[2:]
        return file if file.is_file() else None

    def cached(self, digest: str) -> bytes | None:
        """Return the file that DVC's cache here holds under a hash; None where it does not, or that is none of a file.

        A file that was changed there since is none that it holds.
        """
        file = self.place(digest)
        content = None if file is None else file.read_bytes()
        return content if content is not None and is_of(content, digest) else None  # nothing else guards a cache

    def listed(self, digest: str) -> list[dict[str, str]] | None:
        """Return the files of a folder that DVC's cache here lists under a hash, with `md5` and `relpath`; else None."""
        file = self._cache / digest[:2] / digest[2:]
        content = file.read_bytes() if file.is_file() else None
        return json.loads(content) if content is not None and is_of(content, digest) else None

    def text(self, path: Path, name: str, content: bytes) -> pa.Table:
        """Return a table as columns of strings, see `read_text`; the same content is parsed once, unless it is large."""
        table = self._tables.pop(content, None) if len(content) <= SMALL else None
        if table is None:
            table = read_text(path, name, content)
        if len(content) <= SMALL:
            self._tables[content] = table
            while len(self._tables) > KEPT:
                self._tables.popitem(last=False)
        return table
