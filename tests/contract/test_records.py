"""The Records port, as one suite that every adapter passes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.storage.row_store import RowStore
from arena.adapters.storage.rows import TABLES, cell
from arena.adapters.storage.spool_file import SpoolFile
from arena.adapters.storage.spooled import SpooledRecords
from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.supabase import SupabaseRecords
from arena.application.record import LATELY, Alert, AlertKind, BookedFill, Booking, Books, CycleRecord, ForeignFill, SeasonState
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.application.store import Records
from arena.audit.verify import read_verification
from arena.domain.competitor import (
    SHARED_ACCOUNT,
    AccountMode,
    CompetitorId,
    Environment,
    ReasoningEffort,
    Season,
    SeasonId,
)
from arena.domain.decision import Decision, NoAnswer
from arena.domain.ledger import Ledger, PositionKey
from arena.domain.order import Cause, PositionSide, Thesis
from arena.domain.position import Position
from arena.errors import ConfigurationError, CycleConflict, RecordsError
from scripts.supabase_local.stack import Stack
from tests.fakes.season import START, STEP, Story, season

A, B, C = (CompetitorId(f"LLM-{letter}") for letter in "ABC")
TEST = SeasonId("test")
Open = Callable[[], Records]


async def book(records: Records, story: Story, cycles: int = 1) -> CycleRecord:
    """Play and book `cycles` cycles as the flow does; return the last."""
    for _ in range(cycles):
        record = story.cycle()
        await records.begin_cycle(record.season_id, record.number, record.scheduled_at)
        await records.append_intents(record.season_id, story.intents[record.number])
        await records.book(record)
    return record


async def begun(records: Records, story: Story) -> CycleRecord:
    """Open the season and play a first cycle up to its booking."""
    await records.open_season(story.season)
    record = story.cycle()
    await records.begin_cycle(record.season_id, record.number, record.scheduled_at)
    await records.append_intents(record.season_id, story.intents[record.number])
    return record


async def table(records: Records, name: str, season_id: str = "test") -> list[dict[str, Any]]:
    return [dict(row) async for row in records.rows(name, SeasonId(season_id))]


async def everything(records: Records) -> dict[str, list[dict[str, Any]]]:
    return {name: await table(records, name) for name in TABLES}


def quiet(record: CycleRecord, number: int, at: datetime, booking: int | None = None) -> CycleRecord:
    """A next cycle in which nothing happened."""
    return replace(
        record,
        booking=number if booking is None else booking,
        cycle=number,
        scheduled_at=at,
        closed_at=at,
        turns=(),
        outcomes=(),
        fills=(),
        funding=(),
        entries=(),
        closed_trades=(),
        equity=(),
        positions=(),
        discrepancies=(),
        alerts=(),
        closed_intents=(),
    )


def with_ledgers(record: CycleRecord, ledgers: Mapping[CompetitorId, Ledger]) -> CycleRecord:
    return replace(record, books=replace(record.books, ledgers=ledgers))


def swept(record: CycleRecord, number: int, **changes: Any) -> Booking:
    """A sweep after `record` in which nothing happened, but for the changes."""
    usual: dict[str, Any] = {
        "season_id": TEST,
        "booking": number,
        "cycle": record.cycle,
        "closed_at": record.closed_at + STEP / 5,
    }
    return Booking(**{**usual, "books": record.books, **changes})


def _trade_id(booked: BookedFill) -> int:
    return booked.fill.trade_id


class RecordsContract:
    """Subclasses give the fixture `reopen`: each call returns a new adapter on one and the same store."""

    @pytest.fixture
    def records(self, reopen: Open) -> Records:
        return reopen()

    async def test_a_new_season_starts_with_its_capital(self, records: Records) -> None:
        opened = await records.open_season(season())
        state = await records.state(TEST, START)
        assert opened == season()
        assert state == SeasonState(
            season=season(),
            number=0,
            booking=0,
            books=Books(
                ledgers={name: Ledger(llm_id=name, capital=Decimal(200), wallet_balance=Decimal(200)) for name in (A, B, C)}
            ),
            intents={},
            settled_until=START,
            past={A: (), B: (), C: ()},
            news={A: (), B: (), C: ()},
            decided_at={A: (), B: (), C: ()},
            spent_today={A: Decimal(0), B: Decimal(0), C: Decimal(0)},
        )

    @pytest.mark.parametrize(("thinking", "effort"), [(True, ReasoningEffort.HIGH), (False, None)])
    async def test_the_settings_of_the_models_are_kept_and_cannot_change(
        self, records: Records, reopen: Open, thinking: bool, effort: ReasoningEffort | None
    ) -> None:
        def told(**changes: Any) -> Season:
            one, *others = season().competitors
            return replace(season(), competitors=(replace(one, model=replace(one.model, **changes)), *others))

        wanted = told(thinking=thinking, reasoning_effort=effort)
        await records.open_season(wanted)
        assert await reopen().open_season(wanted) == wanted
        for other in (
            told(),
            told(thinking=not thinking, reasoning_effort=effort),
            told(thinking=thinking, reasoning_effort="low"),
        ):
            with pytest.raises(ConfigurationError, match="exists with other competitors"):
                await records.open_season(other)

    async def test_opening_again_returns_the_season_as_it_was_created(self, records: Records) -> None:
        await records.open_season(season())
        later = replace(season(), started_at=START + timedelta(days=1), market="elsewhere")
        assert await records.open_season(later) == season()
        entries = await table(records, "ledger_entries")
        assert [(row["llm_id"], row["kind"], row["amount"], row["balance"], row["time"]) for row in entries] == [
            (name, "capital", "200", "200", "2025-01-01T00:00:00.000000Z") for name in (A, B, C)
        ]

    @pytest.mark.parametrize(
        ("other", "named"),
        [
            (season(competitors=2), "competitors"),
            (season(capital="300"), "capital"),
            (replace(season(), symbols=("BTCUSDT",)), "symbols"),
            (replace(season(), environment=Environment.TESTNET), "environment"),
            (replace(season(), account_mode=AccountMode.SEPARATE), "account mode"),
        ],
    )
    async def test_a_season_keeps_its_terms(self, records: Records, other: Any, named: str) -> None:
        await records.open_season(season())
        with pytest.raises(ConfigurationError, match=rf"season test exists with other .*{named}"):
            await records.open_season(other)
        assert (await records.state(TEST, START)).season == season()

    async def test_another_model_is_another_competitor(self, records: Records) -> None:
        await records.open_season(season())
        first, *rest = season().competitors
        swapped = replace(first, model=replace(first.model, model="claude-opus-5-5"))
        with pytest.raises(ConfigurationError, match="other competitors;"):
            await records.open_season(replace(season(), competitors=(swapped, *rest)))

    async def test_a_moved_base_url_is_the_same_season(self, records: Records) -> None:
        await records.open_season(season())
        moved = tuple(replace(each, model=replace(each.model, base_url="http://127.0.0.1:1")) for each in season().competitors)
        assert await records.open_season(replace(season(), competitors=moved)) == season()

    async def test_an_unknown_season_is_named(self, records: Records) -> None:
        await records.open_season(season())
        with pytest.raises(ConfigurationError, match="no season summer in the records; there are test"):
            await records.state(SeasonId("summer"), START)

    async def test_a_cycle_is_claimed_once(self, records: Records, reopen: Open) -> None:
        await records.open_season(season())
        await records.begin_cycle(TEST, 1, START)
        with pytest.raises(CycleConflict, match="another run has claimed cycle 1 of season test"):
            await reopen().begin_cycle(TEST, 1, START)
        await reopen().begin_cycle(TEST, 2, START)
        assert (await records.state(TEST, START)).number == 2

    async def test_of_many_claimants_one_gets_the_cycle(self, records: Records, reopen: Open) -> None:
        await records.open_season(season())

        def claim(_: int) -> bool:
            try:
                asyncio.run(reopen().begin_cycle(TEST, 1, START))
            except CycleConflict:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(claim, range(8))) == [False] * 7 + [True]

    async def test_intents_are_there_before_the_cycle_is(self, records: Records, reopen: Open) -> None:
        story = Story()
        await begun(records, story)
        state = await reopen().state(TEST, START)
        assert len(story.intents[1]) >= 3
        assert list(state.intents.values()) == list(story.intents[1])
        assert all(name == intent.order.client_order_id for name, intent in state.intents.items())
        assert state.number == 1
        assert state.ledgers[A].wallet_balance == 200

    async def test_writing_intents_again_changes_nothing(self, records: Records) -> None:
        story = Story()
        await begun(records, story)
        before = await everything(records)
        await records.append_intents(TEST, story.intents[1])
        assert await everything(records) == before

    async def test_an_intent_is_never_rewritten(self, records: Records) -> None:
        story = Story()
        await begun(records, story)
        first = story.intents[1][0]
        doubled = replace(first, order=replace(first.order, quantity=first.order.quantity * 2))
        with pytest.raises(CycleConflict, match=first.order.client_order_id):
            await records.append_intents(TEST, [doubled])
        assert next(iter((await records.state(TEST, START)).intents.values())) == first

    async def test_the_state_is_what_the_cycle_left_behind(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        fills: list[BookedFill] = []
        funded: set[tuple[CompetitorId, PositionKey, datetime]] = set()
        for _ in range(25):
            record = await book(records, story)
            state = await records.state(TEST, record.closed_at)
            since = record.closed_at - LATELY
            fills += record.fills
            funded |= {(each.llm_id, (each.symbol, each.position_side), each.time) for each in record.funding}
            assert sorted(state.lately.fills, key=_trade_id) == sorted((f for f in fills if f.fill.time > since), key=_trade_id)
            assert state.lately.funded == {each for each in funded if each[2] > since}
            assert state.books == record.books
            assert state.intents == story.stops
            assert (state.number, state.booking, state.settled_until) == (record.number, record.booking, record.closed_at)

    async def test_a_restart_changes_nothing(self, records: Records, reopen: Open) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 8)
        assert any(ledger.positions for ledger in record.ledgers.values())
        at = record.closed_at
        assert await reopen().state(TEST, at) == await records.state(TEST, at)
        assert await everything(reopen()) == await everything(records)

    async def test_booking_again_changes_nothing(self, records: Records, reopen: Open) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 4)
        before = await everything(records)
        await reopen().book(record)
        assert await everything(records) == before

    async def test_ten_deliveries_at_once_book_once(self, records: Records, reopen: Open) -> None:
        story = Story()
        record = await begun(records, story)
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda each: asyncio.run(each.book(record)), [reopen() for _ in range(10)]))
        assert [row["number"] for row in await table(records, "bookings")] == [1]
        assert len(await table(records, "fills")) == len(record.fills)
        assert (await records.state(TEST, record.closed_at)).books == record.books

    async def test_a_season_stands_where_it_was_last_put_and_its_end_is_for_good(self, records: Records, reopen: Open) -> None:
        def stand(status: SeasonStatus, reason: str) -> SeasonStanding:
            return SeasonStanding(status=status, reason=reason, time=START)

        halted, ended = stand(SeasonStatus.HALTED, "die Bücher – они"), stand(SeasonStatus.ENDED, "over")
        with pytest.raises(RecordsError):
            await records.stand(TEST, halted)
        await records.open_season(Story().season)
        await records.state(TEST, START)
        assert await records.standing(TEST) is None
        for wanted in (halted, stand(SeasonStatus.RUNNING, "seen to"), halted, halted, ended, ended):
            await records.stand(TEST, wanted)
            assert await reopen().standing(TEST) == wanted
        with pytest.raises(RecordsError, match="has ended"):
            await records.stand(TEST, halted)
        assert await reopen().standing(TEST) == ended

    async def test_columns_are_those_of_the_rows(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        await book(records, story, 6)
        for name, names in {
            "competitors": ("baseline", "capital", "llm_id"),
            "turns": ("answer", "summary"),
            "cycles": ("number",),
            "equity_points": ("llm_id", "time", "equity"),
        }.items():
            wanted = [{column: row[column] for column in names} for row in await table(records, name)]
            assert wanted and list(await records.columns(name, TEST, names)) == wanted
        assert await records.columns("fills", SeasonId("winter"), ("price", "fee")) == []
        told = await table(records, "llm_decisions")
        some = await records.columns("llm_decisions", TEST, ("cycle", "symbol"), without=("decision_type", "hold"))
        assert some == [{"cycle": row["cycle"], "symbol": row["symbol"]} for row in told if row["decision_type"] != "hold"]
        kinds = Counter((row["llm_id"], row["decision_type"], row["symbol"]) for row in told)
        assert await records.counts("llm_decisions", TEST, ("llm_id", "decision_type", "symbol")) == kinds
        late = await records.of_cycles("turns", TEST, (2, 5))
        assert list(late) == [row for row in await table(records, "turns") if row["cycle"] in (2, 5)] and len(late) == 6

    async def test_nothing_is_cut_off_at_a_thousand_rows(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story)
        told = tuple(Alert(kind=AlertKind.OPENED, llm_id=None, text=f"{n}", time=START) for n in range(5200))
        await records.book(swept(record, 2, alerts=told))
        texts = [row["text"] for row in await table(records, "alerts") if row["booking"] == 2]
        assert texts == [f"{n}" for n in range(5200)]

    async def test_who_looks_on_reads_only_what_is_new(self, records: Records, reopen: Open) -> None:
        story, looking = Story(), reopen()
        assert isinstance(looking, RowStore)
        await records.open_season(story.season)
        await book(records, story, 3)
        first = await looking.page("fills", TEST, 0, 2)
        rest = await looking.page("fills", TEST, first[-1][0], 1000)
        assert [row for _, row in (*first, *rest)] == await table(records, "fills") and len(first) == 2 < len(rest)
        assert await looking.page("fills", TEST, rest[-1][0], 1000) == []
        places = {
            (row["llm_id"], row["symbol"], row["opened_at"]): at for at, row in await looking.page("positions", TEST, 0, 99)
        }
        await book(records, story, 6)
        news = await looking.page("fills", TEST, rest[-1][0], 1000)
        assert [row for _, row in news] == (await table(records, "fills"))[len(first) + len(rest) :] != []
        later = {(row["llm_id"], row["symbol"], row["opened_at"]): at for at, row in await looking.page("positions", TEST, 0, 99)}
        assert places.items() < later.items(), "a row that is changed keeps its place"

    async def test_other_contents_of_a_booked_cycle_are_refused(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 2)
        before = await everything(records)
        changes = ({"snapshot_hash": "f00d"}, {"closed_intents": ("x",)}, {"equity": ()}, {"market_prompt": ""})
        moved = replace(record, books=replace(record.books, cursor={}))
        for other in (moved, *(replace(record, **change) for change in changes)):
            assert other != record
            with pytest.raises(CycleConflict, match="cycle 2 of season test is booked with other contents"):
                await records.book(other)
        assert await everything(records) == before

    async def test_a_cycle_is_claimed_before_it_is_booked(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        with pytest.raises(CycleConflict, match="cycle 1 of season test was never begun"):
            await records.book(story.cycle())

    async def test_a_cycle_that_comes_too_late_is_refused(self, records: Records) -> None:
        story = Story()
        late = await begun(records, story)
        await records.begin_cycle(TEST, 2, START)
        base = {name: Ledger(llm_id=name, capital=Decimal(200), wallet_balance=Decimal(200)) for name in (A, B, C)}
        await records.book(quiet(with_ledgers(late, base), 2, START + STEP, booking=1))
        with pytest.raises(CycleConflict, match="cycle 1 of season test started from booking 0, but the books are at 1"):
            await records.book(late)

    async def test_a_cycle_is_booked_whole_or_not_at_all(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        await book(records, story, 3)
        record = story.cycle()
        await records.begin_cycle(TEST, 4, record.scheduled_at)
        await records.append_intents(TEST, story.intents[4])
        assert record.fills
        before = await everything(records)
        last = record.fills[-1]
        twice = replace(record, fills=(*record.fills, replace(last, cycle=99)))
        with pytest.raises(RecordsError, match="cycle 4 of season test was not booked"):
            await records.book(twice)
        assert await everything(records) == before
        await records.book(record)
        assert (await records.state(TEST, record.closed_at)).ledgers == record.ledgers

    async def test_a_sweep_is_booked_between_cycles_and_the_next_one_starts_from_it(self, records: Records, reopen: Open) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story)
        bucket = (SHARED_ACCOUNT, "SOLUSDT", PositionSide.LONG)
        books = replace(record.books, foreign={bucket: Decimal("1.50")}, cursor={SHARED_ACCOUNT: {"SOLUSDT": 77}})
        trade = replace(record.fills[0].fill, trade_id=77, client_order_id="web_abc")
        sweep = swept(record, 2, books=books, foreign=(ForeignFill(account=SHARED_ACCOUNT, fill=trade),))
        await records.book(sweep)
        state = await reopen().state(TEST, START)
        assert (state.number, state.booking, state.books, state.settled_until) == (1, 2, books, sweep.closed_at)
        assert [row["client_order_id"] for row in await table(records, "foreign_fills")] == ["web_abc"]
        kinds = [(row["number"], row["kind"], row["cycle"]) for row in await table(records, "bookings")]
        assert kinds == [(1, "cycle", 1), (2, "sweep", 1)]
        before = await everything(records)
        await records.book(sweep)
        assert await everything(records) == before, "the same again changes nothing"

    async def test_of_two_that_started_from_the_same_books_one_is_kept(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story)
        await records.book(swept(record, 2))
        with pytest.raises(
            CycleConflict, match="a sweep after cycle 1 of season test started from booking 1, but the books are at 2"
        ):
            await records.book(swept(record, 2, closed_at=START + STEP))
        with pytest.raises(CycleConflict, match="booking 5, but the books are at 2"):
            await records.book(swept(record, 6))

    async def test_a_sweep_belongs_to_a_cycle(self, records: Records) -> None:
        record = await begun(records, Story())
        with pytest.raises(CycleConflict, match="cycle 9 of season test was never begun"):
            await records.book(swept(record, 1, cycle=9))

    async def test_what_was_closed_without_a_decision_is_news_until_the_next_cycle(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        told: dict[int, list[Any]] = {}
        for _ in range(20):
            record = await book(records, story)
            news = (await records.state(TEST, record.closed_at)).news
            told[record.number] = [trade for trades in news.values() for trade in trades]
        stopped = [trade for trades in told.values() for trade in trades]
        assert stopped == [], "what was closed before the last cycle began has been told"
        trade = replace(next(t for r in Story().play(12) for t in r.closed_trades), closed_at=record.closed_at, cause=Cause.STOP)
        fresh = replace(trade, symbol="DOGEUSDT", opened_at=record.closed_at)
        await records.book(swept(record, 21, closed_trades=(fresh, replace(fresh, symbol="XRPUSDT", cause=Cause.DECISION))))
        assert (await records.state(TEST, START)).news[fresh.llm_id] == (fresh,)

    async def test_a_lease_is_one_holders_until_it_runs_out_or_is_given_back(self, records: Any, reopen: Open) -> None:
        await records.open_season(season())
        second = timedelta(seconds=1)
        assert await records.take(TEST, "one", START, START + 6 * second)
        assert not await reopen().take(TEST, "two", START + 5 * second, START + 11 * second)
        assert await records.take(TEST, "one", START + 5 * second, START + 11 * second), "its holder may hold it longer"
        assert not await reopen().take(TEST, "two", START + 10 * second, START + 16 * second)
        assert await reopen().take(TEST, "two", START + 11 * second, START + 17 * second)
        await records.release(TEST, "one")
        assert not await records.take(TEST, "one", START + 12 * second, START + 18 * second), "it gave back what it had lost"
        await records.release(TEST, "two")
        assert await records.take(TEST, "one", START + 12 * second, START + 18 * second)
        assert await records.take(SeasonId("other"), "two", START, START + second), "each season has its own"

    async def test_a_paper_book_follows_the_version_that_was_read_and_no_other(self, records: Any, reopen: Open) -> None:
        """A paper account is there before its season is: the season opens only on an account that holds its capital."""
        assert await records.load_paper_book(TEST, SHARED_ACCOUNT) is None
        assert not await records.save_paper_book(TEST, SHARED_ACCOUNT, 1, "nothing to follow")
        assert await records.save_paper_book(TEST, SHARED_ACCOUNT, 0, "one")
        version, text = await reopen().load_paper_book(TEST, SHARED_ACCOUNT)
        assert text == "one"
        assert await records.save_paper_book(TEST, SHARED_ACCOUNT, version, "two")
        assert not await reopen().save_paper_book(TEST, SHARED_ACCOUNT, version, "two, differently")
        assert not await records.save_paper_book(TEST, SHARED_ACCOUNT, 0, "one, again")
        assert (await records.load_paper_book(TEST, SHARED_ACCOUNT))[1] == "two"

    async def test_saving_the_same_paper_book_again_changes_nothing(self, records: Any, reopen: Open) -> None:
        """A save whose answer was lost is repeated."""
        for version, text in ((0, "one"), (0, "one")):
            assert await records.save_paper_book(TEST, SHARED_ACCOUNT, version, text)
        version, _ = await records.load_paper_book(TEST, SHARED_ACCOUNT)
        for _ in range(2):
            assert await reopen().save_paper_book(TEST, SHARED_ACCOUNT, version, "two: \"ü\", 'n'")
        assert await records.load_paper_book(TEST, SHARED_ACCOUNT) == (version + 1, "two: \"ü\", 'n'")

    async def test_paper_books_of_other_accounts_and_seasons_are_others(self, records: Any) -> None:
        for season_id, account in ((TEST, SHARED_ACCOUNT), (TEST, "LLM-A"), (SeasonId("other"), SHARED_ACCOUNT)):
            assert await records.load_paper_book(season_id, account) is None
            assert await records.save_paper_book(season_id, account, 0, f"{season_id} {account}")
        assert (await records.load_paper_book(TEST, "LLM-A"))[1] == "test LLM-A"

    def test_of_many_who_save_a_paper_book_at_once_one_wins_each_round(self, reopen: Open) -> None:
        """Everybody adds one to a number again and again; none is lost."""

        async def add(records: Any) -> None:
            for _ in range(20):
                while True:
                    version, text = await records.load_paper_book(TEST, SHARED_ACCOUNT) or (0, "0")
                    if await records.save_paper_book(TEST, SHARED_ACCOUNT, version, f"{int(text.split()[0]) + 1} {id(records)}"):
                        break

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda records: asyncio.run(add(records)), [reopen() for _ in range(4)]))
        found = asyncio.run(reopen().load_paper_book(TEST, SHARED_ACCOUNT))  # type: ignore[attr-defined]
        assert found[1].split()[0] == "80"

    async def test_a_wallet_that_its_entries_do_not_explain_is_refused(self, records: Records) -> None:
        record = await begun(records, Story())
        before = await everything(records)
        tampered = replace(record.ledgers[A], wallet_balance=record.ledgers[A].wallet_balance + Decimal("1e-18"))
        with pytest.raises(RecordsError, match="the entries of LLM-A lead to"):
            await records.book(with_ledgers(record, {**record.ledgers, A: tampered}))
        assert await everything(records) == before

    async def test_a_position_does_not_vanish_without_a_trade(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 2)
        assert record.ledgers[A].positions
        await records.begin_cycle(TEST, 3, START)
        emptied = {**record.ledgers, A: replace(record.ledgers[A], positions={})}
        with pytest.raises(RecordsError, match=r"LLM-A .* vanished without a closed trade"):
            await records.book(with_ledgers(quiet(record, 3, START + 3 * STEP), emptied))
        assert (await records.state(TEST, START)).ledgers == record.ledgers

    async def test_a_position_comes_back_to_the_last_digit(self, records: Records, reopen: Open) -> None:
        record = await begun(records, Story())
        tiny = Decimal("0.000000000000000001")
        held = Position(
            llm_id=A,
            symbol="BTCUSDT",
            side=PositionSide.SHORT,
            signed_quantity=Decimal("-12345678.123456789012345678"),
            signed_cost=Decimal("-1E+3") - tiny,
            leverage=5,
            opened_at=datetime(2025, 1, 1, 0, 5, 0, 1, tzinfo=UTC),
            thesis=Thesis(reason="ü ☃ 𝕏 'quoted' \"", invalidation="", confidence=0, stop_price=tiny, target_price=None),
            stop_order_id="abc123-1-A-BTCUSDT-s",
            opened_quantity=tiny,
            opened_notional=1 - tiny,
            closed_quantity=Decimal("1E-7"),
            closed_notional=Decimal("100"),
            realized_pnl=-tiny,
            fees=tiny,
            funding=-7 * tiny,
        )
        ledger = replace(record.ledgers[A], positions={("BTCUSDT", PositionSide.SHORT): held}, funding=tiny, losing_trades=3)
        record = with_ledgers(record, {**record.ledgers, A: ledger})
        await records.book(record)
        assert (await reopen().state(TEST, START)).ledgers == record.ledgers

    async def test_amounts_keep_eighteen_places_everywhere(self, records: Records) -> None:
        record = await begun(records, Story())
        exact, other = Decimal("123456789012.123456789012345678"), Decimal("-123456789012.123456789012345678")
        point = replace(record.equity[0], equity=exact, unrealized_pnl=other, wallet_balance=Decimal("1E+2"))
        await records.book(replace(record, equity=(point, *record.equity[1:])))
        first = (await table(records, "equity_points"))[0]
        assert (first["equity"], first["unrealized_pnl"]) == (
            "123456789012.123456789012345678",
            "-123456789012.123456789012345678",
        )
        assert first["wallet_balance"] == "100"

    async def test_any_text_a_model_may_send_is_kept(self, records: Records, reopen: Open) -> None:
        hostile = "Trend ↑ 中文 🚀 <script>alert(1)</script> '; DROP TABLE turns; -- \ud83d\ude80 \ud800 \x00 \u2028 \r\n end"
        story = Story(text=hostile)
        record = await begun(records, story)
        await records.book(record)
        reasons = {row["reasoning"] for row in await table(reopen(), "llm_decisions")}
        assert reasons == {"Trend ↑ 中文 🚀 <script>alert(1)</script> '; DROP TABLE turns; -- 🚀 \ufffd \ufffd \u2028 \r\n end"}

    async def test_a_failure_is_never_a_hold(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        await book(records, story, 4)
        rows = [row for row in await table(records, "llm_decisions") if row["llm_id"] == B and row["cycle"] in (2, 4)]
        assert [(row["cycle"], row["decision_type"], row["symbol"], row["confidence"]) for row in rows] == [
            (2, "invalid", None, None),
            (4, "no_answer", None, None),
        ]
        assert "no JSON" in rows[0]["reasoning"]
        assert json.loads(rows[0]["full_response"])["text"].startswith("I would rather")
        assert json.loads(rows[1]["full_response"]) == {"error": "no answer within 90 s", "kind": "timeout", "text": None}
        turns = {(row["cycle"], row["llm_id"]): row for row in await table(records, "turns")}
        assert (turns[2, B]["answer"], turns[4, B]["answer"], turns[4, B]["failure"]) == ("invalid", "no_answer", "timeout")
        assert turns[1, B]["answer"] == "decision"

    async def test_every_call_is_a_row_whatever_came_of_it(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        booked = [await book(records, story) for _ in range(4)]
        rows = await table(records, "model_calls")
        assert len(rows) == sum(len(turn.calls) for record in booked for turn in record.turns) == 4 * 3 + 2
        repaired = [row for row in rows if (row["cycle"], row["llm_id"]) == (2, B)]
        assert [(row["number"], row["purpose"], row["fault"], row["error"]) for row in repaired] == [
            (1, "decide", None, "decisions[0].symbol: is missing"),
            (2, "repair", None, 'the answer holds no JSON object with a list of "decisions"'),
        ]
        assert repaired[0]["text"] == '{"decisions": [{}]}' and repaired[1]["text"].startswith("I would rather")
        assert repaired[0]["begun_at"] == cell(START + 2 * STEP + timedelta(seconds=5))
        slow, late = [row for row in rows if (row["cycle"], row["llm_id"]) == (4, B)]
        said = [slow[name] for name in ("fault", "retry_after_ms", "request_id", "latency_ms")]
        assert said == ["rate_limited", 1500, "req_429", 80]
        answered = ("model", "text", "stop_reason", "input_tokens", "cached_tokens", "output_tokens", "cost_usd", "parameters")
        assert {late[name] for name in answered} == {None} and (late["number"], late["fault"]) == (2, "timeout")
        (plain,) = [row for row in rows if (row["cycle"], row["llm_id"]) == (1, A)]
        assert (plain["fault"], plain["error"], plain["request_id"], plain["cost_usd"]) == (None, None, "req_1", "0.0123456")
        assert json.loads(plain["parameters"]) == {"max_tokens": 2000}
        assert sum(row["calls"] for row in await table(records, "turns")) == len(rows)

    async def test_every_decision_is_a_row_of_its_own(self, records: Records) -> None:
        record = await begun(records, Story())
        await records.book(record)
        answer = record.turns[0].answer
        assert isinstance(answer, Decision)
        wanted = answer.symbols[0]
        row = (await table(records, "llm_decisions"))[0]
        full = json.loads(row.pop("full_response"))
        assert row == {
            "season_id": "test",
            "cycle": 1,
            "llm_id": "LLM-A",
            "time": "2025-01-01T00:05:00.000000Z",
            "decision_type": str(wanted.action),
            "symbol": "BTCUSDT",
            "reasoning": wanted.reason,
            "confidence": wanted.confidence,
            "size_percent": wanted.size_percent,
            "leverage": wanted.leverage,
            "entry_type": "market",
            "limit_price": None,
            "stop_price": cell(wanted.stop_price),
            "target_price": cell(wanted.target_price),
            "invalidation": wanted.invalidation,
            "outcome": "",
        }
        assert full["action"] == str(wanted.action)
        assert full["stop_price"] == row["stop_price"]

    async def test_the_past_is_the_last_six_turns_of_each(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 7)
        past = (await records.state(TEST, record.closed_at)).past
        assert {name: [turn.cycle for turn in turns] for name, turns in past.items()} == {
            name: [2, 3, 4, 5, 6, 7] for name in (A, B, C)
        }
        assert past[B][2].summary == "no answer (timeout): no answer within 90 s; nothing was done"
        assert past[B][2].time == START + 4 * STEP
        assert past[A][-1].summary.count(";") == 2

    async def test_calls_of_the_last_hour_count_and_refusals_to_ask_do_not(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        for number in range(1, 15):
            record = story.cycle()
            if number == 13:
                unasked = replace(record.turns[0], answer=NoAnswer(kind="hourly_limit", error=""), calls=())
                record = replace(record, turns=(unasked, *record.turns[1:]))
            await records.begin_cycle(TEST, number, record.scheduled_at)
            await records.book(record)
        decided = (await records.state(TEST, START + 15 * STEP)).decided_at
        assert decided[B] == tuple(START + number * STEP for number in range(4, 15))  # cycle 3 is an hour ago
        assert decided[A] == tuple(START + number * STEP for number in range(4, 15) if number != 13)

    async def test_what_the_calls_of_the_day_have_cost_is_kept_until_midnight(self, records: Records, reopen: Open) -> None:
        story = Story()
        await records.open_season(story.season)
        for number in range(1, 5):
            record = story.cycle()
            if number == 3:
                (first, *others) = record.turns
                (call,) = first.calls
                assert call.completion is not None
                unknown = replace(first, calls=(replace(call, completion=replace(call.completion, cost_usd=None)),))
                record = replace(record, turns=(unknown, *others))
            await records.begin_cycle(TEST, number, record.scheduled_at)
            await records.book(record)
        one = Decimal("0.0123456")  # LLM-B was asked twice in cycle 2
        assert (await reopen().state(TEST, START + 5 * STEP)).spent_today == {A: 3 * one, B: 4 * one, C: 4 * one}
        assert (await records.state(TEST, START + 2 * STEP)).spent_today == {A: 2 * one, B: 3 * one, C: 2 * one}
        late = timezone(timedelta(hours=-5))
        same_day, next_day = START + timedelta(hours=23, minutes=59), START + timedelta(hours=24)
        assert (await records.state(TEST, same_day.astimezone(late))).spent_today[C] == 4 * one
        assert (await records.state(TEST, next_day.astimezone(late))).spent_today == {A: 0, B: 0, C: 0}

    async def test_rows_come_in_booking_order_as_exact_text(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        records_of = [await book(records, story) for _ in range(6)]
        booked = [fill for record in records_of for fill in record.fills]
        rows = await table(records, "fills")
        assert [(row["symbol"], row["trade_id"]) for row in rows] == [(b.fill.symbol, b.fill.trade_id) for b in booked]
        assert [Decimal(row["realized_pnl"]) for row in rows] == [b.realized_pnl for b in booked]
        moment = re.compile(r"2025-01-01T\d\d:\d\d:\d\d\.\d{6}Z")
        for row in rows:
            assert moment.fullmatch(row["time"])
            assert not {"id", "created_at", "updated_at"} & set(row)
            assert all(isinstance(row[name], str) for name in ("quantity", "price", "fee", "realized_pnl"))

    async def test_baselines_are_marked(self, records: Records) -> None:
        await records.open_season(season())
        assert [row["baseline"] for row in await table(records, "competitors")] == [False, False, True]

    async def test_an_unknown_table_is_a_fault(self, records: Records) -> None:
        with pytest.raises(RecordsError, match="no table sqlite_master"):
            await table(records, "sqlite_master")

    async def test_seasons_do_not_mix(self, records: Records) -> None:
        story, other = Story(), Story(season("other"), seed=8)
        await records.open_season(story.season)
        await records.open_season(other.season)
        for _ in range(3):
            left, right = await book(records, story), await book(records, other)
        assert (await records.state(TEST, START)).ledgers == left.ledgers
        assert (await records.state(SeasonId("other"), START)).ledgers == right.ledgers
        for name in TABLES:
            assert {row["season_id"] for row in await table(records, name, "other")} <= {"other"}

    async def test_the_prompt_is_kept_to_the_byte_and_shared_parts_once(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 3)
        prompts = await table(records, "prompts")
        assert sorted(row["part"] for row in prompts) == ["market"] * 3 + ["static"]
        texts = {row["hash"]: row["text"] for row in prompts}
        assert all(hashlib.sha256(text.encode()).hexdigest() == name for name, text in texts.items())
        cycle = (await table(records, "cycles"))[-1]
        assert texts[cycle["static_prompt_hash"]] == record.static_prompt
        assert texts[cycle["market_prompt_hash"]] == record.market_prompt
        assert [row["account_prompt"] for row in await table(records, "turns")][-3:] == [
            turn.account_prompt for turn in record.turns
        ]

    async def test_accounts_are_what_the_entries_add_up_to(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 20)
        entries = await table(records, "ledger_entries")
        for account in await table(records, "llm_accounts"):
            own = [row for row in entries if row["llm_id"] == account["llm_id"]]
            ledger = record.ledgers[CompetitorId(account["llm_id"])]
            assert sum(Decimal(row["amount"]) for row in own) == Decimal(account["current_balance"]) == ledger.wallet_balance
            assert Decimal(account["total_pnl"]) == ledger.wallet_balance - 200
            assert Decimal(account["equity"]) == ledger.equity(story.prices)
            assert account["total_trades"] == ledger.total_trades > 0

    async def test_positions_are_closed_with_their_trades(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 20)
        positions, trades = await table(records, "positions"), await table(records, "closed_trades")
        key = ("llm_id", "symbol", "side", "opened_at", "closed_at", "entry_price", "quantity")
        closed = [row for row in positions if row["status"] == "closed"]
        assert len(trades) > 10
        assert sorted(tuple(row[name] for name in key) for row in closed) == sorted(
            tuple(row[name] for name in key) for row in trades
        )
        assert {row["signed_quantity"] for row in closed} == {"0"}
        assert sum(row["status"] == "open" for row in positions) == sum(len(each.positions) for each in record.ledgers.values())

    async def test_a_position_of_a_single_cycle_is_kept_too(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 1)
        trade = next(iter([t for t in Story(seed=3).play(12) if t.closed_trades])).closed_trades[0]
        at = START + 2 * STEP
        brief = replace(trade, symbol="DOGEUSDT", opened_at=at, closed_at=at)
        await records.begin_cycle(TEST, 2, at)
        await records.book(replace(quiet(record, 2, at), closed_trades=(brief,)))
        rows = [row for row in await table(records, "positions") if row["symbol"] == "DOGEUSDT"]
        assert [(row["status"], row["closed_at"]) for row in rows] == [("closed", "2025-01-01T00:10:00.000000Z")]
        assert (await records.state(TEST, at)).ledgers == record.ledgers

    async def test_an_audit_of_what_was_booked_is_clean(self, records: Records) -> None:
        story = Story()
        await records.open_season(story.season)
        record = await book(records, story, 12)
        await records.book(swept(record, 13))
        found = await read_verification(records, TEST)
        assert found.findings == () and found.counts["bookings"] == 13 and found.counts["cells"] > 5000

    async def test_times_are_utc_wherever_they_came_from(self, records: Records) -> None:
        there = timezone(timedelta(hours=5, minutes=30))
        await records.open_season(replace(season(), started_at=START.astimezone(there)))
        assert (await table(records, "seasons"))[0]["started_at"] == "2025-01-01T00:00:00.000000Z"

    async def test_a_time_without_a_zone_is_refused(self, records: Records) -> None:
        await records.open_season(season())
        with pytest.raises(ValueError, match="has no time zone"):
            await records.begin_cycle(TEST, 1, datetime(2025, 1, 1))  # noqa: DTZ001


class TestSqlite(RecordsContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Open]:
        with ExitStack() as opened:
            yield lambda: opened.enter_context(SqliteRecords(tmp_path / "runs" / "demo" / "arena.db"))


class TestSupabase(RecordsContract):
    @pytest.fixture
    def reopen(self, supabase: Stack) -> Iterator[Open]:
        with ExitStack() as opened:

            def open_() -> Records:
                records = SupabaseRecords(supabase.url, supabase.service_key)
                opened.callback(records.close)
                return records

            yield open_


class TestSupabaseWithItsSpool(RecordsContract):
    """What production uses; each adapter is another process's."""

    @pytest.fixture
    def reopen(self, supabase: Stack, tmp_path: Path) -> Iterator[Open]:
        with ExitStack() as opened:

            def open_() -> Records:
                remote = SupabaseRecords(supabase.url, supabase.service_key)
                records = SpooledRecords(remote, SpoolFile(tmp_path / "spool.sqlite"))
                opened.callback(records.close)
                return records

            yield open_
