"""A unit of work as rows, the same for every store."""

from __future__ import annotations

from dataclasses import fields

from arena.adapters.storage.rows import BOOKED, Row, Tables, account_row, as_json, cell, clean, digest, flat, iso
from arena.application.calls import ModelCall
from arena.application.evidence import Asking
from arena.application.language_model import Completion
from arena.application.past import came_of, forced, summary
from arena.application.record import Booking, CycleRecord, PositionPoint, Turn
from arena.domain.decision import Decision, InvalidDecision, SymbolDecision
from arena.domain.ledger import ClosedTrade
from arena.domain.money import ZERO, plain
from arena.domain.position import Position

_OF_THE_CALL = ("latency_ms", "request_id")  # which a completion knows too
KEPT_WHEN_CLOSED = frozenset(  # columns of a position that closing it leaves as they were
    {"thesis", "opened_quantity", "opened_notional", "closed_quantity", "closed_notional"}
)
_RENAMED = ("action", "reason")  # of a wish
_WISHED = [each.name for each in fields(SymbolDecision) if each.name not in _RENAMED]
_ANSWERED = [each.name for each in fields(Completion) if each.name not in _OF_THE_CALL]


def booking_rows(booking: Booking) -> Tables:
    """Return every row that a unit of work writes, by table; those of `cycles`, `llm_accounts` and `positions` may exist.

    The booking's own row has no marks yet, see `marks.sealed`.
    """
    tables: Tables = {
        "orders": [{"llm_id": llm_id, **flat(outcome)} for llm_id, outcome in booking.outcomes],
        "fills": [{**flat(each, without=("fill",)), **flat(each.fill), "booked_cycle": booking.cycle} for each in booking.fills],
        "foreign_fills": [{"account": each.account, **flat(each.fill)} for each in booking.foreign],
        "funding": [flat(payment) for payment in booking.funding],
        "ledger_entries": [flat(entry) for entry in booking.entries],
        "closed_trades": [flat(trade) for trade in booking.closed_trades],
        "positions": [*map(closed_position_row, booking.closed_trades), *_open_position_rows(booking)],
        "discrepancies": [flat(each) for each in booking.discrepancies],
        "alerts": [flat(alert) for alert in booking.alerts],
    }
    if isinstance(booking, CycleRecord):
        tables |= _cycle_rows(booking)
    for name, rows in tables.items():
        tables[name] = [{**_key(name, booking), **row} for row in rows]
    points = {point.llm_id: point for point in booking.equity}
    tables["llm_accounts"] = [
        {"season_id": booking.season_id, "booking": booking.booking, **account_row(ledger, points.get(llm_id))}
        for llm_id, ledger in sorted(booking.ledgers.items())
    ]
    tables["bookings"] = [_booking_row(booking)]
    if isinstance(booking, CycleRecord):
        tables["cycles"] = [_cycle_row(booking)]
    return tables


def _key(table: str, booking: Booking) -> Row:
    """Return the columns that tie a table's rows to their season, cycle and booking."""
    key: Row = {"season_id": booking.season_id}
    if table not in ("prompts", "configurations"):
        key["cycle"] = booking.cycle
    if table in BOOKED:
        key["booking"] = booking.booking
    return key


def _cycle_rows(record: CycleRecord) -> Tables:
    """Return what only a cycle has."""
    return {
        "prompts": [
            {"hash": digest(clean(text)), "part": part, "text": clean(text)}
            for part, text in (("static", record.static_prompt), ("market", record.market_prompt))
        ],
        "configurations": [{"hash": digest(clean(record.configuration)), "text": clean(record.configuration)}],
        "snapshots": [{"hash": record.snapshot_hash, "as_of": iso(record.scheduled_at)}],
        "turns": [_turn_row(record, turn) for turn in record.turns],
        "model_calls": [_call_row(turn, call) for turn in record.turns for call in turn.calls],
        "llm_decisions": [row for turn in record.turns for row in _decision_rows(record, turn)],
        "rejections": [flat(each) for turn in record.turns if turn.plan for each in turn.plan.rejections],
        "equity_points": [flat(point) for point in record.equity],
        "position_points": [flat(point) for point in record.positions],
    }


def closed_position_row(trade: ClosedTrade) -> Row:
    """Return the row that a position becomes when it is flat: nothing held, and what came of it."""
    gone = {"mark_price": None, "unrealized_pnl": ZERO, "signed_quantity": ZERO, "signed_cost": ZERO, "stop_order_id": None}
    kept = {**flat(trade, without=("pnl", "exit_price", "cause")), "realized_pnl": cell(trade.pnl)}
    return {**kept, "status": "closed", "target_order_id": None, **{name: cell(value) for name, value in gone.items()}}


