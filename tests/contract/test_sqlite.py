"""What the SQLite adapter promises beyond the port: its file, its indexes, its triggers, and booking whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.storage import row_store
from arena.adapters.storage.booking_rows import KEPT_WHEN_CLOSED, booking_rows
from arena.adapters.storage.drift import sqlite_drift
from arena.adapters.storage.marks import marked, sealed, sealed_season
from arena.adapters.storage.rows import TABLES, cell, intent_row, season_rows
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.record import Alert, AlertKind, CycleRecord, ForeignFill
from arena.domain.competitor import SHARED_ACCOUNT
from arena.errors import ConfigurationError, RecordsError
from tests.contract.test_records import TEST, A, B, C, book, everything, quiet, table
from tests.fakes.season import START, Story, season


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arena.db"


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


class TestSqliteFile:
    async def test_it_is_its_owners_only(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "arena.db"
        records = SqliteRecords(path)
        await records.open_season(season())
        assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
        assert sorted(each.name for each in path.parent.iterdir()) == ["arena.db", "arena.db-shm", "arena.db-wal"]

    @pytest.mark.parametrize(("version", "age"), [(999, "a newer"), (-1, "an older")])
    def test_another_version_is_refused(self, path: Path, version: int, age: str) -> None:
        SqliteRecords(path).close()
        raw(path).execute(f"PRAGMA user_version = {version}")
        with pytest.raises(ConfigurationError, match=rf"was written by {age} version of the arena \(schema {version},"):
            SqliteRecords(path)

    def test_another_programs_file_is_refused(self, path: Path) -> None:
        raw(path).execute("CREATE TABLE trades (id)")
        with pytest.raises(ConfigurationError, match="another program's database"):
            SqliteRecords(path)

    def test_a_file_that_is_no_database_is_refused(self, path: Path) -> None:
        path.write_text("season,cycle\n" * 100)
        with pytest.raises(ConfigurationError, match=r"arena\.db is not a file of the arena's records"):
            SqliteRecords(path)

    async def test_the_version_before_lacks_a_table_and_gets_it(self, path: Path) -> None:
        with SqliteRecords(path) as records:
            await records.open_season(season())
        before = raw(path)
        before.executescript("DROP TABLE standings; PRAGMA user_version = 4")
        before.close()
        with SqliteRecords(path) as records:
            assert await records.standing(TEST) is None
            assert list(sqlite_drift(records._db)) == []

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            SqliteRecords(tmp_path)

    @pytest.mark.parametrize("name", sorted(set(TABLES) - {"llm_accounts", "positions", "cycles", "intents"}))
    async def test_what_happened_is_never_changed(self, path: Path, name: str) -> None:
        records, story = SqliteRecords(path), Story()
        await records.open_season(story.season)
        await book(records, story, 4)
        await book_record(records, with_everything(story.cycle()))
        before = await table(records, name)
        assert before
        for statement in (f"DELETE FROM {name}", f"UPDATE {name} SET season_id = ''"):
            with pytest.raises(sqlite3.IntegrityError, match=f"{name} is append-only"):
                raw(path).execute(statement)
        assert await table(records, name) == before

    @pytest.mark.parametrize(
        ("statement", "refusal"),
        [
            ("DELETE FROM cycles", "cycles are never deleted"),
            ("UPDATE cycles SET requests = 0", "a booked cycle is never changed"),
            ("DELETE FROM intents", "intents are never deleted"),
            ("UPDATE intents SET closed_booking = NULL WHERE closed_booking = 1", "an intent is never changed, but closed once"),
            ("UPDATE intents SET quantity = '1' WHERE closed_booking IS NULL", "an intent is never changed, but closed once"),
        ],
    )
    async def test_cycles_and_intents_are_ended_once(self, path: Path, statement: str, refusal: str) -> None:
        records, story = SqliteRecords(path), Story()
        await records.open_season(story.season)
        await book(records, story, 2)
        with pytest.raises(sqlite3.IntegrityError, match=refusal):
            raw(path).execute(statement)

    async def test_every_column_is_written(self, path: Path) -> None:
        """A column that a row leaves out would have no mark."""
        records, story = SqliteRecords(path), Story()
        await records.open_season(story.season)
        await book(records, story, 4)
        written = {**sealed_season(season_rows(story.season)), **sealed(booking_rows(with_everything(story.cycle())))}
        written["intents"] = [marked(intent_row(TEST, story.intents[5][0]))]
        assert set(written) == set(TABLES)
        for name, rows in written.items():
            columns = {row[1] for row in raw(path).execute(f"PRAGMA table_info({name})")}
            by_the_store = {"id", "created_at", "updated_at", "journal_hash" if name == "bookings" else "closed_booking"}
            whole = frozenset(columns - by_the_store)
            assert {frozenset(row) for row in rows} <= {whole, whole - KEPT_WHEN_CLOSED if name == "positions" else whole}, name

    @pytest.mark.parametrize("name", sorted(set(TABLES) - {"seasons", "competitors", "intents"}))
    async def test_a_failure_in_any_table_books_nothing(self, path: Path, name: str) -> None:
        records, story = SqliteRecords(path), Story()
        await records.open_season(story.season)
        for _ in range(4):
            await book(records, story)
        record = story.cycle()  # the fifth has a discrepancy
        await records.begin_cycle(TEST, 5, record.scheduled_at)
        await records.append_intents(TEST, story.intents[5])
        before = await everything(records)
        for event in ("INSERT", "UPDATE"):
            raw(path).execute(
                f"CREATE TRIGGER broken_{event} BEFORE {event} ON {name} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        full = with_everything(record)
        with pytest.raises(RecordsError, match="cycle 5 of season test was not booked: disk full"):
            await records.book(full)
        for event in ("INSERT", "UPDATE"):
            raw(path).execute(f"DROP TRIGGER broken_{event}")
        assert await everything(records) == before
        await records.book(full)
        booked = await everything(records)
        assert all(any(row.get("cycle", 5) == 5 for row in rows) for rows in booked.values())

    async def test_every_foreign_key_is_indexed(self, path: Path) -> None:
        SqliteRecords(path).close()
        db = raw(path)
        for name in TABLES:
            indexes = []
            for index in db.execute(f"PRAGMA index_list({name})").fetchall():
                if not index[4]:  # a partial index does not serve every row
                    indexes.append([row[2] for row in db.execute(f"PRAGMA index_info({index[1]})")])
            keys: dict[int, list[str]] = {}
            for row in db.execute(f"PRAGMA foreign_key_list({name})"):
                keys.setdefault(row[0], []).append(row[3])
            assert keys or name == "seasons"
            for columns in keys.values():
                assert any(index[: len(columns)] == columns for index in indexes), (name, columns)

    async def test_no_query_of_a_cycle_scans_a_table(self, path: Path) -> None:
        records, story = SqliteRecords(path), Story()
        await records.open_season(story.season)
        await book(records, story, 2)
        statements: list[str] = []
        records._db.set_trace_callback(statements.append)
        record = await book(records, story)
        await records.state(TEST, record.closed_at)
        records._db.set_trace_callback(None)
        queries = [text for text in statements if text.startswith(("SELECT", "UPDATE", "INSERT"))]
        assert len(queries) > 30
        db = raw(path)
        for query in queries:
            for step in db.execute(f"EXPLAIN QUERY PLAN {query}"):
                assert not step[3].startswith("SCAN"), (query, step[3])

    async def test_what_is_closed_costs_nothing(self, path: Path) -> None:
        records, story = SqliteRecords(path), Story()
        await records.open_season(story.season)
        record = await book(records, story, 4)
        steps = [0]

        def step() -> int:
            steps[0] += 1
            return 0

        async def cost() -> int:
            records._db.set_progress_handler(step, 1)
            steps[0] = 0
            await records.state(TEST, record.closed_at)
            records._db.set_progress_handler(None, 0)
            return steps[0]

        before = await cost()
        trade = next(each.closed_trades[0] for each in Story(seed=3).play(12) if each.closed_trades)
        trades = tuple(replace(trade, opened_at=START + timedelta(seconds=i)) for i in range(500))
        intent = story.intents[4][0]
        names = [f"abc123-5-A-X{i}-o" for i in range(500)]
        await records.begin_cycle(TEST, 5, record.scheduled_at)
        await records.append_intents(
            TEST, [replace(intent, cycle=5, order=replace(intent.order, client_order_id=name)) for name in names]
        )
        await records.book(replace(quiet(record, 5, record.scheduled_at), closed_trades=trades, closed_intents=tuple(names)))
        assert before > 500
        assert await cost() < before * 1.1

    async def test_long_tables_are_read_in_pages(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(row_store, "PAGE", 7)
        records, story = SqliteRecords(path), Story()
        await records.open_season(story.season)
        await book(records, story, 7)
        rows = await table(records, "equity_points")
        assert [(row["cycle"], row["llm_id"]) for row in rows] == [(n, name) for n in range(1, 8) for name in (A, B, C)]

    async def test_a_busy_or_closed_file_is_a_records_fault(self, path: Path) -> None:
        records = SqliteRecords(path)
        await records.open_season(season())
        records._db.execute("PRAGMA busy_timeout = 1")
        blocker = raw(path)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordsError, match="cycle 1 of season test was not begun: database is locked"):
            await records.begin_cycle(TEST, 1, START)
        blocker.execute("ROLLBACK")
        await records.begin_cycle(TEST, 1, START)
        records.close()
        with pytest.raises(RecordsError, match="closed database"):
            await records.begin_cycle(TEST, 2, START)

    async def test_a_season_that_is_not_open_has_no_cycles(self, path: Path) -> None:
        with pytest.raises(RecordsError, match="FOREIGN KEY"):
            await SqliteRecords(path).begin_cycle(TEST, 1, START)

    def test_many_may_open_a_new_file_at_once(self, path: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            opened = list(pool.map(lambda _: SqliteRecords(path), range(8)))
        assert asyncio.run(opened[0].open_season(season())) == asyncio.run(opened[7].open_season(season()))

    def test_sqlite_that_will_not_wait_is_asked_again(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two who make the same new file: the one that reads while the other commits is refused at once, busy timeout or not."""
        refused = []

        class Refusing(sqlite3.Connection):
            def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
                if "WAL" in sql and len(refused) < 3:
                    refused.append(sql)
                    error = sqlite3.OperationalError("database is locked")
                    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                    raise error
                return super().execute(sql, *rest)

        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Refusing))
        records = SqliteRecords(path)
        assert len(refused) == 3
        assert records._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"

    @settings(max_examples=100, deadline=None)
    @given(amount=st.decimals(min_value="-1e9", max_value="1e9", places=18, allow_nan=False))
    def test_any_amount_comes_back_equal(self, amount: Decimal) -> None:
        text = cell(amount)
        assert isinstance(text, str)
        assert "E" not in text
        assert Decimal(text) == amount


async def book_record(records: SqliteRecords, record: CycleRecord) -> None:
    await records.begin_cycle(TEST, record.number, record.scheduled_at)
    await records.book(record)


def with_everything(record: CycleRecord) -> CycleRecord:
    """The record with at least one row for every table, its entries still explaining its wallets."""
    donors = Story(seed=11).play(30)
    trade = next(each.closed_trades[0] for each in donors if each.closed_trades)
    payment = next(each.funding[0] for each in donors if each.funding)
    rejection = next(
        turn.plan.rejections[0] for each in donors for turn in each.turns if turn.plan is not None and turn.plan.rejections
    )
    first = record.turns[0]
    assert first.plan is not None
    turn = replace(first, plan=replace(first.plan, rejections=(rejection,)))
    return replace(
        record,
        turns=(turn, *record.turns[1:]),
        closed_trades=(replace(trade, symbol="DOGEUSDT"),),
        funding=(replace(payment, symbol="DOGEUSDT"),),
        foreign=(ForeignFill(account=SHARED_ACCOUNT, fill=replace(donors[0].fills[0].fill, client_order_id="web_abc")),),
        alerts=(Alert(kind=AlertKind.HALTED, llm_id=None, text="halted", time=record.closed_at),),
    )
