"""What the Supabase side promises beyond the port: nobody else gets in, nothing changes, and an outage loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgrest import APIError
from psycopg.types.json import Jsonb
from pytest_httpserver import HTTPServer
from supabase import create_client

from arena.adapters.storage.booking_rows import booking_rows
from arena.adapters.storage.delivery import PAUSE_SECONDS
from arena.adapters.storage.marks import marked, sealed, sealed_season
from arena.adapters.storage.rows import TABLES, intent_row, season_rows
from arena.adapters.storage.spool_file import SpoolFile
from arena.adapters.storage.spooled import SpooledRecords
from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.supabase import SCHEMA_VERSION, SupabaseRecords
from arena.adapters.storage.supabase_wire import to_wire
from arena.errors import ConfigurationError, CycleConflict, RecordsError, RecordsUnavailable
from scripts.supabase_local.gateway import Fault
from scripts.supabase_local.keys import SERVICE_KEY
from scripts.supabase_local.stack import Stack
from tests.contract.test_records import TEST, book, everything, swept, table
from tests.contract.test_sqlite import with_everything
from tests.fakes.season import START, STEP, Story

EVERY_TABLE = (*TABLES, "leases", "paper_books", "standings")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """One machine's view: the store with its spool, and a clock that the test moves."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.clock = Clock()
        self.remote = SupabaseRecords(stack.url, stack.service_key)
        self.records = SpooledRecords(self.remote, SpoolFile(folder / "spool.sqlite"), self.clock)

    def later(self) -> None:
        self.clock.now += PAUSE_SECONDS


@pytest.fixture
def records(supabase: Stack) -> Iterator[SupabaseRecords]:
    found = SupabaseRecords(supabase.url, supabase.service_key)
    yield found
    found.close()


@pytest.fixture
def desk(supabase: Stack, tmp_path: Path) -> Iterator[Desk]:
    found = Desk(supabase, tmp_path)
    yield found
    found.records.close()


class TestAccess:
    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_the_public_key_reads_and_writes_nothing(self, supabase: Stack, name: str) -> None:
        client = create_client(supabase.url, supabase.anon_key)
        for attempt in (client.table(name).select("*"), client.table(name).insert({"season_id": "x"})):
            with pytest.raises(APIError) as refused:
                attempt.execute()
            assert refused.value.code == "42501"

    @pytest.mark.parametrize("role", ["anon", "authenticated", "arena_dashboard"])
    def test_nobody_but_the_service_calls_a_function(self, supabase: Stack, role: str) -> None:
        called = supabase.sql(
            "select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace "
            "and has_function_privilege(%s, p.oid, 'execute') and p.prorettype <> 'trigger'::regtype",
            role,
        )
        assert called == []
        assert len(supabase.sql("select 1 from pg_proc where pronamespace = 'public'::regnamespace")) >= 12

    @pytest.mark.parametrize("name", EVERY_TABLE)
    async def test_the_service_key_changes_nothing_past_the_functions(
        self, supabase: Stack, records: SupabaseRecords, name: str
    ) -> None:
        story = Story()
        await records.open_season(story.season)
        await book(records, story, 2)
        before = await everything(records)
        with psycopg.connect(supabase.dsn, autocommit=True) as connection:
            connection.execute("set role service_role")
            for statement in (f"update {name} set season_id = 'x'", f"delete from {name}", f"truncate {name} cascade"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)  # type: ignore[call-overload]
        assert await everything(records) == before

    @pytest.mark.parametrize("name", sorted(set(TABLES) - {"llm_accounts", "positions", "cycles", "intents", "prompts"}))
    async def test_not_even_the_owner_changes_what_happened(self, supabase: Stack, records: SupabaseRecords, name: str) -> None:
        story = Story()
        await records.open_season(story.season)
        await book(records, story, 6)
        there = await table(records, name)
        for statement in (f"update {name} set season_id = 'x'", f"delete from {name}", f"truncate {name} cascade"):
            if there or statement.startswith("truncate"):
                with pytest.raises(psycopg.DatabaseError, match="is append-only"):
                    supabase.sql(statement)

    async def test_cycles_and_intents_are_ended_once(self, supabase: Stack, records: SupabaseRecords) -> None:
        story = Story()
        await records.open_season(story.season)
        await book(records, story, 2)
        for statement, refusal in (
            ("update cycles set requests = 0", "a booked cycle is never changed"),
            ("delete from cycles", "append-only"),
            ("update intents set closed_booking = null where closed_booking = 1", "closed once"),
            ("update intents set quantity = 1 where closed_booking is null", "closed once"),
            ("delete from intents", "append-only"),
        ):
            with pytest.raises(psycopg.DatabaseError, match=refusal):
                supabase.sql(statement)

    async def test_the_dashboards_role_reads_and_does_no_more(self, supabase: Stack, records: SupabaseRecords) -> None:
        story = Story()
        await records.open_season(story.season)
        await book(records, story, 2)
        client = create_client(supabase.url, supabase.jwt("arena_dashboard"))
        board = client.table("leaderboard").select("llm_id,place").order("place").execute().data
        assert len(board) == 3
        assert len(client.table("fills").select("price::text").execute().data) == len(await table(records, "fills")) > 0
        for name in ("leases", "paper_books"):
            with pytest.raises(APIError) as refused:
                client.table(name).select("*").execute()
            assert refused.value.code == "42501"
        with pytest.raises(APIError):
            client.table("fills").insert({"season_id": "test"}).execute()

    def test_every_table_has_row_security_and_every_foreign_key_an_index(self, supabase: Stack) -> None:
        assert (
            supabase.sql(
                "select relname from pg_class "
                "where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity"
            )
            == []
        )
        lacking = supabase.sql(  # the key's columns are an index's first ones, in any order
            "select c.conrelid::regclass::text, c.conname from pg_constraint c where c.contype = 'f' "
            "and c.connamespace = 'public'::regnamespace and not exists (select from pg_index i where i.indrelid = c.conrelid "
            "and i.indpred is null and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)"
        )
        assert lacking == []


