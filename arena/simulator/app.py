"""The simulator as a web server: Binance's futures API and the baseline models on loopback."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import uvicorn
from fastapi import FastAPI

from arena.adapters.recorded import CandleArchive, generate_market
from arena.domain.competitor import LETTERS
from arena.listening import Server, listening
from arena.simulator.admin import admin_router
from arena.simulator.binance.router import binance_router
from arena.simulator.connections import CuttableProtocol
from arena.simulator.faults import FaultPlan, Faults, read_plan
from arena.simulator.memory import Memory
from arena.simulator.models import router as models_router
from arena.simulator.restart import remembering
from arena.simulator.venue import Venue

HOST = "127.0.0.1"
DEFAULT_KEYS = {"simulator": "simulator"}  # API key: secret
DEFAULT_BALANCE = Decimal(600)
GENERATED_SEED = 7
GENERATED_START = datetime(2025, 1, 1, tzinfo=UTC)
GENERATED_BARS = 60 * 288  # sixty days of five minutes


def create_app(venue: Venue) -> FastAPI:
    """Return the application over a venue."""
    app = FastAPI(title="LLM Trading Arena simulator", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(binance_router(venue))
    app.include_router(admin_router(venue))
    app.include_router(models_router)
    return app


def server_config(venue: Venue) -> uvicorn.Config:
    """Return how the application is served: over connections that a fault can cut; on a free port where it gets no socket."""
    return uvicorn.Config(
        create_app(venue),
        host=HOST,
        port=0,
        http=CuttableProtocol,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


def account_keys(competitors: int) -> dict[str, str]:
    """Return keys and secrets: the one that all share, and one more for each of as many competitors as have letters."""
    names = (f"simulator-{letter}" for letter in LETTERS[:competitors])
    return {**DEFAULT_KEYS, **{name: name for name in names}}


def serve(
    data: Path | None = None,
    port: int = 8900,
    speed: float = 1.0,
    start: datetime | None = None,
    balance: Decimal = DEFAULT_BALANCE,
    keys: Mapping[str, str] = DEFAULT_KEYS,
    faults: Path | None = None,
    state: Path | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; says one line when ready.

    Args:
        data: Folder of candle files; a market is generated where left out.
        port: On loopback; 0 takes a free one.
        speed: Simulated seconds in a second.
        start: First simulated instant, UTC; 500 candles into the data where left out.
        balance: USDT in each account.
        keys: One account for each API key, with its secret.
        faults: JSON file of fault rules; nothing goes wrong where left out.
        state: File in which everything that changes it is kept, so that a restart goes on; nothing is where left out.

    Raises:
        ConfigurationError: The data, the rules or the state cannot be used, or the port is taken.
    """
    plan = FaultPlan() if faults is None else read_plan(faults)
    with _ended_by_signal(), _market(data) as directory, listening(HOST, port, "--port") as listener:
        archive = CandleArchive(directory)
        venue = Venue(archive, start=start, speed=speed) if state is None else remembering(archive, Memory(state), start, speed)
        venue.faults = Faults(plan)
        for key, secret in keys.items():
            if key not in venue.keys:
                venue.open_account(key, secret, balance)
        config = server_config(venue)
        names = ", ".join(f"{key} {secret}" for key, secret in keys.items())
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        Server(config, f"simulator ready on {address} ({venue.archive.label}); key and secret: {names}").run(sockets=[listener])


@contextmanager
def _market(data: Path | None) -> Iterator[Path]:
    """Yield the folder of candles; a generated one lasts as long as the context."""
    if data is not None:
        yield data
        return
    with TemporaryDirectory(prefix="arena-market-") as directory:
        yield generate_market(Path(directory), GENERATED_SEED, start=GENERATED_START, bars=GENERATED_BARS)


class _Ended(SystemExit):
    """A signal asked for the end."""


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let SIGINT and SIGTERM end the context, whose clean-up then runs.

    While the server runs, uvicorn takes the signals, shuts down and raises them again for these handlers.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise _Ended(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Ended:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
