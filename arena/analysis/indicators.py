"""Indicators of one symbol from its closed candles, with TA-Lib, which is imported on the first call.

What cannot be computed yet is None and never a number. Averages begin with the plain mean of their first values, as Wilder's do;
what that leaves in a value has worn off after some ten lengths.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from math import isnan
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from arena.analysis.talib_alone import talib
from arena.domain.market import Candle

LENGTH = 10  # values of each series
HOUR = timedelta(hours=1)
Floats = npt.NDArray[np.float64]
Series = tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LongWindow:
    """What the last day adds to the short series.

    Attributes:
        hourly_ema20, hourly_rsi14: Of hourly closes (USDT, 0 to 100).
        change_1h_percent, change_4h_percent, change_24h_percent: Of the last close against the close that long before.
        high_24h, low_24h: USDT; None where the candles do not reach back a day.
    """

    hourly_ema20: float | None = None
    hourly_rsi14: float | None = None
    change_1h_percent: float | None = None
    change_4h_percent: float | None = None
    change_24h_percent: float | None = None
    high_24h: float | None = None
    low_24h: float | None = None


_LONG_WINDOW = frozenset(field.name for field in fields(LongWindow))


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """Series of at most `LENGTH` values, oldest first, the last one of the last candle; None where none can be computed.

    Attributes:
        ema20, ema50, bollinger_upper, bollinger_middle, bollinger_lower: Prices, USDT (20 candles, 2 deviations).
        macd, macd_signal, macd_histogram: USDT (12, 26, 9).
        rsi7, rsi14, adx14: 0 to 100.
        atr14: USDT.
        volume: Base asset.
        volume_average20: Of the last 20 candles, base asset.
        obv_slope20: Growth of on-balance volume a candle over the last 20, in average volumes: −1 all sold, 1 all bought.
    """

    ema20: Series | None = None
    ema50: Series | None = None
    macd: Series | None = None
    macd_signal: Series | None = None
    macd_histogram: Series | None = None
    rsi7: Series | None = None
    rsi14: Series | None = None
    atr14: Series | None = None
    bollinger_upper: Series | None = None
    bollinger_middle: Series | None = None
    bollinger_lower: Series | None = None
    adx14: Series | None = None
    volume: Series | None = None
    volume_average20: float | None = None
    obv_slope20: float | None = None
    long_window: LongWindow = LongWindow()


class _Columns(NamedTuple):
    """Candles as arrays, oldest first."""

    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def indicators(candles: Sequence[Candle], wanted: Collection[str] | None = None) -> Indicators:
    """Return the indicators of closed candles, oldest first; with no candles everything is None.

    Args:
        candles: Of one symbol.
        wanted: Names of what is computed, the single figures of the long window among them; everything where left out.
    """
    if not candles:
        return Indicators()
    rows = [(float(candle.high), float(candle.low), float(candle.close), float(candle.volume)) for candle in candles]
    columns = _Columns(*np.ascontiguousarray(np.array(rows).T))
    table = _table(columns)
    found: dict[str, Any] = {name: compute() for name, compute in table.items() if wanted is None or name in wanted}
    if wanted is None or not _LONG_WINDOW.isdisjoint(wanted):
        found["long_window"] = _long_window(candles, columns)
    return Indicators(**found)


def _table(columns: _Columns) -> dict[str, Callable[[], Series | float | None]]:
    """Return how each indicator is computed, by name."""
    high, low, close, volume = columns
    macd, bands = cache(lambda: talib().MACD(close)), cache(lambda: _bollinger(close))
    return {
        "ema20": lambda: _tail(talib().EMA(close, 20)),
        "ema50": lambda: _tail(talib().EMA(close, 50)),
        "macd": lambda: _tail(macd()[0]),
        "macd_signal": lambda: _tail(macd()[1]),
        "macd_histogram": lambda: _tail(macd()[2]),
        "rsi7": lambda: _tail(rsi(close, 7)),
        "rsi14": lambda: _tail(rsi(close, 14)),
        "atr14": lambda: _tail(talib().ATR(high, low, close, 14)),
        "bollinger_upper": lambda: _tail(bands()[0]),
        "bollinger_middle": lambda: _tail(bands()[1]),
        "bollinger_lower": lambda: _tail(bands()[2]),
        "adx14": lambda: _tail(talib().ADX(high, low, close, 14)),
        "volume": lambda: _tail(volume),
        "volume_average20": lambda: float(volume[-20:].mean()) if len(volume) >= 20 else None,
        "obv_slope20": lambda: _obv_slope(close, volume),
    }


def _tail(series: Floats) -> Series | None:
    values = tuple(None if isnan(value) else float(value) for value in series[-LENGTH:])
    return None if all(value is None for value in values) else values


def _last(series: Floats) -> float | None:
    values = _tail(series)
    return values[-1] if values else None


def rsi(close: Floats, window: int) -> Floats:
    """Return Wilder's index, 0 to 100; NaN until the market has moved, where TA-Lib has 0: neither oversold nor overbought."""
    moved = np.maximum.accumulate(close != close[0])
    strength: Floats = np.where(moved, talib().RSI(close, window), np.nan)
    return strength


