"""How sure is enough: what would show a gain, what is excluded, and what holds over many looks."""

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from scipy.special import ndtr, stdtrit
from scipy.stats import nct

from datapass.comparison.crossed import Components, crossed_interval
from datapass.comparison.equivalence import at_most, upper_share
from datapass.comparison.history import budget
from datapass.comparison.looks import adjusted, over_all, part
from datapass.comparison.metric import Metric
from datapass.comparison.revisions import Revision
from datapass.comparison.statistics import Interval, t_interval
from datapass.comparison.tries import _number
from datapass.comparison.ways import Ways, fewest_units, power, reach, rounded, seconds_of, ways
from datapass.report.sureness import by_which, minutes

Z = 1.959964 + 0.841621


def made(units: int, seeds: int, own: float, seed: float, rest: float) -> Components:
    """Return the components that these variances of examples, seeds and rest would show."""
    return Components(units, (seeds,), own + rest / seeds, (units * seed + rest,), (rest,))


def test_power_is_that_of_the_t_test() -> None:
    """Where only the seeds vary: noncentral t, by SciPy; the same for a fall. Where nothing varies every gain shows."""
    for seeds, gain in ((3, 0.02), (5, 0.01), (12, 0.005)):
        found = power(made(10**6, seeds, 0, 1e-4, 0), gain)
        known = nct.sf(stdtrit(seeds - 1, 0.975), seeds - 1, gain / (1e-4 / seeds) ** 0.5)
        assert found == pytest.approx(known, abs=0.01)
    assert (power(made(100, 5, 0, 0, 0), 0.01), power(made(100, 5, 0, 0, 0), 0)) == (1, 0)
    assert reach(t_interval(0.01, 0.02, 7)) == pytest.approx(t_interval(0.0, 0.02, 7).high)


def test_examples_alone_by_hand() -> None:
    """Where only the examples vary a gain g shows on (1.96 + .84)^2 variance / g^2 of them, and no seeds help."""
    parts = made(1000, 5, 0.04, 0, 0)
    found = ways(parts, 1000, parts.interval(0.001), 0.01)
    assert found is not None and found.seeds is None and found.examples is not None
    assert found.examples == rounded(Z**2 * 0.04 / 0.01**2 - 1000)
    assert by_which(found) == ["with 2,200 more test examples (no number of seeds alone would do)"]


def test_seeds_alone_by_hand() -> None:
    """Where only the seeds vary no number of test examples helps, and t of S - 1 degrees of freedom decides."""
    parts = made(10**6, 5, 0, 1e-4, 0)
    found = ways(parts, 10**6, parts.interval(0.001), 0.01)
    assert found is not None and found.examples is None and found.seeds is not None
    enough = (s for s in range(6, 99) if nct.sf(stdtrit(s - 1, 0.975), s - 1, 0.01 / (1e-4 / s) ** 0.5) >= 0.8)
    assert found.seeds == next(enough) - 5


def test_both_where_neither_is_enough() -> None:
    parts = made(200, 3, 0.03, 1e-4, 0.01)
    found = ways(parts, 200, parts.interval(0.0), 0.006)
    assert found is not None and (found.seeds, found.examples) == (None, None) and found.both is not None
    seeds, examples = 3 + found.both[0], 200 + found.both[1]
    assert power(parts.expected(examples, [seeds]), 0.006) >= 0.8
    assert ways(parts, 200, parts.interval(0.0), 1e-4) == replace(found, gain=1e-4, both=None, fresh=None)


def test_the_target_is_no_observed_power() -> None:
    """The gain as it looks, but never under half of what would show: that takes at least four times the examples."""
    parts = made(500, 5, 0.04, 1e-6, 0.01)
    large, small = (ways(parts, 500, parts.interval(mean)) for mean in (0.02, 0.0001))
    now = parts.interval(0.0).detectable
    assert large is not None and small is not None
    assert large.gain == 0.02 and small.gain == pytest.approx(now / 2)
    assert ways(parts, 500, parts.interval(0.0), 2 * now) == Ways(2 * now, 0, 0), "it would have shown"
    assert ways(None, 500, parts.interval(0.0)) is None, "macro-F1"
    alike = made(500, 5, 0, 0, 0)
    assert ways(alike, 500, alike.interval(0.0)) is None


