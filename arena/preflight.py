"""`arena preflight`: everything that must be seen before real money is traded, a line each.

Reads the mainnet accounts, sends one alert, sends no order. What it saw is kept for the gate (`arena.mainnet`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.status import BinanceStatus
from arena.alerting import see_arriving
from arena.configuration import load_settings
from arena.connections import account_clients, open_records, request_budget
from arena.doctor import examine as examine_connections
from arena.doctor import tried
from arena.domain.competitor import AccountId, Environment, SeasonId
from arena.emergency import JOURNAL
from arena.errors import ConfigurationError
from arena.mainnet import Checked
from arena.settings import Settings

REHEARSED_CYCLES = 12  # an hour at the default interval
REHEARSED_WITHIN = timedelta(days=7)
EXIT_WITHIN = timedelta(days=30)
LARGEST_CLOCK_DIFFERENCE_MS = 500

Row = Mapping[str, Any]


async def examine(rehearsal: str, prefect_api_url: str) -> AsyncIterator[Checked]:
    """Yield what was checked; one that fails stops none of the others.

    Args:
        rehearsal: The testnet season that counts as the rehearsal; the newest of `runs/` where empty.
        prefect_api_url: Empty where no Prefect server is named.

    Raises:
        ConfigurationError: The settings are not those of a season with real money.
    """
    settings = load_settings()
    if settings.environment is not Environment.MAINNET or settings.use_testnet:
        raise ConfigurationError("preflight is for ENVIRONMENT=mainnet with USE_TESTNET=false: nothing else needs one")
    async for finding in examine_connections(prefect_api_url):
        yield Checked(subject=finding.subject, well=finding.well, detail=finding.detail)
    now = datetime.now(UTC)
    async with AsyncExitStack() as closing:
        clients: Mapping[AccountId, FuturesClient] = {}
        with suppress(ConfigurationError):  # it is among the findings above
            clients = account_clients(settings, request_budget(), closing)
            yield _checked(await tried("clock", lambda: _clock(next(iter(clients.values())))))
        for name, client in clients.items():
            yield _checked(await tried(f"key {name}", lambda client=client: _key(client)))  # type: ignore[misc]
        yield _checked(await tried("rehearsal", lambda: _rehearsed(settings, rehearsal, now)))
        yield _checked(await tried("exit", lambda: _left(now)))
        yield _checked(await tried("alert", lambda: _told(settings)))


def _checked(finding: Any) -> Checked:
    return Checked(subject=finding.subject, well=finding.well, detail=finding.detail)


async def _clock(client: FuturesClient) -> str:
    seen = await BinanceStatus(client).clock()
    if abs(seen.ahead_ms) > LARGEST_CLOCK_DIFFERENCE_MS:
        raise ConfigurationError(f"this machine's clock is {abs(seen.ahead_ms)} ms off: let it be set by NTP")
    return f"{abs(seen.ahead_ms)} ms off, {seen.latency_ms} ms away"


async def _key(client: FuturesClient) -> str:
    may = await client.read("get_account_api_permissions")
    if may["enableWithdrawals"] or may.get("permitsUniversalTransfer") or may.get("enableInternalTransfer"):
        raise ConfigurationError("this key may take money out: make one that may trade futures and nothing else")
    if not may["enableFutures"]:
        raise ConfigurationError("this key may not trade futures: allow it at Binance, and nothing else")
    return "trades futures, takes nothing out" + ("" if may["ipRestrict"] else "; better restrict it to this machine's address")


async def _rehearsed(settings: Settings, name: str, now: datetime) -> str:
    """See that the last cycles of a season on testnet were booked without a difference."""
    name = name or _newest_season(settings)
    async with AsyncExitStack() as closing:
        if not settings.database(name).exists():
            raise ConfigurationError(f"there is no season {name} on this machine: name the one on testnet with --rehearsal")
        records = open_records(settings, closing, name)
        season, cycles, differences = [
            [row async for row in records.rows(table, SeasonId(name))] for table in ("seasons", "cycles", "discrepancies")
        ]
    if not season or season[0]["environment"] != Environment.TESTNET or season[0]["account_mode"] != settings.account_mode:
        raise ConfigurationError(
            f"season {name} is not one on testnet with ACCOUNT_MODE={settings.account_mode}: name one with --rehearsal"
        )
    booked = [row for row in cycles if row["status"] == "booked"][-REHEARSED_CYCLES:]
    _check_cycles(name, booked, differences, now)
    return f"{name}: the last {len(booked)} cycles on testnet agreed with the exchange"


def _check_cycles(name: str, booked: list[Row], differences: list[Row], now: datetime) -> None:
    if len(booked) < REHEARSED_CYCLES:
        raise ConfigurationError(f"season {name} has {len(booked)} cycles on testnet, {REHEARSED_CYCLES} are needed")
    if now - datetime.fromisoformat(booked[-1]["closed_at"]) > REHEARSED_WITHIN:
        raise ConfigurationError(f"the last cycle of {name} was at {booked[-1]['closed_at']}: rehearse again")
    if any(row["booking"] >= booked[0]["booking"] for row in differences):
        raise ConfigurationError(f"books and exchange differed in the last {REHEARSED_CYCLES} cycles of {name}: find out why")


def _newest_season(settings: Settings) -> str:
    found = [path for path in Path("runs").glob("*/arena.sqlite") if path.parent.name != settings.season]
    if settings.database_path is not None or not found:
        raise ConfigurationError("no season on testnet was found in runs/: play one, or name it with --rehearsal")
    return max(found, key=lambda path: path.stat().st_mtime).parent.name


async def _left(now: datetime) -> str:
    """See that the emergency exit was used on testnet, with something to close, and left the account flat."""
    lines = JOURNAL.read_text(encoding="utf-8").splitlines() if JOURNAL.exists() else []
    used = [json.loads(line) for line in lines]
    good = [line for line in used if line["environment"] == Environment.TESTNET and line["flat"] and line["closed"]]
    if not good or now - datetime.fromisoformat(good[-1]["time"]) > EXIT_WITHIN:
        raise ConfigurationError(
            "the emergency exit was not rehearsed in 30 days: run scripts/emergency_shutdown.py on testnet with positions open"
        )
    last = good[-1]
    return f"rehearsed at {last['time']}: {len(last['closed'])} positions closed in {last['seconds']:g} s"


async def _told(settings: Settings) -> str:
    """See that an alert is delivered; that it was read is for the person who reads this line."""
    return await asyncio.to_thread(see_arriving, settings, f"Preflight of {settings.season} on mainnet: alerts arrive.")
