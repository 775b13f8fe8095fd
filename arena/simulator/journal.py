"""Everything that happened to every account, exactly: what a run is audited against, whatever was shown to clients."""

from __future__ import annotations

from typing import Any

from arena.adapters.paper.account import Income, PaperAccount, PaperOrder, PaperTrade
from arena.domain.money import plain
from arena.simulator.venue import Venue


def journal(venue: Venue) -> dict[str, Any]:
    """Return orders, conditionals, trades and income of each account by its name, oldest first; invisible ones included."""
    keys: dict[str, list[str]] = {}
    for key, opened in venue.keys.items():
        keys.setdefault(opened.account, []).append(key)
    accounts = {name: {"keys": keys.get(name, []), **_account(account)} for name, account in venue.engine.accounts.items()}
    return {"now": venue.engine.now.isoformat(), "accounts": accounts}


def _account(account: PaperAccount) -> dict[str, Any]:
    return {
        "orders": [_order(paper) for paper in account.orders.values()],
        "conditionals": [_conditional(paper) for paper in account.conditionals.values()],
        "trades": [_trade(trade) for trade in account.trades],
        "income": [_income(entry) for entry in account.income],
    }


def _order(paper: PaperOrder) -> dict[str, Any]:
    order = paper.order
    return {
        "order_id": paper.order_id,
        "client_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "position_side": order.position_side,
        "type": order.order_type,
        "quantity": plain(order.quantity),
        "executed": plain(paper.filled_quantity),
        "status": paper.status,
        "created": paper.created_at.isoformat(),
        "updated": paper.updated_at.isoformat(),
    }


def _conditional(paper: PaperOrder) -> dict[str, Any]:
    assert paper.order.trigger_price is not None  # the engine takes no conditional order without one
    return _order(paper) | {"trigger_price": plain(paper.order.trigger_price), "child_id": paper.child_order_id}


def _trade(trade: PaperTrade) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "order_id": trade.order_id,
        "client_id": trade.client_order_id,
        "symbol": trade.symbol,
        "side": trade.side,
        "position_side": trade.position_side,
        "quantity": plain(trade.quantity),
        "price": plain(trade.price),
        "fee": plain(trade.fee),
        "realized_pnl": plain(trade.realized_pnl),
        "time": trade.time.isoformat(),
    }


def _income(entry: Income) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "symbol": entry.symbol,
        "amount": plain(entry.amount),
        "time": entry.time.isoformat(),
    }
