"""A season is what was booked, or the cell that is not is found and named."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.adapters.storage.marks import PROJECTED, chained, journal_hash, marks
from arena.adapters.storage.rows import TABLES, as_json
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.record import Booking, ForeignFill
from arena.audit.findings import KEYS, Finding, differences
from arena.audit.journal import Journal
from arena.audit.verification import Verification
from arena.audit.verify import read_verification, rebuild
from arena.domain.competitor import SHARED_ACCOUNT, SeasonId
from arena.domain.order import Fill, OrderSide, PositionSide
from arena.errors import ConfigurationError
from tests.fakes.season import Story

OWN = {"id", "created_at", "updated_at"}  # the store's, about which nobody asks
TEST = SeasonId("test")
CYCLES = 40


def foreign(number: int) -> ForeignFill:
    """A trade by hand that nobody's ledger knows."""
    story = Story()
    fill = Fill(
        trade_id=100_000 + number,
        exchange_order_id=f"by-hand-{number}",
        client_order_id="web_1",
        symbol="SOLUSDT",
        side=OrderSide.BUY,
        position_side=PositionSide.LONG,
        quantity=Decimal("0.5"),
        price=Decimal("189.1"),
        fee=Decimal("0.01"),
        time=story.season.started_at,
    )
    return ForeignFill(account=SHARED_ACCOUNT, fill=fill)


async def play(path: Path, cycles: int = CYCLES) -> Story:
    """A season with cycles, sweeps that book a trade by hand, closed trades, fundings and a cycle that was never booked."""
    story, sweeps = Story(), 0
    with SqliteRecords(path) as records:
        await records.open_season(story.season)
        held: dict[tuple[object, str, PositionSide], Decimal] = {}
        seen = 0
        for _ in range(cycles):
            record = story.cycle()
            books = replace(record.books, foreign=dict(held), cursor={SHARED_ACCOUNT: {**story.trade_ids}})
            if seen:
                books = replace(books, cursor={SHARED_ACCOUNT: {**story.trade_ids, "SOLUSDT": seen}})
            record = replace(record, booking=record.cycle + sweeps, books=books)
            await records.begin_cycle(TEST, record.number, record.scheduled_at)
            await records.append_intents(TEST, story.intents[record.number])
            await records.book(record)
            if record.number % 10 == 0:
                sweeps += 1
                by_hand = foreign(sweeps)
                seen = by_hand.fill.trade_id
                bucket = (SHARED_ACCOUNT, "SOLUSDT", PositionSide.LONG)
                held[bucket] = held.get(bucket, Decimal(0)) + by_hand.fill.quantity
                books = replace(record.books, foreign=dict(held), cursor={SHARED_ACCOUNT: {**story.trade_ids, "SOLUSDT": seen}})
                await records.book(
                    Booking(
                        season_id=TEST,
                        booking=record.cycle + sweeps,
                        cycle=record.cycle,
                        closed_at=record.closed_at.replace(second=30),
                        books=books,
                        foreign=(by_hand,),
                        equity=record.equity,
                        positions=record.positions,
                    )
                )
        await records.begin_cycle(TEST, cycles + 1, story.season.started_at.replace(month=2))
    return story


def looked_at(path: Path) -> Verification:
    with SqliteRecords(path) as records:
        return asyncio.run(read_verification(records, TEST))


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("season") / "arena.sqlite"
    asyncio.run(play(path, 12))
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def copy(season: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(season, tmp_path / "arena.sqlite"))


def columns() -> Iterator[tuple[str, str]]:
    schema = (Path(__file__).parents[2] / "arena/adapters/storage/schema.sql").read_text()
    with sqlite3.connect(":memory:") as db:
        db.executescript(schema)
        for table in TABLES:
            yield from ((table, row[1]) for row in db.execute(f"PRAGMA table_info({table})") if row[1] not in OWN)


COLUMNS = tuple(columns())


def bare(path: Path) -> sqlite3.Connection:
    """A connection of somebody whom no trigger, check or key of the file stops."""
    db = sqlite3.connect(path)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute("PRAGMA foreign_keys = OFF")
    return db


