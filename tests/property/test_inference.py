"""Who is better, and who may be called so: against arch, scipy and statsmodels, and where a method easily goes wrong."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.analysis.inference import SHORTEST, SIGNIFICANT, Contest, contest, holm
from arena.analysis.resampling import Floats, block_length

pytestmark = pytest.mark.filterwarnings("error")  # a division by zero is a figure that nobody can trust

HOURS = 24
seeds = st.integers(0, 2**32 - 1)


def judged(gains: Floats, *, days: float | None = None, seed: int = 1, repetitions: int = 300) -> Contest:
    ran = len(gains) / HOURS if days is None else days
    return contest(gains, steps_a_day=HOURS, days=ran, seed=seed, repetitions=repetitions)


def rivals(days: int, columns: int, seed: int = 0, own: float = 0.002) -> Floats:
    """Equals in one market: what they share moves them more than what each does of its own."""
    dice = np.random.default_rng(seed)
    return 0.006 * dice.standard_normal((days * HOURS, 1)) + own * dice.standard_normal((days * HOURS, columns))


def differing(days: int, t: float, seed: int = 0) -> Floats:
    """Two of whom the first is ahead by so many standard errors of a paired day."""
    gains = rivals(days, 2, seed)
    daily = (gains[:, 0] - gains[:, 1]).reshape(days, HOURS).sum(axis=1)
    gains[:, 0] += (t * daily.std(ddof=1) / np.sqrt(days) - daily.mean()) / HOURS
    return gains


@settings(max_examples=15, deadline=None)  # the oracle is slow
@given(st.lists(st.floats(0, 1), min_size=1, max_size=15))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_a_pair_is_tested_by_whole_days(seed: int) -> None:
    from scipy.stats import ttest_rel

    gains = rivals(9, 3, seed)[: 8 * HOURS + 7]  # a part of the ninth day
    daily = gains[: 8 * HOURS].reshape(8, HOURS, 3).sum(axis=1)
    for pair in judged(gains, repetitions=10).pairs:
        assert pair.difference == pytest.approx(gains[:, pair.first].sum() - gains[:, pair.second].sum())
        assert pair.p == pytest.approx(ttest_rel(daily[:, pair.first], daily[:, pair.second]).pvalue)


def test_the_days_needed_are_those_of_the_formula() -> None:
    gains = rivals(40, 3)
    daily = gains.reshape(40, HOURS, 3).sum(axis=1)
    pairs = judged(gains, repetitions=10).pairs
    for pair in pairs:
        apart = daily[:, pair.first] - daily[:, pair.second]
        assert pair.days == pytest.approx((3.236 * apart.std(ddof=1) / apart.mean()) ** 2, rel=1e-3)


def test_a_difference_has_the_interval_that_arch_gives_it() -> None:
    from arch.bootstrap import StationaryBootstrap

    gains = rivals(20, 3)
    apart = np.stack([gains[:, a] - gains[:, b] for a, b in combinations(range(3), 2)], axis=1)
    oracle = StationaryBootstrap(block_length(apart, HOURS), apart, seed=5)
    low, high = oracle.conf_int(lambda rows: rows.sum(axis=0), reps=500, method="percentile", size=0.95)
    pairs = judged(gains, seed=5, repetitions=500).pairs
    assert [pair.low for pair in pairs] == pytest.approx(low) and [pair.high for pair in pairs] == pytest.approx(high)


def test_a_block_is_a_day_or_longer_where_the_series_has_a_longer_memory() -> None:
    dice = np.random.default_rng(0)
    noise = dice.standard_normal((90 * HOURS, 1))
    assert block_length(noise, HOURS) == HOURS
    slow = np.convolve(noise[:, 0], np.exp(-np.arange(600) / 100), "valid")[:, None]
    assert HOURS < block_length(np.concatenate([noise[: len(slow)], slow], axis=1), HOURS) <= len(slow) // 5
    assert block_length(noise[:50], HOURS) == 10 and block_length(noise[:2], HOURS) == 1
    assert block_length(np.zeros((500, 2)), HOURS) == HOURS


def test_chances_are_those_of_a_normal_difference() -> None:
    from scipy.stats import norm

    gains = differing(60, t=1.0)
    found = judged(gains, repetitions=4000)
    assert found.top == pytest.approx((norm.cdf(1), norm.sf(1)), abs=0.03)
    assert found.luck == pytest.approx(2 * norm.sf(1), abs=0.04)
    assert found.leader == 0 and found.winner is None


def test_a_winner_is_alone_and_significant_and_has_run_for_30_days() -> None:
    gains = rivals(60, 3)
    gains[:, 1] += 0.0006
    found = judged(gains)
    assert found.winner == found.leader == 1 and found.kept == (False, True, False) and found.days_needed == SHORTEST
    assert judged(gains, days=29.99).winner is None


def test_to_be_alone_in_the_set_is_not_enough() -> None:
    found = judged(differing(60, t=1.85))
    assert found.kept == (True, False) and found.pairs[0].adjusted > SIGNIFICANT
    assert found.winner is None and found.days_needed is not None and found.days_needed > 60


def test_to_be_significant_day_by_day_is_not_enough() -> None:
    """Days that hang together for weeks are fewer than the t test takes them for; blocks see it."""
    lead = np.repeat(np.where(np.arange(60) < 39, 0.01, -0.01), HOURS) / HOURS
    found = judged(rivals(60, 1) + np.stack([lead, 0 * lead], axis=1))
    assert found.pairs[0].adjusted < SIGNIFICANT and found.kept == (True, True)
    assert found.leader == 0 and found.winner is None


def test_a_leader_who_does_not_beat_everyone_has_not_won() -> None:
    gains = rivals(60, 3)
    gains[:, :2] += 0.002
    found = judged(gains)
    assert found.kept == (True, True, False) and found.winner is None
    assert sum(pair.adjusted <= SIGNIFICANT for pair in found.pairs) == 2


@settings(max_examples=5, deadline=None)
@given(seeds, st.permutations(range(4)))
def test_another_order_of_the_columns_is_the_same_contest(seed: int, order: list[int]) -> None:
    gains = rivals(12, 4, seed)
    gains[:, 0] += 0.001
    gains[:, 3] = 0
    one, other = judged(gains), judged(gains[:, order])
    assert one.top and one.kept and other.top and one.leader is not None
    assert other.top == pytest.approx([one.top[column] for column in order])
    assert other.kept == tuple(one.kept[column] for column in order)
    assert (other.luck, other.days_needed) == pytest.approx((one.luck, one.days_needed))
    assert other.leader == order.index(one.leader)
    between = {frozenset((pair.first, pair.second)): pair.adjusted for pair in one.pairs}
    for pair in other.pairs:
        assert pair.adjusted == pytest.approx(between[frozenset((order[pair.first], order[pair.second]))])


@settings(max_examples=5, deadline=None)
@given(seeds, st.floats(-0.01, 0.01))
def test_what_all_gain_alike_makes_nobody_better(seed: int, drift: float) -> None:
    gains = rivals(31, 3, seed)
    market = drift + 0.02 * np.random.default_rng(seed).standard_normal((len(gains), 1))
    one, other = judged(gains), judged(gains + market)
    assert (other.kept, other.winner, other.leader) == (one.kept, one.winner, one.leader)
    assert other.top == pytest.approx(one.top) and other.luck == pytest.approx(one.luck)
    assert [pair.p for pair in other.pairs] == pytest.approx([pair.p for pair in one.pairs])


def test_a_seed_gives_one_answer_and_another_seed_another_one() -> None:
    gains = rivals(12, 3)
    assert judged(gains) == judged(gains) and judged(gains).top != judged(gains, seed=2).top


@pytest.mark.parametrize("columns", [[0, 0], [0, 0, 1], [1, 0, 0, 1]])
def test_who_did_the_very_same_shares_every_fate(columns: list[int]) -> None:
    gains = differing(60, t=6)[:, columns]
    found = judged(gains)
    best = columns.count(0)
    assert found.kept == tuple(column == 0 for column in columns)
    assert found.top == pytest.approx([(column == 0) / best for column in columns])
    assert found.leader is None and found.winner is None and found.luck == 1 and found.days_needed is None


def test_nobody_traded() -> None:
    found = judged(np.zeros((40 * HOURS, 3)))
    assert found.kept == (True, True, True) and found.top == pytest.approx([1 / 3] * 3)
    assert (found.leader, found.winner, found.luck, found.days_needed) == (None, None, 1, None)
    assert {(pair.p, pair.low, pair.high, pair.days) for pair in found.pairs} == {(1.0, 0.0, 0.0, None)}


def test_cash_is_a_contestant_like_any_other() -> None:
    gains = differing(60, t=0)
    gains[:, 0] += 0.003
    gains[:, 1] = 0
    assert judged(gains).winner == 0 and judged(-gains).winner == 1
    costs = np.zeros((60 * HOURS, 2)) - [0, 1e-5]  # one pays for its calls and does not trade
    assert judged(costs).kept == (True, False) and judged(costs).pairs[0].p == 0


def test_series_with_exactly_equal_sums_do_not_confuse_the_set() -> None:
    steps = np.random.default_rng(0).integers(-2, 3, (20 * HOURS, 1)) / 1024
    found = judged(np.concatenate([steps, steps[::-1], np.roll(steps, 99)], axis=1))
    assert found.kept == (True, True, True) and found.leader is None


def test_one_who_is_liquidated_and_a_day_without_data() -> None:
    gains = rivals(40, 3)
    gains[100:103, 2] = -1 / 3
    gains[103:, 2] = 0
    gains[500 : 500 + HOURS] = 0
    found = judged(gains)
    assert found.leader in (0, 1) and found.winner is None
    assert found.kept == (True, True, True), "an accident that happened once proves nothing"
    assert found.pairs[1].difference > 0.5 and found.pairs[1].days is not None


def test_one_contestant_wins_nothing() -> None:
    found = judged(rivals(60, 1))
    assert (found.leader, found.pairs, found.luck, found.winner, found.days_needed) == (0, (), None, None, None)


@pytest.mark.parametrize("steps", [0, 1, 2 * HOURS - 1])
def test_less_than_two_days_say_nothing(steps: int) -> None:
    found = judged(rivals(2, 3)[:steps])
    assert (found.top, found.kept, found.luck, found.winner, found.days_needed) == (None,) * 5
    assert {(pair.p, pair.low, pair.high, pair.days) for pair in found.pairs} == {(1.0, None, None, None)}


def test_four_days_are_resampled_but_not_tested() -> None:
    found = judged(rivals(5, 2, own=0.1)[: 5 * HOURS - 1])
    (pair,) = found.pairs
    assert (pair.p, pair.adjusted, pair.days, found.days_needed) == (1, 1, None, None)
    assert pair.low is not None and pair.high is not None and pair.low < pair.difference < pair.high
