"""The trading account at Binance: hedge mode, one order at a time, nothing sent twice blindly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.binance import schemas
from arena.adapters.binance.client import FuturesClient, VenueRefusal, to_ms
from arena.application.ports import VenueBook
from arena.domain.money import ZERO, plain
from arena.domain.order import Fill, Order, OrderOutcome, OrderStatus, PositionSide
from arena.errors import ConfigurationError, ExchangeUnavailable, ExecutionUnknown

_ALREADY_SO = frozenset({-4046, -4059})  # no need to change margin type, position mode
_GONE = frozenset({-2011, -2013})
_DUPLICATE = -4116  # an order with this client id is there: an earlier attempt landed
LOOKUP_PAUSES = (0.2, 0.5, 1.0, 2.0, 3.0)  # seconds; a new order may stay invisible (-2013) for a while
SENDS = 2
TRADES_PAGE = 1000
TRADES_WINDOW = timedelta(days=7)  # the widest window userTrades takes


class BinanceExchange:
    """The Exchange port over one key.

    Args:
        client: Signed.
        lookup_pauses: Seconds between questions for an order whose fate is unknown.
    """

    def __init__(self, client: FuturesClient, lookup_pauses: Sequence[float] = LOOKUP_PAUSES) -> None:
        self._client = client
        self._pauses = lookup_pauses
        self._client_ids: dict[str, str] = {}  # exchange order id -> client order id

    async def prepare(self, symbols: Sequence[str], leverage: int) -> None:
        """Set hedge mode, cross margin and the symbols' leverage where they differ.

        Raises:
            ConfigurationError: Open orders or positions forbid a change.
        """
        await self._set("hedge mode", "futures_change_position_mode", dualSidePosition="true")
        config = {row["symbol"]: row for row in await self._client.read("futures_symbol_config")}
        for symbol in symbols:
            now = config.get(symbol, {})
            if str(now.get("marginType", "")).upper() not in ("CROSSED", "CROSS"):
                await self._set(f"cross margin of {symbol}", "futures_change_margin_type", symbol=symbol, marginType="CROSSED")
            if int(now.get("leverage", 0)) != leverage:
                await self._set(f"leverage of {symbol}", "futures_change_leverage", symbol=symbol, leverage=leverage)

    async def place(self, order: Order) -> OrderOutcome:
        """Send an order; an unknown result is looked up by its client id before it is sent again under the same id.

        Raises:
            ExchangeUnavailable, RateLimited: Nothing was executed.
        """
        for _ in range(SENDS):
            try:
                answer = await self._client.write("futures_create_order", **_parameters(order))
            except VenueRefusal as refusal:
                if refusal.code != _DUPLICATE:
                    return OrderOutcome(
                        client_order_id=order.client_order_id,
                        status=OrderStatus.REFUSED,
                        code=refusal.code,
                        message=refusal.message,
                    )
            except ExecutionUnknown:
                pass
            else:
                return await self._settled(order, answer)
            found = await self._look_up(order)
            if found is not None:
                return await self._settled(order, found)
        return OrderOutcome(
            client_order_id=order.client_order_id, status=OrderStatus.UNKNOWN, message="no answer, and the id was not found"
        )

    async def cancel(self, symbol: str, client_order_id: str) -> bool:
        """Cancel a conditional order; False when it is already gone.

        Raises:
            ExchangeUnavailable: It may still be there.
        """
        try:
            await self._client.write("futures_cancel_order", symbol=symbol, clientAlgoId=client_order_id)
        except VenueRefusal as refusal:
            if refusal.code in _GONE:
                return False
            raise ExchangeUnavailable(f"{client_order_id} could not be cancelled: {refusal}") from refusal
        except ExecutionUnknown as error:
            raise ExchangeUnavailable(f"{client_order_id} may not have been cancelled: {error}") from error
        return True

    async def fills(self, cursor: Mapping[str, int], since: datetime, until: datetime) -> tuple[Fill, ...]:
        """Return the account's trades after the cursor, up to `until`, in time order."""
        found: list[Fill] = []
        for symbol, last_id in cursor.items():
            for trade in await self._trades(symbol, last_id, since, until):
                found.append(schemas.fill(trade, await self._client_id(symbol, str(trade["orderId"]))))
        inside = (fill for fill in found if fill.time <= until)
        return tuple(sorted(inside, key=lambda fill: (fill.time, fill.symbol, fill.trade_id)))

    async def book(self) -> VenueBook:
        """Return positions and balances of the account."""
        account, rows = await asyncio.gather(
            self._client.read("futures_account", version=3), self._client.read("futures_position_information", version=3)
        )
        held = {
            (row["symbol"], PositionSide(row["positionSide"])): Decimal(row["positionAmt"])
            for row in rows
            if row["positionSide"] != "BOTH"
        }
        return VenueBook(
            positions={key: amount for key, amount in held.items() if amount != 0},
            wallet_balance=Decimal(account["totalWalletBalance"]),
            available_balance=Decimal(account["availableBalance"]),
        )

    async def _set(self, what: str, method: str, **params: Any) -> None:
        try:
            await self._client.write(method, **params)
        except VenueRefusal as refusal:
            if refusal.code not in _ALREADY_SO:
                raise ConfigurationError(
                    f"the account's {what} cannot be set ({refusal.code}: {refusal.message}): "
                    "close its positions and orders by hand, or give the arena an account of its own"
                ) from refusal

    async def _settled(self, order: Order, answer: Mapping[str, Any]) -> OrderOutcome:
        """Return what an order's wire state means; a market order that is only acknowledged is asked for until it is done."""
        if order.order_type.conditional:
            return OrderOutcome(
                client_order_id=order.client_order_id, status=OrderStatus.RESTING, exchange_order_id=str(answer["algoId"])
            )
        pauses = iter(self._pauses)
        while answer["status"] in ("NEW", "PARTIALLY_FILLED") and (pause := next(pauses, None)) is not None:
            await asyncio.sleep(pause)
            answer = await self._look_up(order) or answer
        order_id, filled = str(answer["orderId"]), Decimal(answer["executedQty"])
        self._client_ids[order_id] = order.client_order_id
        resting = answer["status"] == "NEW"
        status = OrderStatus.RESTING if resting else OrderStatus.FILLED if filled > ZERO else OrderStatus.REFUSED
        return OrderOutcome(
            client_order_id=order.client_order_id,
            status=status,
            exchange_order_id=order_id,
            filled_quantity=filled,
            message=f"Binance: {answer['status']}",
        )

    async def _look_up(self, order: Order) -> Mapping[str, Any] | None:
        """Ask for an order by its client id until the venue knows it; None when it never does."""
        for pause in (0.0, *self._pauses):
            await asyncio.sleep(pause)
            try:
                if order.order_type.conditional:
                    listed = await self._client.read("futures_get_open_orders", symbol=order.symbol, conditional=True)
                    found = next((row for row in listed if row["clientAlgoId"] == order.client_order_id), None)
                else:
                    found = await self._client.read(
                        "futures_get_order", symbol=order.symbol, origClientOrderId=order.client_order_id
                    )
            except (VenueRefusal, ExchangeUnavailable):
                continue
            if found is not None:
                return dict(found)
        return None

    async def _trades(self, symbol: str, last_id: int, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
        if last_id == 0:
            return await self._first_trades(symbol, since, until)
        found: list[Mapping[str, Any]] = []
        next_id = last_id + 1
        while True:
            page = await self._client.read("futures_account_trades", symbol=symbol, fromId=next_id, limit=TRADES_PAGE)
            found += page
            if len(page) < TRADES_PAGE:
                return found
            next_id = int(page[-1]["id"]) + 1

    async def _first_trades(self, symbol: str, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
        """Find the first trade by time, window by window, then go on by id."""
        start = since
        while start <= until:
            end = min(start + TRADES_WINDOW, until)
            page = await self._client.read(
                "futures_account_trades", symbol=symbol, startTime=to_ms(start), endTime=to_ms(end), limit=TRADES_PAGE
            )
            if page:
                last = int(page[-1]["id"])
                return list(page) + (await self._trades(symbol, last, since, until))
            start = end + timedelta(milliseconds=1)
        return []

    async def _client_id(self, symbol: str, order_id: str) -> str:
        if order_id not in self._client_ids:
            try:
                order = await self._client.read("futures_get_order", symbol=symbol, orderId=order_id)
            except VenueRefusal:
                return ""  # Binance forgets orders after a while; the trade is then nobody's until a person explains it
            self._client_ids[order_id] = str(order["clientOrderId"])
        return self._client_ids[order_id]


def _parameters(order: Order) -> dict[str, str]:
    """Return an order in the wire's words; numbers as decimal strings, since floats would go out as 1e-05."""
    wire = {
        "symbol": order.symbol,
        "side": str(order.side),
        "positionSide": str(order.position_side),
        "type": str(order.order_type),
        "quantity": plain(order.quantity),
    }
    if order.order_type.conditional:
        assert order.trigger_price is not None  # the domain forms no conditional order without one
        return {
            **wire,
            "clientAlgoId": order.client_order_id,
            "triggerPrice": plain(order.trigger_price),
            "workingType": "CONTRACT_PRICE",
        }
    if order.price is not None:
        wire |= {"price": plain(order.price), "timeInForce": "GTC"}
    return {**wire, "newClientOrderId": order.client_order_id, "newOrderRespType": "RESULT"}
