"""Whether every position has its stop, and what to do about one that has not: pure.

The stop that counts is the one that rests at the venue, not the one that was sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from arena.domain.client_id import parse_client_order_id, season_tag
from arena.domain.instrument import Instrument
from arena.domain.ledger import Ledger
from arena.domain.margin import liquidatable, total_maintenance
from arena.domain.order import Intent, Leg, RestingOrder
from arena.domain.plan import Exit, Guard, OrderPlan, UnitOfWork, exit_of, protective_intent
from arena.domain.position import Position

Resting = Mapping[str, RestingOrder]  # by client id


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a sweep knows; the same for all competitors.

    Attributes:
        marks: Of every held symbol, USDT.
        deadline: How long a position may be without a stop.
        known: Client ids of the intents that are still open: an order whose intent is there is placed again under its own id.
    """

    unit: UnitOfWork
    marks: Mapping[str, Decimal]
    instruments: Mapping[str, Instrument]
    deadline: timedelta
    known: Collection[str]


def liquidated(ledger: Ledger, marks: Mapping[str, Decimal], instruments: Mapping[str, Instrument]) -> bool:
    """Return whether a competitor's own margin ratio has reached 1, whatever the shared account still holds."""
    return liquidatable(ledger.equity(marks), total_maintenance(ledger.positions.values(), marks, instruments))


def protect(ledger: Ledger, resting: Resting, watch: Watch) -> OrderPlan:
    """Return what keeps a competitor's positions protected: exits of what must not be held, guards for what has lost its stop."""
    positions = tuple(ledger.positions.values())
    if liquidated(ledger, watch.marks, watch.instruments):
        exits = tuple(_exit(position, resting, watch, Leg.LIQUIDATE) for position in positions)
        return OrderPlan(llm_id=ledger.llm_id, exits=exits)
    exits = tuple(_exit(position, resting, watch, Leg.FLATTEN) for position in positions if not _can_be_protected(position))
    guards = (_guard(position, resting, watch) for position in positions if _can_be_protected(position))
    return OrderPlan(llm_id=ledger.llm_id, exits=exits, guards=tuple(guard for guard in guards if guard is not None))


def strays(
    resting: Iterable[RestingOrder], ledgers: Iterable[Ledger], unit: UnitOfWork, waiting: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield (symbol, client id) of the season's resting orders that protect nothing: they would close somebody else's quantity.

    Args:
        resting: Conditional orders of one account.
        ledgers: Of its competitors.
        unit: Whose season it is.
        waiting: Client ids of openings whose fate is not known yet; their stops and targets are left alone.
    """
    needed = {
        order_id for ledger in ledgers for p in ledger.positions.values() for order_id in (p.stop_order_id, p.target_order_id)
    }
    unsettled = {order_id.rpartition("-")[0] for order_id in waiting}
    for order in resting:
        key = parse_client_order_id(order.client_order_id)
        ours = key is not None and key.tag == season_tag(unit.season_id)
        if ours and order.client_order_id not in needed and order.client_order_id.rpartition("-")[0] not in unsettled:
            yield order.symbol, order.client_order_id


def _can_be_protected(position: Position) -> bool:
    return not position.overclosed and position.thesis is not None and position.thesis.stop_price is not None


def _exit(position: Position, resting: Resting, watch: Watch, leg: Leg) -> Exit:
    """Return the exit of a whole position, which first cancels what rests for it."""
    shown = _as_it_rests(position, resting)
    mark, instrument = watch.marks[position.symbol], watch.instruments[position.symbol]
    return exit_of(shown, position.quantity, watch.unit, instrument, mark, leg)


def _guard(position: Position, resting: Resting, watch: Watch) -> Guard | None:
    """Return what the position lacks; None where its stop and its target rest as they should."""
    stop, target = _wanted(Leg.STOP, position, watch), _wanted(Leg.TARGET, position, watch)
    if position.target_order_id is None:
        target = None  # it was refused, or never wanted
    right = {leg: _rests(intent, order_id, resting) for leg, intent, order_id in _pairs(position, stop, target)}
    if all(right.values()):
        return None
    wrong = [i for leg, _, i in _pairs(position, stop, target) if i is not None and i in resting and not right[leg]]
    return Guard(
        key=(position.symbol, position.side),
        quantity=position.quantity,
        cancels=tuple(wrong),
        stop=None if right[Leg.STOP] else stop,
        target=None if right[Leg.TARGET] else target,
        resting=(
            position.stop_order_id if right[Leg.STOP] else None,
            position.target_order_id if target is not None and right[Leg.TARGET] else None,
        ),
        fallback=_exit(position, resting, watch, Leg.FLATTEN),
        overdue=watch.unit.as_of - position.opened_at > watch.deadline,
    )


def _pairs(position: Position, stop: Intent | None, target: Intent | None) -> Iterator[tuple[Leg, Intent | None, str | None]]:
    yield Leg.STOP, stop, position.stop_order_id
    yield Leg.TARGET, target, position.target_order_id


def _wanted(leg: Leg, position: Position, watch: Watch) -> Intent | None:
    """Return the order that should rest, under the id it already has where its intent is still open."""
    mark, instrument = watch.marks[position.symbol], watch.instruments[position.symbol]
    intent = protective_intent(leg, position, position.quantity, watch.unit, instrument, mark)
    order_id = position.stop_order_id if leg is Leg.STOP else position.target_order_id
    if intent is None or order_id is None or order_id not in watch.known:
        return intent
    return replace(intent, order=replace(intent.order, client_order_id=order_id))


def _rests(intent: Intent | None, order_id: str | None, resting: Resting) -> bool:
    """Return whether the order that is wanted rests under its id with the right quantity and trigger; no order needs none."""
    if intent is None:
        return True
    found = resting.get(order_id or "")
    return found is not None and (found.quantity, found.trigger_price) == (intent.order.quantity, intent.order.trigger_price)


def _as_it_rests(position: Position, resting: Resting) -> Position:
    """Return the position with the ids of only those of its orders that rest."""
    stop_id, target_id = (
        order_id if order_id in resting else None for order_id in (position.stop_order_id, position.target_order_id)
    )
    return replace(position, stop_order_id=stop_id, target_order_id=target_id)
