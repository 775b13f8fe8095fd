"""Binance's market data: one fetch a cycle, shared by all competitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from arena.adapters.binance import schemas
from arena.adapters.binance.client import FuturesClient, VenueRefusal, to_ms
from arena.adapters.binance.contracts import Contracts, KnownTiers
from arena.adapters.binance.minutes import read_minutes
from arena.domain.instrument import Instrument
from arena.domain.market import Bar, Candle, FundingRate, MarketSnapshot, SymbolMarket
from arena.errors import ExchangeError, MarketDataError, RateLimited
from arena.together import together

CANDLES = 499  # one less than the limit at which klines cost weight 5 instead of 2
ALL_MARKS_WEIGHT = 10  # of all symbols at once; one symbol weighs 1
FUNDING_JITTER = timedelta(minutes=1)  # fundings are stamped some milliseconds after the full hour


class BinanceMarket:
    """The MarketData port.

    Args:
        client: Its key may be empty where `known_tiers` are given; then the fees are Binance's regular ones, not the account's.
        venue: Name of the venue, for displays.
        interval: Of the candles, such as `5m`.
        contracts_file: Keeps filters, tiers and fees from one process to the next; None for nothing.
        known_tiers: Margin tiers of a symbol, for a client without a key.
        patience: How many times as old as usual contracts and fees may be.
    """

    def __init__(
        self,
        client: FuturesClient,
        *,
        venue: str,
        interval: str = "5m",
        contracts_file: Path | None = None,
        known_tiers: KnownTiers | None = None,
        patience: float = 1,
    ) -> None:
        self._client = client
        self._venue = venue
        self._interval = interval
        self._fundings: dict[str, tuple[datetime, datetime, tuple[FundingRate, ...]]] = {}  # asked from, until, found
        self._contracts = Contracts(client, known_tiers=known_tiers, file=contracts_file, patience=patience)

    async def time(self) -> datetime:
        """Return the venue's clock, UTC, and set the client's by it."""
        return await self._client.synchronise()

    async def label(self) -> str:
        """Return the venue's name, or what the simulator says it plays."""
        note = await self._contracts.note()
        return f"{note} (simulator)" if note else self._venue

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Return the contracts with filters, tiers and fees; an unknown symbol is left out."""
        return await self._contracts.instruments(symbols)

    async def refresh(self, symbols: Sequence[str]) -> None:
        """Read contracts, tiers and fees anew where they are old, as many as there are, and keep them."""
        await self._contracts.refresh(symbols)

    async def snapshot(self, symbols: Sequence[str], as_of: datetime) -> MarketSnapshot:
        """Return candles, marks and funding of all symbols; one that cannot be read is in `missing` with the reason.

        Raises:
            MarketDataError: Nothing could be read.
        """
        try:
            premiums = {row["symbol"]: row for row in await self._premiums(symbols)}
        except ExchangeError as error:
            raise MarketDataError(f"the mark prices could not be read: {error}") from error
        results = await together(*(self._symbol(symbol, premiums, as_of) for symbol in symbols))
        markets = {market.symbol: market for market in results if isinstance(market, SymbolMarket)}
        missing = {symbol: result for symbol, result in zip(symbols, results, strict=True) if isinstance(result, str)}
        if not markets:
            raise MarketDataError(f"no symbol could be read: {'; '.join(f'{s}: {why}' for s, why in missing.items())}")
        return MarketSnapshot(as_of=as_of, symbols=markets, missing=missing)

    async def candles(self, symbol: str, until: datetime) -> tuple[Candle, ...]:
        """Return the newest candles that end at `until` or before, oldest first, as many as a snapshot has.

        Raises:
            ExchangeError: They could not be read.
        """
        rows = await self._client.read(
            "futures_klines", symbol=symbol, interval=self._interval, limit=CANDLES, endTime=to_ms(until)
        )
        return schemas.candles(rows, until)

    async def fundings(self, symbols: Sequence[str], after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """Return the fundings with after < time ≤ until, oldest first; asks only when a full hour lies between."""
        asked = await together(*(self._fundings_of(symbol, after, until) for symbol in symbols))
        inside = (rate for found in asked for rate in found if after < rate.time <= until)
        return tuple(sorted(inside, key=lambda rate: (rate.time, rate.symbol)))

    async def minutes(self, symbol: str, since: datetime, until: datetime) -> tuple[Bar, ...]:
        """Return the bars of one minute that open within since to until, oldest first; the last one may still be forming."""
        return await read_minutes(self._client, symbol, since, until)

    async def _fundings_of(self, symbol: str, after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """Return a symbol's fundings; a cycle asks several times for what it has not booked yet, the venue is asked once."""
        since, asked_until, known = self._fundings.get(symbol, (until, until, ()))
        start = asked_until if since <= after else after
        if not _funding_between(start, until):
            return known
        rows = await self._client.read(
            "futures_funding_rate", symbol=symbol, startTime=to_ms(after), endTime=to_ms(until), limit=1000
        )
        found = tuple(schemas.funding_rate(row) for row in rows)
        self._fundings[symbol] = (after, until, found)
        return found

    async def _premiums(self, symbols: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return marks and funding rates; few symbols are asked for one by one, which weighs less. An unknown one has none."""
        if len(symbols) >= ALL_MARKS_WEIGHT:
            rows: Sequence[Mapping[str, Any]] = await self._client.read("futures_mark_price")
            return rows

        async def one(symbol: str) -> Sequence[Mapping[str, Any]]:
            try:
                return [await self._client.read("futures_mark_price", symbol=symbol)]
            except VenueRefusal:
                return []

        return [row for found in await together(*map(one, symbols)) for row in found]

    async def _symbol(self, symbol: str, premiums: Mapping[str, Any], as_of: datetime) -> SymbolMarket | str:
        if symbol not in premiums:
            return "the venue gives no mark price"
        try:
            rows = await self._client.read("futures_klines", symbol=symbol, interval=self._interval, limit=CANDLES)
        except RateLimited:
            raise
        except ExchangeError as error:
            return str(error)
        return schemas.symbol_market(rows, premiums[symbol], as_of) if rows else "there are no candles"


def _funding_between(after: datetime, until: datetime) -> bool:
    """Return whether a full hour, at which there may have been a funding, lies between; one is stamped a little after it."""
    return until.replace(minute=0, second=0, microsecond=0) > after - FUNDING_JITTER
