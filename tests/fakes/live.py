"""A live market by hand: `tape.trade("BTCUSDT", "50000")`, `tape.wait(7)`; its minutes form as they do at Binance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from arena.adapters.paper.live_feed import MINUTE, start_of
from arena.domain.instrument import Instrument
from arena.domain.market import Bar, Candle, FundingRate, MarketSnapshot
from tests.fakes.build import NOON, instruments

D = Decimal


@dataclass
class LiveTape:
    """Satisfies the paper account's LiveMarket.

    Attributes:
        now: The venue's clock.
        trades: (time, last price, mark, volume) by symbol, oldest first.
        rates: Fundings, each with the time at which it becomes known.
        asked: Every call.
    """

    now: datetime = NOON
    trades: dict[str, list[tuple[datetime, Decimal, Decimal, Decimal]]] = field(default_factory=dict)
    rates: list[tuple[datetime, FundingRate]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def trade(self, symbol: str, price: str, *, mark: str = "", volume: str = "1") -> None:
        """Trade at this moment; the mark follows unless it is given."""
        self.trades.setdefault(symbol, []).append((self.now, D(price), D(mark or price), D(volume)))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def at(self, moment: datetime, symbol: str, price: str, **how: str) -> None:
        """Wait until a moment and trade then."""
        assert moment >= self.now
        self.now = moment
        self.trade(symbol, price, **how)

    def fund(self, symbol: str, time: datetime, rate: str, *, mark: str = "50000", known: datetime | None = None) -> None:
        self.rates.append((known or time, FundingRate(symbol=symbol, time=time, rate=D(rate), mark_price=D(mark))))

    async def time(self) -> datetime:
        self.asked.append("time")
        return self.now

    async def label(self) -> str:
        return "by hand"

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        return {symbol: instrument for symbol, instrument in instruments().items() if symbol in symbols}

    async def snapshot(self, symbols: Sequence[str], as_of: datetime) -> MarketSnapshot:
        raise NotImplementedError

    async def marks(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        return {symbol: self.trades[symbol][-1][2] for symbol in symbols}

    async def fundings(self, symbols: Sequence[str], after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        self.asked.append("fundings")
        known = (rate for known_at, rate in self.rates if known_at <= self.now and rate.symbol in symbols)
        return tuple(sorted((rate for rate in known if after < rate.time <= until), key=lambda rate: rate.time))

    async def minutes(self, symbol: str, since: datetime, until: datetime) -> tuple[Bar, ...]:
        self.asked.append(f"minutes {symbol}")
        opened, found = start_of(MINUTE, since), []
        while opened <= min(until, self.now):
            if (bar := self._minute(symbol, opened)) is not None and opened >= since:
                found.append(bar)
            opened += MINUTE
        return tuple(found)

    def _minute(self, symbol: str, opened: datetime) -> Bar | None:
        """Return a minute as far as it has come; one without a trade stands at the price before it."""
        past = [trade for trade in self.trades.get(symbol, []) if trade[0] < opened]
        within = [trade for trade in self.trades.get(symbol, []) if opened <= trade[0] < opened + MINUTE]
        if not past and not within:
            return None
        first = past[-1][1:3] if past else within[0][1:3]
        volume = sum((trade[3] for trade in within), D(0))

        def candle(which: int) -> Candle:
            prices = [trade[1 + which] for trade in within]
            walked = prices or [first[which]]
            return Candle(
                open_time=opened,
                close_time=opened + MINUTE,
                open=walked[0],
                high=max(walked),
                low=min(walked),
                close=walked[-1],
                volume=volume,
            )

        return Bar(trade=candle(0), mark=candle(1))
