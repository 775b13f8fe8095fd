"""Two ways to keep capital apart, over HTTP on the simulator: one shared account, and an account for each competitor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from arena.application.comparison import compare
from arena.application.record import CycleRecord
from arena.bootstrap import open_arena
from arena.cli import app
from arena.configuration import load_settings
from arena.connections import account_clients, request_budget
from arena.domain.order import PositionSide
from arena.errors import ConfigurationError
from arena.trading_cycle import run_cycle
from tasks import protection
from tests.fakes.candles import BAR, START, flat, write_candles
from tests.fakes.models import HOLD, ScriptedModel, answer, part
from tests.fakes.simulator import KEY, SECRET, Simulator, connected, running_simulator

LONG = answer(part("SOLUSDT", "open_long", size_percent=40, leverage=5, stop_price=90, target_price=150))
SHORT = answer(part("SOLUSDT", "open_short", size_percent=40, leverage=5, stop_price=110, target_price=50))
CLOSE = answer(part("SOLUSDT", "close"))
SOL_LONG, SOL_SHORT = ("SOLUSDT", PositionSide.LONG), ("SOLUSDT", PositionSide.SHORT)
MODES = ("shared", "separate")


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """SOL stands at 100, and rises to 112 in the bar that begins 15 minutes after the season."""
    rising = [*flat("100", 23), "100 113 100 112 10", *flat("112", 30)]
    for symbol, rows in {"SOLUSDT": rising, "BTCUSDT": flat("60000", 54), "ETHUSDT": flat("3000", 54)}.items():
        write_candles(tmp_path / "market" / "5m", symbol, rows)
    with running_simulator(tmp_path / "market" / "5m", start=START + 20 * BAR, speed=1.0) as running:
        for letter in "ABC":
            running.open_account(f"key-{letter}", f"secret-{letter}", "200")
        yield running


@pytest.fixture(params=MODES)
def configured(request: pytest.FixtureRequest, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    write_env(tmp_path, simulator, request.param)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARENA_ENV_FILE", str(tmp_path / "arena.env"))
    return str(request.param)


def write_env(tmp_path: Path, simulator: Simulator, mode: str, *more: str) -> None:
    lines = [
        "ENVIRONMENT=demo",
        "SEASON=modes",
        "TOTAL_LLMS=3",
        "AVAILABLE_PAIRS=SOLUSDT,BTCUSDT,ETHUSDT",
        f"ACCOUNT_MODE={mode}",
    ]
    lines += [
        f"BINANCE_TESTNET_BASE_URL={simulator.url}",
        f"BINANCE_TESTNET_API_KEY={KEY}",
        f"BINANCE_TESTNET_SECRET_KEY={SECRET}",
    ]
    for letter in "ABC":
        lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL=scripted"]
        lines += [f"LLM_{letter}_BINANCE_API_KEY=key-{letter}", f"LLM_{letter}_BINANCE_SECRET_KEY=secret-{letter}"]
    (tmp_path / "arena.env").write_text("\n".join([*lines, *more]) + "\n")


async def cycle(**said: str) -> CycleRecord:
    async with open_arena(load_settings(), asking=False) as arena:
        models = {each.llm_id: ScriptedModel(said.get(each.letter, HOLD)) for each in arena.season.competitors}
        record = await run_cycle(replace(arena, models=models))
    assert record is not None and record.discrepancies == ()
    return record


async def look() -> list[str]:
    async with open_arena(load_settings(), asking=False) as arena:
        swept = await protection.look(arena)
    assert swept is not None
    return [alert.text for alert in swept.alerts]


def held(simulator: Simulator) -> dict[str, dict[str, Decimal]]:
    """Positions by side, of each account of the simulator that holds any."""
    accounts = simulator.state()["accounts"]
    found = {name: each["positions"].get("SOLUSDT", {}) for name, each in accounts.items()}
    return {name: {side: Decimal(q) for side, q in sides.items()} for name, sides in found.items() if sides}


def positions(record: CycleRecord) -> dict[str, dict[Any, Decimal]]:
    return {i[-1]: {key: p.signed_quantity for key, p in each.positions.items()} for i, each in record.ledgers.items()}


async def test_long_and_short_the_same_symbol_one_closes_and_one_is_stopped(configured: str, simulator: Simulator) -> None:
    first = await cycle(A=LONG, B=SHORT, C=LONG)
    mine = positions(first)
    assert mine["A"].keys() == mine["C"].keys() == {SOL_LONG} and mine["B"].keys() == {SOL_SHORT}
    longs = mine["A"][SOL_LONG] + mine["C"][SOL_LONG]
    if configured == "shared":
        assert held(simulator) == {"account-1": {"LONG": longs, "SHORT": mine["B"][SOL_SHORT]}}
    else:
        assert held(simulator) == {
            "account-2": {"LONG": mine["A"][SOL_LONG]},
            "account-3": {"SHORT": mine["B"][SOL_SHORT]},
            "account-4": {"LONG": mine["C"][SOL_LONG]},
        }
    simulator.advance(300)
    second = await cycle(A=CLOSE)
    assert positions(second)["A"] == {} and positions(second)["C"] == mine["C"] and positions(second)["B"] == mine["B"]
    simulator.advance(900)  # B's stop at 110 is passed
    (told,) = await look()
    assert told.startswith("LLM-B was stopped out of short SOLUSDT at 110.03")
    third = await cycle()
    assert positions(third) == {"A": {}, "B": {}, "C": mine["C"]}
    a, b, c = (third.ledgers[llm_id] for llm_id in sorted(third.ledgers))
    assert a.fees > 0 and a.wallet_balance == 200 + a.realized_pnl - a.fees and a.realized_pnl < 0  # twice the slippage
    assert b.realized_pnl == -mine["B"][SOL_SHORT] * (Decimal("99.98") - Decimal("110.03")) and b.losing_trades == 1
    assert c.realized_pnl == 0 and c.equity({"SOLUSDT": Decimal(112)}) > 200
    await agree(simulator, configured)


async def agree(simulator: Simulator, mode: str) -> None:
    async with open_arena(load_settings(), asking=False) as arena:
        found = await compare(arena.venue, await arena.records.state(arena.season.season_id, await arena.venue.market.time()))
    assert found.equal and found.unbooked == ()
    assert {row.account for row in found.money} == {"shared"} if mode == "shared" else {"LLM-A", "LLM-B", "LLM-C"}
    assert all(row.difference == 0 for row in found.money), "to the last digit"


async def trade_by_hand(simulator: Simulator, key: str, secret: str) -> None:
    async with connected(simulator, key, secret) as client:
        await client.futures_create_order(
            symbol="SOLUSDT", side="SELL", positionSide="SHORT", type="MARKET", quantity="1", newClientOrderId="web_me"
        )


@pytest.mark.usefixtures("configured")
def test_reconcile_shows_both_sides_and_what_a_hand_has_done(simulator: Simulator) -> None:
    first = asyncio.run(cycle(A=LONG))
    mode = load_settings().account_mode
    key, secret = (KEY, SECRET) if mode == "shared" else ("key-B", "secret-B")
    asyncio.run(trade_by_hand(simulator, key, secret))
    shown = CliRunner().invoke(app, ["reconcile", "--json"])
    assert shown.exit_code == 1, "what the hand has lost to slippage and fee is in the account's money and in nobody's books"
    found = json.loads(shown.stdout)
    rows = {(row["symbol"], row["side"]): row for row in found["positions"]}
    long, short = rows["SOLUSDT", "LONG"], rows["SOLUSDT", "SHORT"]
    assert long["competitors"] == {"LLM-A": long["exchange"]} and Decimal(long["exchange"]) == positions(first)["A"][SOL_LONG]
    assert (short["by_hand"], short["exchange"], short["difference"]) == ("-1", "-1", "0")
    assert found["unbooked"] == ["SELL SHORT 1 SOLUSDT at 99.98 (nobody's)"]
    table = CliRunner().invoke(app, ["reconcile"]).stdout
    assert "By hand" in table and "not booked yet: SELL SHORT 1 SOLUSDT at 99.98 (nobody's)" in table


@pytest.mark.usefixtures("configured")
def test_nothing_is_compared_before_the_season_has_begun(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["reconcile"])
    assert isinstance(shown.exception, ConfigurationError) and "has not begun" in str(shown.exception)
    assert not (tmp_path / "runs").exists(), "a reading command creates nothing"


@pytest.mark.parametrize(
    ("mode", "changed", "named"),
    [
        ("separate", "LLM_B_BINANCE_API_KEY=", "LLM_B_BINANCE_API_KEY is empty"),
        ("separate", "LLM_B_BINANCE_SECRET_KEY=", "LLM_B_BINANCE_SECRET_KEY is empty"),
        ("separate", "LLM_B_BINANCE_API_KEY=key-A", "LLM_A_BINANCE_API_KEY and LLM_B_BINANCE_API_KEY are the same key"),
        ("separate", "LLM_B_BINANCE_SECRET_KEY=wrong", "LLM_B_BINANCE_API_KEY was refused"),
        ("separate", "INITIAL_BALANCE_PER_LLM=300", "LLM-A holds 200.00 USDT, the capital of its competitors is 300.00"),
        ("shared", "INITIAL_BALANCE_PER_LLM=4000", "shared holds 10000.00 USDT, the capital of its competitors is 12000.00"),
    ],
)
async def test_what_is_wrong_with_an_account_is_one_sentence(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, changed: str, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARENA_ENV_FILE", str(tmp_path / "arena.env"))
    write_env(tmp_path, simulator, mode, changed)
    with pytest.raises(ConfigurationError) as caught:
        async with open_arena(load_settings(), asking=False):
            pass
    assert named in str(caught.value) and "secret-" not in str(caught.value)


@pytest.mark.usefixtures("configured")
async def test_a_new_season_does_not_begin_on_somebody_elses_position(simulator: Simulator) -> None:
    key, secret = (KEY, SECRET) if load_settings().account_mode == "shared" else ("key-C", "secret-C")
    async with connected(simulator, key, secret) as client:
        await client.futures_change_position_mode(dualSidePosition="true")
        await client.futures_create_order(symbol="SOLUSDT", side="BUY", positionSide="LONG", type="MARKET", quantity="2")
    with pytest.raises(ConfigurationError, match=r"holds long 2 SOLUSDT: close them"):
        async with open_arena(load_settings(), asking=False):
            pass


@pytest.mark.usefixtures("configured")
async def test_fees_and_margin_are_usdt_before_anything_is_traded(simulator: Simulator) -> None:
    """A fee in BNB would be in nobody's ledger, and other coins as margin would be capital that nobody was given."""
    key, secret = (KEY, SECRET) if load_settings().account_mode == "shared" else ("key-C", "secret-C")
    async with connected(simulator, key, secret) as client:
        await client.futures_v1_post_fee_burn(feeBurn="true")
        await client.futures_change_multi_assets_mode(multiAssetsMargin=True)
        await cycle(C=LONG)
        now = await client.futures_account_config()
    assert (now["feeBurn"], now["multiAssetsMargin"], now["dualSidePosition"]) == (False, False, True)