def without_keys(path: Path, table: str) -> None:
    """Make the table anew without keys and checks, as it can then hold anything."""
    with bare(path) as db:
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        db.execute(f"CREATE TABLE anew AS SELECT * FROM {table}")
        db.execute(f"DROP TABLE {table}")
        db.execute(f"ALTER TABLE anew RENAME TO {table}")
        assert names == [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def changed(value: object, dice: random.Random) -> object:
    """The value with one digit or character changed; a number stays above zero."""
    if value is None or value == "":
        return 7
    text = str(value)
    at = dice.choice([i for i, each in enumerate(text) if each.isdigit()] or range(len(text)))
    others = [each for each in ("123456789" if text[at].isdigit() else "abcdefg") if each != text[at]]
    other = text[:at] + dice.choice(others) + text[at + 1 :]
    return int(other) if isinstance(value, int) else other


def names(found: Verification, table: str, column: str | None = None) -> list[Finding]:
    return [each for each in found.findings if each.table == table and column in (None, each.column)]


def test_a_clean_season_is_clean_and_says_what_was_looked_at(tmp_path: Path) -> None:
    season = tmp_path / "arena.sqlite"
    asyncio.run(play(season))
    found = looked_at(season)
    assert [str(each) for each in found.findings] == []
    with sqlite3.connect(season) as db:
        (last,) = db.execute("SELECT journal_hash FROM bookings ORDER BY number DESC").fetchone()
        count = {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}
    assert found.journal_hash == last and last in found.sentence and "Clean" in found.sentence
    assert found.counts["bookings"] == count["bookings"] == CYCLES + 4
    assert (found.counts["cycles"], found.counts["fills"]) == (CYCLES, count["fills"])
    assert found.counts["entries"] == count["ledger_entries"] and found.counts["answers"] > 100


def test_every_table_has_rows_to_tamper_with(season: Path) -> None:
    with sqlite3.connect(season) as db:
        assert all(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES)
    assert looked_at(season).verified


@pytest.mark.slow
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_changed_digit_is_found_and_named(copy: Path, table: str, column: str) -> None:
    dice = random.Random(f"{table}.{column}")
    booked = "WHERE status = 'booked'" if table == "cycles" else ""
    with bare(copy) as db:
        rows = db.execute(f"SELECT id, {column} FROM {table} {booked} ORDER BY {column} IS NULL, id").fetchall()
        there = [row for row in rows if row[1] is not None] or rows
        key, value = dice.choice(there)
        type_ = next(row[2] for row in db.execute(f"PRAGMA table_info({table})") if row[1] == column)
    other = changed(value, dice)
    while type_ == "INTEGER" and column in ("baseline", "thinking") and other not in (0, 1):
        other = 0 if value == 1 else 1
    without_keys(copy, table)
    with bare(copy) as db:
        assert db.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (other, key)).rowcount == 1
    found = looked_at(copy)
    assert not found.verified, f"{value} became {other}"
    told = [str(each) for each in found.findings]
    if column == "season_id" or (table, column) == ("intents", "mark"):  # a row that is gone; a cell or its mark
        assert names(found, table), told
    else:
        assert names(found, table, column), f"{value} became {other}: {told[:20]}"
    assert len(found.findings) <= 60, told


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_row_that_was_taken_out_is_found(copy: Path, table: str, seed: int) -> None:
    booked = "WHERE status = 'booked'" if table == "cycles" else ""
    closed = "WHERE closed_booking IS NOT NULL" if table == "intents" else ""
    with bare(copy) as db:
        key = random.Random(seed).choice(db.execute(f"SELECT id FROM {table} {booked} {closed}").fetchall())
        db.execute(f"DELETE FROM {table} WHERE id = ?", key)
    found = looked_at(copy)
    assert names(found, table) or (table, found.pruned) == ("prompts", 1), "the oldest may have been pruned, which is counted"


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_was_put_in_twice_is_found(copy: Path, table: str) -> None:
    without_keys(copy, table)
    with bare(copy) as db:
        own = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        booked = "WHERE status = 'booked'" if table == "cycles" else ""
        key = random.Random(table).choice(db.execute(f"SELECT id FROM {table} {booked}").fetchall())[0]
        (last,) = db.execute(f"SELECT max(id) FROM {table}").fetchone()
        rest = ", ".join(name for name in own if name != "id")
        db.execute(f"INSERT INTO {table} (id, {rest}) SELECT {last + 1}, {rest} FROM {table} WHERE id = {key}")
    found = looked_at(copy)
    assert names(found, table), [str(each) for each in found.findings]


@pytest.mark.parametrize("table", ["fills", "ledger_entries", "orders", "closed_trades"])
def test_rows_that_changed_places_are_found(copy: Path, table: str) -> None:
    without_keys(copy, table)
    with bare(copy) as db:
        one, two = (
            row[0] for row in db.execute(f"SELECT DISTINCT booking FROM {table} WHERE booking > 3 ORDER BY booking LIMIT 2")
        )
        db.execute(
            f"UPDATE {table} SET booking = CASE booking WHEN {one} THEN {two} ELSE {one} END WHERE booking IN ({one}, {two})"
        )
    found = looked_at(copy)
    assert {each.booking for each in names(found, table, "booking")} == {one, two}
    assert {each.table for each in found.findings} >= {table} and len(found.findings) < 40


