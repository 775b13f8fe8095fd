"""Telling people: implements `Notifier` for any number of destinations, or for none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from arena.adapters.notifications.courier import Courier
from arena.application.notifier import Receipt
from arena.application.record import Alert

PATIENCE_SECONDS = 5.0

log = logging.getLogger("arena.alerts")


class SilentNotifier:
    """Implements `Notifier` where no destination is configured."""

    def keep(self, alerts: Sequence[Alert], picture: Path | None = None) -> None:
        """Keep nothing; the alerts are in the record."""

    async def deliver(self) -> None:
        """Deliver to nobody."""

    async def notify(self, alerts: Sequence[Alert], picture: Path | None = None) -> Receipt:
        """Tell nobody."""
        return Receipt()


class QueuedNotifier:
    """Implements `Notifier`: alerts wait in a file for each destination, which all processes of a season share.

    Args:
        couriers: One for each destination. They do not wait for each other.
        patience_seconds: A delivery is not waited for longer; what is being sent by then is sent to its end beside what follows.
    """

    def __init__(self, couriers: Sequence[Courier], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._couriers = tuple(couriers)
        self._patience = patience_seconds

    def keep(self, alerts: Sequence[Alert], picture: Path | None = None) -> None:
        """Keep the alerts for each destination that wants them."""
        for courier in self._couriers:
            courier.keep(alerts, picture)

    async def deliver(self) -> None:
        """Deliver to all destinations at once."""
        pool = ThreadPoolExecutor(len(self._couriers), thread_name_prefix="alerts")
        sending = [asyncio.wrap_future(pool.submit(courier.deliver, self._patience)) for courier in self._couriers]
        pool.shutdown(wait=False)
        try:
            done, _ = await asyncio.wait(sending, timeout=self._patience)
            for error in filter(None, (each.exception() for each in done)):
                log.error("alerts could not be delivered", exc_info=error)
        finally:
            for each in sending:
                each.cancel()  # nobody waits for it any more; its thread goes on

    async def notify(self, alerts: Sequence[Alert], picture: Path | None = None) -> Receipt:
        """Keep, deliver, and see what has become of these alerts."""
        numbers = [courier.keep(alerts, picture) for courier in self._couriers]
        await self.deliver()
        receipts = [courier.receipt(kept) for courier, kept in zip(self._couriers, numbers, strict=True)]
        return Receipt(
            sent=sum(each.sent for each in receipts),
            waiting=sum(each.waiting for each in receipts),
            failing=sum(each.failing for each in receipts),
        )
