"""Where a season stands: running, halted until a person has looked, or ended for good. Nothing is opened unless it is running."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SeasonStatus(StrEnum):
    """What may happen in a season."""

    RUNNING = "running"
    HALTED = "halted"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonStanding:
    """Where a season stands since `time`, and why."""

    status: SeasonStatus
    reason: str
    time: datetime

    def why_halted(self) -> str | None:
        """Return why nothing may be opened, or None."""
        if self.status is SeasonStatus.RUNNING:
            return None
        return f"the season {'has ended' if self.status is SeasonStatus.ENDED else 'is halted'} ({self.reason})"
