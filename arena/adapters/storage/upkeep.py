"""What an owner does to a store: make its tables, take a season in, let old prompts go, remove a season.

None of it is the arena's own: a run only appends. In Supabase it takes the database's password (SUPABASE_DB_URL), not the key.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from arena.adapters.storage.archive import ARCHIVED, Line
from arena.adapters.storage.drift import postgres_drift, sqlite_drift
from arena.adapters.storage.migrations import migrate
from arena.adapters.storage.rows import Row, iso
from arena.adapters.storage.sqlite_file import open_file
from arena.adapters.storage.supabase_wire import to_wire
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError, RecordsError

if TYPE_CHECKING:
    import psycopg

EVERY_TABLE = (*ARCHIVED, "leases", "standings")  # a table comes after those that it refers to
PAGE = 500
_OLD = (  # the market's part of prompts, which no booked cycle after a moment shows; the cycles keep its hash
    "DELETE FROM prompts WHERE season_id = {0} AND part = 'market' AND hash NOT IN "
    "(SELECT market_prompt_hash FROM cycles WHERE season_id = {0} AND scheduled_at >= {1} AND market_prompt_hash IS NOT NULL)"
)


class Upkeep(Protocol):
    """The owner's side of a store."""

    def init(self) -> Sequence[str]:
        """Make what is missing, and return in words what was made."""
        ...

    def drift(self) -> Sequence[str]:
        """Return in words where the schema is not what this version makes."""
        ...

    def take_in(self, season_id: SeasonId, lines: Iterable[Line]) -> int:
        """Write a season's rows, all or none, and return how many.

        Raises:
            ConfigurationError: The season is there already.
        """
        ...

    def prune(self, season_id: SeasonId, before: datetime) -> int:
        """Remove the market's part of the prompts of cycles before a moment, and return how many; nothing else goes."""
        ...

    def remove(self, season_id: SeasonId) -> int:
        """Remove everything of a season, and return how many rows."""
        ...


class SqliteUpkeep:
    """Of a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def init(self) -> Sequence[str]:
        """Make the file where there is none."""
        there = self.path.exists()
        open_file(self.path).close()
        return () if there else (str(self.path),)

    def drift(self) -> Sequence[str]:
        """Return in words where the schema is not what this version makes."""
        with closing(open_file(self.path)) as db:
            return list(sqlite_drift(db))

    def take_in(self, season_id: SeasonId, lines: Iterable[Line]) -> int:
        """Write a season's rows, all or none, and return how many."""
        with self._owned() as db:
            if db.execute("SELECT 1 FROM seasons WHERE season_id = ?", (season_id,)).fetchone():
                raise _there(season_id)
            written = 0
            for table, row in lines:
                sql = f"INSERT INTO {_known(table)} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608
                db.execute(sql, tuple(row.values()))
                written += 1
            return written

    def prune(self, season_id: SeasonId, before: datetime) -> int:
        """Remove the market's part of the prompts of cycles before a moment, and return how many."""
        with self._owned() as db:
            return db.execute(_OLD.format("?1", "?2"), (season_id, iso(before))).rowcount

    def remove(self, season_id: SeasonId) -> int:
        """Remove everything of a season, and return how many rows."""
        with self._owned() as db:
            gone = [db.execute(f"DELETE FROM {table} WHERE season_id = ?", (season_id,)) for table in reversed(EVERY_TABLE)]  # noqa: S608
            return sum(each.rowcount for each in gone)

    @contextmanager
    def _owned(self) -> Iterator[sqlite3.Connection]:
        """Lift the triggers for one transaction; they are back whatever becomes of it."""
        db = open_file(self.path)
        try:
            db.execute("BEGIN IMMEDIATE")
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            yield db
            for statement in _triggers():
                db.execute(statement)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            raise RecordsError(f"nothing was changed in {self.path}: {error}") from error
        finally:
            db.close()  # which rolls back what was not committed


class PostgresUpkeep:
    """Of a Supabase project, by its database's URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def init(self) -> Sequence[str]:
        """Apply the migrations that are missing."""
        return migrate(self._url)

    def drift(self) -> Sequence[str]:
        """Return in words where the schema is not what this version makes."""
        with self._owned() as db:
            return list(postgres_drift(db))

    def take_in(self, season_id: SeasonId, lines: Iterable[Line]) -> int:
        """Write a season's rows, all or none, and return how many."""
        with self._owned() as db:
            if db.execute("select 1 from public.seasons where season_id = %s", (season_id,)).fetchone():
                raise _there(season_id)
            return sum(self._insert(db, table, rows) for table, rows in _pages(lines))

    def prune(self, season_id: SeasonId, before: datetime) -> int:
        """Remove the market's part of the prompts of cycles before a moment, and return how many."""
        with self._owned("prompts") as db:
            db.execute("set local search_path = public")
            return db.execute(_OLD.format("%(season)s", "%(before)s").encode(), {"season": season_id, "before": before}).rowcount

    def remove(self, season_id: SeasonId) -> int:
        """Remove everything of a season, and return how many rows."""
        with self._owned(*EVERY_TABLE) as db:
            gone = [
                db.execute(f"delete from public.{table} where season_id = %s".encode(), (season_id,))  # noqa: S608
                for table in reversed(EVERY_TABLE)
            ]
            return sum(each.rowcount for each in gone)

    def _insert(self, db: psycopg.Connection, table: str, rows: list[Row]) -> int:
        columns = ", ".join(rows[0])
        text = json.dumps(to_wire({table: rows})[table], ensure_ascii=False)
        statement = (
            f"insert into public.{_known(table)} ({columns}) select {columns} "  # noqa: S608
            f"from jsonb_populate_recordset(null::public.{table}, %s::jsonb)"
        )
        return db.execute(statement.encode(), (text,)).rowcount

    @contextmanager
    def _owned(self, *lifted: str) -> Iterator[psycopg.Connection]:
        """One transaction, with the triggers of some tables lifted in it: something is removed that they keep."""
        import psycopg

        try:
            with psycopg.connect(self._url) as db:
                for table in lifted:
                    db.execute(f"alter table public.{table} disable trigger user".encode())
                yield db
                for table in lifted:
                    db.execute(f"alter table public.{table} enable trigger user".encode())
        except psycopg.OperationalError as error:
            raise ConfigurationError(f"the database of SUPABASE_DB_URL cannot be reached: {str(error).strip()}") from error
        except psycopg.Error as error:
            raise RecordsError(f"nothing was changed in Supabase: {error}") from error


def _there(season_id: SeasonId) -> ConfigurationError:
    return ConfigurationError(f"season {season_id} is in this store already; remove it first, or use another store")


def _known(table: str) -> str:
    if table not in ARCHIVED:
        raise ConfigurationError(f"the archive has rows of a table {table}, which this version does not know")
    return table


def _pages(lines: Iterable[Line]) -> Iterator[tuple[str, list[Row]]]:
    """Yield rows of one table and with the same columns together."""
    line = iter(lines)
    while page := list(islice(line, PAGE)):
        start = 0
        for end in range(1, len(page) + 1):
            if end == len(page) or (page[end][0], page[end][1].keys()) != (page[start][0], page[start][1].keys()):
                yield page[start][0], [row for _, row in page[start:end]]
                start = end


def _triggers() -> list[str]:
    schema = files("arena.adapters.storage").joinpath("schema.sql").read_text(encoding="utf-8")
    return [f"CREATE TRIGGER{part.split('END;')[0]}END" for part in schema.split("CREATE TRIGGER")[1:]]
