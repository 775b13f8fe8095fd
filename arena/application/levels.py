"""How urgent an alert is: who wants to hear of some and not of others says from which level on."""

from __future__ import annotations

from enum import StrEnum

from arena.application.record import AlertKind


class Level(StrEnum):
    """From the least urgent on."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    def reaches(self, threshold: Level) -> bool:
        """Return whether somebody hears of it who wants to hear of `threshold` and more."""
        order = list(Level)
        return order.index(self) >= order.index(threshold)


_LEVELS = {
    AlertKind.OPENED: Level.INFO,
    AlertKind.CLOSED: Level.INFO,
    AlertKind.REPORT: Level.INFO,
    AlertKind.STOPPED: Level.WARNING,
    AlertKind.MODEL_FAILED: Level.WARNING,
    AlertKind.OUT_OF_BUDGET: Level.WARNING,
    AlertKind.MISSED: Level.WARNING,
    AlertKind.STORE: Level.WARNING,
    AlertKind.WATCH: Level.WARNING,
    AlertKind.LIQUIDATED: Level.CRITICAL,
    AlertKind.DISCREPANCY: Level.CRITICAL,
    AlertKind.UNPROTECTED: Level.CRITICAL,
    AlertKind.HALTED: Level.CRITICAL,
    AlertKind.SHUTDOWN: Level.CRITICAL,
}


def level_of(kind: AlertKind) -> Level:
    """Return how urgent an alert of a kind is."""
    return _LEVELS[kind]