def _bollinger(close: Floats, window: int = 20, deviations: float = 2) -> tuple[Floats, Floats, Floats]:
    """Return upper band, mean and lower band of the newest windows; TA-Lib takes what varies by less than 1e-7 for constant."""
    if len(close) < window:
        return (np.full(1, np.nan),) * 3
    windows = np.lib.stride_tricks.sliding_window_view(close, window)[-LENGTH:]
    nothing = np.full(max(0, LENGTH - len(windows)), np.nan)[: len(close) - len(windows)]
    mean, width = windows.mean(axis=1), deviations * windows.std(axis=1)
    upper, middle, lower = (np.concatenate((nothing, each)) for each in (mean + width, mean, mean - width))
    return upper, middle, lower


def _obv_slope(close: Floats, volume: Floats, window: int = 20) -> float | None:
    """Return the least-squares slope; on-balance volume itself depends on where the window starts, its slope does not.

    An unchanged close counts as neither bought nor sold.
    """
    if len(close) <= window or (average := float(volume[-window:].mean())) == 0:
        return None
    flow = volume[-window:] * np.sign(np.diff(close[-window - 1 :]))
    return float(np.polyfit(range(window), flow.cumsum(), 1)[0]) / average


def _long_window(candles: Sequence[Candle], columns: _Columns) -> LongWindow:
    hourly = columns.close[[_ends_an_hour(candle.close_time) for candle in candles]]
    day_ago = candles[-1].close_time - 24 * HOUR
    first = bisect_left(candles, day_ago, key=lambda candle: candle.open_time)
    whole = candles[0].open_time <= day_ago
    return LongWindow(
        hourly_ema20=_last(talib().EMA(hourly, 20)) if len(hourly) else None,
        hourly_rsi14=_last(rsi(hourly, 14)) if len(hourly) else None,
        change_1h_percent=_change_percent(candles, HOUR),
        change_4h_percent=_change_percent(candles, 4 * HOUR),
        change_24h_percent=_change_percent(candles, 24 * HOUR),
        high_24h=float(columns.high[first:].max()) if whole else None,
        low_24h=float(columns.low[first:].min()) if whole else None,
    )


def _ends_an_hour(time: datetime) -> bool:
    return time.minute == time.second == time.microsecond == 0  # all times are UTC


def _change_percent(candles: Sequence[Candle], length: timedelta) -> float | None:
    """Return None where no candle ended exactly `length` before the last one."""
    last = candles[-1]
    before = next((candle for candle in reversed(candles) if candle.close_time == last.close_time - length), None)
    return None if before is None else float((last.close / before.close - 1) * 100)
