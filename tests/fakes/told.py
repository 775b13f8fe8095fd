"""A notifier that keeps what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arena.application.notifier import Receipt
from arena.application.record import Alert, AlertKind


@dataclass
class Told:
    """Implements `Notifier`."""

    alerts: list[Alert] = field(default_factory=list)

    def keep(self, alerts: Sequence[Alert], picture: Path | None = None) -> None:
        self.alerts += alerts

    async def deliver(self) -> None:
        pass

    async def notify(self, alerts: Sequence[Alert], picture: Path | None = None) -> Receipt:
        self.keep(alerts)
        return Receipt(sent=len(alerts))

    def texts(self, *kinds: AlertKind) -> list[str]:
        return [alert.text for alert in self.alerts if alert.kind in kinds]
