"""What the runs of a season share about its accounts: who may act on them now, and the books of the paper ones."""

from __future__ import annotations

from datetime import datetime

from arena.adapters.storage.rows import iso
from arena.adapters.storage.sqlite_file import SqliteFile
from arena.domain.competitor import AccountId, SeasonId


class SqliteAccounts(SqliteFile):
    """The Leases and the PaperBooks port on a file."""

    async def take(self, season_id: SeasonId, holder: str, now: datetime, until: datetime) -> bool:
        """Take the lease on a season's accounts, or hold it longer; False while somebody else's has not run out."""
        with self._unit_of_work(f"the lease of season {season_id} was not taken") as db:
            taken = db.execute(
                "INSERT INTO leases (season_id, holder, until) VALUES (?, ?, ?) ON CONFLICT (season_id) DO UPDATE "
                "SET holder = excluded.holder, until = excluded.until WHERE holder = excluded.holder OR until <= ?",
                (season_id, holder, iso(until), iso(now)),
            )
            return taken.rowcount > 0

    async def release(self, season_id: SeasonId, holder: str) -> None:
        """Give the lease back, where it is still `holder`'s."""
        with self._unit_of_work(f"the lease of season {season_id} was not given back") as db:
            db.execute("DELETE FROM leases WHERE season_id = ? AND holder = ?", (season_id, holder))

    async def load_paper_book(self, season_id: SeasonId, account: AccountId) -> tuple[int, str] | None:
        """Return version and text of an account's book; None where none was ever saved."""
        with self._unit_of_work(f"the paper book of {account} in season {season_id} was not read", begin="BEGIN") as db:
            found = db.execute(
                "SELECT version, text FROM paper_books WHERE season_id = ? AND account = ?", (season_id, account)
            ).fetchone()
        return None if found is None else (found["version"], found["text"])

    async def save_paper_book(self, season_id: SeasonId, account: AccountId, version: int, text: str) -> bool:
        """Save the text that follows a version; False where another one has followed it meanwhile."""
        key = (season_id, account)
        with self._unit_of_work(f"the paper book of {account} in season {season_id} was not saved") as db:
            if version == 0:
                sql = "INSERT INTO paper_books (text, season_id, account, version) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING"
                saved = db.execute(sql, (text, *key))
            else:
                sql = "UPDATE paper_books SET text = ?, version = version + 1 WHERE season_id = ? AND account = ? AND version = ?"
                saved = db.execute(sql, (text, *key, version))
            if saved.rowcount > 0:
                return True
            same = "SELECT 1 FROM paper_books WHERE season_id = ? AND account = ? AND version = ? AND text = ?"
            return db.execute(same, (*key, version + 1, text)).fetchone() is not None
