"""What a long work tells of itself: how much is done, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

EVERY_SECONDS = 5.0  # a line at most so often


class Progress:
    """Tells a line now and then, with the time that is left as it looks by then.

    Args:
        total: Of the work, in any unit.
        tell: Takes a line.
        now: Seconds, of a clock that only goes forward.
    """

    def __init__(self, total: float, tell: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._tell = tell
        self._now = now
        self._began = self._told = now()
        self._done = 0.0

    def add(self, amount: float, what: str) -> None:
        """Count work that is done, > 0; `what` says where it stands."""
        self._done = min(self._done + amount, self._total)
        if self._now() - self._told < EVERY_SECONDS and self._done < self._total:
            return
        self._told = self._now()
        left = timedelta(seconds=(self._told - self._began) * (self._total - self._done) / self._done)
        self._tell(f"{100 * self._done / self._total:.0f} %, {in_words(left)} left: {what}")


def in_words(span: timedelta) -> str:
    """Return a duration in its two largest units."""
    minutes, seconds = divmod(max(0, int(span.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])
