"""The report of `pick`: what was picked and why, and how it is labelled."""

from typing import TYPE_CHECKING

from .sections import MOST, Excerpt, Name, Report, Section, lines, one_line, table

if TYPE_CHECKING:
    from ..production.pick import Picked

MEANS = {
    "random": "at random: says how right the model is, and may test it",
    "uncertain": "where the models disagree",
    "unlike": "least like any training input",
}
POLICY = 5  # questions of policy that are named


def picked(found: "Picked") -> Report:
    """Return what was picked and what comes next."""
    counts = found.table["picked_as"].value_counts()
    parts = ", ".join(f"{counts[origin]:,} {origin}" for origin in MEANS if origin in counts)
    headline = f"{one_line(found.name)}: {len(found.table):,} of {found.delivered:,} inputs picked: {parts}"
    by = " (by entropy: the seeds do not disagree on any)" if found.by == "entropy" else ""
    rows = [
        (origin, f"{counts[origin]:,}", Excerpt(what + by * (origin == "uncertain")))
        for origin, what in MEANS.items()
        if origin in counts
    ]
    by_class = found.table["predicted"].value_counts()
    answered = ((Name(name), f"{number:,}") for name, number in by_class.head(MOST).items())
    named = ", ".join(f"`{one_line(id)}`" for id in found.policy[:POLICY])
    left = f"Left out: {found.known:,} inputs that the data has already." if found.known else None
    policy = (
        f"A question of policy, not of more labels: {len(found.policy):,} inputs of which no model is sure and on which all agree, such as "
        f"{named}. Say in data/label_book.md what they are before anybody labels them."
    )
    said = [
        f"`datapass review --picked {found.name}`: a page on which people label them; or `datapass export --picked {found.name}` for Label Studio.",
        "The model's answer is not shown to who labels. The random ones come first: whoever stops early has labelled a random sample.",
    ]
    sections = [
        Section("Picked", table("as | inputs | why", rows, len(rows)), open=True),
        Section("Answers of the models", table("class | inputs", answered, len(by_class)), short=True),
        Section("Found", lines([left, policy if found.policy else None]), open=True),
        Section("Next", lines(said), open=True),
    ]
    data = {
        "delivery": found.name,
        "delivered": found.delivered,
        "uncertain_by": found.by,
        "picked": found.table,
        "policy": found.policy,
    }
    return Report(headline, data, [one for one in sections if one.blocks])
