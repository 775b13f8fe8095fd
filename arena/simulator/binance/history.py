"""What happened to an account: trades and income."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from arena.adapters.paper.account import Income, PaperTrade
from arena.domain.order import OrderSide
from arena.simulator.binance.call import Call, Endpoint, signed
from arena.simulator.binance.refusals import WireError
from arena.simulator.binance.wire import amount, at, to_ms

WINDOW = timedelta(days=7)  # the widest that userTrades and allOrders take, and the one they look at when none is given
MILLISECOND = timedelta(milliseconds=1)


def window(call: Call) -> tuple[datetime, datetime]:
    """Return the first and last instant asked for; one bound alone gets the other a week away.

    Raises:
        WireError: -4165 where it is wider than a week or the wrong way round.
    """
    start, end = call.parameters.moment("startTime"), call.parameters.moment("endTime")
    now = call.venue.engine.now
    if end is None:
        end = now if start is None else start + WINDOW
    if start is None:
        start = end - WINDOW
    if start > end or end - start > WINDOW:
        raise WireError(-4165, "Maximum time interval is 7 days.")
    return start, end


def user_trades(call: Call) -> Any:
    """GET /userTrades: the oldest of the window, or of the ids from fromId on."""
    instrument, parameters = call.instrument(), call.parameters
    from_id, order_id = parameters.optional_integer("fromId"), parameters.optional_integer("orderId")
    limit = parameters.limit(500, 1000)
    hidden = call.hidden()
    trades = [trade for trade in call.account.trades if trade.symbol == instrument.symbol and trade.order_id not in hidden]
    if order_id is not None:
        trades = [trade for trade in trades if trade.order_id == order_id]
    if from_id is not None:
        if parameters.has("startTime") or parameters.has("endTime"):
            raise WireError(-1128, "Combination of optional parameters invalid.")
        trades = [trade for trade in trades if trade.trade_id >= from_id]
    elif order_id is None or parameters.has("startTime") or parameters.has("endTime"):
        start, end = window(call)
        trades = [trade for trade in trades if start <= trade.time < end + MILLISECOND]
    return [_trade(call, trade) for trade in trades[:limit]]


def _trade(call: Call, trade: PaperTrade) -> dict[str, Any]:
    instrument = call.venue.archive.instruments[trade.symbol]
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "side": str(trade.side),
        "price": at(trade.price, instrument.tick_size),
        "qty": at(trade.quantity, instrument.step_size),
        "realizedPnl": amount(trade.realized_pnl),
        "quoteQty": amount(trade.quantity * trade.price),
        "commission": amount(trade.fee),
        "commissionAsset": "USDT",
        "time": to_ms(trade.time),
        "positionSide": str(trade.position_side),
        "buyer": trade.side is OrderSide.BUY,
        "maker": trade.maker,
    }


def income(call: Call) -> Any:
    """GET /income: the oldest of the window (a week back where none is given), page by page."""
    parameters, now = call.parameters, call.venue.engine.now
    end = parameters.moment("endTime") or now
    start = parameters.moment("startTime") or end - WINDOW
    symbol, kind = parameters.optional("symbol"), parameters.optional("incomeType")
    limit, page = parameters.limit(100, 1000), max(1, parameters.optional_integer("page") or 1)
    found = [
        entry
        for entry in call.account.income
        if start <= entry.time < end + MILLISECOND and symbol in (None, entry.symbol) and kind in (None, str(entry.kind))
    ]
    return [_income(entry) for entry in found[(page - 1) * limit : page * limit]]


def _income(entry: Income) -> dict[str, Any]:
    trade = "" if entry.trade_id is None else str(entry.trade_id)
    return {
        "symbol": entry.symbol,
        "incomeType": str(entry.kind),
        "income": amount(entry.amount),
        "asset": "USDT",
        "info": trade or str(entry.kind),
        "time": to_ms(entry.time),
        "tranId": entry.tran_id,
        "tradeId": trade,
    }


ENDPOINTS: tuple[Endpoint, ...] = (
    signed("GET", "/fapi/v1/userTrades", user_trades, 5),
    signed("GET", "/fapi/v1/income", income, 30),
)
