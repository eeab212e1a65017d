"""What Git remembers of earlier results: the ledger of passes with what each gained, and the looks at a test set.

Both are derived from what Git holds, every commit of a branch or tag that changed a result and every experiment, so that
nobody has to keep a book. The best of many tries looks better than it is; so different data revisions that were scored
on one test set are counted, not re-runs.
"""

import dataclasses
from typing import Any

from ..data.passes import CLASS_ACTIONS, EXAMPLE_ACTIONS, pass_names, read_pass
from ..files.paths import DATA, METRICS, PARAMS, PASSES, TEST
from ..messages.problems import Refusal
from .looks import over_all
from .revisions import Revision, commits, git, is_shallow, list_experiments, load_all
from .tries import Tries, looks
from .verdict import HELPS, HURTS, NOT_COMPARABLE, Comparison, weigh
from .ways import timed, ways

SHALLOW = "This clone holds only the newest commits, so earlier looks at the test set are not counted."
ABSENT = (
    "Test tables of earlier results are neither in DVC's cache here nor in a remote, so earlier looks at the test set are not "
    "counted. `dvc fetch --all-commits` brings them after `dvc push --all-commits` where they were made."
)
UNCOUNTED = (SHALLOW, ABSENT)  # each stands for a warning that cannot be told


def ledger() -> list[dict[str, Any]]:
    """Return a row for each pass of the workspace, in order.

    Keys: name, edits (by action), by and reasons (with counts), date and commit (of the commit that brought it; None
    before), gain and interval, its metric, verdict, and of which revisions; None where no two results differ by just this
    pass.
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
    revisions = [Revision(name, commit) for commit, name in names.items()]
    load_all(revisions, [DATA.as_posix(), METRICS.as_posix()])
    found: dict[tuple[str, ...], list[Revision]] = {}
    for revision in revisions:
        if revision.read(DATA) and revision.read(METRICS):
            key = tuple(entry["name"] for entry in revision.json(DATA)["passes"])
            found.setdefault(key, []).append(revision)
    return found


def _gain(before: list[Revision], after: list[Revision]) -> dict[str, Any]:
    """Return what the last pass of `after` gained, by the newest two results of one model and metric."""
    nothing = dict.fromkeys(["gain", "low", "high", "metric", "verdict", "of"])
    if not before or not after:
        return nothing
    pairs = [(old, new) for new in after for old in before]
    same = (pair for pair in pairs if _alike(*pair))
    old, new = next(same, pairs[0])
    try:
        found, _ = weigh(old, new)
    except Refusal:  # an old revision whose files this version cannot read has no gain to tell
        return nothing
    of = f"{new.name} against {old.name}"
    name = new.json(DATA)["passes"][-1]["name"]
    mine = found.data.rows["passes"].str.split(" ").map(lambda names: name in names)
    if (
        found.data.notes
        or not mine.all()
        or found.data.rows.empty
        or found.data.augmentation
        or found.data.size
        or new.lock.size
    ):
        return nothing  # something else changed too, or nothing did: the gain is not this pass's
    if found.verdict == NOT_COMPARABLE or found.gain is None:
        return nothing | {"verdict": found.verdict, "of": of}
    gain = found.gain
    shown = {"gain": gain.mean, "low": gain.low, "high": gain.high, "metric": found.metric}
    return shown | {"verdict": found.verdict, "of": of}


def _alike(old: Revision, new: Revision) -> bool:
    """Return whether two results are of one model, augmentation and metric, as far as their files tell."""
    try:
        return (
            old.json(METRICS).get("model") == new.json(METRICS).get("model")
            and old.lock.augment == new.lock.augment
            and old.lock.size is new.lock.size is None  # what fewer examples give is a measurement, and no result
            # A cost of renamed classes is another text; which it is the comparison says.
            and old.lock.metric.name == new.lock.metric.name
        )
    except Refusal:
        return False


def budget(revision: Revision) -> int | None:
    """Return how many looks a revision's params.yaml declares for the test set; None where it declares none."""
    given = revision.yaml(PARAMS) if revision.read(PARAMS) is not None else None
    number = given.get("looks") if isinstance(given, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else None


def add_looks(comparisons: list[Comparison]) -> None:
    """Put what holds over all looks into each comparison, in place. It informs and never blocks.

    The budget is the baseline's, as a pull request must not loosen the rule by which it is judged.
    """
    counted: dict[bytes, int | None] = {}
    tries = Tries()
    shallow = is_shallow()
    for place, comparison in enumerate(comparisons):
        gain = comparison.gain
        if gain is None:
            continue
        key = comparison.candidate.need(TEST)
        if key not in counted:
            counted[key] = None if shallow else looks(comparison.candidate, tries)
        number = counted[key]
        if number is None:
            warnings = [*comparison.warnings, SHALLOW if shallow else ABSENT]
            comparisons[place] = dataclasses.replace(comparison, warnings=warnings)
            continue
        declared, theirs = budget(comparison.baseline), budget(comparison.candidate)
        found = None
        if comparison.readings:
            judged = comparison.verdict in (HELPS, HURTS)
            ignored = None if theirs == declared else theirs
            found = over_all(comparison.readings, judged, max(1, number - 1), declared, ignored)
            # What would show it is reckoned by the new labels; where another reading decides, it tells nothing.
            if judged and not found.holds and found.alpha > 0 and len(comparison.readings) == 1:
                more = ways(comparison.components, comparison.examples, gain, alpha=found.alpha)
                found = dataclasses.replace(found, ways=timed(more, comparison.proof.fingerprint))
        comparisons[place] = dataclasses.replace(comparison, looks=number, all_looks=found)