def test_the_order_of_a_bookings_rows_is_theirs(copy: Path) -> None:
    without_keys(copy, "ledger_entries")
    with bare(copy) as db:
        (one, two) = [row[0] for row in db.execute("SELECT id FROM ledger_entries WHERE booking = 3 ORDER BY id LIMIT 2")]
        db.execute(
            f"UPDATE ledger_entries SET id = CASE id WHEN {one} THEN 0 - {two} ELSE 0 - {one} END WHERE id IN ({one}, {two})"
        )
        db.execute("UPDATE ledger_entries SET id = 0 - id WHERE id < 0")
    (only,) = looked_at(copy).findings
    assert (only.table, only.booking, only.column) == ("bookings", 3, "payload_hash")


def test_bookings_that_changed_places_break_the_chain(copy: Path) -> None:
    without_keys(copy, "bookings")
    with bare(copy) as db:
        db.execute("UPDATE bookings SET number = CASE number WHEN 7 THEN 8 ELSE 7 END WHERE number IN (7, 8)")
    found = looked_at(copy)
    assert {each.booking for each in names(found, "bookings")} >= {7, 8}


async def sealed_anew(path: Path) -> None:
    """Make marks, hashes and chain fit whatever the rows are now: everything that one can forge who can write the file."""
    last, heads = "", []
    with SqliteRecords(path) as records:
        async for unit in Journal(records=records, season_id=TEST).units():
            replaced = {table: own for table, own in json.loads(unit.head["marks"]).items() if table in PROJECTED}
            head = {name: value for name, value in unit.head.items() if name not in ("marks", "payload_hash", "journal_hash")}
            kept = as_json({**replaced, **marks({**unit.tables, unit.head_table: [head]})})
            own = journal_hash({**unit.tables, unit.head_table: [{**head, "marks": kept}]})
            last = chained(last, own) if unit.number else own
            heads.append((kept, own, last, unit.number))
    with bare(path) as db:
        db.execute("UPDATE seasons SET marks = ?, journal_hash = ?", (heads[0][0], heads[0][2]))
        db.executemany("UPDATE bookings SET marks = ?, payload_hash = ?, journal_hash = ? WHERE number = ?", heads[1:])


async def test_sealing_a_true_season_anew_changes_nothing(copy: Path) -> None:
    with sqlite3.connect(copy) as db:
        seals = db.execute("SELECT marks, payload_hash, journal_hash FROM bookings").fetchall()
    await sealed_anew(copy)
    with sqlite3.connect(copy) as db:
        assert db.execute("SELECT marks, payload_hash, journal_hash FROM bookings").fetchall() == seals


