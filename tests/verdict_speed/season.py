"""A season of any length in a file, in seconds: a few hundred cycles are played, and repeated in later time."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from arena.adapters.storage.rows import iso
from arena.adapters.storage.sqlite import SqliteRecords
from arena.domain.decision import Action, SymbolDecision
from tests.fakes.season import STEP, Story, competitor, season

PLAYED = 288  # cycles, a day
EIGHT_HOURS = 96  # cycles
NUMBERS = ("cycle", "booking", "booked_cycle", "closed_booking", "number")  # what counts up with the cycles, by column
TIMES = ("scheduled_at", "closed_at", "time", "as_of", "begun_at", "asked_at", "deadline_at", "answered_at", "ordered_at")
LATER = (*TIMES, "opened_at", "formed_at")
NAMES = ("client_order_id", "exchange_order_id", "reference")  # of one thing each
REPEATED = (  # in the order of their references; what has one row a season, or a row that changes, is left as it is
    *("cycles", "bookings", "turns", "model_calls", "llm_decisions", "rejections", "intents", "orders", "fills", "funding"),
    *("ledger_entries", "equity_points", "position_points", "closed_trades"),
)


class CalmStory(Story):
    """Three models that mostly hold, as models do: some ten trades a day each."""

    def _funding(self, at: datetime, book: Any) -> None:
        if self.number % EIGHT_HOURS == 0:
            super()._funding(at, book)

    def _wish(self, llm_id: Any, symbol: str) -> SymbolDecision:
        wish = super()._wish(llm_id, symbol)
        if wish.action is Action.HOLD or self.chance.random() < 0.04:
            return wish
        return replace(wish, action=Action.HOLD, stop_price=None, target_price=None)


def three_models() -> CalmStory:
    """Return a story of three language models."""
    base = season()
    names = ("claude-sonnet-5-5", "deepseek-v4-pro", "gpt-6.1-terra")
    playing = tuple(
        competitor(str(each.llm_id), each.model.provider, name) for each, name in zip(base.competitors, names, strict=True)
    )
    return CalmStory(replace(base, competitors=playing))


async def make(path: Path, cycles: int) -> None:
    """Write a season of so many cycles (a multiple of `PLAYED`) into a new file."""
    records, story = SqliteRecords(path, lasting=False), three_models()
    await records.open_season(story.season)
    for record in story.play(PLAYED):
        await records.begin_cycle(record.season_id, record.number, record.scheduled_at)
        await records.append_intents(record.season_id, story.intents[record.number])
        await records.book(record)
    records.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("DELETE FROM positions WHERE status = 'open'")  # which would be held for the whole season
        for table in REPEATED:
            _repeat(db, table, cycles // PLAYED)


def _repeat(db: sqlite3.Connection, table: str, days: int) -> None:
    cursor = db.execute(f"SELECT * FROM {table} WHERE season_id = 'test' ORDER BY id")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    kept = [name for name in names if name != "id"]
    sql = f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({', '.join('?' * len(kept))})"
    db.executemany(sql, ([each[name] for name in kept] for day in range(1, days) for each in _later(rows, day)))


def _later(rows: Sequence[Mapping[str, Any]], day: int) -> Iterator[dict[str, Any]]:
    for row in rows:
        moved = dict(row)
        for name, value in row.items():
            if value is None:
                continue
            if name in NUMBERS and not (name == "number" and "purpose" in row):  # a model's calls count within their cycle
                moved[name] = value + day * PLAYED
            elif name in LATER:
                moved[name] = iso(datetime.fromisoformat(value) + day * PLAYED * STEP)
            elif name in NAMES:
                moved[name] = f"{value}-{day}"
            elif name == "trade_id":
                moved[name] = value + day * 1_000_000
        if row.get("cycle") is None and "kind" in row and row["kind"] == "capital":
            continue  # given once
        yield moved


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]), int(sys.argv[2])))
