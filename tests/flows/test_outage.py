"""Cycles of the real flow with Supabase as the store, which is there, goes away and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arena.adapters.recorded import generate_market
from arena.adapters.storage.supabase import SupabaseRecords
from arena.application.record import AlertKind, CycleRecord
from arena.bootstrap import open_arena
from arena.configuration import load_settings
from arena.doctor import examine
from arena.domain.competitor import SeasonId
from arena.trading_cycle import run_cycle
from scripts.supabase_local.gateway import Fault
from scripts.supabase_local.stack import Stack
from tasks import protection
from tasks.cycle import OBSERVED
from tests.contract.test_records import table
from tests.fakes.models import ScriptedModel, answer, part
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator
from tests.fakes.told import Told

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "DOGEUSDT", "XRPUSDT")
SEASON = SeasonId("outage")
STOPS = dict.fromkeys(SYMBOLS, 1.0) | {"DOGEUSDT": 0.01, "XRPUSDT": 0.1}


def of_the_store(told: Told) -> list[str]:
    return [text.split(":")[0].split(",")[0] for text in told.texts(AlertKind.STORE)]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    folder = generate_market(tmp_path / "market", 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    with running_simulator(folder, speed=1.0) as running:
        yield running


@pytest.fixture(autouse=True)
def configured(simulator: Simulator, supabase: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        "ENVIRONMENT=demo",
        f"SEASON={SEASON}",
        "TOTAL_LLMS=2",
        f"SUPABASE_URL={supabase.url}",
        f"SUPABASE_KEY={supabase.service_key}",
        f"BINANCE_TESTNET_BASE_URL={simulator.url}",
        f"BINANCE_TESTNET_API_KEY={KEY}",
        f"BINANCE_TESTNET_SECRET_KEY={SECRET}",
    ]
    for letter in "AB":
        lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL=scripted"]
    (tmp_path / "arena.env").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("ARENA_ENV_FILE", str(tmp_path / "arena.env"))


def opening(*symbols: str) -> str:
    return answer(
        *(part(each, "open_long", stop_price=STOPS[each], size_percent=12, leverage=5, target_price=1e7) for each in symbols)
    )


def closing(*symbols: str) -> str:
    return answer(*(part(each, "close") for each in symbols))


async def cycle(told: Told, said: str) -> CycleRecord:
    """A new process each time, as the worker starts them."""
    async with open_arena(load_settings(), asking=False) as arena:
        models = {each.llm_id: ScriptedModel(said) for each in arena.season.competitors}
        record = await run_cycle(replace(arena, models=models, notifier=told), OBSERVED)
    assert record is not None
    return record


def held(simulator: Simulator) -> dict[str, str]:
    return {each["symbol"]: each["quantity"] for each in simulator.state()["positions"]}


async def test_closes_and_stops_go_on_nothing_is_opened_and_nothing_is_lost(simulator: Simulator, supabase: Stack) -> None:
    told = Told()
    first = await cycle(told, opening(*SYMBOLS[:3]))
    assert len(first.fills) == 6 and of_the_store(told) == []

    supabase.trouble(Fault.REFUSED, times=10_000)
    simulator.advance(300)
    second = await cycle(told, closing(SYMBOLS[0]))
    assert {booked.fill.symbol for booked in second.fills} == {SYMBOLS[0]}, "a close goes on"
    assert of_the_store(told) == ["Supabase is out of reach"]
    simulator.advance(300)
    third = await cycle(told, opening(SYMBOLS[3]))
    assert third.fills == ()
    reasons = {why for turn in third.turns for why in turn.skipped.values()}
    assert reasons == {"nothing was opened: Supabase is out of reach"}
    assert of_the_store(told) == ["Supabase is out of reach"], "once"
    (store,) = [found async for found in examine("") if found.subject == "store"]
    assert not store.well and "out of reach" in store.detail and "writes wait in" in store.detail
    async with open_arena(load_settings(), asking=False) as arena:
        assert await protection.look(arena) is not None, "stops are looked after"
        assert arena.records.away

    supabase.gateway.calm()
    simulator.advance(300)
    fourth = await cycle(told, opening(SYMBOLS[3]))
    assert {booked.fill.symbol for booked in fourth.fills} == {SYMBOLS[3]}
    assert of_the_store(told) == ["Supabase is out of reach", "Supabase is back"]
    records = SupabaseRecords(supabase.url, supabase.service_key)
    assert [row["number"] for row in await table(records, "cycles", SEASON) if row["status"] == "booked"] == [1, 2, 3, 4]
    assert len(await table(records, "fills", SEASON)) == sum(len(each.fills) for each in (first, second, third, fourth))
    state = await records.state(SEASON, fourth.closed_at)
    assert state.books == fourth.books
    assert not await table(records, "discrepancies", SEASON)
    records.close()
