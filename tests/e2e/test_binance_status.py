"""`scripts/check_binance_status.py` as a person runs it: as a file, from anywhere, with nothing but the keys."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.status import BinanceStatus
from tests.fakes.candles import BAR, START, flat, write_candles
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

ROOT = Path(__file__).resolve().parents[2]
PRICES = {"BTCUSDT": "60000", "SOLUSDT": "100", "XRPUSDT": "2"}
HELD = (  # what is sent, in order
    {"symbol": "BTCUSDT", "side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "0.010"},
    {"symbol": "SOLUSDT", "side": "SELL", "positionSide": "SHORT", "type": "MARKET", "quantity": "3"},
    {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "LONG",
        "type": "STOP_MARKET",
        "quantity": "0.010",
        "triggerPrice": "57000",
    },
    {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "LONG",
        "type": "TAKE_PROFIT_MARKET",
        "quantity": "0.010",
        "triggerPrice": "63000",
    },
    {
        "symbol": "XRPUSDT",
        "side": "BUY",
        "positionSide": "LONG",
        "type": "LIMIT",
        "quantity": "10",
        "price": "1.99",
        "timeInForce": "GTC",
    },
)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    for symbol, price in PRICES.items():
        write_candles(tmp_path / "market" / "5m", symbol, flat(price, 60))
    with running_simulator(tmp_path / "market" / "5m", start=START + 20 * BAR, speed=1.0) as running:
        yield running


async def trade(simulator: Simulator, *orders: dict[str, Any]) -> None:
    client = FuturesClient(simulator.url, KEY, SECRET)
    await client.synchronise()
    await client.write("futures_change_position_mode", dualSidePosition="true")
    for order in orders:
        await client.write("futures_create_order", **order)
    await client.close()


def status(home: Path, url: str, **variables: str) -> tuple[int, dict[str, list[str]], str]:
    """Return exit code, the lines of each subject, and what went to the error stream."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("LLM_", "BINANCE_", "AVAILABLE_"))}
    environ |= {"ARENA_HOME": str(home), "ENVIRONMENT": "demo", "BINANCE_TESTNET_BASE_URL": url}
    environ |= {"BINANCE_TESTNET_API_KEY": KEY, "BINANCE_TESTNET_SECRET_KEY": SECRET, **variables}
    script = [sys.executable, str(ROOT / "scripts" / "check_binance_status.py")]
    ended = subprocess.run(script, cwd="/", env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in ended.stderr and not any(secret in ended.stdout + ended.stderr for secret in (KEY, SECRET))
    shown: dict[str, list[str]] = {}
    for line in ended.stdout.splitlines():
        subject = line[:15].strip() or next(reversed(shown))
        shown.setdefault(subject, []).append(line[15:])
    return ended.returncode, shown, ended.stderr


def test_one_screen_tells_what_the_account_holds(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAX_LEVERAGE=nonsense\nLLM_A_PROVIDER=nobody\nAVAILABLE_PAIRS=XRPUSDT,SOLUSDT,SOLUSDT,XRP\n")
    asyncio.run(trade(simulator, *HELD))
    code, shown, err = status(tmp_path, simulator.url)
    assert (code, err) == (0, "")
    assert shown["host"] == [f"{simulator.url}, ENVIRONMENT=demo"]
    assert "reached in" in shown["clock"][0] and "ms behind this machine's" in shown["clock"][0]
    assert int(shown["request weight"][0].split()[0]) > 0 and "of 2400 in this minute" in shown["request weight"][0]
    assert shown["position mode"] == ["hedge"]
    assert shown["balance"][0].startswith("9999.") and " USDT in the wallet, " in shown["balance"][0]
    bitcoin, solana = (line.split() for line in shown["positions"])
    assert bitcoin[:4] == ["BTCUSDT", "LONG", "0.01", "entry"] and bitcoin[5:8] == ["mark", "60000", "PnL"]
    entry = float(bitcoin[4])
    assert 60_000 <= entry < 60_060 and bitcoin[8] == f"{0.01 * (60_000 - entry):+.2f}", "the simulator's slippage"
    assert bitcoin[9:] == ["liquidation", "none"], "10,000 USDT carry it down to nothing"
    assert solana[:3] == ["SOLUSDT", "SHORT", "3"] and float(solana[-1]) > 1000
    assert [line.split() for line in shown["orders"]] == [["XRPUSDT", "1", "LIMIT"]]
    assert [line.split() for line in shown["conditional"]] == [["BTCUSDT", "1", "STOP_MARKET,", "1", "TAKE_PROFIT_MARKET"]]
    assert [line.split(maxsplit=1) for line in shown["pairs"]] == [
        ["XRPUSDT", "trading"],
        ["SOLUSDT", "trading"],
        ["XRP", "NOT listed"],
    ]


def test_an_empty_account_in_one_way_mode_is_well_too(simulator: Simulator, tmp_path: Path) -> None:
    code, shown, _ = status(tmp_path, simulator.url, AVAILABLE_PAIRS="BTCUSDT")
    assert code == 0 and shown["positions"] == shown["orders"] == shown["conditional"] == ["none"]
    assert shown["position mode"][0].startswith("one-way")


def test_a_wrong_secret_leaves_what_anybody_may_see_and_one_sentence(simulator: Simulator, tmp_path: Path) -> None:
    code, shown, err = status(tmp_path, simulator.url, BINANCE_TESTNET_SECRET_KEY="wrong-secret")
    assert code == 1 and set(shown) == {"host", "clock", "pairs", "request weight"}
    assert err.count("\n") == 1 and "wrong-secret" not in err
    assert err.startswith(
        "position mode, balance, positions, orders, conditional could not be read: BINANCE_TESTNET_API_KEY was ref"
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"BINANCE_TESTNET_BASE_URL": "http://127.0.0.1:9"}, "clock could not be read: http://127.0.0.1:9 cannot be reached\n"),
        ({"BINANCE_TESTNET_API_KEY": ""}, "the account could not be read: BINANCE_TESTNET_API_KEY is empty"),
        ({"ENVIRONMENT": "nowhere"}, "the account could not be read: The configuration cannot be used. ENVIRONMENT"),
    ],
)
def test_without_a_venue_a_key_or_settings_it_is_one_sentence(tmp_path: Path, variables: dict[str, str], said: str) -> None:
    code, _, err = status(tmp_path, "http://127.0.0.1:9", **variables)
    assert code == 1 and err.startswith(said) and err.count("\n") == 1


class OneWay(FuturesClient):
    """Answers as an account in one-way mode, whose rows have the side BOTH."""

    def __init__(self) -> None:
        pass

    async def read(self, method: str, **params: Any) -> Any:
        assert (method, params) == ("futures_position_information", {"version": 3})
        usual = {
            "positionSide": "BOTH",
            "entryPrice": "100",
            "markPrice": "99",
            "unRealizedProfit": "-3",
            "liquidationPrice": "150.5",
        }
        return [
            {"symbol": "SOLUSDT", "positionAmt": "-3", **usual},
            {"symbol": "BTCUSDT", "positionAmt": "0.010", **usual, "liquidationPrice": "0"},
            {"symbol": "XRPUSDT", "positionAmt": "0.0", **usual},
        ]


async def test_one_way_positions_get_their_side_from_their_sign() -> None:
    bitcoin, solana = await BinanceStatus(OneWay()).positions()
    assert (bitcoin.side, bitcoin.liquidation_price) == ("LONG", None)
    assert (solana.side, str(solana.quantity), str(solana.liquidation_price)) == ("SHORT", "3", "150.5")
