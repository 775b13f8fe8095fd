"""Fees weigh 20 a symbol: who asks for them, and when, on the simulator."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.contracts import Contracts
from arena.adapters.recorded.instruments import known_instruments
from arena.bootstrap import open_arena
from arena.configuration import load_settings
from arena.market import CYCLE_PATIENCE, contracts_here, read_contracts
from deployments.apply import read_ahead
from tasks import protection, records
from tests.fakes.candles import START, flat, write_candles
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

PAIRS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
HOUR = 3600


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    for pair in PAIRS:
        write_candles(tmp_path / "5m", pair, flat("100", 30))
    with running_simulator(tmp_path / "5m", start=START) as running:
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[FuturesClient]:
    made = FuturesClient(simulator.url, KEY, SECRET)
    await made.synchronise()
    yield made
    await made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "season" / "contracts.json"


def process(client: FuturesClient, file: Path | None, patience: float = 1) -> Contracts:
    """Every process begins with what is in the file."""
    return Contracts(client, known_tiers=None, file=file, patience=patience)


def age(file: Path, **hours: float) -> None:
    """Make what is kept of each pair older."""
    kept: dict[str, Any] = json.loads(file.read_text())
    for pair, passed in hours.items():
        kept["terms"][pair]["read_at"] = time.time() - passed * HOUR
    file.write_text(json.dumps(kept))


def age_filters(file: Path, hours: float) -> None:
    kept: dict[str, Any] = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"info_at": time.time() - hours * HOUR}))


def oldest_in(file: Path) -> str:
    terms = json.loads(file.read_text())["terms"]
    return min(terms, key=lambda pair: float(terms[pair]["read_at"]))


def fees_asked(simulator: Simulator) -> int:
    return int(simulator.state()["requests"].get("GET /fapi/v1/commissionRate", {"count": 0})["count"])


async def test_without_a_file_all_are_asked_for_at_once(simulator: Simulator, client: FuturesClient) -> None:
    assert set(await process(client, None).instruments(PAIRS)) == set(PAIRS)
    assert fees_asked(simulator) == 3


async def test_what_was_read_ahead_is_not_asked_for_again(simulator: Simulator, client: FuturesClient, file: Path) -> None:
    await process(client, file).refresh(PAIRS)
    before = client.budget.weight
    assert set(await process(client, file).instruments(PAIRS)) == set(PAIRS)
    assert client.budget.weight == before and fees_asked(simulator) == 3
    await process(client, file).refresh(PAIRS)
    assert client.budget.weight == before


async def test_old_ones_serve_while_one_after_the_other_is_read_anew_the_oldest_first(
    simulator: Simulator, client: FuturesClient, file: Path
) -> None:
    await process(client, file).refresh(PAIRS)
    age(file, BTCUSDT=25, ETHUSDT=26, SOLUSDT=1)
    for asked, oldest in ((4, "BTCUSDT"), (5, "SOLUSDT"), (5, "SOLUSDT")):
        assert set(await process(client, file).instruments(PAIRS)) == set(PAIRS)
        assert (fees_asked(simulator), oldest_in(file)) == (asked, oldest)


async def test_a_cycle_leaves_that_to_others_for_another_day(simulator: Simulator, client: FuturesClient, file: Path) -> None:
    await process(client, file).refresh(PAIRS)
    age(file, BTCUSDT=47, ETHUSDT=47, SOLUSDT=47)
    await process(client, file, CYCLE_PATIENCE).instruments(PAIRS)
    assert fees_asked(simulator) == 3
    age(file, BTCUSDT=49, ETHUSDT=49, SOLUSDT=49)
    await process(client, file, CYCLE_PATIENCE).instruments(PAIRS)
    assert fees_asked(simulator) == 4, "no sweep has run: one a cycle"


async def test_filters_are_read_anew_every_hour_by_a_sweep_and_every_second_one_by_a_cycle_alone(
    simulator: Simulator, client: FuturesClient, file: Path
) -> None:
    await process(client, file).refresh(PAIRS)
    for hours, patience, asked in ((0.9, 1, 1), (1.1, CYCLE_PATIENCE, 1), (1.1, 1, 2), (2.1, CYCLE_PATIENCE, 3)):
        age_filters(file, hours)
        await process(client, file, patience).instruments(PAIRS)
        assert simulator.state()["requests"]["GET /fapi/v1/exchangeInfo"]["count"] == asked


async def test_asked_for_at_once_all_old_ones_are_read(simulator: Simulator, client: FuturesClient, file: Path) -> None:
    await process(client, file, CYCLE_PATIENCE).refresh(PAIRS)
    age(file, BTCUSDT=25, ETHUSDT=25, SOLUSDT=1)
    await process(client, file, CYCLE_PATIENCE).refresh(PAIRS)
    assert fees_asked(simulator) == 5


async def test_a_pair_that_is_new_is_read_at_once(simulator: Simulator, client: FuturesClient, file: Path) -> None:
    await process(client, file).refresh(PAIRS[:1])
    assert set(await process(client, file, CYCLE_PATIENCE).instruments(PAIRS)) == set(PAIRS)
    assert fees_asked(simulator) == 3


async def test_who_looks_on_reads_what_is_kept_however_old_and_asks_nobody(
    simulator: Simulator, client: FuturesClient, file: Path, configured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings()
    assert contracts_here(settings) == {}
    known = await process(client, file).instruments([*PAIRS, "XRPUSDT"])
    age(file, BTCUSDT=1000, ETHUSDT=1000, SOLUSDT=1000)
    before = simulator.state()["requests"]
    assert contracts_here(settings) == known and set(known) == set(PAIRS)
    assert simulator.state()["requests"] == before
    for name, value in {"BINANCE_TESTNET_BASE_URL": "http://127.0.0.1:9", "ENVIRONMENT": "mainnet"}.items():
        monkeypatch.setenv(name, value)
        assert contracts_here(load_settings()) == known, "they are the season's, wherever one looks on from"


def test_a_file_that_cannot_be_read_keeps_nothing(configured: None, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text("{")
    assert contracts_here(load_settings()) == {}


def test_on_paper_the_tiers_are_the_packaged_ones(
    simulator: Simulator, file: Path, configured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "paper")
    monkeypatch.setenv("BINANCE_BASE_URL", simulator.url)
    settings = load_settings()
    asyncio.run(read_contracts(settings))
    assert {symbol: each.tiers for symbol, each in contracts_here(settings).items()} == {
        symbol: known_instruments()[symbol].tiers for symbol in PAIRS
    }
    assert json.loads(file.read_text())["terms"] == {}


@pytest.fixture
def configured(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "ARENA_ENV_FILE": "none",
        "ENVIRONMENT": "demo",
        "SEASON": "season",
        "AVAILABLE_PAIRS": ",".join(PAIRS),
        "BINANCE_TESTNET_BASE_URL": simulator.url,
        "BINANCE_TESTNET_API_KEY": KEY,
        "BINANCE_TESTNET_SECRET_KEY": SECRET,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def test_deploying_reads_ahead(simulator: Simulator, configured: None, file: Path) -> None:
    read_ahead(load_settings())
    assert fees_asked(simulator) == 3 and set(json.loads(file.read_text())["terms"]) == set(PAIRS)


def test_deploying_goes_on_where_nothing_can_be_read(
    configured: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BINANCE_TESTNET_BASE_URL", "http://127.0.0.1:9")
    read_ahead(load_settings())
    assert "the fees could not be read now, the first cycle will" in capsys.readouterr().err


def test_deploying_asks_nothing_of_mainnet(simulator: Simulator, configured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one request is sent before the gate."""
    for name, value in {"ENVIRONMENT": "mainnet", "USE_TESTNET": "false", "BINANCE_BASE_URL": simulator.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BINANCE_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_SECRET_KEY", SECRET)
    read_ahead(load_settings())
    assert fees_asked(simulator) == 0 and "GET /fapi/v1/exchangeInfo" not in simulator.state()["requests"]


async def test_the_sweeps_see_to_the_modes_every_hour_and_a_cycle_only_where_none_has(
    simulator: Simulator, configured: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for letter in "ABC":
        monkeypatch.setenv(f"LLM_{letter}_PROVIDER", "openai")
        monkeypatch.setenv(f"LLM_{letter}_MODEL", "scripted")

    def asked() -> int:
        return int(simulator.state()["requests"].get("GET /fapi/v1/accountConfig", {"count": 0})["count"])

    def aged(hours: float) -> None:
        then = time.time() - hours * HOUR
        os.utime(file.with_name("prepared.json"), (then, then))

    async with open_arena(load_settings(), asking=False) as arena:
        await records.begin(arena)
        assert asked() == 1
        for hours, step, more in ((1.1, records.begin, 1), (1.1, protection.prepare, 2), (0.9, protection.prepare, 2)):
            aged(hours)
            await step(arena)
            assert asked() == more
        aged(2.1)
        await records.begin(arena)
        assert asked() == 3
