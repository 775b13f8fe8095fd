"""What is about to be sent: entries with their protection, exits, and guards for positions that have lost theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from arena.domain.client_id import client_order_id
from arena.domain.competitor import CompetitorId, SeasonId
from arena.domain.decision import Action, EntryType
from arena.domain.instrument import Instrument
from arena.domain.ledger import PositionKey
from arena.domain.market import MarketSnapshot
from arena.domain.money import ZERO
from arena.domain.order import Intent, Leg, Order, OrderSide, OrderType, Pending, PositionSide, Thesis
from arena.domain.position import Position
from arena.domain.risk import Limits, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Open a position and protect it at once.

    Attributes:
        fallback: Closes what was opened, should the venue refuse its stop.
    """

    opening: Intent
    stop: Intent
    target: Intent | None
    fallback: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """Close a position or a part of it.

    Its resting stop and target are cancelled first: in hedge mode an orphaned one would close somebody else's quantity.

    Attributes:
        cancels: Client ids of the conditional orders that protect the position now.
        stop, target: Protection of what remains, also placed again when the close fails; None when nothing remains.
    """

    cancels: tuple[str, ...]
    closing: Intent
    remaining: Decimal
    stop: Intent | None
    target: Intent | None

    @property
    def key(self) -> PositionKey:
        """The position."""
        return self.closing.order.symbol, self.closing.order.position_side

    def enlarged(self, quantity: Decimal) -> Exit:
        """Return the exit that closes so much more (base asset, ≥ 0)."""
        order = self.closing.order
        return replace(self, closing=replace(self.closing, order=replace(order, quantity=order.quantity + quantity)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Give a held position, or a limit order that may become one, the stop and the target that it should have and has not.

    Attributes:
        llm_id, key: Whose, and which.
        quantity: What is held, base asset; the target is for it, the stop also for what the entry may still fill.
        cancels: Client ids of orders that rest for it with another quantity or price.
        stop, target: To be placed; None where the one that rests is right, or none is wanted.
        resting: (stop id, target id) of those that are right.
        fallback: Closes the position, where no stop can be had; None where nothing is held.
        overdue: Whether it has been without a stop for longer than it may.
        exposed: Whether something is without a stop, or has only had one of the wrong size.
        pending: Its entry that may still be filled, which is cancelled where no stop can be had.
    """

    llm_id: CompetitorId
    key: PositionKey
    quantity: Decimal
    cancels: tuple[str, ...]
    stop: Intent | None
    target: Intent | None
    resting: tuple[str | None, str | None]
    fallback: Exit | None
    overdue: bool
    exposed: bool = True
    pending: Pending | None = None

    @property
    def coming(self) -> Decimal:
        """What may still be filled, base asset."""
        return self.pending.rest if self.pending is not None else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlan:
    """What is done for one competitor in a unit of work.

    Attributes:
        notes: Sizes that limits cut, in words, by symbol.
    """

    llm_id: CompetitorId
    exits: tuple[Exit, ...] = ()
    guards: tuple[Guard, ...] = ()
    entries: tuple[Entry, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    def intents(self) -> tuple[Intent, ...]:
        """Return every order that may be sent, in the order of sending."""
        found: list[Intent | None] = []
        for leaving in self.exits:
            found += [leaving.closing, leaving.stop, leaving.target]
        for guard in self.guards:
            found += [guard.stop, guard.target]
            if guard.fallback is not None:
                found += [guard.fallback.closing, guard.fallback.stop, guard.fallback.target]
        for entering in self.entries:
            found += [entering.opening, entering.stop, entering.target, entering.fallback]
        return tuple(intent for intent in found if intent is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOfWork:
    """What orders are formed in, and what names them.

    Attributes:
        cycle: The cycle, or the last one that was begun before a sweep.
        sweep: Number of the booking that a sweep will make; None in a cycle.
    """

    season_id: SeasonId
    cycle: int
    as_of: datetime
    sweep: int | None = None

    def intent(
        self, llm_id: CompetitorId, leg: Leg, order: Order, leverage: int, arrival: Decimal, thesis: Thesis | None = None
    ) -> Intent:
        """Return an order under the one name it can have in this unit of work, with what its fill will need to be booked."""
        cycle = self.cycle if self.sweep is None else None
        name = client_order_id(self.season_id, cycle, llm_id.removeprefix("LLM-"), order.symbol, leg, sweep=self.sweep)
        return Intent(
            order=replace(order, client_order_id=name),
            llm_id=llm_id,
            cycle=self.cycle,
            leg=leg,
            leverage=leverage,
            thesis=thesis,
            arrival_price=arrival,
            created_at=self.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What planning needs to know beside the decision; the same for all competitors of a cycle.

    Attributes:
        as_of: When the orders are formed; the snapshot is older.
        actions, entry_types: Those that the season's playbook allows.
        default_stops: How far from the price an opening without a stop gets one, USDT by symbol.
    """

    season_id: SeasonId
    cycle: int
    as_of: datetime
    snapshot: MarketSnapshot
    instruments: Mapping[str, Instrument]
    limits: Limits
    actions: Collection[Action] = frozenset(Action)
    entry_types: Collection[EntryType] = frozenset(EntryType)
    default_stops: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def unit(self) -> UnitOfWork:
        """The cycle."""
        return UnitOfWork(season_id=self.season_id, cycle=self.cycle, as_of=self.as_of)


def market_order(symbol: str, side: PositionSide, order_side: OrderSide, quantity: Decimal) -> Order:
    """Return a market order that has no name yet."""
    return Order(
        client_order_id="",
        symbol=symbol,
        side=order_side,
        position_side=side,
        order_type=OrderType.MARKET,
        quantity=quantity,
    )


def entry_order(symbol: str, side: PositionSide, quantity: Decimal, limit: Decimal | None) -> Order:
    """Return the order that opens, without a name yet: at the market, or at a limit on its tick."""
    opening = market_order(symbol, side, side.opening_side, quantity)
    return opening if limit is None else replace(opening, order_type=OrderType.LIMIT, price=limit)


def protective_order(
    leg: Leg, symbol: str, side: PositionSide, quantity: Decimal, trigger: Decimal, instrument: Instrument
) -> Order:
    """Return a stop (Leg.STOP) or a target that has no name yet."""
    return Order(
        client_order_id="",
        symbol=symbol,
        side=side.closing_side,
        position_side=side,
        order_type=OrderType.STOP_MARKET if leg is Leg.STOP else OrderType.TAKE_PROFIT_MARKET,
        quantity=quantity,
        trigger_price=instrument.round_price(trigger),
    )


def protective_intent(
    leg: Leg, position: Position, quantity: Decimal, unit: UnitOfWork, instrument: Instrument, arrival: Decimal
) -> Intent | None:
    """Return the stop or target that a position's thesis asks for, for a part of it; None where it asks for none."""
    trigger = None if position.thesis is None else _trigger(leg, position.thesis)
    if trigger is None or position.overclosed:
        return None
    order = protective_order(leg, position.symbol, position.side, quantity, trigger, instrument)
    return unit.intent(position.llm_id, leg, order, position.leverage, arrival)


def exit_of(position: Position, quantity: Decimal, unit: UnitOfWork, instrument: Instrument, arrival: Decimal, leg: Leg) -> Exit:
    """Return the exit that closes `quantity` of a position (base asset, ≤ what is held)."""
    remaining = position.quantity - quantity
    order_side = position.side.opening_side if position.overclosed else position.side.closing_side
    closing = market_order(position.symbol, position.side, order_side, quantity)
    left = remaining if remaining > 0 else position.quantity
    return Exit(
        cancels=tuple(order_id for order_id in (position.stop_order_id, position.target_order_id) if order_id),
        closing=unit.intent(position.llm_id, leg, closing, position.leverage, arrival),
        remaining=remaining,
        stop=protective_intent(Leg.STOP, position, left, unit, instrument, arrival),
        target=protective_intent(Leg.TARGET, position, left, unit, instrument, arrival),
    )


def _trigger(leg: Leg, thesis: Thesis) -> Decimal | None:
    return thesis.stop_price if leg is Leg.STOP else thesis.target_price
