"""The Algo service: the only home of conditional orders since 2025-12-09."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from arena.adapters.paper.account import PaperOrder, PaperStatus
from arena.adapters.paper.refusal import Refused
from arena.domain.instrument import Instrument
from arena.domain.order import OrderType
from arena.simulator.binance.call import Call, Endpoint, listing_weight, places, signed
from arena.simulator.binance.history import window
from arena.simulator.binance.orders import ALL_CANCELLED
from arena.simulator.binance.reading import picked, position_side, read_order
from arena.simulator.binance.refusals import CANCEL_REJECTED, CLOSE_REJECTED, NO_SUCH_ORDER, WireError, invalid, refused_order
from arena.simulator.binance.wire import at, to_ms

_TRIGGERED = frozenset({PaperStatus.TRIGGERED, PaperStatus.FINISHED})


def create(call: Call) -> Any:
    """POST /algoOrder. No margin is needed until the order triggers."""
    parameters, instrument = call.parameters, call.instrument()
    if parameters.text("algoType") != "CONDITIONAL":
        raise invalid("algoType")
    kind = parameters.choice("type", OrderType)
    if not kind.conditional:
        raise WireError(-1116, "Invalid orderType.")
    if (parameters.optional("workingType") or "CONTRACT_PRICE") != "CONTRACT_PRICE":
        raise invalid("workingType")  # the engine triggers on the last price only
    client_id = parameters.client_id("clientAlgoId") or secrets.token_hex(11)
    closing = parameters.has("closePosition") and parameters.flag("closePosition")
    quantity = _held(call, instrument) if closing else parameters.decimal("quantity")
    order = read_order(call, instrument, kind, quantity, client_id)
    try:
        paper = call.venue.engine.place(call.account, order, group=client_id.rpartition("-")[0] or None)
    except Refused as refusal:
        raise refused_order(refusal, order, instrument) from refusal
    if closing:
        call.venue.closing.add(paper.order_id)
    call.landed(paper)
    return algo_row(call, paper)


def _held(call: Call, instrument: Instrument) -> Decimal:
    """Return what closePosition closes: the bucket as it is when the order is placed."""
    if call.parameters.has("quantity"):
        raise WireError(-4136, "Target strategy invalid for orderType: closePosition takes no quantity.")
    held = call.account.position(instrument.symbol, position_side(call)).quantity
    if not held:
        raise WireError(*CLOSE_REJECTED)
    return held


def query(call: Call) -> Any:
    """GET /algoOrder."""
    return algo_row(call, _found(call, call.shown(call.account.conditionals.values()), NO_SUCH_ORDER))


def cancel(call: Call) -> Any:
    """DELETE /algoOrder; the code of success is a string."""
    paper = _found(call, _resting(call), CANCEL_REJECTED)
    call.account.end(paper, PaperStatus.CANCELED, call.venue.engine.now)
    return {"algoId": paper.order_id, "clientAlgoId": paper.order.client_order_id, "code": "200", "msg": "success"}


def open_orders(call: Call) -> Any:
    """GET /openAlgoOrders: of one symbol or of all."""
    symbols = {instrument.symbol for instrument in call.instruments()}
    return [algo_row(call, paper) for paper in call.shown(_resting(call)) if paper.order.symbol in symbols]


def all_orders(call: Call) -> Any:
    """GET /allAlgoOrders: the oldest of the window, or those from algoId on."""
    symbol, from_id = call.instrument().symbol, call.parameters.optional_integer("algoId")
    limit = call.parameters.limit(500, 1000)
    orders = [paper for paper in call.shown(call.account.conditionals.values()) if paper.order.symbol == symbol]
    if from_id is not None:
        return [algo_row(call, paper) for paper in orders if paper.order_id >= from_id][:limit]
    start, end = window(call)
    return [algo_row(call, paper) for paper in orders if to_ms(start) <= to_ms(paper.created_at) <= to_ms(end)][:limit]


def cancel_all(call: Call) -> Any:
    """DELETE /algoOpenOrders."""
    symbol = call.instrument().symbol
    for paper in _resting(call):
        if paper.order.symbol == symbol:
            call.account.end(paper, PaperStatus.CANCELED, call.venue.engine.now)
    return ALL_CANCELLED


def algo_row(call: Call, paper: PaperOrder) -> dict[str, Any]:
    """Return a conditional order; its child's client id equals its own."""
    order, instrument = paper.order, call.venue.archive.instruments[paper.order.symbol]
    assert order.trigger_price is not None  # the engine takes no conditional order without one
    tick, step = instrument.tick_size, instrument.step_size
    return {
        "algoId": paper.order_id,
        "clientAlgoId": order.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": str(order.order_type),
        "symbol": order.symbol,
        "side": str(order.side),
        "positionSide": str(order.position_side),
        "timeInForce": "GTC",
        "quantity": at(order.quantity, step),
        "algoStatus": str(paper.status),
        "actualOrderId": "" if paper.child_order_id is None else str(paper.child_order_id),
        "actualPrice": at(paper.average_price, tick),
        "actualQty": at(paper.filled_quantity, step),
        "triggerPrice": at(order.trigger_price, tick),
        "price": at(Decimal(0), tick),
        "icebergQuantity": None,
        "selfTradePreventionMode": "NONE",
        "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": paper.order_id in call.venue.closing,
        "priceProtect": False,
        "reduceOnly": False,
        "createTime": to_ms(paper.created_at),
        "updateTime": to_ms(paper.updated_at),
        "triggerTime": to_ms(paper.updated_at) if paper.status in _TRIGGERED else 0,
        "goodTillDate": 0,
    }


def _found(call: Call, orders: list[PaperOrder], refusal: tuple[int, str]) -> PaperOrder:
    paper = picked(call, orders, "algoId", "clientAlgoId")
    if paper is None:
        raise WireError(*refusal)
    return paper


def _resting(call: Call) -> list[PaperOrder]:
    return [paper for paper in call.account.resting.values() if paper.order.order_type.conditional]


ENDPOINTS: tuple[Endpoint, ...] = (
    places("/fapi/v1/algoOrder", create),
    signed("GET", "/fapi/v1/algoOrder", query),
    signed("DELETE", "/fapi/v1/algoOrder", cancel),
    signed("GET", "/fapi/v1/openAlgoOrders", open_orders, listing_weight),
    signed("GET", "/fapi/v1/allAlgoOrders", all_orders, 5),
    signed("DELETE", "/fapi/v1/algoOpenOrders", cancel_all),
)
