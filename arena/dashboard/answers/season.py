"""Whether the season runs, and what happens now."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from arena.dashboard.answers.units import Answer, MachineTime, Time


class Health(Answer):
    """Whether this process serves, and whether it has a season to show."""

    status: Literal["ok"] = "ok"
    ready: bool = Field(description="A season has been read.")
    store_away: bool
    looked_at: MachineTime | None


class CycleTimes(Answer):
    """When a cycle was due, and when it was booked."""

    number: int
    scheduled_at: Time
    closed_at: Time | None


class Status(Answer):
    """What happens now."""

    version: int = Field(description="Rises whenever something that is shown has changed.")
    season: str
    state: Literal["running", "halted", "ended"]
    reason: str = Field(description="Why it is halted or has ended.")
    since: Time
    market: str = Field(description="Where the prices come from.")
    market_kind: Literal["generated", "recorded", "paper", "testnet", "mainnet"]
    market_warning: str = Field(description="What is not real about it; empty with real money.")
    simulated_clock: bool = Field(description="The season's times are not the time of day.")
    account_mode: str
    strategy: str
    symbols: list[str]
    interval_seconds: int
    started_at: Time
    cycles: int = Field(description="Booked ones.")
    lost: int = Field(description="Begun and never booked.")
    last_cycle: CycleTimes | None
    under_way: CycleTimes | None = Field(description="The cycle that has begun and is not booked.")
    next_due_at: Time | None
    discrepancies: int = Field(description="How often books and venue differed.")
    store_away: bool = Field(description="The store cannot be reached; what is shown is of the last time it could.")