@pytest.mark.parametrize(
    ("units", "seeds", "own", "seed", "rest", "gain"),
    [(300, 3, 0.01, 4e-5, 0.05, 0.02), (200, 5, 0.01, 2e-4, 0.05, 0.025), (100, 5, 0.05, 1e-6, 0.03, 0.05)],
    ids=["few seeds", "seeds that differ", "examples that differ"],
)
def test_what_is_promised_has_a_power_of_80_percent(
    units: int, seeds: int, own: float, seed: float, rest: float, gain: float
) -> None:
    """Comparisons are simulated with the numbers of seeds and test examples that the advice gives."""
    parts = made(units, seeds, own, seed, rest)
    found = ways(parts, units, parts.interval(0.0), gain)
    assert found is not None
    rng, tries = np.random.default_rng(1), 1000
    designs = [(units, seeds + found.seeds)] if found.seeds else []
    designs += [(units + found.examples, seeds)] if found.examples else []
    assert designs
    for n, s in designs:
        shown = [
            crossed_interval(
                gain
                + rng.normal(0, own**0.5, (n, 1))
                + rng.normal(0, seed**0.5, (1, s))
                + rng.normal(0, rest**0.5, (n, s))
            ).low
            > 0
            for _ in range(tries)
        ]
        assert 0.76 <= np.mean(shown) <= 0.88, "4 of 5, and a little more where a whole number was rounded up"


def test_rounded_up_to_two_digits() -> None:
    assert [rounded(x) for x in (7, 99, 101, 1234.5, 1200)] == [7, 99, 110, 1300, 1200]


def test_minutes_come_from_the_trainings_that_were_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = ModuleType("datapass.stages.kept")
    kept.seconds = {"abc": 45.0}.get  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "datapass.stages.kept", kept)
    assert (seconds_of("abc"), seconds_of("xyz")) == (45.0, None)
    assert by_which(Ways(0.01, 4, 900, seconds=45.0)) == [
        "with 4 more seeds a side (8 trainings, about 6 minutes)",
        "with 900 more test examples",
    ]
    assert minutes(8, None) == "8 trainings, minutes unknown"
    assert (minutes(1, 10), minutes(600, 60)) == ("1 trainings, about a minute", "600 trainings, about 10 hours")


WIDTHS = {  # studies.md: width against a plain 95 % interval
    4: (2.71, 3.80, 5.36, 2.43),
    9: (1.95, 2.37, 2.85, 1.83),
    19: (1.75, 2.02, 2.30, 1.66),
}


@pytest.mark.parametrize("df", WIDTHS)
def test_widths_over_all_looks(df: int) -> None:
    gain = t_interval(0.0, 1.0, df)
    looks = [over_all([gain], False, k, budget) for k, budget in ((5, None), (10, None), (20, None), (20, 20))]
    assert [look.high / gain.high for look in looks] == pytest.approx(WIDTHS[df], abs=0.006)


def test_adjusted_p() -> None:
    assert [adjusted(0.01, k) for k in (1, 2, 5, 50)] == pytest.approx([0.02, 0.06, 0.3, 1])
    assert [adjusted(0.01, k, 20) for k in (1, 20, 21)] == pytest.approx([0.2, 0.2, 1])
    assert sum(part(k) for k in range(1, 10**5)) == pytest.approx(1, abs=1e-4)
    assert sum(part(k, 20) for k in range(1, 100)) == pytest.approx(1)


