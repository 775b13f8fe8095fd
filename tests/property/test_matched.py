"""Whatever a competitor traded, those who are matched with it make the same trades, at other instants."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.recorded.instruments import known_instruments
from arena.adapters.recorded.series import to_ms
from arena.replay.contracts import contracts_of
from arena.replay.engine import play
from arena.replay.matched import Trades, instants, lay, matching, percentile, random_outcomes, trades_of
from arena.replay.seat import Terms
from arena.replay.tape import OPEN, SHOWN, TRADED, WIDTH, Bars, Tape

LENGTH = 300
SYMBOLS = ("DOGEUSDT", "ETHUSDT", "XRPUSDT")
TERMS = Terms(capital=100_000.0, leverage=5, value=500.0, share=0.0, stop=0, target=0, slippage=200)


def holdings(bars: int, trades: int) -> st.SearchStrategy[list[tuple[int, int, int]]]:
    """Column, side and holding time of up to so many trades of up to so many bars."""
    return st.lists(st.tuples(st.integers(0, 2), st.sampled_from([-1, 1]), st.integers(1, bars)), min_size=1, max_size=trades)


def market(prices: np.ndarray) -> Tape:
    """Symbols of one price each bar, USDT; it is their mark as well."""
    instruments = {symbol: known_instruments()[symbol] for symbol in SYMBOLS}
    ticks = [[int(Decimal(str(price)) / instruments[symbol].tick_size) for symbol in SYMBOLS] for price in prices.tolist()]
    field = np.zeros((len(prices) + 1, len(SYMBOLS), WIDTH), np.int32)
    field[:-1, :, OPEN:SHOWN] = np.array(ticks)[:, :, None]
    field[-1, :, OPEN:SHOWN] = field[-2, :, OPEN:SHOWN]
    field[:-1, :, SHOWN] = TRADED
    opens = to_ms(datetime(2025, 1, 1, tzinfo=UTC)) + 300_000 * np.arange(len(prices))
    bars = Bars(field, opens, np.empty((0, 3), np.int64), np.empty(0))
    return Tape(symbols=SYMBOLS, instruments=instruments, interval_ms=300_000, bars=bars, close=np.array(ticks))


def trades(rows: list[tuple[int, int, int]]) -> Trades:
    return Trades(*np.array(rows, np.int64).T)


def listed(found: Trades) -> list[tuple[int, ...]]:
    return sorted(zip(*(each.tolist() for each in found), strict=True))


FLAT_MARKET = market(np.full(LENGTH, 2.0))


@given(holdings(bars=25, trades=30), st.integers(0, 2**32))
def test_the_same_trades_none_over_another_all_within_the_season(rows: list[tuple[int, int, int]], seed: int) -> None:
    wanted = trades(rows)
    placed, begins = instants(wanted, LENGTH, np.random.default_rng(seed))
    ends = begins + placed.bars
    assert begins.min() >= 0 and ends.max() <= LENGTH
    for symbol in range(3):
        mine = np.flatnonzero(placed.symbol == symbol)
        mine = mine[np.argsort(begins[mine])]
        assert (begins[mine][1:] > ends[mine][:-1]).all(), "a bar lies between two"
        shorter = np.sort(wanted.bars[wanted.symbol == symbol]) - np.sort(placed.bars[mine])
        crowded = wanted.bars[wanted.symbol == symbol].sum() + len(mine) - 1 > LENGTH
        assert (shorter >= 0).all() and (shorter <= crowded).all()


@settings(max_examples=60, deadline=None)
@given(holdings(bars=9, trades=25), st.integers(0, 99))
def test_the_engine_makes_the_trades_that_were_drawn(rows: list[tuple[int, int, int]], seed: int) -> None:
    placed, begins = instants(trades(rows), LENGTH, np.random.default_rng(seed))
    wants = np.zeros((LENGTH, 3), np.int8)
    lay(wants, *placed, begins)
    (played,) = play(FLAT_MARKET, [TERMS], [wants])
    assert played.refused.sum() == 0
    assert listed(trades_of(played.fills, LENGTH)) == listed(trades(rows))
    again = matching(TERMS._replace(stop=30, share=0.5), played.fills, contracts_of(SYMBOLS, FLAT_MARKET.instruments))
    assert again.value == pytest.approx(500, abs=3) and (again.stop, again.share) == (0, 0.0)


def test_a_season_without_a_free_bar_makes_the_longest_a_bar_shorter_and_one_that_is_too_full_is_refused() -> None:
    full = trades([(0, 1, 4), (0, -1, 3), (0, 1, 3)])
    placed, _ = instants(full, 10, np.random.default_rng(1))
    assert sorted(placed.bars.tolist()) == [2, 3, 3]
    with pytest.raises(ValueError, match="6 trades of a symbol need more than 10 bars"):
        instants(trades([(0, 1, 1)] * 6), 10, np.random.default_rng(1))


def test_the_same_seed_draws_the_same_traders_and_foresight_beats_them() -> None:
    rising = market(np.round(2 + np.sin(np.arange(LENGTH) / 10) / 2, 2))
    wants = np.zeros((LENGTH, 3), np.int8)
    wants[:-1] = np.sign(np.diff(rising.close, axis=0))
    (seer,) = play(rising, [TERMS], [wants])
    terms = matching(TERMS, seer.fills, contracts_of(SYMBOLS, rising.instruments))
    made = trades_of(seer.fills, LENGTH)
    outcomes = random_outcomes(rising, terms, made, traders=200, seed=3)
    assert percentile(float(seer.equity[-1]), outcomes) > 99
    assert outcomes.tolist() == random_outcomes(rising, terms, made, traders=200, seed=3).tolist()
    assert len(set(outcomes.tolist())) > 150, "each draws for itself"
    assert outcomes[:50].tolist() == random_outcomes(rising, terms, made, traders=50, seed=3).tolist()


def test_a_percentile_counts_those_below_and_half_of_the_equals() -> None:
    assert percentile(2.0, np.array([1.0, 2.0, 2.0, 3.0])) == 50
    assert percentile(9.0, np.array([1.0, 2.0])) == 100
    assert percentile(0.0, np.array([1.0, 2.0])) == 0
