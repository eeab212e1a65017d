"""Why two revisions cannot be compared at all, and what would mend it."""

from ..data.examples import PICKED_AS, RANDOM, counts
from ..files.paths import CLASSES, DATA, TEST
from ..messages.problems import few, quoted
from .datadiff import DataDiff
from .lineup import MIN_SLICE, MIN_UNITS, Scored, draws
from .proof import SEEDS, Proof, of_metric
from .revisions import Revision
from .stale import stale

SHADOWED = (
    0.1  # share of examples whose input also stands in the test or validation set, from which on a reader is warned
)


def shadowed(revision: Revision) -> str | None:
    """Return that many examples count for nothing as their input stands in another set too, by reports/data.json."""
    data = revision.json(DATA)
    number = next((one["count"] for one in data.get("warnings", []) if one["kind"] == "input in several sets"), 0)
    train = data["sets"]["train"].get("examples", 0)
    if number <= SHADOWED * (number + train):
        return None
    return (
        f"{number:,} examples of {revision.name} do not count, since their input is in the test or validation set too, and "
        f"{train:,} do in training: what a pass does to the others shows nowhere"
    )


def picked(revision: Revision) -> list[str]:
    """Return the ids of test examples that count though they were picked for what the model answered, or for being unlike.

    Such rows are harder than the new data, or of one corner of it, so that a score with them is not that of the data.
    """
    table = revision.table(TEST)
    if PICKED_AS not in table:
        return []
    return list(table.loc[counts(table) & ~table[PICKED_AS].isin(["", RANDOM]), "id"])


def objections(
    baseline: Revision, candidate: Revision, proof: Proof, data: DataDiff, scored: Scored, frozen: bool = True
) -> tuple[list[str], list[str], list[str]]:
    """Return why two revisions cannot be compared, what would mend it, and warnings.

    Args:
        frozen: whether another model is an objection, and other seeds are; see `verdict.weigh`.
    """
    why, mend, warnings = [], [], []
    for revision in (baseline, candidate):
        outdated, unknown = stale(revision)
        warnings += [*unknown, *([said] if (said := shadowed(revision)) else [])]
        why += [f"the results of {revision.name} are stale: {what}" for what in outdated]
        if outdated:
            commit = "" if revision.commit is None else " and commit what it writes"
            mend.append(
                f"Run `dvc repro` on {revision.name}{commit}; where that finds nothing to do, Git and DVC "
                "see other files: name those that Git ignores in .dvcignore too."
            )
    model = proof.model if frozen else proof.objections
    why += [f"the model changed: {what}" for what in model]
    if model and all(what.startswith("environment: ") for what in model):
        mend.append(
            "Run `DATAPASS_TRAIN_AGAIN=1 dvc repro --force train evaluate` on the baseline in the candidate's environment, and commit."
        )
    elif model and all(map(of_metric, model)):
        mend.append(
            "Give both sides the same `evaluate.metric` and `evaluate.costs` in conf/config.yaml, run `dvc repro` on the one "
            "that changes (no model is trained again), and commit."
        )
    elif model:
        mend.append(
            "Change the data or the model, not both: take the model's change back, or run the baseline's data with the new "
            "model first (`dvc exp run` on the baseline after the same change) and compare with that."
        )
    for revision in (baseline, candidate):
        if ids := picked(revision):
            listed = few([quoted(id) for id in ids])
            many = f"{len(ids):,} test examples are" if len(ids) > 1 else "1 test example is"
            why.append(
                f"in {revision.name} {many} not picked at random, so a score with them is not that of the data: {listed}"
            )
            mend.append(
                f"Take them out of the test set of {revision.name}: only rows with `picked_as` random may be in it. Give them "
                "`add` in place of `add-test` in the pass that brought them and `split` train in data/raw/, or drop them; "
                "then run `dvc repro`."
            )
    lists = [list(revision.table(CLASSES)["class"].replace(data.renamed)) for revision in (baseline, candidate)]
    if lists[0] != lists[1]:
        gone, come = ([quoted(name) for name in lists[i] if name not in lists[1 - i]] for i in (0, 1))
        change = [f"{word} {few(names)}" for word, names in (("gone", gone), ("new", come)) if names]
        why.append(f"the classes changed: {', '.join(change) or 'they are in another order'}")
        mend.append(
            "Apply the passes that change classes to both sides: make a baseline that has them and nothing else."
        )
    shared, units = len(scored.table), draws(scored.units)
    if units < min(shared, MIN_UNITS):
        why.append(f"the test examples are of {units} groups only; a verdict needs at least {MIN_UNITS}")
        mend.append("Collect test examples of more groups: a few say nothing of the next one.")
    if shared < MIN_SLICE and shared == max(scored.sizes):
        why.append(f"{shared} test examples are too few to tell a gain from luck; a verdict needs at least {MIN_SLICE}")
        mend.append("Collect test examples, or give `split.test` in conf/data a larger share.")
    elif 2 * shared < max(scored.sizes) or shared < MIN_SLICE:
        reasons = ", ".join(f"{len(ids):,} {reason}" for reason, ids in scored.excluded.items())
        why.append(f"the test set changed: only {shared:,} examples are in both ({reasons})")
        entered = [revision.json(DATA).get("edits", {}).get("add-test", 0) for revision in (baseline, candidate)]
        if entered[0] == entered[1]:
            mend.append(
                "Keep the test set fixed while the training data changes; change it in a pull request of its own."
            )
        else:
            mend.append(
                "The test set was renewed in between: make the renewed one the baseline, and measure the other's data on it "
                "(merge it there, then `dvc repro`)."
            )
    if not model:
        old, new = (revision.lock.stages["train"].settings.get(SEEDS, []) for revision in (baseline, candidate))
        trained = [seed for seed in old if seed in new]
        if len(trained) != len(scored.seeds):
            why.append(f"{len(trained)} seeds were trained, and {len(scored.seeds)} have answers in both revisions")
            mend.append("Run `dvc repro` on both revisions and commit what it writes.")
    return why, mend, warnings
