"""A market that never was: the same files as a recorded one, drawn from a seed.

Returns are heavy-tailed and share a market factor; volatility clusters and comes in quiet and wild regimes with mild drifts;
funding follows the recent trend and changes sign. It is like crypto enough to exercise every path, and says nothing about it.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np

from arena.adapters.recorded.files import Floats, Integers, write_columns
from arena.adapters.recorded.instruments import known_instruments
from arena.adapters.recorded.series import PRICES, to_ms, whole

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "DOGEUSDT", "XRPUSDT")
MINUTES_A_YEAR = 525_600
FUNDING_MS = 8 * 3_600_000
MARKET_SHARE = 0.75  # of a symbol's variance that is the market's
TAIL_FREEDOM = 5  # degrees of freedom of the returns' Student t
REGIME_SPREAD, CLUSTER_SPREAD = 0.35, 0.5  # of the logarithm of volatility
DRIFT = 0.012  # of a regime that trends, in standard deviations a bar
WIDEST_RETURN = 0.08  # of one bar, natural log
_CHARACTER = {  # price in USDT, volatility a year, traded a bar in USDT
    "BTCUSDT": (95_000.0, 0.50, 3e7),
    "ETHUSDT": (3_400.0, 0.70, 2e7),
    "SOLUSDT": (190.0, 0.85, 8e6),
    "BNBUSDT": (690.0, 0.60, 2e6),
    "DOGEUSDT": (0.32, 1.00, 4e6),
    "XRPUSDT": (2.1, 0.90, 6e6),
    "ADAUSDT": (0.88, 0.95, 2e6),
    "TRXUSDT": (0.26, 0.60, 1e6),
}
_UNKNOWN = (10.0, 1.00, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weather:
    """What all symbols share, one entry a bar: the market's return in standard deviations, and the scale of volatility."""

    factor: Floats
    scale: Floats
    drift: Floats


def generate_market(
    directory: Path,
    seed: int,
    symbols: Sequence[str] = DEFAULT_SYMBOLS,
    *,
    start: datetime,
    bars: int,
    interval_minutes: int = 5,
) -> Path:
    """Write a market and return the folder of its candles, such as `directory/5m`, with `funding` beside it.

    The same arguments write the same prices; a symbol's do not depend on which others there are.

    Args:
        directory: Made where it is missing; files of the same names are replaced.
        seed: ≥ 0.
        symbols: One file each.
        start: Open time of the first bar, on the interval's grid.
        bars: How many, ≥ 2.
        interval_minutes: Length of a bar.
    """
    candles, fundings = directory / f"{interval_minutes}m", directory / "funding"
    step_ms = interval_minutes * 60_000
    times = to_ms(start) + step_ms * np.arange(bars, dtype=np.int64)
    weather = _weather(np.random.default_rng(seed), bars)
    for symbol in symbols:
        random = np.random.default_rng([seed, zlib.crc32(symbol.encode())])
        columns = _candles(random, symbol, weather, interval_minutes)
        write_columns(candles / f"{symbol}.parquet", "open_time", times, columns)
        funding_times, rates = _funding(random, times, columns["close"])
        write_columns(fundings / f"{symbol}.parquet", "funding_time", funding_times, {"funding_rate": rates})
    note = {"source": "generated", "seed": seed}
    (candles / "market.json").write_text(json.dumps(note) + "\n", encoding="utf-8")
    return candles


def _weather(random: np.random.Generator, bars: int) -> _Weather:
    """Draw regimes of about a day, each with its own drift and loudness, and volatility that clusters within them."""
    turns = random.random(bars) < 1 / 288
    regime = np.cumsum(turns)
    loudness = random.normal(0, REGIME_SPREAD, bars)[regime]
    drift = random.choice([-DRIFT, 0.0, DRIFT], bars)[regime]
    clusters = CLUSTER_SPREAD * _autoregression(random.normal(0, 1, bars), 0.97)
    scale = np.exp(loudness + clusters - REGIME_SPREAD**2 - CLUSTER_SPREAD**2)  # its mean square is 1
    return _Weather(factor=_heavy(random, bars), scale=scale, drift=drift)


def _candles(random: np.random.Generator, symbol: str, weather: _Weather, minutes: int) -> dict[str, Floats]:
    """Return open, high, low, close on the symbol's tick and volume on its step."""
    price, volatility, turnover = _CHARACTER.get(symbol, _UNKNOWN)
    bars = len(weather.factor)
    sigma = volatility * np.sqrt(minutes / MINUTES_A_YEAR) * weather.scale
    own = _heavy(random, bars)
    shock = np.sqrt(MARKET_SHARE) * weather.factor + np.sqrt(1 - MARKET_SHARE) * own
    returns = np.clip(sigma * (shock + weather.drift), -WIDEST_RETURN, WIDEST_RETURN)
    closes = price * np.exp(np.cumsum(returns))
    opens = np.concatenate([[price], closes[:-1]])
    reach = np.abs(random.normal(0, 0.45, (2, bars))) * sigma
    highs = np.maximum(opens, closes) * np.exp(reach[0])
    lows = np.minimum(opens, closes) * np.exp(-reach[1])
    activity = np.exp(random.normal(0, 0.4, bars)) * (0.4 + np.abs(returns) / sigma) * weather.scale
    tick, step = _units(symbol)
    prices = {name: _rounded(column, tick) for name, column in zip(PRICES, (opens, highs, lows, closes), strict=True)}
    return {**prices, "volume": _rounded(np.maximum(turnover * minutes / 5 * activity / closes, float(step)), step)}


def _funding(random: np.random.Generator, times: Integers, closes: Floats) -> tuple[Integers, Floats]:
    """Return the fundings within the bars: a slow rate of its own, pushed by the trend of the hours before each."""
    inside = np.flatnonzero(times % FUNDING_MS == 0)
    before = np.maximum(inside - (FUNDING_MS // int(times[1] - times[0])), 0)
    trend = np.log(closes[np.maximum(inside - 1, 0)] / closes[before])
    slow = _autoregression(random.normal(0, 1, len(inside)), 0.7)
    rates: Floats = 0.00003 + 0.00008 * slow + 0.002 * trend
    return times[inside], np.round(np.clip(rates, -0.003, 0.003), 8).astype(np.float64)


def _heavy(random: np.random.Generator, bars: int) -> Floats:
    """Return Student t draws of variance 1."""
    draws: Floats = random.standard_t(TAIL_FREEDOM, bars)
    return draws / math.sqrt(TAIL_FREEDOM / (TAIL_FREEDOM - 2))


def _autoregression(noise: Floats, memory: float) -> Floats:
    """Return a stationary first-order autoregression of variance 1 driven by standard noise."""
    path = np.empty_like(noise)
    level = 0.0
    for index, shock in enumerate(noise * np.sqrt(1 - memory**2)):
        level = memory * level + shock
        path[index] = level
    return path


def _units(symbol: str) -> tuple[Decimal, Decimal]:
    known = known_instruments().get(symbol)
    return (known.tick_size, known.step_size) if known else (Decimal("0.001"), Decimal(1))


def _rounded(values: Floats, unit: Decimal) -> Floats:
    """Return doubles of exact decimals, at least one unit each."""
    decimals = max(0, -int(unit.normalize().as_tuple().exponent))
    return np.round(np.maximum(whole(values, unit), 1) * float(unit), decimals)
