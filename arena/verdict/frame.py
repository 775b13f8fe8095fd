"""A season's frame: what, when and with how much; and the instants at which everybody's equity is compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """What could not be computed.

    Attributes:
        reason: Why, in one sentence without a full stop.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What everybody in a season has in common.

    Attributes:
        symbols: That may be traded.
        start: Of the first cycle, UTC.
        end: Of the last one, UTC; ≥ start.
        every: Between two cycles.
        capital: USDT of each competitor.
    """

    symbols: tuple[str, ...]
    start: datetime
    end: datetime
    every: timedelta
    capital: float

    def times(self) -> tuple[datetime, ...]:
        """Return the start, every full hour of the season after it, and its end where that is none of these."""
        hours = tuple(self.start + number * HOUR for number in range((self.end - self.start) // HOUR + 1))
        return hours if hours[-1] == self.end else (*hours, self.end)
