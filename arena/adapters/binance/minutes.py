"""Candles of one minute as they are at this moment, of the last price and of the mark: what a paper account lives on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from arena.adapters.binance import schemas
from arena.adapters.binance.client import FuturesClient, VenueRefusal, to_ms
from arena.domain.market import Bar, Candle
from arena.errors import ConfigurationError
from arena.together import together

MINUTE = timedelta(minutes=1)
FEW, PAGE = 99, 499  # rows at which klines weigh 1 and 2
_NO_SUCH_INTERVAL = -1120


async def read_minutes(client: FuturesClient, symbol: str, since: datetime, until: datetime) -> tuple[Bar, ...]:
    """Return the bars of one minute that open within since to until, oldest first; the last one may still be forming.

    A minute of which the venue shows no mark yet has the mark of the one before it.

    Raises:
        ConfigurationError: The host has no candles of one minute.
    """
    trades, marks = await together(
        _candles(client, "futures_klines", symbol, since, until),
        _candles(client, "futures_mark_price_klines", symbol, since, until),
    )
    bars, last = [], next(iter(marks.values()), None)
    for opened, trade in trades.items():
        last = marks.get(opened) or (_flat(last, trade) if last else trade)
        bars.append(Bar(trade=trade, mark=last))
    return tuple(bars)


async def _candles(
    client: FuturesClient, method: str, symbol: str, since: datetime, until: datetime
) -> Mapping[datetime, Candle]:
    """Return candles by the time at which they open, page by page."""
    found: dict[datetime, Candle] = {}
    limit = FEW if (until - since) // MINUTE < FEW - 1 else PAGE
    start, more = since, True
    while more:
        try:
            rows = await client.read(method, symbol=symbol, interval="1m", startTime=to_ms(start), limit=limit)
        except VenueRefusal as refusal:
            if refusal.code == _NO_SUCH_INTERVAL:
                raise ConfigurationError(
                    f"{client.base_url} has no candles of one minute, which paper trading needs"
                ) from refusal
            raise
        page = [schemas.candle(row) for row in rows]
        found |= {candle.open_time: candle for candle in page if candle.open_time <= until}
        more = len(page) == limit and page[-1].close_time <= until
        start = page[-1].close_time if page else start
    return found


def _flat(before: Candle, trade: Candle) -> Candle:
    close = before.close
    return replace(trade, open=close, high=close, low=close, close=close)