def test_a_verdict_holds_by_the_reading_that_is_worst_for_it() -> None:
    gain, weak, against = t_interval(0.03, 0.005, 99), t_interval(0.03, 0.013, 99), t_interval(-0.01, 0.005, 99)
    assert over_all([gain], True, 3).holds
    assert not over_all([gain, weak], True, 3).holds
    assert over_all([gain, against], True, 3).p == 1
    assert not over_all([gain], False, 3).holds, "there is no verdict to hold"


def test_keep_if_better_over_twenty_changes_without_effect() -> None:
    """By plain intervals about one project in five gets a false `helps`, by the adjusted p about one in fifty."""
    rng, runs = np.random.default_rng(0), 20_000
    scores = rng.normal(size=(runs, 21))
    kept, plain, held = scores[:, 0].copy(), np.zeros(runs, bool), np.zeros(runs, bool)
    for k in range(1, 21):
        z = (scores[:, k] - kept) / 2**0.5
        p = 2 * ndtr(-np.abs(z))
        helps = (z > 0) & (p < 0.05)
        plain |= helps
        held |= (z > 0) & (p / part(k) < 0.05)
        kept = np.where(helps, scores[:, k], kept)
    assert plain.mean() == pytest.approx(0.2, abs=0.03)
    assert held.mean() == pytest.approx(0.019, abs=0.005)


def test_looks_count_from_half_of_the_test_set_on() -> None:
    def table(ids: Sequence[int]) -> bytes:
        return ("id,input,weight\n" + "".join(f"t{i},x{i},1\n" for i in ids)).encode()

    dropped = b"".join(b"u%d,y%d,0\n" % (i, i) for i in range(30))  # as a renewal leaves them, they are seen no more
    tests = {
        "own": table(range(10)) + dropped,
        "half": table(range(5, 15)),
        "other": table(range(6, 16)),
        "broken": b"\xff",
    }
    own = ("own", "train", "validation", "")
    rows = [own, ("half", "a", "validation", ""), ("other", "b", "validation", ""), ("broken", "c", "v", "")]
    assert _number(own, rows, tests) == 2, "itself and the one that was scored on half of its examples"
    assert _number(own, [*rows, ("half", "d", "v", ""), ("half", "d", "v", ""), ("own", None, "v", "")], tests) == 3


def test_more_seeds_are_another_look_and_a_larger_test_set_is_not_a_new_one() -> None:
    def table(ids: Sequence[int]) -> bytes:
        return ("id,input,weight\n" + "".join(f"t{i},x{i},1\n" for i in ids)).encode()

    tests = {"own": table(range(10)), "more": table(range(25)), "new": table(range(30, 40))}
    five, twelve = "5 seeds", "12 seeds"
    base, own = ("own", "train", "v", "", five), ("own", "passed", "v", "", five)
    assert _number(own, [base, own], tests) == 2
    again = [base, own, (*base[:-1], twelve), (*own[:-1], twelve)]
    assert _number(own, again, tests) == 3, "the baseline and two looks"
    kept = ("more", "passed", "v", "", five)
    assert _number(kept, [*again, kept], tests) == 3, "half of it and more was seen before, whatever came to it"
    renewed = ("new", "passed", "v", "", five)
    assert _number(renewed, [*again, renewed], tests) == 1


def test_the_reading_that_decides_over_all_looks_gives_the_interval_too() -> None:
    new, old = t_interval(0.10, 0.02, 200), t_interval(0.05, 0.02, 200)
    found = over_all([new, old], True, 20)
    assert not found.holds and found.low < 0 < found.high
    assert found.p == pytest.approx(min(1, 420 * old.p))


def test_a_cost_that_no_answer_changes_excludes_everything() -> None:
    assert at_most([t_interval(0.0, 0.0, 30)], 0.0, 800) == 0


@pytest.mark.parametrize(
    ("content", "number"),
    [(b"looks: 20\n", 20), (b"looks: null\n", None), (b"seeds: [1]\n", None), (b"looks: many\n", None), (None, None)],
    ids=["declared", "null", "from before", "no number", "no params"],
)
def test_the_budget_that_a_revision_declares(content: bytes | None, number: int | None) -> None:
    assert budget(Revision("main", "0" * 40, {"params.yaml": content})) == number


