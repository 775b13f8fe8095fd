"""The part of the prompt about the market: rendered once a cycle, so that it is the same to the byte for everybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from arena.analysis.figures import Spread
from arena.analysis.indicators import Indicators, Series
from arena.application.prompt_figures import instant, line, one_line, price, rounded, tick_decimals
from arena.application.study import Study
from arena.domain.instrument import Instrument
from arena.domain.market import MarketSnapshot, SymbolMarket
from arena.domain.money import plain
from arena.strategies import layout
from arena.strategies.playbook import Playbook

LONGEST_CAUSE = 160  # characters of the reason why a symbol is missing
OSCILLATORS = frozenset({"rsi7", "rsi14", "adx14", "hourly_rsi14", "half_life", "basket_half_life"})
DIFFERENCES = frozenset({"macd", "macd_signal", "macd_histogram", "atr14"})  # far smaller than a price: one digit more
RATIOS = frozenset({"zscore20", "zscore100", "basket_zscore", "basket_beta", "volume_ratio", "trend_fit", layout.OBV_SLOPE})
FINE = frozenset({"trend_slope_percent", "spread_percent", "range_percent", "volatility_percent", "return_autocorrelation"})


def market_section(
    snapshot: MarketSnapshot,
    studied: Study,
    instruments: Mapping[str, Instrument],
    playbook: Playbook,
) -> str:
    """Return all symbols in alphabetical order; one without data says why, and nothing else.

    Args:
        snapshot: The cycle's.
        studied: What was computed of it; a symbol without any shows `n/a`.
        instruments: By symbol.
        playbook: Says what is shown.
    """
    lines = [layout.MARKET, line(layout.AS_OF, instant(snapshot.as_of))]
    for symbol in sorted({*snapshot.symbols, *snapshot.missing}):
        lines += ["", layout.PART + symbol]
        if symbol in snapshot.symbols and symbol in instruments:
            market, tick = snapshot.symbols[symbol], instruments[symbol].tick_size
            lines += _prices(market, tick, studied.default_stops.get(symbol))
            lines += _figures(market, tick, studied, playbook)
        else:
            cause = snapshot.missing.get(symbol, "the venue does not list it")
            lines.append(line(layout.NO_DATA, one_line(cause, LONGEST_CAUSE)))
    if playbook.spreads:
        lines += ["", layout.SPREADS, *map(_spread, studied.spreads)]
    return "\n".join(lines) + "\n"


def _prices(market: SymbolMarket, tick: Decimal, stop: Decimal | None) -> Iterator[str]:
    yield line(layout.LAST, price(market.last_price, tick))
    yield line(layout.MARK, price(market.mark_price, tick))
    yield line(layout.FUNDING_RATE, layout.MISSING if market.funding_rate is None else plain(market.funding_rate))
    yield line(layout.NEXT_FUNDING, instant(market.next_funding_time))
    yield line(layout.DEFAULT_STOP, price(stop, tick))


def _figures(market: SymbolMarket, tick: Decimal, studied: Study, playbook: Playbook) -> Iterator[str]:
    candles = market.candles[-playbook.series.get(layout.CLOSE, layout.MOST_VALUES) :]
    found = studied.of(market.symbol)
    decimals, volume_decimals = tick_decimals(tick), _volume_decimals(found)
    yield line(layout.INTERVAL, _interval(candles[-1].close_time - candles[-1].open_time) if candles else layout.MISSING)
    yield line(layout.SERIES_FIRST, instant(candles[0].close_time if candles else None))
    yield line(layout.SERIES_LAST, instant(candles[-1].close_time if candles else None))
    for label, length in playbook.series.items():
        if label == layout.CLOSE:
            closes = layout.SEPARATOR.join(price(candle.close, tick) for candle in candles)
            yield line(label, closes or layout.MISSING)
        else:
            series: Series | None = getattr(found, label)
            yield line(label, _series(series, length, volume_decimals if label == "volume" else _decimals(label, decimals)))
    for label in playbook.figures:
        shown = volume_decimals if label == layout.VOLUME_AVERAGE else _decimals(label, decimals)
        yield line(label, rounded(studied.figure(market.symbol, label), shown))


def _spread(spread: Spread) -> str:
    figures = {
        layout.HEDGE_RATIO: rounded(spread.hedge_ratio, 3),
        layout.ZSCORE: rounded(spread.zscore, 2),
        layout.HALF_LIFE: rounded(spread.half_life, 0),
        layout.CORRELATION: rounded(spread.correlation, 2),
    }
    return line(f"{spread.first} {spread.second}", layout.SEPARATOR.join(f"{label} {value}" for label, value in figures.items()))


def _series(series: Series | None, length: int, decimals: int) -> str:
    if series is None:
        return layout.MISSING
    return layout.SEPARATOR.join(rounded(value, decimals) for value in series[-length:])


def _decimals(label: str, price_decimals: int) -> int:
    if label in OSCILLATORS:
        return 1
    if label == "momentum_rank":
        return 0
    if label in FINE:
        return 4
    if label in RATIOS or label.endswith("_percent"):
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
