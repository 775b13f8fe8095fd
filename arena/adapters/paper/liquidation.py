"""Where inside a bar an account's equity meets its maintenance margin, and what happens there.

Marks move in a straight line from the bar's open (λ = 0) to the corner (λ = 1). Between two tier boundaries equity and
maintenance margin are linear in λ, so the meeting point is solved exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

from arena.adapters.paper.account import PaperAccount, PaperOrder, PaperStatus
from arena.adapters.paper.floor import Floor, against
from arena.domain.instrument import Instrument
from arena.domain.money import quantized
from arena.domain.order import Order, OrderType, PositionSide

_PRECISION = 60  # digits; a crossing that lies on a tick must not be pushed off it by a division
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ADL_CLIENT_ID = "adl_autoclose"  # of every auto-deleveraging. Source: Binance USD-M "Order Update" event


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPath:
    """All marks on their way from `starts` (λ = 0) to `ends` (λ = 1), USDT by symbol."""

    starts: Mapping[str, Decimal]
    ends: Mapping[str, Decimal]

    def at(self, fraction: Decimal) -> dict[str, Decimal]:
        """Return the marks at λ = `fraction`."""
        with localcontext(prec=_PRECISION):
            return {symbol: quantized(start + fraction * (self.ends[symbol] - start)) for symbol, start in self.starts.items()}


def liquidation_point(
    account: PaperAccount, path: MarkPath, first: Decimal, last: Decimal, instruments: Mapping[str, Instrument]
) -> Decimal | None:
    """Return the first λ in [first, last] at which equity is no more than maintenance margin, or None.

    Margin rates rise with the tier, so equity less margin is concave in λ: above zero at both ends, it is so between them.
    """
    if not account.buckets:
        return None
    start, excess = first, _excess(account, path.at(first), instruments)
    if excess <= 0:
        return first
    if _excess(account, path.at(last), instruments) > 0:
        return None
    for end in [*_tier_crossings(account, path, first, last, instruments), last]:
        after = _excess(account, path.at(end), instruments)
        if after <= 0:
            with localcontext(prec=_PRECISION):
                return start + (end - start) * excess / (excess - after)
        start, excess = end, after
    return last


def liquidate(floor: Floor, account: PaperAccount, marks: Mapping[str, Decimal], time: datetime) -> None:
    """Cancel the account's orders and close all its buckets at `marks` with the taker fee; the wallet ends at zero or above."""
    for paper in tuple(account.resting.values()):
        account.end(paper, PaperStatus.EXPIRED, time)
    client_order_id = f"autoclose-{(time - _EPOCH) // timedelta(milliseconds=1)}"
    for (symbol, side), bucket in tuple(account.buckets.items()):
        close_at_mark(floor, account, closing_order(client_order_id, symbol, side, bucket.quantity), marks[symbol], time)


def closing_order(client_order_id: str, symbol: str, side: PositionSide, quantity: Decimal) -> Order:
    """Return the venue's own order that closes `quantity` of a bucket."""
    return Order(
        client_order_id=client_order_id,
        symbol=symbol,
        side=side.closing_side,
        position_side=side,
        order_type=OrderType.MARKET,
        quantity=quantity,
    )


def close_at_mark(floor: Floor, account: PaperAccount, order: Order, mark: Decimal, time: datetime) -> PaperOrder:
    """Trade the venue's own closing order at the mark, without slippage, with the taker fee."""
    paper = floor.accept(account, order, time)
    floor.fill(account, paper, against(order.side, mark, floor.tick(order.symbol)), time)
    return paper


def _excess(account: PaperAccount, marks: Mapping[str, Decimal], instruments: Mapping[str, Instrument]) -> Decimal:
    return account.equity(marks) - account.maintenance_margin(marks, instruments)


def _tier_crossings(
    account: PaperAccount, path: MarkPath, first: Decimal, last: Decimal, instruments: Mapping[str, Instrument]
) -> list[Decimal]:
    """Return the λ strictly between `first` and `last` at which a bucket passes from one margin tier to another, ascending."""
    found: set[Decimal] = set()
    for (symbol, _), bucket in account.buckets.items():
        start, move = path.starts[symbol], path.ends[symbol] - path.starts[symbol]
        if move == 0:
            continue
        with localcontext(prec=_PRECISION):
            found.update((tier.notional_cap / bucket.quantity - start) / move for tier in instruments[symbol].tiers)
    return sorted(fraction for fraction in found if first < fraction < last)
