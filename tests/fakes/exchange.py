"""A venue that does what the test says: fills, refuses, or falls silent, order by order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from arena.application.ports import VenueBook
from arena.domain.client_id import parse_client_order_id
from arena.domain.money import ZERO
from arena.domain.order import Fill, Leg, Order, OrderOutcome, OrderStatus, RestingOrder
from arena.errors import ExchangeUnavailable

Answer = Callable[[Order], OrderOutcome]


def filled(order: Order) -> OrderOutcome:
    return OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.FILLED, filled_quantity=order.quantity)


def resting(order: Order) -> OrderOutcome:
    return OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.RESTING)


def refused(order: Order) -> OrderOutcome:
    return OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.REFUSED, code=-2021, message="refused")


def unknown(order: Order) -> OrderOutcome:
    return OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.UNKNOWN)


def unreachable(order: Order) -> OrderOutcome:
    raise ExchangeUnavailable("the venue cannot be reached")


class ScriptedExchange:
    """Fills market orders and rests conditional ones, unless a leg's behaviour is given.

    Attributes:
        sent: (leg, order) in the order of sending; cancelled: client ids.
        found: What has become of orders that can be cancelled no more; `ends` of those that a cancel ends.
        together: Of which symbols it cancels the orders at once; one that can be cancelled no more is left out.
    """

    def __init__(
        self,
        *,
        uncancellable: frozenset[str] = frozenset(),
        found: Mapping[str, OrderOutcome] | None = None,
        ends: Mapping[str, OrderOutcome] | None = None,
        together: Collection[str] = (),
        **legs: Answer,
    ) -> None:
        self._legs = legs
        self.found = dict(found or {})
        self._ends = dict(ends or {})
        self._uncancellable = uncancellable
        self._together = together
        self.sent: list[tuple[Leg, Order]] = []
        self.cancelled: list[str] = []
        self.journal: list[str] = []

    async def prepare(self, symbols: Sequence[str], leverage: int) -> None:
        self.journal.append("prepare")

    async def place(self, order: Order) -> OrderOutcome:
        key = parse_client_order_id(order.client_order_id)
        assert key is not None
        self.sent.append((key.leg, order))
        self.journal.append(f"{key.leg.name.lower()} {order.symbol}")
        default = resting if order.order_type.conditional else filled
        return self._legs.get(key.leg.name.lower(), default)(order)

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        if client_order_id in self._uncancellable:
            raise ExchangeUnavailable("the venue cannot be reached")
        if client_order_id in self.found:
            return False
        self.cancelled.append(client_order_id)
        self.found |= {name: ended for name, ended in self._ends.items() if name == client_order_id}
        self.journal.append(f"cancel {symbol}")
        return True

    async def cancel_together(
        self, symbol: str, client_order_ids: Sequence[str], *, conditional: bool
    ) -> Mapping[str, OrderOutcome]:
        if symbol not in self._together:
            return {}
        self.journal.append(f"cancel {symbol} together")
        names = [name for name in client_order_ids if name not in self.found]
        self.cancelled += names
        return {name: OrderOutcome(client_order_id=name, status=OrderStatus.REFUSED) for name in names}

    async def find(self, symbol: str, client_order_id: str, *, conditional: bool) -> OrderOutcome | None:
        self.journal.append(f"find {symbol}")
        return self.found.get(client_order_id)

    async def resting(self, symbols: Sequence[str]) -> tuple[RestingOrder, ...]:
        return ()

    async def income(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        return {}

    async def fills(self, cursor: Mapping[str, int], since: datetime, until: datetime) -> tuple[Fill, ...]:
        return ()

    async def book(self) -> VenueBook:
        return VenueBook(positions={}, wallet_balance=ZERO, available_balance=ZERO, marks={}, unrealized_pnl=ZERO)
