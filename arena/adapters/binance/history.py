"""What anybody may read of the venue's past, page by page, from any time on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.binance import schemas
from arena.adapters.binance.client import FuturesClient, VenueRefusal, from_ms, to_ms
from arena.adapters.binance.minutes import PAGE
from arena.errors import ConfigurationError, RateLimited

FUNDINGS = 1000  # the most that there may be
REST = timedelta(minutes=1)  # after a 429 that says nothing: the next minute has a weight of its own
_MILLISECOND = timedelta(milliseconds=1)
_NO_SUCH_INTERVAL, _NO_SUCH_SYMBOL = -1120, -1121

Row = tuple[datetime, tuple[Decimal, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of what was asked for.

    Attributes:
        rows: Time and values, oldest first.
        span: Since when and until when they are all that there are.
    """

    rows: tuple[Row, ...]
    span: tuple[datetime, datetime]


class BinanceHistory:
    """Candles and fundings of the past; needs no key.

    Args:
        client: Its budget says how fast.
    """

    def __init__(self, client: FuturesClient) -> None:
        self._client = client

    async def time(self) -> datetime:
        """Return the venue's clock, UTC."""
        return await self._client.synchronise()

    def candles(self, symbol: str, interval: str, since: datetime, until: datetime) -> AsyncIterator[Page]:
        """Yield open, high, low, close and volume of the candles with since ≤ open time < until.

        Args:
            symbol: As the venue names it.
            interval: As the venue names it, such as `5m`.
            since: What lies before the first candle costs nothing.
            until: Every candle that opens before it must have closed: one that is forming would be taken for what it became.

        Raises:
            ConfigurationError: The venue has no such symbol or interval.
            ExchangeError: It could not be read.
        """
        return self._candles("futures_klines", symbol, interval, since, until)

    async def marks(self, symbol: str, interval: str, since: datetime, until: datetime) -> AsyncIterator[Page]:
        """Yield open, high, low and close of the mark price; otherwise as `candles`."""
        async for page in self._candles("futures_mark_price_klines", symbol, interval, since, until):
            yield Page(rows=tuple((opened, values[:-1]) for opened, values in page.rows), span=page.span)

    async def fundings(self, symbol: str, since: datetime, until: datetime) -> AsyncIterator[Page]:
        """Yield the rates of the fundings with since ≤ time < until.

        Raises:
            ConfigurationError: The venue has no such symbol.
            ExchangeError: It could not be read.
        """
        while since < until:
            window = {"startTime": to_ms(since), "endTime": to_ms(until) - 1, "limit": FUNDINGS}
            answer = await self._read("futures_funding_rate", symbol=symbol, **window)
            rows = tuple((from_ms(int(row["fundingTime"])), (Decimal(row["fundingRate"]),)) for row in answer)
            end = rows[-1][0] + _MILLISECOND if len(rows) == FUNDINGS else until
            yield Page(rows=rows, span=(since, end))
            since = end

    async def _candles(self, method: str, symbol: str, interval: str, since: datetime, until: datetime) -> AsyncIterator[Page]:
        while since < until:
            answer = await self._read(method, symbol=symbol, interval=interval, startTime=to_ms(since), limit=PAGE)
            candles = [schemas.candle(row) for row in answer]
            end = min(candles[-1].close_time, until) if candles else until
            inside = (candle for candle in candles if candle.open_time < until)
            rows = tuple((each.open_time, (each.open, each.high, each.low, each.close, each.volume)) for each in inside)
            yield Page(rows=rows, span=(since, end))
            since = end

    async def _read(self, method: str, **params: Any) -> Any:
        """Ask, however long a 429 lets wait: nobody waits for the past."""
        while True:
            try:
                return await self._client.read(method, **params)
            except RateLimited as fault:
                if fault.banned:
                    raise
                await asyncio.sleep((fault.retry_after or REST).total_seconds())
            except VenueRefusal as refusal:
                raise self._explained(refusal, params) from refusal

    def _explained(self, refusal: VenueRefusal, params: dict[str, Any]) -> Exception:
        if refusal.code == _NO_SUCH_SYMBOL:
            return ConfigurationError(f"{self._client.base_url} has no pair {params['symbol']}: see `arena pairs check`")
        if refusal.code == _NO_SUCH_INTERVAL:
            return ConfigurationError(f"{self._client.base_url} has no candles of {params['interval']}: name another interval")
        return refusal
