"""From a decision to orders: closes before opens, every opening with its stop, every rejection with its reason."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from arena.domain.decision import OPENING, Action, Decision, SymbolDecision
from arena.domain.instrument import Instrument
from arena.domain.ledger import Ledger
from arena.domain.market import SymbolMarket
from arena.domain.money import ZERO
from arena.domain.order import Intent, Leg, Order, PositionSide, Thesis
from arena.domain.plan import Desk, Entry, Exit, OrderPlan, exit_of, market_order, protective_order
from arena.domain.position import Position
from arena.domain.risk import (
    PERCENT,
    MarginState,
    Rejection,
    RejectionReason,
    check_market,
    check_terms,
    margin_state,
    size_opening,
    trading_cost,
)


def plan_orders(decision: Decision, ledger: Ledger, desk: Desk, venue_available: Decimal | None = None) -> OrderPlan:
    """Return the orders of a decision that pass every limit, and a rejection for each part that does not.

    Args:
        decision: Of the competitor that owns `ledger`.
        ledger: After everything known has been booked.
        desk: The cycle's market and limits.
        venue_available: What the shared account could still bind, USDT.
    """
    decision, rejections = _within_playbook(decision, ledger, desk)
    exits, refused = _plan_exits(decision, ledger, desk)
    rejections += refused
    room = _room_after(exits, ledger, desk, venue_available)
    entries: list[Entry] = []
    notes: dict[str, str] = {}
    for wanted in decision.symbols:
        if wanted.action not in OPENING:
            continue
        planned = _plan_entry(wanted, ledger, desk, room)
        if isinstance(planned, Rejection):
            rejections.append(planned)
            continue
        entry, room, cut = planned
        entries.append(entry)
        if cut:
            notes[wanted.symbol] = f"size cut to {entry.opening.order.quantity}: the margin limits allow no more"
    return OrderPlan(llm_id=ledger.llm_id, exits=tuple(exits), entries=tuple(entries), rejections=tuple(rejections), notes=notes)


def flatten(position: Position, desk: Desk, leg: Leg = Leg.FLATTEN) -> Exit:
    """Return the exit that closes a position whole, whatever its owner says (liquidation, an overclosed bucket)."""
    return _exit(position, position.quantity, desk, leg)


def _within_playbook(decision: Decision, ledger: Ledger, desk: Desk) -> tuple[Decision, list[Rejection]]:
    """Return what the playbook allows of a decision, and a rejection of every other part."""
    allowed = tuple(part for part in decision.symbols if part.action in desk.actions)
    rejections = [
        _rejected(ledger, part, RejectionReason.NOT_IN_PLAYBOOK, f"this contest's playbook does not know {part.action}")
        for part in decision.symbols
        if part.action not in desk.actions
    ]
    return Decision(symbols=allowed), rejections


def _plan_exits(decision: Decision, ledger: Ledger, desk: Desk) -> tuple[list[Exit], list[Rejection]]:
    exits: list[Exit] = []
    rejections: list[Rejection] = []
    for wanted in decision.symbols:
        if wanted.action not in (Action.CLOSE, Action.REDUCE):
            continue
        position = _position(ledger, wanted.symbol)
        if position is None:
            rejections.append(_rejected(ledger, wanted, RejectionReason.NO_POSITION, f"there is no position in {wanted.symbol}"))
            continue
        instrument = desk.instruments[wanted.symbol]
        quantity = position.quantity
        if wanted.action is Action.REDUCE:
            quantity = instrument.round_quantity(quantity * wanted.size_percent * PERCENT)
        if quantity < min(instrument.min_quantity, position.quantity):
            detail = f"{wanted.size_percent} % of the position is less than the smallest quantity {instrument.min_quantity}"
            rejections.append(_rejected(ledger, wanted, RejectionReason.QUANTITY, detail))
            continue
        exits.append(_exit(position, quantity, desk, Leg.CLOSE))
    return exits, rejections


def _exit(position: Position, quantity: Decimal, desk: Desk, leg: Leg) -> Exit:
    market = desk.snapshot.symbols.get(position.symbol)
    arrival = market.last_price if market else position.entry_price
    return exit_of(position, quantity, desk.unit, desk.instruments[position.symbol], arrival, leg)


def _room_after(exits: list[Exit], ledger: Ledger, desk: Desk, venue_available: Decimal | None) -> MarginState:
    marks = {**{key[0]: p.entry_price for key, p in ledger.positions.items()}, **desk.snapshot.marks()}
    state = margin_state(ledger, marks, venue_available)
    freed, costs, gone = ZERO, ZERO, 0
    for leaving in exits:
        order = leaving.closing.order
        notional = order.quantity * marks[order.symbol]
        freed += notional / leaving.closing.leverage
        market, instrument = desk.snapshot.symbols.get(order.symbol), desk.instruments[order.symbol]
        costs += trading_cost(order.side, order.quantity, market, instrument) if market else notional * instrument.taker_fee_rate
        gone += leaving.remaining == 0
    return replace(state, equity=state.equity - costs, used=state.used - freed, open_positions=state.open_positions - gone)


def _plan_entry(
    wanted: SymbolDecision, ledger: Ledger, desk: Desk, room: MarginState
) -> tuple[Entry, MarginState, bool] | Rejection:
    side = PositionSide.LONG if wanted.action is Action.OPEN_LONG else PositionSide.SHORT
    refusal = check_market(wanted, desk.snapshot, desk.instruments, desk.limits)
    if refusal is None and _position(ledger, wanted.symbol) is not None:
        refusal = (RejectionReason.ALREADY_OPEN, f"a position in {wanted.symbol} is open: close or reduce it")
    if refusal is not None:
        return _rejected(ledger, wanted, *refusal)
    market, instrument = desk.snapshot.symbols[wanted.symbol], desk.instruments[wanted.symbol]
    wanted = _on_ticks(_with_stop(wanted, side, market, desk), instrument)
    refusal = check_terms(wanted, side, market, desk.limits)
    if refusal is not None:
        return _rejected(ledger, wanted, *refusal)
    size = size_opening(wanted, side, market, instrument, room, desk.limits)
    if isinstance(size, tuple):
        return _rejected(ledger, wanted, *size)
    return _entry(wanted, side, size.quantity, ledger, desk, market), room.after_opening(size.margin, size.cost), size.cut


def _with_stop(wanted: SymbolDecision, side: PositionSide, market: SymbolMarket, desk: Desk) -> SymbolDecision:
    """Return the decision with the playbook's default stop where it names none, as the prompt has told."""
    distance = desk.default_stops.get(wanted.symbol)
    if wanted.stop_price is not None or distance is None:
        return wanted
    prices = (market.last_price, market.mark_price)
    stop = min(prices) - distance if side is PositionSide.LONG else max(prices) + distance
    return replace(wanted, stop_price=stop)


