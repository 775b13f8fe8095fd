"""The emergency exit, against the simulator over real HTTP and against an account in which things fail."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.whole_account import BinanceWholeAccount
from arena.application.shutdown import shut_down
from arena.configuration import load_venue_settings
from arena.domain.client_id import client_order_id
from arena.domain.competitor import SeasonId
from arena.domain.order import Leg, Order, OrderType, PositionSide
from arena.errors import ExchangeUnavailable
from arena.halting import halt, halted, resume
from tests.fakes.candles import BAR, START, flat, write_candles
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

ROOT = Path(__file__).resolve().parents[2]
QUANTITIES = {"BTCUSDT": "0.005", "ETHUSDT": "0.1", "SOLUSDT": "3", "BNBUSDT": "0.5", "DOGEUSDT": "1500", "XRPUSDT": "150"}
LEGS = (
    (Leg.OPEN, OrderType.MARKET, 0),
    (Leg.STOP, OrderType.STOP_MARKET, -1),
    (Leg.TARGET, OrderType.TAKE_PROFIT_MARKET, 1),
)
PRICES = {"BTCUSDT": "60000", "ETHUSDT": "3000", "SOLUSDT": "100", "BNBUSDT": "600", "DOGEUSDT": "0.2", "XRPUSDT": "2"}


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    for symbol, price in PRICES.items():
        write_candles(tmp_path / "market" / "5m", symbol, flat(price, 60))
    return tmp_path / "market" / "5m"


@pytest.fixture
def simulator(candles: Path) -> Iterator[Simulator]:
    with running_simulator(candles, start=START + 20 * BAR, speed=1.0) as running:
        yield running


async def fill_the_book(simulator: Simulator, key: str = KEY, secret: str = SECRET) -> None:
    """Six symbols, both sides, each with a stop and a target."""
    client = FuturesClient(simulator.url, key, secret)
    exchange = BinanceAccount(client)
    await client.synchronise()
    await exchange.prepare(list(PRICES), 5)
    for symbol, price in PRICES.items():
        for side in PositionSide:
            for leg, kind, away in LEGS:
                trigger = Decimal(price) * (1 + Decimal("0.05") * away * side.sign)
                order = Order(
                    client_order_id=client_order_id(SeasonId("s"), 1, "A" if side is PositionSide.LONG else "B", symbol, leg),
                    symbol=symbol,
                    side=side.opening_side if leg is Leg.OPEN else side.closing_side,
                    position_side=side,
                    order_type=kind,
                    quantity=Decimal(QUANTITIES[symbol]),
                    trigger_price=trigger if away else None,
                )
                outcome = await exchange.place(order)
                assert outcome.status in ("filled", "resting"), outcome
    await client.close()


def left_over(simulator: Simulator) -> tuple[Mapping[str, object], int]:
    """What is left of the only account."""
    (found,) = left_of_each(simulator)
    return found


def left_of_each(simulator: Simulator) -> list[tuple[Mapping[str, object], int]]:
    return [(account["positions"], account["open_orders"]) for account in simulator.state()["accounts"].values()]


def run_script(home: Path, simulator: Simulator, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("LLM_", "BINANCE_", "PREFECT_"))}
    environ |= {"ARENA_HOME": str(home), "ENVIRONMENT": "demo", "BINANCE_TESTNET_BASE_URL": simulator.url}
    environ |= {"BINANCE_TESTNET_API_KEY": KEY, "BINANCE_TESTNET_SECRET_KEY": SECRET, **variables}
    script = [sys.executable, str(ROOT / "scripts" / "emergency_shutdown.py")]
    return subprocess.run(script, cwd="/", env=environ, capture_output=True, text=True, timeout=90, check=False)


def test_a_full_book_is_flat_within_ten_seconds_with_nothing_else_there(simulator: Simulator, tmp_path: Path) -> None:
    """No database, no Prefect, and a `.env` in which the models make no sense."""
    (tmp_path / ".env").write_text("MAX_LEVERAGE=nonsense\nLLM_A_PROVIDER=nobody\nTOTAL_LLMS=9\n")
    asyncio.run(fill_the_book(simulator))
    positions, orders = left_over(simulator)
    assert len(positions) == 6 and all(len(sides) == 2 for sides in positions.values()) and orders == 24  # type: ignore[arg-type]
    begun = time.monotonic()
    ended = run_script(tmp_path, simulator)
    assert ended.returncode == 0, ended.stderr
    assert time.monotonic() - begun < 10
    assert left_over(simulator) == ({}, 0)
    assert "the account is flat" in ended.stdout and ended.stdout.count("closed ") == 12
    assert (tmp_path / "runs" / "season-1" / "HALT").read_text() == "emergency shutdown (the script)\n"


def test_a_symbol_that_fails_holds_up_nothing_else(simulator: Simulator, tmp_path: Path) -> None:
    """Its cancellations and its closes are answered with every kind of failure for a while; it still is flat in time."""
    asyncio.run(fill_the_book(simulator))
    doge: dict[str, object] = {"symbol": "DOGEUSDT", "times": 1}
    kinds = ({"kind": "internal"}, {"kind": "unknown", "landed": True}, {"kind": "overloaded"}, {"kind": "drop", "landed": False})
    simulator.strike(*({**kind, **doge, "method": method} for kind in kinds for method in ("POST", "DELETE")))
    begun = time.monotonic()
    ended = run_script(tmp_path, simulator)
    assert (ended.returncode, left_over(simulator)) == (0, ({}, 0)), ended.stdout
    assert time.monotonic() - begun < 10
    assert "fault: short DOGEUSDT: " in ended.stdout or "fault: long DOGEUSDT: " in ended.stdout
    assert sum(simulator.fired()) >= 5


async def test_a_symbol_that_cannot_be_closed_is_all_that_is_left_and_is_named(simulator: Simulator) -> None:
    await fill_the_book(simulator)
    simulator.strike({"kind": "internal", "symbol": "BNBUSDT", "method": "POST"})
    client = FuturesClient(simulator.url, KEY, SECRET)
    ended = await shut_down(BinanceWholeAccount(client), 3)
    await client.close()
    assert not ended.flat and set(ended.left) == {"long 0.5 BNBUSDT", "short 0.5 BNBUSDT"}
    assert set(left_over(simulator)[0]) == {"BNBUSDT"} and left_over(simulator)[1] == 0


@pytest.mark.parametrize(
    ("third", "said"),
    [
        ({"LLM_C_BINANCE_API_KEY": "key-C", "LLM_C_BINANCE_SECRET_KEY": "nobody's"}, "LLM_C_BINANCE_API_KEY was refused"),
        ({"LLM_C_BINANCE_API_KEY": "key-C"}, "LLM_C_BINANCE_SECRET_KEY is empty"),
        ({}, ""),
    ],
)
def test_every_account_is_left_and_one_that_cannot_be_reached_keeps_nobody_from_leaving_the_others(
    simulator: Simulator, tmp_path: Path, third: dict[str, str], said: str
) -> None:
    keys = {}
    for letter in "AB":
        simulator.open_account(f"key-{letter}", f"secret-{letter}", "10000")
        asyncio.run(fill_the_book(simulator, f"key-{letter}", f"secret-{letter}"))
        keys |= {f"LLM_{letter}_BINANCE_API_KEY": f"key-{letter}", f"LLM_{letter}_BINANCE_SECRET_KEY": f"secret-{letter}"}
    ended = run_script(tmp_path, simulator, ACCOUNT_MODE="separate", **keys, **third)
    assert left_of_each(simulator) == [({}, 0)] * 3, ended.stdout + ended.stderr
    assert ended.stdout.count("closed ") == 24
    assert ended.returncode == (1 if third else 0) and said in ended.stdout
    assert ("the account is NOT flat" in ended.stdout) == bool(third)


async def test_more_than_one_order_may_sell_is_sold_in_several(candles: Path) -> None:
    """DOGEUSDT takes 30,000,000 in one market order; -4005 beyond."""
    with running_simulator(candles, start=START + 20 * BAR, balance=Decimal(20_000_000)) as simulator:
        client = FuturesClient(simulator.url, KEY, SECRET)
        account = BinanceAccount(client)
        await client.synchronise()
        await account.prepare(["DOGEUSDT"], 1)
        for cycle, quantity in enumerate(("30000000", "30000000", "100"), start=1):
            bought = Order(
                client_order_id=client_order_id(SeasonId("s"), cycle, "A", "DOGEUSDT", Leg.OPEN),
                symbol="DOGEUSDT",
                side=PositionSide.LONG.opening_side,
                position_side=PositionSide.LONG,
                order_type=OrderType.MARKET,
                quantity=Decimal(quantity),
            )
            assert (await account.place(bought)).status == "filled"
        ended = await shut_down(BinanceWholeAccount(client), 5)
        await client.close()
        assert ended.flat and not ended.faults and left_over(simulator) == ({}, 0)
        (journal,) = simulator.journal().values()
        sold = [order["quantity"] for order in journal["orders"] if order["side"] == "SELL"]
        assert sold == ["30000000", "30000000", "100"]


def test_an_account_that_is_flat_already_is_left_alone(simulator: Simulator, tmp_path: Path) -> None:
    assert run_script(tmp_path, simulator).returncode == 0


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"BINANCE_TESTNET_SECRET_KEY": "wrong-secret"}, "BINANCE_TESTNET_API_KEY was refused"),
        ({"BINANCE_TESTNET_API_KEY": ""}, "is empty"),
    ],
)
def test_what_stands_in_the_way_is_said_and_the_season_is_halted_all_the_same(
    simulator: Simulator, tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    ended = run_script(tmp_path, simulator, **variables)
    assert ended.returncode != 0 and "NOT" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr and "wrong-secret" not in ended.stdout + ended.stderr
    assert (tmp_path / "runs" / "season-1" / "HALT").exists()


class StubbornAccount:
    """Closes and cancels, except what fails; counts the attempts."""

    def __init__(self, held: Mapping[str, str], failing: Mapping[str, int]) -> None:
        self.held = {(symbol, PositionSide.LONG): Decimal(quantity) for symbol, quantity in held.items()}
        self.orders = set(held)
        self.failing = dict(failing)
        self.journal: list[str] = []

    async def positions(self) -> Mapping[tuple[str, PositionSide], Decimal]:
        return dict(self.held)

    async def resting(self) -> Sequence[str]:
        return sorted(self.orders)

    async def cancel_all(self, symbol: str) -> None:
        self.journal.append(f"cancel {symbol}")
        self.orders.discard(symbol)

    async def close(self, symbol: str, side: PositionSide, quantity: Decimal) -> None:
        self.journal.append(f"close {symbol}")
        if self.failing.get(symbol, 0) > 0:
            self.failing[symbol] -= 1
            raise ExchangeUnavailable("the venue is busy")
        del self.held[symbol, side]


async def test_one_symbol_that_fails_stops_nothing_else_and_is_tried_until_it_goes() -> None:
    account = StubbornAccount({"AUSDT": "1", "BUSDT": "2", "CUSDT": "3"}, {"BUSDT": 2})
    ended = await shut_down(account, 5, 0.01)
    assert ended.flat and account.held == {}
    assert account.journal.count("close BUSDT") == 3 and account.journal.count("close AUSDT") == 1
    assert ended.faults == ("long BUSDT: the venue is busy",)
    for symbol in ("AUSDT", "BUSDT", "CUSDT"):
        assert account.journal.index(f"cancel {symbol}") < account.journal.index(f"close {symbol}")


async def test_what_cannot_be_closed_in_time_is_named() -> None:
    ended = await shut_down(StubbornAccount({"AUSDT": "1", "BUSDT": "2"}, {"BUSDT": 10**6}), 0.1, 0.01)
    assert not ended.flat and ended.left == ("long 2 BUSDT",)
    assert "STILL THERE: long 2 BUSDT" in ended.sentence()


def test_a_halt_is_a_file_that_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_venue_settings()
    assert halted(settings) is None
    halt(settings, "the books differ")
    assert halted(settings) == "the books differ"
    assert resume(settings) is True and resume(settings) is False
    assert halted(settings) is None


def test_a_halt_that_cannot_be_written_keeps_nobody_from_leaving(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    asyncio.run(fill_the_book(simulator))
    ended = run_script(tmp_path, simulator)
    assert ended.returncode == 0 and left_over(simulator) == ({}, 0)
    assert "the season could not be halted" in ended.stdout
