"""What trading costs: fees, slippage, funding. Positive is paid by the competitor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from arena.domain.competitor import CompetitorId
from arena.domain.market import FundingRate
from arena.domain.order import OrderSide, PositionSide


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPayment:
    """One competitor's part of a funding: signed_quantity × mark × rate, USDT, positive is paid."""

    llm_id: CompetitorId
    symbol: str
    position_side: PositionSide
    signed_quantity: Decimal
    mark_price: Decimal
    funding_rate: Decimal
    payment: Decimal
    time: datetime


def fee(notional: Decimal, fee_rate: Decimal) -> Decimal:
    """Return fill notional × fee rate, USDT."""
    return notional * fee_rate


def slippage_bps(side: OrderSide, fill_price: Decimal, arrival_price: Decimal) -> Decimal:
    """Return 10⁴ · s · (fill − arrival) / arrival with s = +1 for a buy, −1 for a sell; positive is a cost."""
    return 10_000 * side.sign * (fill_price - arrival_price) / arrival_price


def funding_payment(llm_id: CompetitorId, side: PositionSide, signed_quantity: Decimal, funding: FundingRate) -> FundingPayment:
    """Return what a position of `signed_quantity` pays (or, negative, receives) at one funding of its symbol."""
    return FundingPayment(
        llm_id=llm_id,
        symbol=funding.symbol,
        position_side=side,
        signed_quantity=signed_quantity,
        mark_price=funding.mark_price,
        funding_rate=funding.rate,
        payment=signed_quantity * funding.mark_price * funding.rate,
        time=funding.time,
    )