def _on_ticks(wanted: SymbolDecision, instrument: Instrument) -> SymbolDecision:
    """Return the decision with stop and target as they will be sent: rounding may put them on the wrong side of the price."""
    stop, target = (price and instrument.round_price(price) for price in (wanted.stop_price, wanted.target_price))
    return replace(wanted, stop_price=stop, target_price=target)


def _entry(
    wanted: SymbolDecision, side: PositionSide, quantity: Decimal, ledger: Ledger, desk: Desk, market: SymbolMarket
) -> Entry:
    instrument = desk.instruments[wanted.symbol]
    thesis = Thesis(
        reason=wanted.reason,
        invalidation=wanted.invalidation,
        confidence=wanted.confidence,
        stop_price=wanted.stop_price,
        target_price=wanted.target_price,
    )

    def intent(leg: Leg, order: Order) -> Intent:
        return desk.unit.intent(ledger.llm_id, leg, order, wanted.leverage, market.last_price, thesis)

    def conditional(leg: Leg, trigger: Decimal) -> Intent:
        return intent(leg, protective_order(leg, wanted.symbol, side, quantity, trigger, instrument))

    assert wanted.stop_price is not None  # check_terms refuses an opening without one
    return Entry(
        opening=intent(Leg.OPEN, market_order(wanted.symbol, side, side.opening_side, quantity)),
        stop=conditional(Leg.STOP, wanted.stop_price),
        target=None if wanted.target_price is None else conditional(Leg.TARGET, wanted.target_price),
        fallback=intent(Leg.FLATTEN, market_order(wanted.symbol, side, side.closing_side, quantity)),
    )


def _position(ledger: Ledger, symbol: str) -> Position | None:
    return next((p for (held, _), p in ledger.positions.items() if held == symbol), None)


def _rejected(ledger: Ledger, wanted: SymbolDecision, reason: RejectionReason, detail: str) -> Rejection:
    return Rejection(llm_id=ledger.llm_id, symbol=wanted.symbol, action=wanted.action, reason=reason, detail=detail)
