"""From a rehearsal on testnet to a cycle with real money, on two simulators; and every way not to get there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from arena.bootstrap import open_arena
from arena.cli import app
from arena.configuration import load_settings, load_venue_settings
from arena.emergency import JOURNAL, emergency_shutdown
from arena.errors import ConfigurationError
from arena.mainnet import ACKNOWLEDGEMENT, RESULT
from arena.trading_cycle import run_cycle
from flows.protection_sweep import protection_sweep
from flows.trading_cycle import trading_cycle
from tests.fakes.candles import BAR, flat, write_candles
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

PRICES = {"SOLUSDT": "100", "BTCUSDT": "60000", "ETHUSDT": "3000"}


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Flat prices from three hours ago until tomorrow, so that the simulators' clocks are this machine's."""
    start = datetime.now(UTC).replace(second=0, microsecond=0) - 36 * BAR
    start -= timedelta(minutes=start.minute % 5)
    folder = tmp_path_factory.mktemp("market") / "5m"
    for symbol, price in PRICES.items():
        write_candles(folder, symbol, flat(price, 36 + 288), start)
    return folder


@pytest.fixture
def testnet(candles: Path) -> Iterator[Simulator]:
    now = datetime.now(UTC)
    with running_simulator(candles, start=now - timedelta(hours=2), speed=1.0, balance=Decimal(600)) as running:
        yield running


@pytest.fixture
def mainnet(candles: Path) -> Iterator[Simulator]:
    with running_simulator(candles, start=datetime.now(UTC), speed=1.0, balance=Decimal(600)) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Path:
    """The working folder; alerts go to a server on loopback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARENA_ENV_FILE", str(tmp_path / "arena.env"))
    httpserver.expect_request("/alerts").respond_with_data("ok")
    monkeypatch.setenv("NOTIFY_URLS", f"json://{httpserver.host}:{httpserver.port}/alerts")
    return tmp_path


def configure(home: Path, testnet: Simulator, mainnet: Simulator, **changed: str) -> None:
    """Write the `.env` of a season with real money; `changed` makes it another one."""
    lines = {
        "ENVIRONMENT": "mainnet",
        "USE_TESTNET": "false",
        "SEASON": "real",
        "TOTAL_LLMS": "3",
        "AVAILABLE_PAIRS": "SOLUSDT,BTCUSDT,ETHUSDT",
        "BINANCE_TESTNET_BASE_URL": testnet.url,
        "BINANCE_TESTNET_API_KEY": KEY,
        "BINANCE_TESTNET_SECRET_KEY": SECRET,
        "BINANCE_BASE_URL": mainnet.url,
        "BINANCE_SPOT_BASE_URL": mainnet.url,
        "BINANCE_API_KEY": KEY,
        "BINANCE_SECRET_KEY": SECRET,
        "MAINNET_ACKNOWLEDGEMENT": ACKNOWLEDGEMENT,
        "OPENAI_API_KEY": "simulator",
    }
    for letter, model in zip("ABC", ("random", "buy-and-hold", "trend-following"), strict=True):
        lines |= {f"LLM_{letter}_PROVIDER": "openai", f"LLM_{letter}_MODEL": model, f"LLM_{letter}_BASE_URL": f"{testnet.url}/v1"}
    (home / "arena.env").write_text("\n".join(f"{name}={text}" for name, text in {**lines, **changed}.items()) + "\n")


def rehearse(home: Path, testnet: Simulator, mainnet: Simulator, cycles: int = 12) -> None:
    """Play a season on testnet and leave it by the emergency exit while something is held."""
    configure(home, testnet, mainnet, ENVIRONMENT="testnet", USE_TESTNET="true", SEASON="rehearsal")

    async def play() -> None:
        for _ in range(cycles):
            async with open_arena(load_settings()) as arena:
                record = await run_cycle(arena)
            assert record is not None and record.discrepancies == ()
            testnet.advance(300)
        assert any(ledger.positions for ledger in record.ledgers.values())
        assert (await emergency_shutdown(load_venue_settings(), "a rehearsal")).flat

    asyncio.run(play())
    assert mainnet.state()["requests"] == {}, "a rehearsal has nothing to do with the real venue"


def check() -> tuple[int, dict[str, str]]:
    """Run `arena preflight`; return its exit code and the lines by subject."""
    ended = CliRunner().invoke(app, ["preflight"])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, {line[5:19].strip(): line for line in ended.stdout.splitlines() if line[:4] in ("ok  ", "FAIL")}


def refused(mainnet: Simulator, named: str) -> None:
    """No cycle begins, and the venue is not even asked for the time."""
    before = mainnet.state()["requests"]
    with pytest.raises(ConfigurationError) as caught:
        asyncio.run(trading_cycle.fn())
    assert named in str(caught.value) and KEY not in str(caught.value) and SECRET not in str(caught.value)
    assert mainnet.state()["requests"] == before


def test_all_the_way_to_a_cycle_with_real_money(home: Path, testnet: Simulator, mainnet: Simulator) -> None:
    rehearse(home, testnet, mainnet)
    configure(home, testnet, mainnet)
    refused(mainnet, "let `arena preflight` pass first")
    asyncio.run(protection_sweep.fn())
    assert mainnet.state()["requests"] == {}, "nothing is sent, not even by the sweeps"
    code, lines = check()
    assert code == 0, lines
    assert "12 cycles on testnet agreed" in lines["rehearsal"] and "takes nothing out" in lines["key shared"]
    assert "positions closed" in lines["exit"] and "delivered" in lines["alert"] and "ms off" in lines["clock"]
    assert SECRET not in RESULT.read_text() and KEY not in RESULT.read_text()
    assert not any("order" in name.lower() and name.startswith("POST") for name in mainnet.state()["requests"])

    configure(home, testnet, mainnet, MAINNET_ACKNOWLEDGEMENT="yes")
    refused(mainnet, "MAINNET_ACKNOWLEDGEMENT is not given")
    configure(home, testnet, mainnet, SEASON="another")
    refused(mainnet, "with another season")
    configure(home, testnet, mainnet, BINANCE_API_KEY="another")
    refused(mainnet, "mode, host or key")
    configure(home, testnet, mainnet, USE_TESTNET="true")
    refused(mainnet, "contradict each other")
    configure(home, testnet, mainnet)
    age(timedelta(hours=25))
    refused(mainnet, "too old to begin a season with")
    age(timedelta(hours=-24))
    assert trade_a_cycle() == "mainnet"
    assert mainnet.state()["accounts"]["account-1"]["trades"] > 0
    age(timedelta(days=30))
    assert trade_a_cycle() == "mainnet", "a season that has begun goes on"


def trade_a_cycle() -> str:
    async def play() -> str:
        async with open_arena(load_settings()) as arena:
            assert await run_cycle(arena) is not None
            return str(arena.season.environment)

    return asyncio.run(play())


def age(span: timedelta) -> None:
    """Make the preflight's result older."""
    found = json.loads(RESULT.read_text())
    found["time"] = (datetime.fromisoformat(found["time"]) - span).isoformat()
    RESULT.write_text(json.dumps(found))


