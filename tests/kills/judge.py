"""Whether a store has every cycle entirely or not at all: compared with a store that nobody has disturbed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from arena.adapters.storage.marks import chained
from arena.adapters.storage.rows import TABLES
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.store import Records
from arena.domain.competitor import SeasonId
from tests.kills.writer import Script, prepare

Rows = Sequence[Mapping[str, Any]]
Tables = Mapping[str, Rows]

WRITTEN = ("cycles", "intents", "bookings")  # one of them is changed by whatever is written


class Judge:
    """Follows a season in an SQLite file of its own, as far as the season has come."""

    def __init__(self, file: Path, script: Script) -> None:
        self._model = SqliteRecords(file)
        self._script = script
        self._booked = 0

    def close(self) -> None:
        """Let go of the file."""
        self._model.close()

    async def faults(self, tables: Tables, told: int) -> list[str]:
        """Return in sentences what a store has and should not have, or lacks.

        Args:
            tables: All of the store.
            told: The last cycle of which a writer was told that it is booked.
        """
        booked = len(tables["bookings"])
        lost = [f"cycle {told} was booked, and {booked} cycles are"] if booked < told else []
        await self._follow(tables, max(booked, told))
        expected = await everything(self._model, self._script.season.season_id)
        return [*lost, *differences(expected, tables), *broken_chain(tables), *unexplained(tables)]

    async def _follow(self, tables: Tables, booked: int) -> None:
        """Book as many cycles, and begin the next one as far as the store says that it is begun."""
        if not self._booked:
            await self._model.open_season(self._script.season)
        for scene in self._script.scenes(self._booked + 1, booked):
            await prepare(self._model, scene)
            await self._model.book(scene.record)
        self._booked = max(self._booked, booked)
        (beyond,) = self._script.scenes(booked + 1, booked + 1)
        written = any(row["cycle"] == booked + 1 for row in tables["intents"])
        if written or any(row["number"] == booked + 1 for row in tables["cycles"]):
            await prepare(self._model, beyond if written else beyond._replace(intents=()))


async def reading(records: Records, season_id: SeasonId) -> dict[str, Rows]:
    """Return all of a store as it was at one moment: read until nothing was written meanwhile."""
    while True:
        before = await _read(records, season_id, WRITTEN)
        found = await everything(records, season_id)
        if await _read(records, season_id, WRITTEN) == before:
            return found


async def everything(records: Records, season_id: SeasonId) -> dict[str, Rows]:
    """Return the rows of every table."""
    return await _read(records, season_id, TABLES)


def differences(expected: Tables, found: Tables) -> Iterator[str]:
    """Name the rows that a store lacks, has twice, or should not have."""
    for name in (name for name in TABLES if expected[name] != found[name]):
        wanted, there = Counter(map(_text, expected[name])), Counter(map(_text, found[name]))
        for row, count in (wanted - there).items():
            yield f"{name} lacks a row{'' if count == 1 else f' {count} times'}: {row}"
        for row in there - wanted:
            yield f"{name} has a row {'twice' if row in wanted else 'that it should not have'}: {row}"
        if wanted == there:
            yield f"{name} has its rows in another order"


def broken_chain(tables: Tables) -> Iterator[str]:
    """Name the bookings that are not chained to the one before."""
    before = tables["seasons"][0]["journal_hash"] if tables["seasons"] else ""
    for booking in tables["bookings"]:
        if booking["journal_hash"] != chained(before, booking["payload_hash"]):
            yield f"booking {booking['number']} is not chained to the one before"
        before = booking["journal_hash"]


def unexplained(tables: Tables) -> Iterator[str]:
    """Name the wallets that are not the sum of their entries."""
    for account in tables["llm_accounts"]:
        entries = sum(Decimal(row["amount"]) for row in tables["ledger_entries"] if row["llm_id"] == account["llm_id"])
        if entries != Decimal(account["current_balance"]):
            yield f"the wallet of {account['llm_id']} is {account['current_balance']}, its entries add up to {entries}"


async def _read(records: Records, season_id: SeasonId, names: Sequence[str]) -> dict[str, Rows]:
    return {name: [row async for row in records.rows(name, season_id)] for name in names}


def _text(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False)
