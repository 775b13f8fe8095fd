"""Records as flat rows, the same for every store: decimals as exact strings, times as ISO 8601 UTC, the rest as JSON text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from arena.application.past import came_of, forced, summary
from arena.application.record import CycleRecord, EquityPoint, PositionPoint, Turn
from arena.domain.competitor import Season, SeasonId
from arena.domain.decision import Decision, InvalidDecision, SymbolDecision
from arena.domain.ledger import ClosedTrade, Ledger, opened
from arena.domain.money import ZERO, plain
from arena.domain.order import Intent
from arena.domain.position import Position

Row = dict[str, Any]
Tables = dict[str, list[Row]]

TABLES = (
    "seasons",
    "competitors",
    "cycles",
    "llm_accounts",
    "prompts",
    "snapshots",
    "turns",
    "model_calls",
    "llm_decisions",
    "rejections",
    "intents",
    "orders",
    "fills",
    "funding",
    "ledger_entries",
    "equity_points",
    "position_points",
    "positions",
    "closed_trades",
    "discrepancies",
    "alerts",
)


def iso(moment: datetime) -> str:
    """Return an aware time as `2025-01-01T08:00:00.000000Z`.

    Raises:
        ValueError: `moment` has no time zone, so nobody knows which instant is meant.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def clean(text: str) -> str:
    """Return `text` as any store can keep it: lone surrogates and NUL, which models do send, become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


def as_json(value: object) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, decimals and times as strings."""
    return json.dumps(_plain_value(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def cell(value: object) -> str | int | None:
    """Return a field as a column keeps it."""
    match value:
        case None:
            return None
        case int():  # bool too: 0 or 1
            return int(value)
        case str():
            return clean(value)
        case Decimal():
            return plain(value)
        case datetime():
            return iso(value)
        case _:
            return as_json(value)


def season_rows(season: Season) -> Tables:
    """Return what a new season starts with: its competitors, their accounts, and the entries of their capital."""
    key = {"season_id": season.season_id}
    openings = [opened(each.llm_id, each.capital, season.started_at) for each in season.competitors]
    return {
        "seasons": [_flat(season, without=("competitors",))],
        "competitors": [
            {**key, "llm_id": each.llm_id, **_flat(each.model), "capital": cell(each.capital)} for each in season.competitors
        ],
        "llm_accounts": [{**key, **account_row(posting.ledger, None)} for posting in openings],
        "ledger_entries": [{**key, "cycle": None, **_flat(entry)} for posting in openings for entry in posting.entries],
    }


def account_row(ledger: Ledger, point: EquityPoint | None) -> Row:
    """Return a ledger's wallet; its worth is that of `point`, or the wallet's where there is none."""
    worth = {
        "unrealized_pnl": point.unrealized_pnl if point else ZERO,
        "equity": point.equity if point else ledger.wallet_balance,
    }
    parts = {
        "initial_balance": ledger.capital,
        "current_balance": ledger.wallet_balance,
        **worth,
        "total_pnl": ledger.wallet_balance - ledger.capital,
    }
    rest = _flat(ledger, without=("capital", "wallet_balance", "positions"))
    return {**{name: cell(value) for name, value in parts.items()}, **rest}


def intent_row(season_id: SeasonId, intent: Intent) -> Row:
    """Return an intent with its order's fields beside its own."""
    own = _flat(intent, without=("order", "created_at"))
    return {"season_id": season_id, **_flat(intent.order), **own, "formed_at": iso(intent.created_at)}


def cycle_rows(record: CycleRecord) -> Tables:
    """Return every row that booking a cycle writes, by table; `cycles`, `llm_accounts`, `positions` and `orders` may exist."""
    tables: Tables = {
        "prompts": [
            {"hash": _digest(text), "part": part, "text": clean(text)}
            for part, text in (("static", record.static_prompt), ("market", record.market_prompt))
        ],
        "snapshots": [{"hash": record.snapshot_hash, "as_of": iso(record.scheduled_at)}],
        "turns": [_turn_row(record, turn) for turn in record.turns],
        "model_calls": [_call_row(turn) for turn in record.turns if turn.completion is not None],
        "llm_decisions": [row for turn in record.turns for row in _decision_rows(record, turn)],
        "rejections": [_flat(each) for turn in record.turns if turn.plan for each in turn.plan.rejections],
        "orders": [{"llm_id": turn.llm_id, **_flat(outcome)} for turn in record.turns for outcome in turn.outcomes],
        "fills": [
            {**_flat(booked, without=("fill",)), **_flat(booked.fill), "booked_cycle": record.number} for booked in record.fills
        ],
        "funding": [_flat(payment) for payment in record.funding],
        "ledger_entries": [_flat(entry) for entry in record.entries],
        "equity_points": [_flat(point) for point in record.equity],
        "position_points": [_flat(point) for point in record.positions],
        "closed_trades": [_flat(trade) for trade in record.closed_trades],
        "positions": [*map(closed_position_row, record.closed_trades), *_open_position_rows(record)],
        "discrepancies": [_flat(each) for each in record.discrepancies],
        "alerts": [_flat(alert) for alert in record.alerts],
    }
    for name, rows in tables.items():
        key = {"season_id": record.season_id} if name == "prompts" else {"season_id": record.season_id, "cycle": record.number}
        tables[name] = [{**key, **row} for row in rows]
    points = {point.llm_id: point for point in record.equity}
    tables["llm_accounts"] = [
        {"season_id": record.season_id, **account_row(ledger, points.get(llm_id))}
        for llm_id, ledger in sorted(record.ledgers.items())
    ]
    tables["cycles"] = [_cycle_row(record)]
    return tables


def payload_hash(tables: Tables, closed_intents: Sequence[str]) -> str:
    """Return the SHA-256 that tells one booking of a cycle from another."""
    return _digest(as_json({"tables": tables, "closed_intents": closed_intents}))


def closed_position_row(trade: ClosedTrade) -> Row:
    """Return the row that a position becomes when it is flat: nothing held, and what came of it."""
    gone = {"mark_price": None, "unrealized_pnl": ZERO, "signed_quantity": ZERO, "signed_cost": ZERO, "stop_order_id": None}
    kept = {**_flat(trade, without=("pnl", "exit_price")), "realized_pnl": cell(trade.pnl)}
    return {**kept, "status": "closed", "target_order_id": None, **{name: cell(value) for name, value in gone.items()}}


def open_position_row(position: Position, point: PositionPoint | None) -> Row:
    """Return everything that restores a position, with its worth at the cycle's mark."""
    return {
        **_flat(position),
        "status": "open",
        "entry_price": cell(position.entry_price),
        "quantity": cell(position.quantity),
        "mark_price": cell(point.mark_price) if point else None,
        "unrealized_pnl": cell(point.unrealized_pnl if point else ZERO),
        "closed_at": None,
    }


def _open_position_rows(record: CycleRecord) -> list[Row]:
    points = {(point.llm_id, point.symbol, point.position_side): point for point in record.positions}
    return [
        open_position_row(position, points.get((position.llm_id, position.symbol, position.side)))
        for _, ledger in sorted(record.ledgers.items())
        for _, position in sorted(ledger.positions.items())
    ]


def _cycle_row(record: CycleRecord) -> Row:
    names = ("season_id", "number", "scheduled_at", "closed_at", "prompt_hash", "snapshot_hash", "execution_order", "orphans")
    return {
        **{name: cell(getattr(record, name)) for name in (*names, "cursor", "funding_since")},
        "status": "booked",
        "static_prompt_hash": _digest(record.static_prompt),
        "market_prompt_hash": _digest(record.market_prompt),
    }


def _turn_row(record: CycleRecord, turn: Turn) -> Row:
    kind, failure, error = _verdict(turn)
    return {
        "llm_id": turn.llm_id,
        "time": iso(record.scheduled_at),
        "account_prompt": clean(turn.account_prompt),
        "answer": kind,
        "failure": failure,
        "error": None if error is None else clean(error),
        "attempts": turn.attempts,
        "notes": as_json((turn.plan.notes if turn.plan else None) or {}),
        "skipped": as_json(turn.skipped),
        "summary": clean(summary(turn, record.fills)),
    }


def _call_row(turn: Turn) -> Row:
    assert turn.completion is not None
    return {"llm_id": turn.llm_id, **_flat(turn.completion), "attempts": turn.attempts}


def _decision_rows(record: CycleRecord, turn: Turn) -> list[Row]:
    key = {"llm_id": turn.llm_id, "time": iso(record.scheduled_at)}
    if isinstance(turn.answer, Decision):
        return [
            {**key, **_symbol_row(wanted), "outcome": clean(came_of(wanted, turn, record.fills))}
            for wanted in turn.answer.symbols
        ]
    kind, failure, error = _verdict(turn)
    said = {"kind": failure, "error": error, "text": turn.completion.text if turn.completion else None}
    outcome = forced(turn, record.fills) or "nothing was done"
    told = {"reasoning": clean(error or ""), "outcome": clean(outcome), "full_response": as_json(said)}
    return [{**key, "decision_type": kind, "symbol": None, **told}]


def _symbol_row(wanted: SymbolDecision) -> Row:
    row = _flat(wanted, without=("action", "reason"))
    return {**row, "decision_type": str(wanted.action), "reasoning": clean(wanted.reason), "full_response": as_json(wanted)}


def _verdict(turn: Turn) -> tuple[str, str | None, str | None]:
    if isinstance(turn.answer, Decision):
        return "decision", None, None
    if isinstance(turn.answer, InvalidDecision):
        return "invalid", None, turn.answer.error
    return "no_answer", turn.answer.kind, turn.answer.error


def _flat(value: Any, without: tuple[str, ...] = ()) -> Row:
    return {each.name: cell(getattr(value, each.name)) for each in fields(value) if each.name not in without}


def _plain_value(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain_value(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain_value(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_value(each) for each in value]
    return value if isinstance(value, (bool, float)) else cell(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
