"""Whether the books agree: what the competitors hold together, and the trades that are nobody's, is what the venue shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from arena.application.ports import VenueBook
from arena.application.record import Books, Bucket, Discrepancy
from arena.domain.competitor import AccountId, Season
from arena.domain.ledger import Ledger
from arena.domain.money import ZERO, plain
from arena.domain.order import PositionSide


def summed_positions(ledgers: Iterable[Ledger]) -> dict[tuple[str, PositionSide], Decimal]:
    """Return the signed quantity of all ledgers by symbol and side, base asset."""
    total: dict[tuple[str, PositionSide], Decimal] = {}
    for ledger in ledgers:
        for key, position in ledger.positions.items():
            total[key] = total.get(key, ZERO) + position.signed_quantity
    return total


def expected_buckets(season: Season, books: Books) -> dict[Bucket, Decimal]:
    """Return what each bucket of each account must hold: the ledgers' sum and the foreign trades, base asset, signed."""
    expected: dict[Bucket, Decimal] = dict(books.foreign)
    for account, llm_ids in season.accounts().items():
        for (symbol, side), quantity in summed_positions(books.ledgers[llm_id] for llm_id in llm_ids).items():
            expected[account, symbol, side] = expected.get((account, symbol, side), ZERO) + quantity
    return expected


def discrepancies(season: Season, books: Books, venue: Mapping[AccountId, VenueBook]) -> tuple[Discrepancy, ...]:
    """Return every bucket in which the venue holds something else than expected."""
    expected = expected_buckets(season, books)
    held = {(account, symbol, side): q for account, book in venue.items() for (symbol, side), q in book.positions.items()}
    return tuple(
        Discrepancy(
            account=account,
            symbol=symbol,
            position_side=side,
            ledgers=expected.get((account, symbol, side), ZERO) - books.foreign.get((account, symbol, side), ZERO),
            foreign_quantity=books.foreign.get((account, symbol, side), ZERO),
            venue=held.get((account, symbol, side), ZERO),
        )
        for account, symbol, side in sorted(expected.keys() | held.keys())
        if account in venue and expected.get((account, symbol, side), ZERO) != held.get((account, symbol, side), ZERO)
    )


def in_words(difference: Discrepancy) -> str:
    """Return a discrepancy as a sentence."""
    trades = f", trades by hand {plain(difference.foreign_quantity)}" if difference.foreign_quantity else ""
    return (
        f"the books differ in {difference.symbol} {difference.position_side}: the competitors hold {plain(difference.ledgers)}"
        f"{trades}, the venue {plain(difference.venue)}"
    )
