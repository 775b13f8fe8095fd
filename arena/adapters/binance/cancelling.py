"""Cancelling several orders of one symbol with one request, where none is touched that should stay.

Limit orders are named in the request. Conditional ones cannot be: Binance cancels one, or all of a symbol. All are cancelled
only where all that rest there, whoever sent them, are to go, as a listing right before says; one right after shows what is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from arena.adapters.binance.client import FuturesClient

NAMED_AT_ONCE = 10  # orders in one request. Source: Binance USD-M `DELETE /fapi/v1/batchOrders`
FRESH_SECONDS = 1.0  # a listing of the same second need not be asked for again

Row = Mapping[str, Any]


class Listings:
    """The conditional orders of each symbol, everybody's, as they were listed last."""

    def __init__(self, client: FuturesClient) -> None:
        self._client = client
        self._last: dict[str, tuple[float, frozenset[str]]] = {}  # by symbol: when, and the client ids

    async def read(self, symbol: str) -> Sequence[Row]:
        """List a symbol."""
        asked_at = asyncio.get_running_loop().time()
        rows: Sequence[Row] = await self._client.read("futures_get_open_orders", symbol=symbol, conditional=True)
        self._last[symbol] = asked_at, _names(rows)
        return rows

    def fresh(self, symbol: str) -> frozenset[str] | None:
        """Return the client ids of the last listing; None where it is too old."""
        asked_at, names = self._last.get(symbol, (0.0, frozenset()))
        return names if symbol in self._last and asyncio.get_running_loop().time() - asked_at <= FRESH_SECONDS else None

    def forget(self, symbol: str) -> None:
        """Forget the last listing: it is about to be wrong."""
        self._last.pop(symbol, None)


async def cancel_conditionals(
    client: FuturesClient, listings: Listings, symbol: str, client_order_ids: Sequence[str]
) -> frozenset[str]:
    """Cancel all conditional orders of a symbol, if all are among those named; return which rested before and rest no more.

    Nothing is cancelled where somebody else's rest there too, or where one request for each is no more than what this takes.
    """
    before = listings.fresh(symbol)
    requests = 3 if before is None else 2
    if len(client_order_ids) <= requests:
        return frozenset()
    if before is None:
        before = _names(await listings.read(symbol))
    if len(before) <= requests or not before.issubset(client_order_ids):
        return frozenset()
    listings.forget(symbol)
    await client.write("futures_cancel_all_open_orders", symbol=symbol, conditional=True)
    return before - _names(await listings.read(symbol))


async def cancel_limits(client: FuturesClient, symbol: str, client_order_ids: Sequence[str]) -> list[Row]:
    """Cancel the limit orders named; return the rows of those that the answers show, as they have ended.

    A refusal in an answer (already gone) does not say whose it is.
    """
    found: list[Row] = []
    for start in range(0, len(client_order_ids), NAMED_AT_ONCE):
        names = list(client_order_ids[start : start + NAMED_AT_ONCE])
        answer = await client.write("futures_cancel_orders", symbol=symbol, origclientorderidlist=names)
        found += [row for row in answer if row.get("clientOrderId") in names]
    return found


def _names(rows: Sequence[Row]) -> frozenset[str]:
    return frozenset(str(row["clientAlgoId"]) for row in rows)
