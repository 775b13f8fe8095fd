"""Whether the books agree: the competitors' positions, summed, are the venue's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from arena.application.record import Discrepancy
from arena.domain.ledger import Ledger
from arena.domain.money import ZERO
from arena.domain.order import PositionSide


def summed_positions(ledgers: Iterable[Ledger]) -> dict[tuple[str, PositionSide], Decimal]:
    """Return the signed quantity of all ledgers by symbol and side, base asset."""
    total: dict[tuple[str, PositionSide], Decimal] = {}
    for ledger in ledgers:
        for key, position in ledger.positions.items():
            total[key] = total.get(key, ZERO) + position.signed_quantity
    return total


def discrepancies(ledgers: Iterable[Ledger], venue: Mapping[tuple[str, PositionSide], Decimal]) -> tuple[Discrepancy, ...]:
    """Return every bucket in which the ledgers' sum differs from the venue's position."""
    ours = summed_positions(ledgers)
    return tuple(
        Discrepancy(
            symbol=symbol, position_side=side, ledgers=ours.get((symbol, side), ZERO), venue=venue.get((symbol, side), ZERO)
        )
        for symbol, side in sorted(ours.keys() | venue.keys())
        if ours.get((symbol, side), ZERO) != venue.get((symbol, side), ZERO)
    )
