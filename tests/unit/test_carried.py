"""Carrying the state on by hand must give what the store gives after the same writes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from arena.adapters.storage.booking_rows import booking_rows
from arena.adapters.storage.carried import with_booking, with_claim, with_intents
from arena.adapters.storage.marks import marked, sealed
from arena.adapters.storage.rows import Tables, intent_row, iso
from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.state import state_of
from arena.application.record import Booking, CycleRecord
from arena.domain.competitor import SeasonId
from arena.domain.order import Cause
from arena.errors import CycleConflict, RecordsError
from tests.contract.test_records import swept
from tests.fakes.season import Story

TEST = SeasonId("test")


@pytest.mark.slow
@pytest.mark.parametrize("known", [0, 1, 9])
async def test_it_is_what_the_store_says_after_the_same_writes(tmp_path: Path, known: int) -> None:
    """From any cycle on, for a day, with sweeps between the cycles and a restart of the rows as a file keeps them."""
    store, story = SqliteRecords(tmp_path / "arena.sqlite"), Story()
    await store.open_season(story.season)
    rows: Tables = await store.state_rows(TEST, story.season.started_at)
    booking = 0
    for number in range(1, 41):
        record = story.cycle()
        booking += 1
        record = replace(record, booking=booking)
        written = [marked(intent_row(TEST, each)) for each in story.intents[number]]
        await store.begin_cycle(TEST, number, record.scheduled_at)
        await store.append_intents(TEST, story.intents[number])
        rows = with_intents(with_claim(rows, TEST, number, iso(record.scheduled_at)), written)
        assert state_of(rows, record.scheduled_at) == await store.state(TEST, record.scheduled_at)
        for unit in (record, *_sweep(record, booking)):
            booking = unit.booking
            await store.book(unit)
            rows = json.loads(json.dumps(with_booking(rows, sealed(booking_rows(unit)))))
            assert state_of(rows, unit.closed_at) == await store.state(TEST, unit.closed_at)
        if number == known:
            rows = await store.state_rows(TEST, record.closed_at)
    store.close()


def _sweep(record: CycleRecord, booking: int) -> tuple[Booking, ...]:
    """After every third cycle a sweep that tells a trade which a stop has closed."""
    if record.number % 3 or not record.closed_trades:
        return ()
    at = record.closed_at + timedelta(seconds=60)
    trade = replace(record.closed_trades[0], symbol="DOGEUSDT", opened_at=record.closed_at, closed_at=at, cause=Cause.STOP)
    return (swept(record, booking + 1, closed_at=at, closed_trades=(trade,)),)


async def test_what_the_store_would_refuse_is_refused(tmp_path: Path) -> None:
    store, story = SqliteRecords(tmp_path / "arena.sqlite"), Story()
    await store.open_season(story.season)
    record = story.cycle()
    rows = with_claim(await store.state_rows(TEST, record.scheduled_at), TEST, 1, iso(record.scheduled_at))
    store.close()
    with pytest.raises(CycleConflict, match="another run has claimed cycle 1"):
        with_claim(rows, TEST, 1, iso(record.scheduled_at))
    written = [marked(intent_row(TEST, each)) for each in story.intents[1]]
    rows = with_intents(rows, written)
    assert with_intents(rows, written) == rows
    with pytest.raises(CycleConflict, match="is written down with other contents"):
        with_intents(rows, [{**written[0], "quantity": "7"}])
    tables = sealed(booking_rows(record))
    with pytest.raises(RecordsError, match="the entries of LLM-A lead to"):
        with_booking(rows, {**tables, "ledger_entries": []})
    booked = with_booking(rows, tables)
    assert with_booking(booked, tables) == booked, "the same again changes nothing"
    with pytest.raises(CycleConflict, match="booked with other contents"):
        with_booking(booked, sealed(booking_rows(replace(record, snapshot_hash="f00d"))))
    with pytest.raises(CycleConflict, match="started from booking 4, but the books are at 1"):
        with_booking(booked, sealed(booking_rows(swept(record, 5))))
    second = story.cycle()
    emptied = {**sealed(booking_rows(second)), "positions": []}
    with pytest.raises(RecordsError, match="vanished without a closed trade"):
        with_booking(booked, emptied)