def open_position_row(position: Position, point: PositionPoint | None) -> Row:
    """Return everything that restores a position, with its worth at the cycle's mark."""
    return {
        **flat(position),
        "status": "open",
        "entry_price": cell(position.entry_price),
        "quantity": cell(position.quantity),
        "mark_price": cell(point.mark_price) if point else None,
        "unrealized_pnl": cell(point.unrealized_pnl if point else ZERO),
        "closed_at": None,
    }


def symbol_row(wanted: SymbolDecision) -> Row:
    """Return what is kept of one symbol's part of a decision, but for what came of it."""
    row = flat(wanted, without=_RENAMED)
    return {**row, "decision_type": str(wanted.action), "reasoning": clean(wanted.reason), "full_response": as_json(wanted)}


def _open_position_rows(booking: Booking) -> list[Row]:
    points = {(point.llm_id, point.symbol, point.position_side): point for point in booking.positions}
    return [
        open_position_row(position, points.get((position.llm_id, position.symbol, position.side)))
        for _, ledger in sorted(booking.ledgers.items())
        for _, position in sorted(ledger.positions.items())
    ]


def _booking_row(booking: Booking) -> Row:
    holdings = [[*bucket, plain(quantity)] for bucket, quantity in sorted(booking.books.foreign.items())]
    return {
        "season_id": booking.season_id,
        "number": booking.booking,
        "cycle": booking.cycle,
        "kind": "cycle" if isinstance(booking, CycleRecord) else "sweep",
        "closed_at": iso(booking.closed_at),
        "cursor": as_json(booking.books.cursor),
        "foreign_holdings": as_json(holdings),
        "closed_intents": as_json(booking.closed_intents),
    }


def _cycle_row(record: CycleRecord) -> Row:
    names = ("season_id", "number", "booking", "scheduled_at", "closed_at", "prompt_hash", "snapshot_hash", "execution_order")
    return {
        **{name: cell(getattr(record, name)) for name in (*names, "requests", "request_weight")},
        "status": "booked",
        "static_prompt_hash": digest(clean(record.static_prompt)),
        "market_prompt_hash": digest(clean(record.market_prompt)),
        "configuration_hash": digest(clean(record.configuration)),
    }


def _turn_row(record: CycleRecord, turn: Turn) -> Row:
    kind, failure, error = _verdict(turn)
    asking = flat(turn.asking) if turn.asking else dict.fromkeys(each.name for each in fields(Asking))
    return {
        "llm_id": turn.llm_id,
        "time": iso(record.scheduled_at),
        "account_prompt": clean(turn.account_prompt),
        "answer": kind,
        "failure": failure,
        "error": None if error is None else clean(error),
        "calls": len(turn.calls),
        "notes": as_json((turn.plan.notes if turn.plan else None) or {}),
        "skipped": as_json(turn.skipped),
        "summary": clean(summary(turn, record.fills)),
        **asking,
        "ordered_at": cell(turn.ordered_at),
    }


def _call_row(turn: Turn, call: ModelCall) -> Row:
    answered = flat(call.completion, without=_OF_THE_CALL) if call.completion else dict.fromkeys(_ANSWERED)
    return {"llm_id": turn.llm_id, **flat(call, without=("completion",)), **answered}


def _decision_rows(record: CycleRecord, turn: Turn) -> list[Row]:
    key = {"llm_id": turn.llm_id, "time": iso(record.scheduled_at)}
    if isinstance(turn.answer, Decision):
        return [
            {**key, **symbol_row(wanted), "outcome": clean(came_of(wanted, turn, record.fills))} for wanted in turn.answer.symbols
        ]
    kind, failure, error = _verdict(turn)
    said = {"kind": failure, "error": error, "text": turn.said}
    outcome = forced(turn, record.fills) or "nothing was done"
    told = {"reasoning": clean(error or ""), "outcome": clean(outcome), "full_response": as_json(said)}
    return [{**key, **dict.fromkeys(_WISHED), "decision_type": kind, **told}]


def _verdict(turn: Turn) -> tuple[str, str | None, str | None]:
    if isinstance(turn.answer, Decision):
        return "decision", None, None
    if isinstance(turn.answer, InvalidDecision):
        return "invalid", None, turn.answer.error
    return "no_answer", turn.answer.kind, turn.answer.error
