"""The sentences that every form of the report shares, so that they cannot disagree."""

from ..annotators.agreement import Agreement
from ..comparison import verdict as v
from ..comparison.datadiff import KINDS, DataDiff
from ..comparison.deliveries import named, trade
from ..comparison.metric import ACCURACY, BALANCED, COST, MACRO_F1, Metric
from ..comparison.statistics import Interval
from ..comparison.verdict import Comparison, Part
from ..messages.problems import few, quoted


def percent(value: float) -> str:
    """Return an accuracy in percent with two decimals, such as 92.30 %."""
    return Metric().score(value)


def interval(gain: Interval, metric: Metric) -> str:
    """Return a gain with its interval, in the unit of its metric."""
    return f"{metric.difference(gain.mean)} [{metric.difference(gain.low)}, {metric.difference(gain.high)}]"


def signed(number: int) -> str:
    """Return a whole number with its sign."""
    return f"{number:+d}".replace("-", "\N{MINUS SIGN}")


def gained(c: Comparison) -> str:
    """Return the gain with its interval, where there is one."""
    return interval(c.gain, c.metric) if c.gain else "no gain"


def headline(comparison: Comparison) -> str:
    """Return the verdict in one line."""
    c = comparison
    names = f"{c.candidate.label} against {c.baseline.label}"
    if c.verdict == v.NOT_COMPARABLE or c.gain is None:
        return f"not comparable: {names}: {c.why[0] if c.why else 'no common seed'}"
    m = c.metric
    gain = f"{m.label} {m.score(c.old)} → {m.score(c.new)}, gain {gained(c)} {m.unit}"
    scale = measured_on(c)
    if c.verdict == v.NO_DIFFERENCE:
        tail = (
            "the two answer alike"
            if c.gain.se == 0
            else f"a gain under {m.difference(c.gain.detectable, False)} {m.unit} would not show"
        )
        return f"no detectable difference: {names}: {gain}; {tail} ({scale})"
    if c.verdict == v.DEPENDS:
        return f"depends on the labels: {names}: {gain} by the new test labels, another verdict by the old or the unchanged ones ({scale})"
    return f"{c.verdict}: {names}: {gain} ({scale})"


def metric_line(c: Comparison) -> str | None:
    """Return what the verdict is about where that is not accuracy."""
    if c.metric.name == BALANCED:
        return (
            "The verdict is about balanced accuracy, the mean of the classes' recalls: a rare class counts as much as a "
            "common one. By class the gain is that of its recall."
        )
    if c.metric.name == MACRO_F1:
        return (
            "The verdict is about macro-F1, the mean of the classes' F1: a rare class counts as much as a common one. By "
            "class the gain is that of its F1."
        )
    if c.metric.name == COST:
        pairs = [
            f"{quoted(answer)} for {quoted(right)} costs {cost:g}"
            for right, row in (c.metric.costs or {}).items()
            for answer, cost in row.items()
        ]
        return (
            "The verdict is about the cost per example, and a gain is what is saved: the answer "
            f"{few(pairs)}; any other right answer 0, a wrong one 1."
        )
    return None


def other_gains(c: Comparison) -> list[tuple[str, Interval]]:
    """Return the gains in accuracy and macro-F1 that the verdict is not about, each with its name; both are in points."""
    gains = ((ACCURACY, c.accuracy), (MACRO_F1, c.macro_f1))
    return [(Metric(name).label, gain) for name, gain in gains if gain and name != c.metric.name]


def measured_on(c: Comparison) -> str:
    """Return how much a gain rests on."""
    groups = f" of {c.units:,} groups" if c.units < c.examples else ""
    return f"{len(c.seeds)} seeds, {c.examples:,} test examples{groups}"


def frozen_line(comparison: Comparison) -> str:
    """Return whether the model stayed frozen, and by what that was checked."""
    p = comparison.proof
    if p.model:
        return f"The model changed in {len(p.model)} places."
    same = (
        f"{p.params} params and {p.code} code paths"
        if p.environment
        else f"{p.params} params, {p.code} code paths and the environment"
    )
    return f"The model stayed frozen: {same} are the same (fingerprint {p.fingerprint})."