class TestTables:
    def test_both_stores_have_the_same_columns(self, supabase: Stack, tmp_path: Path) -> None:
        with SqliteRecords(tmp_path / "arena.sqlite") as sqlite:
            for name in EVERY_TABLE:
                here = {row["name"]: bool(row["notnull"]) for row in sqlite._db.execute(f"PRAGMA table_info({name})")}
                there = supabase.sql(
                    "select attname, attnotnull from pg_attribute "
                    "where attrelid = %s::regclass and attnum > 0 and not attisdropped",
                    f"public.{name}",
                )
                columns = {column: bool(needed) for column, needed in there if column != "claim"}
                assert {**columns, "id": True, "season_id": True} == {**here, "id": True, "season_id": True}, name

    def test_amounts_are_numeric_without_a_scale_and_times_know_their_zone(self, supabase: Stack) -> None:
        kinds = supabase.sql(
            "select distinct data_type, numeric_scale::text from information_schema.columns where table_schema = 'public'"
        )
        assert {kind for kind, _ in kinds} <= {
            "bigint",
            "integer",
            "text",
            "numeric",
            "timestamp with time zone",
            "jsonb",
            "boolean",
        }
        assert [scale for kind, scale in kinds if kind == "numeric"] == [None]

    def test_the_functions_are_of_this_version(self, records: SupabaseRecords) -> None:
        assert asyncio.run(records.schema_version()) == SCHEMA_VERSION


def test_a_booking_looks_at_as_many_rows_late_in_a_season_as_early(supabase: Stack) -> None:
    """Plans are made while the tables are empty and then kept: one that walks through the season must not look as good."""
    story = Story()
    with supabase.fresh_database() as fresh, psycopg.connect(fresh.owner_dsn, autocommit=True) as database:

        def call(function: str, *values: object) -> None:
            sent = ", ".join(["%s"] * len(values))
            database.execute(f"select public.{function}({sent})", values)

        def looked_at(cycles: int) -> int:
            for record in story.play(cycles):
                call("begin_cycle", TEST, record.number, record.scheduled_at, str(record.number))
                written = {"intents": [marked(intent_row(TEST, each)) for each in story.intents[record.number]]}
                call("append_intents", TEST, Jsonb(to_wire(written)["intents"]))
                call("book", Jsonb(to_wire(sealed(booking_rows(record)))))
            database.execute("select pg_stat_force_next_flush()")
            ((rows,),) = database.execute("select sum(idx_tup_read)::integer from pg_stat_user_indexes").fetchall()
            return rows

        call("open_season", Jsonb(to_wire(sealed_season(season_rows(story.season)))))
        seen = [looked_at(cycles) for cycles in (10, 20, 60, 20)]
        early, late = seen[1] - seen[0], seen[3] - seen[2]
        assert late < 1.5 * early, f"{early} rows were looked at in 20 early cycles, {late} in 20 late ones"


