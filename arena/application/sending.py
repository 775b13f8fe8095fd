"""Sending single orders of a plan and taking them back, with what came of each; never raises for a venue's fault.

What is cancelled may have been filled meanwhile, and what could not be sent may have landed: both are said, never guessed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from arena.application.ports import Exchange
from arena.domain.competitor import CompetitorId
from arena.domain.ledger import PositionKey
from arena.domain.money import ZERO
from arena.domain.order import Intent, Order, OrderOutcome, OrderStatus, PositionSide
from arena.errors import ExchangeError, ExchangeUnavailable, RateLimited

STOP_PAUSES = (0.3, 1.0, 2.0)  # seconds; a stop that could not be sent is sent again, since the position is naked meanwhile
TRIGGER_PAUSES = (0.1, 0.3, 0.6, 1.0)  # seconds; a triggered order trades within milliseconds


@dataclass(slots=True)
class Execution:
    """What came of one competitor's plan.

    Attributes:
        outcomes: Of every order that was sent.
        gone: Client ids of conditional orders that are known not to rest: cancelled or refused.
        taken_back: Those among them that were cancelled before their position's turn came.
        left: Of positions that were to be left, whether that went through.
        replaced: New (stop id, target id) of positions that stay open.
        skipped: Why a part of the plan was not sent, by symbol.
        unprotected: Sentences about positions that had no stop.
        began_at: When the first order was about to be sent; None where it was not looked at.
    """

    llm_id: CompetitorId
    outcomes: list[OrderOutcome] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    taken_back: set[str] = field(default_factory=set)
    left: dict[PositionKey, bool] = field(default_factory=dict)
    replaced: dict[PositionKey, tuple[str | None, str | None]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unprotected: list[str] = field(default_factory=list)
    began_at: datetime | None = None

    def begin(self, now: Callable[[], datetime]) -> None:
        """Note when the first order is about to be sent."""
        self.began_at = self.began_at or now()

    def note(self, ended: OrderOutcome) -> None:
        """Keep how an order has ended, in the place of what was known of it."""
        others = [outcome for outcome in self.outcomes if outcome.client_order_id != ended.client_order_id]
        self.outcomes[:] = [*others, ended]


async def cancel_all(resting: tuple[tuple[str, str], ...], exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """Cancel resting orders, given as (symbol, client id); return those that may still be there."""
    remaining = []
    ended: set[str] = set()
    for symbol in sorted({symbol for symbol, _ in resting}):
        order_ids = [order_id for name, order_id in resting if name == symbol]
        ended.update(await cancelled_together(symbol, order_ids, exchange, conditional=True))
    for symbol, order_id in resting:
        if order_id in ended:
            continue
        try:
            await exchange.cancel(symbol, order_id, conditional=True)
        except ExchangeError:
            remaining.append((symbol, order_id))
    return tuple(remaining)


async def cancelled_together(
    symbol: str, order_ids: Sequence[str], exchange: Exchange, *, conditional: bool
) -> Mapping[str, OrderOutcome]:
    """Cancel orders of a symbol in one go as far as that can be done; return how those have ended that are certainly gone."""
    try:
        return await exchange.cancel_together(symbol, order_ids, conditional=conditional)
    except ExchangeError:
        return {}


async def take_back(
    symbol: str, order_ids: tuple[str, ...], exchange: Exchange, done: Execution
) -> tuple[tuple[str, ...], Decimal]:
    """Cancel a position's protection; return the ids that may still be there, and what those that were gone have filled."""
    kept: list[str] = []
    filled = ZERO
    for order_id in order_ids:
        try:
            if order_id not in done.taken_back and not await exchange.cancel(symbol, order_id, conditional=True):
                filled += await _filled_meanwhile(symbol, order_id, exchange)
        except ExchangeError:
            kept.append(order_id)
        else:
            done.gone.add(order_id)
    return tuple(kept), filled


async def _filled_meanwhile(symbol: str, order_id: str, exchange: Exchange) -> Decimal:
    """Return how much a protective order that could not be cancelled any more has closed, base asset.

    Raises:
        ExchangeUnavailable: It is not known; closing beside it might close somebody else's quantity.
    """
    for pause in (*TRIGGER_PAUSES, None):
        found = await exchange.find(symbol, order_id, conditional=True)
        if found is None or found.status is not OrderStatus.UNKNOWN:
            return found.filled_quantity if found else ZERO
        if pause is not None:
            await asyncio.sleep(pause)
    raise ExchangeUnavailable(f"{order_id} is being triggered")


async def withdrawn(entry: Order, exchange: Exchange) -> OrderOutcome | None:
    """Cancel a limit order and return how it ended; None where it may still rest, or what it has filled is not known."""
    try:
        await exchange.cancel(entry.symbol, entry.client_order_id, conditional=False)
        for pause in (*TRIGGER_PAUSES, None):
            found = await exchange.find(entry.symbol, entry.client_order_id, conditional=False)
            if found is not None and found.status in (OrderStatus.FILLED, OrderStatus.REFUSED):
                return found
            if pause is not None:
                await asyncio.sleep(pause)
    except ExchangeError:
        return None
    return None


async def protect(
    stop: Intent | None, target: Intent | None, held: Decimal, exchange: Exchange, done: Execution
) -> tuple[str | None, str | None]:
    """Place a stop, then a target; return their ids, None for one that is not wanted or was refused."""
    if stop is not None and await _rest(stop, held, exchange, done) is None:
        return None, None
    target_id = None if target is None else await _rest(target, held, exchange, done)
    return None if stop is None else stop.order.client_order_id, target_id


async def _rest(intent: Intent, quantity: Decimal, exchange: Exchange, done: Execution) -> str | None:
    """Place a conditional order and return its id, None where it is refused; what could not be sent is sent again."""
    order = replace(intent.order, quantity=quantity)
    for pause in (*STOP_PAUSES, None):
        try:
            outcome = await exchange.place(order)
            break
        except ExchangeError as error:
            outcome = OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.REFUSED, message=str(error))
            if pause is None or (isinstance(error, RateLimited) and error.banned):
                break
        await asyncio.sleep(pause)
    done.outcomes.append(outcome)
    if outcome.status is OrderStatus.REFUSED:
        done.gone.add(order.client_order_id)
        return None
    done.gone.discard(order.client_order_id)
    return order.client_order_id


async def send(intent: Intent, quantity: Decimal, exchange: Exchange, done: Execution) -> OrderOutcome:
    """Send a market or a limit order once; one that could not be sent counts as refused."""
    order = replace(intent.order, quantity=quantity)
    try:
        outcome = await exchange.place(order)
    except ExchangeError as error:
        outcome = OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.REFUSED, message=str(error))
    done.outcomes.append(outcome)
    return outcome


def plan_name(intent: Intent) -> str:
    """Return whose and which position an intent is about, in words."""
    return position_name(intent.llm_id, intent.order.symbol, intent.order.position_side)


def position_name(llm_id: CompetitorId, symbol: str, side: PositionSide) -> str:
    """Return whose and which position it is, in words."""
    return f"{llm_id}'s {side.lower()} {symbol}"
