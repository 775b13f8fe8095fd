"""Binance's wire structures as domain values; every number is read from its string."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from arena.adapters.binance.client import from_ms
from arena.domain.instrument import Instrument, MarginTier
from arena.domain.market import Candle, FundingRate, SymbolMarket
from arena.domain.money import ZERO
from arena.domain.order import Fill, OrderSide, OrderType, PositionSide, RestingOrder
from arena.domain.pairs import Listing
from arena.errors import ConfigurationError

Wire = Mapping[str, Any]


def decimal(value: Any) -> Decimal:
    """Return a wire number; leverage brackets come as JSON numbers, whose shortest text is the documented value."""
    return Decimal(value if isinstance(value, str) else json.dumps(value))


def tiers(brackets: Sequence[Wire]) -> tuple[MarginTier, ...]:
    """Read `brackets` of `GET /fapi/v1/leverageBracket`."""
    found = [
        MarginTier(
            notional_floor=decimal(bracket["notionalFloor"]),
            notional_cap=decimal(bracket["notionalCap"]),
            maintenance_rate=decimal(bracket["maintMarginRatio"]),
            maintenance_amount=decimal(bracket["cum"]),
            max_leverage=int(bracket["initialLeverage"]),
        )
        for bracket in brackets
    ]
    return tuple(sorted(found, key=lambda tier: tier.notional_floor))


def instrument(symbol: Wire, margin_tiers: Sequence[MarginTier], commission: Wire) -> Instrument:
    """Read a symbol of `GET /fapi/v1/exchangeInfo`; tick and step come from its filters, never from its precisions."""
    filters = {entry["filterType"]: entry for entry in symbol["filters"]}
    price, lot, market_lot = filters["PRICE_FILTER"], filters["LOT_SIZE"], filters.get("MARKET_LOT_SIZE", filters["LOT_SIZE"])
    return Instrument(
        symbol=symbol["symbol"],
        tick_size=decimal(price["tickSize"]),
        step_size=max(decimal(lot["stepSize"]), decimal(market_lot["stepSize"])),
        min_quantity=max(decimal(lot["minQty"]), decimal(market_lot["minQty"])),
        max_quantity=decimal(lot["maxQty"]),
        max_market_quantity=max_market_quantity(symbol),
        min_notional=decimal(filters["MIN_NOTIONAL"]["notional"]) if "MIN_NOTIONAL" in filters else ZERO,
        price_band=decimal(filters["PERCENT_PRICE"]["multiplierUp"]) - 1 if "PERCENT_PRICE" in filters else Decimal(1),
        maker_fee_rate=decimal(commission["makerCommissionRate"]),
        taker_fee_rate=decimal(commission["takerCommissionRate"]),
        tiers=margin_tiers,
        trading=symbol["status"] == "TRADING",
    )


def max_market_quantity(symbol: Wire) -> Decimal:
    """Read the largest quantity of one market order, base asset, from a symbol of `GET /fapi/v1/exchangeInfo`."""
    return min(decimal(entry["maxQty"]) for entry in symbol["filters"] if entry["filterType"] in ("LOT_SIZE", "MARKET_LOT_SIZE"))


def listing(symbol: Wire, last_price: Decimal | None, mark_price: Decimal | None) -> Listing:
    """Read a symbol of `GET /fapi/v1/exchangeInfo` as anybody sees it; filters as in `instrument`."""
    filters = {entry["filterType"]: entry for entry in symbol["filters"]}
    lot, market_lot = filters["LOT_SIZE"], filters.get("MARKET_LOT_SIZE", filters["LOT_SIZE"])
    return Listing(
        symbol=symbol["symbol"],
        status=symbol["status"],
        contract_type=symbol.get("contractType", ""),
        quote_asset=symbol.get("quoteAsset", ""),
        margin_asset=symbol.get("marginAsset", ""),
        step_size=max(decimal(lot["stepSize"]), decimal(market_lot["stepSize"])),
        min_quantity=max(decimal(lot["minQty"]), decimal(market_lot["minQty"])),
        min_notional=decimal(filters["MIN_NOTIONAL"]["notional"]) if "MIN_NOTIONAL" in filters else ZERO,
        last_price=last_price,
        mark_price=mark_price,
    )


def candles(rows: Sequence[Sequence[Any]], as_of: datetime) -> tuple[Candle, ...]:
    """Read `GET /fapi/v1/klines`, oldest first, without the bar that is still forming at `as_of`."""
    return tuple(found for row in rows if (found := candle(row)).close_time <= as_of)


def candle(row: Sequence[Any]) -> Candle:
    """Read a row of `GET /fapi/v1/klines` or `/markPriceKlines`; the wire's closeTime is the bar's last millisecond."""
    o, h, low, c, volume = (Decimal(row[i]) for i in range(1, 6))
    opens, closes = from_ms(int(row[0])), from_ms(int(row[6]) + 1)
    return Candle(open_time=opens, close_time=closes, open=o, high=h, low=low, close=c, volume=volume)


def symbol_market(rows: Sequence[Sequence[Any]], premium: Wire, as_of: datetime) -> SymbolMarket:
    """Read one symbol's klines and its `GET /fapi/v1/premiumIndex`; the newest kline's close is the last price."""
    rate, next_time = premium.get("lastFundingRate"), int(premium.get("nextFundingTime") or 0)
    return SymbolMarket(
        symbol=premium["symbol"],
        candles=candles(rows, as_of),
        last_price=Decimal(rows[-1][4]),
        mark_price=Decimal(premium["markPrice"]),
        funding_rate=Decimal(rate) if rate else None,
        next_funding_time=from_ms(next_time) if next_time else None,
    )


def funding_rate(row: Wire) -> FundingRate:
    """Read a row of `GET /fapi/v1/fundingRate`."""
    return FundingRate(
        symbol=row["symbol"],
        time=from_ms(int(row["fundingTime"])),
        rate=Decimal(row["fundingRate"]),
        mark_price=Decimal(row["markPrice"]),
    )


def fill(trade: Wire, client_order_id: str) -> Fill:
    """Read a row of `GET /fapi/v1/userTrades`, which names its order but not the client's id of it.

    Raises:
        ConfigurationError: The fee is in another coin, which no ledger can hold.
    """
    if trade["commissionAsset"] != "USDT":
        raise ConfigurationError(
            f"trade {trade['id']} in {trade['symbol']} has a fee in {trade['commissionAsset']}: let the account pay fees in USDT "
            "(Binance, futures preferences: no BNB for fees)"
        )
    return Fill(
        trade_id=int(trade["id"]),
        exchange_order_id=str(trade["orderId"]),
        client_order_id=client_order_id,
        symbol=trade["symbol"],
        side=OrderSide(trade["side"]),
        position_side=PositionSide(trade["positionSide"]),
        quantity=Decimal(trade["qty"]),
        price=Decimal(trade["price"]),
        fee=Decimal(trade["commission"]),
        time=from_ms(int(trade["time"])),
    )


def resting_order(row: Wire) -> RestingOrder | None:
    """Read a row of `GET /fapi/v1/openAlgoOrders`; None for one the arena cannot have sent (one-way mode, trailing stop)."""
    if row["positionSide"] == "BOTH" or row["orderType"] not in set(OrderType):
        return None
    return RestingOrder(
        client_order_id=str(row["clientAlgoId"]),
        symbol=row["symbol"],
        position_side=PositionSide(row["positionSide"]),
        order_type=OrderType(row["orderType"]),
        quantity=Decimal(row["quantity"]),
        trigger_price=Decimal(row["triggerPrice"]),
    )
