"""Which intents are over after a unit of work: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from arena.application.settlement import Settlement
from arena.application.venue import Sent, missing_fills
from arena.domain.client_id import entry_of
from arena.domain.competitor import CompetitorId
from arena.domain.money import ZERO
from arena.domain.order import Intent, OrderOutcome, OrderStatus, OrderType


def finished_intents(
    known: Mapping[str, Intent],
    settlement: Settlement,
    sent: Sent,
    outcomes: Collection[tuple[CompetitorId, OrderOutcome]],
    waiting: Collection[str],
    lingering: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the client ids of intents that nothing more can come of.

    An intent whose order filled is finished, a limit's once all of it is filled. Another stays open while its order protects a
    position, while its own fate is not known, and while that of an order of the same entry (opening, stop, target, fallback) is
    not known. A limit order that rests is one whose fate is not known.

    Args:
        known: All that were open, this unit's included.
        settlement: After the last order.
        sent: By this unit.
        outcomes: Of its orders.
        waiting: Client ids of earlier orders whose fate is not known.
        lingering: Client ids of orders that nothing needs and that could not be cancelled.
    """
    held = [position for ledger in settlement.ledgers.values() for position in ledger.positions.values()]
    needed = {order_id for p in held for order_id in (p.stop_order_id, p.target_order_id)}.union(lingering)
    ended = {o.client_order_id for _, o in outcomes if o.status in (OrderStatus.FILLED, OrderStatus.REFUSED)}
    open_fate = {name for name in waiting if name not in ended and not _traded(known[name], settlement)}
    open_fate |= missing_fills(settlement, sent.filled)
    unsure = [o.client_order_id for _, o in outcomes if o.status in (OrderStatus.UNKNOWN, OrderStatus.RESTING)]
    open_fate |= {i for i in unsure if not known[i].order.order_type.conditional and not _traded_whole(known[i], settlement)}
    groups = {entry_of(order_id) for order_id in open_fate}
    filled = settlement.filled_ids() - open_fate
    return tuple(sorted(i for i in known if i in filled or (i not in needed | open_fate and entry_of(i) not in groups)))


def _traded(intent: Intent, settlement: Settlement) -> bool:
    """Return whether an order has traded, a limit whole: what a market order has not traded at once it never will."""
    if intent.order.order_type is OrderType.LIMIT:
        return _traded_whole(intent, settlement)
    return intent.order.client_order_id in settlement.filled_ids()


def _traded_whole(intent: Intent, settlement: Settlement) -> bool:
    return settlement.executed.get(intent.order.client_order_id, ZERO) >= intent.order.quantity
