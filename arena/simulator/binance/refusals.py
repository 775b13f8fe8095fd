"""Binance's error codes: how the simulator says no. Source: Binance USD-M "Error Code"."""

from __future__ import annotations

from datetime import timedelta

from fastapi.responses import JSONResponse

from arena.adapters.paper.refusal import Refusal, Refused
from arena.domain.instrument import Instrument
from arena.domain.money import plain
from arena.domain.order import Order, OrderSide, OrderType
from arena.simulator.limits import MINUTE, WEIGHT_A_MINUTE


class WireError(Exception):
    """An answer of Binance's form {"code": ..., "msg": ...}."""

    def __init__(self, code: int, message: str, status: int = 400, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after  # seconds

    def answer(self) -> JSONResponse:
        """Return it as it goes out."""
        headers = None if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return JSONResponse({"code": self.code, "msg": self.message}, self.status, headers)


def missing(name: str) -> WireError:
    """-1102: a mandatory parameter is not there or not of its type."""
    return WireError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> WireError:
    """-1130: a parameter's value is not one of those that are taken."""
    return WireError(-1130, f"Data sent for parameter '{name}' is not valid.")


def illegal(name: str, legal: str) -> WireError:
    """-1100: a parameter has characters that its legal range does not."""
    return WireError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def too_many_requests(retry_after: int) -> WireError:
    """-1003: more weight than a minute takes."""
    return WireError(
        -1003,
        f"Too many requests; current limit of IP is {WEIGHT_A_MINUTE} requests per minute. "
        "Please use the websocket for live updates to avoid polling the API.",
        429,
        retry_after,
    )


def banned(until_ms: int, retry_after: int) -> WireError:
    """-1003 with 418: the address is banned."""
    message = f"Way too many requests; IP banned until {until_ms}. Please use the websocket for live updates to avoid bans."
    return WireError(-1003, message, 418, retry_after)


def too_many_orders(limit: int, window: timedelta, retry_after: int) -> WireError:
    """-1015: more orders than a window takes."""
    named = "MINUTE" if window == MINUTE else "TEN_SECONDS"
    return WireError(-1015, f"Too many new orders; current limit is {limit} orders per {named}.", 429, retry_after)


INVALID_SYMBOL = -1121, "Invalid symbol."
NO_SUCH_ORDER = -2013, "Order does not exist."
CANCEL_REJECTED = -2011, "Unknown order sent."
POSITION_SIDE = -4061, "Order's position side does not match user's setting."
OUTSIDE_THE_WINDOW = -1021, "Timestamp for this request is outside of the recvWindow."
MARGIN = -2019, "Margin is insufficient."
WOULD_TRIGGER = -2021, "Order would immediately trigger."
CLOSE_REJECTED = -2022, "ReduceOnly Order is rejected."

_PLAIN = {
    Refusal.UNKNOWN_SYMBOL: INVALID_SYMBOL,
    Refusal.PRICE_FILTER: (-4001, "Price less than 0."),
    Refusal.MARGIN: MARGIN,
    Refusal.NO_POSITION_TO_CLOSE: CLOSE_REJECTED,
    Refusal.WOULD_TRIGGER: WOULD_TRIGGER,
    Refusal.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Refusal.POSITION_SIDE: POSITION_SIDE,
    Refusal.NO_LIQUIDITY: (-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."),
    Refusal.NOT_FOUND: NO_SUCH_ORDER,
    Refusal.POST_ONLY: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
    ),
    Refusal.LEVERAGE: (-2027, "Exceeded the maximum allowable position at current leverage."),
}

_BAND = {
    OrderSide.BUY: (-4016, "Limit price can't be higher than the cap."),
    OrderSide.SELL: (-4024, "Limit price can't be lower than the floor."),
}


def refused(refusal: Refused) -> WireError:
    """Return a refusal of the engine in Binance's words."""
    return WireError(*_PLAIN.get(refusal.reason, (-1000, refusal.message)))


def refused_order(refusal: Refused, order: Order, instrument: Instrument) -> WireError:
    """Return the engine's refusal of an order in Binance's words, which depend on the order for some reasons."""
    if refusal.reason is Refusal.PRECISION:
        return _precision(order, instrument)
    if refusal.reason is Refusal.QUANTITY:
        return _quantity(order, instrument)
    if refusal.reason is Refusal.PRICE_BAND:
        return WireError(*_BAND[order.side])
    if refusal.reason is Refusal.MIN_NOTIONAL:
        least = plain(instrument.min_notional)
        return WireError(-4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only).")
    return refused(refusal)


def _precision(order: Order, instrument: Instrument) -> WireError:
    """-1111 where there are more digits than the contract's precisions, -4014 where a price only misses the tick."""
    price = order.trigger_price if order.order_type.conditional else order.price
    finest = instrument.tick_size.scaleb(-1)  # pricePrecision is one digit finer than the tick, see market.symbol_info
    if order.quantity % instrument.step_size == 0 and price is not None and price % finest == 0:
        return WireError(-4014, "Price not increased by tick size.")
    return WireError(-1111, "Precision is over the maximum defined for this asset.")


def _quantity(order: Order, instrument: Instrument) -> WireError:
    if order.quantity <= 0:
        return WireError(-4003, "Quantity less than or equal to zero.")
    if order.quantity < instrument.min_quantity:
        return WireError(-4004, "Quantity less than min quantity.")
    limit = order.order_type is OrderType.LIMIT
    largest = instrument.max_quantity if limit else instrument.max_market_quantity
    return WireError(-4005, f"Quantity greater than max quantity {plain(largest)}.")
