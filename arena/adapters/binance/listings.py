"""What Binance lists, as anybody sees it: to choose pairs from before there is a season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from arena.adapters.binance import schemas
from arena.adapters.binance.client import FuturesClient
from arena.domain.instrument import MarginTier
from arena.domain.pairs import Listing
from arena.together import together


class BinanceListings:
    """Reads contracts and prices.

    Args:
        client: Its key may be empty: then there are no margin tiers.
        signed: Whether the client has a key.
        venue: Name of the venue, for displays.
    """

    def __init__(self, client: FuturesClient, *, signed: bool, venue: str) -> None:
        self._client = client
        self._signed = signed
        self._venue = venue
        self._exchange_info: Mapping[str, Any] | None = None

    async def time(self) -> datetime:
        """Return the venue's clock, UTC."""
        return await self._client.synchronise()

    async def label(self) -> str:
        """Return the venue's name, or what the simulator says it plays."""
        simulator = (await self._info()).get("simulator")
        return f"{simulator['market']} (simulator)" if simulator else self._venue

    async def listings(self, symbols: Sequence[str]) -> Mapping[str, Listing]:
        """Return the contracts with their prices; an unknown symbol is left out."""
        listed = {entry["symbol"]: entry for entry in (await self._info())["symbols"]}
        lasts, marks = await together(
            self._prices("futures_symbol_ticker", "price"), self._prices("futures_mark_price", "markPrice")
        )
        return {
            symbol: schemas.listing(listed[symbol], lasts.get(symbol), marks.get(symbol))
            for symbol in symbols
            if symbol in listed
        }

    async def tradable(self) -> tuple[str, ...]:
        """Return every perpetual in USDT that is trading."""
        found = (schemas.listing(entry, None, None) for entry in (await self._info())["symbols"])
        return tuple(listing.symbol for listing in found if listing.trading and listing.perpetual)

    async def tiers(self, symbols: Sequence[str]) -> Mapping[str, tuple[MarginTier, ...]] | None:
        """Return the margin tiers; None without a key, which the venue asks for here."""
        if not self._signed:
            return None
        rows = await self._client.read("futures_leverage_bracket")
        return {row["symbol"]: schemas.tiers(row["brackets"]) for row in rows if row["symbol"] in symbols}

    async def _prices(self, method: str, field: str) -> Mapping[str, Decimal]:
        return {row["symbol"]: Decimal(row[field]) for row in await self._client.read(method)}

    async def _info(self) -> Mapping[str, Any]:
        if self._exchange_info is None:
            self._exchange_info = await self._client.read("futures_exchange_info")
        return self._exchange_info
