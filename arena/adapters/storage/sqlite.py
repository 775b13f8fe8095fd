"""The system of record in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from arena.adapters.storage.marks import chained
from arena.adapters.storage.refusals import (
    check_positions,
    check_wallets,
    claimed,
    moved,
    name_of,
    never_begun,
    no_table,
    other_contents,
    rewritten,
)
from arena.adapters.storage.row_store import Page, RowStore
from arena.adapters.storage.rows import TABLES, Row, Tables, all_shown
from arena.adapters.storage.sqlite_accounts import SqliteAccounts
from arena.adapters.storage.sqlite_read import read_rows, read_season
from arena.domain.competitor import SeasonId

_NOW = "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'"
_CHANGING = {  # tables whose rows change, by the columns that name a row
    "cycles": ("season_id", "number"),
    "llm_accounts": ("season_id", "llm_id"),
    "positions": ("season_id", "llm_id", "symbol", "side", "opened_at"),
}


class SqliteRecords(RowStore, SqliteAccounts):
    """The Records port, and with it the Leases and the PaperBooks port, on a file."""

    async def look(self) -> str:
        """Return in words where the state is kept."""
        return f"SQLite at {self.path}"

    async def open_rows(self, season_id: SeasonId, tables: Tables) -> Tables:
        """Write a season's first rows where there are none, and return `seasons` and `competitors` as they are kept."""
        with self._unit_of_work(f"season {season_id} was not opened") as db:
            if not read_season(db, season_id)["seasons"]:
                _insert(db, tables)
            return read_season(db, season_id)

    async def state_rows(self, season_id: SeasonId, as_of: datetime) -> Tables:
        """Return what `state.state_of` reads, by table."""
        with self._unit_of_work(f"the state of season {season_id} was not read", begin="BEGIN") as db:
            return read_rows(db, season_id, as_of)

    async def claim(self, season_id: SeasonId, number: int, scheduled_at: str, claim: str) -> None:
        """Claim a cycle's number; here no answer is ever lost, so that nobody claims it twice under one name."""
        with self._unit_of_work(f"cycle {number} of season {season_id} was not begun") as db:
            begun = db.execute(
                "INSERT INTO cycles (season_id, number, scheduled_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (season_id, number, scheduled_at),
            )
            if begun.rowcount == 0:
                raise claimed(season_id, number)

    async def write_intents(self, season_id: SeasonId, rows: Sequence[Row]) -> None:
        """Write down intents, each once."""
        with self._unit_of_work(f"the intents of season {season_id} were not written") as db:
            for row in rows:
                key = (season_id, row["client_order_id"])
                known = db.execute("SELECT * FROM intents WHERE season_id = ? AND client_order_id = ?", key).fetchone()
                if known is None:
                    _insert(db, {"intents": [row]})
                elif any(known[name] != value for name, value in row.items()):
                    raise rewritten(row["client_order_id"])

    async def book_rows(self, tables: Tables) -> None:
        """Write the rows of a booking, all or none, once."""
        (booking,) = tables["bookings"]
        key = (booking["season_id"], booking["number"])
        with self._unit_of_work(f"{name_of(booking)} was not booked") as db:
            if not _bookable(db, booking):
                return
            _check_wallets(db, tables)
            journal_hash = chained(_journal_hash(db, booking), booking["payload_hash"])
            _insert(db, {**tables, "bookings": [{**booking, "journal_hash": journal_hash}]})
            db.executemany(
                f"UPDATE intents SET closed_booking = ?2, updated_at = {_NOW} "  # noqa: S608
                "WHERE season_id = ?1 AND client_order_id = ?3 AND closed_booking IS NULL",
                [(*key, client_id) for client_id in json.loads(booking["closed_intents"])],
            )
            _check_positions(db, tables)

    async def columns(
        self, table: str, season_id: SeasonId, names: Sequence[str], *, without: tuple[str, str] | None = None
    ) -> Sequence[Row]:
        """Return some columns of a table's rows of a season, in booking order; other long texts stay unread."""
        if table not in TABLES:
            raise no_table(table, TABLES)
        column, value = without or ("season_id", "")
        sql = f"SELECT {', '.join(names)} FROM {table} NOT INDEXED WHERE season_id = ? AND {column} IS NOT ? ORDER BY id"  # noqa: S608  own names
        with self._unit_of_work(f"table {table} of season {season_id} was not read", begin="BEGIN") as db:
            cursor = db.cursor()
            cursor.row_factory = None  # tuples: there may be a million
            return list(all_shown(names, cursor.execute(sql, (season_id, value)).fetchall()))

    async def counts(self, table: str, season_id: SeasonId, names: Sequence[str]) -> Mapping[tuple[Any, ...], int]:
        """Return how many of a table's rows of a season have these values."""
        if table not in TABLES:
            raise no_table(table, TABLES)
        chosen = ", ".join(names)
        sql = f"SELECT {chosen}, count(*) FROM {table} NOT INDEXED WHERE season_id = ? GROUP BY {chosen}"  # noqa: S608  own names
        with self._unit_of_work(f"table {table} of season {season_id} was not read", begin="BEGIN") as db:
            return {tuple(row)[:-1]: row[-1] for row in db.execute(sql, (season_id,))}

    async def of_cycles(self, table: str, season_id: SeasonId, cycles: Sequence[int]) -> Sequence[Row]:
        """Return the rows of some cycles, in booking order; every table of cycles has an index of them."""
        if table not in TABLES:
            raise no_table(table, TABLES)
        marks = ", ".join("?" * len(cycles))
        with self._unit_of_work(f"table {table} of season {season_id} was not read", begin="BEGIN") as db:
            sql = f"SELECT * FROM {table} WHERE season_id = ? AND cycle IN ({marks}) ORDER BY id"  # noqa: S608  a known table
            cursor = db.execute(sql, (season_id, *cycles))
            return list(all_shown([column[0] for column in cursor.description], cursor.fetchall()))

    async def page(self, table: str, season_id: SeasonId, after: int, size: int) -> Page:
        """Return up to `size` of a table's rows of a season that stand behind `after`, in booking order, with their places."""
        if table not in TABLES:
            raise no_table(table, TABLES)
        with self._unit_of_work(f"table {table} of season {season_id} was not read", begin="BEGIN") as db:
            cursor = db.execute(  # by an index of the season SQLite would sort all of its rows for every page
                f"SELECT * FROM {table} NOT INDEXED WHERE season_id = ? AND id > ? ORDER BY id LIMIT ?",  # noqa: S608  a known table
                (season_id, after, size),
            )
            found = cursor.fetchall()
        names = [column[0] for column in cursor.description]
        place = names.index("id")
        return [(row[place], made) for row, made in zip(found, all_shown(names, found), strict=True)]

    async def prompt(self, season_id: SeasonId, part: str, digest: str) -> str | None:
        """Return a part of a prompt by its hash; None where it is not kept."""
        with self._unit_of_work(f"a prompt of season {season_id} was not read", begin="BEGIN") as db:
            key = (season_id, part, digest)
            found = db.execute("SELECT text FROM prompts WHERE season_id = ? AND part = ? AND hash = ?", key).fetchone()
        return found and str(found["text"])