class TestBooking:
    @pytest.mark.parametrize("name", sorted(set(TABLES) - {"seasons", "competitors", "intents"}))
    async def test_a_failure_in_any_table_books_nothing(self, supabase: Stack, records: SupabaseRecords, name: str) -> None:
        story = Story()
        await records.open_season(story.season)
        await book(records, story, 4)
        record = story.cycle()
        await records.begin_cycle(TEST, 5, record.scheduled_at)
        await records.append_intents(TEST, story.intents[5])
        before = await everything(records)
        supabase.sql(
            "create or replace function public.broken() returns trigger language plpgsql as "
            "$$ begin raise exception 'disk full'; end $$; "
            f"create trigger broken before insert or update on public.{name} for each row execute function public.broken()"
        )
        full = with_everything(record)
        try:
            with pytest.raises(RecordsError, match="cycle 5 of season test was not booked: disk full"):
                await records.book(full)
        finally:
            supabase.sql(f"drop trigger broken on public.{name}; drop function public.broken()")
        assert await everything(records) == before
        await records.book(full)
        assert (await records.state(TEST, record.closed_at)).booking == 5

    async def test_both_stores_give_the_same_rows(self, records: SupabaseRecords, tmp_path: Path) -> None:
        with SqliteRecords(tmp_path / "arena.sqlite") as sqlite:
            for store in (records, sqlite):
                story = Story(text="ü ☃ 𝕏")
                await store.open_season(story.season)
                await book(store, story, 20)
            assert await everything(records) == await everything(sqlite)

    async def test_a_project_without_the_tables_says_what_to_do(self, supabase_stack: Stack) -> None:
        supabase_stack.sql("alter function public.season_state(jsonb) rename to gone")
        supabase_stack.rest.restart()
        try:
            found = SupabaseRecords(supabase_stack.url, supabase_stack.service_key)
            with pytest.raises(ConfigurationError, match="run `arena db init`"):
                await found.state(TEST, START)
            found.close()
        finally:
            supabase_stack.sql("alter function public.gone(jsonb) rename to season_state")
            supabase_stack.rest.restart()

    async def test_a_key_that_may_not_write_is_named(self, supabase: Stack) -> None:
        found = SupabaseRecords(supabase.url, supabase.anon_key)
        with pytest.raises(ConfigurationError, match="SUPABASE_KEY may not"):
            await found.state(TEST, START)
        found.close()


async def test_a_database_that_broke_down_under_a_query_is_no_refusal(httpserver: HTTPServer) -> None:
    """What PostgREST answers then; whether it was carried out, nobody knows."""
    told = {"code": "", "details": None, "hint": None, "message": ""}
    httpserver.expect_request("/rest/v1/rpc/begin_cycle").respond_with_json(told, status=400)
    with (
        closing(SupabaseRecords(httpserver.url_for("/"), SERVICE_KEY)) as found,
        pytest.raises(RecordsUnavailable, match="its database gave no answer"),
    ):
        await found.begin_cycle(TEST, 1, START)


FAULTS = pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNAVAILABLE, Fault.LOST])


