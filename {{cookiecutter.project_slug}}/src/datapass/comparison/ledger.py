"""The ledger of passes: what each changed, when and by whom, and the gain it brought where results tell."""

from typing import Any

from ..data.passes import CLASS_ACTIONS, EXAMPLE_ACTIONS, pass_names, read_pass
from ..files.paths import DATA, METRICS, PASSES
from ..messages.problems import Refusal
from .revisions import Revision, commits, git, list_experiments
from .verdict import NOT_COMPARABLE, compare


def ledger() -> list[dict[str, Any]]:
    """Return a row for each pass of the workspace, in order.

    Keys: name, edits (by action), by and reasons (with counts), date and commit (of the commit that brought it; None
    before), gain and interval in accuracy, verdict, and of which revisions; None where no two results differ by just
    this pass.
    """
    names = pass_names(PASSES)
    results = _results()
    rows = []
    for number, name in enumerate(names):
        edits = read_pass(PASSES, name).edits
        counts = edits["action"].value_counts()
        reasons = edits["reason"].str.replace(r" \[review [^]]*\]$", "", regex=True)  # what the review page adds
        log = (
            git("log", "--diff-filter=A", "--format=%h %cs", "-1", "--", f"{PASSES.as_posix()}/{name}.csv")
            .decode()
            .split()
        )
        rows.append(
            {
                "name": name,
                "edits": {a: int(counts[a]) for a in EXAMPLE_ACTIONS + CLASS_ACTIONS if a in counts},
                "by": edits.loc[edits["by"] != "", "by"].value_counts().to_dict(),
                "reasons": reasons[reasons != ""].value_counts().to_dict(),
                "commit": log[0] if log else None,
                "date": log[1] if log else None,
            }
            | _gain(*(results.get(tuple(names[:end]), []) for end in (number, number + 1)))
        )
    return rows


def _results() -> dict[tuple[str, ...], list[Revision]]:
    """Return the results for each list of passes that was ever applied, in branches, tags and experiments, newest first."""
    names = {commit: commit[:7] for commit in commits("--", "dvc.lock", METRICS.as_posix())}
    for name, runs in list_experiments().items():
        names |= dict.fromkeys(runs.values(), name)
    found: dict[tuple[str, ...], list[Revision]] = {}
    for commit, name in names.items():
        revision = Revision(name, commit)
        if revision.read(DATA) and revision.read(METRICS):
            key = tuple(entry["name"] for entry in revision.json(DATA)["passes"])
            found.setdefault(key, []).append(revision)
    return found


def _gain(before: list[Revision], after: list[Revision]) -> dict[str, Any]:
    """Return what the last pass of `after` gained, by the newest two results of one model."""
    nothing = dict.fromkeys(["gain", "low", "high", "verdict", "of"])
    if not before or not after:
        return nothing
    pairs = [(old, new) for new in after for old in before]
    same = (pair for pair in pairs if len({revision.json(METRICS).get("model") for revision in pair}) == 1)
    old, new = next(same, pairs[0])
    try:
        found = compare(old, new)
    except Refusal:  # an old revision whose files this version cannot read has no gain to tell
        return nothing
    of = f"{new.name} against {old.name}"
    name = new.json(DATA)["passes"][-1]["name"]
    mine = found.data.rows["passes"].str.split(" ").map(lambda names: name in names)
    if found.data.notes or not mine.all() or found.data.rows.empty:
        return nothing  # something else changed too, or nothing did: the gain is not this pass's
    if found.verdict == NOT_COMPARABLE or found.gain is None:
        return nothing | {"verdict": found.verdict, "of": of}
    gain = found.gain
    return {"gain": gain.mean, "low": gain.low, "high": gain.high, "verdict": found.verdict, "of": of}
