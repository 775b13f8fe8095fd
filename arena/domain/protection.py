"""Whether every position has its stop, and what to do about one that has not: pure.

The stop that counts is the one that rests at the venue, not the one that was sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from arena.domain.client_id import entry_of, of_the_same_entry, parse_client_order_id, season_tag
from arena.domain.competitor import CompetitorId
from arena.domain.instrument import Instrument
from arena.domain.ledger import Ledger, PositionKey
from arena.domain.margin import liquidatable, liquidation_price, total_maintenance
from arena.domain.money import ZERO
from arena.domain.order import Intent, Leg, Pending, RestingOrder
from arena.domain.plan import Exit, Guard, OrderPlan, UnitOfWork, exit_of, protective_intent
from arena.domain.position import Position

Resting = Mapping[str, RestingOrder]  # by client id


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a sweep knows; the same for all competitors.

    Attributes:
        marks: Of every held symbol, USDT.
        deadline: How long a position may be without a stop.
        known: The intents that are still open, by client id: an order whose intent is there is placed again under its own id.
        pending: Limit orders that may still be filled, by competitor and position.
    """

    unit: UnitOfWork
    marks: Mapping[str, Decimal]
    instruments: Mapping[str, Instrument]
    deadline: timedelta
    known: Mapping[str, Intent]
    pending: Mapping[CompetitorId, Mapping[PositionKey, Pending]] = field(default_factory=dict)

    def pending_of(self, ledger: Ledger) -> Mapping[PositionKey, Pending]:
        """Return a competitor's own."""
        return self.pending.get(ledger.llm_id, {})


def liquidated(ledger: Ledger, marks: Mapping[str, Decimal], instruments: Mapping[str, Instrument]) -> bool:
    """Return whether a competitor's own margin ratio has reached 1, whatever the shared account still holds."""
    return liquidatable(ledger.equity(marks), total_maintenance(ledger.positions.values(), marks, instruments))


def liquidated_at(
    ledger: Ledger, symbol: str, marks: Mapping[str, Decimal], instruments: Mapping[str, Instrument]
) -> Decimal | None:
    """Return the mark price of a symbol at which a competitor would be `liquidated`, all other marks staying where they are.

    It is of the competitor's own wallet and positions. On an account of its own the venue liquidates it there; on a shared one
    the arena does, at its next look: the venue counts the whole account, which the others may keep well above its margin.

    Args:
        ledger: The competitor's.
        symbol: One that it holds.
        marks: Of every held symbol, USDT.
        instruments: Of every held symbol.

    Returns:
        USDT, on a tick (see `liquidation_price`); None where no price of this symbol alone does it.

    Raises:
        TierNotFound: Another position exceeds its symbol's last tier.
    """
    sides = [position for position in ledger.positions.values() if position.symbol == symbol]
    others = [position for position in ledger.positions.values() if position.symbol != symbol]
    return liquidation_price(
        sides,
        mark_price=marks[symbol],
        margin_balance=ledger.wallet_balance + sum((each.unrealized_pnl(marks[each.symbol]) for each in others), ZERO),
        other_maintenance=total_maintenance(others, marks, instruments),
        instrument=instruments[symbol],
    )


def protect(ledger: Ledger, resting: Resting, watch: Watch) -> OrderPlan:
    """Return what keeps a competitor protected: exits of what must not be held, guards for what has lost its stop.

    A position whose entry may still be filled is not left before the entry has ended (see `in_the_way`).
    """
    pending, positions = watch.pending_of(ledger), tuple(ledger.positions.values())
    settled = [position for key, position in ledger.positions.items() if key not in pending]
    if liquidated(ledger, watch.marks, watch.instruments):
        exits = tuple(_exit(position, resting, watch, Leg.LIQUIDATE) for position in settled)
        return OrderPlan(llm_id=ledger.llm_id, exits=exits)
    exits = tuple(_exit(position, resting, watch, Leg.FLATTEN) for position in settled if not _can_be_protected(position))
    guards = [_guard(position, resting, watch) for position in positions if _can_be_protected(position)]
    guards += [_entry_guard(key, each, resting, watch) for key, each in pending.items() if key not in ledger.positions]
    return OrderPlan(llm_id=ledger.llm_id, exits=exits, guards=tuple(guard for guard in guards if guard is not None))


