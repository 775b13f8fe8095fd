"""What has been asked of the venue, and how much more it takes. A minute is one of the simulated clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

WEIGHT_A_MINUTE = 2400  # Source: Binance USD-M `GET /fapi/v1/exchangeInfo` (`rateLimits`), as the two below
ORDERS_IN_TEN_SECONDS = 300
ORDERS_A_MINUTE = 1200
MINUTE, TEN_SECONDS = timedelta(minutes=1), timedelta(seconds=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Meter:
    """What was used in the running window, which begins at every full multiple of its length."""

    limit: int
    window: timedelta
    used: int = 0
    _begun: datetime = _EPOCH

    def add(self, amount: int, now: datetime) -> None:
        """Count a use."""
        begun = now - (now - _EPOCH) % self.window
        if begun != self._begun:
            self._begun, self.used = begun, 0
        self.used += amount

    @property
    def exceeded(self) -> bool:
        """Whether more was used than the window allows."""
        return self.used > self.limit

    def seconds_left(self, now: datetime) -> int:
        """Return how long the running window still lasts, rounded up."""
        return -((now - self._begun - self.window) // timedelta(seconds=1))


@dataclass(slots=True)
class OrderMeters:
    """The orders of one account."""

    ten_seconds: Meter = field(default_factory=lambda: Meter(ORDERS_IN_TEN_SECONDS, TEN_SECONDS))
    minute: Meter = field(default_factory=lambda: Meter(ORDERS_A_MINUTE, MINUTE))

    def add(self, now: datetime) -> None:
        """Count an order."""
        for meter in self:
            meter.add(1, now)

    def __iter__(self) -> Iterator[Meter]:
        return iter((self.ten_seconds, self.minute))


@dataclass(slots=True)
class Calls:
    """The calls of one endpoint since the start, and their weight together."""

    count: int = 0
    weight: int = 0


@dataclass(slots=True)
class Limits:
    """Of all clients together, who share one address, and of each account.

    Attributes:
        weight: Of all requests.
        orders: By account.
        calls: By method and path, such as `GET /fapi/v1/klines`.
    """

    weight: Meter = field(default_factory=lambda: Meter(WEIGHT_A_MINUTE, MINUTE))
    orders: defaultdict[str, OrderMeters] = field(default_factory=lambda: defaultdict(OrderMeters))
    calls: defaultdict[str, Calls] = field(default_factory=lambda: defaultdict(Calls))

    def add(self, endpoint: str, weight: int, now: datetime) -> None:
        """Count a request."""
        self.weight.add(weight, now)
        self.calls[endpoint].count += 1
        self.calls[endpoint].weight += weight

    def reset(self) -> None:
        """Begin all windows anew; the calls since the start stay."""
        self.weight.used = 0
        self.orders.clear()
