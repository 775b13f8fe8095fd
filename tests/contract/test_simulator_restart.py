"""A simulator that is killed goes on with its accounts, its market and its time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from binance import AsyncClient
from binance.exceptions import BinanceAPIException

from arena.adapters.recorded import CandleArchive
from arena.errors import ConfigurationError
from arena.simulator.memory import Memory
from arena.simulator.restart import remembering
from tests.contract.test_simulator_binance import NOW, limit, order, stop, write_market
from tests.fakes.simulator import synchronise

ROOT = Path(__file__).resolve().parents[2]


class Killed:
    """`arena simulator` as a process."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.http = httpx.Client(base_url=url, timeout=10)

    def accounts(self) -> Any:
        return self.http.get("/simulator/journal").raise_for_status().json()["accounts"]

    def state(self) -> Any:
        return self.http.get("/simulator/state").raise_for_status().json()

    def now(self) -> datetime:
        return datetime.fromisoformat(self.state()["now"])

    def post(self, what: str, body: dict[str, Any]) -> Any:
        return self.http.post(f"/simulator/{what}", json=body).raise_for_status().json()

    @property
    def client(self) -> AsyncClient:
        client = AsyncClient("simulator", "simulator")
        client.FUTURES_URL = f"{str(self.http.base_url).rstrip('/')}/fapi"
        return client


@contextmanager
def serving(data: Path, state: Path) -> Iterator[Killed]:
    """Serve until the block ends, which is a kill -9."""
    code = (
        "from arena.simulator.app import *\n"
        f"serve(Path({str(data)!r}), port=0, start=datetime.fromisoformat({NOW.isoformat()!r}),"
        f" balance=Decimal(10000), state=Path({str(state)!r}))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line.startswith("simulator ready on"), process.stderr.read()[-2000:]
        killed = Killed(process, line.split()[3])
        try:
            yield killed
        finally:
            killed.http.close()
            process.send_signal(signal.SIGKILL)


async def trade(killed: Killed) -> None:
    """Hold something with a stop, let an order rest, be refused one, cancel one, be deleveraged, see a jump."""
    client = killed.client
    try:
        await synchronise(client)
        await client.futures_change_position_mode(dualSidePosition="true")
        await client.futures_change_leverage(symbol="BTCUSDT", leverage=5)
        killed.post("faults", {"seed": 1, "rules": [{"kind": "partial", "share": 0.5, "times": 1}]})
        await client.futures_create_order(**order(quantity="0.020", newClientOrderId="first"))
        await client.futures_create_order(**stop(quantity="0.005"))
        await client.futures_create_order(**limit(newClientOrderId="low", price="58000.0"))
        await client.futures_create_order(**limit(newClientOrderId="gone", price="57000.0"))
        await client.futures_cancel_order(symbol="BTCUSDT", origClientOrderId="gone")
        with pytest.raises(BinanceAPIException):
            await client.futures_create_order(**order(quantity="900", newClientOrderId="too-big"))
    finally:
        await client.close_connection()
    killed.post("adl", {"key": "simulator", "symbol": "BTCUSDT", "side": "LONG", "quantity": "0.001"})
    killed.post("accounts", {"key": "another", "secret": "secret", "balance": "50"})
    killed.post("clock", {"advance_seconds": 120})
    killed.post("jump", {"symbol": "ETHUSDT", "percent": 10})


async def test_a_killed_simulator_goes_on(tmp_path: Path) -> None:
    data, state = write_market(tmp_path / "5m"), tmp_path / "simulator.jsonl"
    with serving(data, state) as killed:
        await trade(killed)
        before, instant, positions = killed.accounts(), killed.now(), killed.state()["accounts"]
    stopped = time.time()
    assert [each["client_id"] for each in before["account-1"]["orders"]] == ["first", "low", "gone", "adl_autoclose"]
    with serving(data, state) as again:
        assert again.accounts() == before
        assert again.state()["accounts"] == positions
        gone_on = again.now() - instant
        assert timedelta(0) < gone_on <= timedelta(seconds=time.time() - stopped + 2)
        again.post("clock", {"advance_seconds": 900})  # through the dip in which the stop trades
        after = again.accounts()["account-1"]
        assert after["conditionals"][0]["status"] == "FINISHED"
        assert again.state()["accounts"]["account-1"]["open_orders"] == 1, "the limit order still rests"
    with serving(data, state) as third:
        assert third.accounts()["account-1"] == after
        eth = float(third.http.get("/fapi/v1/ticker/price", params={"symbol": "ETHUSDT"}).json()["price"])
        assert eth == pytest.approx(3300, rel=0.01), "the jump"


def test_what_was_cut_off_was_never_answered(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    memory.note("started", NOW)
    memory.note("jump", NOW, symbol="BTCUSDT", percent="5")
    with (tmp_path / "state").open("a") as file:
        file.write('{"what": "jump", "at"')
    assert [each.what for each in memory.read()] == ["started", "jump"]
    memory.note("clock", NOW, to=NOW.isoformat())
    assert [each.what for each in memory.read()] == ["started", "jump", "clock"]


def test_other_candles_or_another_file_are_refused(tmp_path: Path) -> None:
    archive = CandleArchive(write_market(tmp_path / "5m"))
    Memory(tmp_path / "state").note("started", NOW, market="others", data_start="", data_end="")
    with pytest.raises(ConfigurationError, match="another market"):
        remembering(archive, Memory(tmp_path / "state"), None, 1.0)
    (tmp_path / "else").write_text("hello\n")
    with pytest.raises(ConfigurationError, match="name another --state"):
        remembering(archive, Memory(tmp_path / "else"), None, 1.0)


def test_time_goes_on_while_it_is_away(tmp_path: Path) -> None:
    archive = CandleArchive(write_market(tmp_path / "5m"))
    wall = [datetime(2026, 1, 1, tzinfo=UTC)]
    memory = Memory(tmp_path / "state", lambda: wall[0])
    remembering(archive, memory, NOW, 10.0)
    wall[0] += timedelta(minutes=3)
    venue = remembering(archive, memory, None, 10.0)
    assert timedelta(minutes=30) <= venue.clock.now() - NOW < timedelta(minutes=31)
