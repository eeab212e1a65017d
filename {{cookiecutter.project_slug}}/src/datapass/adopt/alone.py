"""A new test set is a pull request of its own: nothing else may come in with it."""

import numpy as np

from ..comparison.revisions import WORKSPACE, Revision, git
from ..comparison.stale import stale
from ..data.examples import read_examples
from ..data.state import WAITING, State
from ..files.paths import INPUTS, PASSES, RAW, SPLITS
from ..messages.problems import Refusal, quoted
from ..settings import load
from .names import many

# What a delivery changes, packed or not, and what is picked of one.
DELIVERED = ("data/raw/", "data/raw.dvc", "data/.gitignore", "dvc.lock", "data/incoming/", "data/picked/")


def refuse_mixed() -> None:
    """Raise Refusal where something else than a delivery is not committed, or results are stale: both would come in with
    the new test set."""
    try:
        git("rev-parse", "--verify", "--quiet", "HEAD")
    except Refusal:
        raise Refusal("Nothing is committed here yet: `dvc repro`, then `git add . && git commit`.") from None
    changed = git("diff", "HEAD", "--relative", "--name-only", "-z").decode("utf-8", "surrogateescape").split("\0")
    listed = git("ls-files", "-z", "--others", "--exclude-standard", "--", PASSES.as_posix())
    files = [*changed, *listed.decode("utf-8", "surrogateescape").split("\0")]
    files = sorted(file for file in files if file and not file.startswith(DELIVERED))
    own = "a new test set is a pull request of its own"
    if files:
        more = f" and {len(files) - 3:,} more" if len(files) > 3 else ""
        raise Refusal(
            f"{', '.join(map(quoted, files[:3]))}{more}: not committed; commit or take that back first, as {own}."
        )
    until = load().data.passes.until
    if until is not None:
        raise Refusal(
            f"conf/data: passes.until is {quoted(until)}, so no new pass applies; set it to null and commit first."
        )
    delivered = (f"{RAW.as_posix()} ", INPUTS.as_posix())
    outdated = [said for said in stale(Revision(WORKSPACE, None))[0] if not said.startswith(delivered)]
    if outdated:
        raise Refusal(f"The results are stale: {outdated[0]}. Run `dvc repro` and commit first, as {own}.")


def refuse_moved(state: State) -> None:
    """Raise Refusal where a delivery moves examples between sets.

    A group, and the copies of an input, are where their first row is, in the order of the deliveries' names: a new
    delivery whose name comes before others may be first.
    """
    ids = state.raw.table["id"]
    before = read_examples().set_index("id")["split"].map({name: number for number, name in enumerate(SPLITS)})
    rows = np.flatnonzero(state.status != WAITING)
    known = before.reindex(ids.iloc[rows]).to_numpy()
    moved = rows[(known != state.sets[rows]) & ~np.isnan(known)]
    if len(moved):
        raise Refusal(
            f"{many(len(moved), 'example')} would move to another set, such as {quoted(ids[moved[0]])}: a delivery whose name "
            "comes before theirs has rows of their groups, or with their inputs. Rename its folder in data/raw/ (and the paths "
            "in its labels.csv) so that it comes last."
        )
