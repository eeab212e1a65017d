"""The sentences that every form of the report shares, so that they cannot disagree."""

from collections.abc import Sequence

from ..comparison import verdict as v
from ..comparison.datadiff import KINDS, DataDiff
from ..comparison.lineup import MIN_SLICE, Part
from ..comparison.statistics import Interval
from ..comparison.verdict import Comparison
from ..messages.problems import quoted

NAME, SENTENCE = 40, 400  # characters shown of a name and of a sentence


def one_line(value: object, limit: int = NAME) -> str:
    """Return untrusted text as one line of at most `limit` printable characters."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value)[: limit + 1]) or "(empty)"
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def points(value: float, signed: bool = True) -> str:
    """Return a difference of scores in percentage points, such as +1.4."""
    if value != value:
        return "–"
    rounded = round(100 * value, 2) + 0.0  # no negative zero
    return f"{rounded:+.2f}".replace("-", "−") if signed else f"{rounded:.2f}"


def percent(value: float) -> str:
    """Return a score in percent with two decimals, such as 92.30 %."""
    return "–" if value != value else f"{100 * value:.2f} %"


def interval(gain: Interval | None) -> str:
    """Return a gain with its interval in points; a dash where there is none."""
    return f"{points(gain.mean)} [{points(gain.low)}, {points(gain.high)}]" if gain else "–"


def arrow(old: int, new: int) -> str:
    """Return a count before and after; one number where it is the same."""
    return f"{old:,} → {new:,}" if old != new else f"{old:,}"


def headline(c: Comparison) -> str:
    """Return the verdict in one line."""
    names = f"{c.candidate.label} against {c.baseline.label}"
    if c.verdict == v.NOT_COMPARABLE or c.gain is None:
        return f"not comparable: {names}: {c.why[0] if c.why else 'no common seed'}"
    gain = f"accuracy {percent(c.old)} → {percent(c.new)}, gain {interval(c.gain)} points"
    tail = ""
    if c.verdict == v.NO_DIFFERENCE:
        seen = f"a gain under {points(c.gain.detectable, False)} points would not show"
        tail = f"; {'the two answer alike' if c.gain.se == 0 else seen}"
    if c.verdict == v.DEPENDS:
        tail = " by the new test labels, another verdict by the old or the unchanged ones"
    return f"{c.verdict}: {names}: {gain}{tail} ({measured_on(c)})"


def measured_on(c: Comparison) -> str:
    """Return how much a gain rests on."""
    groups = f" of {c.units:,} groups" if c.units < c.examples else ""
    return f"{len(c.seeds)} {'seeds' if c.proof.paired else 'unpaired seeds'}, {c.examples:,} test examples{groups}"


def proof_lines(c: Comparison) -> list[str]:
    """Return whether the model stayed frozen, by what that was checked, and what differs besides."""
    p = c.proof
    if p.model:
        lines = [f"The model changed in {len(p.model)} places."]
    else:
        same = "and the environment are" if p.paired else "are"
        lines = [
            f"The model stayed frozen: {p.params} params, {p.code} code paths {same} the same (fingerprint {p.fingerprint})."
        ]
    if p.environment:
        where = "; ".join(p.environment)
        lines.append(
            f"Trained in different environments ({where}): the seeds of both are taken as unpaired, which gives a wider interval."
        )
    if p.machinery:
        files = ", ".join(what.removeprefix("code ").partition(":")[0] for what in p.machinery[:3])
        more = f" and {len(p.machinery) - 3} more" if len(p.machinery) > 3 else ""
        neutral = "; proven neutral: the same data and params gave the same weights" * p.neutral
        lines.append(f"The machinery differs outside the training core: {files}{more}{neutral}.")
    return lines


def data_line(data: DataDiff) -> str:
    """Return what changed in the data, in one line."""
    parts = [f"{data.number(kind):,} {kind}" for kind in KINDS if data.number(kind)]
    parts += [f"{len(data.renamed):,} class{'es' if len(data.renamed) > 1 else ''} renamed"] if data.renamed else []
    return ", ".join(parts) if parts else "no example changed"


def renamed_lines(data: DataDiff) -> list[str]:
    """Return which class got which name."""
    return [f"The class {quoted(old)} is called {quoted(new)} now." for old, new in data.renamed.items()]


def passes_line(data: DataDiff) -> str:
    """Return which passes only one side has, in a few words."""
    sides = zip(("with", "without"), data.passes, strict=True)
    return "; ".join(f"{word} {', '.join(names)}" for word, names in sides if names) or "the same passes"


def ruler_lines(c: Comparison) -> list[str]:
    """Return what changed test labels do to the result."""
    r = c.ruler
    if r is None:
        return []
    return [
        f"{r.relabelled:,} test labels changed. By the old labels the gain is {interval(r.by_old)} points; on the test "
        f"examples whose label did not change it is {interval(r.unchanged)}.",
        f"The ruler moved: the baseline alone scores {points(r.moved)} points by the new labels. That is no gain.",
    ]


def excluded_lines(c: Comparison) -> list[str]:
    """Return which test examples were left out."""
    return [f"{len(ids):,} test examples {reason} were left out." for reason, ids in c.excluded.items()]


def mcnemar_lines(c: Comparison) -> list[str]:
    """Return what one seed can say."""
    if c.mcnemar is None:
        return []
    b, k, p = c.mcnemar
    differ = "These two trained models differ" if p < 0.05 else "These two trained models are not shown to differ"
    return [
        f"{differ}: {b} examples only the baseline got right, {k} only the candidate (McNemar exact p = {p:.3g}). One seed cannot say that the data helped."
    ]


def advice(c: Comparison) -> str:
    """Return what to do next."""
    rows = int(c.data.rows["id"].nunique())
    changed = f"{rows:,} {'relabelled' if rows == c.data.number('relabelled') else 'changed'} rows"
    labels = f" Read the {c.ruler.relabelled:,} changed test labels first." if c.ruler else ""
    if c.verdict == v.NOT_COMPARABLE:
        return " ".join(c.mend) or "Run both with the same `seeds`."
    if c.verdict == v.DEPENDS:
        return "By the old test labels, or on the unchanged ones, the verdict is another: agree on those that changed first."
    if not rows:
        return "No row changed: there is nothing to merge for the data's sake."
    if c.verdict == v.HELPS:
        return f"Merge if the {changed} read right.{labels}"
    if c.verdict == v.HURTS:
        return f"Do not merge yet: look at the {flipped(c)['broken']:,} broken test examples, then at the {changed}.{labels}"
    return f"Merge only if the {changed} are right for their own sake: this test set shows no gain.{labels}"


def flipped(c: Comparison) -> dict[str, int]:
    """Return how many test examples broke and how many were fixed."""
    return {flip: 0 if c.flips is None else int((c.flips["flip"] == flip).sum()) for flip in ("broken", "fixed")}


def called(c: Comparison, part: Part) -> str:
    """Return the verdict on a class or slice; none where the whole has none, `too few` under 30 test examples."""
    if part.examples < MIN_SLICE:
        return "too few"
    return "" if c.verdict == v.NOT_COMPARABLE else part.verdict


def apart(c: Comparison, parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Return the significant classes or slices and the others, each worst first."""
    ordered = sorted(parts, key=lambda part: part.gain.mean)
    significant = [part for part in ordered if called(c, part) in (v.HELPS, v.HURTS)]
    return significant, [part for part in ordered if part not in significant]


def by_gain(comparisons: list[Comparison]) -> list[Comparison]:
    """Return the comparisons sorted by gain, those without one last."""
    return sorted(comparisons, key=lambda c: (c.gain is None, -c.gain.mean if c.gain else 0, c.candidate.name))
