"""Which rows were ever trained on or validated with: by the tables of every revision that Git holds."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..comparison.lock import Lock
from ..comparison.revisions import Revision, blobs, git, hashes, is_shallow
from ..files.paths import TRAIN, VALIDATION
from ..files.tables import MAGIC, TEXT, read_table
from ..messages.problems import Refusal
from ..messages.progress import Progress

FILES = tuple(path.with_suffix(suffix).as_posix() for suffix in (".csv", ".parquet") for path in (TRAIN, VALIDATION))
AT_ONCE = 8  # tables in memory


def trained(ids: pd.Series, inputs: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows stand in the training or validation table of any revision, and of which the input does.

    Revisions are all commits of branches, tags, remotes, stashes and experiments, and the workspace. Rows of weight 0
    count too: with another pass left out they train.

    Args:
        ids: of all delivered rows (n, str).
        inputs: hash of each input, empty where there is none to compare (n, str).

    Returns:
        Two masks (n, bool); a row of the first whose input others have marks those in the second.

    Raises:
        Refusal: where Git or DVC do not hold an earlier table, so that nobody can know.
    """
    if is_shallow():
        raise Refusal(
            "This clone holds only the newest commits, so what was trained on before cannot be told; "
            "`git fetch --unshallow` first."
        )
    known, same = np.zeros(len(ids), dtype=bool), np.zeros(len(ids), dtype=bool)
    tables, held = _held()
    progress = Progress("tables trained on", len(FILES) + len(tables) + len(held))
    for content in _contents(tables, held):
        columns = _columns(content)
        known |= ids.isin(columns[0]).to_numpy()
        same |= inputs.isin(columns[1]).to_numpy()
        progress.advance()
    # By today's inputs too: an older table may hold other hashes of them, or none.
    same |= inputs.isin(inputs[known]).to_numpy()
    return known, same & (inputs != "").to_numpy()


def _held() -> tuple[list[str], dict[tuple[str, str], str]]:
    """Return Git's hash of each different table of any commit, and {(path, DVC's hash): a commit} of those DVC holds."""
    files = [*FILES, "dvc.lock"]
    commits = git("log", "--all", "--full-history", "--format=%H", "--", *files).decode().split()
    found = hashes(commits, files)
    tables = list(dict.fromkeys(one for *row, _ in found for one in row if one))
    # Of each table one of both forms is held, by Git or by DVC.
    gaps = [
        (commit, row, lock)
        for commit, (*row, lock) in zip(commits, found, strict=True)
        if lock and None in [one or other for one, other in zip(row[:2], row[2:], strict=True)]
    ]
    locks = list(dict.fromkeys(lock for *_, lock in gaps))
    read = dict(zip(locks, map(Lock.parse, blobs(locks)), strict=True))
    held = {
        (file, digest): commit
        for commit, row, lock in gaps
        for file, blob in zip(FILES, row, strict=True)
        if blob is None and (known := read[lock]) and (digest := known.outs.get(file))
    }
    return tables, held


def _contents(tables: list[str], held: dict[tuple[str, str], str]) -> Iterator[bytes]:
    """Return the content of each table, few at a time. Raises Refusal for those that are nowhere."""
    yield from (Revision("workspace", None).read(file) or b"" for file in FILES)
    for start in range(0, len(tables), AT_ONCE):
        yield from blobs(tables[start : start + AT_ONCE])
    for (file, _), commit in held.items():
        yield Revision(commit[:7], commit).need(file)


def _columns(content: bytes) -> tuple[pd.Series, pd.Series]:
    """Return the ids and the inputs of a table; of one that cannot be read any cell may be either."""
    try:
        table = read_table(TRAIN, content=content)
        return table["id"], table["input"] if "input" in table else pd.Series([], dtype=TEXT)
    except (Refusal, KeyError):  # committed with a conflict in it, or empty
        if content[: len(MAGIC)] == MAGIC:  # whose cells cannot be told
            raise
        cells = pd.Series(re.split(r"[,\r\n]+", content.decode("utf-8", "replace")), dtype=TEXT).str.strip('"')
        return cells, cells