def in_the_way(ledger: Ledger, watch: Watch) -> Iterator[Pending]:
    """Yield the entries that must end before something else can be done.

    Those of a competitor that is liquidated, of a position that must be left, and of one of which a part has been closed again:
    a round that is being left is not entered any further.
    """
    ruined = liquidated(ledger, watch.marks, watch.instruments)
    for key, pending in watch.pending_of(ledger).items():
        position = ledger.positions.get(key)
        left = pending.filled > 0 if position is None else not _can_be_protected(position) or position.closed_quantity > 0
        if ruined or left:
            yield pending


def strays(
    resting: Iterable[RestingOrder], ledgers: Iterable[Ledger], unit: UnitOfWork, waiting: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield (symbol, client id) of the season's resting orders that protect nothing: they would close somebody else's quantity.

    Args:
        resting: Conditional orders of one account.
        ledgers: Of its competitors.
        unit: Whose season it is.
        waiting: Client ids of openings that may still be filled; their stops and targets are left alone.
    """
    needed = {
        order_id for ledger in ledgers for p in ledger.positions.values() for order_id in (p.stop_order_id, p.target_order_id)
    }
    unsettled = {entry_of(order_id) for order_id in waiting}
    for order in resting:
        key = parse_client_order_id(order.client_order_id)
        ours = key is not None and key.tag == season_tag(unit.season_id)
        if ours and order.client_order_id not in needed and entry_of(order.client_order_id) not in unsettled:
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
    pending = watch.pending.get(position.llm_id, {}).get((position.symbol, position.side))
    coming = pending.rest if pending else ZERO
    stop = _wanted(Leg.STOP, position, position.quantity + coming, watch)
    target = _wanted(Leg.TARGET, position, position.quantity, watch)
    if position.target_order_id is None:
        target = None  # it was refused, or never wanted
    right = {leg: _rests(intent, order_id, resting) for leg, intent, order_id in _pairs(position, stop, target)}
    if all(right.values()):
        return None
    wrong = [i for leg, _, i in _pairs(position, stop, target) if i is not None and i in resting and not right[leg]]
    rests = resting.get(position.stop_order_id or "")
    return Guard(
        llm_id=position.llm_id,
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
        exposed=position.closed_quantity > 0 or rests is None or rests.quantity < position.quantity,
        pending=pending,
    )


def _entry_guard(key: PositionKey, pending: Pending, resting: Resting, watch: Watch) -> Guard | None:
    """Return what a limit order that rests and has filled nothing yet lacks; None where its stop rests as it should."""
    opening = pending.opening
    stop_id = of_the_same_entry(opening.order.client_order_id, Leg.STOP)
    stop = watch.known.get(stop_id)
    if not pending.shown or stop is None:
        return None
    stop = replace(stop, order=replace(stop.order, quantity=pending.rest))
    if _rests(stop, stop_id, resting):
        return None
    return Guard(
        llm_id=opening.llm_id,
        key=key,
        quantity=ZERO,
        cancels=(stop_id,) if stop_id in resting else (),
        stop=stop,
        target=None,
        resting=(None, None),
        fallback=None,
        overdue=watch.unit.as_of - opening.created_at > watch.deadline,
        pending=pending,
    )


def _pairs(position: Position, stop: Intent | None, target: Intent | None) -> Iterator[tuple[Leg, Intent | None, str | None]]:
    yield Leg.STOP, stop, position.stop_order_id
    yield Leg.TARGET, target, position.target_order_id


def _wanted(leg: Leg, position: Position, quantity: Decimal, watch: Watch) -> Intent | None:
    """Return the order that should rest, under the id it already has where its intent is still open."""
    mark, instrument = watch.marks[position.symbol], watch.instruments[position.symbol]
    intent = protective_intent(leg, position, quantity, watch.unit, instrument, mark)
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
