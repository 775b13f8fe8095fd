"""Indicators against plain loops of their definitions, and what they say before they can say anything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from arena.analysis.indicators import LENGTH, Indicators, indicators
from arena.domain.market import Candle
from tests.conftest import ROOT
from tests.fakes import build
from tests.fakes.walk import walk

CANDLES = walk("BTCUSDT")
FOUND = indicators(CANDLES)


def ema(values: Sequence[float], window: int) -> list[float]:
    found = [sum(values[:window]) / window]
    for value in values[window:]:
        found.append(found[-1] + (value - found[-1]) * 2 / (window + 1))
    return found


def wilder(values: Sequence[float], window: int) -> list[float]:
    found = [sum(values[:window]) / window]
    for value in values[window:]:
        found.append(found[-1] + (value - found[-1]) / window)
    return found


def closes(candles: Sequence[Candle] = CANDLES) -> list[float]:
    return [float(candle.close) for candle in candles]


def true_ranges() -> list[float]:
    first, pairs = CANDLES[0], pairwise(CANDLES)
    rest = [max(b.high, a.close) - min(b.low, a.close) for a, b in pairs]
    return [float(value) for value in (first.high - first.low, *rest)]


def test_ema() -> None:
    assert FOUND.ema20 == pytest.approx(ema(closes(), 20)[-LENGTH:], rel=1e-9)
    assert FOUND.ema50 == pytest.approx(ema(closes(), 50)[-LENGTH:], rel=1e-9)


def test_macd() -> None:
    line = [fast - slow for fast, slow in zip(ema(closes(), 12)[14:], ema(closes(), 26), strict=True)]
    signal = ema(line, 9)
    assert FOUND.macd == pytest.approx(line[-LENGTH:], rel=1e-9)
    assert FOUND.macd_signal == pytest.approx(signal[-LENGTH:], rel=1e-9)
    assert FOUND.macd_histogram == pytest.approx([a - b for a, b in zip(line[-10:], signal[-10:], strict=True)], rel=1e-6)


@pytest.mark.parametrize("window", [7, 14])
def test_rsi(window: int) -> None:
    changes = [b - a for a, b in pairwise(closes())]
    up, down = wilder([max(c, 0) for c in changes], window), wilder([max(-c, 0) for c in changes], window)
    expected = [100 - 100 / (1 + a / b) for a, b in zip(up, down, strict=True)][-LENGTH:]
    assert (FOUND.rsi7 if window == 7 else FOUND.rsi14) == pytest.approx(expected, rel=1e-6)  # the start has worn off


def test_atr() -> None:
    assert FOUND.atr14 == pytest.approx(wilder(true_ranges(), 14)[-LENGTH:], rel=1e-9)


def test_adx() -> None:
    ups = [float(b.high - a.high) for a, b in pairwise(CANDLES)]
    downs = [float(a.low - b.low) for a, b in pairwise(CANDLES)]
    plus = wilder([u if u > d and u > 0 else 0 for u, d in zip(ups, downs, strict=True)], 14)
    minus = wilder([d if d > u and d > 0 else 0 for u, d in zip(ups, downs, strict=True)], 14)
    index = [100 * abs(p - m) / (p + m) for p, m in zip(plus, minus, strict=True)]
    assert FOUND.adx14 == pytest.approx(wilder(index, 14)[-LENGTH:], rel=1e-4)  # TA-Lib starts it differently, which wears off


def test_bollinger_bands() -> None:
    last = closes()[-20:]
    mean = sum(last) / 20
    deviation = (sum((value - mean) ** 2 for value in last) / 20) ** 0.5
    bands = [series[-1] for series in (FOUND.bollinger_lower, FOUND.bollinger_middle, FOUND.bollinger_upper) if series]
    assert bands == pytest.approx([mean - 2 * deviation, mean, mean + 2 * deviation], rel=1e-9)


def test_bollinger_bands_of_what_costs_next_to_nothing() -> None:
    cheap = indicators(build.candles([f"0.0000{1000 + i % 3}" for i in range(60)]))
    assert cheap.bollinger_upper and cheap.bollinger_lower
    widths = [high - low for high, low in zip(cheap.bollinger_upper, cheap.bollinger_lower, strict=True) if high and low]
    assert widths == pytest.approx([4 * 0.8e-8] * LENGTH, rel=0.05)


def test_volume_and_its_average() -> None:
    volumes = [float(candle.volume) for candle in CANDLES]
    assert FOUND.volume == pytest.approx(volumes[-LENGTH:])
    assert FOUND.volume_average20 == pytest.approx(sum(volumes[-20:]) / 20)


@pytest.mark.parametrize(
    ("prices", "slope"),
    [
        ([str(100 + i) for i in range(30)], 1.0),
        ([str(200 - i) for i in range(30)], -1.0),
        (["100"] * 30, 0.0),  # an unchanged close is neither bought nor sold
    ],
)
def test_slope_of_on_balance_volume(prices: list[str], slope: float) -> None:
    assert indicators(build.candles(prices)).obv_slope20 == pytest.approx(slope)


def test_slope_of_on_balance_volume_is_symmetric_on_coarse_ticks() -> None:
    up = ["100" if i % 4 else "101" for i in range(60)]
    down = ["100" if i % 4 else "99" for i in range(60)]
    rising, falling = indicators(build.candles(up)).obv_slope20, indicators(build.candles(down)).obv_slope20
    assert rising is not None and falling == pytest.approx(-rising)


FIRST = {  # candles that each needs before it says anything
    "volume": 1,
    "rsi7": 8,
    "rsi14": 15,
    "atr14": 15,
    "ema20": 20,
    "ema50": 50,
    "bollinger_upper": 20,
    "bollinger_middle": 20,
    "bollinger_lower": 20,
    "macd": 34,
    "macd_signal": 34,
    "macd_histogram": 34,
    "adx14": 28,
    "volume_average20": 20,
    "obv_slope20": 21,
}


@pytest.mark.parametrize(("name", "needed"), FIRST.items())
def test_nothing_is_said_before_it_can_be(name: str, needed: int) -> None:
    assert getattr(indicators(CANDLES[: needed - 1]), name) is None
    first = getattr(indicators(CANDLES[:needed]), name)
    value = first if isinstance(first, float) else first[-1]
    assert value is not None and value != 0
    if isinstance(first, tuple):
        assert len(first) == min(needed, LENGTH)
        assert all(earlier is None for earlier in first[:-1]) or name == "volume"


def test_every_indicator_is_covered_by_the_warm_up_test() -> None:
    assert {*FIRST, "long_window"} == set(Indicators.__dataclass_fields__)


def test_no_candles() -> None:
    assert indicators(()) == Indicators()


def test_a_market_that_does_not_move_is_not_overbought() -> None:
    still = indicators(build.candles(["100"] * 60))
    assert still.rsi14 is None and still.rsi7 is None and still.ema20 == (100.0,) * LENGTH


def test_volume_of_nothing() -> None:
    quiet = indicators(build.candles(["100", "101"] * 20, volume="0"))
    assert quiet.volume == (0.0,) * LENGTH and quiet.obv_slope20 is None


def test_long_window() -> None:
    found = FOUND.long_window
    hourly = [float(candle.close) for candle in CANDLES if candle.close_time.minute == 0]
    assert len(hourly) == 42
    assert found.hourly_ema20 == pytest.approx(ema(hourly, 20)[-1])
    last = float(CANDLES[-1].close)
    assert found.change_1h_percent == pytest.approx((last / float(CANDLES[-13].close) - 1) * 100)
    assert found.change_4h_percent == pytest.approx((last / float(CANDLES[-49].close) - 1) * 100)
    assert found.change_24h_percent == pytest.approx((last / float(CANDLES[-289].close) - 1) * 100)
    assert found.high_24h == float(max(candle.high for candle in CANDLES[-288:]))
    assert found.low_24h == float(min(candle.low for candle in CANDLES[-288:]))


def test_long_window_of_a_short_history() -> None:
    found = indicators(CANDLES[-287:]).long_window
    assert found.high_24h is None and found.change_24h_percent is None and found.change_4h_percent is not None
    assert indicators(CANDLES[-5:]).long_window.hourly_rsi14 is None


def test_a_gap_gives_no_change_across_it() -> None:
    hole = CANDLES[:-13] + CANDLES[-12:]
    assert indicators(hole).long_window.change_1h_percent is None
    shifted = tuple(replace(c, close_time=c.close_time + timedelta(minutes=1)) for c in CANDLES)
    assert indicators(shifted).long_window.hourly_ema20 is None


def test_on_real_candles(marketdata: Path) -> None:
    rows = pq.read_table(marketdata / "5m" / "DOGEUSDT.parquet").slice(0, 499).to_pylist()
    candles = tuple(
        Candle(
            open_time=row["open_time"],
            close_time=row["open_time"] + build.BAR,
            **{name: Decimal(str(row[name])) for name in ("open", "high", "low", "close", "volume")},
        )
        for row in rows
    )
    found = indicators(candles)
    assert found.ema20 == pytest.approx(ema(closes(candles), 20)[-LENGTH:], rel=1e-9)
    assert all(value is not None and 0 < value < 100 for value in found.rsi14 or (None,))


def test_a_process_that_computes_them_does_not_import_pandas_and_still_could() -> None:
    """TA-Lib imports it where it is installed, which would take seconds of every cycle."""
    code = (
        "import sys\n"
        "from importlib.util import find_spec\n"
        "from tests.fakes.walk import walk\n"
        "from arena.analysis.indicators import indicators\n"
        "assert indicators(walk('BTCUSDT')).rsi14\n"
        "print('talib' in sys.modules, 'pandas' in sys.modules)\n"
        "assert find_spec('pandas') is not None"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
