"""What the account at Binance looks like now, each part read on its own; changes nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.binance.client import FuturesClient
from arena.domain.money import ZERO
from arena.domain.order import PositionSide


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How far away the venue is.

    Attributes:
        latency_ms: Of one request over an open connection.
        ahead_ms: By how much the venue's clock is ahead of this machine's; negative: behind.
    """

    latency_ms: int
    ahead_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """A position as the venue shows it.

    Attributes:
        quantity: Base asset, > 0.
        entry_price, mark_price: USDT.
        unrealized_pnl: USDT.
        liquidation_price: USDT, of the account as it is; None where no price liquidates it.
    """

    symbol: str
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    liquidation_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What the account of a key may do at the futures host."""

    trade: bool
    withdraw: bool


class BinanceStatus:
    """Reads one account over a signed client; every method may raise what `FuturesClient.read` does."""

    def __init__(self, client: FuturesClient) -> None:
        self._client = client

    async def clock(self) -> Clock:
        """Measure latency and the clocks' difference; the first request only opens the connection."""
        await self._client.read("futures_ping")
        sent, began = datetime.now(UTC), time.perf_counter()
        there = await self._client.synchronise()
        took = timedelta(seconds=time.perf_counter() - began)
        return Clock(latency_ms=_milliseconds(took), ahead_ms=_milliseconds(there - (sent + took / 2)))

    async def hedge_mode(self) -> bool:
        """Return whether longs and shorts are separate positions."""
        return bool((await self._client.read("futures_get_position_mode"))["dualSidePosition"])

    async def permissions(self) -> Permissions:
        """Return what the account may do; what the key itself may, only Binance's spot host tells."""
        config = await self._client.read("futures_account_config")
        return Permissions(trade=bool(config["canTrade"]), withdraw=bool(config["canWithdraw"]))

    async def balances(self) -> tuple[Decimal, Decimal]:
        """Return the wallet balance and what is available for margin, USDT."""
        account = await self._client.read("futures_account", version=3)
        return Decimal(account["totalWalletBalance"]), Decimal(account["availableBalance"])

    async def positions(self) -> tuple[OpenPosition, ...]:
        """Return the open positions by symbol, in hedge and in one-way mode."""
        rows = await self._client.read("futures_position_information", version=3)
        found = [_position(row) for row in rows if Decimal(row["positionAmt"]) != 0]
        return tuple(sorted(found, key=lambda position: (position.symbol, position.side)))

    async def orders(self, *, conditional: bool) -> Mapping[str, tuple[str, ...]]:
        """Return the types of the open orders by symbol: the normal service's, or the Algo service's. Weighs 40."""
        rows = await self._client.read("futures_get_open_orders", **({"conditional": True} if conditional else {}))
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["symbol"], []).append(str(row["orderType" if conditional else "type"]))
        return {symbol: tuple(found[symbol]) for symbol in sorted(found)}

    async def listed(self) -> Mapping[str, str]:
        """Return the status of every contract, such as TRADING, by symbol."""
        return {row["symbol"]: row["status"] for row in (await self._client.read("futures_exchange_info"))["symbols"]}


def _position(row: Mapping[str, Any]) -> OpenPosition:
    amount, liquidation = Decimal(row["positionAmt"]), Decimal(row["liquidationPrice"] or 0)
    one_way = PositionSide.LONG if amount > 0 else PositionSide.SHORT
    return OpenPosition(
        symbol=row["symbol"],
        side=one_way if row["positionSide"] == "BOTH" else PositionSide(row["positionSide"]),
        quantity=abs(amount),
        entry_price=Decimal(row["entryPrice"]),
        mark_price=Decimal(row["markPrice"]),
        unrealized_pnl=Decimal(row["unRealizedProfit"]),
        liquidation_price=liquidation if liquidation > ZERO else None,
    )


def _milliseconds(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))