def _insert(db: sqlite3.Connection, tables: Tables) -> None:
    """Write rows; those of a table whose rows change replace the row of the same key, texts shared by cycles are kept once."""
    for table in (name for name in TABLES if name in tables):
        for columns, rows in groupby(tables[table], key=tuple):  # the names of a row
            db.executemany(_insertion(table, columns), [tuple(row.values()) for row in rows])


@cache
def _insertion(table: str, columns: tuple[str, ...]) -> str:
    key = _CHANGING.get(table)
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608  names from rows.py
    if key is not None:
        changes = [f"{name} = excluded.{name}" for name in columns if name not in key]
        return f"{sql} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join([*changes, f'updated_at = {_NOW}'])}"
    return f"{sql} ON CONFLICT DO NOTHING" if table in ("prompts", "configurations") else sql


def _bookable(db: sqlite3.Connection, booking: Row) -> bool:
    """Return whether the unit of work is still to be booked; False when it is booked with these contents.

    Raises:
        CycleConflict: It started from books that have moved on, or its cycle is booked or was never begun.
    """
    key = (booking["season_id"], booking["number"])
    found = db.execute("SELECT payload_hash FROM bookings WHERE season_id = ? AND number = ?", key).fetchone()
    if found is not None and found["payload_hash"] == booking["payload_hash"]:
        return False
    of_cycle = (booking["season_id"], booking["cycle"])
    cycle = db.execute("SELECT status FROM cycles WHERE season_id = ? AND number = ?", of_cycle).fetchone()
    if cycle is None:
        raise never_begun(booking)
    if booking["kind"] == "cycle" and cycle["status"] == "booked":
        raise other_contents(booking)
    last = db.execute("SELECT max(number) AS number FROM bookings WHERE season_id = ?", key[:1]).fetchone()["number"]
    if booking["number"] != (last or 0) + 1:
        raise moved(booking, last or 0)
    return True


def _journal_hash(db: sqlite3.Connection, booking: Row) -> str:
    """Return the journal's hash before a booking."""
    last = (booking["season_id"], booking["number"] - 1)
    found = db.execute("SELECT journal_hash FROM bookings WHERE season_id = ? AND number = ?", last).fetchone()
    season = "SELECT journal_hash FROM seasons WHERE season_id = ?"
    return str((found or db.execute(season, last[:1]).fetchone())["journal_hash"])


def _check_wallets(db: sqlite3.Connection, tables: Tables) -> None:
    """Refuse a booking that started from other balances than the booked ones, or whose entries do not explain the new ones."""
    (booking,) = tables["bookings"]
    found = db.execute("SELECT llm_id, current_balance FROM llm_accounts WHERE season_id = ?", (booking["season_id"],))
    check_wallets({row["llm_id"]: row["current_balance"] for row in found}, tables)


def _check_positions(db: sqlite3.Connection, tables: Tables) -> None:
    """Refuse a booking in which a position vanished without a closed trade: it would come back with the next state."""
    (booking,) = tables["bookings"]
    found = db.execute(
        "SELECT llm_id, symbol, side FROM positions INDEXED BY positions_open WHERE season_id = ? AND status = 'open'",
        (booking["season_id"],),
    )
    check_positions(map(dict, found), tables)
