"""Binance's market data: one fetch a cycle, shared by all competitors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.binance import schemas
from arena.adapters.binance.client import FuturesClient, VenueRefusal, to_ms
from arena.domain.instrument import Instrument, MarginTier
from arena.domain.market import FundingRate, MarketSnapshot, SymbolMarket
from arena.domain.pairs import Listing
from arena.errors import ExchangeError, MarketDataError, RateLimited

CANDLES = 499  # one less than the limit at which klines cost weight 5 instead of 2
FUNDING_JITTER = timedelta(minutes=1)  # fundings are stamped some milliseconds after the full hour
_DEFAULT_COMMISSION = {
    "makerCommissionRate": "0.000200",
    "takerCommissionRate": "0.000500",
}  # regular users, Binance's fee schedule


class BinanceMarket:
    """The MarketData port.

    Args:
        client: Its key may be empty: then the fees are Binance's regular ones instead of the account's.
        signed: Whether the client has a key.
        venue: Name of the venue, for displays.
        interval: Of the candles, such as `5m`.
    """

    def __init__(self, client: FuturesClient, *, signed: bool, venue: str, interval: str = "5m") -> None:
        self._client = client
        self._signed = signed
        self._venue = venue
        self._interval = interval
        self._exchange_info: Mapping[str, Any] | None = None
        self._instruments: dict[str, Instrument] = {}

    async def time(self) -> datetime:
        """Return the venue's clock, UTC, and set the client's by it."""
        return await self._client.synchronise()

    async def label(self) -> str:
        """Return the venue's name, or what the simulator says it plays."""
        info = await self._info()
        simulator = info.get("simulator")
        return f"{simulator['market']} (simulator)" if simulator else self._venue

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Return the contracts with filters, tiers and fees; an unknown symbol is left out. Read once."""
        missing = [symbol for symbol in symbols if symbol not in self._instruments]
        if missing:
            listed = {entry["symbol"]: entry for entry in (await self._info())["symbols"]}
            brackets = await self._brackets()
            for symbol in missing:
                if symbol in listed and symbol in brackets:
                    commission = await self._commission(symbol)
                    self._instruments[symbol] = schemas.instrument(listed[symbol], brackets[symbol], commission)
        return {symbol: self._instruments[symbol] for symbol in symbols if symbol in self._instruments}

    async def snapshot(self, symbols: Sequence[str], as_of: datetime) -> MarketSnapshot:
        """Return candles, marks and funding of all symbols; one that cannot be read is in `missing` with the reason.

        Raises:
            MarketDataError: Nothing could be read.
        """
        try:
            premiums = {row["symbol"]: row for row in await self._client.read("futures_mark_price")}
        except ExchangeError as error:
            raise MarketDataError(f"the mark prices could not be read: {error}") from error
        results = await asyncio.gather(*(self._symbol(symbol, premiums, as_of) for symbol in symbols))
        markets = {market.symbol: market for market in results if isinstance(market, SymbolMarket)}
        missing = {symbol: result for symbol, result in zip(symbols, results, strict=True) if isinstance(result, str)}
        if not markets:
            raise MarketDataError(f"no symbol could be read: {'; '.join(f'{s}: {why}' for s, why in missing.items())}")
        return MarketSnapshot(as_of=as_of, symbols=markets, missing=missing)

    async def marks(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return the mark prices of this moment, USDT."""
        rows = await self._client.read("futures_mark_price")
        return {row["symbol"]: Decimal(row["markPrice"]) for row in rows if row["symbol"] in symbols}

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return the prices of the last trades, USDT."""
        rows = await self._client.read("futures_symbol_ticker")
        return {row["symbol"]: Decimal(row["price"]) for row in rows if row["symbol"] in symbols}

    async def listings(self, symbols: Sequence[str]) -> Mapping[str, Listing]:
        """Return the contracts as anybody sees them, with their prices; an unknown symbol is left out. Needs no key."""
        listed = {entry["symbol"]: entry for entry in (await self._info())["symbols"]}
        lasts, marks = await asyncio.gather(self.last_prices(symbols), self.marks(symbols))
        return {
            symbol: schemas.listing(listed[symbol], lasts.get(symbol), marks.get(symbol))
            for symbol in symbols
            if symbol in listed
        }

    async def tradable(self) -> tuple[str, ...]:
        """Return every perpetual in USDT that is trading. Needs no key."""
        found = (schemas.listing(entry, None, None) for entry in (await self._info())["symbols"])
        return tuple(listing.symbol for listing in found if listing.trading and listing.perpetual)

    async def tiers(self, symbols: Sequence[str]) -> Mapping[str, tuple[MarginTier, ...]] | None:
        """Return the margin tiers; None without a key, which the venue asks for here."""
        if not self._signed:
            return None
        return {symbol: schemas.tiers(rows) for symbol, rows in (await self._brackets()).items() if symbol in symbols}

    async def fundings(self, symbols: Sequence[str], after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """Return the fundings with after < time ≤ until, oldest first; asks only when a full hour lies between."""
        if until.replace(minute=0, second=0, microsecond=0) <= after - FUNDING_JITTER:
            return ()
        found: list[FundingRate] = []
        for symbol in symbols:
            rows = await self._client.read(
                "futures_funding_rate", symbol=symbol, startTime=to_ms(after), endTime=to_ms(until), limit=1000
            )
            found += [schemas.funding_rate(row) for row in rows]
        inside = (rate for rate in found if after < rate.time <= until)
        return tuple(sorted(inside, key=lambda rate: (rate.time, rate.symbol)))

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

    async def _info(self) -> Mapping[str, Any]:
        if self._exchange_info is None:
            self._exchange_info = await self._client.read("futures_exchange_info")
        return self._exchange_info

    async def _brackets(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {row["symbol"]: row["brackets"] for row in await self._client.read("futures_leverage_bracket")}

    async def _commission(self, symbol: str) -> Mapping[str, Any]:
        if not self._signed:
            return _DEFAULT_COMMISSION
        try:
            answer: Mapping[str, Any] = await self._client.read("futures_commission_rate", symbol=symbol)
        except VenueRefusal as refusal:
            raise MarketDataError(f"the fees of {symbol} could not be read: {refusal}") from refusal
        return answer
