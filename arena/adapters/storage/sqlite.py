"""The system of record in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from arena.adapters.storage.booking_rows import booking_rows
from arena.adapters.storage.marks import chained, marked, sealed, sealed_season
from arena.adapters.storage.refusals import (
    check_terms,
    claimed,
    moved,
    name_of,
    never_begun,
    no_table,
    other_contents,
    rewritten,
    unexplained,
    vanished,
)
from arena.adapters.storage.rows import (
    TABLES,
    Tables,
    intent_row,
    iso,
    season_rows,
    shown,
)
from arena.adapters.storage.sqlite_accounts import SqliteAccounts
from arena.adapters.storage.sqlite_read import read_rows, read_season
from arena.adapters.storage.state import state_of
from arena.application.record import Booking, CycleRecord, SeasonState
from arena.domain.competitor import Season, SeasonId
from arena.domain.money import ZERO
from arena.domain.order import Intent

PAGE = 1000
_NOW = "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'"
_CHANGING = {  # tables whose rows change, by the columns that name a row
    "cycles": ("season_id", "number"),
    "llm_accounts": ("season_id", "llm_id"),
    "positions": ("season_id", "llm_id", "symbol", "side", "opened_at"),
}


class SqliteRecords(SqliteAccounts):
    """The Records port, and with it the Leases and the PaperBooks port, on a file."""

    async def open_season(self, season: Season) -> Season:
        """Create the season with its ledgers, or return the one of that id as it was created."""
        with self._unit_of_work(f"season {season.season_id} was not opened") as db:
            known = read_season(db, season.season_id)
            if known is None:
                _insert(db, sealed_season(season_rows(season)))
                return season
        check_terms(known, season)
        return known

    async def state(self, season_id: SeasonId, as_of: datetime) -> SeasonState:
        """Return where the next cycle starts."""
        with self._unit_of_work(f"the state of season {season_id} was not read", begin="BEGIN") as db:
            rows = read_rows(db, season_id, as_of)
        return state_of(rows, as_of)

    async def begin_cycle(self, season_id: SeasonId, number: int, as_of: datetime) -> None:
        """Claim a cycle's number."""
        with self._unit_of_work(f"cycle {number} of season {season_id} was not begun") as db:
            begun = db.execute(
                "INSERT INTO cycles (season_id, number, scheduled_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (season_id, number, iso(as_of)),
            )
            if begun.rowcount == 0:
                raise claimed(season_id, number)

    async def append_intents(self, season_id: SeasonId, intents: Sequence[Intent]) -> None:
        """Write down orders before they are sent; writing the same again changes nothing."""
        with self._unit_of_work(f"the intents of season {season_id} were not written") as db:
            for row in (marked(intent_row(season_id, intent)) for intent in intents):
                key = (season_id, row["client_order_id"])
                known = db.execute("SELECT * FROM intents WHERE season_id = ? AND client_order_id = ?", key).fetchone()
                if known is None:
                    _insert(db, {"intents": [row]})
                elif any(known[name] != value for name, value in row.items()):
                    raise rewritten(row["client_order_id"])

    async def book(self, booking: Booking) -> None:
        """Keep a unit of work: all of it or nothing, once."""
        tables = sealed(booking_rows(booking))
        row = tables["bookings"][0]
        with self._unit_of_work(f"{name_of(booking)} was not booked") as db:
            if not _bookable(db, booking, row["payload_hash"]):
                return
            _check_wallets(db, booking)
            _insert(
                db, {**tables, "bookings": [{**row, "journal_hash": chained(_journal_hash(db, booking), row["payload_hash"])}]}
            )
            db.executemany(
                f"UPDATE intents SET closed_booking = ?, updated_at = {_NOW} "  # noqa: S608
                "WHERE season_id = ? AND client_order_id = ? AND closed_booking IS NULL",
                [(booking.booking, booking.season_id, client_id) for client_id in booking.closed_intents],
            )
            _check_positions(db, booking)

    async def rows(self, table: str, season_id: SeasonId) -> AsyncIterator[Mapping[str, Any]]:
        """Yield a table's rows of a season in booking order, without the store's own ids and times."""
        if table not in TABLES:
            raise no_table(table, TABLES)
        after = 0
        while True:
            with self._unit_of_work(f"table {table} of season {season_id} was not read", begin="BEGIN") as db:
                page = db.execute(
                    f"SELECT * FROM {table} WHERE season_id = ? AND id > ? ORDER BY id LIMIT {PAGE}",  # noqa: S608  a known table
                    (season_id, after),
                ).fetchall()
            for row in page:
                yield shown(dict(row))
            if len(page) < PAGE:
                return
            after = page[-1]["id"]