def encoders_line(comparison: Comparison) -> str | None:
    """Return that the inputs are encoded otherwise, where encoders learn from the training rows and these differ."""
    if comparison.proof.encoders is not False:
        return None
    return (
        "The encoders of the inputs were fitted on other training rows, as the data change takes some away, brings some or "
        "changes their inputs: so the same input reaches the two models as other numbers, maybe as more or fewer. That is a part of the gain."
    )


def resample_line(comparison: Comparison) -> str | None:
    """Return what a seed is where the model does not depend on it."""
    if not comparison.proof.resampled:
        return None
    return (
        "Each seed draws its training rows with replacement, by group where there are groups, and equally in both arms: "
        "the interval tells how much the gain depends on which rows there are."
    )


def machinery_line(comparison: Comparison) -> str | None:
    """Return what of the machinery differs outside the training core, and whether that was proven to change nothing."""
    p = comparison.proof
    if not p.machinery:
        return None
    files = [what.removeprefix("code ").rpartition(": ")[0] or what for what in p.machinery]
    shown = few(files, 3)
    proven = "; proven neutral: the same data and params gave the same weights" if p.neutral else ""
    number = f"{len(files):,} file{'s' * (len(files) > 1)}"
    return f"The machinery differs outside the training core: {number} ({shown}){proven}."


def environment_line(comparison: Comparison) -> str | None:
    """Return which differences of the environment are tolerated, and what they cost."""
    found = comparison.proof.environment
    if not found:
        return None
    return f"The environment differs: {'; '.join(found)}. So the seeds are taken as unpaired, which gives the wider interval."


def data_line(data: DataDiff) -> str:
    """Return what changed in the data, in one line."""
    parts = [f"{data.number(kind):,} {kind}" for kind in KINDS if data.number(kind)]
    parts += [f"{len(data.renamed):,} class{'es' if len(data.renamed) > 1 else ''} renamed"] if data.renamed else []
    parts += ["other augmentation"] if data.augmentation else []
    parts += [data.size] if data.size else []
    return ", ".join(parts) if parts else "no example changed"


def renamed_lines(data: DataDiff) -> list[str]:
    """Return which class got which name."""
    return [f"The class {quoted(old)} is called {quoted(new)} now." for old, new in data.renamed.items()]


def augmentation_line(data: DataDiff) -> str | None:
    """Return how the training inputs are augmented on both sides, where that differs."""
    return data.augmentation and "Augmentation of the training examples: {} → {}.".format(*data.augmentation)


def size_line(data: DataDiff) -> str | None:
    """Return on how many examples both sides trained, where that differs."""
    return data.size and f"A difference of the data, and none of the model: {data.size} (`data.size`)."


def passes_line(data: DataDiff) -> str:
    """Return which passes only one side has, in a few words."""
    parts = (f"{word} {few(names)}" for word, names in zip(("with", "without"), data.passes, strict=True) if names)
    return "; ".join(parts) or "the same passes"


def ruler_lines(comparison: Comparison) -> list[str]:
    """Return what changed test labels do to the result."""
    r = comparison.ruler
    if r is None:
        return []
    m = comparison.metric
    return [
        f"{r.relabelled:,} test labels changed. By the old labels the gain is "
        f"{interval(r.by_old, m)} {m.unit}; on the test "
        f"examples whose label did not change it is {interval(r.unchanged, m)}.",
        f"The ruler moved: the baseline alone scores {m.difference(r.moved)} {m.unit} by the new labels. That is no gain."
        if m.better > 0
        else f"The ruler moved: the baseline alone saves {m.difference(r.moved)} {m.unit} by the new labels. That is no gain.",
    ]


