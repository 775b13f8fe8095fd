"""What the models said, read again: the raw answers against the decisions that were made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from arena.adapters.storage.booking_rows import symbol_row
from arena.adapters.storage.rows import Row, as_json, clean
from arena.application.deciding import read_answer
from arena.application.language_model import Completion
from arena.audit.findings import Finding, differences, name_of
from arena.audit.journal import Unit
from arena.audit.replay import UNREADABLE
from arena.domain.decision import Decision, InvalidDecision

AGAIN = " (asked again: "  # after the error of an answer whose repair round brought no other


def answers_of(unit: Unit, symbols: Sequence[str]) -> list[Finding]:
    """Return where a unit's decisions are not what its answers say."""
    found = list[Finding]()
    for turn in unit.tables.get("turns", []):
        calls, decided = (
            [row for row in unit.tables.get(table, []) if row["llm_id"] == turn["llm_id"]]
            for table in ("model_calls", "llm_decisions")
        )
        try:
            found += _of_a_turn(turn, calls, decided, symbols, unit.number)
        except UNREADABLE:
            what = "has answers that cannot be read"
            found.append(Finding(table="turns", row=name_of("turns", turn), booking=unit.number, what=what))
    return found


def _of_a_turn(turn: Row, calls: Sequence[Row], decided: Sequence[Row], symbols: Sequence[str], booking: int) -> list[Finding]:
    read = [(call, read_answer(_completion(call), symbols)) for call in calls if call["fault"] is None]
    given = [{**_key("model_calls", call), "error": _error(answer)} for call, answer in read]
    found = differences("model_calls", [call for call, _ in read], given, booking)
    answer = read[-1][1] if read else None
    found += differences("turns", [turn], [{**_key("turns", turn), **_verdict(turn, answer), "calls": len(calls)}], booking)
    key = {name: turn[name] for name in ("cycle", "llm_id", "time")}
    if isinstance(answer, Decision):
        rows = [{**key, **symbol_row(wanted)} for wanted in answer.symbols]
    else:
        texts = [call["text"] for call in calls if call["text"] is not None]
        said = {"kind": turn["failure"], "error": turn["error"], "text": texts[-1] if texts else None}
        told = {"decision_type": turn["answer"], "reasoning": turn["error"] or "", "full_response": as_json(said)}
        rows = [{**key, "symbol": None, **told}]
    return found + differences("llm_decisions", decided, rows, booking)


def _verdict(turn: Row, answer: Decision | InvalidDecision | None) -> Row:
    """Return what a turn must say of its last answer; an invalid one may tell beside its error what came of asking again."""
    match answer:
        case None:
            return {"answer": "no_answer"}
        case Decision():
            return {"answer": "decision", "failure": None, "error": None}
    told, error = turn["error"] or "", _error(answer)
    return {"answer": "invalid", "failure": None, "error": told if told.startswith(f"{error}{AGAIN}") else error}


def _completion(call: Row) -> Completion:
    return Completion(
        text=call["text"],
        model=call["model"],
        request_id=call["request_id"],
        stop_reason=call["stop_reason"],
        input_tokens=call["input_tokens"],
        cached_tokens=call["cached_tokens"],
        output_tokens=call["output_tokens"],
        latency_ms=call["latency_ms"],
        parameters=json.loads(call["parameters"]),
        cost_usd=None if call["cost_usd"] is None else Decimal(call["cost_usd"]),
    )


def _error(answer: Decision | InvalidDecision) -> str | None:
    return clean(answer.error) if isinstance(answer, InvalidDecision) else None


def _key(table: str, row: Row) -> Row:
    names = ("cycle", "llm_id", "number") if table == "model_calls" else ("cycle", "llm_id")
    return {name: row[name] for name in names}