FORGERIES = {  # what is changed, and the table and column that cannot be right then
    "a fee that was never paid": ("UPDATE fills SET fee = '0' WHERE booking = 5", "ledger_entries", "amount"),
    "a better price": ("UPDATE fills SET price = '1' WHERE booking = 5", "ledger_entries", "balance"),
    "a profit": (
        "UPDATE ledger_entries SET amount = '5' WHERE booking = 9 AND kind = 'realized_pnl'",
        "ledger_entries",
        "amount",
    ),
    "a balance": ("UPDATE ledger_entries SET balance = '500' WHERE booking = 9", "ledger_entries", "balance"),
    "a trade won": ("UPDATE closed_trades SET pnl = '9'", "closed_trades", "pnl"),
    "a funding": ("UPDATE funding SET payment = '0' WHERE cycle = 6", "funding", "payment"),
    "a funding of less": ("UPDATE funding SET signed_quantity = '0' WHERE cycle = 6", "funding", "signed_quantity"),
    "equity": ("UPDATE equity_points SET equity = '400' WHERE cycle = 7", "equity_points", "equity"),
    "a position": ("UPDATE position_points SET entry_price = '1' WHERE cycle = 7", "position_points", "entry_price"),
    "a profit of a fill": ("UPDATE fills SET realized_pnl = '3' WHERE booking = 8", "fills", "realized_pnl"),
    "another answer": ("UPDATE model_calls SET text = '{\"decisions\": []}' WHERE cycle = 4", "llm_decisions", None),
    "another decision": (
        "UPDATE llm_decisions SET leverage = 1 WHERE cycle = 4 AND symbol = 'BTCUSDT'",
        "llm_decisions",
        "leverage",
    ),
    "a hold": ("UPDATE turns SET answer = 'decision' WHERE answer = 'no_answer'", "turns", "answer"),
    "an answer that cannot be read": ("UPDATE model_calls SET parameters = '{', text = '7' WHERE cycle = 4", "turns", None),
    "an end that cannot be read": ("UPDATE bookings SET cursor = '{' WHERE number = 6", "bookings", None),
    "points that cannot be read": ("UPDATE position_points SET mark_price = 'x' WHERE cycle = 7", "bookings", None),
    "intents that cannot be read": ("UPDATE bookings SET closed_intents = '' WHERE number = 6", "bookings", "closed_intents"),
    "a season that cannot be read": ("UPDATE seasons SET symbols = ''", "seasons", None),
    "a fill that cannot be read": ("UPDATE fills SET price = 'x' WHERE booking = 5", "fills", None),
    "a fill of a stranger": ("UPDATE fills SET llm_id = 'LLM-Z' WHERE booking = 5", "fills", None),
    "a cursor": ("UPDATE bookings SET cursor = '{}' WHERE number = 6", "bookings", "cursor"),
    "a trade by hand": ("UPDATE bookings SET foreign_holdings = '[]' WHERE number = 12", "bookings", "foreign_holdings"),
    "another capital": ("UPDATE competitors SET capital = '300' WHERE llm_id = 'LLM-B'", "ledger_entries", "amount"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forger_who_makes_marks_and_hashes_anew_fails_at_the_sums(copy: Path, name: str) -> None:
    sql, table, column = FORGERIES[name]
    with bare(copy) as db:
        assert db.execute(sql).rowcount >= 1
    await sealed_anew(copy)
    with SqliteRecords(copy) as records:
        found = await read_verification(records, TEST)
    assert names(found, table, column), [str(each) for each in found.findings]


async def test_a_forgery_that_adds_up_shows_in_the_last_hash_alone(copy: Path) -> None:
    with SqliteRecords(copy) as records:
        noted = (await read_verification(records, TEST)).journal_hash
    with bare(copy) as db:
        assert db.execute("UPDATE rejections SET detail = 'none of my business'").rowcount >= 1
    await sealed_anew(copy)
    with SqliteRecords(copy) as records:
        found = await read_verification(records, TEST)
    assert found.verified and found.journal_hash != noted


def test_what_a_finding_says(copy: Path) -> None:
    with bare(copy) as db:
        (symbol, trade, order, owner, was) = db.execute(
            "SELECT symbol, trade_id, exchange_order_id, llm_id, fee FROM fills WHERE booking = 5"
        ).fetchone()
        db.execute("UPDATE fills SET fee = '0.1' WHERE trade_id = ? AND symbol = ?", (trade, symbol))
    told = [str(each) for each in looked_at(copy).findings]
    assert f"fills {owner} {symbol} {trade} {order} (booking 5): fee is 0.1, and that is not what was booked" in told
    assert any(f"amount is -{was}, the journal gives -0.1" in each for each in told)


@pytest.mark.slow
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_character_of_any_cell_counts(season: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = Path(shutil.copy(season, tmp_path_factory.mktemp("any") / "arena.sqlite"))
    table = data.draw(st.sampled_from([name for name in TABLES if name != "seasons"]))
    own = [column for each, column in COLUMNS if each == table]
    column = data.draw(st.sampled_from(own))
    booked = " AND status = 'booked'" if table == "cycles" else ""
    with bare(path) as db:
        rows = db.execute(
            f"SELECT id, {column} FROM {table} WHERE typeof({column}) = 'text' AND {column} <> ''{booked}"
        ).fetchall()
    if not rows:
        return
    key, text = data.draw(st.sampled_from(rows))
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda each: each != text[at]))
    without_keys(path, table)
    with bare(path) as db:
        db.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (text[:at] + other + text[at + 1 :], key))
    found = looked_at(path)
    assert names(found, table), f"{text} with {other} at {at}: {[str(each) for each in found.findings]}"


@pytest.mark.parametrize("cycles", [9, 10, 25])  # after 10 a sweep has booked last
async def test_accounts_and_positions_are_rebuilt_from_the_journal_alone(tmp_path: Path, cycles: int) -> None:
    path = tmp_path / "arena.sqlite"
    await play(path, cycles)
    with SqliteRecords(path) as records:
        stored = {table: [row async for row in records.rows(table, TEST)] for table in ("llm_accounts", "positions")}
    with bare(path) as db:
        db.execute("DELETE FROM llm_accounts")
        db.execute("DELETE FROM positions WHERE status = 'closed'")
        db.execute("UPDATE positions SET signed_quantity = '1', signed_cost = '1', fees = '0', thesis = NULL, leverage = 1")
    with SqliteRecords(path) as records:
        given = await rebuild(records, TEST)
    for table, rows in stored.items():
        assert differences(table, rows, given[table], 0) == []
        assert {column for row in given[table] for column in row} == rows[0].keys()
    assert len(stored["positions"]) > len(stored["llm_accounts"]) == 3


def test_a_season_that_is_not_there_is_said_to_be_none(season: Path) -> None:
    with SqliteRecords(season) as records, pytest.raises(ConfigurationError, match="there is no season other"):
        asyncio.run(read_verification(records, SeasonId("other")))


def test_every_table_has_a_name_for_its_rows() -> None:
    assert set(KEYS) == set(TABLES)
    assert all((table, column) in COLUMNS for table, names_ in KEYS.items() for column in names_)
