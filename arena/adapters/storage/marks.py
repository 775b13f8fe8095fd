"""What tells later whether a stored digit was changed, and which.

A mark is a short check of every cell of a row. Each booking keeps the marks of the rows that it writes, a season and an intent
their own: a row that has no mark, or a mark that has no row, was tampered with, and the cell that differs has a name. Marks are
short, so that they are no proof: the hash of a booking's rows is, and each is chained to the one before.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Mapping
from typing import Any

from arena.adapters.storage.rows import ENCODER, Row, Tables, as_json, digest

CELL = 4  # hexadecimal digits of a cell's check, a CRC of 16 bits: it sees every change of two neighbouring bytes
_HEX = f"%0{CELL}x"
SHARED = frozenset({"prompts", "configurations"})  # kept once for many bookings, under the hash of their text
PROJECTED = frozenset({"llm_accounts", "positions"})  # whose rows the next booking may replace: their marks stand for them


def mark(row: Mapping[str, Any]) -> str:
    """Return the checks of a row's cells, in the order of the columns' names; a changed digit always changes its own."""
    return "".join([_HEX % crc_hqx(f"{name}={row[name]}".encode(), 0) for name in sorted(row)])


def marked(row: Row) -> Row:
    """Return a row that keeps its own mark."""
    return {**row, "mark": mark(row)}


def marks(tables: Tables) -> dict[str, list[str]]:
    """Return the marks of every row, by table."""
    return {table: [mark(row) for row in rows] for table, rows in tables.items() if rows and table not in SHARED}


def sealed_season(tables: Tables) -> Tables:
    """Return the rows of a new season with its marks, and the hash with which its journal begins."""
    (season,) = tables["seasons"]
    season = {**season, "marks": as_json(marks(tables))}
    return {**tables, "seasons": [{**season, "journal_hash": journal_hash({**tables, "seasons": [season]})}]}


def sealed(tables: Tables) -> Tables:
    """Return the rows of a booking with its marks and the hash that tells it from another; its `journal_hash` is the store's."""
    (booking,) = tables["bookings"]
    booking = {**booking, "marks": as_json(marks(tables))}
    return {**tables, "bookings": [{**booking, "payload_hash": journal_hash({**tables, "bookings": [booking]})}]}


def journal_hash(tables: Tables) -> str:
    """Return the SHA-256 of everything in these rows that stays as it is."""
    kept = {table: rows for table, rows in tables.items() if rows and table not in SHARED | PROJECTED}
    return digest(ENCODER.encode(kept))


def chained(before: str, payload_hash: str) -> str:
    """Return the journal's hash after a booking: of the one before it, and of what was booked."""
    return digest(before + payload_hash)
