"""What faults have begun and is not over yet: a ban, a restart, clocks that are off, orders that are not shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from arena.adapters.paper.account import PaperAccount

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Conditions:
    """The venue's state of health; all times are of its clock.

    Attributes:
        banned_until: Every request gets 418 before.
        down_until: Every request is dropped before.
        clocks_off: API keys whose signed requests are refused until they ask for the time.
    """

    banned_until: datetime = _LONG_AGO
    down_until: datetime = _LONG_AGO
    clocks_off: set[str] = field(default_factory=set)
    _hidden: dict[int, datetime] = field(default_factory=dict)

    def hide(self, order_id: int, until: datetime) -> None:
        """Show an order, conditional or not, to nobody before `until`."""
        self._hidden[order_id] = until

    def hidden(self, account: PaperAccount, now: datetime) -> Collection[int]:
        """Return the ids of the orders that are not shown now; one that a hidden conditional became is not shown either."""
        hidden = {order_id for order_id, until in self._hidden.items() if now < until}
        if not hidden:
            return hidden
        children = (paper.child_order_id for paper in account.conditionals.values() if paper.order_id in hidden)
        return hidden | {child for child in children if child is not None}
