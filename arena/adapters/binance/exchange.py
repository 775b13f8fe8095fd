"""Orders at Binance: one at a time, nothing sent twice blindly.

An order whose fate is unknown is looked for by its client id before it is sent again, under the same id. A normal order is looked
for longer than the venue would still take the lost request (`client.RECV_WINDOW_MS`), since a filled order's id may be used
again and would then trade twice. A conditional order's id cannot be doubled while the first one rests: it is sent again sooner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from arena.adapters.binance import schemas
from arena.adapters.binance.cancelling import Listings, cancel_conditionals, cancel_limits
from arena.adapters.binance.client import FuturesClient, VenueRefusal
from arena.domain.money import ZERO, plain
from arena.domain.order import Order, OrderOutcome, OrderStatus, OrderType, RestingOrder
from arena.errors import ExchangeUnavailable, ExecutionUnknown, RateLimited
from arena.together import together

GONE = frozenset({-2011, -2013})
_DUPLICATE = -4116  # an order with this client id is there: an earlier attempt landed
LOOKUP_PAUSES = (0.2, 0.5, 1.0, 2.0, 3.0)  # seconds; a new order may stay invisible (-2013) for a while
CONDITIONAL_LOOKUP_PAUSES = (0.2, 0.5)
SENDS = 2
_WORKING = frozenset({"NEW", "PARTIALLY_FILLED"})
_ALGO_ENDED = frozenset({"CANCELED", "EXPIRED", "REJECTED"})


class BinanceExchange:
    """The Exchange port over one key.

    Args:
        client: Signed.
        lookup_pauses: Seconds between questions for an order whose fate is unknown.
        conditional_lookup_pauses: The same for stops and targets.
    """

    def __init__(
        self,
        client: FuturesClient,
        lookup_pauses: Sequence[float] = LOOKUP_PAUSES,
        conditional_lookup_pauses: Sequence[float] = CONDITIONAL_LOOKUP_PAUSES,
    ) -> None:
        self._client = client
        self._pauses = lookup_pauses
        self._conditional_pauses = conditional_lookup_pauses
        self._client_ids: dict[str, str] = {}  # exchange order id -> client order id
        self._listings = Listings(client)

    async def place(self, order: Order) -> OrderOutcome:
        """Send an order; an unknown result is looked up by its client id before it is sent again under the same id.

        A refusal of the second sending says nothing of the first, which may have landed and not be visible yet.

        Raises:
            ExchangeUnavailable, RateLimited: Nothing was executed.
        """
        self._listings.forget(order.symbol)
        for earlier_sendings in range(SENDS):
            try:
                answer = await self._client.write("futures_create_order", **_parameters(order))
            except VenueRefusal as refusal:
                if refusal.code != _DUPLICATE and not earlier_sendings:
                    return _outcome(order.client_order_id, OrderStatus.REFUSED, code=refusal.code, message=refusal.message)
                if refusal.code == _DUPLICATE and order.order_type.conditional:
                    return _outcome(order.client_order_id, OrderStatus.RESTING, message="it is there already")
            except ExecutionUnknown:
                pass
            else:
                return await self._settled(order, answer)
            found = await self._look_for(order)
            earlier = order.order_type.conditional and found is not None and found.status is OrderStatus.REFUSED
            if found is not None and not earlier:  # an earlier order of the same id may have ended; that says nothing of this one
                return found
        return _outcome(order.client_order_id, OrderStatus.UNKNOWN, message="no answer, and the id was not found")

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        """Cancel an order; False when it is already gone.

        Raises:
            ExchangeUnavailable, RateLimited: It may still be there.
        """
        named = {"clientAlgoId" if conditional else "origClientOrderId": client_order_id}
        try:
            await self._client.write("futures_cancel_order", symbol=symbol, **named)
        except VenueRefusal as refusal:
            if refusal.code in GONE:
                return False
            raise ExchangeUnavailable(f"{client_order_id} could not be cancelled: {refusal}") from refusal
        except ExecutionUnknown as error:
            if await self._has_ended(symbol, client_order_id, conditional=conditional):
                return False
            raise ExchangeUnavailable(f"{client_order_id} may not have been cancelled: {error}") from error
        return True

    async def cancel_together(
        self, symbol: str, client_order_ids: Sequence[str], *, conditional: bool
    ) -> Mapping[str, OrderOutcome]:
        """Cancel several orders of a symbol at once; what the venue refuses or leaves unanswered is left to `cancel`."""
        try:
            if conditional:
                gone = await cancel_conditionals(self._client, self._listings, symbol, client_order_ids)
                return {name: _outcome(name, OrderStatus.REFUSED, message="Binance: cancelled") for name in gone}
            ended = [self._read(row) for row in await cancel_limits(self._client, symbol, client_order_ids)]
        except (VenueRefusal, ExecutionUnknown):
            return {}
        return {each.client_order_id: each for each in ended if each.status is not OrderStatus.RESTING}

    async def _has_ended(self, symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        """Return whether an order rests no more; a normal one must be seen to have ended, since a young one may be invisible."""
        if conditional:
            return all(order.client_order_id != client_order_id for order in await self.resting([symbol]))
        found = await self.find(symbol, client_order_id, conditional=False)
        return found is not None and found.status is not OrderStatus.RESTING

    async def find(self, symbol: str, client_order_id: str, *, conditional: bool) -> OrderOutcome | None:
        """Return what has become of an order; None where the venue does not know it."""
        if conditional:
            return await self._find_conditional(symbol, client_order_id)
        row = await self._ask("futures_get_order", symbol=symbol, origClientOrderId=client_order_id)
        return None if row is None else self._read(row)

    async def resting(self, symbols: Sequence[str]) -> tuple[RestingOrder, ...]:
        """Return the open conditional orders of some symbols."""
        listed = await together(*(self._listings.read(symbol) for symbol in symbols))
        return tuple(order for rows in listed for row in rows if (order := schemas.resting_order(row)) is not None)

    async def _settled(self, order: Order, answer: Mapping[str, Any]) -> OrderOutcome:
        """Return what the answer to an order means; a market order that is only acknowledged is asked for until it is done."""
        if order.order_type.conditional:
            return _outcome(order.client_order_id, OrderStatus.RESTING, exchange_order_id=str(answer["algoId"]))
        outcome = self._read(answer)
        pauses = iter(self._pauses if order.order_type is OrderType.MARKET else ())
        while outcome.status is OrderStatus.RESTING and (pause := next(pauses, None)) is not None:
            await asyncio.sleep(pause)
            outcome = await self._look_for(order, pauses=()) or outcome
        return outcome

    def _read(self, row: Mapping[str, Any]) -> OrderOutcome:
        """Read a normal order; one that ended without a trade is as good as refused."""
        order_id, filled = str(row["orderId"]), Decimal(row["executedQty"])
        self._client_ids[order_id] = str(row["clientOrderId"])
        ended = OrderStatus.FILLED if filled > ZERO else OrderStatus.REFUSED
        return _outcome(
            str(row["clientOrderId"]),
            OrderStatus.RESTING if row["status"] in _WORKING else ended,
            exchange_order_id=order_id,
            filled_quantity=filled,
            message=f"Binance: {row['status']}",
        )

    async def _look_for(self, order: Order, pauses: Sequence[float] | None = None) -> OrderOutcome | None:
        """Ask for an order by its client id until the venue knows it; None when it never does."""
        conditional = order.order_type.conditional
        usual = self._conditional_pauses if conditional else self._pauses
        for pause in (0.0, *(usual if pauses is None else pauses)):
            await asyncio.sleep(pause)
            try:
                found = await self.find(order.symbol, order.client_order_id, conditional=conditional)
            except (ExchangeUnavailable, RateLimited):
                continue
            if found is not None:
                return found
        return None

    async def _find_conditional(self, symbol: str, name: str) -> OrderOutcome | None:
        """Look among the open ones first: GET algoOrder has answered -2013 for a live order."""
        if any(order.client_order_id == name for order in await self.resting([symbol])):
            return _outcome(name, OrderStatus.RESTING)
        row = await self._ask("futures_get_order", symbol=symbol, clientAlgoId=name)
        if row is None or row["algoStatus"] in _ALGO_ENDED:
            return None if row is None else _outcome(name, OrderStatus.REFUSED, message=f"Binance: {row['algoStatus']}")
        child = await self._ask("futures_get_order", symbol=symbol, origClientOrderId=name)
        if child is None or child["status"] in _WORKING:
            return _outcome(name, OrderStatus.UNKNOWN, message=f"Binance: {row['algoStatus']}")
        return self._read(child)

    async def _ask(self, method: str, **params: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = await self._client.read(method, **params)
        except VenueRefusal as refusal:
            if refusal.code in GONE:
                return None
            raise ExchangeUnavailable(f"{params} could not be asked for: {refusal}") from refusal
        return found


def _outcome(
    name: str,
    status: OrderStatus,
    exchange_order_id: str | None = None,
    filled_quantity: Decimal = ZERO,
    code: int | None = None,
    message: str = "",
) -> OrderOutcome:
    return OrderOutcome(
        client_order_id=name,
        status=status,
        exchange_order_id=exchange_order_id,
        filled_quantity=filled_quantity,
        code=code,
        message=message,
    )


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
        wire |= {"price": plain(order.price), "timeInForce": "GTX"}  # post-only: what would take is refused with -5022
    return {**wire, "newClientOrderId": order.client_order_id, "newOrderRespType": "RESULT"}
