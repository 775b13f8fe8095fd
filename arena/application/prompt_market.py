"""The part of the prompt about the market: rendered once a cycle, so that it is the same to the byte for everybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from arena.analysis.indicators import Indicators, Series
from arena.application.prompt_figures import instant, line, one_line, price, rounded, tick_decimals
from arena.domain.instrument import Instrument
from arena.domain.market import MarketSnapshot, SymbolMarket
from arena.domain.money import plain
from arena.strategies import layout

LONGEST_CAUSE = 160  # characters of the reason why a symbol is missing
OSCILLATORS = frozenset({"rsi7", "rsi14", "adx14", "hourly_rsi14"})
DIFFERENCES = frozenset({"macd", "macd_signal", "macd_histogram", "atr14"})  # far smaller than a price: one digit more


def market_section(snapshot: MarketSnapshot, indicators: Mapping[str, Indicators], instruments: Mapping[str, Instrument]) -> str:
    """Return all symbols in alphabetical order; one without data says why, and nothing else.

    Args:
        snapshot: The cycle's.
        indicators: By symbol; a symbol without any shows `n/a`.
        instruments: By symbol.
    """
    lines = [layout.MARKET, line(layout.AS_OF, instant(snapshot.as_of))]
    for symbol in sorted({*snapshot.symbols, *snapshot.missing}):
        lines += ["", layout.PART + symbol]
        if symbol in snapshot.symbols and symbol in instruments:
            market, instrument = snapshot.symbols[symbol], instruments[symbol]
            lines += _contract(market, instrument)
            lines += _figures(market, instrument, indicators.get(symbol, Indicators()))
        else:
            cause = snapshot.missing.get(symbol, "the venue does not list it")
            lines.append(line(layout.NO_DATA, one_line(cause, LONGEST_CAUSE)))
    return "\n".join(lines) + "\n"


def _contract(market: SymbolMarket, instrument: Instrument) -> Iterator[str]:
    tick = instrument.tick_size
    yield line(layout.LAST, price(market.last_price, tick))
    yield line(layout.MARK, price(market.mark_price, tick))
    yield line(layout.FUNDING_RATE, layout.MISSING if market.funding_rate is None else plain(market.funding_rate))
    yield line(layout.NEXT_FUNDING, instant(market.next_funding_time))
    yield line(layout.TICK, plain(tick))
    yield line(layout.STEP, plain(instrument.step_size))
    yield line(layout.MIN_QUANTITY, plain(instrument.min_quantity))
    yield line(layout.MIN_NOTIONAL, plain(instrument.min_notional))
    yield line(layout.VENUE_MAX_LEVERAGE, str(instrument.tiers[0].max_leverage))


def _figures(market: SymbolMarket, instrument: Instrument, found: Indicators) -> Iterator[str]:
    candles = market.candles[-layout.SERIES[layout.CLOSE] :]
    decimals = tick_decimals(instrument.tick_size)
    volume_decimals = _volume_decimals(found)
    yield line(layout.INTERVAL, _interval(candles[-1].close_time - candles[-1].open_time) if candles else layout.MISSING)
    yield line(layout.SERIES_FIRST, instant(candles[0].close_time if candles else None))
    yield line(layout.SERIES_LAST, instant(candles[-1].close_time if candles else None))
    closes = layout.SEPARATOR.join(price(candle.close, instrument.tick_size) for candle in candles)
    yield line(layout.CLOSE, closes or layout.MISSING)
    for label, length in layout.SERIES.items():
        if label != layout.CLOSE:
            series: Series | None = getattr(found, label)
            yield line(label, _series(series, length, volume_decimals if label == "volume" else _decimals(label, decimals)))
    yield line(layout.VOLUME_AVERAGE, rounded(found.volume_average20, volume_decimals))
    yield line(layout.OBV_SLOPE, rounded(found.obv_slope20, 2))
    for label in layout.LONG_WINDOW:
        yield line(label, rounded(getattr(found.long_window, label), _decimals(label, decimals)))


def _series(series: Series | None, length: int, decimals: int) -> str:
    if series is None:
        return layout.MISSING
    return layout.SEPARATOR.join(rounded(value, decimals) for value in series[-length:])


def _decimals(label: str, price_decimals: int) -> int:
    if label in OSCILLATORS:
        return 1
    if label.endswith("_percent"):
        return 2
    return price_decimals + (label in DIFFERENCES)


def _volume_decimals(found: Indicators) -> int:
    """Return how many decimals a symbol's volumes need: BTC trades tens, DOGE millions."""
    known = [value for value in found.volume or () if value is not None]
    if not known or max(known) >= 1000:
        return 0
    return 1 if max(known) >= 10 else 3


def _interval(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