def excluded_lines(comparison: Comparison) -> list[str]:
    """Return which test examples were left out."""
    return [f"{len(ids):,} test examples {reason} were left out." for reason, ids in comparison.excluded.items()]


def mcnemar_line(comparison: Comparison) -> str | None:
    """Return what one seed can say."""
    if comparison.mcnemar is None:
        return None
    b, c, p = comparison.mcnemar
    differ = "These two trained models differ" if p < 0.05 else "These two trained models are not shown to differ"
    return f"{differ}: {b} examples only the baseline got right, {c} only the candidate (McNemar exact p = {p:.3g}). One seed cannot say that the data helped."


def called(c: Comparison, part: Part) -> str:
    """Return the verdict on a class or slice; none where the whole has none, `too few` under 30 test examples."""
    if part.examples < v.MIN_SLICE:
        return "too few"
    return "" if c.verdict == v.NOT_COMPARABLE else part.verdict


def by_gain(comparisons: list[Comparison]) -> list[Comparison]:
    """Return the comparisons sorted by gain, those without one last."""
    return sorted(comparisons, key=lambda c: (c.gain is None, -c.gain.mean if c.gain else 0, c.candidate.name))


def advice(c: Comparison) -> str:
    """Return what to do next; where it helps here and hurts there, to decide that first."""
    hurt = [named(one.name) for one in c.test_sets if one.verdict == v.HURTS]
    if trade(c.test_sets) is None or c.verdict == v.NOT_COMPARABLE:
        return _advice(c)
    return (
        f"Decide first which test set counts, as it hurts on {hurt[0]}{' and others' * (len(hurt) > 1)}. {_advice(c)}"
    )


def _advice(c: Comparison) -> str:
    rows = int(c.data.rows["id"].nunique())
    changed = f"{rows:,} {'relabelled' if rows == c.data.number('relabelled') else 'changed'} rows"
    if c.data.augmentation:
        changed = f"{changed} and the augmentation" if rows else "settings of the augmentation"
    labels = f" Read the {c.ruler.relabelled:,} changed test labels first." if c.ruler else ""
    if c.verdict == v.NOT_COMPARABLE:
        return " ".join(c.mend) or "Run both with the same `seeds`."
    if c.verdict == v.DEPENDS:
        return "By the old test labels, or on the unchanged ones, the verdict is another: agree on those that changed first."
    if c.data.size:
        return (
            f"Nothing to merge for this: {c.data.size}. `datapass worth` reads from such results what labels are worth."
        )
    if not rows and not c.data.augmentation:
        return "No row changed: there is nothing to merge for the data's sake."
    if c.verdict == v.HELPS:
        return f"Merge if the {changed} read right.{labels}"
    if c.verdict == v.HURTS:
        broken = 0 if c.flips is None else int((c.flips["flip"] == "broken").sum())
        first = (
            f"look at the {broken:,} broken test examples, then at" if broken else "look at"
        )  # none: other wrong answers
        return f"Do not merge yet: {first} the {changed}.{labels}"
    return f"Merge only if the {changed} are right for their own sake: this test set shows no gain.{labels}"


def agreement_line(a: Agreement) -> str:
    """Return the agreement in words; the limits are Krippendorff's (Content Analysis, 2004), a convention."""
    if a.alpha != a.alpha:
        return f"Agreement is not defined: on {a.examples:,} examples everyone used one class."
    say = (
        "too low to build on" if a.alpha < 0.667 else "good for tentative conclusions" if a.alpha < 0.8 else "reliable"
    )
    low, high = a.alpha_95
    interval = "" if low != low else f" [{low:.3f}, {high:.3f}]"
    few = " With two annotators the consensus cannot tell who is right." if len(a.annotators) < 3 else ""
    return (
        f"Krippendorff's alpha {a.alpha:.3f}{interval}, {say}: {a.ratings:,} labels of {a.examples:,} examples by "
        f"{len(a.annotators):,} annotators, {a.agreement:.1%} of pairs agree, Fleiss' kappa {a.fleiss:.3f}.{few}"
    )
