"""Market and limit orders. Conditional ones live in the Algo service alone, see `algo`."""

from __future__ import annotations

import secrets
from decimal import Decimal
from enum import StrEnum
from typing import Any

from arena.adapters.paper.account import PaperOrder, PaperStatus
from arena.adapters.paper.refusal import Refused
from arena.domain.instrument import Instrument
from arena.domain.order import Order, OrderType
from arena.simulator.binance.call import Call, Endpoint, listing_weight, places, signed
from arena.simulator.binance.history import window
from arena.simulator.binance.reading import good_till, listed, picked, read_order
from arena.simulator.binance.refusals import CANCEL_REJECTED, NO_SUCH_ORDER, WireError, missing, refused_order
from arena.simulator.binance.wire import at, to_ms

_CONDITIONAL = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}
_PRICE_ZEROS = "0.00000"


class TimeInForce(StrEnum):
    """How long a limit order stays; without a book, one that can trade at once trades whole."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"
    GTD = "GTD"


_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def create(call: Call) -> Any:
    """POST /order. Since 2026-06-24 the answer has neither avgPrice nor cumQuote."""
    parameters, instrument = call.parameters, call.instrument()
    if parameters.optional("type") in _CONDITIONAL:
        raise WireError(-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.")
    kind = parameters.choice("type", OrderType)
    client_id = parameters.client_id("newClientOrderId") or secrets.token_hex(11)
    order = read_order(call, instrument, kind, parameters.decimal("quantity"), client_id)
    force = parameters.choice("timeInForce", TimeInForce) if kind is OrderType.LIMIT else TimeInForce.GTC
    paper = _placed(call, order, instrument, force)
    call.landed(paper)
    if force is not TimeInForce.GTC:
        call.venue.time_in_force[paper.order_id] = str(force)
    answer = order_row(call, paper)
    if kind is OrderType.MARKET and parameters.optional("newOrderRespType") != "RESULT":
        answer |= {"status": "NEW", "executedQty": at(Decimal(0), instrument.step_size)}
    return _without_averages(answer)


def _placed(call: Call, order: Order, instrument: Instrument, force: TimeInForce) -> PaperOrder:
    """Hand an order to the engine; one that must trade at once and cannot is ended."""
    engine = call.venue.engine
    try:
        post_only = force is TimeInForce.GTX
        paper = engine.place(call.account, order, good_till=good_till(call), post_only=post_only, share=call.share)
    except Refused as refusal:
        raise refused_order(refusal, order, instrument) from refusal
    if force in _AT_ONCE and paper.status is PaperStatus.NEW:
        rejected = force is TimeInForce.FOK
        call.account.end(paper, PaperStatus.REJECTED if rejected else PaperStatus.EXPIRED, engine.now)
        if rejected:
            raise WireError(
                -5021,
                "Due to the order could not be filled immediately, the FOK order has been rejected. "
                "The order will not be recorded in the order history",
            )
    return paper


def query(call: Call) -> Any:
    """GET /order."""
    call.instrument()
    paper = picked(call, call.shown(call.account.orders.values()), "orderId", "origClientOrderId")
    if paper is None:
        raise WireError(*NO_SUCH_ORDER)
    return order_row(call, paper)


def cancel(call: Call) -> Any:
    """DELETE /order."""
    call.instrument()
    paper = picked(call, _resting(call), "orderId", "origClientOrderId")
    if paper is None:
        raise WireError(*CANCEL_REJECTED)
    return _cancelled(call, paper)


def cancel_listed(call: Call) -> Any:
    """DELETE /batchOrders: up to ten of a symbol; the answer has a row for each, which is a refusal where there is none."""
    symbol, ids, names = call.instrument().symbol, listed(call, "orderIdList"), listed(call, "origClientOrderIdList")
    if (ids is None) is (names is None):
        raise missing("origClientOrderIdList")
    resting = [paper for paper in _resting(call) if paper.order.symbol == symbol]
    there = {paper.order.client_order_id if ids is None else paper.order_id: paper for paper in resting}
    code, message = CANCEL_REJECTED
    found = [there.pop(key, None) for key in ids or names or ()]
    return [{"code": code, "msg": message} if paper is None else _cancelled(call, paper) for paper in found]


def _cancelled(call: Call, paper: PaperOrder) -> dict[str, Any]:
    call.account.end(paper, PaperStatus.CANCELED, call.venue.engine.now)
    return _without_averages(order_row(call, paper))


def open_orders(call: Call) -> Any:
    """GET /openOrders: of one symbol or of all."""
    symbols = {instrument.symbol for instrument in call.instruments()}
    return [order_row(call, paper) for paper in call.shown(_resting(call)) if paper.order.symbol in symbols]


def all_orders(call: Call) -> Any:
    """GET /allOrders: the oldest of the window, or those from orderId on; conditional orders never appear."""
    symbol, from_id = call.instrument().symbol, call.parameters.optional_integer("orderId")
    limit = call.parameters.limit(500, 1000)
    orders = [paper for paper in call.shown(call.account.orders.values()) if paper.order.symbol == symbol]
    orders = [paper for paper in orders if paper.status is not PaperStatus.REJECTED]
    if from_id is not None:
        return [order_row(call, paper) for paper in orders if paper.order_id >= from_id][:limit]
    start, end = window(call)
    return [order_row(call, paper) for paper in orders if to_ms(start) <= to_ms(paper.created_at) <= to_ms(end)][:limit]


def cancel_all(call: Call) -> Any:
    """DELETE /allOpenOrders: leaves every conditional order alive."""
    symbol = call.instrument().symbol
    for paper in _resting(call):
        if paper.order.symbol == symbol:
            call.account.end(paper, PaperStatus.CANCELED, call.venue.engine.now)
    return ALL_CANCELLED


def order_row(call: Call, paper: PaperOrder) -> dict[str, Any]:
    """Return a normal order as GET /order shows it."""
    order, instrument = paper.order, call.venue.archive.instruments[paper.order.symbol]
    price = at(order.price, instrument.tick_size) if order.price is not None else "0"
    executed = at(paper.filled_quantity, instrument.step_size)
    return {
        "orderId": paper.order_id,
        "symbol": order.symbol,
        "status": _status(paper),
        "clientOrderId": order.client_order_id,
        "price": price,
        "avgPrice": at(paper.average_price, instrument.tick_size / 10_000) if paper.average_price else _PRICE_ZEROS,
        "origQty": at(order.quantity, instrument.step_size),
        "executedQty": executed,
        "cumQty": executed,
        "cumQuote": str(paper.filled_notional),
        "timeInForce": call.venue.time_in_force.get(paper.order_id, "GTC"),
        "type": str(order.order_type),
        "reduceOnly": False,
        "closePosition": False,
        "side": str(order.side),
        "positionSide": str(order.position_side),
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": str(order.order_type),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": to_ms(paper.good_till) if paper.good_till else 0,
        "time": to_ms(paper.created_at),
        "updateTime": to_ms(paper.updated_at),
    }


def _status(paper: PaperOrder) -> str:
    return "PARTIALLY_FILLED" if paper.status is PaperStatus.NEW and paper.filled_quantity else str(paper.status)


def _without_averages(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("avgPrice", "cumQuote", "time")}


def _resting(call: Call) -> list[PaperOrder]:
    return [paper for paper in call.account.resting.values() if not paper.order.order_type.conditional]


ENDPOINTS: tuple[Endpoint, ...] = (
    places("/fapi/v1/order", create),
    signed("GET", "/fapi/v1/order", query),
    signed("DELETE", "/fapi/v1/order", cancel),
    signed("DELETE", "/fapi/v1/batchOrders", cancel_listed),
    signed("GET", "/fapi/v1/openOrders", open_orders, listing_weight),
    signed("GET", "/fapi/v1/allOrders", all_orders, 5),
    signed("DELETE", "/fapi/v1/allOpenOrders", cancel_all),
)
