"""An account's balances and positions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from arena.adapters.paper.account import PaperAccount
from arena.adapters.paper.bucket import Bucket
from arena.domain.margin import liquidation_price
from arena.domain.money import ZERO
from arena.domain.order import PositionSide
from arena.simulator.binance.call import Call, Endpoint, signed
from arena.simulator.binance.settings import largest_notional
from arena.simulator.binance.wire import amount, at, rounded, to_ms

_ENTRY_DECIMALS = 12

Held = tuple[tuple[str, PositionSide], Bucket]


def balance(call: Call) -> Any:
    """GET /balance."""
    account, marks = call.account, call.venue.engine.marks()
    available = rounded(account.available_balance(marks))
    return [
        {
            "accountAlias": account.name,
            "asset": "USDT",
            "balance": amount(account.wallet_balance),
            "crossWalletBalance": amount(account.wallet_balance),
            "crossUnPnl": amount(account.unrealized_pnl(marks)),
            "availableBalance": available,
            "maxWithdrawAmount": available,
            "marginAvailable": True,
            "updateTime": to_ms(call.venue.engine.now),
        }
    ]


def account_v3(call: Call) -> Any:
    """GET /v3/account: positions are those that are held."""
    totals = _totals(call)
    asset = {
        "asset": "USDT",
        "walletBalance": totals["totalWalletBalance"],
        "unrealizedProfit": totals["totalUnrealizedProfit"],
        "marginBalance": totals["totalMarginBalance"],
        "maintMargin": totals["totalMaintMargin"],
        "initialMargin": totals["totalInitialMargin"],
        "positionInitialMargin": totals["totalPositionInitialMargin"],
        "openOrderInitialMargin": totals["totalOpenOrderInitialMargin"],
        "crossWalletBalance": totals["totalWalletBalance"],
        "crossUnPnl": totals["totalUnrealizedProfit"],
        "availableBalance": totals["availableBalance"],
        "maxWithdrawAmount": totals["availableBalance"],
        "updateTime": to_ms(call.venue.engine.now),
    }
    positions = [_account_position(call, held) for held in call.account.buckets.items()]
    return {**totals, "assets": [asset], "positions": positions}


def account_v2(call: Call) -> Any:
    """GET /v2/account: every bucket of every symbol, with permissions."""
    answer = account_v3(call)
    everything = [_account_position(call, held) | _settings(call, held[0][0]) for held in _every_bucket(call)]
    return {
        "feeTier": 0,
        "feeBurn": False,
        "canTrade": True,
        "canDeposit": False,
        "canWithdraw": False,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        **answer,
        "positions": everything,
    }


def position_risk_v3(call: Call) -> Any:
    """GET /v3/positionRisk: only what is held or has an open order, without leverage and margin type."""
    ordered = {
        (paper.order.symbol, paper.order.position_side)
        for paper in call.account.resting.values()
        if not paper.order.order_type.conditional
    }
    return [_risk(call, held) for held in _every_bucket(call) if held[1].signed_quantity or held[0] in ordered]


def position_risk_v2(call: Call) -> Any:
    """GET /v2/positionRisk: every bucket, with leverage and margin type."""
    return [
        _risk(call, held) | {"marginType": "cross", "isAutoAddMargin": "false"} | _settings(call, held[0][0])
        for held in _every_bucket(call)
    ]


def _totals(call: Call) -> dict[str, str]:
    account, marks = call.account, call.venue.engine.marks()
    held, ordered = account.initial_margin(marks), account.order_margin()
    return {
        "totalInitialMargin": rounded(held + ordered),
        "totalMaintMargin": amount(account.maintenance_margin(marks, call.venue.engine.instruments)),
        "totalWalletBalance": amount(account.wallet_balance),
        "totalUnrealizedProfit": amount(account.unrealized_pnl(marks)),
        "totalMarginBalance": amount(account.equity(marks)),
        "totalPositionInitialMargin": rounded(held),
        "totalOpenOrderInitialMargin": rounded(ordered),
        "totalCrossWalletBalance": amount(account.wallet_balance),
        "totalCrossUnPnl": amount(account.unrealized_pnl(marks)),
        "availableBalance": rounded(account.available_balance(marks)),
        "maxWithdrawAmount": rounded(account.available_balance(marks)),
    }


def _every_bucket(call: Call) -> list[Held]:
    """Return the two buckets of every symbol asked for that has had a price, flat ones included."""
    symbols = [one.symbol for one in call.instruments() if one.symbol in call.venue.engine.marks()]
    return [((symbol, side), call.account.position(symbol, side)) for symbol in symbols for side in PositionSide]


def _position(call: Call, held: Held) -> dict[str, Any]:
    """Return what every picture of a bucket has."""
    (symbol, side), bucket = held
    engine, instrument = call.venue.engine, call.venue.archive.instruments[symbol]
    mark = engine.mark_price(symbol)
    alone = PaperAccount(name="", buckets={(symbol, side): bucket})
    initial = rounded(bucket.quantity * mark / call.account.leverage_of(symbol))
    return {
        "symbol": symbol,
        "positionSide": str(side),
        "positionAmt": at(bucket.signed_quantity, instrument.step_size),
        "notional": amount(bucket.signed_quantity * mark),
        "isolatedMargin": "0",
        "isolatedWallet": "0",
        "initialMargin": initial,
        "positionInitialMargin": initial,
        "openOrderInitialMargin": "0",
        "maintMargin": amount(alone.maintenance_margin({symbol: mark}, engine.instruments)),
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": to_ms(engine.now) if bucket.signed_quantity else 0,
    }


def _account_position(call: Call, held: Held) -> dict[str, Any]:
    (symbol, _), bucket = held
    return _position(call, held) | {"unrealizedProfit": amount(bucket.unrealized_pnl(call.venue.engine.mark_price(symbol)))}


def _risk(call: Call, held: Held) -> dict[str, Any]:
    (symbol, _), bucket = held
    instrument, mark = call.venue.archive.instruments[symbol], call.venue.engine.mark_price(symbol)
    entry = f"{bucket.entry_price:.{_ENTRY_DECIMALS}f}".rstrip("0").rstrip(".")
    return _position(call, held) | {
        "entryPrice": entry,
        "breakEvenPrice": entry,
        "markPrice": amount(mark),
        "unRealizedProfit": amount(bucket.unrealized_pnl(mark)),
        "liquidationPrice": at(_liquidation_price(call, held), instrument.tick_size),
        "marginAsset": "USDT",
        "adl": 0,
    }


def _liquidation_price(call: Call, held: Held) -> Decimal:
    """Return the mark of a bucket's symbol at which the account is liquidated; zero where no price does."""
    (symbol, _), bucket = held
    if not bucket.signed_quantity:
        return ZERO
    account, engine = call.account, call.venue.engine
    sides = [side for key, side in account.buckets.items() if key[0] == symbol]
    others = PaperAccount(name="", buckets={key: other for key, other in account.buckets.items() if key[0] != symbol})
    marks = engine.marks()
    found = liquidation_price(
        sides,
        mark_price=marks[symbol],
        margin_balance=account.wallet_balance + others.unrealized_pnl(marks),
        other_maintenance=others.maintenance_margin(marks, engine.instruments),
        instrument=engine.instruments[symbol],
    )
    return found or ZERO


def _settings(call: Call, symbol: str) -> dict[str, Any]:
    leverage = call.account.leverage_of(symbol)
    largest = largest_notional(call.venue.archive.instruments[symbol], leverage)
    return {"leverage": str(leverage), "isolated": False, "maxNotional": largest, "maxNotionalValue": largest}


ENDPOINTS: tuple[Endpoint, ...] = (
    *(signed("GET", f"/fapi/v{version}/balance", balance, 5) for version in (1, 2, 3)),
    signed("GET", "/fapi/v1/account", account_v2, 5),
    signed("GET", "/fapi/v2/account", account_v2, 5),
    signed("GET", "/fapi/v3/account", account_v3, 5),
    signed("GET", "/fapi/v1/positionRisk", position_risk_v2, 5),
    signed("GET", "/fapi/v2/positionRisk", position_risk_v2, 5),
    signed("GET", "/fapi/v3/positionRisk", position_risk_v3, 5),
)
