"""The ladder of smaller training sets: which rungs DVC's experiments hold of a revision's data, and running the others.

A rung is a result of the same data, model and seeds with `data.size` at N 2^(-j/2), j = 1..6, where N are all training examples.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from ..comparison.lock import NOTHING, SIZE, is_varied
from ..comparison.proof import kind_of, prove
from ..comparison.revisions import WORKSPACE, Revision, git, list_experiments, load_all
from ..comparison.stale import stale
from ..files.paths import DATA, INPUTS, MODELS, PASSES
from ..messages.problems import Refusal, quoted

RUNGS = 6  # below the whole; the last has an eighth of the examples
TARGET = "evaluate"  # no rung needs an audit


def sizes(examples: int) -> list[int]:
    """Return the numbers of training examples on the ladder below all of them, the largest first."""
    found = (round(examples * 2 ** (-j / 2)) for j in range(1, RUNGS + 1))
    return [size for size in dict.fromkeys(found) if 0 < size < examples]


def experiments() -> list[Revision]:
    """Return all experiments, sorted by name."""
    found = [Revision(name, commit) for name, runs in sorted(list_experiments().items()) for commit in runs.values()]
    load_all(found, ["dvc.lock"])
    return found


def rungs_of(revision: Revision, among: Sequence[Revision]) -> dict[int, Revision]:
    """Return those with a revision's data, seeds and settings but for the size, by that size; of several the first."""
    found: dict[int, Revision] = {}
    for other in among:
        try:
            size = other.lock.size
            if isinstance(size, int) and size not in found and not differs(revision, other):
                found[size] = other
        except Refusal:  # an experiment that this version cannot read is no rung
            continue
    return found


def differs(one: Revision, other: Revision) -> list[str]:
    """Return what of two revisions differs that decides a result, but for the size; see `proof` for what is what.

    The inputs are told by their hashes in the tables, as the libraries that write data/inputs/ leave their versions there.
    """
    apart = {path.as_posix() for path in (MODELS, DATA, INPUTS)}
    found = []
    for name in ("train", "evaluate"):
        stages = [revision.lock.stages.get(name, NOTHING) for revision in (one, other)]
        hashes = [{p: h for p, h in s.deps.items() if kind_of(p) == "data" and p not in apart} for s in stages]
        found += [path for path in sorted(hashes[0].keys() | hashes[1]) if hashes[0].get(path) != hashes[1].get(path)]
        settings = [{key: v for key, v in s.settings.items() if not is_varied(key)} for s in stages]
        found += [
            key for key in sorted(settings[0].keys() | settings[1]) if settings[0].get(key) != settings[1].get(key)
        ]
        found += ["data.augment"] if stages[0].augment != stages[1].augment else []
    return list(dict.fromkeys(found))


def free_name(*parts: object) -> str:
    """Return a name that DVC takes for an experiment and no experiment has, readably of these parts."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(map(str, parts))).strip("-")
    taken = list_experiments()
    return next(n for n in (name, *(f"{name}-{k}" for k in range(2, len(taken) + 3))) if n not in taken)


def named(revision: Revision, size: int | str) -> str:
    """Return a free and readable name for the experiment of a rung."""
    return free_name("worth", revision.name, size)


def as_word(revision: Revision) -> str:
    """Return a revision as one word of a printed command: its whole name, quoted for a shell, or its short commit.

    Git allows names that a shell would run, or that end the command where it stands in a text.
    """
    if revision.commit is None or re.fullmatch(r"\w[\w.,/@~^+-]*", revision.name):
        return shlex.quote(revision.name)
    return revision.commit[:7]


def command(revision: Revision, missing: Sequence[int], *more: str) -> str:
    """Return what one types to have DVC train the missing rungs."""
    swept = ",".join(map(str, missing))
    overrides = " ".join(f"-S {one}" for one in (f"{SIZE}={swept}", *more))
    return (
        f"git add data/passes && dvc exp run --queue -n {named(revision, 'at')} {overrides} {TARGET} && dvc queue start"
    )


def without_later_passes(baseline: Revision, candidate: Revision) -> tuple[str]:
    """Return the override that makes the baseline's data of a workspace with the candidate's.

    Raises:
        Refusal: where the candidate's passes do not go on where the baseline's end.
    """
    old, new = ([one["name"] for one in revision.json(DATA)["passes"]] for revision in (baseline, candidate))
    if len(old) >= len(new) or new[: len(old)] != old:
        raise Refusal(
            "--both makes the baseline's data by leaving out the candidate's passes; the two do not differ by those."
        )
    return (f"data.passes.until={old[-1] if old else 'p000'}",)


def by_hand(revision: Revision, missing: Sequence[int]) -> str:
    """Return what one types in this workspace to train the missing rungs; nothing where files that Git does not know forbid it."""
    if any(not name.startswith(f"{PASSES.as_posix()}/") for name in _unknown()):
        return ""
    other = ["unknown"]
    with suppress(Refusal):  # a workspace that cannot be read does not hold it
        other = _apart(revision)
    return f"{_bring(revision)} && {command(revision, missing)}" if other else command(revision, missing)


def _bring(revision: Revision) -> str:
    """Return what one types to have the workspace hold a revision."""
    word = as_word(revision)
    if revision.name in list_experiments():
        return f"dvc exp apply {word}"
    return f"git switch --detach {word} && dvc checkout"


def _unknown() -> list[str]:
    """Return the files that a training would lack, as Git does not know them."""
    listed = git("ls-files", "-z", "--others", "--exclude-standard", "--", "data", "conf", "src")
    return [name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name]


def _apart(revision: Revision) -> list[str]:
    """Return by what the workspace does not hold a revision's data and model. Raises Refusal where it has no results."""
    if revision.commit is None:
        return []
    here = Revision(WORKSPACE, None)
    other = differs(revision, here) + ([SIZE] if here.lock.size != revision.lock.size else [])
    return other + (prove(revision, here, False).model or stale(here)[0])


def refuse_other_workspace(revision: Revision) -> None:
    """Refuse to train rungs where the workspace does not hold a revision's data and model, or DVC would not see all of it."""
    git("add", "--", PASSES.as_posix())  # as whatever places a pass does
    new = _unknown()
    if new:
        raise Refusal(f"Git does not know {quoted(new[0])}, so a training would lack it; `git add` or delete it first.")
    other = _apart(revision)
    if other:
        raise Refusal(
            f"The workspace does not hold the data and the model of {quoted(revision.name)} ({other[0]}), and the trainings "
            f"would be of what it holds. `{_bring(revision)}` brings them; then run this again."
        )


def run(revision: Revision, missing: Sequence[int], seeds: int, *more: str) -> None:
    """Train rungs one after the other, each as an experiment of DVC's in a folder of its own, and let DVC say how it goes.

    Args:
        missing: their sizes.
        seeds: trainings of each.
        more: further overrides of the configuration, such as `data.passes.until=p000`.

    Raises:
        Refusal: where DVC stops; what ran before is kept.
    """
    for number, size in enumerate(missing, 1):
        name = named(revision, size)
        print(f"[{number}/{len(missing)}] {name}: {size:,} examples, {seeds} trainings", file=sys.stderr, flush=True)
        overrides = [part for one in (f"{SIZE}={size}", *more) for part in ("-S", one)]
        called = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "-n", name, *overrides, TARGET]
        if subprocess.run(called, stdout=sys.stderr, check=False).returncode:
            raise Refusal(
                f"DVC stopped at {size:,} examples, see above; what ran before is kept, and running this again goes on."
            )
