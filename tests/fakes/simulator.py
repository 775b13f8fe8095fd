"""The simulator on a free loopback port, in a thread of the test's process.

with running_simulator(tmp_path / "5m") as simulator:
    async with connected(simulator) as client:
        await client.futures_account(version=3)
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from binance import AsyncClient

from arena.adapters.recorded import CandleArchive
from arena.simulator.app import server_config
from arena.simulator.venue import Venue

KEY, SECRET = "test-key", "test-secret"
BALANCE = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running one. The venue belongs to the server's thread: change it over HTTP, look at it between requests."""

    url: str
    venue: Venue
    http: httpx.Client

    def advance(self, seconds: float) -> dict[str, Any]:
        """Move the clock, live through what lies between, and return the new state."""
        return self._post("clock", {"advance_seconds": seconds})

    def move_to(self, instant: datetime) -> dict[str, Any]:
        return self._post("clock", {"to": instant.isoformat()})

    def open_account(self, key: str, secret: str, balance: str) -> dict[str, Any]:
        return self._post("accounts", {"key": key, "secret": secret, "balance": balance})

    def strike(self, *rules: dict[str, Any], seed: int = 0) -> None:
        """Replace the fault rules."""
        self._post("faults", {"seed": seed, "rules": rules})

    def fired(self) -> list[int]:
        """Return how often each fault rule has struck."""
        return [rule["fired"] for rule in self.http.get("/simulator/faults").json()["rules"]]

    def jump(self, symbol: str, percent: float) -> dict[str, Any]:
        return self._post("jump", {"symbol": symbol, "percent": percent})

    def journal(self) -> dict[str, Any]:
        """Return the accounts' journals by account name."""
        found: dict[str, Any] = self.http.get("/simulator/journal").raise_for_status().json()["accounts"]
        return found

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/simulator/state").raise_for_status().json()
        return found

    def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.http.post(f"/simulator/{what}", json=body).raise_for_status().json()
        return found


@contextmanager
def running_simulator(
    directory: Path, *, start: datetime | None = None, speed: float = 0.0, balance: Decimal = BALANCE
) -> Iterator[Simulator]:
    """Serve the candles of a folder; with speed 0 the clock moves by hand only."""
    venue = Venue(CandleArchive(directory), start=start, speed=speed)
    venue.open_account(KEY, SECRET, balance)
    server = uvicorn.Server(server_config(venue))
    thread = threading.Thread(target=server.run, name="simulator", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            assert thread.is_alive() and time.monotonic() < deadline, "the simulator did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=60, verify=False, trust_env=False) as http:
            yield Simulator(url, venue, http)
    finally:
        server.should_exit = True
        thread.join(10)


@asynccontextmanager
async def connected(
    simulator: Simulator, key: str = KEY, secret: str = SECRET, patience: float = 10
) -> AsyncIterator[AsyncClient]:
    """python-binance's client, aimed at the simulator and in step with its clock; it waits `patience` seconds for an answer."""
    client = AsyncClient(key, secret, requests_params={"timeout": patience})
    client.FUTURES_URL, client.MARGIN_API_URL = f"{simulator.url}/fapi", f"{simulator.url}/sapi"
    try:
        await synchronise(client)
        yield client
    finally:
        await client.close_connection()


async def synchronise(client: AsyncClient) -> None:
    """Take the clock offset anew, as is needed after the simulator's clock was moved."""
    server = (await client.futures_time())["serverTime"]
    client.timestamp_offset = server - int(time.time() * 1000)
