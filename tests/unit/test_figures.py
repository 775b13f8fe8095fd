"""The figures of the playbooks, against what they are by definition, and None where they are not known."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import exp, isfinite, log, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.analysis.figures import MOST_SPREADS, against_basket, figures, ranks, spreads
from arena.domain.market import Candle
from tests.fakes import build
from tests.fakes.walk import walk


def series(*closes: float) -> tuple[Candle, ...]:
    return build.candles([f"{close:.8f}" for close in closes])


def reverting(length: int, keep: float, seed: int = 1) -> np.ndarray:
    """Return a process of which `keep` of the distance from zero is left after each step."""
    chance = np.random.default_rng(seed)
    values = [0.0]
    for _ in range(length - 1):
        values.append(values[-1] * keep + float(chance.normal(0, 0.002)))
    return np.array(values)


def test_zscore_is_the_distance_from_the_mean_in_deviations() -> None:
    closes = [100 + sin(n) for n in range(120)]
    found = figures(series(*closes))
    for label, length in (("zscore20", 20), ("zscore100", 100)):
        last = closes[-length:]
        assert found[label] == pytest.approx((last[-1] - np.mean(last)) / np.std(last), abs=1e-5)


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.95])
def test_half_life_of_a_process_that_is_known(keep: float) -> None:
    lives = [figures(series(*np.exp(reverting(100, keep, seed)) * 100))["half_life"] for seed in range(40)]
    known = [life for life in lives if life is not None]
    assert len(known) > 30
    # least squares finds reversion too fast in short samples: a bias that is known, and bounded here
    assert 0.4 * log(2) / -log(keep) < float(np.median(known)) < 1.2 * log(2) / -log(keep)


def test_what_only_rises_has_no_half_life_and_a_perfect_trend() -> None:
    found = figures(series(*(100 * exp(0.001 * n + 0.00001 * n * n) for n in range(100))))
    assert found["half_life"] is None
    assert found["trend_fit"] == pytest.approx(1, abs=0.01) and (found["trend_slope_percent"] or 0) > 0.1


def test_ranges_leave_the_last_candle_out() -> None:
    candles = walk("BTCUSDT")
    jump = replace(candles[-1], high=candles[-1].high * 2, low=candles[-1].low / 2)
    found = figures((*candles[:-1], jump))
    before = candles[-49:-1]
    assert found["high_4h"] == float(max(candle.high for candle in before))
    assert found["low_4h"] == float(min(candle.low for candle in before))


def test_rolls_estimate_finds_the_spread_of_a_bouncing_price() -> None:
    chance = np.random.default_rng(3)
    closes = 100 * (1 + 0.001 * chance.choice([-1, 1], 400))  # half a spread of 0.1 % to either side
    assert figures(series(*closes))["spread_percent"] == pytest.approx(0.2, rel=0.25)
    assert figures(series(*(100 * exp(0.001 * n * n / 100) for n in range(150))))["spread_percent"] is None


@pytest.mark.parametrize("closes", [(), (100.0,), (100.0,) * 19, (100.0,) * 300], ids=["none", "one", "19", "never moved"])
def test_what_cannot_be_known_is_none_and_never_a_number(closes: tuple[float, ...]) -> None:
    found = figures(series(*closes))
    assert {found[label] for label in ("zscore20", "zscore100", "half_life", "trend_fit", "return_autocorrelation")} == {None}


@given(st.lists(st.floats(min_value=0.0001, max_value=1e6, allow_nan=False), min_size=0, max_size=130))
def test_no_figure_is_ever_infinite_or_nan(closes: list[float]) -> None:
    assert all(value is None or isfinite(value) for value in figures(series(*closes)).values())


def test_hedge_ratio_and_half_life_of_a_spread_that_is_known() -> None:
    chance = np.random.default_rng(5)
    market = np.cumsum(chance.normal(0, 0.002, 288))
    second = 100 * np.exp(market)
    first = 50 * np.exp(1.5 * market + reverting(288, 0.9))
    (found,) = spreads({"BTCUSDT": series(*first), "ETHUSDT": series(*second)})
    assert (found.first, found.second) == ("BTCUSDT", "ETHUSDT")
    assert found.hedge_ratio == pytest.approx(1.5, abs=0.15) and found.correlation > 0.7
    assert found.half_life is not None and 2 < found.half_life < 12  # 6.6, and the known bias
    rest = np.log(first) - found.hedge_ratio * np.log(second)
    assert found.zscore == pytest.approx((rest[-1] - rest.mean()) / rest.std(), abs=1e-4)


def test_spreads_need_a_day_in_common() -> None:
    whole, half = walk("BTCUSDT", length=288), walk("ETHUSDT", length=287)
    assert spreads({"BTCUSDT": whole, "ETHUSDT": half}) == ()
    gap = tuple(candle for number, candle in enumerate(walk("ETHUSDT", length=400)) if number % 2)[-288:]
    found = spreads({"BTCUSDT": whole, "ETHUSDT": (*walk("ETHUSDT", length=400)[:112], *gap[-176:])})
    assert found == () or len(found) == 1  # half of the instants are left: enough, and never misaligned


def test_the_most_correlated_spreads_come_first_and_not_too_many() -> None:
    candles = {f"P{n}USDT": series(*np.exp(np.cumsum(np.random.default_rng(n).normal(0, 0.002, 288)))) for n in range(8)}
    found = spreads(candles)
    assert len(found) == MOST_SPREADS and [s.correlation for s in found] == sorted((s.correlation for s in found), reverse=True)


def test_the_basket_is_the_others_and_what_is_dear_against_it_scores_high() -> None:
    chance = np.random.default_rng(7)
    market = np.cumsum(chance.normal(0, 0.002, 288))
    candles = {name: series(*100 * np.exp(market + reverting(288, 0.8, seed))) for seed, name in enumerate("ABC")}
    dear = [*candles["A"][:-1], replace(candles["A"][-1], close=candles["A"][-1].close * Decimal("1.03"))]
    found = against_basket({**candles, "A": dear})
    assert (found["A"]["basket_zscore"] or 0) > 3 and (found["B"]["basket_zscore"] or 0) < 0
    assert found["A"]["basket_beta"] == pytest.approx(1, abs=0.3)
    assert set(against_basket({"A": dear})["A"].values()) == {None}, "one pair alone has no basket"


def test_ranks() -> None:
    assert ranks({"A": -1.0, "B": 2.0, "C": None, "D": 2.0}) == {"B": 1.0, "D": 2.0, "A": 3.0, "C": None}
