"""The owner's side of both stores: nothing is lost on the way, nothing but what was asked for goes, and the guards are back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from arena.adapters.storage.archive import Archive, write_archive
from arena.adapters.storage.migrations import MIGRATIONS, migrate
from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.supabase import SupabaseRecords
from arena.adapters.storage.upkeep import PostgresUpkeep, SqliteUpkeep, Upkeep
from arena.audit.verify import read_verification
from arena.cli import app
from arena.domain.competitor import SHARED_ACCOUNT, Environment, SeasonId
from arena.errors import ConfigurationError, RecordsError
from scripts.clean_database import main as clean_database
from scripts.supabase_local.stack import Stack, running
from tests.contract.test_records import TEST, book, everything, table
from tests.contract.test_sqlite import book_record, with_everything
from tests.fakes.season import START, STEP, Story, season
from tests.fakes.tampering import tamper

OTHER = SeasonId("other")


@dataclass(frozen=True)
class Place:
    """A store with its owner's side."""

    name: str
    upkeep: Upkeep
    records: Callable[[], Any]


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as closing:
        path = tmp_path / "here" / "arena.sqlite"
        yield Place("sqlite", SqliteUpkeep(path), lambda: closing.enter_context(SqliteRecords(path)))


@pytest.fixture
def hosted(supabase: Stack) -> Iterator[Place]:
    with ExitStack() as closing:

        def records() -> SupabaseRecords:
            found = SupabaseRecords(supabase.url, supabase.service_key)
            closing.callback(found.close)
            return found

        yield Place("supabase", PostgresUpkeep(supabase.owner_dsn), records)


