"""Indicators of one symbol from its closed candles, with the `ta` library; pandas is imported on the first call.

What cannot be computed yet is None and never a number: `ta` fills the warm-up of ATR and ADX with zeros and calls a market that
has not moved overbought (RSI 100), so every warm-up is cut here by its own length.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from math import isnan
from typing import TYPE_CHECKING, Any

from arena.domain.market import Candle

if TYPE_CHECKING:
    import pandas as pd

LENGTH = 10  # values of each series
HOUR = timedelta(hours=1)
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


def indicators(candles: Sequence[Candle], wanted: Collection[str] | None = None) -> Indicators:
    """Return the indicators of closed candles, oldest first; with no candles everything is None.

    Args:
        candles: Of one symbol.
        wanted: Names of what is computed, the single figures of the long window among them; everything where left out.
    """
    if not candles:
        return Indicators()
    import pandas as pd

    high, low, close, volume = (
        pd.Series([float(getattr(candle, name)) for candle in candles]) for name in ("high", "low", "close", "volume")
    )
    table = _table(high, low, close, volume)
    found: dict[str, Any] = {name: compute() for name, compute in table.items() if wanted is None or name in wanted}
    if wanted is None or not _LONG_WINDOW.isdisjoint(wanted):
        found["long_window"] = _long_window(candles)
    return Indicators(**found)


def _table(
    high: pd.Series[float], low: pd.Series[float], close: pd.Series[float], volume: pd.Series[float]
) -> dict[str, Callable[[], Series | float | None]]:
    """Return how each indicator is computed, by name."""
    from ta.trend import MACD, EMAIndicator
    from ta.volatility import BollingerBands

    macd, bands = cache(lambda: MACD(close)), cache(lambda: BollingerBands(close))
    return {
        "ema20": lambda: _tail(EMAIndicator(close, 20).ema_indicator()),
        "ema50": lambda: _tail(EMAIndicator(close, 50).ema_indicator()),
        "macd": lambda: _tail(macd().macd()),
        "macd_signal": lambda: _tail(macd().macd_signal()),
        "macd_histogram": lambda: _tail(macd().macd_diff()),
        "rsi7": lambda: _tail(_rsi(close, 7)),
        "rsi14": lambda: _tail(_rsi(close, 14)),
        "atr14": lambda: _tail(_atr(high, low, close)),
        "bollinger_upper": lambda: _tail(bands().bollinger_hband()),
        "bollinger_middle": lambda: _tail(bands().bollinger_mavg()),
        "bollinger_lower": lambda: _tail(bands().bollinger_lband()),
        "adx14": lambda: _tail(_adx(high, low, close)),
        "volume": lambda: _tail(volume),
        "volume_average20": lambda: _last(volume.rolling(20).mean()),
        "obv_slope20": lambda: _obv_slope(close, volume),
    }


def _tail(series: pd.Series[float]) -> Series | None:
    values = tuple(None if isnan(value) else float(value) for value in series.iloc[-LENGTH:])
    return None if all(value is None for value in values) else values


def _last(series: pd.Series[float]) -> float | None:
    values = _tail(series)
    return values[-1] if values else None


def _rsi(close: pd.Series[float], window: int) -> pd.Series[float]:
    from ta.momentum import RSIIndicator

    series: pd.Series[float] = RSIIndicator(close, window).rsi()
    moved = close.diff().abs().cumsum() > 0
    return series.where(moved & (series.index >= window))  # n changes need n + 1 closes


def _atr(high: pd.Series[float], low: pd.Series[float], close: pd.Series[float], window: int = 14) -> pd.Series[float]:
    from ta.volatility import AverageTrueRange

    if len(close) < window:
        return _nothing(close)
    series: pd.Series[float] = AverageTrueRange(high, low, close, window).average_true_range()
    return series.where(series.index >= window - 1)


def _adx(high: pd.Series[float], low: pd.Series[float], close: pd.Series[float], window: int = 14) -> pd.Series[float]:
    from ta.trend import ADXIndicator

    if len(close) < 2 * window:
        return _nothing(close)
    series: pd.Series[float] = ADXIndicator(high, low, close, window).adx()
    return series.where(series.index >= 2 * window - 1)


def _nothing(like: pd.Series[float]) -> pd.Series[float]:
    return like * float("nan")


def _obv_slope(close: pd.Series[float], volume: pd.Series[float], window: int = 20) -> float | None:
    """Return the least-squares slope; on-balance volume itself depends on where the window starts, its slope does not.

    `ta` counts an unchanged close as bought, which on coarse ticks leans every symbol upwards; here it counts as neither.
    """
    import numpy as np

    average = float(volume.iloc[-window:].mean())
    if len(close) <= window or average == 0:
        return None
    change = close.diff()
    flow = volume * (change > 0) - volume * (change < 0)
    return float(np.polyfit(range(window), flow.iloc[-window:].cumsum(), 1)[0]) / average


def _long_window(candles: Sequence[Candle]) -> LongWindow:
    import pandas as pd
    from ta.trend import EMAIndicator

    hourly = pd.Series([float(candle.close) for candle in candles if _ends_an_hour(candle.close_time)], dtype="float64")
    day_ago = candles[-1].close_time - 24 * HOUR
    day = [candle for candle in candles if candle.open_time >= day_ago]
    whole = candles[0].open_time <= day_ago
    return LongWindow(
        hourly_ema20=_last(EMAIndicator(hourly, 20).ema_indicator()) if len(hourly) else None,
        hourly_rsi14=_last(_rsi(hourly, 14)) if len(hourly) else None,
        change_1h_percent=_change_percent(candles, HOUR),
        change_4h_percent=_change_percent(candles, 4 * HOUR),
        change_24h_percent=_change_percent(candles, 24 * HOUR),
        high_24h=float(max(candle.high for candle in day)) if whole else None,
        low_24h=float(min(candle.low for candle in day)) if whole else None,
    )


def _ends_an_hour(time: datetime) -> bool:
    return time.timestamp() % HOUR.total_seconds() == 0


def _change_percent(candles: Sequence[Candle], length: timedelta) -> float | None:
    """Return None where no candle ended exactly `length` before the last one."""
    last = candles[-1]
    before = next((candle for candle in reversed(candles) if candle.close_time == last.close_time - length), None)
    return None if before is None else float((last.close / before.close - 1) * 100)
