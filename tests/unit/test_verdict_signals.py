"""What the old rules want: as a plain loop over the closes says, and never with a view of the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.recorded.instruments import known_instruments
from arena.adapters.recorded.series import HOUR_MS, Columns, Series, to_ms
from arena.replay.decisions import FLAT, HOLD, LONG
from arena.replay.tape import OPEN, SHOWN, TRADED, WIDTH, Bars, Tape
from arena.verdict.signals import RULES, acted_upon, hourly_closes

BAR_MS, IN_AN_HOUR = 900_000, 4
BEGIN = to_ms(datetime(2025, 1, 1, tzinfo=UTC))
HOURS = 60  # with 26 and 9 of them MACD begins
ETH = known_instruments()["ETHUSDT"]

seeds = st.integers(0, 10**6)


def closes(seed: int, swing: int = 400) -> np.ndarray:
    """A walk of so many ticks a bar at most; most trend for a while, so that every rule has something to do."""
    dice = np.random.default_rng(seed)
    trend = np.repeat(dice.integers(-swing // 2, swing // 2 + 1, 12), HOURS * IN_AN_HOUR // 12)
    return np.maximum(100_000 + np.cumsum(dice.integers(-swing, swing + 1, HOURS * IN_AN_HOUR) + trend), 1)


def series(ticks: np.ndarray, present: np.ndarray | None = None) -> Series:
    rows = np.arange(len(ticks)) if present is None else np.flatnonzero(present)
    prices = ticks[rows]
    columns = Columns(open=prices, high=prices, low=prices, close=prices)
    return Series(
        instrument=ETH,
        interval=timedelta(milliseconds=BAR_MS),
        open_ms=BEGIN + BAR_MS * rows,
        trade=columns,
        mark=columns,
        volume=np.ones(len(rows), np.int64),
        hours=None,
    )


def tape(ticks: np.ndarray, first: int) -> Tape:
    """The bars from `first` on."""
    shown = ticks[first:]
    field = np.zeros((len(shown) + 1, 1, WIDTH), np.int32)
    field[:-1, 0, OPEN:SHOWN] = shown[:, None]
    field[:-1, 0, SHOWN] = TRADED
    opens = BEGIN + BAR_MS * np.arange(first, len(ticks))
    bars = Bars(field, opens, np.empty((0, 3), np.int64), np.empty(0))
    return Tape(symbols=("ETHUSDT",), instruments={"ETHUSDT": ETH}, interval_ms=BAR_MS, bars=bars, close=shown[:, None])


def average(values: list[float], length: int) -> list[float | None]:
    """EMA that begins with the plain mean."""
    found: list[float | None] = [None] * min(length - 1, len(values))
    if len(values) >= length:
        now = sum(values[:length]) / length
        found.append(now)
        for value in values[length:]:
            now += (value - now) * 2 / (length + 1)
            found.append(now)
    return found


def says(name: str, known: list[float]) -> int:
    """What a rule says to somebody who knows these closes alone, the last one the newest."""
    if name == "RSI":
        if len(known) < 15:
            return HOLD
        moves = [b - a for a, b in pairwise(known)]
        up, down = (sum(max(sign * move, 0) for move in moves[:14]) / 14 for sign in (1, -1))
        for move in moves[14:]:
            up, down = (up * 13 + max(move, 0)) / 14, (down * 13 + max(-move, 0)) / 14
        if up + down == 0:
            return HOLD
        found = 100 * up / (up + down)
        return LONG if found < 30 else FLAT if found > 70 else HOLD
    if len(known) < 26:
        return HOLD
    if name == "EMA cross":
        fast, slow = average(known, 12), average(known, 26)
    else:
        # TA-Lib lets the fast average begin with the slow one: with the mean of the 12 closes before that
        late = [None] * 14 + average(known[14:], 12)
        line = [None if b is None or a is None else a - b for a, b in zip(late, average(known, 26), strict=True)]
        fast, slow = line, [None] * 25 + average([each for each in line if each is not None], 9)
    if fast[-1] is None or slow[-1] is None or abs(fast[-1] - slow[-1]) < 1e-9 * known[-1]:
        return HOLD
    return LONG if fast[-1] > slow[-1] else FLAT


def looped(name: str, ticks: np.ndarray, first: int, decisions: list[int]) -> dict[int, int]:
    """What is traded at which bar of the season, told by someone who lives through it bar by bar."""
    found, state = {}, FLAT
    every_hour = [float(close) for close in ticks[IN_AN_HOUR - 1 :: IN_AN_HOUR]]
    said_after = [says(name, every_hour[:hours]) for hours in range(HOURS + 1)]
    for bar in decisions:
        said = said_after[(first + bar) // IN_AN_HOUR]
        if said != HOLD and said != state:
            found[bar] = state = said
    return found


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=30, deadline=None)
@given(seed=seeds, first=st.integers(0, 200), every=st.integers(1, 9), swing=st.sampled_from([1, 3, 400]))
def test_a_rule_trades_as_a_plain_loop_over_the_closes_it_knows(name: str, seed: int, first: int, every: int, swing: int) -> None:
    ticks = closes(seed, swing)
    decisions = np.arange(0, len(ticks) - first, every)
    wants = acted_upon(RULES[name][0], series(ticks), tape(ticks, first), 0, decisions)
    assert {bar: want for bar, want in enumerate(wants.tolist()) if want != HOLD} == looped(
        name, ticks, first, decisions.tolist()
    )


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=60, deadline=None)
@given(seed=seeds, cut=st.integers(120, HOURS * IN_AN_HOUR - 1))
def test_another_future_changes_no_decision_of_the_past(name: str, seed: int, cut: int) -> None:
    """A boom and a crash, which turn every rule within a bar or two; a bar's own close is the future at its open."""
    first, ticks = 20, closes(seed)
    wild = 20_000 * np.arange(1, len(ticks) - cut + 1)
    boom, crash = (np.maximum(np.concatenate([ticks[:cut], ticks[cut - 1] + way * wild]), 1) for way in (1, -1))
    decisions = np.arange(len(ticks) - first)
    wants = [acted_upon(RULES[name][0], series(each), tape(each, first), 0, decisions) for each in (boom, crash)]
    known = cut - first + 1
    assert wants[0][:known].tolist() == wants[1][:known].tolist()


