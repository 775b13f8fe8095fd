"""What the market looked like at one instant, for all competitors alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One closed bar: prices in USDT, volume in base asset, times UTC; `close_time` is the first instant after the bar.

    Its text stays with it: a replay hashes the same candle in hundreds of cycles.
    """

    open_time: datetime
    close_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    _text: str | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def text(self) -> str:
        """Everything in it, to the last digit."""
        if (text := self._text) is None:
            text = f"{self.open_time.timestamp()} {self.open!s} {self.high!s} {self.low!s} {self.close!s} {self.volume!s}"
            object.__setattr__(self, "_text", text)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One symbol over one candle interval.

    Attributes:
        trade: Last price; its volume is what was traded, zero in an outage.
        mark: Mark price, over the same interval; equal to `trade` where there is no mark data.
    """

    trade: Candle
    mark: Candle


@dataclass(frozen=True, slots=True, kw_only=True)
class BarStep:
    """The bars of all symbols that have one with this `open_time`; `close_time` is the first instant after them."""

    open_time: datetime
    close_time: datetime
    bars: Mapping[str, Bar]


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """A funding that took place: longs pay `rate` × notional at `mark_price` when the rate is positive."""

    symbol: str
    time: datetime
    rate: Decimal
    mark_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolMarket:
    """One symbol of a snapshot.

    Attributes:
        candles: Closed bars, oldest first; none of them ends after the snapshot's `as_of`.
        last_price: Price of the last trade, USDT.
        mark_price: The venue's mark, USDT; margin, PnL and liquidation use it.
        funding_rate: The rate expected at `next_funding_time`, fraction.
    """

    symbol: str
    candles: tuple[Candle, ...]
    last_price: Decimal
    mark_price: Decimal
    funding_rate: Decimal | None
    next_funding_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot:
    """All symbols at `as_of`; a symbol that could not be read is in `missing` with the reason, never as zeros."""

    as_of: datetime
    symbols: Mapping[str, SymbolMarket]
    missing: Mapping[str, str] = field(default_factory=dict)

    def marks(self) -> dict[str, Decimal]:
        """Return the mark price by symbol, USDT."""
        return {symbol: market.mark_price for symbol, market in self.symbols.items()}
