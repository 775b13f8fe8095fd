"""Telling people."""

from __future__ import annotations

from collections.abc import Sequence

from arena.application.record import Alert
from arena.bootstrap import Arena
from tasks.step import step


@step("notify", timeout_seconds=60)
async def notify(arena: Arena, alerts: Sequence[Alert]) -> None:
    """Deliver the cycle's alerts; a destination that fails never fails the cycle."""
    await arena.notifier.notify(alerts)