@pytest.fixture(params=["sqlite", "hosted"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


async def played(records: Any, cycles: int = 4, season_id: str = "test") -> Story:
    """A season with a row in every table, and a paper account."""
    story = Story(season(season_id), text="ü ☃ \ud83d\ude80 '")
    await records.open_season(story.season)
    await book(records, story, cycles)
    if season_id == TEST:
        await book_record(records, with_everything(story.cycle()))
    await records.save_paper_book(season_id, SHARED_ACCOUNT, 0, "zero")
    await records.save_paper_book(season_id, SHARED_ACCOUNT, 1, "one")
    return story


@pytest.mark.parametrize("way", [("sqlite", "hosted"), ("hosted", "sqlite")])
async def test_a_season_moves_to_the_other_store_and_nothing_is_lost(
    request: pytest.FixtureRequest, tmp_path: Path, way: tuple[str, str]
) -> None:
    here, there = (request.getfixturevalue(each) for each in way)
    here.upkeep.init()
    story = await played(here.records())
    file = tmp_path / "season.jsonl.gz"
    rows = await write_archive(here.records(), TEST, (SHARED_ACCOUNT,), file)
    archive = Archive(file)
    there.upkeep.init()
    assert archive.season_id == TEST
    assert there.upkeep.take_in(TEST, archive.lines()) == rows == archive.rows
    assert await everything(there.records()) == await everything(here.records())
    at = START + 6 * STEP
    assert await there.records().state(TEST, at) == await here.records().state(TEST, at)
    assert await there.records().load_paper_book(TEST, SHARED_ACCOUNT) == (2, "one")
    again = tmp_path / "again.jsonl.gz"
    await write_archive(there.records(), TEST, (SHARED_ACCOUNT,), again)
    assert gzip.decompress(again.read_bytes()) == gzip.decompress(file.read_bytes())
    await there.records().begin_cycle(TEST, 6, at)
    await there.records().append_intents(TEST, story.intents[1][:1])
    assert (await there.records().state(TEST, at)).number == 6, "the season goes on there"


async def test_a_season_that_is_there_is_left_as_it_is(place: Place, tmp_path: Path) -> None:
    place.upkeep.init()
    await played(place.records())
    file = tmp_path / "season.jsonl.gz"
    await write_archive(place.records(), TEST, (), file)
    before = await everything(place.records())
    with pytest.raises(ConfigurationError, match="season test is in this store already"):
        place.upkeep.take_in(TEST, Archive(file).lines())
    assert await everything(place.records()) == before


async def test_an_import_that_fails_leaves_nothing(place: Place, tmp_path: Path) -> None:
    place.upkeep.init()
    await played(place.records(), season_id=OTHER)
    file = tmp_path / "season.jsonl.gz"
    await write_archive(place.records(), OTHER, (), file)
    lines = [(name, {**row, "season_id": TEST}) for name, row in Archive(file).lines()]
    before = await everything(place.records())
    for broken in ([*lines, lines[0]], [*lines, ("seasons_", {"season_id": TEST})], lines[1:]):
        with pytest.raises((RecordsError, ConfigurationError)):
            place.upkeep.take_in(TEST, broken)
        assert await everything(place.records()) == before
    assert place.upkeep.take_in(TEST, lines) == len(lines)


def test_what_is_no_whole_archive_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"

    def kept(*lines: str) -> Path:
        with gzip.open(file, "wt") as out:
            out.write("\n".join(lines))
        return file

    with pytest.raises(ConfigurationError, match="cannot be read"):
        Archive(tmp_path / "none")
    for lines, why in (
        (("1",), "not a whole archive"),
        (("",), "not a whole archive"),
        (('{"format":"another"}', "{}"), "is not a season's archive"),
        (('{"format":"llm-trading-arena season","schema":1,"season_id":"x"}', "{}"), "of schema 1"),
        (('{"format":"llm-trading-arena season","schema":5,"season_id":"x"}', '["seasons",{}]'), "not a whole archive"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            Archive(kept(*lines))


async def test_a_changed_or_cut_archive_is_refused(sqlite: Place, tmp_path: Path) -> None:
    await played(sqlite.records())
    file = tmp_path / "season.jsonl.gz"
    await write_archive(sqlite.records(), TEST, (), file)
    text = gzip.decompress(file.read_bytes()).decode()
    for broken in (text.replace('"200"', '"201"', 1), "\n".join(text.split("\n")[:-3]) + "\n"):
        file.write_bytes(gzip.compress(broken.encode()))
        with pytest.raises(ConfigurationError, match=r"changed or cut off|not a whole archive"):
            Archive(file)
    file.write_bytes(gzip.compress(text.encode())[:-200])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Archive(file)


async def test_pruning_takes_old_prompts_and_nothing_else(place: Place) -> None:
    place.upkeep.init()
    await played(place.records())
    await played(place.records(), season_id=OTHER)
    before = await everything(place.records())
    cycles = {row["market_prompt_hash"]: row["scheduled_at"] for row in before["cycles"]}
    assert place.upkeep.prune(TEST, START + 3 * STEP) == 2
    after = await everything(place.records())
    gone = [row for row in before["prompts"] if row not in after["prompts"]]
    assert [cycles[row["hash"]][11:16] for row in gone] == ["00:05", "00:10"]
    assert {**after, "prompts": []} == {**before, "prompts": []}
    assert place.upkeep.prune(TEST, START + 3 * STEP) == 0
    found = await read_verification(place.records(), TEST)
    assert (found.pruned, [each for each in found.findings if each.table == "prompts"]) == (2, [])
    assert "2 of the oldest market prompts are not kept any more" in found.sentence
    assert len(await table(place.records(), "prompts", OTHER)) == 5


async def test_a_prompt_that_is_missing_between_others_was_not_pruned(sqlite: Place) -> None:
    story = Story()
    records = sqlite.records()
    await records.open_season(story.season)
    await book(records, story, 4)
    (third,) = [row["market_prompt_hash"] for row in await table(records, "cycles") if row["number"] == 3]
    assert isinstance(sqlite.upkeep, SqliteUpkeep)
    tamper(sqlite.upkeep.path, f"DELETE FROM prompts WHERE hash = '{third}'")
    found = await read_verification(records, TEST)
    assert found.pruned == 0
    assert [(each.table, each.what) for each in found.findings] == [("prompts", "is missing, and a cycle names it")]


async def test_removing_a_season_leaves_the_others_and_the_guards(place: Place, supabase: Stack, tmp_path: Path) -> None:
    place.upkeep.init()
    await played(place.records())
    await played(place.records(), season_id=OTHER)
    rows = sum(len(each) for each in (await everything(place.records())).values()) + 1  # its paper book
    others = {name: await table(place.records(), name, OTHER) for name in ("fills", "turns", "bookings")}
    assert place.upkeep.remove(TEST) == rows
    assert not any((await everything(place.records())).values())
    assert {name: await table(place.records(), name, OTHER) for name in others} == others
    if isinstance(place.upkeep, SqliteUpkeep):
        with SqliteRecords(place.upkeep.path) as records, pytest.raises(Exception, match="append-only"):
            records._db.execute("DELETE FROM fills")
    else:
        with pytest.raises(psycopg.DatabaseError, match="append-only"):
            supabase.sql("delete from fills")
    await played(place.records())
    assert place.upkeep.init() == (), "nothing is missing"


async def test_a_schema_that_was_changed_by_hand_is_named(place: Place, supabase: Stack) -> None:
    place.upkeep.init()
    assert place.upkeep.drift() == []
    if isinstance(place.upkeep, SqliteUpkeep):
        with SqliteRecords(place.upkeep.path) as records:
            records._db.execute("DROP TRIGGER fills_kept")
            records._db.execute("CREATE TABLE own (id)")
            records._db.execute("DROP INDEX fills_time")
        assert place.upkeep.drift() == [
            "index fills_time is missing",
            "table own is none of this version's",
            "trigger fills_kept is missing",
        ]
        return
    with supabase.fresh_database() as fresh:
        fresh.sql("alter table fills disable trigger unchanged")
        fresh.sql("alter table turns disable row level security")
        fresh.sql("create or replace function schema_version() returns integer language sql as $$ select 6 $$")
        fresh.sql("drop function release_lease(text, text)")
        fresh.sql("delete from supabase_migrations.schema_migrations where version = '20261127000100'")
        assert PostgresUpkeep(fresh.owner_dsn).drift() == [
            "migration 20261127000100_access.sql is not applied",
            "function release_lease is missing",
            "function schema_version was changed",
            "table turns has no row level security",
            "trigger unchanged of fills is switched off",
        ]


class TestMigrations:
    def test_from_empty_and_again(self, supabase: Stack) -> None:
        assert migrate(supabase.owner_dsn) == ()
        with supabase.fresh_database() as fresh:
            assert fresh.applied == () and migrate(fresh.owner_dsn) == ()

    def test_each_does_no_harm_a_second_time(self, supabase: Stack) -> None:
        """Somebody pastes them into the SQL editor once more."""
        with supabase.fresh_database() as fresh:
            for file in sorted(MIGRATIONS.glob("*.sql")):
                fresh.sql(file.read_text())
            before = _shape(fresh)
            for file in sorted(MIGRATIONS.glob("*.sql")):
                fresh.sql(file.read_text())
            assert _shape(fresh) == before

    async def test_from_every_earlier_version_with_data(self, tmp_path: Path) -> None:
        """A project that stopped after one of them, with a season in it where it had got that far."""
        files = sorted(MIGRATIONS.glob("*.sql"))
        whole = None
        for count in range(1, len(files) + 1):
            folder = tmp_path / str(count)
            folder.mkdir()
            for file in files[:count]:
                (folder / file.name).write_text(file.read_text())
            with running(durable=False, migrations=folder) as stack:
                stack.sql(
                    "insert into seasons (season_id, started_at, symbols, interval_seconds, market, settings, environment, "
                    "account_mode, strategy, marks, journal_hash) "
                    "values ('old', now(), '[]', 300, '', '', 'demo', 'shared', '', '', '')"
                )
                assert migrate(stack.owner_dsn) == tuple(file.name for file in files[count:])
                stack.rest.restart()
                assert stack.sql("select season_id from seasons") == [("old",)]
                records = SupabaseRecords(stack.url, stack.service_key)
                await played(records)
                records.close()
                whole = whole or _shape(stack)
                assert _shape(stack) == whole

    def test_a_database_out_of_reach_is_one_sentence(self) -> None:
        with pytest.raises(ConfigurationError, match="the database cannot be reached"):
            migrate("postgresql://nobody@127.0.0.1:9/none?connect_timeout=2")


def _shape(stack: Stack) -> Any:
    """Everything that a migration may change: columns, constraints, indexes, policies, triggers, functions and grants."""
    return [
        stack.sql(
            "select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns "
            "where table_schema = 'public' order by 1, 2"
        ),
        stack.sql(
            "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint "
            "where connamespace = 'public'::regnamespace order by 1, 2"
        ),
        stack.sql("select indexdef from pg_indexes where schemaname = 'public' order by 1"),
        stack.sql("select tablename, policyname, roles, cmd, qual from pg_policies where schemaname = 'public' order by 1, 2"),
        stack.sql("select tgrelid::regclass::text, tgname, tgenabled from pg_trigger where not tgisinternal order by 1, 2"),
        stack.sql(
            "select oid::regprocedure::text, prosrc, proacl::text from pg_proc where pronamespace = 'public'::regnamespace "
            "order by 1"
        ),
        stack.sql("select relname, relacl::text from pg_class where relnamespace = 'public'::regnamespace order by 1"),
    ]


class TestCommands:
    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("ARENA_HOME", str(tmp_path))
        self.configure(tmp_path, monkeypatch)
        return tmp_path

    def configure(self, home: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
        (home / "arena.env").write_text("\n".join(["ENVIRONMENT=demo", "SEASON=test", *lines]) + "\n")
        monkeypatch.setenv("ARENA_ENV_FILE", str(home / "arena.env"))

    def run(self, *words: str) -> Any:
        return _elsewhere(partial(CliRunner().invoke, app, ["db", *words]))

    async def test_a_season_goes_to_supabase_and_back(self, home: Path, supabase: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.run("init").output == "made runs/test/arena.sqlite\n"
        assert self.run("init").output == "nothing to make: the store is up to date\n"
        with SqliteRecords(home / "runs" / "test" / "arena.sqlite") as records:
            await played(records)
            here = await everything(records)
        checked = self.run("check")
        assert checked.output.startswith("SQLite at runs/test/arena.sqlite\nseason test: ") and checked.exit_code == 1, "made up"
        assert "rows" in self.run("export", "--out", "a.jsonl.gz").output
        self.configure(
            home,
            monkeypatch,
            f"SUPABASE_URL={supabase.url}",
            f"SUPABASE_KEY={supabase.service_key}",
            f"SUPABASE_DB_URL={supabase.owner_dsn}",
        )
        assert self.run("init").output == "nothing to make: the store is up to date\n"
        taken = self.run("import", "a.jsonl.gz")
        assert taken.exit_code == 0 and taken.output.startswith("season test: ")
        assert "answers, schema 5" in self.run("check").output
        found = SupabaseRecords(supabase.url, supabase.service_key)
        assert await everything(found) == here
        found.close()
        assert "0 prompts removed" in self.run("prune", "--days", "100000").output
        assert "5 prompts removed" in self.run("prune", "--days", "0").output
        assert self.run("export", "--out", "b.jsonl.gz").exit_code == 0

    def test_supabase_needs_its_owners_password(self, home: Path, supabase: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.configure(home, monkeypatch, f"SUPABASE_URL={supabase.url}", f"SUPABASE_KEY={supabase.service_key}")
        with pytest.raises(ConfigurationError, match="set SUPABASE_DB_URL"):
            CliRunner().invoke(app, ["db", "init"], catch_exceptions=False)
        assert "create table if not exists public.seasons" in self.run("init", "--sql").output

    async def test_a_check_ends_with_what_the_audit_finds(self, home: Path) -> None:
        path = home / "runs" / "test" / "arena.sqlite"
        with SqliteRecords(path) as records:
            story = Story()
            await records.open_season(story.season)
            await book(records, story, 4)
        sound = self.run("check")
        assert sound.exit_code == 0 and "Clean: every cell is what was booked" in sound.output
        tamper(path, "UPDATE llm_accounts SET current_balance = '199' WHERE llm_id = 'LLM-B'")
        broken = self.run("check")
        assert broken.exit_code == 1 and "llm_accounts" in broken.output and "current_balance" in broken.output

    async def test_cleaning_exports_asks_once_and_removes(self, home: Path) -> None:
        with SqliteRecords(home / "runs" / "test" / "arena.sqlite") as records:
            await played(records)
        assert _clean("n\n").exit_code == 1
        cleaned = _clean("y\n")
        assert cleaned.exit_code == 0 and "season test is removed" in cleaned.output
        (archive,) = (home / "runs" / "exports").iterdir()
        with SqliteRecords(home / "runs" / "test" / "arena.sqlite") as records:
            assert not any((await everything(records)).values())
            await played(records)
        assert json.loads(gzip.decompress(archive.read_bytes()).decode().splitlines()[0])["season_id"] == "test"
        assert _clean("", "--yes").exit_code == 0

    async def test_a_mainnet_season_with_positions_is_not_cleaned(self, home: Path) -> None:
        story = Story(replace(season(), environment=Environment.MAINNET))
        with SqliteRecords(home / "runs" / "test" / "arena.sqlite") as records:
            await records.open_season(story.season)
            record = await book(records, story, 2)
            assert any(ledger.positions for ledger in record.ledgers.values())
            before = await everything(records)
        refused = _clean("", "--yes")
        assert refused.exit_code == 1 and "trades on mainnet and holds LLM-A" in refused.output
        with SqliteRecords(home / "runs" / "test" / "arena.sqlite") as records:
            assert await everything(records) == before


def _clean(said: str, *words: str) -> Any:
    asking = typer.Typer()
    asking.command()(clean_database)
    return _elsewhere(partial(CliRunner().invoke, asking, list(words), input=said))


def _elsewhere(call: Callable[[], Any]) -> Any:
    """A command has an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()
