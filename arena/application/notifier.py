"""The port by which people are told, and what comes of telling them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from arena.application.record import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of telling something, counted once for each destination that wants it.

    Attributes:
        sent: Has arrived.
        waiting: Is kept and sent later.
        failing: Of those that wait, which a destination did not take.
    """

    sent: int = 0
    waiting: int = 0
    failing: int = 0


class Notifier(Protocol):
    """Where alerts go. Nothing here raises, whatever is wrong with a destination."""

    def keep(self, alerts: Sequence[Alert], picture: Path | None = None) -> None:
        """Keep alerts until they are delivered; takes milliseconds, and nobody is asked.

        Args:
            alerts: In order.
            picture: A file that goes with them.
        """
        ...

    async def deliver(self) -> None:
        """Deliver what waits, in order, for some seconds at most; what is left waits for the next time."""
        ...

    async def notify(self, alerts: Sequence[Alert], picture: Path | None = None) -> Receipt:
        """Keep alerts, deliver, and return what came of these."""
        ...
