"""The report on a plan: what shows a wanted gain, at which cost, and the commands."""

from dataclasses import fields

from ..comparison.ways import MOST_SEEDS, MOST_TIMES
from ..decisions.ladder import free_name
from ..decisions.plan import PAIRED, TIMES, TURNED, Plan, listed, trainings
from .sections import Block, Report, Section, lines, table
from .sureness import minutes

TRIES = "in 4 of 5 tries"


def plan(found: Plan) -> Report:
    """Return the report on a plan."""
    m, s = found.metric, found.spread
    rows = []
    for seeds, cells in found.table.groupby("seeds"):
        gains = [f"{m.difference(cell.smallest, False)}{' ✓' * cell.shows}" for cell in cells.itertuples()]
        rows.append([f"{seeds}", f"{cells['trainings'].iloc[0]:,}", *gains])
    header = " | ".join(["seeds", "trainings to run", *(f"{times * s.examples:,} test examples" for times in TIMES)])
    title = f"Smallest true gain, in {m.of}, that shows {TRIES} (✓: {m.difference(found.gain, False)} does)"
    ways: list[Block] = [
        *lines([*(f"⚠️ {note}" for note in found.notes), *_ways(found)]),
        *table(header, rows, len(rows), title),
    ]
    data = {field.name: getattr(found, field.name) for field in fields(found)}
    basis = Section("By what", lines(_basis(found)), open=True)
    flat = found.table.assign(smallest=(found.table["smallest"] * m.scale).round(6), unit=m.unit)
    return Report(headline(found), data, [Section("The ways", ways, open=True), basis], rows=flat)


def _cost(found: Plan, seeds: int) -> str:
    """Return what it takes to run both sides with so many seeds."""
    return minutes(trainings(len(found.seeds), seeds), found.seconds)


def headline(found: Plan) -> str:
    """Return the cheapest way to the wanted gain in one line."""
    m, here = found.metric, len(found.seeds)
    size = f"a true gain of {m.difference(found.gain, False)} {m.of}"
    on = f"these {found.spread.examples:,} test examples"
    if found.by_seeds == here:
        return f"The {here} seeds and {found.spread.examples:,} test examples there are show {size} {TRIES}."
    if found.by_seeds:
        return f"{found.by_seeds} seeds show {size} on {on} {TRIES}: {_cost(found, found.by_seeds)}."
    if found.by_both:
        seeds, examples = found.by_both
        return (
            f"No number of seeds shows {size} on {on}: it takes about {examples:,} test examples, with {seeds} seeds."
        )
    many = f"{MOST_SEEDS} seeds and {MOST_TIMES} times the test examples"
    return f"Nothing within reach shows {size}: not even {many} do."


def _ways(found: Plan) -> list[str]:
    """Return the other ways, and the commands."""
    m, here = found.metric, len(found.seeds)
    now = f"{here} seeds and {found.spread.examples:,} test examples, as they are, show a true gain of"
    least = f"{m.difference(found.smallest, False)} {m.unit} or more" if found.smallest == found.smallest else ""
    untimed = "Minutes unknown: no training of this model was timed here."
    said = [
        f"{now} {least}."
        if least
        else f"{here} seeds and {found.spread.examples:,} test examples can show no gain of any size."
    ]
    if found.by_seeds != here and found.by_examples:
        more = found.by_examples - found.spread.examples
        said.append(f"Or without another seed: {more:,} more test examples, {found.by_examples:,} in all.")
    wanted = found.by_seeds or (found.by_both[0] if found.by_both else here)
    if wanted > here:
        name = found.revision.name if found.revision.commit else "baseline"
        chosen = ",".join(map(str, listed(found.seeds, wanted)))
        said.append(
            f"On the baseline: `dvc exp run -n {free_name(name, wanted)} -S 'seeds=[{chosen}]' evaluate`; on the candidate's data the "
            "same with another name; then `datapass compare` these two. Seeds that were trained before are not trained again."
        )
    if found.by_seeds is None and (found.by_examples or found.by_both):
        said.append("Fresh rows for the test set: `datapass renew-test`, in a pull request of its own.")
    return said + ([untimed] if found.seconds is None else [])


def _basis(found: Plan) -> list[str]:
    """Return what the plan rests on."""
    m, s = found.metric, found.spread
    groups = f" of {s.units:,} groups" if s.units < s.examples else ""
    apart = [m.difference(variance**0.5, False) for variance in (s.seeds, s.rest)]
    return [
        f"The baseline {found.revision.label}: {m.label} {m.score(found.level)}, {len(found.seeds)} seeds, {s.examples:,} test "
        f"examples{groups}. Standard deviation between seeds: {apart[0]} {m.unit} of all answers together, {apart[1]} of one alone.",
        "What a change will do to single examples nobody knows; assumed is what changes of the data did to the template's three "
        f"examples: seeds that both sides share leave {PAIRED:.0%} of the variance of independent ones, and what turns does so with "
        f"{TURNED:.0%} of the seeds.",
        "The standard errors of 13 such changes were .3 to 1.0 of those planned this way: less may be enough, more is seldom needed.",
    ]
