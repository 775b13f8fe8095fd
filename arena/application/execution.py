"""Carry a plan out: exits before guards before entries, protection for everything that is held, no blind repetition.

An order's intent is in the store before this module sends it. What a fault leaves open is found by the next settlement through
the client order id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from arena.application.ports import Exchange
from arena.domain.competitor import CompetitorId
from arena.domain.ledger import PositionKey
from arena.domain.money import ZERO
from arena.domain.order import Intent, Order, OrderOutcome, OrderStatus, OrderType, PositionSide
from arena.domain.plan import Entry, Exit, Guard, OrderPlan
from arena.errors import ExchangeError, ExchangeUnavailable, RateLimited

_MAY_HOLD = (OrderStatus.FILLED, OrderStatus.UNKNOWN)
STOP_PAUSES = (0.3, 1.0, 2.0)  # seconds; a stop that could not be sent is sent again, since the position is naked meanwhile
TRIGGER_PAUSES = (0.1, 0.3, 0.6, 1.0)  # seconds; a triggered order trades within milliseconds


@dataclass(slots=True)
class Execution:
    """What came of one competitor's plan.

    Attributes:
        outcomes: Of every order that was sent.
        gone: Client ids of conditional orders that are known not to rest: cancelled or refused.
        replaced: New (stop id, target id) of positions that stay open.
        skipped: Why a part of the plan was not sent, by symbol.
        unprotected: Sentences about positions that had no stop.
        began_at: When the first order was about to be sent; None where it was not looked at.
    """

    llm_id: CompetitorId
    outcomes: list[OrderOutcome] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    replaced: dict[PositionKey, tuple[str | None, str | None]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unprotected: list[str] = field(default_factory=list)
    began_at: datetime | None = None

    def note(self, ended: OrderOutcome) -> None:
        """Keep how an order has ended, in the place of what was known of it."""
        others = [outcome for outcome in self.outcomes if outcome.client_order_id != ended.client_order_id]
        self.outcomes[:] = [*others, ended]


def never() -> None:
    """Say that the season is not halted."""
    return


async def execute(plan: OrderPlan, exchange: Exchange, halted: Callable[[], str | None] = never) -> Execution:
    """Send a plan's orders one after the other and return what came of them; never raises for a venue's fault.

    Args:
        plan: One competitor's.
        exchange: Of its account.
        halted: Asked before every opening; what it says, if anything, is why that one is not sent. Exits go on.
    """
    done = Execution(llm_id=plan.llm_id)
    left = [await _leave(leaving, exchange, done) for leaving in plan.exits]
    for guard in plan.guards:
        await _guard(guard, exchange, done)
    for entering in plan.entries:
        why = halted() if all(left) else "an exit of this cycle did not go through"
        if why is None:
            await _enter(entering, exchange, done)
        else:
            done.skipped[entering.opening.order.symbol] = f"nothing was opened: {why}"
    return done


async def cancel_all(resting: tuple[tuple[str, str], ...], exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """Cancel resting orders, given as (symbol, client id); return those that may still be there."""
    remaining = []
    for symbol, order_id in resting:
        try:
            await exchange.cancel(symbol, order_id, conditional=True)
        except ExchangeError:
            remaining.append((symbol, order_id))
    return tuple(remaining)


async def _leave(leaving: Exit, exchange: Exchange, done: Execution) -> bool:
    """Close; return whether it went through. The protection is cancelled first and placed again for what is still held."""
    order = leaving.closing.order
    key = (order.symbol, order.position_side)
    whole = leaving.remaining + order.quantity
    kept, filled = await _take_back(order.symbol, leaving.cancels, exchange, done)
    if kept:
        done.skipped[order.symbol] = "it could not be closed, because its stop or target could not be cancelled"
        if leaving.stop is not None and leaving.cancels[0] not in kept:
            stop_id, _ = await _protect(leaving.stop, None, whole - filled, exchange, done)
            done.replaced[key] = (stop_id, kept[0])
        return False
    wanted = min(order.quantity, whole - filled)
    if wanted <= ZERO:
        done.skipped[order.symbol] = "its stop or target had just been filled"
        return True
    outcome = await _send(leaving.closing, wanted, exchange, done)
    held = whole - filled - outcome.filled_quantity
    if held > ZERO:
        done.replaced[key] = await _protect(leaving.stop, leaving.target, held, exchange, done)
        if leaving.stop is not None and done.replaced[key][0] is None:
            done.unprotected.append(f"{plan_name(leaving.closing)} is held without a stop")
    return outcome.filled_quantity == wanted


async def _take_back(
    symbol: str, order_ids: tuple[str, ...], exchange: Exchange, done: Execution
) -> tuple[tuple[str, ...], Decimal]:
    """Cancel a position's protection; return the ids that may still be there, and what those that were gone have filled."""
    kept: list[str] = []
    filled = ZERO
    for order_id in order_ids:
        try:
            if not await exchange.cancel(symbol, order_id, conditional=True):
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


