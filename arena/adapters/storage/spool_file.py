"""What this machine keeps while Supabase is away: the writes in their order, and the rows that they follow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arena.adapters.shared_file import SharedFile
from arena.adapters.storage.rows import Tables

_SCHEMA = """
-- In order. delivered: Supabase has it; kept until the rows are read anew. refused: why Supabase would not take it, for a person.
CREATE TABLE IF NOT EXISTS writes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    season_id TEXT NOT NULL,
    name TEXT NOT NULL,
    arguments TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    refused TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS states (season_id TEXT PRIMARY KEY, rows TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS paper_books (
    season_id TEXT NOT NULL, account TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (season_id, account)
) STRICT;
CREATE TABLE IF NOT EXISTS leases (season_id TEXT PRIMARY KEY, holder TEXT NOT NULL, until TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One call that Supabase is to get: `name` of a method of the row store, with its arguments."""

    number: int
    season_id: str
    name: str
    arguments: dict[str, Any]


class SpoolFile(SharedFile):
    """A file of a machine's; processes take turns with writing and delivering.

    Raises:
        ConfigurationError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA, "spool")  # `hold` adds what a power cut would take

    def append(self, season_id: str, name: str, arguments: dict[str, Any]) -> Write:
        """Write down a write before it is sent."""
        text = json.dumps(arguments, ensure_ascii=False)
        added = self._db.execute("INSERT INTO writes (season_id, name, arguments) VALUES (?, ?, ?)", (season_id, name, text))
        return Write(number=added.lastrowid or 0, season_id=season_id, name=name, arguments=arguments)

    def hold(self) -> None:
        """Bring everything to the disk: nobody else has it."""
        self._db.execute("PRAGMA wal_checkpoint(FULL)")

    def drop(self, write: Write) -> None:
        """Forget a write that was refused to the one who wanted it."""
        self._db.execute("DELETE FROM writes WHERE id = ?", (write.number,))

    def delivered(self, write: Write) -> None:
        """Note that Supabase has a write."""
        self._db.execute("UPDATE writes SET delivered = 1 WHERE id = ?", (write.number,))

    def refused(self, write: Write, why: str) -> None:
        """Set a write aside that Supabase would not take any more; it is kept."""
        self._db.execute("UPDATE writes SET refused = ? WHERE id = ?", (why, write.number))

    def waiting(self) -> list[Write]:
        """Return what is still to be delivered, oldest first."""
        return self._writes("delivered = 0 AND refused IS NULL")

    def waiting_before(self, write: Write) -> list[Write]:
        """Return what is to be delivered before a write, oldest first."""
        return self._writes("delivered = 0 AND refused IS NULL AND id < ?", write.number)

    def since_state(self, season_id: str) -> list[Write]:
        """Return the writes that the kept rows of a season lack, oldest first."""
        return self._writes("refused IS NULL AND season_id = ?", season_id)

    def set_aside(self) -> list[tuple[int, str, str]]:
        """Return number, name and reason of the writes that were refused."""
        found = self._db.execute("SELECT id, name, refused FROM writes WHERE refused IS NOT NULL ORDER BY id")
        return [(row["id"], row["name"], row["refused"]) for row in found]

    def keep_state(self, season_id: str, rows: Tables) -> None:
        """Keep the rows of a season as they were read; all writes up to now are in them."""
        text = json.dumps(rows, ensure_ascii=False)
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM writes WHERE season_id = ? AND delivered = 1", (season_id,))
        self._db.execute("INSERT OR REPLACE INTO states (season_id, rows) VALUES (?, ?)", (season_id, text))
        self._db.execute("COMMIT")

    def kept_state(self, season_id: str) -> Tables | None:
        """Return the rows as they were last read; None where they never were."""
        found = self._db.execute("SELECT rows FROM states WHERE season_id = ?", (season_id,)).fetchone()
        rows: Tables | None = None if found is None else json.loads(found["rows"])
        return rows

    def kept_book(self, season_id: str, account: str) -> tuple[int, str] | None:
        """Return version and text of a paper account's book as last seen."""
        key = (season_id, account)
        found = self._db.execute("SELECT version, text FROM paper_books WHERE season_id = ? AND account = ?", key).fetchone()
        return None if found is None else (found["version"], found["text"])

    def keep_book(self, season_id: str, account: str, version: int, text: str) -> None:
        """Keep a paper account's book as it was read or saved."""
        self._db.execute("INSERT OR REPLACE INTO paper_books VALUES (?, ?, ?, ?)", (season_id, account, version, text))

    def take(self, season_id: str, holder: str, now: str, until: str) -> bool:
        """Take the lease among this machine's processes."""
        taken = self._db.execute(
            "INSERT INTO leases (season_id, holder, until) VALUES (?, ?, ?) ON CONFLICT (season_id) DO UPDATE "
            "SET holder = excluded.holder, until = excluded.until WHERE holder = excluded.holder OR until <= ?",
            (season_id, holder, until, now),
        )
        return taken.rowcount > 0

    def release(self, season_id: str, holder: str) -> None:
        """Give the lease back."""
        self._db.execute("DELETE FROM leases WHERE season_id = ? AND holder = ?", (season_id, holder))

    def _writes(self, which: str, *values: object) -> list[Write]:
        found: Sequence[sqlite3.Row] = self._db.execute(
            f"SELECT id, season_id, name, arguments FROM writes WHERE {which} ORDER BY id",  # noqa: S608  own conditions
            values,
        ).fetchall()
        return [
            Write(number=row["id"], season_id=row["season_id"], name=row["name"], arguments=json.loads(row["arguments"]))
            for row in found
        ]
