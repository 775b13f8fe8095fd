"""A competitor's share of one hedge-mode bucket, from the first fill until it is flat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from arena.domain.competitor import CompetitorId
from arena.domain.money import ZERO, quantized
from arena.domain.order import Fill, PositionSide, Thesis


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is held, what it cost, and what has been realised on the way.

    Quantity and cost are kept instead of an average price, so that partial closes split the cost exactly. The sign of
    `signed_quantity` normally agrees with `side`; a fill beyond the own quantity (an orphaned order that triggered) turns it,
    and the next cycle flattens it: it is never pushed onto another competitor.

    Attributes:
        signed_quantity: Base asset, long > 0; never zero in an open position.
        signed_cost: USDT, sum of quantity × entry price of what is still held, with the quantity's sign.
        leverage: Of the competitor's own initial margin; it appears in no profit.
        opened_quantity, opened_notional: Totals of the fills that enlarged it (base asset, USDT).
        closed_quantity, closed_notional: Totals of the fills that reduced it.
        realized_pnl: USDT, before fees.  fees, funding: USDT, positive is paid.
    """

    llm_id: CompetitorId
    symbol: str
    side: PositionSide
    signed_quantity: Decimal
    signed_cost: Decimal
    leverage: int
    opened_at: datetime
    thesis: Thesis | None = None
    stop_order_id: str | None = None
    target_order_id: str | None = None
    opened_quantity: Decimal = ZERO
    opened_notional: Decimal = ZERO
    closed_quantity: Decimal = ZERO
    closed_notional: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def quantity(self) -> Decimal:
        """Base asset, > 0."""
        return abs(self.signed_quantity)

    @property
    def entry_price(self) -> Decimal:
        """Average open price of what is held, USDT."""
        return self.signed_cost / self.signed_quantity

    @property
    def overclosed(self) -> bool:
        """Whether more was closed than the competitor held; the position must be flattened."""
        return self.signed_quantity * self.side.sign < 0

    def notional(self, mark_price: Decimal) -> Decimal:
        """Return abs(signed_quantity) × mark, USDT."""
        return self.quantity * mark_price

    def unrealized_pnl(self, mark_price: Decimal) -> Decimal:
        """Return signed_quantity × (mark − entry), USDT; leverage does not appear in it."""
        return self.signed_quantity * mark_price - self.signed_cost

    def initial_margin(self, mark_price: Decimal) -> Decimal:
        """Return notional / leverage, USDT: the capital it binds."""
        return self.notional(mark_price) / self.leverage


def after_fill(position: Position, fill: Fill) -> tuple[Position | None, Decimal]:
    """Return the position after a fill (None when flat) and the profit the fill realised, USDT before fees.

    A reduction releases the same share of cost as of quantity; the share is quantised, and what is left keeps the rest.
    A fill beyond the held quantity closes it and opens the opposite sign at the fill's price.
    """
    before = position.signed_quantity
    moved = fill.signed_quantity
    if before * moved > 0:
        grown = replace(
            position,
            signed_quantity=before + moved,
            signed_cost=position.signed_cost + moved * fill.price,
            opened_quantity=position.opened_quantity + fill.quantity,
            opened_notional=position.opened_notional + fill.notional,
            fees=position.fees + fill.fee,
        )
        return grown, ZERO
    closing = min(fill.quantity, position.quantity)
    sign = 1 if before > 0 else -1
    released = (
        position.signed_cost if closing == position.quantity else quantized(position.signed_cost * closing / position.quantity)
    )
    profit = sign * closing * fill.price - released
    rest = before + moved
    if rest == 0:
        return None, profit
    beyond = fill.quantity - closing
    reduced = replace(
        position,
        signed_quantity=rest,
        signed_cost=position.signed_cost - released - sign * beyond * fill.price,
        closed_quantity=position.closed_quantity + closing,
        closed_notional=position.closed_notional + closing * fill.price,
        realized_pnl=position.realized_pnl + profit,
        fees=position.fees + fill.fee,
        opened_quantity=position.opened_quantity + beyond,
        opened_notional=position.opened_notional + beyond * fill.price,
    )
    return reduced, profit
