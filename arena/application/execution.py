"""Carry a plan out: exits before entries, protection for everything that is held, no blind repetition.

An order's intent is in the store before this module sends it. What a fault leaves open is found by the next settlement through
the client order id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from arena.application.ports import Exchange
from arena.domain.competitor import CompetitorId
from arena.domain.money import ZERO
from arena.domain.order import Intent, OrderOutcome, OrderStatus
from arena.domain.plan import Entry, Exit, OrderPlan
from arena.errors import ExchangeError

_MAY_HOLD = (OrderStatus.FILLED, OrderStatus.UNKNOWN)


@dataclass(slots=True)
class Execution:
    """What came of one competitor's plan.

    Attributes:
        outcomes: Of every order that was sent.
        gone: Client ids of conditional orders that are known not to rest: cancelled or refused.
        replaced: New (stop id, target id) by (symbol, position side) of positions that stay open.
        skipped: Why an entry was not sent, by symbol.
        unprotected: Sentences about positions that have no stop.
    """

    llm_id: CompetitorId
    outcomes: list[OrderOutcome] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    replaced: dict[tuple[str, str], tuple[str | None, str | None]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unprotected: list[str] = field(default_factory=list)


def never() -> None:
    """Say that the season is not halted."""
    return


async def execute(plan: OrderPlan, exchange: Exchange, halted: Callable[[], str | None] = never) -> Execution:
    """Send a plan's orders one after the other and return what came of them; never raises for a venue's fault.

    Args:
        plan: One competitor's.
        exchange: The venue.
        halted: Asked before every opening; what it says, if anything, is why that one is not sent. Exits go on.
    """
    done = Execution(llm_id=plan.llm_id)
    left = [await _leave(leaving, exchange, done) for leaving in plan.exits]
    for entering in plan.entries:
        why = halted() if all(left) else "an exit of this cycle did not go through"
        if why is None:
            await _enter(entering, exchange, done)
        else:
            done.skipped[entering.opening.order.symbol] = f"nothing was opened: {why}"
    return done


async def cancel_all(resting: tuple[tuple[str, str], ...], exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """Cancel resting orders, given as (symbol, client id); return those that may still be there and must be tried again."""
    remaining = []
    for symbol, order_id in resting:
        try:
            await exchange.cancel(symbol, order_id)
        except ExchangeError:
            remaining.append((symbol, order_id))
    return tuple(remaining)


async def _leave(leaving: Exit, exchange: Exchange, done: Execution) -> bool:
    """Close; return whether it went through. The protection is cancelled first and placed again for what is still held."""
    order = leaving.closing.order
    key = (order.symbol, str(order.position_side))
    kept = [symbol_and_id[1] for symbol_and_id in await cancel_all(tuple((order.symbol, i) for i in leaving.cancels), exchange)]
    done.gone.update(set(leaving.cancels) - set(kept))
    if kept:
        done.skipped[order.symbol] = "it could not be closed, because its stop or target could not be cancelled"
        if leaving.stop is not None and leaving.cancels[0] not in kept:
            stop_id, _ = await _protect(leaving.stop, None, leaving.remaining + order.quantity, exchange, done)
            done.replaced[key] = (stop_id, kept[0])
        return False
    outcome = await _send(leaving.closing, order.quantity, exchange, done)
    held = leaving.remaining + order.quantity - outcome.filled_quantity
    if held > ZERO:
        done.replaced[key] = await _protect(leaving.stop, leaving.target, held, exchange, done)
        if leaving.stop is not None and done.replaced[key][0] is None:
            done.unprotected.append(f"{plan_name(leaving.closing)} is held without a stop")
    return outcome.filled_quantity == order.quantity


async def _enter(entering: Entry, exchange: Exchange, done: Execution) -> None:
    """Open and protect at once; a position whose stop the venue refuses is closed."""
    opening = entering.opening.order
    outcome = await _send(entering.opening, opening.quantity, exchange, done)
    if outcome.status not in _MAY_HOLD:
        return
    held = outcome.filled_quantity if outcome.status is OrderStatus.FILLED else opening.quantity
    stop_id, _ = await _protect(entering.stop, entering.target, held, exchange, done)
    if stop_id is not None:
        return
    if entering.target is not None:
        done.gone.add(entering.target.order.client_order_id)
    closed = await _send(entering.fallback, held, exchange, done)
    what = "was closed again" if closed.status is OrderStatus.FILLED else "could not be closed"
    done.unprotected.append(f"{plan_name(entering.opening)} {what} because the venue refused its stop")


async def _protect(
    stop: Intent | None, target: Intent | None, held: Decimal, exchange: Exchange, done: Execution
) -> tuple[str | None, str | None]:
    ids: list[str | None] = []
    for intent in (stop, target):
        if intent is None:
            ids.append(None)
            continue
        outcome = await _send(intent, held, exchange, done)
        if outcome.status is OrderStatus.REFUSED:
            done.gone.add(outcome.client_order_id)
        ids.append(None if outcome.status is OrderStatus.REFUSED else outcome.client_order_id)
        if intent is stop and outcome.status is OrderStatus.REFUSED:
            ids.append(None)
            break
    return ids[0], ids[1]


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
    return f"{intent.llm_id}'s {intent.order.position_side.lower()} {intent.order.symbol}"
