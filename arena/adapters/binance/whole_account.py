"""Everything an account at Binance holds, whichever pairs the season trades."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal

from arena.adapters.binance import schemas
from arena.adapters.binance.client import FuturesClient, VenueRefusal
from arena.domain.client_id import SHUTDOWN_PREFIX
from arena.domain.money import plain
from arena.domain.order import PositionSide
from arena.together import together

_NOTHING_TO_CLOSE = -2022
_OTHER_MODE = -4061  # the account is in one-way mode
_TOO_LARGE = -4005  # for one order


class BinanceWholeAccount:
    """Implements `application.shutdown.WholeAccount` over a signed client."""

    def __init__(self, client: FuturesClient) -> None:
        self._client = client

    async def positions(self) -> Mapping[tuple[str, PositionSide], Decimal]:
        """Return the signed quantity of every open position, in hedge and in one-way mode."""
        rows = await self._client.read("futures_position_information", version=3)
        found: dict[tuple[str, PositionSide], Decimal] = {}
        for row in rows:
            amount = Decimal(row["positionAmt"])
            if row["positionSide"] == "BOTH":
                side = PositionSide.LONG if amount > 0 else PositionSide.SHORT
            else:
                side = PositionSide(row["positionSide"])
            if amount != 0:
                found[row["symbol"], side] = amount
        return found

    async def resting(self) -> tuple[str, ...]:
        """Return the symbols with open orders: the normal service's and the Algo service's."""
        normal, conditional = await together(
            self._client.read("futures_get_open_orders"), self._client.read("futures_get_open_orders", conditional=True)
        )
        return tuple(sorted({row["symbol"] for row in [*normal, *conditional]}))

    async def cancel_all(self, symbol: str) -> None:
        """Cancel both kinds: the normal cancel leaves every conditional order alive."""
        await together(
            self._client.write("futures_cancel_all_open_orders", symbol=symbol),
            self._client.write("futures_cancel_all_open_orders", symbol=symbol, conditional=True),
        )

    async def close(self, symbol: str, side: PositionSide, quantity: Decimal) -> None:
        """Close at the market, in either position mode. Safe to repeat: an order beyond the position is refused."""
        try:
            await self._sell(symbol, side, quantity)
        except VenueRefusal as refusal:
            if refusal.code != _TOO_LARGE:
                raise
            largest = await self._largest(symbol)
            for _ in range(int(quantity // largest)):
                await self._sell(symbol, side, largest)
            if quantity % largest:
                await self._sell(symbol, side, quantity % largest)

    async def _sell(self, symbol: str, side: PositionSide, quantity: Decimal) -> None:
        """Send one order, of which no more is executed than there is."""
        name = f"{SHUTDOWN_PREFIX}{time.time_ns() // 1000}"  # the settlement gives these trades to whoever held the bucket
        order = {"symbol": symbol, "side": str(side.closing_side), "type": "MARKET", "quantity": plain(quantity)}
        order["newClientOrderId"] = name
        try:
            await self._client.write("futures_create_order", **order, positionSide=str(side))
        except VenueRefusal as refusal:
            if refusal.code == _OTHER_MODE:
                await self._client.write("futures_create_order", **order, reduceOnly="true")
            elif refusal.code != _NOTHING_TO_CLOSE:
                raise

    async def _largest(self, symbol: str) -> Decimal:
        """Return the largest quantity of one market order."""
        info = await self._client.read("futures_exchange_info")
        return next(schemas.max_market_quantity(entry) for entry in info["symbols"] if entry["symbol"] == symbol)
