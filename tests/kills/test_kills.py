"""A few kills of every kind; `make kill-test` does many. And the judge must be able to find a store guilty."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.storage.sqlite import SqliteRecords
from scripts.supabase_local.stack import missing
from tests.fakes.supabase import require
from tests.kills.judge import Judge, reading
from tests.kills.writer import Script, prepare

ROOT = Path(__file__).resolve().parents[2]
BOOKED = 6
Tables = dict[str, list[dict[str, Any]]]


def test_every_cycle_is_booked_once_or_not_at_all() -> None:
    require(missing())
    command = [sys.executable, "-m", "tests.kills", "--seed", "2", "--kills", "12"]
    ended = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert (found["kills"], found["broken"], found["booked_once"] + found["not_at_all"]) == (12, 0, 12)
    assert found["inside"] > 0
    assert "writer 2, Postgres 2, PostgREST 2 killed" in ended.stdout


# --- the judge must be able to find somebody guilty ----------------------------------------------------


@pytest.fixture
def script() -> Script:
    return Script("kills", 7)


@pytest.fixture
async def judge(script: Script, tmp_path: Path) -> AsyncIterator[Judge]:
    with closing(Judge(tmp_path / "judge.sqlite", script)) as found:
        yield found


@pytest.fixture
async def tables(script: Script, tmp_path: Path) -> Tables:
    """Six cycles booked, a seventh begun."""
    with SqliteRecords(tmp_path / "arena.sqlite") as records:
        await records.open_season(script.season)
        for scene in script.scenes(1, BOOKED):
            await prepare(records, scene)
            await records.book(scene.record)
        await prepare(records, *script.scenes(BOOKED + 1, BOOKED + 1))
        return {name: list(map(dict, rows)) for name, rows in (await reading(records, script.season.season_id)).items()}


async def test_a_store_in_order_is_acquitted_wherever_it_was_killed(judge: Judge, script: Script, tmp_path: Path) -> None:
    with SqliteRecords(tmp_path / "arena.sqlite") as records:
        season_id = (await records.open_season(script.season)).season_id
        assert await judge.faults(await reading(records, season_id), 0) == []
        for scene in script.scenes(1, BOOKED):
            await prepare(records, scene._replace(intents=()))
            assert await judge.faults(await reading(records, season_id), scene.record.number - 1) == []
            await prepare(records, scene)
            assert await judge.faults(await reading(records, season_id), scene.record.number - 1) == []
            await records.book(scene.record)
            assert await judge.faults(await reading(records, season_id), scene.record.number) == []


@pytest.mark.parametrize("table", ["fills", "ledger_entries", "turns", "equity_points", "intents", "bookings", "cycles"])
@pytest.mark.parametrize("place", [0, -1])
async def test_a_row_that_is_gone_is_found(judge: Judge, tables: Tables, table: str, place: int) -> None:
    del tables[table][place]
    assert any(fault.startswith(f"{table} lacks a row: ") for fault in await judge.faults(tables, BOOKED))


@pytest.mark.parametrize("table", ["fills", "ledger_entries", "turns", "prompts", "intents", "bookings", "cycles"])
async def test_a_row_that_is_there_twice_is_found(judge: Judge, tables: Tables, table: str) -> None:
    tables[table].append(tables[table][-1])
    assert any(fault.startswith(f"{table} has a row ") for fault in await judge.faults(tables, BOOKED))


def _half(tables: Tables) -> None:
    """The last booking got as far as its fills."""
    tables["bookings"].pop()
    tables["cycles"][BOOKED - 1] |= dict.fromkeys(tables["cycles"][BOOKED - 1].keys() - {"season_id", "number", "scheduled_at"})
    for name in ("ledger_entries", "equity_points", "alerts"):
        tables[name] = [row for row in tables[name] if row["cycle"] != BOOKED]


def _all_of_it(tables: Tables) -> None:
    """A whole booking is gone, with what it ended."""
    tables["bookings"].pop()


def _changed(table: str, column: str, value: object) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table][-1][column] = value

    return change


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (_half, "that it should not have"),
        (_all_of_it, "cycle 6 was booked, and 5 cycles are"),
        (_changed("bookings", "journal_hash", "0" * 64), "booking 6 is not chained to the one before"),
        (_changed("llm_accounts", "current_balance", "1"), "the wallet of LLM-C is 1, its entries add up to "),
        (lambda tables: tables["fills"].reverse(), "fills has its rows in another order"),
    ],
)
async def test_a_half_booking_and_a_lost_one_are_found(
    judge: Judge, tables: Tables, harm: Callable[[Tables], None], sentence: str
) -> None:
    harm(tables)
    assert any(sentence in fault for fault in await judge.faults(tables, BOOKED))


async def test_a_half_booking_is_found_where_nobody_was_told_of_it(judge: Judge, tables: Tables) -> None:
    _half(tables)
    assert await judge.faults(tables, BOOKED - 1)
