"""Every ledger again, from its capital on: fills and fundings through the functions that booked them, and what comes of it.

What a replay takes as given, since nothing here can give it again: fills, fundings and intents themselves, mark prices, which
orders protect a position, and how a trade of nobody's order was divided among its holders. These only marks and hashes guard.
A sweep's points are not kept, so that what it showed as unrealised is known from the last rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from arena.adapters.storage.restore import booked_fill_of, funding_of
from arena.adapters.storage.rows import Row, cell, flat
from arena.application.booking import points_of
from arena.application.record import LATELY, BookedFill
from arena.application.venue import marks_of
from arena.audit.findings import Finding, differences, name_of
from arena.audit.intents import Intents
from arena.audit.journal import OPENING, Unit
from arena.domain.client_id import cause_of
from arena.domain.competitor import CompetitorId, Season
from arena.domain.costs import FundingPayment, funding_payment
from arena.domain.ledger import ClosedTrade, Ledger, LedgerEntry, Posting, apply_fill, apply_funding, covered, opened
from arena.domain.market import FundingRate
from arena.domain.money import ZERO

UNREADABLE = (ValueError, ArithmeticError, TypeError, KeyError, AttributeError)  # of a cell that was changed
T = TypeVar("T")


@dataclass(slots=True)
class Posted:
    """What one unit of work comes to: entries and trades, and what else its fills and fundings must say."""

    entries: list[LedgerEntry] = field(default_factory=list)
    closed: list[ClosedTrade] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    funding: list[Row] = field(default_factory=list)


class Replay:
    """The books of a season, unit of work by unit of work.

    Attributes:
        ledgers: After the last unit.
        marks: At which it valued what is held, USDT; None where it kept none.
        lost: Competitors that are followed no further: what is booked of them after a difference follows from something else.
        findings: Where rows differ from what comes of the events.
    """

    def __init__(self, season: Season, intents: Intents) -> None:
        self.season, self._intents = season, intents
        self.ledgers: dict[CompetitorId, Ledger] = {}
        self.marks: Mapping[str, Decimal] | None = None
        self.lost: set[str] = set()
        self.findings: list[Finding] = []
        self._lately: list[BookedFill] = []
        self._until = season.started_at
        self._strangers: set[str] = set()

    def follow(self, unit: Unit) -> Posted:
        """Post a unit of work, compare what comes of it with its rows, and return it."""
        posted = self._opened() if unit.number == OPENING else self._posted(unit)
        for table, given in (
            ("ledger_entries", [flat(entry) for entry in posted.entries]),
            ("closed_trades", [flat(trade) for trade in posted.closed]),
            ("fills", posted.fills),
            ("funding", posted.funding),
        ):
            self.lost |= self._compare(unit, table, given)
        self._value(unit)
        return posted

    def _opened(self) -> Posted:
        posted = Posted()
        for each in self.season.competitors:
            self._book(opened(each.llm_id, each.capital, self.season.started_at), posted)
        return posted

    def _posted(self, unit: Unit) -> Posted:
        """Post the events in the order in which they were settled: by time, a funding before a fill."""
        posted = Posted()
        payments = self._read(unit, "funding", funding_of)
        fills = self._read(unit, "fills", booked_fill_of)
        self._lately = [each for each in self._lately if each.fill.time > self._until - LATELY]
        events: list[tuple[datetime, int, FundingPayment | BookedFill]] = [(each.time, 0, each) for each in payments]
        events += [(each.fill.time, 1, each) for each in fills]
        for _, _, event in sorted(events, key=lambda each: each[:2]):
            if isinstance(event, FundingPayment):
                self._charge(event, posted)
            elif event.llm_id not in self.lost:
                self._trade(event, unit, posted)
        self._lately += fills
        return posted

    def _read(self, unit: Unit, table: str, read: Callable[[Row], T]) -> list[T]:
        """Return the events of those who are followed; whose event cannot be read is not followed any more."""
        events = []
        for row in self._followed(unit, table):
            try:
                events.append(read(row))
            except UNREADABLE:
                self._lose(unit, table, row, "cannot be read")
        return events

    def _followed(self, unit: Unit, table: str) -> list[Row]:
        rows = unit.tables.get(table, [])
        for row in rows:
            if row["llm_id"] not in self.ledgers and row["llm_id"] not in self._strangers:
                self._strangers.add(row["llm_id"])
                what = "is of nobody who competes, and may not be the only one"
                self.findings.append(Finding(table=table, row=name_of(table, row), booking=unit.number, what=what))
        return [row for row in rows if self.follows(row["llm_id"])]

    def follows(self, llm_id: str) -> bool:
        """Return whether somebody's books are followed."""
        return llm_id in self.ledgers and llm_id not in self.lost

    def _trade(self, booked: BookedFill, unit: Unit, posted: Posted) -> None:
        fill, llm_id = booked.fill, booked.llm_id
        try:
            intent = self._intents.known(fill.client_order_id, unit.number)
            posting = apply_fill(self.ledgers[llm_id], fill, intent)
        except UNREADABLE:
            self._lose(unit, "fills", {**flat(fill), "llm_id": llm_id}, "cannot be posted")
            return
        self._book(posting, posted)
        if (cover := covered(self.ledgers[llm_id], fill)) is not None:
            self._book(cover, posted)
        given = {"realized_pnl": cell(posting.realized_pnl), "cause": cell(cause_of(fill.client_order_id))}
        key = {"trade_id": fill.trade_id, "symbol": fill.symbol, "exchange_order_id": fill.exchange_order_id}
        posted.fills.append({"llm_id": llm_id, **key, **given})

    def _charge(self, payment: FundingPayment, posted: Posted) -> None:
        rate = FundingRate(symbol=payment.symbol, time=payment.time, rate=payment.funding_rate, mark_price=payment.mark_price)
        due = funding_payment(payment.llm_id, payment.position_side, self._held_at(payment), rate)
        posted.funding.append(flat(due))
        self._book(apply_funding(self.ledgers[payment.llm_id], due), posted)

    def _held_at(self, payment: FundingPayment) -> Decimal:
        """Return the signed quantity before everything that earlier units booked of the funding's time and later."""
        key = (payment.symbol, payment.position_side)
        position = self.ledgers[payment.llm_id].positions.get(key)
        later = (
            each.fill.signed_quantity
            for each in self._lately
            if each.llm_id == payment.llm_id
            and (each.fill.symbol, each.fill.position_side) == key
            and each.fill.time >= payment.time
        )
        return (position.signed_quantity if position else ZERO) - sum(later, ZERO)

    def _book(self, posting: Posting, posted: Posted) -> None:
        self.ledgers[posting.ledger.llm_id] = posting.ledger
        posted.entries += posting.entries
        if posting.closed_trade is not None:
            posted.closed.append(posting.closed_trade)

    def _value(self, unit: Unit) -> None:
        """Compare a cycle's points with what the ledgers are worth at its marks."""
        self.marks = None
        if unit.number == OPENING:
            return
        try:
            self._until = datetime.fromisoformat(unit.head["closed_at"])
            rows = unit.tables.get("position_points", [])
            marks = {row["symbol"]: Decimal(row["mark_price"]) for row in rows}
            if unit.is_sweep:
                return
            equity, positions = points_of(self.ledgers, marks_of(self.ledgers.values(), marks), self._until)
        except UNREADABLE:
            what = "has a time, or points, that cannot be read"
            self.findings.append(Finding(table="bookings", row=str(unit.number), booking=unit.number, what=what))
            return
        self.marks = marks
        cycle = {"cycle": next((row["cycle"] for row in unit.tables.get("equity_points", [])), unit.head["cycle"])}
        self._compare(unit, "equity_points", [{**cycle, **flat(point)} for point in equity])
        self._compare(unit, "position_points", [{**cycle, **flat(point)} for point in positions])

    def _compare(self, unit: Unit, table: str, given: Iterable[Row]) -> set[str]:
        """Note where the rows of those who are followed differ from what is given; return whose do."""
        stored, rows, differ = self._followed(unit, table), list(given), set[str]()
        for llm_id in [each for each in self.ledgers if each not in self.lost]:
            own, right = ([row for row in some if row["llm_id"] == llm_id] for some in (stored, rows))
            if (own or right) and (found := differences(table, own, right, unit.number)):
                self.findings += found
                differ.add(llm_id)
        return differ

    def _lose(self, unit: Unit, table: str, row: Row, what: str) -> None:
        self.findings.append(Finding(table=table, row=name_of(table, row), booking=unit.number, what=what))
        self.lost.add(row["llm_id"])
