"""Carry a plan out: exits before guards before entries, protection for everything that is held, no blind repetition.

An order's intent is in the store before this module sends it. What a fault leaves open is found by the next settlement through
the client order id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from arena.application.ports import Exchange
from arena.application.sending import Execution, plan_name, position_name, protect, send, take_back, withdrawn
from arena.domain.money import ZERO
from arena.domain.order import OrderStatus, OrderType
from arena.domain.plan import Entry, Exit, Guard, OrderPlan
from arena.errors import ExchangeError

_MAY_HOLD = (OrderStatus.FILLED, OrderStatus.UNKNOWN)


async def never() -> None:
    """Say that the season is not halted."""
    return


async def execute(
    plan: OrderPlan, exchange: Exchange, halted: Callable[[], Awaitable[str | None]] = never, done: Execution | None = None
) -> Execution:
    """Send a plan's orders one after the other and return what came of them; never raises for a venue's fault.

    Args:
        plan: One competitor's.
        exchange: Of its account.
        halted: Asked before every opening; what it says, if anything, is why that one is not sent. Exits go on.
        done: What has been carried out of it already (`leaving`).
    """
    done = done or Execution(llm_id=plan.llm_id)
    for exiting in plan.exits:
        if exiting.key not in done.left:
            done.left[exiting.key] = await leave(exiting, exchange, done)
    for guard in plan.guards:
        await _guard(guard, exchange, done)
    for entering in plan.entries:
        why = await halted() if all(done.left.values()) else "an exit of this cycle did not go through"
        if why is None:
            await _enter(entering, exchange, done)
        else:
            done.skipped[entering.opening.order.symbol] = f"nothing was opened: {why}"
    return done


async def leave(leaving: Exit, exchange: Exchange, done: Execution) -> bool:
    """Close; return whether it went through. The protection is cancelled first and placed again for what is still held."""
    order = leaving.closing.order
    key = leaving.key
    whole = leaving.remaining + order.quantity
    kept, filled = await take_back(order.symbol, leaving.cancels, exchange, done)
    if kept:
        done.skipped[order.symbol] = "it could not be closed, because its stop or target could not be cancelled"
        if leaving.stop is not None and leaving.cancels[0] not in kept:
            stop_id, _ = await protect(leaving.stop, None, whole - filled, exchange, done)
            done.replaced[key] = (stop_id, kept[0])
        return False
    wanted = min(order.quantity, whole - filled)
    if wanted <= ZERO:
        done.skipped[order.symbol] = "its stop or target had just been filled"
        return True
    outcome = await send(leaving.closing, wanted, exchange, done)
    held = whole - filled - outcome.filled_quantity
    if held > ZERO:
        done.replaced[key] = await protect(leaving.stop, leaving.target, held, exchange, done)
        if leaving.stop is not None and done.replaced[key][0] is None:
            done.unprotected.append(f"{plan_name(leaving.closing)} is held without a stop")
    return outcome.filled_quantity == wanted


async def _guard(guard: Guard, exchange: Exchange, done: Execution) -> None:
    """Place what a position or an entry lacks; one that can have no stop, or has had none for too long, is left."""
    symbol = guard.key[0]
    try:
        if await _is_triggering(guard, exchange):
            return  # the next look finds out
    except ExchangeError as error:
        done.skipped[symbol] = f"its protection could not be looked at: {error}"
        return
    kept, filled = await take_back(symbol, guard.cancels, exchange, done)
    held = guard.quantity - filled
    if held + guard.coming <= ZERO:
        return
    stop_id, target_id = guard.resting
    if guard.stop is not None:
        stop_id = (await protect(guard.stop, None, held + guard.coming, exchange, done))[0]
        confirmed = stop_id is not None and done.outcomes[-1].status is OrderStatus.RESTING
        if stop_id is None or (guard.overdue and not confirmed):
            what = await _give_up(guard, exchange, done)
            done.unprotected.append(f"{_guard_name(guard)} was without a stop, and none could be placed: {what}")
            return
        if guard.exposed:
            done.unprotected.append(f"{_guard_name(guard)} was without a stop: it was placed again")
    if guard.target is not None and held > ZERO and not kept:
        target_id = (await protect(guard.target, None, held, exchange, done))[0]
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
    return "it was closed" if await leave(leaving, exchange, done) else "it could not be closed"


def _guard_name(guard: Guard) -> str:
    return position_name(guard.llm_id, *guard.key)


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
    outcome = await send(entering.opening, opening.quantity, exchange, done)
    if outcome.status is OrderStatus.REFUSED:
        return
    ended = outcome.status is OrderStatus.FILLED
    rests = opening.order_type is OrderType.LIMIT and not ended
    held = outcome.filled_quantity if ended else opening.quantity
    stop_id, _ = await protect(entering.stop, None if rests else entering.target, held, exchange, done)
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
        closed = await send(entering.fallback, held, exchange, done)
        what = "was closed again" if closed.status is OrderStatus.FILLED else "could not be closed"
    done.unprotected.append(f"{plan_name(entering.opening)} {what} because the venue refused its stop")
