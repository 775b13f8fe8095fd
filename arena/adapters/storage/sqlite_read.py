"""The rows that the state of a season is made of; every query is answered by an index, whatever the season's length."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from arena.adapters.storage.refusals import unknown_season
from arena.adapters.storage.rows import Row, Tables, iso
from arena.adapters.storage.state import WINDOW, midnight
from arena.application.past import PAST_TURNS
from arena.application.record import LATELY
from arena.domain.competitor import SeasonId

_TURN = "id, cycle, llm_id, time, calls, summary"  # not the prompts: they are long, and nobody reads them here


def read_season(db: sqlite3.Connection, season_id: SeasonId) -> Tables:
    """Return a season's row and its competitors; none where there is no such season."""
    seasons = _rows(db, "SELECT * FROM seasons WHERE season_id = ?", season_id)
    return {"seasons": seasons, "competitors": _competitors(db, season_id)}


def read_rows(db: sqlite3.Connection, season_id: SeasonId, as_of: datetime) -> Tables:
    """Return what `state.state_of` reads, by table.

    Raises:
        ConfigurationError: There is no such season.
    """
    season = read_season(db, season_id)
    if not season["seasons"]:
        raise unknown_season(season_id, _newest(db))
    bookings = _rows(db, "SELECT * FROM bookings WHERE season_id = ? ORDER BY number DESC LIMIT 1", season_id)
    cycles = _cycles(db, season_id)
    told = _last_turns(db, season_id, season["competitors"])
    intents = _open_intents(db, season_id) + _ended_limits(db, season_id, told)
    settled_until = datetime.fromisoformat(bookings[0]["closed_at"] if bookings else season["seasons"][0]["started_at"])
    since = iso(settled_until - LATELY)
    return {
        **season,
        "cycles": cycles,
        "bookings": bookings,
        "llm_accounts": _rows(db, "SELECT * FROM llm_accounts WHERE season_id = ? ORDER BY id", season_id),
        "positions": _open_positions(db, season_id),
        "intents": intents,
        "turns": _merged(told, _asked_turns(db, season_id, as_of)),
        "fills": _fills(db, season_id, intents, since),
        "funding": _rows(db, "SELECT * FROM funding WHERE season_id = ? AND time > ?", season_id, since),
        "closed_trades": _news(db, season_id, cycles),
        "model_calls": _paid_calls(db, season_id, as_of),
    }


def _rows(db: sqlite3.Connection, sql: str, *values: object) -> list[Row]:
    return [dict(row) for row in db.execute(sql, values)]


def _newest(db: sqlite3.Connection) -> list[str]:
    return [row["season_id"] for row in db.execute("SELECT season_id FROM seasons ORDER BY id DESC LIMIT 5")]


def _competitors(db: sqlite3.Connection, season_id: SeasonId) -> list[Row]:
    return _rows(db, "SELECT * FROM competitors WHERE season_id = ? ORDER BY id", season_id)


def _cycles(db: sqlite3.Connection, season_id: SeasonId) -> list[Row]:
    """Return the last cycle that was begun, and the last one that was booked where that is another."""
    begun = _rows(db, "SELECT * FROM cycles WHERE season_id = ? ORDER BY number DESC LIMIT 1", season_id)
    booked = _rows(db, "SELECT * FROM cycles WHERE season_id = ? AND status = 'booked' ORDER BY number DESC LIMIT 1", season_id)
    return begun if begun == booked else begun + booked


def _open_positions(db: sqlite3.Connection, season_id: SeasonId) -> list[Row]:
    return _rows(
        db,
        "SELECT * FROM positions INDEXED BY positions_open "  # else SQLite walks through the closed ones
        "WHERE season_id = ? AND status = 'open' ORDER BY opened_at, symbol, side",
        season_id,
    )


def _last_turns(db: sqlite3.Connection, season_id: SeasonId, competitors: Iterable[Row]) -> list[Row]:
    """Return the turns that the next prompts tell."""
    sql = f"SELECT {_TURN} FROM turns WHERE season_id = ? AND llm_id = ? ORDER BY cycle DESC LIMIT ?"  # noqa: S608  own columns
    return [row for each in competitors for row in _rows(db, sql, season_id, each["llm_id"], PAST_TURNS)]


def _asked_turns(db: sqlite3.Connection, season_id: SeasonId, as_of: datetime) -> list[Row]:
    """Return the turns of the last hour in which a model was asked."""
    sql = f"SELECT {_TURN} FROM turns WHERE season_id = ? AND calls > 0 AND time > ? AND time <= ?"  # noqa: S608  own columns
    return _rows(db, sql, season_id, iso(as_of - WINDOW), iso(as_of))


def _merged(*found: Iterable[Row]) -> list[Row]:
    """Return rows that were found in several ways, each once, by time."""
    once = {row["id"]: row for rows in found for row in rows}
    return sorted(once.values(), key=_in_order)


def _in_order(row: Row) -> tuple[Any, ...]:
    return row["time"], row["id"]


def _open_intents(db: sqlite3.Connection, season_id: SeasonId) -> list[Row]:
    return _rows(db, "SELECT * FROM intents WHERE season_id = ? AND closed_booking IS NULL ORDER BY id", season_id)


def _ended_limits(db: sqlite3.Connection, season_id: SeasonId, turns: Iterable[Row]) -> list[Row]:
    """Return the limit orders of these turns that nothing more can come of."""
    sql = (
        "SELECT * FROM intents INDEXED BY intents_cycle WHERE season_id = ? AND cycle = ? "
        "AND order_type = 'LIMIT' AND closed_booking IS NOT NULL ORDER BY id"
    )
    return [row for cycle in sorted({turn["cycle"] for turn in turns}) for row in _rows(db, sql, season_id, cycle)]


def _fills(db: sqlite3.Connection, season_id: SeasonId, intents: Iterable[Row], since: str) -> list[Row]:
    """Return the trades after `since` and those of these intents."""
    late = _rows(db, "SELECT * FROM fills WHERE season_id = ? AND time > ?", season_id, since)
    sql = "SELECT * FROM fills INDEXED BY fills_order WHERE season_id = ? AND client_order_id = ?"
    return _merged(late, *(_rows(db, sql, season_id, intent["client_order_id"]) for intent in intents))


def _news(db: sqlite3.Connection, season_id: SeasonId, cycles: Iterable[Row]) -> list[Row]:
    """Return the trades that were closed since the last booked cycle began, other than by a decision, oldest first."""
    since = max((row["scheduled_at"] for row in cycles if row["status"] == "booked"), default="")
    return _rows(
        db,
        "SELECT * FROM closed_trades INDEXED BY closed_trades_news WHERE season_id = ? AND closed_at >= ? "
        "AND cause <> 'decision' ORDER BY closed_at, id",
        season_id,
        since,
    )


def _paid_calls(db: sqlite3.Connection, season_id: SeasonId, as_of: datetime) -> list[Row]:
    """Return competitor, cost and cycle's time of the calls of the UTC day up to as_of whose cost is known."""
    return _rows(
        db,
        "SELECT llm_id, cost_usd, scheduled_at FROM cycles JOIN model_calls "
        "ON model_calls.season_id = cycles.season_id AND model_calls.cycle = cycles.number "
        "WHERE cycles.season_id = ? AND scheduled_at >= ? AND scheduled_at <= ? AND cost_usd IS NOT NULL",
        season_id,
        iso(midnight(as_of)),
        iso(as_of),
    )