def test_what_keeps_a_preflight_from_passing(
    home: Path, testnet: Simulator, mainnet: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearse(home, testnet, mainnet, cycles=2)
    configure(home, testnet, mainnet)
    mainnet._post("accounts", {"key": KEY, "secret": SECRET, "balance": "600", "withdrawals": True})
    JOURNAL.write_text("".join(line.replace('"flat": true', '"flat": false') for line in JOURNAL.open()))
    monkeypatch.delenv("NOTIFY_URLS")
    code, lines = check()
    assert code == 1
    failed = {subject: line for subject, line in lines.items() if line.startswith("FAIL")}
    assert set(failed) == {"rehearsal", "key shared", "exit", "alert"}
    assert "2 cycles on testnet, 12 are needed" in failed["rehearsal"] and "may take money out" in failed["key shared"]
    assert "not rehearsed" in failed["exit"] and "no alerts are wanted" in failed["alert"]
    refused(mainnet, "failed (key shared, rehearsal, exit, alert)")
    RESULT.write_text("{}")
    refused(mainnet, "is missing")


def test_a_clock_that_is_off_fails(home: Path, testnet: Simulator, mainnet: Simulator) -> None:
    configure(home, testnet, mainnet)
    mainnet.advance(2)
    code, lines = check()
    assert code == 1 and lines["clock"].startswith("FAIL") and "NTP" in lines["clock"]


def test_nothing_but_mainnet_needs_a_preflight(home: Path, testnet: Simulator, mainnet: Simulator) -> None:
    configure(home, testnet, mainnet, ENVIRONMENT="testnet", USE_TESTNET="true")
    ended = CliRunner().invoke(app, ["preflight"])
    assert isinstance(ended.exception, ConfigurationError) and not RESULT.exists()
    assert mainnet.state()["requests"] == {} == testnet.state()["requests"]
