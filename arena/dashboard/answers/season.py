"""Whether the season runs, and what happens now."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from arena.dashboard.answers.units import Answer, MachineTime, Time


class Health(Answer):
    """Whether this process serves, and whether it has a season to show."""

    status: Literal["ok"] = "ok"
    ready: bool
    store_away: bool
    looked_at: MachineTime | None


class CycleTimes(Answer):
    """When a cycle was due, and when it was booked."""

    number: int
    scheduled_at: Time
    closed_at: Time | None


class Status(Answer):
    """What happens now."""

    version: int
    season: str
    state: Literal["running", "halted", "ended"]
    reason: str = Field(description="Why it is halted or has ended.")
    since: Time
    market: str
    market_kind: Literal["generated", "recorded", "paper", "testnet", "mainnet"]
    market_warning: str = Field(description="What is not real about it; empty with real money.")
    simulated_clock: bool
    account_mode: str
    strategy: str
    symbols: list[str]
    interval_seconds: int
    started_at: Time
    cycles: int = Field(description="Booked ones.")
    lost: int = Field(description="Begun and never booked.")
    last_cycle: CycleTimes | None
    under_way: CycleTimes | None
    next_due_at: Time | None
    discrepancies: int
    store_away: bool
