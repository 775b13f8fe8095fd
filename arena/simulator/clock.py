"""The simulator's clock: wall time, faster or slower, and moved by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class SimulatedClock:
    """now = the instant it was last set to + wall time since then × speed, in whole milliseconds as the wire has them.

    Args:
        start: The first instant, UTC.
        speed: Simulated seconds in a second; 0 stands still between moves.
        wall: Seconds of a clock that only goes forward.
    """

    def __init__(self, start: datetime, speed: float = 1.0, wall: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._wall = wall
        self._set_to(start)

    def now(self) -> datetime:
        """Return the simulated time, UTC."""
        simulated = self._base + timedelta(seconds=self._elapsed() * self._speed)
        return simulated - timedelta(microseconds=simulated.microsecond % 1000)

    def move_to(self, instant: datetime) -> None:
        """Jump forward.

        Raises:
            ValueError: `instant` is in the past.
        """
        if instant < self.now():
            raise ValueError(f"the simulator stands at {self.now().isoformat()} and cannot go back to {instant.isoformat()}")
        self._set_to(instant)

    def advance(self, by: timedelta) -> None:
        """Jump forward by a duration, ≥ 0."""
        self._set_to(self.now() + by)

    def accepts(self, timestamp_ms: int, server_ms: int, window_ms: int) -> bool:
        """Return whether a request's timestamp is in Binance's window.

        The rule is timestamp < server + 1000 and server − timestamp ≤ recvWindow. A client that took the server's time once
        goes on at wall speed, so both bounds are stretched by a speed above 1, and a slower clock lets the client be ahead by
        what the wall clock has gained since the last move.
        """
        stretch = max(1.0, self._speed)
        gained_ms = self._elapsed() * 1000 * max(0.0, 1.0 - self._speed)
        return timestamp_ms < server_ms + 1000 * stretch + gained_ms and server_ms - timestamp_ms <= window_ms * stretch

    def _elapsed(self) -> float:
        return self._wall() - self._set_at

    def _set_to(self, instant: datetime) -> None:
        self._base = instant
        self._set_at = self._wall()