class TestOutage:
    async def play(self, records: SpooledRecords, story: Story, cycles: int) -> Any:
        for _ in range(cycles):
            record = story.cycle()
            state = await records.state(TEST, record.scheduled_at)
            assert state.number + 1 == record.number
            await records.begin_cycle(TEST, record.number, record.scheduled_at)
            await records.append_intents(TEST, story.intents[record.number])
            await records.book(record)
            after = await records.state(TEST, record.closed_at)
            assert (after.books, after.intents, after.booking) == (record.books, story.stops, record.booking)
        return record

    @FAULTS
    async def test_the_season_goes_on_and_is_delivered_in_order(
        self, supabase: Stack, desk: Desk, tmp_path: Path, fault: Fault
    ) -> None:
        story, records = Story(), desk.records
        await records.open_season(story.season)
        await self.play(records, story, 3)
        assert not records.away
        supabase.trouble(fault, times=1000)
        record = await self.play(records, story, 6)
        assert records.away and records.backlog == 18
        assert await records.open_season(story.season) == story.season
        supabase.gateway.calm()
        desk.later()
        assert (await records.state(TEST, record.closed_at)).books == record.books
        assert not records.away and records.backlog == 0
        await self.play(records, story, 2)
        with SqliteRecords(tmp_path / "arena.sqlite") as sqlite:
            told = Story()
            await sqlite.open_season(told.season)
            await book(sqlite, told, 11)
            assert await everything(desk.remote) == await everything(sqlite)
        assert records.set_aside == []

    @FAULTS
    async def test_a_single_lost_call_is_repeated_without_harm(self, supabase: Stack, desk: Desk, fault: Fault) -> None:
        story, records = Story(), desk.records
        await records.open_season(story.season)
        for path in ("rpc/begin_cycle", "rpc/append_intents", "rpc/book", "rpc/season_state"):
            trouble = supabase.trouble(fault, path)
            await self.play(records, story, 1)
            desk.later()
            await self.play(records, story, 1)
            assert trouble.left == 0, path
            assert records.backlog == 0
        assert [row["number"] for row in await table(desk.remote, "bookings")] == list(range(1, 9))

    async def test_another_process_goes_on_from_the_file(self, supabase: Stack, desk: Desk, tmp_path: Path) -> None:
        """The cycle was killed, and the sweep, or the next cycle, finds what it has written."""
        story = Story()
        await desk.records.open_season(story.season)
        await self.play(desk.records, story, 2)
        supabase.trouble(Fault.REFUSED, times=1000)
        record = await self.play(desk.records, story, 1)
        other = Desk(supabase, tmp_path)
        assert other.records.away
        assert (await other.records.state(TEST, record.closed_at)).books == record.books
        await other.records.book(swept(record, 4))
        with pytest.raises(CycleConflict, match="but the books are at 4"):
            await desk.records.book(swept(record, 4, closed_at=START + STEP))
        supabase.gateway.calm()
        other.later()
        assert (await other.records.state(TEST, START)).booking == 4
        assert (await other.records.state(TEST, START)).number == 3
        other.records.close()

    async def test_what_another_machine_has_made_impossible_is_set_aside_and_kept(self, supabase: Stack, desk: Desk) -> None:
        story, records = Story(), desk.records
        await records.open_season(story.season)
        record = await self.play(records, story, 1)
        supabase.trouble(Fault.REFUSED, times=1000)
        await records.book(swept(record, 2))
        supabase.gateway.calm()
        await desk.remote.book(swept(record, 2, closed_at=START + STEP))
        desk.later()
        assert (await records.state(TEST, START)).settled_until == START + STEP
        assert [(name, "the books are at 2" in why) for _, name, why in records.set_aside] == [("book_rows", True)]
        assert not records.away
        assert "1 writes were refused" in await records.look()

    async def test_a_season_that_was_never_read_cannot_be_carried_on(self, supabase: Stack, desk: Desk) -> None:
        supabase.trouble(Fault.REFUSED, times=1000)
        with pytest.raises(RecordsUnavailable, match="Supabase is out of reach, and was never read here"):
            await desk.records.open_season(Story().season)
        with pytest.raises(RecordsUnavailable, match="out of reach"):
            await desk.records.state(TEST, START)
        assert desk.records.backlog == 0

    async def test_a_database_that_is_killed_loses_nothing(self, supabase: Stack, desk: Desk) -> None:
        story, records = Story(), desk.records
        await records.open_season(story.season)
        await self.play(records, story, 2)
        supabase.postgres.kill()
        await self.play(records, story, 2)
        assert records.away
        supabase.recover()
        desk.later()
        await self.play(records, story, 1)
        assert [row["number"] for row in await table(desk.remote, "bookings")] == [1, 2, 3, 4, 5]

    async def test_a_lease_goes_on_among_the_processes_of_this_machine(self, supabase: Stack, desk: Desk, tmp_path: Path) -> None:
        records, other = desk.records, Desk(supabase, tmp_path)
        await records.open_season(Story().season)
        assert await records.take(TEST, "one", START, START + STEP)
        supabase.trouble(Fault.REFUSED, times=1000)
        assert not await other.records.take(TEST, "two", START, START + STEP)
        assert await records.take(TEST, "one", START, START + 2 * STEP)
        await records.release(TEST, "one")
        assert await other.records.take(TEST, "two", START, START + STEP)
        other.records.close()

    async def test_a_lease_that_another_machine_holds_is_not_taken(self, supabase: Stack, desk: Desk) -> None:
        await desk.records.open_season(Story().season)
        assert await desk.remote.take(TEST, "elsewhere", START, START + STEP)
        assert not await desk.records.take(TEST, "here", START, START + STEP)
        await desk.remote.release(TEST, "elsewhere")
        assert await desk.records.take(TEST, "here", START, START + STEP)

    async def test_a_paper_account_goes_on_too(self, supabase: Stack, desk: Desk) -> None:
        records = desk.records
        assert await records.save_paper_book(TEST, "shared", 0, "one")
        supabase.trouble(Fault.REFUSED, times=1000)
        assert await records.load_paper_book(TEST, "shared") == (1, "one")
        assert await records.save_paper_book(TEST, "shared", 1, "two")
        assert await records.save_paper_book(TEST, "shared", 1, "two"), "a repetition"
        assert not await records.save_paper_book(TEST, "shared", 1, "another two")
        assert await records.save_paper_book(TEST, "shared", 2, "three")
        supabase.gateway.calm()
        desk.later()
        assert await records.load_paper_book(TEST, "shared") == (3, "three")
        assert await desk.remote.load_paper_book(TEST, "shared") == (3, "three")
        assert records.set_aside == []

    async def test_a_silent_server_holds_up_one_write_and_not_the_next(
        self, supabase: Stack, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        story, records = Story(), desk.records
        desk.remote._http.timeout = 1
        await records.open_season(story.season)
        record = await self.play(records, story, 1)
        supabase.trouble(Fault.SILENT, times=1000)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.play(records, story, 3)
        assert loop.time() - began < 5
        assert records.backlog == 9
        assert record.number == 1