def _insert(db: sqlite3.Connection, tables: Tables) -> None:
    """Write rows; those of a table whose rows change replace the row of the same key, texts shared by cycles are kept once."""
    for table in (name for name in TABLES if name in tables):
        for row in tables[table]:
            key = _CHANGING.get(table)
            sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608  names from rows.py
            if key is not None:
                changes = [f"{name} = excluded.{name}" for name in row if name not in key]
                sql += f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join([*changes, f'updated_at = {_NOW}'])}"
            elif table in ("prompts", "configurations"):
                sql += " ON CONFLICT DO NOTHING"
            db.execute(sql, tuple(row.values()))


def _bookable(db: sqlite3.Connection, booking: Booking, digest: str) -> bool:
    """Return whether the unit of work is still to be booked; False when it is booked with these contents.

    Raises:
        CycleConflict: It started from books that have moved on, or its cycle is booked or was never begun.
    """
    key = (booking.season_id, booking.booking)
    found = db.execute("SELECT payload_hash FROM bookings WHERE season_id = ? AND number = ?", key).fetchone()
    if found is not None and found["payload_hash"] == digest:
        return False
    _check_cycle(db, booking)
    last = db.execute("SELECT max(number) AS number FROM bookings WHERE season_id = ?", (booking.season_id,)).fetchone()["number"]
    if booking.booking != (last or 0) + 1:
        raise moved(booking, last or 0)
    return True


def _journal_hash(db: sqlite3.Connection, booking: Booking) -> str:
    """Return the journal's hash before a booking."""
    last = (booking.season_id, booking.booking - 1)
    found = db.execute("SELECT journal_hash FROM bookings WHERE season_id = ? AND number = ?", last).fetchone()
    season = "SELECT journal_hash FROM seasons WHERE season_id = ?"
    return str((found or db.execute(season, (booking.season_id,)).fetchone())["journal_hash"])


def _check_cycle(db: sqlite3.Connection, booking: Booking) -> None:
    key = (booking.season_id, booking.cycle)
    cycle = db.execute("SELECT status FROM cycles WHERE season_id = ? AND number = ?", key).fetchone()
    if cycle is None:
        raise never_begun(booking)
    if isinstance(booking, CycleRecord) and cycle["status"] == "booked":
        raise other_contents(booking)


def _check_wallets(db: sqlite3.Connection, booking: Booking) -> None:
    """Refuse a booking that started from other balances than the booked ones, or whose entries do not explain the new ones."""
    found = db.execute("SELECT llm_id, current_balance FROM llm_accounts WHERE season_id = ?", (booking.season_id,))
    balances = {row["llm_id"]: Decimal(row["current_balance"]) for row in found}
    for entry in booking.entries:
        balances[entry.llm_id] = balances.get(entry.llm_id, ZERO) + entry.amount
    for llm_id, ledger in booking.ledgers.items():
        if balances.get(llm_id) != ledger.wallet_balance:
            raise unexplained(booking, llm_id, balances.get(llm_id), ledger.wallet_balance)


def _check_positions(db: sqlite3.Connection, booking: Booking) -> None:
    """Refuse a booking in which a position vanished without a closed trade: it would come back with the next state."""
    found = db.execute(
        "SELECT llm_id, symbol, side FROM positions INDEXED BY positions_open WHERE season_id = ? AND status = 'open'",
        (booking.season_id,),
    )
    kept = {(row["llm_id"], row["symbol"], row["side"]) for row in found if row["llm_id"] in booking.ledgers}
    held = {(llm_id, symbol, side) for llm_id, ledger in booking.ledgers.items() for symbol, side in ledger.positions}
    if lost := kept - held:
        raise vanished(booking, (" ".join(key) for key in sorted(lost)))
