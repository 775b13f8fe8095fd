"""The simulator, where the settings point at this machine: half a year of a generated market, in the wall's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from arena.adapters.recorded import generate_market
from arena.connections import is_loopback
from arena.domain.competitor import AccountMode, Environment
from arena.settings import Settings
from scripts.demo_season import WARM_UP
from scripts.processes import python
from scripts.up.base import Base

BAR = timedelta(minutes=5)
DAYS = 180  # 9 MB, made in a second
SEED = 7


def wanted(settings: Settings) -> bool:
    """Return whether the season trades on a simulator on this machine that nobody else has started."""
    url = settings.binance_testnet_base_url
    if settings.environment not in {Environment.DEMO, Environment.TESTNET} or not is_loopback(url):
        return False
    try:
        httpx.get(f"{url}/simulator/state", timeout=5, trust_env=False).raise_for_status()
    except httpx.HTTPError:
        return True
    return False


def command(base: Base, settings: Settings) -> list[str]:
    """Return what serves it: started again, it goes on with the same accounts.

    Raises:
        ValueError: Its memory is gone, and the books that belong to it are not.
    """
    memory, books = base.directory / "simulator.jsonl", settings.database()
    if base.directory in books.parents and books.exists() and not memory.exists():
        raise ValueError(
            f"{memory} is gone, and with it the accounts to which the books in {books} belong: "
            f"remove {base.directory} to begin anew"
        )
    now = datetime.now(UTC)
    data = _market(base, now) if not memory.exists() else base.directory / "market" / "5m"
    port = httpx.URL(settings.binance_testnet_base_url).port or 80
    capital = settings.initial_balance_per_llm
    if settings.account_mode is AccountMode.SHARED:
        accounts = ["--balance", str(capital * settings.total_llms)]
    else:
        accounts = ["--balance", str(capital), "--competitors", str(settings.total_llms)]
    options = ["--data", str(data), "--state", str(memory), "--port", str(port), "--start", f"{now:%Y-%m-%dT%H:%M:%S}"]
    return [*python("-m", "arena.cli", "simulator"), *options, *accounts]


def _market(base: Base, now: datetime) -> Path:
    """Generate the candles: enough before now to look back on."""
    start = now - timedelta(seconds=now.timestamp() % BAR.total_seconds()) - WARM_UP * BAR
    return generate_market(base.directory / "market", SEED, start=start, bars=WARM_UP + DAYS * 288)
