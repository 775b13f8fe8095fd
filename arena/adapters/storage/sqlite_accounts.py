"""What the runs of a season share: whether it goes on, who may act on its accounts now, and the books of the paper ones."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from arena.adapters.storage.refusals import has_ended, stands_nowhere
from arena.adapters.storage.restore import standing_of
from arena.adapters.storage.rows import flat, iso
from arena.adapters.storage.sqlite_file import SqliteFile
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.domain.competitor import AccountId, SeasonId


class SqliteAccounts(SqliteFile):
    """The Standings, the Leases and the PaperBooks port on a file."""

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

    async def standing(self, season_id: SeasonId) -> SeasonStanding | None:
        """Return where the season stands; None where nobody has halted, resumed or ended it so far."""
        with self._unit_of_work(f"where season {season_id} stands was not read", begin="BEGIN") as db:
            return _last_standing(db, season_id)

    async def stand(self, season_id: SeasonId, standing: SeasonStanding) -> None:
        """Note where the season stands from now on."""
        with self._unit_of_work(f"where season {season_id} stands was not written") as db:
            last = _last_standing(db, season_id)
            if last == standing:
                return
            if last is not None and last.status is SeasonStatus.ENDED:
                raise has_ended(season_id)
            if db.execute("SELECT 1 FROM seasons WHERE season_id = ?", (season_id,)).fetchone() is None:
                raise stands_nowhere(season_id)
            written = "INSERT INTO standings (status, reason, time, season_id) VALUES (:status, :reason, :time, :season_id)"
            db.execute(written, flat(standing) | {"season_id": season_id})

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


def _last_standing(db: sqlite3.Connection, season_id: SeasonId) -> SeasonStanding | None:
    row = db.execute(
        "SELECT status, reason, time FROM standings WHERE season_id = ? ORDER BY id DESC LIMIT 1", (season_id,)
    ).fetchone()
    return None if row is None else standing_of(row)
