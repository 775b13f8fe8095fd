"""The state's rows carried on by what was written since they were read: pure, for the time in which the store cannot be read.

Gives what `state_rows` of a store would give after the same writes, as far as `state.state_of` looks at it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from arena.adapters.storage.refusals import (
    check_positions,
    check_wallets,
    claimed,
    moved,
    other_contents,
    rewritten,
)
from arena.adapters.storage.rows import Row, Tables

PRECEDING = 1 << 62  # ids of rows that the store has not numbered yet come after all that it has


def with_claim(rows: Tables, season_id: str, number: int, scheduled_at: str) -> Tables:
    """Return the rows after a cycle's number was claimed.

    Raises:
        CycleConflict: It is claimed.
    """
    if number <= max((row["number"] for row in rows["cycles"]), default=0):
        raise claimed(season_id, number)
    begun = {"season_id": season_id, "number": number, "status": "begun", "scheduled_at": scheduled_at}
    return {**rows, "cycles": [begun, *(row for row in rows["cycles"] if row["status"] == "booked")]}


def with_intents(rows: Tables, intents: Sequence[Row]) -> Tables:
    """Return the rows after intents were written down.

    Raises:
        CycleConflict: An id is taken by another.
    """
    known = {row["client_order_id"]: row for row in rows["intents"]}
    for intent in intents:
        same = known.get(intent["client_order_id"])
        if same is not None and any(same[name] != value for name, value in intent.items()):
            raise rewritten(intent["client_order_id"])
    new = [{**row, "closed_booking": None} for row in intents if row["client_order_id"] not in known]
    return {**rows, "intents": [*rows["intents"], *_numbered(new)]}


def with_booking(rows: Tables, tables: Tables) -> Tables:
    """Return the rows after a booking.

    Raises:
        CycleConflict: It does not follow what is booked, or its cycle is booked.
    """
    (booking,) = tables["bookings"]
    if rows["bookings"] and _same(rows["bookings"][0], booking):
        return rows
    _check(rows, tables)
    cycles = rows["cycles"]
    if booking["kind"] == "cycle":
        (cycle,) = tables["cycles"]
        cycles = [row for row in cycles if row["status"] == "begun" and row["number"] > cycle["number"]] + [cycle]
    began = max((row["scheduled_at"] for row in cycles if row["status"] == "booked"), default="")
    closed = frozenset(json.loads(booking["closed_intents"]))
    news = [row for row in [*rows["closed_trades"], *tables["closed_trades"]] if row["cause"] != "decision"]
    return {
        **rows,
        "bookings": [booking],
        "cycles": cycles,
        "llm_accounts": _replaced(rows["llm_accounts"], tables["llm_accounts"]),
        "positions": sorted((row for row in tables["positions"] if row["status"] == "open"), key=_by_opening),
        "intents": [_closed(row, closed, booking["number"]) for row in rows["intents"]],
        "turns": [*rows["turns"], *_numbered(tables.get("turns", []))],
        "fills": [*rows["fills"], *_numbered(tables["fills"])],
        "funding": [*rows["funding"], *tables["funding"]],
        "closed_trades": sorted((row for row in news if row["closed_at"] >= began), key=_by_closing),
        "model_calls": [*rows["model_calls"], *_paid(tables)],
    }


def _same(booked: Row, booking: Row) -> bool:
    return (booked["number"], booked["payload_hash"]) == (booking["number"], booking["payload_hash"])


def _check(rows: Tables, tables: Tables) -> None:
    (booking,) = tables["bookings"]
    at = rows["bookings"][0]["number"] if rows["bookings"] else 0
    booked = {row["number"] for row in rows["cycles"] if row["status"] == "booked"}
    if booking["kind"] == "cycle" and booking["cycle"] in booked:
        raise other_contents(booking)
    if booking["number"] != at + 1:
        raise moved(booking, at)
    check_wallets({row["llm_id"]: row["current_balance"] for row in rows["llm_accounts"]}, tables)
    flat = {_position(row) for row in tables["positions"] if row["status"] == "closed"}
    check_positions((row for row in rows["positions"] if _position(row) not in flat), tables)


def _position(row: Row) -> tuple[Any, ...]:
    return row["llm_id"], row["symbol"], row["side"], row["opened_at"]


def _closed(intent: Row, closed: frozenset[str], booking: int) -> Row:
    ends = intent["closed_booking"] is None and intent["client_order_id"] in closed
    return {**intent, "closed_booking": booking} if ends else intent


def _replaced(accounts: Sequence[Row], changed: Sequence[Row]) -> list[Row]:
    new = {row["llm_id"]: row for row in changed}
    return [new.get(row["llm_id"], row) for row in accounts]


def _paid(tables: Tables) -> list[Row]:
    at = tables["cycles"][0]["scheduled_at"] if tables.get("cycles") else None
    return [
        {"llm_id": row["llm_id"], "cost_usd": row["cost_usd"], "scheduled_at": at}
        for row in tables.get("model_calls", [])
        if row["cost_usd"] is not None
    ]


def _numbered(rows: Sequence[Row]) -> list[Row]:
    return [{"id": PRECEDING + place, **row} for place, row in enumerate(rows)]


def _by_opening(row: Row) -> tuple[Any, ...]:
    return row["opened_at"], row["symbol"], row["side"]


def _by_closing(row: Row) -> tuple[Any, ...]:
    return (row["closed_at"],)