def test_excluded_beyond_by_hand() -> None:
    """The larger bound of the 90 % interval, and one test example more; of two readings the larger."""
    gain, other = t_interval(0.01, 0.02, 30), t_interval(-0.02, 0.02, 30)
    known = 0.01 + float(stdtrit(30, 0.95)) * 0.02
    assert at_most([gain], 1, 800) == pytest.approx(known + 1 / 800)
    assert at_most([gain, other], 1, 800) == pytest.approx(known + 0.01 + 1 / 800)
    assert np.isnan(at_most([gain, t_interval(0, np.nan, 0)], 1, 800))
    assert Metric().at_most(0.008001) == "0.81", "never less than it is"
    assert Metric().at_most(0.01) == "1.00"


@pytest.mark.parametrize(("k", "n", "known"), [(81, 263, 0.3682), (15, 148, 0.1644), (0, 20, 0.2005), (1, 29, 0.1963)])
def test_upper_share_of_newcombe(k: int, n: int, known: float) -> None:
    """The upper limits of method 4 in table I of Newcombe 1998."""
    assert upper_share(k / n, n, 0.025) == pytest.approx(known, abs=1e-4)


def test_nothing_that_turned_excludes_little() -> None:
    assert upper_share(0, 100) == pytest.approx(0.0353915, abs=1e-6)
    assert upper_share(1, 100) == upper_share(1.2, 100) == 1
    nothing = Interval(0.0, 0.0, 99.0, 0.0, 0.0, 1.0)
    assert at_most([nothing], 1, 100) == pytest.approx(upper_share(0, 100)), "none of 100 turned, and 3 % still may"


@pytest.mark.parametrize("n", [100, 800])
@pytest.mark.parametrize("broken", [0, 1, 5])
@pytest.mark.parametrize("net", [2, 4, 8, 20])
def test_a_gain_of_the_excluded_size_is_seldom_excluded(n: int, broken: int, net: int) -> None:
    """The size of the two one-sided tests at the margin, where only few test examples turn, and all seeds alike."""
    rng = np.random.default_rng(n + broken + net)
    b, c, _ = rng.multinomial(n, [(net + broken) / n, broken / n, 1 - (net + 2 * broken) / n], 3000).T
    excluded = []
    for pair, times in zip(*np.unique(np.column_stack([b, c]), axis=0, return_counts=True), strict=True):
        scores = np.repeat([1.0, -1.0, 0.0], [*pair, n - pair.sum()])[:, None]
        excluded += [at_most([crossed_interval(scores)], 1, n) < net / n] * int(times)
    assert np.mean(excluded) <= 0.05 + 2 * (0.05 * 0.95 / 3000) ** 0.5


def test_the_size_of_equivalence_with_seeds_that_differ() -> None:
    rng, excluded = np.random.default_rng(0), []
    margin = 0.02
    for _ in range(2000):
        seeds, rest = rng.normal(0, 0.008, (1, 5)), rng.normal(0, 0.2, (300, 5))
        found = crossed_interval(margin + rng.normal(0, 0.05, (300, 1)) + seeds + rest)
        excluded.append(at_most([found], 1, 300) < margin)
    assert np.mean(excluded) <= 0.05


def test_fewest_units_is_the_first_that_is_enough() -> None:
    parts = made(50, 5, 0.04, 1e-6, 0.02)

    def expected(units: int, seeds: int) -> Components:
        return parts.expected(units, [seeds])

    n = fewest_units(expected, 0.02, 50, 5000, 5)
    assert n is not None and power(expected(n, 5), 0.02) >= 0.8 > power(expected(n - 1, 5), 0.02)
    assert fewest_units(expected, 0.001, 50, 5000, 5) is None
