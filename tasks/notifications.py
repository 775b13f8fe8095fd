"""Telling people."""

from __future__ import annotations

from collections.abc import Sequence

from arena.application.record import Alert
from arena.bootstrap import Arena
from tasks.step import step


@step("notify", timeout_seconds=60)
async def notify(arena: Arena, alerts: Sequence[Alert]) -> None:
    """Keep alerts and deliver all that wait; a destination that fails or hangs neither fails a cycle nor holds it up."""
    await arena.notifier.notify(alerts)
