"""The contracts that files of candles are traded as: known ones from a packaged table, others derived from their prices."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from arena.adapters.recorded.files import Floats
from arena.domain.instrument import Instrument, MarginTier
from arena.domain.money import ONE, ZERO, plain

TABLE = "simulator/instruments.json"
MOST_DECIMALS = 8  # Binance writes no price with more
OFF_TICK_SHARE = 0.01  # a few real trades lie off the tick (SOLUSDT: 3 in 5,000 bars); more than this is a finer tick
_OFF_TICK = 1e-4  # in ticks; a double of an exact decimal is within 1e-9
_UNKNOWN_MIN_NOTIONAL = Decimal(5)  # Binance's smallest
_UNKNOWN_TIERS = (  # cautious: those of Binance's small contracts
    ("5000", "0.01", 50),
    ("50000", "0.025", 20),
    ("250000", "0.05", 10),
    ("500000", "0.125", 4),
    ("1000000", "0.25", 2),
    ("3000000", "0.5", 1),
)

_log = logging.getLogger(__name__)


def instrument_for(symbol: str, prices: Floats) -> Instrument:
    """Return the contract that candles of `symbol` are traded as.

    A known contract whose candles mostly lie between its ticks (another year's, when the tick was finer) gets the finer tick; an
    unknown one gets tick and step from its prices. Either is said in a log line.

    Args:
        symbol: As the file is named.
        prices: Some or all of its prices, USDT, in time order, length ≥ 1, all > 0.
    """
    known = known_instruments().get(symbol)
    if known is None:
        return _derived(symbol, prices)
    tick = _tick(prices, known.tick_size)
    if tick == known.tick_size:
        return known
    _log.warning("%s: the candles are finer than the tick %s, %s is used", symbol, plain(known.tick_size), plain(tick))
    return replace(known, tick_size=tick)


@cache
def known_instruments() -> Mapping[str, Instrument]:
    """Return the packaged contracts by symbol."""
    table = json.loads(files("arena").joinpath(TABLE).read_text(encoding="utf-8"))
    return {symbol: _read(symbol, entry, table) for symbol, entry in table["contracts"].items()}


def margin_tiers(symbol: str) -> Sequence[MarginTier]:
    """Return the packaged margin tiers of a symbol, or cautious ones where it is not known."""
    known = known_instruments().get(symbol)
    return _tiers(_UNKNOWN_TIERS) if known is None else known.tiers


def _read(symbol: str, entry: Mapping[str, Any], table: Mapping[str, Any]) -> Instrument:
    return Instrument(
        symbol=symbol,
        tick_size=Decimal(entry["tick"]),
        step_size=Decimal(entry["step"]),
        min_quantity=Decimal(entry["step"]),
        max_quantity=Decimal(entry["max_quantity"]),
        max_market_quantity=Decimal(entry["max_market_quantity"]),
        min_notional=Decimal(entry["min_notional"]),
        price_band=Decimal(table["price_band"]),
        maker_fee_rate=Decimal(table["maker_fee_rate"]),
        taker_fee_rate=Decimal(table["taker_fee_rate"]),
        tiers=_tiers(entry["tiers"]),
    )


def _tiers(rows: Sequence[tuple[str, str, int]]) -> tuple[MarginTier, ...]:
    """Return tiers of (cap, rate, leverage); the constant of each makes the margin continuous at its floor."""
    found: list[MarginTier] = []
    floor = rate = amount = ZERO
    for cap_text, rate_text, leverage in rows:
        amount += floor * (Decimal(rate_text) - rate)
        cap, rate = Decimal(cap_text), Decimal(rate_text)
        found.append(
            MarginTier(
                notional_floor=floor, notional_cap=cap, maintenance_rate=rate, maintenance_amount=amount, max_leverage=leverage
            )
        )
        floor = cap
    return tuple(found)


def _derived(symbol: str, prices: Floats) -> Instrument:
    """Return a contract with a tick from the prices' decimals and a step worth 0.1 to 1 USDT at the first price."""
    tick = _tick(prices, ONE)
    step = min(ONE, Decimal(1).scaleb(-int(np.ceil(np.log10(prices[0])))))
    any_known = known_instruments()["BTCUSDT"]
    _log.warning(
        "%s is not a known contract: tick %s and step %s are derived from its candles, its margin tiers are generic",
        symbol,
        plain(tick),
        plain(step),
    )
    return Instrument(
        symbol=symbol,
        tick_size=tick,
        step_size=step,
        min_quantity=step,
        max_quantity=step * 10_000_000,
        max_market_quantity=step * 1_000_000,
        min_notional=_UNKNOWN_MIN_NOTIONAL,
        price_band=any_known.price_band,
        maker_fee_rate=any_known.maker_fee_rate,
        taker_fee_rate=any_known.taker_fee_rate,
        tiers=_tiers(_UNKNOWN_TIERS),
    )


def _tick(prices: Floats, coarsest: Decimal) -> Decimal:
    """Return the coarsest tick, `coarsest` or a tenth of it or a hundredth..., that the prices lie on."""
    tick = coarsest
    smallest = Decimal(1).scaleb(-MOST_DECIMALS)
    while tick > smallest:
        ticks = prices / float(tick)
        if np.mean(np.abs(ticks - np.rint(ticks)) > _OFF_TICK) <= OFF_TICK_SHARE:
            break
        tick /= 10
    return tick