async def _guard(guard: Guard, exchange: Exchange, done: Execution) -> None:
    """Place what a position or an entry lacks; one that can have no stop, or has had none for too long, is left."""
    symbol = guard.key[0]
    try:
        if await _is_triggering(guard, exchange):
            return  # the next look finds out
    except ExchangeError as error:
        done.skipped[symbol] = f"its protection could not be looked at: {error}"
        return
    kept, filled = await _take_back(symbol, guard.cancels, exchange, done)
    held = guard.quantity - filled
    if held + guard.coming <= ZERO:
        return
    stop_id, target_id = guard.resting
    if guard.stop is not None:
        stop_id = (await _protect(guard.stop, None, held + guard.coming, exchange, done))[0]
        confirmed = stop_id is not None and done.outcomes[-1].status is OrderStatus.RESTING
        if stop_id is None or (guard.overdue and not confirmed):
            what = await _give_up(guard, exchange, done)
            done.unprotected.append(f"{_guard_name(guard)} was without a stop, and none could be placed: {what}")
            return
        if guard.exposed:
            done.unprotected.append(f"{_guard_name(guard)} was without a stop: it was placed again")
    if guard.target is not None and held > ZERO and not kept:
        target_id = (await _protect(guard.target, None, held, exchange, done))[0]
    if guard.quantity:
        done.replaced[guard.key] = (stop_id, target_id)


async def _give_up(guard: Guard, exchange: Exchange, done: Execution) -> str:
    """Leave what can have no stop, its entry first; return what came of it, in words."""
    leaving = guard.fallback
    if guard.pending is not None:
        ended = await withdrawn(guard.pending.opening.order, exchange)
        if ended is None:
            return "its entry could not be cancelled"
        done.note(ended)
        if leaving is None:
            return "its entry was cancelled"  # the next look closes what that has filled meanwhile
        leaving = leaving.enlarged(ended.filled_quantity - guard.pending.filled)
    assert leaving is not None  # a guard has a position or an entry
    return "it was closed" if await _leave(leaving, exchange, done) else "it could not be closed"


def _guard_name(guard: Guard) -> str:
    return _position_name(guard.llm_id, *guard.key)


async def _is_triggering(guard: Guard, exchange: Exchange) -> bool:
    """Return whether an order that is missing among the resting ones is about to trade, or has."""
    for intent in (guard.stop, guard.target):
        if intent is not None and intent.order.client_order_id not in guard.cancels:
            found = await exchange.find(intent.order.symbol, intent.order.client_order_id, conditional=True)
            if found is not None and found.status in _MAY_HOLD:
                return True
    return False


async def _enter(entering: Entry, exchange: Exchange, done: Execution) -> None:
    """Open and protect at once; a position whose stop the venue refuses is closed, its limit order cancelled first.

    The stop of a limit order rests for all that may be filled: nobody trades beyond the stop before the order is filled whole.
    Its target waits for a look that finds something filled: it would trigger without a position.
    """
    opening = entering.opening.order
    outcome = await _send(entering.opening, opening.quantity, exchange, done)
    if outcome.status is OrderStatus.REFUSED:
        return
    ended = outcome.status is OrderStatus.FILLED
    rests = opening.order_type is OrderType.LIMIT and not ended
    held = outcome.filled_quantity if ended else opening.quantity
    stop_id, _ = await _protect(entering.stop, None if rests else entering.target, held, exchange, done)
    if stop_id is not None:
        return
    if rests:
        found = await withdrawn(opening, exchange)
        if found is None:
            done.unprotected.append(
                f"the venue refused the stop of {plan_name(entering.opening)}, whose entry may still be filled"
            )
            return
        done.note(found)
        held = found.filled_quantity
    if entering.target is not None:
        done.gone.add(entering.target.order.client_order_id)
    what = "was not opened"
    if held > ZERO:
        closed = await _send(entering.fallback, held, exchange, done)
        what = "was closed again" if closed.status is OrderStatus.FILLED else "could not be closed"
    done.unprotected.append(f"{plan_name(entering.opening)} {what} because the venue refused its stop")


async def _protect(
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


async def _send(intent: Intent, quantity: Decimal, exchange: Exchange, done: Execution) -> OrderOutcome:
    order = replace(intent.order, quantity=quantity)
    try:
        outcome = await exchange.place(order)
    except ExchangeError as error:
        outcome = OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.REFUSED, message=str(error))
    done.outcomes.append(outcome)
    return outcome


def plan_name(intent: Intent) -> str:
    """Return whose and which position an intent is about, in words."""
    return _position_name(intent.llm_id, intent.order.symbol, intent.order.position_side)


def _position_name(llm_id: CompetitorId, symbol: str, side: PositionSide) -> str:
    return f"{llm_id}'s {side.lower()} {symbol}"
