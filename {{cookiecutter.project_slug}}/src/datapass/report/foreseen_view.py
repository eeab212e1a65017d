"""The report on whether the model is still the frozen one, before anything runs."""

from collections.abc import Sequence
from dataclasses import fields

from ..comparison.foreseen import Foreseen
from .sections import Report, Section, lines

NOTHING, PROVE, BASELINE = "nothing", "nothing known", "run the baseline again"
FORCED = "DATAPASS_TRAIN_AGAIN=1 dvc repro --force train evaluate"  # DVC does not look at the environment


def foreseen(found: Foreseen) -> Report:
    """Return the report."""
    effect = _effect(found)
    before, again = found.before.label, found.again
    if not found.results:
        headline = f"{before} has no results yet, so there is no frozen model to keep."
        return Report(headline, {"effect": effect, "before": before})
    sections = [
        Section("What makes it another model", lines(found.model), open=True),
        Section("What the machinery reads differently", lines(found.machinery)),
        Section("Also", lines([*_environment(found), *_stale(found)]), open=True),
    ]
    data = {field.name: getattr(found, field.name) for field in fields(found)} | {"effect": effect, "before": before}
    forced = any(what.startswith("environment: ") for what in found.model) and "train" not in again
    runs = _runs(found, "train" in again or forced)
    if effect == BASELINE:
        advice = (
            f"Run the baseline again: `{FORCED if forced else 'dvc repro'}`, and commit; then run open candidates again on it. "
            f"{runs} Results from before are not comparable with those after it."
        )
        headline = f"It is another model than that of {before}."
    elif effect == PROVE:
        where = " on the machine that trained the baseline, where equal weights prove it" if "train" in again else ""
        advice = (
            f"Run `dvc repro`{where}, and commit what it writes, before the next candidate. {runs} "
            f"Then `datapass compare {found.before.name} workspace` says whether the results came out the same."
        )
        headline = f"The model is that of {before}, as far as shows before a run: its results stay comparable."
    else:
        advice, headline = "", f"The model is that of {before}, and no stage runs again: all results stay as they are."
    return Report(headline, data, [each for each in sections if each.blocks], advice=advice)


def _effect(found: Foreseen) -> str:
    """Return what it does to the frozen model, in one of three words."""
    return BASELINE if found.model else PROVE if found.again else NOTHING


def _runs(found: Foreseen, trains: bool) -> str:
    """Return which stages run again, and whether seeds are trained anew."""
    seeds = f"{found.seeds} seeds are trained anew" if trains else "no seed is trained anew"
    stages = f"{_listed(found.again)} run{'s' * (len(found.again) == 1)} again" if found.again else ""
    return f"{stages}{': ' * bool(stages)}{seeds}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _environment(found: Foreseen) -> list[str]:
    return [
        f"environment: {what}: comparable, with seeds taken as unpaired, until the baseline was trained in it too: `{FORCED}`"
        for what in found.environment
    ]


def _stale(found: Foreseen) -> list[str]:
    """Return what was out of date before, which then counts as a difference here."""
    more = f", and {len(found.stale) - 1} more" if len(found.stale) > 1 else ""
    return (
        [f"The results of {found.before.label} were out of date already: {found.stale[0]}{more}."]
        if found.stale
        else []
    )
