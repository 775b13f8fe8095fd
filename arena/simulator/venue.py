"""What the simulator holds in memory: the market, the engine, the accounts' keys, and what the wire knows beyond the engine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.paper.account import PaperAccount
from arena.adapters.paper.engine import PaperEngine
from arena.adapters.recorded import CandleArchive
from arena.errors import ConfigurationError
from arena.simulator.clock import SimulatedClock

WARM_UP_BARS = 500  # before the default start, so that the first prompt has its candles


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """Opens one account."""

    secret: str = field(repr=False)
    account: str


@dataclass(slots=True)
class WeightMeter:
    """Request weight used in the running minute of wall time."""

    minute: int = 0
    used: int = 0

    def add(self, weight: int) -> int:
        """Count a request and return the minute's total."""
        minute = int(time.time() // 60)
        if minute != self.minute:
            self.minute, self.used = minute, 0
        self.used += weight
        return self.used


class Venue:
    """A simulated exchange.

    Args:
        archive: Its market.
        start: First instant; `WARM_UP_BARS` into the data where left out.
        speed: Simulated seconds in a second.

    Attributes:
        engine: Matches and keeps the accounts; at `now()` whenever a request is served.
        keys: Accounts' keys by API key.
        time_in_force: Of normal orders by order id, where it is not GTC.
        sent_klines: By symbol, interval and whether of the mark: the rows last sent of closed candles, and until when they go.
        closing: Algo ids of the conditional orders that were placed with closePosition.

    Raises:
        ConfigurationError: The start lies outside the candles.
    """

    def __init__(self, archive: CandleArchive, *, start: datetime | None = None, speed: float = 1.0) -> None:
        earliest = archive.start
        start = start or min(earliest + WARM_UP_BARS * archive.interval, archive.end - archive.interval)
        if not earliest <= start < archive.end:
            raise ConfigurationError(
                f"the start {start.isoformat()} lies outside the candles, which go from {earliest.isoformat()} to "
                f"{archive.end.isoformat()}"
            )
        self.archive = archive
        self.clock = SimulatedClock(start, speed)
        self.engine = PaperEngine(archive, archive.instruments, max(earliest, start - WARM_UP_BARS * archive.interval))
        self.engine.advance(start)  # so that a symbol whose candles have a gap at the start has a price
        self.keys: dict[str, ApiKey] = {}
        self.time_in_force: dict[int, str] = {}
        self.closing: set[int] = set()
        self.sent_klines: dict[tuple[str, timedelta, bool], tuple[datetime, list[list[Any]]]] = {}
        self.weight = WeightMeter()

    def open_account(self, key: str, secret: str, balance: Decimal) -> PaperAccount:
        """Open an account with `balance` USDT for an API key; a known key keeps its account and gets the new secret."""
        name = self.keys[key].account if key in self.keys else f"account-{len(self.keys) + 1}"
        self.keys[key] = ApiKey(secret=secret, account=name)
        return self.engine.open_account(name, balance)

    def catch_up(self) -> None:
        """Bring the engine to the clock's now."""
        self.engine.advance(max(self.clock.now(), self.engine.now))
