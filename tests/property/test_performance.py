"""How a competitor did, and within what bounds: against empyrical, arch, scipy, statsmodels and skfolio."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from arena.analysis.performance import DAYS_A_YEAR, Measure, Measures, Performance, measured, performance, resampled
from arena.analysis.resampling import Floats, block_length
from arena.analysis.sharpe import best_by_luck, deflated_sharpe, probabilistic_sharpe
from arena.analysis.trading import exposure, profit_factor, turnover, win_rate

pytestmark = pytest.mark.filterwarnings("error")  # a division by zero is a figure that nobody can trust

HOURS = 24
seeds = st.integers(0, 2**32 - 1)
thousandths = st.integers(-300, 300).map(lambda number: number / 1000)
returns_of_two = st.integers(2, 60).flatmap(lambda steps: arrays(np.float64, (steps, 2), elements=thousandths))


def walk(days: int, columns: int, seed: int = 0, size: float = 0.006) -> Floats:
    return size * np.random.default_rng(seed).standard_normal((days * HOURS, columns))


def path(gains: Floats) -> Floats:
    """An equity path that stays at 0 once it is there."""
    equity = [np.ones(gains.shape[1])]
    for step in gains:
        equity.append(np.where(equity[-1] > 0, np.maximum(equity[-1] + step, 0), 0))
    return np.array(equity)


def in_a_hundred(gains: Floats) -> tuple[Measures, ...]:
    return measured(gains, steps_a_day=HOURS, seed=3, repetitions=100)


def rows(gains: Floats, seed: int, resamples: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, len(gains), (resamples, len(gains)))


@settings(max_examples=50, deadline=None)
@given(returns_of_two)
def test_measures_are_those_of_empyrical(returns: Floats) -> None:
    import empyrical

    year = HOURS * DAYS_A_YEAR
    equity = np.cumprod(np.concatenate([np.ones((1, 2)), 1 + returns]), axis=0)
    found = performance(equity, HOURS)
    for column in range(2):
        series = returns[:, column]
        with np.errstate(all="ignore"):
            expected = Performance(
                roi=empyrical.cum_returns_final(series),
                volatility=empyrical.annual_volatility(series, annualization=year),
                sharpe=empyrical.sharpe_ratio(series, annualization=year),
                sortino=empyrical.sortino_ratio(series, annualization=year),
                calmar=empyrical.calmar_ratio(series, annualization=year),
                drawdown=-empyrical.max_drawdown(series),
            )
        for measure, oracle in zip(found, expected, strict=True):
            finite = oracle if np.isfinite(oracle) else np.nan  # no loss at all is an infinite Sortino there
            assert measure[column] == pytest.approx(finite, rel=1e-6, abs=1e-9, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from([0.005, 0.1, 0.4]))
def test_paths_walked_side_by_side_are_those_walked_one_by_one_and_ruin_is_final(seed: int, size: float) -> None:
    gains = walk(2, 3, seed, size)
    gains[:, 2] = 0
    drawn = rows(gains, seed, 5)
    found, lowest = resampled(gains, drawn, HOURS)
    for number, steps in enumerate(drawn):
        equity = path(gains[steps])
        assert lowest[number] == pytest.approx(equity.min(axis=0), abs=1e-12)
        for measure, alone in zip(found, performance(equity, HOURS), strict=True):
            assert measure[number] == pytest.approx(alone, rel=1e-6, abs=1e-9, nan_ok=True)


def test_intervals_are_those_of_arch() -> None:
    from arch.bootstrap import StationaryBootstrap

    gains = walk(10, 2)

    def figures(drawn: Floats) -> Floats:
        found = performance(path(drawn), HOURS)
        return np.concatenate([found.roi, found.sharpe, found.sortino, found.drawdown])

    oracle = StationaryBootstrap(block_length(gains, HOURS), gains, seed=3)
    low, high = oracle.conf_int(figures, reps=100, method="percentile", size=0.9)
    found = [getattr(each, name).interval for name in ("roi", "sharpe", "sortino", "drawdown") for each in in_a_hundred(gains)]
    assert [each.low for each in found] == pytest.approx(low) and [each.high for each in found] == pytest.approx(high)


def test_a_season_without_trades_has_a_return_and_no_ratios() -> None:
    (found,) = in_a_hundred(np.zeros((10 * HOURS, 1)))
    for measure in (found.roi, found.volatility, found.drawdown):
        assert measure.value == 0 and measure.interval is not None and (measure.interval.low, measure.interval.high) == (0, 0)
    for measure in (found.sharpe, found.sortino, found.calmar):
        assert measure == Measure(value=None, interval=None)
    assert found.halved == 0


def test_one_trade_in_a_season_gives_no_interval_of_a_ratio() -> None:
    gains = np.zeros((10 * HOURS, 1))
    gains[100] = -0.1
    (found,) = in_a_hundred(gains)
    assert found.sharpe.value is not None and found.sharpe.interval is None, "many resamples are without that trade"
    assert found.roi.interval is not None and found.roi.interval.high == 0


def test_one_who_is_liquidated() -> None:
    gains = walk(10, 2)
    gains[50:53, 0] = -0.4
    gains[53:, 0] = 0
    ruined, other = in_a_hundred(gains)
    assert ruined.roi.value is not None and ruined.roi.value < -0.9 and ruined.drawdown.value is not None
    assert ruined.roi.interval is not None and ruined.roi.interval.low == -1, "what is lost cannot be less than nothing"
    assert ruined.halved is not None and other.halved is not None and ruined.halved > 0.4 > 0.1 > other.halved
    equity = np.array([[1.0], [0.5], [-0.1], [-0.1], [0.3]])
    assert performance(equity, HOURS).volatility == pytest.approx(
        np.std([-0.5, -1.2, 0, 0], ddof=1) * np.sqrt(HOURS * DAYS_A_YEAR)
    )


@pytest.mark.parametrize("steps", [0, 1, 2 * HOURS - 1])
def test_less_than_two_days_have_figures_without_intervals(steps: int) -> None:
    for found in in_a_hundred(walk(2, 2)[:steps]):
        assert all(getattr(found, each.name).interval is None for each in fields(found) if each.name != "halved")
        assert found.halved is None and found.roi.value is not None and (found.sharpe.value is None) == (steps < 2)


def test_a_column_does_not_depend_on_where_it_stands() -> None:
    gains = walk(10, 3)
    moved, found = in_a_hundred(gains[:, [2, 0, 1]])[0], in_a_hundred(gains)[2]
    for name in Performance._fields:
        one, other = getattr(moved, name), getattr(found, name)
        assert one.value == pytest.approx(other.value) and one.interval.low == pytest.approx(other.interval.low)
    assert moved.halved == found.halved


@settings(deadline=None)
@given(arrays(np.float64, st.integers(3, 40), elements=st.integers(-50, 60).map(lambda n: n / 1000)), st.floats(-0.5, 0.5))
def test_how_sure_a_sharpe_ratio_is_agrees_with_skfolio(returns: Floats, benchmark: float) -> None:
    from skfolio.measures import deflated_sharpe_ratio, probabilistic_sharpe_ratio

    found = probabilistic_sharpe(returns, benchmark)
    if np.ptp(returns) == 0:
        assert found is None
        return
    expected = probabilistic_sharpe_ratio(returns, benchmark_sharpe_ratio=benchmark)
    assert (np.nan if found is None else found) == pytest.approx(expected, abs=1e-9, nan_ok=True)
    ratios = returns[:7] * 10
    deflated = deflated_sharpe(returns, ratios)
    assert (np.nan if deflated is None else deflated) == pytest.approx(
        deflated_sharpe_ratio(returns, ratios), abs=1e-9, nan_ok=True
    )


def test_the_best_of_many_is_good_by_luck() -> None:
    best = np.random.default_rng(0).standard_normal((4000, 20))
    assert best_by_luck(best[0] / best[0].std(ddof=1)) == pytest.approx(best.max(axis=1).mean(), abs=0.06)
    assert best_by_luck(np.array([0.3])) == 0


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60))
def test_a_win_rate_has_the_interval_of_wilson(pnls: list[int]) -> None:
    from statsmodels.stats.proportion import proportion_confint

    wins = sum(pnl > 0 for pnl in pnls)
    found = win_rate(np.array(pnls, np.float64))
    assert found.value == wins / len(pnls) and found.interval is not None
    low, high = proportion_confint(wins, len(pnls), alpha=0.1, method="wilson")
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-12)


def test_a_profit_factor_and_when_there_is_none() -> None:
    pnls = np.array([3.0, -1.0, 2.0, -1.5, 0.0] * 20)
    found = profit_factor(pnls, seed=1)
    assert found.value == pytest.approx(2) and found.interval is not None
    logs = np.random.default_rng(0).choice(pnls, (4000, 100))
    factors = np.maximum(logs, 0).sum(axis=1) / -np.minimum(logs, 0).sum(axis=1)
    assert (found.interval.low, found.interval.high) == pytest.approx(np.percentile(factors, [5, 95]), rel=0.05)
    assert profit_factor(np.array([-1.0, 2.0]), seed=1) == Measure(value=2.0, interval=None), "a quarter are without a loss"
    for none in ([], [1.0], [0.0]):
        assert profit_factor(np.array(none), seed=1) == Measure(value=None, interval=None)
    assert win_rate(np.array([])) == Measure(value=None, interval=None)


def test_turnover_and_exposure_have_the_intervals_of_their_days() -> None:
    from scipy.stats import ttest_1samp

    traded = np.random.default_rng(0).exponential(10, 8 * HOURS)
    found = turnover(traded, capital=200, steps_a_day=HOURS)
    daily = traded.reshape(8, HOURS).sum(axis=1) / 200
    assert found.value == pytest.approx(daily.mean()) and found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(ttest_1samp(daily, 0).confidence_interval(0.9)))

    equity = np.full(8 * HOURS, 100.0)
    equity[-HOURS:] = 0  # liquidated
    held = exposure(2 * equity + 50 * (equity == 0), equity, steps_a_day=HOURS)
    assert held.value == pytest.approx(2 * 7 / 8) and held.interval is not None and held.interval.low > 1
    assert exposure(equity[:50], equity[:50], steps_a_day=HOURS) == Measure(value=1.0, interval=None)
    assert turnover(np.empty(0), capital=200, steps_a_day=HOURS).value is None
