"""An order as it was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.paper.account import PaperOrder
from arena.domain.instrument import Instrument
from arena.domain.order import Order, OrderSide, OrderType, PositionSide
from arena.simulator.binance.call import Call
from arena.simulator.binance.refusals import POSITION_SIDE, WireError, invalid

SHORTEST_GOOD_TILL = timedelta(seconds=600)
LONGEST_LIST = 10  # orders that may be cancelled with one request
_ONE_WAY = "BOTH"


def read_order(call: Call, instrument: Instrument, kind: OrderType, quantity: Decimal, client_id: str) -> Order:
    """Return the order that the parameters ask for, with the price that its kind needs.

    Raises:
        WireError: -1102, -1106, -1117, -4061 and others for a parameter that is missing, malformed or not taken.
    """
    parameters = call.parameters
    side = parameters.choice("side", OrderSide)
    if parameters.has("reduceOnly"):
        raise WireError(-1106, "Parameter 'reduceOnly' sent when not required.")  # as Binance answers in hedge mode
    return Order(
        client_order_id=client_id,
        symbol=instrument.symbol,
        side=side,
        position_side=position_side(call),
        order_type=kind,
        quantity=quantity,
        price=parameters.decimal("price") if kind is OrderType.LIMIT else None,
        trigger_price=parameters.decimal("triggerPrice") if kind.conditional else None,
    )


def position_side(call: Call) -> PositionSide:
    """Return the bucket that an order names; the simulator trades in hedge mode only, so BOTH never fits.

    Raises:
        WireError: -4061, -1130.
    """
    text = call.parameters.optional("positionSide") or _ONE_WAY
    if text == _ONE_WAY or not call.account.dual_side:
        raise WireError(*POSITION_SIDE)
    return call.parameters.choice("positionSide", PositionSide)


def good_till(call: Call) -> datetime | None:
    """Return when an order with timeInForce GTD expires; at least ten minutes from now.

    Raises:
        WireError: -1102, -1130.
    """
    if call.parameters.optional("timeInForce") != "GTD":
        return None
    call.parameters.integer("goodTillDate")
    moment = call.parameters.moment("goodTillDate")
    if moment is None or moment <= call.venue.engine.now + SHORTEST_GOOD_TILL:
        raise invalid("goodTillDate")
    return moment


def listed(call: Call, name: str) -> list[Any] | None:
    """Return a JSON list of ids, None where it was not sent. Its name is also taken in lower case, as the clients send it.

    Raises:
        WireError: -1130 where it is none, empty, or too long.
    """
    text = call.parameters.optional(name) or call.parameters.optional(name.lower())
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        raise invalid(name) from None
    if not isinstance(found, list) or not 1 <= len(found) <= LONGEST_LIST or not all(type(e) in (int, str) for e in found):
        raise invalid(name)
    return found


def picked(call: Call, orders: Iterable[PaperOrder], id_name: str, client_id_name: str) -> PaperOrder | None:
    """Return the newest of the account's orders that has the symbol, if any, and the id or client id asked for.

    Raises:
        WireError: -1102 where neither id was sent.
    """
    parameters = call.parameters
    order_id, client_id = parameters.optional_integer(id_name), parameters.optional(client_id_name)
    if order_id is None and client_id is None:
        parameters.text(client_id_name)
    symbol = parameters.optional("symbol")
    for paper in reversed(tuple(orders)):
        named = paper.order_id == order_id if order_id is not None else paper.order.client_order_id == client_id
        if named and symbol in (None, paper.order.symbol):
            return paper
    return None
