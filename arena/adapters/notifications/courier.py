"""Brings a destination's alerts from its file to it: one process at a time, in order, and what fails is tried again later.

An alert is struck out after it has arrived, so that it arrives at least once. It arrives twice where a process is killed between
the two, or where a destination takes a message and its answer does not come in time: told twice is better than never.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from arena.adapters.notifications.destination import Destination
from arena.adapters.notifications.messages import LIMIT, STUCK, Message, Waiting, next_message
from arena.adapters.notifications.outbox import Outbox
from arena.application.levels import level_of
from arena.application.notifier import Receipt
from arena.application.record import Alert
from arena.errors import ConfigurationError

TURN_SECONDS = 0.02
STAND_IN = "an alert of {kind} could not be sent here: look at the dashboard, or at `arena report`"

_BELOW_ZERO = count(-1, -1)

log = logging.getLogger("arena.alerts")


class Courier:
    """The way to one destination.

    Args:
        destination: Where to.
        path: Its file.
        clock: Seconds since 1970.
        limit: Messages a minute.
    """

    def __init__(self, destination: Destination, path: Path, clock: Callable[[], float] = time.time, limit: int = LIMIT) -> None:
        self.destination = destination
        self._path, self._clock, self._limit = path, clock, limit
        self._loose: list[tuple[int, Alert]] = []  # of which no file could be had, under numbers below 0

    def keep(self, alerts: Sequence[Alert], picture: Path | None = None) -> tuple[int, ...]:
        """Keep those that the destination wants; return their numbers."""
        wanted = [_writable(alert) for alert in alerts if level_of(alert.kind).reaches(self.destination.level)]
        if not wanted:
            return ()
        try:
            with self._open() as box:
                return box.add(wanted, picture)
        except (ConfigurationError, sqlite3.Error) as error:
            log.error("alerts cannot be kept, and wait in this process alone: %s", error)  # noqa: TRY400  its sentence says all
            self._loose += [(next(_BELOW_ZERO), alert) for alert in wanted]
            return tuple(number for number, _ in self._loose[-len(wanted) :])

    def deliver(self, seconds: float) -> None:
        """Send what waits, until something fails or the time is over; what is being sent then is sent to its end."""
        end = time.monotonic() + seconds
        self._send_loose()
        if not self._path.exists():
            return
        try:
            with self._open() as box:
                if _turn(box, end):
                    self._empty(box, end)
        except (ConfigurationError, sqlite3.Error) as error:
            log.warning("what waits for %s cannot be read: %s", self.destination.name, error)

    def receipt(self, numbers: Sequence[int]) -> Receipt:
        """Return what has become of alerts by now."""
        tries = dict.fromkeys((number for number, _ in self._loose), 1)
        if any(number > 0 for number in numbers):
            try:
                tries |= {each.number: each.tries for each in read_waiting(self._path)}
            except (ConfigurationError, sqlite3.Error):
                tries |= dict.fromkeys(numbers, 1)
        left = [tries[number] for number in numbers if number in tries]
        return Receipt(sent=len(numbers) - len(left), waiting=len(left), failing=sum(each > 0 for each in left))

    def _open(self) -> Outbox:
        return Outbox(self._path, self._clock)

    def _send_loose(self) -> None:
        while self._loose:
            number, alert = self._loose.pop(0)
            if not self.destination.send(alert.text, level_of(alert.kind)):
                self._loose.insert(0, (number, alert))
                return

    def _empty(self, box: Outbox, end: float) -> None:
        while time.monotonic() < end and (message := next_message(box.waiting(), box.told(), self._clock(), self._limit)):
            box.trying(message)
            if self._sent(message):
                box.done(message)
            else:
                log.warning("%s does not take alerts: %d wait for it", self.destination.name, len(box.waiting()))
                return

    def _sent(self, message: Message) -> bool:
        """Send; of one that was refused again and again the text alone, or else a few words that cannot be refused."""
        if self.destination.send(message.text, message.level, message.pictures):
            return True
        if message.tries < STUCK:
            return False
        if message.pictures and self.destination.send(message.text, message.level):
            log.error("%s refuses the pictures of this alert, and got the text alone: %s", self.destination.name, message.text)
            return True
        if not self.destination.send(_stand_in(message), message.level):
            return False
        log.error("%s refuses this alert, and it is dropped: %s", self.destination.name, message.text)
        return True


def _writable(alert: Alert) -> Alert:
    """Return an alert that can be written down and sent: what a provider quotes may hold halves of characters."""
    return replace(alert, text=alert.text.encode("utf-8", "replace").decode("utf-8"))


def _stand_in(message: Message) -> str:
    return STAND_IN.format(kind=", ".join(sorted({kind.replace("_", " ") for kind, _, _ in message.keys})))


def _turn(box: Outbox, end: float) -> bool:
    """Wait for the turn; who has it sends what this process has kept, too."""
    while not box.take_turn():
        if time.monotonic() > end:
            return False
        time.sleep(TURN_SECONDS)
    return True


def read_waiting(path: Path) -> list[Waiting]:
    """Return what waits in a destination's file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    with Outbox(path, time.time) as box:
        return box.waiting()