@pytest.mark.usefixtures("configured")
async def test_a_mode_that_cannot_be_set_is_one_sentence_and_nothing_is_traded(simulator: Simulator) -> None:
    """Somebody's order rests, and Binance keeps the account's mode as long as it does."""
    key, secret = (KEY, SECRET) if load_settings().account_mode == "shared" else ("key-B", "secret-B")
    async with connected(simulator, key, secret) as client:
        await client.futures_change_position_mode(dualSidePosition="true")
        await client.futures_change_multi_assets_mode(multiAssetsMargin=True)
        order = {"side": "BUY", "positionSide": "LONG", "type": "LIMIT", "timeInForce": "GTC", "price": "60", "quantity": "1"}
        await client.futures_create_order(symbol="SOLUSDT", **order)
    with pytest.raises(
        ConfigurationError, match=r"margin in USDT alone cannot be set \(-4168: .*\): close its positions and orders"
    ):
        await cycle(A=LONG, B=LONG)
    assert held(simulator) == {}


async def test_a_season_keeps_its_mode(simulator: Simulator, tmp_path: Path, configured: str) -> None:
    await cycle()
    write_env(tmp_path, simulator, next(mode for mode in MODES if mode != configured))
    with pytest.raises(ConfigurationError, match="exists with other account mode"):
        async with open_arena(load_settings(), asking=False):
            pass


def test_the_accounts_of_a_season_are_those_of_its_mode(configured: str) -> None:
    names = {"shared"} if configured == "shared" else {"LLM-A", "LLM-B", "LLM-C"}
    settings = load_settings()
    assert set(account_clients(settings, request_budget(), AsyncExitStack())) == names
