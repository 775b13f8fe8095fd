"""The deployment of a soak: a run of the worker that does several cycles, each five minutes of the simulator's later."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta

import httpx
from prefect import flow

from arena.configuration import load_settings
from flows.trading_cycle import trading_cycle

SECONDS_PER_CYCLE = 0.9  # Prefect's server on SQLite takes in about one a second


@flow(name="soak")
async def batch(cycles: int) -> None:
    """Do so many cycles, one after the other."""
    settings = load_settings()
    clock = f"{settings.binance_testnet_base_url}/simulator"
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        now = datetime.fromisoformat((await http.get(f"{clock}/state")).raise_for_status().json()["now"])
        for number in range(1, cycles + 1):
            began = time.monotonic()
            later = now + number * timedelta(seconds=settings.llm_decision_interval_seconds)
            (await http.post(f"{clock}/clock", json={"to": later.isoformat()})).raise_for_status()
            await trading_cycle()
            await asyncio.sleep(max(0.0, SECONDS_PER_CYCLE - (time.monotonic() - began)))