def test_a_close_is_known_when_its_hour_is_over_and_an_hour_without_a_bar_has_none() -> None:
    ticks = np.arange(1, 4 * IN_AN_HOUR + 1) * 100
    present = np.ones(len(ticks), bool)
    present[[3, *range(4, 8)]] = False  # the first hour's last bar, and all of the second
    known, close = hourly_closes(series(ticks, present))
    assert known.tolist() == [BEGIN + hours * HOUR_MS for hours in (1, 3, 4)]
    assert close == pytest.approx([3.0, 12.0, 16.0])


@pytest.mark.parametrize("name", RULES)
def test_a_market_that_stands_still_or_is_too_young_is_left_alone(name: str) -> None:
    still = np.full(HOURS * IN_AN_HOUR, 98_765)
    assert (acted_upon(RULES[name][0], series(still), tape(still, 0), 0, np.arange(len(still))) == HOLD).all()
    for length in (2, IN_AN_HOUR, 13 * IN_AN_HOUR):
        young = 100_000 + 500 * np.arange(length)
        assert (acted_upon(RULES[name][0], series(young), tape(young, 0), 0, np.arange(length)) == HOLD).all()


def test_what_cannot_be_traded_now_waits_for_the_next_decision() -> None:
    ticks = 100_000 + 500 * np.arange(HOURS * IN_AN_HOUR)
    market, first = tape(ticks, 120), 120
    assert first == 30 * IN_AN_HOUR
    market.bars.field[:7, 0, SHOWN] = 0
    wants = acted_upon(RULES["EMA cross"][0], series(ticks), market, 0, np.arange(0, len(market), 2))
    assert np.flatnonzero(wants != HOLD).tolist() == [8] and wants[8] == LONG
